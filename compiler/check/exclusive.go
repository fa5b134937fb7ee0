package check

import (
	"math"
	"slices"

	"github.com/pinode/pinode/dsl"
)

// Which events cannot act at one instant.

// exclusive reports whether two events can be shown not to wait at one instant for
// their turn without an order between them.
//
// Random events meet nothing else, almost surely. Scheduled ones at constant
// times are compared. Conditions exclude each other if they demand different
// values of one discrete expression, or opposite directions of one guard, or
// crossings of different constants by it in one direction, as nothing but a
// jump passes both at once. Events with one delay, which does not change, come in the
// order in which they were triggered, so that it is enough that they are not triggered at once.
// With different delays, or none for one of them, what held at the trigger need not hold
// later, but for values of discrete expressions: an event that is not persistent is
// dropped with them, and one that is persistent is if nothing can change them while it waits.
func (e *analysis) exclusive(a, b *Event) bool {
	if a.Kind == dsl.TriggerRate || b.Kind == dsl.TriggerRate {
		return true
	}
	together := sameDelay(a, b)
	if a.Cond != nil && b.Cond != nil {
		for _, x := range conjuncts(a.Cond) {
			for _, y := range conjuncts(b.Cond) {
				switch {
				case together && contradict(x, y, a.Cond == x && b.Cond == y),
					disjoint(x, y) && e.heldBy(a, x) && e.heldBy(b, y):
					return true
				}
			}
		}
		return false
	}
	if a.After != nil || b.After != nil {
		return false
	}
	x, ok1 := scheduleOf(a)
	y, ok2 := scheduleOf(b)
	return ok1 && ok2 && !meet(x, y)
}

// sameDelay reports whether two events act as long after their triggers, always.
func sameDelay(a, b *Event) bool {
	if a.After == nil || b.After == nil {
		return a.After == nil && b.After == nil
	}
	if x, ok := fold(a.After); ok {
		y, ok := fold(b.After)
		return ok && slices.Equal(x, y)
	}
	const fixed = readsParam | readsCovariate | readsDraw | readsRow
	return readsOf(a.After)&^fixed == 0 && Text(a.After) == Text(b.After)
}

// heldBy reports whether a part of an event's condition, about a discrete expression, is
// true whenever the event waits for its turn. Of one that is not persistent it is, as it is
// dropped otherwise. One that is persistent has no other condition, `v == constant`, which
// would let it be triggered again, and no other event changes v where that holds.
func (e *analysis) heldBy(ev *Event, part *Expr) bool {
	if !ev.Persistent {
		return true
	}
	if ev.Cond != part {
		return false
	}
	v, own, ok := demand(part)
	if !ok {
		return false
	}
	for _, other := range e.m.Events {
		if other == ev || !assignsTo(other, v) {
			continue
		}
		c, ok := demanded(other, v)
		if !ok || c == own || other.Persistent && !e.alone(other, v, c) {
			return false
		}
	}
	return true
}

// alone reports whether a persistent event has the condition `v == c` alone, and no other
// event that assigns v demands the same, so that it is never late.
func (e *analysis) alone(ev *Event, v element, c float64) bool {
	if _, _, ok := demand(ev.Cond); !ok {
		return false
	}
	for _, other := range e.m.Events {
		if other == ev || !assignsTo(other, v) {
			continue
		}
		if d, ok := demanded(other, v); !ok || d == c {
			return false
		}
	}
	return true
}

// element is a discrete variable without indices, or one of its elements.
type element struct {
	of Object
	at int
}

// demand is what a condition `v == constant` demands of v.
func demand(x *Expr) (v element, c float64, ok bool) {
	if x.Kind != Op || x.Name != "eq" {
		return v, 0, false
	}
	for i, level := range x.Args {
		root := x.Args[1-i]
		constant, isConst := fold(level)
		if !isConst || len(constant) != 1 || root.Shape.Rank != 0 {
			continue
		}
		at := 0
		for root.Kind == Slice {
			at += root.Offset
			root = root.Args[0]
		}
		if d, isDiscrete := root.Object.(*Discrete); isDiscrete && root.Kind == Ref {
			return element{d, at}, constant[0], true
		}
	}
	return v, 0, false
}

// demanded is the constant that the condition of an event demands v to be.
func demanded(ev *Event, v element) (float64, bool) {
	if ev.Cond == nil {
		return 0, false
	}
	for _, x := range conjuncts(ev.Cond) {
		if w, c, ok := demand(x); ok && w == v {
			return c, true
		}
	}
	return 0, false
}

func assignsTo(ev *Event, v element) bool {
	return slices.ContainsFunc(ev.Assigns, func(a *Assign) bool {
		return a.Target == v.of && a.Offset <= v.at && v.at < a.Offset+a.Value.Shape.Size()
	})
}

