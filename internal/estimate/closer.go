package estimate

import (
	"context"
	"math"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/sim"
)

// closerLook is a closer look at the runs of a fit, and the fit that does them again; nil where that tells nothing or takes too long.
func closerLook(f *Fit, stats []sim.Stats) (*explain.Closer, *Fit, error) {
	if f.field != nil {
		return nil, nil, nil
	}
	given, err := engine.SolverOptions(f.settings)
	if err != nil {
		return nil, nil, err
	}
	opt := f.solver
	opt.MaxSteps = given.MaxSteps // and not those of a trial of a search
	look := explain.CloserLook(f.prog.Program, opt, stats...)
	if look == nil {
		return nil, nil, nil
	}
	near, o := *f, f.Objective
	near.solver = look.Options
	near.Objective, err = loss.NewObjective(f.prog, o.Space, o.Trajectories, nil, look.Options, o.Gradient, exec.Double, f.Plan.Workers)
	return look, &near, err
}

// Look warns where the log-likelihood of an evaluation or its gradient is another with smaller tolerances; stats are
// those of its runs.
func Look(ctx context.Context, f *Fit, e *Evaluation, stats []sim.Stats, l *diag.List) error {
	look, near, err := closerLook(f, stats)
	if err != nil || near == nil {
		return err
	}
	then, err := near.Evaluate(ctx)
	if err != nil {
		look.Fails(l, err)
		return ctx.Err()
	}
	if look.LogLikelihood(l, "the log-likelihood", e.LogLikelihood, then.LogLikelihood) {
		return nil
	}
	var slopes []explain.Slope
	at := f.Objective.Space.ValuesAt(f.X).Params
	for name, v := range e.Gradient.Params {
		s := explain.Slope{By: name, V: v, Closer: then.Gradient.Params[name], Size: math.Abs(at[name])}
		if s.Size == 0 {
			s.Size = 1
		}
		slopes = append(slopes, s)
	}
	look.Slopes(l, slopes)
	return nil
}

// lookAtEnd warns where the likelihood of the training data is another with smaller tolerances.
func lookAtEnd(ctx context.Context, f *Fit, x []float64, stats []sim.Stats) error {
	look, near, err := closerLook(f, stats)
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
			look.Fails(&f.Warnings, err)
			return ctx.Err()
		}
		v[i] = -float64(res.Values) * res.Loss
	}
	look.LogLikelihood(&f.Warnings, "the log-likelihood at the estimates", v[0], v[1])
	return nil
}
