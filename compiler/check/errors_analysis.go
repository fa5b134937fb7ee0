package check

import (
	"fmt"
	"strings"
)

func (e *analysis) errConflict(a, b *Event, x, y *Assign) {
	e.diags.Errorf(writeConflict, x.Span, "the events `%s` and `%s` may assign `%s` at the same instant", b.Name, a.Name, x.Target.Info().Name).
		WithNote(x.Span, "`%s` assigns it here", a.Name).
		WithNote(y.Span, "`%s` assigns it here", b.Name).
		WithHelp("say which comes first: give one of them a `priority`, higher first; `+=` in both adds up in any order\n(opposite directions of one guard, or different values of a discrete variable, exclude each other; behind delays that differ only the latter do)")
}

func (e *analysis) warnIdle(a *Assign) {
	e.diags.Warnf(idleAssignment, a.Span, "this assignment changes nothing")
}

func (e *analysis) warnOldValue(ev *Event, a *Assign) {
	name := targetText(a)
	help := "`late` reads it when the jump is carried out"
	for op, write := range map[string]string{"add": "+=", "sub": "-="} {
		if v := a.Value; v.Kind == Op && v.Name == op && Text(v.Args[0]) == name {
			help = fmt.Sprintf("write `%s %s %s`, which changes `%s` as it is then; or `late`, to read all values then",
				name, write, v.Args[1].Span.Text(), name)
		}
	}
	e.diags.Warnf(oldValue, a.Span, "`%s` assigns `%s` from its value at the trigger, and what happened to it since is lost", ev.Name, name).
		WithNote(ev.After.Span, "the delay").
		WithHelp("%s", help)
}

func (e *analysis) warnDead(ev *Event) {
	e.diags.Warnf(deadEvent, ev.Cond.Span, "nothing changes this condition, so `%s` never fires", ev.Name).
		WithHelp("an event fires when its condition turns true; `at start` lets it fire at the initial time too")
}

func (e *analysis) warnNeverFires(ev *Event, at, start float64) {
	d := e.diags.Warnf(deadEvent, ev.At.Span, "`%s` never fires: its time %g is before the start at %g", ev.Name, at, start)
	if at == start {
		d.Message = fmt.Sprintf("`%s` never fires: its time %g is that of the start", ev.Name, at)
		d.WithHelp("`at start` lets it fire at the initial time, after the initial values; or put what it does into these")
		return
	}
	d.WithHelp("let the run start earlier: `time %s in [%g, inf)`", e.m.Time.Name, at)
}

func (e *analysis) errOwnJump(ev *Event, o *Observe, a *Assign) {
	e.diags.Errorf(ownJump, o.Value.Span, "a measurement of `%s` fires `%s`, which moves what `%s` predicts for it", o.Name, ev.Name, o.Name).
		WithNote(a.Span, "`%s` assigns `%s` here, before the prediction is read", ev.Name, a.Target.Info().Name).
		WithHelp("compare with the value before the event: `before(%s)`; or give the observation `{ weight: 0 }`", source(o.Value))
}

func (e *analysis) warnStaysTrue(ev *Event) {
	e.diags.Warnf(staysTrueCode, ev.Cond.Span, "what `%s` assigns leaves its own condition true", ev.Name).
		WithNote(ev.Assigns[0].Span, "assigned here").
		WithHelp("it fires again only after the condition has turned false by other means; to hold a variable at a bound, let its rate be 0 there: `x' = if x >= 1 and r > 0 then 0 else r`")
}

func (e *analysis) warnCycle(path []*Event) {
	list := make([]string, len(path))
	for i, ev := range path {
		list[i] = "`" + ev.Name + "`"
	}
	d := e.diags.Warnf(eventCycle, path[0].Span, "these events fire each other at one instant for ever: %s → %s", strings.Join(list, " → "), list[0])
	for _, ev := range path[1:] {
		d.WithNote(ev.Span, "fires, too")
	}
	d.WithHelp("let one of them wait with `after`, or for a condition on the state")
}

func (e *analysis) warnUnread(o *Discrete) {
	e.diags.Warnf(unreadDiscrete, o.Span, "nothing reads or assigns the discrete variable `%s`", o.Name)
}

func (e *analysis) warnUnusedParam(p *Param) {
	e.diags.Warnf(unusedParameter, p.Span, "nothing depends on the parameter `%s`, so it cannot be learned", p.Name)
}

func (e *analysis) warnFittedSpread(p, spread *Param) {
	e.diags.Warnf(fittedSpread, p.Prior.Span, "`%s`, the spread of the prior of `%s`, is fitted with it: that makes all of them alike and the spread go to 0, whatever the data say", spread.Name, p.Name).
		WithNote(spread.Span, "the spread").
		WithHelp("let it be `fixed`, at how much estimates differ that were fitted without the prior")
}

func (e *analysis) warnUnusedNeural(n *Neural) {
	e.diags.Warnf(unusedParameter, n.Span, "nothing calls the block `%s`, so it cannot be learned", n.Name)
}
