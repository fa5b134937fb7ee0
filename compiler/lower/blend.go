package lower

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// While the solution slides along a surface its guard is zero but for round-off, and
// what acts is a combination of the fields on both sides. So outputs, observations,
// losses and jumps do not compare there: they read the modes of the switches that the
// right-hand side has, as they do where a root rests at 0. Quantities that read none of
// either kind compare as ever.

// whole lowers a quantity that reads the modes of switches, if it has some to read,
// and spreads a scalar over the shape.
func (l *conditions) whole(x *check.Expr, shape check.Shape) *ir.Node {
	if n := l.switchedBy(x, shape); n != nil {
		return n
	}
	return l.value(x, shape)
}

// switchedBy is an expression that reads the modes of switches; nil where it reads
// none that tell more than a comparison does. That of a corner does where something has an
// infinite slope, as in √max(h, 0), which does not change with what rests at h = 0.
func (l *conditions) switchedBy(x *check.Expr, shape check.Shape) *ir.Node {
	if len(l.out.Switches) == 0 {
		return nil
	}
	l.byMode = true
	n := l.value(x, shape)
	l.byMode = false
	steep := autodiff.Steep(n)
	if len(l.reads(n, func(w *Switch) bool { return w.slidable() || w.Root || steep })) == 0 {
		return nil
	}
	return n
}

// surfaces are the switches along whose surfaces the solution may slide and whose modes
// a value reads.
func (l *conditions) surfaces(n *ir.Node) []int { return l.reads(n, (*Switch).slidable) }

// reads are the switches of some kind whose modes a value reads.
func (l *conditions) reads(n *ir.Node, kind func(*Switch) bool) (list []int) {
	read := make([]bool, l.out.Layout.ND)
	for _, a := range ir.Reach(n) {
		if a.Op == ir.OpSlice && (a.Args[0] == l.out.In.D || a.Args[0] == l.out.In.DB) {
			for i := range a.Shape.Size() {
				read[a.Off+i] = true
			}
		}
	}
	for i := range min(len(l.out.Switches), l.modes) {
		if kind(&l.out.Switches[i]) && read[l.modeIndex(i)] {
			list = append(list, i)
		}
	}
	return list
}

// slidable reports whether the solution may slide along the surface of a switch.
func (w *Switch) slidable() bool { return !w.Corner }

// triggers notes that a condition or priority of an event reads the modes of
// switches.
func (l *conditions) triggers(event int, list ...*check.Expr) {
	for _, x := range list {
		if n := l.switchedBy(x, x.Shape); n != nil {
			for _, i := range l.surfaces(n) {
				l.out.Switches[i].Trigger = event + 1
			}
		}
	}
}

// acting notes what the named quantities are that the right-hand side reads.
func (l *conditions) acting() {
	for _, x := range l.m.Lets {
		if l.lets[letKey{x, reading{located: true, cornered: true}}] == nil {
			continue
		}
		if n := l.switchedBy(x.Value, x.Shape); n != nil && len(l.surfaces(n)) > 0 {
			l.out.Acting = append(l.out.Acting, n)
		}
	}
}

// atBefore is a value of states and modes at those before the instant.
func (l *base) atBefore(n *ir.Node) *ir.Node {
	by := map[*ir.Node]*ir.Node{}
	if in := &l.out.In; in.Y != nil {
		by[in.Y] = in.YB
	}
	if in := &l.out.In; in.D != nil {
		by[in.D] = in.DB
	}
	if in := &l.out.In; in.U != nil {
		by[in.U], by[in.UT] = in.UB, in.UTB
	}
	return l.b.Substitute([]*ir.Node{n}, by)[0]
}

// known is the mode of the switch of the sign of g, or of one that differs on the
// surface only; nil where there is none.
func (l *conditions) known(g *ir.Node, at atZero) *ir.Node {
	i, turned := l.find(g, at)
	if i < 0 {
		return nil
	}
	m := l.modeNode(i)
	if turned {
		m = l.not(m)
	}
	if l.out.Switches[i].AtZero != AtRest {
		return m
	}
	equal := 0.
	if at == aboveAtZero {
		equal = 1
	}
	return l.b.Select(l.b.Apply(ir.OpEq, l.modeNode(i), l.b.Const(AtRest)), l.b.Const(equal), m)
}

// find is the switch of the sign of g, or one that differs on the surface only, and
// whether its guard is turned round; −1 where there is none.
func (l *conditions) find(g *ir.Node, at atZero) (found int, turned bool) {
	if i, ok := l.switches[switchKey{arg: g, at: at}]; ok {
		return i, false
	}
	core, own := l.upright(g)
	found = -1
	for k, i := range l.switches {
		if k.floor || k.at == rootAtZero || (k.at == corner) != (at == corner) || found >= 0 && found < i {
			continue
		}
		if c, t := l.upright(k.arg); c == core {
			found, turned = i, t != own
		}
	}
	return found, turned
}

// upright is a value with the surface of a guard, the same for guards that differ by a
// constant factor or the order of a difference; turned: its sign is the opposite.
func (l *conditions) upright(g *ir.Node) (core *ir.Node, turned bool) {
	factor := func(n *ir.Node) bool { return n.Op == ir.OpConst && n.Shape == ir.Scalar && n.Values[0] != 0 }
	for {
		switch {
		case g.Op == ir.OpNeg:
			g, turned = g.Args[0], !turned
		case (g.Op == ir.OpMul || g.Op == ir.OpDiv) && factor(g.Args[1]):
			g, turned = g.Args[0], turned != (g.Args[1].Values[0] < 0)
		case g.Op == ir.OpMul && factor(g.Args[0]):
			g, turned = g.Args[1], turned != (g.Args[0].Values[0] < 0)
		case g.Op == ir.OpSub && g.Args[0].Op == ir.OpMul && factor(g.Args[1]) && (factor(g.Args[0].Args[0]) || factor(g.Args[0].Args[1])):
			// c·a − d is c times a − d/c
			c, a := g.Args[0].Args[0], g.Args[0].Args[1]
			if !factor(c) {
				c, a = a, c
			}
			g, turned = l.b.Sub(a, l.b.Div(g.Args[1], c)), turned != (c.Values[0] < 0)
		case g.Op == ir.OpSub && g.Args[0].ID > g.Args[1].ID:
			return l.b.Sub(g.Args[1], g.Args[0]), !turned
		default:
			return g, turned
		}
	}
}

// not is the opposite of a mode, if there is one.
func (l *conditions) not(mode *ir.Node) *ir.Node {
	if mode == nil {
		return nil
	}
	return l.b.Sub(l.b.Const(1), mode)
}
