package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// conditions lowers comparisons and the functions that have jumps and corners, where their
// modes and guards are.
type conditions struct {
	*expressions
	switches map[switchKey]int
	guards   map[*ir.Node]int      // by what they are: what asks for the same guard shares it
	cores    map[*ir.Node]*ir.Node // the first guard of each surface: see upright
}

// pick is min or max of two values.
func (l *conditions) pick(name string, x, y *ir.Node) *ir.Node {
	op := ir.OpMin
	if name == "max" {
		op = ir.OpMax
	}
	d := l.b.Sub(x, y)
	if !l.switched(d, corner) {
		return l.b.Apply(op, x, y)
	}
	return l.elements(d, func(d *ir.Node, i int) *ir.Node {
		a, c := l.elementOf(x, i), l.elementOf(y, i)
		m := l.side(d, corner) // 1 where x > y
		if m == nil {
			return l.b.Apply(op, a, c)
		}
		n := l.b.Select(m, a, c)
		if name == "min" {
			n = l.b.Select(m, c, a)
		}
		l.roots.positive[n] = l.roots.notNegative(l.b.Apply(op, a, c))
		return n
	})
}

// atZero says what a discontinuity is exactly on its surface.
type atZero uint8

const (
	corner        atZero = iota // the same on both sides: abs, min, max
	belowAtZero                 // what it is below: a > b
	aboveAtZero                 // what it is above: a >= b
	neitherAtZero               // sign
	rootAtZero                  // a root, which has no value below
)

// switched reports whether the elements of a value may have switches of their signs.
func (l *conditions) switched(x *ir.Node, at atZero) bool {
	if l.byMode {
		return true
	}
	return l.located && (at != corner || l.cornered) && l.moves(x)
}

// side is the mode of the switch of the sign of g, of those that may have one; nil
// where there is none to read.
func (l *conditions) side(g *ir.Node, at atZero) *ir.Node {
	g = l.actual(g)
	if l.byMode {
		return l.known(g, at)
	}
	return l.mode(g, at)
}

// floor lowers floor(x) to the mode of a switch that counts the crossings of
// whole numbers.
func (l *conditions) floor(x *ir.Node) *ir.Node {
	if !l.switched(x, belowAtZero) {
		return l.b.Apply(ir.OpFloor, x)
	}
	return l.elements(l.actual(x), func(e *ir.Node, _ int) *ir.Node {
		k := switchKey{arg: e, floor: true}
		if i, ok := l.switches[k]; ok {
			return l.modeNode(i)
		}
		if l.byMode {
			return l.b.Apply(ir.OpFloor, e)
		}
		i := len(l.out.Switches)
		l.switches[k] = i
		w := Switch{Mode: l.modeIndex(i), Floor: true, Arg: e}
		l.out.Switches = append(l.out.Switches, w)
		m := l.modeNode(i)
		l.out.Switches[i].Guard = l.guard(l.b.Sub(e, m), l.site())
		l.out.Switches[i].Upper = l.guard(l.b.Sub(l.b.Sub(e, m), l.b.Const(1)), l.site())
		return m
	})
}

// oriented is a guard as one that has its surface already, if there is any, and
// whether it is turned round.
func (l *conditions) oriented(g *ir.Node) (surface *ir.Node, turned bool) {
	if _, known := l.guards[g]; known {
		return g, false
	}
	core, turned := l.upright(g)
	if first := l.cores[core]; first != nil {
		_, was := l.upright(first)
		return first, turned != was
	}
	if g.Op == ir.OpNeg {
		return g.Args[0], true
	}
	return g, false
}

// mode is the switch of the sign of g: 1 above zero, 0 below.
func (l *conditions) mode(g *ir.Node, at atZero) *ir.Node {
	surface, turned := l.oriented(g)
	if !turned {
		return l.modeOn(surface, at)
	}
	switch at {
	case belowAtZero:
		at = aboveAtZero
	case aboveAtZero:
		at = belowAtZero
	}
	return l.b.Sub(l.b.Const(1), l.modeOn(surface, at))
}

// signAt is the sign of g, 0 where the state rests on its surface.
func (l *conditions) signAt(g *ir.Node) *ir.Node {
	b := l.b
	var m *ir.Node
	turned := false
	if l.byMode {
		var i int
		if i, turned = l.find(g, neitherAtZero); i < 0 {
			return b.Apply(ir.OpSign, g)
		}
		m = l.modeNode(i)
	} else {
		var surface *ir.Node
		surface, turned = l.oriented(g)
		m = l.modeOn(surface, neitherAtZero)
	}
	above, below := 1., -1.
	if turned {
		above, below = below, above
	}
	return b.Select(b.Apply(ir.OpEq, m, b.Const(AtRest)), b.Const(0), b.Select(m, b.Const(above), b.Const(below)))
}

// modeOn is the mode of the switch on a surface.
func (l *conditions) modeOn(surface *ir.Node, at atZero) *ir.Node {
	k := switchKey{arg: surface, at: at}
	if i, ok := l.switches[k]; ok {
		return l.modeNode(i)
	}
	i := len(l.out.Switches)
	l.switches[k] = i
	l.out.Switches = append(l.out.Switches, Switch{
		Mode: l.modeIndex(i), Guard: l.guardOf(surface, l.site()), Corner: at == corner || at == rootAtZero,
		Root: at == rootAtZero, AtZero: map[atZero]float64{aboveAtZero: 1, neitherAtZero: AtRest, rootAtZero: AtRest}[at],
	})
	return l.modeNode(i)
}

