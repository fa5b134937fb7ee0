package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// lagrange lowers the equation of Euler and Lagrange, d/dt ∂L/∂v = ∂L/∂q + Q with v = q':
//
//	∂²L/∂v² q'' = ∂L/∂q + Q − ∂²L/∂v∂q v − ∂²L/∂v∂t.
func (l *systems) lagrange(x *check.Expr, args []*ir.Node) *ir.Node {
	b, in := l.b, &l.out.In
	y := in.Y
	if l.before {
		y = in.YB
	}
	q, v := l.slots[x.Args[1].Object], l.slots[x.Args[2].Object]
	n := q.N
	by := func(g *ir.Node, s Slot) *ir.Node { return b.Slice(g, s.Off, ir.Vec(n)) }
	slope := autodiff.VJP(b, []*ir.Node{args[0]}, []*ir.Node{b.Const(1)}, []*ir.Node{y})[0]
	momentum := by(slope, v)
	for _, row := range autodiff.Sparsity(momentum, y) {
		if k := slices.IndexFunc(row, func(k int) bool { return !(k >= q.Off && k < q.Off+n || k >= v.Off && k < v.Off+n) }); k >= 0 {
			l.errMomentum(x, row[k])
			return b.Full(shapeOf(x.Shape), 0)
		}
	}
	mass := make([]*ir.Node, n)
	offs := make([]int, n)
	for i := range mass {
		along := b.Assemble(y.Shape, []int{v.Off + i}, []*ir.Node{b.Const(1)})
		mass[i] = autodiff.JVP(b, []*ir.Node{momentum}, []*ir.Node{y}, []*ir.Node{along})[0]
		offs[i] = i * n
	}
	wrt, dots := []*ir.Node{in.T, y}, []*ir.Node{b.Const(1), b.Assemble(y.Shape, []int{q.Off}, []*ir.Node{b.Slice(y, v.Off, ir.Vec(n))})}
	if in.U != nil && !l.before {
		wrt, dots = append(wrt, in.U), append(dots, in.UT)
	}
	right := b.Sub(by(slope, q), autodiff.JVP(b, []*ir.Node{momentum}, wrt, dots)[0])
	if len(args) > 3 {
		right = b.Add(right, b.Slice(args[3], 0, ir.Vec(n)))
	}
	m := b.Assemble(ir.Mat(n, n), offs, mass) // it is symmetric
	if m.IsConst(0) {
		l.errNoMass(x)
	}
	l.mayBeSingular(m, x)
	return b.Slice(b.Solve(m, right), 0, shapeOf(x.Shape))
}
