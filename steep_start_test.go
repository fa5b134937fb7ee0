package pinode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

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
