package check

import (
	"slices"
	"sort"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/diag"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// Env is what a file may refer to besides itself.
type Env struct {
	Fit, Simulate, Neural setting.Table
	Library               []*dsl.File // terms: const, fn and unit declarations
}

// Check turns a syntax tree into a typed program. The diagnostics hold every
// mistake that was found; the program is complete only if none is an error.
func Check(file *dsl.File, env *Env) (*Program, *diag.List) {
	c := &checker{
		env: env, file: file, diags: &diag.List{}, solver: &units.Solver{},
		models: map[string]*dsl.ModelDecl{},
		prog:   &Program{Source: file.Source, File: file},
	}
	c.table = units.NewTable()
	c.fileUnits(file.Decls)
	var data []*dsl.DataDecl
	var fit, simulate []*dsl.SettingsDecl
	var last *dsl.ModelDecl
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *dsl.ModelDecl:
			if old := c.models[d.Name.Name]; old != nil {
				c.errDuplicate(d.Name, old.Name.Span())
				continue
			}
			c.models[d.Name.Name] = d
			last = d
		case *dsl.DataDecl:
			data = append(data, d)
		case *dsl.SettingsDecl:
			if d.Keyword.Name == "fit" {
				fit = append(fit, d)
			} else {
				simulate = append(simulate, d)
			}
		}
	}
	if last == nil {
		c.diags.Errorf("no-model", diag.Span{Src: file.Source, End: 0}, "the file declares no model").
			WithHelp("write `model Name { … }`")
		return c.prog, c.diags
	}
	used := map[string]bool{}
	for _, d := range c.models {
		for _, b := range d.Body {
			if u, ok := b.(*dsl.UseDecl); ok {
				used[u.Model.Name] = true
			}
		}
	}
	for _, d := range file.Decls {
		m, ok := d.(*dsl.ModelDecl)
		if !ok || c.models[m.Name.Name] != m || used[m.Name.Name] && m != last {
			continue // a component is checked where it is used
		}
		c.prog.Models = append(c.prog.Models, c.model(m))
	}
	c.prog.Model = c.prog.Models[len(c.prog.Models)-1]
	for _, d := range data {
		c.data(d)
	}
	c.settings(fit, &c.prog.Fit, env.Fit)
	c.settings(simulate, &c.prog.Simulate, env.Simulate)
	c.diags.Sort()
	c.diags.All = slices.CompactFunc(c.diags.All, func(a, b *diag.Diagnostic) bool {
		return a.Span == b.Span && a.Code == b.Code && a.Message == b.Message
	})
	return c.prog, c.diags
}

// checker checks one file.
type checker struct {
	env    *Env
	file   *dsl.File
	diags  *diag.List
	solver *units.Solver
	table  *units.Table
	models map[string]*dsl.ModelDecl
	prog   *Program
	exprs  []*Expr // whose units are to be grounded
}

// fileUnits declares the units of the file: those at the top level and those
// in models, in an order in which each can be read.
func (c *checker) fileUnits(decls []dsl.Decl) {
	var todo []*dsl.UnitDecl
	var collect func([]dsl.Decl)
	collect = func(ds []dsl.Decl) {
		for _, d := range ds {
			switch d := d.(type) {
			case *dsl.UnitDecl:
				todo = append(todo, d)
			case *dsl.ModelDecl:
				collect(d.Body)
			}
		}
	}
	for _, lib := range c.env.Library {
		collect(lib.Decls)
	}
	collect(decls)
	for range len(todo) + 1 {
		var later []*dsl.UnitDecl
		for _, d := range todo {
			if !c.defineUnit(d, len(later) == len(todo)) {
				later = append(later, d)
			}
		}
		if len(later) == len(todo) {
			break
		}
		todo = later
	}
	for _, d := range todo {
		c.defineUnit(d, true)
	}
}

func (c *checker) defineUnit(d *dsl.UnitDecl, report bool) bool {
	if d.Value == nil {
		c.table.DefineBase(d.Name.Name)
		return true
	}
	n, ok := d.Value.(*dsl.NumberLit)
	if !ok || n.Unit == nil || n.Value <= 0 {
		c.diags.Errorf("bad-unit", d.Value.Span(), "a unit is a positive number of another").WithHelp("as in `unit mmHg = 133.322 [Pa]`")
		return true
	}
	for _, f := range n.Unit.Factors {
		if _, ok := c.table.Lookup(f.Name); !ok && !report {
			return false
		}
	}
	u, ok := c.unit(n.Unit)
	if ok {
		c.table.Define(d.Name.Name, units.Scaled(n.Value, u))
	}
	return true
}

// unit reads a unit expression.
func (c *checker) unit(u *dsl.UnitExpr) (units.Unit, bool) {
	out := units.One
	for _, f := range u.Factors {
		x, ok := c.table.Lookup(f.Name)
		if !ok {
			c.errUnknownUnit(f)
			return units.One, false
		}
		out = out.Mul(x.Pow(f.Num, f.Den))
	}
	return out, true
}

// model checks a model and everything it uses.
func (c *checker) model(d *dsl.ModelDecl) *Model {
	m := &Model{Name: d.Name.Name, Doc: d.Doc, Span: d.Name.Span(), Units: c.table}
	e := &elaborator{checker: c, m: m, names: map[string]*entity{}, observes: map[string]*Observe{}}
	root := &scope{e: e, decl: d}
	e.library()
	e.timeVar(d)
	e.declare(root, d.Body)
	e.resolveAll()
	e.equations()
	e.finish()
	return m
}

// finish grounds the units that inference left open and runs the checks that
// need the whole model.
func (e *elaborator) finish() {
	ground := func(o *Obj) {
		o.Unit = e.solver.Ground(o.Unit)
	}
	for _, o := range e.m.Objects() {
		ground(o.Info())
	}
	for _, n := range e.m.Neurals {
		for i := range n.Args {
			ground(&n.Args[i])
		}
	}
	for _, x := range e.exprs {
		x.Unit = e.solver.Ground(x.Unit)
	}
	for _, l := range e.locals {
		ground(&l.Obj)
	}
	e.analyseEvents()
	for _, f := range e.late {
		f()
	}
}

// Objects returns everything that has a name in the model.
func (m *Model) Objects() []Object {
	var out []Object
	out = append(out, m.Time)
	for _, x := range m.Consts {
		out = append(out, x)
	}
	for _, x := range m.Params {
		out = append(out, x)
	}
	for _, x := range m.Covariates {
		out = append(out, x)
	}
	for _, x := range m.Inputs {
		out = append(out, x)
	}
	for _, x := range m.States {
		out = append(out, x)
	}
	for _, x := range m.Discretes {
		out = append(out, x)
	}
	for _, x := range m.Lets {
		out = append(out, x)
	}
	for _, x := range m.Neurals {
		out = append(out, x)
	}
	for _, x := range m.Events {
		out = append(out, x)
		for _, a := range x.Args {
			out = append(out, a)
		}
	}
	for _, x := range m.Conserves {
		out = append(out, x)
	}
	for _, x := range m.Observes {
		out = append(out, x)
	}
	for _, x := range m.Losses {
		out = append(out, x)
	}
	return out
}

// names returns the sorted keys of a map, for suggestions.
func names[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
