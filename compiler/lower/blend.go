package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// While the solution slides along a surface its guard is zero but for round-off, and
// what acts is a combination of the fields on both sides. So outputs, observations,
// losses and jumps do not compare: they read the modes of the switches that the
// right-hand side has, and a quantity that does so is combined as the fields are,
// as a whole. What would be combined term by term, the friction μ(v)·sign(v) with
// a μ that jumps as well, is not what acts.

// reading is how an expression reads the switches of the right-hand side.
type reading uint8

const (
	plainly  reading = iota // not: it compares
	blending                // by Blends, each as large as possible
	byMode                  // by their modes: inside of a Blend
)

// whole lowers a quantity that is one Blend where it reads switches, and spreads a
// scalar over the shape.
func (l *lowerer) whole(x *check.Expr, shape check.Shape) *ir.Node {
	if n := l.blend(x, shape, false); n != nil {
		return n
	}
	return l.value(x, shape)
}

// blend is the input that stands for an expression that reads switches; nil where
// it reads none, or where that is not asked for.
func (l *lowerer) blend(x *check.Expr, shape check.Shape, before bool) *ir.Node {
	if l.reading == plainly || l.reading == byMode && !before {
		return nil
	}
	n := l.switchedBy(x, shape)
	if n == nil {
		return nil
	}
	in := l.b.Input("blend#"+itoa(len(l.out.Blends)), n.Shape, true)
	l.out.Blends = append(l.out.Blends, Blend{In: in, Node: n, Before: before})
	return in
}

// blendOp is that of an operator that compares; of an `if`, where its condition
// does.
func (l *lowerer) blendOp(x *check.Expr) *ir.Node {
	if l.reading != blending {
		return nil
	}
	switch x.Name {
	case "if":
		if l.switchedBy(x.Args[0], x.Args[0].Shape) == nil {
			return nil
		}
	case "sign", "step", "lt", "le", "gt", "ge", "and", "or", "not":
	default:
		return nil
	}
	return l.blend(x, x.Shape, false)
}

// switchedBy is an expression that reads the modes of switches; nil where it reads
// none of a surface that may be slid along.
func (l *lowerer) switchedBy(x *check.Expr, shape check.Shape) *ir.Node {
	some := false
	for i := range l.out.Switches {
		some = some || l.slidable(i)
	}
	if !some {
		return nil
	}
	reads, before := l.reading, l.before
	l.reading, l.before = byMode, false
	n := l.value(x, shape)
	l.reading, l.before = reads, before
	for _, a := range ir.Reach(n) {
		if a.Op != ir.OpSlice || a.Args[0] != l.out.In.D {
			continue
		}
		for i := range l.out.Switches {
			if at := l.modeIndex(i); l.slidable(i) && a.Off <= at && at < a.Off+a.Shape.Size() {
				return n
			}
		}
	}
	return nil
}

// slidable reports whether the solution may slide along the surface of a switch.
func (l *lowerer) slidable(i int) bool {
	w := &l.out.Switches[i]
	return !w.Corner && !w.Floor
}

// known is the mode of the switch of the sign of g, or of one that differs on the
// surface only; nil where there is none.
func (l *lowerer) known(g *ir.Node, at atZero) *ir.Node {
	opposite := at
	switch at {
	case belowAtZero:
		opposite = aboveAtZero
	case aboveAtZero:
		opposite = belowAtZero
	}
	if g.Op == ir.OpNeg {
		return l.not(l.known(g.Args[0], opposite))
	}
	for _, at := range []atZero{at, opposite} {
		if i, ok := l.switches[switchKey{arg: g, at: at}]; ok {
			return l.modeNode(i)
		}
	}
	if g.Op != ir.OpSub {
		return nil
	}
	turned := l.b.Sub(g.Args[1], g.Args[0])
	for _, at := range []atZero{opposite, at} {
		if i, ok := l.switches[switchKey{arg: turned, at: at}]; ok {
			return l.not(l.modeNode(i))
		}
	}
	return nil
}

// not is the opposite of a mode, if there is one.
func (l *lowerer) not(mode *ir.Node) *ir.Node {
	if mode == nil {
		return nil
	}
	return l.b.Sub(l.b.Const(1), mode)
}
