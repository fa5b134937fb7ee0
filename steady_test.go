package pinode

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSteadyUnstable: a run does not start at a state of rest that the motion leaves, or goes
// around. Periods are 2π over the imaginary parts of the eigenvalues, growth e to the real
// part of them: i√2 for Lotka–Volterra and the spring without damping, and for the ring of
// three with the slope −K, −0.2 + K^(1/3) (1 ± i√3)/2.
func TestSteadyUnstable(t *testing.T) {
	for name, c := range map[string]struct{ body, why string }{
		"centre":      {"state x = 2.05\n  state y = 1\n  start steady\n  x' = x - x*y\n  y' = x*y - 2*y", "nothing damps it, with a period of 4.443"},
		"undamped":    {"state x = 0.5\n  state v = 0\n  start steady\n  x' = v\n  v' = x - x^3", "nothing damps it, with a period of 4.443"},
		"ring":        {"state x = 0.1\n  state y = 0.1\n  state z = 0.1\n  start steady\n  x' = 1/(1 + z^12) - 0.2*x\n  y' = x - 0.2*y\n  z' = y - 0.2*z", "an oscillation of period 15.91"},
		"saddle":      {"state x = 1.0000000001\n  state y = 0\n  start steady\n  x' = 0.3*(x - 1)\n  y' = -y", "grows e-fold in 3.333"},
		"behind":      {"state x = 0.5\n  state v = 0\n  algebraic f = 0\n  start steady\n  x' = v\n  v' = f\n  0 = f + x^3 - x", "nothing damps it, with a period of 4.443"},
		"with totals": {"state a = 1\n  state b = 0\n  state x = 0.5\n  state v = 0\n  start steady\n  a' = b - a\n  b' = a - b\n  x' = v\n  v' = x - x^3", "nothing damps it"},
		"fold":        {"param a = 0.1\n  state x = -0.5\n  start steady\n  x' = a + x^2", "a branch of such states may end at a fold): `x`"},
		"pushed":      {"state u = 0\n  state x = 0\n  state v = 0\n  start steady\n  u' = 1 - u\n  x' = v\n  v' = u - x", "with a period of 6.283: `"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("leaves.node", "model L {\n  "+c.body+"\n}\nsimulate { until: 1 }")
			require.NoError(t, err)
			_, err = m.Simulate(context.Background(), SimulateOptions{})
			require.ErrorContains(t, err, c.why)
			require.ErrorContains(t, err, "`start steady` at leaves.node:")
		})
	}
}

// TestSteadyStays: what is at rest from the start and not driven stays, whatever its own
// eigenvalues are, and damping as small as it may be brings to rest.
func TestSteadyStays(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []float64
	}{
		"no virus": {"state T = 1\n  state I = 0\n  state V = 0\n  start steady\n  T' = 10 - 0.1*T - 0.5*T*V\n  I' = 0.5*T*V - 0.5*I\n  V' = 10*I - 3*V", []float64{100, 0, 0}},
		"damped":   {"state x = 0.5\n  state v = 0\n  start steady\n  x' = v\n  v' = 1 - x - 0.01*v", []float64{1, 0}},
		"at rest":  {"state x = 1\n  state v = 0\n  state u = 1\n  start steady\n  x' = v\n  v' = 1 - x\n  u' = -u", []float64{1, 0, 0}},
		"cycle":    {"state a = 1\n  state b = 0\n  state c = 0\n  start steady\n  a' = c - a\n  b' = a - b\n  c' = b - c", []float64{1. / 3, 1. / 3, 1. / 3}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("stays.node", "model S {\n  "+c.body+"\n}\nsimulate { until: 1 }")
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			for i, want := range c.want {
				require.InDelta(t, want, s.Trajectories[0].Rows[0][1+i], 1e-9)
			}
		})
	}
}

// TestSteadyPivot: at rest the rate of the prey does not depend on the prey, by a term that
// is only there zero; the derivative is as exact as elsewhere.
func TestSteadyPivot(t *testing.T) {
	m, err := Parse("prey.node", "model P {\n  param a = 2\n  param b = 1\n  state x = 1.5\n  state y = 1.2\n  start steady\n  x' = x - b*x*y\n  y' = y*(x - a - 3*(y - 1/b))\n  observe seen = x\n}\nsimulate { until: 1, step: 1 }")
	require.NoError(t, err)
	row := lastRow(t, m)
	require.InDelta(t, 2, row[1], 1e-9)
	require.InDelta(t, 1, row[2], 1e-9)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)
}

// TestSteadyLarge: a chain of 150 states comes to rest where its equations do.
func TestSteadyLarge(t *testing.T) {
	const n = 150
	m, err := Parse("chain.node", fmt.Sprintf("model C {\n  const n = %d\n  state u[n] = 0\n  start steady\n  u[0]' = 1 - 2*u[0] + u[1]\n  for i in 1..n-2 {\n    u[i]' = u[i-1] - 2*u[i] + u[i+1]\n  }\n  u[n-1]' = u[n-2] - 2*u[n-1]\n}\nsimulate { until: 1, step: 1 }", n))
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	for i := range n {
		require.InDelta(t, 1-float64(i+1)/(n+1), s.Trajectories[0].Rows[0][1+i], 1e-9)
	}
}
