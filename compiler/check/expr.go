package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// expressions elaborates expressions: what they are made of, their shapes and units.
type expressions struct {
	exprMistakes
	arrays  *arrays
	calls   *calls
	motions *motions // for derivatives of states
}

// add registers an expression, so that its unit is grounded in the end.
func (e *expressions) add(x *Expr) *Expr {
	e.spend(1)
	if !x.bare {
		e.exprs = append(e.exprs, x)
	}
	return x
}

// number is a constant that the checker supplies.
func (e *expressions) number(v float64, shape Shape, u units.Unit, at diag.Span) *Expr {
	return e.spread(e.add(&Expr{Kind: Number, Value: v, Unit: u, Span: at}), shape)
}

// value elaborates an expression whose value is a number; nil after an error,
// which was reported.
func (e *expressions) value(s *scope, x dsl.Expr) *Expr { return e.asValue(e.expr(s, x)) }

// asValue turns a truth value into 1 or 0.
func (e *expressions) asValue(x *Expr) *Expr {
	if x == nil || !x.cond {
		return x
	}
	if x.Kind == Number {
		c := *x
		c.cond = false
		return e.add(&c)
	}
	one := e.number(1, Shape{}, units.One, x.Span)
	zero := e.number(0, Shape{}, units.One, x.Span)
	return e.add(&Expr{Kind: Op, Name: "if", Args: []*Expr{x, one, zero}, Span: x.Span})
}

// condition elaborates an expression whose value is true or false. A plain
// number is true if it is not 0.
func (e *expressions) condition(s *scope, x dsl.Expr) *Expr {
	v := e.expr(s, x)
	switch {
	case v == nil || v.cond:
		return v
	case v.Shape.Rank != 0:
		e.errVectorCondition(v)
		return nil
	}
	if l, ok := v.Object.(*Let); ok && v.Kind == Ref && l.cond != nil {
		return l.cond
	}
	if !e.demand(v, units.One) {
		e.errCondition(v)
		return nil
	}
	zero := e.number(0, Shape{}, units.One, v.Span)
	return e.add(&Expr{Kind: Op, Name: "ne", Args: []*Expr{v, zero}, Span: v.Span, cond: true})
}

// expr elaborates an expression; nil after an error, which was reported.
func (e *expressions) expr(s *scope, x dsl.Expr) *Expr {
	if !e.spend(1) {
		return nil
	}
	switch x := x.(type) {
	case *dsl.NumberLit:
		n := &Expr{Kind: Number, Value: x.Value, Span: x.Span(), bare: x.Unit == nil}
		if x.Unit != nil {
			u, ok := e.unit(x.Unit)
			if !ok {
				return nil
			}
			n.Unit = u
		}
		return e.add(n)
	case *dsl.BoolLit:
		n := &Expr{Kind: Number, Name: "false", Span: x.Span(), cond: true}
		if x.Value {
			n.Name, n.Value = "true", 1
		}
		return e.add(n)
	case *dsl.Paren:
		return e.expr(s, x.X)
	case *dsl.Name:
		return e.ref(s, x)
	case *dsl.Unary:
		return e.unary(s, x)
	case *dsl.Binary:
		return e.binary(s, x)
	case *dsl.Cond:
		return e.choice(s, x)
	case *dsl.Call:
		return e.calls.call(s, x)
	case *dsl.IndexExpr:
		return e.arrays.index(s, x)
	case *dsl.Array:
		return e.array(s, x)
	case *dsl.StringLit:
		e.errText(x)
	}
	return nil
}

// ref elaborates a use of a name.
func (e *expressions) ref(s *scope, x *dsl.Name) *Expr {
	ent, local := s.find(inValues, x.Name, x.Primes)
	if local != nil {
		c := *local
		c.Span = x.Span()
		return e.add(&c)
	}
	if ent != nil && ent.scope.back && !s.back {
		return encoded(e.scopes, e.valueOf(ent, x, x.Span()))
	}
	if ent != nil {
		return e.valueOf(ent, x, x.Span())
	}
	if f := s.family(x.Name, x.Primes); f != nil {
		return e.wholeFamily(f, x)
	}
	if base, _ := s.find(inValues, x.Name, 0); base != nil && x.Primes > 0 {
		return e.derivative(base, x)
	}
	if v, ok := constants[x.Name]; ok && x.Primes == 0 {
		return e.add(&Expr{Kind: Number, Name: x.Name, Value: v, Span: x.Span(), bare: true})
	}
	e.errUnknownName(s, x)
	return nil
}

