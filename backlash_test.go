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

// TestPlay: what a drive with play takes along is the play operator of it, x ← max(sin t − b,
// min(sin t + b, x)) as t goes on. Its equations hold x on one of two surfaces along which one
// field leads and onto which the other does; the steps are as few as the motion asks for.
func TestPlay(t *testing.T) {
	m, err := Parse("play.node", `model Play {
  param b = 0.3
  state x = 0
  x' = if sin(t) - x >= b and cos(t) > 0 then cos(t) else if sin(t) - x <= -b and cos(t) < 0 then cos(t) else 0
}
simulate { until: 20, step: 0.5 }`)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Less(t, s.Stats.Steps, 300)
	const b, fine = 0.3, 1000
	x, n := 0., 0
	for _, row := range s.Trajectories[0].Rows {
		for ; float64(n) <= row[0]*fine; n++ {
			d := math.Sin(float64(n) / fine)
			x = math.Max(d-b, math.Min(d+b, x))
		}
		require.InDelta(t, x, row[1], 1e-5, "t = %g", row[0])
	}
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s, %s: %g", c.Mode, c.Where, c.Worst)
	for _, g := range c.Targets[0].Rows[0].Gradient {
		require.InDelta(t, -1, g, 1e-6, "x is sin t − b at t = 20")
	}
}
