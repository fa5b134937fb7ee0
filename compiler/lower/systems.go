package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl/diag"
)

// System is a matrix that an expression of the model inverts, for messages where it is
// singular.
type System struct {
	Factors *ir.Node // see ir.FactorShape
	Size    int
	Text    string
	Span    diag.Span
}

// systems lowers what inverts matrices.
type systems struct{ *expressions }

// system lowers solutions, inverses and determinants.
func (l *systems) system(x *check.Expr, args []*ir.Node) *ir.Node {
	a, b := args[0], l.b
	switch x.Name {
	case "det":
		return b.Det(a)
	case "logdet":
		l.mayBeSingular(a, x)
		return b.LogDet(a)
	case "inv":
		l.mayBeSingular(a, x)
		return b.Inverse(a)
	}
	l.mayBeSingular(a, x)
	return b.Solve(a, args[1])
}

// mayBeSingular notes a matrix whose factors follow from what the motion follows from.
func (l *systems) mayBeSingular(a *ir.Node, x *check.Expr) {
	f := l.actual(l.b.Factors(a))
	in := &l.out.In
	known := []*ir.Node{in.T, in.Y, in.D, in.U, in.Q, in.P, in.S}
	for _, n := range ir.Reach(f) {
		if n.Op == ir.OpInput && !slices.Contains(known, n) {
			return
		}
	}
	if !slices.ContainsFunc(l.out.Systems, func(s System) bool { return s.Factors == f }) {
		l.out.Systems = append(l.out.Systems, System{f, a.Shape.N, check.Text(x), x.Span})
	}
}

// most is the largest element of a vector, for functions that do not depend on it.
func (l *expressions) most(v *ir.Node) *ir.Node {
	for v.Shape.Size() > 1 {
		n := v.Shape.Size()
		half := n / 2
		m := l.b.Apply(ir.OpMax, l.b.Slice(v, 0, ir.Vec(half)), l.b.Slice(v, half, ir.Vec(half)))
		if n%2 == 1 {
			m = l.b.Concat(m, l.b.Elem(v, n-1))
		}
		v = l.b.Slice(m, 0, ir.Vec(n-half))
	}
	return l.b.Elem(v, 0)
}
