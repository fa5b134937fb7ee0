package lower_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// place is a function of place, x and y.
type place func(x, y float64) float64

// gauss are the points and weights of the quadrature with five points over (0, 1).
var gauss = func() (out [][2]float64) {
	inner, outer := math.Sqrt(5-2*math.Sqrt(10./7))/3, math.Sqrt(5+2*math.Sqrt(10./7))/3
	a, b := (322+13*math.Sqrt(70))/1800, (322-13*math.Sqrt(70))/1800
	for _, p := range [][2]float64{{-outer, b}, {-inner, a}, {0, 64. / 225}, {inner, a}, {outer, b}} {
		out = append(out, [2]float64{0.5 + p[0]/2, p[1]})
	}
	return out
}()

// cellMeans are the mean values of functions over nx by ny cells of the domain from 0 to 1 in both, the
// second coordinate fastest; ny = 0 is a line.
func cellMeans(nx, ny int, of ...place) (out []float64) {
	for _, f := range of {
		for i := range nx {
			for j := range max(ny, 1) {
				sum := 0.
				for _, p := range gauss {
					x := (float64(i) + p[0]) / float64(nx)
					if ny == 0 {
						sum += p[1] * f(x, 0)
						continue
					}
					for _, q := range gauss {
						sum += p[1] * q[1] * f(x, (float64(j)+q[0])/float64(ny))
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// A gridCase is an equation whose exact rates at a field are known.
type gridCase struct {
	name, body  string
	grid        string // settings besides the numbers of cells
	fields      []place
	rates       []place
	order, edge float64   // at which the error falls inside, and at the sides too
	n           [2]int    // cells along each axis, and then twice as many
	line        bool      // there is one axis only
	over        [4]string // of a field over one axis, which
}

const tau = 2 * math.Pi

func sin(x float64) float64 { return math.Sin(x) }
func cos(x float64) float64 { return math.Cos(x) }

var gridCases = []gridCase{
	{
		name: "flux with a coefficient of both places, conditions of both kinds, one axis round", grid: "order: 4", order: 4, edge: 1.9, n: [2]int{12, 12},
		body: `  boundary periodic y
  state u(x, y) = 0
  let k = 1 + x*sin(2*pi*y)/2
  u' = diff(k*diff(u, x), x) + diff(k*diff(u, y), y)
  boundary u = cos(2*pi*y) at x = 0
  boundary diff(u, x) + u = (2*cos(2) + sin(2))*(1 + sin(2*pi*y)) + cos(2*pi*y) at x = 1`,
		fields: []place{func(x, y float64) float64 { return sin(2*x)*(1+sin(tau*y)) + cos(tau*y) }},
		rates: []place{func(x, y float64) float64 {
			k, kx, ky := 1+x*sin(tau*y)/2, sin(tau*y)/2, x*tau*cos(tau*y)/2
			ux, uy := 2*cos(2*x)*(1+sin(tau*y)), sin(2*x)*tau*cos(tau*y)-tau*sin(tau*y)
			uxx, uyy := -4*sin(2*x)*(1+sin(tau*y)), -tau*tau*(sin(2*x)*sin(tau*y)+cos(tau*y))
			return kx*ux + k*uxx + ky*uy + k*uyy
		}},
	},
	{
		name: "components, a field over one axis, an integral over the other", over: [4]string{2: "x", 3: "y"}, grid: "order: 4", order: 4, edge: 3.7, n: [2]int{18, 24},
		body: `  boundary periodic x, y
  state u[2](x, y) = 0
  state w(x) = 0
  state s(y) = 0
  fn half(a) = a^2/2
  u' = [-diff(half(u[0]), x) + w*diff(u[1], y) + s, 3*u[0]*u[1] - 2*diff(u[1], x)/4]
  w' = integral(u[1], y) - diff(w, x, x)
  s' = diff(s, y)*2 - s*integral(w, x) + integral(u[0]*w, x)`,
		fields: []place{
			func(x, y float64) float64 { return 1 + sin(tau*x)*cos(tau*y)/2 },
			func(x, y float64) float64 { return cos(tau*(x+y)) + cos(tau*x) },
			func(x, _ float64) float64 { return 2 + sin(tau*x) }, func(_, y float64) float64 { return cos(tau * y) },
		},
		rates: []place{
			func(x, y float64) float64 {
				u, ux := 1+sin(tau*x)*cos(tau*y)/2, tau*cos(tau*x)*cos(tau*y)/2
				return -u*ux - (2+sin(tau*x))*tau*sin(tau*(x+y)) + cos(tau*y)
			},
			func(x, y float64) float64 {
				u, v := 1+sin(tau*x)*cos(tau*y)/2, cos(tau*(x+y))+cos(tau*x)
				return 3*u*v + tau*(sin(tau*(x+y))+sin(tau*x))/2
			},
			func(x, _ float64) float64 { return cos(tau*x) + tau*tau*sin(tau*x) },
			func(_, y float64) float64 { return -2*tau*sin(tau*y) - 2*cos(tau*y) + 2 + cos(tau*y)/4 },
		},
	},
	{
		name: "a derivative along both axes", grid: "order: 4", order: 4, edge: 1.9, n: [2]int{12, 12},
		body: `  state u(x, y) = 0
  u' = diff(u, x, y) + diff(u, x, x) + diff(u, y, y)
  boundary u = sin(0.3 + y) at x = 0
  boundary u = sin(1.3 + y) at x = 1
  boundary u = sin(x + 0.3) at y = 0
  boundary diff(u, y) = cos(1.3 + x) at y = 1`,
		fields: []place{func(x, y float64) float64 { return sin(x + y + 0.3) }},
		rates:  []place{func(x, y float64) float64 { return -3 * sin(x+y+0.3) }},
	},
	{
		name: "a side in parts", grid: "order: 4", order: 4, edge: 1.9, n: [2]int{10, 10},
		body: `  boundary periodic y
  state u(x, y) = 0
  u' = diff(u, x, x)
  boundary u = sin(2*pi*y) at x = 0 and y > 0.4
  boundary 3*u = 3*sin(2*pi*y) at x = 0 and y <= 0.4
  boundary diff(u, x) = cos(1) at x = 1 and y > 0.7
  boundary 2*diff(u, x) = 2*cos(1) at x = 1 and y < 0.5
  boundary u = sin(1) + sin(2*pi*y) at x = 1 and y > 0.4 and y < 0.8`,
		fields: []place{func(x, y float64) float64 { return sin(x) + sin(tau*y) }},
		rates:  []place{func(x, _ float64) float64 { return -sin(x) }},
	},
	{
		name: "conditions that are not linear, and read two fields", grid: "order: 4", order: 4, edge: 2.6, n: [2]int{12, 0}, line: true,
		body: `  state u(x) = 0
  state v(x) = 0
  u' = diff(u, x, x) + v
  v' = diff(v, x, x)*u
  boundary u^2 + v = 1 + exp(1)^0 at x = 0
  boundary diff(v, x)*v = 2 at x = 0
  boundary diff(u, x) + u^3 = cos(1) - sin(1) + (cos(1) + sin(1))^3 at x = 1
  boundary u + v = cos(1) + sin(1) + exp(2) at x = 1`,
		fields: []place{func(x, _ float64) float64 { return cos(x) + sin(x) }, func(x, _ float64) float64 { return math.Exp(2 * x) }},
		rates: []place{
			func(x, _ float64) float64 { return -cos(x) - sin(x) + math.Exp(2*x) },
			func(x, _ float64) float64 { return 4 * math.Exp(2*x) * (cos(x) + sin(x)) },
		},
	},
	{
		name: "conditions that vary along the side", grid: "order: 4", order: 4, edge: 1.9, n: [2]int{12, 12},
		body: `  boundary periodic y
  state u(x, y) = 0
  u' = diff(u, x, x)
  boundary (2 + sin(2*pi*y))*u - diff(u, x) = (2 + sin(2*pi*y))*cos(2*pi*y) - cos(2*pi*y) at x = 0
  boundary u^2 = exp(2)*cos(2*pi*y)^2 + 2*exp(1)*cos(2*pi*y) + 1 at x = 1`,
		fields: []place{func(x, y float64) float64 { return math.Exp(x)*cos(tau*y) + x*x*x*x*x*x }},
		rates:  []place{func(x, y float64) float64 { return math.Exp(x)*cos(tau*y) + 30*x*x*x*x }},
	},
	{
		name: "an odd derivative with two conditions where it enters", grid: "order: 4", order: 3, edge: 1.9, n: [2]int{16, 0}, line: true,
		body: `  state u(x) = 0
  u' = -diff(u, x, x, x)
  boundary u = 0 at x = 0
  boundary u = sin(2) at x = 1
  boundary diff(u, x) = 2*cos(2) at x = 1`,
		fields: []place{func(x, _ float64) float64 { return sin(2 * x) }},
		rates:  []place{func(x, _ float64) float64 { return 8 * cos(2*x) }},
	},
	{
		name: "a fourth derivative, slopes and curvatures", grid: "order: 4", order: 3, edge: 1.9, n: [2]int{16, 0}, line: true,
		body: `  state u(x) = 0
  u' = -diff(u, x, x, x, x)
  boundary u = 0 at x = 0
  boundary diff(u, x) = 2 at x = 0
  boundary u = sin(2) at x = 1
  boundary diff(u, x, x) = -4*sin(2) at x = 1`,
		fields: []place{func(x, _ float64) float64 { return sin(2 * x) }},
		rates:  []place{func(x, _ float64) float64 { return -16 * sin(2*x) }},
	},
	{
		name: "carried to both sides by a wind of place", grid: "scheme: weno5", order: 4.5, edge: 4.5, n: [2]int{40, 0}, line: true,
		body: `  boundary periodic x
  state u(x) = 0
  u' = -sin(2*pi*x)*diff(u, x)`,
		fields: []place{func(x, _ float64) float64 { return sin(tau*x + 1) }},
		rates:  []place{func(x, _ float64) float64 { return -sin(tau*x) * tau * cos(tau*x+1) }},
	},
	{
		name: "two fluxes that share their waves, along both axes", grid: "scheme: weno5", order: 4.4, edge: 4.4, n: [2]int{24, 24},
		body: `  boundary periodic x, y
  state h(x, y) = 1
  state q(x, y) = 0
  h' = -diff(q, x) - diff(h^2/2, y)
  q' = -diff(q^2/h + 2*h^2, x)`,
		fields: []place{
			func(x, y float64) float64 { return 3 + 0.3*sin(tau*x)*cos(tau*y) },
			func(x, _ float64) float64 { return 1 + 0.2*cos(tau*x) },
		},
		rates: []place{
			func(x, y float64) float64 {
				h, hy := 3+0.3*sin(tau*x)*cos(tau*y), -0.3*tau*sin(tau*x)*sin(tau*y)
				return 0.2*tau*sin(tau*x) - h*hy
			},
			func(x, y float64) float64 {
				h, hx := 3+0.3*sin(tau*x)*cos(tau*y), 0.3*tau*cos(tau*x)*cos(tau*y)
				q, qx := 1+0.2*cos(tau*x), -0.2*tau*sin(tau*x)
				return -(2*q*qx/h - q*q*hx/(h*h) + 4*h*hx)
			},
		},
	},
	{
		name: "order one, between sides", grid: "scheme: upwind, order: 1", order: 0.9, edge: -0.1, n: [2]int{40, 0}, line: true,
		body: `  state u(x) = 0
  u' = -diff(u^2/2, x)
  boundary u = 2 at x = 0`,
		fields: []place{func(x, _ float64) float64 { return 2 + sin(x) }},
		rates:  []place{func(x, _ float64) float64 { return -(2 + sin(x)) * cos(x) }},
	},
	{
		name: "order two with limited slopes", grid: "scheme: upwind", order: 1.8, edge: 0.9, n: [2]int{40, 0}, line: true,
		body: `  state u(x) = 0
  u' = diff(3*u, x)
  boundary u = 2 + sin(1) at x = 1`,
		fields: []place{func(x, _ float64) float64 { return 2 + sin(x) }},
		rates:  []place{func(x, _ float64) float64 { return 3 * cos(x) }},
	},
}

// rateErrors are the largest errors of the rates of each field, and those of cells in the middle.
func rateErrors(t *testing.T, c gridCase, nx, ny int) (all, inside []float64) {
	t.Helper()
	cells := fmt.Sprintf("x: %d cells", nx)
	axes := "  coordinate x in [0, 1]\n"
	if !c.line {
		cells += fmt.Sprintf(", y: %d cells", ny)
		axes += "  coordinate y in [0, 1]\n"
	}
	m, diags := lowered(t, "model M {\n"+axes+c.body+"\n}\ngrid { "+cells+", "+c.grid+" }\n")
	require.NoError(t, diags.Err(), c.name)
	y, want, of := c.means(nx, ny)
	got := values(t, m.RHS, inputs{"y": y})
	require.Len(t, got, len(want), c.name)
	all, inside = make([]float64, len(c.fields)), make([]float64, len(c.fields))
	first := 0
	for i, v := range got {
		k := of[i]
		if i > 0 && of[i-1] != k {
			first = i
		}
		e := math.Abs(v - want[i])
		all[k] = math.Max(all[k], e)
		middle := func(at, n int) bool { return 3*at >= n && 3*(at+1) <= 2*n }
		cell, rows, columns := i-first, nx, max(ny, 1)
		if n := c.cells(k, nx, ny); n != nx*columns { // over one axis
			rows, columns = n, 1
		}
		if middle(cell/columns, rows) && (columns == 1 || middle(cell%columns, columns)) {
			inside[k] = math.Max(inside[k], e)
		}
	}
	return all, inside
}

// cells is how many cells field k has.
func (c *gridCase) cells(k, nx, ny int) int {
	switch {
	case c.line || c.over[k] == "x":
		return nx
	case c.over[k] == "y":
		return ny
	}
	return nx * ny
}

// means are those of fields and rates, and of which field each is.
func (c *gridCase) means(nx, ny int) (y, rates []float64, of []int) {
	for k, f := range c.fields {
		r, mx, my := c.rates[k], nx, ny
		switch c.over[k] {
		case "x":
			my = 0
		case "y":
			along := func(f place) place { return func(x, _ float64) float64 { return f(0, x) } }
			f, r, mx, my = along(f), along(r), ny, 0
		}
		y, rates = append(y, cellMeans(mx, my, f)...), append(rates, cellMeans(mx, my, r)...)
		for len(of) < len(y) {
			of = append(of, k)
		}
	}
	return y, rates, of
}

// TestGridsConverge: the rates on a grid come to the mean values of the exact ones as fast as the scheme says.
func TestGridsConverge(t *testing.T) {
	for _, c := range gridCases {
		all, inside := rateErrors(t, c, c.n[0], c.n[1])
		fineAll, fineInside := rateErrors(t, c, 2*c.n[0], 2*c.n[1])
		for k := range all {
			if inside[k] > 1e-9 {
				require.Greater(t, math.Log2(inside[k]/fineInside[k]), c.order-0.6, "%s, field %d inside: %g and %g", c.name, k, inside[k], fineInside[k])
			}
			if all[k] > 1e-9 {
				require.Greater(t, math.Log2(all[k]/fineAll[k]), c.edge-0.1, "%s, field %d: %g and %g", c.name, k, all[k], fineAll[k])
			}
		}
	}
}
