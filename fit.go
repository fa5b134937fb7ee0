package pinode

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// Fit is a fit of a model to its data, before, during and after it.
type Fit struct {
	Model *Model
	State *fit.State
	Plan  *fit.Plan

	Estimates []Estimate
	Values    *Values

	Train, Validation Summary

	Warnings diag.List // of what the result may be wrong in

	obj   *objective
	x     []float64 // the coordinates of the estimate, infinite at the closed end of an interval
	start *Values
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

// FitOption changes a fit.
type FitOption func(*fitConfig)

type fitConfig struct {
	seed       *uint64
	workers    int
	observer   func(fit.Progress)
	checkpoint func(*fit.State) error
	start      *Values
	resume     *fit.State
}

// Seed sets the seed of all random numbers.
func Seed(seed uint64) FitOption { return func(c *fitConfig) { c.seed = &seed } }

// Workers sets how many trajectories are computed side by side; results do
// not depend on it.
func Workers(n int) FitOption { return func(c *fitConfig) { c.workers = n } }

// Observe has f told of each iteration.
func Observe(f func(fit.Progress)) FitOption { return func(c *fitConfig) { c.observer = f } }

// Checkpoint has f called with the live state at every checkpoint.
func Checkpoint(f func(*fit.State) error) FitOption {
	return func(c *fitConfig) { c.checkpoint = f }
}

// StartFrom starts from given values.
func StartFrom(v *Values) FitOption { return func(c *fitConfig) { c.start = v } }

// Resume goes on from a state.
func Resume(s *fit.State) FitOption { return func(c *fitConfig) { c.resume = s } }

// NewFit reads the data and prepares a fit.
func (m *Model) NewFit(opts ...FitOption) (*Fit, error) {
	var c fitConfig
	for _, o := range opts {
		o(&c)
	}
	plan, err := fit.NewPlan(m.fit)
	if err != nil {
		return nil, err
	}
	if err := m.planUnsupported(plan); err != nil {
		return nil, err
	}
	opt, err := solverOptions(m.fit)
	if err != nil {
		return nil, err
	}
	if len(m.prog.Checked.Data) == 0 {
		return nil, &data.Error{File: m.Path, Text: "the file has no data block to fit to", Help: "add `data name from \"file.csv\" { time: …, … }`"}
	}
	train, err := m.items(data.Train)
	if err != nil {
		return nil, err
	}
	valid, err := m.items(data.Validate)
	if err != nil {
		return nil, err
	}
	if len(train) == 0 {
		return nil, &data.Error{File: m.sets[0].File, Text: "no trajectory is left for training", Help: "see `train` and `validate` in the data block"}
	}
	if err := m.checkSupport(append(append([]*item{}, train...), valid...)); err != nil {
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
		it.span.Draws = m.draws(seed, i, it.rated)
	}
	sp, err := newSpace(m, append(append([]*item{}, train...), valid...), seed)
	if err != nil {
		return nil, err
	}
	gradient := m.fit.Word("gradient")
	if err := m.checkPrecision(plan, opt); err != nil {
		return nil, err
	}
	networks := exec.Double
	if plan.Single {
		networks = exec.Single
	}
	obj, err := newObjective(m, sp, train, valid, opt, gradient, networks, plan.Workers)
	if err != nil {
		return nil, err
	}
	if sp.dim == 0 {
		return nil, &data.Error{File: m.Path, Text: "the model has nothing to fit: every parameter is fixed"}
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	obj.scaleFromData(x)
	if err := sp.use(c.start); err != nil {
		return nil, err
	}
	f := &Fit{Model: m, Plan: plan, obj: obj, State: c.resume}
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
	o.sp.bind(x, o.nat, w.sys)
	l := &diag.List{}
	for _, it := range o.items {
		o.sp.bindItem(o.nat, it, w.sys)
		w.sys.priors.run.run()
		for i, v := range w.sys.priors.run.v {
			if math.IsNaN(v) || math.IsInf(v, 1) {
				p := o.m.prog.Model.Priors[i].Param
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
func (m *Model) checkPrecision(p *fit.Plan, opt sim.Options) error {
	if !p.Single {
		return nil
	}
	l := &diag.List{}
	at := m.prog.Checked.Model.Span
	if s := m.prog.Checked.Fit; s != nil {
		at = s.Span
	}
	switch {
	case len(m.prog.Model.Blocks) == 0:
		l.Errorf("no-effect", at, "`precision: f32` has no effect: it is that of networks, and the model has none")
	case opt.Method.Adaptive() && opt.RTol < singleNoise:
		l.Errorf("precision", at, "`rtol: %g` asks for more digits than networks with `precision: f32` have", opt.RTol).
			WithHelp("write `precision: f64`, or a tolerance of 1e-6 or more")
	}
	return l.Err()
}

// planUnsupported refuses settings that are accepted and not obeyed yet.
func (m *Model) planUnsupported(p *fit.Plan) error {
	l := &diag.List{}
	at := m.prog.Checked.Model.Span
	if s := m.prog.Checked.Fit; s != nil {
		at = s.Span
	}
	no := func(what string) { l.Errorf("not-supported", at, "%s is not supported yet", what) }
	if p.Loss == "huber" {
		no("`loss: huber`")
	}
	if p.Loss == "mse" {
		for _, o := range m.prog.Checked.Model.Observes {
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
func (f *Fit) objective() fit.Objective {
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
func (f *Fit) Weights() int { return f.obj.sp.dim - len(f.obj.sp.coords) }

// Run fits. A cancelled context ends it after the current step with a state
// that can be resumed.
func (f *Fit) Run(ctx context.Context) error {
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
func (f *Fit) best() []float64 {
	if f.State.Best != nil {
		return f.State.Best.X
	}
	return f.State.X
}

// hold puts parameters that have run to a closed end of their interval, or
// started at one, onto it, if the loss is no higher there: a coordinate reaches
// the end at infinity only.
func (f *Fit) hold(ctx context.Context, x []float64) []float64 {
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
func (f *Fit) take(x []float64) {
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
func (f *Fit) finish(x []float64) error {
	opt, err := solverOptions(f.Model.fit)
	if err != nil {
		return err
	}
	if f.Plan.Single { // what is said of the result has all digits
		o := f.obj
		if f.obj, err = newObjective(f.Model, o.sp, o.items, o.valid, opt, o.gradient, exec.Double, f.Plan.Workers); err != nil {
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
	f.Model.stiffness(&f.Warnings, stats, opt)
	if f.Plan.Uncertainty == "laplace" && f.State.Status != fit.Interrupted {
		f.standardErrors(x)
	}
	return nil
}

// score measures the residuals over trajectories, and adds what the runs counted.
func (f *Fit) score(x []float64, items []*item, s *Summary, stats []sim.Stats) ([]sim.Stats, error) {
	o := f.obj
	w := o.workers[0]
	o.sp.trans.Forward(o.nat, x[:len(o.sp.coords)])
	o.sp.bind(x, make([]float64, len(o.nat)), w.sys)
	lay := &o.m.prog.Model.Layout
	sq, n := make([]float64, lay.NObs), make([]float64, lay.NObs)
	s.Events, s.Loss = 0, 0
	var sum sim.Stats
	perValue := 1 / float64(max(o.count(items, 1), 1))
	o.weighLosses(perValue, 1/float64(max(len(items), 1)))
	copy(w.sys.s, o.sp.s)
	for _, it := range items {
		o.sp.bindItem(o.nat, it, w.sys)
		var tr sim.Trajectory
		if err := w.run.Run(w.sys, &it.span, &tr); err != nil {
			return nil, fmt.Errorf("trajectory %s: %s", it.name, o.m.explain(tr.Fail))
		}
		stats = append(stats, tr.Stats)
		s.Events += tr.Stats.Events
		sum.Add(&tr.Stats)
		for _, r := range it.rows {
			k := r.save
			w.sys.rowAt(it.span.Saves[k], tr.SaveY[k], tr.SaveD[k], tr.BeforeY[k], tr.BeforeD[k], &r)
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
	s.Unproven = f.Model.unproven(&sum)
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
func (f *Fit) standardErrors(x []float64) {
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
	for _, o := range f.Model.prog.Checked.Model.Observes {
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

// Fit fits the model to its data.
func (m *Model) Fit(ctx context.Context, opts ...FitOption) (*Fit, error) {
	f, err := m.NewFit(opts...)
	if err != nil {
		return nil, err
	}
	return f, f.Run(ctx)
}

func (o *objective) coordinateName(i int) string {
	if i < len(o.sp.coords) {
		return o.sp.coords[i].name
	}
	for _, w := range o.sp.weights {
		if i >= w.at && i < w.at+w.n {
			for _, t := range o.m.prog.Model.Layout.Weights {
				if k := w.off + i - w.at; k >= t.Off && k < t.Off+t.Shape.Size() {
					return fmt.Sprintf("%s[%d]", t.Name, k-t.Off)
				}
			}
		}
	}
	return fmt.Sprint(i)
}

// Adaptive reports whether the fit's solver chooses its steps.
func (f *Fit) Adaptive() bool {
	o, err := solverOptions(f.Model.fit)
	return err == nil && o.Method.Adaptive()
}
