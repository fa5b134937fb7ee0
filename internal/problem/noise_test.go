package problem

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
)

// TestStandard: the probability of less than the quantile at u is u, for every distribution that
// can be drawn from.
func TestStandard(t *testing.T) {
	normal := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	gamma := func(x float64) float64 { return mathext.GammaIncReg(1.7, x) }
	below := map[string]func(x float64) float64{
		"normal": normal, "lognormal": normal,
		"student": distuv.StudentsT{Sigma: 1, Nu: 1.7}.CDF,
		"laplace": func(x float64) float64 {
			if x < 0 {
				return math.Exp(x) / 2
			}
			return 1 - math.Exp(-x)/2
		},
		"uniform":     func(x float64) float64 { return x },
		"exponential": func(x float64) float64 { return 1 - math.Exp(-x) },
		"cauchy":      func(x float64) float64 { return 0.5 + math.Atan(x)/math.Pi },
		"halfnormal":  func(x float64) float64 { return math.Erf(x / math.Sqrt2) },
		"halfcauchy":  func(x float64) float64 { return 2 * math.Atan(x) / math.Pi },
		"gamma":       gamma, "inverse_gamma": gamma,
		"beta": func(x float64) float64 { return mathext.RegIncBeta(1.7, 0.6, x) },
	}
	for _, d := range check.Distributions {
		if !d.OfParameters() {
			continue
		}
		f := below[d.Name]
		require.NotNil(t, f, "%s has no distribution function here", d.Name)
		for _, u := range []float64{1e-6, 0.1, 0.37, 0.5, 0.9, 1 - 1e-6} {
			require.InDelta(t, u, f(standard(d.Name, []float64{1.7, 0.6}, u)), 1e-9, "%s at %g", d.Name, u)
		}
	}
}
