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
	j.nodes = cheapest(b, byColors(b, s.Rates, in.Y, system.Rows), byRows(b, s.Rates, in.Y, system.Rows))
	wrt, dots := []*ir.Node{in.T}, []*ir.Node{b.Const(1)}
	if in.U != nil {
		wrt, dots = append(wrt, in.U), append(dots, in.UT)
	}
	if slope := opt.Nodes(b, autodiff.JVP(b, []*ir.Node{s.Rates}, wrt, dots)[0])[0]; !slope.IsConst(0) {
		j.slope = slope
	}
	return j
}

// cheapest are the values, of several forms of them, that take the fewest operations.
func cheapest(b *ir.Builder, forms ...[]*ir.Node) (best []*ir.Node) {
	least := 0
	for _, form := range forms {
		if form == nil {
			continue
		}
		form = opt.Nodes(b, form...)
		if n := operations(form...); best == nil || n < least {
			best, least = form, n
		}
	}
	return best
}

// byColors are the entries of the Jacobian from a forward product for each group of
// columns that do not meet in a row.
func byColors(b *ir.Builder, of, by *ir.Node, rows [][]int) (entries []*ir.Node) {
	n := len(rows)
	color, colors := autodiff.Color(rows, n)
	dots := make([]*ir.Node, colors)
	for c := range dots {
		seed := make([]float64, n)
		for j := range seed {
			if color[j] == c {
				seed[j] = 1
			}
		}
		dots[c] = autodiff.JVP(b, []*ir.Node{of}, []*ir.Node{by}, []*ir.Node{b.ConstOf(by.Shape, seed)})[0]
	}
	for i, row := range rows {
		for _, j := range row {
			entries = append(entries, b.Elem(dots[color[j]], i))
		}
	}
	return entries
}

// byRows are the entries from a reverse product for each row; nil where rows are not
// computed one by one, so that each would take all of the right-hand side.
func byRows(b *ir.Builder, of, by *ir.Node, rows [][]int) (entries []*ir.Node) {
	for i, row := range rows {
		of := b.Elem(of, i)
		if of.Op == ir.OpSlice {
			return nil
		}
		g := autodiff.VJP(b, []*ir.Node{of}, []*ir.Node{b.Const(1)}, []*ir.Node{by})[0]
		for _, j := range row {
			entries = append(entries, b.Elem(g, j))
		}
	}
	return entries
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
