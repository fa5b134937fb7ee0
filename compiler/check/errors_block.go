package check

import (
	"fmt"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// ---- events ----

// eventMistakes has the wording of mistakes in events.
type eventMistakes struct{ *objects }

// dataMistakes has that of mistakes in data blocks.
type dataMistakes struct{ *objects }

func (e eventMistakes) errEventArgs(d *dsl.EventDecl) {
	e.diags.Errorf(misplaced, d.Args[0].Span(), "only an event `on data` has arguments").
		WithHelp("the rows of a data table give them their values")
}

func (e eventMistakes) errEventArgShape(a dsl.Arg) {
	e.diags.Errorf(badShape, a.Span(), "the argument of an event is a single value").
		WithHelp("a column of the data gives it; write one argument for each element")
}

func (e eventMistakes) errAtStart(d *dsl.EventDecl) {
	e.diags.Errorf(misplaced, d.Name.Span(), "`at start` belongs to events `when …`, `at …` and `every …`").
		WithHelp("it lets them fire at the initial time too; rows of data and observations do so anyway")
}

func (e *objects) errNotTime(id dsl.Ident) {
	e.diags.Errorf(misplaced, id.Span(), "`at` takes the time, which is called `%s`", e.m.Time.Name).
		WithHelp("write `at %s = …`; another quantity that reaches a value is a condition: `when %s >= …`", e.m.Time.Name, id.Name)
}

func (e eventMistakes) errPeriod(v *Expr, rule string, got float64) {
	e.diags.Errorf(badPeriod, v.Span, "%s, this is %g", rule, got)
}

func (e eventMistakes) errTwoZeno(st, first *dsl.Zeno) {
	e.diags.Errorf(badZeno, st.Span(), "an event has one `zeno` line").WithNote(first.Span(), "first here")
}

func (e eventMistakes) errZeno(st *dsl.Zeno) {
	d := e.diags.Errorf(badZeno, st.Span(), "")
	if st.Mode.Name == "rest" {
		d.Message = "`zeno rest` says what the states are at rest"
		d.WithHelp("write `zeno rest { v := 0 }`")
	} else {
		d.Message = fmt.Sprintf("`zeno %s` assigns nothing", st.Mode.Name)
		d.WithHelp("`zeno rest { … }` does")
	}
}

func (e eventMistakes) errZenoTrigger(st *dsl.Zeno) {
	e.diags.Errorf(badZeno, st.Span(), "only an event `when …` can repeat faster and faster")
}

func (e eventMistakes) errRest(r *dsl.Assign, a *Assign) {
	e.diags.Errorf(badAssignment, r.Target.Span(), "only states rest, `%s` is discrete", a.Target.Info().Name).
		WithHelp("assign it in the body of the event")
}

func (e eventMistakes) errRestAdds(r *dsl.Assign) {
	e.diags.Errorf(badZeno, r.Span(), "`zeno rest` says what the states are at rest, not by how much they change").
		WithHelp("write `:=`")
}

func (e eventMistakes) errNothingObserved(d *dsl.EventDecl) {
	e.diags.Errorf(unknownName, d.Trigger.Span(), "the model observes nothing, so this event never happens")
}

func (e eventMistakes) errNotEdge(x *Expr) {
	e.diags.Errorf(notACondition, x.Span, "`not` has no meaning for an edge").
		WithHelp("`not rising(g)` is no instant; `falling(g)` is the other edge")
}

func (e eventMistakes) errEdgeInside(x *Expr) {
	e.diags.Errorf(misplaced, x.Span, "`%s` is an instant and has no value to compare or to calculate with", x.Name).
		WithHelp("it stands by itself in the condition of an event, or beside others with `and` and `or`")
}

func (e eventMistakes) errSmoothTrigger(x *Expr) {
	e.diags.Errorf(misplaced, x.Span, "a trigger is always located; `smooth` has no meaning here")
}

func (e eventMistakes) errEquality(x *Expr, r reads) {
	d := e.diags.Errorf(notACondition, x.Span, "no root can be located for this condition: %s changes continuously", r)
	if x.Args[1].Kind == Number && x.Args[1].Span == x.Args[0].Span { // a bare value
		d.WithHelp("compare it: `%s > 0`", source(x.Args[0]))
		return
	}
	d.WithHelp("`crossing(a - b)` fires when they meet; `<=` and `>=` when one passes the other")
}

func (e eventMistakes) errAssigns(t *dsl.Name, x *entity) {
	if _, ok := x.decl.(*dsl.AlgebraicDecl); ok {
		e.diags.Errorf(badAssignment, t.Span(), "`%s` follows from the lines `0 = …` and cannot be assigned", x.name).
			WithNote(x.at, "it is declared here").
			WithHelp("assign the states that determine it; it is found anew behind every event")
		return
	}
	e.diags.Errorf(badAssignment, t.Span(), "events assign states and discrete variables only, `%s` is neither", x.name).
		WithNote(x.at, "it is declared here").
		WithHelp("if it changes at events, declare it as `discrete %s = …`", t.Name)
}

func (e eventMistakes) errAssignsArgument(t *dsl.Name) {
	e.diags.Errorf(badAssignment, t.Span(), "`%s` is given and cannot be assigned", t.Name)
}

func (e eventMistakes) errAssignsDerivative(t *dsl.Name, x *entity) {
	e.diags.Errorf(badAssignment, t.Span(), "`%s` follows from an equation and cannot be assigned", dsl.FormatExpr(t)).
		WithNote(x.at, "`%s` is declared here", x.name)
}

func (e eventMistakes) errAssignedTwice(a, first *Assign) {
	e.diags.Errorf(writeConflict, a.Span, "`%s` is assigned twice", a.Target.Info().Name).
		WithNote(first.Span, "first here").WithHelp("all assignments of an event are made at once")
}

func (e *analysis) errConflict(a, b *Event, x, y *Assign) {
	e.diags.Errorf(writeConflict, x.Span, "the events `%s` and `%s` may assign `%s` at the same instant", b.Name, a.Name, x.Target.Info().Name).
		WithNote(x.Span, "`%s` assigns it here", a.Name).
		WithNote(y.Span, "`%s` assigns it here", b.Name).
		WithHelp("say which comes first: give one of them a `priority`, higher first; `+=` in both adds up in any order\n(opposite directions of one guard, or different values of a discrete variable, exclude each other)")
}

func (e *analysis) warnIdle(a *Assign) {
	e.diags.Warnf(idleAssignment, a.Span, "this assignment changes nothing")
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

// ---- what is declared in vain ----

func (e *analysis) warnUnread(o *Discrete) {
	e.diags.Warnf(unreadDiscrete, o.Span, "nothing reads the discrete variable `%s`", o.Name)
}

func (e *analysis) warnUnusedParam(p *Param) {
	e.diags.Warnf(unusedParameter, p.Span, "nothing depends on the parameter `%s`, so it cannot be learned", p.Name)
}

func (e *analysis) warnUnusedNeural(n *Neural) {
	e.diags.Warnf(unusedParameter, n.Span, "nothing calls the block `%s`, so it cannot be learned", n.Name)
}

func (e *observations) errAlwaysConserved(c *Conserve) {
	e.diags.Warnf(idleConserve, c.Span, "nothing changes `%s`, so it is conserved anyway", c.Name)
}

// ---- distributions ----

func (e *dists) errDistribution(c *dsl.Call, d *Distribution, use distUse) {
	var have []string
	for i := range Distributions {
		if Distributions[i].rules(use) != nil {
			have = append(have, Distributions[i].Name)
		}
	}
	what := map[distUse]string{asNoise: "distribution of an observation", asPrior: "prior", asDraw: "distribution to draw from"}[use]
	if d == nil {
		e.errUnknown("distribution", c.Fun.Span(), c.Fun.Name, have)
		return
	}
	e.diags.Errorf(badDistribution, c.Fun.Span(), "`%s` is no %s", d.Name, what).WithHelp("there are: %s", oneOf(have))
}

func (e *dists) errDistArity(c *dsl.Call, d *Distribution, want int) {
	e.diags.Errorf(wrongArguments, c.Span(), "`%s` takes %s here, not %d", d.Name, plural(want, "argument"), len(c.Args)).
		WithHelp("%s", d.Doc)
}

func (e *dists) errDistValue(v *Expr, rule argRule, c *dsl.Call, got float64) {
	want := "a number"
	if rule.positive {
		want = "positive"
	}
	e.diags.Errorf(badDistribution, v.Span, "`%s` of `%s` is %s, not %g", rule.name, c.Fun.Name, want, got)
}

func (e *dists) errEmptyUniform(c *dsl.Call, lo, hi float64) {
	e.diags.Errorf(badDistribution, c.Span(), "there is no number between %g and %g", lo, hi)
}

// ---- options and settings ----

func (e *objects) errOption(at diag.Span, name, want string) {
	e.diags.Errorf(badOption, at, "`%s` is %s", name, want)
}

func (e *observations) errRequire(x dsl.Expr) {
	e.diags.Errorf(badRequire, x.Span(), "`require` takes one comparison").
		WithHelp("as in `require x >= 0` or `require a == b`; a second condition is a line of its own")
}

func (e *neurals) errNoArguments(n *Neural) {
	e.diags.Errorf(wrongArguments, n.Span, "a neural block has at least one argument").
		WithHelp("a number to be learned is a `param`")
}

func (e *neurals) errContradiction(n *Neural, a, b *dsl.Option) {
	e.diags.Errorf(badOption, b.Name.Span(), "block `%s` cannot be %s and %s at once", n.Name, a.Name.Name, b.Name.Name).
		WithNote(a.Name.Span(), "asked for here")
}

func (e *neurals) errForms(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "block `%s` cannot be %s and %s at once", n.Name, n.Form, o.Name.Name)
}

func (e *neurals) errField(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "a divergence-free block gives a vector of at least two elements, and its first argument is the place, of as many").
		WithNote(n.Span, "`%s` gives %s of `%s`, %s", n.Name, n.Shape, n.Args[0].Name, n.Args[0].Shape)
}

