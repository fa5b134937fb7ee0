package pinode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

const decay = `model Decay {
  param k = 0.7
  state x = 2
  x' = -k*x
}
simulate { until: 1.5, times: [1.5], solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

// TestSolver: one trajectory with its gradient, many side by side, and nothing
// allocated once memory has grown.
func TestSolver(t *testing.T) {
	m, err := Parse("decay.node", decay)
	require.NoError(t, err)
	s, err := m.NewSolver(1, nil, SimulateOptions{})
	require.NoError(t, err)
	_, err = s.Gradient([]float64{1})
	require.ErrorContains(t, err, "nothing was run yet")
	require.NoError(t, s.Run())
	want := 2 * math.Exp(-0.7*1.5)
	require.InEpsilon(t, want, s.Ends[0][0], 1e-9)
	g, err := s.Gradient([]float64{1})
	require.NoError(t, err)
	require.InEpsilon(t, -1.5*want, g[0], 1e-9)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		_ = s.Run()
		_, _ = s.Gradient([]float64{1})
	}))
	_, err = s.Gradient([]float64{1, 2})
	require.ErrorContains(t, err, "2 weights of states at the end, where the model has 1 states")

	const n = 1000
	many, err := m.NewSolver(n, []string{"k", "x"}, SimulateOptions{})
	require.NoError(t, err)
	values := make([][]float64, n)
	for i := range values {
		values[i] = []float64{0.1 + float64(i)/n, 1 + float64(i%7)}
	}
	require.NoError(t, many.Run(values...))
	_, err = many.Gradient([]float64{1})
	require.ErrorContains(t, err, "not of 1000")
	for i, v := range values {
		require.InEpsilon(t, v[1]*math.Exp(-1.5*v[0]), many.Ends[i][0], 1e-9)
	}
	for i := 0; i < n; i += 97 { // alone it has the same bits
		require.Equal(t, many.Ends[i], endAlone(t, m, map[string]float64{"k": values[i][0], "x": values[i][1]}))
	}
	require.ErrorContains(t, many.Run(values[:2]...), "2 rows of values for 1000")
	_, err = m.NewSolver(1, []string{"q"}, SimulateOptions{})
	require.Error(t, err)
}

// endAlone is where a simulation of one trajectory ends.
func endAlone(t *testing.T, m *Model, set map[string]float64) []float64 {
	t.Helper()
	s, err := m.Simulate(t.Context(), SimulateOptions{Set: set, Workers: 1})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	return rows[len(rows)-1][1 : 1+m.prog.Model.Layout.NUser]
}