// valueOf is the value of a declared name.
func (e *expressions) valueOf(ent *entity, x *dsl.Name, at diag.Span) *Expr {
	ent.read = true
	if d, ok := ent.decl.(*dsl.FnDecl); ok {
		if ent.twice {
			return nil
		}
		e.errNotAValue(x, ent, "a function", d.Name.Name)
		return nil
	}
	if d, ok := ent.decl.(*dsl.NeuralDecl); ok {
		if ent.twice {
			return nil
		}
		e.errNotAValue(x, ent, "a neural block", d.Name.Name)
		return nil
	}
	if !e.touch(ent) {
		return nil
	}
	if c, ok := ent.obj.(*Const); ok {
		return e.constant(c, at)
	}
	o := ent.obj.Info()
	return e.add(&Expr{Kind: Ref, Object: ent.obj, Shape: o.Shape, Unit: o.Unit, Span: at})
}

// constant is the value of a constant: a number, or an array of numbers.
func (e *expressions) constant(c *Const, at diag.Span) *Expr {
	out := &Expr{Kind: Numbers, Values: c.Values, Shape: c.Shape, Object: c, Unit: c.Unit, Span: at}
	if c.Shape.Rank == 0 {
		out.Kind, out.Value, out.Values = Number, c.Values[0], nil
	}
	return e.add(out)
}

// wholeFamily is the array of the values that a loop declares.
func (e *expressions) wholeFamily(f *family, x *dsl.Name) *Expr {
	if !f.flat {
		e.errFamily(x, x.Name, f)
		return nil
	}
	var elems []*Expr
	for _, m := range f.order {
		v := e.valueOf(m, x, x.Span())
		if v == nil {
			return nil
		}
		elems = append(elems, v)
	}
	return e.stackOf(elems, x.Span())
}

// derivative elaborates the derivative of a state that is no state itself:
// the right-hand side of its equation.
func (e *expressions) derivative(base *entity, x *dsl.Name) *Expr {
	switch base.decl.(type) {
	case *dsl.StateDecl, *dsl.AugmentDecl:
	default:
		e.errNoDerivative(x, base)
		return nil
	}
	if !e.touch(base) {
		return nil
	}
	base.read = true
	top, order := base, 1
	for next := e.names[inValues][top.name+"'"]; next != nil; next = e.names[inValues][top.name+"'"] {
		top = next
		order++
	}
	if x.Primes > order {
		e.errHighDerivative(x, base, order)
		return nil
	}
	r := e.motions.rateOf(base)
	if !e.touch(r) {
		return nil
	}
	o := r.obj.Info()
	return e.add(&Expr{Kind: Ref, Object: r.obj, Shape: o.Shape, Unit: o.Unit, Span: x.Span()})
}

func (e *expressions) unary(s *scope, x *dsl.Unary) *Expr {
	if x.Op == "not" {
		a := e.condition(s, x.X)
		if a == nil {
			return nil
		}
		return e.add(&Expr{Kind: Op, Name: "not", Args: []*Expr{a}, Span: x.Span(), cond: true})
	}
	a := e.value(s, x.X)
	if a == nil {
		return nil
	}
	if a.Kind == Number && a.Object == nil && a.Name == "" {
		n := *a
		n.Value, n.Span = -a.Value, x.Span()
		return e.add(&n)
	}
	return e.add(&Expr{Kind: Op, Name: "neg", Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span(), bare: a.bare})
}

func (e *expressions) binary(s *scope, x *dsl.Binary) *Expr {
	op := operatorBySymbol[x.Op]
	operand := e.value
	if op.Units == truths {
		operand = e.condition
	}
	a, b := operand(s, x.X), operand(s, x.Y)
	if a == nil || b == nil {
		return nil
	}
	out := &Expr{Kind: Op, Name: op.Name, Args: []*Expr{a, b}, Span: x.Span()}
	switch op.Units {
	case powers:
		return e.power(out, x.OpSp)
	case truths:
		out.cond = true
		return e.add(out)
	}
	if op.Name == "matmul" {
		if out.Shape = matmul(a.Shape, b.Shape); out.Shape.Rank < 0 {
			e.errMatmul(x.OpSp, a, b)
			return nil
		}
	} else {
		var ok bool
		if out.Shape, ok = common(a, b); !ok {
			e.errShapes(x.OpSp, a, b)
			return nil
		}
	}
	switch op.Units {
	case products:
		e.product(out, op.Name == "div")
	case equal:
		if !e.meet(a, b, x.Span()) {
			e.errUnits(x.OpSp, op.Verb, a, b)
			return nil
		}
		out.Unit, out.bare = a.Unit, a.bare && b.bare
	case compares:
		if !e.meet(a, b, x.Span()) {
			e.errUnits(x.OpSp, op.Verb, a, b)
			return nil
		}
		out.cond = true
		if out.Shape.Rank != 0 {
			e.errVectorCondition(out)
			return nil
		}
	}
	return e.add(out)
}

// product sets the unit of a product or quotient, in which a bare number has
// none.
func (e *expressions) product(out *Expr, quotient bool) {
	a, b := out.Args[0], out.Args[1]
	switch {
	case a.bare && b.bare:
		out.bare = true
	case b.Unit.Dimensionless():
		out.Unit = a.Unit
	case quotient:
		out.Unit = a.Unit.Div(b.Unit)
	case a.Unit.Dimensionless():
		out.Unit = b.Unit
	default:
		out.Unit = a.Unit.Mul(b.Unit)
	}
}

