package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSecondDerivatives: div, laplacian and hessian, nested, through functions and of
// elements, have the values of closed forms.
func TestSecondDerivatives(t *testing.T) {
	m := model(t, `  param k = 2
  state x[3] = 0
  state s = 1
  x' = 0*x
  s' = 0
  fn rosen(q[3]) = k*q[0]^2*q[1] + sin(q[2])*q[0] + q[1]^3
  fn field(q[3]) -> [3] = [q[0]*q[1], q[1]^2*q[2], k*exp(q[2]*s)]
  fn wide(q[3]) = div(field(q), q)
  observe a = div(field(x), x)
  observe b = laplacian(rosen(x), x)
  observe c[3, 3] = hessian(rosen(x), x)
  observe d = div(grad(rosen(x), x), x) - laplacian(rosen(x), x)
  observe e[3] = grad(wide(x), x)
  observe f[3] = laplacian(field(x), x)
  observe g = laplacian(div(field(x), x), x)
  observe h = div([x[0]*x[1]*s, x[1]*x[2]], x[1:3])
  observe i = laplacian(s^4, s) + div(s^3, s)
  observe j = div(hessian(rosen(x), x) @ x, x)`)
	x, y, z, s, k := 0.7, -1.3, 0.4, 1.5, 2.
	in := inputs{"y": {x, y, z, s}, "p": {k}, "s": make([]float64, 10)}
	e := k * math.Exp(z*s)
	want := []float64{
		y + 2*y*z + s*e,
		2*k*y - math.Sin(z)*x + 6*y,
		2 * k * y, 2 * k * x, math.Cos(z), 2 * k * x, 6 * y, 0, math.Cos(z), 0, -math.Sin(z) * x,
		0,
		0, 1 + 2*z, 2*y + s*s*e,
		0, 2 * z, s * s * e,
		s * s * s * e,
		x*s + y,
		12*s*s + 3*s*s,
	}
	got := values(t, m.Pred, in)
	require.InDeltaSlice(t, want, got[:len(want)], 1e-12)
	// by differences: the divergence of H(x)x
	hx := func(v []float64) []float64 {
		x, y, z := v[0], v[1], v[2]
		h := [3][3]float64{{2 * k * y, 2 * k * x, math.Cos(z)}, {2 * k * x, 6 * y, 0}, {math.Cos(z), 0, -math.Sin(z) * x}}
		out := make([]float64, 3)
		for i := range 3 {
			for j := range 3 {
				out[i] += h[i][j] * v[j]
			}
		}
		return out
	}
	sum := 0.
	for i := range 3 {
		const h = 1e-5
		up, down := []float64{x, y, z}, []float64{x, y, z}
		up[i] += h
		down[i] -= h
		sum += (hx(up)[i] - hx(down)[i]) / (2 * h)
	}
	require.InDelta(t, sum, got[len(got)-1], 1e-8)
}
