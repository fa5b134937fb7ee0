// Package pinode is the facade of the framework: models are loaded, fitted to
// data and simulated. It joins the language (package compiler), which knows no
// time stepping, and the numerics (packages sim and fit), which know no
// syntax.
package pinode

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/sim"
)

// Model is a compiled model with its data and settings. Runs and fits of it may
// be made by several goroutines at the same time; Set changes it for all of them.
type Model struct {
	Name string
	Path string

	prog     *compiler.Program
	fit      *setting.Values
	simulate *setting.Values
	warnings *diag.List
	reading  sync.Mutex
	sets     []*data.Set
	begins   [][]float64 // the starts of their trajectories
	doubts   diag.List   // about them
	loaded   bool        // sets were read
	programs sync.Map    // what has been compiled: see compiled
}

// Env is what every model file may refer to: the settings of the solvers, of
// fitting and of neural blocks.
func Env() *check.Env {
	return &check.Env{
		Fit:      fit.Settings(fit.Owned{Solver: solverChoices(), Gradient: gradientChoices()}),
		Simulate: SimulateSettings(),
		Neural:   nn.Settings,
	}
}

// Load reads and compiles a model file. The error, a *diag.List, has every
// mistake of the file with its place.
func Load(path string) (*Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, string(text))
}

// Parse compiles the text of a model file, which is named path in messages;
// data files are looked for from the folder of path.
func Parse(path, text string) (*Model, error) {
	prog, diags := compiler.Compile(diag.NewSource(path, text), Env())
	if err := diags.Err(); err != nil {
		return nil, err
	}
	m := newModel(prog, path)
	m.warnings = diags
	return m, nil
}

// newModel is a model with the settings of its file.
func newModel(p *compiler.Program, path string) *Model {
	m := &Model{Name: p.Checked.Model.Name, Path: path, prog: p}
	env := Env()
	m.fit, m.simulate = setting.New(env.Fit), setting.New(env.Simulate)
	if s := p.Checked.Fit; s != nil {
		m.fit = s.Values
	}
	if s := p.Checked.Simulate; s != nil {
		m.simulate = s.Values
	}
	return m
}

// Warnings are what the checker found doubtful.
func (m *Model) Warnings() *diag.List { return m.warnings }

// Doubts are what reading the data found doubtful.
func (m *Model) Doubts() *diag.List {
	m.reading.Lock()
	defer m.reading.Unlock()
	return &diag.List{All: slices.Clone(m.doubts.All)}
}

// Program gives access to the compiled model.
func (m *Model) Program() *compiler.Program { return m.prog }

// FitSettings are the settings of the fit block; they can be changed before a
// fit.
func (m *Model) FitSettings() *setting.Values { return m.fit }

// SimulateSettings are the settings of the simulate block.
func (m *Model) SimulateSettings() *setting.Values { return m.simulate }

// Set changes a setting by its dotted name, `fit.optimizer.lr` or
// `simulate.until`.
func (m *Model) Set(path, value, origin string) error {
	if rest, ok := strings.CutPrefix(path, "fit."); ok {
		return m.fit.Set(rest, value, origin)
	}
	if rest, ok := strings.CutPrefix(path, "simulate."); ok {
		return m.simulate.Set(rest, value, origin)
	}
	return fmt.Errorf("settings start with `fit.` or `simulate.`, not `%s`", path)
}

// SetTree changes settings by nested maps, as a YAML file has them, with
// `fit` and `simulate` on top.
func (m *Model) SetTree(tree map[string]any, origin string) error {
	for key, v := range tree {
		var to *setting.Values
		switch key {
		case "fit":
			to = m.fit
		case "simulate":
			to = m.simulate
		default:
			if err := m.Set(key, fmt.Sprint(v), origin); err != nil {
				return err
			}
			continue
		}
		sub, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("`%s` holds settings, not `%v`", key, v)
		}
		if err := to.SetTree(sub, origin); err != nil {
			return err
		}
	}
	return nil
}

// dir is the folder that relative data paths are taken from.
func (m *Model) dir() string { return filepath.Dir(m.Path) }

// hybrid describes the model's events and switches to the simulator.
func (m *Model) hybrid() *sim.Hybrid { return newHybrid(m.prog) }
