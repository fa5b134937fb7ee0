// Package compiler is the driver of the language: from the source of a model
// to programs for its right-hand side, events, observations and losses, and
// their derivatives. It can be used on its own; it takes no steps in time.
package compiler

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/environ"
)

// Program is a compiled model file. Its methods may be called from several
// goroutines.
type Program struct {
	File    *dsl.File
	Checked *check.Program
	Model   *lower.Model // nil if the file has errors

	// Schedules has the places of each event's scheduled scalars in the
	// output of program "times"; Releases the guard whose crossing ends the
	// rest of each event, or −1.
	Schedules []Schedule
	NumTimes  int
	Releases  []int
	NumGuards int // those of the model, then those of releases, then those of sliding

	// Slides: some discontinuity of the right-hand side may be slid along, and the
	// last NumExits guards say when that ends: two for each surface, in the order of switches.
	Slides   bool
	NumExits int

	derivatives

	// Back is the program of the runs back from what is measured, by which an observation
	// `~ exact` has its likelihood; nil if there is none.
	Back *Program

	// Encoder is the program of what runs first, whose results are numbers of a
	// trajectory; nil if there is none.
	Encoder *Program

	build    sync.Mutex            // held to use the Model's Builder
	passed   map[string][]*ir.Node // see optimize
	guests   map[guestKind]func() (*exec.Module, error)
	segments *Segments // see SegmentsOf
}

// Schedule has the places of an event's scheduled scalars, −1 for none.
type Schedule struct{ At, Period, From, Until int }

// CompileSource compiles a model file in an environment of settings and library files;
// nil: that of Compile.
// The diagnostics hold every mistake; with an error among them the program has no Model.
func CompileSource(src *diag.Source, env *check.Env) (*Program, *diag.List) {
	if env == nil {
		env = environ.Env()
	}
	if env.Neural == nil {
		e := *env
		e.Neural = nn.Settings
		env = &e
	}
	p := &Program{}
	file, diags := dsl.Parse(src)
	p.File = file
	if diags.Err() != nil {
		return p, diags
	}
	checked, more := check.Check(file, env)
	p.Checked = checked
	diags.All = append(diags.All, more.All...)
	if diags.Err() != nil || checked.Model == nil {
		return p, diags
	}
	switch {
	case checked.ByNetwork():
		p.lowerNetwork(env, diags)
		return p, diags
	case checked.Grid != nil:
		checked.Model, more = checked.Model.OnGrid(checked.Grid)
		diags.All = append(diags.All, more.All...)
		if diags.Err() != nil {
			return p, diags
		}
	}
	m, more := lower.Lower(checked.Model)
	diags.All = append(diags.All, more.All...)
	if diags.Err() != nil {
		return p, diags
	}
	p.Model = m
	p.schedule()
	if back := checked.Model.Backwards(); back != nil {
		p.Back = another(p, back, diags)
	}
	if e := checked.Model.Encoder; e != nil {
		p.Encoder = another(p, e.Model, diags)
	}
	return p, diags
}

// another is the program of a model that goes with that of this one.
func another(p *Program, m *check.Model, diags *diag.List) *Program {
	c := *p.Checked
	c.Model = m
	o := &Program{File: p.File, Checked: &c}
	var more *diag.List
	o.Model, more = lower.Lower(m)
	if diags.All = append(diags.All, more.All...); more.Err() == nil {
		o.schedule()
	}
	return o
}

// lowerNetwork makes a model whose fields are a network that of the program.
func (p *Program) lowerNetwork(env *check.Env, diags *diag.List) {
	net, err := p.Checked.FieldNetwork(env)
	if err != nil {
		diags.Errorf("bad-block", p.Checked.Model.Span, "%s", err)
		return
	}
	m, more := lower.LowerNetwork(p.Checked.Model, net)
	diags.All = append(diags.All, more.All...)
	if more.Err() != nil {
		return
	}
	checked := *p.Checked
	checked.Model = m.Checked
	p.Checked, p.Model = &checked, m
	p.schedule()
}

