package check

import (
	"math"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// dataBlocks elaborates the descriptions of tables.
type dataBlocks struct {
	dataMistakes
	settings *settings
}

// data checks the data blocks against the model.
func (e *dataBlocks) data(blocks []*dsl.DataDecl) (out []*Data) {
	for _, d := range blocks {
		out = append(out, e.dataBlock(d))
	}
	return out
}

func (e *dataBlocks) dataBlock(d *dsl.DataDecl) *Data {
	out := &Data{Name: d.Name.Name, Path: d.Path.Value, Span: d.Path.Span()}
	seen := map[string]*dsl.DataItem{}
	conditions := map[string]**RowExpr{"train": &out.Train, "validate": &out.Validate, "where": &out.Where, "given": &out.Given}
	out.columnUnits = map[string]units.Unit{}
	for _, it := range d.Items { // the units of columns are known before conditions compare with them
		e.noteUnits(out, it)
	}
	for _, it := range d.Items {
		if it.File != nil {
			out.Joins = append(out.Joins, e.joined(it))
			continue
		}
		if old := seen[it.Key.Name]; old != nil {
			e.errDuplicate(it.Key.Span(), it.Key.Name, old.Key.Span())
			continue
		}
		seen[it.Key.Name] = it
		if to := conditions[it.Key.Name]; to != nil {
			*to = e.rowCondition(out, it)
			continue
		}
		switch it.Key.Name {
		case "time":
			out.Time, _ = e.oneColumn(it, e.m.Time.Unit)
		case "from":
			out.From = e.start(it)
		case "trajectory":
			out.Trajectory = e.keys(it)
		default:
			e.mapping(out, it)
		}
	}
	e.checkTimes(d, out, seen)
	e.unmapped(d, seen)
	return out
}

// checkTimes checks what a table with times, or without, cannot have.
func (e *dataBlocks) checkTimes(d *dsl.DataDecl, out *Data, seen map[string]*dsl.DataItem) {
	if seen["time"] != nil {
		for _, c := range out.Columns {
			if o, ok := c.Target.(*Observe); ok && o.At != nil {
				e.errDueAndTime(c.Column, o, seen["time"])
			}
		}
		return
	}
	switch {
	case seen["trajectory"] != nil:
		e.errNoTimeColumn(d, seen["trajectory"])
	case out.From.Kind == StartFirstRow:
		e.errMapping(seen["from"], "a table without times has no first row: each row is a trajectory; `from` takes a number or a column")
	}
}

// joined reads a table whose columns are added.
func (e *dataBlocks) joined(it *dsl.DataItem) Join {
	j := Join{Path: it.File.Value, Span: it.File.Span()}
	for _, c := range it.Columns {
		if c.Unit != nil {
			e.errMapping(it, "what rows are joined by has no unit")
		}
		j.By = append(j.By, c.Name)
	}
	return j
}

// noteUnits notes the units of the columns that an item reads: those that it states, or
// those of what it maps them to.
func (e *dataBlocks) noteUnits(out *Data, it *dsl.DataItem) {
	var of []units.Unit
	switch key := it.Key.Name; {
	case it.File != nil || it.Expr != nil:
		return
	case key == "time" || key == "from":
		of = []units.Unit{e.m.Time.Unit}
	default:
		for _, t := range e.targets()[key] {
			for range t.Info().Shape.Size() {
				of = append(of, t.Info().Unit)
			}
		}
	}
	note := func(list []dsl.Column, of []units.Unit) {
		for i, c := range list {
			if i < len(of) {
				out.columnUnits[c.Name] = of[i]
			}
			if _, offset := degrees(c.Unit); offset {
				delete(out.columnUnits, c.Name) // compared with plain numbers
			} else if c.Unit != nil {
				if u, ok := e.unit(c.Unit); ok {
					out.columnUnits[c.Name] = u
				}
			}
		}
	}
	note(it.Columns, of)
	for _, g := range it.Group {
		note(g.Columns, of)
	}
}

// keys reads the columns that tell trajectories apart.
func (e *dataBlocks) keys(it *dsl.DataItem) (out []Column) {
	if it.Group != nil {
		e.errMapping(it, "`trajectory` takes columns: `trajectory: [ball, drop]`")
		return nil
	}
	for _, c := range it.Columns {
		if c.Unit != nil {
			e.errMapping(it, "a key has no unit")
			continue
		}
		out = append(out, Column{Name: c.Name, Span: c.Span(), Factor: 1})
	}
	return out
}

// start reads where trajectories start.
func (e *dataBlocks) start(it *dsl.DataItem) (out Start) {
	switch {
	case it.FirstRow:
		out.Kind = StartFirstRow
	case it.Expr != nil:
		v := e.duration(e.settings.root(), it.Expr, "the start of a trajectory")
		if v == nil {
			return out
		}
		c, ok := fold(v)
		if !ok || math.IsNaN(c[0]) || math.IsInf(c[0], 0) {
			e.errNotConstant(v, "the start of a trajectory")
			return out
		}
		out.Kind, out.Value = StartNumber, c[0]
	default:
		var ok bool
		if out.Column, ok = e.oneColumn(it, e.m.Time.Unit); ok {
			out.Kind = StartColumn
		}
	}
	return out
}

// unmapped reports the inputs and covariates that the table does not give.
func (e *dataBlocks) unmapped(d *dsl.DataDecl, seen map[string]*dsl.DataItem) {
	given := map[Object]bool{}
	for name, list := range e.targets() {
		for _, o := range list {
			given[o] = given[o] || seen[name] != nil
		}
	}
	var missing []*Obj
	for _, c := range e.m.Covariates {
		if !given[c] {
			missing = append(missing, &c.Obj)
		}
	}
	for _, in := range e.m.Inputs {
		if in.Value == nil && !given[in] {
			missing = append(missing, &in.Obj)
		}
	}
	if missing != nil {
		e.errUnmapped(d, missing)
	}
}

// oneColumn reads an item with one column.
func (e *dataBlocks) oneColumn(it *dsl.DataItem, want units.Unit) (Column, bool) {
	if len(it.Columns) != 1 || it.Group != nil {
		e.errMapping(it, "`"+it.Key.Name+"` takes one column")
		return Column{}, false
	}
	return e.column(it.Columns[0], want, it.Key)
}

// column reads a column and the factor to the model's unit.
func (e *dataBlocks) column(col dsl.Column, want units.Unit, key dsl.Ident) (Column, bool) {
	out := Column{Name: col.Name, Span: col.Span(), Factor: 1}
	if col.Unit == nil {
		return out, true
	}
	if o, ok := degrees(col.Unit); ok {
		return e.inDegrees(col, o, want, key)
	}
	u, ok := e.unit(col.Unit)
	if !ok {
		return out, false
	}
	if !u.SameDimension(want) {
		e.errColumnUnit(col, u, key, want)
		return out, false
	}
	out.Factor = u.Factor(want)
	return out, true
}

// targets are what a data block can give numbers to, by name: a family of
// declarations that a loop made stands under its common name too.
func (e *dataBlocks) targets() map[string][]Object {
	out := map[string][]Object{}
	add := func(in space, o Object, name string) {
		out[name] = append(out[name], o)
		if i := strings.LastIndexByte(name, '['); i >= 0 {
			if f := e.families[in][name[:i]]; f != nil && f.flat {
				out[name[:i]] = append(out[name[:i]], o)
			}
		}
	}
	for _, o := range e.m.Observes {
		add(inObserves, o, o.Name)
	}
	for _, o := range e.m.Inputs {
		add(inValues, o, o.Name)
	}
	for _, o := range e.m.Covariates {
		add(inValues, o, o.Name)
	}
	return out
}

// mapping reads an item for an observation, input, covariate or event.
func (e *dataBlocks) mapping(out *Data, it *dsl.DataItem) {
	name := it.Key.Name
	all := e.targets()
	targets := all[name]
	columns, where := it.Columns, (*RowExpr)(nil)
	if it.Group != nil {
		if columns, where = e.narrowed(out, it); len(targets) == 0 || columns == nil {
			e.eventRows(out, it)
			return
		}
	}
	if len(targets) == 0 {
		for _, ev := range e.m.Events {
			if ev.Name == name {
				e.errEventColumn(it, ev)
				return
			}
		}
		have := append(names(all), "time", "from", "trajectory", "train", "validate")
		e.errUnknown("observation, input or covariate", it.Key.Span(), name, append(have, e.dataEvents()...))
		return
	}
	size := 0
	for _, t := range targets {
		o := t.Info()
		if _, ok := t.(*Observe); ok != isObserve(targets[0]) {
			e.errAmbiguous(it, targets[0].Info(), o)
			return
		}
		if in, ok := t.(*Input); ok && in.Value != nil {
			e.errInputGiven(it, in)
			return
		}
		size += o.Shape.Size()
	}
	if len(columns) != size {
		e.errColumns(it, size)
		return
	}
	cols := columns
	for _, t := range targets {
		o := t.Info()
		for i := range o.Shape.Size() {
			if c, ok := e.column(cols[i], o.Unit, it.Key); ok {
				c.Where = where
				out.Columns = append(out.Columns, Mapped{t, i, c})
			}
		}
		cols = cols[o.Shape.Size():]
	}
}

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

func isObserve(o Object) bool {
	_, ok := o.(*Observe)
	return ok
}

func (e *dataBlocks) dataEvents() (out []string) {
	for _, ev := range e.m.Events {
		if ev.Kind == dsl.TriggerOnData || ev.Kind == dsl.TriggerRate {
			out = append(out, ev.Name)
		}
	}
	return out
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
			e.errUnknown("argument of the event", g.Key.Span(), g.Key.Name, append(names(args), "where"))
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
		e.errSteady(g)
	default:
		return false
	}
	return true
}

// infusion checks that the columns of doses go together.
func (e *dataBlocks) infusion(rows *EventRows, ev *Event, it *dsl.DataItem, seen map[string]dsl.Ident) {
	if (rows.Additional.Name == "") != (rows.Interval.Name == "") {
		e.errMapping(it, "`additional` and `interval` go together: how many more doses, and how far apart")
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
