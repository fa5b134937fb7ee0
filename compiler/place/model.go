package place

import (
	"strconv"

	"github.com/pinode/pinode/compiler/ir"
)

// Inputs of the programs of a model, see lower.Inputs.
var (
	Time        = Input{name: "t"}
	States      = Input{name: "y"}
	Discretes   = Input{name: "d"}
	Signals     = Input{name: "u"}
	SignalRates = Input{name: "ut"}
	SignalTurns = Input{name: "utt"} // second derivatives, which derivatives by time of what reads rates have
	Own         = Input{name: "q"}   // of the trajectory
	Params      = Input{name: "p", shared: true}
	Scales      = Input{name: "s", shared: true}
	Arguments   = Input{name: "a"} // of an event
	Data        = Input{name: "data"}
	Seen        = Input{name: "seen"} // which of the data there are
	OfRow       = Input{name: "row"}  // what a row has besides, see lower.Layout

	StatesBefore      = Input{name: "yb"} // before the instant
	DiscretesBefore   = Input{name: "db"}
	SignalsBefore     = Input{name: "ub"}
	SignalRatesBefore = Input{name: "utb"}

	Coordinates     = Input{name: "c"}  // of a point of fields that are a network
	ResidualWeights = Input{name: "rw"} // at a point

	Nets        = Input{name: "nets"}    // results of neural blocks, see compiler.Probe
	Free        = Input{name: "free"}    // 0 for the states held at rest, 1 for the others
	Flow        = Input{name: "flow"}    // by which states move
	StatesAlong = Input{name: "along.y"} // a direction
	TimeAlong   = Input{name: "along.t"}
	StatesReach = Input{name: "ry"} // by how much states may be off, see Program.spread
	TimeReach   = Input{name: "rt"}
)

// Tangents, which forward derivatives read.
var (
	TimeDot      = Input{name: "tt"}
	StatesDot    = Input{name: "ty"}
	DiscretesDot = Input{name: "td"}
	OwnDot       = Input{name: "tq"}
	ParamsDot    = Input{name: "tp"}
)

// Box are lower and upper bounds of an input.
type Box struct{ Lo, Hi Input }

func box(name string) Box { return Box{Input{name: name + "lo"}, Input{name: name + "hi"}} }

// Boxes, which bounds of guards read.
var (
	TimeBox        = box("t")
	StatesBox      = box("y")
	FlowBox        = box("f")
	SignalsBox     = box("u")
	SignalRatesBox = box("ut")
)

// ModesOn are 1 at the modes of surface k that the solution slides along, GuardAt at its
// guard.
func ModesOn(k int) Input { return Input{name: "on" + strconv.Itoa(k+1)} }
func GuardAt(k int) Input { return Input{name: "at" + strconv.Itoa(k+1)} }

// ModesOnBefore and GuardAtBefore are those of what it slid along before the instant.
func ModesOnBefore(k int) Input { return Input{name: "onb" + strconv.Itoa(k+1)} }
func GuardAtBefore(k int) Input { return Input{name: "atb" + strconv.Itoa(k+1)} }

// Gradient accumulators, in which all programs of a module join.
var (
	PBar   = Accumulator{Output{"bp"}, Input{name: "acc.bp"}}                 // by parameters
	WBar   = Accumulator{Output{"bw"}, Input{name: "acc.bw", shared: true}}   // by weights, the sum over lanes
	AllBar = Accumulator{Output{"bpw"}, Input{name: "acc.bpw", shared: true}} // by parameters and weights, the sum over lanes
	QBar   = Accumulator{Output{"bq"}, Input{name: "acc.bq"}}                 // by the trajectory's own inputs
)

// Accumulator is an input that programs add an output to.
type Accumulator struct {
	Output
	Into Input
}

// Add has a program add a value to the accumulator.
func (a Accumulator) Add(b *ir.Builder, value *ir.Node, shape ir.Shape) ir.Output {
	return ir.Output{Name: a.name, Node: value, Accumulate: true, Into: a.Into.Node(b, shape)}
}

// Outputs of reverse derivatives.
var (
	YBar = Output{"by"}
	DBar = Output{"bd"}
	TBar = Output{"bt"}
	HBar = Output{"bh"} // by the length of a step
	ABar = Output{"ba"}

	YBarBefore = Output{"byb"}
	DBarBefore = Output{"bdb"}
)
