package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl/diag"
)

// Model is a checked model as graphs over one builder. All functions of the
// model read the same inputs.
type Model struct {
	Checked *check.Model
	Builder *ir.Builder
	In      Inputs
	Layout  Layout

	// RHS is the right-hand side: the derivative of Y, [NY], quadratures
	// last.
	RHS *ir.Node

	Starts
	Branches
	Unfired

	Events []Event
	// Priorities has the priority of each event; nil: all are constant.
	Priorities *ir.Node

	Observed

	// Grid says, line by line, what a grid does with each term and at each side.
	Grid []string

	// Outputs are the values a simulation can write besides the states and
	// discretes: lets and observations, [len(Layout.Outputs)].
	Outputs *ir.Node

	// Conserved is the vector of conserved quantities.
	Conserved *ir.Node

	// Penalties say how the final value of each quadrature state enters the
	// loss, as weight/T · value.
	Penalties []Penalty

	// Priors are negative log-densities of parameters, functions of P, Q, S.
	Priors []Prior

	// Collocation is what holds where fields are a network; nil: they are not.
	Collocation *Collocation

	// Systems are the matrices that the model inverts.
	Systems []System

	Networks
}

// Starts are the values at the start.
type Starts struct {
	// InitY and InitD are the values at the start: functions of T (the start
	// time), P, Q and S only. The quadratures start at 0; switches and the
	// modes of conditions are set by the runtime from their guards.
	InitY, InitD *ir.Node
}

// Branches are where the motion may change its branch.
type Branches struct {
	Guards   []Guard
	Switches []Switch

	// Acting are the named quantities that the right-hand side reads, in terms of
	// modes along whose surfaces the solution may slide. Terms, Row, Pred and Outputs
	// read such modes as well.
	Acting []*ir.Node

	// Floors are the arguments of the floor switches, in their order.
	Floors *ir.Node
}

// Unfired are events that nothing fires.
type Unfired struct {
	// Steady is the number, from 1, of an event that nothing fires: its jump leads towards
	// the steady state from which the run starts. 0: it starts at its initial values.
	Steady int

	// Balance is the number, from 1, of an event that nothing fires: its jump is a step of
	// Newton's method for the algebraic unknowns, of the model's constraints. 0: there are
	// none.
	Balance int

	// Positive is the number, from 1, of an event that nothing fires: its jump sets to zero what is below it,
	// of states that are declared `>= 0`. 0: there are none.
	Positive int

	// Project is the number, from 1, of an event that nothing fires: its jump is a step of
	// Newton's method that takes the state back to where projected quantities have their
	// levels, hidden discrete variables that the event behind it sets. 0: there are none.
	Project int
}

// Observed are the graphs of what is observed and of its loss.
type Observed struct {
	// Terms are the parts of Row: one for each observation, then one for each
	// loss.
	Terms *ir.Node

	// Pred is the vector of predicted observations, [NObs]; Row the loss of
	// one row of data (a scalar: the negative log-likelihood, or the scaled
	// square, of every observation that is present, plus the loss terms).
	Pred *ir.Node
	Row  *ir.Node

	// Counts says which losses count at a row, 1 or 0 for each, and what those
	// observations weigh there whose weight is not constant; of T, U, Q, Data
	// and Seen only.
	Counts *ir.Node

	// Scores are those of the parts of Row, but for observations of weight 0.
	Scores []Scores

	// Results are what an encoder has come to; Divergence what the posteriors of draws cost,
	// twice: see divergences.
	Results, Divergence *ir.Node

	// Noise are the arguments of the distributions of observations, by
	// NoiseName, for what is said where they have no density.
	Noise []ir.Output
}

// Networks are the neural blocks.
type Networks struct {
	// NetArgs serve the automatic scales: for each neural block
	// the vector of its arguments at its first use in an equation, else in what is
	// observed, or nil.
	NetArgs []*ir.Node
	NetVals []*ir.Node // and of its results there
	// AtEvents has the same of blocks that stand in events alone.
	AtEvents []EventUse
	Blocks   []Block
}

// EventUse is the first use of a block in an event.
type EventUse struct {
	Args, Vals *ir.Node // nil: there is none
	Event      int      // index into Model.Events
	Jump       bool     // in what it does; else in its condition or time
}

