package check

import (
	"strings"

	"github.com/pinode/pinode/dsl"
)

// Wording of what is wrong with fields.

func (e *fields) errOpenCoordinate(d *dsl.CoordinateDecl) {
	e.diags.Errorf(badCoordinate, d.Interval.Span(), "the coordinate `%s` has no two ends that belong to it", d.Name.Name).
		WithHelp("write `coordinate %s in [a, b]` with numbers", d.Name.Name)
}

func (e *objects) errNotACoordinate(id dsl.Ident, x *entity) {
	d := e.diags.Errorf(badCoordinate, id.Span(), "`%s` is not a coordinate", id.Name).
		WithNote(x.at, "it is declared here")
	if x.obj == Object(e.m.Time) {
		d.WithHelp("fields depend on the time anyway; what stands in parentheses is space")
	} else {
		d.WithHelp("declare one as `coordinate %s in [0, 1]`", id.Name)
	}
}

func (e *objects) errManyAxes(id dsl.Ident) {
	e.diags.Errorf(badCoordinate, id.Span(), "a field has at most %d coordinates", maxAxes)
}

func (e *fields) errPeriodicSide(d dsl.BoundarySide, c *Coordinate) {
	e.diags.Errorf(badBoundary, d.Span(), "the coordinate `%s` is periodic and has no sides", c.Name).
		WithHelp("leave out this condition, or `boundary periodic %s`", c.Name)
}

func (e *fields) errNoSide(v *Expr, c *Coordinate, at float64) {
	e.diags.Errorf(badBoundary, v.Span, "there is no side at %s = %g", c.Name, at).
		WithNote(c.Span, "`%s` goes from %g to %g", c.Name, c.Lo, c.Hi).
		WithHelp("conditions stand at `%s = %g` and `%s = %g`", c.Name, c.Lo, c.Name, c.Hi)
}

func (e *fields) errIdleBoundary(b *Boundary, s Side) {
	e.diags.Errorf(badBoundary, b.Span, "this equation says nothing of a field over `%s`", s.Axis.Name).
		WithNote(s.Span, "it holds on this side").
		WithHelp("a boundary is an equation of fields, parameters, the time and `diff` along `%s`", s.Axis.Name)
}

func (e *fields) errOwnAxis(s Side) {
	e.diags.Errorf(badBoundary, s.Where.Span, "a part of this side is told by other coordinates than `%s`", s.Axis.Name)
}

func (e *fields) errVaries(x *Expr, what string, c *Coordinate, over []*Coordinate) {
	at, name := x, "this value"
	walk(x, func(y *Expr) bool {
		switch o := y.Object.(type) {
		case *State:
			for _, k := range o.Over {
				if k == c && y.Kind == Ref {
					at, name = y, "`"+o.Name+"`"
				}
			}
		case *Coordinate:
			if o == c {
				at, name = y, "`"+c.Name+"`"
			}
		}
		return at == x && y.Kind != Integral && y.Kind != Place
	})
	span := at.Span
	if span.Src != x.Span.Src || span.Start < x.Span.Start || span.End > x.Span.End {
		span = x.Span // it comes from a let
	}
	d := e.diags.Errorf(fieldPlace, span, "%s varies over `%s`, and %s does not", name, c.Name, what)
	if s, ok := at.Object.(*State); ok {
		example := make([]string, len(s.Over))
		for i := range example {
			example[i] = "0"
		}
		d.WithHelp("say where: `%s(%s)`, or take `integral(%s, %s)`", s.Name, strings.Join(example, ", "), s.Name, c.Name)
		return
	}
	if len(over) > 0 {
		d.WithHelp("it may vary over %s", listCoordinates(over))
	}
}

func listCoordinates(over []*Coordinate) string {
	list := make([]string, len(over))
	for i, c := range over {
		list[i] = "`" + c.Name + "`"
	}
	return strings.Join(list, " and ")
}

func (e specialMistakes) errPlaceArity(x *dsl.Call, over []*Coordinate) {
	e.diags.Errorf(wrongArguments, x.Span(), "a place of `%s` is told by %s, not by %s", x.Fun.Name, listCoordinates(over), plural(len(x.Args), "value"))
}

func (e specialMistakes) errOutsideDomain(v *Expr, c *Coordinate, at float64) {
	e.diags.Errorf(fieldPlace, v.Span, "%g is outside of the domain", at).
		WithNote(c.Span, "`%s` goes from %g to %g", c.Name, c.Lo, c.Hi)
}

func (e specialMistakes) errIntegral(x *dsl.Call, by *Expr) {
	e.diags.Errorf(badDerivative, by.Span, "an integral is taken over coordinates, each once").
		WithHelp("write `%s(E, x)`, or `%s(E, x, y)`", x.Fun.Name, x.Fun.Name)
}

func (e *fields) errRowName(c *Coordinate, old *entity) {
	e.diags.Errorf(duplicate, old.at, "rows of data tell the coordinate `%s`, and this observation has its name", c.Name).
		WithNote(c.Span, "the coordinate").
		WithHelp("give the observation another name")
}
