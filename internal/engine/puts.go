package engine

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/sim"
)

// Puts calls f with each state that events of a run put somewhere, and with what they put there if they do so in the state
// y, d: at the start, or at the times at which data tell that they fire. Values need not be numbers.
func (s *eventPrograms) Puts(span *sim.Span, y, d []float64, f func(state int, v float64)) {
	jump := func(event int, t float64, args []float64) {
		e := s.Prog.Model.Events[event]
		v := make([]float64, len(e.Targets))
		s.Jump(event, t, y, d, args, v)
		for k, target := range e.Targets {
			if target < len(y) { // else a discrete variable
				f(target, v[k])
			}
		}
	}
	for i, e := range s.Prog.Model.Events {
		if e.Jump != nil && len(e.Checked.Args) == 0 && e.Checked.Kind != dsl.TriggerOnObservation {
			jump(i, span.T0, nil)
		}
	}
	for _, f := range span.Firings {
		jump(f.Event, f.T, f.Args)
	}
}
