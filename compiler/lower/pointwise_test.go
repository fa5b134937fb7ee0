package lower_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// pointwise are expressions without derivatives by a coordinate, of fields u, v, p[3] and A[2, 2]: those that are
// single values, and those with three elements.
var pointwise = [2][]string{
	{
		"u*v + k*x", "sum(p)", "mean(p)", "dot(p, q)", "dot(p, [u, v, x])", "norm(p)", "cross(p, q)[0] + 2*cross(q, p)[1] - 3*cross(p, q)[2]",
		"min(p)", "max([u, v, k])", "max(p)*min(u, v)", "clamp(u, 0.1, v)", "if u > v then 1 else u", "if u >= v and not (v < 0.2) then u else 2*v",
		"if u < 0.3 or v <= 0.4 then p[1] else p[2]", "if u == v then 1 else 2", "if u != v then u else 2", "(u > v)*3 + (u <= v)*v", "sign(u - 0.4)", "abs(v - u)",
		"floor(3*u)", "relu(u - v)", "step(v - u)", "atan2(u, v)", "exp(u)*tanh(v)", "sqrt(1 + u^2)", "u^3 - v^-2", "(1 + v^2)^u",
		"(A @ [u, v])[0] + 2*([v, u] @ A)[1]", "(A @ A)[1, 0] - (A @ A)[0, 1]", "f(u, v)", "g(u) + g(k)", "h(x)", "s*u", "smooth(abs(u - 0.5))",
		"L + sin(L)", "sum(W)*u", "det(B)*u", "sum(solve(B, [1, k]))*v", "softmax(q)[1]*u",
	},
	{
		"cross(p, q)", "2*p + u", "[u, v, k]", "if u > v then p else q", "if p[0] > 0.2 then p else 0*p", "p*q - q", "-p", "abs(p - 0.5)", "M @ p", "p @ M", "sum(p)*q",
		"f(p, u)", "f(q, x)", "W + p", "min(p, u)", "p[0:3]/[1, 2, 4]", "if p > q then p else q",
	},
}

// TestPointwise: what is written of fields is at each cell what it is of numbers.
func TestPointwise(t *testing.T) {
	const n = 6
	body := func(field, coordinate string) string {
		return coordinate + `
  param k = 1.3
  const q[3] = [0.3, -0.8, 1.2]
  const M[3, 3] = [[1, 2, 0.5], [0, -1, 0.25], [0.7, 0, 2]]
  const B[2, 2] = [[2, 0.5], [1, 3]]
  fn d(a, b) = diff(a^2*b, a)
  fn f(a, b) = a*a + 2*b*a
  fn g(w) = d(w, w) + 3*w
  fn h(w) = g(w)*w + w
  state s = 1
  state u` + field + ` = 0
  state v` + field + ` = 0
  state p[3]` + field + ` = [0, 0, 0]
  state A[2, 2]` + field + ` = [[0, 0], [0, 0]]
  let L = u*x + s
  let W = [u, 2*v, x]
  s' = 0
  v' = 0
  A' = 0
`
	}
	value := func(k, i int) float64 { return 0.5 + 0.45*math.Sin(float64(1+7*k+3*i)) }
	for rank, list := range pointwise {
		for _, e := range list {
			laws := fmt.Sprintf("  u' = %s\n  p' = 0*p\n", e)
			at, elements := 0, 1
			if rank == 1 {
				laws = fmt.Sprintf("  u' = 0*u\n  p' = %s\n", e)
				at, elements = 2, 3
			}
			if e == "if p > q then p else q" {
				require.ErrorContains(t, mistakes(t, "model M {\n"+body("", "  covariate x")+laws+"}"), "a condition is a single truth value")
				continue
			}
			grid, diags := lowered(t, "model M {\n"+body("(x)", "  coordinate x in [0, 3]\n  boundary periodic x")+laws+"}\ngrid { x: 6 cells }\n")
			require.NoError(t, diags.Err(), e)
			plain := model(t, body("", "  covariate x")+laws)
			y := []float64{0.7}
			for k := range 9 { // the components of all fields
				for i := range n {
					y = append(y, value(k, i))
				}
			}
			got := values(t, grid.RHS, inputs{"y": y, "p": {1.3}})
			require.Len(t, got, len(y))
			for i := range n {
				z := []float64{0.7}
				for k := range 9 {
					z = append(z, value(k, i))
				}
				in := inputs{"y": z, "p": {1.3}, "q": {0.25 + 0.5*float64(i)}}
				in["d"] = modesAt(t, plain, in)
				want := values(t, plain.RHS, in)
				for k := range elements {
					requireClose(t, want[1+at+k], got[1+(at+k)*n+i], 1e-13, "%s at cell %d, element %d", e, i, k)
				}
			}
		}
	}
}

