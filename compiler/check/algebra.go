package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/collocation"
	"github.com/pinode/pinode/physics/units"
)

// algebra elaborates the functions of square matrices, and those of vectors of logarithms.
// The entries of an array have one unit, so that of a result follows from those of the
// arguments: that of A⁻¹ is one over that of A.
func (e *specials) algebra(s *scope, x *dsl.Call) *Expr {
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	name := x.Fun.Name
	a := args[0]
	out := &Expr{Kind: Op, Name: name, Args: args, Span: x.Span(), Unit: units.One}
	switch name {
	case "logsumexp", "softmax":
		if a.Shape.Rank != 1 {
			e.errNotVector(x, a)
			return nil
		}
		if name == "softmax" {
			out.Shape = a.Shape
		}
		return e.ofNumbers(out)
	}
	if a.Shape.Rank != 2 || a.Shape.M != a.Shape.N {
		e.errNotSquare(x, a)
		return nil
	}
	switch name {
	case "logdet":
		return e.ofNumbers(out)
	case "det":
		if out.bare = a.bare; !a.bare {
			out.Unit = a.Unit.Pow(a.Shape.N, 1)
		}
	case "inv":
		out.Shape = a.Shape
		if out.bare = a.bare; !a.bare {
			out.Unit = units.One.Div(a.Unit)
		}
	case "solve":
		b := args[1]
		if rows := b.Shape.M; b.Shape.Rank == 0 || b.Shape.Rank == 1 && b.Shape.N != a.Shape.N || b.Shape.Rank == 2 && rows != a.Shape.N {
			e.errRightSide(a, b)
			return nil
		}
		out.Shape = b.Shape
		turned := &Expr{Args: []*Expr{b, a}, Unit: units.One}
		e.product(turned, true)
		out.Unit, out.bare = turned.Unit, turned.bare
	}
	return e.add(out)
}

// ofNumbers is a function of numbers without unit.
func (e *specials) ofNumbers(out *Expr) *Expr {
	a := out.Args[0]
	if out.bare = a.bare; !a.bare && !e.demand(a, units.One) {
		e.errDimensionless(out.Name, a)
		return nil
	}
	return e.add(out)
}

// maxStages bounds the stages of implicit Runge–Kutta methods.
const maxStages = 500

// stages elaborates the coefficients of an implicit Runge–Kutta method.
func (e *specials) stages(s *scope, x *dsl.Call) *Expr {
	q, ok := e.constInt(s, x.Args[0])
	if !ok {
		return nil
	}
	if q < 1 || q > maxStages {
		e.errStages(x, q)
		return nil
	}
	of := collocation.Gauss
	if x.Fun.Name == "irk_radau" {
		of = collocation.Radau
	}
	e.spend(q)
	return e.add(&Expr{Kind: Numbers, Name: dsl.FormatExpr(x), Values: of(q), Shape: mat(q+1, q), Unit: units.One, Span: x.Span(), bare: true})
}
