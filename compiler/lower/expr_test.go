package lower_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
)

// TestFunctions: every function of the language has as a graph the value that the
// checker gives it for constants.
func TestFunctions(t *testing.T) {
	special := map[string]bool{ // of which constants have no value
		"diff": true, "grad": true, "rising": true, "falling": true, "crossing": true, "first": true, "slope": true, "data": true, "observed": true, "before": true,
		"interp": true, "linspace": true, // see TestOperators
		"logdensity": true, "div": true, "laplacian": true, "hessian": true, // see TestSecondDerivatives
		"solve": true, "inv": true, "det": true, "logdet": true, "logsumexp": true, "softmax": true, "irk_gauss": true, "irk_radau": true, "euler_lagrange": true, // see TestSystems
		"integral": true,
	}
	rng := rand.New(rand.NewPCG(3, 5))
	for _, f := range check.Functions {
		if special[f.Name] {
			continue
		}
		arity := max(f.Arity, 1)
		if f.Arity < 0 {
			arity = 3
		}
		call := f.Name + "(" + strings.Join([]string{"x[0]", "x[1]", "x[2]"}[:arity], ", ") + ")"
		switch f.Name {
		case "sum", "mean", "norm":
			call = f.Name + "(x)"
		case "dot":
			call = "dot(x, x[0]*x)"
		case "cross":
			call = "sum(cross(x, [x[1], 2, x[0]]))"
		}
		m := model(t, "  param x[3] = 0\n  state s = 0\n  s' = 0\n  let v = "+call)
		for range 20 {
			x := make([]float64, 3)
			for i := range x {
				x[i] = 3*rng.Float64() - 1.5
			}
			if f.Name == "acosh" {
				x[0] = 1 + rng.Float64()
			}
			want, ok := check.Evaluate(m.Checked.Lets[0].Value, func(*check.Expr) ([]float64, bool) { return x, true })
			require.True(t, ok, f.Name)
			requireClose(t, want[0], value(t, m.Outputs, inputs{"p": x}), 1e-13, "%s of %v", call, x)
		}
	}
}

