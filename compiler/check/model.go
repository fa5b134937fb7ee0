package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// Program is a checked model file.
type Program struct {
	Source   *diag.Source
	File     *dsl.File
	Model    *Model   // the last model of the file: the one that is run
	Models   []*Model // all of them, in source order
	Files    []string // tables of constants, as they were read
	Data     []*Data
	Fit      *Settings // nil without a fit block
	Simulate *Settings // nil without a simulate block
	Network  *Settings // nil without a network block
	Stands   *Network  // for the fields of the model; nil: they are on a grid, or there are none
	Grid     *Grid     // nil for a model without fields
}

// Settings is a checked fit or simulate block.
type Settings struct {
	Span   diag.Span
	Values *setting.Values

	// Samples and Sweep are the two options of simulate whose keys are the
	// model's own names.
	Samples *Samples
	Sweep   []SweepAxis
}

// Samples asks for N Monte Carlo trajectories with parameters or initial
// values drawn from distributions.
type Samples struct {
	N     int
	Draws []Sampled
}

// Sampled names what is drawn and its distribution, whose arguments are numbers.
type Sampled struct {
	Name    string // parameter, covariate or state, or an element of one
	Dist    *Dist
	Element int // which of an argument that has several elements
}

// SweepAxis is one axis of the grid of a sweep.
type SweepAxis struct {
	Names  []string // of a parameter, covariate or state: its elements that go together
	Values [][]float64
}

// Model is a typed, elaborated model: components are flattened, loops
// unrolled, functions bound, every expression has a shape and a unit.
type Model struct {
	Name string
	Doc  string
	Span diag.Span

	Units *units.Table // the units that the file knows
	Time  *Time

	Consts      []*Const // folded; kept for listings
	Params      []*Param
	Coordinates []*Coordinate
	Given
	Inputs    []*Input
	States    []*State // θ'' gives two: θ and θ'; fields are those over coordinates
	Discretes []*Discrete
	Lets      []*Let
	// Constraints have as many elements as the algebraic states.
	Constraints []*Constraint
	Boundaries  []*Boundary
	// Steady: the run starts where the motion comes to rest; nil: at the initial values.
	Steady    *Steady
	Neurals   []*Neural
	Events    []*Event
	Conserves []*Conserve
	Requires  []*Require
	Observes  []*Observe
	Losses    []*Loss

	Gridded *Gridded // of a model whose fields are on a grid: see OnGrid
}

// Given are the numbers of each trajectory that the model is given: by data, or by chance.
type Given struct {
	Covariates []*Covariate
	Draws      []*Draw
	Encoder    *Encoder // what runs first, over what is measured; nil: nothing does
	Flow       *Flow    // how a density is carried along the motion; nil: nobody asks
}

// Shape is the shape of a value; it converts to ir.Shape.
type Shape struct {
	Rank int
	M, N int
}

// Size is the number of elements.
func (s Shape) Size() int {
	switch s.Rank {
	case 0:
		return 1
	case 1:
		return s.N
	}
	return s.M * s.N
}

// Object is anything that a name can refer to.
type Object interface{ Info() *Obj }

// Obj is what all named things have.
type Obj struct {
	Name     string // flattened: "left.θ", "θ'"
	Doc      string
	Span     diag.Span // of the name in its declaration
	Shape    Shape
	Unit     units.Unit
	Inferred bool   // the unit was inferred, not declared
	Spelled  string // how it is declared
}

// UnitName is the unit as it is declared, else as the table spells it.
func (o *Obj) UnitName(t *units.Table) string {
	if o.Spelled != "" {
		return o.Spelled
	}
	return t.Name(o.Unit)
}

// Info returns the object's common part.
func (o *Obj) Info() *Obj { return o }

// Time is the independent variable. Every trajectory starts at From, those
// without data end at Until, unless it is said otherwise; NaN: not declared.
type Time struct {
	Obj
	From, Until float64
}

// Const is a named constant.
type Const struct {
	Obj
	Values []float64 // row-major
}

// Param is a parameter.
type Param struct {
	Obj
	Lo, Hi         float64 // ±Inf where unbounded
	LoOpen, HiOpen bool
	Fixed          bool
	Per            []string // data keys; "trajectory" for each trajectory
	Init           *Expr    // over numbers, covariates, first(…), slope(…); never nil
	Prior          *Dist    // nil: none
}

// Covariate is a known number of each trajectory.
type Covariate struct{ Obj }

// Draw is a random quantity with a known distribution. Its value is a function of a
// standard variate, which Variate draws, and of the arguments of Dist.
type Draw struct {
	Obj
	Dist *Dist

	// Posterior is what it comes from where an encoder has read what is measured, of the
	// same standard variate; nil: Dist everywhere.
	Posterior *Dist

	Per    []string    // "row", "trajectory", or data keys; never empty
	Shapes [][]float64 // for each element those arguments that the standard variate depends on
}

// Row reports whether each row of data has a value of its own.
func (d *Draw) Row() bool { return d.Per[0] == "row" }

