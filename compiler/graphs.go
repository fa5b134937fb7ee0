package compiler

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
)

// Graphs returns the graphs of the model. All read the inputs
//
//	t y d u ut q p s a data seen yb db ub utb
//
// of lower.Inputs; those of no elements are left out. The values:
//
//	rhs       dy [NY]
//	guards    g, rate [guards]; accel likewise is guards2
//	look      g, rate of those but for releases, where the state moves by flow
//	bounds    lo, hi, ratelo, ratehi of the guards but for those of sliding, and 0 for
//	          those that are affine, where the state moves by flow and tlo ≤ t ≤ thi,
//	          and so on for y, f (flow), u and ut; bounds1 of those of sliding along one
//	          surface
//	spread    g, rate: by how much guards and rates may move where the states do, twice: see there
//	slideK    dy on K surfaces at once, given by on1, at1, on2, at2; exitsK: g, rate (see slide.go)
//	X@K       X on K surfaces; X@bK on those before the instant, X@KbL on both (see blend.go)
//	init      y, d; segment likewise
//	times     s: the scheduled scalars
//	floors    v: arguments of floor switches
//	pivots    v: of each matrix that is inverted the pivots, then their sign
//	jump.E    v: new values of event E's targets, or what is added to them; rest.E likewise
//	delay.E   v
//	priorities  v: of all events, if one is not constant
//	obs       pred [NObs]
//	row       loss, terms
//	counts    v: which losses count at a row, then weights of observations
//	outputs   v; conserved v; priors v
//	nets      args, values: of the neural blocks that the equations use
//
// X.vjp reads the cotangent ct.X and gives by, bd, bt, ba, byb, bdb, and adds to
// bp, bw and bq, the inputs acc.bp (parameters), acc.bw (weights: the sum over
// lanes) and acc.bq (parameters of a trajectory) in which all programs join;
// rhs.vjp0 and guards.vjp0 leave the parameters out.
// row.vjp gives loss and terms as well.
// rhs.jac and slideK.jac give v, the nonzeros of the derivative by y among others, and dt,
// that by time: see Jacobian. X.curve is the derivative along along.y and along.t.
// X.jvp reads the tangents ty, td, tt, tq, tp and gives the tangent dot.
func (p *Program) Graphs(want Want) []*ir.Graph {
	return p.built(func() []*ir.Graph { return p.graphs(want) })
}

