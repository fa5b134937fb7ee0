package compiler

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
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
//	guards    g, rate [guards]; accel likewise is guards2; guards.rates has the rates alone, for
//	          their derivatives, of models that may come to rest in finite time
//	look      g, rate of those but for releases, where the state moves by flow
//	bounds    lo, hi, ratelo, ratehi of the guards but for those of sliding, and 0 for
//	          those that are affine, where the state moves by flow and tlo ≤ t ≤ thi,
//	          and so on for y, f (flow), u and ut; bounds1 of those of sliding along one
//	          surface
//	spread    g, rate: by how much guards and rates may move where the states do, twice: see there
//	slideK    dy on K surfaces at once, given by on1, at1, on2, at2, for K = 3 on all that
//	          the modes ask for; exitsK: g, rate (see slide.go)
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
//	results   v: of an encoder; divergence  v: of posteriors, see lower
//	nets      args, values: of the neural blocks that the equations use
//
// X.vjp reads the cotangent ct.X, and utt, second derivatives of signals, where X reads their rates, and gives by, bd, bt, ba, byb, bdb, and adds to
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

// graphs are all graphs of the model, in order.
func (p *Program) graphs(want Want) []*ir.Graph {
	return (&lister{derivatives: &p.derivatives, want: want}).of(p)
}

// of are all graphs of the model that is the lister's.
func (l *lister) of(p *Program) []*ir.Graph {
	m, b, want := p.Model, p.Model.Builder, l.want
	l.value(place.RHS, place.Rates, p.rates, true, true)
	l.jacobianGraphs()
	l.guardGraphs()
	if want.Reverse {
		l.reverse(place.RHS, p.rates, false)
	}
	l.slideGraphs()
	for _, x := range beginnings(p, want.Segments) {
		l.value(x.program, place.Value, x.value, true, true)
	}
	if len(p.times) > 0 {
		l.value(place.Times, place.Instant, b.Concat(p.times...), true, true)
	}
	l.value(place.Floors, place.Value, m.Floors, false, false)
	l.value(place.Pivots, place.Value, p.pivots(), false, false)
	for _, e := range m.Events {
		l.value(place.Jump(e.Checked.Name), place.Value, e.Jump, true, true)
		l.value(place.Rest(e.Checked.Name), place.Value, e.Rest, true, true)
		l.value(place.Delay(e.Checked.Name), place.Value, e.Delay, true, true)
	}
	l.value(place.Priorities, place.Value, m.Priorities, false, false)
	l.observed()
	return l.out
}

// lister collects the graphs that are wanted.
type lister struct {
	*derivatives
	want   Want
	guests func(g *exec.Guest, build func() *ir.Graph) // takes large graphs before they are built; nil: there are none
	out    []*ir.Graph

	last   []*ir.Node // what large was asked about, and what it said
	inputs []*ir.Node
}

func (l *lister) add(list ...*ir.Graph) { l.out = append(l.out, list...) }

// value adds the graph of a value and, where they are wanted, of its derivatives.
func (l *lister) value(program place.Program, output place.Output, n *ir.Node, reverse, forward bool) {
	if n == nil {
		return
	}
	l.graph(program.Graph(output.Of(n)))
	if reverse && l.want.Reverse {
		l.reverse(program, n, true)
	}
	if forward && l.want.Forward {
		l.forward(program, n)
	}
}

// graph adds a graph.
func (l *lister) graph(g *ir.Graph) {
	values := make([]*ir.Node, len(g.Outputs))
	for i, o := range g.Outputs {
		values[i] = o.Node
	}
	if inputs := l.large(values...); inputs != nil {
		l.guests(&exec.Guest{Name: g.Name, Inputs: inputs, Outputs: g.Outputs}, func() *ir.Graph { return g })
		return
	}
	l.add(g)
}

// reverse adds the reverse derivative of a value.
func (l *lister) reverse(program place.Program, n *ir.Node, params bool) {
	m, b := l.Model, l.Model.Builder
	build := func() *ir.Graph { return l.vjp(program, n, params) }
	inputs := l.large(n)
	if inputs == nil || params && m.Layout.NPar < m.Layout.NP { // weights have sums, in which the programs of a module join
		l.add(build())
		return
	}
	g := &exec.Guest{Name: derivative(program, params).Graph().Name, Inputs: append(inputs, program.Ct().Node(b, n.Shape))}
	if m.In.U != nil {
		g.Inputs = append(g.Inputs, m.In.UT, place.SignalTurns.Node(b, m.In.UT.Shape))
	}
	for _, o := range l.cotangents() {
		if o.node == nil || o.params && !params {
			continue
		}
		out := o.output(o.node)
		if g.Outputs = append(g.Outputs, out); out.Into != nil {
			g.Inputs = append(g.Inputs, out.Into)
		}
	}
	l.guests(g, build)
}