// TestOperators: operators by value, with their precedence.
func TestOperators(t *testing.T) {
	const a, b, c = 1.25, -0.5, 3.
	for text, want := range map[string]float64{
		"a + b*c": a + b*c, "(a + b)*c": (a + b) * c, "a - b - c": a - b - c, "a/c/b": a / c / b, "-a^c": -math.Pow(a, c), "c^a^2": math.Pow(c, a*a),
		"if a > b then a else c": a, "if a < b then a else c": c, "if a >= a and b <= c then 1 else 0": 1, "if a > c or b > c then 1 else 0": 0,
		"if not (a == b) and a != c then 1 else 0": 1, "if true then a else b": a, "(a > b) + (b > a)": 1,
		"max(a, b, c)": c, "min([a, b, c])": b, "min([b, c, a])": b, "max([c, a, b])": c, "max([a, b])": a, "min(a)": a, "max(c)": c,
		"sum(max([a, b], 0.5))": a + 0.5, "sum(min([c, b], [a, a]))": a + b, "clamp(c, b, a)": a, "clamp(b, b, a)": b, "sum([[a, b], [c, a]] @ [1, 2])": a + 2*b + c + 2*a,
		"([1, 2] @ [[a, b], [c, a]])[1]": b + 2*a, "[a, b] @ [c, a]": a*c + b*a, "([[a, b], [c, a]] @ [[a, b], [c, a]])[1, 0]": c*a + a*c,
		"[[a, b], [c, a]][:, 1][1]": a, "ln(c)": math.Log(c), "mod(c, a)": 0.5, "mod(b, c)": 2.5, "mod(-c, a)": 0.75, "trunc(-2.7) + trunc(a)": -1, "sec(a)": 1 / math.Cos(a), "csc(b)": 1 / math.Sin(b),
		"cot(a)": 1 / math.Tan(a), "factorial(c)": 6, "e": math.E, "exprel(0*a)": 1, "exprel(a)": math.Expm1(a) / a, "exprel(0.05*a)": math.Expm1(0.0625) / 0.0625,
		"exprel(0.0999)": math.Expm1(0.0999) / 0.0999, "exprel(-0.1001)": math.Expm1(-0.1001) / -0.1001, "piecewise(a, c < b, b, c > a, c)": b, "piecewise(a, c < b, c)": c,
		"if xor(a > b, c > b) then 1 else 2": 2, "if xor(a > b, c < b) then 1 else 2": 1, "sum(linspace(a, c, 4))": 2 * (a + c), "linspace(a, c, 3)[1]": (a + c) / 2,
		// scipy.interpolate.PchipInterpolator([0, 0.3, 0.6, 1], [0, 1, 1.5, 1.2]), held beyond the ends
		"interp(0.1, [0, 0.3, 0.6, 1], [0, 1, 1.5, 1.2])": 0.3950617283950617, "interp(0.95, [0, 0.3, 0.6, 1], [0, 1, 1.5, 1.2])": 1.2944661458333333,
		"interp(c, [0, 0.3, 0.6, 1], [0, 1, 1.5, 1.2])": 1.2, "interp(b, [0, 0.3, 0.6, 1], [0.5, 1, 1.5, 1.2])": 0.5, "interp(a, [1, 2], [3, 5])": 3.5,
		"twice(a + b) + twice(c)": 2*(a+b) + 2*c, "pi*a": math.Pi * a,
	} {
		m := model(t, "  param p[3] = 0\n  let a = p[0]\n  let b = p[1]\n  let c = p[2]\n  fn twice(u) = 2*u\n  state s = 0\n  s' = 0\n  let v = "+text)
		n := m.Layout.Outputs[len(m.Layout.Outputs)-1]
		require.Equal(t, "v", n.Name)
		requireClose(t, want, values(t, m.Outputs, inputs{"p": {a, b, c}})[n.Off], 1e-14, text)
	}
}

// TestDerivatives: what diff and grad give, by closed form, by everything that a
// derivative may be taken by.
func TestDerivatives(t *testing.T) {
	m := model(t, `  param p0 = 1
  param q0 per trajectory = 1
  param p[2] = 1
  param q per trajectory = 1
  covariate c0
  covariate c
  input u0
  input u
  discrete d0 = 0
  discrete d = 0
  state z0 = 0
  state z[2] = 0
  z0' = p0*q0*c0*u0*d0
  z' = -z*d
  fn inner(v, w) = diff(v^2*w, v)
  fn twice(v) = diff(diff(v^4, v), v)
  event dose(first_one, amount) on data { z[0] += diff(amount^3, amount) + 0*first_one }
  let time = diff(t^2*z[0], t)
  let state = diff(sin(z[0])*z[1], z[0])
  let element = diff(p[0]*p[1]^2, p[1])
  let perkey = diff(q^3, q)
  let covar = diff(c^2*q, c)
  let signal = diff(u^2, u)
  let jump = diff(d^2*z[1], d)
  let local = inner(z[0], z[0])
  let second = twice(z[1])
  let gradient = grad(z[0]^2*z[1], z)
  let matrix = diff([z[0]*z[1], z[1]^2, z[0]], z)
  let vector = diff([p[0]^2, p[0]*p[1]], p[0])`)
	z, p, q, c, u, d, time := []float64{0.7, -1.2}, []float64{1.5, 2.5}, 3., 4., 5., 6., 7.
	got := values(t, m.Outputs, inputs{"t": {time}, "y": {9, z[0], z[1]}, "p": {9, p[0], p[1]}, "q": {9, q, 9, c}, "u": {9, u}, "d": {9, d}})
	want := []float64{
		2 * time * z[0], math.Cos(z[0]) * z[1], 2 * p[0] * p[1], 3 * q * q, 2 * c * q, 2 * u, 2 * d * z[1],
		2 * z[0] * z[0], 12 * z[1] * z[1],
		2 * z[0] * z[1], z[0] * z[0],
		z[1], z[0], 0, 2 * z[1], 1, 0,
		2 * p[0], p[1],
	}
	require.Len(t, got, len(want))
	for i := range want {
		requireClose(t, want[i], got[i], 1e-13, "%s", m.Layout.Outputs[i].Name)
	}
	require.Equal(t, []float64{3 * 2 * 2}, values(t, m.Events[0].Jump, inputs{"a": {9, 2}}))
}

