package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// analysis finds in a whole model what is contradictory or in vain.
type analysis struct{ *objects }

// analyse runs the checks that need the whole model: what events do to each
// other, and what is declared in vain. The latter is known only if all else is
// right.
func (e *analysis) analyse() {
	e.writeConflicts()
	e.ownJumps()
	e.unusedFunctions()
	e.rowDraws()
	if e.diags.Count(diag.Error) > 0 {
		return
	}
	assigned := map[Object][]*Event{}
	for _, ev := range e.m.Events {
		for _, a := range ev.Assigns {
			assigned[a.Target] = append(assigned[a.Target], ev)
		}
	}
	for _, ev := range e.m.Events {
		e.analyseEvent(ev, assigned)
	}
	e.eventCycles()
	e.fittedSpreads()
	for _, x := range e.order {
		if x.read {
			continue
		}
		switch o := x.obj.(type) {
		case *Discrete: // one that events assign is a result of a simulation
			if assigned[o] == nil {
				e.warnUnread(o)
			}
		case *Param:
			e.warnUnusedParam(o)
		case *Neural:
			e.warnUnusedNeural(o)
		}
	}
}

// fittedSpreads warns of spreads of priors that are fitted together with what these are priors of: the density of both
// grows as these come to their middle and the spread to 0, by one power of it for each of them.
func (e *analysis) fittedSpreads() {
	for _, p := range e.m.Params {
		if p.Prior == nil || p.Fixed || !aboutItsMiddle[p.Prior.Name] {
			continue
		}
		walk(p.Prior.Args[len(p.Prior.Args)-1], func(x *Expr) bool {
			spread, ok := x.Object.(*Param)
			if ok && !spread.Fixed && spread.Lo <= 0 {
				e.warnFittedSpread(p, spread)
			}
			return true
		})
	}
}

// aboutItsMiddle are distributions whose last argument is a spread about one before it.
var aboutItsMiddle = map[string]bool{"normal": true, "lognormal": true, "student": true, "laplace": true, "cauchy": true}

// writeConflicts finds pairs of events that may assign one variable at one
// instant without an order between them.
func (e *analysis) writeConflicts() {
	type write struct {
		ev *Event
		a  *Assign
	}
	writes := map[Object][]write{}
	for _, ev := range e.m.Events {
		for _, a := range ev.Assigns {
			writes[a.Target] = append(writes[a.Target], write{ev, a})
		}
	}
	decided := map[[2]*Event]bool{}
	for _, ev := range e.m.Events {
		for _, a := range ev.Assigns {
			for _, w := range writes[a.Target] {
				if w.ev == ev { // what follows meets this event in its own turn
					break
				}
				pair := [2]*Event{w.ev, ev}
				if decided[pair] || !overlaps(a, w.a) || commute(a, w.a) {
					continue
				}
				decided[pair] = true
				if samePriority(ev, w.ev) && !e.exclusive(ev, w.ev) {
					e.errConflict(ev, w.ev, a, w.a)
				}
			}
		}
	}
}

// samePriority reports whether two events have one priority at all times, as
// far as can be told before a run.
func samePriority(a, b *Event) bool {
	if a.Priorities != nil && b.Priorities != nil {
		return Text(a.Priorities) == Text(b.Priorities)
	}
	return a.Priorities == nil && b.Priorities == nil && a.Priority == b.Priority
}

// commute reports whether the order of two assignments does not matter: both
// add, or both set the same constants.
func commute(a, b *Assign) bool {
	if a.Add || b.Add {
		return a.Add && b.Add
	}
	x, ok1 := fold(a.Value)
	y, ok2 := fold(b.Value)
	return ok1 && ok2 && a.Offset == b.Offset && slices.Equal(x, y)
}

// analyseEvent warns of what one event does in vain.
func (e *analysis) analyseEvent(ev *Event, assigned map[Object][]*Event) {
	for _, a := range ev.Assigns {
		if !a.Add && Text(a.Value) == targetText(a) || a.Add && isZero(a.Value) {
			e.warnIdle(a)
		} else if e.oldValue(ev, a, assigned) {
			e.warnOldValue(ev, a)
		}
	}
	if ev.Cond == nil || ev.AtStart {
		return
	}
	moves := readsOf(ev.Cond)&continuous != 0
	for o := range objectsOf(ev.Cond) {
		moves = moves || assigned[o] != nil
	}
	switch {
	case !moves:
		e.warnDead(ev)
	case staysTrue(ev, e.turns(ev)):
		e.warnStaysTrue(ev)
	}
}

// oldValue reports whether an event assigns a variable from its own value a delay ago,
// though that may have changed since.
func (e *analysis) oldValue(ev *Event, a *Assign, assigned map[Object][]*Event) bool {
	if a.Add || ev.Late || ev.After == nil || isZero(ev.After) {
		return false
	}
	_, state := a.Target.(*State)
	read := elementsRead{}
	read.add(a.Value, map[*Let]bool{})
	return read.overlap(a) && (state || slices.ContainsFunc(assigned[a.Target], func(other *Event) bool { return other != ev }))
}

// isZero reports whether all elements of a value are the number 0.
func isZero(x *Expr) bool {
	c, ok := fold(x)
	return ok && !slices.ContainsFunc(c, func(v float64) bool { return v != 0 })
}

