package sim

import (
	"slices"

	"github.com/pinode/pinode/events"
)

// rests are the events whose states are at rest, and those that will be.
type rests struct {
	*sides
	plans []restPlan // rests to come
	due   []restPlan // rests of this instant
	of    []rest     // by event
	freed []bool     // guards of events whose rest ended at this instant
}

// rest is whether the states of an event are at rest.
type rest struct {
	on    bool
	guard int  // of the surface that they rest on
	armed int8 // the side that it fires from
}

func newRests(s *sides) *rests {
	return &rests{sides: s, of: make([]rest, len(s.hy.Events)), freed: make([]bool, s.size.Guards)}
}

func (r *rests) reset() {
	clear(r.of)
	clear(r.freed)
	r.plans, r.due = r.plans[:0], r.due[:0]
}

// heldAtEnd sets the components that are held at the end of the run.
func (s *run) heldAtEnd() {
	clear(s.held)
	for i := len(s.tape.entries) - 1; i >= 0; i-- {
		if e := &s.tape.entries[i]; e.kind == heldEntry {
			s.setHeld(e, true)
			return
		}
	}
}

// near reports whether a guard rests on its surface, or is not armed yet, so that
// what counts is where it leaves to.
func (s *rests) near(i int) bool {
	return s.disarmed[i] || s.det.Side[i] == 0 && s.det.Watch[i] && !s.hy.Flags[i] && !s.slidesOn(i) || s.restsOn(i) >= 0
}

// stillRests reports whether the condition of an event at rest holds but for its
// guard: what the states rest on is there.
func (s *rests) stillRests(e int) bool {
	p := &s.of[e]
	was := s.det.Side[p.guard]
	s.det.Side[p.guard] = -p.armed
	defer func() { s.det.Side[p.guard] = was }()
	return s.hy.Events[e].Cond.Stays(s.det.Side)
}

// parked reports whether a guard is that of an event at rest, or soon to be: its side
// is not looked at.
func (s *rests) parked(guard int) bool {
	for i := range s.plans {
		if s.plans[i].guard == guard {
			return true
		}
	}
	return s.restsOn(guard) >= 0
}

// restsOn is the event at rest whose guard this is, or −1.
func (s *rests) restsOn(guard int) int {
	for e := range s.hy.Events {
		if s.of[e].on && s.of[e].guard == guard {
			return e
		}
	}
	return -1
}

// wake ends the rests of states that an event has set to other values.
func (s *rests) wake(ev *events.Event) {
	for e := range s.hy.Events {
		if !s.of[e].on {
			continue
		}
		for _, k := range s.hy.Events[e].Rest {
			if slices.Contains(ev.Targets, k) {
				s.release(e)
				break
			}
		}
	}
}

// release ends the rest of an event whose release guard has crossed.
func (s *rests) release(event int) {
	p := &s.of[event]
	p.on = false
	s.hold(event, false)
	s.det.Watch[s.hy.Events[event].Release] = false
	s.det.Watch[p.guard] = true
}

// releasedBy is the event at rest whose release guard this is, or −1.
func (s *rests) releasedBy(guard int) int {
	for e := range s.hy.Events {
		if s.of[e].on && s.hy.Events[e].Release == guard {
			return e
		}
	}
	return -1
}

// hold holds the continuous states that an event's rest assigns, or lets them
// go, and records what was held before and after.
func (s *rests) hold(event int, on bool) {
	e := entry{kind: heldEntry, t: s.t, ref: len(s.tape.masks)}
	s.tape.masks = append(s.tape.masks, s.held...)
	for _, k := range s.hy.Events[event].Rest {
		if k < len(s.held) {
			s.held[k] = on
		}
	}
	s.tape.masks = append(s.tape.masks, s.held...)
	s.record(e)
}

// setHeld takes over the components that an entry holds: those behind it, or
// those before it.
func (s *run) setHeld(e *entry, behind bool) {
	off := e.ref
	if behind {
		off += len(s.held)
	}
	copy(s.held, s.tape.masks[off:off+len(s.held)])
}