// TestInputDerivative: an input that is an expression has no derivative of its own.
func TestInputDerivative(t *testing.T) {
	_, diags := lowered(t, "model M {\n  input u = sin(t)\n  state x = 0\n  x' = diff(u^2, u)\n}")
	require.Len(t, diags.All, 1)
	require.Equal(t, "bad-derivative", diags.All[0].Code)
	require.Equal(t, "m.node:4:18", diags.All[0].Span.Pos().String())
}

// TestBlocks: what a block cannot be is said with its code and its place, and the
// example of each code gives it.
func TestBlocks(t *testing.T) {
	for options, want := range map[string]string{
		"hidden: [1.5]": "has a hidden layer of 1.5 units",
		"hidden: [0]":   "has a hidden layer of 0 units",
		"hidden: [2e6]": "has a hidden layer of 2e+06 units",
		"hidden: [3], monotone: increasing, activation: sin":   "needs a monotone activation",
		"hidden: [3], monotone: increasing, init: zero_output": "cannot start with zero_output",
	} {
		m, diags := lowered(t, "model M {\n  neural f(x) -> 1 { "+options+" }\n  state x = 0\n  x' = f(x)\n}")
		require.Len(t, diags.All, 1, options)
		require.Equal(t, "bad-block", diags.All[0].Code)
		require.Contains(t, diags.All[0].Message, want)
		require.Equal(t, "m.node:2:10", diags.All[0].Span.Pos().String())
		require.Nil(t, m.RHS)
	}
	for _, c := range lower.Codes {
		_, diags := lowered(t, c.Example)
		require.NotEmpty(t, diags.All)
		require.Equal(t, c.Name, diags.All[0].Code)
	}
}

// affine is W·x + b, with the rows of W one after the other and b behind them.
func affine(wb, x []float64) []float64 {
	out := make([]float64, len(wb)/(len(x)+1))
	for i := range out {
		out[i] = wb[len(out)*len(x)+i]
		for k := range x {
			out[i] += wb[i*len(x)+k] * x[k]
		}
	}
	return out
}

// TestNetworks: a block sees its arguments over their scales, and its result is times
// its own; its weights stand row by row, layer by layer.
func TestNetworks(t *testing.T) {
	m := model(t, `  param k = 2
  neural f(x: m, v[2]: m/s) -> [2]: m/s { hidden: [2], input_scale: [2, [4, 8]], output_scale: 16 }
  neural g(u) -> 1 { hidden: [1], activation: sin, zero_at: 3 }
  state x: m = 1
  state v[2]: m/s = 0
  time t: s
  x' = k*v[0] + 0*g(x/(1 [m]))*(1 [m/s])
  v' = f(x, v)/(1 [s])
  let at = g(3)
  let there = g(5)`)
	var names []string
	for _, w := range m.Layout.Weights {
		names = append(names, w.Name)
	}
	require.Equal(t, []string{"f.0.weight", "f.0.bias", "f.1.weight", "f.1.bias", "g.0.weight", "g.0.bias", "g.1.weight", "g.1.bias"}, names)
	require.Equal(t, 1, m.Layout.NPar)
	require.Equal(t, 1+8+6+4, m.Layout.NP)
	require.Equal(t, []float64{2, 4, 8}, m.Layout.Scales[0].Fixed)
	require.Equal(t, []float64{16, 16}, m.Layout.Scales[1].Fixed)
	require.Nil(t, m.Layout.Scales[2].Fixed)
	y := []float64{3, 5, 7}
	w0, w1 := []float64{0.1, 0.2, 0.3, 0.4, -0.5, 0.6, 0.5, -0.5}, []float64{1, 2, 3, 4, 5, 6}
	in := inputs{"y": y, "s": {2, 4, 8, 16, 16, 10, 100}, "p": append(append(append([]float64{2}, w0...), w1...), 1.5, 0.25, 7, 9)}
	hidden := affine(w0, []float64{y[0] / 2, y[1] / 4, y[2] / 8})
	for i := range hidden {
		hidden[i] = math.Tanh(hidden[i])
	}
	want := affine(w1, hidden)
	got := values(t, m.RHS, in)
	requireClose(t, 2*y[1], got[0], 1e-14, "x'")
	requireClose(t, 16*want[0], got[1], 1e-14, "v[0]'")
	requireClose(t, 16*want[1], got[2], 1e-14, "v[1]'")
	out := values(t, m.Outputs, in)
	require.Zero(t, out[0], "the block vanishes where it is said")
	requireClose(t, 100*7*(math.Sin(1.5*0.5+0.25)-math.Sin(1.5*0.3+0.25)), out[1], 1e-13, "g(5)")
	require.Equal(t, y, values(t, m.NetArgs[0], in), "the arguments of the first use in an equation")
	require.Equal(t, got[1:], values(t, m.NetVals[0], in))
}

