package check

import (
	"fmt"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// exprMistakes has the wording of mistakes in shapes and in the parts of expressions.
type exprMistakes struct{ unitMistakes }

func (e exprMistakes) errText(x *dsl.StringLit) {
	e.diags.Errorf(badExpression, x.Span(), "a text cannot stand in an expression")
}

func (e exprMistakes) errNotAValue(x *dsl.Name, ent *entity, what, short string) {
	e.diags.Errorf(notAValue, x.Span(), "`%s` is %s and no value", ent.name, what).
		WithNote(ent.at, "it is declared here").WithHelp("call it: `%s(…)`", short)
}

func (e *calls) errNotAFunction(x *dsl.Call, ent *entity) {
	d := e.diags.Errorf(notAFunction, x.Fun.Span(), "`%s` is not a function", dsl.FormatExpr(x.Fun))
	if ent != nil && ent.at.Src != nil {
		d.WithNote(ent.at, "it is declared here")
	}
	d.WithHelp("a product needs its sign: `%s*(…)`", dsl.FormatExpr(x.Fun))
}

func (e exprMistakes) errArity(x *dsl.Call, want int) {
	n := "at least one argument"
	if want >= 0 {
		n = plural(want, "argument")
	}
	d := e.diags.Errorf(wrongArguments, x.Span(), "`%s` takes %s, not %d", x.Fun.Name, n, len(x.Args))
	if f := functionByName[x.Fun.Name]; f != nil {
		d.WithHelp("%s: %s", f.Name, f.Doc)
	}
}

// inUse says in which use of a function its body is wrong. What is wrong in
// the library is shown where the model uses it.
func (e *calls) inUse(list []*diag.Diagnostic, x *dsl.Call, ent *entity) {
	for _, d := range list {
		if d.Span.Src == x.Span().Src {
			d.WithNote(x.Span(), "in this use of `%s`", ent.name)
			continue
		}
		d.WithNote(d.Span, "in the body of `%s`", ent.name)
		d.Span = x.Span()
	}
}

// described is a shape with the declaration that it comes from.
func (e exprMistakes) shaped(x *Expr) string {
	s := "shape " + x.Shape.String()
	if x.Shape.Rank == 0 {
		s = "a single value"
	}
	if o := x.Object; o != nil && o.Info().Span.Src != nil {
		s += fmt.Sprintf(" (%s, %s)", o.Info().Name, e.at(o.Info().Span))
	}
	return s
}

func (e exprMistakes) errShapes(at diag.Span, args ...*Expr) {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.Shape.String()
	}
	d := e.diags.Errorf(shapeMismatch, at, "shapes %s do not fit", strings.Join(parts, " and "))
	for _, a := range args {
		if a.Span != at {
			d.WithNote(a.Span, "this is %s", e.shaped(a))
		}
	}
}

func (e exprMistakes) errMatmul(op diag.Span, a, b *Expr) {
	e.diags.Errorf(shapeMismatch, op, "there is no matrix product of %s and %s", a.Shape, b.Shape).
		WithNote(a.Span, "this is %s", e.shaped(a)).
		WithNote(b.Span, "this is %s", e.shaped(b)).
		WithHelp("the last dimension of the first must be the first of the second; `*` multiplies element by element")
}

func (e *calls) errVectors(f *Function, x *Expr) {
	want := map[string]string{"norm": "a vector", "dot": "two vectors of equal length", "cross": "two vectors of three elements"}[f.Name]
	d := e.diags.Errorf(shapeMismatch, x.Span, "`%s` takes %s", f.Name, want)
	for _, a := range x.Args {
		d.WithNote(a.Span, "this is %s", e.shaped(a))
	}
}

func (e specialMistakes) errNotVector(x *dsl.Call, a *Expr) {
	e.diags.Errorf(shapeMismatch, a.Span, "`%s` takes a vector", x.Fun.Name).WithNote(a.Span, "this is %s", e.shaped(a))
}

func (e specialMistakes) errNotSquare(x *dsl.Call, a *Expr) {
	e.diags.Errorf(shapeMismatch, a.Span, "`%s` takes a square matrix", x.Fun.Name).WithNote(a.Span, "this is %s", e.shaped(a))
}

