package lower_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/environ"
)

// byNetwork are the graphs of a model whose fields are a network.
func byNetwork(t *testing.T, body string, settings ...string) (*lower.Model, *diag.List) {
	t.Helper()
	f, diags := dsl.Parse(diag.NewSource("m.node", "model M {\n"+body+"\n}\nnetwork { "+strings.Join(settings, ", ")+" }\n"))
	require.NoError(t, diags.Err())
	p, diags := check.Check(f, environ.Env())
	require.NoError(t, diags.Err())
	net, err := p.FieldNetwork(environ.Env())
	require.NoError(t, err)
	return lower.LowerNetwork(p.Model, net)
}

// TestFieldsMeetTheirSides: a field is what is given at its sides and at the start, whatever the
// weights are, and something else inside.
func TestFieldsMeetTheirSides(t *testing.T) {
	for body, at := range map[string][]struct{ t, x, y, want float64 }{
		"time t in [0, 2]\n  coordinate x in [0, 3]\n  coordinate y in [-1, 1]\n  state u(x, y) = 0\n  u' = diff(u, x, x) + diff(u, y, y)\n  boundary u = 1 + y*t at x = 0\n  boundary u = cos(y) at x = 3": {
			{0.7, 0, 0.4, 1 + 0.4*0.7}, {1.1, 3, -0.5, math.Cos(0.5)}, {0.3, 1, 0.2, math.NaN()},
		},
		"time t in [0, 2]\n  coordinate x in [0, 3]\n  coordinate y in [-1, 1]\n  state u(x, y) = 0\n  u' = diff(u, x, x) + diff(u, y, y)\n  boundary u = sin(y) at x = 0\n  boundary diff(u, x) = 0 at x = 3\n  boundary u = x + sin(y) at y = 1": {
			{0.7, 0, 0.4, math.Sin(0.4)}, {0.7, 2, 1, 2 + math.Sin(1)}, {1, 3, 0, math.NaN()}, {1, 2, -1, math.NaN()},
		},
		"time t in [0, 2]\n  coordinate x in [0, 3]\n  coordinate y in [-1, 1]\n  state u(x, y) = x*sin(y)\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0": {
			{0, 1.5, 0.4, 1.5 * math.Sin(0.4)}, {0.7, 0, 0.4, 0}, {0.7, 1, 0.4, math.NaN()}, {0.7, 3, 0.4, math.NaN()},
		},
	} {
		m, diags := byNetwork(t, "  "+body)
		require.NoError(t, diags.Err(), body)
		for _, c := range at {
			var got [2]float64
			for i := range got {
				p := make([]float64, m.Layout.NP)
				for k := range p {
					p[k] = math.Sin(float64(k+1) * (1.3 + float64(i)))
				}
				in := inputs{"t": {c.t}, "p": p, "c": {c.x, c.y}}
				if m.Layout.NS > 0 {
					in["s"] = make([]float64, m.Layout.NS)
					for k := range in["s"] {
						in["s"][k] = 1
					}
				}
				got[i] = value(t, m.Collocation.Fields, in)
			}
			if math.IsNaN(c.want) {
				require.Greater(t, math.Abs(got[0]-got[1]), 1e-6, "it is the network's at %v of\n%s", c, body)
				continue
			}
			require.InDelta(t, c.want, got[0], 1e-12, "at %v of\n%s", c, body)
			require.InDelta(t, c.want, got[1], 1e-12, "at %v of\n%s", c, body)
		}
	}
}

// atPlace are the inputs of the graphs of a model's fields, with some weights and sizes of fields that are one.
func atPlace(m *lower.Model, seed, t float64, place ...float64) inputs {
	p, s := make([]float64, m.Layout.NP), make([]float64, m.Layout.NS)
	for k := range p {
		p[k] = math.Sin(float64(k+1) * (1.3 + seed))
	}
	for k := range s {
		s[k] = 1
	}
	return inputs{"t": {t}, "p": p, "s": s, "c": place}
}

