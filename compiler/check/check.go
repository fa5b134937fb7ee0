package check

import (
	"sort"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// Env is what a file may refer to besides itself. The zero value has nothing.
type Env struct {
	// Fit, Simulate and Neural are the settings of the blocks of that name;
	// neural blocks have those of Guarantees besides.
	// Network are those of the networks that stand for fields.
	Fit, Simulate, Neural, Network setting.Table

	// Rough are the activations with a kink: they break the order of solvers and of the
	// location of events.
	Rough []string

	// Library has the terms that every model sees unless it declares the name
	// itself: consts, fns and units, at the top level or in models, whose
	// names do not count.
	Library []*dsl.File

	Main string // the main model; empty: the last of the file

	// Read reads the table of a constant, whose path is that of the model file's folder and
	// what the model says; nil: there are no files.
	Read func(path string) ([]byte, error)
}

// Check turns a syntax tree into a typed program. The diagnostics hold every
// mistake that was found; the program is complete only if none is an error.
// Its Model is nil if the file has none.
func Check(file *dsl.File, env *Env) (*Program, *diag.List) {
	if env == nil {
		env = &Env{}
	}
	c := &checker{
		unitReader: &unitReader{reporter: &reporter{file: file, diags: &diag.List{}}, table: units.NewTable()},
		env:        env, models: map[string]*dsl.ModelDecl{},
		prog: &Program{Source: file.Source, File: file},
	}
	c.run()
	c.diags.Sort()
	c.diags.All = once(c.diags.All)
	return c.prog, c.diags
}

// once leaves out what was found again in a component or function that is
// used several times.
func once(list []*diag.Diagnostic) (out []*diag.Diagnostic) {
	type mistake struct {
		code string
		at   diag.Span
	}
	seen := map[mistake]bool{}
	for _, d := range list {
		if k := (mistake{d.Code, d.Span}); !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	return out
}

// checker checks one file.
type checker struct {
	*unitReader
	env    *Env
	models map[string]*dsl.ModelDecl
	prog   *Program
}

func (c *checker) run() {
	c.fileUnits()
	models, data, blocks := c.sortDecls()
	if len(models) == 0 {
		c.errNoModel()
		return
	}
	used := map[string]bool{}
	for _, d := range models {
		usedModels(d.Body, used)
	}
	main := models[len(models)-1]
	if c.env.Main != "" {
		if main = c.models[c.env.Main]; main == nil {
			c.errNoSuchModel(c.env.Main)
			return
		}
	}
	for _, d := range models {
		if d == main || used[d.Name.Name] {
			continue // a component is checked where it is used
		}
		c.prog.Models = append(c.prog.Models, c.model(d).m)
		if c.env.Main == "" {
			c.errUnusedModel(d, main)
		}
	}
	e := c.model(main)
	c.prog.Models = append(c.prog.Models, e.m)
	c.prog.Model = e.m
	c.prog.Data = e.data.blocks(data)
	c.prog.Fit = e.settings.block(blocks["fit"], c.env.Fit)
	c.prog.Simulate = e.settings.block(blocks["simulate"], c.env.Simulate)
	c.prog.Network = e.settings.block(blocks["network"], c.env.Network)
	c.prog.Grid = e.settings.grid(blocks["grid"])
	e.analysis.neverFires(c.prog)
}

// sortDecls sorts the declarations of the file by their kind.
func (c *checker) sortDecls() (models []*dsl.ModelDecl, data []*dsl.DataDecl, blocks map[string]*dsl.SettingsDecl) {
	blocks = map[string]*dsl.SettingsDecl{}
	tables := map[string]dsl.Ident{}
	for _, d := range c.file.Decls {
		switch d := d.(type) {
		case *dsl.ModelDecl:
			if old := c.models[d.Name.Name]; old != nil {
				c.errDuplicate(d.Name.Span(), d.Name.Name, old.Name.Span())
				continue
			}
			c.models[d.Name.Name] = d
			models = append(models, d)
		case *dsl.DataDecl:
			if old, ok := tables[d.Name.Name]; ok {
				c.errDuplicate(d.Name.Span(), d.Name.Name, old.Span())
				continue
			}
			tables[d.Name.Name] = d.Name
			data = append(data, d)
		case *dsl.SettingsDecl:
			if old := blocks[d.Keyword.Name]; old != nil {
				c.errDuplicate(d.Keyword.Span(), d.Keyword.Name, old.Keyword.Span())
				continue
			}
			blocks[d.Keyword.Name] = d
		}
	}
	return models, data, blocks
}

// usedModels notes the models that a body uses as components.
func usedModels(body []dsl.Decl, used map[string]bool) {
	for _, d := range body {
		switch d := d.(type) {
		case *dsl.UseDecl:
			used[d.Model.Name] = true
		case *dsl.ForDecl:
			usedModels(d.Body, used)
		}
	}
}

// model checks a model and everything it uses.
func (c *checker) model(d *dsl.ModelDecl) *elaborator {
	e := newElaborator(c, d)
	root := &scope{e: e.scopes, models: []*dsl.ModelDecl{d}}
	e.timeOf(d)
	e.orders(root, d.Body, 0)
	e.declare(root, d.Body)
	e.loops()
	e.defaultTime(root)
	e.motions.attach()
	e.motions.equations()
	e.motions.constrain()
	e.fields.bounded()
	e.resolveAll()
	e.collect()
	e.encoders.complete(e.analysis)
	e.fields.settled()
	e.motions.determined()
	e.motions.steady()
	e.flows.carry()
	e.analysis.analyse()
	e.ground()
	return e
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
