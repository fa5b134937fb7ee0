package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/jumps"
)

// What a jump of the state, of an input or of a mode does to sides, modes and
// conditions.

// settle brings sides, switches and conditions up to date after a micro-step, and
// triggers the events whose conditions it turned true. A guard whose value the
// jump did not change stays on its side.
func (s *instant) settle() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	copy(s.before.g, s.g)
	copy(s.before.rate, s.rate)
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	s.switches.leaveEdges()
	some := false
	for range len(s.hy.Switches) + 1 {
		if !s.takeSides() {
			break
		}
		some = true
		copy(s.before.g, s.g)
		if !s.switches.followSides() {
			break
		}
		s.evalGuards() // those that read the modes may have jumped
	}
	if some {
		s.conds.update(func(e int) { s.trigger(jumps.Item{Event: e, Guard: -1}) })
	}
	return nil
}

// takeSides finds the sides of the guards whose values have jumped from gBefore,
// and reports whether there are any.
func (s *instant) takeSides() (some bool) {
	if !slices.Equal(s.g, s.before.g) {
		s.setSpreads()
	}
	for i := range s.det.Side {
		if s.g[i] != s.before.g[i] {
			if s.disarmed[i] {
				s.arm(i)
			}
			if e := s.rests.restsOn(i); e >= 0 && !s.onSurface(i) {
				s.rests.release(e)
			}
		}
		if !s.hy.Flags[i] && (!s.det.Watch[i] || s.g[i] == s.before.g[i]) || s.isExit(i) || s.onEdge(i) {
			continue
		}
		some = true
		if s.slidesOn(i) {
			if math.Abs(s.g[i]-s.before.g[i]) <= s.here.fine.g[i] {
				continue
			}
			s.turn(s.switchOf[i], float64(truth(s.g[i] > 0)))
		}
		s.crossed[i], s.landed[i] = false, false
		side := s.sideHere(i)
		turned := side != s.det.Side[i]
		s.setSide(i, side, withEdge)
		if e := s.rests.releasedBy(i); e >= 0 && turned {
			s.rests.freed[s.rests.of[e].guard] = true
			s.rests.release(e)
		}
	}
	return some
}

// rearm, at the end of an instant, finds the sides of the guards that are on their
// surface, and the modes of the switches there, by where the motion goes from
// here, and triggers the events whose conditions this turns true.
func (s *instant) rearm() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	if fail := s.switches.resolve(settling); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if s.hy.Flags[i] || !s.det.Watch[i] || s.isExit(i) || s.switchOf[i] >= 0 || s.rests.freed[i] || !s.onSurface(i) {
			continue
		}
		s.setSide(i, s.leaving(i), edgeIf(!s.crossed[i]))
		s.depart(i)
	}
	for e := range s.hy.Events {
		if p := &s.rests.of[e]; p.on && float64(p.armed)*s.rate[p.guard] > s.here.fine.rate[p.guard] {
			s.rests.release(e) // the surface goes away
		}
	}
	s.conds.update(func(e int) {
		if !s.conds.heldThroughout(e) {
			s.trigger(jumps.Item{Event: e, Guard: -1})
		}
	})
	return nil
}
