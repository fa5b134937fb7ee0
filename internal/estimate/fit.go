package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
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

	Estimates []problem.Estimate
	Values    *problem.Values

	Train, Validation Summary

	Findings

	Warnings diag.List // of what the result may be wrong in

	estimated

	settings *setting.Values
	start    *problem.Values
	late     func() bool // see Late
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
	f := &Fit{estimated: estimated{prog: prog, Objective: obj}, settings: settings, solver: opt, Plan: plan, State: c.Resume, told: told}
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
		if err := plan.Trainer.Accepts(c.Resume); err != nil {
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
			plan.Trainer.Stop.MaxTime += c.Resume.Elapsed
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

// checkSolver refuses a precision or a gradient that does not go with the solver.
func checkSolver(prog *compiler.Program, settings *setting.Values, p *fit.Plan, opt sim.Options) error {
	if err := checkPrecision(prog, p, opt); err != nil {
		return err
	}
	return checkGradient(prog, settings, opt)
}

// checkPrecision refuses single precision where it has no effect or no sense.
func checkPrecision(prog *compiler.Program, p *fit.Plan, opt sim.Options) error {
	if !p.Single {
		return nil
	}
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	switch {
	case len(prog.Model.Blocks) == 0:
		l.Errorf("no-effect", at, "`precision: f32` has no effect: it is that of networks, and the model has none")
	case opt.Method.Adaptive() && opt.RTol < singleNoise:
		l.Errorf("precision", at, "`rtol: %g` asks for more digits than networks with `precision: f32` have", opt.RTol).
			WithHelp("write `precision: f64`, or a tolerance of 1e-6 or more")
	}
	return l.Err()
}

// checkGradient refuses a gradient that the solver cannot give.
func checkGradient(prog *compiler.Program, settings *setting.Values, opt sim.Options) error {
	mode := opt.Gradient(settings.Word("gradient"))
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	if prog.Encoder != nil && (mode == "forward" || !opt.HasGradient("unrolled")) {
		l.Errorf("not-supported", at, "the runs of an encoder are differentiated backwards, step by step: not with `gradient: %s` and `solver: %s`", mode, opt.Method.Name).
			WithHelp("leave out `gradient`, and take `solver: tsit5` or another explicit one")
		return l.Err()
	}
	if opt.HasGradient(mode) {
		return nil
	}
	why, help := "backwards, what falls quickly in a stiff model grows quickly", "write `gradient: adjoint` or `gradient: forward`"
	switch {
	case mode == "unrolled":
		why = "its steps go on from several before, which a derivative of one step does not know"
	case mode == "adjoint":
		why = "its dense output is too coarse for the adjoint equation"
	}
	if opt.HasGradient("unrolled") {
		help = "write `gradient: unrolled`, which is exact, or `gradient: forward`"
	}
	l.Errorf("not-supported", at, "`gradient: %s` is not supported with `solver: %s`: %s", mode, opt.Method.Name, why).WithHelp("%s", help)
	return l.Err()
}

// planUnsupported refuses settings that are accepted and not obeyed yet.
func planUnsupported(prog *compiler.Program, p *fit.Plan) error {
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	if p.Draws > 1 && len(prog.Checked.Model.Draws) == 0 {
		l.Errorf("no-effect", at, "`draws: %d` has no effect: the model draws nothing", p.Draws)
	}
	no := func(what string) { l.Errorf("not-supported", at, "%s is not supported yet", what) }
	if p.Bounded && prog.Encoder == nil {
		l.Errorf("no-effect", at, "`bound` and `kl` have no effect: no draw has a posterior")
	}
	if p.Segments > 1 && prog.Encoder != nil {
		no("`shooting` of a model with an encoder")
	}
	if p.Loss == "mse" {
		for _, o := range prog.Checked.Model.Observes {
			if o.Dist != nil {
				no("`loss: mse` for observations with a distribution")
				break
			}
		}
	}
	if p.Uncertainty == "profile" || p.Uncertainty == "ensemble" {
		no("`uncertainty: " + p.Uncertainty + "`")
	}
	if p.Starts > 1 {
		no("more than one start")
	}
	return l.Err()
}

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
			s.Missing += len(r.Seen) - r.Values
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
		before = f.State.Elapsed
	}
	if f.State != nil {
		f.State, err = tr.Resume(ctx, f.State)
	} else {
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
	if f.State.Best != nil {
		x = f.State.Best.X
	}
	return x[:f.Objective.Space.Dim] // those behind are states where segments begin
}

