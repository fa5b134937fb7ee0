package sim

import "math"

// Trace is what step control did in a run, one step after the other, and how large each
// component of the state was where steps began.
type Trace struct {
	Accepted, Rejected []TracedStep
	Size               []float64
	Changes            []Change // of the method
}

// Change says from when on another method took the steps.
type Change struct {
	T      float64
	Method string
}

// TracedStep is a step of length H from T.
type TracedStep struct{ T, H float64 }

// traceStep notes a step of length h from the current time.
func (s *run) traceStep(h float64, accepted bool) {
	tr := s.span.Trace
	switch {
	case tr == nil:
	case accepted:
		tr.Accepted = append(tr.Accepted, TracedStep{s.t, h})
		for i, v := range s.y {
			tr.Size[i] = math.Max(tr.Size[i], math.Abs(v))
		}
	default:
		tr.Rejected = append(tr.Rejected, TracedStep{s.t, h})
	}
}

// traceMethod notes that another method takes the steps from here.
func (s *run) traceMethod() {
	if tr := s.span.Trace; tr != nil {
		tr.Changes = append(tr.Changes, Change{s.t, s.opt.Method.Name})
	}
}
