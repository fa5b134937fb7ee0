package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// places elaborates `u(0)`: a field, or a quantity made of fields, at a place. Its
// coordinates stand in the order of its declaration, or of theirs.
func (e *specials) atPlace(s *scope, x *dsl.Call) *Expr {
	v := e.ref(s, x.Fun)
	if v == nil {
		return nil
	}
	over := CoordinatesOf(v)
	if st, ok := v.Object.(*State); ok {
		over = st.Over
	}
	if len(x.Args) != len(over) {
		e.errPlaceArity(x, over)
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	for i, a := range args {
		if a.Shape.Rank != 0 {
			e.errNotScalar(a, "a place", "")
			return nil
		}
		if !e.demand(a, over[i].Unit) {
			e.errArgument(a, &over[i].Obj, "`"+x.Fun.Name+"`")
			return nil
		}
		if c, ok := fold(a); ok && !(c[0] >= over[i].Lo && c[0] <= over[i].Hi) {
			e.errOutsideDomain(a, over[i], c[0])
			return nil
		}
	}
	return e.add(&Expr{Kind: Place, Args: append([]*Expr{v}, args...), Over: over, Shape: v.Shape, Unit: v.Unit, Span: x.Span()})
}

// hasPlaces reports whether a name stands for something over coordinates.
func (e *specials) hasPlaces(s *scope, ent *entity, name *dsl.Name) bool {
	if ent == nil {
		if ent, _ = s.find(inValues, name.Name, 0); ent == nil {
			return false
		}
	}
	switch d := ent.decl.(type) {
	case *dsl.StateDecl:
		return len(d.Over) > 0
	case *dsl.AlgebraicDecl:
		return len(d.Over) > 0
	case *dsl.LetDecl:
		if len(e.coordinateNames()) == 0 || !e.touch(ent) {
			return false
		}
		l, ok := ent.obj.(*Let)
		return ok && len(CoordinatesOf(l.Value)) > 0
	}
	return false
}

// integral elaborates integral(E, x, …), over whole coordinates.
func (e *specials) integral(s *scope, x *dsl.Call) *Expr {
	if len(x.Args) < 2 {
		e.errArity(x, 2)
		return nil
	}
	a := e.args(s, x)
	if a == nil {
		return nil
	}
	out := &Expr{Kind: Integral, Args: a[:1], Shape: a[0].Shape, Unit: a[0].Unit, Span: x.Span()}
	for _, by := range a[1:] {
		c, ok := by.Object.(*Coordinate)
		if !ok || by.Kind != Ref || slices.Contains(out.Over, c) {
			e.errIntegral(x, by)
			return nil
		}
		out.Over = append(out.Over, c)
		if a[0].bare {
			out.Unit = units.One
		}
		out.Unit = out.Unit.Mul(c.Unit)
	}
	return e.add(out)
}
