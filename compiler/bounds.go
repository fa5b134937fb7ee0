package compiler

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/autodiff/interval"
	"github.com/pinode/pinode/compiler/ir"
)

// boundsGraph are bounds of guards and of their rates where time, states, their
// derivatives and signals move within boxes.
func (p *Program) boundsGraph(name string, guards []*ir.Node) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	guards, rates, flow := p.moving(guards)
	over := map[*ir.Node]interval.Bounds{}
	box := func(of *ir.Node, name string) {
		if of != nil {
			over[of] = interval.Bounds{Lo: b.Input(name+"lo", of.Shape, true), Hi: b.Input(name+"hi", of.Shape, true)}
		}
	}
	box(m.In.T, "t")
	box(m.In.Y, "y")
	box(flow, "f")
	box(m.In.U, "u")
	box(m.In.UT, "ut")
	g := &ir.Graph{Name: name}
	list := func(lo, hi string, x []interval.Bounds) {
		l, h := make([]*ir.Node, len(x)), make([]*ir.Node, len(x))
		for i := range x {
			l[i], h[i] = x[i].Lo, x[i].Hi
		}
		g.Outputs = append(g.Outputs, ir.Output{Name: lo, Node: p.vector(l)}, ir.Output{Name: hi, Node: p.vector(h)})
	}
	list("lo", "hi", interval.Of(b, guards, over))
	list("ratelo", "ratehi", interval.Rates(b, guards, rates, over))
	return g
}

// vector is the vector of scalars.
func (p *Program) vector(list []*ir.Node) *ir.Node {
	return p.Model.Builder.Slice(p.Model.Builder.Concat(list...), 0, ir.Vec(len(list)))
}

// elements are those of a vector.
func (p *Program) elements(v *ir.Node) []*ir.Node {
	list := make([]*ir.Node, v.Shape.N)
	for i := range list {
		list[i] = p.Model.Builder.Elem(v, i)
	}
	return list
}

// watched are the guards but for those of sliding; those that only jumps can change
// are 0.
func (p *Program) watched() []*ir.Node {
	list := slices.Clone(p.guards)
	for i, g := range p.Model.Guards {
		if g.Flag {
			list[i] = p.Model.Builder.Const(0)
		}
	}
	return list
}

// Affine reports of each guard whether it is affine in time and state: along the
// dense output of a step it is a polynomial of the same degree.
func (p *Program) Affine() []bool {
	p.build.Lock()
	defer p.build.Unlock()
	return append(slices.Clone(p.straight()), make([]bool, p.NumGuards-len(p.guards))...)
}

// straight is Affine for who holds the builder, but for guards of sliding. The rate
// of an affine guard depends on the derivative of the state alone.
func (p *Program) straight() []bool {
	if p.affine != nil {
		return p.affine
	}
	in, b := p.Model.In, p.Model.Builder
	guards, rates, _ := p.moving(p.watched())
	moves := map[*ir.Node]interval.Bounds{}
	for _, n := range []*ir.Node{in.T, in.Y, in.U} {
		if n != nil {
			moves[n] = interval.Bounds{Lo: b.Input("lo", n.Shape, true), Hi: b.Input("hi", n.Shape, true)}
		}
	}
	p.affine = make([]bool, len(guards))
	for i, r := range rates {
		p.affine[i] = !slices.ContainsFunc(ir.Reach(r), func(n *ir.Node) bool {
			return n == in.T || n == in.Y || n == in.U || n == in.UT
		}) && !interval.Jumps(b, guards[i], moves)
	}
	return p.affine
}

// crooked are the guards but for those of sliding, with 0 for those that need no
// bounds.
func (p *Program) crooked() []*ir.Node {
	list := p.watched()
	for i, affine := range p.straight() {
		if affine {
			list[i] = p.Model.Builder.Const(0)
		}
	}
	return list
}