// schedule is a constant grid of times; a period of 0 is a single time.
type schedule struct{ from, period, until float64 }

func scheduleOf(ev *Event) (s schedule, ok bool) {
	get := func(x *Expr, otherwise float64) float64 {
		if x == nil {
			return otherwise
		}
		if c, isConst := fold(x); isConst {
			return c[0]
		}
		return math.NaN()
	}
	nan := math.NaN()
	switch ev.Kind {
	case dsl.TriggerAt:
		t := get(ev.At, nan)
		s = schedule{t, 0, t}
	case dsl.TriggerEvery: // without `from` the grid depends on the start
		s = schedule{get(ev.From, nan), get(ev.At, nan), get(ev.Until, math.Inf(1))}
	default:
		return s, false
	}
	return s, !math.IsNaN(s.from + s.period + s.until)
}

// meet reports whether two schedules share a time, to rounding; true if that
// cannot be decided by looking at the first ten thousand times.
func meet(a, b schedule) bool {
	if a.period < b.period {
		a, b = b, a
	}
	same := func(t float64, s schedule) bool {
		tol := 1e-9 * math.Max(1, math.Abs(t))
		if t < s.from-tol || t > s.until+tol {
			return false
		}
		if s.period == 0 {
			return math.Abs(t-s.from) <= tol
		}
		k := math.Round((t - s.from) / s.period)
		return math.Abs(s.from+k*s.period-t) <= tol
	}
	for k := range 10_000 {
		t := a.from + float64(k)*a.period
		if t > a.until || t > b.until+1e-9*math.Abs(t) {
			return false
		}
		if same(t, b) {
			return true
		}
		// The grids repeat their pattern where both have come round.
		if r := float64(k+1) * a.period / b.period; a.period == 0 || math.Abs(r-math.Round(r)) < 1e-9 && r < 1e9 {
			return false
		}
	}
	return true
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

// comparison is a condition with the constant or the shorter side last:
// `0 < x` and `x > 0` are one.
type comparison struct {
	name  string
	guard string
	level *Expr // nil for rising, falling and crossing
}

var mirrored = map[string]string{"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}

func comparisonOf(x *Expr) (c comparison, ok bool) {
	if x.Kind != Op || len(x.Args) == 0 || x.Name == "and" || x.Name == "or" || x.Name == "not" || x.Name == "if" {
		return c, false
	}
	c = comparison{name: x.Name, guard: Text(x.Args[0])}
	if len(x.Args) == 1 {
		return c, true
	}
	c.level = x.Args[1]
	if _, isConst := fold(x.Args[0]); isConst {
		c = comparison{mirrored[x.Name], Text(x.Args[1]), x.Args[0]}
	}
	return c, true
}

// contradict reports whether two comparisons do not turn true at once: parts of the
// conditions of two events, or all that these ask for.
func contradict(x, y *Expr, all bool) bool {
	a, ok1 := comparisonOf(x)
	b, ok2 := comparisonOf(y)
	if !ok1 || !ok2 || a.guard != b.guard {
		return false
	}
	if disjoint(x, y) {
		return true
	}
	u, v, constant := levels(a, b)
	switch turn := direction[a.name] * direction[b.name]; {
	case turn < 0: // between the two both hold, and another part of the conditions may turn true
		return all || !constant || float64(direction[a.name])*(u-v) >= 0
	case turn > 0:
		return constant && u != v
	}
	return false
}

// levels are the constants that two comparisons compare with.
func levels(a, b comparison) (u, v float64, ok bool) {
	if a.level == nil || b.level == nil {
		return 0, 0, false
	}
	x, ok1 := fold(a.level)
	y, ok2 := fold(b.level)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	return x[0], y[0], true
}

// disjoint reports whether two comparisons of one discrete expression are never true
// at once.
func disjoint(x, y *Expr) bool {
	a, ok1 := comparisonOf(x)
	b, ok2 := comparisonOf(y)
	if !ok1 || !ok2 || a.guard != b.guard || a.level == nil || b.level == nil || (readsOf(x)|readsOf(y))&continuous != 0 {
		return false
	}
	u, v, constant := levels(a, b)
	if !constant {
		if Text(a.level) != Text(b.level) {
			return false
		}
		u, v = 0, 0
	}
	for _, at := range []float64{math.Inf(-1), u, (u + v) / 2, v, math.Inf(1)} { // one of each stretch between and beyond the levels
		if holds(a.name, at, u) && holds(b.name, at, v) {
			return false
		}
	}
	return true
}

// holds is a comparison of numbers by its name.
func holds(name string, x, level float64) bool {
	switch name {
	case "lt":
		return x < level
	case "le":
		return x <= level
	case "gt":
		return x > level
	case "ge":
		return x >= level
	case "eq":
		return x == level
	}
	return x != level
}
