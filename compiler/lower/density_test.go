package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
)

// logChoose is the logarithm of the generalised binomial coefficient y + r − 1 over y.
func logChoose(y, r float64) float64 {
	s := 0.
	for k := range int(y) {
		s += math.Log((r + float64(k)) / float64(k+1))
	}
	return s
}

// noise has for each distribution of an observation its text, with the arguments a and
// b, and the log-density of y around m by another implementation.
var noise = map[string]struct {
	text    string
	logProb func(y, m, a, b float64) float64
	y, m    []float64
}{
	"normal": {
		"normal(a)", func(y, m, a, _ float64) float64 { return distuv.Normal{Mu: m, Sigma: a}.LogProb(y) },
		[]float64{-3, 0, 0.4, 7},
		[]float64{-1, 0, 2.5},
	},
	"lognormal": {
		"lognormal(a)", func(y, m, a, _ float64) float64 { return distuv.LogNormal{Mu: math.Log(m), Sigma: a}.LogProb(y) },
		[]float64{0.01, 1, 7},
		[]float64{0.3, 1, 5},
	},
	"student": {
		"student(b, a)", func(y, m, a, b float64) float64 { return distuv.StudentsT{Mu: m, Sigma: a, Nu: b}.LogProb(y) },
		[]float64{-30, 0, 0.4, 7},
		[]float64{-1, 0, 2.5},
	},
	"laplace": {
		"laplace(a)", func(y, m, a, _ float64) float64 { return distuv.Laplace{Mu: m, Scale: a}.LogProb(y) },
		[]float64{-3, 0, 0.4, 7},
		[]float64{-1, 0.1, 2.5},
	},
	"cauchy": {
		"cauchy(a)", func(y, m, a, _ float64) float64 { return distuv.StudentsT{Mu: m, Sigma: a, Nu: 1}.LogProb(y) },
		[]float64{-30, 0, 0.4, 7},
		[]float64{-1, 0, 2.5},
	},
	"huber": {
		"huber(b, a)", func(y, m, a, b float64) float64 { // the mass of exp(−loss) by quadrature
			loss := func(z float64) float64 {
				if z = math.Abs(z); z > b {
					return b * (z - b/2)
				}
				return z * z / 2
			}
			within := quad.Fixed(func(z float64) float64 { return 2 * math.Exp(-loss(z)) }, 0, b, 50, nil, 0)
			beyond := quad.Fixed(func(s float64) float64 { return 2 * math.Exp(-loss(b-math.Log(s)/b)) / (s * b) }, 0, 1, 50, nil, 0)
			return -loss((y-m)/a) - math.Log(a*(within+beyond))
		},
		[]float64{-30, 0, 0.4, 7},
		[]float64{-1, 0, 2.5},
	},
	"poisson": {
		"poisson()", func(y, m, _, _ float64) float64 { return distuv.Poisson{Lambda: m}.LogProb(y) },
		[]float64{0, 1, 5, 40},
		[]float64{0.2, 1, 30},
	},
	"negbinomial": {"negbinomial(a)", func(y, m, a, _ float64) float64 { // failures before success a, of probability a/(a+m)
		return logChoose(y, a) + a*math.Log(a/(a+m)) + y*math.Log(m/(a+m))
	}, []float64{0, 1, 5, 40}, []float64{0.2, 1, 30}},
	"bernoulli": {
		"bernoulli()", func(y, m, _, _ float64) float64 { return distuv.Bernoulli{P: m}.LogProb(y) },
		[]float64{0, 1},
		[]float64{0.2, 0.5, 0.99},
	},
}

// TestNoise: the loss of an observation is its negative log-density, at every value,
// prediction and argument.
func TestNoise(t *testing.T) {
	for _, d := range check.Distributions {
		if d.Name == "exact" { // of states: see TestExactLikelihood
			continue
		}
		c, ok := noise[d.Name]
		if !ok {
			require.Contains(t, priors, d.Name, "%s is tested neither as noise nor as a prior", d.Name)
			continue
		}
		m := model(t, "  param a in (0, inf) = 1\n  param b in (0, inf) = 1\n  state x = 1\n  x' = a + b\n  observe seen = x ~ "+c.text)
		for _, y := range c.y {
			for _, mean := range c.m {
				for _, p := range [][]float64{{0.3, 2}, {1, 1}, {2.5, 7.5}, {30, 0.5}} {
					in := inputs{"y": {mean}, "p": p, "data": {y}, "seen": {1}}
					want := -c.logProb(y, mean, p[0], p[1])
					requireClose(t, want, value(t, m.Row, in), 1e-12, "%s of %g around %g with %v", d.Name, y, mean, p)
				}
			}
		}
	}
}

