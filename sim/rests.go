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
	some  int        // events at rest
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
	r.some = 0
	r.plans, r.due = r.plans[:0], r.due[:0]
}

// heldAtEnd sets the components that are held at the end of the run.
func (s *run) heldAtEnd() {
	clear(s.held)
	for i := len(s.tape.entries) - 1; i >= 0; i-- {
		if e := &s.tape.entries[i]; e.kind == heldEntry {
			s.setHeld(e, behind)
			return
		}
	}
}

// near reports whether a guard rests on its surface, or is not armed yet, so that
// what counts is where it leaves to.
func (r *rests) near(i int) bool {
	return r.disarmed[i] || r.det.Side[i] == 0 && r.det.Watch[i] && !r.hy.Flags[i] && !r.slidesOn(i) || r.restsOn(i) >= 0
}

// stillRests reports whether the condition of an event at rest holds but for its
// guard: what the states rest on is there.
func (r *rests) stillRests(e int) bool {
	p := &r.of[e]
	was := r.det.Side[p.guard]
	r.det.Side[p.guard] = -p.armed
	defer func() { r.det.Side[p.guard] = was }()
	return r.hy.Events[e].Cond.Stays(r.det.Side)
}

// parked reports whether a guard is that of an event at rest, or soon to be: its side
// is not looked at.
func (r *rests) parked(guard int) bool {
	for i := range r.plans {
		if r.plans[i].guard == guard {
			return true
		}
	}
	return r.restsOn(guard) >= 0
}

// restsOn is the event at rest whose guard this is, or −1.
func (r *rests) restsOn(guard int) int {
	if r.some == 0 {
		return -1
	}
	for e := range r.hy.Events {
		if r.of[e].on && r.of[e].guard == guard {
			return e
		}
	}
	return -1
}

// wake ends the rests of states that an event has set to other values.
func (r *rests) wake(ev *events.Event) {
	for e := range r.hy.Events {
		if !r.of[e].on {
			continue
		}
		for _, k := range r.hy.Events[e].Rest {
			if slices.Contains(ev.Targets, k) {
				r.release(e)
				break
			}
		}
	}
}

// begin begins the rest of an event.
func (r *rests) begin(event int, p rest) {
	if !r.of[event].on {
		r.some++
	}
	r.of[event] = p
}

// release ends the rest of an event whose release guard has crossed.
func (r *rests) release(event int) {
	p := &r.of[event]
	p.on = false
	r.some--
	r.letGo(event)
	r.det.Watch[r.hy.Events[event].Release] = false
	r.det.Watch[p.guard] = true
}

// releasedBy is the event at rest whose release guard this is, or −1.
func (r *rests) releasedBy(guard int) int {
	if r.some == 0 {
		return -1
	}
	for e := range r.hy.Events {
		if r.of[e].on && r.hy.Events[e].Release == guard {
			return e
		}
	}
	return -1
}

// hold holds the continuous states that an event's rest assigns.
func (r *rests) hold(event int) { r.record(r.change(event, true)) }

// letGo lets them move again.
func (r *rests) letGo(event int) { r.record(r.change(event, false)) }

// change sets whether the continuous states of an event's rest are held. The entry
// has what was held before and behind.
func (r *rests) change(event int, held bool) entry {
	e := entry{kind: heldEntry, t: r.t, ref: len(r.tape.masks)}
	r.tape.masks = append(r.tape.masks, r.held...)
	for _, k := range r.hy.Events[event].Rest {
		if k < len(r.held) {
			r.held[k] = held
		}
	}
	r.tape.masks = append(r.tape.masks, r.held...)
	return e
}

// where is a side of an entry of the tape.
type where uint8

const (
	before where = iota
	behind
)

// setHeld takes over the components that are held on one side of an entry.
func (s *run) setHeld(e *entry, at where) {
	off := e.ref
	if at == behind {
		off += len(s.held)
	}
	copy(s.held, s.tape.masks[off:off+len(s.held)])
}
