package sim

import "github.com/pinode/pinode/events"

// Guards that come to their surface at an instant of something else, without a rate, and
// turn back there: where nothing at the instant leads them across, that is a graze, as it is
// between instants.

// touch is a guard as it was when an instant began.
type touch struct {
	guard int
	side  int8
	value float64
	fires bool // a comparison that holds at equality turns true
}

// touching finds them.
type touching struct {
	*sides
	step    *stepping
	clock   *clock
	rests   *rests
	conds   *conditions
	touches []touch // of this instant
}

// touchesNow reports whether guard j touches its surface.
func (s *touching) touchesNow(j int) bool {
	side := s.det.Side[j]
	if !s.plain(j) || s.disarmed[j] || side == 0 || s.lately[j].put != 0 || s.rests.near(j) || !s.onSurface(j) && !s.crossingNow(j) {
		return false
	}
	back := s.accel[j] * float64(side)
	return back > 0 && s.transversality(j, s.t-s.clock.before) <= grazeTol && !s.lands(j, s.step.stepper.H, s.here)
}

// truthOnSurface reports whether some event's condition, which does not hold, would where
// guard j is zero.
func (s *touching) truthOnSurface(j int) bool {
	was := s.det.Side[j]
	s.det.Side[j] = 0
	defer func() { s.det.Side[j] = was }()
	for e := range s.hy.Events {
		if ev := &s.hy.Events[e]; ev.Kind == events.When && !s.conds.holds[e] && ev.Cond.Holds(s.det.Side, nil) {
			return true
		}
	}
	return false
}

// noteTouches notes the guards that touch their surfaces when an instant begins, at the
// crossing of guard, or −1.
func (s *touching) noteTouches(guard int) {
	s.touches = s.touches[:0]
	for j := range s.det.Side {
		if j != guard && s.touchesNow(j) {
			s.touches = append(s.touches, touch{j, s.det.Side[j], s.g[j], s.truthOnSurface(j)})
		}
	}
}

// noted reports whether guard j touches its surface at this instant.
func (s *touching) noted(j int) bool {
	for i := range s.touches {
		if s.touches[i].guard == j {
			return true
		}
	}
	return false
}

// grazed is the failure of a guard that touched its surface, at the end of an instant at
// which nothing moved it or led it across.
func (s *touching) grazed() *Failure {
	for _, x := range s.touches {
		j := x.guard
		if !x.fires || s.g[j] != x.value || s.det.Side[j] != x.side || !s.truthOnSurface(j) { // it went across, or was moved
			continue
		}
		trans := s.transversality(j, s.t-s.clock.before)
		return s.blame(s.fail(Graze, 0, "a guard touches its surface at t = %.9g without crossing it (transversality %.1g), where something else happens", s.t, trans), j)
	}
	return nil
}
