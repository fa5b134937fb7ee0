package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/diag"
	"github.com/pinode/pinode/physics/units"
)

var opNames = map[string]string{
	"+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow", "@": "matmul",
	"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "and": "and", "or": "or",
}

// add registers an expression, so that its unit is grounded in the end.
func (e *elaborator) add(x *Expr) *Expr {
	e.exprs = append(e.exprs, x)
	return x
}

// number is a constant that the checker supplies.
func (e *elaborator) number(v float64, u units.Unit, at diag.Span) *Expr {
	return e.add(&Expr{Kind: Number, Value: v, Unit: u, Span: at})
}

// name spells a unit as it is known so far.
func (e *checker) name(u units.Unit) string { return e.table.Name(e.solver.Resolve(u)) }

// unify makes the unit of x the wanted one. A bare number takes any.
func (e *elaborator) unify(x *Expr, want units.Unit, report func()) bool {
	if e.solver.Unify(x.Unit, want) {
		return true
	}
	report()
	return false
}

// product gives x the unit it has in a product: none, if it is a bare number.
func (e *elaborator) product(x *Expr) units.Unit {
	if x.bare {
		e.solver.Unify(x.Unit, units.One)
	}
	return x.Unit
}

// expr elaborates an expression; nil after an error, which was reported.
func (e *elaborator) expr(s *scope, x dsl.Expr) *Expr {
	switch x := x.(type) {
	case *dsl.NumberLit:
		n := &Expr{Kind: Number, Value: x.Value, Span: x.Span(), bare: x.Unit == nil}
		if x.Unit != nil {
			u, ok := e.unit(x.Unit)
			if !ok {
				return nil
			}
			n.Unit = u
		} else {
			n.Unit = e.solver.Fresh()
		}
		return e.add(n)
	case *dsl.BoolLit:
		v := 0.
		if x.Value {
			v = 1
		}
		return e.number(v, units.One, x.Span())
	case *dsl.Paren:
		return e.expr(s, x.X)
	case *dsl.Name:
		return e.ref(s, x)
	case *dsl.Unary:
		return e.unary(s, x)
	case *dsl.Binary:
		return e.binary(s, x)
	case *dsl.Cond:
		return e.cond(s, x)
	case *dsl.Call:
		return e.call(s, x)
	case *dsl.IndexExpr:
		return e.index(s, x)
	case *dsl.Array:
		return e.array(s, x)
	case *dsl.StringLit:
		e.diags.Errorf("bad-expression", x.Span(), "a text cannot stand in an expression")
	}
	return nil
}

// ref elaborates a use of a name.
func (e *elaborator) ref(s *scope, x *dsl.Name) *Expr {
	name := dslName(x)
	ent, local := s.lookup(name)
	if local != nil {
		c := *local
		c.Span = x.Span()
		return e.add(&c)
	}
	if ent == nil && x.Primes > 0 {
		if r := e.rateOf(s, x); r != nil {
			return r
		}
	}
	if ent == nil {
		if v, ok := constants[name]; ok {
			return e.add(&Expr{Kind: Number, Name: name, Value: v, Unit: e.solver.Fresh(), Span: x.Span(), bare: true})
		}
		e.errUnknownName(s, x)
		return nil
	}
	if !e.touch(ent) || ent.obj == nil {
		if _, fn := ent.decl.(*dsl.FnDecl); fn {
			e.diags.Errorf("not-a-value", x.Span(), "`%s` is a function", name).WithHelp("call it: `%s(…)`", name)
		}
		return nil
	}
	switch o := ent.obj.(type) {
	case *Neural:
		e.diags.Errorf("not-a-value", x.Span(), "`%s` is a neural block", name).WithHelp("call it: `%s(…)`", name)
		return nil
	case *Event:
		e.diags.Errorf("not-a-value", x.Span(), "`%s` is an event and has no value", name)
		return nil
	case *Const:
		if len(o.Values) == 1 && o.Shape.Rank == 0 {
			return e.add(&Expr{Kind: Number, Value: o.Values[0], Object: o, Unit: o.Unit, Span: x.Span()})
		}
		return e.add(e.constArray(o, x.Span()))
	}
	o := ent.obj.Info()
	return e.add(&Expr{Kind: Ref, Object: ent.obj, Shape: o.Shape, Unit: o.Unit, Span: x.Span()})
}

func dslName(x *dsl.Name) string {
	n := x.Name
	for range x.Primes {
		n += "'"
	}
	return n
}