func (e specialMistakes) errLagrangeArity(x *dsl.Call) {
	e.diags.Errorf(wrongArguments, x.Span(), "`euler_lagrange` takes a Lagrangian, its coordinates and, if there are any, generalised forces: `euler_lagrange(L, q, Q)`")
}

func (e specialMistakes) errCoordinates(q *Expr) {
	e.diags.Errorf(badDerivative, q.Span, "the coordinates of `euler_lagrange` are a state with an equation `q'' = …`, a number or a vector").
		WithHelp("put several coordinates into one vector: `state q[2] = …, q' = …`")
}

func (e specialMistakes) errFirstOrder(q *Expr, s *State) {
	e.diags.Errorf(badDerivative, q.Span, "`%s` has no second derivative by time", s.Name).
		WithNote(s.Span, "`%s` is declared here", s.Name).
		WithHelp("declare it as `state %s = …, %s' = …`, and write `%s'' = euler_lagrange(…)`", s.Name, s.Name, s.Name)
}

func (e specialMistakes) errForce(force, q *Expr, want units.Unit) {
	e.diags.Errorf(unitMismatch, force.Span, "a generalised force has the unit of L over that of `%s`, %s; this is in %s", Text(q), e.name(want), e.name(force.Unit))
}

func (e *values) errTableShape(o *Const, d *dsl.ConstDecl) {
	e.diags.Errorf(badShape, d.From.Span(), "a file has as many numbers as `%s` has elements: declare its shape", o.Name).
		WithHelp("as in `const %s[33, 32] from %q`", o.Name, d.From.Value)
}

func (e *values) errTable(d *dsl.ConstDecl, why, what string) {
	e.diags.Errorf(badTable, d.From.Span(), "the constant `%s` cannot be read from %q: %s", d.Name.Name, d.From.Value, why).WithHelp("%s", what)
}

func (e specialMistakes) errStages(x *dsl.Call, q int) {
	e.diags.Errorf(badExpression, x.Args[0].Span(), "`%s` has 1 to %d stages, not %d", x.Fun.Name, maxStages, q)
}

func (e specialMistakes) errRightSide(a, b *Expr) {
	e.diags.Errorf(shapeMismatch, b.Span, "`solve` takes a right side with %d rows", a.Shape.N).
		WithNote(a.Span, "this is %s", e.shaped(a)).
		WithNote(b.Span, "this is %s", e.shaped(b))
}

func (e exprMistakes) errValueShape(v *Expr, o *Obj) {
	d := e.diags.Errorf(shapeMismatch, v.Span, "this is %s, `%s` %s", e.shaped(v), o.Name, isShape(o.Shape)).
		WithNote(o.Span, "`%s` is declared here", o.Name)
	if o.Shape.Rank == 0 {
		d.WithHelp("declare the shape: `%s%s`", o.Name, v.Shape)
	}
}

// isShape is "is a single value" or "has shape [3]".
func isShape(s Shape) string {
	if s.Rank == 0 {
		return "is a single value"
	}
	return "has shape " + s.String()
}

func (e exprMistakes) errEquationShape(q *equation, v *Expr, top *State) {
	e.diags.Errorf(shapeMismatch, v.Span, "this is %s, `%s` %s", e.shaped(v), q.decl.Target.Span().Text(), isShape(q.shape)).
		WithNote(q.decl.Target.Span(), "%s%s", top.Name, isDeclared(top.Shape, e.at(top.Span)))
}

func isDeclared(s Shape, at string) string {
	if s.Rank == 0 {
		return " is a single value, " + at
	}
	return s.String() + " is declared at " + at
}

func (e exprMistakes) errAssignShape(st *dsl.Assign, v *Expr, want Shape, o *Obj) {
	e.diags.Errorf(shapeMismatch, v.Span, "this is %s, what it is assigned to %s", e.shaped(v), isShape(want)).
		WithNote(st.Target.Span(), "%s%s", o.Name, isDeclared(o.Shape, e.at(o.Span)))
}

func (e exprMistakes) errArgumentShape(x *Expr, formal *Obj, of string) {
	e.diags.Errorf(shapeMismatch, x.Span, "this is %s; the argument `%s` of %s %s", e.shaped(x), formal.Name, of, isShape(formal.Shape)).
		WithNote(formal.Span, "the argument")
}

