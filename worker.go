package pinode

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
)

// worker runs trajectories, one at a time or side by side.
type worker struct {
	index int // among the workers of its runner

	sys *system
	one sim.Steps
	run *sim.Integrator
	tan sim.Tangents

	bp, bq []float64 // room for an account

	many  *steps // nil: steps go stage by stage, one trajectory at a time
	group *sim.Group
	runs  []*laneRun
	free  []*laneRun // those of runs that may serve

	bindings int // so far

	sums []*exec.Sum // of the gradient by weights, by the frames of programs that add to it
}

// newWorker returns a worker for the model.
func newWorker(p *compiler.Program, mod *exec.Module, opt sim.Options) *worker {
	sys := newSystem(p, mod)
	lay := &p.Model.Layout
	one := newSteps(mod, sys.frame, opt.Method, sys.size.Y, opt)
	return &worker{
		sys: sys, one: one, run: sim.New(newHybrid(p), sys.size, opt, one),
		bp: make([]float64, lay.NPar), bq: make([]float64, lay.NQ),
	}
}

// weigh notes that programs on a frame may add to the gradient by weights.
func (w *worker) weigh(f *exec.Frame) {
	if s := f.Sum("acc.bw"); s != nil {
		w.sums = append(w.sums, s)
	}
}

// clearWeights forgets the gradient by weights.
func (w *worker) clearWeights() {
	for _, s := range w.sums {
		s.Clear()
	}
}

// takeWeights sets g to the gradient by the weights from the given one on or,
// with adds, adds it. It is to be cleared then.
func (w *worker) takeWeights(g []float64, from int, adds bool) {
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

// weighed is how many frames have added to it.
func (w *worker) weighed() (n int) {
	for _, s := range w.sums {
		if s.Added() {
			n++
		}
	}
	return n
}