// TestOverOtherAxes: what varies over some coordinates is the same along the others, whichever they are, and an integral
// over some varies over the rest.
func TestOverOtherAxes(t *testing.T) {
	const nx, ny, nz = 4, 5, 6
	m, diags := lowered(t, `model M {
  coordinate x in [0, 1]
  coordinate y in [0, 1]
  coordinate z in [0, 3]
  boundary periodic x
  boundary periodic y
  boundary periodic z
  state a(y) = 0
  state b(x, z) = 0
  state c(z) = 0
  state d(x) = 0
  state e(x, y) = 0
  state f(y, z) = 0
  state w(x, y, z) = 0
  state n = 0
  a' = integral(w, x, z)*a - integral(integral(w, x), z)
  b' = integral(w, y) + b*c
  c' = integral(w*b, x, y)
  d' = d*integral(c, z) + integral(a, y, z)
  e' = integral(f, z)*e + d*a
  f' = integral(e*d, x) - c*a
  w' = a*b + c*d - 2*e*f*w + x + 10*y + 100*z
  n' = integral(w, x, y, z) + integral(a*d, x, y) + integral(1 + 0*c, z)
}
grid { x: 4 cells, y: 5 cells, z: 6 cells }
`)
	require.NoError(t, diags.Err())
	sizes := []int{ny, nx * nz, nz, nx, nx * ny, ny * nz, nx * ny * nz, 1}
	var state []float64
	var parts [8][]float64
	for k, size := range sizes {
		for i := range size {
			parts[k] = append(parts[k], math.Sin(float64(3*k+5*i+1)))
		}
		state = append(state, parts[k]...)
	}
	a := func(_, j, _ int) float64 { return parts[0][j] }
	b := func(i, _, k int) float64 { return parts[1][i*nz+k] }
	c := func(_, _, k int) float64 { return parts[2][k] }
	d := func(i, _, _ int) float64 { return parts[3][i] }
	e := func(i, j, _ int) float64 { return parts[4][i*ny+j] }
	f := func(_, j, k int) float64 { return parts[5][j*nz+k] }
	w := func(i, j, k int) float64 { return parts[6][(i*ny+j)*nz+k] }
	const hx, hy, hz = 1. / nx, 1. / ny, 3. / nz
	// sum is that over the axes that are not held, of mean values over cells.
	sum := func(x, y, z int, of func(i, j, k int) float64) (s float64) {
		for i := range nx {
			for j := range ny {
				for k := range nz {
					if (x < 0 || x == i) && (y < 0 || y == j) && (z < 0 || z == k) {
						s += of(i, j, k)
					}
				}
			}
		}
		return s
	}
	got := values(t, m.RHS, inputs{"y": state})
	check := func(name string, want float64) {
		t.Helper()
		require.InDelta(t, want, got[0], 1e-12, name)
		got = got[1:]
	}
	for j := range ny {
		in := hx * hz * sum(-1, j, -1, w)
		check("a", in*a(0, j, 0)-in)
	}
	for i := range nx {
		for k := range nz {
			check("b", hy*sum(i, -1, k, w)+b(i, 0, k)*c(0, 0, k))
		}
	}
	for k := range nz {
		check("c", hx*hy*sum(-1, -1, k, func(i, j, k int) float64 { return w(i, j, k) * b(i, j, k) }))
	}
	for i := range nx {
		check("d", d(i, 0, 0)*hz*sum(0, 0, -1, c)+3*hy*sum(0, -1, 0, a))
	}
	for i := range nx {
		for j := range ny {
			check("e", hz*sum(0, j, -1, f)*e(i, j, 0)+d(i, 0, 0)*a(0, j, 0))
		}
	}
	for j := range ny {
		for k := range nz {
			check("f", hx*sum(-1, j, 0, func(i, j, _ int) float64 { return e(i, j, 0) * d(i, 0, 0) })-c(0, 0, k)*a(0, j, 0))
		}
	}
	for i := range nx {
		for j := range ny {
			for k := range nz {
				place := hx*(float64(i)+0.5) + 10*hy*(float64(j)+0.5) + 100*hz*(float64(k)+0.5)
				check("w", a(i, j, k)*b(i, j, k)+c(i, j, k)*d(i, j, k)-2*e(i, j, k)*f(i, j, k)*w(i, j, k)+place)
			}
		}
	}
	check("n", hx*hy*hz*sum(-1, -1, -1, w)+hx*hy*sum(-1, -1, 0, func(i, j, _ int) float64 { return a(0, j, 0) * d(i, 0, 0) })+3)
	require.Empty(t, got)
}

// TestFluxesOfWaves: a pair of conservation laws takes at each face the mean of the fluxes on both sides, less half the jump times
// what bounds the speeds of its waves: the root of the sum of their squares.
func TestFluxesOfWaves(t *testing.T) {
	const n, gravity = 7, 9.8
	m, diags := lowered(t, `model M {
  coordinate x in [0, 7]
  boundary periodic x
  state h(x) = 1
  state q(x) = 0
  h' = -diff(q, x)
  q' = -diff(q^2/h + 4.9*h^2, x)
}
grid { x: 7 cells, scheme: upwind, order: 1 }
`)
	require.NoError(t, diags.Err())
	h, q := make([]float64, n), make([]float64, n)
	for i := range n {
		h[i], q[i] = 1+0.4*math.Sin(float64(2*i)), 0.8*math.Cos(float64(3*i))
	}
	got := values(t, m.RHS, inputs{"y": append(append([]float64{}, h...), q...)})
	speed := func(i int) float64 { // of waves: q/h ± √(g h)
		u, c := q[i]/h[i], math.Sqrt(gravity*h[i])
		return math.Hypot(u+c, u-c)
	}
	face := func(i int) (mass, momentum float64) { // between cells i and j
		j := (i + 1) % n
		a := math.Max(speed(i), speed(j))
		flux := func(i int) float64 { return q[i]*q[i]/h[i] + gravity/2*h[i]*h[i] }
		return (q[i]+q[j])/2 - a*(h[j]-h[i])/2, (flux(i)+flux(j))/2 - a*(q[j]-q[i])/2
	}
	for i := range n {
		mass, momentum := face(i)
		massBefore, momentumBefore := face((i + n - 1) % n)
		require.InDelta(t, massBefore-mass, got[i], 1e-12, "mass, cell %d", i)
		require.InDelta(t, momentumBefore-momentum, got[n+i], 1e-12, "momentum, cell %d", i)
	}
}
