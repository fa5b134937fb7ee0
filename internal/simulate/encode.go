package simulate

import (
	"context"

	"github.com/pinode/pinode/internal/encoder"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// encode sets what the model's encoder makes of the trajectories of an ensemble, where these
// are of data; p and nat are what runs share.
func (m *Simulator) encode(ctx context.Context, runs *ensemble, p, nat []float64) error {
	var list []*problem.Trajectory
	for _, it := range runs.trajectories {
		if it.Data != nil {
			list = append(list, it)
		}
	}
	if m.Prog.Encoder == nil || len(list) == 0 {
		return nil
	}
	opt, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return err
	}
	opt.Forget = true
	e, err := encoder.New(m.Prog, len(list), encoder.Options{Options: opt})
	if err != nil {
		return err
	}
	e.Bind(ctx, p, runs.space.Scales)
	return e.Fill(ctx, runs.space, nat, list)
}
