package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStartsEmpty: h' = q − b √h from h = 0, where the slope of the field is infinite. With s = √h, time is
// t = −(2/b) (s + (q/b) ln(1 − b s/q)).
func TestStartsEmpty(t *testing.T) {
	const q, b, until = 0.3, 0.5, 20.
	lo, hi := 0., q/b
	for range 200 {
		if s := (lo + hi) / 2; -(2/b)*(s+(q/b)*math.Log(1-b*s/q)) < until {
			lo = s
		} else {
			hi = s
		}
	}
	for _, solver := range []string{"tsit5", "rosenbrock23", "rodas4", "rodas5p", "kvaerno5", "radau", "bdf"} {
		row := endOf(t, `
			model M {
			  state h = 0
			  h' = 0.3 - 0.5*sqrt(max(h, 0))
			}
			simulate { until: 20, step: 20, solver: `+solver+` { rtol: 1e-7, atol: 1e-9 } }`)
		require.InDelta(t, lo*lo, row[0], 1e-6, solver)
	}
}

// filling is the level of a tank h' = q − k √h, empty at time 0.
func filling(k, q, t float64) float64 {
	lo, hi := 0., q/k*(1-1e-16)
	for range 200 {
		if s := (lo + hi) / 2; -(2/k)*(s+(q/k)*math.Log1p(-k*s/q)) < t {
			lo = s
		} else {
			hi = s
		}
	}
	return lo * lo
}

// TestFilledWhenDry: a tank runs dry at 2/k, is filled from some time behind that on, and its empty level at the start is
// a parameter in another: a level a little above is that of a start a little earlier, by as much over the inflow.
func TestFilledWhenDry(t *testing.T) {
	const k, q, h = 0.8, 0.3, 1e-5
	rows := [][2]float64{{1, 0.36}, {3, 0.01}, {5, 0.1}, {6, 0.12}}
	csv := "t,y\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r[0], r[1])
	}
	likelihood := func(level func(t float64) float64) float64 {
		sum := 0.
		for _, r := range rows {
			z := (r[1] - level(r[0])) / 0.01
			sum -= z*z/2 + math.Log(0.01*math.Sqrt(2*math.Pi))
		}
		return sum
	}
	wet := func(k, q, filled float64) float64 {
		return likelihood(func(t float64) float64 {
			if t < filled {
				return math.Pow(math.Max(1-k*t/2, 0), 2)
			}
			return filling(k, q, t-filled)
		})
	}
	slope := func(f func(by float64) float64) float64 { return (f(h) - f(-h)) / (2 * h) }
	level := func(k, q, since float64) float64 {
		return likelihood(func(t float64) float64 { return filling(k, q, t-since) })
	}
	for _, c := range []struct {
		of, text string
		value    float64
		want     map[string]float64
	}{
		{"filled at a time", `
  state h = 1
  discrete on = 0
  h' = -k*sqrt(max(h, 0)) + q*on
  event open at t = 4 { on := 1 }`, wet(k, q, 4), map[string]float64{
			"k": slope(func(by float64) float64 { return wet(k+by, q, 4) }),
			"q": slope(func(by float64) float64 { return wet(k, q+by, 4) }),
		}},
		{"filled behind the time it was dry", `
  state h = 1
  discrete on = 0
  discrete dry = 0
  h' = -k*sqrt(max(h, 0)) + q*on
  event empty when h <= 0 { dry := t }
  event open when t >= dry + 1.5 and dry > 0 { on := 1 }`, wet(k, q, 2/k+1.5), map[string]float64{
			"k": slope(func(by float64) float64 { return wet(k+by, q, 2/(k+by)+1.5) }),
			"q": slope(func(by float64) float64 { return wet(k, q+by, 2/k+1.5) }),
		}},
		{"empty at the start", `
  param h0 = 0
  state h = h0
  h' = q - k*sqrt(max(h, 0))`, level(k, q, 0), map[string]float64{
			"k":  slope(func(by float64) float64 { return level(k+by, q, 0) }),
			"q":  slope(func(by float64) float64 { return level(k, q+by, 0) }),
			"h0": -slope(func(by float64) float64 { return level(k, q, by) }) / q,
		}},
	} {
		for _, solver := range []string{"tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for _, mode := range []string{"unrolled", "forward", "adjoint"} {
				if mode == "unrolled" && solver == "bdf" {
					continue
				}
				of := c.of + ", " + solver + ", " + mode
				m := fromText(t, fmt.Sprintf(`model Tank {
  param k = %g
  param q = %g%s
  observe y = h ~ normal(0.01)
}
data d from "d.csv" { time: t, y: y }
fit { gradient: %s, solver: %s { rtol: 1e-7, atol: 1e-9 } }`, k, q, c.text, mode, solver), csv)
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err, of)
				require.InDelta(t, c.value, e.LogLikelihood, 2e-3, of)
				for name, v := range c.want {
					require.InDelta(t, v, e.Gradient.Params[name], 1e-4*math.Abs(v), "%s by %s", of, name)
				}
			}
		}
	}
}
