package pinode

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/sim"
)

// fitting is a fit of a model to its data, before, during and after it.
type fitting struct {
	State *fit.State
	Plan  *fit.Plan

	Estimates []Estimate
	Values    *Values

	Train, Validation Summary

	Warnings diag.List // of what the result may be wrong in

	prog     *compiled
	settings *setting.Values
	obj      *objective
	x        []float64 // the coordinates of the estimate, infinite at the closed end of an interval
	start    *Values
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

// fitConfig says what of a fit is not that of the file.
type fitConfig struct {
	seed       *uint64
	workers    int
	observer   func(fit.Progress)
	checkpoint func(*fit.State) error
	start      *Values
	resume     *fit.State
}

// newFitting reads the data and prepares a fit with the settings of the fit block.
func newFitting(prog *compiled, from *problem, settings *setting.Values, c fitConfig) (*fitting, error) {
	plan, err := fit.NewPlan(settings)
	if err != nil {
		return nil, err
	}
	if err := planUnsupported(prog.Program, plan); err != nil {
		return nil, err
	}
	opt, err := solverOptions(settings)
	if err != nil {
		return nil, err
	}
	if len(prog.Checked.Data) == 0 {
		return nil, &data.Error{File: from.path, Text: "the file has no data block to fit to", Help: "add `data name from \"file.csv\" { time: …, … }`"}
	}
	train, err := from.items(data.Train)
	if err != nil {
		return nil, err
	}
	valid, err := from.items(data.Validate)
	if err != nil {
		return nil, err
	}
	if len(train) == 0 {
		return nil, &data.Error{File: from.sets[0].File, Text: "no trajectory is left for training", Help: "see `train` and `validate` in the data block"}
	}
	if err := checkSupport(prog.Program, append(append([]*item{}, train...), valid...)); err != nil {
		return nil, err
	}
	seed := plan.Trainer.Seed
	if c.seed != nil {
		seed = *c.seed
	}
	plan.Trainer.Seed = seed
	if c.workers > 0 {
		plan.Workers = c.workers
	}
	for i, it := range append(append([]*item{}, train...), valid...) {
		it.span.Draws = draws(prog.Program, seed, i, it.rated)
	}
	sp, err := newSpace(prog.Program, append(append([]*item{}, train...), valid...), seed)
	if err != nil {
		return nil, err
	}
	gradient := settings.Word("gradient")
	if err := checkPrecision(prog.Program, plan, opt); err != nil {
		return nil, err
	}
	networks := exec.Double
	if plan.Single {
		networks = exec.Single
	}
	obj, err := newObjective(prog, sp, train, valid, opt, gradient, networks, plan.Workers)
	if err != nil {
		return nil, err
	}
	if sp.dim == 0 {
		return nil, &data.Error{File: from.path, Text: "the model has nothing to fit: every parameter is fixed"}
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	obj.scaleFromData(x, from.sets)
	if err := sp.use(c.start); err != nil {
		return nil, err
	}
	f := &fitting{prog: prog, settings: settings, Plan: plan, obj: obj, State: c.resume}
	f.Train, f.Validation = summarise(train), summarise(valid)
	plan.Trainer.Objective = f.objective()
	plan.Trainer.Observer, plan.Trainer.Checkpoint = c.observer, c.checkpoint
	if x, err = sp.x0(); err != nil {
		return nil, err
	}
	f.start = sp.values(x)
	for _, e := range sp.start {
		f.start.Params[e.Name] = e.Value // at the end of an interval x is a little inside
	}
	f.take(x)
	if f.x = x; f.State != nil {
		f.x = f.best()
	}
	if err := obj.checkPriors(x); err != nil {
		return nil, err
	}
	return f, nil
}

// checkPriors refuses a start where a prior has no density. Constant ones are
// checked with the model.
func (o *objective) checkPriors(x []float64) error {
	w := o.workers[0]
	if w.sys.priors.run == nil {
		return nil
	}
	w.sys.bind(o.sp.sharedAt(x, o.nat), o.sp.s)
	l := &diag.List{}
	for _, it := range o.items {
		w.sys.bindOwn(o.sp.perItem(o.nat, it, w.sys.q[:0]), it.signals)
		w.sys.priors.run.run()
		for i, v := range w.sys.priors.run.v {
			if math.IsNaN(v) || math.IsInf(v, 1) {
				p := o.prog.Model.Priors[i].Param
				l.Errorf("outside-interval", p.Init.Span, "the prior of `%s` has no density at its start value", p.Name).WithNote(p.Prior.Span, "its prior")
				return l.Err()
			}
		}
	}
	return nil
}

// singleNoise is the relative error of networks in single precision, some
// roundings of 6e-8: with a tolerance below it, these are what steps are chosen
// by.
const singleNoise = 1e-6

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

// planUnsupported refuses settings that are accepted and not obeyed yet.
func planUnsupported(prog *compiler.Program, p *fit.Plan) error {
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	no := func(what string) { l.Errorf("not-supported", at, "%s is not supported yet", what) }
	if p.Loss == "huber" {
		no("`loss: huber`")
	}
	if p.Loss == "mse" {
		for _, o := range prog.Checked.Model.Observes {
			if o.Dist != nil {
				no("`loss: mse` for observations with a distribution")
				break
			}
		}
	}
	if p.Segments > 1 {
		no("multiple shooting")
	}
	if p.Uncertainty == "profile" || p.Uncertainty == "ensemble" {
		no("`uncertainty: " + p.Uncertainty + "`")
	}
	if p.Starts > 1 {
		no("more than one start")
	}
	for _, s := range p.Trainer.Stages {
		if s.Name() == "levenberg_marquardt" {
			no("`levenberg_marquardt`")
		}
	}
	return l.Err()
}

// objective hides Validate when nothing is held back.
func (f *fitting) objective() fit.Objective {
	if len(f.obj.valid) == 0 {
		return struct {
			fit.Objective
			fit.Lengths
			fit.Weights
		}{f.obj, f.obj, f.obj}
	}
	return f.obj
}

func summarise(items []*item) Summary {
	s := Summary{Trajectories: len(items), T0: math.Inf(1), T1: math.Inf(-1), RMSE: map[string]float64{}}
	for _, it := range items {
		s.Values += it.values
		s.Missing += it.traj.Lost
		for _, r := range it.rows {
			s.Missing += len(r.seen) - r.values
		}
		s.T0, s.T1 = math.Min(s.T0, it.span.T0), math.Max(s.T1, it.span.T1)
	}
	return s
}

// Weights is the number of fitted weights of neural blocks.
func (f *fitting) Weights() int { return f.obj.sp.dim - len(f.obj.sp.coords) }

// Run fits. A cancelled context ends it after the current step with a state
// that can be resumed.
func (f *fitting) Run(ctx context.Context) error {
	var err error
	tr := &f.Plan.Trainer
	if f.State != nil {
		f.State, err = tr.Resume(ctx, f.State)
	} else {
		var x []float64
		if x, err = f.obj.sp.x0(); err != nil {
			return err
		}
		f.State, err = tr.Run(ctx, x)
	}
	if err != nil {
		return err
	}
	f.x = f.hold(ctx, f.best())
	f.take(f.x)
	return f.finish(f.x)
}

// best are the coordinates that the optimisation found.
func (f *fitting) best() []float64 {
	if f.State.Best != nil {
		return f.State.Best.X
	}
	return f.State.X
}

// hold puts parameters that have run to a closed end of their interval, or
// started at one, onto it, if the loss is no higher there: a coordinate reaches
// the end at infinity only.
func (f *fitting) hold(ctx context.Context, x []float64) []float64 {
	x = slices.Clone(x)
	sp, loss := f.obj.sp, math.NaN()
	start := sp.natural()
	for i := range sp.coords {
		t := &sp.trans[i]
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
			res, err := f.obj.Eval(ctx, x, nil, 1, nil)
			if err != nil || res.Failed {
				return x
			}
			loss = res.Loss
		}
		free := x[i]
		x[i] = math.Inf(end)
		// A start that is near this end but not on it stays if the data say nothing.
		near := t.AtBound(start[i]) && (start[i]-iv.Lo < iv.Hi-start[i]) == (end < 0) && start[i] != t.Forward(x[i])
		res, err := f.obj.Eval(ctx, x, nil, 1, nil)
		if err == nil && !res.Failed && (res.Loss < loss || res.Loss == loss && !near) {
			loss = res.Loss
		} else {
			x[i] = free
		}
	}
	return x
}

// take sets the estimates to those at x.
func (f *fitting) take(x []float64) {
	sp := f.obj.sp
	f.Values = sp.values(x)
	f.Estimates = append(f.Estimates[:0], sp.start...)
	k := 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		e.Start = f.start.Params[e.Name]
		e.Value = f.Values.Params[e.Name]
		if !e.Fixed {
			e.Bound = sp.trans[k].AtBound(e.Value)
			k++
		}
	}
}

