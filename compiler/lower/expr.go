package lower

import (
	"math"
	"strconv"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
)

func itoa(i int) string { return strconv.Itoa(i) }

func shapeOf(s check.Shape) ir.Shape { return ir.Shape{Rank: s.Rank, M: s.M, N: s.N} }

// value lowers an expression and spreads a scalar over the shape.
func (l *lowerer) value(x *check.Expr, shape check.Shape) *ir.Node {
	n := l.expr(x)
	if n.Shape == ir.Scalar && shape.Rank != 0 {
		return l.b.Fill(n, shapeOf(shape))
	}
	return n
}

// elementaryOps are the functions that are one op.
var elementaryOps = map[string]ir.Op{
	"add": ir.OpAdd, "sub": ir.OpSub, "mul": ir.OpMul, "div": ir.OpDiv, "pow": ir.OpPow, "neg": ir.OpNeg,
	"exp": ir.OpExp, "expm1": ir.OpExpm1, "log": ir.OpLog, "log1p": ir.OpLog1p, "sqrt": ir.OpSqrt,
	"sin": ir.OpSin, "cos": ir.OpCos, "tan": ir.OpTan, "asin": ir.OpAsin, "acos": ir.OpAcos, "atan": ir.OpAtan, "atan2": ir.OpAtan2,
	"sinh": ir.OpSinh, "cosh": ir.OpCosh, "tanh": ir.OpTanh, "asinh": ir.OpAsinh, "acosh": ir.OpAcosh, "atanh": ir.OpAtanh,
	"erf": ir.OpErf, "gamma": ir.OpGamma, "lgamma": ir.OpLgamma, "sigmoid": ir.OpSigmoid, "softplus": ir.OpSoftplus,
}

// expr lowers an expression.
func (l *lowerer) expr(x *check.Expr) *ir.Node {
	switch x.Kind {
	case check.Number:
		return l.b.Full(shapeOf(x.Shape), x.Value)
	case check.Numbers:
		return l.b.ConstOf(shapeOf(x.Shape), x.Values)
	case check.Ref:
		return l.ref(x.Object)
	case check.Slice:
		return l.b.Slice(l.expr(x.Args[0]), x.Offset, shapeOf(x.Shape))
	case check.Stack:
		offs, parts, at := make([]int, len(x.Args)), make([]*ir.Node, len(x.Args)), 0
		for i, a := range x.Args {
			parts[i], offs[i] = l.expr(a), at
			at += parts[i].Shape.Size()
		}
		return l.b.Assemble(shapeOf(x.Shape), offs, parts)
	case check.Net:
		return l.net(x)
	case check.Apply:
		return l.apply(x)
	case check.Diff:
		return diff(l, x)
	case check.LogDensity:
		return logDensity(l)
	case check.DataOf, check.Observed:
		s := l.observes[x.Object]
		in := l.out.In.Data
		if x.Kind == check.Observed {
			if in = l.out.In.Seen; l.observed {
				return l.b.Slice(seenInTable(l, s), 0, shapeOf(x.Shape))
			}
		}
		return l.b.Slice(in, s.Off, shapeOf(x.Shape))
	case check.FirstOf:
		return l.b.Slice(l.out.In.Q, l.firstOff[x.Object], shapeOf(x.Shape))
	case check.SlopeOf:
		return l.b.Slice(l.out.In.Q, l.slopeOff[x.Object], shapeOf(x.Shape))
	case check.Before:
		if l.byMode {
			return l.atBefore(l.expr(x.Args[0]))
		}
		was := l.reading
		l.before = true
		n := l.expr(x.Args[0])
		l.reading = was
		return n
	case check.Cells:
		return l.fields().inCells(x)
	case check.Integral, check.Place:
		if l.network != nil {
			return l.pointwise(x)
		}
		return l.fields().whole(x)
	case check.Smooth:
		was := l.reading
		l.located, l.byMode = false, false
		n := l.expr(x.Args[0])
		l.reading = was
		return n
	}
	return l.op(x)
}

