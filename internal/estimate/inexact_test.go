package estimate_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// What comes out otherwise with smaller tolerances is said; nothing else is.
func TestInexact(t *testing.T) {
	t.Parallel()
	const hares = `model M {
  param a = 1
  state x = 1
  state y = 12
  x' = a*x*(1 - y)
  y' = y*(x - 1)
  observe seen = x ~ normal(0.01)
}
data d from "d.csv" { time: t; seen: seen }
simulate { times: [20, 40, 60], solver: %[1]s }
fit { solver: %[1]s }`
	const pole = `model M {
  param k = 1e-4
  state x = 0.5
  state s = 10
  let mu = 0.4*s/(k + s)
  x' = mu*x
  s' = -mu*x/0.5
  event feed at t = 15 { s += 3 }
  observe seen = x ~ normal(0.3)
}
data d from "d.csv" { time: t; seen: seen }
simulate { times: [5, 20], solver: %[1]s }
fit { solver: %[1]s }`
	// An impact at the very time of a row, that a smaller tolerance puts on its other side.
	const onRow = `model M {
  param a = 1
  state h = 20
  state v = -2
  h' = v
  v' = 0
  event down when h <= 0 { v := -a*v }
  observe seen = v ~ normal(0.3)
}
data d from "d.csv" { time: t; seen: seen }
simulate { times: [5, 10, 20], solver: %[1]s }
fit { solver: %[1]s }`
	const decay = `model M {
  param a = 1
  state h = 20
  h' = -a*h
  observe seen = h ~ normal(0.3)
}
data d from "d.csv" { time: t; seen: seen }
simulate { times: [5, 10, 50], solver: %[1]s }
fit { solver: %[1]s }`
	said := func(l pinode.Diagnostics) string {
		for _, d := range l.All {
			if d.Code == "inexact" {
				return d.Message
			}
		}
		return ""
	}
	for _, c := range []struct {
		model, solver, csv string
		simulated, fitted  bool
	}{
		{hares, "bdf { rtol: 1e-6, atol: 1e-9 }", "t,seen\n40,0.0051\n60,0.2511\n", true, true},
		{hares, "bdf { rtol: 1e-6, atol: 1e-9 }", "t,seen\n40,0.0051\n60,0.29\n", true, true},
		{hares, "vern9 { rtol: 1e-10 }", "t,seen\n40,0.0051\n60,0.2511\n", false, false},
		{pole, "tsit5 { rtol: 1e-6, atol: 1e-5 }", "t,seen\n5,3.69\n20,7\n", true, true},
		{onRow, "tsit5", "t,seen\n5,-2\n20,2\n", false, false},
		{decay, "auto", "t,seen\n1,7\n5,0.1\n", false, false},
		{decay, "euler { step: 0.1 }", "t,seen\n1,7\n5,0.1\n", false, false},
	} {
		m := fromText(t, fmt.Sprintf(c.model, c.solver), c.csv)
		s, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
		require.NoError(t, err)
		require.Equal(t, c.simulated, said(s.Warnings) != "", "%s by %s: %v", c.model, c.solver, s.Warnings)
		e, err := m.Evaluate(t.Context(), pinode.EvaluateOptions{})
		require.NoError(t, err)
		require.Equal(t, c.fitted, said(e.Warnings) != "", "%s by %s: %v", c.model, c.solver, e.Warnings)
		if !c.fitted {
			continue
		}
		want := "with tolerances a hundredth as large a run fails: t = 13." // it has done a hundred thousand steps
		if c.model == hares {
			closer, err := fromText(t, fmt.Sprintf(hares, "bdf { rtol: 1e-8, atol: 1e-11 }"), c.csv).Evaluate(t.Context(), pinode.EvaluateOptions{})
			require.NoError(t, err)
			if want = fmt.Sprintf("the log-likelihood is %.7g, and %.7g with", e.LogLikelihood, closer.LogLikelihood); math.Abs(e.LogLikelihood-closer.LogLikelihood) < 0.05 {
				want = fmt.Sprintf("the derivative of the log-likelihood by `a` is %.4g, and %.4g with", e.Gradient.Params["a"], closer.Gradient.Params["a"])
			}
		}
		require.Contains(t, said(e.Warnings), want)
	}
}
