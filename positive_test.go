package pinode

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNonNegativeStates: what an enzyme uses up, at a rate with a pole a little below zero, is below it in
// no row where the file says so, alone and in a field's cells; without that some rows have it below.
func TestNonNegativeStates(t *testing.T) {
	const one = `model M {
  state c%s = 1
  c' = -c/(1e-3 + c)
}
`
	const many = `model M {
  coordinate x in [0, 1]
  state c(x)%s = 1 + x
  c' = 0.01*diff(c, x, x) - c/(1e-3 + c)
  boundary diff(c, x) = 0 at x = 0
  boundary diff(c, x) = 0 at x = 1
}
grid { x: 8 }
`
	for _, text := range []string{one, many} {
		for _, solver := range []string{"auto", "rodas5p", "bdf", "radau", "kvaerno5"} {
			if text == many && solver == "auto" {
				continue // it keeps off the pole there by itself
			}
			least := func(bound string) float64 {
				m, err := Parse("m.node", fmt.Sprintf(text, bound)+fmt.Sprintf("simulate { until: 3, step: 0.001, solver: %s { rtol: 1e-4, atol: 1e-6 } }\n", solver))
				require.NoError(t, err)
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err)
				low := 0.
				for _, name := range s.Columns {
					if name != "t" {
						low = min(low, slices.Min(s.Column(name)))
					}
				}
				return low
			}
			require.Negative(t, least(""), solver)
			require.Zero(t, least(" >= 0"), solver)
		}
	}
}
