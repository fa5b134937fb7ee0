package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
)

// resolveEvent declares an event; its expressions are read when every name is
// known.
func (e *elaborator) resolveEvent(x *entity, d *dsl.EventDecl) {
	ev := &Event{Obj: Obj{Name: x.name, Doc: d.Doc, Span: x.at}, Kind: d.Trigger.Kind, Late: d.Late, Persistent: d.Persistent, AtStart: d.AtStart, Zeno: "error"}
	s := x.scope.child()
	s.event = d
	for _, a := range d.Args {
		arg := &EventArg{Obj{Name: a.Name.Name, Span: a.Name.Span()}}
		e.declareUnit(&arg.Obj, a.Type.Unit)
		shape, ok := e.shape(x.scope, a.Type.Dims)
		if !ok {
			return
		}
		arg.Shape = shape
		ev.Args = append(ev.Args, arg)
		s.vars[a.Name.Name] = &Expr{Kind: Ref, Object: arg, Shape: arg.Shape, Unit: arg.Unit}
	}
	if len(d.Args) > 0 && d.Trigger.Kind != dsl.TriggerOnData {
		e.diags.Errorf("misplaced", d.Args[0].Span(), "only an event `on data` has arguments").
			WithHelp("the rows of a data table give them their values")
	}
	x.obj = ev
	e.m.Events = append(e.m.Events, ev)
	e.pending = append(e.pending, func() { e.event(s, ev, d) })
}

func (e *elaborator) event(s *scope, ev *Event, d *dsl.EventDecl) {
	e.trigger(s, ev, d)
	if d.Priority != nil {
		if v := e.expr(s, d.Priority); v != nil {
			c, ok := foldConst(v)
			if !ok || len(c) != 1 || math.IsNaN(c[0]) {
				e.diags.Errorf("not-constant", d.Priority.Span(), "a priority is a number that is known when the model is compiled")
			} else {
				ev.Priority = c[0]
			}
		}
	}
	if d.After != nil {
		if v := e.expr(s, d.After); v != nil && e.inTime(v, "a delay") {
			ev.After = v
		}
	}
	zeno := false
	for _, st := range d.Body {
		switch st := st.(type) {
		case *dsl.Terminate:
			ev.Terminate = true
		case *dsl.Assign:
			if a := e.assign(s, st); a != nil {
				e.overlap(ev.Assigns, a)
				ev.Assigns = append(ev.Assigns, a)
			}
		case *dsl.Zeno:
			if zeno {
				e.diags.Errorf("bad-zeno", st.Span(), "an event has one `zeno` line")
			}
			zeno = true
			switch st.Mode.Name {
			case "error", "stop", "rest":
				ev.Zeno = st.Mode.Name
			default:
				e.errChoice(st.Mode.Span(), "zeno rule", st.Mode.Name, []string{"error", "stop", "rest"})
			}
			if (ev.Zeno == "rest") != (len(st.Rest) > 0) {
				e.diags.Errorf("bad-zeno", st.Span(), "`zeno rest` says what the states are at rest; the other rules assign nothing").
					WithHelp("write `zeno rest { h := 0; v := 0 }`")
			}
			for _, r := range st.Rest {
				if a := e.assign(s, r); a != nil {
					e.overlap(ev.Rest, a)
					ev.Rest = append(ev.Rest, a)
				}
			}
		}
	}
	if len(d.Body) == 0 {
		e.diags.Warnf("empty-event", ev.Span, "event `%s` does nothing", ev.Name)
	}
}

// inTime checks that x is a scalar time.
func (e *elaborator) inTime(x *Expr, what string) bool {
	if x.Shape.Rank != 0 {
		e.errShape(x.Span, x.Shape, Shape{}, x.Span)
		return false
	}
	return e.unify(x, e.m.Time.Unit, func() {
		e.diags.Errorf("unit-mismatch", x.Span, "%s is a time in %s, this is in %s", what, e.name(e.m.Time.Unit), e.name(x.Unit)).
			WithNote(e.m.Time.Span, "the time is declared here").
			WithHelp("%s", e.scaleHelp(x.Unit, e.m.Time.Unit))
	})
}

