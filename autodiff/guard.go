package autodiff

import "github.com/pinode/pinode/compiler/ir"

// singular are the ops whose value or slope can be infinite or undefined at
// finite arguments.
var singular = setOfOps(
	ir.OpSqrt, ir.OpExp, ir.OpExpm1, ir.OpLog, ir.OpLog1p, ir.OpTan, ir.OpAsin, ir.OpAcos, ir.OpSinh, ir.OpCosh,
	ir.OpAcosh, ir.OpAtanh, ir.OpGamma, ir.OpLgamma, ir.OpPolygamma, ir.OpDiv, ir.OpPow, ir.OpAtan2, ir.OpSolve, ir.OpDet,
)

func setOfOps(ops ...ir.Op) (set [ir.NumOps]bool) {
	for _, op := range ops {
		set[op] = true
	}
	return set
}

// guard is the set of nodes whose cotangent may be the exact zero of a branch
// not taken and may meet something infinite there: those below a select, min
// or max, with a singular op at or below them. It is nil if there are none.
func guard(nodes []*ir.Node, active set) set {
	var branch set
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if !active[n.ID] {
			continue
		}
		for k, a := range n.Args {
			if branch.has(n) || n.Op == ir.OpMin || n.Op == ir.OpMax || n.Op == ir.OpSelect && k > 0 {
				if branch == nil {
					branch = set(newTable[bool](nodes))
				}
				branch[a.ID] = true
			}
		}
	}
	if branch == nil {
		return nil
	}
	wild := newTable[bool](nodes)
	for _, n := range nodes {
		wild[n.ID] = singular[n.Op]
		for _, a := range n.Args {
			wild[n.ID] = wild[n.ID] || wild[a.ID]
		}
	}
	for i := range branch {
		branch[i] = branch[i] && wild[i]
	}
	return branch
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