// Input is a known signal.
type Input struct {
	Obj
	Interp string // "linear", "hold" or "cubic"
	Told   bool   // the file says which
	Value  *Expr  // expression of time; nil: read from data
}

// State is a continuous state.
type State struct {
	Obj
	Over    []*Coordinate // of a field
	Init    *Expr         // nil only of a field without one
	Deriv   *Expr         // right-hand side, of the state's shape; nil for an algebraic unknown alone
	Augment bool

	NonNegative bool // declared `>= 0`

	// Algebraic: it has no rate, the model's constraints determine it at all times, and
	// Init is where its search starts.
	Algebraic bool
}

// Law is the equation that moves a state, for people, and where it stands.
func (s *State) Law() (text string, at diag.Span) {
	if s.Algebraic {
		return s.Name + " by the lines `0 = …`", s.Span
	}
	return s.Name + "' = " + Text(s.Deriv), s.Deriv.Span
}

// Steady is `start steady { … }`: the run starts where the motion from the initial values
// comes to rest, with other values of some objects.
type Steady struct {
	Span    diag.Span
	Objects []Object // covariates, inputs, parameters
	Values  []*Expr
}

// Constraint is an equation that holds at all times: Value is zero.
type Constraint struct {
	Value *Expr
	Span  diag.Span
}

// Discrete is a variable that changes only at events.
type Discrete struct {
	Obj
	Init *Expr
}

// Let is a named quantity.
type Let struct {
	Obj
	Value *Expr

	cond *Expr // the truth value that Value turns into a number; nil: none
}

// Local is the formal argument of one use of a function.
type Local struct{ Obj }

// EventArg is a formal argument of an event, given by the data row that
// fires it.
type EventArg struct{ Obj }

// Neural is a neural block. Obj's shape and unit are those of its result.
type Neural struct {
	Obj
	Args    []Obj
	Options *setting.Values // of Env.Neural
	Odd     bool
	Even    bool
	// Positive, Monotone and ZeroAt are the further guarantees. Monotone has
	// −1, 0 or +1 for each element of the arguments, or is nil; ZeroAt has a
	// number for each, or is nil.
	Positive bool
	Convex   bool
	Form     string // "skew", "psd", "divergence_free", or empty
	Monotone []int
	ZeroAt   []float64
	// InputScale has a positive number for each element of the arguments,
	// OutputScale for each of the result; nil: from data.
	InputScale, OutputScale []float64

	Frozen []Weights // that are kept as they are
	Priors []WeightPrior
}

// TriggerKind is the kind of an event's trigger.
type TriggerKind = dsl.TriggerKind

// Event is an event with its jump.
type Event struct {
	Obj
	Kind  TriggerKind
	Cond  *Expr // when: condition over comparisons, and/or/not, rising/falling/crossing
	At    *Expr // at: time; every: period; rate: intensity
	From  *Expr // every; nil: from one period after the start
	Until *Expr // every; nil: no end
	Of    []*Observe
	Args  []*EventArg

	Priority   float64
	Priorities *Expr // a priority that is not constant; nil: Priority is it
	After      *Expr // nil: at once
	Late       bool
	Persistent bool
	AtStart    bool

	Assigns   []*Assign
	Terminate bool
	Zeno      string // "error", "stop", "pass" or "rest"
	Rest      []*Assign
}

// Assign sets elements [Offset, Offset+Value.Shape.Size()) of a state or a
// discrete variable, or adds to them.
type Assign struct {
	Span   diag.Span
	Target Object
	Offset int
	Add    bool
	Value  *Expr
}

// Conserve is a quantity that should stay constant.
type Conserve struct {
	Obj
	Value  *Expr
	Weight float64
	Scale  float64 // 0: mean size of the quantity
	Across []*Event
	Mode   string // "penalty" or "project"
}

// Require is a constraint g ≥ 0 or g = 0; Cond's sides are brought to g.
type Require struct {
	Span     diag.Span
	G        *Expr
	Equality bool
	Weight   float64
}

// Observe is an observed quantity.
type Observe struct {
	Obj
	Value   *Expr
	Dist    *Dist // nil: mean squared error
	Weight  float64
	Weights *Expr // of each row, times Weight; nil: 1

	At *Expr // when it is, in tables without times; nil: where trajectories start

	Below, Above *Expr // limits: data at or beyond one say no more than that; nil: none

	Unpredicted bool // measured only: its weight is 0, and Value stands for nothing
}

// Loss is an extra loss term: the mean of Value over the rows of data at which
// every data(y) in it is measured and Where holds, or, with PerTrajectory, the
// mean over trajectories of its sum over these.
type Loss struct {
	Obj
	Value         *Expr
	Where         *Expr // nil: true
	Weight        float64
	PerTrajectory bool
}

// Dist is a distribution with its arguments.
type Dist struct {
	Name string
	Args []*Expr
	Span diag.Span
}

// Kind tells the forms of Expr apart.
type Kind uint8

