package simtest

import "math"

// Jet is a number with its first and second derivatives by the variables of a Point:
// time, states, discrete variables, parameters. Derivatives that are nil are zero, or
// not asked for.
type Jet struct {
	V float64
	G []float64
	H [][]float64
}

// Const is a number that depends on nothing.
func Const(v float64) Jet { return Jet{V: v} }

// chain is f of a, from the value and the first two derivatives of f there.
func (a Jet) chain(v, d1, d2 float64) Jet {
	out := Jet{V: v}
	if a.G == nil {
		return out
	}
	out.G = make([]float64, len(a.G))
	for i, g := range a.G {
		out.G[i] = d1 * g
	}
	if a.H == nil {
		return out
	}
	out.H = square(len(a.G))
	for i, gi := range a.G {
		for k, gk := range a.G {
			out.H[i][k] = d1*a.H[i][k] + d2*gi*gk
		}
	}
	return out
}

func square(n int) [][]float64 {
	flat, m := make([]float64, n*n), make([][]float64, n)
	for i := range m {
		m[i] = flat[i*n : (i+1)*n]
	}
	return m
}

// combine is x·a + y·b.
func combine(x float64, a Jet, y float64, b Jet) Jet {
	out := Jet{V: x*a.V + y*b.V}
	n := max(len(a.G), len(b.G))
	if n == 0 {
		return out
	}
	out.G = make([]float64, n)
	for i, g := range a.G {
		out.G[i] += x * g
	}
	for i, g := range b.G {
		out.G[i] += y * g
	}
	if a.H == nil && b.H == nil {
		return out
	}
	out.H = square(n)
	for i, row := range a.H {
		for k, h := range row {
			out.H[i][k] += x * h
		}
	}
	for i, row := range b.H {
		for k, h := range row {
			out.H[i][k] += y * h
		}
	}
	return out
}

// Add is a + b.
func (a Jet) Add(b Jet) Jet { return combine(1, a, 1, b) }

// Sub is a − b.
func (a Jet) Sub(b Jet) Jet { return combine(1, a, -1, b) }

// Scale is c·a.
func (a Jet) Scale(c float64) Jet { return combine(c, a, 0, Jet{}) }

// Plus is a + c.
func (a Jet) Plus(c float64) Jet {
	a.V += c
	return a
}

// Mul is a·b.
func (a Jet) Mul(b Jet) Jet {
	v := a.V * b.V
	out := combine(b.V, a, a.V, b)
	out.V = v
	if (a.H != nil || b.H != nil) && a.G != nil && b.G != nil {
		for i := range out.H {
			for k := range out.H {
				out.H[i][k] += a.G[i]*b.G[k] + a.G[k]*b.G[i]
			}
		}
	}
	return out
}

// Div is a / b.
func (a Jet) Div(b Jet) Jet {
	r := 1 / b.V
	return a.Mul(b.chain(r, -r*r, 2*r*r*r))
}

// Sin is the sine of a.
func (a Jet) Sin() Jet { s, c := math.Sincos(a.V); return a.chain(s, c, -s) }

// Exp is e to the power of a.
func (a Jet) Exp() Jet { e := math.Exp(a.V); return a.chain(e, e, e) }

// Sqrt is the square root of a, which has no value below zero.
func (a Jet) Sqrt() Jet {
	r := math.Sqrt(a.V)
	return a.chain(r, 0.5/r, -0.25/(r*a.V))
}

// partial is the derivative by variable i with its own first derivatives.
func (a Jet) partial(i int) Jet {
	if a.G == nil {
		return Jet{}
	}
	out := Jet{V: a.G[i]}
	if a.H != nil {
		out.G = a.H[i]
	}
	return out
}
