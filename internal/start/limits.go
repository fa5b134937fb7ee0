package start

import (
	"context"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/sim"
)

// How many steps a run of a search may take: a multiple of those of a run that is known, and
// for whole trajectories so many at least. A trial whose events chatter takes all that it
// may.
const (
	stepsBeyond    = 50
	leastSteps     = 20_000
	leastInSegment = 200
)

// MostSteps is how many steps each run of a search may take, from those of the whole
// trajectories at x.
func (d *Data) MostSteps(ctx context.Context, x []float64, opt sim.Options, workers int) (int, error) {
	opt.MaxSteps = leastSteps * stepsBeyond
	r, err := d.runner(opt, len(d.runs), workers)
	if err != nil {
		return 0, err
	}
	most := make([]int, len(d.runs))
	d.run(ctx, r, x, d.Trajectories, func(_ *engine.Worker, i int, tr *sim.Trajectory) { most[i] = steps(tr) })
	return max(leastSteps, stepsBeyond*largest(most)), ctx.Err()
}

// steps are those of a run that ended; 0: it failed.
func steps(tr *sim.Trajectory) int {
	if tr.Fail != nil {
		return 0
	}
	return tr.Stats.Steps + tr.Stats.Rejected
}

// limit lets segments take so many steps as those at x tell.
func (s *Screen) limit(ctx context.Context, x []float64, opt sim.Options, workers int) error {
	most := make([]int, len(s.flat))
	s.data.run(ctx, s.runner, x, s.flat, func(_ *engine.Worker, i int, tr *sim.Trajectory) { most[i] = steps(tr) })
	opt.MaxSteps = min(opt.MaxSteps, leastInSegment+stepsBeyond*largest(most))
	var err error
	if s.runner, err = s.data.runner(opt, len(s.flat), workers); err == nil {
		err = ctx.Err()
	}
	return err
}

func largest(list []int) (n int) {
	for _, v := range list {
		n = max(n, v)
	}
	return n
}
