package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// data checks a data block against the model.
func (c *checker) data(d *dsl.DataDecl) {
	m := c.prog.Model
	out := &Data{Name: d.Name.Name, Path: d.Path.Value, Span: d.Path.Span()}
	seen := map[string]*dsl.DataItem{}
	for _, it := range d.Items {
		if old := seen[it.Key.Name]; old != nil {
			c.errDuplicate(it.Key, old.Key.Span())
			continue
		}
		seen[it.Key.Name] = it
		switch it.Key.Name {
		case "time":
			if col, ok := c.single(it, m.Time.Unit); ok {
				out.Time = col
			}
		case "trajectory":
			for _, col := range it.Columns {
				out.Trajectory = append(out.Trajectory, Column{Name: col.Name, Span: col.Span(), Factor: 1})
			}
		case "train":
			out.Train = c.rowExpr(it)
		case "validate":
			out.Validate = c.rowExpr(it)
		default:
			c.mapping(m, out, it)
		}
	}
	if out.Time.Name == "" && seen["time"] == nil {
		c.diags.Errorf("missing-time", d.Name.Span(), "the data block names no time column").WithHelp("add `time: column`")
	}
	c.prog.Data = append(c.prog.Data, out)
}

func (c *checker) rowExpr(it *dsl.DataItem) *RowExpr {
	if it.Expr == nil {
		return nil
	}
	return &RowExpr{it.Expr}
}

// single reads an item with one column.
func (c *checker) single(it *dsl.DataItem, want units.Unit) (Column, bool) {
	if len(it.Columns) != 1 || it.Group != nil {
		c.diags.Errorf("bad-mapping", it.Span(), "`%s` takes one column", it.Key.Name)
		return Column{}, false
	}
	return c.column(it.Columns[0], want, it.Key)
}

// column reads a column and the factor to the model's unit.
func (c *checker) column(col dsl.Column, want units.Unit, key dsl.Ident) (Column, bool) {
	out := Column{Name: col.Name, Span: col.Span(), Factor: 1}
	if col.Unit == nil {
		return out, true
	}
	u, ok := c.unit(col.Unit)
	if !ok {
		return out, false
	}
	want = c.solver.Ground(want)
	if !u.SameDimension(want) {
		c.diags.Errorf("unit-mismatch", col.Span(), "column `%s` is in %s, `%s` is in %s", col.Name, c.table.Name(u), key.Name, c.table.Name(want)).
			WithHelp("only units of the same kind are converted on reading")
		return out, false
	}
	out.Factor = u.Factor(want)
	return out, true
}

// mapping reads an item for an observation, input, covariate or event.
func (c *checker) mapping(m *Model, out *Data, it *dsl.DataItem) {
	name := it.Key.Name
	var target Object
	for _, o := range m.Observes {
		if o.Name == name {
			target = o
		}
	}
	for _, o := range m.Inputs {
		if o.Name == name && target == nil {
			if o.Value != nil {
				c.diags.Errorf("bad-mapping", it.Key.Span(), "input `%s` is given by an expression and takes no data", name)
				return
			}
			target = o
		}
	}
	for _, o := range m.Covariates {
		if o.Name == name && target == nil {
			target = o
		}
	}
	if target == nil {
		for _, ev := range m.Events {
			if ev.Name == name && ev.Kind == dsl.TriggerOnData {
				c.eventRows(ev, out, it)
				return
			}
		}
		var have []string
		for _, o := range m.Observes {
			have = append(have, o.Name)
		}
		for _, o := range m.Inputs {
			have = append(have, o.Name)
		}
		for _, o := range m.Covariates {
			have = append(have, o.Name)
		}
		for _, ev := range m.Events {
			if ev.Kind == dsl.TriggerOnData {
				have = append(have, ev.Name)
			}
		}
		c.errUnknown("observation, input, covariate or event on data", it.Key.Span(), name, append(have, "time", "trajectory", "train", "validate"))
		return
	}
	o := target.Info()
	if it.Group != nil {
		c.diags.Errorf("bad-mapping", it.Span(), "`%s` takes columns; only an event takes a block", name)
		return
	}
	if len(it.Columns) != o.Shape.Size() {
		c.diags.Errorf("bad-mapping", it.Span(), "`%s` has %s and %s given", name, plural(o.Shape.Size(), "component"), plural(len(it.Columns), "column")).
			WithHelp("write one column a component: `%s: [a, b]`", name)
		return
	}
	for i, col := range it.Columns {
		if cc, ok := c.column(col, o.Unit, it.Key); ok {
			out.Columns = append(out.Columns, Mapped{target, i, cc})
		}
	}
}

