package pinode

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSwitchesTogether: two square waves whose edges fall together again and again, with periods that are parameters of their own, by
// signs and by floors. The edge of each moves by its own period alone, and x' = wave − r x keeps of it exp(−r (7.9 − T)).
func TestSwitchesTogether(t *testing.T) {
	t.Parallel()
	const text = `model Waves {
  param p = 3
  param q = 2
  state x = 0
  state y = 0
  x' = (if UP then 1 else 0) - 0.5*x
  y' = (if VP then 1 else 0) - 0.25*y
  observe seen = OF ~ laplace(1)
}
data d from "d.csv" { time: t; seen: seen }
`
	by := func(period, part, rate float64) (sum float64) { // of the value, where the wave is up for a part of the period; its first rise is at the start
		for n := 0.; n*period < 7.9; n++ {
			sum -= n * math.Exp(-rate*(7.9-n*period))
			if down := n + part; down*period < 7.9 {
				sum += down * math.Exp(-rate*(7.9-down*period))
			}
		}
		return sum
	}
	for _, waves := range []struct {
		up, vp string
		part   float64
	}{
		{"sin(2*pi*t/p) > 0", "sin(2*pi*t/q) > 0", 0.5},
		{"mod(t, p) < 0.25*p", "mod(t, q) < 0.25*q", 0.25},
	} {
		for of, want := range map[string][2]float64{"x": {by(3, waves.part, 0.5), 0}, "y": {0, by(2, waves.part, 0.25)}} {
			m := fromText(t, strings.NewReplacer("OF", of, "UP", waves.up, "VP", waves.vp).Replace(text), "t,seen\n7.9,-9\n")
			for _, mode := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
				setFit(t, m, "gradient", mode, "solver", "tsit5", "solver.rtol", "1e-9")
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err)
				require.InDelta(t, -want[0], e.Gradient.Params["p"], 1e-6, "%s: %s, %s", waves.up, of, mode)
				require.InDelta(t, -want[1], e.Gradient.Params["q"], 1e-6, "%s: %s, %s", waves.up, of, mode)
			}
		}
	}
}

// TestLimitsTogether: two bodies that stop, two levels that reach their limits, two switches beside a body at rest, at one instant:
// each derivative is by the time of its own. Closed forms.
func TestLimitsTogether(t *testing.T) {
	t.Parallel()
	left := math.Exp(-0.3 * (4 - 2))
	for _, x := range []struct {
		model string
		want  map[string]float64 // of −the state
	}{
		{
			"param m = 0.7\n param n = 0.7\n state v = 1\n state w = 1\n state x = 0\n v' = -m*sign(v)\n w' = -n*sign(w)\n x' = (if v > 0 then 1 else 0) + w", // 1/2 along the surface
			map[string]float64{"m": 1 / 0.98, "n": 1 / 0.98},
		},
		{
			"param m = 2\n param n = 2\n state v = 3\n state w = 3\n v' = (if v < m then 1 else 0) - 0.2*v\n w' = (if w < n then 1 else 0) - 0.2*w\n let x = v + 2*w",
			map[string]float64{"m": -1, "n": -2},
		},
		{
			"param m = 2\n param n = 2\n state v = 0\n state x = 1\n v' = 0.2 - sign(v)\n x' = (if t > m then 1 else 0) - 0.3*x*step(t - n)",
			map[string]float64{"m": left, "n": -0.3 * left},
		},
	} {
		m := fromText(t, "model Pair {\n "+x.model+"\n observe seen = x ~ laplace(1)\n}\ndata d from \"d.csv\" { time: t; from: 0; seen: seen }\n", "t,seen\n4,-9\n")
		for _, solver := range []string{"tsit5", "vern7", "rodas5p"} {
			for _, mode := range []string{"unrolled", "forward", "adjoint"} {
				setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", "1e-9")
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err, "%s by %s, %s", x.model, solver, mode)
				for name, v := range x.want {
					require.InDelta(t, v, e.Gradient.Params[name], 1e-6, "%s by %s: %s, %s", name, solver, x.model, mode)
				}
			}
		}
	}
}
