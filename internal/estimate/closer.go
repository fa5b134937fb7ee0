package estimate

import (
	"context"
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/sim"
)

// A closer look: control of the error bounds that of each step, and nothing says what the motion makes of them. So what is
// cheap is evaluated again with tolerances a hundredth as large, and the user is told of what is another then.
const (
	closer   = 0.01
	closeFor = 3e6  // evaluations of a rate that it may take, by those of the runs
	mostNats = 0.05 // that a log-likelihood may be off by,
	mostPart = 1e-3 // and of itself; a user is told of more than either allows
	mostBend = 0.05 // the part that a derivative may be off by, of the largest

	mostSteps = 100_000 // beside ten times those of all runs
	roundOff  = 1e-12   // tolerances below it ask for more than numbers tell
)

// closerLook is the fit with tolerances a hundredth as large; nil where that tells nothing or takes too long.
func closerLook(f *Fit, stats []sim.Stats) (*Fit, error) {
	work, steps := 0, 0
	for i := range stats {
		work, steps = work+stats[i].Evaluations, steps+stats[i].Steps+stats[i].Rejected
	}
	if !f.solver.Method.Adaptive() || f.field != nil || f.prog.Encoder != nil || float64(work)*float64(f.prog.Model.Layout.NUser) > closeFor {
		return nil, nil
	}
	opt := f.solver
	opt.RTol *= closer
	opt.ATol *= closer
	opt.MaxSteps = min(opt.MaxSteps, mostSteps+10*steps)
	near, o := *f, f.Objective
	var err error
	near.solver = opt
	near.Objective, err = loss.NewObjective(f.prog, o.Space, o.Trajectories, nil, opt, o.Gradient, exec.Double, f.Plan.Workers)
	return &near, err
}

// Look warns where the log-likelihood of an evaluation or its gradient is another with smaller tolerances; stats are
// those of its runs.
func Look(ctx context.Context, f *Fit, e *Evaluation, stats []sim.Stats, l *diag.List) error {
	near, err := closerLook(f, stats)
	if err != nil || near == nil {
		return err
	}
	then, err := near.Evaluate(ctx)
	if err != nil {
		fails(near, l, err)
		return ctx.Err()
	}
	if differ(e.LogLikelihood, then.LogLikelihood) {
		inexact(f, l, "the log-likelihood is %.7g, and %.7g with tolerances a hundredth as large", e.LogLikelihood, then.LogLikelihood)
		return nil
	}
	largest, off, of := 0., 0., ""
	for name, v := range e.Gradient.Params {
		size := math.Abs(e.at(f, name))
		largest = math.Max(largest, math.Abs(v)*size)
		if d := math.Abs(v-then.Gradient.Params[name]) * size; d > off || d == off && name < of {
			off, of = d, name
		}
	}
	if off > math.Max(mostNats, mostBend*largest) {
		inexact(f, l, "the derivative of the log-likelihood by `"+of+"` is %.4g, and %.4g with tolerances a hundredth as large", e.Gradient.Params[of], then.Gradient.Params[of])
	}
	return nil
}

// at is the value of a parameter, or 1 where it is 0.
func (e *Evaluation) at(f *Fit, name string) float64 {
	if v := f.Objective.Space.ValuesAt(f.X).Params[name]; v != 0 {
		return v
	}
	return 1
}

// fails warns that it does, with its tolerances.
func fails(f *Fit, l *diag.List, err error) {
	if f.solver.RTol > roundOff {
		explain.Fails(f.prog.Program, l, err)
	}
}

func differ(a, b float64) bool {
	return math.Abs(a-b) > mostNats+mostPart*math.Abs(a)
}

func inexact(f *Fit, l *diag.List, format string, values ...any) {
	l.Warnf("inexact", f.prog.Checked.Model.Span, "%s: what the solver neglects in a step grows in the motion", fmt.Sprintf(format, values...)).
		WithHelp("solve with a smaller `rtol`, as in `--set fit.solver.rtol=%.0e`, until it stays", f.solver.RTol*1e-3)
}

// lookAtEnd warns where the likelihood of the training data is another with smaller tolerances.
func lookAtEnd(ctx context.Context, f *Fit, x []float64, stats []sim.Stats) error {
	near, err := closerLook(f, stats)
	if err != nil || near == nil {
		return err
	}
	var v [2]float64
	for i, o := range []*loss.Objective{f.Objective, near.Objective} {
		res, err := o.LikelihoodOf(ctx, x, o.Trajectories)
		if err == nil && res.Failed {
			err = o.Failure()
		}
		if err != nil {
			fails(near, &f.Warnings, err)
			return ctx.Err()
		}
		v[i] = -float64(res.Values) * res.Loss
	}
	if differ(v[0], v[1]) {
		inexact(f, &f.Warnings, "the log-likelihood at the estimates is %.7g, and %.7g with tolerances a hundredth as large", v[0], v[1])
	}
	return nil
}
