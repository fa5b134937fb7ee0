package lower_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/ir"
)

// TestMassOfCutPriors: a prior has all of its mass in the interval of its parameter: its density
// integrates to 1 there, by quadrature, whichever end is cut.
func TestMassOfCutPriors(t *testing.T) {
	for _, prior := range []string{
		"normal(0.3, 2)", "lognormal(0.3, 0.7)", "student(3, 0.3, 2)", "laplace(0.3, 0.5)", "uniform(0.1, 2)",
		"exponential(0.8)", "cauchy(0.3, 0.5)", "halfnormal(2)", "halfcauchy(0.7)", "gamma(2.5, 0.4)",
		"inverse_gamma(2.5, 0.6)", "beta(2, 3)",
	} {
		for _, iv := range [][2]string{{"0.2", "0.9"}, {"0.05", "0.4"}, {"-1", "0.5"}, {"0.25", "inf"}, {"-inf", "0.6"}} {
			m := model(t, fmt.Sprintf("  param k in (%s, %s) = 0.3 ~ %s\n  state x = 0\n  x' = k", iv[0], iv[1], prior))
			p := m.Priors[0]
			density := func(k float64) float64 { return math.Exp(-value(t, p.Node, inputs{"p": {k}})) }
			mass := integral(density, p.Param.Lo, p.Param.Hi)
			require.InDelta(t, 1, mass, 1e-7, "%s in (%s, %s)", prior, iv[0], iv[1])
		}
	}
}

// integral is that of f from lo to hi, either of which may be infinite, in two parts that
// meet where densities may have a kink.
func integral(f func(float64) float64, lo, hi float64) float64 {
	const kink, n = 0.3, 150
	part := func(to, sign float64) float64 { // from the kink on: k = kink ± s/(1 − s), or ± s
		if math.IsInf(to, 0) {
			return quad.Fixed(func(s float64) float64 {
				u := s * s // the tails of a Cauchy density end evenly there
				return f(kink+sign*u/(1-u)) * 2 * s / ((1 - u) * (1 - u))
			}, 0, 1, n, nil, 0)
		}
		return quad.Fixed(f, min(kink, to), max(kink, to), n, nil, 0)
	}
	return part(hi, 1) + part(lo, -1)
}

// TestWeightPriors: each array has the prior that names it most closely, a block, a layer or
// the array itself; arrays that are frozen have none.
func TestWeightPriors(t *testing.T) {
	m := model(t, `  param s in (0, inf) = 1
  neural f(a, b) -> 1 {
    hidden: [2, 1]
    prior: normal(0.1, s) { 1: laplace(0, 0.5), 1.bias: student(4, 1, 2) }
    frozen: [0.bias, 2.weight]
  }
  neural g(a) -> 1 { hidden: [], prior: { 0.weight: cauchy(0, 3) } }
  state x = 1
  x' = f(x, t) + g(x)`)
	dists := map[string]interface{ LogProb(float64) float64 }{
		"f.0.weight": distuv.Normal{Mu: 0.1, Sigma: 1.7}, "f.1.weight": distuv.Laplace{Scale: 0.5},
		"f.1.bias": distuv.StudentsT{Nu: 4, Mu: 1, Sigma: 2}, "f.2.bias": distuv.Normal{Mu: 0.1, Sigma: 1.7},
		"g.0.weight": distuv.StudentsT{Nu: 1, Sigma: 3},
	}
	p := make([]float64, m.Layout.NP)
	for i := range p {
		p[i] = math.Sin(float64(3*i + 1))
	}
	p[0] = 1.7
	want, got, with := 0., 0., 0
	for _, w := range m.Layout.Weights {
		d, ok := dists[w.Name]
		require.Equal(t, ok, w.Prior != nil && !w.Frozen, w.Name)
		if ok {
			with++
			for _, v := range p[w.Off : w.Off+w.Shape.Size()] {
				want -= d.LogProb(v)
			}
		}
	}
	require.Len(t, dists, with)
	require.Len(t, m.Priors, with)
	for _, x := range m.Priors {
		require.Nil(t, x.Param)
		require.Equal(t, ir.Scalar, x.Node.Shape)
		got += value(t, x.Node, inputs{"p": p})
	}
	requireClose(t, want, got, 1e-12, "all priors")
}

// TestPartsOfWeights: parts that a block does not have are named with those that it has.
func TestPartsOfWeights(t *testing.T) {
	for text, want := range map[string]string{
		"frozen: [0.weigth]":                              "block `f` has no weights `0.weigth`",
		"frozen: [3]":                                     "block `f` has no weights `3`",
		"prior: { 1.input: normal(0, 1) }":                "block `f` has no weights `1.input`",
		"frozen: [0.5]":                                   "block `f` has no weights `0.5`",
		"kind: gru, frozen: [0]":                          "block `f` has no weights `0`",
		"prior: gamma(1, 2)":                              "any numbers",
		"prior: uniform(-1, 1)":                           "any numbers",
		"prior: normal(0, t)":                             "a prior of weights",
		"prior: normal(0, -1)":                            "is positive",
		"prior: 3":                                        "a prior of weights is a distribution",
		"prior: normal(0, 1) { 0: 2 }":                    "a prior of weights is a distribution",
		"prior: normal(0, 1) then normal(0, 2)":           "a prior of weights is a distribution",
		"prior: { 0: normal(0, 1), 0: normal(0, 2) }":     "`0` is declared twice",
		"frozen: [0, 0]":                                  "`0` is declared twice",
		"frozen: [\"0\"]":                                 "a list of layers and arrays",
		"kind: lstm, frozen: [input], l2: 1, prior: {}":   "",
		"frozen: 0.bias":                                  "",
		"prior: normal(0, 1) { 0.weight: normal(0, k) } ": "",
	} {
		err := mistakes(t, "model M {\n  param k in (0, 1) = 0.5\n  neural f(a[2], b) -> [2] { "+text+" }\n  state x[2] = 1\n  x' = k*f(x, t)\n}")
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
	}
}