// site is the expression that is being lowered, for messages about its guards.
func (l *conditions) site() *check.Expr { return l.sites[len(l.sites)-1] }

// written is an expression as it stands in a model: what is inside of a term that is written in the
// language is the call of that term.
func (l *conditions) written(x *check.Expr) *check.Expr {
	for i := len(l.sites) - 1; i >= 0 && check.OfPrelude(x.Span); i-- {
		x = l.sites[i]
	}
	return x
}

func (l *conditions) guard(n *ir.Node, x *check.Expr) int {
	x = l.written(x)
	l.out.Guards = append(l.out.Guards, Guard{Node: n, Text: check.Text(x), Span: x.Span})
	return len(l.out.Guards) - 1
}

// cond lowers a condition to 1 or 0.
func (l *conditions) cond(x *check.Expr) *ir.Node {
	b := l.b
	if x.Kind != check.Op {
		return l.expr(x)
	}
	switch x.Name {
	case "and":
		return b.Mul(l.cond(x.Args[0]), l.cond(x.Args[1]))
	case "or":
		p, q := l.cond(x.Args[0]), l.cond(x.Args[1])
		if l.byMode { // linear in both
			return l.not(b.Mul(l.not(p), l.not(q)))
		}
		return b.Apply(ir.OpMax, p, q)
	case "not":
		return b.Sub(b.Const(1), l.cond(x.Args[0]))
	case "lt", "le", "gt", "ge", "eq", "ne":
	default:
		return l.expr(x)
	}
	l.sites = append(l.sites, x)
	defer func() { l.sites = l.sites[:len(l.sites)-1] }()
	p, q := l.expr(x.Args[0]), l.expr(x.Args[1])
	if (l.located || l.byMode) && x.Name != "eq" && x.Name != "ne" {
		at := belowAtZero
		if x.Name == "lt" || x.Name == "ge" {
			at = aboveAtZero
		}
		if g := b.Sub(p, q); l.switched(g, at) {
			m := l.side(g, at)
			if m != nil && (x.Name == "lt" || x.Name == "le") {
				m = b.Sub(b.Const(1), m)
			}
			if m != nil {
				return m
			}
		}
	}
	switch x.Name {
	case "lt":
		return b.Lt(p, q)
	case "le":
		return b.Le(p, q)
	case "gt":
		return b.Lt(q, p)
	case "ge":
		return b.Le(q, p)
	case "eq":
		return b.Apply(ir.OpEq, p, q)
	}
	return b.Apply(ir.OpNe, p, q)
}

func (l *conditions) floors() {
	var parts []*ir.Node
	for _, w := range l.out.Switches {
		if w.Floor {
			parts = append(parts, w.Arg)
		}
	}
	if len(parts) > 0 {
		l.out.Floors = l.b.Concat(parts...)
	}
}

// cornersAtJumps lets the corners on a surface where something jumps be plain
// functions where something reads them that has no value on the other side, as the root in
// sign(x)·√|x|: the run stops there anyway, and beside the surface the two fields must have a
// value to be compared. Elsewhere they keep their modes, since exactly on the surface a plain
// function has the derivative of either side.
func (l *conditions) cornersAtJumps() {
	out := l.out
	list := []**ir.Node{&out.RHS, &out.Pred, &out.Terms, &out.Row, &out.Outputs}
	for i := range out.Guards {
		list = append(list, &out.Guards[i].Node)
	}
	for i := range out.Acting {
		list = append(list, &out.Acting[i])
	}
	for i := range out.Noise {
		list = append(list, &out.Noise[i].Node)
	}
	for i := range out.Events {
		s := &out.Events[i].Sliding
		list = append(list, &s.Jump, &s.Rest, &s.Delay)
	}
	jumps := map[int]bool{}
	for _, w := range l.out.Switches {
		jumps[w.Guard] = jumps[w.Guard] || !w.Corner && !w.Floor
	}
	by, limited := map[*ir.Node]*ir.Node{}, limitedBy(list)
	for i, w := range l.out.Switches {
		if w.Corner && jumps[w.Guard] && i < l.modes && (limited[l.modeNode(i)] || limited[l.atBefore(l.modeNode(i))]) {
			mode, plain := l.modeNode(i), l.b.Lt(l.b.Const(0), l.out.Guards[w.Guard].Node)
			by[mode], by[l.atBefore(mode)] = plain, l.atBefore(plain)
		}
	}
	if len(by) == 0 {
		return
	}
	for _, n := range list {
		*n = l.b.Substitute([]*ir.Node{*n}, by)[0]
	}
}

// limitedBy are the values that an operation reads, directly or not, which is not defined, or not
// finite, everywhere.
func limitedBy(roots []**ir.Node) map[*ir.Node]bool {
	var all []*ir.Node
	for _, n := range roots {
		if *n != nil {
			all = append(all, *n)
		}
	}
	var args []*ir.Node
	for _, n := range ir.Reach(all...) {
		switch n.Op {
		case ir.OpSqrt, ir.OpLog, ir.OpLog1p, ir.OpAsin, ir.OpAcos, ir.OpAcosh, ir.OpAtanh, ir.OpGamma, ir.OpLgamma, ir.OpPolygamma, ir.OpPow:
			args = append(args, n.Args[0])
		case ir.OpDiv:
			args = append(args, n.Args[1])
		}
	}
	in := map[*ir.Node]bool{}
	for _, n := range ir.Reach(args...) {
		in[n] = true
	}
	return in
}

// switchKey tells switches apart: those of one guard differ where they belong to
// different sides on its surface.
type switchKey struct {
	arg   *ir.Node
	floor bool
	at    atZero
}
