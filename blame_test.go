package pinode

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFailuresBlame: a run that cannot go on names the state whose rate has no value, not
// the largest, and the unknown whose branch ends.
func TestFailuresBlame(t *testing.T) {
	const root = `model N {
  state a = 1000
  state b = 1
  state c = 1
  a' = -1e4*(a - 1000)
  b' = -2*sqrt(b) - 0.1
  c' = b
}
simulate { until: 20, solver: %s }`
	const fold = `model F {
  state x = 1
  state big = 1e6
  algebraic q = 1
  x' = -1
  big' = 0
  0 = q^2 - x
}
simulate { until: 2, solver: %s }`
	for _, solver := range []string{"tsit5", "rodas5p", "bdf", "auto"} {
		for text, want := range map[string]string{root: "`b`, by the equation", fold: "fold"} {
			m, err := Parse("fails.node", fmt.Sprintf(text, solver))
			require.NoError(t, err)
			_, err = m.Simulate(context.Background(), SimulateOptions{})
			require.ErrorContains(t, err, want, solver)
			if text == fold {
				require.ErrorContains(t, err, "`q`", solver)
			}
		}
	}
}
