package step

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// reverse takes the reverse derivative of the right-hand side, for all stages.
func (s *builder) reverse() {
	b, in := s.b, s.In
	s.ct = b.Input("ct.rhs", s.vec, true)
	s.wrt = []*ir.Node{in.T, in.Y}
	if in.D != nil {
		s.wrt = append(s.wrt, in.D)
	}
	for _, a := range Accumulators(s.Model.Model) {
		s.wrt = append(s.wrt, a.Node)
	}
	s.bars = s.barsOf([]*ir.Node{s.Rates}, []*ir.Node{s.ct}, nil)
	if s.jac != nil {
		s.jac.reverse(s)
	}
}

// barsOf is the reverse derivative of values, from their cotangents, by wrt. Signals move
// with the time, and so do their rates, unless curves, their second derivatives, are nil.
func (s *builder) barsOf(outs, cts []*ir.Node, curves *ir.Node) []*ir.Node {
	b, in, wrt := s.b, s.In, s.wrt
	var rates []*ir.Node
	if in.U != nil {
		wrt, rates = append(wrt[:len(wrt):len(wrt)], in.U), append(rates, in.UT)
	}
	if curves != nil {
		wrt, rates = append(wrt, in.UT), append(rates, curves)
	}
	bars := autodiff.VJP(b, outs, cts, wrt)
	for i, rate := range rates {
		bars[0] = b.Add(bars[0], b.Dot(bars[len(s.wrt)+i], rate))
	}
	return opt.Nodes(b, bars[:len(s.wrt)]...)
}

// pullback takes a cotangent of stage i's derivative to its arguments.
func (s *builder) pullback(i int, kBar *ir.Node) []*ir.Node {
	by := s.at(i, s.y[i])
	by[s.ct] = s.moved(i, kBar)
	for j, n := range s.acts {
		by[n] = s.act(i, j)
	}
	return s.b.Substitute(s.bars, by)
}

// inLast are the inputs in which the program of the last stage leaves the
// cotangents of its arguments, by wrt; those of parameters go to the
// accumulators.
func (s *builder) inLast() []*ir.Node {
	list := make([]*ir.Node, len(s.wrt))
	for j, n := range s.wrt {
		switch n {
		case s.In.T:
			list[j] = place.LastTBar.Node(s.b, n.Shape)
		case s.In.Y:
			list[j] = place.LastYBar.Node(s.b, n.Shape)
		case s.In.D:
			list[j] = place.LastDBar.Node(s.b, n.Shape)
		}
	}
	return list
}

// last is the reverse derivative of the stage derivatives at the end of the step and behind
// it, which nothing but results inside of the step depends on.
func (s *builder) last() *ir.Graph {
	b, end := s.b, s.m.End
	g := place.StepVJPLast.Graph()
	w := s.newSweep(true)
	seeds := slices.Clone(w.kBar)
	bars := make([]*ir.Node, len(s.wrt))
	for i := len(seeds) - 1; i >= end; i-- {
		at := s.pullback(i, w.kBar[i])
		if i > end {
			w.sum(&w.yBar, at[1])
			w.sum(&w.hBar, b.Mul(b.Const(s.m.C[i]-1), at[0])) // last.t counts for the length as at the end
			w.sum(&w.hBar, b.Dot(at[1], s.combine(s.m.A[i], s.k)))
			w.spread(i, at[1])
			at[1] = b.Fill(b.Const(0), s.vec)
		}
		for j, bar := range at {
			w.sum(&bars[j], bar)
		}
	}
	for j, seed := range seeds[:end] {
		if w.kBar[j] != seed {
			g.Outputs = append(g.Outputs, place.Set(seed, w.kBar[j]))
		}
	}
	if s.m.behind() {
		g.Outputs = append(g.Outputs, place.Set(place.LastYBar0.Node(b, s.vec), w.yBar), place.Set(place.LastHBar.Node(b, ir.Scalar), w.hBar))
	}
	into := s.inLast()
	for j, bar := range bars {
		switch {
		case bar.IsConst(0):
		case into[j] != nil:
			g.Outputs = append(g.Outputs, place.Set(into[j], bar))
		default:
			g.Outputs = append(g.Outputs, w.accumulate(j, bar))
		}
	}
	return g
}

// sweep is a way back through the stages of a step, with the cotangents of its start, time
// and length, and of the other inputs, by wrt.
type sweep struct {
	*builder
	times            bool
	kBar             []*ir.Node // of the stages
	yBar, tBar, hBar *ir.Node
	rest             []*ir.Node
	solved           *solvedBack // of a method that solves systems
}

