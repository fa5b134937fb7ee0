package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// narrowed reads `{ column: DV [mg/L], where: EVID == 0 }`: columns, and the rows in which
// they count; nil for a block of something else.
func (e *dataBlocks) narrowed(out *Data, it *dsl.DataItem) (columns []dsl.Column, where *RowExpr) {
	for _, g := range it.Group {
		switch g.Key.Name {
		case "column":
			columns = g.Columns
		case "where":
			where = e.rowCondition(out, g)
		default:
			return nil, nil
		}
	}
	return columns, where
}

// eventRows reads `dose: { amount: AMT [mg], where: EVID == 1 }`.
func (e *dataBlocks) eventRows(out *Data, it *dsl.DataItem) {
	var ev *Event
	for _, x := range e.m.Events {
		if x.Name == it.Key.Name {
			ev = x
		}
	}
	switch {
	case ev == nil && len(e.targets()[it.Key.Name]) > 0:
		e.errMapping(it, "`"+it.Key.Name+"` takes columns, or a block of a column and the rows in which it counts: `{ column: DV, where: EVID == 0 }`")
		return
	case ev == nil:
		e.errUnknown("event on data", it.Key.Span(), it.Key.Name, e.dataEvents())
		return
	case ev.Kind != dsl.TriggerOnData && ev.Kind != dsl.TriggerRate:
		e.errNotOnData(it, ev)
		return
	}
	rows := EventRows{Event: ev, Args: make([]Column, len(ev.Args))}
	args := map[string]int{}
	for i, a := range ev.Args {
		args[a.Name] = i
	}
	seen := map[string]dsl.Ident{}
	for _, g := range it.Group {
		if old, ok := seen[g.Key.Name]; ok {
			e.errDuplicate(g.Key.Span(), g.Key.Name, old.Span())
			continue
		}
		seen[g.Key.Name] = g.Key
		if g.Key.Name == "where" {
			rows.Where = e.rowCondition(out, g)
			continue
		}
		i, ok := args[g.Key.Name]
		if !ok && e.dose(&rows, ev, g) {
			continue
		}
		if !ok {
			e.errUnknown("argument of the event", g.Key.Span(), g.Key.Name, append(names(args), "where", "additional", "interval", "duration", "total", "steady", "cycles"))
			continue
		}
		rows.Args[i], _ = e.oneColumn(g, ev.Args[i].Unit)
	}
	e.infusion(&rows, ev, it, seen)
	for _, a := range ev.Args {
		if _, ok := seen[a.Name]; !ok && (rows.Total.Name == "" || rows.Duration.Name == "") {
			e.errNoArgColumn(it, ev, a)
		}
	}
	if len(ev.Args) == 0 && rows.Where == nil {
		e.errMapping(it, "an event without arguments needs `where: condition`, which rows fire it")
	}
	out.Rows = append(out.Rows, rows)
}

// dose reads a column that makes more firings of a row.
func (e *dataBlocks) dose(rows *EventRows, ev *Event, g *dsl.DataItem) bool {
	time := e.m.Time.Unit
	switch g.Key.Name {
	case "additional":
		rows.Additional, _ = e.oneColumn(g, units.One)
	case "interval":
		rows.Interval, _ = e.oneColumn(g, time)
	case "duration":
		rows.Duration, _ = e.oneColumn(g, time)
	case "total":
		of := units.One
		if len(ev.Args) > 0 {
			of = ev.Args[0].Unit
		}
		rows.Total, _ = e.oneColumn(g, of.Mul(time))
	case "steady":
		rows.Steady, _ = e.oneColumn(g, units.One)
	case "cycles":
		rows.Cycles, _ = e.oneColumn(g, units.One)
	default:
		return false
	}
	return true
}

// infusion checks that the columns of doses go together.
func (e *dataBlocks) infusion(rows *EventRows, ev *Event, it *dsl.DataItem, seen map[string]dsl.Ident) {
	repeated := rows.Additional.Name != "" || rows.Steady.Name != ""
	switch {
	case repeated && rows.Interval.Name == "":
		e.errMapping(it, "`additional` and `steady` need `interval`: how far apart the doses are")
	case !repeated && rows.Interval.Name != "":
		e.errMapping(it, "`interval` goes with `additional`, how many more doses there are, or with `steady`")
	case rows.Cycles.Name != "" && rows.Steady.Name == "":
		e.errMapping(it, "`cycles` goes with `steady`: how many doses lead to the steady state")
	}
	if rows.Duration.Name == "" && rows.Total.Name == "" {
		return
	}
	if len(ev.Args) != 1 {
		e.errMapping(it, "an infusion fires an event with one argument, its rate")
		return
	}
	n := 0
	for _, given := range []bool{rows.Duration.Name != "", rows.Total.Name != "", seen[ev.Args[0].Name].Name != ""} {
		if given {
			n++
		}
	}
	if n != 2 {
		e.errMapping(it, "of an infusion two are given: `"+ev.Args[0].Name+"` (its rate), `duration` and `total`")
	}
}