func (e exprMistakes) errResultShape(x *dsl.Call, body *Expr, ent *entity, want Shape) {
	e.diags.Errorf(shapeMismatch, body.Span, "`%s` is declared to give %s, its body is %s", ent.name, want, e.shaped(body)).
		WithNote(x.Span(), "in this use")
}

func (e exprMistakes) errNotScalar(v *Expr, what, help string) {
	d := e.diags.Errorf(shapeMismatch, v.Span, "%s is a single value, this is %s", what, e.shaped(v))
	if help != "" {
		d.WithHelp("%s", help)
	}
}

func (e exprMistakes) errVectorCondition(x *Expr) {
	e.diags.Errorf(vectorCondition, x.Span, "a condition is a single truth value, this has shape %s", x.Shape).
		WithHelp("compare single elements, or reduce with `min`, `max` or `norm`")
}

func (e exprMistakes) errDimension(d dsl.Expr, v int) {
	if v < 1 {
		e.diags.Errorf(badShape, d.Span(), "a dimension is at least 1, not %d", v)
		return
	}
	e.diags.Errorf(badShape, d.Span(), "an array has at most %d elements", maxSize)
}

func (e exprMistakes) errEmptyArray(x *dsl.Array) {
	e.diags.Errorf(badShape, x.Span(), "an array has at least one element")
}

func (e exprMistakes) errDeepArray(at diag.Span) {
	e.diags.Errorf(badShape, at, "arrays have at most two dimensions")
}

func (e exprMistakes) errNoElements(x dsl.Node, a *Expr) {
	e.diags.Errorf(badIndex, x.Span(), "a single value has no elements").WithNote(a.Span, "this is %s", e.shaped(a))
}

func (e exprMistakes) errIndices(x dsl.Node, n int, of Shape) {
	if of.Rank == 0 {
		e.diags.Errorf(badIndex, x.Span(), "a single value has no elements")
		return
	}
	e.diags.Errorf(badIndex, x.Span(), "%d indices into shape %s", n, of)
}

func (e exprMistakes) errOutside(r dsl.Range, lo, hi, n int, x dsl.Node) {
	text := source(&Expr{Span: baseOf(x).Span()})
	switch {
	case lo < hi && !r.Colon:
		e.diags.Errorf(badIndex, r.Span(), "`%s` has no element %d; they are counted from 0 to %d", text, lo, n-1)
	case lo < hi:
		e.diags.Errorf(badIndex, r.Span(), "the elements %d:%d of `%s` are not within 0:%d", lo, hi, text, n)
	default:
		e.diags.Errorf(badIndex, r.Span(), "%d:%d has no elements; the end is left out", lo, hi)
	}
}

// baseOf is what an index expression selects from.
func baseOf(x dsl.Node) dsl.Node {
	if i, ok := x.(*dsl.IndexExpr); ok {
		return i.X
	}
	return x
}

func (e exprMistakes) errColon(r dsl.Range) {
	e.diags.Errorf(badIndex, r.Span(), "a single index is needed, not a range")
}

func (e exprMistakes) errFamily(x dsl.Node, name string, f *family) {
	e.diags.Errorf(badIndex, x.Span(), "`%s` is declared in a loop; say which by single indices, like `%s`", name, f.order[0].name).
		WithNote(f.at, "it is declared here")
}

func (e exprMistakes) errNoMember(x dsl.Node, name string, f *family) {
	e.diags.Errorf(badIndex, x.Span(), "there is no `%s`", name).
		WithNote(f.at, "its loop declares `%s` to `%s`", f.order[0].name, f.order[len(f.order)-1].name)
}

func (e exprMistakes) errNotConstant(v *Expr, what string) {
	d := e.diags.Errorf(notConstant, v.Span, "%s must be known when the model is compiled", what)
	if what == "the value of a constant" {
		d.WithHelp("use `let` for a quantity that follows from others")
	}
}

func (e exprMistakes) errNotWhole(v *Expr, c float64) {
	e.diags.Errorf(notConstant, v.Span, "a whole number is needed here, not %g", c)
}

