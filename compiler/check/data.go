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

// blocks checks the data blocks against the model.
func (e *dataBlocks) blocks(blocks []*dsl.DataDecl) (out []*Data) {
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

// toldByOthers warns where the numbers of a column are taken in a unit that neither the column states nor
// what is read from it: one that other lines of the model have given to it.
func (e *dataBlocks) toldByOthers(t Object, col dsl.Column) {
	if o, ok := t.(*Observe); ok && o.Value != nil {
		return // it is that of the expression beside it
	}
	o := t.Info()
	if o.Inferred && !e.solver.Resolve(o.Unit).Dimensionless() {
		e.warnInferredColumn(o, col)
	}
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

// mistaken reports whether what has a name is not there because of a mistake of its own.
func (e *dataBlocks) mistaken(name string) bool {
	for _, s := range []space{inObserves, inEvents, inValues} {
		if x := e.names[s][name]; x != nil && x.state == resolved && x.obj == nil {
			return true
		}
	}
	return false
}

// mapping reads an item for an observation, input, covariate or event.
func (e *dataBlocks) mapping(out *Data, it *dsl.DataItem) {
	name := it.Key.Name
	all := e.targets()
	targets := all[name]
	if len(targets) == 0 && e.mistaken(name) {
		return
	}
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
				if cols[i].Unit == nil {
					e.toldByOthers(t, cols[i])
				}
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

func (e *dataBlocks) dataEvents() (out []string) {
	for _, ev := range e.m.Events {
		if ev.Kind == dsl.TriggerOnData || ev.Kind == dsl.TriggerRate {
			out = append(out, ev.Name)
		}
	}
	return out
}
