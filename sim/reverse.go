package sim

// Cotangents are the derivatives of a scalar by the results of a run. No rows,
// and nil, mean zeros.
type Cotangents struct {
	Y, D             Rows      // by SaveY, SaveD
	BeforeY, BeforeD Rows      // by BeforeY, BeforeD
	EndY, EndD       []float64 // by Y, D at the end
	EventT           []float64 // by the times of the event log

	Start bool // the derivative by the start time is wanted
}

// Clear lets the cotangents of n saves be zeros.
func (c *Cotangents) Clear(n int, size Sizes) {
	c.Y.Clear(n, size.Y)
	c.D.Clear(n, size.D)
	c.BeforeY.Clear(n, size.Y)
	c.BeforeD.Clear(n, size.D)
}

func zero(v []float64) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

func addTo(dst, src []float64) {
	for i, v := range src {
		dst[i] += v
	}
}

func dot(a, b []float64) float64 {
	sum := 0.
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// reverse is a backward sweep: at each place of the way back it has the cotangents
// of the state and of the time there.
type reverse struct {
	walk
	m   Reverse
	ct  *Cotangents
	bar cotangent

	firstMoving int       // the first entry whose end depends on parameters
	start       float64   // cotangent of the start time through times that are counted from it
	sched       []float64 // cotangent of the scheduled scalars
	snaps       []snapCotangent
	eventT      []float64 // of the times of the log's records

	stepT, stepH float64 // cotangents of the current step's start and length through the saves in it
	seeded       bool    // there are saves in the step of the current record

	in     []float64 // room: the cotangent of a step's end
	gy, gd []float64 // room: the derivatives of a guard, or what a jump gives its snapshot
	vals   []float64 // room: the cotangents of what a jump assigns
	falls  fallsBack
}

// cotangent is that of the state and of the time at one place.
type cotangent struct {
	y, d []float64
	t    float64
}

type snapCotangent struct {
	y, d []float64
	t    float64 // of the time at the trigger
	due  float64 // of the time at which the delayed jump executes
}

// Backward pulls the cotangents back through the run that the integrator did
// last, which must have succeeded: the exact derivative of the discrete
// solution, its event times included, with the lengths of the freely chosen
// steps held fixed. The derivatives by the parameters are in the accumulators of m
// and of the steps; the one by the start time is returned.
//
// At an event the last step before it is a step to the root of the guard,
// whose length follows from g(t+h, Φ(h)) = 0.
func (s *Integrator) Backward(m Reverse, ct *Cotangents) (t0Bar float64) {
	r := s.reverse()
	r.begin(m, ct)
	for r.advance() {
		r.load()
		s.many.(StepsVJP).VJP(r.times())
		r.store()
	}
	return r.finish()
}

// begin starts a backward sweep at the end of the run.
func (r *reverse) begin(m Reverse, ct *Cotangents) {
	s := r.history
	r.m = m
	s.model = m
	s.use()
	r.ct = r.correctedBack(ct)
	clear(r.bar.y)
	clear(r.bar.d)
	clear(r.sched)
	addTo(r.bar.y, ct.EndY)
	addTo(r.bar.d, ct.EndD)
	r.bar.t, r.start = 0, 0
	r.falls.ties, r.falls.bars = r.falls.ties[:0], r.falls.bars[:0]
	for len(r.snaps) < len(s.tape.snaps) {
		r.snaps = append(r.snaps, snapCotangent{y: make([]float64, s.size.Y), d: make([]float64, s.size.D)})
	}
	for i := range s.tape.snaps {
		sn := &r.snaps[i]
		clear(sn.y)
		clear(sn.d)
		sn.t, sn.due = 0, 0
	}
	r.eventT = resize(r.eventT, len(s.out.Log))
	clear(r.eventT)
	copy(r.eventT, ct.EventT)
	s.heldAtEnd()
	r.firstMoving = len(s.tape.entries)
	r.walk.begin()
	for i := range s.tape.entries {
		if e := &s.tape.entries[i]; e.kind == stepEntry && e.end > endFixed || e.kind == descentEntry || e.kind == steepEntry {
			r.firstMoving = i
			break
		}
	}
}

// advance goes back to the next step that can be taken in the lane, and
// reports whether there is one. Everything else on the way it does itself.
func (r *reverse) advance() bool {
	s := r.history
	left := false
	r.carried = false
	for r.back() && r.record < 0 && !(r.e.kind == stepEntry && r.e.stages > 0 && r.e.end != endRoot && (s.moving || r.times() == WithoutTimes) && !r.slid(r.e)) {
		s.use()
		left = true
		if r.e.kind == stepEntry {
			r.stepBack(r.e)
		} else {
			r.other(r.e)
		}
	}
	if left {
		r.collect()
	}
	return r.e != nil
}

// slid reports whether a step goes along a surface.
func (r *reverse) slid(e *entry) bool {
	if r.size.Exits == 0 {
		return false
	}
	_, d := r.tape.at(e.state, r.size.Y, r.size.D)
	return r.slides(d)
}

// collect moves what the model added to the shared accumulator to its own.
func (r *reverse) collect() {
	if m, ok := r.m.(Accumulator); ok {
		m.Collect()
	}
}

// other goes back over an entry that is no step.
func (r *reverse) other(e *entry) {
	s := r.history
	switch e.kind {
	case snapEntry:
		r.snapBack(e)
	case jumpEntry, restEntry, balanceEntry:
		r.jumpBack(e)
	case switchEntry:
		s.clearModes(r.bar.d, e.ref)
		if e.more > 0 {
			r.bar.t += r.eventT[e.more-1]
		}
	case saveEntry:
		r.saveBack(e, &r.ct.Y, &r.ct.D)
	case beforeEntry:
		r.saveBack(e, &r.ct.BeforeY, &r.ct.BeforeD)
	case descentEntry:
		r.falls.descend(r, e)
	case steepEntry:
		steepBack(r, e)
	case vanishEntry:
		vanishBack(r, e)
	case tieEntry:
		r.falls.tie(r, e)
	case heldEntry:
		s.setHeld(e, before)
	}
}

// leave ends a sweep in a lane.
func (r *reverse) leave() {
	if !r.parked {
		r.finish()
	}
}

// finish ends a backward sweep at the start of the run.
func (r *reverse) finish() (t0Bar float64) {
	s := r.history
	s.use()
	for i := range s.hy.Switches {
		s.clearModes(r.bar.d, i)
	}
	r.m.TimesVJP(r.sched)
	t0Bar = r.bar.t + r.start
	if !zero(r.bar.y) || !zero(r.bar.d) {
		t0Bar += r.m.InitVJP(s.span.T0, r.bar.y, r.bar.d)
	}
	r.collect()
	return t0Bar
}

// times reports whether the cotangents of the times of the current step
// matter: the start's does if it moves, or something before it does.
func (r *reverse) times() Times { return Times(r.at >= r.firstMoving || r.ct.Start) }

// load puts the current step into the lane, with its cotangents.
func (r *reverse) load() {
	s := r.history
	if r.record >= 0 {
		if !r.carried || s.actWords > 0 {
			r.loadRecord()
		}
		besideSteep(r, s.blk, s.lane)
		return
	}
	e := r.e
	_, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	if m, ok := s.model.(Segmented); ok {
		m.Segment(e.t)
	}
	s.many.Load(s.lane, s.model, s.d, s.held)
	s.many.Time(s.lane, s.model, e.t, e.h)
	s.restoreStages(s.blk, s.lane, e, r.times())
	besideSteep(r, s.blk, s.lane)
	if s.actWords > 0 {
		r.restoreActs(e)
	}
	s.blk.Scatter(s.blk.EndBar, r.bar.y, s.lane)
	clear(r.bar.y)
	r.seedLane(e)
}

// seedLane seeds the saves inside of the step that is in the lane.
func (r *reverse) seedLane(e *entry) {
	s := r.history
	r.stepT, r.stepH = 0, 0
	r.seed(e, func(theta float64, ct []float64) {
		s.blk.SeedDense(s.opt.Method, s.lane, e.h, theta, ct)
		addTo(r.bar.y, ct)
		if r.times() == WithTimes {
			tb, hb := s.blk.SeedTimes(s.opt.Method, s.lane, theta, ct)
			r.stepT, r.stepH = r.stepT+tb, r.stepH+hb
		}
	})
}

// findSaves finds the saves that the lane went past in the step of the current record, and reports whether
// there are any. Those before the first step are of the instant that it begins at, as far as the clock tells.
func (r *reverse) findSaves() bool {
	s := r.history
	t, hi := s.blk.T[s.lane], r.save
	for r.save > r.e.lo && s.span.Saves[r.save-1] >= t {
		r.save--
	}
	if r.save > r.e.lo && s.group.hist.previous(r.e.ref, r.record, s.lane) < 0 {
		r.save = r.e.lo
	}
	r.saveEnd = hi
	r.seeded = r.save < hi
	return r.seeded
}

// loadRecord completes a step record that is in the block: it puts what is the
// trajectory's own into the lane, with the cotangents where a run of records begins.
func (r *reverse) loadRecord() {
	s := r.history
	if !r.carried {
		_, d := s.tape.at(r.e.state, s.size.Y, s.size.D)
		copy(s.d, d)
		s.many.Load(s.lane, s.model, s.d, s.held)
		s.blk.Scatter(s.blk.EndBar, r.bar.y, s.lane)
		clear(r.bar.y)
		r.carried = true
	}
	if s.actWords > 0 && !s.blk.Unkept && !(s.group.hist.records[r.record].acts && r.firstActs()) {
		s.blk.Unkept = true
	}
}

// continueInLane takes over the results of a derivative from the lane, and goes back
// to the next step that can be taken there. It reports whether there is one.
func (r *reverse) continueInLane() bool {
	s := r.history
	if r.record < 0 {
		r.store()
		return r.advance()
	}
	blk, l := s.blk, s.lane
	if s.size.D > 0 {
		s.many.(StepsVJP).DBar(l, r.bar.d)
	}
	if r.times() == WithTimes {
		tBar := blk.TBar[l]
		if r.seeded {
			tBar += r.stepT
		}
		r.bar.t += tBar
	}
	r.record = s.group.hist.previous(r.e.ref, r.record, l)
	if r.seeded {
		blk.Unseed(l)
	} else if r.record >= 0 {
		for i := l; i < len(blk.YBar); i += blk.Width {
			blk.EndBar[i] = blk.YBar[i]
		}
		return true
	}
	at := l
	for i := range r.bar.y {
		r.bar.y[i] += blk.YBar[at]
		at += blk.Width
	}
	if r.record >= 0 {
		blk.Scatter(blk.EndBar, r.bar.y, l)
		clear(r.bar.y)
		return true
	}
	return r.advance()
}

// restoreActs puts the activations of the current step back into the lane, or sets
// Unkept where some were not kept.
func (r *reverse) restoreActs(e *entry) {
	blk := r.history.blk
	if blk.Unkept {
		return
	}
	if e.acts == 0 || r.recomputed || !r.firstActs() {
		blk.Unkept = true
		return
	}
	for i, stage := range blk.Acts[1 : r.history.stages()+1] {
		r.putActs(stage, e, i)
	}
}

// firstActs puts the activations of the current step's first stage into the lane:
// those of the last stage of the step before, if the run went on from there and
// they were kept.
func (r *reverse) firstActs() bool {
	s := r.history
	hist := s.group.hist
	if r.record >= 0 {
		if k := hist.previous(r.e.ref, r.record, s.lane); k >= 0 {
			return hist.lastActs(k, s.lane)
		}
	}
	if r.at == 0 {
		return false
	}
	switch p := &s.tape.entries[r.at-1]; {
	case p.kind == laneEntry:
		k := hist.previous(p.ref, p.count, s.lane)
		return k >= 0 && hist.lastActs(k, s.lane)
	case p.kind == stepEntry && p.end == endFree && p.acts > 0:
		r.putActs(s.blk.Acts[0], p, s.blk.End-1)
		return true
	}
	return false
}

// putActs puts the activations that an entry has of a stage, the first left out,
// into those of another in the lane.
func (r *reverse) putActs(stage [][]float64, e *entry, i int) {
	s := r.history
	from := s.tape.stages[e.acts-1+i*s.actWords:]
	for _, v := range stage {
		n := len(v) / s.blk.Width
		s.blk.Scatter(v, from[:n], s.lane)
		from = from[n:]
	}
}

// seed calls f for the cotangents of the saves inside a step.
func (r *reverse) seed(e *entry, f func(theta float64, ct []float64)) {
	s := r.history
	for i := e.lo; i < e.hi; i++ {
		theta := (s.span.Saves[i] - e.t) / e.h
		for k, ct := range [2][]float64{r.ct.Y.At(i), r.ct.BeforeY.At(i)} {
			if ct != nil && (k == 0 || !s.saves.separate[i]) {
				f(theta, ct)
			}
		}
		addTo(r.bar.d, r.ct.D.At(i))
		if !s.saves.separate[i] {
			addTo(r.bar.d, r.ct.BeforeD.At(i))
		}
	}
}

// store takes the cotangents over from the lane.
func (r *reverse) store() {
	s := r.history
	e := r.e
	at := s.lane
	for i := range r.bar.y {
		r.bar.y[i] += s.blk.YBar[at]
		at += s.blk.Width
	}
	s.many.(StepsVJP).DBar(s.lane, r.bar.d)
	if e.hi > e.lo {
		s.blk.Unseed(s.lane)
	}
	if r.times() == WithoutTimes {
		return
	}
	r.ended(e, r.stepT+s.blk.TBar[s.lane], r.stepH+s.blk.HBar[s.lane])
}

// ended takes the cotangents of a step's start and length to that of the time where it
// starts.
func (r *reverse) ended(e *entry, tBar, hBar float64) {
	end := r.bar.t // cotangent of the time at the end
	switch e.end {
	case endFree: // the end is at t + h with h held
		r.bar.t = tBar + end
	case endFixed:
		r.bar.t = tBar - hBar
	default: // the end is at a time of its own, and h runs to it
		r.scheduleBack(e, end+hBar)
		r.bar.t = tBar - hBar
	}
}

func (s *Integrator) reverse() *reverse {
	if s.rev == nil {
		n, nd := s.size.Y, s.size.D
		s.rev = &reverse{
			walk: walk{history: s.hist}, bar: cotangent{y: make([]float64, n), d: make([]float64, nd)},
			sched: make([]float64, s.size.Times), vals: make([]float64, n+nd),
			in: make([]float64, n), gy: make([]float64, n), gd: make([]float64, nd),
		}
	}
	return s.rev
}

// stepBack goes back over a step of this trajectory alone.
func (r *reverse) stepBack(e *entry) {
	s := r.history
	s.replay(e)
	if e.hi > e.lo {
		s.behind()
	}
	copy(r.in, r.bar.y)
	clear(r.bar.y)
	var tBar, hBar float64
	r.seed(e, func(theta float64, ct []float64) {
		tb, hb := s.stepper.SeedDense(theta, ct, r.bar.y)
		tBar, hBar = tBar+tb, hBar+hb
	})
	if e.end == endRoot {
		end := r.bar.t
		tBar += end + r.rootBack(e, hBar+end)
		tb, _ := r.pull(r.in)
		r.bar.t = tBar + tb
		return
	}
	tb, hb := r.pull(r.in)
	r.ended(e, tBar+tb, hBar+hb)
}

// pull pulls the cotangent of the end of the step in the stepper, and the seeds of its
// stages, back to the start.
func (r *reverse) pull(end []float64) (tBar, hBar float64) {
	s := r.history
	vjp := r.single()
	blk := vjp.Block()
	blk.Unkept = true
	besideSteep(r, blk, 0)
	copy(blk.EndBar, end)
	vjp.VJP(WithTimes)
	addTo(r.bar.y, blk.YBar)
	vjp.DBar(0, r.bar.d)
	s.stepper.Unseed()
	return blk.TBar[0], blk.HBar[0]
}
