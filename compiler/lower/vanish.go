package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// mayFail are the ops that have no number for some arguments.
var mayFail = []ir.Op{
	ir.OpDiv, ir.OpPow, ir.OpLog, ir.OpLog1p, ir.OpSqrt, ir.OpTan, ir.OpAsin, ir.OpAcos, ir.OpAcosh, ir.OpAtanh,
	ir.OpGamma, ir.OpLgamma, ir.OpPolygamma, ir.OpSolve, ir.OpDet,
}

// vanishing is 0·E or 0/E as a model says it, where E may be no number or zero; else nil, and
// the builder makes 0 of it, as it does of what derivatives multiply by zero. E − E is 0 where E
// is a number, and none where E is none.
func (l *systems) vanishing(op ir.Op, args []*ir.Node) *ir.Node {
	switch {
	case op == ir.OpDiv && args[0].IsConst(0) && args[1].Op != ir.OpConst:
		return l.b.Div(l.b.Sub(args[1], args[1]), args[1])
	case op != ir.OpMul:
		return nil
	}
	for i, a := range args {
		e := args[1-i]
		if !a.IsConst(0) || e.Op == ir.OpConst || !slices.ContainsFunc(ir.Reach(e), func(n *ir.Node) bool { return slices.Contains(mayFail, n.Op) }) {
			continue
		}
		n := l.b.Sub(e, e)
		if e.Shape == ir.Scalar && a.Shape != ir.Scalar {
			n = l.b.Fill(n, a.Shape)
		}
		return n
	}
	return nil
}