// schedule lays out the scheduled scalars and the guards of releases.
func (p *Program) schedule() {
	m := p.Model
	p.motion.Model = m
	put := func(n *ir.Node) int {
		if n == nil {
			return -1
		}
		p.times = append(p.times, n)
		return len(p.times) - 1
	}
	for _, g := range m.Guards {
		p.guards = append(p.guards, g.Node)
	}
	if p.rates = m.RHS; m.RHS != nil {
		p.rates = opt.Roll(m.Builder, []*ir.Node{m.RHS})[0]
	}
	p.flow = p.rates
	for _, e := range m.Events {
		if e.Rest != nil {
			p.flow = m.Builder.Mul(p.free(), p.rates)
			break
		}
	}
	for _, e := range m.Events {
		p.Schedules = append(p.Schedules, Schedule{put(e.Time), put(e.Period), put(e.From), put(e.Until)})
		release := -1
		if e.Rest != nil && e.Cond != nil {
			// At rest the guard's second rate, with the states let go, says
			// which way the field pushes.
			if g := firstGuard(e.Cond); g >= 0 {
				release = len(p.guards)
				p.guards = append(p.guards, p.rateAlong(m.RHS, p.rateAlong(m.RHS, m.Guards[g].Node)))
			}
		}
		p.Releases = append(p.Releases, release)
	}
	along := map[int]bool{} // guards of discontinuities that may be slid along
	for _, w := range m.Switches {
		if !w.Corner {
			along[w.Guard] = true
		}
	}
	p.surfaces = len(along)
	p.NumTimes, p.NumGuards = len(p.times), len(p.guards)
	if p.Slides = p.surfaces > 0; p.Slides {
		if p.several = p.findSeveral(); p.several != nil && !p.readable() {
			p.several = nil
		}
		p.NumExits = 2 * p.mostTogether()
		p.NumGuards += p.NumExits
	}
}

func firstGuard(c *lower.Cond) int {
	switch c.Op {
	case lower.CondBelow, lower.CondAbove, lower.CondCross, lower.CondRise, lower.CondFall:
		return c.Guard
	}
	for _, a := range c.Args {
		if g := firstGuard(a); g >= 0 {
			return g
		}
	}
	return -1
}

// Want says which derivatives a module is to have.
type Want struct {
	Reverse   bool         // vector–Jacobian products
	Forward   bool         // Jacobian–vector products
	Jacobian  bool         // derivatives of motions by the states, by their nonzeros
	Curvature bool         // and the derivatives of these
	Step      *step.Method // programs for its whole step, where they are not too large
	Segments  bool         // programs that begin in the midst of a trajectory: see SegmentsOf

	Networks exec.Precision // of the operations of networks
}

// Module compiles the programs of the model for frames of the given number of
// lanes. The programs and their inputs and outputs are listed at Graphs.
func (p *Program) Module(lanes int, want Want) (*exec.Module, error) {
	var guests []*exec.Guest
	graphs := p.optimized(lanes, want, func(g *exec.Guest, build func() *ir.Graph) {
		g.Module = guestKind{g.Name, lanes, want.Networks}.module(p, build)
		guests = append(guests, g)
	})
	return exec.CompileWith(graphs, guests, lanes, want.Networks)
}

// guestKind says which module a guest is.
type guestKind struct {
	name     string
	lanes    int
	networks exec.Precision
}

// module makes a module of one graph, once for all who ask for it, who hold p.build.
func (k guestKind) module(p *Program, build func() *ir.Graph) func() (*exec.Module, error) {
	if p.guests[k] == nil {
		if p.guests == nil {
			p.guests = map[guestKind]func() (*exec.Module, error){}
		}
		p.guests[k] = sync.OnceValues(func() (*exec.Module, error) {
			graphs := p.built(func() []*ir.Graph { return opt.Optimize(p.Model.Builder, []*ir.Graph{build()}) })
			return exec.Compile(graphs, k.lanes, k.networks)
		})
	}
	return p.guests[k]
}

// optimized are the graphs of a module after all passes, but for those that guests takes, unless that is nil.
func (p *Program) optimized(lanes int, want Want, guests func(*exec.Guest, func() *ir.Graph)) []*ir.Graph {
	return p.built(func() []*ir.Graph {
		graphs := p.optimize((&lister{derivatives: &p.derivatives, want: want, guests: guests}).of(p))
		if want.Step != nil {
			graphs = append(graphs, step.Graphs(p.stepModel(), want.Step, step.Options{Lanes: lanes, Reverse: want.Reverse, Forward: want.Forward, Roots: true})...)
		}
		return graphs
	})
}

// optimize gives graphs of the model after all passes. What these made of a list of outputs is known the next
// time: modules have graphs in common, of which the right-hand side is the largest.
func (p *Program) optimize(graphs []*ir.Graph) []*ir.Graph {
	if p.passed == nil {
		p.passed = map[string][]*ir.Node{}
	}
	out := make([]*ir.Graph, len(graphs))
	for i, g := range graphs {
		var key []byte
		for _, o := range g.Outputs {
			key = binary.AppendUvarint(key, uint64(o.Node.ID))
		}
		done, ok := p.passed[string(key)]
		if !ok {
			for _, o := range opt.Optimize(p.Model.Builder, []*ir.Graph{g})[0].Outputs {
				done = append(done, o.Node)
			}
			p.passed[string(key)] = done
		}
		out[i] = &ir.Graph{Name: g.Name, Outputs: slices.Clone(g.Outputs)}
		for k, n := range done {
			out[i].Outputs[k].Node = n
		}
	}
	return out
}

