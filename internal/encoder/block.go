package encoder

import (
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Worker does runs that are differentiated, a block of them at a time.
type Worker struct {
	*engine.Worker
	of    *Encoder
	block []*run
	room  []*run
}

// run is one of a block, with its results and their cotangents.
type run struct {
	*engine.LaneState
	values, bars []float64
}

func newWorker(e *Encoder, w *engine.Worker) *Worker { return &Worker{Worker: w, of: e} }

// Do does the runs over trajectories; q is what each has of its own, and keep says that
// they will be differentiated. The number of the first that failed is returned with why.
func (b *Worker) Do(list []*problem.Trajectory, q func(it *problem.Trajectory) []float64, keep bool) (int, *sim.Failure) {
	b.block, b.Free = b.room[:0], append(b.Free[:0], b.States...)
	b.Group.Run(func() *sim.Job {
		n := len(b.block)
		if n == len(list) {
			return nil
		}
		if n == len(b.room) {
			b.room = append(b.room, &run{values: make([]float64, b.of.size()), bars: make([]float64, b.of.size())})
		}
		b.block = b.room[:n+1]
		r := b.block[n]
		r.LaneState = b.Acquire()
		b.of.prepare(list[n], q(list[n]), r.LaneState)
		b.Bindings++
		r.Model.Binding, r.Job.Forget = b.Bindings, !keep
		return &r.Job
	}, func(*sim.Job) {})
	for i, r := range b.block {
		clear(r.bars)
		if fail := b.of.finish(r.LaneState, b.Worker, r.values); fail != nil {
			return i, fail
		}
	}
	return 0, nil
}

// Put sets the results of run i among what its trajectory has of its own.
func (b *Worker) Put(i int, q []float64) { b.of.put(b.block[i].values, q) }

// Add adds cotangents of what a trajectory has of its own to those of the results of run i.
func (b *Worker) Add(i int, qBar []float64) {
	for _, c := range b.of.results {
		for k := range c.n {
			b.block[i].bars[c.from+k] += qBar[c.to+k]
		}
	}
}

// Backward differentiates the runs of the block; done gets the gradient of each by shared
// parameters and by those of keys. That by weights is the worker's.
func (b *Worker) Backward(done func(i int, pBar, qBar []float64)) {
	s := b.System
	for _, r := range b.block {
		clear(r.PBar)
		clear(r.QBar)
		clear(r.EndY)
		s.ClearGradient()
		r.Ct.Clear(1, s.Size)
		r.Ct.EndY = r.EndY
		b.Group.Use(&r.Model)
		if s.Results.VJP == nil { // results are constants
			continue
		}
		s.At(r.Traj.T, r.Traj.SaveY.At(0), r.Traj.SaveD.At(0))
		copy(s.Results.Ct, r.bars)
		s.Results.VJP.Run()
		engine.Add(r.Ct.Y.At(0), s.Results.VJP.YBar)
		engine.Add(r.Ct.D.At(0), s.Results.VJP.DBar)
		r.Model.Collect()
	}
	b.Group.Backward(b.Deliver)
	for i, r := range b.block {
		done(i, r.PBar, r.QBar)
	}
}
