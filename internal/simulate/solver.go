package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
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

	r       *engine.Runner
	runs    *ensemble
	p, nat  []float64
	rev     bool
	adjoint bool              // the solver's steps have no derivative of their own
	ready   *engine.LaneState // the run that Gradient differentiates
	grad    []float64
	stats   []sim.Stats
	begin   func(i int, to *engine.BoundModel) *sim.Span
	end     func(w *engine.Worker, l *engine.LaneState) bool
	next    func() *sim.Job // the one run of a solver of one trajectory
	done    func(*sim.Job)
	went    func(*sim.Job) // back through a lane
	served  bool

	named int       // how many values each run has of its own
	set   []float64 // those that all have
}

// NewSolver compiles the model's simulation for n trajectories that differ in
// the values of names: parameters, covariates and initial values of states.
// With n = 1 it keeps what Gradient needs.
func (m *Simulator) NewSolver(n int, names []string, c Options) (*Solver, error) {
	if n < 1 {
		return nil, fmt.Errorf("a solver for %d trajectories", n)
	}
	trajectories, err := m.Trajectories(false)
	if err != nil {
		return nil, err
	}
	if len(trajectories) != 1 {
		return nil, fmt.Errorf("a solver takes a model without data; its data have %d trajectories", len(trajectories))
	}
	opt, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return nil, err
	}
	sp, err := problem.NewSpace(m.Prog.Program, trajectories, uint64(m.Settings.Int("seed")))
	if err != nil {
		return nil, err
	}
	if err := m.begin(sp, trajectories, c.Values, c.Set); err != nil {
		return nil, err
	}
	if err := m.Grid(trajectories[0], &c); err != nil {
		return nil, err
	}
	s := &Solver{rev: n == 1, adjoint: !opt.HasGradient("unrolled"), runs: &ensemble{space: sp, trajectories: trajectories, of: make([]int, n), values: make([][]float64, n), points: make([][]float64, n), samples: n, seed: uint64(m.Settings.Int("seed"))}}
	for _, name := range names {
		if err := s.runs.slot(name); err != nil {
			return nil, err
		}
	}
	if err := s.setAll(names, c.Set); err != nil {
		return nil, err
	}
	opt.Forget, opt.Memory = !s.rev, tapeWords
	x, err := sp.X0()
	if err != nil {
		return nil, err
	}
	s.nat, s.p = sp.Natural(), make([]float64, len(sp.P))
	s.p = sp.SharedInputs(x, s.nat, s.p)
	if s.r, err = m.runner(&opt, s.runs, compiler.Want{Reverse: s.rev}, c.Workers, s.p, s.nat); err != nil {
		return nil, err
	}
	s.Fails, s.Ends = make([]error, n), rowsOf(n, m.Prog.Model.Layout.NUser)
	s.grad, s.stats = make([]float64, len(s.p)), make([]sim.Stats, n)
	s.begin = func(i int, to *engine.BoundModel) *sim.Span { return s.runs.prepare(i, s.p, s.nat, to) }
	s.end = func(_ *engine.Worker, l *engine.LaneState) bool {
		if s.Fails[l.Index] = nil; l.Traj.Fail != nil {
			s.Fails[l.Index] = &explain.RunError{Fail: l.Traj.Fail, Text: explain.Failure(m.Prog.Program, l.Traj.Fail)}
		}
		copy(s.Ends[l.Index], l.Traj.Y)
		s.stats[l.Index] = l.Traj.Stats
		return true
	}
	s.next = func() *sim.Job {
		if s.served {
			return nil
		}
		s.served = true
		return &s.ready.Job
	}
	s.done = func(*sim.Job) {}
	return s, nil
}

// setAll gives all runs the same values of some quantities, behind those of the names.
func (s *Solver) setAll(names []string, set map[string]float64) error {
	s.named = len(names)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if slices.Contains(names, name) {
			return fmt.Errorf("`%s` is set to %g, and is among the names that each run has a value of", name, set[name])
		}
		if err := s.runs.slot(name); err != nil {
			return err
		}
		if err := s.runs.slots[len(s.runs.slots)-1].Check(set[name]); err != nil {
			return err
		}
		s.set = append(s.set, set[name])
	}
	return nil
}

// tapeWords is how much of a run is kept step by step for a gradient that may not be asked for:
// 16 MB. Beyond, the gradient takes the steps again.
const tapeWords = 1 << 21

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
	if len(values) != len(s.Ends) && s.named > 0 {
		return fmt.Errorf("%d rows of values for %d trajectories", len(values), len(s.Ends))
	}
	if len(s.runs.slots) > 0 {
		for i, row := range s.runs.values {
			if row = row[:0]; s.named > 0 {
				if len(values[i]) != s.named {
					return fmt.Errorf("%d values for a trajectory, of %d names", len(values[i]), s.named)
				}
				row = append(row, values[i]...)
			}
			s.runs.values[i] = append(row, s.set...)
		}
	}
	if s.rev {
		s.single()
	} else {
		s.r.Run(context.Background(), len(s.Ends), s.begin, s.end)
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
	w := s.r.Workers[0]
	if s.ready == nil {
		s.ready, s.went = w.Acquire(), w.Deliver
	}
	l := s.ready
	if l.Job.Span == nil || len(s.runs.slots) > 0 {
		l.Job.Span = s.begin(0, &l.Model)
		w.Bindings++
		l.Model.Binding = w.Bindings
	}
	s.served = false
	w.Group.Run(s.next, s.done)
	s.end(w, l)
}

// Gradient is the gradient of Σᵢ ct[i] yᵢ(end) by the parameters and weights
// that all trajectories share, of the run that was done last, for a solver of
// one trajectory. It is good until the next call.
func (s *Solver) Gradient(ct []float64) []float64 {
	l, w := s.ready, s.r.Workers[0]
	clear(l.PBar)
	clear(l.QBar)
	w.System.ClearGradient()
	w.ClearWeights()
	copy(l.EndY, ct)
	l.Ct = sim.Cotangents{EndY: l.EndY}
	if s.adjoint {
		w.Group.Use(&l.Model)
		l.Job.In.Adjoint(&l.Model, &l.Ct)
	} else {
		w.Group.Backward(s.went)
	}
	n := copy(s.grad, l.PBar)
	w.TakeWeights(s.grad[n:], 0, false)
	return s.grad
}