func (e *neurals) errMatrixForm(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "`%s` is of blocks that give a square matrix", o.Name.Name).
		WithNote(n.Span, "`%s` gives %s", n.Name, n.Shape).
		WithHelp("declare it as `neural %s(…) -> [2, 2]`", n.Name)
}

func (e *neurals) errCell(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "the first argument of a recurrent cell is its state, a vector of as many elements as its result, and it needs an input besides").
		WithNote(n.Span, "`%s` gives %s", n.Name, n.Shape).
		WithHelp("as in `neural cell(h[20], x) -> [20] { kind: gru }`")
}

func (e *neurals) errCellUnit(n *Neural, o *Obj) {
	e.diags.Errorf(unitMismatch, o.Span, "the state of a recurrent cell has no unit; `%s` is in %s", o.Name, e.name(o.Unit)).
		WithNote(n.Span, "`%s` is a cell", n.Name)
}

func (e *neurals) warnRough(w *dsl.Name) {
	e.diags.Warnf(roughActivation, w.Span(), "`%s` is not smooth: solvers lose their order at its kinks, and the location of events its accuracy", w.Name).
		WithHelp("`softplus` and `swish` have its form without the kink")
}

func (e *neurals) errMonotone(v *Expr, size int) {
	e.diags.Errorf(badOption, v.Span, "`monotone` is increasing, decreasing, or a list with 1, 0 or -1 for each of the %s", plural(size, "input"))
}