func (p *Program) graphs(want Want) []*ir.Graph {
	m, b := p.Model, p.Model.Builder
	var out []*ir.Graph
	graph := func(program place.Program, outs ...ir.Output) {
		out = append(out, program.Graph(outs...))
	}
	value := func(program place.Program, output place.Output, n *ir.Node, reverse, forward bool) {
		if n == nil {
			return
		}
		graph(program, output.Of(n))
		if reverse && want.Reverse {
			out = append(out, p.vjp(program, n, true))
		}
		if forward && want.Forward {
			out = append(out, p.jvp(program, n))
		}
	}
	value(place.RHS, place.Rates, p.rates, true, true)
	out = append(out, p.jacobianGraphs(want)...)
	if len(p.guards) > 0 {
		g := b.Concat(p.guards...)
		g = b.Slice(g, 0, ir.Vec(len(p.guards)))
		rate := p.rate(g)
		graph(place.Guards, place.Guard.Of(g), place.Rate.Of(rate))
		graph(place.Guards2, place.Accel.Of(p.rate(rate)))
		graph(place.Spread, place.Guard.Of(p.spread(g)), place.Rate.Of(p.spread(rate)))
		if g, rate, _ := p.look(); g != nil {
			graph(place.Look, place.Guard.Of(g), place.Rate.Of(rate))
		}
		if slices.Contains(p.straight(), false) {
			out = append(out, p.boundsGraph(place.Bounds, p.crooked()))
		}
		if want.Reverse {
			out = append(out, p.vjp(place.Guards, g, true), p.vjp(place.Guards, g, false))
		}
		if want.Forward {
			out = append(out, p.jvp(place.Guards, g))
		}
	}
	if want.Reverse {
		out = append(out, p.vjp(place.RHS, p.rates, false))
	}
	if p.Slides {
		for k, s := range p.slides() {
			slide, exits := place.Slide(k+1), place.Exits(k+1)
			value(slide, place.Rates, s.flow, true, true)
			if k == 0 {
				out = append(out, p.boundsGraph(place.SlideBounds, p.elements(s.exits)))
			}
			graph(exits, place.Guard.Of(s.exits), place.Rate.Of(s.rate))
			if want.Reverse {
				out = append(out, p.vjp(slide, s.flow, false), p.vjp(exits, s.exits, true), p.vjp(exits, s.exits, false))
			}
			if want.Forward {
				out = append(out, p.jvp(exits, s.exits))
			}
		}
	}
	for _, x := range beginnings(p, want.Segments) {
		value(x.program, place.Value, x.value, true, true)
	}
	if len(p.times) > 0 {
		value(place.Times, place.Instant, b.Concat(p.times...), true, true)
	}
	value(place.Floors, place.Value, m.Floors, false, false)
	value(place.Pivots, place.Value, p.pivots(), false, false)
	for _, e := range m.Events {
		value(place.Jump(e.Checked.Name), place.Value, e.Jump, true, true)
		value(place.Rest(e.Checked.Name), place.Value, e.Rest, true, true)
		value(place.Delay(e.Checked.Name), place.Value, e.Delay, true, true)
	}
	value(place.Priorities, place.Value, m.Priorities, false, false)
	value(place.Predictions, place.Pred, m.Pred, false, false)
	if m.Row != nil {
		out = append(out, p.row(place.Row, m.Row, m.Terms, want.Reverse)...)
	}
	p.sliding(func(r *reader, program place.Program, v []*ir.Node) {
		if r.output == place.Loss {
			out = append(out, p.row(program, v[0], v[1], want.Reverse)...)
		} else {
			value(program, r.output, v[0], r.derived, r.derived)
		}
	})
	value(place.Counts, place.Value, m.Counts, false, false)
	value(place.Outputs, place.Value, m.Outputs, false, false)
	value(place.Conserved, place.Value, m.Conserved, false, false)
	var args, vals []*ir.Node
	for i, a := range m.NetArgs {
		if a != nil {
			args, vals = append(args, a), append(vals, m.NetVals[i])
		}
	}
	if len(args) > 0 {
		graph(place.Networks, place.NetArgs.Of(b.Concat(args...)), place.NetVals.Of(b.Concat(vals...)))
	}
	if len(m.Priors) > 0 {
		nodes := make([]*ir.Node, len(m.Priors))
		for i, pr := range m.Priors {
			nodes[i] = pr.Node
		}
		value(place.Priors, place.Value, b.Concat(nodes...), true, false)
	}
	return out
}

// row are the programs of a row's loss.
func (p *Program) row(program place.Program, loss, terms *ir.Node, reverse bool) []*ir.Graph {
	outs := []ir.Output{place.Loss.Of(loss), place.Terms.Of(terms)}
	list := []*ir.Graph{program.Graph(outs...)}
	if reverse {
		g := p.vjp(program, loss, true)
		g.Outputs = append(g.Outputs, outs...)
		list = append(list, g)
	}
	return list
}

// pivots are those of the matrices that the model inverts.
func (p *Program) pivots() *ir.Node {
	b := p.Model.Builder
	var parts []*ir.Node
	for _, s := range p.Model.Systems {
		for i := range s.Size {
			parts = append(parts, b.Elem(s.Factors, i*s.Size+i))
		}
		parts = append(parts, b.Elem(s.Factors, s.Size*(s.Size+1)))
	}
	if len(parts) == 0 {
		return nil
	}
	return b.Concat(parts...)
}

// free is the input that is 0 for the states held at rest and 1 for the others.
func (p *Program) free() *ir.Node {
	return place.Free.Node(p.Model.Builder, ir.Vec(p.Model.Layout.NY))
}

// rate is the total derivative of a node by time along the flow.
func (p *Program) rate(n *ir.Node) *ir.Node { return p.rateAlong(p.flow, n) }

// rateAlong is that where the states move by dy.
func (p *Program) rateAlong(dy, n *ir.Node) *ir.Node {
	m, b := p.Model, p.Model.Builder
	wrt, dots := []*ir.Node{m.In.T}, []*ir.Node{b.Const(1)}
	if m.In.Y != nil {
		wrt, dots = append(wrt, m.In.Y), append(dots, dy)
	}
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, m.In.UT)
	}
	return autodiff.JVP(b, []*ir.Node{n}, wrt, dots)[0]
}

