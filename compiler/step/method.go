package step

import "github.com/pinode/pinode/internal/stepsize"

// Method is a one-step method as far as a program for its step
// needs it: row i of A has the i weights of stage i's argument, of
// which that of stage End is the end of the step; E and E2 are those of the embedded
// errors, if any.
type Method struct {
	C     []float64
	A     [][]float64
	E, E2 []float64
	End   int

	// Of a Rosenbrock method, see solvers.Rosenbrock; else zero.
	Gamma  float64
	Couple [][]float64
	Slope  []float64

	// Of a symplectic method: 1 for the stages that move the momenta alone, −1 for those that
	// move the positions alone, 0 for others.
	Parts []int

	Control stepsize.Control
	Slack   float64 // how much of itself an integrated intensity may lose in a step

	// Of the dense output, the weights of the stage derivatives in its Bernstein
	// coefficients, see solvers.Tableau.Bernstein.
	Bernstein [][]float64
}
