package sim

import (
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// conditions are those of the events.
type conditions struct {
	*sides
	clock  *clock
	rests  *rests
	agenda jumps.Agenda // events that have fired and wait for their turn

	holds, stays []bool       // as of now: see events.Cond
	before0      []bool       // whether each held before the instant
	guardsOf     [][]int      // of each condition
	level        events.Sides // room: sides of the guards by their values alone
}

func newConditions(s *sides, clock *clock, rests *rests) *conditions {
	n := len(s.hy.Events)
	c := &conditions{
		sides: s, clock: clock, rests: rests,
		holds: make([]bool, n), stays: make([]bool, n), before0: make([]bool, n), level: make(events.Sides, s.size.Guards),
	}
	for e := range s.hy.Events {
		var list []int
		if cond := s.hy.Events[e].Cond; cond != nil {
			list = cond.Guards(nil)
		}
		c.guardsOf = append(c.guardsOf, list)
	}
	return c
}

// crossedBy is the guard whose crossing turned the condition of an event true.
func (s *conditions) crossedBy(e int) int {
	for _, g := range s.guardsOf[e] {
		if s.lately[g].crossed {
			return g
		}
	}
	return -1
}

// closedBy is the guard of an event that the last jump sent across, or −1.
func (s *conditions) closedBy(e int) int {
	for _, g := range s.guardsOf[e] {
		if s.lately[g].closed {
			return g
		}
	}
	return -1
}

// firesOn is the side of a guard on which the condition of an event holds, as the
// other guards are, and not on the other; where that does not tell, as of an edge, the
// one that the guard does not cross from.
func (s *conditions) firesOn(e, guard int) int8 {
	was := s.det.Side[guard]
	defer func() { s.det.Side[guard] = was }()
	cond := s.hy.Events[e].Cond
	s.det.Side[guard] = 1
	above := cond.Holds(s.det.Side, nil)
	s.det.Side[guard] = -1
	switch below := cond.Holds(s.det.Side, nil); {
	case above == below:
		return -s.armed[guard]
	case above:
		return 1
	}
	return -1
}

// update evaluates every condition and calls turned for those that have become true.
// What waits of an event whose condition has become false is dropped, unless it is
// persistent.
func (s *conditions) update(turned func(e int)) {
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
		if s.rests.of[e].on && !s.rests.stillRests(e) {
			s.rests.release(e)
		}
	}
}

func (s *conditions) dropDelayed(e int) {
	if s.clock.delayed.drop(func(x *delayedJump) bool { return s.tape.snaps[x.snap].event == e }) {
		s.clock.forgetStop() // it may have been the time of one of them
	}
}

// heldThroughout reports whether a condition that holds at the end of an instant held
// before it too, and while its guards were on their surfaces: a guard that comes to
// its surface and stays, or goes back, does not turn `>=` false. A jump onto the
// surface turns `>` false.
func (s *conditions) heldThroughout(e int) bool {
	if !s.before0[e] {
		return false
	}
	copy(s.level, s.det.Side)
	for _, g := range s.guardsOf[e] {
		if s.lately[g].crossed || s.lately[g].put != 0 {
			s.level[g] = 0
		}
	}
	return s.hy.Events[e].Cond.Holds(s.level, nil)
}