// TestNegativeBinomial: the mean is the prediction m, and the variance m + m²/α.
func TestNegativeBinomial(t *testing.T) {
	m := model(t, "  param α in (0, inf) = 1\n  state x = 1\n  x' = α\n  observe n = x ~ negbinomial(α)")
	for _, c := range [][2]float64{{3, 2.5}, {0.7, 0.4}, {8, 50}} {
		mean, α := c[0], c[1]
		var s0, s1, s2 float64
		for y := range 1000 {
			p := math.Exp(-value(t, m.Row, inputs{"y": {mean}, "p": {α}, "data": {float64(y)}, "seen": {1}}))
			s0 += p
			s1 += p * float64(y)
			s2 += p * (float64(y) - mean) * (float64(y) - mean)
		}
		require.InDelta(t, 1, s0, 1e-10)
		require.InDelta(t, mean, s1, 1e-9)
		require.InDelta(t, mean+mean*mean/α, s2, 1e-7*s2)
	}
}

// priors are likewise those of parameters, with the arguments a and b, and c of three.
var priors = map[string]struct {
	text    string
	logProb func(x, a, b, c float64) float64
	x       []float64
}{
	"normal":      {"normal(a, b)", func(x, a, b, _ float64) float64 { return distuv.Normal{Mu: a, Sigma: b}.LogProb(x) }, []float64{-2, 0, 3}},
	"lognormal":   {"lognormal(a, b)", func(x, a, b, _ float64) float64 { return distuv.LogNormal{Mu: a, Sigma: b}.LogProb(x) }, []float64{0.1, 1, 8}},
	"student":     {"student(c, a, b)", func(x, a, b, c float64) float64 { return distuv.StudentsT{Mu: a, Sigma: b, Nu: c}.LogProb(x) }, []float64{-20, 0, 3}},
	"laplace":     {"laplace(a, b)", func(x, a, b, _ float64) float64 { return distuv.Laplace{Mu: a, Scale: b}.LogProb(x) }, []float64{-2, 0, 3}},
	"uniform":     {"uniform(a, a + b)", func(x, a, b, _ float64) float64 { return distuv.Uniform{Min: a, Max: a + b}.LogProb(x) }, []float64{-2, 0.5, 1, 9}},
	"exponential": {"exponential(b)", func(x, _, b, _ float64) float64 { return distuv.Exponential{Rate: 1 / b}.LogProb(x) }, []float64{0, 0.5, 9}},
	"cauchy":      {"cauchy(a, b)", func(x, a, b, _ float64) float64 { return distuv.StudentsT{Mu: a, Sigma: b, Nu: 1}.LogProb(x) }, []float64{-20, 0, 3}},
	"halfnormal":  {"halfnormal(b)", func(x, _, b, _ float64) float64 { return math.Ln2 + distuv.Normal{Sigma: b}.LogProb(x) }, []float64{0, 0.5, 3}},
	"halfcauchy":  {"halfcauchy(b)", func(x, _, b, _ float64) float64 { return math.Ln2 + distuv.StudentsT{Sigma: b, Nu: 1}.LogProb(x) }, []float64{0, 0.5, 30}},
	"gamma":       {"gamma(c, b)", func(x, _, b, c float64) float64 { return distuv.Gamma{Alpha: c, Beta: 1 / b}.LogProb(x) }, []float64{0.1, 1, 8}},
	"inverse_gamma": {"inverse_gamma(c, b)", func(x, _, b, c float64) float64 {
		return distuv.InverseGamma{Alpha: c, Beta: b}.LogProb(x)
	}, []float64{0.1, 1, 8}},
	"beta": {"beta(c, b)", func(x, _, b, c float64) float64 { return distuv.Beta{Alpha: c, Beta: b}.LogProb(x) }, []float64{0.1, 0.5, 0.9}},
}

