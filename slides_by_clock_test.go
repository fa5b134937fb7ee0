package pinode

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSlidesUnderAClock: a converter whose switch follows a sawtooth slides along zero current from
// where the current ends to the next beat. The state at zero is what terms of the size of 50 leave of
// each other, more than its tolerance's round-off: the implicit steps to the beat are solved all the
// same. The figures are those of the pieces in closed loop by dop853 at 1e-12, each with its times located.
func TestSlidesUnderAClock(t *testing.T) {
	const model = `model M {
  state x = 0.2
  state v = 3
  v' = (x - v/8)/4
  x' = if mod(t, 1) < 0.4 then 12 - v else (if x > 0 then -8 - v else 50 - v)
}
simulate { until: 7.5, step: 7.5, solver: %s { rtol: %g, atol: %g } }`
	for _, solver := range jumpingSolvers {
		for _, tol := range [][2]float64{{1e-5, 1e-9}, {1e-6, 1e-12}, {1e-8, 1e-14}} {
			run, err := simulated(t, fmt.Sprintf(model, solver, tol[0], tol[1]))
			require.NoError(t, err, "%s %g", solver, tol)
			row := run.Rows[len(run.Rows)-1][1:]
			require.InDelta(t, 4.3786875, row[1], 1e-6+3*tol[0], "%s %g", solver, tol)
			ends := 0
			for _, e := range run.Events {
				if e.Name == "slide end" {
					ends++
					require.InDelta(t, ends, e.Time, 1e-9, "%s %g", solver, tol)
				}
			}
			require.Equal(t, 7, ends, "%s %g", solver, tol)
		}
	}
}

// TestGuardsInTermsOfTheLanguage: what is said of a guard inside of a term of the language names its call.
func TestGuardsInTermsOfTheLanguage(t *testing.T) {
	_, err := simulated(t, "model G {\n  state x = 0\n  x' = mod((t - 1)^2, 1)\n}\nsimulate { until: 3, step: 3 }")
	require.ErrorContains(t, err, "of `mod((t - 1)^2, 1)` at ")
	require.NotContains(t, err.Error(), "prelude")
}
