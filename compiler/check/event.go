package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// events elaborates events.
type events struct{ eventMistakes }

// resolveEvent declares an event; its expressions are read when every name is
// known.
func (e *events) resolveEvent(x *entity) {
	d := x.decl.(*dsl.EventDecl)
	ev := &Event{Kind: d.Trigger.Kind, Late: d.Late, Persistent: d.Persistent, AtStart: d.AtStart, Zeno: "error"}
	ev.Obj = Obj{Name: x.name, Doc: d.Doc, Span: x.at}
	s := x.scope.child()
	if d.Trigger.Kind == dsl.TriggerOnObservation {
		s.may |= mayData
	}
	if len(d.Args) > 0 && d.Trigger.Kind != dsl.TriggerOnData {
		e.errEventArgs(d)
	}
	for _, a := range d.Args {
		arg := &EventArg{Obj{Name: a.Name.Name, Span: a.Name.Span()}}
		e.declareUnit(&arg.Obj, a.Type.Unit)
		shape, ok := e.arrays.shape(x.scope, a.Type.Dims)
		if !ok {
			return
		}
		if shape.Rank != 0 {
			e.errEventArgShape(a)
			return
		}
		if old := s.vars[a.Name.Name]; old != nil {
			e.errDuplicate(a.Name.Span(), a.Name.Name, old.Span)
		}
		ev.Args = append(ev.Args, arg)
		e.unnamed = append(e.unnamed, &arg.Obj)
		s.vars[a.Name.Name] = &Expr{Kind: Ref, Object: arg, Unit: arg.Unit, Span: a.Name.Span()}
	}
	x.obj = ev
	e.later = append(e.later, func() { e.event(s, ev, d) })
}

func (e *events) event(s *scope, ev *Event, d *dsl.EventDecl) {
	e.trigger(s, ev, d)
	if k := d.Trigger.Kind; d.AtStart && k != dsl.TriggerWhen && k != dsl.TriggerAt && k != dsl.TriggerEvery {
		e.errAtStart(d)
	}
	if d.Priority != nil {
		if v := e.value(s, d.Priority); v != nil {
			e.priority(ev, v)
		}
	}
	if d.After != nil {
		ev.After = e.duration(s, d.After, "a delay")
		if ev.After != nil {
			if c, ok := fold(ev.After); ok && !(c[0] >= 0) {
				e.errPeriod(ev.After, "a delay is not negative", c[0])
			}
		}
	}
	var zeno *dsl.Zeno
	for _, st := range d.Body {
		switch st := st.(type) {
		case *dsl.Terminate:
			ev.Terminate = true
		case *dsl.Assign:
			ev.Assigns = e.assign(s, st, ev.Assigns)
		case *dsl.Zeno:
			if zeno != nil {
				e.errTwoZeno(st, zeno)
			}
			zeno = st
			e.zeno(s, ev, st)
		}
	}
}

// priority takes over a priority: a number, or an expression that is
// evaluated when the event waits for its turn.
func (e *events) priority(ev *Event, v *Expr) {
	c, constant := fold(v)
	switch {
	case v.Shape.Rank != 0:
		e.errNotScalar(v, "a priority", "")
	case !e.demand(v, units.One):
		e.errDimensionless("a priority", v)
	case constant && math.IsNaN(c[0]):
		e.errNotConstant(v, "a priority")
	case constant:
		ev.Priority = c[0]
	case e.only(v, "a priority", ^(readsArgument | readsData)):
		ev.Priorities = v
	}
}