// TestVectorFieldsMeetTheirSides: each component has its own value at both ends of an axis, and what is given as one
// number holds for all.
func TestVectorFieldsMeetTheirSides(t *testing.T) {
	m, diags := byNetwork(t, `  time t in [0, 1]
  coordinate x in [0, 3]
  coordinate y in [-1, 1]
  state u[2](x, y) = [0, 0]
  state v[2](x, y) = [0, 0]
  u' = diff(u, x, x)
  v' = diff(v, x, x)
  boundary u = [y, cos(y)] at x = 0
  boundary u = [t, 2] at x = 3
  boundary v = 7*y at x = 0`)
	require.NoError(t, diags.Err())
	for seed := range 3 {
		at := func(x float64) []float64 {
			return values(t, m.Collocation.Fields, atPlace(m, float64(seed), 0.6, x, 0.3))
		}
		require.InDeltaSlice(t, []float64{0.3, math.Cos(0.3), 2.1, 2.1}, at(0), 1e-12)
		require.InDeltaSlice(t, []float64{0.6, 2}, at(3)[:2], 1e-12)
	}
	require.NotEqual(t, values(t, m.Collocation.Fields, atPlace(m, 0, 0.6, 1, 0.3)), values(t, m.Collocation.Fields, atPlace(m, 1, 0.6, 1, 0.3)))
}

// TestStartsThatDisagree: a start that is not what a side asks for holds at points and not by construction, and so does one
// that is not smooth round a periodic axis; so does all of it where the settings ask for that.
func TestStartsThatDisagree(t *testing.T) {
	const box = "  time t in [0, 1]\n  coordinate x in [0, 1]\n  coordinate y in [0, 1]\n  coordinate z in [0, 1]\n"
	soft := func(m *lower.Model) (names []string) {
		for _, c := range m.Collocation.Conditions {
			names = append(names, c.Name)
		}
		return names
	}
	for start, agrees := range map[string]bool{"x*(y - z)": true, "y - z": false, "1e-10*y": false, "1e-13*y": true} {
		m, diags := byNetwork(t, box+"  state u(x, y, z) = "+start+"\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0")
		require.NoError(t, diags.Err())
		require.InDelta(t, 0, value(t, m.Collocation.Fields, atPlace(m, 1, 0, 0, 0.7, 0.2)), 1e-12, "the side comes first")
		if agrees {
			require.Equal(t, []string{"u'"}, soft(m), start)
			continue
		}
		require.Equal(t, []string{"u'", "u at the start"}, soft(m), start)
	}
	for start, agrees := range map[string]bool{"sin(2*pi*x)*y": true, "x": false, "x*(1 - x)": false, "x^3*(1 - x)^2": false, "(x*(1 - x))^2": true, "y": true} {
		m, diags := byNetwork(t, "  time t in [0, 1]\n  coordinate x in [0, 1]\n  coordinate y in [0, 1]\n  boundary periodic x\n  state u(x, y) = "+start+"\n  u' = diff(u, x, x)")
		require.NoError(t, diags.Err())
		if agrees != (len(soft(m)) == 1) {
			t.Errorf("%s: %v", start, soft(m))
		}
		require.InDelta(t, value(t, m.Collocation.Fields, atPlace(m, 1, 0.4, 0, 0.7)), value(t, m.Collocation.Fields, atPlace(m, 1, 0.4, 1, 0.7)), 1e-12, "round the axis")
	}
	for hard, want := range map[string][]string{
		"hard: true": {"u'", "v'", "u - v = 0"}, "hard: false": {"u'", "v'", "u at the start", "v at the start", "u - 1 = 0", "v - sin(x) = 0", "u - v = 0"},
	} {
		m, diags := byNetwork(t, `  time t in [0, 1]
  coordinate x in [0, 1]
  coordinate y in [0, 2]
  state u(x, y) = x
  state v(x, y) = y
  u' = diff(u, x, x)
  v' = diff(v, x, x)
  boundary u = 1 at x = 1
  boundary v = sin(x) at y = 0 and x > 0.5
  boundary u = v at x = 0`, hard)
		require.NoError(t, diags.Err())
		got := soft(m)
		if hard == "hard: true" { // parts of a side never hold by construction
			want = append(want, "v - sin(x) = 0")
		}
		require.ElementsMatch(t, want, got, hard)
		for _, c := range m.Collocation.Conditions {
			in := atPlace(m, 1, 0, 0.25, 0)
			f := values(t, m.Collocation.Fields, in)
			switch c.Name {
			case "u at the start":
				require.InDelta(t, f[0]-0.25, value(t, c.Residual, in), 1e-12)
			case "v at the start":
				require.InDelta(t, f[1], value(t, c.Residual, in), 1e-12)
			case "v - sin(x) = 0":
				require.Equal(t, [3]any{"v", 1, 0.}, [3]any{c.Field, c.Sides[0].Axis, c.Sides[0].At})
				require.InDelta(t, f[1]-math.Sin(0.25), value(t, c.Residual, in), 1e-12)
				require.Zero(t, value(t, c.Sides[0].Where, in))
				require.Equal(t, 1., value(t, c.Sides[0].Where, atPlace(m, 1, 0, 0.75, 0)))
			case "u - v = 0":
				require.Equal(t, [2]any{"u", 0}, [2]any{c.Field, c.Sides[0].Axis})
				require.InDelta(t, f[0]-f[1], value(t, c.Residual, in), 1e-12)
				require.Nil(t, c.Sides[0].Where)
			}
		}
	}
}