// moving are guards and their derivatives by time where the state moves by the
// input flow, after all passes.
func (p *Program) moving(of []*ir.Node) (guards, rates []*ir.Node, flow *ir.Node) {
	m, b := p.Model, p.Model.Builder
	wrt, dots := []*ir.Node{m.In.T}, []*ir.Node{b.Const(1)}
	if m.In.Y != nil {
		flow = b.Input("flow", m.In.Y.Shape, true)
		wrt, dots = append(wrt, m.In.Y), append(dots, flow)
	}
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, m.In.UT)
	}
	both := optimized(b, slices.Concat(of, autodiff.JVP(b, of, wrt, dots))...)
	return both[:len(of)], both[len(of):], flow
}

// quiet is 1 if all guards that are watched keep to their sides in the step of which
// y and k are the stages: from its surface on, if one starts there. It is 0 where
// that is not proved, or would take too many operations to prove.
func (s *stepping) quiet(y, k []*ir.Node, side *ir.Node) *ir.Node {
	b, in := s.b, s.Model.In
	guards, rates, flow := s.Program.moving(s.Program.watched()[:len(s.Model.Guards)])
	at := func(n, t, y, dy *ir.Node) *ir.Node {
		return b.Substitute([]*ir.Node{n}, map[*ir.Node]*ir.Node{in.T: t, in.Y: y, flow: dy})[0]
	}
	var affine, affineRates, signs, others, otherRates, otherSigns []*ir.Node
	for i, straight := range s.Program.straight()[:len(guards)] {
		if sign := b.Elem(side, i); straight {
			affine, affineRates, signs = append(affine, guards[i]), append(affineRates, rates[i]), append(signs, sign)
		} else {
			others, otherRates, otherSigns = append(others, guards[i]), append(otherRates, rates[i]), append(otherSigns, sign)
		}
	}
	quiet := b.Const(1)
	if len(affine) > 0 {
		along := s.vector(affineRates)
		start := at(s.vector(affine), in.T, y[0], k[0])
		quiet = s.oneSided(k, start, s.vector(signs), func(dy *ir.Node) *ir.Node { return at(along, in.T, y[0], dy) })
	}
	if len(others) > 0 {
		quiet = b.Mul(quiet, s.bounded(y, k, others, otherRates, otherSigns, flow, at))
	}
	if s.p != nil {
		quiet = b.Substitute([]*ir.Node{quiet}, map[*ir.Node]*ir.Node{in.P: s.p})[0]
	}
	return quiet
}

// oneSided is 1 if affine guards keep to their sides: each is a polynomial along the
// dense output, whose Bernstein coefficients behind the first, which is its value at
// the start, have one sign.
func (s *stepping) oneSided(k []*ir.Node, start, sign *ir.Node, rate func(dy *ir.Node) *ir.Node) *ir.Node {
	b := s.b
	rates := make([]*ir.Node, len(k))
	for i := range k {
		rates[i] = rate(k[i])
	}
	quiet := b.Fill(b.Const(1), sign.Shape)
	for _, w := range s.m.Bernstein[1:] {
		c := start
		if sum := s.combine(w, rates); sum != nil {
			c = s.fma(s.h, sum, start)
		}
		quiet = b.Mul(quiet, b.Lt(b.Const(0), b.Mul(sign, c)))
	}
	unwatched := b.Apply(ir.OpEq, sign, b.Const(0))
	return b.Le(b.Const(float64(sign.Shape.N)), b.Sum(b.Apply(ir.OpMax, unwatched, quiet)))
}

// maxBoundOps bounds the operations for the bounds of a step's guards: beyond it
// the step does not look by itself. They are growth times those of guards and rates
// at the least.
const (
	maxBoundOps = 4000
	growth      = 10
)