// ref lowers a reference.
func (l *lowerer) ref(o check.Object) *ir.Node {
	in := &l.out.In
	shape := shapeOf(o.Info().Shape)
	if v := l.resting[o]; v != nil && l.atRest {
		return v
	}
	switch o := o.(type) {
	case *check.Time:
		return clock(l)
	case *check.Coordinate:
		return l.b.Elem(l.network.c, o.Axis)
	case *check.State:
		if l.network != nil {
			return l.network.values[o]
		}
		y := in.Y
		if l.before {
			y = in.YB
		}
		return l.b.Slice(y, l.slots[o].Off, shape)
	case *check.Discrete:
		d := in.D
		if l.before {
			d = in.DB
		}
		return l.b.Slice(d, l.slots[o].Off, shape)
	case *check.Param:
		if s := l.slots[o]; s.PerKey {
			return l.b.Slice(in.Q, s.Off, shape)
		}
		return l.b.Slice(in.P, l.slots[o].Off, shape)
	case *check.Covariate:
		return l.b.Slice(in.Q, l.slots[o].Off, shape)
	case *check.Draw:
		return drawNode(l, o)
	case *check.Input:
		if o.Value != nil {
			return l.let(o, o.Value)
		}
		u := in.U
		if l.before {
			u = in.UB
		}
		return l.b.Slice(u, l.slots[o].Off, shape)
	case *check.Let:
		return l.let(o, o.Value)
	case *check.Local:
		return l.locals[o]
	case *check.EventArg:
		return l.b.Slice(in.A, l.argOff[o], shape)
	}
	panic("lower: reference to " + o.Info().Name)
}

// let lowers a named quantity once for each way it is used in.
func (l *lowerer) let(o check.Object, value *check.Expr) *ir.Node {
	k := letKey{o, l.reading}
	if n := l.lets[k]; n != nil {
		return n
	}
	n := l.value(value, o.Info().Shape)
	l.lets[k] = n
	return n
}

// net lowers a call of a neural block: arguments over their scales, result
// times its own.
func (l *lowerer) net(x *check.Expr) *ir.Node {
	n := x.Object.(*check.Neural)
	blk := l.blocks[n]
	parts := make([]*ir.Node, len(x.Args))
	for i, a := range x.Args {
		parts[i] = l.b.Slice(l.expr(a), 0, ir.Vec(a.Shape.Size()))
	}
	raw := l.b.Concat(parts...)
	if raw.Shape == ir.Scalar {
		raw = l.b.Slice(raw, 0, ir.Vec(1))
	}
	inScale := blk.Net.InScale(l.b, l.scaleNode(ScaleNetIn, n))
	outScale := blk.Net.OutScale(l.b, l.scaleNode(ScaleNetOut, n))
	w := l.b.Slice(l.out.In.P, blk.Off, ir.Vec(blk.Net.NumWeights()))
	var y *ir.Node
	if blk.Net.Form == nn.DivergenceFree {
		y = l.withoutDivergence(blk.Net, w, l.b.Div(raw, inScale), inScale, outScale)
	} else {
		y = l.b.Mul(l.build1(blk.Net, w, l.b.Div(raw, inScale), inScale), outScale)
	}
	if i := l.blockIndex(n); (l.located && l.cornered || l.observed) && l.out.NetArgs[i] == nil {
		l.out.NetArgs[i], l.out.NetVals[i] = l.actual(raw), l.actual(y)
	}
	return l.b.Slice(y, 0, shapeOf(n.Shape))
}

// withoutDivergence is a divergence-free block at x, whose potentials are differentiated
// there by the place.
func (l *lowerer) withoutDivergence(n *nn.Block, w, x, inScale, outScale *ir.Node) *ir.Node {
	l.fresh++
	at := l.b.Input("local#"+itoa(l.fresh), x.Shape, x.Lane)
	potentials := n.Build(l.b, w, at)
	by := make([]*ir.Node, n.Out)
	for i := range by {
		along := l.b.Assemble(at.Shape, []int{i}, []*ir.Node{l.b.Const(1)})
		by[i] = autodiff.JVP(l.b, []*ir.Node{potentials}, []*ir.Node{at}, []*ir.Node{along})[0]
	}
	y := nn.Potentials(l.b, by, inScale, outScale)
	return l.b.Substitute([]*ir.Node{y}, map[*ir.Node]*ir.Node{at: x})[0]
}

func (l *lowerer) blockIndex(n *check.Neural) int {
	for i, b := range l.out.Blocks {
		if b.Neural == n {
			return i
		}
	}
	return -1
}