// The forms of an expression.
const (
	Number     Kind = iota // Value
	Ref                    // Object
	Op                     // Name and Args: an operator or a function
	Slice                  // elements of Args[0] from Offset, as Shape
	Stack                  // [a, b, …]: Args are the elements, or the rows of a matrix
	Net                    // Object is a *Neural, Args its arguments
	Apply                  // a function's Body with Locals bound to Args
	Diff                   // derivative of Args[0] by Args[1], a Ref or a Slice of one: total by a coordinate, else partial
	DataOf                 // data(y): Object is an *Observe
	Observed               // observed(y): Object is an *Observe
	FirstOf                // first(y)
	SlopeOf                // slope(y)
	LogDensity             // logdensity(z): of the states, at this time
	Before                 // before(Args[0]): the value before the event
	Smooth                 // smooth(Args[0]): no located discontinuities inside
	Integral               // of Args[0] over the coordinates Over
	Cells                  // Args[0] in the cells over the coordinates Over, component by component: see CellsAs
	Place                  // Args[0] where the coordinates Over have the values Args[1:]
	Numbers                // an array of the numbers in Values, row-major
)

// Expr is a typed expression.
//
// Op's Name is one of
//
//	add sub mul div pow matmul neg not and or lt le gt ge eq ne if
//	rising falling crossing (in a trigger only)
//	sum mean dot norm cross min max clamp
//
// or an elementary function by its name in the language. Elementwise ops have
// arguments of the result's shape or scalars. min and max of one argument
// reduce it; with more they work elementwise.
type Expr struct {
	Kind   Kind
	Name   string
	Args   []*Expr
	Value  float64
	Values []float64
	Object Object
	Offset int
	Locals []*Local
	Body   *Expr
	Over   []*Coordinate
	Shape  Shape
	Unit   units.Unit
	Span   diag.Span

	bare bool // made of plain numbers only: it takes the unit that is asked of it
	cond bool // a truth value: it becomes 1 or 0 where a number is asked
	part bool // an Apply of only an operand of its function's body
}

// Data is a checked data block.
type Data struct {
	Name string
	Path string // as written; relative to the model file's folder
	Span diag.Span

	Time       Column // without a name: each row is a trajectory, at its start
	From       Start
	Trajectory []Column // empty: the whole table is one trajectory
	Columns    []Mapped
	Rows       []EventRows
	Joins      []Join
	Where      *RowExpr // the rows that are kept; nil: every row
	Given      *RowExpr // the rows that are known when predicting; nil: none
	Train      *RowExpr // nil: every row
	Validate   *RowExpr // nil: none

	columnUnits map[string]units.Unit // of those that are mapped
}

// Join adds the columns of another table to rows that agree with one of its rows in the
// columns By.
type Join struct {
	Path string
	Span diag.Span
	By   []string
}

// Start is where the trajectories of a table start.
type Start struct {
	Kind   StartKind
	Value  float64 // StartNumber
	Column Column  // StartColumn
}

// StartKind tells the forms of Start apart.
type StartKind uint8

// The forms of a start.
const (
	StartDefault StartKind = iota // see Time
	StartNumber
	StartColumn
	StartFirstRow
)

// Column names a column. Factor converts its numbers to the model's unit.
type Column struct {
	Name   string
	Span   diag.Span
	Factor float64
	Offset float64  // in the model's unit
	Where  *RowExpr // the rows in which it counts; nil: all
}

// Mapped gives one component of an observation, input or covariate the
// numbers of a column.
type Mapped struct {
	Target    Object // *Observe, *Input or *Covariate
	Component int
	Column    Column
}

// EventRows are the rows that fire an event.
type EventRows struct {
	Event *Event
	Args  []Column // one for each of the event's arguments

	Additional, Interval, Duration, Total Column // of doses: see data.Doses
	Steady, Cycles                        Column

	Where *RowExpr // nil: rows in which every argument is present
}

// RowExpr is an expression over the columns of a row: column names, numbers,
// strings, comparisons, and/or/not, arithmetic.
type RowExpr struct {
	Expr    dsl.Expr
	Factors map[*dsl.NumberLit]float64 // of numbers with a unit, to that of the column that they are compared with
}

// Objects returns everything in the model that has a name, the time first.
func (m *Model) Objects() []Object {
	out := []Object{m.Time}
	out = appendAll(out, m.Consts)
	out = appendAll(out, m.Params)
	out = appendAll(out, m.Coordinates)
	out = appendAll(out, m.Covariates)
	out = appendAll(out, m.Draws)
	out = appendAll(out, m.Inputs)
	out = appendAll(out, m.States)
	out = appendAll(out, m.Discretes)
	out = appendAll(out, m.Lets)
	out = appendAll(out, m.Neurals)
	out = appendAll(out, m.Events)
	out = appendAll(out, m.Conserves)
	out = appendAll(out, m.Observes)
	return appendAll(out, m.Losses)
}

func appendAll[T Object](out []Object, list []T) []Object {
	for _, x := range list {
		out = append(out, x)
	}
	return out
}
