package check

import (
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// dataMistakes has that of mistakes in data blocks.
type dataMistakes struct{ *objects }

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

// warnInferredColumn warns of numbers in a unit that was inferred.
func (e *dataBlocks) warnInferredColumn(o *Obj, col dsl.Column) {
	unit := e.name(o.Unit)
	e.diags.Warnf(inferredUnit, col.Span(), "numbers of the column `%s` are taken in %s: `%s` has that unit from elsewhere, and none of its own", col.Name, unit, o.Name).
		WithHelp("write the unit of the column, `%s: %s [%s]`, or declare it where `%s` is declared", o.Name, col.Name, unit, o.Name)
}