// nodes are all values of states and modes that are asked for after the start.
func (m *Model) nodes() (list []**ir.Node) {
	list = append(list, &m.RHS, &m.Pred, &m.Terms, &m.Row, &m.Outputs, &m.Conserved, &m.Priorities, &m.Floors, &m.Results, &m.Divergence)
	for i := range m.Guards {
		list = append(list, &m.Guards[i].Node)
	}
	for i := range m.Switches {
		list = append(list, &m.Switches[i].Arg)
	}
	for i := range m.Acting {
		list = append(list, &m.Acting[i])
	}
	for i := range m.Noise {
		list = append(list, &m.Noise[i].Node)
	}
	for i := range m.NetArgs {
		list = append(list, &m.NetArgs[i], &m.NetVals[i], &m.AtEvents[i].Args, &m.AtEvents[i].Vals)
	}
	for i := range m.Systems {
		list = append(list, &m.Systems[i].Factors)
	}
	for i := range m.Scores {
		list = append(list, &m.Scores[i].Loss)
		for k := range m.Scores[i].List {
			s := &m.Scores[i].List[k]
			list = append(list, &s.Arg, &s.Weight, &s.Residual)
		}
	}
	for i := range m.Events {
		e := &m.Events[i]
		list = append(list, &e.Rate, &e.Delay, &e.Jump, &e.Rest, &e.Sliding.Jump, &e.Sliding.Rest, &e.Sliding.Delay)
	}
	return list
}

// Inputs are the inputs that every graph of a model may read. Per-trajectory
// ones are lane inputs.
type Inputs struct {
	T  *ir.Node // scalar: time
	Y  *ir.Node // [NY] continuous states, then quadratures
	D  *ir.Node // [ND] discrete variables, then switches
	U  *ir.Node // [NU] signals read from data, at T
	UT *ir.Node // [NU] their derivatives by time
	Q  *ir.Node // [NQ] constants of the trajectory: covariates, parameters per key, first(y), slope(y)
	P  *ir.Node // [NP] shared: parameters in natural units, then weights
	S  *ir.Node // [NS] shared: scales fixed before a run

	A    *ir.Node // [NA] arguments of the event, by EventArg offset
	Data *ir.Node // [NObs] measured values of the row
	Seen *ir.Node // [NObs] 1 where measured and predicted here, else 0
	Row  *ir.Node // [NR] what the row has besides, see Layout.Due
	YB   *ir.Node // [NY] before the instant
	DB   *ir.Node // [ND]
	UB   *ir.Node // [NU] signals from the left
	UTB  *ir.Node // [NU]
}

// Layout says where everything stands in the inputs.
type Layout struct {
	Sizes

	States     []Slot // into Y
	Discretes  []Slot // into D
	Inputs     []Slot // into U (data-driven inputs only)
	Params     []Slot // shared ones into P; per-key ones into Q
	Weights    []Tensor
	Trajectory []TrajectorySlot // into Q, besides per-key parameters
	Observes   []Slot           // into Pred, Data, Seen

	// RowDraws are into Row: standard variates of draws of rows.
	RowDraws []Slot

	// Due: some observations have times of their own, so that one row of a table is read at
	// several. The first number of Row is 1 where loss terms are evaluated, else 0, and the
	// next NObs are 1 where the row of the table has a measured value.
	Due bool

	Outputs []Output
	Scales  []Scale // into S
}

// Sizes are those of the inputs.
type Sizes struct {
	NY, NUser int // continuous states; the first NUser are the model's, the rest quadratures
	NError    int // those whose error controls the step size: the states, and what decides times
	ND        int
	NU, NQ    int
	NP, NS    int
	NPar      int // of P, how many are parameters; the others are weights
	NKey      int // of Q, how many are parameters; the others are data
	NFelt     int // of Q, those and the results of an encoder: what gradients are wanted by
	NA, NObs  int
	NR        int
}

// Slot is where an object's elements stand, row-major.
type Slot struct {
	Object check.Object
	Off, N int
	PerKey bool // parameters: in Q instead of P
}

// Tensor is a named array of weights in P.
type Tensor struct {
	Name   string // "air.0.weight"
	Shape  ir.Shape
	Off    int
	Neural *check.Neural
	Frozen bool        // kept as it is
	Prior  *check.Dist // of each weight; nil: none
}

// TrajectoryKind says what fills a slot of Q.
type TrajectoryKind uint8

// The kinds of per-trajectory numbers.
const (
	FromCovariate TrajectoryKind = iota
	FromFirst                    // first(y)
	FromSlope                    // slope(y)
	FromDraw                     // the standard variate of a draw, see Draw
	FromEncoder                  // a result of an encoder
	FromKnown                    // 1 where it has run, else 0
	FromTurn                     // of an encoder: the sum of the times between which it runs
)

// TrajectorySlot is a number of each trajectory in Q.
type TrajectorySlot struct {
	Kind   TrajectoryKind
	Object check.Object // covariate, observation, draw, or what there is of an encoder
	Off, N int
}