// constArray is a constant array as a stack of numbers.
func (e *elaborator) constArray(o *Const, at diag.Span) *Expr {
	n := len(o.Values)
	cols := n
	if o.Shape.Rank == 2 {
		cols = o.Shape.N
	}
	var rows []*Expr
	for i := 0; i < n; i += cols {
		row := &Expr{Kind: Stack, Shape: Shape{Rank: 1, N: cols}, Unit: o.Unit, Span: at}
		for _, v := range o.Values[i : i+cols] {
			row.Args = append(row.Args, e.number(v, o.Unit, at))
		}
		rows = append(rows, e.add(row))
	}
	if o.Shape.Rank < 2 {
		return rows[0]
	}
	return &Expr{Kind: Stack, Args: rows, Shape: o.Shape, Unit: o.Unit, Span: at}
}

// rateOf elaborates the derivative of a state that has no state of its own:
// the right-hand side of its equation.
func (e *elaborator) rateOf(s *scope, x *dsl.Name) *Expr {
	base, _ := s.lookup(x.Name)
	if base == nil {
		return nil
	}
	if _, ok := base.decl.(*dsl.StateDecl); !ok || !e.touch(base) {
		return nil
	}
	name := base.name + dslName(&dsl.Name{Primes: x.Primes})
	top := base.name + dslName(&dsl.Name{Primes: x.Primes - 1})
	ent := e.names[top]
	if ent == nil || ent.obj == nil {
		return nil
	}
	r := e.names["rate "+name]
	if r == nil {
		r = &entity{name: name, at: base.at, scope: base.scope}
		r.resolve = func(r *entity) {
			l := &Let{Obj: Obj{Name: name, Span: base.at, Unit: ent.obj.Info().Unit.Div(e.m.Time.Unit), Shape: ent.obj.Info().Shape}}
			l.Value = e.rate(base.name)
			if l.Value != nil {
				r.obj = l
			}
		}
		e.names["rate "+name] = r
	}
	if !e.touch(r) || r.obj == nil {
		return nil
	}
	o := r.obj.Info()
	return e.add(&Expr{Kind: Ref, Object: r.obj, Shape: o.Shape, Unit: o.Unit, Span: x.Span()})
}

func (e *elaborator) unary(s *scope, x *dsl.Unary) *Expr {
	a := e.expr(s, x.X)
	if a == nil {
		return nil
	}
	if x.Op == "not" {
		if !e.scalarCond(a) {
			return nil
		}
		return e.add(&Expr{Kind: Op, Name: "not", Args: []*Expr{a}, Unit: units.One, Span: x.Span()})
	}
	if a.Kind == Number && a.Object == nil {
		n := *a
		n.Value, n.Span = -a.Value, x.Span()
		return e.add(&n)
	}
	return e.add(&Expr{Kind: Op, Name: "neg", Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span(), bare: a.bare})
}

// scalarCond checks that x can be a condition.
func (e *elaborator) scalarCond(x *Expr) bool {
	if x.Shape.Rank != 0 {
		e.diags.Errorf("vector-condition", x.Span, "a condition is a single truth value, this has shape %s", x.Shape).
			WithHelp("compare single elements, or reduce with `min`, `max` or `norm`")
		return false
	}
	return e.unify(x, units.One, func() {
		e.diags.Errorf("not-a-condition", x.Span, "a condition has no unit, this is in %s", e.name(x.Unit)).WithHelp("compare it with something")
	})
}

// spread is the shape of an elementwise operation.
func (e *elaborator) spread(at diag.Span, args ...*Expr) (Shape, bool) {
	out := Shape{}
	for i, a := range args {
		switch {
		case a.Shape.Rank == 0 || a.Shape == out:
		case out.Rank == 0:
			out = a.Shape
		default:
			e.errShapes(at, args[:i+1])
			return out, false
		}
	}
	return out, true
}

func (e *elaborator) binary(s *scope, x *dsl.Binary) *Expr {
	a, b := e.expr(s, x.X), e.expr(s, x.Y)
	if a == nil || b == nil {
		return nil
	}
	out := &Expr{Kind: Op, Name: opNames[x.Op], Args: []*Expr{a, b}, Span: x.Span(), bare: a.bare && b.bare}
	if x.Op == "@" {
		return e.matmul(x, out)
	}
	shape, ok := e.spread(x.OpSp, a, b)
	if !ok {
		return nil
	}
	out.Shape = shape
	switch x.Op {
	case "+", "-":
		if !e.solver.Unify(a.Unit, b.Unit) {
			e.errUnits(x.OpSp, map[string]string{"+": "add", "-": "subtract"}[x.Op], a, b)
			return nil
		}
		out.Unit = a.Unit
	case "*", "/":
		if out.bare {
			out.Unit = e.solver.Fresh()
			break
		}
		ua, ub := e.product(a), e.product(b)
		if x.Op == "*" {
			out.Unit = ua.Mul(ub)
		} else {
			out.Unit = ua.Div(ub)
		}
	case "^":
		return e.power(x, out)
	case "and", "or":
		if !e.scalarCond(a) || !e.scalarCond(b) {
			return nil
		}
		out.Unit, out.bare = units.One, false
	default: // comparisons
		if !e.solver.Unify(a.Unit, b.Unit) {
			e.errUnits(x.OpSp, "compare", a, b)
			return nil
		}
		out.Unit, out.bare = units.One, false
		if shape.Rank != 0 {
			e.scalarCond(out)
			return nil
		}
	}
	return e.add(out)
}

