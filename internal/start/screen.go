package start

import (
	"context"
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

const observedState = compiler.Observed

// States are those of whole runs at the times of rows, before what data fire then.
type States struct{ at [][][]float64 }

// Runs runs the whole trajectories at x and returns their states at the times of rows. A
// run that fails has those up to there; what it did not reach are no numbers.
func (d *Data) Runs(ctx context.Context, x []float64, opt sim.Options, workers int) (*States, error) {
	r, err := d.runner(opt, len(d.runs), workers)
	if err != nil {
		return nil, err
	}
	s := &States{at: make([][][]float64, len(d.runs))}
	d.run(ctx, r, x, d.Trajectories, func(_ *engine.Worker, i int, tr *sim.Trajectory) {
		run := d.runs[i]
		for _, t := range rowTimes(run.Trajectory) {
			y := make([]float64, d.system.Size.Y)
			save, _ := run.behind(t)
			switch {
			case save > 0 && save <= tr.Saved && run.Span.Saves[save-1] == t:
				copy(y, tr.SaveY.At(save-1))
			case save < tr.Saved:
				copy(y, tr.BeforeY.At(save))
			default:
				for k := range y {
					y[k] = math.NaN()
				}
			}
			s.at[i] = append(s.at[i], y)
		}
	})
	return s, ctx.Err()
}

func (d *Data) runner(opt sim.Options, n, workers int) (*engine.Runner, error) {
	opt.Forget = true
	return engine.NewRunner(d.prog, opt, n, compiler.Want{Segments: true}, false, workers)
}

// run runs trajectories at x, and calls done with each as it ends, on several
// goroutines.
func (d *Data) run(ctx context.Context, r *engine.Runner, x []float64, list []*problem.Trajectory, done func(w *engine.Worker, i int, tr *sim.Trajectory)) {
	natural := make([]float64, len(d.space.Params))
	r.Bind(d.space.SharedAt(x, natural), d.space.Scales)
	r.Run(ctx, len(list), func(i int, to *engine.BoundModel) *sim.Span {
		it := list[i]
		to.Q, to.Signals, to.Beginning = d.space.OwnInputs(natural, it, to.Q), it.Signals, nil
		if b := it.Beginning; b != nil {
			to.Beginning = &engine.Beginning{Data: b.Data, Y: b.Y, D: b.D}
		}
		return &it.Span
	}, func(w *engine.Worker, l *engine.LaneState) bool {
		w.Group.Use(&l.Model)
		done(w, l.Index, &l.Traj)
		return true
	})
}

// mostSquare is the largest square of a residual that counts in a screen: beyond it a
// start is as wrong as another.
const mostSquare = 100

// Screen tells how well points meet segments, cheaply, and which modes these begin with.
type Screen struct {
	data   *Data
	list   []Segment
	flat   []*problem.Trajectory
	runner *engine.Runner
	sigma  []float64
}

// NewScreen prepares to screen points on segments with a solver. A run may take many times
// the steps that the segments take at x.
func (d *Data) NewScreen(ctx context.Context, list []Segment, x []float64, opt sim.Options, workers int) (*Screen, error) {
	s := &Screen{data: d, list: list, sigma: d.deviations()}
	for _, g := range list {
		s.flat = append(s.flat, g.Alternatives...)
	}
	var err error
	if s.runner, err = d.runner(opt, len(s.flat), workers); err != nil {
		return nil, err
	}
	return s, s.limit(ctx, x, opt, workers)
}

// At is the mean over measured values of squared residuals in standard deviations,
// capped, with the best alternative of each segment at x. A run that fails counts as wrong
// in all of its values.
func (s *Screen) At(ctx context.Context, x []float64) (cost float64, choice []int, err error) {
	costs := make([]float64, len(s.flat))
	s.data.run(ctx, s.runner, x, s.flat, func(w *engine.Worker, i int, tr *sim.Trajectory) {
		costs[i] = s.data.cost(s.sigma, w, s.flat[i], tr)
	})
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	choice = make([]int, len(s.list))
	at, n := 0, 0
	for i, g := range s.list {
		for k := range g.Alternatives {
			if costs[at+k] < costs[at+choice[i]] {
				choice[i] = k
			}
		}
		cost += costs[at+choice[i]]
		n += g.Alternatives[0].Values
		at += len(g.Alternatives)
	}
	return cost / float64(max(n, 1)), choice, nil
}

// cost is the sum of capped squares of a run, in the given deviations.
func (d *Data) cost(sigma []float64, w *engine.Worker, it *problem.Trajectory, tr *sim.Trajectory) (sum float64) {
	for i := range it.Rows {
		r := it.Rows[i]
		var pred []float64
		reached := tr.Fail == nil && r.Save() < tr.Saved
		if reached {
			k := r.Save()
			w.System.RowAt(it.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
			pred = w.System.Predict()
		}
		for k, seen := range r.Seen() {
			if seen == 0 || sigma[k] == 0 {
				continue
			}
			square := float64(mostSquare)
			if scale := d.ways[k].scale; reached && scale.has(pred[k]) && scale.has(r.Data()[k]) {
				e := (scale.to(pred[k]) - scale.to(r.Data()[k])) / sigma[k]
				if e*e < mostSquare { // not a number is not
					square = e * e
				}
			}
			sum += square
		}
	}
	return sum
}

// deviations are those that residuals are counted in, by element of observations: declared
// or estimated, at least a thousandth of the size of the data; 0: it does not count.
func (d *Data) deviations() []float64 {
	out := d.Noise()
	for k, w := range d.ways {
		if !math.IsNaN(w.sigma) {
			out[k] = w.sigma
			continue
		}
		if floor := 1e-3 * d.deviation(k); !(out[k] > floor) {
			out[k] = floor
		}
	}
	return out
}

// deviation is the standard deviation of the values of an element of observations, on its scale.
func (d *curves) deviation(k int) float64 {
	w := d.ways[k]
	var size, about meanSquare
	mean := 0.
	for pass := range 2 {
		for _, it := range d.Trajectories {
			for i := range it.Rows {
				if r := it.Rows[i]; r.Seen()[k] != 0 && w.scale.has(r.Data()[k]) {
					if v := w.scale.to(r.Data()[k]); pass == 0 {
						size.add(v)
						mean += v
					} else {
						about.add(v - mean/size.n)
					}
				}
			}
		}
	}
	return about.root()
}