// Output is one column of a simulation: an element of Outputs.
type Output struct {
	Name   string // "F", "pos[2]"
	Object check.Object
	Off    int
}

// ScaleKind says what a scale is the characteristic size of.
type ScaleKind uint8

// The kinds of scales.
const (
	ScaleObserve  ScaleKind = iota // standard deviation of an observation's training data
	ScaleConserve                  // mean size of a conserved quantity
	ScaleNetIn                     // size of a neural block's arguments
	ScaleNetOut                    // size of its result
	ScaleLoss                      // weight of a loss term beside a measured value, which depends on the rows of a batch
)

// Scale is a run of S. Fixed has the numbers when the model states them; nil:
// from data, else 1.
type Scale struct {
	Kind   ScaleKind
	Object check.Object
	Off, N int
	Fixed  []float64
}

// Guard is a scalar whose sign decides a comparison.
type Guard struct {
	Node *ir.Node
	Span diag.Span
	Text string // as written: "h <= 0"

	// Flag marks a comparison that only discrete variables and constants can
	// change (mode == 0): Node is 1 or 0, looked at after events only.
	Flag bool
}

// CondOp is the form of a condition.
type CondOp uint8

// The forms of a condition.
const (
	CondBelow CondOp = iota // guard < 0  (a < b and a <= b with guard a − b)
	CondAbove               // guard > 0  (a > b, a >= b)
	CondCross               // crossing: true at the instant of either sign change only
	CondRise                // rising: at that of a change from below to above
	CondFall                // falling: from above to below
	CondFlag                // guard ≠ 0
	CondAnd
	CondOr
	CondNot
	CondConst // Value
)

// Cond is a condition over guards.
type Cond struct {
	Op        CondOp
	Guard     int
	Inclusive bool // <= or >=: true on the surface
	Value     bool
	Args      []*Cond
}

// Event is an event with its jump.
type Event struct {
	Checked *check.Event

	Cond *Cond // when

	// Time is the time of an `at` event; Period, From and Until those of an
	// `every` event: scalars over P, Q and S. From and Until may be nil.
	// Rate is the intensity, a scalar over everything; Delay that of `after`.
	Time, Period, From, Until *ir.Node
	Rate, Delay               *ir.Node

	// Of an event with a rate: the index into Y of its negative
	// log-likelihood, behind that of its integrated intensity, and the index
	// into D of the threshold at which it fires; otherwise −1.
	Likelihood, Threshold int

	// Jump has the new values, in the order of Targets: indices into [Y | D],
	// or, where Adds says so, what is added to them. It reads the values at
	// the trigger.
	Jump    *ir.Node
	Targets []int
	Adds    []bool

	// Rest likewise for `zeno rest`.
	Rest        *ir.Node
	RestTargets []int

	// Sliding are Jump, Rest and Delay while the solution slides, where they read
	// modes of switches; else nil.
	Sliding struct{ Jump, Rest, Delay *ir.Node }

	ArgOff int // of the event's arguments in A
}

// Switch is a located discontinuity of the right-hand side: element Mode of D
// holds which branch is taken, and changes only where a guard crosses zero.
type Switch struct {
	Mode int // index into D

	// Kind SwitchSign: the mode is 1 while the guard is positive, else 0.
	// Kind SwitchFloor: the mode m is the floor of Arg; Guard is Arg − m and
	// Upper is Arg − (m+1).
	Floor bool
	Guard int
	Upper int
	Arg   *ir.Node // SwitchFloor: the argument, to set the mode

	// Corner: the branches agree where the guard is zero. AtZero is the mode of a
	// state that rests there: 1 for what is then as above, 0 as below, or AtRest.
	Corner bool
	AtZero float64

	// Root: the right-hand side has no value on one side, where a root of the guard has none.
	Root bool

	// Implicit: equations that are not linear in their unknowns read the mode, so that the
	// unknowns have to be found anew to know what is on the other side.
	Implicit bool

	// Trigger is the number, from 1, of an event whose condition or priority reads
	// the mode, which it cannot while the solution slides; 0 for none.
	Trigger int
}

// AtRest is the mode of a sign whose argument rests at zero.
const AtRest = 2

// Penalty says how a quadrature state enters the loss.
type Penalty struct {
	Name   string
	State  int // index into Y
	Weight float64
}

// Prior is the negative log-density of a parameter (of one key's, for a
// parameter per key).
type Prior struct {
	Param *check.Param // nil: of weights
	Node  *ir.Node
}

// Block is a neural block with where its weights start in P.
type Block struct {
	Neural *check.Neural
	Net    *nn.Block
	Off    int
}
