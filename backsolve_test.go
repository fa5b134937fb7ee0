package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBacksolveOfDecay: a state that follows sin t within 1/k forgets where it started, and backwards
// grows by e^(k t): the gradient is that of the solution
// x = e^-kt + (k² sin t - k cos t + k e^-kt)/(k² + 1), by central differences of it.
func TestBacksolveOfDecay(t *testing.T) {
	const k, rows = 2., 40
	x := func(k, t float64) float64 {
		return math.Exp(-k*t) + (k*k*math.Sin(t)-k*math.Cos(t)+k*math.Exp(-k*t))/(k*k+1)
	}
	csv, want := "t,X\n", 0.
	for i := 1; i <= rows; i++ {
		at := float64(i) / 2
		v := math.Sin(at) * math.Cos(at)
		csv += fmt.Sprintf("%g,%.17g\n", at, v)
		byK := (x(k+1e-5, at) - x(k-1e-5, at)) / 2e-5
		want -= (v - x(k, at)) / 0.01 * byK / rows
	}
	for _, solver := range []string{"tsit5", "dop853", "auto"} {
		m := fromText(t, `model D {
  param k = 2
  state x = 1
  x' = k*(sin(t) - x)
  observe X = x ~ normal(0.1)
}
data d from "d.csv" { time: t; X: X }
fit { solver: `+solver+` { rtol: 1e-6 }, gradient: backsolve }`, csv)
		f, err := m.NewFit(FitOptions{Workers: 1, Seed: 1})
		require.NoError(t, err)
		objective, at, err := f.Objective()
		require.NoError(t, err)
		grad := make([]float64, len(at))
		_, err = objective.Eval(t.Context(), at, nil, 1, grad)
		require.NoError(t, err)
		require.InEpsilon(t, want*k, grad[0], 1e-4, solver) // by k in terms of its start
	}
}

// TestNoGradientIsAnError: where a tank drains empty the adjoint equation has an infinite slope. Its
// derivative is that of the steps, or an error that names the parameter, never another number.
func TestNoGradientIsAnError(t *testing.T) {
	for _, mode := range []string{"unrolled", "adjoint"} {
		e, err := fromText(t, `model T {
  param b = 0.5
  state h = 0.5
  state m = 0
  h' = if h > 0 then -b*sqrt(max(h, 0)) else 0
  m' = h - 0.1*m
  observe B = m ~ normal(0.1)
}
data d from "d.csv" { time: t; B: B }
fit { solver: rodas5p { rtol: 1e-9 }, gradient: `+mode+` }`, "t,B\n1,0.3\n2,0.4\n4,0.3\n6,0.2\n").Evaluate(t.Context(), EvaluateOptions{})
		if mode == "adjoint" && err != nil {
			require.ErrorContains(t, err, "parameter `b` is NaN with `gradient: adjoint`")
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, 8.4027, e.Gradient.Params["b"], 1e-3, mode)
	}
}
