package sim

import (
	"math"

	"github.com/pinode/pinode/events"
)

// idle are the guards of a step whose side no condition reads as the others are, and that cross
// their surface again and again, as one that is zero along the whole motion does by round-off, or are not
// numbers. They are not looked at until another guard crosses; their sides follow then.
type idle struct {
	crossings []int // of each guard in the step that changed nothing
	muted     []int
}

// mostCrossings is how often a guard crosses in a step before it is asked whether it need be looked at.
const mostCrossings = 32

// read reports whether something depends on the side of a guard, as the others are.
func (s *sides) read(guard int) bool {
	if s.switchOf[guard] >= 0 || guard >= s.own() {
		return true
	}
	side, edge := s.det.Side[guard], s.edge[guard]
	defer func() { s.det.Side[guard], s.edge[guard] = side, edge }()
	for e := range s.hy.Events {
		cond := s.hy.Events[e].Cond
		if s.hy.Events[e].Kind != events.When || !cond.Reads(guard) {
			continue
		}
		var holds, stays [3]bool
		for k := range int8(3) {
			s.det.Side[guard], s.edge[guard] = k-1, k-1
			holds[k], stays[k] = cond.Holds(s.det.Side, s.edge), cond.Stays(s.det.Side)
		}
		if holds[0] != holds[1] || holds[1] != holds[2] || stays[0] != stays[1] || stays[1] != stays[2] {
			return true
		}
	}
	return false
}

// finiteGuards is the failure of a guard that is not a number where something depends on its side. Exits have
// no value where a motion along a surface ends for good.
func (s *sides) finiteGuards() *Failure {
	for i, g := range s.g[:len(s.g)-s.size.Exits] {
		if math.IsNaN(g) && s.read(i) {
			return s.blame(s.fail(Unstable, 0, "a condition cannot be evaluated here: its guard is not a number"), i)
		}
	}
	return nil
}

// muteUnread stops looking at a guard, if there is one and nothing reads it, and reports whether it does.
func (s *search) muteUnread(guard int) bool {
	if guard < 0 || s.read(guard) {
		return false
	}
	s.idle.muted = append(s.idle.muted, guard)
	s.det.Watch[guard] = false
	return true
}

// muteOften counts a crossing of a guard that changed nothing, and stops looking at one that nothing reads and
// that has had many.
func (s *search) muteOften(guard int) {
	if s.idle.crossings[guard]++; s.idle.crossings[guard] > mostCrossings {
		s.muteUnread(guard)
	}
}

// followIdle gives the guards that are not looked at the sides that they have at a place of the step. One that is
// on its surface there, as far as numbers tell, or is none, stays on its side.
func (s *search) followIdle(theta float64) {
	if len(s.idle.muted) == 0 {
		return
	}
	s.Probe(theta, s.g, s.rate)
	for _, i := range s.idle.muted {
		if side := sign(s.g[i]); side != s.det.Side[i] && math.Abs(s.g[i]) > max(clearly*s.here.fine.g[i], math.Abs(s.rate[i])*s.resolution()) {
			s.pass(i, side, 0) // it crossed some time before
		}
	}
}

// rouse looks at the muted guards again that are to be.
func (s *search) rouse(which func(guard int) bool) {
	keep := s.idle.muted[:0]
	for _, i := range s.idle.muted {
		if which(i) {
			s.det.Watch[i] = true
		} else {
			keep = append(keep, i)
		}
	}
	s.idle.muted = keep
}
