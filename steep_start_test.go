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
	for i, c := range []struct {
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
		for j, solver := range []string{"tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for l, mode := range []string{"unrolled", "forward", "adjoint"} {
				if mode == "unrolled" && solver == "bdf" || !inPairs(i, j, l) {
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

// TestFedWhenLevel: two vessels come to one level and are fed then: d = a − b falls by 2 k √d, and d' = q − 2 k √d behind; a + b
// grows by q. The slope is infinite by two states.
func TestFedWhenLevel(t *testing.T) {
	const k, q, h = 0.4, 0.3, 1e-5
	rows := [][2]float64{{1, 1.7}, {2, 1.6}, {7, 1.7}, {8, 1.9}}
	csv := "t,y\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r[0], r[1])
	}
	likelihood := func(k, q float64) float64 {
		sum := 0.
		for _, r := range rows {
			a := (3 + math.Pow(math.Max(1-k*r[0], 0), 2)) / 2
			if since := r[0] - 6; since > 0 {
				a = (3 + q*since + filling(2*k, q, since)) / 2
			}
			z := (r[1] - a) / 0.1
			sum -= z*z/2 + math.Log(0.1*math.Sqrt(2*math.Pi))
		}
		return sum
	}
	byK := (likelihood(k+h, q) - likelihood(k-h, q)) / (2 * h)
	byQ := (likelihood(k, q+h) - likelihood(k, q-h)) / (2 * h)
	for solver, modes := range map[string][]string{
		"tsit5": {"unrolled", "forward", "adjoint"}, "vern9": {"unrolled", "forward", "adjoint"},
		"rodas5p": {"unrolled", "forward", "adjoint"}, "kvaerno5": {"unrolled", "forward", "adjoint"}, "radau": {"unrolled", "forward", "adjoint"}, "bdf": {"forward", "adjoint"},
	} {
		for _, mode := range modes {
			m := fromText(t, fmt.Sprintf(`model Vessels {
  param k = %g
  param q = %g
  state a = 2
  state b = 1
  discrete on = 0
  let p = k*sign(a - b)*sqrt(abs(a - b))
  a' = -p + q*on
  b' = p
  event open at t = 6 { on := 1 }
  observe y = a ~ normal(0.1)
}
data d from "d.csv" { time: t, y: y }
fit { gradient: %s, solver: %s { rtol: 1e-7, atol: 1e-9 } }`, k, q, mode, solver), csv)
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err, "%s, %s", solver, mode)
			require.InDelta(t, likelihood(k, q), e.LogLikelihood, 1e-4, "%s, %s", solver, mode)
			require.InDelta(t, byK, e.Gradient.Params["k"], 1e-4*math.Abs(byK), "%s, %s", solver, mode)
			require.InDelta(t, byQ, e.Gradient.Params["q"], 1e-4*math.Abs(byQ), "%s, %s", solver, mode)
		}
	}
}

// TestFitsPastRest: a fit goes past a tank that is dry from 4 on, whose level by a bare root has no slope there.
func TestFitsPastRest(t *testing.T) {
	csv := "t,y\n"
	for i := range 31 {
		at := float64(i) / 5
		csv += fmt.Sprintf("%g,%.5g\n", at, math.Pow(math.Max(1-at/4, 0), 2)+0.01*math.Sin(37*at))
	}
	m := fromText(t, `model Tank {
  param k in (0, inf) = 0.2
  state h = 1
  discrete dry = 0
  h' = -k*sqrt(h)
  event empty when h <= 0 { dry := 1 }
  observe y = h ~ normal(0.01)
}
data d from "d.csv" { time: t, y: y }`, csv)
	f, err := m.Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	require.InDelta(t, 0.5, f.Params["k"].Value, 3*f.Params["k"].StdErr)
	require.Less(t, f.Params["k"].StdErr, 0.01)
}
