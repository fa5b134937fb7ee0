package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJumpKeepsSide: an event at a crossing whose jump leaves what is beyond the surface there fires
// once a crossing; one that puts it on the surface, or back, fires without end.
func TestJumpKeepsSide(t *testing.T) {
	const text = `
		model M {
		  state x = 0
		  state v = 1
		  discrete n = 0
		  x' = v
		  v' = -x
		  event turn when %s { v := %s; n += 1 }
		}
		simulate { until: 12, step: 12 }`
	for _, jump := range []string{"1*v", "0.9*v", "v + 0*x", "v*(1 + x*x)"} {
		for _, when := range []string{"v < 0", "v <= 0", "falling(v)"} {
			row := endOf(t, fmt.Sprintf(text, when, jump))
			require.InDelta(t, math.Sin(12), row[0], 1e-5, "%s where %s", jump, when)
			require.InDelta(t, 2, row[2], 0, "%s where %s", jump, when)
		}
	}
	for _, jump := range []string{"0", "-0.5*v"} {
		m, err := Parse("m.node", fmt.Sprintf(text, "v < 0", jump))
		require.NoError(t, err)
		_, err = m.Simulate(t.Context(), SimulateOptions{})
		require.ErrorContains(t, err, "puts the state onto the surface of its own condition", jump)
	}
}

// TestReleasedInConstraint: a brake in an equation `0 = …` that holds the body is released at t = 1, from
// where on v = (t − 1).
func TestReleasedInConstraint(t *testing.T) {
	for _, solver := range []string{"tsit5", "rodas5p", "radau", "kvaerno5", "bdf"} {
		row := endOf(t, `
			model M {
			  state v = 0.5
			  discrete brake = 1
			  algebraic F = 0
			  event release at t = 1 { brake := 0 }
			  0 = F + (if brake > 0.5 then 2*sign(v) else 0) - 1
			  v' = F
			}
			simulate { until: 3, step: 3, solver: `+solver+` { rtol: 1e-9, atol: 1e-11 } }`)
		require.InDelta(t, 2, row[0], 1e-7, solver)
	}
}

// TestStartsEmpty: h' = q − b √h from h = 0, where the slope of the field is infinite. With s = √h, time is
// t = −(2/b) (s + (q/b) ln(1 − b s/q)).
func TestStartsEmpty(t *testing.T) {
	const q, b, until = 0.3, 0.5, 20.
	lo, hi := 0., q/b
	for range 200 {
		if s := (lo + hi) / 2; -(2/b)*(s+(q/b)*math.Log(1-b*s/q)) < until {
			lo = s
		} else {
			hi = s
		}
	}
	for _, solver := range []string{"tsit5", "rosenbrock23", "rodas4", "rodas5p", "kvaerno5", "radau", "bdf"} {
		row := endOf(t, `
			model M {
			  state h = 0
			  h' = 0.3 - 0.5*sqrt(max(h, 0))
			}
			simulate { until: 20, step: 20, solver: `+solver+` { rtol: 1e-7, atol: 1e-9 } }`)
		require.InDelta(t, lo*lo, row[0], 1e-6, solver)
	}
}
