package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// specials elaborates the functions of the language that are no plain functions of
// numbers: derivatives, measured values, values at a place, solutions of equations.
type specials struct {
	specialMistakes
	dists *dists
	flows *flows
}

// specialMistakes has the wording of their mistakes.
type specialMistakes struct{ *calls }

// special elaborates the functions with rules of their own.
func (e *specials) special(s *scope, x *dsl.Call) *Expr {
	name := x.Fun.Name
	switch name {
	case "diff", "grad", "div", "laplacian", "hessian":
		return e.diff(s, x)
	case "integral":
		return e.integral(s, x)
	case "piecewise", "xor", "interp", "linspace":
		return e.rewritten(s, x)
	case "logdensity":
		return e.logDensity(s, x)
	case "data", "observed", "first", "slope":
		return e.measured(s, x)
	case "euler_lagrange":
		return e.lagrange(s, x)
	case "irk_gauss", "irk_radau":
		return e.stages(s, x)
	case "solve", "inv", "det", "logdet", "logsumexp", "softmax":
		return e.algebra(s, x)
	}
	if name == "before" && s.may&mayBefore == 0 || s.may&mayEdge == 0 && (name == "rising" || name == "falling" || name == "crossing") {
		e.errMisplaced(x)
		return nil
	}
	a := e.expr(s, x.Args[0])
	if a == nil {
		return nil
	}
	switch name {
	case "before":
		a = e.asValue(a)
		return e.add(&Expr{Kind: Before, Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span()})
	case "smooth":
		return e.add(&Expr{Kind: Smooth, Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span(), bare: a.bare, cond: a.cond})
	}
	if a.cond || a.Shape.Rank != 0 {
		e.errGuard(x, a)
		return nil
	}
	return e.add(&Expr{Kind: Op, Name: name, Args: []*Expr{a}, Span: x.Span(), cond: true})
}

// diff elaborates the derivative of an expression by a variable.
func (e *specials) diff(s *scope, x *dsl.Call) *Expr {
	if len(x.Args) < 2 || len(x.Args) > 2 && x.Fun.Name != "diff" {
		e.errArity(x, 2)
		return nil
	}
	a := e.args(s, x)
	if a == nil {
		return nil
	}
	of := a[0]
	for _, by := range a[1:] {
		if of = e.diffBy(x, of, by); of == nil {
			return nil
		}
	}
	return of
}

// diffBy is the derivative by one variable.
func (e *specials) diffBy(x *dsl.Call, v, by *Expr) *Expr {
	a := []*Expr{v, by}
	root := by
	for root.Kind == Slice {
		root = root.Args[0]
	}
	if root.Kind != Ref {
		e.errDerivative(x, by, nil)
		return nil
	}
	switch o := root.Object.(type) {
	case *State, *Param, *Local, *Time, *Discrete, *Input, *Covariate, *EventArg, *Coordinate:
	default:
		e.errDerivative(x, by, o.Info())
		return nil
	}
	out := &Expr{Kind: Diff, Args: a, Span: x.Span(), Unit: a[0].Unit.Div(by.Unit)}
	of, w := a[0].Shape, by.Shape
	switch {
	case x.Fun.Name == "div" || x.Fun.Name == "laplacian" || x.Fun.Name == "hessian":
		return e.second(x, out)
	case x.Fun.Name == "grad" && (of.Rank != 0 || w.Rank != 1):
		e.errGradient(x, a)
		return nil
	case w.Rank == 0:
		out.Shape = of
	case of.Rank == 0:
		out.Shape = w
	case of.Rank == 1 && w.Rank == 1 && of.N <= maxSize/w.N:
		out.Shape = mat(of.N, w.N)
	default:
		e.errJacobian(x, a)
		return nil
	}
	return e.add(out)
}

// second elaborates the divergence of a vector, and what is made of second derivatives.
func (e *specials) second(x *dsl.Call, out *Expr) *Expr {
	of, by := out.Args[0], out.Args[1]
	out.Name = x.Fun.Name
	if _, ok := by.Object.(*Coordinate); ok && out.Name != "hessian" {
		if out.Shape = of.Shape; out.Name == "laplacian" {
			inner := *out
			inner.Name = ""
			out.Args, out.Unit = []*Expr{e.add(&inner), by}, out.Unit.Div(by.Unit)
		}
		out.Name = ""
		return e.add(out)
	}
	fits, takes := by.Shape.Rank == 1 && of.Shape.Rank == 0, "a single value and the vector by which it is differentiated"
	switch out.Name {
	case "div":
		fits, takes = by.Shape.Rank <= 1 && of.Shape == by.Shape, "a vector and the vector of as many elements by which it is differentiated"
	case "laplacian":
		fits, takes = by.Shape.Rank <= 1, "a value and the vector by which it is differentiated"
		out.Shape, out.Unit = of.Shape, out.Unit.Div(by.Unit)
	case "hessian":
		out.Shape, out.Unit = mat(by.Shape.N, by.Shape.N), out.Unit.Div(by.Unit)
	}
	if !fits {
		e.errSecond(x, out, takes)
		return nil
	}
	return e.add(out)
}

// measured elaborates data(y), observed(y), first(y) and slope(y).
func (e *specials) measured(s *scope, x *dsl.Call) *Expr {
	name := x.Fun.Name
	need := mayData
	if name == "first" || name == "slope" {
		need = mayFirst
	}
	if s.may&need == 0 {
		e.errMisplaced(x)
		return nil
	}
	o := e.arrays.observation(s, x.Args[0], name)
	if o == nil {
		return nil
	}
	out := &Expr{Object: o, Shape: o.Shape, Unit: o.Unit, Span: x.Span()}
	switch name {
	case "data":
		out.Kind = DataOf
	case "observed":
		out.Kind, out.Unit = Observed, units.One
	case "first":
		out.Kind = FirstOf
	case "slope":
		out.Kind, out.Unit = SlopeOf, o.Unit.Div(e.m.Time.Unit)
	}
	return e.add(out)
}

// logDensity elaborates logdensity(z).
func (e *specials) logDensity(s *scope, x *dsl.Call) *Expr {
	a := e.args(s, x)
	if a == nil {
		return nil
	}
	e.flows.asks(flowing{of: a[0], at: x.Span()})
	return e.add(&Expr{Kind: LogDensity, Args: a, Unit: units.One, Span: x.Span()})
}
