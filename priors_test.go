package pinode

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The densities of priors, whole and cut to (0.2, 0.8), and their slopes at 0.3; medians
// of draws: those of scipy.stats (cauchy, halfnorm, halfcauchy, gamma, invgamma, beta).
func TestPriors(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,y\n1,0.5\n"), 0o600))
	for _, c := range []struct {
		prior                     string
		whole, cut, median, slope float64
	}{
		{"cauchy(0.5, 0.4)", -0.4515827053, 0.4408315289, 0.5, 2},
		{"halfnormal(0.6)", 0.1600342711, 0.7461938268, 0.404694, -5. / 6},
		{"halfcauchy(0.6)", -0.1639006328, 0.7893090280, 0.6, -4. / 3},
		{"gamma(2.5, 0.3)", -0.0807100661, 0.5082627516, 0.652719, 5. / 3},
		{"inverse_gamma(2.5, 0.6)", 0.6521578853, 1.1516300440, 0.275769, -5},
		{"beta(2, 3)", 0.5675839576, 0.8007778448, 0.385728, 0.476190476},
	} {
		text := func(interval string) string {
			return fmt.Sprintf(`model M {
  param k%s = 0.3 ~ %s
  state x = 1
  x' = k
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { solver: tsit5 { rtol: 1e-10 } }
simulate { times: [1], samples: 4001 { k: %s } }`, interval, c.prior, c.prior)
		}
		for interval, want := range map[string]float64{"": c.whole, " in (0.2, 0.8)": c.cut} {
			m, err := Parse(filepath.Join(dir, "m.node"), text(interval))
			require.NoError(t, err, c.prior)
			e, err := m.Evaluate(context.Background(), EvaluateOptions{})
			require.NoError(t, err)
			require.InDelta(t, want, e.LogPrior, 1e-9, c.prior)
			// The loss of one value is −log-likelihood − log-prior.
			require.InDelta(t, -e.LogLikelihood-e.LogPrior, e.Loss, 1e-12)
			require.InDelta(t, -c.slope, e.LossGradient.Params["k"]+e.Gradient.Params["k"], 1e-7, c.prior)
		}
		m, err := Parse(filepath.Join(dir, "m.node"), text(""))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		k := s.Column("x") // x is 1 + k at 1
		slices.Sort(k)
		require.InDelta(t, 1+c.median, k[2000], 0.04, c.prior)
	}
	for text, want := range map[string]string{
		"param k = 1.5 ~ beta(2, 3)":                    "1.5 is not a value that `k` can have",
		"param k = -1 ~ halfnormal(2)":                  "-1 is not a value that `k` can have",
		"param k = 0 ~ gamma(2, 3)":                     "0 is not a value that `k` can have",
		"param k in (1, 2) ~ beta(2, 3)":                "prior",
		"param k = 1 ~ gamma(0, 3)":                     "",
		"param a = 1\n param k in (1, 2) ~ gamma(a, 3)": "known for constant arguments only",
	} {
		_, err := Parse("m.node", "model M {\n "+text+"\n state x = 1\n x' = -k*x\n}")
		require.ErrorContains(t, err, want, text)
	}
}
