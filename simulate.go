package pinode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/pinode/pinode/internal/report"
	"github.com/pinode/pinode/internal/simulate"
	"github.com/pinode/pinode/sim"
)

// SimulateOptions say what of a simulation is not as the model file says.
type SimulateOptions struct {
	At      Point              // parameters and weights; nil: the start values of the file
	Set     map[string]float64 // parameters, covariates, and initial values of states, by name
	Until   float64            // the end time; 0: that of the file
	Rows    bool               // runs the trajectories of the data, with a row for each of theirs, its measured values and residuals
	Workers int                // cores to use; 0: all. Results do not depend on it
	Explain bool               // say what the steps did: see Simulation.Explanation
}

func simulation(m *Model, o *SimulateOptions) (c simulate.Options, err error) {
	c = simulate.Options{Set: o.Set, Workers: o.Workers, EveryRow: o.Rows, Explain: o.Explain}
	if o.Until != 0 {
		c.Until = &o.Until
	}
	c.Values, err = valuesAt(m, o.At, o.Set)
	return c, err
}

// Simulation is the result of simulating a model.
type Simulation struct {
	Columns      []string // the time, then states, discrete variables, lets and observations
	Units        []string // of the columns; empty for numbers
	Trajectories []*Trajectory
	Stats        sim.Stats   // of all runs together
	Warnings     Diagnostics // of what the result may be wrong in
	Unproven     string      // where nothing proves that no crossing was missed; else empty
	Explanation  string      // what step control did, if SimulateOptions.Explain asks for it

	model  *Model
	result *simulate.Simulation
}

// Trajectory is one run of a simulation.
type Trajectory struct {
	Name   string
	Rows   [][]float64 // over the columns of the simulation; the instants of events have a row on each side
	Events []Event
	Status sim.Status
}

// Event is a line of the event log.
type Event struct {
	Name           string // "slide" and "slide end" where the solution begins or ceases to slide along a surface
	Surface        string // of these: the term of the model that it belongs to
	Time           float64
	K              int       // number within its instant
	Before, After  []float64 // states, then discrete variables: see Model.States
	Rate           float64   // of the guard, by time; NaN without one
	Transversality float64   // 0 at a graze, 1 far from one; NaN without a guard
	Rest           bool      // the event came to rest at its limit
}

func publicEvents(list []simulate.Event) []Event {
	out := make([]Event, len(list))
	for i, e := range list {
		out[i] = Event(e)
	}
	return out
}

// Simulate runs the simulate block: one run, or one for each sample or point
// of a sweep; a model that needs what data tell of a trajectory is run for
// each trajectory of its data. A run that fails is a *RunError; the simulation that is
// returned beside it has what all runs came to.
func (m *Model) Simulate(ctx context.Context, o SimulateOptions) (*Simulation, error) {
	c, err := simulation(m, &o)
	if err != nil {
		return nil, err
	}
	s, err := m.simulator().Run(ctx, c)
	if s == nil {
		return nil, public(err)
	}
	out := &Simulation{Columns: s.Columns, Units: s.Units, Stats: s.Stats, Warnings: s.Warnings, Unproven: s.Unproven, Explanation: s.Explanation, model: m, result: s}
	for _, t := range s.Trajectories {
		out.Trajectories = append(out.Trajectories, &Trajectory{t.Name, t.Rows, publicEvents(t.Events), t.Status})
	}
	return out, public(err)
}

// Events are those of all trajectories.
func (s *Simulation) Events() (list []Event) {
	for _, t := range s.Trajectories {
		list = append(list, t.Events...)
	}
	return list
}

// Column has the values of a column at all rows of all trajectories, or is nil for a
// name that is not among Columns.
func (s *Simulation) Column(name string) (values []float64) {
	k := slices.Index(s.Columns, name)
	if k < 0 {
		return nil
	}
	for _, t := range s.Trajectories {
		for _, row := range t.Rows {
			values = append(values, row[k])
		}
	}
	return values
}

// WriteCSV writes the trajectories as a table.
func (s *Simulation) WriteCSV(w io.Writer) error {
	return report.Trajectories(w, s.result)
}

// WriteEvents writes the event log as a table.
func (s *Simulation) WriteEvents(w io.Writer) error {
	return report.Events(w, s.result, s.model.Program())
}

// Solver runs a model again and again, compiled once: n trajectories at a
// time, side by side and on all cores, without the tables that Simulate
// makes. It is for use by one goroutine.
type Solver struct {
	// Ends has the states at the end of each trajectory's last run, Fails
	// what went wrong, or nil.
	Ends  [][]float64
	Fails []error

	solver *simulate.Solver
	ran    bool
}

// NewSolver compiles the model's simulation for n trajectories that differ in
// the values of names: parameters, covariates and initial values of states.
// With n = 1 it keeps what Gradient needs.
func (m *Model) NewSolver(n int, names []string, o SimulateOptions) (*Solver, error) {
	c, err := simulation(m, &o)
	if err != nil {
		return nil, err
	}
	s, err := m.simulator().NewSolver(n, names, c)
	if err != nil {
		return nil, public(err)
	}
	return &Solver{Ends: s.Ends, Fails: s.Fails, solver: s}, nil
}

// Run runs the trajectories; values has for each its values of the names. It
// returns the first failure.
func (s *Solver) Run(values ...[]float64) error {
	s.ran = true
	err := s.solver.Run(values...)
	if err == nil {
		return nil
	}
	for i, e := range s.Fails {
		s.Fails[i] = public(e)
	}
	return public(err)
}

// Stats are those of all trajectories of the last run together.
func (s *Solver) Stats() sim.Stats { return s.solver.Stats }

// Gradient is the gradient of Σᵢ ct[i] yᵢ(end) by the parameters and weights
// that all trajectories share, of the run that was done last, for a solver of
// one trajectory. It is valid until the next call.
func (s *Solver) Gradient(ct []float64) ([]float64, error) {
	if len(s.Ends) != 1 {
		return nil, fmt.Errorf("a gradient is that of a solver of one trajectory, not of %d", len(s.Ends))
	}
	if !s.ran {
		return nil, errors.New("nothing was run yet that has a gradient")
	}
	if len(ct) > len(s.Ends[0]) {
		return nil, fmt.Errorf("%d weights of states at the end, where the model has %d states", len(ct), len(s.Ends[0]))
	}
	return s.solver.Gradient(ct), nil
}

// Comparison is a row of a work–precision table.
type Comparison = sim.Comparison

// Compare simulates with several solvers, each at several tolerances, and compares with the
// tightest solution.
func (m *Model) Compare(ctx context.Context, o SimulateOptions, solvers ...string) ([]Comparison, error) {
	c, err := simulation(m, &o)
	if err != nil {
		return nil, public(err)
	}
	rows, err := m.simulator().Compare(ctx, c, solvers)
	return rows, public(err)
}
