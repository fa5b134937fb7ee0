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
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
)

// fitOf is a fit of a model to data, made in a folder of its own.
func fitOf(t *testing.T, model, csv, columns, settings string) (*Fit, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), fmt.Sprintf("%s\ndata d from \"d.csv\" { time: t, %s }\nfit { %s }\n", model, columns, settings))
	require.NoError(t, err)
	return m.NewFit(FitOptions{})
}

func certificateOf(t *testing.T, f *Fit, modes ...string) *Certificate {
	t.Helper()
	c, err := f.Certify(context.Background(), 24, modes...)
	require.NoError(t, err)
	return c
}

// TestCertificateAtOptimum: at the estimates of a fit the gradient is zero, and
// what the modes and the differences leave of it agrees in no digit. That is
// no disagreement.
func TestCertificateAtOptimum(t *testing.T) {
	const model = `model M {
  param k in (0, inf) = 0.3
  state x = 1
  x' = -k*x
  event dose at t = 2 { x := x + 1 }
  observe y = x ~ normal(0.1)
}`
	for name, noise := range map[string]float64{"noisy data": 0.1, "data of the model itself": 0} {
		t.Run(name, func(t *testing.T) {
			csv := "t,y\n"
			for i := range 12 {
				at := 0.5 * float64(i)
				x := math.Exp(-0.5 * at)
				if at >= 2 {
					x += math.Exp(-0.5 * (at - 2))
				}
				csv += fmt.Sprintf("%g,%.17g\n", at, x+noise*math.Sin(float64(7*i)))
			}
			f, err := fitOf(t, model, csv, "y: y", "optimizer: lbfgs { iterations: 100 }")
			require.NoError(t, err)
			require.NoError(t, f.Run(context.Background()))
			again, err := f.Model.NewFit(FitOptions{At: f})
			require.NoError(t, err)
			for _, modes := range [][]string{nil, gradcheck.Modes} {
				c := certificateOf(t, again, modes...)
				require.True(t, c.Certified(), "%s: %s off by %g", c.Where, c.Mode, c.Worst)
				require.Zero(t, c.Doubtful)
				require.Less(t, math.Abs(c.Targets[0].Rows[0].Difference), 1e-3, "this is no optimum")
			}
		})
	}
}

// TestRestart: each model starts again from its own estimates; by day from those of forty iterations.
func TestRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("fits")
	}
	for _, path := range models(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := Load(path)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f, err := m.NewFit(FitOptions{Observer: func(p fit.Progress) {
				if p.Iteration >= 40 && !nightly() {
					cancel()
				}
			}})
			require.NoError(t, err)
			require.NoError(t, f.Run(ctx))
			again, err := m.NewFit(FitOptions{At: f})
			require.NoError(t, err)
			c := certificateOf(t, again)
			require.True(t, c.Certified(), "%s: %s off by %g", c.Where, c.Mode, c.Worst)
			require.GreaterOrEqual(t, c.Compared, 3)
		})
	}
}

// groups has a parameter that acts on group b alone, and one that acts nowhere.
const groups = `model TwoGroups {
  param k in (0, inf) = 0.3
  param boost in (0, inf) = 1.5
  param idle = 2
  covariate treated
  state x = 1
  x' = -k*x*(if treated > 0 then boost else 1)
  observe y = x ~ normal(0.05)
}`

const groupData = "group,t,treated,y\na,0,0,1.02\na,2,0,0.6\na,4,0,0.31\nb,0,1,0.97\nb,2,1,0.4\nb,4,1,0.13\nc,0,0,1.1\nc,1,0,0.8\nc,4,0,0.29\n"

func fitGroups(t *testing.T) *Fit {
	f, err := fitOf(t, groups, groupData, "trajectory: group, treated: treated, y: y", "optimizer: lbfgs")
	require.NoError(t, err)
	return f
}

