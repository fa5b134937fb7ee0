package pinode

import (
	"context"
	"io"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/report"
)

// Evaluation is a model at given values beside its training data.
type Evaluation struct {
	At    *Values            // all parameters and weights that it was evaluated with
	Loss  float64            // that a fit minimises
	Terms map[string]float64 // of the loss, by observation, loss term, penalty, …

	LogPrior  float64 // log-density of the priors of parameters
	Penalties float64 // of trajectories, as they are in the loss
	Decay     float64 // of weights, likewise

	// Gradients of the loss and of the log-likelihood, by free parameters and tensors of weights.
	LossGradient, Gradient *Values

	Trajectories []TrajectoryEvaluation
	Assessment
}

// TrajectoryEvaluation is the share of one trajectory in a log-likelihood.
type TrajectoryEvaluation struct {
	Name          string
	LogLikelihood float64
	Values        int
	Gradient      *Values
}

// Assessment is how a model meets the data of some trajectories.
type Assessment struct {
	Split        string // "train", "validate" or "all"
	Runs, Values int    // trajectories, and measured values in them

	// LogLikelihood is that of all measured values, with the weights of observations
	// as exponents; NaN where an observation has no distribution. Likelihoods are its
	// parts, by observation and by event whose firings the data tell.
	LogLikelihood float64
	Likelihoods   map[string]float64

	Scores    []Score
	Residuals []Residual
	Warnings  Diagnostics // of events that may not be certain
}

// Score is how a model meets an observation, Residual a measured value with its prediction.
type (
	Score    = fit.Score
	Residual = fit.Residual
)

// EvaluateOptions say where a model is evaluated.
type EvaluateOptions struct {
	At      Point              // nil: the start values of the file
	Set     map[string]float64 // parameters by name, over those
	Workers int                // cores to use; 0: all. Results do not depend on it
	Whole   bool               // all trajectories of the data, and not those for training alone
}

// At are the options to evaluate a model at a fit, a run or values.
func At(p Point) EvaluateOptions { return EvaluateOptions{At: p} }

// at prepares what evaluates the model, at exactly the values that are asked for.
func at(m *Model, o EvaluateOptions) (*estimate.Fit, error) {
	settings, _ := m.blocks.Values()
	from, err := valuesWith(m, o.At, o.Set)
	if err != nil {
		return nil, err
	}
	in, err := estimate.New(m.prog, m.data, settings, estimate.Options{Workers: o.Workers, From: from, Whole: o.Whole, Told: o.At != nil})
	if err != nil {
		return nil, public(err)
	}
	if f, ok := o.At.(*Fit); ok && f != nil && f.Model == m && len(f.inner.X) == len(in.X) && len(o.Set) == 0 {
		in.X = f.inner.X // to the last bit
		return in, nil
	}
	in.X, err = in.Objective.Space.Exact()
	return in, err
}

// Evaluate computes the loss and the log-likelihood of the training data with their
// gradients, and the log-likelihood of each trajectory. A run that fails is a
// *RunError.
func (m *Model) Evaluate(ctx context.Context, o EvaluateOptions) (*Evaluation, error) {
	in, err := at(m, o)
	if err != nil {
		return nil, err
	}
	e, err := in.Evaluate(ctx)
	if err != nil {
		return nil, public(err)
	}
	a, _, err := in.Assess(ctx)
	if err == nil {
		err = estimate.Look(ctx, in, e, a.Stats, &a.Warnings)
	}
	if err != nil {
		return nil, public(err)
	}
	out := &Evaluation{
		Loss: e.Loss, Terms: map[string]float64{},
		LogPrior: e.Beside.LogPrior, Penalties: e.Beside.Penalties, Decay: e.Beside.Decay,
		LossGradient: (*Values)(e.LossGradient), Gradient: (*Values)(e.Gradient), Assessment: publicAssessment("train", a),
	}
	out.At = (*Values)(in.Objective.Space.ValuesAt(in.X))
	for _, t := range e.Terms {
		out.Terms[t.Name] += t.Value
	}
	for _, t := range e.Trajectories {
		out.Trajectories = append(out.Trajectories, TrajectoryEvaluation{t.Name, t.LogLikelihood, t.Values, (*Values)(t.Gradient)})
	}
	return out, nil
}

// Score is Evaluate without gradients, of the data for training and of those that are
// held back.
func (m *Model) Score(ctx context.Context, o EvaluateOptions) ([]Assessment, error) {
	in, err := at(m, o)
	if err != nil {
		return nil, err
	}
	train, valid, err := in.Assess(ctx)
	switch {
	case err != nil:
		return nil, public(err)
	case o.Whole:
		return []Assessment{publicAssessment("all", train)}, nil
	case valid == nil:
		return []Assessment{publicAssessment("train", train)}, nil
	}
	return []Assessment{publicAssessment("train", train), publicAssessment("validate", valid)}, nil
}

func publicAssessment(split string, a *estimate.Assessment) Assessment {
	return Assessment{Split: split, Runs: a.Trajectories, Values: a.Values, LogLikelihood: a.LogLikelihood, Likelihoods: a.Likelihoods, Warnings: a.Warnings, Scores: a.Scores, Residuals: a.Residuals}
}

// WriteResiduals writes the residuals of assessments as a table.
func WriteResiduals(w io.Writer, list []Assessment) error {
	t := report.NewResiduals(w)
	for _, a := range list {
		for _, r := range a.Residuals {
			t.Add(r.Trajectory, a.Split, r.Observation, r.Time, r.Data, r.Prediction)
		}
	}
	return t.End()
}
