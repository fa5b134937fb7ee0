package fit

// Estimate is one number that a model learns, or holds fixed.
type Estimate struct {
	Name      string // "e", "A[0,1]", "CL{subject=3}"
	Doc, Unit string
	Value     float64
	Start     float64
	StdErr    float64 // NaN: not known
	Lo, Hi    float64
	Fixed     bool
	Bound     bool        // the estimate is at its bound
	Likely    *[2]float64 // its 95 % interval by `uncertainty: profile`, that of all values at most; nil: there is none
}
