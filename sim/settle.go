package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// What a jump of the state, of an input or of a mode does to sides, modes and
// conditions.

// crossedBy is the guard whose crossing turned the condition of an event true.
func (s *Integrator) crossedBy(e int) int {
	for _, g := range s.guardsOf[e] {
		if s.crossed[g] {
			return g
		}
	}
	return -1
}

// conditions evaluates every condition and calls turned for those that have
// become true. What waits of an event whose condition has become false is
// dropped, unless it is persistent.
func (s *Integrator) conditions(turned func(e int)) {
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When {
			continue
		}
		now, stays := ev.Cond.Holds(s.det.Side, s.edge), ev.Cond.Stays(s.det.Side)
		if now && !s.holds[e] && turned != nil {
			turned(e)
		}
		if !stays && s.stays[e] && !ev.Persistent && ev.Threshold == 0 {
			s.agenda.Drop(e)
			s.dropDelayed(e)
		}
		s.holds[e], s.stays[e] = now, stays
		if s.atRest[e].predicted && !s.stillRests(e) {
			s.release(e)
		}
	}
}

func (s *Integrator) dropDelayed(e int) {
	if s.delayed.drop(func(x *delayedJump) bool { return s.tape.snaps[x.snap].event == e }) {
		s.stop.t = math.Inf(-1) // it may have been the time of one of them
	}
}

// settle brings sides, switches and conditions up to date after a micro-step, and
// triggers the events whose conditions it turned true. A guard whose value the
// jump did not change stays on its side.
func (s *Integrator) settle() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	copy(s.gBefore, s.g)
	copy(s.rateBefore, s.rate)
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	s.leaveEdges()
	some := false
	for range len(s.hy.Switches) + 1 {
		if !s.takeSides() {
			break
		}
		some = true
		copy(s.gBefore, s.g)
		if !s.resetSwitches() {
			break
		}
		s.evalGuards() // those that read the modes may have jumped
	}
	if some {
		s.conditions(func(e int) { s.trigger(jumps.Item{Event: e, Guard: -1}) })
	}
	return nil
}

// takeSides finds the sides of the guards whose values have jumped from gBefore,
// and reports whether there are any.
func (s *Integrator) takeSides() (some bool) {
	if !slices.Equal(s.g, s.gBefore) {
		s.setSpreads()
	}
	for i := range s.det.Side {
		if s.g[i] != s.gBefore[i] {
			if s.disarmed[i] {
				s.disarm(i, false)
			}
			if e := s.restsOn(i); e >= 0 && !s.onSurface(i) {
				s.release(e)
			}
		}
		if !s.hy.Flags[i] && (!s.det.Watch[i] || s.g[i] == s.gBefore[i]) || s.isExit(i) || s.onEdge(i) {
			continue
		}
		some = true
		if s.slidesOn(i) {
			if math.Abs(s.g[i]-s.gBefore[i]) <= s.off.fine.g[i] {
				continue
			}
			s.turn(s.switchOf[i], float64(truth(s.g[i] > 0)))
		}
		s.crossed[i], s.landed[i] = false, false
		side := s.sideHere(i)
		turned := side != s.det.Side[i]
		s.setSide(i, side, true)
		if e := s.releasedBy(i); e >= 0 && turned {
			s.freed[s.atRest[e].guard] = true
			s.release(e)
		}
	}
	return some
}

// rearm, at the end of an instant, finds the sides of the guards that are on their
// surface, and the modes of the switches there, by where the motion goes from
// here, and triggers the events whose conditions this turns true.
func (s *Integrator) rearm() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	if fail := s.resolve(false); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if s.hy.Flags[i] || !s.det.Watch[i] || s.isExit(i) || s.switchOf[i] >= 0 || s.freed[i] || !s.onSurface(i) {
			continue
		}
		s.setSide(i, s.leaving(i), !s.crossed[i])
		s.depart(i)
	}
	for e := range s.hy.Events {
		if p := &s.atRest[e]; p.predicted && float64(p.armed)*s.rate[p.guard] > s.off.fine.rate[p.guard] {
			s.release(e) // the surface goes away
		}
	}
	s.conditions(func(e int) {
		if !s.heldThroughout(e) {
			s.trigger(jumps.Item{Event: e, Guard: -1})
		}
	})
	return nil
}

// heldThroughout reports whether a condition that holds at the end of an instant held
// before it too, and while its guards were on their surfaces: a guard that comes to
// its surface and stays, or goes back, does not turn `>=` false.
func (s *Integrator) heldThroughout(e int) bool {
	if !s.held0[e] {
		return false
	}
	copy(s.level, s.det.Side)
	for _, g := range s.guardsOf[e] {
		if s.crossed[g] {
			s.level[g] = 0
		}
	}
	return s.hy.Events[e].Cond.Holds(s.level, nil)
}
