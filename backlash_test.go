package pinode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBacklash: play that is taken up follows its drive, on its surface by the equations
// alone, from which the errors of steps take it away: the derivative by the play is −1 there,
// and so that of the loss is −Σ (x − y)/σ² over the number of rows, x = sin t − b.
func TestBacklash(t *testing.T) {
	m := fromText(t, `model Play {
  param b = 0.3
  state x = 0
  x' = if sin(t) - x >= b then cos(t) else 0
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
simulate { solver: tsit5 { rtol: 1e-3, atol: 1e-5 } }
fit { solver: tsit5 { rtol: 1e-3, atol: 1e-5 } }`, "t,y\n0,0\n0.32,0.02\n0.33,0.01\n")
	ev, err := m.Evaluate(t.Context(), EvaluateOptions{})
	require.NoError(t, err)
	want := 0.
	for _, r := range [][2]float64{{0.32, 0.02}, {0.33, 0.01}} {
		want -= (math.Sin(r[0]) - 0.3 - r[1]) / 0.01 / 3
	}
	require.InEpsilon(t, want, ev.LossGradient.Params["b"], 1e-2)
}