// TestPriors: the prior of a parameter is its negative log-density, summed over its
// elements.
func TestPriors(t *testing.T) {
	for _, d := range check.Distributions {
		c, ok := priors[d.Name]
		if !ok {
			continue
		}
		m := model(t, "  param a = 0.3\n  param b in (0, inf) = 1\n  param c in (0, inf) = 1\n  param x[2] ~ "+c.text+"\n  state s = 0\n  s' = a + b + c + sum(x)")
		require.Len(t, m.Priors, 1)
		for _, x0 := range c.x {
			for _, x1 := range c.x {
				for _, p := range [][]float64{{0.3, 2, 3}, {-1, 0.5, 0.7}} {
					in := inputs{"p": append(p[:3:3], x0, x1)}
					want := -c.logProb(x0, p[0], p[1], p[2]) - c.logProb(x1, p[0], p[1], p[2])
					requireClose(t, want, value(t, m.Priors[0].Node, in), 1e-12, "%s of %g and %g with %v", d.Name, x0, x1, p)
				}
			}
		}
	}
}

// TestWeights: the loss of an observation is its weight times the sum over those of its
// components that were measured; a weight of 0 takes its row out, whatever stands in it.
func TestWeights(t *testing.T) {
	m := model(t, `  param s in (0, inf) = 1
  input w
  covariate c
  state x[2] = 0
  x' = -s*x
  observe a[2] = x ~ normal(s) { weight: 3 }
  observe b[2] = x + 1 ~ laplace(s) { weight: w*c }
  observe off = x[0] ~ lognormal(s) { weight: 0 }
  observe scaled[2] = 2*x { weight: 5 }`)
	x, s := []float64{0.5, -0.2}, 1.5
	in := inputs{
		"y": x, "p": {s}, "u": {2}, "q": {0.75}, "s": {4, 8},
		"data": {0.1, 0.2, 0.3, 0.4, -5, 0.6, 0.7}, "seen": {1, 1, 1, 1, 1, 1, 1},
	}
	nll := func(y, mean float64) float64 { return -distuv.Normal{Mu: mean, Sigma: s}.LogProb(y) }
	abs := func(y, mean float64) float64 { return -distuv.Laplace{Mu: mean, Scale: s}.LogProb(y) }
	sq := func(y, mean, scale float64) float64 { return (y - mean) * (y - mean) / scale / scale }
	want := func(seen []float64) []float64 {
		return []float64{
			3 * (seen[0]*nll(0.1, 0.5) + seen[1]*nll(0.2, -0.2)),
			1.5 * (seen[2]*abs(0.3, 1.5) + seen[3]*abs(0.4, 0.8)),
			0,
			5 * (seen[5]*sq(0.6, 1, 4) + seen[6]*sq(0.7, -0.4, 8)),
		}
	}
	for _, seen := range [][]float64{{1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 0, 1, 0, 1}, {1, 0, 0, 1, 0, 1, 0}, {0, 0, 0, 0, 0, 0, 0}} {
		in["seen"] = seen
		terms, sum := want(seen), 0.
		got := values(t, m.Terms, in)
		for i := range terms {
			requireClose(t, terms[i], got[i], 1e-13, "term %d of %v", i, seen)
			sum += terms[i]
		}
		requireClose(t, sum, value(t, m.Row, in), 1e-13, "row")
		require.Equal(t, []float64{1.5}, values(t, m.Counts, in))
	}
	in["seen"], in["u"] = []float64{1, 1, 1, 1, 1, 1, 1}, []float64{0}
	require.Zero(t, values(t, m.Terms, in)[1])
	in["data"][2] = math.Inf(1)
	require.Zero(t, values(t, m.Terms, in)[1], "a value that does not count does not reach the sum")
}

