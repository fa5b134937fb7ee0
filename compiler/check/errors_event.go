package check

import (
	"fmt"

	"github.com/pinode/pinode/dsl"
)

// eventMistakes has the wording of mistakes in events.
type eventMistakes struct{ *objects }

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
