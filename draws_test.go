package pinode

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
)

// rowsOf is a table with so many rows of a normal covariate.
func rowsOf(n int) string {
	rng := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("a,site\n")
	for i := range n {
		fmt.Fprintf(&b, "%.6f,%d\n", rng.NormFloat64(), i%7)
	}
	return b.String()
}

// TestDrawMoments: draws have the mean, the variance and the quarters of their
// distributions.
func TestDrawMoments(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 6000
	}
	wants := map[string][5]float64{ // mean, deviation, lower quartile, median, upper quartile
		"normal(1, 2)":        {1, 2, 1 - 2*0.6744898, 1, 1 + 2*0.6744898},
		"uniform(-1, 3)":      {1, 4 / math.Sqrt(12), 0, 1, 2},
		"exponential(3)":      {3, 3, 3 * math.Log(4./3), 3 * math.Ln2, 3 * math.Log(4)},
		"lognormal(0.5, 0.4)": {math.Exp(0.58), math.Exp(0.58) * math.Sqrt(math.Expm1(0.16)), math.Exp(0.5 - 0.4*0.6744898), math.Exp(0.5), math.Exp(0.5 + 0.4*0.6744898)},
		"laplace(2, 0.5)":     {2, 0.5 * math.Sqrt2, 2 - 0.5*math.Ln2, 2, 2 + 0.5*math.Ln2},
		"student(8, 1, 2)":    {1, 2 * math.Sqrt(8./6), 1 - 2*0.7063866, 1, 1 + 2*0.7063866},
		"cauchy(1, 2)":        {math.NaN(), math.NaN(), -1, 1, 3},
		"halfnormal(2)":       {2 * math.Sqrt(2/math.Pi), 2 * math.Sqrt(1-2/math.Pi), 2 * 0.3186394, 2 * 0.6744898, 2 * 1.1503494},
		"halfcauchy(2)":       {math.NaN(), math.NaN(), 2 * math.Tan(math.Pi/8), 2, 2 * math.Tan(3*math.Pi/8)},
		"gamma(1, 2)":         {2, 2, 2 * math.Log(4./3), 2 * math.Ln2, 2 * math.Log(4)},
		"inverse_gamma(1, 2)": {math.NaN(), math.NaN(), 2 / math.Log(4), 2 / math.Ln2, 2 / math.Log(4./3)},
		"beta(1, 3)":          {0.25, math.Sqrt(3. / 80), 1 - math.Cbrt(0.75), 1 - math.Cbrt(0.5), 1 - math.Cbrt(0.25)},
	}
	dists := slices.Sorted(maps.Keys(wants))
	for _, per := range []string{"row", "trajectory"} {
		var draws, sum strings.Builder
		for k, dist := range dists {
			fmt.Fprintf(&draws, "  draw z%d ~ %s per %s\n  let y%d = z%d\n", k, dist, per, k, k)
			fmt.Fprintf(&sum, " + z%d", k)
		}
		m := fromText(t, "model M {\n  covariate a\n  let of = a\n"+draws.String()+"  loss l = a"+sum.String()+"\n}\ndata d from \"d.csv\" { a: a }\nsimulate { until: 1, step: 1 }", rowsOf(n))
		run, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		require.Len(t, run.Trajectories, n)
		for k, dist := range dists {
			want, at := wants[dist], slices.Index(run.Columns, fmt.Sprintf("y%d", k))
			var z []float64
			for _, tr := range run.Trajectories {
				z = append(z, tr.Rows[0][at])
			}
			if !math.IsNaN(want[0]) {
				mean, sd := stat.MeanStdDev(z, nil)
				require.InDelta(t, want[0], mean, 4*want[1]/math.Sqrt(float64(n)), dist)
				require.InEpsilon(t, want[1], sd, 0.05, dist)
			}
			for k, q := range want[2:] { // the share below has a deviation of at most a half over √n
				below := 0.
				for _, v := range z {
					if v < q {
						below++
					}
				}
				require.InDelta(t, 0.25*float64(k+1), below/float64(n), 4*0.5/math.Sqrt(float64(n)), dist)
			}
		}
	}
}