func (e *events) zeno(s *scope, ev *Event, st *dsl.Zeno) {
	modes := []string{"error", "stop", "pass", "rest"}
	if !contains(modes, st.Mode.Name) {
		e.errChoice(st.Mode.Span(), "`zeno` rule", st.Mode.Name, modes)
		return
	}
	ev.Zeno = st.Mode.Name
	switch {
	case ev.Kind != dsl.TriggerWhen:
		e.errZenoTrigger(st)
	case (ev.Zeno == "rest") != (len(st.Rest) > 0):
		e.errZeno(st)
	}
	for _, r := range st.Rest {
		n := len(ev.Rest)
		ev.Rest = e.assign(s, r, ev.Rest)
		for _, a := range ev.Rest[n:] {
			if _, ok := a.Target.(*State); !ok {
				e.errRest(r, a)
			}
			if a.Add {
				e.errRestAdds(r)
			}
		}
	}
}

func (e *events) trigger(s *scope, ev *Event, d *dsl.EventDecl) {
	t := d.Trigger
	fixed := readsParam | readsCovariate | readsDraw | readsRow
	switch t.Kind {
	case dsl.TriggerWhen:
		v := e.condition(s.allow(mayEdge), t.Expr)
		if v != nil && e.locatable(v) {
			ev.Cond = v
		}
	case dsl.TriggerAt:
		if x, _ := s.find(inValues, t.Time.Name, 0); x == nil || x.obj != e.m.Time {
			e.errNotTime(t.Time)
		}
		if v := e.duration(s, t.Expr, "the time of an event"); v != nil && e.only(v, "the time of an event", ^readsTime) {
			ev.At = v
		}
	case dsl.TriggerEvery:
		get := func(x dsl.Expr, what string) *Expr {
			if x == nil {
				return nil
			}
			v := e.duration(s, x, what)
			if v == nil || !e.only(v, what, fixed) {
				return nil
			}
			return v
		}
		if ev.At = get(t.Expr, "a period"); ev.At != nil {
			if c, ok := fold(ev.At); ok && !(c[0] > 0 && !math.IsInf(c[0], 0)) {
				e.errPeriod(ev.At, "a period is positive", c[0])
			}
		}
		ev.From = get(t.From, "the first time of an event")
		ev.Until = get(t.Until, "the last time of an event")
	case dsl.TriggerOnObservation:
		if t.Of == nil {
			for _, x := range e.order {
				if o, ok := x.obj.(*Observe); ok {
					ev.Of = append(ev.Of, o)
				}
			}
			if len(ev.Of) == 0 {
				e.errNothingObserved(d)
			}
		} else if o := e.arrays.observation(s, t.Of, "on observation"); o != nil {
			ev.Of = []*Observe{o}
		}
	case dsl.TriggerRate:
		v := e.value(s, t.Expr)
		switch want := e.m.Time.Unit.Pow(-1, 1); {
		case v == nil:
		case v.Shape.Rank != 0:
			e.errNotScalar(v, "a rate", "")
		case !e.demand(v, want):
			e.errTimeValue(v, "a rate", want)
		default:
			ev.At = v
			if c, ok := fold(v); ok && !(c[0] >= 0) {
				e.errPeriod(v, "a rate is not negative", c[0])
			}
		}
	}
}

// continuous are the things that change between events.
const continuous = readsTime | readsState | readsSignal

// locatable checks that the roots of a condition can be located: equality of
// continuous quantities has none with a sign change, and inside `not`, or inside
// of what is compared, an edge has no meaning.
func (e *events) locatable(x *Expr) bool {
	switch {
	case x.Kind == Smooth:
		e.errSmoothTrigger(x)
		return false
	case x.Kind != Op:
		return true
	}
	switch x.Name {
	case "and", "or", "not":
		ok := true
		for _, a := range x.Args {
			if x.Name == "not" && edgeIn(a) != nil {
				e.errNotEdge(x)
				return false
			}
			ok = e.locatable(a) && ok
		}
		return ok
	}
	for _, a := range x.Args {
		if edge := edgeIn(a); edge != nil {
			e.errEdgeInside(edge)
			return false
		}
	}
	if x.Name == "eq" || x.Name == "ne" {
		if r := readsOf(x) & continuous; r != 0 {
			e.errEquality(x, r)
			return false
		}
	}
	return true
}