// TestBlockInFunction: what is noted of a block are its arguments and results in the
// run, also where a function differentiates it.
func TestBlockInFunction(t *testing.T) {
	m := model(t, "  neural V(u) -> 1 { hidden: [1] }\n  state x = 1\n  fn force(u) = -diff(V(u), u)\n  fn twice(w) = diff(force(3*w)*w, w)\n  x' = twice(2*x)")
	in := inputs{"y": {0.2}, "s": {1, 1}, "p": {0.5, 0.1, 2, 3}}
	requireClose(t, 0.2*2*3, value(t, m.NetArgs[0], in), 1e-15, "the argument")
	z := math.Tanh(0.5*1.2 + 0.1)
	requireClose(t, 2*z+3, value(t, m.NetVals[0], in), 1e-15, "V")
	// V' = 2·0.5·(1 − z²); twice(w) = d/dw(−w·V'(3w)) = −V'(3w) − 3w·V''(3w), V'' = −2·2·0.25·z(1 − z²)
	requireClose(t, -(1-z*z)+3*0.4*z*(1-z*z), values(t, m.RHS, in)[0], 1e-14, "x'")
}

// TestInitial: initial values, of a trajectory's data too, in the order of the layout.
func TestInitial(t *testing.T) {
	m := model(t, `  param p = 1
  param k per trajectory = 2
  covariate c
  state x[2] = first(a)
  state w = slope(b) + p*c + k + t, w' = 2
  discrete d = sum(first(a)) + 1
  x' = -x*d
  w'' = -w
  observe a[2] = x
  observe b = w
  require w >= 0`)
	lay := &m.Layout
	require.Equal(t, 5, lay.NY, "with the quadrature of the requirement")
	require.Equal(t, 4, lay.NUser)
	require.Equal(t, []lower.TrajectoryKind{lower.FromCovariate, lower.FromFirst, lower.FromSlope},
		[]lower.TrajectoryKind{lay.Trajectory[0].Kind, lay.Trajectory[1].Kind, lay.Trajectory[2].Kind})
	require.Equal(t, []int{1, 2, 4}, []int{lay.Trajectory[0].Off, lay.Trajectory[1].Off, lay.Trajectory[2].Off})
	in := inputs{"t": {10}, "p": {3}, "q": {0.5 /* k */, 7 /* c */, 11, 13 /* first(a) */, 17 /* slope(b) */}}
	require.Equal(t, []float64{11, 13, 17 + 21 + 0.5 + 10, 2, 0}, values(t, m.InitY, in))
	require.Equal(t, 25., values(t, m.InitD, in)[0])
}

