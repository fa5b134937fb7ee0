package estimate

import (
	"context"
	"fmt"
	"math"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
)

// Evaluation is the loss and the log-likelihood of the training data, with gradients
// by natural parameters and by weights.
type Evaluation struct {
	Loss                   float64
	Terms                  []fit.Term
	LogLikelihood          float64 // NaN where an observation has no distribution
	Likelihoods            map[string]float64
	Beside                 loss.Beside
	Values                 int // measured values
	LossGradient, Gradient *problem.Values
	Trajectories           []Share
}

// Share is that of a trajectory in a log-likelihood.
type Share struct {
	Name          string
	LogLikelihood float64
	Likelihoods   map[string]float64
	Values        int
	Gradient      *problem.Values
}

// Evaluate evaluates the model at the coordinates X.
func (f *estimated) Evaluate(ctx context.Context) (*Evaluation, error) {
	o := f.Objective
	g := make([]float64, o.Dim())
	res, err := o.Eval(ctx, f.X, nil, 1, g)
	if err == nil && res.Failed {
		err = o.Failure()
	}
	if err != nil {
		return nil, err
	}
	if err := f.noGradient(g); err != nil {
		return nil, err
	}
	out := &Evaluation{Loss: res.Loss, Terms: append([]fit.Term{}, res.Terms...), LossGradient: f.gradient(g, 1), Beside: o.Beside()}
	whole, err := f.share(ctx, nil, g)
	if err != nil {
		return nil, err
	}
	out.LogLikelihood, out.Likelihoods, out.Values, out.Gradient = whole.LogLikelihood, whole.Likelihoods, whole.Values, whole.Gradient
	for i, it := range o.Trajectories {
		s, err := f.share(ctx, []int{i}, g)
		if err != nil {
			return nil, err
		}
		s.Name = it.Name
		out.Trajectories = append(out.Trajectories, s)
	}
	return out, nil
}

// share is the log-likelihood of some trajectories; g is room.
func (f *estimated) share(ctx context.Context, batch []int, g []float64) (Share, error) {
	o := f.Objective
	res, err := o.Likelihood(ctx, f.X, batch, g)
	if err == nil && res.Failed {
		err = o.Failure()
	}
	if err != nil {
		return Share{}, err
	}
	n := float64(res.Values)
	if err := f.noGradient(g); err != nil {
		return Share{}, err
	}
	s := Share{LogLikelihood: -n * res.Loss, Likelihoods: o.Likelihoods(res), Values: res.Values, Gradient: f.gradient(g, -n)}
	if !loss.HasDensity(o) {
		s.LogLikelihood = math.NaN()
	}
	return s, nil
}

// noGradient is the error of a gradient that is no number by some parameter or weight; g is that by
// coordinates.
func (f *estimated) noGradient(g []float64) error {
	sp := f.Objective.Space
	for i, p := range sp.Params {
		if v := f.Objective.NaturalBar[i]; !engine.Number(v) {
			return f.undefined("parameter `"+p.Name+"`", v)
		}
	}
	for _, t := range f.prog.Model.Layout.Weights {
		if at := sp.CoordinateOf(t); at >= 0 && !engine.Finite(g[at:at+t.Shape.Size()]) {
			return f.undefined("weights `"+t.Name+"`", math.NaN())
		}
	}
	return nil
}

func (f *estimated) undefined(of string, v float64) error {
	mode, other := f.Objective.Gradient, "unrolled"
	if mode != "forward" {
		other = "forward"
	}
	return fmt.Errorf("the loss is finite and its derivative by the %s is %g with `gradient: %s`: a slope is infinite on the way, as that of a square root at 0, or, for `backsolve`, the motion falls too fast to be followed back; "+
		"say what holds there in an `if`, or try `gradient: %s`, or a smaller `rtol`", of, v, mode, other)
}

// gradient is the gradient of the last evaluation by name, times a factor; g is that by
// coordinates.
func (f *estimated) gradient(g []float64, factor float64) *problem.Values {
	sp := f.Objective.Space
	v := &problem.Values{Params: map[string]float64{}, Weights: map[string][]float64{}}
	for i, p := range sp.Params {
		v.Params[p.Name] = factor * f.Objective.NaturalBar[i]
	}
	for _, t := range f.prog.Model.Layout.Weights {
		at := sp.CoordinateOf(t)
		if at < 0 {
			continue
		}
		bar := make([]float64, t.Shape.Size())
		for k := range bar {
			bar[k] = factor * g[at+k]
		}
		v.Weights[t.Name] = bar
	}
	return v
}
