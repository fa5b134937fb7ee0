package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
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

// A linear block with normal priors of its weights is a linear regression: the most probable
// weights and the standard error of a parameter beside them are those of Bayes' rule in closed
// form, by the default fit and by a method of gradients alone.
func TestWeightPriors(t *testing.T) {
	const sd, slopeSD, biasMean, biasSD, aSD = 0.3, 0.5, 0.4, 0.2, 0.7
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("t,y\n")
	normal := mat.NewSymDense(3, nil) // of slope, bias and a, which is measured at times above 1 only
	rhs := mat.NewVecDense(3, nil)
	add := func(design []float64, y, sd float64) {
		v := mat.NewVecDense(3, design)
		normal.SymRankOne(normal, 1/(sd*sd), v)
		rhs.AddScaledVec(rhs, y/(sd*sd), v)
	}
	for i := range 12 {
		x := 0.2 * float64(i)
		y := math.Sin(7*float64(i)) + 2*x
		fmt.Fprintf(&rows, "%g,%.17g\n", x, y)
		late := 0.
		if x > 1 {
			late = 1
		}
		add([]float64{x, 1, late}, y, sd)
	}
	add([]float64{1, 0, 0}, 0, slopeSD)
	add([]float64{0, 1, 0}, biasMean, biasSD)
	add([]float64{0, 0, 1}, 0, aSD)
	var want mat.VecDense
	var cov mat.Dense
	require.NoError(t, want.SolveVec(normal, rhs))
	require.NoError(t, cov.Inverse(normal))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(rows.String()), 0o600))
	for _, optimizer := range []string{"auto", "lbfgs"} {
		m, err := Parse(filepath.Join(dir, "m.node"), fmt.Sprintf(`model M {
  param a = 0 ~ normal(0, %g)
  neural f(x) -> 1 {
    hidden: [], input_scale: 1, output_scale: 1
    prior: normal(0, %g) { 0.bias: normal(%g, %g) }
  }
  state s = 0
  s' = 0
  observe y = f(t) + (if t > 1 then a else 0) + s ~ normal(%g)
}
data d from "d.csv" { time: t, y: y }
fit { optimizer: %s, uncertainty: laplace }`, aSD, slopeSD, biasMean, biasSD, sd, optimizer))
		require.NoError(t, err)
		f, err := m.Fit(context.Background(), FitOptions{Seed: 1})
		require.NoError(t, err)
		v := f.Values()
		require.InDelta(t, want.AtVec(0), v.Weights["f.0.weight"][0], 1e-5, optimizer)
		require.InDelta(t, want.AtVec(1), v.Weights["f.0.bias"][0], 1e-5, optimizer)
		require.InDelta(t, want.AtVec(2), v.Params["a"], 1e-5, optimizer)
		require.InDelta(t, math.Sqrt(cov.At(2, 2)), f.Params["a"].StdErr, 1e-5, optimizer)
	}
}

// Arrays that are frozen stay as they start; the others are fitted, also by a search that
// draws networks anew.
func TestFrozenArrays(t *testing.T) {
	dir := t.TempDir()
	rows := "t,y\n"
	for i := range 20 {
		rows += fmt.Sprintf("%g,%g\n", 0.1*float64(i+1), math.Exp(-0.1*float64(i+1)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(rows), 0o600))
	var drawn map[string][]float64 // without a step
	for _, optimizer := range []string{"adam { epochs: 1, lr: 1e-300 }", "auto { budget: 0.1 }", "adam { epochs: 5 } then lbfgs { iterations: 5 }"} {
		m, err := Parse(filepath.Join(dir, "m.node"), fmt.Sprintf(`model M {
  neural f(x) -> 1 { hidden: [4, 3], seed: 5, frozen: [0, 1.bias, 2.weight] }
  state x = 1
  x' = f(x)
  observe y = x ~ normal(0.001)
}
data d from "d.csv" { time: t, y: y }
fit { optimizer: %s }`, optimizer))
		require.NoError(t, err)
		start, err := m.Evaluate(context.Background(), EvaluateOptions{})
		require.NoError(t, err)
		var moved []string
		for name := range start.Gradient.Weights {
			moved = append(moved, name)
		}
		slices.Sort(moved)
		require.Equal(t, []string{"f.1.weight", "f.2.bias"}, moved)
		f, err := m.Fit(context.Background(), FitOptions{Seed: 1})
		require.NoError(t, err)
		if drawn == nil {
			drawn = f.Values().Weights
			continue
		}
		for name, w := range f.Values().Weights {
			if slices.Contains(moved, name) {
				require.NotEqual(t, drawn[name], w, name)
			} else {
				require.Equal(t, drawn[name], w, name)
			}
		}
	}
}
