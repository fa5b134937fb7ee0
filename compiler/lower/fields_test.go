package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// TestResidualsOfNetworks: what has to vanish at a point is the equation in the derivatives of the
// network, in sizes of the fields, at a point and at a side.
func TestResidualsOfNetworks(t *testing.T) {
	m, diags := byNetwork(t, `  time t in [0, 2]
  param k = 0.7
  coordinate x in [0, 3]
  coordinate y in [-1, 1]
  state u(x, y) = 0
  state w(x, y) = sin(x)
  state z(x, y) = 0
  let flux = k*diff(u, x)
  u' = diff(flux, x) + diff(u, y, y) - u*w + t
  w' = u*diff(w, x)
  z' = -z + x
  boundary diff(u, x) = y at x = 0
  boundary u = 1 at x = 3`)
	require.NoError(t, diags.Err())
	c := m.Collocation
	p, s := make([]float64, m.Layout.NP), make([]float64, m.Layout.NS)
	for i := range p {
		p[i] = 0.8 * math.Sin(float64(i+1)*1.3)
	}
	p[0] = 0.7
	for i := range s {
		s[i] = 1 + 0.5*float64(i)
	}
	field := func(tt, x, y float64) []float64 {
		return values(t, c.Fields, inputs{"t": {tt}, "p": p, "c": {x, y}, "s": s})
	}
	at := [3]float64{0.8, 1.3, 0.2}
	difference := func(by int, order int) []float64 {
		const h = 5e-3
		move := func(k float64) []float64 {
			q := at
			q[by] += k * h
			return field(q[0], q[1], q[2])
		}
		out := make([]float64, 3)
		for i := range out {
			if order == 1 {
				out[i] = (45*(move(1)[i]-move(-1)[i]) - 9*(move(2)[i]-move(-2)[i]) + move(3)[i] - move(-3)[i]) / (60 * h)
			} else {
				out[i] = (-490*move(0)[i] + 270*(move(1)[i]+move(-1)[i]) - 27*(move(2)[i]+move(-2)[i]) + 2*(move(3)[i]+move(-3)[i])) / (180 * h * h)
			}
		}
		return out
	}
	v, byT, byX, byXX, byYY := field(at[0], at[1], at[2]), difference(0, 1), difference(1, 1), difference(1, 2), difference(2, 2)
	want := []float64{
		byT[0] - (0.7*byXX[0] + byYY[0] - v[0]*v[1] + at[0]),
		byT[1] - v[0]*byX[1],
		byT[2] - (-v[2] + at[1]),
	}
	// In sizes of the fields, and over the span of time.
	var size []float64
	for _, x := range m.Layout.Scales {
		if x.Kind == lower.ScaleNetOut {
			size = append(size, s[x.Off:x.Off+x.N]...)
		}
	}
	require.Len(t, size, 3)
	named := map[string][2]float64{
		"u at the start": {v[0], size[0]}, "diff(u, x) - y = 0": {byX[0] - at[2], size[0]},
	}
	for i, name := range []string{"u'", "w'", "z'"} {
		named[name] = [2]float64{2 * want[i], size[i]}
	}
	require.Len(t, c.Conditions, len(named))
	for _, x := range c.Conditions {
		require.Contains(t, named, x.Name)
		got := value(t, x.Residual, inputs{"t": {at[0]}, "p": p, "c": {at[1], at[2]}, "s": s})
		require.InDelta(t, named[x.Name][0]/named[x.Name][1], got, 1e-6, x.Name)
		require.Equal(t, x.Name[:1] == "d", len(x.Sides) == 1 && x.Sides[0].At == 0)
	}
	require.Equal(t, []string{"u", "w", "z"}, c.Names)
}

// TestConditionsOfSides: what an equation needs at its sides and does not have, or has too much, is
// told with the side.
func TestConditionsOfSides(t *testing.T) {
	for body, want := range map[string]string{
		"u' = diff(u, x, x)":                                          "m.node:3:9: error: `u` has too few conditions at x = 0 [missing-condition]",
		"u' = diff(u, x, x)\n  boundary u = 0 at x = 0":               "m.node:3:9: error: `u` has too few conditions at x = 2 [missing-condition]",
		"u' = -diff(u, x)":                                            "m.node:3:9: error: `u` has no condition where it enters, at x = 0 or x = 2 [missing-condition]",
		"u' = -diff(u, x)\n  boundary u = 0 at x = 0":                 "",
		"u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 2":        "",
		"u' = -u\n  boundary u = 0 at x = 0":                          "m.node:5:12: error: there is nothing left that this condition could determine at x = 0 [bad-boundary]",
		"u' = diff(u, x, x, x)\n  boundary u = 0 at x = 0, x = 2":     "m.node:3:9: error: `u` has no condition where it enters, at x = 0 or x = 2 [missing-condition]",
		"u' = -diff(u, x, x, x, x)\n  boundary u = 0 at x = 0, x = 2": "m.node:3:9: error: `u` has too few conditions at x = 0 [missing-condition]",
		"u' = -diff(u, x, x, x, x)\n  boundary u = 0 at x = 0, x = 2\n  boundary diff(u, x, x) = 0 at x = 0, x = 2": "",
	} {
		_, diags := lowered(t, "model M {\n  coordinate x in [0, 2]\n  state u(x) = 0\n  "+body+"\n}\ngrid { x: 10 cells }\n")
		if want == "" {
			require.NoError(t, diags.Err(), body)
			continue
		}
		require.EqualError(t, diags.Err(), want, body)
	}
}

// TestIntegrals: the integral of a field over a coordinate is the sum of its cells, in equations,
// in observations and of what is made of it.
func TestIntegrals(t *testing.T) {
	m, diags := lowered(t, "model M {\n  coordinate x in [0, 2]\n  boundary periodic x\n  state u(x) = 0\n  state s = 1\n  u' = -u*integral(u, x) + s\n  s' = integral(x*u, x)\n  observe total = integral(u, x) + s\n}\ngrid { x: 4 cells }\n")
	require.NoError(t, diags.Err())
	u := []float64{1, 3, -2, 5}
	sum, moment := 0., 0.
	for i, v := range u {
		sum, moment = sum+0.5*v, moment+0.5*v*(0.25+0.5*float64(i))
	}
	got := values(t, m.RHS, inputs{"y": append(append([]float64{}, u...), 7)})
	for i, v := range u {
		require.InDelta(t, -v*sum+7, got[i], 1e-12)
	}
	require.InDelta(t, moment, got[4], 1e-12)
	require.InDelta(t, sum+7, values(t, m.Pred, inputs{"y": append(append([]float64{}, u...), 7)})[0], 1e-12)
}
