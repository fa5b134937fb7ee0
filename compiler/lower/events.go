package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics"
)

// events lowers events and the steps that nothing fires.
type events struct {
	*expressions
	algebra  *algebra
	steadies *steadies
}

// events lowers triggers and jumps.
func (l *events) events() {
	rate := l.out.Layout.NUser
	threshold := l.out.Layout.ND - l.modes - l.thresholds
	for i, ev := range l.m.Events {
		l.during = &EventUse{Event: i}
		e := Event{Checked: ev, Likelihood: -1, Threshold: -1}
		switch ev.Kind {
		case dsl.TriggerWhen:
			e.Cond = l.condition(ev.Cond, false)
		case dsl.TriggerAt:
			e.Time = l.expr(ev.At)
			if l.moves(e.Time) || l.dependsOn(e.Time, l.out.In.D) {
				// A time that the run itself decides is a condition.
				g := l.conditions.guard(l.b.Sub(l.out.In.T, e.Time), ev.At)
				e.Time, e.Cond = nil, &Cond{Op: CondAbove, Guard: g, Inclusive: true}
				l.conditions.triggers(len(l.out.Events), ev.At)
			}
		case dsl.TriggerEvery:
			e.Period, e.From, e.Until = l.expr(ev.At), l.optional(ev.From), l.optional(ev.Until)
			for _, n := range []*ir.Node{e.Period, e.From, e.Until} {
				never(n != nil && (l.moves(n) || l.dependsOn(n, l.out.In.D)), "the schedule of an event depends on the state")
			}
		case dsl.TriggerRate:
			// It fires where the integrated intensity reaches a threshold.
			e.Rate, e.Likelihood, e.Threshold = l.expr(ev.At), rate+1, threshold
			g := l.conditions.guard(l.b.Sub(l.b.Elem(l.out.In.Y, rate), l.b.Elem(l.out.In.D, threshold)), ev.At)
			e.Cond = &Cond{Op: CondAbove, Guard: g, Inclusive: true}
			rate += 2
			threshold++
		}
		l.during = &EventUse{Event: i, Jump: true}
		slides := e
		l.acts(ev, &e, l.value)
		l.acts(ev, &slides, l.conditions.whole)
		if slides.Jump != e.Jump {
			e.Sliding.Jump = slides.Jump
		}
		if slides.Rest != e.Rest {
			e.Sliding.Rest = slides.Rest
		}
		if slides.Delay != e.Delay {
			e.Sliding.Delay = slides.Delay
		}
		l.out.Events = append(l.out.Events, e)
	}
	l.during = nil
	if l.m.Steady != nil && l.diags.Err() == nil {
		l.steadies.steady()
	}
	if len(l.m.Constraints) > 0 && l.diags.Err() == nil {
		l.algebra.balance()
	}
	l.project()
	l.positive()
	l.priorities()
}

// acts lowers what an event does, with a way to lower expressions.
func (l *events) acts(ev *check.Event, e *Event, value func(*check.Expr, check.Shape) *ir.Node) {
	if ev.After != nil {
		e.Delay = value(ev.After, ev.After.Shape)
	}
	e.Jump, e.Targets, e.Adds = l.jump(ev.Assigns, value)
	if e.Rate != nil {
		l.adds(e, e.Likelihood, l.b.Neg(l.b.Log(value(ev.At, ev.At.Shape)))) // of the values at the trigger
	}
	l.across(ev, e)
	if ev.Zeno == "rest" {
		e.Rest, e.RestTargets, _ = l.jump(ev.Rest, value)
	}
}

// priorities lowers the priorities of all events, if one is not constant.
func (l *events) priorities() {
	parts, constant := make([]*ir.Node, len(l.m.Events)), true
	for i, ev := range l.m.Events {
		if parts[i] = l.b.Const(ev.Priority); ev.Priorities != nil {
			parts[i], constant = l.expr(ev.Priorities), false
			l.conditions.triggers(i, ev.Priorities)
		}
	}
	if !constant {
		l.out.Priorities = l.b.Concat(parts...)
	}
}

// adds lets an event add to a place of [Y | D] besides.
func (l *events) adds(e *Event, to int, v *ir.Node) {
	if e.Jump != nil {
		v = l.b.Concat(e.Jump, v)
	} else {
		v = l.b.Concat(v)
	}
	e.Jump, e.Targets, e.Adds = v, append(e.Targets, to), append(e.Adds, true)
}

func (l *events) optional(x *check.Expr) *ir.Node {
	if x == nil {
		return nil
	}
	return l.expr(x)
}

