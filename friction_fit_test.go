package pinode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// shaken is a mass on a spring and a rough floor, shaken by a sine.
func shaken(friction, stiffness, until float64) *refModel {
	m := &refModel{end: until}
	x, v := m.state("x", m.num(0)), m.state("v", m.num(0))
	m.rate("x", v)
	force := refMul(m.num(2), refSin(refMul(m.num(0.7), m.time())))
	m.rate("v", refSub(refSub(force, refMul(m.num(stiffness), x)), refMul(m.num(friction), m.sign(v))))
	return m
}

// TestFitFriction recovers friction and stiffness from noisy positions of a
// mass that sticks and slips, which the reference has computed.
func TestFitFriction(t *testing.T) {
	t.Parallel()
	const friction, stiffness, noise = 0.8, 4., 0.005
	rng := rand.New(rand.NewPCG(3, 9))
	csv := "t,x\n"
	for i := range 81 {
		now := 0.2 * float64(i)
		x := 0.
		if i > 0 {
			r, err := shaken(friction, stiffness, now).reference(nil, 100*i)
			require.NoError(t, err)
			x = r.y[0]
			if i == 80 {
				require.Len(t, r.in, 5, "it sticks again and again")
				require.Len(t, r.out, 4)
			}
		}
		csv += fmt.Sprintf("%.17g,%.17g\n", now, x+noise*rng.NormFloat64())
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	for _, gradient := range gradcheck.Modes {
		m, err := Parse(filepath.Join(dir, "m.node"), `model Shaken {
  param F in (0, inf) = 0.5
  param k in (0, inf) = 3
  state x = 0
  state v = 0
  x' = v
  v' = 2*sin(0.7*t) - k*x - F*sign(v)
  observe position = x ~ normal(0.005)
}
data d from "d.csv" { time: t; position: x }
fit { gradient: `+gradient+`; solver: tsit5 { rtol: 1e-8, atol: 1e-10 }; optimizer: adam { lr: 0.03, epochs: 150 } then lbfgs { iterations: 80 } }
`)
		require.NoError(t, err)
		f, err := m.Fit(context.Background(), FitOptions{})
		require.NoError(t, err, gradient)
		// 81 positions with a noise of a hundredth of the amplitude.
		require.InEpsilon(t, friction, f.Values().Params["F"], 0.02, gradient)
		require.InEpsilon(t, stiffness, f.Values().Params["k"], 0.02, gradient)
		require.InEpsilon(t, noise, f.Train.RMSE["position"], 0.25, gradient)
		for _, e := range f.Estimates {
			truth := map[string]float64{"F": friction, "k": stiffness}[e.Name]
			require.InDelta(t, truth, e.Value, 4*e.StdErr, "%s: %s", gradient, e.Name)
		}
	}
}