// hold puts parameters that have run to a closed end of their interval, or
// started at one, onto it, if the loss is no higher there: a coordinate reaches
// the end at infinity only.
func (f *Fit) hold(ctx context.Context, x []float64) []float64 {
	x = slices.Clone(x)
	sp, loss := f.Objective.Space, math.NaN()
	start := sp.Natural()
	for i := range sp.Params {
		t := &sp.Transforms[i]
		at, iv := t.Forward(x[i]), t.Interval()
		if !t.AtBound(at) {
			at = start[i]
		}
		end := 0
		switch {
		case !t.AtBound(at):
			continue
		case at-iv.Lo < iv.Hi-at && !iv.LoOpen:
			end = -1
		case at-iv.Lo > iv.Hi-at && !iv.HiOpen:
			end = 1
		default:
			continue
		}
		if math.IsNaN(loss) {
			res, err := f.Objective.Eval(ctx, x, nil, 1, nil)
			if err != nil || res.Failed {
				return x
			}
			loss = res.Loss
		}
		free := x[i]
		x[i] = math.Inf(end)
		// A start that is near this end but not on it stays if the data say nothing.
		near := t.AtBound(start[i]) && (start[i]-iv.Lo < iv.Hi-start[i]) == (end < 0) && start[i] != t.Forward(x[i])
		res, err := f.Objective.Eval(ctx, x, nil, 1, nil)
		if err == nil && !res.Failed && (res.Loss < loss || res.Loss == loss && !near) {
			loss = res.Loss
		} else {
			x[i] = free
		}
	}
	return x
}

// take sets the estimates to those at x.
func (f *Fit) take(x []float64) {
	sp := f.Objective.Space
	f.Values = sp.ValuesAt(x)
	f.Estimates = append(f.Estimates[:0], sp.Estimates...)
	k := 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		e.Start = f.start.Params[e.Name]
		e.Value = f.Values.Params[e.Name]
		if !e.Fixed {
			e.Bound = sp.Transforms[k].AtBound(e.Value)
			k++
		}
	}
}

// finish evaluates the fit at its result: errors, standard errors.
func (f *Fit) finish(ctx context.Context, x []float64) error {
	opt := f.solver
	if f.Plan.Single { // what is said of the result has all digits
		var err error
		o := f.Objective
		if f.Objective, err = loss.NewObjective(f.prog, o.Space, o.Trajectories, o.Validation, opt, o.Gradient, exec.Double, f.Plan.Workers); err != nil {
			return err
		}
		if err := loss.Bound(f.Objective, f.Plan.Importance, f.Plan.KL); err != nil {
			return err
		}
	}
	f.Objective.Watch(ctx)
	f.Warnings = diag.List{}
	if f.held != nil {
		f.held.warn(f)
	}
	if f.field != nil {
		if len(f.Objective.Trajectories) > 0 {
			if _, err := f.score(x, f.Objective.Trajectories, &f.Train, nil); err != nil {
				return err
			}
			if err := f.weigh(ctx, x); err != nil {
				return err
			}
		}
		return f.weighField(ctx, x)
	}
	if err := encode(ctx, f); err != nil {
		return err
	}
	stats, err := f.score(x, f.Objective.Trajectories, &f.Train, nil)
	if err != nil {
		return err
	}
	if len(f.Objective.Validation) > 0 {
		if stats, err = f.score(x, f.Objective.Validation, &f.Validation, stats); err != nil {
			return err
		}
	}
	explain.Stiffness(f.prog.Program, &f.Warnings, stats, opt)
	explain.Crossings(f.prog.Program, &f.Warnings, stats)
	return f.weigh(ctx, x)
}

