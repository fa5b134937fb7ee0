package fit

// Certificate compares derivatives in several gradient modes with finite
// differences, at the start values. The targets are the loss of a trajectory,
// or the states at the end where the file has no data, and the times of the
// first events. Every coordinate is compared on a trajectory on which it acts,
// and where there are several trajectories the loss of all of them along one
// direction through all coordinates.
type Certificate struct {
	Modes   []string
	Targets []CertifiedTarget
	Events  []CertifiedEvent
	Inert   []string // parameters that have no effect at the start values
	Notes   []string // what makes differences doubtful in this model

	InertWeights int // of those that were looked at

	// Worst is the largest disagreement, in the scale of its derivative; Mode
	// and Where say which it is. Up to Tolerance is agreement.
	Worst     float64
	Tolerance float64
	Mode      string
	Where     string

	// Compared and Doubtful count the derivatives of losses, or of the states
	// at the end: those that differences confirm, and those that they cannot
	// tell but on which the modes agree among each other.
	Compared, Doubtful int
}

// Certified reports whether no derivative disagrees, and one at least was
// compared.
func (c *Certificate) Certified() bool {
	return c.Worst <= c.Tolerance && c.Compared+c.Doubtful > 0
}

// CertifiedEvent is an event of the run.
type CertifiedEvent struct {
	Name           string
	Time           float64
	Transversality float64 // 0 at a graze, 1 far from one; NaN without a guard
}

// CertifiedTarget is a number and its derivatives.
type CertifiedTarget struct {
	Name  string
	Event int // of which it is the time, in Events, or -1
	Rows  []CertifiedPartial
}

// CertifiedPartial is the derivative by one coordinate, a parameter or a
// weight, or along a direction.
type CertifiedPartial struct {
	Name        string
	Weight      bool // of a network
	Difference  float64
	Uncertainty float64   // estimated error of Difference
	Failed      string    // why there is no difference; empty if there is one
	Gradient    []float64 // by mode
	Off         []float64 // by mode: the disagreement, in the scale of the derivative
	Doubtful    string    // why differences cannot tell; then the disagreement is that among the modes
	Direction   bool      // through all coordinates
}