func (e *neurals) errPerArgument(o *dsl.Option, got int, of []Obj) {
	list := make([]string, len(of))
	for i := range of {
		list[i] = of[i].Name
		if of[i].Shape.Rank > 0 {
			list[i] += of[i].Shape.String()
		}
	}
	e.diags.Errorf(badOption, o.Value.Span(), "`%s` has a number for each of %s, or one for all", o.Name.Name, strings.Join(list, ", ")).
		WithNote(o.Value.Span(), "%s given", plural(got, "value"))
}

func (e *settings) errSetting(at diag.Span, err error) {
	e.diags.Errorf(badSetting, at, "%s", err)
}

// ---- draws ----

func (e *values) errDrawsItself(a *Expr, d *Draw) {
	e.diags.Errorf(cycle, a.Span, "the distribution of the draw `%s` depends on `%s`", d.Name, d.Name)
}

func (e *values) errDrawnPer(k dsl.Ident) {
	e.diags.Errorf(badDistribution, k.Span(), "`per %s` stands alone", k.Name).
		WithHelp("a draw is `per row`, `per trajectory`, or has a value for each value of data keys: `per site, year`")
}

func (e *values) errDrawnShape(a *Expr, d *Draw) {
	e.diags.Errorf(notConstant, a.Span, "this argument of `%s` is a number where something is drawn from it", d.Dist.Name).
		WithHelp("a draw is a function of its location and scale, of which there are derivatives, and of a variate that is drawn with this number")
}

// ---- data ----

func (e dataMistakes) errNoTimeColumn(d *dsl.DataDecl, it *dsl.DataItem) {
	e.diags.Errorf(missingTime, it.Span(), "the rows of a trajectory need times, and the data block `%s` names no column for them", d.Name.Name).
		WithHelp("add `time: column`; or leave `trajectory` out: each row is a trajectory of its own then,\nand what is declared `per site` finds its key in the column `site`")
}

func (e dataMistakes) errDueAndTime(c Column, o *Observe, time *dsl.DataItem) {
	e.diags.Errorf(badMapping, c.Span, "`%s` has a time of its own, and so have the rows of this table", o.Name).
		WithNote(o.At.Span, "it is observed at this time").WithNote(time.Span(), "the times of the rows").
		WithHelp("leave one of them out: `at` is for tables without `time`")
}

