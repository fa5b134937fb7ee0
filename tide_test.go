package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two tanks that a tide fills and empties through one opening: the flow turns where its slope is infinite, with a rate that is small
// there. Water runs downhill in every row, and the last levels are those of the classical method.
func TestTideTurns(t *testing.T) {
	t.Parallel()
	want := classical(func(t float64, y, f []float64) {
		d := y[0] - y[1]
		q := 0.6 * math.Copysign(math.Sqrt(math.Abs(d)), d)
		f[0], f[1] = 0.3*math.Sin(t)-q-0.02*y[0], q-0.1*y[1]
	}, []float64{1, 1.4}, 11.1, 400_000)
	times := ""
	for i := 1; i <= 30; i++ {
		times += fmt.Sprintf("%.4g, ", 0.37*float64(i))
	}
	for _, solver := range []string{"auto", "tsit5", "dop853", "kvaerno5", "radau"} {
		for _, rtol := range []float64{1e-4, 2e-5, 1e-6} {
			m, err := Parse("tide.node", fmt.Sprintf(`model Tide {
  param k = 0.6
  state a = 1
  state b = 1.4
  let q = k*sign(a - b)*sqrt(abs(a - b))
  a' = 0.3*sin(t) - q - 0.02*a
  b' = q - 0.1*b
}
simulate { times: [%s], solver: %s { rtol: %g } }`, times[:len(times)-2], solver, rtol))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err, "%s, %g", solver, rtol)
			rows := s.Trajectories[0].Rows
			for _, row := range rows {
				d := row[1] - row[2]
				require.GreaterOrEqual(t, row[3]*d, -30*rtol, "%s, %g at %g", solver, rtol, row[0])
			}
			last := rows[len(rows)-1]
			require.InDeltaSlice(t, want, last[1:3], 10*rtol+1e-6, "%s, %g", solver, rtol)
		}
	}
}