// TestMissingIsNothing: what was not measured adds nothing, though its place in the data
// holds no number.
func TestMissingIsNothing(t *testing.T) {
	m := model(t, "  state x = 1\n  x' = 0\n  observe a = x ~ lognormal(1)\n  observe b = x ~ poisson()\n  loss l = data(a)/data(b) + x { weight: 2 }")
	for _, c := range []struct{ seen, terms []float64 }{
		{[]float64{0, 0}, []float64{0, 0, 0}},
		{[]float64{1, 0}, []float64{-distuv.LogNormal{Mu: math.Log(3), Sigma: 1}.LogProb(2), 0, 0}},
		{[]float64{0, 1}, []float64{0, -distuv.Poisson{Lambda: 3}.LogProb(4), 0}},
		{[]float64{1, 1}, []float64{-distuv.LogNormal{Mu: math.Log(3), Sigma: 1}.LogProb(2), -distuv.Poisson{Lambda: 3}.LogProb(4), 2 * 10 * (2./4 + 3)}},
	} {
		data := []float64{2, 4}
		for i := range data {
			if c.seen[i] == 0 {
				data[i] = math.NaN()
			}
		}
		got := values(t, m.Terms, inputs{"y": {3}, "data": data, "seen": c.seen, "s": {10}})
		for i := range got {
			requireClose(t, c.terms[i], got[i], 1e-13, "term %d where %v", i, c.seen)
		}
		require.Equal(t, []float64{c.seen[0] * c.seen[1]}, values(t, m.Counts, inputs{"y": {3}, "data": data, "seen": c.seen, "s": {10}}))
	}
}

// TestLosses: a loss counts where its condition holds and all that it reads is there,
// with its weight and its scale.
func TestLosses(t *testing.T) {
	m := model(t, `  input u
  covariate c
  state x = 1
  x' = 0
  observe a[2] = [x, 2*x]
  loss first = log(t)*x where t > 1 { weight: 3 }
  loss second = data(a)[1]^2*c where observed(a)[0] and u > 0
  loss third = sqrt(u) + before(x)*x`)
	require.Equal(t, []lower.ScaleKind{lower.ScaleObserve, lower.ScaleLoss, lower.ScaleLoss, lower.ScaleLoss}, kinds(m.Layout.Scales))
	base := func() inputs {
		return inputs{"t": {2}, "y": {3}, "yb": {5}, "u": {4}, "q": {7}, "s": {1, 1, 10, 100, 1000}, "data": {0.5, 1.5}, "seen": {1, 1}}
	}
	got := func(change func(inputs)) (terms, counts []float64) {
		in := base()
		change(in)
		return values(t, m.Terms, in)[1:], values(t, m.Counts, in)
	}
	terms, counts := got(func(inputs) {})
	requireClose(t, 3*10*math.Log(2)*3, terms[0], 1e-14, "first")
	requireClose(t, 100*1.5*1.5*7, terms[1], 1e-14, "second")
	requireClose(t, 1000*(2+5*3), terms[2], 1e-14, "third")
	require.Equal(t, []float64{1, 1, 1}, counts)
	terms, counts = got(func(in inputs) { in["t"][0] = -1 })
	require.Equal(t, 0., terms[0], "not even the logarithm of a negative time")
	require.Equal(t, []float64{0, 1, 1}, counts)
	terms, counts = got(func(in inputs) { in["seen"][0] = 0 })
	require.Equal(t, 0., terms[1])
	require.Equal(t, []float64{1, 0, 1}, counts)
	_, counts = got(func(in inputs) { in["seen"][1] = 0 })
	require.Equal(t, []float64{1, 0, 1}, counts, "it reads the second component")
	_, counts = got(func(in inputs) { in["u"][0] = -1 })
	require.Equal(t, []float64{1, 0, 1}, counts)
}

func kinds(list []lower.Scale) (out []lower.ScaleKind) {
	for _, s := range list {
		out = append(out, s.Kind)
	}
	return out
}