func (e dataMistakes) errMapping(it *dsl.DataItem, message string) {
	e.diags.Errorf(badMapping, it.Span(), "%s", message)
}

func (e *observations) errLimit(opt *dsl.Option, o *Observe) {
	what := "without a distribution"
	if o.Dist != nil {
		what = "of the distribution `" + o.Dist.Name + "`"
	}
	e.diags.Errorf(badOption, opt.Span(), "`%s` is not supported for an observation %s", opt.Name.Name, what).
		WithHelp("it is for normal, lognormal and laplace")
}

func (e dataMistakes) errSteady(it *dsl.DataItem) {
	e.diags.Errorf(badMapping, it.Key.Span(), "records of a steady state are not read").
		WithHelp("write the doses that lead to it: `additional` and `interval` of a row, with a start `from` that is early enough;\nor start where the motion comes to rest: `start steady`")
}

func (e dataMistakes) errComparedUnit(n *dsl.NumberLit, u units.Unit, column string, of units.Unit, known bool) {
	if !known {
		e.diags.Errorf(unitMismatch, n.Span(), "this has the unit %s, and the column `%s` is mapped to nothing that has one", e.table.Name(u), column).
			WithHelp("compare with the number alone, or state the unit of the column where it is mapped")
		return
	}
	e.diags.Errorf(unitMismatch, n.Span(), "this has the unit %s, and the column `%s` has %s", e.table.Name(u), column, e.table.Name(of))
}

func (e dataMistakes) errUnmapped(d *dsl.DataDecl, missing []*Obj) {
	list := make([]string, len(missing))
	for i, o := range missing {
		list[i] = "`" + o.Name + "`"
	}
	m := e.diags.Errorf(badMapping, d.Name.Span(), "the data block gives no column for %s", strings.Join(list, " and "))
	for _, o := range missing {
		m.WithNote(o.Span, "`%s` is read from data", o.Name)
	}
	m.WithHelp("add `%s: column`", missing[0].Name)
}

func (e dataMistakes) errEventColumn(it *dsl.DataItem, ev *Event) {
	e.diags.Errorf(badMapping, it.Span(), "the rows of an event need a block").
		WithNote(ev.Span, "`%s` is an event", ev.Name).
		WithHelp("as in `%s: { argument: column, where: condition }`", ev.Name)
}

func (e dataMistakes) errAmbiguous(it *dsl.DataItem, a, b *Obj) {
	e.diags.Errorf(badMapping, it.Key.Span(), "`%s` is an observation and something else", it.Key.Name).
		WithNote(a.Span, "this").WithNote(b.Span, "and this").WithHelp("rename one of them")
}

func (e dataMistakes) errInputGiven(it *dsl.DataItem, in *Input) {
	e.diags.Errorf(badMapping, it.Key.Span(), "the input `%s` is an expression and takes no data", in.Name).
		WithNote(in.Span, "it is declared here")
}

func (e dataMistakes) errColumns(it *dsl.DataItem, size int) {
	d := e.diags.Errorf(badMapping, it.Span(), "`%s` needs %s, not %d", it.Key.Name, plural(size, "column"), len(it.Columns))
	if size > 1 {
		d.WithHelp("one for each component: `%s: [a, b]`", it.Key.Name)
	}
}

func (e dataMistakes) errNotOnData(it *dsl.DataItem, ev *Event) {
	e.diags.Errorf(badMapping, it.Key.Span(), "the event `%s` is not fired by data", ev.Name).
		WithNote(ev.Span, "it is declared here").WithHelp("rows fire events `on data`")
}

func (e dataMistakes) errNoArgColumn(it *dsl.DataItem, ev *Event, a *EventArg) {
	e.diags.Errorf(badMapping, it.Span(), "no column gives the argument `%s` of the event `%s`", a.Name, ev.Name).
		WithNote(a.Span, "the argument").WithHelp("add `%s: column`", a.Name)
}

func (e dataMistakes) errRow(x dsl.Expr) {
	e.diags.Errorf(badRowCondition, x.Span(), "this cannot stand in a condition on the columns of a row").
		WithHelp("it has column names, numbers, texts, comparisons, `and`, `or`, `not` and arithmetic")
}

func (e dataMistakes) errRowCondition(x dsl.Expr, key string) {
	e.diags.Errorf(badRowCondition, x.Span(), "`%s` takes a condition", key).WithHelp("compare: `%s == 1`", dsl.FormatExpr(x))
}

func (e *motions) errMisplacedStart(d *dsl.StartDecl) {
	e.diags.Errorf(misplaced, d.Span(), "a component does not say where the whole model starts").
		WithHelp("write `start steady { … }` in the model that uses it")
}
