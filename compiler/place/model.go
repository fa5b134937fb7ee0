package place

import "github.com/pinode/pinode/compiler/ir"

// Inputs that all programs of a model read, see lower.Inputs.
var (
	Time        = Input{name: "t"}
	States      = Input{name: "y"}
	Discretes   = Input{name: "d"}
	Signals     = Input{name: "u"}
	SignalRates = Input{name: "ut"}
	Own         = Input{name: "q"} // of the trajectory
	Params      = Input{name: "p", shared: true}
	Scales      = Input{name: "s", shared: true}
	Free        = Input{name: "free"} // 0 for the states held at rest, 1 for the others
)

// Gradient accumulators, in which all programs of a module join.
var (
	PBar = Accumulator{Output{"bp"}, Input{name: "acc.bp"}}               // by parameters
	WBar = Accumulator{Output{"bw"}, Input{name: "acc.bw", shared: true}} // by weights, the sum over lanes
	QBar = Accumulator{Output{"bq"}, Input{name: "acc.bq"}}               // by the trajectory's own inputs
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
