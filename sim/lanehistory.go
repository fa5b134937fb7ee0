package sim

import (
	"slices"

	"github.com/pinode/pinode/solvers"
)

// tick is the last record of the group's lane history so far. It orders the steps of
// all lanes, so that sweeps back go side by side as the lanes did.
func (s *run) tick() int {
	if s.group == nil {
		return 0
	}
	return len(s.group.hist.records) - 1
}

// laneHistory is the tape of the free-running lanes. Of each step of the group in
// which one of them accepted a step it has a record: what the derivative needs of the
// block, of all lanes, copied as it is. A trajectory's own tape notes which records
// are its own, and the sweep back goes through the records as the lanes went through
// their steps.
type laneHistory struct {
	blk    *solvers.Block
	whole  bool // records have the stages besides their arguments
	always bool // and all derivatives read them, not only those by times
	limit  int  // words

	before, after, acts    [][]float64 // the parts of a record, in their order
	size, actWords         int         // of a record, and of its activations
	stages, rates, actions int         // where these start in a record
	words                  []float64
	records                []stepRecord
}

// stepRecord is where the copy of a step starts among the words, and which lanes
// accepted it.
type stepRecord struct {
	at    int
	lanes uint64
	acts  bool // its activations were kept
}

// newLaneHistory keeps so many stages behind the first.
func newLaneHistory(blk *solvers.Block, stages int, moving, always bool, limit int) *laneHistory {
	r := &laneHistory{blk: blk, whole: moving || always, always: always, limit: limit}
	r.before = [][]float64{blk.T, blk.H, blk.Y[0]}
	r.after = [][]float64{blk.Stages[:stages*len(blk.Y[0])]}
	if r.whole {
		r.before = append(r.before, blk.K[0])
		r.after = append(r.after, blk.K[1:stages+1]...)
	}
	if len(blk.Acts) > 0 {
		for _, stage := range blk.Acts[1 : stages+1] {
			r.acts = append(r.acts, stage...)
		}
	}
	total := func(parts [][]float64) (n int) {
		for _, p := range parts {
			n += len(p)
		}
		return n
	}
	r.stages = total(r.before)
	r.rates = r.stages + len(r.after[0])
	r.actions = r.stages + total(r.after)
	r.size, r.actWords = r.actions, total(r.acts)
	return r
}

func (r *laneHistory) reset() { r.words, r.records = r.words[:0], r.records[:0] }

// full reports whether there is no room for another record.
func (r *laneHistory) full() bool { return len(r.words)+r.size > r.limit }

// open begins a record, before a step.
func (r *laneHistory) open() {
	at, n := len(r.words), r.size
	acts := r.actWords > 0 && at+n+r.actWords <= r.limit/2
	if acts {
		n += r.actWords
	}
	r.words = slices.Grow(r.words, n)[:at+n]
	to := r.words[at:]
	for _, p := range r.before {
		carry(to, p)
		to = to[len(p):]
	}
	r.records = append(r.records, stepRecord{at: at, acts: acts})
}

// close ends a record, after the step, with the lanes that accepted it. Without such
// lanes there is no record.
func (r *laneHistory) close(lanes uint64) {
	last := len(r.records) - 1
	rec := &r.records[last]
	if lanes == 0 {
		r.words, r.records = r.words[:rec.at], r.records[:last]
		return
	}
	rec.lanes = lanes
	to := r.words[rec.at+r.stages:]
	for _, p := range r.after {
		carry(to, p)
		to = to[len(p):]
	}
	if rec.acts {
		for _, p := range r.acts {
			carry(to, p)
			to = to[len(p):]
		}
	}
}

// carry copies numbers; one or two are not worth a call.
func carry(to, from []float64) {
	switch len(from) {
	case 1:
		to[0] = from[0]
	case 2:
		to[0], to[1] = from[0], from[1]
	default:
		copy(to, from)
	}
}

