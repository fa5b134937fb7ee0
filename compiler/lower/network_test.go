package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/environ"
)

// byNetwork are the graphs of a model whose fields are a network.
func byNetwork(t *testing.T, body string) (*lower.Model, *diag.List) {
	t.Helper()
	f, diags := dsl.Parse(diag.NewSource("m.node", "model M {\n"+body+"\n}\n"))
	require.NoError(t, diags.Err())
	p, diags := check.Check(f, &check.Env{Neural: nn.Settings})
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

// TestNotByNetwork: what is followed in time is refused, a field over all coordinates is not.
func TestNotByNetwork(t *testing.T) {
	field := "  time t in [0, 1]\n  coordinate x in [0, 1]\n  coordinate y in [0, 1]\n  state u(x, y) = 0\n  u' = diff(u, x, x)\n"
	_, diags := byNetwork(t, field)
	require.NoError(t, diags.Err())
	for more, want := range map[string]string{
		"  state s = 1\n  s' = -s\n":         "the state `s`, which is no field,",
		"  state w(x) = 1\n  w' = -w\n":      "the field `w`, which does not vary over all coordinates,",
		"  discrete n = 0\n":                 "the discrete variable `n`",
		"  event e at t = 1 { u := 0 }\n":    "the event `e`",
		"  conserve q = integral(u, x, y)\n": "the conserved quantity `q`",
		"  require integral(u, x, y) >= 0\n": "`require`",
	} {
		_, diags := byNetwork(t, field+more)
		require.ErrorContains(t, diags.Err(), want+" is not supported where the fields are a network")
	}
}
