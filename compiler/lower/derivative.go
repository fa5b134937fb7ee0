package lower

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// variable is the input by which a derivative is, or nil, and where it stands there.
func (l *expressions) variable(by *check.Expr) (wrt *ir.Node, off int) {
	root := by
	for root.Kind == check.Slice {
		off += root.Offset
		root = root.Args[0]
	}
	in := &l.out.In
	switch o := root.Object.(type) {
	case *check.Time:
		wrt = in.T
	case *check.State:
		if wrt = in.Y; l.before {
			wrt = in.YB
		}
		off += l.slots[o].Off
	case *check.Discrete:
		if wrt = in.D; l.before {
			wrt = in.DB
		}
		off += l.slots[o].Off
	case *check.Param:
		wrt, off = in.P, off+l.slots[o].Off
		if l.slots[o].PerKey {
			wrt = in.Q
		}
	case *check.Covariate:
		wrt, off = in.Q, off+l.slots[o].Off
	case *check.Input:
		if o.Value != nil {
			l.errByExpression(by, o)
			return nil, 0
		}
		if wrt = in.U; l.before {
			wrt = in.UB
		}
		off += l.slots[o].Off
	case *check.EventArg:
		wrt, off = in.A, off+l.argOff[o]
	case *check.Local:
		wrt = l.locals[o]
	}
	return wrt, off
}

// mostDerived bounds the operations of a model up to which derivatives are taken: each derivative of a
// derivative takes about twice as many.
const mostDerived = 1_000_000

// diff lowers partial derivatives.
func (l *expressions) diff(x *check.Expr) *ir.Node {
	e, by := l.expr(x.Args[0]), x.Args[1]
	if l.b.Len() > mostDerived {
		l.errDerived(x)
		return l.b.Full(shapeOf(x.Shape), 0)
	}
	if c, ok := by.Object.(*check.Coordinate); ok && by.Kind == check.Ref {
		return l.byCoordinate(e, c)
	}
	if l.network != nil && byState(by) {
		l.errByNetwork(x, "a derivative by a field")
		return l.b.Full(shapeOf(x.Shape), 0)
	}
	wrt, off := l.variable(by)
	if wrt == nil {
		return e
	}
	if by.Object == check.Object(l.m.Time) && l.clock() != l.out.In.T {
		e = l.b.Neg(e) // the time falls
	}
	d := &directions{l.b, wrt, off}
	switch n := by.Shape.Size(); x.Name {
	case "div":
		return d.divergence(e, n)
	case "laplacian":
		return d.laplacian(e, n)
	case "hessian":
		g := d.gradient(e, by.Shape)
		return d.jacobian(g, n)
	default:
		if e.Shape == ir.Scalar {
			return d.gradient(e, by.Shape)
		}
		if by.Shape.Rank == 0 {
			return d.along(e, 0)
		}
		return d.jacobian(e, n)
	}
}

// byState reports whether a derivative is by a state or elements of one.
func byState(by *check.Expr) bool {
	for by.Kind == check.Slice {
		by = by.Args[0]
	}
	_, ok := by.Object.(*check.State)
	return ok
}

// directions are those of the elements of a variable: from off on in an input.
type directions struct {
	b   *ir.Builder
	wrt *ir.Node
	off int
}

// along is the derivative by element i.
func (d *directions) along(e *ir.Node, i int) *ir.Node {
	t := d.b.Const(1)
	if d.wrt.Shape != ir.Scalar {
		t = d.b.Assemble(d.wrt.Shape, []int{d.off + i}, []*ir.Node{t})
	}
	return autodiff.JVP(d.b, []*ir.Node{e}, []*ir.Node{d.wrt}, []*ir.Node{t})[0]
}

// gradient is that of a number.
func (d *directions) gradient(e *ir.Node, shape check.Shape) *ir.Node {
	g := autodiff.VJP(d.b, []*ir.Node{e}, []*ir.Node{d.b.Const(1)}, []*ir.Node{d.wrt})[0]
	return d.b.Slice(g, d.off, shapeOf(shape))
}

// jacobian is that of a vector by n elements: column by column, then transposed.
func (d *directions) jacobian(e *ir.Node, n int) *ir.Node {
	cols, offs := make([]*ir.Node, n), make([]int, n)
	m := e.Shape.Size()
	for i := range n {
		cols[i], offs[i] = d.along(e, i), i*m
	}
	return d.b.Transpose(d.b.Assemble(ir.Mat(n, m), offs, cols))
}

// divergence is the trace of the Jacobian.
func (d *directions) divergence(e *ir.Node, n int) *ir.Node {
	sum := d.b.Const(0)
	for i := range n {
		part := d.along(e, i)
		if part.Shape != ir.Scalar {
			part = d.b.Elem(part, i)
		}
		sum = d.b.Add(sum, part)
	}
	return sum
}

// laplacian is the sum of the second derivatives, of each element.
func (d *directions) laplacian(e *ir.Node, n int) *ir.Node {
	sum := d.b.Full(e.Shape, 0)
	for i := range n {
		sum = d.b.Add(sum, d.along(d.along(e, i), i))
	}
	return sum
}
