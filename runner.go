package pinode

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// maxLanes is how many trajectories a worker runs side by side.
const maxLanes = 8

// runner runs trajectories of one model on all cores, side by side in lanes
// where there are several.
type runner struct {
	prog    *compiled
	workers []*worker
	crew    *crew // of all workers but the first
}

// kind says what a runner needs of a model's programs.
type kind struct {
	tab   *solvers.Tableau
	width int // trajectories side by side
	want  compiler.Want
	vary  bool
}

// programs are those of single trajectories, and of the steps of several; nil:
// these go stage by stage.
type programs struct{ one, many *exec.Module }

func (k kind) compile(p *compiler.Program) (*programs, error) {
	tab := method(k.tab)
	if len(p.Model.Events)+len(p.Model.Switches) > 0 {
		k.want.Step = tab // for the steps of single trajectories, to their events
	}
	many := p.Steps(k.width, tab, k.want, k.vary)
	one, err := p.Module(1, k.want)
	if err != nil {
		return nil, err
	}
	steps, err := many()
	return &programs{one, steps}, err
}

// compiled is a program with the machine code that was made of it, once for each
// use: a fit and its certificate run the same.
type compiled struct {
	*compiler.Program
	modules sync.Map
}

// once is what build makes for a key.
func once[T any](c *compiled, key any, build func() (T, error)) (T, error) {
	f, _ := c.modules.LoadOrStore(key, sync.OnceValues(build))
	return f.(func() (T, error))()
}

// newRunner returns a runner for up to n runs at once. want are the
// derivatives that they need; with vary their shared parameters may differ.
// workers is the number of cores to use; 0: all.
func newRunner(c *compiled, opt sim.Options, n int, want compiler.Want, vary bool, workers int) (*runner, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	k := kind{opt.Method, 1, want, vary}
	if n > 1 {
		k.width = maxLanes
	}
	if opt.Memory == 0 { // the tapes of all runs of a block share 128 MB; lanes that are free count, on the roll
		opt.Memory = 1 << 24 / max(k.width, min(n, maxRuns*workers))
	}
	ps, err := once(c, k, func() (*programs, error) { return k.compile(c.Program) })
	if err != nil {
		return nil, err
	}
	r := &runner{prog: c}
	for i := range max(1, min(workers, n)) {
		w := newWorker(c.Program, ps.one, opt)
		w.index = i
		w.weigh(w.sys.frame)
		var many sim.Steps
		if ps.many != nil {
			w.many = newSteps(ps.many, ps.many.NewFrame(), opt.Method, w.sys.size.Y, opt).(*steps)
			many = w.many
			w.weigh(w.many.frame)
		}
		w.group = sim.NewGroup(newHybrid(c.Program), w.sys.size, opt, w.one, many)
		r.workers = append(r.workers, w)
	}
	r.crew = newCrew(len(r.workers) - 1)
	runtime.AddCleanup(r, (*crew).home, r.crew)
	return r, nil
}

// bind lets all runs read the parameters that they share where p stands, and sets
// the scales.
func (r *runner) bind(p, s []float64) {
	for _, w := range r.workers {
		w.sys.bind(p, s)
		if w.many != nil {
			w.many.frame.Bind("p", p)
			copy(w.many.s, s)
		}
	}
}

// each calls f on every worker, at the same time.
func (r *runner) each(f func(w *worker)) {
	r.crew.do(f, r.workers)
	runtime.KeepAlive(r) // or its crew is sent home at work
}

// run does the runs 0 … n−1. prepare makes run i a subject and gives its
// span, done receives its result. Both are called on several goroutines. A
// run's memory serves again once done returns true.
func (r *runner) run(n int, prepare func(i int, to *subject) *sim.Span, done func(w *worker, l *laneRun) bool) {
	var next atomic.Int64
	r.each(func(w *worker) {
		w.free = append(w.free[:0], w.runs...)
		w.group.Run(func() *sim.Job {
			i := int(next.Add(1) - 1)
			if i >= n {
				return nil
			}
			l := w.take()
			l.index = i
			l.job.Span = prepare(i, &l.subject)
			w.bindings++
			l.subject.binding = w.bindings
			return &l.job
		}, func(j *sim.Job) {
			l := j.Model.(*subject).run
			if done(w, l) {
				w.free = append(w.free, l)
			}
		})
	})
}

// take returns memory for a run.
func (w *worker) take() *laneRun {
	if n := len(w.free); n > 0 {
		l := w.free[n-1]
		w.free = w.free[:n-1]
		return l
	}
	l := &laneRun{bp: make([]float64, len(w.bp)), bq: make([]float64, len(w.bq)), endY: make([]float64, w.sys.size.Y)}
	l.subject.system, l.subject.run = w.sys, l
	l.job = sim.Job{In: w.group.NewIntegrator(), Model: &l.subject, Out: &l.traj, Ct: &l.ct}
	w.runs = append(w.runs, l)
	return l
}

// laneRun is a run in a lane, with what its derivatives need.
type laneRun struct {
	index   int
	subject subject
	job     sim.Job
	traj    sim.Trajectory

	span   sim.Span
	ct     sim.Cotangents
	endY   []float64
	bp, bq []float64 // the account
}