// TestBefore: before(E) reads the states and discrete variables before the event.
func TestBefore(t *testing.T) {
	m := model(t, `  input u
  state x = 1
  discrete n = 0
  x' = 0*n
  let y = x^2 + n
  observe a = before(y) + 10*x
  observe b = before(x + 1) - n
  observe c = before(diff(x^2*n, x)) + 100*diff(x^2*n, x)
  observe d = before(diff(x*n^3, n)) + before(diff(u^2, u)) + 100*diff(u^2, u)
  loss l = (x - before(x))^2 + u - before(u)`)
	in := inputs{
		"y": {3}, "d": {5}, "yb": {7}, "db": {11}, "u": {13}, "ub": {17}, "s": {1, 1, 1, 1, 1},
		"data": {0, 0, 0, 0}, "seen": {0, 0, 0, 0},
	}
	require.Equal(t, []float64{49 + 11 + 30, 8 - 5, 2*7*11 + 100*2*3*5, 7*3*11*11 + 2*17 + 100*2*13}, values(t, m.Pred, in))
	require.Equal(t, 16.+13-17, values(t, m.Terms, in)[4])
}

// TestPenalties: quadratures of conserved quantities and requirements, by closed form.
func TestPenalties(t *testing.T) {
	m := model(t, `  input u
  state x = 1
  state v = 0
  x' = v
  v' = -4*x + u
  conserve energy = v^2/2 + 2*x^2 + u*t { weight: 0.5, scale: 3 }
  conserve free = x { weight: 0 }
  conserve hard = x + v { mode: project }
  require x - v >= 1 { weight: 2 }
  require x == 2*v { weight: 7 }
  require v <= 3
  require u >= 0 { weight: 0 }`)
	require.Equal(t, 6, m.Layout.NY)
	require.Equal(t, 2, m.Layout.NError)
	var names []string
	for i, p := range m.Penalties {
		require.Equal(t, 2+i, p.State)
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"energy", "require x - v - 1", "require x - 2*v", "require 3 - v"}, names)
	require.Equal(t, []float64{0.5, 2, 7, 1}, []float64{m.Penalties[0].Weight, m.Penalties[1].Weight, m.Penalties[2].Weight, m.Penalties[3].Weight})
	for _, y := range [][]float64{{0.5, 0.25}, {3, -1}, {0.1, 5}} {
		x, v, u, ut, time := y[0], y[1], 0.3, 0.7, 2.
		in := inputs{"t": {time}, "y": append(y, 0, 0, 0, 0), "u": {u}, "ut": {ut}, "s": {3, 1, 1}}
		in["d"] = modesAt(t, m, in)
		got := values(t, m.RHS, in)
		dv := -4*x + u
		rate := v*dv + 4*x*v + u + ut*time
		neg := func(g float64) float64 { return math.Min(g, 0) * math.Min(g, 0) }
		for i, want := range []float64{v, dv, rate * rate / 9, neg(x - v - 1), (x - 2*v) * (x - 2*v), neg(3 - v)} {
			requireClose(t, want, got[i], 1e-13, "element %d at %v", i, y)
		}
		requireClose(t, v*v/2+2*x*x+u*time, values(t, m.Conserved, in)[0], 1e-14, "energy")
	}
}

// modesAt are the discrete inputs at a point off all surfaces: zeros, and the modes of
// switches as their guards say.
func modesAt(t testing.TB, m *lower.Model, in inputs) []float64 {
	d := make([]float64, m.Layout.ND)
	copy(d, in["d"])
	at := inputs{}
	for k, v := range in {
		at[k] = v
	}
	for range len(m.Switches) { // what one switch compares may read the mode of another
		at["d"] = d
		for _, w := range m.Switches {
			if w.Floor {
				d[w.Mode] = math.Floor(value(t, w.Arg, at))
			} else if d[w.Mode] = 0; value(t, m.Guards[w.Guard].Node, at) > 0 {
				d[w.Mode] = 1
			}
		}
	}
	return d
}
