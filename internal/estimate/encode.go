package estimate

import (
	"context"
	"slices"
)

// encode sets what the model's encoder makes of all trajectories at the estimate.
func (f *Fit) encode(ctx context.Context) error {
	o := f.Objective
	return o.Encode(ctx, f.X, slices.Concat(o.Trajectories, o.Validation))
}
