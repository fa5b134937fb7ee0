package estimate

import (
	"context"
	"slices"

	"github.com/pinode/pinode/internal/loss"
)

// encode sets what the model's encoder makes of all trajectories at the estimate.
func encode(ctx context.Context, f *Fit) error {
	o := f.Objective
	return loss.Encode(ctx, o, f.X, slices.Concat(o.Trajectories, o.Validation))
}
