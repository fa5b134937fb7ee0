package pinode

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
)

// maxLanes is how many trajectories a worker runs side by side.
const maxLanes = 8

// runner runs trajectories of one model on all cores, side by side in lanes
// where there are several.
type runner struct {
	m       *Model
	opt     sim.Options
	workers []*worker
}

// newRunner returns a runner for n runs. With vary their shared parameters
// may differ. workers is the number of cores to use; 0: all.
func newRunner(m *Model, opt sim.Options, n int, vary bool, workers int) (*runner, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	mod, err := m.prog.Module(1, compiler.Want{Step: method(opt.Method)})
	if err != nil {
		return nil, err
	}
	var lanes *exec.Module
	if n > 1 {
		if lanes, err = m.prog.Steps(maxLanes, method(opt.Method), false, vary); err != nil {
			return nil, err
		}
	}
	r := &runner{m: m, opt: opt}
	width := 1
	if lanes != nil {
		width = lanes.Lanes()
	}
	for range max(1, min(workers, n/width)) {
		w := newWorker(m, mod, opt)
		if lanes != nil {
			w.many = newSteps(lanes, lanes.NewFrame(), opt.Method, w.sys.size.Y, opt)
		}
		r.workers = append(r.workers, w)
	}
	return r, nil
}

// bind sets the parameters and scales that all runs share.
func (r *runner) bind(p, s []float64) {
	for _, w := range r.workers {
		copy(w.sys.p, p)
		copy(w.sys.s, s)
		if many, ok := w.many.(*steps); ok {
			copy(many.p, p)
			copy(many.s, s)
		}
	}
}

// run does the runs 0 … n−1. prepare makes run i a subject of the worker's
// system and gives its span, done receives the result, which is good until it
// returns. Both are called on several goroutines.
func (r *runner) run(n int, prepare func(w *worker, i int, to *subject) *sim.Span, done func(w *worker, i int, tr *sim.Trajectory)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w.lane(r.m, r.opt)
			free := append([]*laneRun{}, w.lanes...)
			w.group.Run(func() *sim.Job {
				i := int(next.Add(1) - 1)
				if i >= n {
					return nil
				}
				l := free[len(free)-1]
				free = free[:len(free)-1]
				l.index = i
				l.job.Span = prepare(w, i, &l.subject)
				return &l.job
			}, func(j *sim.Job) {
				l := j.Model.(*subject).run
				w.group.Use(l.job.Model)
				done(w, l.index, j.Out)
				free = append(free, l)
			})
		}()
	}
	wg.Wait()
}

// laneRun is a run in a lane.
type laneRun struct {
	index   int
	subject subject
	job     sim.Job
	traj    sim.Trajectory
}

// lane makes room for runs side by side.
func (w *worker) lane(m *Model, opt sim.Options) {
	if w.group != nil {
		return
	}
	w.group = sim.NewGroup(m.hybrid(), w.sys.size, opt, w.one, w.many)
	for range w.group.Lanes() {
		l := &laneRun{}
		l.subject.system, l.subject.run = w.sys, l
		l.job = sim.Job{In: w.group.NewIntegrator(), Model: &l.subject, Out: &l.traj}
		w.lanes = append(w.lanes, l)
	}
}