func (e *elaborator) matmul(x *dsl.Binary, out *Expr) *Expr {
	a, b := out.Args[0], out.Args[1]
	sa, sb := a.Shape, b.Shape
	switch {
	case sa.Rank == 2 && sb.Rank == 2 && sa.N == sb.M:
		out.Shape = Shape{Rank: 2, M: sa.M, N: sb.N}
	case sa.Rank == 2 && sb.Rank == 1 && sa.N == sb.N:
		out.Shape = Shape{Rank: 1, N: sa.M}
	case sa.Rank == 1 && sb.Rank == 2 && sa.N == sb.M:
		out.Shape = Shape{Rank: 1, N: sb.N}
	case sa.Rank == 1 && sb.Rank == 1 && sa.N == sb.N:
	default:
		e.errShapes(x.OpSp, out.Args)
		return nil
	}
	out.Unit, out.bare = e.product(a).Mul(e.product(b)), false
	return e.add(out)
}

// power elaborates x^y: a unit needs a constant exponent.
func (e *elaborator) power(x *dsl.Binary, out *Expr) *Expr {
	a, b := out.Args[0], out.Args[1]
	if !e.unify(b, units.One, func() {
		e.diags.Errorf("unit-mismatch", b.Span, "an exponent has no unit, this is in %s", e.name(b.Unit))
	}) {
		return nil
	}
	if out.bare {
		out.Unit = e.solver.Fresh()
		return e.add(out)
	}
	v, isConst := foldConst(b)
	if isConst && len(v) == 1 {
		if num, den, ok := rational(v[0]); ok {
			out.Unit = e.product(a).Pow(num, den)
			return e.add(out)
		}
	}
	if !e.unify(a, units.One, func() {
		e.diags.Errorf("unit-mismatch", x.OpSp, "a quantity with a unit needs a constant exponent").
			WithNote(a.Span, "this has unit %s", e.name(a.Unit)).
			WithHelp("divide it by a reference quantity first: `(x/x0)^n`")
	}) {
		return nil
	}
	out.Unit = units.One
	return e.add(out)
}

// rational finds a fraction with a small denominator.
func rational(v float64) (num, den int, ok bool) {
	for den = 1; den <= 12; den++ {
		if n := math.Round(v * float64(den)); math.Abs(n-v*float64(den)) < 1e-12*math.Max(1, math.Abs(n)) && math.Abs(n) < 1000 {
			return int(n), den, true
		}
	}
	return 0, 0, false
}

func (e *elaborator) cond(s *scope, x *dsl.Cond) *Expr {
	c, a, b := e.expr(s, x.If), e.expr(s, x.Then), e.expr(s, x.Else)
	if c == nil || a == nil || b == nil || !e.scalarCond(c) {
		return nil
	}
	shape, ok := e.spread(x.Span(), a, b)
	if !ok {
		return nil
	}
	if !e.solver.Unify(a.Unit, b.Unit) {
		e.errUnits(x.Span(), "choose between", a, b)
		return nil
	}
	return e.add(&Expr{Kind: Op, Name: "if", Args: []*Expr{c, a, b}, Shape: shape, Unit: a.Unit, Span: x.Span()})
}

func (e *elaborator) array(s *scope, x *dsl.Array) *Expr {
	if len(x.Elems) == 0 {
		e.diags.Errorf("bad-shape", x.Span(), "an array has at least one element")
		return nil
	}
	out := &Expr{Kind: Stack, Span: x.Span(), bare: true}
	for _, el := range x.Elems {
		a := e.expr(s, el)
		if a == nil {
			return nil
		}
		out.Args = append(out.Args, a)
	}
	first := out.Args[0]
	for _, a := range out.Args[1:] {
		if a.Shape != first.Shape {
			e.errShapes(x.Span(), out.Args)
			return nil
		}
		if !e.solver.Unify(a.Unit, first.Unit) {
			e.errUnits(x.Span(), "put into one array", first, a)
			return nil
		}
	}
	for _, a := range out.Args {
		out.bare = out.bare && a.bare
	}
	out.Unit = first.Unit
	switch first.Shape.Rank {
	case 0:
		out.Shape = Shape{Rank: 1, N: len(out.Args)}
	case 1:
		out.Shape = Shape{Rank: 2, M: len(out.Args), N: first.Shape.N}
	default:
		e.diags.Errorf("bad-shape", x.Span(), "arrays have at most two dimensions")
		return nil
	}
	return e.add(out)
}