// TestFeatures: a network without hidden layers is linear in what it reads of a point: places and the time between −1 and 1,
// a periodic axis as cosine and sine, and waves in pairs.
func TestFeatures(t *testing.T) {
	const axes = "  time t in [1, 3]\n  coordinate x in [0, 4]\n  coordinate y in [2, 3]\n  boundary periodic y\n"
	for waves := range 3 {
		for _, steady := range []bool{false, true} {
			body, n := axes+"  state u(x, y)\n  u' = diff(u, x, x)", 4
			if steady {
				body, n = axes+"  algebraic u(x, y) = 0\n  0 = diff(u, x, x) - 1", 3
			}
			m, diags := byNetwork(t, body, "hidden: []", fmt.Sprintf("fourier: %d", waves), "hard: false")
			require.NoError(t, diags.Err())
			require.Equal(t, n+2*waves+1, m.Layout.NP, "weights and a bias")
			of := func(at float64, place ...float64) (list []float64) {
				in := atPlace(m, 0, at, place...)
				for k := range n + 2*waves {
					clear(in["p"])
					in["p"][k] = 1
					list = append(list, value(t, m.Collocation.Fields, in))
				}
				return list
			}
			z := of(1.5, 3, 2.3)
			want := []float64{0.5, math.Cos(math.Pi * (2*0.3 - 1)), math.Sin(math.Pi * (2*0.3 - 1)), -0.5}[:n]
			require.InDeltaSlice(t, want, z[:n], 1e-14)
			// Waves of sums of these: along x from the middle they turn evenly.
			middle, one, two := of(1.5, 2, 2.3)[n:], of(1.5, 2.5, 2.3)[n:], of(1.5, 3, 2.3)[n:]
			for k := range waves {
				at := func(v []float64) complex128 { return complex(v[k], v[waves+k]) }
				require.InDelta(t, 1, real(at(one))*real(at(one))+imag(at(one))*imag(at(one)), 1e-12)
				turn := at(one) / at(middle)
				require.Less(t, real(turn), 1-1e-6)
				require.InDelta(t, 0, real(at(two)-at(one)*turn), 1e-12)
				require.InDelta(t, 0, imag(at(two)-at(one)*turn), 1e-12)
			}
		}
	}
}

