package estimate

import (
	"context"
	"errors"
	"math"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/sim"
)

// Certify compares the gradient of the loss in about n coordinates, parameters
// first. Without modes it is what the setting `certificate` says: the mode of
// the fit with differences as good as a warning before a fit needs them, or,
// in full, all modes that the solver has and every trajectory.
func (f *Fit) Certify(ctx context.Context, n int, modes ...string) (*gradcheck.Certificate, error) {
	if left := f.Left(); left > 0 {
		began, limit := time.Now(), &f.Plan.Trainer.Stop.MaxTime
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
		defer func() { *limit = max(*limit-time.Since(began), time.Nanosecond) }()
	}
	if f.field != nil {
		return f.certifyField(ctx, n)
	}
	return gradcheck.Certify(ctx, f.prog, f.Objective.Space, f.Objective.Trajectories, f.solver, f.Certification(f.solver, n, modes))
}

// certifyField compares the gradient of the loss of a network with differences: by each of
// the parameters and along random directions, n in all.
func (f *Fit) certifyField(ctx context.Context, n int) (*gradcheck.Certificate, error) {
	const tolerance, first = 1e-6, 1e-2
	c := &gradcheck.Certificate{Modes: []string{"reverse"}, Tolerance: tolerance, Mode: "reverse"}
	grad := make([]float64, f.field.Dim())
	res, err := f.field.Eval(ctx, f.X, nil, 1, grad)
	if err != nil || res.Failed {
		return c, err
	}
	rng := fit.Stream(f.Plan.Trainer.Seed, "certificate")
	size := floats.Norm(grad, 2)
	for k := range n {
		v := make([]float64, len(grad))
		where := "a random direction"
		if k < len(f.Objective.Space.Params) && !f.field.held {
			v[k], where = 1, f.Objective.Space.Params[k].Name
		} else {
			for i := range v {
				v[i] = rng.NormFloat64()
			}
			floats.Scale(1/floats.Norm(v, 2), v)
		}
		x := make([]float64, len(v))
		d, _, err := autodiff.Derivative(func(h float64) (float64, error) {
			floats.AddScaledTo(x, f.X, h, v)
			res, err := f.field.Eval(ctx, x, nil, 1, nil)
			if err == nil && res.Failed {
				err = errors.New(res.Reason.Reason)
			}
			return res.Loss, err
		}, first)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			c.Doubtful++
			continue
		}
		c.Compared++
		if off := math.Abs(d-floats.Dot(grad, v)) / size; off > c.Worst {
			c.Worst, c.Where = off, where
		}
	}
	return c, nil
}

// Certification is what Certify compares.
func (f *Fit) Certification(opt sim.Options, n int, modes []string) gradcheck.Want {
	return gradcheck.NewWant(f.Plan.Certificate == "full", f.settings.Word("gradient"), opt, n, modes)
}
