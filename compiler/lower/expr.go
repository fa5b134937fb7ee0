package lower

import (
	"math"
	"strconv"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
)

// expressions lowers expressions.
type expressions struct {
	*base
	reading
	network *network // that stands for fields, or nil

	conditions *conditions
	roots      *roots
	densities  *densities
	systems    *systems

	resting map[check.Object]*ir.Node // values of `start steady { … }`
	blocks  map[*check.Neural]*Block
	lets    map[letKey]*ir.Node
	locals  map[*check.Local]*ir.Node
	passed  map[*ir.Node]*ir.Node // placeholders of functions: see apply
	sites   []*check.Expr         // operators and calls that are being lowered, the innermost last
	fresh   int
	during  *EventUse // the event that is being lowered: blocks are noted there; or nil

	onGrid [2]*fields // of the states, and of those before the event
}

// reading is how an expression is lowered.
type reading struct {
	located  bool // comparisons become switches
	cornered bool // where located: corners too
	observed bool // in what is observed: blocks are noted there too
	before   bool // states are those before the event
	byMode   bool // comparisons read the switches that there are
	atRest   bool // objects have the values of `start steady { … }`
}

// letKey tells apart the ways in which a named quantity is lowered.
type letKey struct {
	let check.Object
	as  reading
}

func newExpressions(m *base) *expressions {
	l := &expressions{
		base: m, reading: reading{cornered: true}, blocks: map[*check.Neural]*Block{},
		lets: map[letKey]*ir.Node{}, locals: map[*check.Local]*ir.Node{}, passed: map[*ir.Node]*ir.Node{},
	}
	l.conditions = &conditions{l, map[switchKey]int{}, map[*ir.Node]int{}, map[*ir.Node]*ir.Node{}}
	l.roots = &roots{conditions: l.conditions, positive: map[*ir.Node]bool{}}
	l.densities = &densities{l}
	l.systems = &systems{l}
	return l
}

func itoa(i int) string { return strconv.Itoa(i) }

func shapeOf(s check.Shape) ir.Shape { return ir.Shape{Rank: s.Rank, M: s.M, N: s.N} }

