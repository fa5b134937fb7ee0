package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/internal/start"
	"github.com/pinode/pinode/sim"
)

// Fit is a fit of a model to its data, before, during and after it.
type Fit struct {
	State *fit.State
	Plan  *fit.Plan

	Estimates []fit.Estimate
	Values    *problem.Values

	Train, Validation Summary

	Findings

	Warnings diag.List // of what the result may be wrong in

	estimated

	settings *setting.Values
	start    *problem.Values
	late     func() bool // see Late
	kept     *kept
	told     *start.Data
	solver   sim.Options
	field    *byNetwork      // what is trained where fields are a network, or nil
	held     *heldBack       // parameters of trajectories that are held back alone
	shooting *loss.Objective // what is trained by multiple shooting; nil: the loss itself
}

// estimated is a model at its estimate, as it can be looked at.
type estimated struct {
	prog      *engine.Compiled
	Objective *loss.Objective
	X         []float64 // the coordinates of the estimate, infinite at the closed end of an interval
	fired     []bool    // the events that do there, over the data
}

// Summary describes the data of a split and how the model meets them.
type Summary struct {
	Trajectories, Values, Missing int
	T0, T1                        float64
	Loss                          float64
	RMSE                          map[string]float64 // by observation
	Events                        int
	Unproven                      string // where nothing proves that no crossing was missed; else empty
}

// Options says what of a fit is not that of the file.
type Options struct {
	Seed       *uint64
	Workers    int
	Observer   func(fit.Progress)
	Checkpoint func(*fit.State) error
	MaxTime    time.Duration // of this call; 0: that of the file, of a run and its resumptions
	From       *problem.Values
	Resume     *fit.State
	Whole      bool // all trajectories of the data, and not those for training alone
	Told       bool // nothing is learned: From has all values per key, or none
}

// setValues sets the values that are begun from.
func (c *Options) setValues(sp *problem.Space) error {
	if c.Told {
		if err := sp.Told(c.From); err != nil {
			return err
		}
	}
	return sp.SetValues(c.From)
}

// New reads the data and prepares a fit with the settings of the fit block.
func New(prog *engine.Compiled, from *problem.Problem, settings *setting.Values, c Options) (*Fit, error) {
	prog, from = fitted(prog, from)
	plan, err := planOf(prog.Program, settings, c)
	if err != nil {
		return nil, err
	}
	if prog.Model.Collocation != nil {
		return newByNetwork(prog, from, settings, plan, c)
	}
	opt, err := engine.SolverOptions(settings)
	if err != nil {
		return nil, err
	}
	train, valid, err := trajectories(prog.Program, from, c.Whole)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(train, valid)
	for i, it := range all {
		it.Span.Draws = problem.Draws(prog.Program, plan.Trainer.Seed, i, it.PointProcess)
	}
	sp, err := problem.NewSpace(prog.Program, all, plan.Trainer.Seed)
	if err != nil {
		return nil, err
	}
	sp.Copy(plan.Draws)
	if err := checkSolver(prog.Program, settings, plan, opt); err != nil {
		return nil, err
	}
	networks := exec.Double
	if plan.Single {
		networks = exec.Single
	}
	told, err := start.New(prog, sp, train)
	if err != nil {
		return nil, err
	}
	if opt, err = sized(told, sp, plan, settings, opt); err != nil {
		return nil, err
	}
	obj, err := loss.NewObjective(prog, sp, train, valid, opt, settings.Word("gradient"), networks, plan.Workers)
	if err != nil {
		return nil, err
	}
	if err := loss.Bound(obj, plan.Importance, plan.KL); err != nil {
		return nil, err
	}
	if sp.Dim == 0 {
		return nil, nothingToFit(from)
	}
	if err := c.setValues(sp); err != nil {
		return nil, err
	}
	f := &Fit{estimated: estimated{prog: prog, Objective: obj}, settings: settings, solver: opt, Plan: plan, State: c.Resume, told: told, kept: new(kept)}
	f.Train, f.Validation = summarise(train), summarise(valid)
	plan.Trainer.Objective = forTrainer(obj)
	if f.held, err = newHeldBack(f, c); err != nil {
		return nil, err
	}
	if err := f.shoot(); err != nil {
		return nil, err
	}
	if err := f.square(); err != nil {
		return nil, err
	}
	for _, m := range plan.Trainer.Stages {
		if a, ok := m.(*fit.Auto); ok {
			a.Do = f.auto
		}
	}
	if c.Resume != nil {
		if err := plan.Trainer.Accepts(c.Resume.All()[0]); err != nil {
			return nil, err
		}
	}
	return f, f.begin()
}

