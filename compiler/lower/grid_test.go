package lower_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// polynomial has the coefficients of 1, x, x², ….
type polynomial []float64

func (p polynomial) at(x float64) (v float64) {
	for k := len(p) - 1; k >= 0; k-- {
		v = v*x + p[k]
	}
	return v
}

func (p polynomial) derivative() (d polynomial) {
	for k := 1; k < len(p); k++ {
		d = append(d, float64(k)*p[k])
	}
	return d
}

func (p polynomial) times(q polynomial) polynomial {
	out := make(polynomial, max(len(p)+len(q)-1, 0))
	for i, a := range p {
		for j, b := range q {
			out[i+j] += a * b
		}
	}
	return out
}

func (p polynomial) plus(q polynomial, scale float64) polynomial {
	out := make(polynomial, max(len(p), len(q)))
	copy(out, p)
	for k, c := range q {
		out[k] += scale * c
	}
	return out
}

// means are those over n cells from 0 to length.
func (p polynomial) means(n int, length float64) (out []float64) {
	whole := polynomial{0}
	for k, c := range p {
		whole = append(whole, c/float64(k+1))
	}
	h := length / float64(n)
	for i := range n {
		out = append(out, (whole.at(float64(i+1)*h)-whole.at(float64(i)*h))/h)
	}
	return out
}

// TestSchemesAreExact: the rates that a grid makes of a polynomial are the mean values of the
// exact ones, to round-off, up to the degree that is the scheme's, at the sides too, where
// conditions of all kinds hold.
func TestSchemesAreExact(t *testing.T) {
	const n, length = 11, 2.
	bent := func(u polynomial) polynomial { return u.derivative().derivative() }
	carried := func(u polynomial) polynomial { return u.derivative().times(polynomial{-1}) }
	decayed := func(u polynomial) polynomial { return u.derivative().plus(u, 3).times(polynomial{-1}) }
	for _, c := range []struct {
		rate, grid string
		degree     int // up to which it is exact
		exact      func(u polynomial) polynomial
	}{
		{"diff(u, x, x)", "order: 2", 2, bent},
		{"diff(u, x, x)", "order: 4", 4, bent},
		{"diff(u, x, x)", "order: 6", 6, bent},
		{"-diff(u, x) - 3*u", "order: 2", 1, decayed},
		{"-diff(u, x) - 3*u", "order: 4", 3, decayed},
		{"-2*diff(u^2/2, x)", "order: 4", 3, func(u polynomial) polynomial { return u.times(u).derivative().times(polynomial{-1}) }},
		{"diff((1 + x)*diff(u, x), x)", "order: 4", 4, func(u polynomial) polynomial {
			return polynomial{1, 1}.times(u.derivative()).derivative()
		}},
		{"-diff(u, x)", "scheme: upwind, order: 1", 0, carried},
		{"-diff(u, x)", "scheme: upwind", 1, carried},
		{"diff(u, x)", "scheme: upwind", 1, polynomial.derivative},
		{"-diff(u, x)", "scheme: weno5", 2, carried},
		{"diff(u, x)", "scheme: weno5", 2, polynomial.derivative},
		{"-diff(u^2/2, x)", "scheme: weno5", 2, func(u polynomial) polynomial { return u.times(u.derivative()).times(polynomial{-1}) }},
	} {
		for degree := range c.degree + 1 {
			u := polynomial{1.5, -0.7, 0.4, 0.3, -0.2, 0.1, 0.05}[:degree+1]
			for _, sides := range []string{
				"boundary u = %[1]v at x = 0\n  boundary u = %[2]v at x = 2",
				"boundary diff(u, x) = %[3]v at x = 0\n  boundary diff(u, x) + 2*u = %[4]v + 2*%[2]v at x = 2",
			} {
				if strings.Contains(sides, "diff") && !strings.Contains(c.rate, "diff(u, x, x)") {
					continue
				}
				slope := u.derivative()
				body := fmt.Sprintf("  coordinate x in [0, 2]\n  state u(x) = 0\n  u' = "+c.rate+"\n  "+sides, u.at(0), u.at(length), slope.at(0), slope.at(length))
				m, diags := lowered(t, "model M {\n"+body+"\n}\ngrid { x: 11 cells, "+c.grid+" }\n")
				require.NoError(t, diags.Err(), body)
				got := values(t, m.RHS, inputs{"y": u.means(n, length)})
				for i, want := range c.exact(u).means(n, length) {
					require.InDelta(t, want, got[i], 1e-9, "u' = %s, %s, degree %d, cell %d", c.rate, c.grid, degree, i)
				}
			}
		}
	}
}

