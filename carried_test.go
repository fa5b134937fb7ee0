package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCarried: a ball comes to rest on a lift that rises steadily and is carried by it: in the frame of the lift it falls from h₀
// with −r, and its bounces end where their lengths add up to.
func TestCarried(t *testing.T) {
	const e, r, h0, g = 0.55, 0.4, 1., 9.81
	first := (-r + math.Sqrt(r*r+2*g*h0)) / g
	end := first + 2*(r+g*first)/g*e/(1-e)
	for _, solver := range []string{"auto", "vern9", "rodas5p", "radau"} {
		for _, rtol := range []float64{1e-5, 1e-8} {
			text := fmt.Sprintf(`model Lift {
  param r = 0.4
  state h = 1
  state v = 0
  h' = v
  v' = -9.81
  event bounce when h <= r*t { v := r - 0.55*(v - r); zeno rest { v := r } }
  observe y = h ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { solver: %s { rtol: %g, atol: %g } }
simulate { until: 3, step: 3, solver: %[1]s { rtol: %[2]g, atol: %[3]g } }`, solver, rtol, rtol)
			times := firings(t, text, "bounce")
			require.Less(t, len(times), 40)
			require.InDelta(t, end, times[len(times)-1], 1e-4)
			m := fromText(t, text, "t,y\n2,0\n3,0\n")
			require.InDelta(t, 3*r, lastRow(t, m)[1], 1e-6, solver)
			v, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err)
			require.InDelta(t, -r*(4+9), v.Gradient.Params["r"], 1e-4, solver)
		}
	}
	_, err := fromText(t, `model Lift {
  state h = 1
  state v = 0
  h' = v
  v' = -9.81
  event bounce when h <= 0.4*t { v := 0.4 - 0.55*(v - 0.4); zeno rest { h := 0.4*t; v := 0.4 } }
}
simulate { until: 3, step: 3 }`, "").Simulate(t.Context(), SimulateOptions{})
	require.ErrorContains(t, err, "on a surface that moves assign the velocity alone")
}