// finish evaluates the fit at its result: errors, standard errors.
func (f *fitting) finish(x []float64) error {
	opt, err := solverOptions(f.settings)
	if err != nil {
		return err
	}
	if f.Plan.Single { // what is said of the result has all digits
		o := f.obj
		if f.obj, err = newObjective(f.prog, o.sp, o.items, o.valid, opt, o.gradient, exec.Double, f.Plan.Workers); err != nil {
			return err
		}
	}
	f.Warnings = diag.List{}
	stats, err := f.score(x, f.obj.items, &f.Train, nil)
	if err != nil {
		return err
	}
	if len(f.obj.valid) > 0 {
		if stats, err = f.score(x, f.obj.valid, &f.Validation, stats); err != nil {
			return err
		}
	}
	stiffness(f.prog.Program, &f.Warnings, stats, opt)
	if f.Plan.Uncertainty == "laplace" && f.State.Status != fit.Interrupted {
		f.standardErrors(x)
	}
	return nil
}

// score measures the residuals over trajectories, and adds what the runs counted.
func (f *fitting) score(x []float64, items []*item, s *Summary, stats []sim.Stats) ([]sim.Stats, error) {
	o := f.obj
	w := o.workers[0]
	w.sys.bind(o.sp.sharedAt(x, o.nat), o.sp.s)
	lay := &o.prog.Model.Layout
	sq, n := make([]float64, lay.NObs), make([]float64, lay.NObs)
	s.Events, s.Loss = 0, 0
	var sum sim.Stats
	perValue := 1 / float64(max(o.count(items, 1), 1))
	o.weighLosses(perValue, 1/float64(max(len(items), 1)))
	copy(w.sys.s, o.sp.s)
	for _, it := range items {
		w.sys.bindOwn(o.sp.perItem(o.nat, it, w.sys.q[:0]), it.signals)
		var tr sim.Trajectory
		if err := w.run.Run(w.sys, &it.span, &tr); err != nil {
			return nil, fmt.Errorf("trajectory %s: %s", it.name, explain(o.prog.Program, tr.Fail))
		}
		stats = append(stats, tr.Stats)
		s.Events += tr.Stats.Events
		sum.Add(&tr.Stats)
		for _, r := range it.rows {
			k := r.save
			w.sys.rowAt(it.span.Saves[k], tr.SaveY[k], tr.SaveD[k], tr.BeforeY[k], tr.BeforeD[k], r.datum, r.seen, r.u)
			w.sys.row.run.run()
			s.Loss += w.sys.row.run.v[0]
			w.sys.obs.run()
			for i, p := range w.sys.obs.v {
				if r.seen[i] != 0 {
					sq[i] += (p - r.datum[i]) * (p - r.datum[i])
					n[i]++
				}
			}
		}
	}
	s.Unproven = unproven(o.prog.Program, &sum)
	s.Loss *= perValue
	for _, sl := range lay.Observes {
		for k := range sl.N {
			s.RMSE[lower.ElementName(sl.Object.Info(), k)] = math.Sqrt(sq[sl.Off+k] / n[sl.Off+k])
		}
	}
	return stats, nil
}