// score measures the residuals over trajectories, and adds what the runs counted.
func (f *Fit) score(x []float64, trajectories []*problem.Trajectory, s *Summary, stats []sim.Stats) ([]sim.Stats, error) {
	o := f.Objective
	w := o.Workers[0]
	w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	lay := &o.Prog.Model.Layout
	sq, n := make([]float64, lay.NObs), make([]float64, lay.NObs)
	s.Events, s.Loss = 0, 0
	var sum sim.Stats
	perValue := 1 / float64(max(o.Count(trajectories, 1), 1))
	o.WeighLosses(perValue, 1/float64(max(len(trajectories), 1)))
	copy(w.System.S, o.Space.Scales)
	stats = slices.Grow(stats, len(trajectories))
	for _, it := range trajectories {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		var tr sim.Trajectory
		if err := w.Integrator.Run(w.System, &it.Span, &tr); err != nil {
			return nil, fmt.Errorf("trajectory %s: %s", it.Name, explain.Failure(o.Prog.Program, tr.Fail))
		}
		stats = append(stats, tr.Stats)
		s.Events += tr.Stats.Events
		sum.Add(&tr.Stats)
		for _, r := range it.Rows {
			k := r.Save
			w.System.RowAt(it.Span.Saves[k], tr.SaveY[k], tr.SaveD[k], tr.BeforeY[k], tr.BeforeD[k], r.Data, r.Seen, r.Inputs, r.Own)
			w.System.Row.Run.Run()
			s.Loss += w.System.Row.Run.Value[0]
			pred := w.System.Predict()
			for i, p := range pred {
				if r.Seen[i] != 0 {
					sq[i] += (p - r.Data[i]) * (p - r.Data[i])
					n[i]++
				}
			}
		}
	}
	s.Unproven = explain.Unproven(o.Prog.Program, &sum)
	s.Loss *= perValue
	predicted := explain.Predicted(o.Prog.Program)
	for _, sl := range lay.Observes {
		for k := range sl.N {
			if !predicted[sl.Off+k] {
				continue
			}
			s.RMSE[lower.ElementName(sl.Object.Info(), k)] = math.Sqrt(sq[sl.Off+k] / n[sl.Off+k])
		}
	}
	return stats, nil
}

// standardErrors are those of the normal approximation at the optimum, by the
// parameters only: the weights of networks are held.
func (f *Fit) standardErrors(ctx context.Context, x []float64) {
	sp := f.Objective.Space
	var coords []int // those that are not held at an end
	for i := range sp.Params {
		if moves(f, x, i) {
			coords = append(coords, i)
		}
	}
	n := len(coords)
	if n == 0 || n > mostObserved {
		return
	}
	res, err := f.Objective.Eval(ctx, x, nil, 1, nil)
	if err != nil || res.Failed {
		return
	}
	scale, err := fit.InformationScale(res, n, likelihood(f.prog))
	if err != nil {
		return
	}
	h, err := loss.Observed(ctx, f.Objective, forTrainer(f.Objective), x, coords, scale)
	if err != nil {
		return
	}
	u, err := fit.Laplace(h)
	if err != nil {
		return
	}
	k, at := 0, 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		if e.Fixed {
			continue
		}
		if at < n && coords[at] == k {
			e.StdErr = u.StdErr[at] * math.Abs(sp.Transforms[k].Derivative(x[k]))
			at++
		}
		k++
	}
}

// Adaptive reports whether the fit's solver chooses its steps.
func (f *Fit) Adaptive() bool { return f.solver.Method.Adaptive() }
