package sim

import (
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/solvers"
)

// Schedule says when a timed event fires, by indices into the model's
// scheduled scalars; −1 where there is none.
type Schedule struct {
	At                  int // at t = E
	Period, From, Until int // every E from E until E
}

// Firing is an event that data fire at a given time. Saves with an index below
// Behind are read before it: rows of its time that come before it in the table
// have the values that it finds, those from Behind on the values that it leaves.
// Rows of one time act one after the other; a Joint firing is of the same row as the
// one before it in the list, and is triggered with it.
type Firing struct {
	T      float64
	Event  int
	Args   []float64
	Behind int
	Joint  bool
}

// Hybrid is what does not change between the runs of a model.
type Hybrid struct {
	Events    []events.Event
	Schedules []Schedule // one for each event; used by At and Every
	Switches  []events.Switch
	Flags     []bool // guards that only jumps can change
	Affine    []bool // guards that are affine in time and state; nil: it is not known of any

	Momenta []bool // for a symplectic method, which states are momenta

	// Prioritised is set where some event's priority is not constant: those
	// of all events are then what Model.Priorities gives.
	Prioritised bool

	// Nilpotent is set where the Jacobian of the right-hand side is known to be
	// nilpotent: no step is too long to be stable, and none is looked at.
	Nilpotent bool

	// Simple is set where the solution is known to be a polynomial in time that every method has exactly,
	// whatever the parameters: no step is too long for its neighbours either.
	Simple bool

	// Balance is the number, from 1, of the event whose jump is a step of Newton's method
	// for algebraic unknowns, which are found at the start and behind every jump. 0: there
	// are none.
	Balance int

	// Positive is the number, from 1, of the event whose jump sets those of its targets to zero that are
	// below it: states that are declared not to fall below zero. 0: there are none.
	Positive int

	// Project is the number, from 1, of the event whose jump is a step of Newton's method to
	// where conserved quantities have their levels, which the jump of the event behind it
	// sets; 0: there are none.
	Project int

	// Steady is the number, from 1, of the event whose jump is a step towards the steady
	// state where a run starts, of a length that is 1 over its argument; the jump of the event
	// behind it is how the rates of its targets change in the direction that its arguments
	// are. 0: the run starts at its initial values.
	Steady int
}

// moved reports whether the ends of steps are moved to where states are to be.
func (hy *Hybrid) moved() bool { return hy.Balance > 0 || hy.Project > 0 || hy.Positive > 0 }

// Options are the settings of a run. A zero value means the default.
type Options struct {
	Method   *solvers.Tableau // nil: Tsit5
	Stiff    *solvers.Tableau // takes over runs that are stiff; nil: none. See Integrator.OrElse
	RTol     float64          // relative tolerance; 0: 1e-6
	ATol     float64          // absolute tolerance; 0: 1e-8
	Sizes    []float64        // of the states, in which ATol counts for each; nil, and beyond its end: 1
	Step     float64          // step of a fixed-step method; upper bound for the others; 0: none
	MaxSteps int              // accepted and rejected steps; 0: 1 000 000

	// Forget keeps no tape: the run cannot be differentiated, and its steps need
	// not be stable in directions that the solution does not take.
	Forget bool

	// Memory is how many words of eight bytes the tape of a run may take, in a
	// group with its share of the lane history. Of the steps beyond it keeps the
	// starts of checkpoint segments, and a sweep takes the steps again, a segment
	// at a time.
	// 0: 2²⁴, which is 128 MB.
	Memory int

	// Ended is looked at between steps: where it reports true the run ends as
	// Stopped, and a sweep ends with whatever it has. Nil: it never does.
	Ended func() bool
}

// ended reports whether nobody waits for the result any more.
func (o *Options) ended() bool { return o.Ended != nil && o.Ended() }

func (o Options) defaults() Options {
	if o.Method == nil {
		o.Method = solvers.Tsit5
	}
	if o.RTol == 0 {
		o.RTol = 1e-6
	}
	if o.ATol == 0 {
		o.ATol = 1e-8
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = 1_000_000
	}
	if o.Memory == 0 {
		o.Memory = 1 << 24
	}
	return o
}

// atol is the absolute tolerance of state i.
func (o *Options) atol(i int) float64 {
	if i < len(o.Sizes) {
		return o.ATol * o.Sizes[i]
	}
	return o.ATol
}

// leastATol is the least of them.
func (o *Options) leastATol() float64 {
	least := 1.
	for _, s := range o.Sizes {
		least = min(least, s)
	}
	return o.ATol * least
}

// Span is what to run: from T0 to T1, reporting the state at the Saves, which
// ascend within [T0, T1] and may repeat a time where a firing is between,
// with firings in order of time, those of one time in that in which they act, and Stops, times that
// a step must not cross because the model's inputs are not smooth there.
type Span struct {
	T0, T1  float64
	Since   float64 // how long before T0 the trajectory began of which this is a part; 0: it is the whole of it
	Saves   []float64
	Firings []Firing
	Stops   []float64

	// Trace, if there is one, gets every step: no lane runs free then.
	Trace *Trace

	// Draws starts the draws that raise the threshold of an event with an
	// intensity, one for each of its firings, from the exponential
	// distribution of mean 1. Nil: such events fire at data alone.
	Draws func(event int) func() float64
}

// HasGradient reports whether runs with these options have a gradient in a mode. A stiff
// solution cannot be integrated backwards: what falls quickly grows quickly there.
// Steps of a method that goes on from several have no derivative by their own start; the
// adjoint equation needs a dense output that is good enough.
func (o Options) HasGradient(mode string) bool {
	m := o.defaults().Method
	switch {
	case m.Family == solvers.Explicit:
		return true
	case m.Family == solvers.Multistep:
		return mode == "adjoint" || mode == "forward"
	}
	return mode == "unrolled" || mode == "forward" || mode == "adjoint" && m.DenseOrder > 2
}

// Gradient is the mode of a gradient: for `auto` the exact derivative of the discrete
// solution, where there is one.
func (o Options) Gradient(mode string) string {
	switch {
	case mode != "auto":
		return mode
	case o.HasGradient("unrolled"):
		return "unrolled"
	}
	return "adjoint"
}
