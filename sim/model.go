package sim

import (
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/solvers"
)

// Bounded is a model that bounds its guards, and their rates by time where the state
// moves by the flow, over a box. It reports whether it can. Guards without bounds are
// evaluated at many places of each step.
type Bounded interface {
	Bounds(box *Box, d []float64, to *events.Bounds) bool
}

// Linearised is a model that has the Jacobian of its right-hand side, as implicit methods
// need it.
type Linearised interface {
	Model

	// Pattern says where at the discrete state d the derivative by y may differ from
	// zero. There are few of them.
	Pattern(d []float64) *sparse.Pattern

	// Jacobian sets its values, and the derivative by time.
	Jacobian(t float64, y, d, values, byTime []float64)
}

// Curved is a model that has the derivative of its Jacobian J, as Rosenbrock methods
// need it.
type Curved interface {
	Linearised

	// JacobianVJP is the reverse derivative of λᵀ(J u + τ ∂f/∂t), as those of Reverse.
	JacobianVJP(t float64, y, d, lambda, u []float64, tau float64, yBar, dBar []float64, params Params) (tBar float64)

	// JacobianJVP is the directional derivative of J u + τ ∂f/∂t, as those of Forward.
	JacobianJVP(t, tDot float64, y, yDot, d, dDot, u []float64, tau float64, out []float64)
}

// Sizes are the lengths of a model's arrays.
type Sizes struct {
	Y        int // continuous states, quadratures last
	YError   int // the first ones, which step-size control looks at
	D        int // discrete variables, switches last
	Guards   int // of the model, then those of releases, then exits
	Releases int // guards that let states at rest go
	Exits    int // guards that say when a motion along a surface ends: see OnSurface
	Times    int // scheduled scalars
}

// Model is a compiled hybrid model with its parameters and the data of one
// trajectory bound to it. It is used by one goroutine at a time.
//
// y has Sizes.Y numbers, d Sizes.D. Functions set their last arguments. Where the
// mode of a switch in d is OnSurface, the field is that of the motion along its
// surface, and the exits are two for each such switch, in their order: the part of
// the field above, and that of the field below.
type Model interface {
	Sizes() Sizes
	Init(t float64, y, d []float64)
	RHS(t float64, y, d, dy []float64)

	// Guards sets all guards, their total derivative by time along the flow, in
	// which the components of y that are held do not move, and, unless accel is
	// nil, the second.
	Guards(t float64, y, d []float64, held []bool, g, rate, accel []float64)

	// GuardsAlong sets the guards but for those of releases and exits, and their
	// derivatives by time where the state moves by dy.
	GuardsAlong(t float64, y, d, dy, g, rate []float64)

	// Spread sets by how much the guards but for exits, and their rates, may
	// change, to first order, where the components of y change by up to those of
	// the first half of reach, and, in a second half of g and rate, by up to those of
	// its second half; the time changes by up to rt.
	Spread(t float64, y, d, reach []float64, rt float64, g, rate []float64)

	// Priorities sets v to the priority of each event, where they are not all
	// constant: see Hybrid.Prioritised.
	Priorities(t float64, y, d, v []float64)

	// Times sets the scheduled scalars.
	Times(s []float64)

	// Jump sets v to the new values of event e's targets, or to what it adds
	// to them, of the values at its trigger; a are the arguments it was fired with. Rest does so for
	// the targets of `zeno rest`, Delay returns the delay of the assignments.
	Jump(e int, t float64, y, d, a, v []float64)
	Rest(e int, t float64, y, d, v []float64)
	Delay(e int, t float64, y, d, a []float64) float64

	// Floors sets v to the arguments of the floor switches, in order.
	Floors(t float64, y, d, v []float64)
}

// Explained are models that may know why they have no value at a state; else Why is empty.
type Explained interface {
	Why(t float64, y, d []float64) string
}

// Steps takes whole steps of trajectories side by side, each in a lane of its
// own, on the memory of its block: from Y[0] and K[0] of every lane it sets
// the other stages and the error.
type Steps interface {
	Block() *solvers.Block

	// Load binds lane l to trajectory m at the discrete state d, with some
	// components of y held.
	Load(l int, m Model, d []float64, held []bool)

	// Time says that lane l, as trajectory m, is about to step by h from t.
	Time(l int, m Model, t, h float64)
	Step()
}