// standardErrors are those of the normal approximation at the optimum, by the
// parameters only: the weights of networks are held.
func (f *fitting) standardErrors(x []float64) {
	sp := f.obj.sp
	var coords []int // those that are not held at an end
	for i := range sp.coords {
		if !math.IsInf(x[i], 0) {
			coords = append(coords, i)
		}
	}
	n := len(coords)
	if n == 0 || n > 60 {
		return
	}
	ctx := context.Background()
	res, err := f.obj.Eval(ctx, x, nil, 1, nil)
	if err != nil || res.Failed {
		return
	}
	likelihood := true
	for _, o := range f.prog.Checked.Model.Observes {
		likelihood = likelihood && o.Dist != nil
	}
	scale, err := fit.InformationScale(res, n, likelihood)
	if err != nil {
		return
	}
	h, _, err := fit.Hessian(ctx, f.objective(), x, coords, scale)
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
			e.StdErr = u.StdErr[at] * math.Abs(sp.trans[k].Derivative(x[k]))
			at++
		}
		k++
	}
}

func (o *objective) coordinateName(i int) string {
	if i < len(o.sp.coords) {
		return o.sp.coords[i].name
	}
	for _, w := range o.sp.weights {
		if i >= w.at && i < w.at+w.n {
			for _, t := range o.prog.Model.Layout.Weights {
				if k := w.off + i - w.at; k >= t.Off && k < t.Off+t.Shape.Size() {
					return fmt.Sprintf("%s[%d]", t.Name, k-t.Off)
				}
			}
		}
	}
	return fmt.Sprint(i)
}

// Adaptive reports whether the fit's solver chooses its steps.
func (f *fitting) Adaptive() bool {
	o, err := solverOptions(f.settings)
	return err == nil && o.Method.Adaptive()
}