// value lowers an expression and spreads a scalar over the shape.
func (l *expressions) value(x *check.Expr, shape check.Shape) *ir.Node {
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
func (l *expressions) expr(x *check.Expr) *ir.Node {
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
		return l.diff(x)
	case check.LogDensity:
		return l.densities.logDensity()
	case check.DataOf, check.Observed:
		s := l.observes[x.Object]
		in := l.out.In.Data
		if x.Kind == check.Observed {
			if in = l.out.In.Seen; l.observed {
				return l.b.Slice(l.seenInTable(s), 0, shapeOf(x.Shape))
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
func (l *expressions) ref(o check.Object) *ir.Node {
	in := &l.out.In
	shape := shapeOf(o.Info().Shape)
	if v := l.resting[o]; v != nil && l.atRest {
		return v
	}
	switch o := o.(type) {
	case *check.Time:
		return l.clock()
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
	case *check.Covariate, *check.Encoded:
		return l.ownConstant(o)
	case *check.Draw:
		return l.drawNode(o)
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
func (l *expressions) let(o check.Object, value *check.Expr) *ir.Node {
	k := letKey{o, l.reading}
	if n := l.lets[k]; n != nil {
		return n
	}
	defer l.roots.everywhere()()
	n := l.value(value, o.Info().Shape)
	l.lets[k] = n
	return n
}

// net lowers a call of a neural block: arguments over their scales, result
// times its own.
func (l *expressions) net(x *check.Expr) *ir.Node {
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
	i := l.blockIndex(n)
	if (l.located && l.cornered || l.observed) && l.out.NetArgs[i] == nil {
		l.out.NetArgs[i], l.out.NetVals[i] = l.actual(raw), l.actual(y)
	}
	if l.during != nil && l.out.AtEvents[i].Args == nil && !l.dependsOn(raw, l.out.In.A, l.out.In.Data, l.out.In.Seen) {
		l.out.AtEvents[i] = EventUse{l.actual(raw), l.actual(y), l.during.Event, l.during.Jump}
	}
	return l.b.Slice(y, 0, shapeOf(n.Shape))
}

// withoutDivergence is a divergence-free block at x, whose potentials are differentiated
// there by the place.
func (l *expressions) withoutDivergence(n *nn.Block, w, x, inScale, outScale *ir.Node) *ir.Node {
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

func (l *expressions) blockIndex(n *check.Neural) int {
	for i, b := range l.out.Blocks {
		if b.Neural == n {
			return i
		}
	}
	return -1
}

// build1 builds a block whose zero is stated in unscaled arguments.
func (l *expressions) build1(n *nn.Block, w, x, scale *ir.Node) *ir.Node {
	if n.ZeroAt == nil {
		return n.Build(l.b, w, x)
	}
	return n.BuildZeroAt(l.b, w, x, l.b.Div(l.b.ConstOf(ir.Vec(n.In), n.ZeroAt), scale))
}

// apply lowers a function's body. A local that the body differentiates by is
// kept apart by a placeholder, so that other occurrences of the same value
// do not count as it.
func (l *expressions) apply(x *check.Expr) *ir.Node {
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
	l.sites = append(l.sites, x)
	body := l.expr(x.Body)
	l.sites = l.sites[:len(l.sites)-1]
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
func (l *expressions) actual(n *ir.Node) *ir.Node {
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
func (l *expressions) op(x *check.Expr) *ir.Node {
	l.sites = append(l.sites, x)
	defer func() { l.sites = l.sites[:len(l.sites)-1] }()
	switch x.Name {
	case "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not":
		return l.conditions.cond(x)
	case "if":
		c := l.conditions.cond(x.Args[0])
		holds := l.roots.inBranch(x.Args[0], true, x.Args[1])
		return l.b.Select(c, holds, l.roots.inBranch(x.Args[0], false, x.Args[2]))
	}
	args := make([]*ir.Node, len(x.Args))
	for i, a := range x.Args {
		args[i] = l.expr(a)
	}
	if x.Name == "euler_lagrange" {
		return l.systems.lagrange(x, args)
	}
	switch x.Name {
	case "solve", "inv", "det", "logdet":
		return l.systems.system(x, args)
	}
	if n := l.roots.root(x, args); n != nil {
		return n
	}
	if n := l.roots.power(x, args); n != nil {
		return n
	}
	return l.applied(x.Name, args)
}

// applied is an operator or function of values.
func (l *expressions) applied(name string, args []*ir.Node) *ir.Node {
	if op, ok := elementaryOps[name]; ok {
		if n := l.systems.vanishing(op, args); n != nil {
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
			v = l.conditions.pick(name, v, a)
		}
		return v
	case "clamp":
		return l.conditions.pick("min", l.conditions.pick("max", args[0], args[1]), args[2])
	case "abs":
		plain := func(x *ir.Node) *ir.Node { return b.Apply(ir.OpAbs, x) }
		return l.branch(args[0], plain, corner, func(m, x *ir.Node) *ir.Node { return l.roots.upward(b.Select(m, x, b.Neg(x))) })
	case "sign":
		if !l.conditions.switched(args[0], neitherAtZero) {
			return b.Apply(ir.OpSign, args[0])
		}
		return l.elements(l.actual(args[0]), func(e *ir.Node, _ int) *ir.Node { return l.conditions.signAt(e) })
	case "relu":
		plain := func(x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Const(0)) }
		return l.branch(args[0], plain, corner, func(m, x *ir.Node) *ir.Node { return l.roots.upward(b.Select(m, x, b.Const(0))) })
	case "step":
		plain := func(x *ir.Node) *ir.Node { return b.Le(b.Const(0), x) }
		return l.branch(args[0], plain, aboveAtZero, func(m, _ *ir.Node) *ir.Node { return m })
	case "floor":
		return l.conditions.floor(args[0])
	case "ceil":
		return b.Neg(l.conditions.floor(b.Neg(args[0])))
	}
	panic("lower: no rule for " + name)
}

func (l *expressions) matmul(x, y *ir.Node) *ir.Node {
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
func (l *expressions) reduce(name string, x *ir.Node) *ir.Node {
	if x.Shape == ir.Scalar {
		return x
	}
	v := l.b.Elem(x, 0)
	for i := 1; i < x.Shape.Size(); i++ {
		v = l.conditions.pick(name, v, l.b.Elem(x, i))
	}
	return v
}

// branch lowers a function with a corner or a jump at 0: of a switch where there
// is one, else the plain function.
func (l *expressions) branch(x *ir.Node, plain func(x *ir.Node) *ir.Node, at atZero, f func(mode, x *ir.Node) *ir.Node) *ir.Node {
	if !l.conditions.switched(x, at) {
		return plain(x)
	}
	return l.elements(x, func(e *ir.Node, _ int) *ir.Node {
		if m := l.conditions.side(e, at); m != nil {
			return f(m, e)
		}
		return plain(e)
	})
}

// elements maps a function over the elements of an array.
func (l *expressions) elements(x *ir.Node, f func(e *ir.Node, i int) *ir.Node) *ir.Node {
	if x.Shape == ir.Scalar {
		return f(x, 0)
	}
	parts, offs := make([]*ir.Node, x.Shape.Size()), make([]int, x.Shape.Size())
	for i := range parts {
		parts[i], offs[i] = f(l.b.Elem(x, i), i), i
	}
	return l.b.Assemble(x.Shape, offs, parts)
}

func (l *expressions) elementOf(x *ir.Node, i int) *ir.Node {
	if x.Shape == ir.Scalar {
		return x
	}
	return l.b.Elem(x, i)
}

// moves reports whether the continuous states, the time or inputs can change
// the value.
func (l *expressions) moves(n *ir.Node) bool {
	in := &l.out.In
	return l.dependsOn(l.actual(n), in.T, in.Y, in.U)
}
