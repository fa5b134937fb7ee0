package simtest

import (
	"math"

	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/sim"
)

// Model is a hybrid model whose functions are closures, with all derivatives. Those of
// the parameters are in PBar, which reverse derivatives add to, and PDot, the direction
// of forward ones.
type Model struct {
	Hybrid   *sim.Hybrid
	P        []float64
	NY, ND   int
	NoError  int                         // states at the end that step-size control does not look at
	Slides   int                         // along how many surfaces at once it can slide
	Steep    bool                        // it may come to rest in finite time: see sim.Descending
	Init     func(x *Point) (y, d []Jet) // of time and parameters
	Field    func(x *Point) []Jet
	Guards   []func(x *Point) Jet // the model's own
	Releases []func(x *Point) Jet
	Times    []func(x *Point) Jet // of the parameters
	Events   []Event
	Floors   []func(x *Point) Jet
	Shift    float64 // the model's time is the run's less this

	PBar, PDot []float64

	from float64 // where the smooth piece starts
	room
}

// room is what evaluations of a model share.
type room struct {
	dense  *sparse.Pattern
	mem    memory
	points [3]Point // by order
}

// Event is what an event does. Functions that it does not need are nil.
type Event struct {
	Jump, Rest      func(x *Point) []Jet
	Delay, Priority func(x *Point) Jet
}

// Point is where functions are evaluated.
type Point struct {
	T       Jet
	Y, D, P []Jet
	A       []float64 // arguments of an event
	from    float64
}

// After reports whether the point is in a smooth piece of the run behind a time at which inputs
// jump. A stage of a step may lie beyond the ends of its piece.
func (x *Point) After(t float64) bool { return x.from >= t }

// at is the point of a time and state, with derivatives up to an order. It is valid until
// the next of that order.
func (m *Model) at(t float64, y, d []float64, order int) *Point {
	n := 1 + m.NY + m.ND + len(m.P)
	next := 0
	jet := func(v float64) Jet {
		out := Jet{V: v, mem: &m.mem}
		if order > 0 {
			out.G = m.mem.take(n)
			out.G[next] = 1
		}
		if order > 1 {
			out.H = m.mem.take(n * n)
		}
		next++
		return out
	}
	x := &m.points[order]
	x.T, x.A, x.from = jet(t-m.Shift), nil, m.from-m.Shift
	list := func(to []Jet, v []float64, n int) []Jet {
		to = to[:0]
		for i := range n {
			if i < len(v) {
				to = append(to, jet(v[i]))
			} else {
				next++
			}
		}
		return to
	}
	x.Y, x.D, x.P = list(x.Y, y, m.NY), list(x.D, d, m.ND), list(x.P, m.P, len(m.P))
	return x
}

// more is a point for the guards of surfaces that are slid along, if there are such.
func (m *Model) more(t float64, y, d []float64, order int) *Point {
	if m.Slides == 0 {
		return nil
	}
	return m.at(t, y, d, order)
}

// with is the point with other values at the modes of switch i.
func (x *Point) with(w []int, mode float64) *Point {
	c := *x
	c.D = append([]Jet{}, x.D...)
	for _, k := range w {
		c.D[k].V = mode
	}
	return &c
}

// sliding are the switches along whose surfaces the solution slides at x.
func (m *Model) sliding(x *Point) (list []int) {
	if m.Slides == 0 {
		return nil
	}
	for i := range m.Hybrid.Switches {
		if sim.Slides(x.D[m.Hybrid.Switches[i].Modes[0]].V) {
			list = append(list, i)
		}
	}
	return list
}

// along is the derivative of a guard by time along the flow f.
func (m *Model) along(g Jet, f []Jet) Jet {
	out := g.partial(0)
	for i := range f {
		out = out.Add(g.partial(1 + i).Mul(f[i]))
	}
	return out
}

// flow is the field at x, and the parts of the upper fields where the solution slides.
// next is x with one more order of derivatives.
func (m *Model) flow(x, next *Point) (f, parts []Jet) {
	list := m.sliding(x)
	if len(list) == 0 {
		return m.Field(x), nil
	}
	corners := make([][]Jet, 1<<len(list)) // bit k: above surface k
	for c := range corners {
		p := x
		for k, i := range list {
			w := m.Hybrid.Switches[i].Modes
			p = p.with(w, math.Floor(x.D[w[0]].V)+float64(c>>k&1))
		}
		corners[c] = m.Field(p)
	}
	rates := make([][]Jet, len(list))
	for k, i := range list {
		g := m.Guards[m.Hybrid.Switches[i].Guard](next)
		for _, f := range corners {
			rates[k] = append(rates[k], m.along(g, f))
		}
	}
	parts = m.parts(rates)
	f = make([]Jet, m.NY)
	for c := range corners {
		w := Const(1)
		for k, a := range parts {
			if c>>k&1 == 0 {
				a = Const(1).Sub(a)
			}
			w = w.Mul(a)
		}
		for i := range f {
			f[i] = f[i].Add(w.Mul(corners[c][i]))
		}
	}
	return f, parts
}