func (e exprMistakes) errNoDerivative(x *dsl.Name, base *entity) {
	e.diags.Errorf(badDerivative, x.Span(), "only states have time derivatives, `%s` is none", x.Name).
		WithNote(base.at, "it is declared here")
}

func (e exprMistakes) errHighDerivative(x *dsl.Name, base *entity, order int) {
	e.diags.Errorf(badDerivative, x.Span(), "the equation of `%s` gives `%s`, and no higher derivative", x.Name, x.Name+primes(order)).
		WithNote(base.at, "it is declared here")
}

func (e specialMistakes) errDerivative(x *dsl.Call, by *Expr, o *Obj) {
	d := e.diags.Errorf(badDerivative, by.Span, "a derivative is taken by a state, a parameter, an argument or the time")
	if o != nil {
		d.WithNote(o.Span, "`%s` is none of them", o.Name).
			WithHelp("make it the argument of a function: `fn f(x) = %s(…, x)`", x.Fun.Name)
	}
}

func (e specialMistakes) errGradient(x *dsl.Call, a []*Expr) {
	e.diags.Errorf(shapeMismatch, x.Span(), "`grad` takes a single value and the vector by which it is differentiated").
		WithNote(a[0].Span, "this is %s", e.shaped(a[0])).
		WithNote(a[1].Span, "this is %s", e.shaped(a[1])).
		WithHelp("`diff` takes other shapes")
}

func (e specialMistakes) errSecond(x *dsl.Call, v *Expr, takes string) {
	e.diags.Errorf(shapeMismatch, x.Span(), "`%s` takes %s", v.Name, takes).
		WithNote(v.Args[0].Span, "this is %s", e.shaped(v.Args[0])).
		WithNote(v.Args[1].Span, "this is %s", e.shaped(v.Args[1]))
}

func (e specialMistakes) errJacobian(x *dsl.Call, a []*Expr) {
	e.diags.Errorf(shapeMismatch, x.Span(), "there is no derivative of %s by %s", a[0].Shape, a[1].Shape).
		WithHelp("one of them must be a single value, or both vectors")
}

func (e exprMistakes) errNotObservation(x dsl.Node, by string) {
	e.diags.Errorf(misplaced, x.Span(), "`%s` takes the name of an observation", by)
}

// errMisplaced reports a function where it has no meaning.
func (e specialMistakes) errMisplaced(x *dsl.Call) {
	name := x.Fun.Name
	d := e.diags.Errorf(misplaced, x.Span(), "")
	switch name {
	case "before":
		d.Message = "`before` stands in observations and losses only"
		d.WithHelp("in the body of an event every value is the one before it")
	case "data", "observed":
		d.Message = fmt.Sprintf("`%s` stands in losses and in the bodies of events `on observation`", name)
	case "first", "slope":
		d.Message = fmt.Sprintf("`%s` stands in the initial values of states, discrete variables and parameters only", name)
	default:
		d.Message = fmt.Sprintf("`%s` stands in the condition of an event only", name)
		d.WithHelp("elsewhere compare: `if g > 0 then … else …`")
	}
}

func (e specialMistakes) errGuard(x *dsl.Call, a *Expr) {
	e.diags.Errorf(notACondition, a.Span, "`%s` takes a quantity that changes its sign", x.Fun.Name).
		WithHelp("`%s(a - b)` for `a` and `b` to meet", x.Fun.Name)
}

func (e specialMistakes) errPiecewise(x *dsl.Call) {
	e.diags.Errorf(wrongArguments, x.Span(), "`piecewise` takes values and conditions in turn, and a last value: %d arguments end with a condition", len(x.Args)).
		WithHelp("write `piecewise(1, x < 2, 0)`, or `if x < 2 then 1 else 0`")
}

func (e specialMistakes) errLinspace(v *Expr) {
	e.diags.Errorf(notConstant, v.Span, "the number of values of `linspace` is a whole number from 2 to 100000")
}

func (e specialMistakes) errInterp(x *dsl.Call) {
	e.diags.Errorf(shapeMismatch, x.Span(), "`interp(x, xs, ys)` takes two vectors of one length, two at least, the first ascending")
}
