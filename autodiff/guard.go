package autodiff

import "github.com/pinode/pinode/compiler/ir"

// singular are the ops whose value or slope can be infinite or undefined at
// finite arguments.
var singular = setOfOps(
	ir.OpSqrt, ir.OpExp, ir.OpExpm1, ir.OpLog, ir.OpLog1p, ir.OpTan, ir.OpAsin, ir.OpAcos, ir.OpSinh, ir.OpCosh,
	ir.OpAcosh, ir.OpAtanh, ir.OpGamma, ir.OpLgamma, ir.OpPolygamma, ir.OpDiv, ir.OpPow, ir.OpAtan2,
)

func setOfOps(ops ...ir.Op) (set [ir.NumOps]bool) {
	for _, op := range ops {
		set[op] = true
	}
	return set
}

// guard marks the nodes whose cotangent may be the exact zero of a branch not
// taken and may meet something infinite there: those below a select, min or
// max, with a singular op at or below them.
func guard(nodes []*ir.Node, active map[*ir.Node]bool) map[*ir.Node]bool {
	branch := map[*ir.Node]bool{}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if !active[n] {
			continue
		}
		for k, a := range n.Args {
			switch {
			case branch[n], n.Op == ir.OpMin, n.Op == ir.OpMax, n.Op == ir.OpSelect && k > 0:
				branch[a] = true
			}
		}
	}
	if len(branch) == 0 {
		return nil
	}
	wild := map[*ir.Node]bool{}
	guarded := map[*ir.Node]bool{}
	for _, n := range nodes {
		wild[n] = singular[n.Op]
		for _, a := range n.Args {
			wild[n] = wild[n] || wild[a]
		}
		guarded[n] = branch[n] && wild[n]
	}
	return guarded
}

// shut replaces the cotangents of a node's arguments by exact zeros where that
// of the node is one: there 0·∞ would be NaN. Linear algebra mixes the
// elements, so there all of them have to be zero.
func shut(b *ir.Builder, n, ct *ir.Node, bars []*ir.Node) {
	zero := b.Const(0)
	size := ct
	if n.Op.Info().Class != ir.Elementwise && ct.Shape != ir.Scalar {
		size = b.Sum(b.Apply(ir.OpAbs, ct))
	}
	none := b.Apply(ir.OpEq, size, zero)
	for k, bar := range bars {
		switch {
		case bar == nil || bar == ct:
		case bar.Op == ir.OpOuter: // stays an outer product, which is cheap to add up
			x := [2]*ir.Node{bar.Args[0], bar.Args[1]}
			for i := range x {
				if x[i] != ct {
					x[i] = b.Select(none, zero, x[i])
				}
			}
			bars[k] = b.Outer(x[0], x[1])
		default:
			bars[k] = b.Select(none, zero, bar)
		}
	}
}