// parts are those of the upper fields for which no guard moves, from the rates of the
// guards in the corners: for one surface r₀ + a(r₁ − r₀) = 0; for two by Newton's
// method, whose last steps give the derivatives.
func (m *Model) parts(rates [][]Jet) []Jet {
	if len(rates) == 1 {
		r := rates[0]
		return []Jet{r[0].Div(r[0].Sub(r[1]))}
	}
	a, b := Const(0.5), Const(0.5)
	for range 25 {
		var v, va, vb [2]float64
		for k, r := range rates {
			ra, rb, rab := r[1].V-r[0].V, r[2].V-r[0].V, r[3].V-r[2].V-r[1].V+r[0].V
			v[k], va[k], vb[k] = r[0].V+a.V*ra+b.V*rb+a.V*b.V*rab, ra+b.V*rab, rb+a.V*rab
		}
		det := va[0]*vb[1] - va[1]*vb[0]
		a.V -= (v[0]*vb[1] - v[1]*vb[0]) / det
		b.V -= (v[1]*va[0] - v[0]*va[1]) / det
	}
	for range 2 {
		var v, va, vb [2]Jet
		for k, r := range rates {
			ra, rb, rab := r[1].Sub(r[0]), r[2].Sub(r[0]), r[3].Sub(r[2]).Sub(r[1]).Add(r[0])
			v[k] = r[0].Add(a.Mul(ra)).Add(b.Mul(rb)).Add(a.Mul(b).Mul(rab))
			va[k], vb[k] = ra.Add(b.Mul(rab)), rb.Add(a.Mul(rab))
		}
		det := va[0].Mul(vb[1]).Sub(va[1].Mul(vb[0]))
		a, b = a.Sub(v[0].Mul(vb[1]).Sub(v[1].Mul(vb[0])).Div(det)), b.Sub(v[1].Mul(va[0]).Sub(v[0].Mul(va[1])).Div(det))
	}
	return []Jet{a, b}
}

// Sizes implements sim.Model.
func (m *Model) Sizes() sim.Sizes {
	return sim.Sizes{
		Y: m.NY, YError: m.NY - m.NoError, D: m.ND, Times: len(m.Times),
		Guards: len(m.Guards) + len(m.Releases) + 2*m.Slides, Releases: len(m.Releases), Exits: 2 * m.Slides,
	}
}

// Segment implements sim.Segmented.
func (m *Model) Segment(t float64) { m.from = t }

func values(to []float64, from []Jet) {
	for i, x := range from {
		to[i] = x.V
	}
}

// start is the initial state.
func (m *Model) start(t float64, order int) (y, d []Jet) { return m.Init(m.at(t, nil, nil, order)) }

// guard is one of all guards at a point; next has one more order of derivatives.
func (m *Model) guard(i int, x, next *Point) Jet {
	own := len(m.Guards)
	if i < own {
		return m.Guards[i](x)
	}
	if i -= own; i < len(m.Releases) {
		return m.Releases[i](x)
	}
	i -= len(m.Releases)
	_, parts := m.flow(x, next)
	if i/2 >= len(parts) {
		return Const(1)
	}
	if i%2 == 0 {
		return parts[i/2]
	}
	return Const(1).Sub(parts[i/2])
}

// lead is a jet's derivative along the flow f of time and states.
func (m *Model) lead(g Jet, f []float64) float64 {
	if g.G == nil {
		return 0
	}
	sum := g.G[0]
	for i, v := range f {
		sum += g.G[1+i] * v
	}
	return sum
}

// free is the field with the components held that are.
func free(f []Jet, held []bool) []Jet {
	for i, h := range held {
		if h {
			f[i] = Jet{}
		}
	}
	return f
}

// add adds the derivative of the values v, weighted by ct, to the cotangents.
func (m *Model) add(v []Jet, ct, yBar, dBar []float64, params sim.Params) (tBar float64) {
	for i, x := range v {
		if x.G == nil || ct[i] == 0 {
			continue
		}
		tBar += ct[i] * x.G[0]
		for k := range yBar {
			yBar[k] += ct[i] * x.G[1+k]
		}
		for k := range dBar {
			dBar[k] += ct[i] * x.G[1+m.NY+k]
		}
		if params == sim.WithParams {
			for k := range m.P {
				m.PBar[k] += ct[i] * x.G[1+m.NY+m.ND+k]
			}
		}
	}
	return tBar
}

// push is the derivative of v in a direction.
func (m *Model) push(v Jet, tDot float64, yDot, dDot []float64) float64 {
	if v.G == nil {
		return 0
	}
	sum := v.G[0] * tDot
	for k, x := range yDot {
		sum += v.G[1+k] * x
	}
	for k, x := range dDot {
		sum += v.G[1+m.NY+k] * x
	}
	for k := range m.P {
		sum += v.G[1+m.NY+m.ND+k] * m.PDot[k]
	}
	return sum
}

// Clear forgets the accumulated gradient.
func (m *Model) Clear() { m.PBar, m.PDot = make([]float64, len(m.P)), make([]float64, len(m.P)) }