// TestCutPriors: a prior has all of its mass in the interval of its parameter, also where
// its arguments are parameters themselves.
func TestCutPriors(t *testing.T) {
	type cdf interface {
		LogProb(float64) float64
		CDF(float64) float64
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		interval, prior string
		lo, hi          float64
		dist            func(a, b float64) cdf
		x               []float64
	}{
		{"(0, inf)", "normal(a, b)", 0, inf, func(a, b float64) cdf { return distuv.Normal{Mu: a, Sigma: b} }, []float64{0.1, 2}},
		{"(-inf, 1]", "normal(a, b)", -inf, 1, func(a, b float64) cdf { return distuv.Normal{Mu: a, Sigma: b} }, []float64{-3, 1}},
		{"[-1, 2)", "normal(a, b)", -1, 2, func(a, b float64) cdf { return distuv.Normal{Mu: a, Sigma: b} }, []float64{-1, 1.5}},
		{"(0, 3)", "lognormal(a, b)", 0, 3, func(a, b float64) cdf { return distuv.LogNormal{Mu: a, Sigma: b} }, []float64{0.1, 2}},
		{"(0.5, 3)", "lognormal(a, b)", 0.5, 3, func(a, b float64) cdf { return distuv.LogNormal{Mu: a, Sigma: b} }, []float64{0.6, 2}},
		{"[1, inf)", "exponential(b)", 1, inf, func(_, b float64) cdf { return distuv.Exponential{Rate: 1 / b} }, []float64{1, 4}},
		{"[1, 2]", "exponential(b)", 1, 2, func(_, b float64) cdf { return distuv.Exponential{Rate: 1 / b} }, []float64{1, 2}},
		{"(-2, 0.2)", "cauchy(a, b)", -2, 0.2, func(a, b float64) cdf { return distuv.StudentsT{Mu: a, Sigma: b, Nu: 1} }, []float64{-1, 0}},
		{"(-2, 0.2)", "laplace(a, b)", -2, 0.2, func(a, b float64) cdf { return distuv.Laplace{Mu: a, Scale: b} }, []float64{-1, 0}},
		{"(1, inf)", "laplace(a, b)", 1, inf, func(a, b float64) cdf { return distuv.Laplace{Mu: a, Scale: b} }, []float64{1.5, 9}},
		{"(0, inf)", "student(3, 0.5, 2)", 0, inf, func(_, _ float64) cdf { return distuv.StudentsT{Nu: 3, Mu: 0.5, Sigma: 2} }, []float64{0.1, 9}},
		{"(-1, 4)", "student(3, 0.5, 2)", -1, 4, func(_, _ float64) cdf { return distuv.StudentsT{Nu: 3, Mu: 0.5, Sigma: 2} }, []float64{0.1, 3}},
		{"(0, 0.5)", "uniform(a, a + b)", 0, 0.5, func(a, b float64) cdf { return distuv.Uniform{Min: a, Max: a + b} }, []float64{0.4}},
		{"(-9, 9)", "uniform(-2, 0.5)", -2, 0.5, func(_, _ float64) cdf { return distuv.Uniform{Min: -2, Max: 0.5} }, []float64{-2, 0.4}},
	} {
		m := model(t, "  param a = 0.3\n  param b in (0, inf) = 1\n  param x[2] in "+c.interval+" ~ "+c.prior+"\n  state s = 0\n  s' = a + b + sum(x)")
		for _, p := range [][]float64{{0.3, 2}, {-1, 5}} {
			d := c.dist(p[0], p[1])
			mass := 1.
			if !math.IsInf(c.hi, 1) {
				mass = d.CDF(c.hi)
			}
			if !math.IsInf(c.lo, -1) {
				mass -= d.CDF(c.lo)
			}
			for _, x := range c.x {
				want := -2 * (d.LogProb(x) - math.Log(mass))
				requireClose(t, want, value(t, m.Priors[0].Node, inputs{"p": {p[0], p[1], x, x}}), 1e-9, "%s in %s at %g with %v", c.prior, c.interval, x, p)
			}
		}
	}
}