// eventRows reads `dose: { amount: AMT [mg], where: EVID == 1 }`.
func (c *checker) eventRows(ev *Event, out *Data, it *dsl.DataItem) {
	rows := EventRows{Event: ev, Args: make([]Column, len(ev.Args))}
	given := map[string]bool{}
	for _, g := range it.Group {
		if g.Key.Name == "where" {
			rows.Where = c.rowExpr(g)
			continue
		}
		found := false
		for i, a := range ev.Args {
			if a.Name == g.Key.Name {
				found = true
				if cc, ok := c.single(g, a.Unit); ok {
					rows.Args[i] = cc
					given[a.Name] = true
				}
			}
		}
		if !found {
			var have []string
			for _, a := range ev.Args {
				have = append(have, a.Name)
			}
			c.errUnknown("argument", g.Key.Span(), g.Key.Name, append(have, "where"))
		}
	}
	for _, a := range ev.Args {
		if !given[a.Name] {
			c.diags.Errorf("bad-mapping", it.Span(), "argument `%s` of event `%s` has no column", a.Name, ev.Name).WithNote(a.Span, "the argument")
		}
	}
	if len(it.Group) == 0 {
		c.diags.Errorf("bad-mapping", it.Span(), "the rows of event `%s` need a block: `%s: { argument: column }`", ev.Name, ev.Name)
	}
	out.Rows = append(out.Rows, rows)
}

// settings checks the fit or simulate blocks of a file.
func (c *checker) settings(blocks []*dsl.SettingsDecl, to **Settings, table setting.Table) {
	for i, d := range blocks {
		if i > 0 {
			c.errDuplicate(d.Keyword, blocks[0].Keyword.Span())
			return
		}
		s := &Settings{Span: d.Keyword.Span(), Values: setting.New(table)}
		*to = s
		for _, o := range d.Options {
			switch {
			case o.Name.Name == "samples" && d.Keyword.Name == "simulate":
				c.samples(s, o)
			case o.Name.Name == "sweep" && d.Keyword.Name == "simulate":
				c.sweep(s, o)
			default:
				c.option(s.Values, table, o)
			}
		}
	}
}

// settingScope is the scope in which the values of settings are evaluated:
// numbers and constants of the model.
func (c *checker) settingScope() (*elaborator, *scope) {
	e := &elaborator{checker: c, m: &Model{Units: c.table, Time: c.prog.Model.Time}, names: map[string]*entity{}, observes: map[string]*Observe{}}
	for _, k := range c.prog.Model.Consts {
		e.names[k.Name] = &entity{name: k.Name, at: k.Span, obj: k, state: resolved}
	}
	return e, &scope{e: e}
}

// timeSettings are the settings that are times of the model.
var timeSettings = map[string]bool{"from": true, "until": true, "step": true, "times": true}

// option reads one setting.
func (c *checker) option(v *setting.Values, table setting.Table, o *dsl.Option) {
	key := o.Name.Name
	origin := o.Span().Pos().String()
	s := table.Find(key)
	if s == nil {
		c.errUnknown("setting", o.Name.Span(), key, table.Keys())
		return
	}
	fail := func(err error) {
		if err != nil {
			c.diags.Errorf("bad-setting", o.Value.Span(), "%s", err)
		}
	}
	switch s.Kind {
	case setting.Number, setting.Int, setting.List:
		if o.Value.Expr == nil || o.Value.Block != nil || len(o.Value.Clauses) > 0 {
			fail(fmt.Errorf("`%s` is %s", key, s.Kind))
			return
		}
		if n, ok := o.Value.Expr.(*dsl.Name); ok && n.Name != "inf" && c.constant(n.Name) == nil {
			fail(fmt.Errorf("`%s` is %s, not `%s`", key, s.Kind, n.Name))
			return
		}
		x, ok := c.settingNumbers(key, o.Value.Expr)
		if !ok {
			return
		}
		if s.Kind == setting.List {
			fail(v.SetList(key, x, origin))
		} else if len(x) == 1 {
			fail(v.SetNumber(key, x[0], origin))
		} else {
			fail(fmt.Errorf("`%s` is %s", key, s.Kind))
		}
	case setting.Bool:
		b, ok := o.Value.Expr.(*dsl.BoolLit)
		if !ok {
			fail(fmt.Errorf("`%s` is true or false", key))
			return
		}
		fail(v.SetBool(key, b.Value, origin))
	default:
		c.words(v, table, key, o.Value, origin)
	}
}

