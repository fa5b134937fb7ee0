package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
)

// TestDrawsFromVariates: what every distribution makes of its standard variate z.
func TestDrawsFromVariates(t *testing.T) {
	const a, b, c = 0.7, 1.3, 2.5
	cases := map[string]struct {
		text string
		of   func(z float64) float64
	}{
		"normal":        {"normal(a, b)", func(z float64) float64 { return a + b*z }},
		"lognormal":     {"lognormal(a, b)", func(z float64) float64 { return math.Exp(a + b*z) }},
		"student":       {"student(3, a, b)", func(z float64) float64 { return a + b*z }},
		"laplace":       {"laplace(a, b)", func(z float64) float64 { return a + b*z }},
		"cauchy":        {"cauchy(a, b)", func(z float64) float64 { return a + b*z }},
		"uniform":       {"uniform(a, c)", func(z float64) float64 { return a + (c-a)*z }},
		"exponential":   {"exponential(b)", func(z float64) float64 { return b * z }},
		"halfnormal":    {"halfnormal(b)", func(z float64) float64 { return b * z }},
		"halfcauchy":    {"halfcauchy(b)", func(z float64) float64 { return b * z }},
		"gamma":         {"gamma(3, b)", func(z float64) float64 { return b * z }},
		"inverse_gamma": {"inverse_gamma(3, b)", func(z float64) float64 { return b / z }},
		"beta":          {"beta(2, 3)", func(z float64) float64 { return z }},
	}
	for _, d := range check.Distributions {
		if !d.OfParameters() {
			continue
		}
		x, ok := cases[d.Name]
		require.True(t, ok, "draws from %s are not tested", d.Name)
		m := model(t, "  param a = 1\n  param b in (0, inf) = 1\n  param c = 3\n  draw v ~ "+x.text+"\n  state s = v\n  s' = a + b + c")
		for _, z := range []float64{0.2, 0.9} {
			requireClose(t, x.of(z), value(t, m.InitY, inputs{"q": {z}, "p": {a, b, c}}), 1e-14, "%s of %g", d.Name, z)
		}
	}
}
