package estimate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/field"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/sim"
)

// Certify compares the gradient of the loss in about n coordinates, parameters
// first. Without modes it is what the setting `certificate` says: the mode of
// the fit with differences as good as a warning before a fit needs them, or,
// in full, all modes that the solver has and every trajectory.
func (f *Fit) Certify(ctx context.Context, n int, modes ...string) (*fit.Certificate, error) {
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
	if f.prog.Encoder != nil && slices.Contains(modes, "forward") {
		return nil, errors.New("the runs of an encoder have no forward derivative: there is no certificate of `forward`")
	}
	return gradcheck.Certify(ctx, f.prog, f.Objective.Space, f.Objective.Trajectories, f.solver, f.Certification(f.solver, n, modes))
}

// certifyField compares the gradient of the loss of a network with differences: by each of
// the parameters and along random directions, n in all.
func (f *Fit) certifyField(ctx context.Context, n int) (*fit.Certificate, error) {
	b := f.field
	c := &fit.Certificate{Modes: []string{"reverse"}, Tolerance: 1e-6, Mode: "reverse"}
	rng := fit.Stream(f.Plan.Trainer.Seed, "certificate")
	var along [][]float64
	for k := range n {
		v := make([]float64, b.Dim())
		if at := b.firstMoving() + k; at < len(b.space.Params) {
			v[at] = 1
		} else {
			for i := b.firstMoving(); i < len(v); i++ {
				v[i] = rng.NormFloat64()
			}
		}
		along = append(along, v)
	}
	worst, told, err := field.Differences(ctx, b, f.X, along)
	if err != nil {
		return nil, err
	}
	c.Worst, c.Compared, c.Doubtful, c.Where = worst, told, n-told, "the loss along a direction"
	return c, nil
}

// Certification is what Certify compares.
func (f *Fit) Certification(opt sim.Options, n int, modes []string) gradcheck.Want {
	return gradcheck.NewWant(f.Plan.Certificate == "full", f.settings.Word("gradient"), opt, n, modes, f.prog.Encoder != nil)
}