func (e *elaborator) trigger(s *scope, ev *Event, d *dsl.EventDecl) {
	t := d.Trigger
	get := func(x dsl.Expr, what string) *Expr {
		if x == nil {
			return nil
		}
		v := e.expr(s, x)
		if v == nil || !e.inTime(v, what) {
			return nil
		}
		return v
	}
	switch t.Kind {
	case dsl.TriggerWhen:
		v := e.expr(s, t.Expr)
		if v == nil || !e.scalarCond(v) {
			return
		}
		if _, ok := foldConst(v); ok {
			e.diags.Warnf("dead-event", v.Span, "nothing can change this condition; event `%s` never fires", ev.Name)
		}
		if !isCondition(v) {
			e.diags.Errorf("not-a-condition", v.Span, "a condition is made of comparisons with `and`, `or` and `not`").
				WithHelp("compare it: `%s > 0`", dsl.FormatExpr(t.Expr))
			return
		}
		ev.Cond = v
	case dsl.TriggerAt:
		ev.At = get(t.Expr, "the time of an event")
	case dsl.TriggerEvery:
		ev.At = get(t.Expr, "a period")
		ev.From = get(t.From, "the time of the first firing")
		ev.Until = get(t.Until, "the time of the last firing")
		if ev.At != nil {
			if c, ok := foldConst(ev.At); ok && !(c[0] > 0) {
				e.diags.Errorf("bad-period", ev.At.Span, "a period is positive, not %g", c[0])
			}
		}
	case dsl.TriggerOnObservation:
		if t.Of == nil {
			ev.Of = append(ev.Of, e.m.Observes...)
		} else if o := e.observes[s.prefix+t.Of.Name]; o != nil {
			ev.Of = []*Observe{o}
		} else {
			e.errUnknown("observation", t.Of.Span(), t.Of.Name, names(e.observes))
		}
	case dsl.TriggerRate:
		v := e.expr(s, t.Expr)
		if v == nil {
			return
		}
		if v.Shape.Rank != 0 {
			e.errShape(v.Span, v.Shape, Shape{}, v.Span)
			return
		}
		if e.unify(v, e.m.Time.Unit.Pow(-1, 1), func() {
			e.diags.Errorf("unit-mismatch", v.Span, "a rate is in %s, this is in %s", e.name(e.m.Time.Unit.Pow(-1, 1)), e.name(v.Unit))
		}) {
			ev.At = v
		}
	}
}

// isCondition reports whether an expression is a combination of comparisons.
func isCondition(x *Expr) bool {
	switch x.Kind {
	case Number:
		return true
	case Op:
		switch x.Name {
		case "and", "or", "not":
			for _, a := range x.Args {
				if !isCondition(a) {
					return false
				}
			}
			return true
		case "lt", "le", "gt", "ge", "eq", "ne", "rising", "falling", "crossing":
			return true
		}
	case Smooth:
		return isCondition(x.Args[0])
	case Ref:
		l, ok := x.Object.(*Let)
		return ok && l.Value != nil && isCondition(l.Value)
	case Apply:
		return isCondition(x.Body)
	}
	return false
}

// assign elaborates `v := …`.
func (e *elaborator) assign(s *scope, st *dsl.Assign) *Assign {
	name := dslName(st.Target)
	ent, local := s.lookup(name)
	if ent == nil {
		if local != nil {
			e.diags.Errorf("bad-assignment", st.Target.Span(), "`%s` is an argument and cannot be assigned", name)
		} else {
			e.errUnknownName(s, st.Target)
		}
		return nil
	}
	if !e.touch(ent) || ent.obj == nil {
		return nil
	}
	switch ent.obj.(type) {
	case *State, *Discrete:
	default:
		e.diags.Errorf("bad-assignment", st.Target.Span(), "only states and discrete variables are assigned at events; `%s` is neither", name).
			WithNote(ent.at, "it is declared here").
			WithHelp("declare it as `discrete %s = …` if it changes at events only", name)
		return nil
	}
	o := ent.obj.Info()
	a := &Assign{Span: st.Span(), Target: ent.obj}
	shape := o.Shape
	if st.Index != nil {
		off, sub, ok := e.slice(s, o.Shape, st.Index, st.Target.Span())
		if !ok {
			return nil
		}
		if off < 0 {
			e.diags.Errorf("bad-assignment", st.Span(), "assign columns one element at a time")
			return nil
		}
		a.Offset, shape = off, sub
	}
	v := e.expr(s, st.Value)
	if v == nil {
		return nil
	}
	if v.Shape != shape && v.Shape.Rank != 0 {
		e.errShape(v.Span, v.Shape, shape, st.Target.Span())
		return nil
	}
	if !e.unify(v, o.Unit, func() { e.errAssign(v, o) }) {
		return nil
	}
	if v.Shape != shape { // a scalar for every element
		out := &Expr{Kind: Stack, Shape: Shape{Rank: 1, N: shape.Size()}, Unit: v.Unit, Span: v.Span}
		for range shape.Size() {
			out.Args = append(out.Args, v)
		}
		v = e.add(out)
	}
	a.Value = v
	return a
}