// look are the guards but for those of releases, and their derivatives by time
// where the state moves by the input flow; nil for none.
func (p *Program) look() (g, rate, flow *ir.Node) {
	m, b := p.Model, p.Model.Builder
	guards := p.guards[:len(m.Guards)]
	if len(guards) == 0 {
		return nil, nil, nil
	}
	g = b.Slice(b.Concat(guards...), 0, ir.Vec(len(guards)))
	if m.In.Y != nil {
		flow = place.Flow.Node(b, m.In.Y.Shape)
	}
	return g, p.rateAlong(flow, g), flow
}

// spread is by how much a vector of values may move, to first order, where the
// states move by up to the first half of the input ry, and, behind that, by up to
// its second half; the time moves by up to rt.
func (p *Program) spread(n *ir.Node) *ir.Node {
	m, b := p.Model, p.Model.Builder
	wrt := []*ir.Node{m.In.T}
	if m.In.Y != nil {
		wrt = append(wrt, m.In.Y)
	}
	size := n.Shape.Size()
	parts := make([]*ir.Node, 2*size)
	for i := range size {
		bars := autodiff.VJP(b, []*ir.Node{b.Elem(n, i)}, []*ir.Node{b.Const(1)}, wrt)
		byTime := b.Mul(b.Apply(ir.OpAbs, bars[0]), place.TimeReach.Node(b, ir.Scalar))
		for k := range 2 {
			part := byTime
			if m.In.Y != nil {
				ny := m.Layout.NY
				reach := b.Slice(place.StatesReach.Node(b, ir.Vec(2*ny)), k*ny, ir.Vec(ny))
				part = b.Add(part, b.Dot(b.Apply(ir.OpAbs, bars[1]), reach))
			}
			parts[k*size+i] = part
		}
	}
	return b.Slice(b.Concat(parts...), 0, ir.Vec(len(parts)))
}

// vjp is the reverse derivative of a value. Signals move with the time.
func (p *Program) vjp(program place.Program, n *ir.Node, params bool) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	in := m.In
	ct := program.Ct().Node(b, n.Shape)
	type derivative struct {
		node   *ir.Node
		output func(bar *ir.Node) ir.Output
		params bool
	}
	outs := []derivative{
		{in.T, place.TBar.Of, false},
		{in.Y, place.YBar.Of, false},
		{in.D, place.DBar.Of, false},
		{in.A, place.ABar.Of, false},
		{in.YB, place.YBarBefore.Of, false},
		{in.DB, place.DBarBefore.Of, false},
	}
	for _, a := range step.Accumulators(m) {
		outs = append(outs, derivative{a.Node, func(bar *ir.Node) ir.Output { return a.Output(b, bar) }, true})
	}
	var wrt []*ir.Node
	for _, o := range outs {
		if o.node != nil {
			wrt = append(wrt, o.node)
		}
	}
	if in.U != nil {
		wrt = append(wrt, in.U)
	}
	bars := autodiff.VJP(b, []*ir.Node{n}, []*ir.Node{ct}, wrt)
	if in.U != nil {
		bars[0] = b.Add(bars[0], b.Dot(bars[len(bars)-1], in.UT))
	}
	g := program.VJP().Graph()
	if !params {
		g = program.VJP0().Graph()
	}
	i := 0
	for _, o := range outs {
		if o.node == nil {
			continue
		}
		if bar := bars[i]; !bar.IsConst(0) && (params || !o.params) {
			g.Outputs = append(g.Outputs, o.output(bar))
		}
		i++
	}
	return g
}

// jvp is the forward derivative of a value in one direction.
func (p *Program) jvp(program place.Program, n *ir.Node) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	var wrt, dots []*ir.Node
	tt := place.TimeDot.Node(b, ir.Scalar)
	add := func(x *ir.Node, tangent place.Input) {
		if x != nil {
			wrt, dots = append(wrt, x), append(dots, tangent.Node(b, x.Shape))
		}
	}
	wrt, dots = append(wrt, m.In.T), append(dots, tt)
	add(m.In.Y, place.StatesDot)
	add(m.In.D, place.DiscretesDot)
	add(m.In.Q, place.OwnDot)
	add(m.In.P, place.ParamsDot)
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, b.Mul(m.In.UT, tt))
	}
	dot := autodiff.JVP(b, []*ir.Node{n}, wrt, dots)[0]
	return program.JVP().Graph(place.Dot.Of(dot))
}
