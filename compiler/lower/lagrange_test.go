package lower_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDoublePendulum: the equation of Euler and Lagrange against the equations of a double
// pendulum with equal masses and lengths, solved by hand for the accelerations, to round-off.
func TestDoublePendulum(t *testing.T) {
	const g = 9.8
	m := model(t, `  const g = 9.8
  state q[2] = 0, q' = 0
  fn T(q, w) = w[0]^2 + w[1]^2/2 + w[0]*w[1]*cos(q[0] - q[1])
  q'' = euler_lagrange(T(q, q') + 2*g*cos(q[0]) + g*cos(q[1]), q)`)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		y := []float64{3 * rng.NormFloat64(), 3 * rng.NormFloat64(), 2 * rng.NormFloat64(), 2 * rng.NormFloat64()}
		got := values(t, m.RHS, inputs{"y": y})
		c, s := math.Cos(y[0]-y[1]), math.Sin(y[0]-y[1])
		// 2 a + c b = p, c a + b = r
		p, r := -s*y[3]*y[3]-2*g*math.Sin(y[0]), s*y[2]*y[2]-g*math.Sin(y[1])
		det := 2 - c*c
		want := []float64{y[2], y[3], (p - c*r) / det, (2*r - c*p) / det}
		for i := range want {
			requireClose(t, want[i], got[i], 1e-13*(1+math.Abs(p)+math.Abs(r)), "rate %d", i)
		}
	}
}

// TestLagrange: scalars, forces, explicit time and inputs, against closed forms.
func TestLagrange(t *testing.T) {
	for _, c := range []struct {
		body string
		want func(t, q, v, z float64) float64
	}{
		// m(q) = 1 + q², V = q⁴: m q'' = −q v² − 4q³
		{"q'' = euler_lagrange((1 + q^2)*q'^2/2 - q^4, q)", func(_, q, v, _ float64) float64 { return (-q*v*v - 4*q*q*q) / (1 + q*q) }},
		// with a force −b v
		{"q'' = euler_lagrange(q'^2 - q^2, q, -0.3*q')", func(_, q, v, _ float64) float64 { return (-2*q - 0.3*v) / 2 }},
		// L = e^(γt) (v² − q²)/2: q'' = −q − γ v
		{"q'' = euler_lagrange(exp(0.4*t)*(q'^2 - q^2)/2, q)", func(_, q, v, _ float64) float64 { return -q - 0.4*v }},
		// a state in the potential alone
		{"q'' = euler_lagrange(q'^2/2 - z*q, q)", func(_, _, _, z float64) float64 { return -z }},
		// linear in the velocity: no force
		{"q'' = euler_lagrange(q'^2/2 + 3*q*q', q)", func(_, _, _, _ float64) float64 { return 0 }},
	} {
		m := model(t, "  state q = 1, q' = 0\n  state z = 1\n  z' = 0\n  "+c.body)
		y := []float64{0.7, -1.3, 0.45}
		got := values(t, m.RHS, inputs{"y": y, "t": {0.6}})
		require.InDelta(t, c.want(0.6, y[0], y[1], y[2]), got[1], 1e-14, c.body)
	}
}

// TestLagrangeRefused: what has no equation of Euler and Lagrange says so where it stands.
func TestLagrangeRefused(t *testing.T) {
	for body, want := range map[string]string{
		"q'' = euler_lagrange(z*q'^2/2, q)": "m.node:5:24: error: ∂L/∂q' depends on a state besides `q`",
		"q'' = euler_lagrange(z*q' - q, q)": "m.node:5:24: error",
		"q'' = euler_lagrange(3*q' - q, q)": "the Lagrangian has no kinetic energy",
	} {
		_, diags := lowered(t, "model M {\n  state q = 1, q' = 0\n  state z = 1\n  z' = 0\n  "+body+"\n}")
		require.ErrorContains(t, diags.Err(), want, body)
	}
}

// TestDivergenceFree: the divergence of a block is zero for any weights, scales and
// dimension, though its derivatives are not.
func TestDivergenceFree(t *testing.T) {
	for _, c := range []struct {
		body string
		n    int
	}{
		{"  state x[2] = 0\n  neural f(x[2]) -> [2] { divergence_free: true, hidden: [9, 9] }\n  x' = f(x)", 2},
		{"  state x[3] = 0\n  neural f(x[3], s) -> [3] { divergence_free: true, hidden: [9] }\n  x' = f(x, t)", 3},
		{"  state x[5] = 0\n  neural f(x[5]) -> [5] { divergence_free: true, activation: swish, hidden: [12] }\n  x' = f(2*x)", 5},
	} {
		m := model(t, c.body+"\n  let jacobian = diff(f("+map[int]string{2: "x", 3: "x, t", 5: "2*x"}[c.n]+"), x)")
		rng := rand.New(rand.NewPCG(7, uint64(c.n)))
		for range 20 {
			w, x, s := make([]float64, m.Layout.NP), make([]float64, c.n), make([]float64, m.Layout.NS)
			for i := range w {
				w[i] = 0.7 * rng.NormFloat64()
			}
			for i := range x {
				x[i] = rng.NormFloat64()
			}
			for i := range s {
				s[i] = math.Exp(rng.NormFloat64())
			}
			out := values(t, m.Outputs, inputs{"p": w, "y": x, "s": s, "t": {0.3}})
			j := out[len(out)-c.n*c.n:]
			trace, size := 0., 0.
			for i := range c.n {
				trace += j[i*c.n+i]
				size += math.Abs(j[i*c.n+i])
			}
			require.Greater(t, size, 1e-6)
			require.InDelta(t, 0, trace, 1e-12*size+1e-14, "dimension %d", c.n)
		}
	}
}