// isEdge reports whether an expression is rising(g), falling(g) or crossing(g).
func isEdge(x *Expr) bool {
	return x.Kind == Op && (x.Name == "rising" || x.Name == "falling" || x.Name == "crossing")
}

// edgeIn is an edge in an expression; nil for none.
func edgeIn(x *Expr) (edge *Expr) {
	walk(x, func(y *Expr) bool {
		if edge == nil && isEdge(y) {
			edge = y
		}
		return edge == nil
	})
	return edge
}

// assign elaborates `v := …` or `v += …` and adds it to the list. Elements that stand in
// no run are assigned one by one.
func (e *events) assign(s *scope, st *dsl.Assign, list []*Assign) []*Assign {
	ent, rest := e.target(s, st)
	if ent == nil {
		e.value(s, st.Value)
		return list
	}
	o := ent.obj.Info()
	shape := o.Shape
	sel := selection{}
	if len(rest) > 0 {
		ok := len(rest) == 1 && shape.Rank > 0
		if !ok {
			e.errIndices(st.Target, len(rest), shape)
		} else if sel, ok = e.arrays.selected(s, shape, rest[0], st.Target); ok {
			shape = sel.shape()
		}
		if !ok {
			return list
		}
	}
	value := st.Value
	if st.Minus {
		value = &dsl.Unary{At: dsl.At{Sp: value.Span()}, Op: "-", X: value}
	}
	v := e.value(s, value)
	switch {
	case v == nil:
		return list
	case v.Shape != shape && v.Shape.Rank != 0:
		e.errAssignShape(st, v, shape, o)
		return list
	case !e.demand(v, o.Unit):
		e.errAssignUnit(st, v, o)
		return list
	}
	v = e.spread(v, shape)
	add := func(off int, v *Expr) {
		a := &Assign{Span: st.Span(), Target: ent.obj, Offset: off, Add: st.Add, Value: v}
		for _, b := range list {
			if overlaps(a, b) && a.Span != b.Span && !(a.Add && b.Add) {
				e.errAssignedTwice(a, b)
				return
			}
		}
		list = append(list, a)
	}
	if len(rest) == 0 {
		add(0, v)
	} else if off, ok := sel.run(); ok {
		add(off, v)
	} else {
		for i, p := range sel.places() {
			add(p, e.element(v, i))
		}
	}
	return list
}

// target finds what an assignment sets: a state or a discrete variable.
func (e *events) target(s *scope, st *dsl.Assign) (*entity, [][]dsl.Range) {
	var index [][]dsl.Range
	if st.Index != nil {
		index = [][]dsl.Range{st.Index}
	}
	t := st.Target
	ent, local := s.find(inValues, t.Name, t.Primes)
	if f := s.family(t.Name, t.Primes); f != nil && (index != nil || ent == nil) {
		var ok bool
		if ent, index, ok = e.arrays.choose(s, t.Name, t.Primes, index, t); !ok {
			return nil, nil
		}
	}
	switch {
	case local != nil:
		e.errAssignsArgument(t)
		return nil, nil
	case ent == nil:
		if base, _ := s.find(inValues, t.Name, 0); base != nil && t.Primes > 0 {
			e.errAssignsDerivative(t, base)
		} else {
			e.errUnknownName(s, t)
		}
		return nil, nil
	}
	switch ent.decl.(type) {
	case *dsl.StateDecl, *dsl.AugmentDecl, *dsl.DiscreteDecl:
	default:
		if !ent.twice {
			e.errAssigns(t, ent)
		}
		return nil, nil
	}
	if !e.touch(ent) {
		return nil, nil
	}
	return ent, index
}

func overlaps(a, b *Assign) bool {
	return a.Target == b.Target && a.Offset < b.Offset+b.Value.Shape.Size() && b.Offset < a.Offset+a.Value.Shape.Size()
}
