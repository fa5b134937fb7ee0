package sim

import "unsafe"

// A tape is what a run did, entry by entry, as far as derivatives need it.
// Walking it backwards with cotangents, or forwards with tangents, gives the
// exact derivatives of the discrete solution, event times included.

// entryKind says what an entry of the tape did.
type entryKind uint8

const (
	stepEntry    entryKind = iota // a step of the solver
	segmentEntry                  // a checkpoint segment: count free steps, of which the start and the end are kept
	laneEntry                     // the lane's steps among records ref to count − 1 of the lane history
	snapEntry                     // the values at a trigger were kept for later
	jumpEntry                     // an event's assignments
	restEntry                     // the assignments of `zeno rest`
	switchEntry                   // a switch took another branch
	saveEntry                     // saves read the state itself, not a step
	beforeEntry                   // saves read the state before an instant
	heldEntry                     // components were held at rest, or released
	balanceEntry                  // algebraic unknowns were found
	descentEntry                  // a stretch at whose end guard ref comes to rest, as fine as count
	steepEntry                    // a piece starts on the surface of guard ref, where the slope of the field is infinite
	vanishEntry                   // a guard came to its surface where its rate vanishes: see vanishing
	tieEntry                      // the instant takes the time of tie ref of the descent before
)

// endKind says what fixes the end of a step, on which the derivative of its
// length depends.
type endKind uint8

const (
	endFree    endKind = iota // step-size control: the length is held fixed
	endFixed                  // a given time
	endRoot                   // a root of guard ref
	endAt                     // scheduled scalar ref
	endEvery                  // scalar From of event ref plus count periods
	endDelay                  // the time of snapshot ref plus its delay
	endZeno                   // the limit of the times of three records of the log
	endDescent                // where guard ref comes to rest: see descent
)

// entry is what the run did at one place. Most entries are steps, which are written
// and read one after the other: what other kinds have besides is in lists of its own,
// and entries hold no pointers.
type entry struct {
	kind   entryKind
	end    endKind
	leg    uint16  // of the run: which method did it, and where
	t, h   float64 // start and length of a step; the instant of the others, and of vanishing the rate by which it does
	state  int     // offset in flat of y and d: at the start, or before
	ref    int     // see endKind; of others: the event of a jump, the switch, the snapshot, or the offset in masks of what is held
	count  int     // endEvery: periods; segment: steps; lane: behind its last record; jump: record of the log
	tick   int     // of a step: see run.tick
	more   int     // place in jumps of a jump, in limits of a step to endZeno, in descents of one
	lo, hi int     // saves read from this entry
	stages int     // 1 + offset in stages of what saveStages kept; 0: nothing
	acts   int     // 1 + offset in stages of its activations; 0: none are kept
}

// jumpRead is what the right-hand sides of a jump read.
type jumpRead struct {
	snap int // a snapshot, or −1: the state before
	mask int // offset in masks, or −1: read everything from the snapshot
	args []float64
}

// snapshot are the values at a trigger.
type snapshot struct {
	t     float64
	state int
	event int
	delay float64 // of the event's assignments
	args  []float64
	micro int // how many micro-steps of its instant came before
}

// tape holds the entries of one run in arenas that later runs reuse.
type tape struct {
	entries  []entry
	flat     []float64
	masks    []bool // true: read this component from the snapshot
	snaps    []snapshot
	jumps    []jumpRead
	limits   [][3]int // see endZeno
	descents []fallOfTape
	ties     []tie
	stages   []float64 // stage arguments of steps, and stage derivatives where times move

	// What recompute made of the last segment, and where the arenas ended before.
	steps            []entry
	endFlat, endKept int
}

func (tp *tape) reset() {
	tp.entries, tp.flat, tp.masks, tp.snaps = tp.entries[:0], tp.flat[:0], tp.masks[:0], tp.snaps[:0]
	tp.stages, tp.jumps, tp.limits = tp.stages[:0], tp.jumps[:0], tp.limits[:0]
	tp.descents, tp.ties = tp.descents[:0], tp.ties[:0]
}

// words is how much memory the tape takes.
func (tp *tape) words() int {
	const each = int(unsafe.Sizeof(entry{}) / 8)
	return len(tp.stages) + len(tp.flat) + each*len(tp.entries)
}

// keep stores y and d and returns where.
func (tp *tape) keep(y, d []float64) int {
	off := len(tp.flat)
	tp.flat = append(append(tp.flat, y...), d...)
	return off
}

// at returns the state stored at off.
func (tp *tape) at(off, ny, nd int) (y, d []float64) {
	return tp.flat[off : off+ny : off+ny], tp.flat[off+ny : off+ny+nd : off+ny+nd]
}

// tiesOf are those at the end of a descent.
func (tp *tape) tiesOf(e *entry) []tie {
	x := &tp.descents[e.more]
	return tp.ties[x.ties:x.behind]
}

// record puts what happened at an instant on the tape, and into the fingerprint of
// what happened in which order.
func (s *run) record(e entry) {
	e.leg = s.leg
	s.tape.entries = append(s.tape.entries, e)
	switch e.kind {
	case snapEntry:
		s.order.add(s, mix(int(e.kind), s.tape.snaps[e.ref].event))
	case switchEntry: // of several turns at one place the first and the last count
		_, before := s.tape.at(e.state, s.size.Y, s.size.D)
		for _, at := range s.hy.Switches[e.ref].Modes {
			s.order.add(s, mix(int(e.kind), at, int(4*s.d[at]))-mix(int(e.kind), at, int(4*before[at])))
		}
	case jumpEntry, restEntry:
		s.order.add(s, mix(int(e.kind), e.ref))
	case heldEntry:
		s.order.add(s, mix(int(e.kind)))
	}
}
