package sim

import (
	"math"
	"unsafe"
)

// A tape is what a run did, entry by entry, as far as derivatives need it.
// Walking it backwards with cotangents, or forwards with tangents, gives the
// exact derivatives of the discrete solution, event times included.

// entryKind says what an entry of the tape did.
type entryKind uint8

const (
	stepEntry    entryKind = iota // a step of the solver
	stretchEntry                  // count free steps, of which only the start and the end are kept
	rollEntry                     // the lane's steps among records ref to count − 1 of the group's roll
	snapEntry                     // the values at a trigger were kept for later
	jumpEntry                     // an event's assignments
	restEntry                     // the assignments of `zeno rest`
	switchEntry                   // a switch took another branch
	saveEntry                     // saves read the state itself, not a step
	beforeEntry                   // saves read the state before an instant
	heldEntry                     // components were held at rest, or let go
)

// endKind says what fixes the end of a step, on which the derivative of its
// length depends.
type endKind uint8

const (
	endFree  endKind = iota // step-size control: the length is held fixed
	endFixed                // a given time
	endRoot                 // a root of guard ref
	endAt                   // scheduled scalar ref
	endEvery                // scalar From of event ref plus count periods
	endDelay                // the time of snapshot ref plus its delay
	endZeno                 // the limit of the times of three records of the log
)

// Most entries are those of steps, which are written and read in turn: what
// others have besides stands elsewhere, and no pointer is among it.
type entry struct {
	kind   entryKind
	end    endKind
	t, h   float64 // start and length of a step; the instant of the others
	state  int     // offset in flat of y and d: at the start, or before
	ref    int     // see endKind; of others: the event of a jump, the switch, the snapshot, or the offset in masks of what is held
	count  int     // endEvery: periods; stretch: steps; roll: behind its last record; jump: record of the log
	tick   int     // of a step: see Integrator.tick
	more   int     // place in jumps of a jump, and in limits of a step to endZeno
	lo, hi int     // saves read from this entry
	stages int     // 1 + offset in stages of what keepStages kept; 0: nothing
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
	entries []entry
	flat    []float64
	masks   []bool // true: read this component from the snapshot
	snaps   []snapshot
	jumps   []jumpRead
	limits  [][3]int  // see endZeno
	stages  []float64 // stage arguments of steps, and stage derivatives where times move

	// What expand made of the last stretch, and where the arenas ended before.
	steps            []entry
	endFlat, endKept int
}

func (tp *tape) reset() {
	tp.entries, tp.flat, tp.masks, tp.snaps = tp.entries[:0], tp.flat[:0], tp.masks[:0], tp.snaps[:0]
	tp.stages, tp.jumps, tp.limits = tp.stages[:0], tp.jumps[:0], tp.limits[:0]
}

// words is how much memory the tape takes.
func (tp *tape) words() int {
	const each = int(unsafe.Sizeof(entry{}) / 8)
	return len(tp.stages) + len(tp.flat) + each*len(tp.entries)
}

// Taped is how many words of memory the tape of the last run takes.
func (s *Integrator) Taped() int { return s.tape.words() }

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

// record puts what happened at an instant on the tape, and into the fingerprint of
// what happened in which order.
func (s *Integrator) record(e entry) {
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

// order is a fingerprint of what happened in which order. What happens at one place,
// as far as rounding can tell, has no order.
type order struct {
	t         float64 // of the last place
	here, all uint64  // what happened there, and before
}

// together is how far apart, beside the length of the run, things at one place are.
const together = 1e-11

func (o *order) add(s *Integrator, what uint64) {
	width := math.Max(together*(s.span.T1-s.span.T0), s.resolution())
	if s.t-o.t > width {
		o.all, o.here, o.t = o.sum(), 0, s.t
	}
	saves := s.nextSave
	for saves < len(s.span.Saves) && s.span.Saves[saves] <= o.t+width {
		saves++
	}
	o.here += what * (2*uint64(saves) + 1)
}

func (o *order) sum() uint64 { return mix(int(o.all), int(o.here)) }

// mix is a hash of numbers: FNV-1a, with the last step of SplitMix64.
func mix(list ...int) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, x := range list {
		h = (h ^ uint64(x)) * 0x100000001b3
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
