package sim

import "github.com/pinode/pinode/events"

// Box is a time, a state, and its derivative by time, each between two bounds.
type Box struct {
	TLo, THi                 float64
	YLo, YHi, FlowLo, FlowHi []float64
}

// Bounded is a model that bounds its guards, and their rates by time where the
// state moves by the flow, over a box, and reports whether it can. Without that
// they are looked at in many places of each step.
type Bounded interface {
	Bounds(box *Box, d []float64, to *events.Bounds) bool
}

// Bounds bounds the guards over the part [a, b] of the step.
func (s *Integrator) Bounds(a, b float64, to *events.Bounds) bool {
	m, ok := s.model.(Bounded)
	if !ok {
		return false
	}
	if s.box.YLo == nil {
		for _, v := range []*[]float64{&s.box.YLo, &s.box.YHi, &s.box.FlowLo, &s.box.FlowHi} {
			*v = make([]float64, s.size.Y)
		}
	}
	s.box.TLo, s.box.THi = s.t+a*s.step.H, s.t+b*s.step.H
	s.step.Range(a, b, s.box.YLo, s.box.YHi, s.box.FlowLo, s.box.FlowHi)
	return m.Bounds(&s.box, s.d, to)
}

// unproven counts a step in which nothing proves that a guard does not cross.
func (s *Integrator) unproven() {
	if s.det.Unproven < 0 {
		return
	}
	st := &s.out.Stats
	if s.counted != st.Steps { // once for each step
		s.counted = st.Steps
		st.Unproven++
	}
	st.UnprovenGuard = s.det.Unproven
}
