package loss

import (
	"context"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
)

// Likelihood is Eval for the parts that are the negative log-likelihood of data
// alone.
func (o *Objective) Likelihood(ctx context.Context, x []float64, batch []int, grad []float64) (fit.Result, error) {
	o.likelihoodOnly = true
	defer func() { o.likelihoodOnly = false }()
	return o.Eval(ctx, x, batch, 1, grad)
}

// LikelihoodOf is Likelihood for a list of trajectories, without a gradient.
func (o *Objective) LikelihoodOf(ctx context.Context, x []float64, list []*problem.Trajectory) (fit.Result, error) {
	o.likelihoodOnly = true
	defer func() { o.likelihoodOnly = false }()
	return o.eval(ctx, x, list, nil, 1, nil)
}

// HasDensity reports whether all observations that count have a distribution, so that
// their losses are a likelihood.
func HasDensity(o *Objective) bool {
	for _, ob := range o.Prog.Checked.Model.Observes {
		if ob.Dist == nil && (ob.Weight != 0 || ob.Weights != nil) {
			return false
		}
	}
	return true
}

// Beside is what is in a loss beside that of measured values.
type Beside struct {
	LogPrior  float64 // the log-density of all parameters that have a prior
	Penalties float64 // on trajectories, as they are in the loss
	Decay     float64 // of weights, likewise
}

// Beside tells it of the last evaluation of the whole loss.
func (o *Objective) Beside() (b Beside) {
	for i, p := range o.parts {
		e := o.evaluation
		e.res, e.terms, e.grad = fit.Result{}, nil, nil
		if told, ok := p.(beside); ok {
			p.total(&e, o.sums[i])
			told.beside(&b, e.res.Loss, o.Total)
		}
	}
	return b
}

// Likelihoods are the log-likelihoods of the terms of a Likelihood: of each observation
// with a distribution that counts, and of the told firings of events.
func (o *Objective) Likelihoods(res fit.Result) map[string]float64 {
	out := map[string]float64{}
	skip := map[string]bool{}
	for _, ob := range o.Prog.Checked.Model.Observes {
		skip[ob.Name] = ob.Dist == nil || ob.Weight == 0 && ob.Weights == nil
	}
	for _, l := range o.Prog.Checked.Model.Losses {
		skip[l.Name] = true
	}
	for _, t := range res.Terms {
		if !skip[t.Name] {
			out[t.Name] = -t.Value * float64(res.Values)
		}
	}
	return out
}