// build1 builds a block whose zero is stated in unscaled arguments.
func (l *lowerer) build1(n *nn.Block, w, x, scale *ir.Node) *ir.Node {
	if n.ZeroAt == nil {
		return n.Build(l.b, w, x)
	}
	return n.BuildZeroAt(l.b, w, x, l.b.Div(l.b.ConstOf(ir.Vec(n.In), n.ZeroAt), scale))
}

func (l *lowerer) scaleNode(kind ScaleKind, o check.Object) *ir.Node {
	off := l.scaleOff[scaleKey{kind, o}]
	for _, s := range l.out.Layout.Scales {
		if s.Off == off && s.Kind == kind {
			if s.N == 1 && (kind == ScaleConserve || kind == ScaleLoss) {
				return l.b.Elem(l.out.In.S, off)
			}
			return l.b.Slice(l.out.In.S, off, ir.Vec(s.N))
		}
	}
	panic("lower: no scale")
}

// apply lowers a function's body. A local that the body differentiates by is
// kept apart by a placeholder, so that other occurrences of the same value
// do not count as it.
func (l *lowerer) apply(x *check.Expr) *ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for i, a := range x.Args {
		n := l.expr(a)
		if differentiatesBy(x.Body, x.Locals[i]) {
			l.fresh++
			p := l.b.Input("local#"+itoa(l.fresh), n.Shape, n.Lane)
			by[p], l.passed[p] = n, l.actual(n)
			n = p
		}
		l.locals[x.Locals[i]] = n
	}
	body := l.expr(x.Body)
	if len(by) == 0 {
		return body
	}
	for p := range by {
		delete(l.passed, p)
	}
	return l.b.Substitute([]*ir.Node{body}, by)[0]
}

// actual is a value with what was passed to the functions around in the place of
// placeholders: what guards compare, and what is noted of blocks.
func (l *lowerer) actual(n *ir.Node) *ir.Node {
	if len(l.passed) == 0 {
		return n
	}
	return l.b.Substitute([]*ir.Node{n}, l.passed)[0]
}

// differentiatesBy reports whether an expression contains a derivative by the
// local.
func differentiatesBy(x *check.Expr, local *check.Local) bool {
	if x == nil {
		return false
	}
	if x.Kind == check.Diff {
		root := x.Args[1]
		for root.Kind == check.Slice {
			root = root.Args[0]
		}
		if root.Object == check.Object(local) {
			return true
		}
	}
	for _, a := range x.Args {
		if differentiatesBy(a, local) {
			return true
		}
	}
	return differentiatesBy(x.Body, local)
}

// op lowers an operator or function.
func (l *lowerer) op(x *check.Expr) *ir.Node {
	l.sites = append(l.sites, x)
	defer func() { l.sites = l.sites[:len(l.sites)-1] }()
	switch x.Name {
	case "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not":
		return l.cond(x)
	case "if":
		c := l.cond(x.Args[0])
		return l.b.Select(c, l.expr(x.Args[1]), l.expr(x.Args[2]))
	}
	args := make([]*ir.Node, len(x.Args))
	for i, a := range x.Args {
		args[i] = l.expr(a)
	}
	if x.Name == "euler_lagrange" {
		return l.lagrange(x, args)
	}
	switch x.Name {
	case "solve", "inv", "det", "logdet":
		return l.system(x, args)
	}
	return l.applied(x.Name, args)
}

