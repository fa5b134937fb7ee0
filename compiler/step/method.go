package step

// Method is an explicit Runge–Kutta method as far as a program for its step
// needs it: row i of A has the i weights of stage i's argument, the last of
// which is the end of the step; E are those of the embedded error, if any.
type Method struct {
	C []float64
	A [][]float64
	E []float64

	// Step control: of the next length, see the results of a step.
	Alpha, Beta, Safety, Least, Most, Back float64

	// Of the runs that a step goes on by itself: the least logarithm of an
	// error that is remembered; the part of the way to a stop from which on a
	// step ends there; the least length beside the time.
	LeastLog, Near, Tiny float64

	Slack float64 // how much of itself an integrated intensity may lose in a step

	// Of the dense output, the weights of the stage derivatives in its Bernstein
	// coefficients, see solvers.Tableau.Bernstein.
	Bernstein [][]float64
}
