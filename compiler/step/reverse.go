package step

import (
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
	by[s.ct] = kBar
	if s.free != nil {
		by[s.ct] = s.b.Mul(s.free, kBar)
	}
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

// last is the reverse derivative of the last stage's derivative, which nothing
// but results inside of the step depends on.
func (s *builder) last() *ir.Graph {
	last := len(s.m.C) - 1
	g := place.StepVJPLast.Graph()
	into := s.inLast()
	for j, bar := range s.pullback(last, place.StageRateBar(last).Node(s.b, s.vec)) {
		switch {
		case bar.IsConst(0):
		case into[j] != nil:
			g.Outputs = append(g.Outputs, place.Set(into[j], bar))
		default:
			for _, a := range Accumulators(s.Model.Model) {
				if a.Node == s.wrt[j] {
					g.Outputs = append(g.Outputs, a.Output(s.b, bar))
				}
			}
		}
	}
	return g
}

// vjp is the reverse derivative of a step whose stage arguments stand, and of
// its stage derivatives but the last; with times that by t and h too.
func (s *builder) vjp(program place.Program, times bool) *ir.Graph {
	b, wrt := s.b, s.wrt
	last := len(s.m.C) - 1
	kBar := make([]*ir.Node, last+1)
	for i := range kBar {
		kBar[i] = place.StageRateBar(i).Node(b, s.vec)
	}
	add := func(sum **ir.Node, x *ir.Node) {
		if *sum == nil {
			*sum = x
		} else if !x.IsConst(0) {
			*sum = b.Add(*sum, x)
		}
	}
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
		add(&yi, at[1])
		for j := 2; j < len(wrt); j++ {
			if at[j] != nil {
				add(&rest[j], at[j])
			}
		}
		if times {
			add(&tBar, at[0])
			add(&hBar, b.Mul(b.Const(s.m.C[i]), at[0]))
		}
		add(&yBar, yi)
		if sum := s.combine(s.m.A[i], s.k); times && sum != nil {
			add(&hBar, b.Dot(yi, sum))
		}
		var hy *ir.Node
		for j, a := range s.m.A[i] {
			if a == 0 {
				continue
			}
			if hy == nil {
				hy = b.Mul(s.h, yi)
			}
			kBar[j] = s.fma(b.Const(a), hy, kBar[j])
		}
	}
	if solved != nil {
		at, byLength := solved.finish()
		for j, bar := range at {
			switch {
			case j == 0 && times:
				add(&tBar, bar)
			case j == 1:
				add(&yBar, bar)
			case j > 1:
				add(&rest[j], bar)
			}
		}
		if times && byLength != nil {
			add(&hBar, byLength)
		}
	}
	g := program.Graph(place.YBar.Of(yBar))
	for j, n := range wrt {
		if j < 2 || rest[j] == nil || rest[j].IsConst(0) {
			continue
		}
		o := place.DBar.Of(rest[j])
		for _, a := range Accumulators(s.Model.Model) {
			if a.Node == n {
				o = a.Output(b, rest[j])
			}
		}
		g.Outputs = append(g.Outputs, o)
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