// forward adds the forward derivative of a value.
func (l *lister) forward(program place.Program, n *ir.Node) {
	build := func() *ir.Graph { return l.jvp(program, n) }
	inputs := l.large(n)
	if inputs == nil {
		l.add(build())
		return
	}
	_, dots, turns := l.tangents()
	inputs = append(inputs, dots...)
	if turns != nil {
		inputs = append(inputs, l.Model.In.UT, turns)
	}
	l.guests(&exec.Guest{Name: program.JVP().Graph().Name, Inputs: inputs, Outputs: []ir.Output{place.Dot.Of(n)}}, build)
}

// mostNodes is how many nodes the graph of a value has at most that is compiled with others: a larger one, and
// each of its derivatives, has a module of its own (exec.Guest).
const mostNodes = 1 << 13

// large is which inputs values read whose graph is large, else nil.
func (l *lister) large(values ...*ir.Node) (inputs []*ir.Node) {
	if l.guests == nil || l.Model.Builder.Len() <= mostNodes {
		return nil
	}
	if slices.Equal(values, l.last) {
		return slices.Clone(l.inputs)
	}
	l.last, l.inputs = values, nil
	nodes := ir.Reach(values...)
	if len(nodes) <= mostNodes {
		return nil
	}
	l.inputs = []*ir.Node{}
	for _, n := range nodes {
		if n.Op == ir.OpInput {
			l.inputs = append(l.inputs, n)
		}
	}
	return slices.Clone(l.inputs)
}

// guardGraphs adds the graphs of guards.
func (l *lister) guardGraphs() {
	if len(l.guards) == 0 {
		return
	}
	b := l.Model.Builder
	g := b.Concat(l.guards...)
	g = b.Slice(g, 0, ir.Vec(len(l.guards)))
	rate := l.rate(g)
	l.add(place.Guards.Graph(place.Guard.Of(g), place.Rate.Of(rate)))
	l.add(place.Guards2.Graph(place.Accel.Of(l.rate(rate))))
	l.add(place.Spread.Graph(place.Guard.Of(l.spread(g)), place.Rate.Of(l.spread(l.rateAlong(l.plain(), g)))))
	if g, rate, _ := l.look(); g != nil {
		l.add(place.Look.Graph(place.Guard.Of(g), place.Rate.Of(rate)))
	}
	if slices.Contains(l.straight(), false) {
		l.add(l.boundsGraph(place.Bounds, l.crooked()))
	}
	if l.steep() {
		l.value(place.GuardRates, place.Rate, rate, true, true)
	}
	if l.want.Reverse {
		l.reverse(place.Guards, g, true)
		l.reverse(place.Guards, g, false)
	}
	if l.want.Forward {
		l.forward(place.Guards, g)
	}
}

// slideGraphs adds the graphs of motions along surfaces.
func (l *lister) slideGraphs() {
	if l.surfaces == 0 {
		return
	}
	for k, s := range l.slides() {
		slide, exits := place.Slide(k+1), place.Exits(k+1)
		l.value(slide, place.Rates, s.flow, true, true)
		if k == 0 { // of more their bounds would say nothing
			l.add(l.boundsGraph(place.SlideBounds, l.elements(s.exits)))
		}
		l.add(exits.Graph(place.Guard.Of(s.exits), place.Rate.Of(s.rate)))
		if l.want.Reverse {
			l.reverse(slide, s.flow, false)
			l.reverse(exits, s.exits, true)
			l.reverse(exits, s.exits, false)
		}
		if l.want.Forward {
			l.forward(exits, s.exits)
		}
	}
}

// observed adds the graphs of what is observed and put out, and of its loss.
func (l *lister) observed() {
	m, b := l.Model, l.Model.Builder
	l.value(place.Predictions, place.Pred, m.Pred, false, false)
	if m.Row != nil {
		l.add(l.row(place.Row, m.Row, m.Terms, l.want.Reverse)...)
	}
	l.sliding(func(r *reader, program place.Program, v []*ir.Node) {
		if r.output == place.Loss {
			l.add(l.row(program, v[0], v[1], l.want.Reverse)...)
		} else {
			l.value(program, r.output, v[0], r.derived, r.derived)
		}
	})
	l.value(place.Counts, place.Value, m.Counts, false, false)
	l.value(place.Outputs, place.Value, m.Outputs, false, false)
	l.value(place.Conserved, place.Value, m.Conserved, false, false)
	l.value(place.Results, place.Value, m.Results, true, false)
	l.value(place.Divergence, place.Value, m.Divergence, true, false)
	var args, vals []*ir.Node
	for i, a := range m.NetArgs {
		if a != nil {
			args, vals = append(args, a), append(vals, m.NetVals[i])
		}
	}
	if len(args) > 0 {
		l.add(place.Networks.Graph(place.NetArgs.Of(b.Concat(args...)), place.NetVals.Of(b.Concat(vals...))))
	}
	if len(m.Priors) > 0 {
		nodes := make([]*ir.Node, len(m.Priors))
		for i, pr := range m.Priors {
			nodes[i] = pr.Node
		}
		l.value(place.Priors, place.Value, b.Concat(nodes...), true, false)
	}
}

