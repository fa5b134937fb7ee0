package place

import "strconv"

// Programs of first derivatives as matrices, see compiler.Program.Jacobian and Scores.
var (
	Jacobian = Program{"rhs.jacobian"}
	Scores   = Program{"row.scores"}
)

// Row derivatives: of number k of a vector by states, time, discrete variables, shared
// parameters and parameters of the trajectory, and by what was before the instant.
func ByStates(k int) Output          { return Output{"y." + strconv.Itoa(k)} }
func ByTime(k int) Output            { return Output{"t." + strconv.Itoa(k)} }
func ByDiscretes(k int) Output       { return Output{"d." + strconv.Itoa(k)} }
func ByParams(k int) Output          { return Output{"p." + strconv.Itoa(k)} }
func ByOwn(k int) Output             { return Output{"q." + strconv.Itoa(k)} }
func ByStatesBefore(k int) Output    { return Output{"yb." + strconv.Itoa(k)} }
func ByDiscretesBefore(k int) Output { return Output{"db." + strconv.Itoa(k)} }

// Outputs of the scores of a row.
var (
	ScoreLoss = Output{"losses"}
	Residuals = Output{"residuals"}
)
