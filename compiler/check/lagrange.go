package check

import "github.com/pinode/pinode/dsl"

// lagrange elaborates euler_lagrange(L, q, Q): the second derivative of q by time. Its
// arguments are L, q, q' and, where there are forces, Q.
func (e *specials) lagrange(s *scope, x *dsl.Call) *Expr {
	if len(x.Args) < 2 || len(x.Args) > 3 {
		e.errLagrangeArity(x)
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	of, q := args[0], args[1]
	name, named := x.Args[1].(*dsl.Name)
	state, ok := q.Object.(*State)
	if !named || q.Kind != Ref || !ok || q.Shape.Rank > 1 {
		e.errCoordinates(q)
		return nil
	}
	rate := e.value(s, &dsl.Name{At: name.At, Name: name.Name, Primes: name.Primes + 1})
	if rate == nil {
		return nil
	}
	if _, second := rate.Object.(*State); rate.Kind != Ref || !second {
		e.errFirstOrder(q, state)
		return nil
	}
	if of.Shape.Rank != 0 {
		e.errNotScalar(of, "a Lagrangian", "it is one number, as an energy is")
		return nil
	}
	out := &Expr{Kind: Op, Name: x.Fun.Name, Args: []*Expr{of, q, rate}, Shape: q.Shape, Unit: rate.Unit.Div(e.m.Time.Unit), Span: x.Span()}
	if len(args) == 3 {
		force := args[2]
		if force.Shape != q.Shape && force.Shape.Rank != 0 {
			e.errShapes(x.Span(), q, force)
			return nil
		}
		if of.bare {
			e.demand(of, force.Unit.Mul(q.Unit))
		}
		if want := of.Unit.Div(q.Unit); !e.demand(force, want) {
			e.errForce(force, q, want)
			return nil
		}
		out.Args = append(out.Args, e.spread(force, q.Shape))
	}
	return e.add(out)
}