// matmul is the shape of a matrix product; of rank −1 if there is none.
func matmul(a, b Shape) Shape {
	switch {
	case a.Rank == 2 && b.Rank == 2 && a.N == b.M && a.M <= maxSize/b.N:
		return mat(a.M, b.N)
	case a.Rank == 2 && b.Rank == 1 && a.N == b.N:
		return vec(a.M)
	case a.Rank == 1 && b.Rank == 2 && a.N == b.M:
		return vec(b.N)
	case a.Rank == 1 && b.Rank == 1 && a.N == b.N:
		return Shape{}
	}
	return Shape{Rank: -1}
}

// power elaborates a^b: a unit needs a constant exponent.
func (e *expressions) power(out *Expr, op diag.Span) *Expr {
	a, b := out.Args[0], out.Args[1]
	var ok bool
	if out.Shape, ok = common(a, b); !ok {
		e.errShapes(op, a, b)
		return nil
	}
	if out.bare = a.bare && b.bare; out.bare {
		return e.add(out)
	}
	if !e.demand(b, units.One) {
		e.errExponentUnit(b)
		return nil
	}
	if v, isConst := fold(b); isConst && len(v) == 1 && !a.bare {
		if num, den, ok := rational(v[0]); ok {
			out.Unit = a.Unit.Pow(num, den)
			return e.add(out)
		}
	}
	if !e.demand(a, units.One) {
		e.errExponent(op, a, b)
		return nil
	}
	return e.add(out)
}

// rational finds a fraction with a small denominator.
func rational(v float64) (num, den int, ok bool) {
	for den = 1; den <= 12; den++ {
		n := math.Round(v * float64(den))
		if math.Abs(n-v*float64(den)) < 1e-12*math.Max(1, math.Abs(n)) && math.Abs(n) <= maxExponent {
			return int(n), den, true
		}
	}
	return 0, 0, false
}

func (e *expressions) choice(s *scope, x *dsl.Cond) *Expr {
	c, a, b := e.condition(s, x.If), e.value(s, x.Then), e.value(s, x.Else)
	if c == nil || a == nil || b == nil {
		return nil
	}
	shape, ok := common(a, b)
	if !ok {
		e.errShapes(x.Span(), a, b)
		return nil
	}
	if !e.meet(a, b, x.Span()) {
		e.errUnits(x.Span(), "choose between", a, b)
		return nil
	}
	return e.add(&Expr{Kind: Op, Name: "if", Args: []*Expr{c, a, b}, Shape: shape, Unit: a.Unit, Span: x.Span(), bare: a.bare && b.bare})
}

func (e *expressions) array(s *scope, x *dsl.Array) *Expr {
	if len(x.Elems) == 0 {
		e.errEmptyArray(x)
		return nil
	}
	elems := make([]*Expr, len(x.Elems))
	ok := true
	for i, el := range x.Elems {
		elems[i] = e.value(s, el)
		ok = ok && elems[i] != nil
	}
	if !ok {
		return nil
	}
	return e.stackOf(elems, x.Span())
}

// stackOf puts elements into an array, if their shapes and units agree.
func (e *expressions) stackOf(elems []*Expr, at diag.Span) *Expr {
	lead := elems[0]
	for _, a := range elems {
		if a.Shape != lead.Shape {
			e.errShapes(at, lead, a)
			return nil
		}
	}
	for _, a := range elems {
		if !a.bare {
			lead = a
			break
		}
	}
	for _, a := range elems {
		if !e.meet(lead, a, at) {
			e.errUnits(at, "put into one array", lead, a)
			return nil
		}
	}
	out := &Expr{Kind: Stack, Args: elems, Unit: lead.Unit, Span: at, bare: lead.bare}
	switch lead.Shape.Rank {
	case 0:
		out.Shape = vec(len(elems))
	case 1:
		out.Shape = mat(len(elems), lead.Shape.N)
	default:
		e.errDeepArray(at)
		return nil
	}
	return e.add(out)
}

// constInt evaluates a whole number that must be known when the model is
// compiled.
func (e *expressions) constInt(s *scope, x dsl.Expr) (int, bool) {
	v := e.value(s, x)
	if v == nil {
		return 0, false
	}
	c, ok := fold(v)
	switch {
	case !ok || len(c) != 1:
		e.errNotConstant(v, "an index or a size")
	case c[0] != math.Trunc(c[0]) || math.Abs(c[0]) > 1e9:
		e.errNotWhole(v, c[0])
	case !e.demand(v, units.One):
		e.errIndexUnit(v)
	default:
		return int(c[0]), true
	}
	return 0, false
}

func (e *expressions) coordinateNames() (out []string) {
	for _, x := range e.order {
		if _, ok := x.decl.(*dsl.CoordinateDecl); ok {
			out = append(out, x.name)
		}
	}
	return out
}
