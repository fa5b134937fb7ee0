package estimate

import (
	"context"
	"time"

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
	return gradcheck.Certify(ctx, f.prog, f.Objective.Space, f.Objective.Trajectories, f.solver, f.Certification(f.solver, n, modes))
}

// Certification is what Certify compares.
func (f *Fit) Certification(opt sim.Options, n int, modes []string) gradcheck.Want {
	return gradcheck.NewWant(f.Plan.Certificate == "full", f.settings.Word("gradient"), opt, n, modes)
}
