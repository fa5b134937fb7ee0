package start

import (
	"context"
	"slices"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// SomeObserved reports whether smooth curves tell some, and not all, states of every trajectory.
func (d *curves) SomeObserved() bool {
	for _, run := range d.runs {
		known := 0
		for i := range d.Segments.Source {
			if d.known(run, i) {
				known++
			}
		}
		if known == 0 {
			return false
		}
	}
	return len(d.runs) > 0 && !d.AllObserved()
}

// Follow tells the states that no curve does: from row to row they follow their equations at x,
// from where they begin, while the others are taken back to the curves at each row. So what is
// hidden comes near the truth where it forgets its past, though the run of the whole would
// go astray. Each stretch has the modes of discrete variables that meet its row best.
func (d *Data) Follow(ctx context.Context, x []float64, opt sim.Options, workers int) (*States, error) {
	r, err := d.runner(opt, len(d.runs)*len(d.modes()), workers)
	if err != nil {
		return nil, err
	}
	d.bind(x)
	s := &States{at: make([][][]float64, len(d.runs))}
	rows := 0
	for i, run := range d.runs {
		s.at[i] = make([][]float64, len(rowTimes(run.Trajectory)))
		rows = max(rows, len(s.at[i]))
	}
	sigma := d.deviations()
	for from := -1; from < rows-1; from++ {
		if err := d.follow(ctx, r, x, s, from, sigma); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// follow goes from a row of each trajectory to the next.
func (d *Data) follow(ctx context.Context, r *engine.Runner, x []float64, s *States, from int, sigma []float64) error {
	var list []*problem.Trajectory
	var of []int
	for i, run := range d.runs {
		if from+1 >= len(s.at[i]) {
			continue
		}
		parts := d.segment(i, rowTimes(run.Trajectory), from, from+1, Cut{Smoothed: true, Open: s})
		for _, p := range parts {
			list, of = append(list, p), append(of, i)
		}
		if s.at[i][from+1] = make([]float64, d.system.Size.Y); from >= 0 { // where nothing runs
			copy(s.at[i][from+1], s.at[i][from])
		}
	}
	costs, ends := make([]float64, len(list)), make([][]float64, len(list))
	d.run(ctx, r, x, list, func(w *engine.Worker, k int, tr *sim.Trajectory) {
		if tr.Fail == nil && engine.Finite(tr.Y) {
			costs[k], ends[k] = d.cost(sigma, w, list[k], tr), slices.Clone(tr.Y)
		}
	})
	best := map[int]float64{}
	for k, i := range of {
		if least, ok := best[i]; ends[k] != nil && (!ok || costs[k] < least) {
			best[i] = costs[k]
			copy(s.at[i][from+1], ends[k])
		}
	}
	return ctx.Err()
}
