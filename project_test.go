package pinode

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/solvers"
)

const kepler = `model Kepler {
  param m in (0, inf) = 1
  param e = 0.6
  param kick = 0.98
  state x = 1 - e
  state y = 0
  state u = 0
  state v = sqrt((1 + e)/(1 - e))
  let r = sqrt(x^2 + y^2)
  let energy = (u^2 + v^2)/2 - m/r
  let momentum = x*v - y*u
  x' = u
  y' = v
  u' = -m*x/r^3
  v' = -m*y/r^3
  conserve energy0 = energy { mode: project }
  conserve momentum0 = momentum { mode: project }
%s  observe a = x ~ normal(0.1)
  observe b = v ~ normal(0.1)
}
`

// TestProjection: over many periods the quantities that steps are projected to keep their
// values to 1e-12, and do not without; with events they keep those of each piece.
func TestProjection(t *testing.T) {
	for _, event := range []string{"", "  event pushed at t = 60.3 { u := kick*u; v := kick*v }\n"} {
		for _, solver := range []string{"tsit5 { rtol: 1e-5, atol: 1e-7 }", "vern7 { rtol: 1e-6, atol: 1e-8 }", "rk4 { step: 0.01 }", "rodas5p { rtol: 1e-5, atol: 1e-7 }"} {
			text := fmt.Sprintf(kepler, event) + "simulate { until: 300, step: 10, solver: " + solver + " }"
			drift := func(text string) (worst float64) {
				m, err := Parse("kepler.node", text)
				require.NoError(t, err)
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err)
				row := s.Trajectories[0].Rows
				end, start := row[len(row)-1], row[0]
				for _, name := range []string{"energy", "momentum"} {
					for k, c := range s.Columns {
						if c != name {
							continue
						}
						if event != "" { // the first row behind it
							for _, r := range row {
								if r[0] <= 60.3 {
									start = r
								}
							}
						}
						worst = max(worst, math.Abs(end[k]-start[k]))
					}
				}
				return worst
			}
			require.Less(t, drift(text), 1e-12, "%s%s", event, solver)
			require.Greater(t, drift(strings.ReplaceAll(text, "{ mode: project }", "")), 1e-9, "%s%s", event, solver)
		}
	}
}

// TestProjectionIsDifferentiated: gradients through projections and events are those of
// differences, in all modes, with every kind of method.
func TestProjectionIsDifferentiated(t *testing.T) {
	csv := "group,t,a,b\n"
	for k := range 3 {
		for i := range 6 + 2*k {
			at := 0.61*float64(i) + 0.1
			csv += fmt.Sprintf("g%d,%g,%g,%g\n", k, at, math.Cos(at), 1.5*math.Cos(at))
		}
	}
	for _, event := range []string{"", "  event pushed when y < -0.2 { u := kick*u; v := kick*v }\n"} {
		for _, m := range []*solvers.Tableau{solvers.Tsit5, solvers.Vern7, solvers.RK4} {
			settings := m.Name + " { rtol: 1e-6, atol: 1e-8 }"
			modes := gradcheck.Modes
			if !m.Adaptive() {
				settings, modes = m.Name+" { step: 0.05 }", []string{"unrolled", "forward"}
			}
			f, err := fitOf(t, fmt.Sprintf(kepler, event), csv, "trajectory: group, a: a, b: b", "solver: "+settings)
			require.NoError(t, err)
			c := certificateOf(t, f, modes...)
			require.True(t, c.Certified(), "%s%s, %s: %s off by %g", event, m.Name, c.Where, c.Mode, c.Worst)
			require.Zero(t, c.Doubtful, m.Name)
		}
	}
}

// TestNotProjected: what a projection does not go with is refused.
func TestNotProjected(t *testing.T) {
	_, err := Parse("m.node", `model M {
  state h = 1
  state v = 0
  h' = v
  v' = -1
  event bounce when h <= 0 {
    v := -0.5*v
    zeno rest { h := 0; v := 0 }
  }
  conserve energy = v^2/2 + h { mode: project }
}`)
	require.ErrorContains(t, err, "`mode: project` is not supported yet in a model with states that come to rest")
}

// TestNoMultistepProjection: a method that goes on from several steps would begin anew with
// each.
func TestNoMultistepProjection(t *testing.T) {
	m, err := Parse("kepler.node", fmt.Sprintf(kepler, "")+"simulate { until: 1, solver: bdf }")
	require.NoError(t, err)
	_, err = m.Simulate(t.Context(), SimulateOptions{})
	require.ErrorContains(t, err, "`mode: project` is not supported yet with `solver: bdf`")
}