// built are the graphs that make builds, while nobody else builds any.
func (p *Program) built(make func() []*ir.Graph) []*ir.Graph {
	p.build.Lock()
	defer p.build.Unlock()
	return make()
}

// Steps compiles the programs for whole steps of a method alone, for frames of
// the given number of lanes, while its caller does other things; what it
// returns waits for them. With perLaneParams the parameters differ between lanes.
// There is no module for a model whose step is too large for one program.
func (p *Program) Steps(lanes int, m *step.Method, want Want, perLaneParams bool) func() (*exec.Module, error) {
	return p.StepsWith(m, step.Options{Lanes: lanes, Reverse: want.Reverse, PerLaneParams: perLaneParams}, want.Networks)
}

// StepsWith is Steps with other options, and the precision of networks.
func (p *Program) StepsWith(m *step.Method, o step.Options, networks exec.Precision) func() (*exec.Module, error) {
	graphs := p.built(func() []*ir.Graph { return step.Graphs(p.stepModel(), m, o) })
	if graphs == nil {
		return func() (*exec.Module, error) { return nil, nil }
	}
	compile := sync.OnceValues(func() (*exec.Module, error) { return exec.Compile(graphs, o.Lanes, networks) })
	go func() {
		defer func() { _ = recover() }() // who waits sees it
		_, _ = compile()
	}()
	return compile
}

// Steppable reports whether the step of a method is a program of a size that serves.
func (p *Program) Steppable(m *step.Method) bool {
	p.build.Lock()
	defer p.build.Unlock()
	return step.Fits(p.stepModel(), m)
}

// stepModel is the model as its steps have it.
func (p *Program) stepModel() *step.Model {
	return &step.Model{Model: p.Model, Rates: p.rates, Holds: p.flow != p.rates, Watched: p.watchedGuards}
}

// Rows compiles the programs for the loss of a row of data alone, row and
// row.vjp, for frames of the given number of lanes. It returns nil for a model
// whose rows use no weights: theirs are short programs.
func (p *Program) Rows(lanes int, networks exec.Precision) (*exec.Module, error) {
	if p.Model.Row == nil || !p.weighs(p.Model.Row) {
		return nil, nil
	}
	return exec.Compile(p.built(func() []*ir.Graph {
		return p.optimize(p.row(place.Row, p.Model.Row, p.Model.Terms, true))
	}), lanes, networks)
}

// Noise compiles the program noise, the arguments of the distributions of
// observations; nil for none.
func (p *Program) Noise() (*exec.Module, error) {
	if len(p.Model.Noise) == 0 {
		return nil, nil
	}
	g := []*ir.Graph{place.Noise.Graph(p.Model.Noise...)}
	return exec.Compile(p.built(func() []*ir.Graph { return p.optimize(g) }), 1, exec.Double)
}

// Dump prints the file at a stage of compilation: ast, model, graph, plan or
// asm, the machine code, in the precision that its fit asks for. The last two have
// the steps of a method too, unless that is nil.
func (p *Program) Dump(w io.Writer, stage string, method *step.Method) error {
	switch stage {
	case "ast":
		dsl.Dump(w, p.File)
		return nil
	case "model":
		p.Checked.Dump(w)
		return nil
	}
	if p.Model == nil {
		return fmt.Errorf("the file has errors and no graph")
	}
	if stage == "grid" {
		if len(p.Model.Grid) == 0 {
			return fmt.Errorf("the model has no fields on a grid")
		}
		fmt.Fprintln(w, strings.Join(p.Model.Grid, "\n"))
		return nil
	}
	switch stage {
	case "graph":
		for _, g := range p.Graphs(Want{Reverse: true, Forward: true}) {
			fmt.Fprint(w, g)
		}
		return nil
	case "plan", "asm":
		graphs := p.optimized(1, Want{Reverse: true, Forward: true, Step: method}, nil)
		networks := exec.Double
		if f := p.Checked.Fit; f != nil && f.Values.Word("precision") == "f32" {
			networks = exec.Single
		}
		m, err := exec.Compile(graphs, 1, networks)
		if err != nil {
			return err
		}
		listed := 0
		for _, g := range graphs {
			text := m.Program(g.Name).String()
			if stage == "asm" {
				text = m.Program(g.Name).Assembly()
			}
			n, _ := fmt.Fprint(w, text)
			listed += n
		}
		if listed == 0 {
			return exec.NoMachineCode()
		}
		return nil
	}
	return fmt.Errorf("there is no stage `%s`; there are ast, model, grid, graph, plan and asm", stage)
}
