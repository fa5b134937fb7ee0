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
