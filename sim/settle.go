package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// What a jump of the state, of an input or of a mode does to sides, modes and
// conditions.

// noEvent is what settle takes where it was not an event that jumped.
const noEvent = -1

// settle brings sides, switches and conditions up to date after a micro-step, that of
// an event or of the inputs, and triggers the events whose conditions it turned true. A
// guard whose value the jump did not change stays on its side, unless it is on its
// surface and turns back there.
func (s *instant) settle(event int) *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	copy(s.before.g, s.g)
	copy(s.before.rate, s.rate)
	s.evalGuards()
	s.switches.leaveEdges()
	some := event != noEvent && s.putBack(event)
	some = s.turnBack() || some
	some = s.conds.closeUp() || some
	for range len(s.hy.Switches) + 1 {
		if !s.takeSides(event) {
			break
		}
		some = true
		copy(s.before.g, s.g)
		if !s.switches.followSides() {
			break
		}
		s.evalGuards() // those that read the modes may have jumped
	}
	if fail := s.finiteGuards(); fail != nil { // the sides of others tell what is read
		return fail
	}
	if some {
		s.conds.update(func(e int) { s.trigger(jumps.Item{Event: e, Guard: s.conds.closedBy(e)}) })
	}
	return nil
}

// putBack notes the guards that an event leaves on their surface by an assignment to
// what they read, though to the value that was there, and reports whether there are any.
func (s *instant) putBack(event int) (some bool) {
	for i := range s.det.Side {
		if s.plain(i) && s.det.Side[i] != 0 && s.g[i] == s.before.g[i] && s.onSurface(i) && s.assigns(event, i, value) && !s.keepsSide(event, i) {
			s.lately[i].put, some = event+1, true
			s.setSide(i, 0, noEdge)
		}
	}
	return some
}

// keepsSide reports whether an event that a crossing of guard i fired leaves what is beyond its surface
// there, as `v := 0.9*v` does where v < 0, and `v := 0` does not: by the jump from a state a little later.
func (s *instant) keepsSide(event, i int) bool {
	if event == noEvent || !s.lately[i].crossed || s.hy.Events[event].Kind != events.When {
		return false
	}
	ev, last := &s.hy.Events[event], &s.out.Log[len(s.out.Log)-1]
	later := math.Max(1e-4*(s.t-s.clock.before), 1e3*s.resolution())
	y, d, flow := slices.Clone(last.YBefore), slices.Clone(last.DBefore), make([]float64, s.size.Y)
	s.model.RHS(s.t, y, d, flow)
	for k, v := range flow {
		if !s.held[k] {
			y[k] += later * v
		}
	}
	at := &s.switches.inBranch
	s.model.GuardsAlong(s.t+later, y, d, flow, at.g, at.rate)
	beyond := at.g[i]
	v := s.vals[:len(ev.Targets)]
	s.model.Jump(event, s.t+later, y, d, nil, v)
	jumps.Assign(y, d, ev.Targets, ev.Adds, v)
	s.model.GuardsAlong(s.t+later, y, d, flow, at.g, at.rate)
	return at.g[i]*beyond > 1e-6*beyond*beyond
}

// turnBack takes the guards that crossed at this instant, and that a jump of the field
// leads back, onto their surface: what asks for more than that is not true there.
func (s *instant) turnBack() (some bool) {
	for i := range s.lately {
		if !s.plain(i) || s.rate[i] == s.before.rate[i] || !s.onSurface(i) {
			continue
		}
		s.lately[i].jolted = true
		if side := s.det.Side[i]; s.lately[i].crossed && side != 0 && s.leaving(i) == -side {
			s.setSide(i, 0, noEdge)
			some = true
		}
	}
	return some
}

// closeUp takes the guards across their surfaces that a jump of the field sends there in less
// time than the clock can tell, as of bodies that touch but for the time at which they met,
// and reports whether there are any. Those on their surface wait for the end of the instant.
func (s *conditions) closeUp() (some bool) {
	for i := range s.det.Side {
		s.lately[i].closed = false
		if !s.plain(i) || s.onSurface(i) || s.lately[i].crossed || s.det.Side[i] == 0 || s.rate[i] == s.before.rate[i] {
			continue
		}
		if side := float64(s.det.Side[i]); side*s.rate[i] < 0 && math.Abs(s.g[i]) <= math.Abs(s.rate[i])*s.resolution() {
			s.lately[i].crossed, s.lately[i].closed, some = true, true, true
			s.lately[i].residual = math.Max(s.lately[i].residual, math.Abs(s.g[i])) // it is on its surface as far as the time is known
			s.here.fine.g[i] = math.Max(s.here.fine.g[i], 8*s.lately[i].residual)
			s.met[i] = meeting{s.rate[i], 1}
			s.setSide(i, -s.det.Side[i], withEdge)
		}
	}
	return some
}

// plain reports whether guard i is watched, or will be, and of events alone.
func (s *sides) plain(i int) bool {
	return (s.det.Watch[i] || s.disarmed[i]) && !s.hy.Flags[i] && s.switchOf[i] < 0 && i < s.own()
}

// assigned is what of a guard a jump may move.
type assigned uint8

const (
	value assigned = iota
	valueOrRate
)

// assigns reports whether an event assigns a continuous state that moves guard i at
// once, or its rate.
func (s *guards) assigns(event, i int, of assigned) bool {
	clear(s.reach)
	for _, k := range s.hy.Events[event].Targets {
		if k < s.size.Y {
			s.reach[k] = 1
		}
	}
	s.model.Spread(s.t, s.y, s.d, s.reach, 0, s.there.g, s.there.rate)
	return s.there.fine.g[i] > 0 || of == valueOrRate && s.there.fine.rate[i] > 0
}

// takeSides finds the sides of the guards whose values have jumped from before, by a
// jump of an event or noEvent, and reports whether there are any. One that jumped onto
// its surface is on it until the instant ends.
func (s *instant) takeSides(event int) (some bool) {
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
		if s.plain(i) && s.onSurface(i) && s.keepsSide(event, i) {
			continue
		}
		some = true
		if s.slidesOn(i) {
			if math.Abs(s.g[i]-s.before.g[i]) <= s.here.fine.g[i] {
				continue
			}
			s.turn(s.switchOf[i], float64(truth(s.g[i] > 0)))
		}
		s.lately[i].crossed, s.lately[i].landed = false, false
		if event == noEvent && math.Abs(s.g[i]) <= math.Abs(s.rate[i])*s.resolution() { // as far as the time is known
			s.lately[i].residual = math.Max(s.lately[i].residual, math.Abs(s.g[i]))
			s.here.fine.g[i] = math.Max(s.here.fine.g[i], 8*s.lately[i].residual)
		}
		side := s.sideHere(i)
		if s.lately[i].put = 0; s.plain(i) && s.onSurface(i) {
			s.lately[i].put, side = event+1, 0
		}
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
		if s.touching.noted(i) && s.leaving(i) != -s.det.Side[i] {
			continue // it turns back
		}
		if s.lately[i].crossed && s.lately[i].through && s.lately[i].put == 0 {
			s.awaitDeparture(i)
			continue
		}
		s.setSide(i, s.leaving(i), edgeIf(!s.lately[i].crossed))
		s.depart(i)
	}
	for e := range s.hy.Events {
		if p := &s.rests.of[e]; p.on && float64(p.armed)*s.rate[p.guard] > 0 && !s.still(p.guard) {
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