// TestCertificateVisits: a parameter is compared where it acts, by the value of
// its derivative there; one that acts nowhere is not certified.
func TestCertificateVisits(t *testing.T) {
	f := fitGroups(t)
	for _, modes := range [][]string{nil, gradcheck.Modes} {
		c := certificateOf(t, f, modes...)
		require.True(t, c.Certified(), c.Where)
		require.Equal(t, []string{"idle"}, c.Inert)
		seen := map[string]string{}
		for _, target := range c.Targets {
			for _, r := range target.Rows {
				if r.Name == "boost" {
					// d/dboost of the mean over b of (x − y)²/2σ², x = e^{−k boost t}
					want := 0.
					for _, row := range [][2]float64{{2, 0.4}, {4, 0.13}} {
						x := math.Exp(-0.3 * 1.5 * row[0])
						want += (x - row[1]) / (0.05 * 0.05) * -0.3 * row[0] * x / 3
					}
					require.InEpsilon(t, want, r.Difference, 1e-6)
					require.InEpsilon(t, want, r.Gradient[0], 1e-6)
				}
				seen[r.Name] = target.Name
			}
		}
		require.Equal(t, "loss of group=b", seen["boost"])
		require.NotContains(t, seen, "idle")
	}
}

// TestCertificateRefuses: gradients that are wrong in one of the ways in which
// they go wrong.
func TestCertificateRefuses(t *testing.T) {
	f := fitGroups(t)
	opt, err := engine.SolverOptions(fitSettings(f.Model))
	require.NoError(t, err)
	partOf := func(name string) []float64 { // of the gradient of all
		o := f.inner.Objective
		g, all := make([]float64, o.Space.Dim), make([]float64, o.Space.Dim)
		x, err := o.Space.X0()
		require.NoError(t, err)
		for k, it := range o.Trajectories {
			if it.Name == name {
				_, err := o.Eval(context.Background(), x, []int{k}, 1, g)
				require.NoError(t, err)
				for i := range g {
					all[i] += g[i] * float64(it.Values) / float64(o.Total)
				}
			}
		}
		return all
	}
	of := func(wrong string, spoil func(trajectory string, g []float64)) func(mode, trajectory string, g []float64) {
		return func(mode, trajectory string, g []float64) {
			if mode == wrong {
				spoil(trajectory, g)
			}
		}
	}
	third := partOf("group=c")
	for name, c := range map[string]struct {
		spoil func(trajectory string, g []float64)
		where string
	}{
		"the derivative by a parameter is dropped":                {func(_ string, g []float64) { g[1] = 0 }, "boost"},
		"that of one which acts everywhere":                       {func(_ string, g []float64) { g[0] = 0 }, "k"},
		"a factor of 1.0001":                                      {func(_ string, g []float64) { g[0] *= 1.0001 }, "k"},
		"what acts nowhere has a derivative":                      {func(_ string, g []float64) { g[2] = 0.1 }, "idle"},
		"a trajectory is left out of the sum":                     {func(tr string, g []float64) { leaveOut(tr, g, third) }, "loss of all trajectories"},
		"the gradient of one trajectory has the sign of its loss": {func(_ string, g []float64) { negate(g) }, "k"},
	} {
		t.Run(name, func(t *testing.T) {
			want := f.inner.Certification(opt, 24, nil)
			want.Spoil = of("unrolled", c.spoil)
			cert, err := gradcheck.Certify(context.Background(), f.Model.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, opt, want)
			require.NoError(t, err)
			require.False(t, cert.Certified(), "worst %g", cert.Worst)
			require.Contains(t, cert.Where, c.where)
			want = f.inner.Certification(opt, 24, gradcheck.Modes)
			want.Spoil = of("adjoint", c.spoil)
			cert, err = gradcheck.Certify(context.Background(), f.Model.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, opt, want)
			require.NoError(t, err)
			require.False(t, cert.Certified(), "worst %g", cert.Worst)
			require.Equal(t, "adjoint", cert.Mode)
		})
	}
}

func leaveOut(trajectory string, g, part []float64) {
	if trajectory == "" {
		for i := range g {
			g[i] -= part[i]
		}
	}
}

func negate(g []float64) {
	for i := range g {
		g[i] = -g[i]
	}
}

// TestCertificateRefusesAtOptimum: where the gradient is zero a term that is
// missing shows too.
func TestCertificateRefusesAtOptimum(t *testing.T) {
	f := fitGroups(t)
	require.NoError(t, f.Run(context.Background()))
	again, err := f.Model.NewFit(FitOptions{At: f})
	require.NoError(t, err)
	opt, err := engine.SolverOptions(fitSettings(f.Model))
	require.NoError(t, err)
	c := certificateOf(t, again)
	require.True(t, c.Certified(), c.Where)
	want := again.inner.Certification(opt, 24, nil)
	want.Spoil = func(_, trajectory string, g []float64) {
		if trajectory == "" {
			g[0] *= 3
			g[1] += 1e-3
		}
	}
	c, err = gradcheck.Certify(context.Background(), again.Model.prog, again.inner.Objective.Space, again.inner.Objective.Trajectories, opt, want)
	require.NoError(t, err)
	require.False(t, c.Certified(), "worst %g", c.Worst)
}

