package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPeriodicWindup: an integrator that saturates under a periodic drive comes back to its
// limit period after period just where its rate turns round, so that its guard only touches
// there. Behind the first saturation x = L + (a/ω)(−cos(ωt + φ) − 1), whatever else there is;
// delayed events elsewhere move the steps, and must not move the derivatives.
func TestPeriodicWindup(t *testing.T) {
	for _, c := range []struct{ p, omega, phase, limit, a float64 }{
		{0.387, 3.212, 1.343, 0.402, 1.178},
		{0.744, 2.273, 0.763, 0.585, 1.331},
		{0.341, 2.981, 0.498, 0.599, 1.122},
		{0.915, 3.2, 1.198, 0.49, 1.023},
		{1.185, 2.902, 0.45, 0.248, 1.53},
	} {
		drive := fmt.Sprintf("a*sin(%g*t + %g)", c.omega, c.phase)
		m, err := Parse("windup.node", fmt.Sprintf(`model Windup {
  param a = %g
  param L = %g
  param p = %g
  state x = 0.1
  state y = 0
  x' = if x >= L and %s > 0 then 0 else %[4]s
  y' = p + 0.1*sin(y)
  event back when y >= 1 after 0.285 { y := 0.26*y }
}
simulate { until: 5, step: 5, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`, c.a, c.limit, c.p, drive))
		require.NoError(t, err)
		cert, err := m.Certify(t.Context(), 10)
		require.NoError(t, err)
		require.True(t, cert.Certified(), "%v: %s, %s: %g", c, cert.Mode, cert.Where, cert.Worst)
		want := map[string]float64{"a": (-math.Cos(c.omega*5+c.phase) - 1) / c.omega, "L": 1, "p": 0}
		for _, target := range cert.Targets {
			if target.Name != "x at 5" {
				continue
			}
			for _, row := range target.Rows {
				for j, mode := range cert.Modes {
					require.InDelta(t, want[row.Name], row.Gradient[j], 1e-7, "%v, by %s, %s", c, row.Name, mode)
				}
				delete(want, row.Name)
			}
		}
		require.Empty(t, want)
	}
}

// TestSaturates: an integrator leaves its limits when what it integrates, a cosine, turns, by no rate but that of the cosine: which is
// zero there as far as the time is known.
func TestSaturates(t *testing.T) {
	const a, w, m = 2., 1.3, 0.9
	times := []float64{1, 2, 3, 4, 6, 6.5}
	wants := []float64{m, m + a/w*(math.Sin(w*2)-1), -m, -m + a/w*(math.Sin(w*4)+1), m, m + a/w*(math.Sin(w*6.5)-1)}
	model, err := Parse("saturates.node", fmt.Sprintf(`
		model M {
		  state I = 0
		  let e = %g*cos(%g*t)
		  I' = if (I >= %[3]g and e > 0) or (I <= -%[3]g and e < 0) then 0 else e
		}
		simulate { until: 6.5, times: [1, 2, 3, 4, 6, 6.5] }`, a, w, m))
	require.NoError(t, err)
	for _, solver := range []string{"auto", "tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, rtol := range []float64{1e-4, 1e-7, 1e-10} {
			require.NoError(t, model.Set("simulate.solver", fmt.Sprintf("%s { rtol: %g, atol: %g }", solver, rtol, rtol), "the test"))
			s, err := model.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err)
			rows := s.Trajectories[0].Rows
			require.Len(t, rows, len(times))
			for i, want := range wants {
				require.InDelta(t, times[i], rows[i][0], 1e-12)
				require.InDelta(t, want, rows[i][1], 1e-8+30*rtol, "%s at %g, t = %g", solver, rtol, times[i])
			}
		}
	}
}
