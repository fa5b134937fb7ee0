package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/solvers"
)

// TestBallistic: methods solve the motion of a ball exactly, so that their steps are as long as the
// run, and the equations of implicit ones have to be solved anew for each step to a bounce, at which
// the height is the small difference of large terms. Flights last 2v/g and get shorter by e.
func TestBallistic(t *testing.T) {
	const e, g, until = 0.7, 9.81, 1.9
	v, at, area := 3., 0., 0.
	for at+2*v/g < until {
		area += v * (2 * v / g) * (2 * v / g) / 2 * (1 - 2./3)
		at, v = at+2*v/g, e*v
	}
	left := until - at
	height, speed := left*(v-g*left/2), v-g*left
	area += v*left*left/2 - g*left*left*left/6
	for _, m := range solvers.Methods {
		if !m.Adaptive() {
			continue
		}
		name := m.Name
		for _, rtol := range []float64{1e-3, 1e-6, 1e-9} {
			row := endOf(t, fmt.Sprintf(`
				model Ball {
				  state h = 0
				  state v = 3
				  state area = 0
				  discrete n = 0
				  h' = v
				  v' = -9.81
				  area' = h
				  event bounce when h <= 0 { v := -0.7*v; n += 1 }
				}
				simulate { until: %g, step: %g, solver: %s { rtol: %g, atol: %g } }`, until, until, name, rtol, rtol))
			within := 20 * rtol
			if m.Order < 3 { // of such errors add up
				within = 10 * math.Pow(rtol, 2./3)
			}
			require.InDelta(t, height, row[0], within, "height by %s at %g", name, rtol)
			require.InDelta(t, speed, row[1], within, "speed by %s at %g", name, rtol)
			require.InDelta(t, area, row[2], within, "area by %s at %g", name, rtol)
			require.Equal(t, float64(bounces(3, e, g, until)), row[3], "bounces by %s at %g", name, rtol)
		}
	}
}

// bounces is how often a ball bounces until a time.
func bounces(v, e, g, until float64) (n int) {
	for left := until - 2*v/g; left > 0; left -= 2 * v / g {
		n, v = n+1, e*v
	}
	return n
}
