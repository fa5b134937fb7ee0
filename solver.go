package pinode

import (
	"fmt"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/sim"
)

// Solver runs a model again and again, compiled once: n trajectories at a
// time, side by side and on all cores, without the tables that Simulate
// makes. It is for use by one goroutine.
type Solver struct {
	// Ends has the states at the end of each trajectory's last run, Fails
	// what went wrong, or nil. Stats are those of all runs together.
	Ends  [][]float64
	Fails []error
	Stats sim.Stats

	r      *runner
	runs   *runs
	p, nat []float64
	rev    bool
	ready  *laneRun // the run that Gradient differentiates
	grad   []float64
	stats  []sim.Stats
	begin  func(i int, to *subject) *sim.Span
	end    func(w *worker, l *laneRun) bool
	next   func() *sim.Job // the one run of a solver of one trajectory
	done   func(*sim.Job)
	served bool
}

// newSolver compiles the model's simulation for n trajectories that differ in
// the values of names: parameters, covariates and initial values of states.
// With n = 1 it keeps what Gradient needs.
func (m *simulator) newSolver(n int, names []string, c simulateConfig) (*Solver, error) {
	if n < 1 {
		return nil, fmt.Errorf("a solver for %d trajectories", n)
	}
	items, err := m.items()
	if err != nil {
		return nil, err
	}
	if len(items) != 1 {
		return nil, fmt.Errorf("a solver takes a model without data; its data have %d trajectories", len(items))
	}
	opt, err := solverOptions(m.settings)
	if err != nil {
		return nil, err
	}
	sp, err := newSpace(m.prog.Program, items, uint64(m.settings.Int("seed")))
	if err != nil {
		return nil, err
	}
	if err := sp.use(c.values); err != nil {
		return nil, err
	}
	if err := m.grid(items[0], c.until); err != nil {
		return nil, err
	}
	s := &Solver{rev: n == 1, runs: &runs{sp: sp, items: items, of: make([]int, n), values: make([][]float64, n), seed: uint64(m.settings.Int("seed"))}}
	vary := false
	for _, name := range names {
		p, err := sp.place(name)
		if err != nil {
			return nil, err
		}
		vary = vary || p.kind == shared
		s.runs.places = append(s.runs.places, p)
	}
	opt.Forget = !s.rev
	if s.r, err = newRunner(m.prog, opt, n, compiler.Want{Reverse: s.rev}, vary, c.cores); err != nil {
		return nil, err
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	s.nat, s.p = sp.natural(), make([]float64, len(sp.p))
	s.p = sp.shared(x, s.nat, s.p)
	s.r.bind(s.p, sp.s)
	s.Fails, s.Ends = make([]error, n), rowsOf(n, m.prog.Model.Layout.NUser)
	s.grad, s.stats = make([]float64, len(s.p)), make([]sim.Stats, n)
	s.begin = func(i int, to *subject) *sim.Span { return s.runs.prepare(i, s.p, s.nat, to) }
	s.end = func(_ *worker, l *laneRun) bool {
		if s.Fails[l.index] = nil; l.traj.Fail != nil {
			s.Fails[l.index] = &SimulationError{Fail: l.traj.Fail, Text: explain(m.prog.Program, l.traj.Fail)}
		}
		copy(s.Ends[l.index], l.traj.Y)
		s.stats[l.index] = l.traj.Stats
		return true
	}
	s.next = func() *sim.Job {
		if s.served {
			return nil
		}
		s.served = true
		return &s.ready.job
	}
	s.done = func(*sim.Job) {}
	return s, nil
}

func rowsOf(n, m int) [][]float64 {
	flat, rows := make([]float64, n*m), make([][]float64, n)
	for i := range rows {
		rows[i] = flat[i*m : (i+1)*m]
	}
	return rows
}

// Run runs the trajectories; values has for each its values of the names. It
// returns the first failure.
func (s *Solver) Run(values ...[]float64) error {
	if len(values) != len(s.Ends) && len(s.runs.places) > 0 {
		return fmt.Errorf("%d rows of values for %d trajectories", len(values), len(s.Ends))
	}
	copy(s.runs.values, values)
	if s.rev {
		s.single()
	} else {
		s.r.run(len(s.Ends), s.begin, s.end)
	}
	s.Stats = sim.Stats{}
	for i := range s.stats {
		s.Stats.Add(&s.stats[i])
	}
	for _, err := range s.Fails {
		if err != nil {
			return err
		}
	}
	return nil
}

// single runs a single trajectory, which allocates nothing.
func (s *Solver) single() {
	w := s.r.workers[0]
	if s.ready == nil {
		s.ready = w.take()
	}
	l := s.ready
	if l.job.Span == nil || len(s.runs.places) > 0 {
		l.job.Span = s.begin(0, &l.subject)
		w.bindings++
		l.subject.binding = w.bindings
	}
	s.served = false
	w.group.Run(s.next, s.done)
	s.end(w, l)
}

// Gradient is the gradient of Σᵢ ct[i] yᵢ(end) by the parameters and weights
// that all trajectories share, of the run that was done last, for a solver of
// one trajectory. It is good until the next call.
func (s *Solver) Gradient(ct []float64) []float64 {
	l, w := s.ready, s.r.workers[0]
	clear(l.bp)
	clear(l.bq)
	w.sys.clearAccount()
	w.clearWeights()
	copy(l.endY, ct)
	l.ct = sim.Cotangents{EndY: l.endY}
	w.group.Backward(s.done)
	n := copy(s.grad, l.bp)
	w.takeWeights(s.grad[n:], 0, false)
	if w.many != nil {
		w.many.account(l.job.In.Lane(), s.grad, l.bq)
	}
	return s.grad
}