// Lazy are Steps that may leave out the stages behind the end of a step, which its dense
// output needs: Behind takes them, of the step that stands in the block.
type Lazy interface {
	Lazy() bool
	Behind()
}

// Inputs are Steps whose program may need the time of each step in advance.
type Inputs interface{ HasInputs() bool }

// StepsVJP are Steps with their reverse derivative: from the cotangents in their block
// it sets those of the start, and adds those of the parameters to each lane's
// accumulator. The block must have the stage arguments; with times, for the cotangents
// of t and h, the stage derivatives too.
type StepsVJP interface {
	Steps
	VJP(times Times)

	// LengthBars are the cotangents of lane 0's length alone: from that of its
	// end and those of its stage derivatives in the block, and from another of
	// its end. They change nothing else. The block must have the stages.
	LengthBars(end, other []float64) (hBar, otherBar float64)

	// Clear sets lane l's accumulator to zero. Save and Restore keep it over a
	// derivative that does not concern the lane. Idle lanes are left out of
	// what is summed over all lanes.
	Clear(l int)
	Save(l int)
	Restore(l int)
	Idle(l int, idle bool)
	DBar(l int, dBar []float64) // adds the lane's cotangent of d
}

// StepsJVP are Steps with their forward derivative, if they say so: from the tangents of a
// step's start time, length, start state and discrete state, and the direction of the
// parameters that the model has been given, it sets those of the stages and of the end.
// Of other steps it is taken stage by stage. It is called for steps of one lane, whose block
// has the stages.
type StepsJVP interface {
	Steps
	HasJVP() bool
	JVP(tDot, hDot float64, yDot, dDot []float64, kDot [][]float64, endDot []float64)
}

// Accumulator is a model that shares its memory with others and has a gradient
// accumulator of its own: Collect moves there what its derivatives have added to the
// shared one.
type Accumulator interface{ Collect() }

// Segmented is a model whose inputs jump at the stops of a span. Segment says that a
// smooth piece starts at time t: there the inputs are those to the right of the stop,
// and at the end of the piece those to the left.
type Segmented interface{ Segment(t float64) }

// Params says whether a reverse derivative is by the parameters too.
type Params bool

// Whether a reverse derivative adds to the parameters' accumulator, or is by time and
// state alone.
const (
	WithParams    Params = true
	WithoutParams Params = false
)

// Times says whether the reverse derivative of a step is by its start and length too.
type Times bool

// Whether a reverse derivative of a step gives TBar and HBar.
const (
	WithTimes    Times = true
	WithoutTimes Times = false
)

// Reverse are the reverse derivatives of a Model. Every method adds to the cotangents
// that it is given, returns that of t, and adds those of the parameters to the model's
// own accumulator, unless it is called WithoutParams.
type Reverse interface {
	Model
	InitVJP(t float64, yCt, dCt []float64) (tBar float64)
	RHSVJP(t float64, y, d, ct, yBar, dBar []float64, params Params) (tBar float64)
	GuardVJP(t float64, y, d []float64, guard int, ct float64, yBar, dBar []float64, params Params) (tBar float64)
	TimesVJP(ct []float64)
	JumpVJP(e int, t float64, y, d, a, ct, yBar, dBar []float64) (tBar float64)
	RestVJP(e int, t float64, y, d, ct, yBar, dBar []float64) (tBar float64)
	DelayVJP(e int, t float64, y, d, a []float64, ct float64, yBar, dBar []float64) (tBar float64)
}

// Forward are the directional derivatives of a Model, in a direction of the parameters
// that the model has been given before. Every method sets its last argument or returns
// the derivative.
type Forward interface {
	Model
	InitJVP(t, tDot float64, yDot, dDot []float64)
	RHSJVP(t, tDot float64, y, yDot, d, dDot, out []float64)
	GuardJVP(t, tDot float64, y, yDot, d, dDot []float64, guard int) float64
	TimesJVP(out []float64)
	JumpJVP(e int, t, tDot float64, y, yDot, d, dDot, a, out []float64)
	RestJVP(e int, t, tDot float64, y, yDot, d, dDot, out []float64)
	DelayJVP(e int, t, tDot float64, y, yDot, d, dDot, a []float64) float64
}
