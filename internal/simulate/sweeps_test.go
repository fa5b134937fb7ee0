package simulate_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// decaying is x' = −k x from x = 2, with settings of its simulation.
func decaying(t *testing.T, settings string) *pinode.Model {
	t.Helper()
	m, err := pinode.Parse("m.node", "model M {\n  param k in (0, 3) = 0.5\n  state x = 2\n  let twice = 2*x\n  x' = -k*x\n}\nsimulate { solver: tsit5 { rtol: 1e-11, atol: 1e-13 }, "+settings+" }")
	require.NoError(t, err)
	return m
}

// lastOf is the last row of a trajectory.
func lastOf(tr *pinode.Trajectory) []float64 { return tr.Rows[len(tr.Rows)-1] }

// TestSweepAndSamples: every point of a sweep with every draw, the draws from the seed
// of the file, and a value that is set beside.
func TestSweepAndSamples(t *testing.T) {
	m := decaying(t, "from: 1, until: 3, seed: 7, sweep: { k: [0.2, 0.9] }, samples: 3 { x: normal(4, 0.5) }")
	s, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.Len(t, s.Trajectories, 6)
	for i, tr := range s.Trajectories {
		k, draw := []float64{0.2, 0.9}[i/3], i%3
		x := distuv.Normal{Mu: 4, Sigma: 0.5, Src: fit.Stream(7, "sample x", draw)}.Rand()
		require.Equal(t, fmt.Sprintf("k=%g, sample=%d", k, draw), tr.Name)
		require.Equal(t, 1., tr.Rows[0][0])
		require.InDelta(t, x, tr.Rows[0][1], 1e-12)
		require.InEpsilon(t, x*math.Exp(-2*k), lastOf(tr)[1], 1e-9)
	}
	again, err := m.Simulate(t.Context(), pinode.SimulateOptions{Workers: 1})
	require.NoError(t, err)
	require.Equal(t, s.Trajectories, again.Trajectories, "the number of workers changes no bit")
	require.NoError(t, m.Set("simulate.seed", "8", "a test"))
	other, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, s.Column("x"), other.Column("x"))
	_, err = m.Simulate(t.Context(), pinode.SimulateOptions{Set: map[string]float64{"x": 1}})
	require.ErrorContains(t, err, "`x` is set to 1, and the simulate block gives it values of its own")
}

// TestDraws: each distribution that samples can be drawn from.
func TestDraws(t *testing.T) {
	for text, want := range map[string]float64{
		"normal(1, 2)":     distuv.Normal{Mu: 1, Sigma: 2, Src: fit.Stream(1, "sample x", 0)}.Rand(),
		"lognormal(1, 2)":  distuv.LogNormal{Mu: 1, Sigma: 2, Src: fit.Stream(1, "sample x", 0)}.Rand(),
		"uniform(3, 5)":    distuv.Uniform{Min: 3, Max: 5, Src: fit.Stream(1, "sample x", 0)}.Rand(),
		"exponential(4)":   distuv.Exponential{Rate: 0.25, Src: fit.Stream(1, "sample x", 0)}.Rand(),
		"laplace(1, 2)":    distuv.Laplace{Mu: 1, Scale: 2, Src: fit.Stream(1, "sample x", 0)}.Rand(),
		"student(5, 1, 2)": distuv.StudentsT{Nu: 5, Mu: 1, Sigma: 2, Src: fit.Stream(1, "sample x", 0)}.Rand(),
	} {
		s, err := decaying(t, "until: 1, samples: 1 { x: "+text+" }").Simulate(t.Context(), pinode.SimulateOptions{})
		require.NoError(t, err, text)
		require.Equal(t, want, s.Trajectories[0].Rows[0][1], text)
	}
}

// TestOutputs: the columns that are asked for, in their order, behind the time.
func TestOutputs(t *testing.T) {
	s, err := decaying(t, "until: 1, step: 0.5, outputs: [twice, x]").Simulate(t.Context(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "twice", "x"}, s.Columns)
	require.Len(t, s.Units, 3)
	for i, row := range s.Trajectories[0].Rows {
		x := 2 * math.Exp(-0.25*float64(i))
		require.InDeltaSlice(t, []float64{0.5 * float64(i), 2 * x, x}, row, 1e-9)
	}
	_, err = decaying(t, "until: 1, outputs: [z]").Simulate(t.Context(), pinode.SimulateOptions{})
	require.ErrorContains(t, err, "there is no output `z`; there are x, twice")
}

// TestSlots: what can be set, and what cannot.
func TestSlots(t *testing.T) {
	m := decaying(t, "until: 1")
	s, err := m.Simulate(t.Context(), pinode.SimulateOptions{Set: map[string]float64{"k": 2, "x": 3}, Until: 0.5})
	require.NoError(t, err)
	require.InEpsilon(t, 3*math.Exp(-1), lastOf(s.Trajectories[0])[1], 1e-9)
	_, err = m.Simulate(t.Context(), pinode.SimulateOptions{Set: map[string]float64{"k": 4}})
	require.ErrorContains(t, err, "k = 4 is outside of its interval")
	_, err = m.Simulate(t.Context(), pinode.SimulateOptions{Set: map[string]float64{"q": 4}})
	require.ErrorContains(t, err, "the model has no parameter `q`; it has k")
	_, err = m.Simulate(t.Context(), pinode.SimulateOptions{At: &pinode.Values{Params: map[string]float64{"k": 5}}})
	require.ErrorContains(t, err, "k = 5 is outside of its interval")
	_, err = m.Simulate(t.Context(), pinode.SimulateOptions{Until: -1})
	require.ErrorContains(t, err, "the simulation ends at -1, before its start at 0")
}
