package loss

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/pinode/pinode/compiler/check"
)

// The cumulative distributions of SciPy: norm.cdf(1.3, 1, 0.4), lognorm.cdf(1.3, 0.4,
// scale=1.1), t.cdf(0.75, 3), laplace.cdf(0.7, 1, 0.4), poisson.cdf(·, 2.5),
// nbinom.cdf(·, 1.5, 1.5/4), bernoulli.cdf(·, 0.3).
func TestTails(t *testing.T) {
	tested := map[string]bool{"huber": true, "exact": true} // see TestHuberTail; the density of a run back has none
	for _, c := range []struct {
		dist          string
		y, prediction float64
		args          []float64
		below, upTo   float64
	}{
		{"normal", 1.3, 1, []float64{0.4}, 0.7733726476231317, 0.7733726476231317},
		{"lognormal", 1.3, 1.1, []float64{0.4}, 0.661893075952914, 0.661893075952914},
		{"student", 1.3, 1, []float64{3, 0.4}, 0.746142710287933, 0.746142710287933},
		{"laplace", 0.7, 1, []float64{0.4}, 0.23618327637050732, 0.23618327637050732},
		{"cauchy", 0.7, 1, []float64{0.4}, 0.29516723530086653, 0.29516723530086653}, // 1/2 − atan(3/4)/π
		{"poisson", 3, 2.5, nil, 0.54381312, 0.75757613},
		{"poisson", 0, 2.5, nil, 0, 0.0820849986},
		{"negbinomial", 3, 2.5, []float64{1.5}, 0.61311996, 0.73576077},
		{"bernoulli", 0, 0.3, nil, 0, 0.7},
		{"bernoulli", 1, 0.3, nil, 0.7, 1},
	} {
		below, upTo := tails[c.dist](c.y, c.prediction, c.args)
		require.InDelta(t, c.below, below, 1e-8, "%v", c)
		require.InDelta(t, c.upTo, upTo, 1e-8, "%v", c)
		tested[c.dist] = true
	}
	for _, d := range check.Distributions {
		require.True(t, tested[d.Name] || !d.OfObservations(), "the distribution function of %s is not tested: its observations have no coverage", d.Name)
	}
}

// The tail of Huber's distribution is the integral of its density.
func TestHuberTail(t *testing.T) {
	for _, k := range []float64{0.3, 1.345, 4} {
		density := func(z float64) float64 {
			if z = math.Abs(z); z > k {
				return math.Exp(-k * (z - k/2))
			}
			return math.Exp(-z * z / 2)
		}
		mass := func(to float64) (sum float64) { // from −∞, in pieces that end where the density bends
			for _, piece := range [][2]float64{{-40 / k, -k}, {-k, k}, {k, 40 / k}} {
				if lo, hi := piece[0], min(piece[1], to); lo < hi {
					sum += quad.Fixed(density, lo, hi, 200, nil, 0)
				}
			}
			return sum
		}
		all := mass(math.Inf(1))
		for _, z := range []float64{-5, -1.2, -0.1, 0, 0.4, 2, 9} {
			below, upTo := tails["huber"](3+0.5*z, 3, []float64{k, 0.5})
			require.InDelta(t, mass(z)/all, below, 1e-10, "%g %g", k, z)
			require.Equal(t, below, upTo)
		}
	}
}

// Of a count the central interval goes from quantile to quantile, ends included: those
// of poisson(3) at 0.25 and 0.75 are 2 and 4 (SciPy's poisson.interval).
func TestCentral(t *testing.T) {
	for y, want := range []bool{false, false, true, true, true, false} {
		inside, known := Central("poisson", float64(y), 3, nil, 0.5)
		require.True(t, known)
		require.Equal(t, want, inside, "%d", y)
	}
	_, known := Central("no such", 1, 1, nil, 0.5)
	require.False(t, known)
}
