package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
)

// TestTermsAlike: the terms of an equation are found however it is written: sums and products in
// brackets, signs, quantities, functions and components that stand for parts of it. On a periodic grid
// of second order the rates are known: k uₓₓ − c uₓ + w u by differences of mean values.
func TestTermsAlike(t *testing.T) {
	const n = 8
	const k, c, w = 0.3, 0.7, 0.2
	const h = 1. / n
	y := make([]float64, 2*n)
	for i := range y {
		y[i] = math.Sin(float64(3*i)) + 0.1*float64(i)
	}
	want := func(u []float64) (out []float64) {
		for i := range u {
			l, r := u[(i+n-1)%n], u[(i+1)%n]
			out = append(out, k*(l-2*u[i]+r)/(h*h)-c*(r-l)/(2*h)+w*u[i])
		}
		return out
	}
	for _, equation := range []string{
		"u' = k*diff(u, x, x) - c*diff(u, x) + w*u",
		"u' = -(c*diff(u, x) - k*diff(u, x, x) - w*u)",
		"u' = (2*k*diff(u, x, x) - 2*c*diff(u, x) + 2*w*u)/2",
		"u' = k*(diff(u, x, x) - c/k*diff(u, x)) + w*u",
		"u' = (diff(u, x, x) - c/k*diff(u, x))*k - (-w)*u",
		"u' = diff(u, x, x)/(1/k) - (diff(u, x) - w/c*u)/(1/c)",
		"let spread = k*diff(u, x, x)\n  let both = spread - c*diff(u, x)\n  u' = both + w*u",
		"fn carried(v, f) = v*diff(f, x)\n  u' = k*diff(u, x, x) - carried(c, u) + w*u",
		"fn half(f) = f/2\n  u' = half(2*k*diff(u, x, x)) + w*u - half(c*diff(u, x) + c*diff(u, x))",
		"let flux = c*u - k*diff(u, x)\n  u' = -diff(flux, x) + w*u",
		"u' = (k + 0)*diff(u, x, x) + (0 - c)*diff(u, x) + (w/2 + w/2)*u",
	} {
		m, diags := lowered(t, "model M {\n  coordinate x in [0, 1]\n  param k = 0.3\n  param c = 0.7\n  param w = 0.2\n  state u(x) = 0\n  "+equation+"\n  boundary periodic x\n}\ngrid { x: 8 }")
		require.NoError(t, diags.Err(), equation)
		got := values(t, m.RHS, inputs{"y": y[:n], "p": {k, c, w}})
		for i, v := range want(y[:n]) {
			requireClose(t, v, got[i], 1e-11, "%s, cell %d", equation, i)
		}
	}
	for _, equation := range []string{
		"u' = [k*diff(u[0], x, x) - c*diff(u[0], x) + w*u[0], k*diff(u[1], x, x) - c*diff(u[1], x) + w*u[1]]",
		"u' = k*diff(u, x, x) - c*diff(u, x) + w*u",
		"let bent = diff(u, x, x)\n  u' = -([c, c]*diff(u, x) - k*bent) + w*u",
		"fn all(f[2]) = k*diff(f, x, x) - c*diff(f, x)\n  u' = all(u) + w*u",
		"let pair = [k*diff(u[0], x, x) - c*diff(u[0], x), k*diff(u[1], x, x) - c*diff(u[1], x)]\n  u' = [pair[0], pair[1]] + w*u",
	} {
		m, diags := lowered(t, "model M {\n  coordinate x in [0, 1]\n  param k = 0.3\n  param c = 0.7\n  param w = 0.2\n  state u[2](x) = [0, 0]\n  "+equation+"\n  boundary periodic x\n}\ngrid { x: 8 }")
		require.NoError(t, diags.Err(), equation)
		got := values(t, m.RHS, inputs{"y": y, "p": {k, c, w}})
		for i, v := range append(want(y[:n]), want(y[n:])...) {
			requireClose(t, v, got[i], 1e-11, "%s, cell %d", equation, i)
		}
	}
}

// TestReadByRuns: what a simulation reads of a trajectory is what moves it, starts it, or is shown,
// and not what is compared with data alone.
func TestReadByRuns(t *testing.T) {
	m := model(t, `  covariate rate
  covariate start
  covariate gate
  covariate wait
  covariate shown
  covariate often
  covariate weight
  covariate lost
  covariate limit
  covariate never
  state x = start
  discrete n = 0
  x' = -rate*x
  let seen = shown*x
  event hit when x < gate after wait { n := n + 1 }
  event tick every 1 + often { x := x + 1 }
  observe y = x ~ normal(1) { weight: weight, below: limit }
  loss l = lost*x`)
	reads := m.Simulated()
	got := map[string]bool{}
	for _, s := range m.Layout.Trajectory {
		if c, ok := s.Object.(*check.Covariate); ok {
			got[c.Name] = reads(s.Off, s.N)
		}
	}
	require.Equal(t, map[string]bool{
		"rate": true, "start": true, "gate": true, "wait": true, "shown": true, "often": true,
		"weight": false, "lost": false, "limit": false, "never": false,
	}, got)
	require.True(t, reads(0, m.Layout.NQ))
	require.False(t, reads(0, 0))
}
