package engine

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/sim"
)

// Acquire returns memory for a run.
func (w *Worker) Acquire() *LaneState {
	if n := len(w.Free); n > 0 {
		l := w.Free[n-1]
		w.Free = w.Free[:n-1]
		return l
	}
	l := &LaneState{PBar: make([]float64, len(w.PBar)), QBar: make([]float64, len(w.QBar)), EndY: make([]float64, w.System.Size.Y)}
	l.Model.System, l.Model.Lane = w.System, l
	l.Job = sim.Job{In: w.Group.NewIntegrator(), Model: &l.Model, Out: &l.Traj, Ct: &l.Ct}
	w.States = append(w.States, l)
	return l
}

// Worker runs trajectories, one at a time or side by side.
type Worker struct {
	Index int // among the workers of its runner

	System     *System
	Single     sim.Steps
	Integrator *sim.Integrator
	Tangents   sim.Tangents

	PBar, QBar []float64 // room for gradient accumulators

	Lanes  *Steps // nil: steps go stage by stage, one trajectory at a time
	Group  *sim.Group
	States []*LaneState
	Free   []*LaneState // those of states that may be used again

	over *takeover // of runs that are stiff, once there was one

	Bindings int // so far

	sums []*exec.Sum // of the gradient by weights, by the frames of programs that add to it
}

// newWorker returns a worker for the model.
func newWorker(c *Compiled, mod *exec.Module, opt sim.Options) *Worker {
	sys := NewSystem(c.Program, mod)
	lay := &c.Model.Layout
	one := NewSteps(mod, sys.Frame, opt.Method, sys.Size.Y, opt)
	return &Worker{
		System: sys, Single: one, Integrator: sim.New(c.hybrid(), sys.Size, opt, one),
		PBar: make([]float64, lay.NPar), QBar: make([]float64, lay.NQ),
	}
}

// TrackWeights notes that programs on a frame may add to the gradient by weights.
func (w *Worker) TrackWeights(f *exec.Frame) {
	if s := place.WBar.Into.Sum(f); s != nil {
		w.sums = append(w.sums, s)
	}
}

// ClearWeights forgets the gradient by weights.
func (w *Worker) ClearWeights() {
	for _, s := range w.sums {
		s.Clear()
	}
}

// TakeWeights sets g to the gradient by the weights from the given one on or,
// with adds, adds it. It is to be cleared then.
func (w *Worker) TakeWeights(g []float64, from int, adds bool) {
	for _, s := range w.sums {
		if s.Added() {
			s.Take(g, from, adds)
			adds = true
		}
	}
	if !adds {
		clear(g)
	}
}

// WeightFrames is how many frames have added to it.
func (w *Worker) WeightFrames() (n int) {
	for _, s := range w.sums {
		if s.Added() {
			n++
		}
	}
	return n
}
