package compiler

import (
	"slices"

	"github.com/pinode/pinode/autodiff/interval"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
)

// boundsGraph are bounds of guards and of their rates where time, states, their
// derivatives and signals move within boxes.
func (p *motion) boundsGraph(program place.Program, guards []*ir.Node) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	guards, rates, flow := p.moving(guards)
	over := map[*ir.Node]interval.Bounds{}
	box := func(of *ir.Node, p place.Box) {
		if of != nil {
			over[of] = interval.Bounds{Lo: p.Lo.Node(b, of.Shape), Hi: p.Hi.Node(b, of.Shape)}
		}
	}
	box(m.In.T, place.TimeBox)
	box(m.In.Y, place.StatesBox)
	box(flow, place.FlowBox)
	box(m.In.U, place.SignalsBox)
	box(m.In.UT, place.SignalRatesBox)
	g := program.Graph()
	list := func(lo, hi place.Output, x []interval.Bounds) {
		l, h := make([]*ir.Node, len(x)), make([]*ir.Node, len(x))
		for i := range x {
			l[i], h[i] = x[i].Lo, x[i].Hi
		}
		g.Outputs = append(g.Outputs, lo.Of(b.Concat(l...)), hi.Of(b.Concat(h...)))
	}
	list(place.Lo, place.Hi, interval.Of(b, guards, over))
	list(place.RateLo, place.RateHi, interval.Rates(b, guards, rates, over))
	return g
}

// watched are the guards but for those of sliding; those that only jumps can change
// are 0.
func (p *motion) watched() []*ir.Node {
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
func (p *motion) straight() []bool {
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
func (p *motion) crooked() []*ir.Node {
	list := p.watched()
	for i, affine := range p.straight() {
		if affine {
			list[i] = p.Model.Builder.Const(0)
		}
	}
	return list
}

// watchedGuards are the guards of the model as a step looks at them.
func (p *motion) watchedGuards() *step.Guards {
	n := len(p.Model.Guards)
	g := &step.Guards{}
	g.Values, g.Rates, g.Flow = p.moving(p.watched()[:n])
	g.Affine = p.straight()[:n]
	return g
}
