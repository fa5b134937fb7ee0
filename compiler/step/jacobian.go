package step

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/compiler/opt"
)

// jacobian is the Jacobian of the right-hand side by the states, in terms of the inputs
// of that, and its derivative by time, with the signals'.
type jacobian struct {
	*linear.Elimination
	nodes []*ir.Node // of the entries, row by row
	slope *ir.Node   // nil for an autonomous model

	// The reverse derivative of Σ ct·entry + ctSlope·slope, by builder.wrt.
	ct, ctSlope *ir.Node
	bars        []*ir.Node
}

// newJacobian builds the Jacobian of the right-hand side.
func newJacobian(s *builder, system *linear.Elimination) *jacobian {
	b, in := s.b, s.In
	j := &jacobian{Elimination: system}
	j.nodes = autodiff.Tame(b, s.Rates, cheapest(b, autodiff.EntriesIn(b, s.Rates, in.Y, system.Rows))...)
	wrt, dots := []*ir.Node{in.T}, []*ir.Node{b.Const(1)}
	if in.U != nil {
		wrt, dots = append(wrt, in.U), append(dots, in.UT)
	}
	if slope := opt.Nodes(b, autodiff.Tame(b, s.Rates, autodiff.JVP(b, []*ir.Node{s.Rates}, wrt, dots)...)...)[0]; !slope.IsConst(0) {
		j.slope = slope
	}
	return j
}

// cheapest are the entries in the form that takes the fewest operations.
func cheapest(b *ir.Builder, forms []autodiff.Entries) (best []*ir.Node) {
	least := 0
	for _, e := range forms {
		var form []*ir.Node
		for _, row := range e.At {
			for _, at := range row {
				form = append(form, b.Elem(e.Values, at))
			}
		}
		form = opt.Nodes(b, form...)
		if n := operations(form...); best == nil || n < least {
			best, least = form, n
		}
	}
	return best
}

// reverse takes the reverse derivative of the Jacobian and of the derivative by time.
func (j *jacobian) reverse(s *builder) {
	b := s.b
	outs, cts := []*ir.Node{}, []*ir.Node{}
	if len(j.nodes) > 0 {
		j.ct = b.Input("ct.jacobian", ir.Vec(len(j.nodes)), true)
		for i, n := range j.nodes {
			outs, cts = append(outs, n), append(cts, b.Elem(j.ct, i))
		}
	}
	if j.slope != nil {
		j.ctSlope = b.Input("ct.slope", s.vec, true)
		outs, cts = append(outs, j.slope), append(cts, j.ctSlope)
	}
	j.bars = s.barsOf(outs, cts, s.utt)
}

// at are the entries and the derivative by time at the start of the step.
func (j *jacobian) at(s *builder) (entries []*ir.Node, slope *ir.Node) {
	return j.along(s, func(nodes []*ir.Node) []*ir.Node { return s.b.Substitute(nodes, s.at(0, s.y[0])) })
}

// along are what a mapping takes the entries and the derivative by time to, of the states
// that are held zeros.
func (j *jacobian) along(s *builder, to func([]*ir.Node) []*ir.Node) (entries []*ir.Node, slope *ir.Node) {
	nodes := append([]*ir.Node{}, j.nodes...)
	if j.slope != nil {
		nodes = append(nodes, j.slope)
	}
	nodes = to(nodes)
	entries = nodes[:len(j.nodes)]
	if j.slope != nil {
		slope = nodes[len(j.nodes)]
	}
	if s.free == nil {
		return entries, slope
	}
	k := 0
	for i, row := range j.Rows {
		for range row {
			entries[k] = s.b.Mul(s.b.Elem(s.free, i), entries[k])
			k++
		}
	}
	if slope != nil {
		slope = s.b.Mul(s.free, slope)
	}
	return entries, slope
}
