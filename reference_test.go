package pinode

import (
	"fmt"
	"math"
	"slices"
)

// The reference is a second, slow reading of the language's events: models are
// kept as trees of closures beside their text and run by the classical
// Runge–Kutta method in small equal steps, with guards looked at behind every
// step and their roots bisected. It shares no code with the engine.

// refExpr is an expression: its text, its value, and which variables it reads.
type refExpr struct {
	text  string
	at    func(r *refRun) float64
	reads uint64 // a bit for each variable
}

// refSwitch is a surface of the field. Its weight in a run is 1 where the
// guard is positive and 0 where it is negative.
type refSwitch struct {
	guard refExpr
	equal float64 // its weight where the guard is 0 and stays so
}

// refTruth is a condition inside of the field, as a weight between 0 and 1.
type refTruth struct {
	text string
	at   func(r *refRun) float64
}

// refVar is a state, or a discrete variable, which has no rate.
type refVar struct {
	name  string
	start refExpr
	rate  refExpr
}

// refCompare is a comparison in the condition of an event, with its guard on
// the side where it is true.
type refCompare struct {
	guard  refExpr // positive where the comparison is true
	strict bool
}

// refSet is an assignment of an event.
type refSet struct {
	to   int
	add  bool
	expr refExpr
}

// refEvent is an event: a condition, an edge, or a time that may repeat.
type refEvent struct {
	name       string
	trigger    string
	all        []refCompare // of a condition: all of them hold
	any        bool         // or one of them
	edge       int          // of the first guard: 1 rising, -1 falling, 2 both
	first      refExpr      // of a time
	every      *refExpr
	until      *refExpr
	after      *refExpr
	late       bool
	persistent bool
	terminate  bool
	priority   *refExpr
	sets       []refSet
	compares   []int // where its comparisons stand in a run
}

// refModel is a model in both forms.
type refModel struct {
	params   []float64
	vars     []refVar
	switches []*refSwitch
	events   []*refEvent
	end      float64
}

func (m *refModel) num(v float64) refExpr {
	return refExpr{text: fmt.Sprintf("%g", v), at: func(*refRun) float64 { return v }}
}

// param makes a parameter and names it.
func (m *refModel) param(v float64) refExpr {
	i := len(m.params)
	m.params = append(m.params, v)
	return refExpr{text: fmt.Sprintf("p%d", i), at: func(r *refRun) float64 { return r.p[i] }}
}

// state makes a state whose rate is given later.
func (m *refModel) state(name string, start refExpr) refExpr {
	i := len(m.vars)
	m.vars = append(m.vars, refVar{name: name, start: start})
	return refExpr{text: name, at: func(r *refRun) float64 { return r.y[i] }, reads: 1 << i}
}

func (m *refModel) index(name string) int {
	return slices.IndexFunc(m.vars, func(v refVar) bool { return v.name == name })
}

func (m *refModel) rate(name string, rate refExpr) { m.vars[m.index(name)].rate = rate }

func (m *refModel) time() refExpr {
	return refExpr{text: "t", at: func(r *refRun) float64 { return r.t }}
}

func refOp(op string, a, b refExpr, f func(a, b float64) float64) refExpr {
	return refExpr{
		fmt.Sprintf("(%s %s %s)", a.text, op, b.text),
		func(r *refRun) float64 { return f(a.at(r), b.at(r)) }, a.reads | b.reads,
	}
}

func refAdd(a, b refExpr) refExpr {
	return refOp("+", a, b, func(a, b float64) float64 { return a + b })
}

func refSub(a, b refExpr) refExpr {
	return refOp("-", a, b, func(a, b float64) float64 { return a - b })
}

func refMul(a, b refExpr) refExpr {
	return refOp("*", a, b, func(a, b float64) float64 { return a * b })
}

func refFn(name string, f func(float64) float64, a refExpr) refExpr {
	return refExpr{name + "(" + a.text + ")", func(r *refRun) float64 { return f(a.at(r)) }, a.reads}
}

func refSin(a refExpr) refExpr { return refFn("sin", math.Sin, a) }

func refCos(a refExpr) refExpr { return refFn("cos", math.Cos, a) }

// surface is the number of the switch with this guard: the same guard is the
// same surface wherever it stands.
func (m *refModel) surface(guard refExpr, equal float64) int {
	for i, s := range m.switches {
		if s.guard.text == guard.text {
			return i
		}
	}
	m.switches = append(m.switches, &refSwitch{guard, equal})
	return len(m.switches) - 1
}

// compare is a comparison inside of the field.
func (m *refModel) compare(a refExpr, op string, b refExpr) refTruth {
	equal := map[string]float64{">=": 1, ">": 0, "<": 1, "<=": 0}[op]
	guard := refSub(a, b)
	if b.text == "0" {
		guard = a // that of sign(a) and abs(a) too
	}
	i := m.surface(guard, equal)
	text := fmt.Sprintf("%s %s %s", a.text, op, b.text)
	if op[0] == '<' {
		return refTruth{text, func(r *refRun) float64 { return 1 - r.weight[i] }}
	}
	return refTruth{text, func(r *refRun) float64 { return r.weight[i] }}
}

func (a refTruth) and(b refTruth) refTruth {
	return refTruth{a.text + " and " + b.text, func(r *refRun) float64 { return a.at(r) * b.at(r) }}
}

