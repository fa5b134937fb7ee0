package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

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
	f.fired = make([]bool, len(f.prog.Model.Events))
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
	explain.Astray(f.prog.Program, &f.Warnings, stats, opt)
	explain.Crossings(f.prog.Program, &f.Warnings, stats)
	if err := lookAtEnd(ctx, f, x, stats); err != nil {
		return err
	}
	if err := f.weigh(ctx, x); err != nil {
		return err
	}
	f.warnOfSilent()
	switch f.Plan.Uncertainty {
	case "profile":
		return profile(ctx, f, x)
	case "ensemble":
		return ensemble(ctx, f, x)
	}
	return nil
}

// warnOfSilent warns, where the data are not met, of events with a condition that never fire at the
// estimates: nothing there tells what their thresholds and jumps are.
func (f *Fit) warnOfSilent() {
	if f.Verdict == nil || f.Verdict.Word == Fits {
		return
	}
	for k := range f.prog.Model.Events {
		e := f.prog.Model.Events[k].Checked
		if e != nil && e.Cond != nil && !f.fired[k] {
			f.Warnings.Warnf("never-fires", e.Span, "`%s` never fires at the estimates, and the data are not met: where it should, its threshold has to lie where the motion comes to", e.Name).
				WithHelp("begin from values at which it fires (`pinode simulate` lists events)")
		}
	}
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
		for i := range tr.Log {
			if k := tr.Log[i].Event; k >= 0 && k < len(f.fired) {
				f.fired[k] = true
			}
		}
		sum.Add(&tr.Stats)
		for _, r := range it.Rows {
			k := r.Save()
			w.System.RowAt(it.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
			w.System.Row.Run.Run()
			s.Loss += w.System.Row.Run.Value[0]
			pred := w.System.Predict()
			for i, p := range pred {
				if r.Seen()[i] != 0 {
					sq[i] += (p - r.Data()[i]) * (p - r.Data()[i])
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
