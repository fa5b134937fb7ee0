package sim

import "time"

// Comparison is a row of a work–precision table: what the simulation took with a solver, and
// how far it came out from the tightest solution.
type Comparison struct {
	Solver          string
	RTol, Step      float64       // the relative tolerance, or the length of fixed steps
	Error           float64       // of all states at all output times, beside the largest value of each in the run; NaN for a failed run
	Steps, Rejected int           // of all runs together
	Evaluations     int           // of the right-hand side
	Time            time.Duration // the least of some rounds
	Failed          string        // why there is no solution; else empty
}