// TestDoubtfulDifferences: runs that differences need and that fail, or whose
// events come in another order however near they are, tell nothing about the
// gradient. The modes then vouch for each other, and one that is wrong is
// still refused.
func TestDoubtfulDifferences(t *testing.T) {
	const csv = "t,y\n0.5,0.4\n1.5,0.3\n2.5,0.6\n"
	for name, c := range map[string]struct{ model, why, settings string }{
		"two events, fixed steps": {`model M {
  param k in (0, inf) = 1
  param c = 0.7
  state x = 0
  state z = 0
  state v = 1
  x' = k
  z' = 1
  v' = -c*v
  event one when x >= 1 { x := 0.2 }
  event two when z >= 1 { z := 0.1 }
  observe y = v + x ~ normal(1)
}`, "another order", "solver: rk4 { step: 0.01 }"},
		"no prediction beside the start values": {`model M {
  param k = 1
  param c = 0.7
  state v = 1
  v' = -c*v
  observe y = v + (k - 1)^2.5 ~ normal(1)
}`, "a run fails", "solver: tsit5 { rtol: 1e-10, atol: 1e-12 }"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := fitOf(t, c.model, csv, "y: y", c.settings)
			require.NoError(t, err)
			cert := certificateOf(t, f)
			require.True(t, cert.Certified(), "%s: %g", cert.Where, cert.Worst)
			require.Equal(t, 2, cert.Doubtful, "k, and the direction through all")
			require.Equal(t, 1, cert.Compared)
			at := slices.IndexFunc(cert.Targets[0].Rows, func(r CertifiedPartial) bool { return r.Name == "k" })
			k := &cert.Targets[0].Rows[at]
			require.Contains(t, k.Failed, c.why)
			require.Equal(t, "differences", k.Doubtful)

			opt, err := engine.SolverOptions(fitSettings(f.Model))
			require.NoError(t, err)
			want := f.inner.Certification(opt, 24, nil)
			want.Spoil = func(mode, _ string, g []float64) {
				if mode == "unrolled" {
					g[0] += 1e-3
				}
			}
			cert, err = gradcheck.Certify(context.Background(), f.Model.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, opt, want)
			require.NoError(t, err)
			require.False(t, cert.Certified(), "worst %g", cert.Worst)
		})
	}
}

// TestCertificateKinks: networks whose slope or curvature jumps put adaptive steps off, which
// is said and not refused, unless it is more than kinks can do. With fixed
// steps, and with a smooth activation, nothing is doubted.
func TestCertificateKinks(t *testing.T) {
	t.Parallel()
	csv := "t,y\n"
	for i := range 15 {
		at := 0.4 * float64(i)
		csv += fmt.Sprintf("%g,%g\n", at, math.Exp(-0.3*at)*math.Cos(at))
	}
	of := func(activation, settings string, seed int, observed ...string) *Fit {
		field, seen := "-x + 0.5*f(x, v)", "x"
		if len(observed) > 0 {
			field, seen = "-x", observed[0]
		}
		f, err := fitOf(t, fmt.Sprintf(`model R {
  neural f(x, v) -> 1 { hidden: [8, 8], activation: %s, seed: %d }
  state x = 1
  state v = 0
  x' = v
  v' = %s
  observe y = %s ~ normal(0.05)
}`, activation, seed, field, seen), csv, "y: y", settings)
		require.NoError(t, err)
		return f
	}
	seeds := 1
	if nightly() {
		seeds = 2
	}
	for seed := 1; seed <= seeds; seed++ {
		for _, activation := range []string{"relu", "leaky_relu", "elu"} {
			if activation == "leaky_relu" && testing.Short() {
				continue // a kink of the same kind
			}
			f := of(activation, "solver: tsit5", seed)
			c := certificateOf(t, f)
			require.True(t, c.Certified(), "%s %d, %s: %g", activation, seed, c.Where, c.Worst)
			require.True(t, c.Doubtful > 0 || activation == "elu")
			require.Len(t, c.Notes, 1)
			require.Contains(t, c.Notes[0], "`f` has activation "+activation)

			opt, err := engine.SolverOptions(fitSettings(f.Model))
			require.NoError(t, err)
			want := f.inner.Certification(opt, 24, nil)
			want.Spoil = func(_, _ string, g []float64) {
				if activation == "elu" { // which puts off by less
					floats.Scale(1.001, g)
				} else {
					clear(g[60:])
				}
			}
			c, err = gradcheck.Certify(context.Background(), f.Model.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, opt, want)
			require.NoError(t, err)
			require.False(t, c.Certified())
		}
		for _, f := range []*Fit{of("relu", "solver: rk4 { step: 0.01 }", seed), of("softplus", "solver: tsit5", seed), of("relu", "solver: tsit5", seed, "x + f(x, v)")} {
			c := certificateOf(t, f)
			require.True(t, c.Certified(), "%d, %s: %g", seed, c.Where, c.Worst)
			require.Zero(t, c.Doubtful)
			require.Empty(t, c.Notes)
		}
	}
}

