package step

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// direction is one of the inputs of a step.
type direction struct {
	t, h, y *ir.Node // of its start, length and start state
	moves   bool     // the first stage moves too

	wrt, dots []*ir.Node // more inputs, with their tangents
}

// lengthwise is the derivative by the length of a step whose stages stand.
func (s *builder) lengthwise() *ir.Graph {
	b := s.b
	g := place.StepByLength.Graph()
	end, kDot := s.forward(&direction{t: b.Const(0), h: b.Const(1), y: b.Full(s.vec, 0)})
	for i, k := range kDot[1:] {
		g.Outputs = append(g.Outputs, place.StageRateByLength(i+1).Of(k))
	}
	g.Outputs = append(g.Outputs, place.StepEndByLength.Of(end))
	return g
}

// jvp is the forward derivative of a step whose stages stand.
func (s *builder) jvp() *ir.Graph {
	b, in := s.b, s.In
	d := &direction{
		t: place.TimeDot.Node(b, ir.Scalar), h: place.LengthDot.Node(b, ir.Scalar), y: place.StatesDot.Node(b, s.vec),
		moves: true,
	}
	for _, x := range []struct {
		of  *ir.Node
		dot place.Input
	}{{in.D, place.DiscretesDot}, {in.Q, place.OwnDot}, {in.P, place.ParamsDot}} {
		if x.of != nil {
			d.wrt, d.dots = append(d.wrt, x.of), append(d.dots, x.dot.Node(b, x.of.Shape))
		}
	}
	g := place.StepJVP.Graph()
	end, kDot := s.forward(d)
	for i, k := range kDot {
		g.Outputs = append(g.Outputs, place.StageRateDot(i).Of(k))
	}
	g.Outputs = append(g.Outputs, place.StepEndDot.Of(end))
	return g
}

// forward are the tangents of the end of a step and of its stages.
func (s *builder) forward(d *direction) (end *ir.Node, kDot []*ir.Node) {
	b := s.b
	tDot, yDot := b.Input("dot.t", ir.Scalar, true), b.Input("dot.y", s.vec, true)
	along := func(outs []*ir.Node, curves *ir.Node) []*ir.Node {
		wrt, dots := append([]*ir.Node{s.In.T, s.In.Y}, d.wrt...), append([]*ir.Node{tDot, yDot}, d.dots...)
		if s.In.U != nil {
			wrt, dots = append(wrt, s.In.U), append(dots, b.Mul(s.In.UT, tDot))
		}
		if curves != nil {
			wrt, dots = append(wrt, s.In.UT), append(dots, b.Mul(curves, tDot))
		}
		return opt.Nodes(b, autodiff.JVP(b, outs, wrt, dots)...)
	}
	dot := along([]*ir.Node{s.Rates}, nil)
	at := func(nodes []*ir.Node, i int, y, t, yd *ir.Node) []*ir.Node {
		by := s.at(i, y)
		by[tDot], by[yDot] = t, yd
		return b.Substitute(nodes, by)
	}
	field := func(i int, y, yd *ir.Node) *ir.Node {
		k := at(dot, i, y, linear.MulAdd(s.b, b.Const(s.m.C[i]), d.h, d.t), yd)[0]
		return s.moved(i, k)
	}
	var system *systemDot
	if s.jac != nil {
		system = newSystemDot(s, d, func(nodes []*ir.Node) []*ir.Node { return at(along(nodes, s.utt), 0, s.y[0], d.t, d.y) })
	}
	first := b.Full(s.vec, 0)
	if d.moves {
		first = field(0, s.y[0], d.y)
	}
	kDot = append(kDot, first)
	for i := 1; i < len(s.m.C); i++ {
		yd := d.y
		if sum := s.combine(s.m.A[i], s.k); sum != nil {
			yd = linear.MulAdd(s.b, s.h, s.combine(s.m.A[i], kDot), linear.MulAdd(s.b, d.h, sum, yd))
		}
		if i == s.m.End {
			end = yd
		}
		k := s.part(i, first)
		if !s.fromStart(i) {
			k = field(i, s.y[i], yd)
		}
		if s.solved(i) {
			k = system.stage(i, k, kDot)
		}
		kDot = append(kDot, k)
	}
	return end, kDot
}

// systemDot is the tangent of the linear system of a step.
type systemDot struct {
	*system
	entries []*ir.Node // of hJ
	slope   *ir.Node   // of h ∂f/∂t
}

// newSystemDot is the tangent in a direction, along which values at the start of the step
// have the tangents that along gives.
func newSystemDot(s *builder, d *direction, along func([]*ir.Node) []*ir.Node) *systemDot {
	x := &systemDot{system: newSystem(s)}
	scaled := func(list []*ir.Node) []*ir.Node {
		out := make([]*ir.Node, len(list))
		for i, n := range list {
			out[i] = s.b.Mul(d.h, n)
		}
		return out
	}
	x.entries = scaled(x.system.entries)
	if x.system.slope != nil {
		x.slope = s.b.Mul(d.h, x.system.slope)
	}
	if !d.moves {
		return x
	}
	moved, slope := s.jac.along(s, along)
	for i, n := range moved {
		x.entries[i] = linear.MulAdd(s.b, s.h, n, x.entries[i])
	}
	if slope != nil {
		x.slope = linear.MulAdd(s.b, s.h, slope, x.slope)
	}
	return x
}

// stage is the tangent of stage i, from that of the field at its argument.
func (x *systemDot) stage(i int, f *ir.Node, kDot []*ir.Node) *ir.Node {
	s := x.s
	if sum := s.combine(s.m.Couple[i], kDot); sum != nil {
		f = s.b.Add(f, sum)
	}
	if c := s.m.Slope[i]; c != 0 && x.slope != nil {
		f = s.fma(s.b.Const(c), x.slope, f)
	}
	f = s.b.Add(f, x.along(x.entries, s.k[i]))
	return join(s.b, x.Solve(elements(s.b, f)))
}