// condition lowers a trigger to guards.
func (l *events) condition(x *check.Expr, negated bool) *Cond {
	switch x.Kind {
	case check.Number:
		return &Cond{Op: CondConst, Value: x.Value != 0}
	case check.Smooth:
		return l.condition(x.Args[0], negated)
	case check.Ref:
		return l.condition(x.Object.(*check.Let).Value, negated)
	case check.Apply:
		for i, a := range x.Args {
			l.locals[x.Locals[i]] = l.expr(a)
		}
		return l.condition(x.Body, negated)
	}
	switch x.Name {
	case "and", "or":
		op := CondAnd
		if x.Name == "or" {
			op = CondOr
		}
		return &Cond{Op: op, Args: []*Cond{l.condition(x.Args[0], negated), l.condition(x.Args[1], negated)}}
	case "not":
		return &Cond{Op: CondNot, Args: []*Cond{l.condition(x.Args[0], !negated)}}
	case "rising", "falling", "crossing":
		l.conditions.triggers(len(l.out.Events), x.Args[0])
		g, turned := l.conditions.oriented(l.conditions.inGuard(x.Args[0], l.expr))
		op := map[string]CondOp{"rising": CondRise, "falling": CondFall, "crossing": CondCross}[x.Name]
		switch {
		case turned && op == CondRise:
			op = CondFall
		case turned && op == CondFall:
			op = CondRise
		}
		return &Cond{Op: op, Guard: l.conditions.guardOf(g, x)}
	}
	l.conditions.triggers(len(l.out.Events), x.Args...)
	g := l.conditions.inGuard(x, func(x *check.Expr) *ir.Node { return l.b.Sub(l.expr(x.Args[0]), l.expr(x.Args[1])) })
	if !l.moves(g) {
		i := l.conditions.guardOf(l.conditions.inGuard(x, l.conditions.cond), x)
		l.out.Guards[i].Flag = true
		return &Cond{Op: CondFlag, Guard: i}
	}
	never(x.Name == "eq" || x.Name == "ne", "an equality of what changes continuously has no guard")
	surface, turned := l.conditions.oriented(g)
	op := CondAbove
	if below := x.Name == "lt" || x.Name == "le"; below != turned {
		op = CondBelow
	}
	return &Cond{Op: op, Guard: l.conditions.guardOf(surface, x), Inclusive: x.Name == "le" || x.Name == "ge"}
}

// inGuard lowers a comparison or a side of one. Where it jumps the run must stop, as a
// guard that jumps has no root; so it must at the corners that may lie on its surface,
// where the guard stays, as min(x, 1) - 1 does, or goes back, as min(x, 2 - x) - 1 does.
func (l *conditions) inGuard(x *check.Expr, by func(*check.Expr) *ir.Node) *ir.Node {
	was := l.reading
	l.located, l.cornered = true, false
	n := by(x)
	if l.cornered = l.turns(n); l.cornered {
		n = by(x)
	}
	l.reading = was
	return n
}

// turns reports whether a guard may be on its surface at a corner. That of abs(v) - a
// is not: there the guard is a number which does not move and is not zero.
func (l *conditions) turns(g *ir.Node) bool {
	for _, n := range ir.Reach(g) {
		if n.Net || !l.moves(n) {
			continue
		}
		switch n.Op {
		case ir.OpAbs:
			there := l.b.Substitute([]*ir.Node{g}, map[*ir.Node]*ir.Node{n: l.b.Full(n.Shape, 0)})[0]
			if l.moves(there) || there.IsConst(0) {
				return true
			}
		case ir.OpMin, ir.OpMax:
			return true
		}
	}
	return false
}

// guardOf adds a guard, or finds the one that is there already.
func (l *conditions) guardOf(n *ir.Node, x *check.Expr) int {
	if i, ok := l.guards[n]; ok {
		return i
	}
	i := l.guard(n, x)
	l.guards[n] = i
	if core, _ := l.upright(n); l.cores[core] == nil {
		l.cores[core] = n
	}
	return i
}