// TestSpectralIsExact: derivatives of a sine at the places of a periodic axis, to round-off, by
// themselves and times what varies in space.
func TestSpectralIsExact(t *testing.T) {
	const n = 12
	for rate, exact := range map[string]func(x float64) float64{
		"-diff(u, x)":            func(x float64) float64 { return -2 * math.Cos(2*x) },
		"diff(u, x, x)":          func(x float64) float64 { return -4 * math.Sin(2*x) },
		"-cos(x)*diff(u, x) - u": func(x float64) float64 { return -2*math.Cos(x)*math.Cos(2*x) - math.Sin(2*x) },
		"sin(x)*u":               func(x float64) float64 { return math.Sin(x) * math.Sin(2*x) },
		"-diff(u^2/2, x)":        func(x float64) float64 { return -math.Sin(2*x) * 2 * math.Cos(2*x) },
	} {
		m, diags := lowered(t, "model M {\n  coordinate x in [0, 2*pi]\n  boundary periodic x\n  state u(x) = 0\n  u' = "+rate+"\n}\ngrid { x: 12 cells, scheme: spectral }\n")
		require.NoError(t, diags.Err(), rate)
		y := make([]float64, n)
		place := func(i int) float64 { return (float64(i) + 0.5) * 2 * math.Pi / n }
		for i := range y {
			y[i] = math.Sin(2 * place(i))
		}
		for i, got := range values(t, m.RHS, inputs{"y": y}) {
			require.InDelta(t, exact(place(i)), got, 1e-12, "u' = %s, place %d", rate, i)
		}
	}
}

// TestWenoWeights: where the values are not smooth a face has the mean of three parabolas, each through
// the mean values of three cells, by how much they bend in the middle cell: ∫ p'² + p”² there.
func TestWenoWeights(t *testing.T) {
	y := []float64{0, 1, 1.2, 5, -2, 0.3, 0.31, 4}
	n := len(y)
	face := func(i int) float64 { // at the end of cell i, where the field comes from below
		var q, beta [3]float64
		for k := range q {
			from := k - 2 // the first cell, counted from cell i; the mean over cell j is a + b j + c (j² + 1/12)
			v := func(j int) float64 { return y[(i+j+2*n)%n] }
			c := (v(from) - 2*v(from+1) + v(from+2)) / 2
			b := v(from+1) - v(from) - c*float64(2*from+1)
			a := v(from) - b*float64(from) - c*(float64(from*from)+1./12)
			q[k], beta[k] = a+b/2+c/4, b*b+c*c/3+4*c*c
		}
		sum, weight := 0., 0.
		for k, d := range []float64{0.1, 0.6, 0.3} {
			r := (beta[0] - beta[2]) / beta[k]
			sum, weight = sum+d*(1+r*r)*q[k], weight+d*(1+r*r)
		}
		return sum / weight
	}
	m, diags := lowered(t, "model M {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = -diff(u, x)\n  boundary periodic x\n}\ngrid { x: 8, scheme: weno5 }\n")
	require.NoError(t, diags.Err())
	got := values(t, m.RHS, inputs{"y": y})
	for i := range y {
		require.InDelta(t, -(face(i)-face(i-1+n))*float64(n), got[i], 1e-10, "cell %d", i)
	}
}