func targetText(a *Assign) string {
	o := a.Target.Info()
	if a.Offset == 0 && a.Value.Shape == o.Shape {
		return o.Name
	}
	return Text(&Expr{Kind: Slice, Args: []*Expr{{Kind: Ref, Object: a.Target, Shape: o.Shape}}, Offset: a.Offset, Shape: a.Value.Shape})
}

// constantsAfter are the constants that a jump assigns to single variables.
func constantsAfter(ev *Event) evaluation {
	after := evaluation{known: map[Object][]float64{}}
	for _, a := range ev.Assigns {
		if c, ok := fold(a.Value); ok && !a.Add && a.Target.Info().Shape.Rank == 0 {
			after.known[a.Target] = c
		}
	}
	return after
}

// turns reports whether an event assigns something that its condition does not read and
// the equations do: the motion may be another behind it.
func (e *analysis) turns(ev *Event) bool {
	reads := objectsOf(ev.Cond)
	for _, a := range ev.Assigns {
		for _, s := range e.m.States {
			if !reads[a.Target] && (s.Deriv == nil || objectsOf(s.Deriv)[a.Target]) {
				return true
			}
		}
	}
	return false
}

// staysTrue reports whether an event's condition still holds at the constants that its
// own jump assigns, strictly where the motion may turn there, or because what it adds
// takes it further beyond a constant.
func staysTrue(ev *Event, turns bool) bool {
	after := constantsAfter(ev)
	for _, x := range conjuncts(ev.Cond) {
		if x.Kind != Op || direction[x.Name] == 0 || len(x.Args) != 2 {
			return false
		}
		if goesFurther(ev, x) {
			continue
		}
		strict := *x
		switch {
		case !turns: // equality stays equality
		case x.Name == "le":
			strict.Name = "lt"
		case x.Name == "ge":
			strict.Name = "gt"
		}
		if v, ok := after.eval(&strict); !ok || v[0] == 0 {
			return false
		}
	}
	return true
}

// goesFurther reports whether the event adds a constant to a variable that is
// compared with another, away from that.
func goesFurther(ev *Event, x *Expr) bool {
	c, ok := comparisonOf(x)
	if !ok || c.level == nil {
		return false
	}
	if _, ok := fold(c.level); !ok {
		return false
	}
	sum := 0.
	for _, a := range ev.Assigns {
		if targetText(a) != c.guard {
			continue
		}
		v, ok := fold(a.Value)
		if !ok || !a.Add || len(v) != 1 {
			return false
		}
		sum += v[0]
	}
	return sum*float64(direction[c.name]) > 0
}

// eventCycles warns of events that trigger each other at one instant for
// ever: their conditions read nothing but discrete variables, and each sets
// these to constants under which the next holds.
func (e *analysis) eventCycles() {
	var list []*Event
	for _, ev := range e.m.Events {
		if ev.Cond != nil && ev.After == nil && readsOf(ev.Cond)&^(readsDiscrete|readsParam|readsCovariate) == 0 {
			list = append(list, ev)
		}
	}
	triggers := func(a, b *Event) bool {
		after := constantsAfter(a)
		touched := false
		for o := range objectsOf(b.Cond) {
			touched = touched || after.known[o] != nil
		}
		v, ok := after.eval(b.Cond)
		return touched && ok && v[0] != 0
	}
	state := map[*Event]int{} // 1 on the path, 2 done
	var path []*Event
	var visit func(ev *Event)
	visit = func(ev *Event) {
		state[ev] = 1
		path = append(path, ev)
		for _, next := range list {
			switch {
			case !triggers(ev, next):
			case state[next] == 1:
				e.warnCycle(path[slices.Index(path, next):])
			case state[next] == 0:
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[ev] = 2
	}
	for _, ev := range list {
		if state[ev] == 0 {
			visit(ev)
		}
	}
}

// unusedFunctions checks the bodies of functions that nothing calls, as far
// as that is possible without knowing the shapes of their arguments.
func (e *analysis) unusedFunctions() {
	for _, x := range e.order {
		d, ok := x.decl.(*dsl.FnDecl)
		if !ok || x.read {
			continue
		}
		before := len(e.diags.All)
		in := x.scope.child()
		for _, a := range d.Args {
			o := Obj{Name: a.Name.Name, Span: a.Name.Span()}
			e.declareUnit(&o, a.Type.Unit)
			o.Shape, ok = e.arrays.shape(x.scope, a.Type.Dims)
			if !ok {
				break
			}
			in.vars[a.Name.Name] = &Expr{Kind: Ref, Object: &Local{o}, Shape: o.Shape, Unit: o.Unit}
		}
		if !ok {
			continue
		}
		e.active = append(e.active, x)
		body := e.expr(in, d.Body)
		e.active = e.active[:len(e.active)-1]
		if body != nil && d.Result.Unit != nil {
			if u, ok := e.unit(d.Result.Unit); ok && !e.demand(body, u) {
				e.errResultUnit(nil, body, x, u)
			}
		}
		kept := e.diags.All[:before]
		for _, m := range e.diags.All[before:] {
			if !aboutShapes[m.Code] {
				kept = append(kept, m)
			}
		}
		e.diags.All = kept
	}
}

// aboutShapes are mistakes that a use with arrays may not have.
var aboutShapes = map[string]bool{shapeMismatch: true, badIndex: true, vectorCondition: true}
