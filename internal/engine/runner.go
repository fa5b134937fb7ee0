package engine

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// MaxRuns is how many runs a worker keeps until their gradients are computed.
const MaxRuns = 64

// MaxLanes is how many trajectories a worker runs side by side.
const MaxLanes = 8

// Runner runs trajectories of one model on all cores, side by side in lanes
// where there are several.
type Runner struct {
	prog    *Compiled
	Workers []*Worker
	pool    *Pool // of all workers but the first
	waits   *waits
}

// waits is who waits for the runs of a runner.
type waits struct{ ctx context.Context }

func (w *waits) ended() bool { return w.ctx.Err() != nil }

// Watch lets all runs and sweeps from now on stop where the context ends: their results
// are worth nothing then.
func (r *Runner) Watch(ctx context.Context) { r.waits.ctx = ctx }

// NewRunner returns a runner for up to n runs at once. want are the
// derivatives that they need; with perLaneParams their shared parameters may differ.
// workers is the number of cores to use; 0: all.
func NewRunner(c *Compiled, opt sim.Options, n int, want compiler.Want, perLaneParams bool, workers int) (*Runner, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if c.Model.Layout.NY == 0 && opt.Method.Solves() { // there is nothing to solve
		opt.Method = solvers.Tsit5
	}
	k := moduleKind{opt.Method, opt.Stiff, 1, want, perLaneParams}
	if n > 1 && !compiler.Wide(c.Program) { // else one trajectory fills the vector registers
		k.width = MaxLanes
	}
	if opt.Memory == 0 { // the tapes of all runs of a block share 128 MB; lanes that are free count, on the roll
		opt.Memory = 1 << 24 / max(k.width, min(n, MaxRuns*workers))
	}
	hy := c.hybrid()
	var err error
	if c.Model.Project > 0 && opt.Method.Family == solvers.Multistep {
		l := &diag.List{}
		l.Errorf("not-supported", c.Checked.Model.Span, "`mode: project` is not supported yet with `solver: %s`, which goes on from several steps", opt.Method.Name)
		return nil, l.Err()
	}
	if opt.Method.Parts != nil {
		if hy.Momenta, err = c.Momenta(opt.Method.Name); err != nil {
			return nil, err
		}
	}
	ps, err := Once(c, k, func() (*modules, error) { return k.compile(c.Program) })
	if err != nil {
		return nil, err
	}
	r := &Runner{prog: c, waits: &waits{context.Background()}}
	opt.Ended = r.waits.ended
	for i := range max(1, min(workers, n)) {
		w := newWorker(c, ps.single, opt)
		w.Index = i
		w.TrackWeights(w.System.Frame)
		var many sim.Steps
		if ps.lanes != nil {
			w.Lanes = NewSteps(ps.lanes, ps.lanes.NewFrame(), opt.Method, w.System.Size.Y, opt).(*Steps)
			many = w.Lanes
			w.TrackWeights(w.Lanes.frame)
		}
		w.Group = sim.NewGroup(hy, w.System.Size, opt, w.Single, many)
		w.offer(c, k, opt)
		r.Workers = append(r.Workers, w)
	}
	r.pool = NewPool(len(r.Workers) - 1)
	runtime.AddCleanup(r, (*Pool).Close, r.pool)
	return r, nil
}

// Bind lets all runs read the parameters that they share in p, without a copy, and sets
// the scales.
func (r *Runner) Bind(p, s []float64) {
	for _, w := range r.Workers {
		w.System.Bind(p, s)
		if w.Lanes != nil {
			w.Lanes.frame.Bind("p", p)
			copy(w.Lanes.s, s)
		}
		if w.over != nil && w.over.lanes != nil {
			w.over.lanes.bind(w.System)
		}
	}
}

// Each calls f on every worker, at the same time.
func (r *Runner) Each(f func(w *Worker)) {
	r.pool.Do(f, r.Workers)
	runtime.KeepAlive(r) // or its pool is closed at work
}

// Run does the runs 0 … n−1. prepare binds run i and gives its
// span, done receives its result. Both are called on several goroutines. A
// run's memory serves again once done returns true. When the context ends no further
// run begins, and those that have begun stop.
func (r *Runner) Run(ctx context.Context, n int, prepare func(i int, to *BoundModel) *sim.Span, done func(w *Worker, l *LaneState) bool) {
	var next atomic.Int64
	r.Watch(ctx)
	r.Each(func(w *Worker) {
		w.Free = append(w.Free[:0], w.States...)
		w.Group.Run(func() *sim.Job {
			i := int(next.Add(1) - 1)
			if i >= n || ctx.Err() != nil {
				return nil
			}
			l := w.Acquire()
			l.Index = i
			l.Job.Span = prepare(i, &l.Model)
			w.Bindings++
			l.Model.Binding = w.Bindings
			return &l.Job
		}, func(j *sim.Job) {
			l := j.Model.(*BoundModel).Lane
			if done(w, l) {
				w.Free = append(w.Free, l)
			}
		})
	})
}