// searches reports whether a fit looks for starts.
func searches(p *fit.Plan) bool {
	return slices.ContainsFunc(p.Trainer.Stages, func(m fit.Method) bool { _, auto := m.(*fit.Auto); return auto })
}

// sized gives a space and a solver what they take from the data: scales, absolute
// tolerances and, for a search, how many steps a trial may take.
func sized(told *start.Data, sp *problem.Space, plan *fit.Plan, settings *setting.Values, opt sim.Options) (sim.Options, error) {
	if err := told.SetScales(); err != nil {
		return opt, err
	}
	given, err := settings.Stages("solver")[0].Options, error(nil)
	if !given.Given("atol") {
		if opt, err = told.Tolerances(opt); err != nil {
			return opt, err
		}
	}
	if !searches(plan) || given.Given("max_steps") {
		return opt, nil
	}
	x, err := sp.X0()
	if err != nil {
		return opt, err
	}
	n, err := told.MostSteps(context.Background(), x, opt, plan.Workers)
	opt.MaxSteps = min(opt.MaxSteps, n)
	return opt, err
}

// fitted is the program whose runs a fit does, with its data: that of the runs back, where an
// observation `~ exact` asks for it.
func fitted(prog *engine.Compiled, from *problem.Problem) (*engine.Compiled, *problem.Problem) {
	if prog.Back == nil {
		return prog, from
	}
	return &engine.Compiled{Program: prog.Back}, from.Of(prog.Back)
}

// predicted are the trajectories of which rows that are given are not scored.
func predicted(train, valid []*problem.Trajectory, whole bool) []*problem.Trajectory {
	if whole {
		return train
	}
	return valid
}

func nothingToFit(from *problem.Problem) error {
	return &data.Error{File: from.Path, Text: "the model has nothing to fit: every parameter is fixed"}
}

// planOf is the plan of the settings, with what the options change.
func planOf(p *compiler.Program, settings *setting.Values, c Options) (*fit.Plan, error) {
	if way := settings.Word("fields"); (way == "network") != (p.Model.Collocation != nil) {
		return nil, fmt.Errorf("how fields are solved for is chosen when the model is compiled: write `fit { fields: %s }` in its file", way)
	}
	plan, err := fit.NewPlan(settings)
	if err != nil {
		return nil, err
	}
	if c.Seed != nil {
		plan.Trainer.Seed = *c.Seed
	}
	if c.Workers > 0 {
		plan.Workers = c.Workers
	}
	if c.MaxTime > 0 {
		plan.Trainer.Stop.MaxTime = c.MaxTime
		if c.Resume != nil {
			plan.Trainer.Stop.MaxTime += c.Resume.Spent()
		}
	}
	plan.Trainer.Observer, plan.Trainer.Checkpoint = c.Observer, c.Checkpoint
	return plan, planUnsupported(p, plan)
}

