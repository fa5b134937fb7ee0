package place

import "strconv"

// Programs of first derivatives as matrices, see compiler.Program.Jacobian and Scores.
var (
	Jacobian = Program{"rhs.jacobian"}
	Scores   = Program{"row.scores"}
)

// Row derivatives: of number k of a vector by states, time, discrete variables, shared
// parameters and parameters of the trajectory, and by what was before the instant.
func RowByStates(k int) Output          { return Output{"y." + strconv.Itoa(k)} }
func RowByTime(k int) Output            { return Output{"t." + strconv.Itoa(k)} }
func RowByDiscretes(k int) Output       { return Output{"d." + strconv.Itoa(k)} }
func RowByParams(k int) Output          { return Output{"p." + strconv.Itoa(k)} }
func RowByOwn(k int) Output             { return Output{"q." + strconv.Itoa(k)} }
func RowByStatesBefore(k int) Output    { return Output{"yb." + strconv.Itoa(k)} }
func RowByDiscretesBefore(k int) Output { return Output{"db." + strconv.Itoa(k)} }

// Outputs of the scores of a row.
var (
	ScoreLoss = Output{"losses"}
	Residuals = Output{"residuals"}
)