// bounded is 1 if guards keep to their sides by their bounds and those of their rates
// over the box of the dense output.
func (s *stepping) bounded(y, k, guards, rates, signs []*ir.Node, flow *ir.Node, at func(n, t, y, dy *ir.Node) *ir.Node) *ir.Node {
	b, in := s.b, s.Model.In
	if growth*operations(slices.Concat(guards, rates)...) > maxBoundOps {
		return b.Const(0)
	}
	end, last, n := b.Add(in.T, s.h), len(y)-1, len(s.m.Bernstein)
	box := map[*ir.Node]interval.Bounds{
		in.T: {Lo: in.T, Hi: end},
		in.Y: s.hull(func(m int) *ir.Node { return s.control(y, k, m) }, n),
	}
	box[flow] = s.hull(func(m int) *ir.Node { return s.slope(k, m) }, n-1)
	of, ofRates := interval.Of(b, guards, box), interval.Rates(b, guards, rates, box)
	var ends []*ir.Node
	for i := range guards {
		ends = append(ends, of[i].Lo, of[i].Hi, ofRates[i].Lo, ofRates[i].Hi)
	}
	if operations(ends...) > maxBoundOps+operations(y[1:]...) {
		return b.Const(0)
	}
	quiet := b.Const(1)
	for i, g := range guards {
		up := b.Lt(b.Const(0), signs[i])
		signed := func(x interval.Bounds) interval.Bounds {
			return interval.Bounds{Lo: b.Select(up, x.Lo, b.Neg(x.Hi)), Hi: b.Select(up, x.Hi, b.Neg(x.Lo))}
		}
		v, w := b.Mul(signs[i], at(g, in.T, y[0], k[0])), b.Mul(signs[i], at(g, end, y[last], k[last]))
		keeps := s.keeps(v, w, signed(of[i]).Lo, signed(ofRates[i]))
		quiet = b.Mul(quiet, b.Apply(ir.OpMax, b.Apply(ir.OpEq, signs[i], b.Const(0)), keeps))
	}
	return quiet
}

// keeps is 1 if a guard that is v and w at the ends of a step, at least low in it,
// and whose rate is within r, keeps above zero: by its least value, or since it
// does not turn, or because it would have to fall from v and rise to w faster than
// it can.
func (s *stepping) keeps(v, w, low *ir.Node, r interval.Bounds) *ir.Node {
	b, zero, inf := s.b, s.b.Const(0), s.b.Const(math.Inf(1))
	finite := b.Mul(b.Lt(b.Neg(inf), r.Lo), b.Lt(r.Hi, inf))
	turns := b.Mul(b.Lt(r.Lo, zero), b.Lt(zero, r.Hi))
	reach := b.Add(b.Sub(b.Mul(r.Hi, v), b.Mul(r.Lo, w)), b.Mul(b.Mul(r.Lo, r.Hi), s.h))
	slow := b.Mul(b.Lt(zero, v), b.Lt(zero, reach))
	bounded := b.Apply(ir.OpMax, b.Sub(b.Const(1), turns), slow)
	return b.Mul(b.Lt(zero, w), b.Apply(ir.OpMax, b.Lt(zero, low), b.Mul(finite, bounded)))
}

// control is Bernstein coefficient m of the dense output.
func (s *stepping) control(y, k []*ir.Node, m int) *ir.Node {
	if m == len(s.m.Bernstein)-1 {
		return y[len(y)-1]
	}
	if sum := s.combine(s.m.Bernstein[m], k); sum != nil {
		return s.fma(s.h, sum, y[0])
	}
	return y[0]
}

// slope is Bernstein coefficient m of its derivative by time.
func (s *stepping) slope(k []*ir.Node, m int) *ir.Node {
	w, n := make([]float64, len(k)), float64(len(s.m.Bernstein)-1)
	for i := range w {
		w[i] = n * (s.m.Bernstein[m+1][i] - s.m.Bernstein[m][i])
	}
	if sum := s.combine(w, k); sum != nil {
		return sum
	}
	return s.b.Full(s.vec, 0)
}

// hull are bounds of n Bernstein coefficients, with room for round-off.
func (s *stepping) hull(c func(m int) *ir.Node, n int) interval.Bounds {
	b := s.b
	lo := c(0)
	hi := lo
	for m := 1; m < n; m++ {
		lo, hi = b.Apply(ir.OpMin, lo, c(m)), b.Apply(ir.OpMax, hi, c(m))
	}
	pad := b.Mul(b.Const(0x1p-46), b.Add(b.Apply(ir.OpAbs, lo), b.Apply(ir.OpAbs, hi)))
	return interval.Bounds{Lo: b.Sub(lo, pad), Hi: b.Add(hi, pad)}
}
