package pinode

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlainRoots: tanks that run dry by a law as it is written in textbooks, without `max` or `if`, and what is observed of
// them: closed forms, and their differences, in every mode.
func TestPlainRoots(t *testing.T) {
	drained := func(k, h0, t float64) float64 { return math.Pow(math.Max(math.Sqrt(h0)-k*t/2, 0), 2) }
	rows := [][2]float64{{1, 1.3}, {3, 0.4}, {5.5, 0.02}, {7, 0.01}, {9, 0.02}}
	csv := "t,y\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r[0], r[1])
	}
	type params = map[string]float64
	for i, c := range []struct {
		text string
		at   params
		of   func(p params, t float64) float64
	}{
		{`h' = -k*sqrt(h)
  observe y = h ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, t float64) float64 { return drained(p["k"], p["h0"], t) }},
		{`let q = k*(4*h)^0.5
  h' = -q/2
  observe y = h + q ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, t float64) float64 {
			h := drained(p["k"], p["h0"], t)
			return h + 2*p["k"]*math.Sqrt(h)
		}},
		{`let q = k*sqrt(max(h, 0))
  h' = -q
  observe y = h + q ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, t float64) float64 {
			h := drained(p["k"], p["h0"], t)
			return h + p["k"]*math.Sqrt(h)
		}},
		{`param n = 0.4
  h' = -k*h^n
  observe y = h ~ normal(0.1)`, params{"k": 0.5, "h0": 2, "n": 0.4}, func(p params, t float64) float64 {
			rest := math.Max(math.Pow(p["h0"], 1-p["n"])-p["k"]*(1-p["n"])*t, 0)
			return math.Pow(rest, 1/(1-p["n"]))
		}},
		{`discrete open = 1
  h' = -open*k*sqrt(h)
  event dry when h <= 0 { open := 0 }
  observe y = h ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, t float64) float64 { return drained(p["k"], p["h0"], t) }},
		{`state g = 0.5
  h' = -k*sqrt(h - g)
  g' = k*sqrt(h - g)
  observe y = h + k*sqrt(h - g) ~ normal(0.1)`, params{"k": 0.25, "h0": 2}, func(p params, t float64) float64 {
			d := drained(2*p["k"], p["h0"]-0.5, t)
			return (p["h0"]+0.5+d)/2 + p["k"]*math.Sqrt(d)
		}},
		{`state g[2] = [0.4, 0.2]*h0
  h' = -k*sqrt(h)
  g' = -k*sqrt(g)
  observe y = h + sum(g) ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, t float64) float64 {
			return drained(p["k"], p["h0"], t) + drained(p["k"], 0.4*p["h0"], t) + drained(p["k"], 0.2*p["h0"], t)
		}},
		{`state g = 0
  state out = 0
  h' = -k*sqrt(h)
  g' = k*sqrt(h) - 0.7*sqrt(g)
  out' = 0.7*sqrt(g)
  observe y = h + g + out ~ normal(0.1)`, params{"k": 0.5, "h0": 2}, func(p params, _ float64) float64 { return p["h0"] }},
		{`h' = (if t > 6 then q else 0) - k*sqrt(h)
  param q = 0.3
  observe y = h ~ normal(0.1)`, params{"k": 0.5, "h0": 2, "q": 0.3}, func(p params, t float64) float64 {
			if t > 6 {
				return filling(p["k"], p["q"], t-6)
			}
			return drained(p["k"], p["h0"], t)
		}},
	} {
		likelihood := func(p params) float64 {
			sum := 0.
			for _, r := range rows {
				z := (r[1] - c.of(p, r[0])) / 0.1
				sum -= z*z/2 + math.Log(0.1*math.Sqrt(2*math.Pi))
			}
			return sum
		}
		m := fromText(t, fmt.Sprintf(`model Tank {
  param k = %g
  param h0 = 2
  state h = h0
  %s
}
data d from "d.csv" { time: t, y: y }
`, c.at["k"], c.text), csv)
		for j, solver := range []string{"auto", "vern9", "rodas5p", "radau", "bdf"} {
			for k, mode := range []string{"unrolled", "forward", "adjoint"} {
				if mode == "unrolled" && solver == "bdf" {
					continue
				}
				if !inPairs(i, j, k) {
					continue
				}
				of := fmt.Sprintf("%s, %s, %s", solver, mode, c.text)
				setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", "1e-7", "solver.atol", "1e-9")
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err, of)
				require.InDelta(t, likelihood(c.at), e.LogLikelihood, 1e-6, of)
				for _, name := range slices.Sorted(maps.Keys(c.at)) {
					const h = 1e-5
					up, down := maps.Clone(c.at), maps.Clone(c.at)
					up[name] += h
					down[name] -= h
					want := (likelihood(up) - likelihood(down)) / (2 * h)
					require.InDelta(t, want, e.Gradient.Params[name], 3e-6*max(1, math.Abs(want)), "%s by %s", of, name)
				}
			}
		}
	}
}

// TestPastRoots: what is pushed on where a root has no value any more is stopped there, with the place and the term, by
// every method; where another branch has a value it goes on.
func TestPastRoots(t *testing.T) {
	for _, solver := range []string{"auto", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
		_, err := fromText(t, `
			model M {
			  state h = 1
			  h' = -0.1 - 0.3*sqrt(h)
			}
			simulate { until: 10, step: 1, solver: `+solver+` }`, "").Simulate(t.Context(), SimulateOptions{})
		require.ErrorContains(t, err, "the field has no value right behind this state", solver)
		require.ErrorContains(t, err, "t = 3.586", solver) // (2/0.3) (1 − (1/3) ln 4), with s = √h
		for e, want := range map[string]float64{
			"if x < 5 then sqrt(5 - x) else 0": 2 * math.Pow(5, 1.5) / 3, "if x < 5 then (5 - x)^0.2 else x": math.Pow(5, 1.2)/1.2 + 37.5,
			"if x > 5 then x else log(5 - x)": 5*math.Log(5) - 5 + 37.5,
		} {
			row := endOf(t, `
			model M {
			  state x = 0
			  state y = 0
			  x' = 1
			  y' = `+e+`
			}
			simulate { until: 10, step: 10, solver: `+solver+` { rtol: 1e-7, atol: 1e-9 } }`)
			require.InDelta(t, want, row[1], 5e-5, "%s by %s", e, solver)
		}
	}
}