func (c *checker) constant(name string) *Const {
	for _, k := range c.prog.Model.Consts {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// settingNumbers evaluates the numbers of a setting; times in a unit are
// converted to the model's.
func (c *checker) settingNumbers(key string, x dsl.Expr) ([]float64, bool) {
	e, s := c.settingScope()
	v := e.expr(s, x)
	if v == nil {
		return nil, false
	}
	nums, ok := foldConst(v)
	if !ok {
		c.diags.Errorf("not-constant", x.Span(), "a setting is a number that is known before the run")
		return nil, false
	}
	unit, want := c.solver.Resolve(v.Unit), units.One
	if timeSettings[key] {
		want = c.solver.Ground(c.prog.Model.Time.Unit)
	}
	if len(units.Variables(unit)) > 0 || unit.Equal(want) {
		return nums, true
	}
	if !unit.SameDimension(want) {
		c.diags.Errorf("unit-mismatch", x.Span(), "`%s` is in %s, not %s", key, c.table.Name(want), c.table.Name(unit))
		return nil, false
	}
	for i := range nums {
		nums[i] *= unit.Factor(want)
	}
	return nums, true
}

// words reads a word with options, or a chain of them. Clauses like `from 0.2
// to 1 over 100 epochs` are options by other means.
func (c *checker) words(v *setting.Values, table setting.Table, key string, val *dsl.Value, origin string) {
	s := table.Find(key)
	for first := true; val != nil; val, first = val.Then, false {
		n, ok := val.Expr.(*dsl.Name)
		if val.Expr == nil && len(s.Choices) == 1 && s.Choices[0].Name == key {
			n, ok = &dsl.Name{At: val.At, Name: key}, true // a bare block: `stop: { … }`
		}
		if !ok {
			c.diags.Errorf("bad-setting", val.Span(), "`%s` is a word%s", key, choices(s))
			return
		}
		var opts *setting.Values
		var err error
		if first {
			opts, err = v.SetWord(key, n.Name, origin)
		} else if s.Kind == setting.Chain {
			opts, err = v.AddStage(key, n.Name)
		} else {
			err = fmt.Errorf("`%s` takes one word", key)
		}
		if err != nil {
			c.errChoice(n.Span(), "value of `"+key+"`", n.Name, choiceNames(s))
			return
		}
		list := append([]*dsl.Option{}, val.Block...)
		for _, cl := range val.Clauses {
			list = append(list, &dsl.Option{At: cl.At, Name: dsl.Ident{At: cl.At, Name: cl.Word}, Value: &dsl.Value{At: cl.At, Expr: cl.Expr}})
		}
		if len(list) == 0 {
			continue
		}
		if opts == nil {
			c.diags.Errorf("bad-setting", val.Span(), "`%s` has no options", n.Name)
			return
		}
		for _, ch := range s.Choices {
			if ch.Name == n.Name {
				for _, o := range list {
					c.option(opts, ch.Options, o)
				}
			}
		}
	}
}

func choiceNames(s *setting.Setting) []string {
	var out []string
	for _, c := range s.Choices {
		out = append(out, c.Name)
	}
	return out
}

func choices(s *setting.Setting) string {
	if n := choiceNames(s); len(n) > 0 {
		return ": one of " + strings.Join(n, ", ")
	}
	return ""
}

// samples reads `samples: 1000 { e: uniform(0.5, 0.9) }`.
func (c *checker) samples(s *Settings, o *dsl.Option) {
	x, ok := []float64(nil), o.Value.Expr != nil
	if ok {
		x, ok = c.settingNumbers("samples", o.Value.Expr)
	}
	if !ok || len(x) != 1 || x[0] < 1 || x[0] != math.Trunc(x[0]) || o.Value.Block == nil {
		c.diags.Errorf("bad-setting", o.Span(), "`samples` is a number with what is drawn").WithHelp("as in `samples: 1000 { e: uniform(0.5, 0.9) }`")
		return
	}
	s.Samples = &Samples{N: int(x[0])}
	e, sc := c.settingScope()
	for _, d := range o.Value.Block {
		obj := c.varied(d.Name)
		call, ok := d.Value.Expr.(*dsl.Call)
		if !ok {
			c.diags.Errorf("bad-setting", d.Value.Span(), "`%s` is drawn from a distribution, like normal(1, 0.1)", d.Name.Name)
			continue
		}
		if obj == nil {
			continue
		}
		if dist := e.dist(sc, call, obj, false); dist != nil {
			s.Samples.Draws = append(s.Samples.Draws, Draw{d.Name.Name, dist})
		}
	}
}

// sweep reads `sweep: { e: [0.5, 0.7, 0.9] }`.
func (c *checker) sweep(s *Settings, o *dsl.Option) {
	if o.Value.Block == nil {
		c.diags.Errorf("bad-setting", o.Span(), "`sweep` lists the values of each name").WithHelp("as in `sweep: { e: [0.5, 0.7, 0.9] }`")
		return
	}
	e, sc := c.settingScope()
	for _, d := range o.Value.Block {
		obj := c.varied(d.Name)
		if obj == nil || d.Value.Expr == nil {
			continue
		}
		v := e.expr(sc, d.Value.Expr)
		if v == nil {
			continue
		}
		x, ok := foldConst(v)
		if !ok {
			c.diags.Errorf("not-constant", d.Value.Span(), "a sweep lists numbers")
			continue
		}
		if e.unify(v, obj.Unit, func() { e.errInit(v, obj) }) {
			s.Sweep = append(s.Sweep, SweepAxis{d.Name.Name, x})
		}
	}
}

// varied is the parameter, covariate or state that a sample or sweep names.
func (c *checker) varied(id dsl.Ident) *Obj {
	m := c.prog.Model
	var have []string
	try := func(o Object) *Obj {
		have = append(have, o.Info().Name)
		if o.Info().Name == id.Name {
			return o.Info()
		}
		return nil
	}
	for _, p := range m.Params {
		if o := try(p); o != nil {
			return o
		}
	}
	for _, p := range m.Covariates {
		if o := try(p); o != nil {
			return o
		}
	}
	for _, p := range m.States {
		if o := try(p); o != nil {
			return o
		}
	}
	c.errUnknown("parameter, covariate or state", id.Span(), id.Name, have)
	return nil
}
