package pinode

import (
	"context"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/simulate"
)

// SimulateOption changes a simulation.
type SimulateOption func(*simulate.Options)

// Cores sets how many cores to use; the default is all. It changes no bit of
// the result.
func Cores(n int) SimulateOption { return func(c *simulate.Options) { c.Workers = n } }

// With simulates with given parameters and weights, as of a fit.
func With(v *problem.Values) SimulateOption { return func(c *simulate.Options) { c.Values = v } }

// Set sets a parameter.
func Set(name string, value float64) SimulateOption {
	return func(c *simulate.Options) { c.Set[name] = value }
}

// Until sets the end time.
func Until(t float64) SimulateOption { return func(c *simulate.Options) { c.Until = &t } }

func (m *Model) simulator() *simulate.Simulator {
	return &simulate.Simulator{Prog: m.prog, Data: m.data, Settings: m.simulate}
}

func simulateOptions(opts []SimulateOption) simulate.Options {
	c := simulate.Options{Set: map[string]float64{}}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Simulate runs the simulate block: one run, or one for each sample or point
// of a sweep; a model that needs what data tell of a trajectory is run for
// each trajectory of its data.
func (m *Model) Simulate(opts ...SimulateOption) (*simulate.Simulation, error) {
	return m.simulator().Run(simulateOptions(opts))
}

// NewSolver compiles the model's simulation for n trajectories that differ in
// the values of names: parameters, covariates and initial values of states.
// With n = 1 it keeps what Gradient needs.
func (m *Model) NewSolver(n int, names []string, opts ...SimulateOption) (*simulate.Solver, error) {
	return m.simulator().NewSolver(n, names, simulateOptions(opts))
}

// FitOption changes a fit.
type FitOption func(*estimate.Options)

// Seed sets the seed of all random numbers.
func Seed(seed uint64) FitOption { return func(c *estimate.Options) { c.Seed = &seed } }

// Workers sets how many trajectories are computed side by side; results do
// not depend on it.
func Workers(n int) FitOption { return func(c *estimate.Options) { c.Workers = n } }

// Observe has f told of each iteration.
func Observe(f func(fit.Progress)) FitOption { return func(c *estimate.Options) { c.Observer = f } }

// Checkpoint has f called with the live state at every checkpoint.
func Checkpoint(f func(*fit.State) error) FitOption {
	return func(c *estimate.Options) { c.Checkpoint = f }
}

// StartFrom starts from given values.
func StartFrom(v *problem.Values) FitOption { return func(c *estimate.Options) { c.From = v } }

// Resume goes on from a state.
func Resume(s *fit.State) FitOption { return func(c *estimate.Options) { c.Resume = s } }

// Fit is a fit of a model to its data, before, during and after it.
type Fit struct {
	Model *Model
	*estimate.Fit
}

// NewFit reads the data and prepares a fit.
func (m *Model) NewFit(opts ...FitOption) (*Fit, error) {
	var c estimate.Options
	for _, o := range opts {
		o(&c)
	}
	f, err := estimate.New(m.prog, m.data, m.fit, c)
	if err != nil {
		return nil, err
	}
	return &Fit{m, f}, nil
}

// Fit fits the model to its data.
func (m *Model) Fit(ctx context.Context, opts ...FitOption) (*Fit, error) {
	f, err := m.NewFit(opts...)
	if err != nil {
		return nil, err
	}
	return f, f.Run(ctx)
}

// Certify compares derivatives in all modes that the solver has. With data it
// is that of the fit, on every trajectory, else that of the simulation.
func (m *Model) Certify(ctx context.Context, n int) (*gradcheck.Certificate, error) {
	if len(m.prog.Checked.Data) == 0 {
		return gradcheck.WholeSimulation(ctx, m.simulator(), n)
	}
	f, err := m.NewFit()
	if err != nil {
		return nil, err
	}
	f.Plan.Certificate = "full"
	return f.Certify(ctx, n)
}

// StateNames are the names of what Event.Before and After hold.
func (m *Model) StateNames() []string { return explain.StateNames(m.prog.Program) }

// ObservationNames are the names of the observations, component by component.
func (m *Model) ObservationNames() []string { return explain.ObservationNames(m.prog.Program) }

// ConservedNames are the names of the conserved quantities.
func (m *Model) ConservedNames() []string { return explain.ConservedNames(m.prog.Program) }

// Labels say what axes show, with its unit: the time ("t"), observations,
// neural blocks, and the arguments of block f ("f(0)", "f(1)", …).
func (m *Model) Labels() map[string]string { return explain.Labels(m.prog.Program) }

// Describe says in a line what the model is made of.
func (m *Model) Describe() string { return explain.Describe(m.prog.Program) }
