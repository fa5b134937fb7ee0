package check

import (
	"math"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// data checks the data blocks against the model.
func (e *elaborator) data(blocks []*dsl.DataDecl) (out []*Data) {
	for _, d := range blocks {
		out = append(out, e.dataBlock(d))
	}
	return out
}

func (e *elaborator) dataBlock(d *dsl.DataDecl) *Data {
	out := &Data{Name: d.Name.Name, Path: d.Path.Value, Span: d.Path.Span()}
	seen := map[string]*dsl.DataItem{}
	for _, it := range d.Items {
		if old := seen[it.Key.Name]; old != nil {
			e.errDuplicate(it.Key.Span(), it.Key.Name, old.Key.Span())
			continue
		}
		seen[it.Key.Name] = it
		switch it.Key.Name {
		case "time":
			out.Time, _ = e.oneColumn(it, e.m.Time.Unit)
		case "from":
			out.From = e.start(it)
		case "trajectory":
			out.Trajectory = e.keys(it)
		case "train":
			out.Train = e.rowCondition(it)
		case "validate":
			out.Validate = e.rowCondition(it)
		case "where":
			e.errWhere(it)
		default:
			e.mapping(out, it)
		}
	}
	if seen["time"] == nil {
		e.errNoTimeColumn(d)
	}
	e.unmapped(d, seen)
	return out
}

// keys reads the columns that tell trajectories apart.
func (e *elaborator) keys(it *dsl.DataItem) (out []Column) {
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
func (e *elaborator) start(it *dsl.DataItem) (out Start) {
	switch {
	case it.FirstRow:
		out.Kind = StartFirstRow
	case it.Expr != nil:
		v := e.duration(e.root(), it.Expr, "the start of a trajectory")
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
func (e *elaborator) unmapped(d *dsl.DataDecl, seen map[string]*dsl.DataItem) {
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
func (e *elaborator) oneColumn(it *dsl.DataItem, want units.Unit) (Column, bool) {
	if len(it.Columns) != 1 || it.Group != nil {
		e.errMapping(it, "`"+it.Key.Name+"` takes one column")
		return Column{}, false
	}
	return e.column(it.Columns[0], want, it.Key)
}

// column reads a column and the factor to the model's unit.
func (e *elaborator) column(col dsl.Column, want units.Unit, key dsl.Ident) (Column, bool) {
	out := Column{Name: col.Name, Span: col.Span(), Factor: 1}
	if col.Unit == nil {
		return out, true
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
func (e *elaborator) targets() map[string][]Object {
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
func (e *elaborator) mapping(out *Data, it *dsl.DataItem) {
	name := it.Key.Name
	if it.Group != nil {
		e.eventRows(out, it)
		return
	}
	all := e.targets()
	targets := all[name]
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
	if len(it.Columns) != size {
		e.errColumns(it, size)
		return
	}
	cols := it.Columns
	for _, t := range targets {
		o := t.Info()
		for i := range o.Shape.Size() {
			if c, ok := e.column(cols[i], o.Unit, it.Key); ok {
				out.Columns = append(out.Columns, Mapped{t, i, c})
			}
		}
		cols = cols[o.Shape.Size():]
	}
}

func isObserve(o Object) bool {
	_, ok := o.(*Observe)
	return ok
}

func (e *elaborator) dataEvents() (out []string) {
	for _, ev := range e.m.Events {
		if ev.Kind == dsl.TriggerOnData || ev.Kind == dsl.TriggerRate {
			out = append(out, ev.Name)
		}
	}
	return out
}

// eventRows reads `dose: { amount: AMT [mg], where: EVID == 1 }`.
func (e *elaborator) eventRows(out *Data, it *dsl.DataItem) {
	var ev *Event
	for _, x := range e.m.Events {
		if x.Name == it.Key.Name {
			ev = x
		}
	}
	switch {
	case ev == nil && len(e.targets()[it.Key.Name]) > 0:
		e.errMapping(it, "`"+it.Key.Name+"` takes columns; only an event takes a block")
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
			rows.Where = e.rowCondition(g)
			continue
		}
		i, ok := args[g.Key.Name]
		if !ok {
			e.errUnknown("argument of the event", g.Key.Span(), g.Key.Name, append(names(args), "where"))
			continue
		}
		rows.Args[i], _ = e.oneColumn(g, ev.Args[i].Unit)
	}
	for _, a := range ev.Args {
		if _, ok := seen[a.Name]; !ok {
			e.errNoArgColumn(it, ev, a)
		}
	}
	if len(ev.Args) == 0 && rows.Where == nil {
		e.errMapping(it, "an event without arguments needs `where: condition`, which rows fire it")
	}
	out.Rows = append(out.Rows, rows)
}

// rowCondition checks a condition over the columns of a row.
func (e *elaborator) rowCondition(it *dsl.DataItem) *RowExpr {
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
	return &RowExpr{it.Expr}
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

func (e *elaborator) rowKind(x dsl.Expr) rowKind {
	switch x := x.(type) {
	case *dsl.NumberLit:
		if x.Unit == nil {
			return rowNumber
		}
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
func (e *elaborator) rowOp(x dsl.Expr, logical bool, a, b rowKind) rowKind {
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