// vjp is the reverse derivative of a step whose stage arguments stand, and of
// its stage derivatives but the last; with times that by t and h too.
func (s *builder) vjp(program place.Program, times bool) *ir.Graph {
	w := s.newSweep(times)
	if s.jac != nil {
		w.solved = &solvedBack{system: newSystem(s)}
	}
	for i := s.m.End; i >= 0; i-- {
		w.stage(i)
	}
	if w.solved != nil {
		at, hBar := w.solved.finish()
		w.add(at)
		if times && hBar != nil {
			w.sum(&w.hBar, hBar)
		}
	}
	return w.graph(program)
}

// newSweep begins with the seeds of all stages.
func (s *builder) newSweep(times bool) *sweep {
	w := &sweep{builder: s, times: times, rest: make([]*ir.Node, len(s.wrt))}
	for i := range s.m.C {
		w.kBar = append(w.kBar, place.StageRateBar(i).Node(s.b, s.vec))
	}
	return w
}

// sum adds to a cotangent, where there is something to add.
func (w *sweep) sum(to **ir.Node, x *ir.Node) {
	if *to == nil {
		*to = x
	} else if x != nil && !x.IsConst(0) {
		*to = w.b.Add(*to, x)
	}
}

// add adds cotangents, by wrt, to those of the start's.
func (w *sweep) add(at []*ir.Node) {
	if w.times {
		w.sum(&w.tBar, at[0])
	}
	w.sum(&w.yBar, at[1])
	for j := 2; j < len(at); j++ {
		if at[j] != nil {
			w.sum(&w.rest[j], at[j])
		}
	}
}

// stage goes back through stage i.
func (w *sweep) stage(i int) {
	b := w.b
	var yi *ir.Node
	var at []*ir.Node // by wrt
	switch {
	case i == w.m.End:
		yi = place.EndBar.Node(b, w.vec)
		at = w.inLast()
		if w.m.behind() {
			w.sum(&w.yBar, place.LastYBar0.Node(b, w.vec))
			w.sum(&w.hBar, place.LastHBar.Node(b, ir.Scalar))
		}
	case !w.builder.solved(i):
		at = w.pullback(i, w.kBar[i])
	default:
		fBar := w.solved.stage(i, w.kBar)
		if w.fromStart(i) {
			w.kBar[0] = b.Add(w.kBar[0], fBar)
			return
		}
		at = w.pullback(i, fBar)
	}
	w.sum(&yi, at[1])
	at[1] = yi
	w.add(at)
	if w.times {
		w.sum(&w.hBar, b.Mul(b.Const(w.m.C[i]), at[0]))
		if sum := w.combine(w.m.A[i], w.k); sum != nil {
			w.sum(&w.hBar, b.Dot(yi, sum))
		}
	}
	w.spread(i, yi)
}

// spread adds to the cotangents of stage derivatives what that of stage i's argument gives
// them.
func (w *sweep) spread(i int, yi *ir.Node) {
	b := w.b
	var hy *ir.Node
	for j, a := range w.m.A[i] {
		if a == 0 {
			continue
		}
		if hy == nil {
			hy = b.Mul(w.h, yi)
		}
		w.kBar[j] = w.fma(b.Const(a), hy, w.kBar[j])
	}
}

// accumulate adds a cotangent by wrt[j] to its accumulator, or gives that by the discrete
// state, which has none.
func (w *sweep) accumulate(j int, bar *ir.Node) ir.Output {
	for _, a := range Accumulators(w.Model.Model) {
		if a.Node == w.wrt[j] {
			return a.Output(w.b, bar)
		}
	}
	return place.DBar.Of(bar)
}

// graph is the program that gives the cotangents.
func (w *sweep) graph(program place.Program) *ir.Graph {
	g := program.Graph(place.YBar.Of(w.yBar))
	for j := range w.wrt {
		if j < 2 || w.rest[j] == nil || w.rest[j].IsConst(0) {
			continue
		}
		g.Outputs = append(g.Outputs, w.accumulate(j, w.rest[j]))
	}
	if w.times {
		for _, o := range []ir.Output{place.TBar.Of(w.tBar), place.HBar.Of(w.hBar)} {
			if o.Node != nil && !o.Node.IsConst(0) {
				g.Outputs = append(g.Outputs, o)
			}
		}
	}
	return g
}