// TestCertificateInterrupted: a context that ends ends it.
func TestCertificateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := fitGroups(t).Certify(ctx, 24)
	require.ErrorIs(t, err, context.Canceled)
}

// TestNotFinite: what makes a loss or a gradient that is not finite is named:
// observation, trajectory, time, value, and what to do.
func TestNotFinite(t *testing.T) {
	const csv = "g,t,y\na,0,1\na,1,0.6\nb,0,1\nb,2,0.2\n"
	model := func(c, observe string) string {
		return fmt.Sprintf("model M {\n  param k in (0, inf) = 0.5\n  param c = %s\n  state x = 1\n  x' = -k*x\n  observe y = %s\n}", c, observe)
	}
	for name, c := range map[string]struct {
		model, csv string
		want       []string
	}{
		"prediction below 0":    {model("0.5", "x - c ~ lognormal(0.1)"), csv, []string{"trajectory g=b, t = 2", "prediction of `y` is -0.132121 where 0.2 was measured", "lognormal needs a prediction above 0"}},
		"prediction of 0":       {model("1", "x - c ~ lognormal(0.1)"), csv, []string{"trajectory g=a, t = 0", "prediction of `y` is 0 where 1"}},
		"poisson mean":          {model("1", "x - c ~ poisson()"), "g,t,y\na,0,1\na,1,2\n", []string{"trajectory g=a, t = 0", "prediction of `y` is 0 where 1", "poisson needs a prediction above 0"}},
		"logarithm of 0":        {model("1", "log(x - c) ~ normal(1)"), csv, []string{"trajectory g=a, t = 0", "prediction of `y` is -Inf, by log(x - c)"}},
		"spread of 0":           {model("1", "x ~ normal(c*t)"), csv, []string{"trajectory g=a, t = 0", "`c*t` in normal of `y` is 0, and has to be above 0", "bound"}},
		"spread below 0":        {model("-1", "x ~ student(4, c)"), csv, []string{"trajectory g=a, t = 0", "`c` in student of `y` is -1"}},
		"no number":             {model("-1", "sqrt(c)*x ~ normal(1)"), csv, []string{"trajectory g=a, t = 0", "prediction of `y` is NaN, by sqrt(c)*x"}},
		"slope of a prediction": {model("0", "x + sqrt(c) ~ normal(1)"), csv, []string{"t = ", "the loss is finite and its derivative is not"}},
		"slope of an equation": {
			strings.Replace(model("0", "x ~ normal(1)"), "-k*x", "-k*x + sqrt(c)", 1), csv,
			[]string{"trajectory g=a, t = 0", "the derivative of x' = -k*x + sqrt(c) is not finite"},
		},
		"lognormal data":      {model("1", "x ~ lognormal(0.1)"), strings.Replace(csv, "0.2", "-0.2", 1), []string{"d.csv:5: trajectory g=b, t = 2: `y` is -0.2", "lognormal has data above 0 only"}},
		"fractional counts":   {model("1", "x ~ poisson()"), csv, []string{"d.csv:3: trajectory g=a, t = 1: `y` is 0.6", "whole numbers from 0 on"}},
		"counts below 0":      {model("1", "x ~ negbinomial(1)"), strings.Replace(csv, "0.6", "-3", 1), []string{"t = 1: `y` is -3", "whole numbers from 0 on"}},
		"more than certainty": {model("1", "0.5*x ~ bernoulli()"), strings.Replace(csv, "a,1,0.6", "a,1,2", 1), []string{"t = 1: `y` is 2", "data from 0 to 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := fitOf(t, c.model, c.csv, "trajectory: g, y: y", "optimizer: lbfgs")
			if err == nil {
				_, err = f.Certify(context.Background(), 24)
			}
			require.Error(t, err)
			for _, w := range c.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
}

// TestNothingExpected: a count of 0 where 0 is expected, and what is certain,
// have the likelihood 1.
func TestNothingExpected(t *testing.T) {
	const model = "model M {\n  param k in (0, inf) = 0.5\n  state x = 0\n  x' = k\n  observe y = x ~ %s\n}"
	const k, r = 0.5, 1.
	for dist, c := range map[string]struct {
		csv     string
		loss, g float64 // twice the mean over two rows
	}{
		"poisson()":      {"t,y\n0,0\n1,2\n", k - 2*math.Log(k) + math.Log(2), 1 - 2/k},
		"negbinomial(1)": {"t,y\n0,0\n1,1\n", -math.Log(r) - r*math.Log(r/(r+k)) - math.Log(k/(r+k)), r/(r+k) - 1/k + 1/(r+k)},
		"bernoulli()":    {"t,y\n0,0\n2,1\n", 0, -2},
	} {
		t.Run(dist, func(t *testing.T) {
			f, err := fitOf(t, fmt.Sprintf(model, dist), c.csv, "y: y", "gradient: forward")
			require.NoError(t, err)
			for _, mode := range []string{"forward", "unrolled", "adjoint"} {
				f.inner.Objective.Gradient = mode
				x, err := f.inner.Objective.Space.X0()
				require.NoError(t, err)
				g := make([]float64, 1)
				res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, g)
				require.NoError(t, err)
				require.False(t, res.Failed, res.Reason)
				require.InDelta(t, c.loss/2, res.Loss, 1e-9)
				require.InDelta(t, c.g/2, g[0]/f.inner.Objective.Space.Transforms[0].Derivative(x[0]), 1e-8, mode)
			}
		})
	}
}

// TestCertificateAtRest: a model that starts where slopes of its parts are
// infinite, with derivatives that are finite: drag by the speed at rest.
func TestCertificateAtRest(t *testing.T) {
	f, err := fitOf(t, `model M {
  param c in (0, inf) = 0.8
  param g = 1.5
  param p in [1, 3] = 2
  state u = 0
  state w = 0
  state s = 0
  u' = g - c*u*hypot(u, w)
  w' = -c*w*norm([u, w]) + 0.3*u^p
  s' = sqrt(u^2 + w^2) - c*s*sqrt(s)
  event fast when hypot(u, w) >= 0.9 { w := w + 0.2 }
  observe y = u + w + s ~ normal(0.3)
}`, "t,y\n0,0.1\n0.5,0.8\n1,1.5\n2,1.9\n", "y: y", "solver: tsit5 { rtol: 1e-10, atol: 1e-12 }")
	require.NoError(t, err)
	c := certificateOf(t, f, gradcheck.Modes...)
	require.True(t, c.Certified(), "%s, %s: %g", c.Mode, c.Where, c.Worst)
	require.Equal(t, 4, c.Compared)
	require.NotEmpty(t, c.Events)
}

// TestCertificateBelowTolerance: where a prediction decays below the absolute tolerance its
// logarithm is noise to differences; the gradient is compared where the relative tolerance
// alone counts. Of a stiff run by the default solver the modes that it has are compared.
func TestCertificateBelowTolerance(t *testing.T) {
	f, err := fitOf(t, "model M {\n  param k in (0, inf) = 2\n  state n = 100\n  n' = -k*n\n  observe count = n ~ poisson()\n}",
		"t,count\n1,92\n10,37\n20,14\n40,2\n60,0\n", "count: count", "")
	require.NoError(t, err)
	c := certificateOf(t, f)
	require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)

	m, err := Parse("stiff.node", "model M {\n  param k = 2\n  state x = 1\n  state y = 0\n  x' = -k*x\n  y' = 1e6*(cos(t)*x - y)\n}\nsimulate { until: 10 }")
	require.NoError(t, err)
	c, err = m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)
	require.Equal(t, []string{"unrolled", "adjoint", "forward"}, c.Modes)
}
