// Package pinode loads models, fits them to data and simulates them.
//
//	m, err := pinode.Load("ball.node")                 // err is *pinode.Diagnostics
//	f, err := m.Fit(ctx, pinode.FitOptions{Seed: 1})
//	ev, err := m.Evaluate(ctx, pinode.At(f))
//	run, err := m.Simulate(ctx, pinode.SimulateOptions{At: f, Until: 3})
//
// The zero value of each options struct is what the model file says. Times, states and
// parameters are in the units that the model declares for them. A Model may be used by
// several goroutines at the same time; what its methods return is for one at a time.
//
// Those who bring their own solver or optimiser find the equations of a model as
// functions in package compiler.
package pinode

import (
	"io"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/report"
	"github.com/pinode/pinode/internal/simulate"
)

// Model is a compiled model with the data that its file names, read when they are
// first needed.
type Model struct {
	prog     *engine.Compiled
	data     *problem.Problem
	warnings *diag.List

	blocks *environ.Blocks
}

// Load reads and compiles a model file. Mistakes in it are an error of type
// *Diagnostics, which has each with its place.
func Load(path string, main ...string) (*Model, error) {
	text, err := files.Read(path, files.MaxText)
	if err != nil {
		return nil, err
	}
	return Parse(path, string(text), main...)
}

// Parse compiles the text of a model file, which is named path in messages;
// data files are looked for from the folder of path. The main model is the last of the
// file, or that of the name main.
func Parse(path, text string, main ...string) (*Model, error) {
	env := environ.Env()
	if len(main) > 0 {
		env.Main = main[0]
	}
	prog, diags := compiler.CompileSource(diag.NewSource(path, text), env)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return &Model{&engine.Compiled{Program: prog}, &problem.Problem{Prog: prog, Path: path}, diags, environ.NewBlocks(prog.Checked)}, nil
}

// Name is that of the model.
func (m *Model) Name() string { return m.prog.Checked.Model.Name }

// Path is that of its file.
func (m *Model) Path() string { return m.data.Path }

// Files are those that the model is made of: its own, those of its data, and the places that fields are written at.
func (m *Model) Files() []string {
	list := append([]string{m.Path()}, (report.Source{Program: m.prog.Program, Data: m.data}).DataFiles()...)
	if _, s := m.blocks.Values(); s.Given("at") {
		list = append(list, m.data.Beside(s.Word("at")))
	}
	return list
}

// Program is the compiled model, for use without the solvers of this package.
func (m *Model) Program() *compiler.Program { return m.prog.Program }

// Warnings are what the compiler found doubtful.
func (m *Model) Warnings() *Diagnostics { return m.warnings }

// Doubts are what is doubtful in the data, as far as they have been read.
func (m *Model) Doubts() *Diagnostics { return m.data.Doubts() }

// Check says what a fit, if the file has data, and a simulation, if it has a simulate
// block, would refuse: settings, columns, values. It runs nothing.
func (m *Model) Check() (list []error) {
	seen := map[string]bool{}
	add := func(err error) {
		for _, e := range unjoined(err) {
			if e = public(e); !seen[e.Error()] {
				seen[e.Error()], list = true, append(list, e)
			}
		}
	}
	fit, _ := m.blocks.Values()
	if len(m.prog.Checked.Data) > 0 {
		add(estimate.Check(m.prog, m.data, fit, estimate.Options{}))
	}
	if m.prog.Checked.Simulate != nil {
		add(m.simulator().Check(simulate.Options{}))
	}
	return list
}

func (m *Model) simulator() *simulate.Simulator {
	fit, s := m.blocks.Values() // the solver of a fit belongs to what it learned
	return &simulate.Simulator{Prog: m.prog, Data: m.data, Settings: s.Else("solver", fit)}
}

// Set changes a setting for what is begun from now on, by its dotted name:
// `fit.optimizer.lr` or `simulate.until`. The origin is where the value comes from, in
// messages.
func (m *Model) Set(path, value, origin string) error {
	return m.blocks.Set(path, value, origin)
}

// SetData lets a data block read another file, for what is begun from now on.
func (m *Model) SetData(block, path string) error { return m.data.SetFile(block, path) }

// SetTree changes settings by nested maps, as a YAML file has them, with
// `fit` and `simulate` on top.
func (m *Model) SetTree(tree map[string]any, origin string) error {
	return m.blocks.SetTree(tree, origin)
}

// Settings are all settings with their values, as nested maps.
func (m *Model) Settings() map[string]any { return environ.Tree(m.blocks.Values()) }

// States are the names of the states and then of the discrete variables, element by
// element.
func (m *Model) States() []string { return explain.StateNames(m.Program()) }

// Observations are the names of the observations that the model predicts, element by
// element.
func (m *Model) Observations() []string { return explain.PredictedNames(m.Program()) }

// Conserved are the names of the conserved quantities.
func (m *Model) Conserved() []string { return explain.ConservedNames(m.Program()) }

// DataSets are the names of the data blocks.
func (m *Model) DataSets() (names []string) {
	for _, d := range m.prog.Checked.Data {
		names = append(names, d.Name)
	}
	return names
}

// Labels say what axes show, with its unit: the time ("t"), observations,
// neural blocks, and the arguments of block f ("f(0)", "f(1)", …).
func (m *Model) Labels() map[string]string { return explain.Labels(m.Program()) }

// InferredUnits are the quantities whose unit was not declared, with it: "k: 1/s".
func (m *Model) InferredUnits() []string { return explain.InferredUnits(m.Program()) }

// String says in a line what the model is made of.
func (m *Model) String() string { return explain.Describe(m.Program()) }

// Dump prints the model at a stage of compilation: ast, model, graph, plan or asm. Its
// steps are those of the solver of its fit or, without data, of its simulation.
func (m *Model) Dump(w io.Writer, stage string) error {
	settings, simulation := m.blocks.Values()
	if len(m.prog.Checked.Data) == 0 {
		settings = simulation
	}
	opt, err := engine.SolverOptions(settings)
	if err != nil {
		return err
	}
	return m.prog.Dump(w, stage, engine.Method(opt.Method))
}

// CompleteSetting lists the settings that a text may begin, and their values: see Model.Set.
func CompleteSetting(text string) []string { return environ.Complete(text) }

// Solvers describes the solvers, one a line.
func Solvers() string { return environ.Solvers() }

// Explanations describe every code of a diagnostic, and the ways in which a run can
// end.
func Explanations() []diag.Code {
	return slices.Concat(explain.Diagnostics(), explain.Statuses, explain.Words)
}