// rowCondition checks a condition over the columns of a row.
func (e *dataBlocks) rowCondition(out *Data, it *dsl.DataItem) *RowExpr {
	if it.Expr == nil {
		e.errMapping(it, "`"+it.Key.Name+"` takes a condition on the columns, like `ball == 1`")
		return nil
	}
	if k := e.rowKind(it.Expr); k == rowInvalid {
		return nil
	} else if k != rowTruth {
		e.errRowCondition(it.Expr, it.Key.Name)
		return nil
	}
	r := &RowExpr{Expr: it.Expr, Factors: map[*dsl.NumberLit]float64{}}
	e.compared(out, it.Expr, r)
	return r
}

// compared finds the factors of numbers with a unit: that of the column that they are
// compared with.
func (e *dataBlocks) compared(out *Data, x dsl.Expr, r *RowExpr) {
	switch x := x.(type) {
	case *dsl.Paren:
		e.compared(out, x.X, r)
	case *dsl.Unary:
		e.compared(out, x.X, r)
	case *dsl.Binary:
		if operatorBySymbol[x.Op].Units == truths {
			e.compared(out, x.X, r)
			e.compared(out, x.Y, r)
			return
		}
		for _, side := range [2][2]dsl.Expr{{x.X, x.Y}, {x.Y, x.X}} {
			n, factor := quantity(side[1])
			if n == nil {
				continue
			}
			u, ok := e.unit(n.Unit)
			if !ok {
				continue
			}
			c, _ := side[0].(*dsl.Name)
			of, known := units.Unit{}, false
			if c != nil {
				of, known = out.columnUnits[c.Name]
			}
			switch {
			case c == nil:
				e.errRow(x)
			case !known || !u.SameDimension(of):
				e.errComparedUnit(n, u, c.Name, of, known)
			default:
				r.Factors[n] = factor * u.Factor(of)
			}
		}
	}
}

// quantity is a number with a unit, or one behind a minus.
func quantity(x dsl.Expr) (*dsl.NumberLit, float64) {
	switch x := x.(type) {
	case *dsl.NumberLit:
		if x.Unit != nil {
			return x, 1
		}
	case *dsl.Paren:
		return quantity(x.X)
	case *dsl.Unary:
		if x.Op == "-" {
			return quantity(x.X)
		}
	}
	return nil, 0
}

// rowKind is the kind of value of an expression over the columns of a row.
type rowKind uint8

const (
	rowInvalid rowKind = iota // after an error
	rowColumn                 // a column: a number or a text
	rowNumber
	rowText
	rowTruth
)

func (e *dataBlocks) rowKind(x dsl.Expr) rowKind {
	switch x := x.(type) {
	case *dsl.NumberLit:
		return rowNumber // one with a unit: see compared
	case *dsl.StringLit:
		return rowText
	case *dsl.BoolLit:
		return rowTruth
	case *dsl.Paren:
		return e.rowKind(x.X)
	case *dsl.Name:
		if x.Primes == 0 {
			return rowColumn
		}
	case *dsl.Unary:
		k := e.rowKind(x.X)
		return e.rowOp(x, x.Op == "not", k, k)
	case *dsl.Binary:
		a, b := e.rowKind(x.X), e.rowKind(x.Y)
		op := operatorBySymbol[x.Op]
		switch {
		case a == rowInvalid || b == rowInvalid:
			return rowInvalid
		case x.Op == "@":
		case op.Units != compares:
			return e.rowOp(x, op.Units == truths, a, b)
		case a != rowTruth && b != rowTruth && (a == b || a == rowColumn || b == rowColumn):
			return rowTruth
		}
	}
	e.errRow(x)
	return rowInvalid
}

// rowOp is the kind of a logical or arithmetical operation.
func (e *dataBlocks) rowOp(x dsl.Expr, logical bool, a, b rowKind) rowKind {
	number := func(k rowKind) bool { return k == rowNumber || k == rowColumn }
	switch {
	case a == rowInvalid || b == rowInvalid:
		return rowInvalid
	case logical && a == rowTruth && b == rowTruth:
		return rowTruth
	case !logical && number(a) && number(b):
		return rowNumber
	}
	e.errRow(x)
	return rowInvalid
}
