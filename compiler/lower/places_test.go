package lower_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// TestInterpolation: values in cells give that of a polynomial at any place, to round-off, near the
// ends and of few cells too; of a periodic axis the cells go round it.
func TestInterpolation(t *testing.T) {
	for _, order := range []int{1, 2, 4, 6} {
		degree := 2 * ((order + 1) / 2)
		for _, cells := range []int{2, 3, 5, 12} {
			for _, means := range []bool{true, false} {
				degree := min(degree, cells-1)
				u := polynomial{1.5, -0.7, 0.4, 0.3, -0.2, 0.1, 0.05}[:degree+1]
				data := u.means(cells, float64(cells))
				if !means {
					for i := range data {
						data[i] = u.at(float64(i) + 0.5)
					}
				}
				for _, x := range []float64{0, 0.3, 1, 1.5, float64(cells) / 2, float64(cells) - 0.2, float64(cells)} {
					first, w := lower.Interpolation(order, cells, means, false, x)
					require.Len(t, w, min(degree, 2*((order+1)/2))+1+max(0, min(2*((order+1)/2)+1, cells)-degree-1))
					require.GreaterOrEqual(t, first, 0)
					require.LessOrEqual(t, first+len(w), cells)
					got := 0.
					for k, v := range w {
						got += v * data[first+k]
					}
					require.InDelta(t, u.at(x), got, 1e-9*(1+math.Abs(u.at(x))), "order %d, %d cells, means %t, at %g", order, cells, means, x)
				}
			}
		}
		first, w := lower.Interpolation(order, 9, true, true, 0.5)
		require.Equal(t, -(order+1)/2, first, "round the axis")
		require.Len(t, w, 2*((order+1)/2)+1)
		first, _ = lower.Interpolation(order, 9, true, true, 8.9)
		require.Equal(t, 8-(order+1)/2, first)
		first, _ = lower.Interpolation(order, 9, true, true, 9)
		require.Equal(t, 8-(order+1)/2, first, "the end is in the last cell")
	}
}

// TestValuesAtPlaces: a field and its derivatives at places that are numbers, parameters or sides, along
// one axis and along two; outside of the domain there is none.
func TestValuesAtPlaces(t *testing.T) {
	u := polynomial{0.5, 1, -2, 0.7, 0.3}
	slope := u.derivative()
	for _, order := range []int{4, 6} {
		m, diags := lowered(t, fmt.Sprintf(`model M {
  param p = 0.5
  coordinate x in [0, 1]
  state u(x) = 0
  let du = diff(u, x)
  u' = diff(u, x, x)
  boundary u = %g at x = 0
  boundary u = %g at x = 1
  observe a = u(0.3)
  observe b = u(p)
  observe lo = u(0)
  observe hi = u(1)
  observe c = du(p)
  observe d = du(0)
  observe e = du(1)
  observe f = du(0.55)
  observe g = u(p)*u(0.9)
}
grid { x: 12 cells, order: %d }
`, u.at(0), u.at(1), order))
		require.NoError(t, diags.Err())
		for _, p := range []float64{0, 0.04, 0.5, 0.77, 1} {
			got := values(t, m.Pred, inputs{"y": u.means(12, 1), "p": {p}})
			want := []float64{u.at(0.3), u.at(p), u.at(0), u.at(1), slope.at(p), slope.at(0), slope.at(1), slope.at(0.55), u.at(p) * u.at(0.9)}
			for i := range want {
				require.InDelta(t, want[i], got[i], 1e-10, "order %d, %d at %g", order, i, p)
			}
		}
		for _, p := range []float64{-0.01, 1.01} {
			got := values(t, m.Pred, inputs{"y": u.means(12, 1), "p": {p}})
			require.True(t, math.IsNaN(got[1]) && math.IsNaN(got[4]))
			require.InDelta(t, u.at(0.3), got[0], 1e-10)
		}
	}
}

// TestPlacesOfTwoAxes: places along one axis, along both, and round an axis; of trigonometric polynomials too.
func TestPlacesOfTwoAxes(t *testing.T) {
	f := func(x, y float64) float64 { return 2 + sin(tau*x)*cos(tau*y) + 0.5*cos(2*tau*y) }
	for _, grid := range []string{"order: 6", "scheme: spectral", "scheme: weno5"} {
		for _, n := range [][2]int{{24, 26}, {25, 27}} {
			m, diags := lowered(t, fmt.Sprintf(`model M {
  param p = 0.5
  param q = 0.5
  coordinate x in [0, 1]
  coordinate y in [0, 1]
  boundary periodic x, y
  state u(x, y) = 0
  u' = diff(u, x, x) + u(p, q)
  observe a = u(p, q)
  observe b = u(p, 0.25)
  observe c = u(0, q)
  observe d = integral(u, x, y)
  observe e = integral(u^2, x, y)
}
grid { x: %d cells, y: %d cells, %s }
`, n[0], n[1], grid))
			require.NoError(t, diags.Err())
			y := cellMeans(n[0], n[1], f)
			if grid == "scheme: spectral" { // values at centres
				y = y[:0]
				for i := range n[0] {
					for j := range n[1] {
						y = append(y, f((float64(i)+0.5)/float64(n[0]), (float64(j)+0.5)/float64(n[1])))
					}
				}
			}
			tol := map[string]float64{"order: 6": 2e-4, "scheme: weno5": 2e-4, "scheme: spectral": 1e-11}[grid]
			for _, at := range [][2]float64{{0.31, 0.47}, {0, 1}, {0.999, 0.001}, {0.5, 0.5}, {0.5 / 24, 0.5 / 26}} {
				in := inputs{"y": y, "p": at[:]}
				got := values(t, m.Pred, in)
				for i, want := range []float64{f(at[0], at[1]), f(at[0], 0.25), f(0, at[1]), 2, 4 + 0.25 + 0.125} {
					require.InDelta(t, want, got[i], tol*5, "%s, %v, %d at %v", grid, n, i, at)
				}
				rate := values(t, m.RHS, in)[0]
				x0, y0 := 0.5/float64(n[0]), 0.5/float64(n[1])
				require.InDelta(t, -tau*tau*(f(x0, y0)-2-0.5*cos(2*tau*y0))+f(at[0], at[1]), rate, 0.15+tol)
			}
			require.True(t, math.IsNaN(values(t, m.Pred, inputs{"y": y, "p": {0.5, 1.2}})[0]), grid)
		}
	}
}

// TestFieldsAtTheStart: fields start at the mean values of their formulas, as exact as the order says, and
// components with those of their own.
func TestFieldsAtTheStart(t *testing.T) {
	u, v := polynomial{1, -2, 0.5, 0.3, 0.1, -0.4}, polynomial{0, 1}
	for grid, degree := range map[string]int{"order: 2": 1, "order: 4": 3, "order: 6": 5, "scheme: weno5": 5} {
		u := u[:degree+1]
		text := "0"
		for k, c := range u {
			text += fmt.Sprintf(" + (%g)*x^%d", c, k)
		}
		m, diags := lowered(t, "model M {\n  coordinate x in [0, 2]\n  state u[2](x) = ["+text+", x]\n  u' = -u\n}\ngrid { x: 7 cells, "+grid+" }\n")
		require.NoError(t, diags.Err())
		got := values(t, m.InitY, inputs{})
		want := append(u.means(7, 2), v.means(7, 2)...)
		require.InDeltaSlice(t, want, got, 1e-12, grid)
	}
}
