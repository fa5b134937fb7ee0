package check

import (
	"math"
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// Coordinate is an axis of space, from Lo to Hi.
type Coordinate struct {
	Obj
	Lo, Hi   float64
	Periodic bool
	Axis     int // its number among those of the model

	// Row is what a row of data says of it, an observation that is not predicted; nil
	// where nothing that is observed needs it.
	Row *Observe
}

// Boundary is an equation that holds at sides of the domain: Residual is zero there.
type Boundary struct {
	Residual *Expr // at a point
	Span     diag.Span
	Sides    []Side
}

// Side is an end of an axis, or the part of it where a condition holds.
type Side struct {
	Axis  *Coordinate
	High  bool  // at its upper end
	Where *Expr // nil: the whole side
	Span  diag.Span
}

// End is where the side is on its axis.
func (s *Side) End() float64 {
	if s.High {
		return s.Axis.Hi
	}
	return s.Axis.Lo
}

// Fields are the states over coordinates. Shape, unit, initial value and rate are those at a
// point; the initial value is nil where none was given.
func (m *Model) Fields() (list []*State) {
	for _, s := range m.States {
		if len(s.Over) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// CoordinatesOf are the coordinates that a value varies over, in the order of their
// declarations.
func CoordinatesOf(x *Expr) []*Coordinate {
	v := varies{set: map[*Coordinate]bool{}, seen: map[*Let]bool{}}
	v.visit(x)
	list := make([]*Coordinate, 0, len(v.set))
	for c := range v.set {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Coordinate) int { return a.Axis - b.Axis })
	return list
}

type varies struct {
	set  map[*Coordinate]bool
	seen map[*Let]bool
}

func (v varies) visit(x *Expr) {
	if x == nil {
		return
	}
	args := x.Args
	switch x.Kind {
	case Ref:
		switch o := x.Object.(type) {
		case *Coordinate:
			v.set[o] = true
		case *State:
			for _, c := range o.Over {
				v.set[c] = true
			}
		case *Let:
			if !v.seen[o] {
				v.seen[o] = true
				v.visit(o.Value)
			}
		}
	case Diff:
		args = args[:1]
	case Integral, Place, Cells:
		for _, c := range CoordinatesOf(args[0]) {
			if !slices.Contains(x.Over, c) {
				v.set[c] = true
			}
		}
		args = args[1:]
	}
	for i, a := range args {
		if i == 0 || a != args[i-1] { // else a repeated scalar
			v.visit(a)
		}
	}
	v.visit(x.Body)
}

// fields elaborates coordinates, boundaries and what is measured of fields.
type fields struct {
	*objects
	axes       []*dsl.CoordinateDecl
	boundaries []*boundary
}

func (e *fields) resolveCoordinate(x *entity) {
	d := x.decl.(*dsl.CoordinateDecl)
	c := &Coordinate{Axis: slices.Index(e.axes, d)}
	if !e.object(&c.Obj, x, d.Doc, dsl.Type{Unit: d.Unit}, d.Interval.Lo) {
		return
	}
	get := func(b dsl.Expr) float64 {
		v := e.value(x.scope, b)
		if v == nil {
			return math.NaN()
		}
		if v = e.bind(v, &c.Obj); v == nil {
			return math.NaN()
		}
		n, ok := fold(v)
		if !ok {
			e.errNotConstant(v, "an end of a coordinate")
			return math.NaN()
		}
		return n[0]
	}
	c.Lo, c.Hi = get(d.Interval.Lo), get(d.Interval.Hi)
	switch {
	case math.IsNaN(c.Lo) || math.IsNaN(c.Hi): // reported
		return
	case !(c.Lo < c.Hi):
		e.errEmptyInterval(d.Interval, c.Lo, c.Hi)
		return
	case d.Interval.LoOpen || d.Interval.HiOpen || math.IsInf(c.Lo, 0) || math.IsInf(c.Hi, 0):
		e.errOpenCoordinate(d)
		return
	}
	e.settle(&c.Obj)
	x.obj = c
}

// boundary is a declared boundary with where its names are looked up.
type boundary struct {
	decl  *dsl.BoundaryDecl
	scope *scope
}

// bounded elaborates the boundaries.
func (e *fields) bounded() {
	for _, b := range e.boundaries {
		axes, ok := e.over(b.scope, b.decl.Periodic)
		if !ok {
			continue
		}
		for _, c := range axes {
			c.Periodic = true
		}
	}
	for _, b := range e.boundaries {
		if len(b.decl.Periodic) == 0 {
			e.boundary(b)
		}
	}
}

func (e *fields) boundary(b *boundary) {
	d := b.decl
	l, r := e.value(b.scope, d.Left), e.value(b.scope, d.Right)
	out := &Boundary{Span: d.Left.Span()}
	for _, s := range d.Sides {
		if side, ok := e.side(b.scope, s); ok {
			out.Sides = append(out.Sides, side)
		}
	}
	if l == nil || r == nil || len(out.Sides) < len(d.Sides) {
		return
	}
	at := diag.Span{Src: d.Span().Src, Start: d.Left.Span().Start, End: d.Right.Span().End}
	shape, ok := common(l, r)
	if !ok {
		e.errShapes(at, l, r)
		return
	}
	if !e.meet(l, r, at) {
		e.errUnits(at, "equate", l, r)
		return
	}
	out.Span = at
	out.Residual = e.add(&Expr{Kind: Op, Name: "sub", Args: []*Expr{l, r}, Shape: shape, Unit: l.Unit, Span: at})
	e.m.Boundaries = append(e.m.Boundaries, out)
}

// side elaborates where a boundary holds.
func (e *fields) side(s *scope, d dsl.BoundarySide) (out Side, ok bool) {
	axes, ok := e.over(s, []dsl.Ident{d.Axis})
	if !ok {
		return out, false
	}
	c := axes[0]
	out = Side{Axis: c, Span: d.Span()}
	if c.Periodic {
		e.errPeriodicSide(d, c)
		return out, false
	}
	v := e.value(s, d.End)
	if v == nil {
		return out, false
	}
	if v = e.bind(v, &c.Obj); v == nil {
		return out, false
	}
	end, isConst := fold(v)
	switch near := 1e-12 * (c.Hi - c.Lo); {
	case !isConst:
		e.errNotConstant(v, "the end of a coordinate")
		return out, false
	case math.Abs(end[0]-c.Hi) <= near:
		out.High = true
	case math.Abs(end[0]-c.Lo) > near:
		e.errNoSide(v, c, end[0])
		return out, false
	}
	if d.Where == nil {
		return out, true
	}
	out.Where = e.condition(s, d.Where)
	return out, out.Where != nil && e.only(out.Where, "a part of a side", readsSpace|readsParam|readsCovariate)
}

// settled checks what varies over coordinates where, and says how rows of data tell them.
func (e *fields) settled() {
	m := e.m
	if len(m.Coordinates) == 0 {
		return
	}
	for _, s := range m.States {
		what := "the equation of `" + s.Name + "`"
		if len(s.Over) > 0 {
			e.within(s.Init, "the initial value of `"+s.Name+"`", s.Over)
			e.within(s.Deriv, what, s.Over)
			continue
		}
		e.within(s.Init, "the initial value of `"+s.Name+"`", nil)
		e.within(s.Deriv, what, nil)
	}
	for _, d := range m.Discretes {
		e.within(d.Init, "an initial value", nil)
	}
	for _, v := range m.Events {
		for _, x := range []*Expr{v.Cond, v.At, v.From, v.Until, v.After, v.Priorities} {
			e.within(x, "the trigger of an event", nil)
		}
		for _, a := range append(slices.Clone(v.Assigns), v.Rest...) {
			var over []*Coordinate
			if s, ok := a.Target.(*State); ok {
				over = s.Over
			}
			e.within(a.Value, "the new value of `"+a.Target.Info().Name+"`", over)
		}
	}
	for _, c := range m.Conserves {
		e.within(c.Value, "a conserved quantity", nil)
	}
	for _, r := range m.Requires {
		e.within(r.G, "`require`", nil)
	}
	for _, b := range m.Boundaries {
		e.onSides(b)
	}
	e.rowPlaces()
}

// within checks that a value varies over nothing but the coordinates.
func (e *fields) within(x *Expr, what string, over []*Coordinate) {
	if x == nil {
		return
	}
	for _, c := range CoordinatesOf(x) {
		if !slices.Contains(over, c) {
			e.errVaries(x, what, c, over)
			return
		}
	}
}

// onSides checks that a boundary says something of a field over its axis, and that a part
// of a side is told by other coordinates than that.
func (e *fields) onSides(b *Boundary) {
	for _, s := range b.Sides {
		along := false
		walk(b.Residual, func(x *Expr) bool {
			if f, ok := x.Object.(*State); ok && x.Kind == Ref && slices.Contains(f.Over, s.Axis) {
				along = true
			}
			return !along
		})
		if !along {
			e.errIdleBoundary(b, s)
		}
		if s.Where != nil && slices.Contains(CoordinatesOf(s.Where), s.Axis) {
			e.errOwnAxis(s)
		}
	}
}

// rowPlaces puts what is observed of fields at the places that rows of data tell.
func (e *fields) rowPlaces() {
	for _, o := range slices.Clone(e.m.Observes) {
		e.atRow(&o.Value)
		e.atRow(&o.Weights)
		e.atRow(&o.Below)
		e.atRow(&o.Above)
		if o.Dist != nil {
			for i := range o.Dist.Args {
				e.atRow(&o.Dist.Args[i])
			}
		}
	}
	for _, l := range e.m.Losses {
		e.atRow(&l.Value)
		e.atRow(&l.Where)
	}
}

// atRow makes a value over coordinates that at those of the row.
func (e *fields) atRow(x **Expr) {
	if *x == nil {
		return
	}
	over := CoordinatesOf(*x)
	if len(over) == 0 {
		return
	}
	v := *x
	p := &Expr{Kind: Place, Args: []*Expr{v}, Over: over, Shape: v.Shape, Unit: v.Unit, Span: v.Span, cond: v.cond}
	for _, c := range over {
		row := e.rowOf(c)
		if row == nil {
			return
		}
		p.Args = append(p.Args, e.add(&Expr{Kind: DataOf, Object: row, Unit: c.Unit, Span: v.Span}))
	}
	*x = e.add(p)
}

// rowOf is the observation of a coordinate; nil after an error.
func (e *fields) rowOf(c *Coordinate) *Observe {
	if c.Row != nil {
		return c.Row
	}
	if old := e.names[inObserves][c.Name]; old != nil {
		o, ok := old.obj.(*Observe)
		if !ok || !o.Unpredicted || o.Shape.Rank != 0 {
			e.errRowName(c, old)
			return nil
		}
		c.Row = o
		return o
	}
	o := &Observe{Obj: c.Obj, Unpredicted: true}
	o.Doc = ""
	o.Value = e.number(0, Shape{}, c.Unit, c.Span)
	e.names[inObserves][c.Name] = &entity{name: c.Name, space: inObserves, at: c.Span, obj: o, state: resolved, read: true}
	e.unnamed = append(e.unnamed, &o.Obj)
	e.m.Observes = append(e.m.Observes, o)
	c.Row = o
	return o
}