// TestPriorShapes: arguments of a prior are one for all elements or one for each.
func TestPriorShapes(t *testing.T) {
	m := model(t, "  param c[2] = 0\n  param A[2, 2] ~ normal([[1, 2], [3, 4]], 0.5)\n  param v[2] in (0, inf) ~ student([3, 4], [1, 2], 1)\n  param w[2] in (0, inf) ~ normal(c, [1, 2])\n  state s = 0\n  s' = sum(A) + sum(v) + sum(w)")
	in := inputs{"p": {7, 8, 1, 2, 3, 5, 1.5, 2.5, 9, 9}}
	want := 4*math.Log(0.5) + 2*math.Log(2*math.Pi) + 0.5*4
	requireClose(t, want, value(t, m.Priors[0].Node, in), 1e-13, "matrix")
	cut := func(d interface {
		LogProb(float64) float64
		CDF(float64) float64
	}, x float64,
	) float64 {
		return math.Log(1-d.CDF(0)) - d.LogProb(x)
	}
	want = cut(distuv.StudentsT{Nu: 3, Mu: 1, Sigma: 1}, 1.5) + cut(distuv.StudentsT{Nu: 4, Mu: 2, Sigma: 1}, 2.5)
	requireClose(t, want, value(t, m.Priors[1].Node, in), 1e-12, "student")
	want = cut(distuv.Normal{Mu: 7, Sigma: 1}, 9) + cut(distuv.Normal{Mu: 8, Sigma: 2}, 9)
	requireClose(t, want, value(t, m.Priors[2].Node, in), 1e-12, "normal")
}

// TestCountsOfNothing: where nothing was counted the likelihood has the limit for a mean of 0, and is
// no number for one below; the probability of what was seen lies between 0 and 1.
func TestCountsOfNothing(t *testing.T) {
	at := func(dist string, y, mean float64) float64 {
		m := model(t, "  param a in (0, inf) = 1\n  state x = 1\n  x' = a\n  observe seen = x ~ "+dist)
		return value(t, m.Row, inputs{"y": {mean}, "p": {2}, "data": {y}, "seen": {1}})
	}
	for _, dist := range []string{"poisson()", "negbinomial(a)", "bernoulli()"} {
		require.Zero(t, at(dist, 0, 0), dist)
		require.True(t, math.IsNaN(at(dist, 0, -0.5)), dist)
		require.True(t, math.IsNaN(at(dist, 1, -0.5)), dist)
		require.True(t, math.IsInf(at(dist, 1, 0), 1), dist)
	}
	require.Zero(t, at("bernoulli()", 1, 1))
	require.True(t, math.IsNaN(at("bernoulli()", 1, 1.5)))
	require.True(t, math.IsInf(at("bernoulli()", 0, 1), 1))
	requireClose(t, 0.3, at("poisson()", 0, 0.3), 1e-15, "its mean")
}

// TestLimits: a value at or beyond a limit has the probability of what lies there, one between its density, and
// the slope by the prediction is a number even where there would be no density.
func TestLimits(t *testing.T) {
	type dist interface {
		CDF(x float64) float64
		LogProb(x float64) float64
	}
	for text, of := range map[string]func(m float64) dist{
		"normal(0.5)":    func(m float64) dist { return distuv.Normal{Mu: m, Sigma: 0.5} },
		"lognormal(0.5)": func(m float64) dist { return distuv.LogNormal{Mu: math.Log(m), Sigma: 0.5} },
		"laplace(0.5)":   func(m float64) dist { return distuv.Laplace{Mu: m, Scale: 0.5} },
	} {
		m := model(t, "  state x = 1\n  x' = 0*x\n  observe y = x ~ "+text+" { below: 0.4, above: 2 }")
		slope := autodiff.VJP(m.Builder, []*ir.Node{m.Row}, []*ir.Node{m.Builder.Const(1)}, []*ir.Node{m.In.Y})[0]
		loss := func(y, mean float64) float64 {
			d := of(mean)
			switch {
			case y <= 0.4:
				return -math.Log(d.CDF(0.4))
			case y >= 2:
				return -math.Log(1 - d.CDF(2))
			}
			return -d.LogProb(y)
		}
		for _, y := range []float64{0, 0.3, 0.4, 0.7, 1.9, 2, 7} {
			for _, mean := range []float64{0.3, 1.1, 2.4} {
				in := inputs{"y": {mean}, "data": {y}, "seen": {1}}
				requireClose(t, loss(y, mean), value(t, m.Row, in), 1e-10, "%s: %g around %g", text, y, mean)
				const h = 1e-4
				want := (8*(loss(y, mean+h)-loss(y, mean-h)) - loss(y, mean+2*h) + loss(y, mean-2*h)) / (12 * h)
				requireClose(t, want, values(t, slope, in)[0], 1e-6, "%s: slope of %g around %g", text, y, mean)
			}
		}
	}
}