// applied is an operator or function of values.
func (l *lowerer) applied(name string, args []*ir.Node) *ir.Node {
	if op, ok := elementaryOps[name]; ok {
		if n := l.vanishing(op, args); n != nil {
			return n
		}
		return l.b.Apply(op, args...)
	}
	b := l.b
	switch name {
	case "matmul":
		return l.matmul(args[0], args[1])
	case "log10":
		return b.Mul(b.Log(args[0]), b.Const(1/math.Ln10))
	case "log2":
		return b.Mul(b.Log(args[0]), b.Const(1/math.Ln2))
	case "logsumexp":
		most := l.most(args[0])
		return b.Add(most, b.Log(b.Sum(b.Exp(b.Sub(args[0], most)))))
	case "softmax":
		v := b.Exp(b.Sub(args[0], l.most(args[0])))
		return b.Div(v, b.Sum(v))
	case "hypot":
		return b.Sqrt(b.Add(b.Square(args[0]), b.Square(args[1])))
	case "swish":
		return b.Mul(args[0], b.Apply(ir.OpSigmoid, args[0]))
	case "gelu":
		return nn.GELU(b, args[0])
	case "sum":
		return b.Sum(args[0])
	case "mean":
		return b.Mul(b.Sum(args[0]), b.Const(1/float64(args[0].Shape.Size())))
	case "norm":
		return b.Norm(args[0])
	case "dot":
		return b.Dot(args[0], args[1])
	case "cross":
		u, v := args[0], args[1]
		el := func(i, j int) *ir.Node {
			return b.Sub(b.Mul(b.Elem(u, i), b.Elem(v, j)), b.Mul(b.Elem(u, j), b.Elem(v, i)))
		}
		return b.Concat(el(1, 2), el(2, 0), el(0, 1))
	case "min", "max":
		if len(args) == 1 {
			return l.reduce(name, args[0])
		}
		v := args[0]
		for _, a := range args[1:] {
			v = l.pick(name, v, a)
		}
		return v
	case "clamp":
		return l.pick("min", l.pick("max", args[0], args[1]), args[2])
	case "abs":
		plain := func(x *ir.Node) *ir.Node { return b.Apply(ir.OpAbs, x) }
		return l.branch(args[0], plain, corner, func(m, x *ir.Node) *ir.Node { return b.Select(m, x, b.Neg(x)) })
	case "sign":
		if !l.switched(args[0], neitherAtZero) {
			return b.Apply(ir.OpSign, args[0])
		}
		return l.elements(l.actual(args[0]), func(e *ir.Node, _ int) *ir.Node { return l.signAt(e) })
	case "relu":
		plain := func(x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Const(0)) }
		return l.branch(args[0], plain, corner, func(m, x *ir.Node) *ir.Node { return b.Select(m, x, b.Const(0)) })
	case "step":
		plain := func(x *ir.Node) *ir.Node { return b.Le(b.Const(0), x) }
		return l.branch(args[0], plain, aboveAtZero, func(m, _ *ir.Node) *ir.Node { return m })
	case "floor":
		return l.floor(args[0])
	case "ceil":
		return b.Neg(l.floor(b.Neg(args[0])))
	}
	panic("lower: no rule for " + name)
}

func (l *lowerer) matmul(x, y *ir.Node) *ir.Node {
	switch {
	case x.Shape.Rank == 2 && y.Shape.Rank == 2:
		return l.b.MatMul(x, y)
	case x.Shape.Rank == 2:
		return l.b.MatVec(x, y)
	case y.Shape.Rank == 2:
		return l.b.TMatVec(y, x)
	}
	return l.b.Dot(x, y)
}

// reduce folds the elements of an array with min or max.
func (l *lowerer) reduce(name string, x *ir.Node) *ir.Node {
	if x.Shape == ir.Scalar {
		return x
	}
	v := l.b.Elem(x, 0)
	for i := 1; i < x.Shape.Size(); i++ {
		v = l.pick(name, v, l.b.Elem(x, i))
	}
	return v
}

// pick is min or max of two values.
func (l *lowerer) pick(name string, x, y *ir.Node) *ir.Node {
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
		if name == "min" {
			a, c = c, a
		}
		return l.b.Select(m, a, c)
	})
}

// branch lowers a function with a corner or a jump at 0: of a switch where there
// is one, else the plain function.
func (l *lowerer) branch(x *ir.Node, plain func(x *ir.Node) *ir.Node, at atZero, f func(mode, x *ir.Node) *ir.Node) *ir.Node {
	if !l.switched(x, at) {
		return plain(x)
	}
	return l.elements(x, func(e *ir.Node, _ int) *ir.Node {
		if m := l.side(e, at); m != nil {
			return f(m, e)
		}
		return plain(e)
	})
}

// switched reports whether the elements of a value may have switches of their signs.
func (l *lowerer) switched(x *ir.Node, at atZero) bool {
	if l.byMode {
		return true
	}
	return l.located && (at != corner || l.cornered) && l.moves(x)
}

// side is the mode of the switch of the sign of g, of those that may have one; nil
// where there is none to read.
func (l *lowerer) side(g *ir.Node, at atZero) *ir.Node {
	g = l.actual(g)
	if l.byMode {
		return l.known(g, at)
	}
	return l.mode(g, at)
}