func (m *refModel) choose(c refTruth, a, b refExpr) refExpr {
	return refExpr{
		fmt.Sprintf("(if %s then %s else %s)", c.text, a.text, b.text),
		func(r *refRun) float64 { w := c.at(r); return w*a.at(r) + (1-w)*b.at(r) }, a.reads | b.reads,
	}
}

func (m *refModel) sign(a refExpr) refExpr {
	i := m.surface(a, 1)
	return refExpr{"sign(" + a.text + ")", func(r *refRun) float64 { return 2*r.weight[i] - 1 }, a.reads}
}

func (m *refModel) abs(a refExpr) refExpr {
	i := m.surface(a, 1)
	return refExpr{"abs(" + a.text + ")", func(r *refRun) float64 { return (2*r.weight[i] - 1) * a.at(r) }, a.reads}
}

func (m *refModel) max(a, b refExpr) refExpr {
	i := m.surface(refSub(a, b), 1)
	return refExpr{
		fmt.Sprintf("max(%s, %s)", a.text, b.text),
		func(r *refRun) float64 { w := r.weight[i]; return w*a.at(r) + (1-w)*b.at(r) }, a.reads | b.reads,
	}
}

func (m *refModel) min(a, b refExpr) refExpr {
	i := m.surface(refSub(a, b), 1)
	return refExpr{
		fmt.Sprintf("min(%s, %s)", a.text, b.text),
		func(r *refRun) float64 { w := r.weight[i]; return (1-w)*a.at(r) + w*b.at(r) }, a.reads | b.reads,
	}
}

func (m *refModel) clamp(x, lo, hi refExpr) refExpr {
	inner := m.min(m.max(x, lo), hi)
	inner.text = fmt.Sprintf("clamp(%s, %s, %s)", x.text, lo.text, hi.text)
	return inner
}

// when makes an event whose condition is that all of the comparisons hold, or
// any of them.
func (m *refModel) when(name, join string, parts ...any) *refEvent {
	e := &refEvent{name: name, trigger: "when ", any: join == "or"}
	for i := 0; i < len(parts); i += 3 {
		a, op, b := parts[i].(refExpr), parts[i+1].(string), parts[i+2].(refExpr)
		if i > 0 {
			e.trigger += " " + join + " "
		}
		e.trigger += fmt.Sprintf("%s %s %s", a.text, op, b.text)
		g := refSub(a, b)
		if op[0] == '<' {
			g = refSub(b, a)
		}
		e.all = append(e.all, refCompare{g, len(op) == 1})
	}
	m.events = append(m.events, e)
	return e
}

// onEdge makes an event of `rising`, `falling` or `crossing`.
func (m *refModel) onEdge(name, kind string, g refExpr) *refEvent {
	e := &refEvent{
		name: name, trigger: fmt.Sprintf("when %s(%s)", kind, g.text),
		edge: map[string]int{"rising": 1, "falling": -1, "crossing": 2}[kind], all: []refCompare{{g, true}},
	}
	m.events = append(m.events, e)
	return e
}

// at makes an event at a time, every one that repeats.
func (m *refModel) at(name string, when refExpr) *refEvent {
	e := &refEvent{name: name, trigger: "at t = " + when.text, first: when, persistent: true}
	m.events = append(m.events, e)
	return e
}

func (m *refModel) every(name string, period refExpr, from, until *refExpr) *refEvent {
	e := &refEvent{name: name, trigger: "every " + period.text, first: m.num(0), every: &period, until: until, persistent: true}
	if from != nil {
		e.first = *from
		e.trigger += " from " + from.text
	}
	if until != nil {
		e.trigger += " until " + until.text
	}
	m.events = append(m.events, e)
	return e
}

func (m *refModel) set(e *refEvent, name string, expr refExpr) {
	e.sets = append(e.sets, refSet{m.index(name), false, expr})
}

func (m *refModel) add(e *refEvent, name string, expr refExpr) {
	e.sets = append(e.sets, refSet{m.index(name), true, expr})
}

// write gives the text of the model, without a block of settings.
func (m *refModel) write() string {
	s := "model M {\n"
	for i, v := range m.params {
		s += fmt.Sprintf("  param p%d = %.17g\n", i, v)
	}
	for _, v := range m.vars {
		kind := "state"
		if v.rate.at == nil {
			kind = "discrete"
		}
		s += fmt.Sprintf("  %s %s = %s\n", kind, v.name, v.start.text)
	}
	for _, v := range m.vars {
		if v.rate.at != nil {
			s += fmt.Sprintf("  %s' = %s\n", v.name, v.rate.text)
		}
	}
	for _, e := range m.events {
		s += "  event " + e.name + " " + e.trigger
		if e.priority != nil {
			s += " priority " + e.priority.text
		}
		if e.after != nil {
			s += " after " + e.after.text
		}
		if e.late {
			s += " late"
		}
		if e.persistent && len(e.all) > 0 {
			s += " persistent"
		}
		s += " { "
		for i, a := range e.sets {
			op := ":="
			if a.add {
				op = "+="
			}
			if i > 0 {
				s += "; "
			}
			s += fmt.Sprintf("%s %s %s", m.vars[a.to].name, op, a.expr.text)
		}
		if e.terminate {
			if len(e.sets) > 0 {
				s += "; "
			}
			s += "terminate"
		}
		s += " }\n"
	}
	return s + "}\n"
}