// row are the programs of a row's loss.
func (p *derivatives) row(program place.Program, loss, terms *ir.Node, reverse bool) []*ir.Graph {
	outs := []ir.Output{place.Loss.Of(loss), place.Terms.Of(terms)}
	list := []*ir.Graph{program.Graph(outs...)}
	if reverse {
		g := p.vjp(program, loss, true)
		g.Outputs = append(g.Outputs, outs...)
		list = append(list, g)
	}
	return list
}

// cotangent is a result of reverse derivatives: what by, and the output that has it.
type cotangent struct {
	node   *ir.Node // nil: the model has none
	output func(bar *ir.Node) ir.Output
	params bool
}

// cotangents are those that a reverse derivative may have.
func (p *derivatives) cotangents() []cotangent {
	m, in := p.Model, p.Model.In
	list := []cotangent{
		{in.T, place.TBar.Of, false},
		{in.Y, place.YBar.Of, false},
		{in.D, place.DBar.Of, false},
		{in.A, place.ABar.Of, false},
		{in.YB, place.YBarBefore.Of, false},
		{in.DB, place.DBarBefore.Of, false},
	}
	for _, a := range step.Accumulators(m) {
		list = append(list, cotangent{a.Node, func(bar *ir.Node) ir.Output { return a.Output(m.Builder, bar) }, true})
	}
	return list
}

// derivative is the reverse derivative of a program, with or without parameters.
func derivative(program place.Program, params bool) place.Program {
	if params {
		return program.VJP()
	}
	return program.VJP0()
}

// vjp is the reverse derivative of a value. Signals and their rates move with the time.
func (p *derivatives) vjp(program place.Program, n *ir.Node, params bool) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	in := m.In
	ct := program.Ct().Node(b, n.Shape)
	outs := p.cotangents()
	var wrt []*ir.Node
	for _, o := range outs {
		if o.node != nil {
			wrt = append(wrt, o.node)
		}
	}
	if in.U != nil {
		wrt = append(wrt, in.U, in.UT)
	}
	bars := autodiff.VJP(b, []*ir.Node{n}, []*ir.Node{ct}, wrt)
	if k := len(bars); in.U != nil {
		bars[0] = b.Add(bars[0], b.Dot(bars[k-2], in.UT))
		if byRates := bars[k-1]; !byRates.IsConst(0) {
			bars[0] = b.Add(bars[0], b.Dot(byRates, place.SignalTurns.Node(b, in.UT.Shape)))
		}
	}
	g := derivative(program, params).Graph()
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

// tangents are what forward derivatives go by, the inputs that are their tangents, and the second derivatives
// of signals, nil if there are none. Signals follow the time.
func (p *derivatives) tangents() (wrt, dots []*ir.Node, turns *ir.Node) {
	m, b := p.Model, p.Model.Builder
	add := func(x *ir.Node, tangent place.Input) {
		if x != nil {
			wrt, dots = append(wrt, x), append(dots, tangent.Node(b, x.Shape))
		}
	}
	wrt, dots = append(wrt, m.In.T), append(dots, place.TimeDot.Node(b, ir.Scalar))
	add(m.In.Y, place.StatesDot)
	add(m.In.D, place.DiscretesDot)
	add(m.In.Q, place.OwnDot)
	add(m.In.P, place.ParamsDot)
	if m.In.U != nil {
		turns = place.SignalTurns.Node(b, m.In.UT.Shape)
	}
	return wrt, dots, turns
}

// jvp is the forward derivative of a value in one direction.
func (p *derivatives) jvp(program place.Program, n *ir.Node) *ir.Graph {
	m, b := p.Model, p.Model.Builder
	wrt, dots, turns := p.tangents()
	if m.In.U != nil {
		tt := dots[0]
		wrt = append(wrt, m.In.U, m.In.UT)
		dots = append(dots, b.Mul(m.In.UT, tt), b.Mul(turns, tt))
	}
	dot := autodiff.JVP(b, []*ir.Node{n}, wrt, dots)[0]
	return program.JVP().Graph(place.Dot.Of(dot))
}
