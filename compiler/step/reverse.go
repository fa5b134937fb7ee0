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
	s.bars = s.barsOf([]*ir.Node{s.RHS}, []*ir.Node{s.ct}, nil)
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
	seeds := s.rateBars()
	kBar := slices.Clone(seeds)
	var start, length *ir.Node
	bars := make([]*ir.Node, len(s.wrt))
	for i := len(kBar) - 1; i >= end; i-- {
		at := s.pullback(i, kBar[i])
		if i > end {
			add(b, &start, at[1])
			add(b, &length, b.Mul(b.Const(s.m.C[i]-1), at[0])) // last.t counts for the length as at the end
			add(b, &length, b.Dot(at[1], s.combine(s.m.A[i], s.k)))
			s.spread(kBar, i, at[1])
			at[1] = b.Fill(b.Const(0), s.vec)
		}
		for j, bar := range at {
			add(b, &bars[j], bar)
		}
	}
	for j, seed := range seeds[:end] {
		if kBar[j] != seed {
			g.Outputs = append(g.Outputs, place.Set(seed, kBar[j]))
		}
	}
	if s.m.behind() {
		g.Outputs = append(g.Outputs, place.Set(place.LastYBar0.Node(b, s.vec), start), place.Set(place.LastHBar.Node(b, ir.Scalar), length))
	}
	into := s.inLast()
	for j, bar := range bars {
		switch {
		case bar.IsConst(0):
		case into[j] != nil:
			g.Outputs = append(g.Outputs, place.Set(into[j], bar))
		default:
			g.Outputs = append(g.Outputs, s.accumulate(j, bar)...)
		}
	}
	return g
}

// accumulate adds a cotangent by wrt[j] to its accumulator, or gives that by the discrete
// state, which has none.
func (s *builder) accumulate(j int, bar *ir.Node) []ir.Output {
	for _, a := range Accumulators(s.Model.Model) {
		if a.Node == s.wrt[j] {
			return []ir.Output{a.Output(s.b, bar)}
		}
	}
	return []ir.Output{place.DBar.Of(bar)}
}

// rateBars are the seeds of all stage derivatives.
func (s *builder) rateBars() []*ir.Node {
	kBar := make([]*ir.Node, len(s.m.C))
	for i := range kBar {
		kBar[i] = place.StageRateBar(i).Node(s.b, s.vec)
	}
	return kBar
}

// add adds x to a sum.
func add(b *ir.Builder, sum **ir.Node, x *ir.Node) {
	if *sum == nil {
		*sum = x
	} else if !x.IsConst(0) {
		*sum = b.Add(*sum, x)
	}
}

// spread adds to the cotangents of stage derivatives what that of stage i's argument gives
// them.
func (s *builder) spread(kBar []*ir.Node, i int, yi *ir.Node) {
	var hy *ir.Node
	for j, a := range s.m.A[i] {
		if a == 0 {
			continue
		}
		if hy == nil {
			hy = s.b.Mul(s.h, yi)
		}
		kBar[j] = s.fma(s.b.Const(a), hy, kBar[j])
	}
}

// vjp is the reverse derivative of a step whose stage arguments stand, and of
// its stage derivatives but the last; with times that by t and h too.
func (s *builder) vjp(program place.Program, times bool) *ir.Graph {
	b, wrt := s.b, s.wrt
	last := s.m.End
	kBar := s.rateBars()
	var yBar, tBar, hBar *ir.Node
	rest := make([]*ir.Node, len(wrt)) // by d, p, q
	var solved *solvedBack
	if s.jac != nil {
		solved = &solvedBack{system: s.newSystem(), s: s}
	}
	for i := last; i >= 0; i-- {
		var yi *ir.Node
		var at []*ir.Node // by wrt
		switch {
		case i == last:
			yi = place.EndBar.Node(b, s.vec)
			at = s.inLast()
			if s.m.behind() {
				add(b, &yBar, place.LastYBar0.Node(b, s.vec))
				add(b, &hBar, place.LastHBar.Node(b, ir.Scalar))
			}
		case !s.solved(i):
			at = s.pullback(i, kBar[i])
		default:
			fBar := solved.stage(i, kBar)
			if s.fromStart(i) {
				kBar[0] = b.Add(kBar[0], fBar)
				continue
			}
			at = s.pullback(i, fBar)
		}
		add(b, &yi, at[1])
		for j := 2; j < len(wrt); j++ {
			if at[j] != nil {
				add(b, &rest[j], at[j])
			}
		}
		if times {
			add(b, &tBar, at[0])
			add(b, &hBar, b.Mul(b.Const(s.m.C[i]), at[0]))
		}
		add(b, &yBar, yi)
		if sum := s.combine(s.m.A[i], s.k); times && sum != nil {
			add(b, &hBar, b.Dot(yi, sum))
		}
		s.spread(kBar, i, yi)
	}
	if solved != nil {
		at, byLength := solved.finish()
		for j, bar := range at {
			switch {
			case j == 0 && times:
				add(b, &tBar, bar)
			case j == 1:
				add(b, &yBar, bar)
			case j > 1:
				add(b, &rest[j], bar)
			}
		}
		if times && byLength != nil {
			add(b, &hBar, byLength)
		}
	}
	g := program.Graph(place.YBar.Of(yBar))
	for j := range wrt {
		if j < 2 || rest[j] == nil || rest[j].IsConst(0) {
			continue
		}
		g.Outputs = append(g.Outputs, s.accumulate(j, rest[j])...)
	}
	if times {
		for _, o := range []ir.Output{place.TBar.Of(tBar), place.HBar.Of(hBar)} {
			if o.Node != nil && !o.Node.IsConst(0) {
				g.Outputs = append(g.Outputs, o)
			}
		}
	}
	return g
}