// trajectories are those of the data, to train with and held back; or all together.
func trajectories(p *compiler.Program, from *problem.Problem, whole bool) (train, valid []*problem.Trajectory, err error) {
	if len(p.Checked.Data) == 0 {
		return nil, nil, &data.Error{File: from.Path, Text: "the file has no data block to fit to", Help: "add `data name from \"file.csv\" { time: …, … }`"}
	}
	if train, err = from.Trajectories(data.Train); err != nil {
		return nil, nil, err
	}
	if valid, err = from.Trajectories(data.Validate); err != nil {
		return nil, nil, err
	}
	if whole {
		unused, err := from.Trajectories(data.Unused)
		if err != nil {
			return nil, nil, err
		}
		train, valid = slices.Concat(train, valid, unused), nil
	}
	for _, it := range predicted(train, valid, whole) {
		it.Predict()
	}
	if len(train) == 0 {
		return nil, nil, &data.Error{File: from.Sets[0].File, Text: "no trajectory is left for training", Help: "see `train` and `validate` in the data block"}
	}
	return train, valid, loss.CheckSupport(p, slices.Concat(train, valid))
}

// begin puts the fit at its start, or where it goes on.
func (f *Fit) begin() error {
	sp := f.Objective.Space
	x, err := sp.X0()
	if err != nil {
		return err
	}
	f.start = sp.ValuesAt(x)
	for _, e := range sp.Estimates {
		f.start.Params[e.Name] = e.Value // at the end of an interval x is a little inside
	}
	f.take(x)
	if f.X = x; f.State != nil {
		f.X = f.best()
	}
	return f.Objective.CheckPriors(x)
}

// singleNoise is the relative error of networks in single precision, some
// roundings of 6e-8: with a tolerance below it, these are what steps are chosen
// by.
const singleNoise = 1e-6

// forTrainer hides Validate when nothing is held back.
func forTrainer(o *loss.Objective) fit.Objective {
	if len(o.Validation) == 0 {
		return struct {
			fit.Objective
			fit.Lengths
			fit.Weights
			fit.Redrawer
		}{o, o, o, o}
	}
	return o
}

func summarise(trajectories []*problem.Trajectory) Summary {
	s := Summary{Trajectories: len(trajectories), T0: math.Inf(1), T1: math.Inf(-1), RMSE: map[string]float64{}}
	for _, it := range trajectories {
		s.Values += it.Values
		s.Missing += it.Data.Lost
		for _, r := range it.Rows {
			s.Missing += len(r.Seen()) - r.Values()
		}
		s.T0, s.T1 = math.Min(s.T0, it.Shown()), math.Max(s.T1, it.Span.T1)
	}
	return s
}

// Weights is the number of fitted weights of neural blocks.
func (f *estimated) Weights() int { return f.Objective.Space.Dim - len(f.Objective.Space.Params) }

// Run fits. A cancelled context ends it after the current step with a state
// that can be resumed.
func (f *Fit) Run(ctx context.Context) error {
	var err error
	began, before := time.Now(), time.Duration(0)
	tr := &f.Plan.Trainer
	if f.State != nil {
		before = f.State.Spent()
	}
	follow(f)
	switch {
	case f.Plan.Starts > 1:
		err = several(ctx, f)
	case f.State != nil:
		f.State, err = tr.Resume(ctx, f.State)
	default:
		var x []float64
		if x, err = f.Trained().Space.X0(); err != nil {
			return err
		}
		f.State, err = tr.Run(ctx, x)
	}
	if err != nil {
		return err
	}
	ctx, cancel := f.after(ctx, began.Add(-before))
	defer cancel()
	f.X = f.hold(ctx, f.best())
	if err := f.held.estimate(ctx, f); err != nil && ctx.Err() == nil {
		return err
	}
	f.take(f.X)
	err = f.finish(ctx, f.X)
	if f.Late() { // half of a sum is none
		f.Train.Loss, f.Train.RMSE = math.NaN(), map[string]float64{}
		return nil
	}
	return err
}

// best are the coordinates that the optimisation found.
func (f *Fit) best() []float64 {
	x := f.State.X
	if best := f.State.Result(); best != nil {
		x = best.X
	}
	return x[:f.Objective.Space.Dim] // those behind are states where segments begin
}

// Adaptive reports whether the fit's solver chooses its steps.
func (f *Fit) Adaptive() bool { return f.solver.Method.Adaptive() }