// TestSecondOrderByNetwork: the rate of a field of second order is the derivative of the field by the time, and what it starts
// with is asked for at points; quantities and values at places are those of the network.
func TestSecondOrderByNetwork(t *testing.T) {
	m, diags := byNetwork(t, `  time t in [0, 2]
  param k = 0.6
  coordinate x in [0, 1]
  state u(x) = sin(pi*x), u' = x
  let twice = 2*k
  let bent = diff(u, x, x)
  u'' = k*bent + twice*u(0.25)
  boundary u = 0 at x = 0, x = 1
  observe seen = u(0.5) + twice`)
	require.NoError(t, diags.Err())
	c := m.Collocation
	require.Equal(t, []string{"u", "u'"}, c.Names)
	at := func(t0, x float64) inputs {
		in := atPlace(m, 0.4, t0, x)
		in["p"][0] = 0.6
		return in
	}
	field := func(t0, x float64) []float64 { return values(t, c.Fields, at(t0, x)) }
	const h = 1e-3
	byTime := func(k int, t0, x float64) float64 {
		return (8*(field(t0+h, x)[k]-field(t0-h, x)[k]) - field(t0+2*h, x)[k] + field(t0-2*h, x)[k]) / (12 * h)
	}
	require.InDelta(t, byTime(0, 0.7, 0.3), field(0.7, 0.3)[1], 1e-9)
	require.InDelta(t, math.Sin(0.3*math.Pi), field(0, 0.3)[0], 1e-12, "by construction")
	bent := (-field(0.7, 0.3+2*h)[0] + 16*field(0.7, 0.3+h)[0] - 30*field(0.7, 0.3)[0] + 16*field(0.7, 0.3-h)[0] - field(0.7, 0.3-2*h)[0]) / (12 * h * h)
	residuals := map[string]float64{
		"u''":             2 * (byTime(1, 0.7, 0.3) - 0.6*bent - 1.2*field(0.7, 0.25)[0]),
		"u' at the start": field(0.7, 0.3)[1] - 0.3,
	}
	require.Len(t, c.Conditions, 2)
	for _, x := range c.Conditions {
		require.InDelta(t, residuals[x.Name], value(t, x.Residual, at(0.7, 0.3)), 1e-5, x.Name)
	}
	require.InDelta(t, field(0.7, 0.5)[0]+1.2, values(t, m.Pred, at(0.7, 0))[0], 1e-12)
	require.Equal(t, 1, c.Initial.Shape.Size(), "of the network, which gives no rate")
}

// TestNotByNetwork: what is followed in time is refused, a field over all coordinates is not.
func TestNotByNetwork(t *testing.T) {
	field := "  time t in [0, 1]\n  coordinate x in [0, 1]\n  coordinate y in [0, 1]\n  state u(x, y) = 0\n  u' = diff(u, x, x)\n"
	_, diags := byNetwork(t, field)
	require.NoError(t, diags.Err())
	for more, want := range map[string]string{
		"  state s = 1\n  s' = -s\n":                      "the state `s`, which is no field,",
		"  state w(x) = 1\n  w' = -w\n":                   "the field `w`, which does not vary over all coordinates,",
		"  discrete n = 0\n":                              "the discrete variable `n`",
		"  event e at t = 1 { u := 0 }\n":                 "the event `e`",
		"  conserve q = integral(u, x, y)\n":              "the conserved quantity `q`",
		"  require integral(u, x, y) >= 0\n":              "`require`",
		"  param p per trajectory = 1\n":                  "the parameter `p`, which each trajectory has of its own,",
		"  covariate p\n":                                 "the covariate `p`",
		"  input p\n":                                     "the input `p`, which is read from data,",
		"  start steady\n":                                "`start steady`",
		"  observe q = integral(u, x, y)\n":               "an integral",
		"  let e = diff(u^2, u)\n  observe q = e(0, 0)\n": "a derivative by a field",
	} {
		_, diags := byNetwork(t, field+more)
		require.ErrorContains(t, diags.Err(), want+" is not supported where the fields are a network")
	}
}

// TestNothingByNetwork: without a field, or a span of time for fields with rates, there is nothing for a network to stand for.
func TestNothingByNetwork(t *testing.T) {
	_, diags := byNetwork(t, "  param k = 1\n  observe y = k")
	require.ErrorContains(t, diags.Err(), "`fields: network` has no effect: the model has no field")
	_, diags = byNetwork(t, "  time t\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = diff(u, x, x)")
	require.EqualError(t, diags.Err(), "m.node:2:8: error: a network stands for a field over a span of time, and the model does not say which [outside-horizon]")
	_, diags = byNetwork(t, "  coordinate x in [0, 1]\n  algebraic p(x) = 0\n  0 = diff(p, x, x) - 1\n  boundary p = 0 at x = 0, x = 1")
	require.NoError(t, diags.Err(), "what has no rate needs none")
}