func (e *elaborator) index(s *scope, x *dsl.IndexExpr) *Expr {
	a := e.expr(s, x.X)
	if a == nil {
		return nil
	}
	off, shape, ok := e.slice(s, a.Shape, x.Index, x.Span())
	if !ok {
		return nil
	}
	if off < 0 { // a block of columns: gather it row by row
		return e.columns(s, a, x)
	}
	return e.add(&Expr{Kind: Slice, Args: []*Expr{a}, Offset: off, Shape: shape, Unit: a.Unit, Span: x.Span(), bare: a.bare})
}

// slice finds the run of elements that an index selects; off is −1 where they
// are no run (columns of a matrix).
func (e *elaborator) slice(s *scope, of Shape, index []dsl.Range, at diag.Span) (off int, shape Shape, ok bool) {
	if of.Rank == 0 {
		e.diags.Errorf("bad-index", at, "a single number has no elements")
		return 0, shape, false
	}
	if len(index) > of.Rank {
		e.diags.Errorf("bad-index", at, "%d indices into shape %s", len(index), of)
		return 0, shape, false
	}
	dims := []int{of.N}
	if of.Rank == 2 {
		dims = []int{of.M, of.N}
	}
	lo, hi, whole := []int{0, 0}, []int{0, 0}, []bool{false, false}
	for i, n := range dims {
		hi[i] = n
		if i >= len(index) {
			whole[i] = true
			continue
		}
		r := index[i]
		whole[i] = r.Colon
		if r.Lo != nil {
			if lo[i], ok = e.constInt(s, r.Lo); !ok {
				return 0, shape, false
			}
		}
		switch {
		case !r.Colon:
			hi[i] = lo[i] + 1
		case r.Hi != nil:
			if hi[i], ok = e.constInt(s, r.Hi); !ok {
				return 0, shape, false
			}
		}
		if lo[i] < 0 || hi[i] > n || lo[i] >= hi[i] {
			e.diags.Errorf("bad-index", r.Span(), "index %d is outside of 0 to %d", max(lo[i], hi[i]-1), n-1).
				WithNote(at, "shape %s", of)
			return 0, shape, false
		}
	}
	if of.Rank == 1 {
		if whole[0] {
			return lo[0], Shape{Rank: 1, N: hi[0] - lo[0]}, true
		}
		return lo[0], Shape{}, true
	}
	rows, cols := hi[0]-lo[0], hi[1]-lo[1]
	off = lo[0]*of.N + lo[1]
	switch {
	case !whole[0] && !whole[1]:
		return off, Shape{}, true
	case !whole[0]:
		return off, Shape{Rank: 1, N: cols}, true
	case cols == of.N && whole[1]:
		return off, Shape{Rank: 2, M: rows, N: cols}, true
	}
	return -1, Shape{}, true
}

// columns elaborates A[a:b, c:d] and A[:, c].
func (e *elaborator) columns(s *scope, a *Expr, x *dsl.IndexExpr) *Expr {
	r := x.Index
	lo, hi := 0, a.Shape.M
	if r[0].Lo != nil {
		lo, _ = e.constInt(s, r[0].Lo)
	}
	if r[0].Hi != nil {
		hi, _ = e.constInt(s, r[0].Hi)
	}
	clo, chi := 0, a.Shape.N
	if r[1].Lo != nil {
		clo, _ = e.constInt(s, r[1].Lo)
	}
	if !r[1].Colon {
		chi = clo + 1
	} else if r[1].Hi != nil {
		chi, _ = e.constInt(s, r[1].Hi)
	}
	out := &Expr{Kind: Stack, Unit: a.Unit, Span: x.Span(), Shape: Shape{Rank: 1, N: hi - lo}}
	row := Shape{}
	if r[1].Colon {
		row = Shape{Rank: 1, N: chi - clo}
		out.Shape = Shape{Rank: 2, M: hi - lo, N: chi - clo}
	}
	for i := lo; i < hi; i++ {
		out.Args = append(out.Args, e.add(&Expr{Kind: Slice, Args: []*Expr{a}, Offset: i*a.Shape.N + clo, Shape: row, Unit: a.Unit, Span: x.Span()}))
	}
	return e.add(out)
}

