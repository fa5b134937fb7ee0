package check

import (
	"math"
	"slices"

	"github.com/pinode/pinode/dsl"
)

// objects is what the declarations of values, events, observations and blocks have in
// common: names, shapes and units of what is declared, its value and options.
type objects struct{ *expressions }

// object fills what all declarations have; false if the shape is wrong. A
// value that is written with its unit declares it.
func (e *objects) object(o *Obj, x *entity, doc string, t dsl.Type, value dsl.Expr) bool {
	o.Name, o.Doc, o.Span = x.name, doc, x.at
	if u := writtenUnit(value); u != nil && t.Unit == nil {
		e.declareUnit(o, u)
		o.Inferred = true
	} else {
		e.declareUnit(o, t.Unit)
	}
	shape, ok := e.arrays.shape(x.scope, t.Dims)
	o.Shape = shape
	return ok
}

// writtenUnit is the unit of a literal number; nil if x is something else.
func writtenUnit(x dsl.Expr) *dsl.UnitExpr {
	switch x := x.(type) {
	case *dsl.NumberLit:
		return x.Unit
	case *dsl.Unary:
		return writtenUnit(x.X)
	case *dsl.Paren:
		return writtenUnit(x.X)
	case *dsl.Array:
		for _, el := range x.Elems {
			if u := writtenUnit(el); u != nil {
				return u
			}
		}
	}
	return nil
}

// bind checks that a value fits an object, and repeats scalars; nil if it
// does not fit.
func (e *objects) bind(v *Expr, o *Obj) *Expr {
	if v == nil {
		return nil
	}
	if v.Shape != o.Shape && v.Shape.Rank != 0 {
		e.errValueShape(v, o)
		return nil
	}
	if !e.demand(v, o.Unit) {
		e.errValueUnit(v, o)
		return nil
	}
	return e.spread(v, o.Shape)
}

// resolveGiven makes a parameter, covariate or input of a component that
// `use` gives a value into a let: it is no longer learned or read from data.
func (e *objects) resolveGiven(x *entity, doc string, t dsl.Type) bool {
	if x.override() == nil {
		return false
	}
	l := &Let{}
	if e.object(&l.Obj, x, doc, t, nil) {
		if l.Value = e.bind(e.given(x, nil, 0), &l.Obj); l.Value != nil {
			x.obj = l
		}
	}
	return true
}

// initial elaborates an initial value: 0 without one, or after an error.
func (e *objects) initial(x *entity, init dsl.Expr, o *Obj) *Expr {
	v := e.bind(e.given(x, init, mayFirst), o)
	if v == nil {
		return e.number(0, o.Shape, o.Unit, x.at)
	}
	e.only(v, "an initial value", readsTime|readsParam|readsCovariate|readsDraw|readsRow|readsState|readsDiscrete|readsSpace|readsEncoded)
	if c, constant := fold(v); constant && slices.ContainsFunc(c, math.IsNaN) {
		e.errNaN(v, x)
	}
	return v
}

// given elaborates the value of a declaration, or that which `use` gives it
// instead; nil without one, and after an error.
func (e *objects) given(x *entity, value dsl.Expr, may place) *Expr {
	if o := x.override(); o != nil {
		return e.value(o.scope.allow(may), o.option.Value.Expr)
	}
	if value == nil {
		return nil
	}
	return e.value(x.scope.allow(may), value)
}

// options reads the options of a declaration, each by its own reader.
func (e *objects) options(s *scope, opts []*dsl.Option, known map[string]func(*dsl.Option)) {
	seen := map[string]*dsl.Option{}
	for _, o := range opts {
		read, old := known[o.Name.Name], seen[o.Name.Name]
		seen[o.Name.Name] = o
		switch {
		case read == nil:
			e.errUnknown("option", o.Name.Span(), o.Name.Name, names(known))
		case old != nil:
			e.errDuplicate(o.Name.Span(), o.Name.Name, old.Name.Span())
		case !plainValue(o.Value):
			e.errOption(o.Value.Span(), o.Name.Name, "a value")
		default:
			read(o)
		}
	}
}

// positive reads a positive number in the unit of an object.
func (e *objects) positive(s *scope, o *dsl.Option, of *Obj) float64 {
	v := e.value(s, o.Value.Expr)
	if v == nil {
		return 0
	}
	if !e.demand(v, of.Unit) {
		e.errValueUnit(v, of)
		return 0
	}
	c, ok := fold(v)
	if !ok || len(c) != 1 || !(c[0] > 0) || math.IsInf(c[0], 0) {
		e.errOption(v.Span, o.Name.Name, "a positive number")
		return 0
	}
	return c[0]
}

// word reads one of several words.
func (e *objects) word(o *dsl.Option, what string, choices []string, otherwise string) string {
	n, ok := o.Value.Expr.(*dsl.Name)
	if !ok || !contains(choices, n.Name) {
		e.errChoice(o.Value.Span(), what, dsl.FormatExpr(o.Value.Expr), choices)
		return otherwise
	}
	return n.Name
}

// duration elaborates a scalar in the unit of the time; nil after an error.
func (e *objects) duration(s *scope, x dsl.Expr, what string) *Expr {
	v := e.value(s, x)
	switch {
	case v == nil:
	case v.Shape.Rank != 0:
		e.errNotScalar(v, what, "")
	case !e.demand(v, e.m.Time.Unit):
		e.errTimeValue(v, what, e.m.Time.Unit)
	default:
		return v
	}
	return nil
}

// over finds the coordinates of a field; false after an error.
func (e *objects) over(s *scope, list []dsl.Ident) (out []*Coordinate, ok bool) {
	for _, id := range list {
		x, _ := s.find(inValues, id.Name, 0)
		if x == nil {
			e.errUnknown("coordinate", id.Span(), id.Name, e.coordinateNames())
			return nil, false
		}
		if !e.touch(x) {
			return nil, false
		}
		c, isAxis := x.obj.(*Coordinate)
		switch {
		case !isAxis:
			e.errNotACoordinate(id, x)
			return nil, false
		case slices.Contains(out, c):
			e.errDuplicate(id.Span(), id.Name, c.Span)
			return nil, false
		}
		out = append(out, c)
	}
	if len(out) > maxAxes {
		e.errManyAxes(list[maxAxes])
		return nil, false
	}
	return out, true
}

// maxAxes is how many coordinates a field has at most.
const maxAxes = 3

// only checks that an expression reads nothing but what is allowed.
func (e *objects) only(x *Expr, what string, allowed reads) bool {
	ok := true
	walk(x, func(y *Expr) bool {
		if r := leaf(y) &^ allowed; r != 0 && ok {
			ok = false
			e.errNotFixed(x, y, what, r)
		}
		return ok
	})
	return ok
}
