package estimate

import (
	"context"
	"math"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Assessment is how a model meets the data of some trajectories.
type Assessment struct {
	Trajectories, Values int
	LogLikelihood        float64 // NaN where an observation has no distribution
	Likelihoods          map[string]float64
	Scores               []fit.Score
	Residuals            []fit.Residual
	Warnings             diag.List // of events that may not be certain
	Stats                []sim.Stats
}

// Assess runs the model over the trajectories of training and over those that are held
// back, at the coordinates X.
func (f *estimated) Assess(ctx context.Context) (train, valid *Assessment, err error) {
	o := f.Objective
	if train, err = f.assess(ctx, o.Trajectories); err != nil || len(o.Validation) == 0 {
		return train, nil, err
	}
	valid, err = f.assess(ctx, o.Validation)
	return train, valid, err
}

func (f *estimated) assess(ctx context.Context, list []*problem.Trajectory) (*Assessment, error) {
	o := f.Objective
	res, err := o.LikelihoodOf(ctx, f.X, list)
	if err == nil && res.Failed {
		err = o.Failure()
	}
	if err != nil {
		return nil, err
	}
	a := &Assessment{Trajectories: len(list), Values: res.Values, LogLikelihood: -float64(res.Values) * res.Loss, Likelihoods: o.Likelihoods(res)}
	a.Residuals = make([]fit.Residual, 0, res.Values)
	if !loss.HasDensity(o) {
		a.LogLikelihood = math.NaN()
	}
	scorer, err := loss.NewScorer(f.prog)
	if err != nil {
		return nil, err
	}
	w := o.Workers[0]
	if err := loss.Encode(ctx, o, f.X, list); err != nil {
		return nil, err
	}
	w.System.Bind(o.Space.SharedAt(f.X, o.Natural), o.Space.Scales)
	var tr sim.Trajectory
	var stats []sim.Stats
	for _, it := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		if err := w.Integrator.Run(w.System, &it.Span, &tr); err != nil {
			return nil, &explain.RunError{Trajectory: it.Name, Fail: tr.Fail, Text: explain.Failure(f.prog.Program, tr.Fail)}
		}
		stats = append(stats, tr.Stats)
		for i := range it.Rows {
			r := it.Rows[i]
			w.System.RowAt(it.Span.Saves[r.Save()], tr.SaveY.At(r.Save()), tr.SaveD.At(r.Save()), tr.BeforeY.At(r.Save()), tr.BeforeD.At(r.Save()), r.Data(), r.Seen(), r.Inputs(), r.Own())
			a.Residuals = scorer.Row(a.Residuals, it, r, w.System)
		}
	}
	explain.Crossings(f.prog.Program, &a.Warnings, stats)
	a.Scores, a.Stats = scorer.Scores(), stats
	return a, nil
}
