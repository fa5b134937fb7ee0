package loss

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The cumulative distributions of SciPy: norm.cdf(1.3, 1, 0.4), lognorm.cdf(1.3, 0.4,
// scale=1.1), t.cdf(0.75, 3), laplace.cdf(0.7, 1, 0.4), poisson.cdf(·, 2.5),
// nbinom.cdf(·, 1.5, 1.5/4), bernoulli.cdf(·, 0.3).
func TestTails(t *testing.T) {
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
		{"poisson", 3, 2.5, nil, 0.54381312, 0.75757613},
		{"poisson", 0, 2.5, nil, 0, 0.0820849986},
		{"negbinomial", 3, 2.5, []float64{1.5}, 0.61311996, 0.73576077},
		{"bernoulli", 0, 0.3, nil, 0, 0.7},
		{"bernoulli", 1, 0.3, nil, 0.7, 1},
	} {
		below, upTo := tails[c.dist](c.y, c.prediction, c.args)
		require.InDelta(t, c.below, below, 1e-8, "%v", c)
		require.InDelta(t, c.upTo, upTo, 1e-8, "%v", c)
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