// jump lowers assignments to the vector of new values, or of what is added, and
// their places. What several assignments add to one place is summed up.
func (l *events) jump(assigns []*check.Assign, value func(*check.Expr, check.Shape) *ir.Node) (jump *ir.Node, targets []int, adds []bool) {
	var parts []*ir.Node
	at := map[int]int{}
	for _, a := range assigns {
		v := l.unlessMissing(a, value(a.Value, a.Value.Shape))
		parts = append(parts, l.b.Slice(v, 0, ir.Vec(v.Shape.Size())))
		s := l.slots[a.Target]
		off := s.Off + a.Offset
		if _, ok := a.Target.(*check.Discrete); ok {
			off += l.out.Layout.NY
		}
		for i := range v.Shape.Size() {
			if _, again := at[off+i]; !again {
				at[off+i] = len(at)
			}
			targets, adds = append(targets, off+i), append(adds, a.Add)
		}
	}
	if len(parts) == 0 {
		return nil, nil, nil
	}
	jump = l.b.Concat(parts...)
	if len(at) == len(targets) {
		return jump, targets, adds
	}
	sums := make([]*ir.Node, len(at))
	for i, k := range targets {
		n, x := at[k], l.b.Elem(jump, i)
		if sums[n] != nil {
			x = l.b.Add(sums[n], x)
		}
		sums[n], targets[n], adds[n] = x, k, adds[i]
	}
	return l.b.Concat(sums...), targets[:len(at)], adds[:len(at)]
}

// unlessMissing keeps what an assignment sets as it is where a value that it reads is
// missing, unless it says itself what then, by observed(…).
func (l *events) unlessMissing(a *check.Assign, v *ir.Node) *ir.Node {
	var reads []*check.Expr
	handled := false
	var walk func(x *check.Expr)
	walk = func(x *check.Expr) {
		if x == nil {
			return
		}
		switch x.Kind {
		case check.DataOf:
			reads = append(reads, x)
		case check.Observed:
			handled = true
		case check.Ref:
			if let, ok := x.Object.(*check.Let); ok {
				walk(let.Value)
			}
		}
		for _, arg := range x.Args {
			walk(arg)
		}
		walk(x.Body)
	}
	walk(a.Value)
	if len(reads) == 0 || handled {
		return v
	}
	b, size := l.b, v.Shape.Size()
	v = b.Slice(v, 0, ir.Vec(size))
	seen := b.Full(ir.Vec(size), 1)
	for _, x := range reads {
		s := l.observes[x.Object]
		of := b.Slice(l.out.In.Seen, s.Off, ir.Vec(s.N))
		switch {
		case s.N == size:
			seen = b.Mul(seen, of)
		default: // all of it has to be there
			all := b.Le(b.Const(float64(s.N)), b.Sum(of))
			seen = b.Mul(seen, b.Fill(all, ir.Vec(size)))
		}
	}
	kept := b.Full(ir.Vec(size), 0)
	if !a.Add {
		kept = b.Slice(l.ref(a.Target), a.Offset, ir.Vec(size))
	}
	return b.Select(seen, v, kept)
}

// across adds the squared jump of conserved quantities to their quadratures.
func (l *events) across(ev *check.Event, e *Event) {
	k := l.out.Layout.NUser
	for _, x := range l.m.Events {
		if x.Kind == dsl.TriggerRate {
			k += 2
		}
	}
	for _, c := range l.m.Conserves {
		if c.Mode != "penalty" || c.Weight == 0 {
			continue
		}
		state := k
		k++
		for _, at := range c.Across {
			if at != ev || e.Jump == nil {
				continue
			}
			before := l.expr(c.Value)
			after := l.b.Substitute([]*ir.Node{before}, l.afterJump(e))[0]
			jump := physics.Jump.Build(l.b, physics.Args{Value: l.b.Sub(after, before), Scale: l.scaleNode(ScaleConserve, c)})
			l.adds(e, state, jump)
		}
	}
}

// afterJump maps the states and discretes to their values after the event.
func (l *events) afterJump(e *Event) map[*ir.Node]*ir.Node {
	replace := func(x *ir.Node, first int) *ir.Node {
		if x == nil {
			return nil
		}
		parts := make([]*ir.Node, x.Shape.Size())
		for i := range parts {
			parts[i] = l.b.Elem(x, i)
		}
		for i, t := range e.Targets {
			if t >= first && t < first+len(parts) {
				v := l.b.Elem(e.Jump, i)
				if e.Adds[i] {
					v = l.b.Add(parts[t-first], v)
				}
				parts[t-first] = v
			}
		}
		return l.b.Concat(parts...)
	}
	by := map[*ir.Node]*ir.Node{}
	in := &l.out.In
	if in.Y != nil {
		by[in.Y] = replace(in.Y, 0)
	}
	if in.D != nil {
		by[in.D] = replace(in.D, l.out.Layout.NY)
	}
	return by
}