// restore puts a record back into the block, with rates if they are needed.
func (r *laneHistory) restore(k int, times Times) {
	rec := &r.records[k]
	from := r.words[rec.at:]
	for _, p := range r.before {
		carry(p, from[:len(p)])
		from = from[len(p):]
	}
	for i, p := range r.after {
		if i > 0 && times == WithoutTimes && !r.always {
			break
		}
		carry(p, from[:len(p)])
		from = from[len(p):]
	}
	if rec.acts {
		from = r.words[rec.at+r.actions:]
		for _, p := range r.acts {
			carry(p, from[:len(p)])
			from = from[len(p):]
		}
	}
}

// previous is the last record of a lane among those from first on and before k, or
// −1.
func (r *laneHistory) previous(first, k, lane int) int {
	for k--; k >= first; k-- {
		if r.records[k].lanes>>lane&1 != 0 {
			return k
		}
	}
	return -1
}

// lastActs puts a lane's activations of the end of a record's step in the place of
// those of the first, and reports whether they were kept.
func (r *laneHistory) lastActs(k, lane int) bool {
	rec := &r.records[k]
	if !rec.acts {
		return false
	}
	at := rec.at + r.actions + r.actWords/(len(r.after[0])/len(r.blk.Y[0]))*r.blk.End
	first := r.blk.Acts[0]
	for i := len(first) - 1; i >= 0; i-- {
		at -= len(first[i])
		from := r.words[at:]
		for e := lane; e < len(first[i]); e += r.blk.Width {
			first[i][e] = from[e]
		}
	}
	return true
}

// addRecords adds the entries of the step records from the given one on, whose steps went past
// the saves from the given one on.
func (s *history) addRecords(first, save int) {
	r, state := s.group.hist, s.tape.keep(s.y, s.d)
	for last := len(r.records); first < last; first += s.longest() {
		e := entry{kind: laneEntry, leg: s.leg, t: s.t, state: state, ref: first, count: min(first+s.longest(), last), lo: save}
		if k := r.previous(first, e.count, s.lane); k >= 0 {
			save = s.span.savesBefore(save, s.saves.next, r.end(k, s.lane))
		}
		e.hi = save
		s.tape.entries = append(s.tape.entries, e)
	}
}

// end is where a lane's step of a record ends.
func (r *laneHistory) end(k, lane int) float64 {
	rec := r.words[r.records[k].at:]
	return rec[lane] + rec[r.blk.Width+lane]
}

// laneSteps makes entries of the step records of an entry. They are valid until drop.
func (s *history) laneSteps(e *entry) []entry {
	r, tp, w := s.group.hist, &s.tape, s.blk.Width
	n, save := s.size.Y, e.lo
	_, d := tp.at(e.state, n, s.size.D)
	for k := e.ref; k < e.count; k++ {
		if r.records[k].lanes>>s.lane&1 == 0 {
			continue
		}
		rec := r.words[r.records[k].at:]
		x := entry{kind: stepEntry, leg: e.leg, t: rec[s.lane], h: rec[w+s.lane], lo: save}
		save = s.span.savesBefore(save, e.hi, r.end(k, s.lane))
		x.hi = save
		x.state = len(tp.flat)
		tp.flat = slices.Grow(tp.flat, n)[:x.state+n]
		s.blk.Gather(tp.flat[x.state:], rec[2*w:], s.lane)
		tp.flat = append(tp.flat, d...)
		if s.lazy && x.hi > x.lo { // it is taken again, for the stages behind its end
			tp.steps = append(tp.steps, x)
			continue
		}
		at := len(tp.stages)
		words := n * s.stages()
		if s.rates {
			words += n * (s.stages() + 1)
		}
		tp.stages = slices.Grow(tp.stages, words)[:at+words]
		x.stages = at + 1
		to := tp.stages[at:]
		part := func(m int, from []float64) {
			s.blk.Gather(to[:m], from, s.lane)
			to = to[m:]
		}
		part(n*s.stages(), rec[r.stages:])
		if s.rates {
			part(n, rec[r.stages-n*w:])
			part(n*s.stages(), rec[r.rates:])
		}
		tp.steps = append(tp.steps, x)
	}
	return tp.steps
}