const drawing = `model M {
  covariate a
  param w in (-3, 3) = 0.4
  param σ in (0.1, 3) = 0.7
  draw z0 ~ normal(w, σ)
  draw shift ~ uniform(0, 1) per site
  draw s[2] ~ normal(0, 1) per row
  state z = z0
  z' = -z + shift
  event kick at t = 0.5 { z := z + 0.1*z0 }
  observe y = z at t = 1 ~ normal(σ)
  loss match = mean((w*s*a - z)^2)
}
data d from "d.csv" { a: a, y: a }
fit { solver: tsit5 { rtol: 1e-9, atol: 1e-11 }, draws: %d }
`

// TestDrawsAreFunctions: what is drawn depends neither on batches nor on workers, and the
// loss with several copies is the mean of theirs.
func TestDrawsAreFunctions(t *testing.T) {
	gradient := func(draws, workers, set int, batch []int) []float64 {
		p := atStart(t, fromText(t, fmt.Sprintf(drawing, draws), rowsOf(60)), workers)
		require.True(t, p.objective.Redraw(set))
		return p.gradient(batch)
	}
	loss := func(draws, workers, set int, batch []int) float64 {
		g := gradient(draws, workers, set, batch)
		return g[len(g)-1]
	}
	require.Equal(t, gradient(1, 1, 3, nil), gradient(1, 2, 3, nil))
	one := loss(1, 1, 3, nil)
	sum := 0.
	for k := range 60 {
		sum += loss(1, 1, 3, []int{k})
	}
	require.InDelta(t, one, sum/60, 1e-12)
	require.NotEqual(t, one, loss(1, 1, 4, nil), "another epoch")
	five := loss(5, 2, 3, nil)
	require.NotEqual(t, one, five)
	require.InDelta(t, five, loss(5, 1, 3, nil), 0)
}

// TestDrawGradients: the loss with draws in initial values, equations, events and losses has
// the gradient that differences give, in every mode.
func TestDrawGradients(t *testing.T) {
	for _, mode := range []string{"unrolled", "adjoint", "forward"} {
		text := strings.Replace(fmt.Sprintf(drawing, 3), "fit { ", "fit { gradient: "+mode+", ", 1)
		p := atStart(t, fromText(t, text, rowsOf(20)), 1)
		require.InDeltaSlice(t, p.slopes(), p.gradient(nil)[:len(p.x)], 1e-6, mode)
	}
}

// TestDrawsAnew: a first-order method draws anew each epoch, so that it finds the optimum of
// the expectation: here that of E(w − z)² for z of mean 1.5; what is held is compared.
func TestDrawsAnew(t *testing.T) {
	m := fromText(t, `model M {
  covariate a
  param w in (-10, 10) = 0
  draw z ~ normal(1.5, 1) per row
  loss l = (w - z)^2 + 0*a
}
data d from "d.csv" { a: a }
fit { optimizer: adam { lr: 0.05, epochs: 400, schedule: cosine }, batch: 5 }`, rowsOf(20))
	f, err := m.NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	require.NoError(t, f.Run(t.Context()))
	held := f.inner.Estimates[0].Value
	last := f.inner.State.X[0]
	w := f.inner.Objective.Space.Transforms[0].Forward(last)
	// 20 rows held have a mean of 1.5 ± 0.22; all that was drawn in the last epochs one much closer.
	require.InDelta(t, 1.5, w, 0.12)
	require.InDelta(t, 1.5, held, 0.7)
}

// TestDrawsRefused: what cannot be drawn, or not there.
func TestDrawsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"draw z ~ gamma(k, 1)":                                         "this argument of `gamma` is a number",
		"draw z ~ poisson()":                                           "poisson",
		"draw z ~ normal(q, 1)\n  draw q ~ normal(z, 1)":               "the distribution of the draw",
		"draw z ~ normal(x, 1)":                                        "cannot depend on a state",
		"draw z ~ normal(0, 1) per row, site":                          "`per row` stands alone",
		"draw z ~ normal(0, 1) per row\n  event e at t = 1 { x := z }": "an event cannot depend on a draw of each row",
		"draw q ~ normal(0, 1) per row\n  state v = q\n  v' = 1":       "an initial value cannot depend on a draw of each row",
		"draw z ~ normal(0, 1) per farm\n  loss l = z*k":               "`z` is per farm, which is not among the keys",
	} {
		m, err := parsedText(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  "+line+"\n  observe y = x ~ normal(1)\n}\ndata d from \"d.csv\" { time: a, y: site }", "a,site\n1,2\n")
		if err == nil {
			_, err = m.NewFit(FitOptions{})
		}
		require.ErrorContains(t, err, want)
	}
}