// elements maps a function over the elements of an array.
func (l *lowerer) elements(x *ir.Node, f func(e *ir.Node, i int) *ir.Node) *ir.Node {
	if x.Shape == ir.Scalar {
		return f(x, 0)
	}
	parts, offs := make([]*ir.Node, x.Shape.Size()), make([]int, x.Shape.Size())
	for i := range parts {
		parts[i], offs[i] = f(l.b.Elem(x, i), i), i
	}
	return l.b.Assemble(x.Shape, offs, parts)
}

func (l *lowerer) elementOf(x *ir.Node, i int) *ir.Node {
	if x.Shape == ir.Scalar {
		return x
	}
	return l.b.Elem(x, i)
}

// floor lowers floor(x) to the mode of a switch that counts the crossings of
// whole numbers.
func (l *lowerer) floor(x *ir.Node) *ir.Node {
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

// atZero says what a discontinuity is exactly on its surface.
type atZero uint8

const (
	corner        atZero = iota // the same on both sides: abs, min, max
	belowAtZero                 // what it is below: a > b
	aboveAtZero                 // what it is above: a >= b
	neitherAtZero               // sign
)

// switchKey tells switches apart: those of one guard differ where they belong to
// different sides on its surface.
type switchKey struct {
	arg   *ir.Node
	floor bool
	at    atZero
}

// oriented is a guard as one that has its surface already, if there is any, and
// whether it is turned round.
func (l *lowerer) oriented(g *ir.Node) (surface *ir.Node, turned bool) {
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
func (l *lowerer) mode(g *ir.Node, at atZero) *ir.Node {
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
func (l *lowerer) signAt(g *ir.Node) *ir.Node {
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
func (l *lowerer) modeOn(surface *ir.Node, at atZero) *ir.Node {
	k := switchKey{arg: surface, at: at}
	if i, ok := l.switches[k]; ok {
		return l.modeNode(i)
	}
	i := len(l.out.Switches)
	l.switches[k] = i
	l.out.Switches = append(l.out.Switches, Switch{
		Mode: l.modeIndex(i), Guard: l.guardOf(surface, l.site()), Corner: at == corner,
		AtZero: map[atZero]float64{aboveAtZero: 1, neitherAtZero: AtRest}[at],
	})
	return l.modeNode(i)
}

// site is the expression that is being lowered, for messages about its guards.
func (l *lowerer) site() *check.Expr { return l.sites[len(l.sites)-1] }

func (l *lowerer) guard(n *ir.Node, x *check.Expr) int {
	l.out.Guards = append(l.out.Guards, Guard{Node: n, Text: check.Text(x), Span: x.Span})
	return len(l.out.Guards) - 1
}

// modeIndex is the place of switch i in D.
func (l *lowerer) modeIndex(i int) int { return l.out.Layout.ND - l.modes + i }

// modeNode reads the mode of switch i; in the run that only counts switches
// there is no room for it yet.
func (l *lowerer) modeNode(i int) *ir.Node {
	if i >= l.modes {
		return l.b.Input("mode#"+itoa(i), ir.Scalar, true)
	}
	return l.b.Elem(l.out.In.D, l.modeIndex(i))
}

// moves reports whether the continuous states, the time or inputs can change
// the value.
func (l *lowerer) moves(n *ir.Node) bool {
	in := &l.out.In
	return l.dependsOn(l.actual(n), in.T, in.Y, in.U)
}

func (l *lowerer) dependsOn(n *ir.Node, on ...*ir.Node) bool {
	for _, x := range ir.Reach(n) {
		for _, o := range on {
			if x == o && o != nil {
				return true
			}
		}
	}
	return false
}

// cond lowers a condition to 1 or 0.
func (l *lowerer) cond(x *check.Expr) *ir.Node {
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

// rateOf is the total derivative of q by time along the flow with the given
// right-hand side of the model's own states.
func (l *lowerer) rateOf(q, rhs *ir.Node) *ir.Node {
	in := &l.out.In
	wrt, dots := []*ir.Node{in.T}, []*ir.Node{l.b.Const(1)}
	if in.Y != nil {
		wrt = append(wrt, in.Y)
		dots = append(dots, l.b.Assemble(in.Y.Shape, []int{0}, []*ir.Node{rhs}))
	}
	if in.U != nil {
		wrt, dots = append(wrt, in.U), append(dots, in.UT)
	}
	return autodiff.JVP(l.b, []*ir.Node{q}, wrt, dots)[0]
}
