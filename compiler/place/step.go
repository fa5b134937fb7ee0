package place

import "strconv"

// Programs of whole steps, see package step.
var (
	Step         = Program{"step"}
	StepBehind   = Program{"step.behind"}
	StepActs     = Program{"step.acts"}
	StepVJP      = Program{"step.vjp"}
	StepVJPTimes = Program{"step.vjpt"}
	StepVJPLast  = Program{"step.vjp.last"}
	StepByLength = Program{"step.length"}
	StepJVP      = Program{"step.jvp"}
)

// Inputs of steps.
var (
	StepLength = Input{name: "h"}
	// Second derivatives of the signals at the start of a step.
	SignalCurves = Input{name: "utt.0"}

	LengthDot  = Input{name: "th"} // tangent of the length
	LaneParams = Input{name: "pl"} // parameters that differ between lanes
	Tolerances = Input{name: "tol", shared: true}
	Side       = Input{name: "side"} // of each guard, 0 for one that is not watched

	EndBar    = Input{name: "ct.step"} // cotangent of the end
	LastTBar  = Input{name: "last.t"}  // cotangents of the last stage's arguments
	LastYBar  = Input{name: "last.y"}
	LastDBar  = Input{name: "last.d"}
	LastHBar  = Input{name: "last.h"} // and of the length and the start, through stages behind the end
	LastYBar0 = Input{name: "last.y0"}

	// Of lanes that go on by themselves, see solvers.Block.
	Before   = Input{name: "before"}
	Until    = Input{name: "until"}
	Stop     = Input{name: "stop"}
	Cap      = Input{name: "cap"}
	Sure     = Input{name: "sure"}
	Outcome  = Input{name: "outcome"}
	Next     = Input{name: "next"}
	Clipped  = Input{name: "clipped"}
	Rejected = Input{name: "rejected"}
	Taken    = Input{name: "taken"}
	Refused  = Input{name: "refused"}
	Left     = Input{name: "left"}
	Longest  = Input{name: "longest"}
)

// StageState is the argument of stage i, StageRate its derivative and StageRateBar the
// cotangent of that.
func StageState(i int) Input   { return stage("y", i) }
func StageRate(i int) Input    { return stage("k", i) }
func StageRateBar(i int) Input { return stage("kb", i) }

// StageSignals are the signals at the time of stage i, StageSignalRates their rates.
func StageSignals(i int) Input     { return stage("u", i) }
func StageSignalRates(i int) Input { return stage("ut", i) }

// StageAct is activation j of stage i.
func StageAct(i, j int) Input { return stage("act."+strconv.Itoa(i), j) }

func stage(name string, i int) Input { return Input{name: name + "." + strconv.Itoa(i)} }

// Outputs of steps.
var (
	StepMean       = Output{"mean"}
	StepLog        = Output{"log"}
	StepFactor     = Output{"factor"}
	StepNoCrossing = Output{"noCrossing"}

	StepEndByLength = Output{"ph"}
	StepEndDot      = Output{"enddot"}
)

// StageRateByLength is the derivative of stage i's by the length.
func StageRateByLength(i int) Output { return Output{"kh." + strconv.Itoa(i)} }

// StageRateDot is the tangent of stage i's derivative.
func StageRateDot(i int) Output { return Output{"kdot." + strconv.Itoa(i)} }