// overlap refuses two assignments to one variable in one body.
func (e *elaborator) overlap(list []*Assign, a *Assign) {
	for _, b := range list {
		if overlaps(a, b) {
			e.diags.Errorf("write-conflict", a.Span, "`%s` is assigned twice", a.Target.Info().Name).WithNote(b.Span, "first here")
		}
	}
}

func overlaps(a, b *Assign) bool {
	return a.Target == b.Target && a.Offset < b.Offset+b.Value.Shape.Size() && b.Offset < a.Offset+a.Value.Shape.Size()
}

// analyseEvents runs the checks that need all events: write conflicts,
// discrete variables that are never read.
func (e *elaborator) analyseEvents() {
	evs := e.m.Events
	for i, a := range evs {
		for _, b := range evs[:i] {
			if a.Priority != b.Priority || exclusive(a, b) {
				continue
			}
			for _, x := range a.Assigns {
				for _, y := range b.Assigns {
					if overlaps(x, y) {
						e.errConflict(a, b, x, y)
						goto next
					}
				}
			}
		next:
		}
	}
	e.selfTriggers()
	e.unreadDiscretes()
}

// exclusive reports whether two events cannot fire at one instant: their
// conditions demand different values of a discrete variable, or opposite
// directions of one guard; or they are scheduled at different constant times.
func exclusive(a, b *Event) bool {
	if a.Kind == dsl.TriggerAt && b.Kind == dsl.TriggerAt && a.At != nil && b.At != nil {
		x, ok1 := foldConst(a.At)
		y, ok2 := foldConst(b.At)
		return ok1 && ok2 && x[0] != y[0]
	}
	if a.Cond == nil || b.Cond == nil {
		return false
	}
	for _, x := range conjuncts(a.Cond) {
		for _, y := range conjuncts(b.Cond) {
			if contradict(x, y) {
				return true
			}
		}
	}
	return false
}

// conjuncts splits a condition at its top-level `and`s.
func conjuncts(x *Expr) []*Expr {
	if x.Kind == Op && x.Name == "and" {
		return append(conjuncts(x.Args[0]), conjuncts(x.Args[1])...)
	}
	return []*Expr{x}
}

// direction of a guard: −1 for falling comparisons, +1 for rising ones.
var direction = map[string]int{"lt": -1, "le": -1, "falling": -1, "gt": 1, "ge": 1, "rising": 1}

func contradict(x, y *Expr) bool {
	if x.Kind != Op || y.Kind != Op || len(x.Args) == 0 || len(y.Args) == 0 || Text(x.Args[0]) != Text(y.Args[0]) {
		return false
	}
	if x.Name == "eq" && y.Name == "eq" {
		a, ok1 := foldConst(x.Args[1])
		b, ok2 := foldConst(y.Args[1])
		return ok1 && ok2 && a[0] != b[0]
	}
	if x.Name == "eq" && y.Name == "ne" || x.Name == "ne" && y.Name == "eq" {
		return Text(x.Args[1]) == Text(y.Args[1])
	}
	return direction[x.Name]*direction[y.Name] < 0
}

// selfTriggers warns of jumps that cannot end their own condition: every
// variable of the condition keeps its value.
func (e *elaborator) selfTriggers() {
	for _, ev := range e.m.Events {
		if ev.Cond == nil {
			continue
		}
		for _, a := range ev.Assigns {
			if a.Value.Kind == Ref && a.Value.Object == a.Target && a.Offset == 0 {
				e.diags.Warnf("idle-assignment", a.Span, "this assignment changes nothing")
			}
		}
	}
}

// unreadDiscretes warns of discrete variables that nothing reads.
func (e *elaborator) unreadDiscretes() {
	read := map[Object]bool{}
	for _, x := range e.exprs {
		if x.Kind == Ref {
			read[x.Object] = true
		}
	}
	for _, d := range e.m.Discretes {
		if !read[d] {
			e.diags.Warnf("unread-discrete", d.Span, "nothing reads the discrete variable `%s`", d.Name)
		}
	}
}
