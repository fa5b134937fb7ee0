package sim

// walk is a way back over the tape, entry by entry, through the steps of checkpoint
// segments and of the lane history too.
type walk struct {
	*history
	e          *entry  // the current entry
	at         int     // its place, or that of the entry whose steps it is one of
	before     []entry // of the steps of that entry, those before it
	recomputed bool    // the steps of the entry were found again

	sideways bool // others go along in other lanes
	parked   bool // the way goes on in another lane

	inPlace bool // steps of the lane history are not made entries: see record
	record  int  // the current step record of the lane history, or −1
	carried bool // the cotangent of the state is in the lane
	save    int  // of the entry of that record, the first save behind its step, then the first one in it
	saveEnd int  // and the one behind those
}

// begin starts behind the last entry.
func (w *walk) begin() {
	w.at = len(w.tape.entries)
	w.before, w.recomputed, w.inPlace, w.record, w.carried = nil, false, false, -1, false
	w.sideways, w.parked = false, false
	w.enter(uint16(len(w.list) - 1))
}

// back goes to the entry before the current one, and reports whether there is one.
func (w *walk) back() bool {
	if w.opt.ended() {
		w.before, w.at = nil, 0
	}
	if n := len(w.before); n > 0 {
		w.e, w.before = &w.before[n-1], w.before[:n-1]
		return true
	}
	if w.recomputed {
		w.drop()
		w.recomputed = false
	}
	w.at--
	if w.at < 0 {
		w.e = nil
		return false
	}
	if w.e = &w.tape.entries[w.at]; w.e.leg != w.leg {
		if from, to := w.list[w.leg], w.list[w.e.leg]; w.sideways && (from.lane != to.lane || from.phase != to.phase) {
			w.at++
			w.e, w.parked = nil, true
			return false
		}
		w.enter(w.e.leg)
	}
	if w.e.kind == laneEntry && w.inPlace {
		w.record, w.save = w.group.hist.previous(w.e.ref, w.e.count, w.lane), w.e.hi
		return w.record >= 0 || w.back()
	}
	if w.e.kind == segmentEntry || w.e.kind == laneEntry {
		w.use()
		w.before, w.recomputed = w.recompute(w.e), true
		return w.back()
	}
	return true
}

// ahead is the leg of the entry before the current one.
func (w *walk) ahead() uint16 { return w.tape.entries[w.at-1].leg }

// tick is the place of the current step among the records of the lane history.
func (w *walk) tick() int {
	if w.record >= 0 {
		return w.record
	}
	return w.e.tick
}
