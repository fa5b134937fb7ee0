package sim

import (
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// start sets the initial state, the sides of the guards and the modes of the
// switches, and carries out what happens at the initial time.
func (s *instant) start() *Failure {
	s.model.Init(s.t, s.y, s.d)
	s.rates.firstThresholds()
	if !finite(s.y) || undefined(s.d) {
		return s.fail(Unstable, 0, "the initial state is not finite")
	}
	s.model.Times(s.clock.sched)
	if fail := s.clock.skipPast(); fail != nil {
		return fail
	}
	s.segment(s.t)
	if fail := s.steadyStart.steady(); fail != nil {
		return fail
	}
	if s.hy.Balance > 0 {
		s.firstModes() // the constraints read them
	}
	if fail := s.balancing.balance(anew); fail != nil {
		return fail
	}
	if !s.moving {
		s.step.startStep()
		return s.step.finiteRates()
	}
	if s.size.Guards > 0 {
		if fail := s.firstSides(); fail != nil {
			return fail
		}
		if s.hy.Balance > 0 { // guards may read the unknowns, and the modes of surfaces are known now
			if fail := s.balancing.balance(anew); fail != nil {
				return fail
			}
			if fail := s.firstSides(); fail != nil {
				return fail
			}
		}
	}
	clear(s.edge) // what begins has crossed nothing
	s.begin()
	s.equalities(s.conds.level)
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When {
			continue
		}
		before := ev.Cond.Holds(s.conds.level, nil)
		s.conds.holds[e], s.conds.stays[e] = ev.Cond.Holds(s.det.Side, nil), ev.Cond.Stays(s.det.Side)
		// A strict comparison on its surface turns true just behind the
		// start; one that holds from the start fires only if asked to.
		if s.conds.holds[e] && (!before || s.clock.atStart(e)) {
			s.trigger(jumps.Item{Event: e, Guard: -1})
		} else if s.conds.holds[e] {
			s.zeno.held(e)
		}
	}
	if fail := s.carryOut(); fail != nil {
		return fail
	}
	return s.step.finiteRates()
}

// firstModes sets the modes of the switches by the values of their guards.
func (s *instant) firstModes() {
	if s.size.Guards == 0 {
		return
	}
	s.switches.setFloors()
	s.evalGuards()
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; !w.Floor {
			s.setModes(i, float64(truth(s.g[w.Guard] > 0)))
			s.evalGuards() // others may read it
		}
	}
}

// firstSides sets the modes of the switches and the sides of all guards at the
// start.
func (s *instant) firstSides() *Failure {
	s.firstModes()
	s.setSpreads()
	s.equalities(s.det.Side) // which tell what is read of guards that are not numbers
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if s.det.Side[w.Guard] = 1; w.Floor { // of the others none has come to rest
			s.det.Side[w.Upper] = -1
		}
	}
	if fail := s.switches.resolve(settling); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if s.switchOf[i] < 0 {
			if s.det.Side[i] = s.sideHere(i); s.det.Side[i] == 0 && !s.hy.Flags[i] {
				s.restWithin(i)
			}
		}
		if !s.hy.Flags[i] && s.det.Watch[i] && !s.isExit(i) && s.onSurface(i) {
			s.depart(i)
		}
		s.armed[i] = s.det.Side[i]
	}
	return nil
}
