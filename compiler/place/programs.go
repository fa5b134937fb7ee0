package place

import "strconv"

// Programs of a model, see compiler.Program.Graphs.
var (
	RHS              = Program{"rhs"}
	Guards           = Program{"guards"}
	Guards2          = Program{"guards2"}
	GuardRates       = Program{"guards.rates"} // for their derivatives, see compiler.motion.steep
	Look             = Program{"look"}
	Spread           = Program{"spread"}
	Bounds           = Program{"bounds"}
	SlideBounds      = Program{"bounds1"} // of sliding along one surface
	InitStates       = Program{"init.y"}
	InitDiscretes    = Program{"init.d"}
	SegmentStates    = Program{"segment.y"}
	SegmentDiscretes = Program{"segment.d"}
	Times            = Program{"times"}
	Floors           = Program{"floors"}
	Pivots           = Program{"pivots"} // of the matrices that are inverted
	Priorities       = Program{"priorities"}
	Row              = Program{"row"}
	Predictions      = Program{"obs"}
	Counts           = Program{"counts"}
	Outputs          = Program{"outputs"}
	Conserved        = Program{"conserved"}
	Priors           = Program{"priors"}
	Results          = Program{"results"}    // of an encoder
	Divergence       = Program{"divergence"} // of posteriors from priors
	Networks         = Program{"nets"}
	Noise            = Program{"noise"}
	BlockArgs        = Program{"learned.args"} // of neural blocks, one behind the other; see compiler.Learned
	BlockValues      = Program{"learned.values"}
	BlockRates       = Program{"learned.rates"}
	OpenRHS          = Program{"open.rhs"} // where the results of neural blocks are inputs
	OpenPredictions  = Program{"open.obs"}
)

// Programs of fields that are a network, see compiler.Collocation.
var (
	FieldValues = Program{"field.values"}
	FieldStart  = Program{"field.start"}
)

// Residual is what is left of condition k, ResidualRows its derivatives as well; WallHolds
// says whether it holds at a point of its side j.
func Residual(k int) Program     { return Program{"field." + strconv.Itoa(k)} }
func ResidualRows(k int) Program { return Program{"field." + strconv.Itoa(k) + ".rows"} }
func WallHolds(k, j int) Program {
	return Program{"field." + strconv.Itoa(k) + ".where." + strconv.Itoa(j)}
}

// Jump, Rest and Delay are what an event does.
func Jump(event string) Program  { return Program{"jump." + event} }
func Rest(event string) Program  { return Program{"rest." + event} }
func Delay(event string) Program { return Program{"delay." + event} }

// Slide is the motion along n surfaces at once, Exits the guards that say when it ends.
func Slide(n int) Program { return Program{"slide" + strconv.Itoa(n)} }
func Exits(n int) Program { return Program{"exits" + strconv.Itoa(n)} }

// VJP is the program's reverse derivative, VJP0 that without parameters, JVP its forward
// derivative.
func (p Program) VJP() Program  { return Program{p.name + ".vjp"} }
func (p Program) VJP0() Program { return Program{p.name + ".vjp0"} }
func (p Program) JVP() Program  { return Program{p.name + ".jvp"} }

// Jac is the program's derivative by the states, by its nonzeros, and that by time.
func (p Program) Jac() Program { return Program{p.name + ".jac"} }

// Curve is the derivative of the program along a direction of time and states.
func (p Program) Curve() Program { return Program{p.name + ".curve"} }

// Ct is the cotangent that reverse derivatives of the program read.
func (p Program) Ct() Input { return Input{name: "ct." + p.name} }

// Along is the program for a solution that slides along n surfaces, and did along nb
// before the instant.
func (p Program) Along(n, nb int) Program {
	switch {
	case n == 0 && nb == 0:
		return p
	case nb == 0:
		return Program{p.name + "@" + strconv.Itoa(n)}
	case n == 0:
		return Program{p.name + "@b" + strconv.Itoa(nb)}
	}
	return Program{p.name + "@" + strconv.Itoa(n) + "b" + strconv.Itoa(nb)}
}

// Outputs of programs of a model.
var (
	Value     = Output{"v"}
	Rates     = Output{"dy"}
	Guard     = Output{"g"}
	Rate      = Output{"rate"}
	Accel     = Output{"accel"}
	Instant   = Output{"s"} // scheduled scalars
	Loss      = Output{"loss"}
	Terms     = Output{"terms"}
	Pred      = Output{"pred"}
	NetArgs   = Output{"args"}
	NetVals   = Output{"values"}
	Dot       = Output{"dot"} // of forward derivatives
	TimeSlope = Output{"dt"}  // derivative by time

	Lo     = Output{"lo"}
	Hi     = Output{"hi"}
	RateLo = Output{"ratelo"}
	RateHi = Output{"ratehi"}
)
