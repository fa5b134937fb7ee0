package simtest

import "math"

// Jet is a number with its first and second derivatives by the variables of a Point:
// time, states, discrete variables, parameters. Derivatives that are nil are zero, or
// not asked for.
type Jet struct {
	V float64
	G []float64
	H []float64 // row by row

	mem *memory
}

// memory is where derivatives are while a function is evaluated.
type memory struct {
	words []float64
	used  int
}

// take returns n zeros.
func (m *memory) take(n int) []float64 {
	if m == nil {
		return make([]float64, n)
	}
	if m.used+n > len(m.words) {
		m.words, m.used = make([]float64, 2*len(m.words)+n+1024), 0
	}
	m.used += n
	v := m.words[m.used-n : m.used : m.used]
	clear(v)
	return v
}

// Const is a number that depends on nothing.
func Const(v float64) Jet { return Jet{V: v} }

// chain is f of a, from the value and the first two derivatives of f there.
func (a Jet) chain(v, d1, d2 float64) Jet {
	out := Jet{V: v, mem: a.mem}
	if a.G == nil {
		return out
	}
	n := len(a.G)
	out.G = a.mem.take(n)
	for i, g := range a.G {
		out.G[i] = d1 * g
	}
	if a.H == nil {
		return out
	}
	out.H = a.mem.take(n * n)
	for i, gi := range a.G {
		for k, gk := range a.G {
			out.H[i*n+k] = d1*a.H[i*n+k] + d2*gi*gk
		}
	}
	return out
}

// combine is x·a + y·b.
func combine(x float64, a Jet, y float64, b Jet) Jet {
	out := Jet{V: x*a.V + y*b.V, mem: a.mem}
	if out.mem == nil {
		out.mem = b.mem
	}
	out.G, out.H = sum(out.mem, x, a.G, y, b.G), sum(out.mem, x, a.H, y, b.H)
	return out
}

// sum is x·a + y·b, where nil means zeros.
func sum(mem *memory, x float64, a []float64, y float64, b []float64) []float64 {
	if a == nil && b == nil {
		return nil
	}
	v := mem.take(max(len(a), len(b)))
	for i, g := range a {
		v[i] += x * g
	}
	for i, g := range b {
		v[i] += y * g
	}
	return v
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
	if out.H != nil && a.G != nil && b.G != nil {
		n := len(out.G)
		for i := range n {
			for k := range n {
				out.H[i*n+k] += a.G[i]*b.G[k] + a.G[k]*b.G[i]
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
	out := Jet{V: a.G[i], mem: a.mem}
	if n := len(a.G); a.H != nil {
		out.G = a.H[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}