// constInt evaluates a whole number that must be known when the model is
// compiled.
func (e *elaborator) constInt(s *scope, x dsl.Expr) (int, bool) {
	v := e.expr(s, x)
	if v == nil {
		return 0, false
	}
	c, ok := foldConst(v)
	if !ok || len(c) != 1 {
		e.diags.Errorf("not-constant", x.Span(), "this must be a whole number that is known when the model is compiled")
		return 0, false
	}
	if c[0] != math.Trunc(c[0]) || math.Abs(c[0]) > 1e9 {
		e.diags.Errorf("not-constant", x.Span(), "this must be a whole number, not %g", c[0])
		return 0, false
	}
	return int(c[0]), true
}

// constIn evaluates a number in the unit of an object.
func (e *elaborator) constIn(s *scope, x dsl.Expr, o *Obj) (float64, bool) {
	v := e.expr(s, x)
	if v == nil {
		return 0, false
	}
	c, ok := foldConst(v)
	if !ok || len(c) != 1 {
		e.diags.Errorf("not-constant", x.Span(), "this must be a number that is known when the model is compiled")
		return 0, false
	}
	return c[0], e.unify(v, o.Unit, func() { e.errInit(v, o) })
}

// foldConst evaluates an expression of numbers and constants.
func foldConst(x *Expr) ([]float64, bool) {
	return Evaluate(x, func(*Expr) ([]float64, bool) { return nil, false })
}

// Evaluate evaluates an expression whose leaves, besides numbers and
// constants, are known to leaf. It reports false where the expression needs
// something else.
func Evaluate(x *Expr, leaf func(*Expr) ([]float64, bool)) ([]float64, bool) {
	switch x.Kind {
	case Number:
		v := make([]float64, x.Shape.Size())
		for i := range v {
			v[i] = x.Value
		}
		return v, true
	case Stack:
		var out []float64
		for _, a := range x.Args {
			v, ok := Evaluate(a, leaf)
			if !ok {
				return nil, false
			}
			out = append(out, v...)
		}
		return out, true
	case Slice:
		v, ok := Evaluate(x.Args[0], leaf)
		if !ok {
			return nil, false
		}
		return v[x.Offset : x.Offset+x.Shape.Size()], true
	case Smooth:
		return Evaluate(x.Args[0], leaf)
	case Op:
		return evaluateOp(x, leaf)
	}
	return leaf(x)
}

func evaluateOp(x *Expr, leaf func(*Expr) ([]float64, bool)) ([]float64, bool) {
	args := make([][]float64, len(x.Args))
	n := x.Shape.Size()
	for i, a := range x.Args {
		v, ok := Evaluate(a, leaf)
		if !ok || len(v) != 1 && len(v) != n {
			return nil, false
		}
		args[i] = v
	}
	f := evaluators[x.Name]
	if f == nil {
		fn := functionByName[x.Name]
		if fn == nil || fn.Eval == nil || fn.Shapes == reduce && len(args) == 1 {
			return nil, false
		}
		f = fn.Eval
	}
	out := make([]float64, n)
	in := make([]float64, len(args))
	for i := range out {
		for k, a := range args {
			in[k] = a[min(i, len(a)-1)]
		}
		out[i] = f(in...)
	}
	return out, true
}

var evaluators = map[string]func(x ...float64) float64{
	"add": two(func(x, y float64) float64 { return x + y }),
	"sub": two(func(x, y float64) float64 { return x - y }),
	"mul": two(func(x, y float64) float64 { return x * y }),
	"div": two(func(x, y float64) float64 { return x / y }),
	"pow": two(math.Pow),
	"neg": one(func(x float64) float64 { return -x }),
	"not": one(func(x float64) float64 { return 1 - x }),
	"and": two(func(x, y float64) float64 { return x * y }),
	"or":  two(math.Max),
	"lt":  two(func(x, y float64) float64 { return truth(x < y) }),
	"le":  two(func(x, y float64) float64 { return truth(x <= y) }),
	"gt":  two(func(x, y float64) float64 { return truth(x > y) }),
	"ge":  two(func(x, y float64) float64 { return truth(x >= y) }),
	"eq":  two(func(x, y float64) float64 { return truth(x == y) }),
	"ne":  two(func(x, y float64) float64 { return truth(x != y) }),
	"if": func(x ...float64) float64 {
		if x[0] != 0 {
			return x[1]
		}
		return x[2]
	},
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
