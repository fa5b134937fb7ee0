package sim

import "github.com/pinode/pinode/solvers"

// Cotangents are the derivatives of a scalar by the results of a run. Nil
// slices and rows stand for zeros.
type Cotangents struct {
	Y, D             [][]float64 // by SaveY, SaveD
	BeforeY, BeforeD [][]float64 // by BeforeY, BeforeD
	EndY, EndD       []float64   // by Y, D at the end
	EventT           []float64   // by the times of the event log

	Start bool // the derivative by the start time is wanted
}

func row(m [][]float64, i int) []float64 {
	if m == nil {
		return nil
	}
	return m[i]
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

// reverse is the state of a backward sweep: the cotangents of the state and
// of the time at the current entry.
type reverse struct {
	*Integrator
	m  Reverse
	ct *Cotangents

	y, d []float64
	t    float64

	in     []float64 // cotangent of a step's end
	gy, gd []float64
	sched  []float64 // of the scheduled scalars
	snaps  []snapCotangent
	eventT []float64 // of the times of the log's records

	e           *entry  // the current entry
	at          int     // it, or the stretch that it is of
	steps       []entry // of the stretch, those before it
	expanded    bool
	firstMoving int  // the first whose end depends on parameters
	rolls       bool // records are swept where they stand
	record      int  // of the group's roll, or −1
	carried     bool // the cotangent of the state is in the lane
	tBar, hBar  float64
}

type snapCotangent struct {
	y, d []float64
	t    float64 // of the time at the trigger
	due  float64 // of the time at which the delayed jump executes
}

// Backward pulls the cotangents back through the run that the integrator did
// last, which must have succeeded: the exact derivative of the discrete
// solution, its event times included, with the lengths of the freely chosen
// steps held fixed. The derivatives by the parameters are on the accounts of m
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
	s := r.Integrator
	r.m, r.ct = m, ct
	s.model = m
	s.use()
	clear(r.y)
	clear(r.d)
	clear(r.sched)
	addTo(r.y, ct.EndY)
	addTo(r.d, ct.EndD)
	r.t = 0
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
	r.at = len(s.tape.entries)
	r.firstMoving = r.at
	r.steps, r.expanded, r.rolls, r.record, r.carried = nil, false, false, -1, false
	for i := range s.tape.entries {
		if e := &s.tape.entries[i]; e.kind == stepEntry && e.end > endFixed {
			r.firstMoving = i
			break
		}
	}
}

// advance goes back to the next step that can be taken in the lane, and
// reports whether there is one. Everything else on the way it does itself.
func (r *reverse) advance() bool {
	s := r.Integrator
	alone := false
	r.carried = false
	for r.back() && r.record < 0 && !(r.e.kind == stepEntry && r.e.stages > 0 && r.e.end != endRoot && (s.moving || !r.times()) && !r.slid(r.e)) {
		s.use()
		alone = true
		if r.e.kind == stepEntry {
			r.stepBack(r.e)
		} else {
			r.other(r.e)
		}
	}
	if alone {
		r.settle()
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

// back goes to the entry before the current one, through the steps of
// stretches too, and reports whether there is one.
func (r *reverse) back() bool {
	s := r.Integrator
	if n := len(r.steps); n > 0 {
		r.e, r.steps = &r.steps[n-1], r.steps[:n-1]
		return true
	}
	if r.expanded {
		s.forget()
		r.expanded = false
	}
	r.at--
	if r.at < 0 {
		r.e = nil
		return false
	}
	r.e = &s.tape.entries[r.at]
	if r.e.kind == rollEntry && r.rolls {
		r.record = s.group.roll.previous(r.e.ref, r.e.count, s.lane)
		return r.record >= 0 || r.back()
	}
	if r.e.kind == stretchEntry || r.e.kind == rollEntry {
		s.use()
		r.steps, r.expanded = s.expand(r.e), true
		return r.back()
	}
	return true
}

// settle lets the model take over what it added to the account.
func (r *reverse) settle() {
	if m, ok := r.m.(Accountant); ok {
		m.Settle()
	}
}

// other goes back over an entry that is no step.
func (r *reverse) other(e *entry) {
	s := r.Integrator
	switch e.kind {
	case snapEntry:
		r.snapBack(e)
	case jumpEntry, restEntry:
		r.jumpBack(e)
	case switchEntry:
		s.clearModes(r.d, e.ref)
		if e.more > 0 {
			r.t += r.eventT[e.more-1]
		}
	case saveEntry:
		r.saveBack(e, r.ct.Y, r.ct.D)
	case beforeEntry:
		r.saveBack(e, r.ct.BeforeY, r.ct.BeforeD)
	case heldEntry:
		s.setHeld(e, false)
	}
}

// finish ends a backward sweep at the start of the run.
func (r *reverse) finish() (t0Bar float64) {
	s := r.Integrator
	s.use()
	for i := range s.hy.Switches {
		s.clearModes(r.d, i)
	}
	r.m.TimesVJP(r.sched)
	t0Bar = r.t
	if !zero(r.y) || !zero(r.d) {
		t0Bar += r.m.InitVJP(s.span.T0, r.y, r.d)
	}
	r.settle()
	return t0Bar
}

// times reports whether the cotangents of the times of the current step
// matter: the start's does if it moves, or something before it does.
func (r *reverse) times() bool { return r.at >= r.firstMoving || r.ct.Start }

// load puts the current step into the lane, with its cotangents.
func (r *reverse) load() {
	s := r.Integrator
	if r.record >= 0 {
		if !r.carried || s.actWords > 0 {
			r.loadRecord()
		}
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
	s.unkeep(s.blk, s.lane, e, r.times())
	if s.actWords > 0 {
		r.unkeepActs(e)
	}
	s.blk.Scatter(s.blk.EndBar, r.y, s.lane)
	clear(r.y)
	r.tBar, r.hBar = 0, 0
	r.seed(e, func(theta float64, ct []float64) {
		s.blk.SeedDense(s.opt.Method, s.lane, e.h, theta, ct)
		addTo(r.y, ct)
		if r.times() {
			tb, hb := s.blk.SeedTimes(s.opt.Method, s.lane, theta, ct)
			r.tBar, r.hBar = r.tBar+tb, r.hBar+hb
		}
	})
}

// loadRecord puts the trajectory's own into the lane of a record that stands in
// the block, with the cotangents where a run of records begins.
func (r *reverse) loadRecord() {
	s := r.Integrator
	if !r.carried {
		_, d := s.tape.at(r.e.state, s.size.Y, s.size.D)
		copy(s.d, d)
		s.many.Load(s.lane, s.model, s.d, s.held)
		s.blk.Scatter(s.blk.EndBar, r.y, s.lane)
		clear(r.y)
		r.carried = true
	}
	if s.actWords > 0 && !s.blk.Unkept && !(s.group.roll.records[r.record].acts && r.firstActs()) {
		s.blk.Unkept = true
	}
}

// goOn takes over from the lane behind a derivative, and goes back to the next
// step that can be taken there. It reports whether there is one.
func (r *reverse) goOn() bool {
	s := r.Integrator
	if r.record < 0 {
		r.store()
		return r.advance()
	}
	blk, l := s.blk, s.lane
	if s.size.D > 0 {
		s.many.(StepsVJP).DBar(l, r.d)
	}
	if r.times() {
		r.t += blk.TBar[l]
	}
	if r.record = s.group.roll.previous(r.e.ref, r.record, l); r.record >= 0 {
		for i := l; i < len(blk.YBar); i += blk.Width {
			blk.EndBar[i] = blk.YBar[i]
		}
		return true
	}
	at := l
	for i := range r.y {
		r.y[i] += blk.YBar[at]
		at += blk.Width
	}
	return r.advance()
}

// tick is the place of the current step among the records of the group's roll.
func (r *reverse) tick() int {
	if r.record >= 0 {
		return r.record
	}
	return r.e.tick
}

// unkeep puts the stages that were kept of a step back into a lane.
func (s *Integrator) unkeep(blk *solvers.Block, lane int, e *entry, rates bool) {
	y, _ := s.tape.at(e.state, s.size.Y, s.size.D)
	blk.Scatter(blk.Y[0], y, lane)
	from := s.tape.stages[e.stages-1:]
	n := len(blk.Stages) / blk.Width
	blk.Scatter(blk.Stages, from[:n], lane)
	if rates {
		for _, k := range blk.K {
			from = from[n:]
			n = s.size.Y
			blk.Scatter(k, from[:n], lane)
		}
	}
}

// unkeepActs puts the activations of the current step back into the lane, or
// says that some were not kept.
func (r *reverse) unkeepActs(e *entry) {
	blk := r.Integrator.blk
	if blk.Unkept {
		return
	}
	if e.acts == 0 || r.expanded || !r.firstActs() {
		blk.Unkept = true
		return
	}
	for i, stage := range blk.Acts[1:] {
		r.putActs(stage, e, i)
	}
}

// firstActs puts the activations of the current step's first stage into the lane:
// those of the last stage of the step before, if the run went on from there and
// they were kept.
func (r *reverse) firstActs() bool {
	s := r.Integrator
	roll := s.group.roll
	if r.record >= 0 {
		if k := roll.previous(r.e.ref, r.record, s.lane); k >= 0 {
			return roll.lastActs(k, s.lane)
		}
	}
	if r.at == 0 {
		return false
	}
	switch p := &s.tape.entries[r.at-1]; {
	case p.kind == rollEntry:
		k := roll.previous(p.ref, p.count, s.lane)
		return k >= 0 && roll.lastActs(k, s.lane)
	case p.kind == stepEntry && p.end == endFree && p.acts > 0:
		r.putActs(s.blk.Acts[0], p, len(s.blk.Acts)-2)
		return true
	}
	return false
}

// putActs puts the activations that an entry has of a stage, the first left out,
// into those of another in the lane.
func (r *reverse) putActs(stage [][]float64, e *entry, i int) {
	s := r.Integrator
	from := s.tape.stages[e.acts-1+i*s.actWords:]
	for _, v := range stage {
		n := len(v) / s.blk.Width
		s.blk.Scatter(v, from[:n], s.lane)
		from = from[n:]
	}
}

// seed calls f for the cotangents of the saves inside a step.
func (r *reverse) seed(e *entry, f func(theta float64, ct []float64)) {
	s := r.Integrator
	for i := e.lo; i < e.hi; i++ {
		theta := (s.span.Saves[i] - e.t) / e.h
		for k, ct := range [2][]float64{row(r.ct.Y, i), row(r.ct.BeforeY, i)} {
			if ct != nil && (k == 0 || !s.separate[i]) {
				f(theta, ct)
			}
		}
		addTo(r.d, row(r.ct.D, i))
		if !s.separate[i] {
			addTo(r.d, row(r.ct.BeforeD, i))
		}
	}
}

// store takes the cotangents over from the lane.
func (r *reverse) store() {
	s := r.Integrator
	e := r.e
	at := s.lane
	for i := range r.y {
		r.y[i] += s.blk.YBar[at]
		at += s.blk.Width
	}
	s.many.(StepsVJP).DBar(s.lane, r.d)
	if e.hi > e.lo {
		s.blk.Unseed(s.lane)
	}
	if !r.times() {
		return
	}
	r.ended(e, r.tBar+s.blk.TBar[s.lane], r.hBar+s.blk.HBar[s.lane])
}

// ended accounts for the cotangents of a step's start and length.
func (r *reverse) ended(e *entry, tBar, hBar float64) {
	end := r.t // cotangent of the time at the end
	switch e.end {
	case endFree: // the end is at t + h with h held
		r.t = tBar + end
	case endFixed:
		r.t = tBar - hBar
	default: // the end is at a time of its own, and h runs to it
		r.scheduleBack(e, end+hBar)
		r.t = tBar - hBar
	}
}

func (s *Integrator) reverse() *reverse {
	if s.rev == nil {
		s.rev = &reverse{
			Integrator: s,
			y:          make([]float64, s.size.Y), d: make([]float64, s.size.D),
			in: make([]float64, s.size.Y), gy: make([]float64, s.size.Y), gd: make([]float64, s.size.D),
			sched: make([]float64, s.size.Times),
		}
	}
	return s.rev
}

// heldAtEnd sets the components that are held at the end of the run.
func (s *Integrator) heldAtEnd() {
	clear(s.held)
	for i := len(s.tape.entries) - 1; i >= 0; i-- {
		if e := &s.tape.entries[i]; e.kind == heldEntry {
			s.setHeld(e, true)
			return
		}
	}
}

// replay makes the stages of a step stand in the stepper.
func (s *Integrator) replay(e *entry) {
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	if e.stages > 0 && s.moving {
		if m, ok := s.model.(Segmented); ok {
			m.Segment(e.t)
		}
		s.step.T, s.step.H = e.t, e.h
		s.unkeep(s.step.Block(), 0, e, true)
		steps := s.stepsAt(s.d)
		steps.Load(0, s.model, s.d, s.held)
		steps.Time(0, s.model, e.t, e.h)
		return
	}
	s.segment(e.t)
	s.step.Start(s, e.t, y)
	s.take(e.h)
}

// stepBack goes back over a step by itself.
func (r *reverse) stepBack(e *entry) {
	s := r.Integrator
	s.replay(e)
	copy(r.in, r.y)
	clear(r.y)
	var tBar, hBar float64
	r.seed(e, func(theta float64, ct []float64) {
		tb, hb := s.step.SeedDense(theta, ct, r.y)
		tBar, hBar = tBar+tb, hBar+hb
	})
	if e.end == endRoot {
		end := r.t
		tBar += end + r.rootBack(e, hBar+end)
		tb, _ := r.pull(r.in)
		r.t = tBar + tb
		return
	}
	tb, hb := r.pull(r.in)
	r.ended(e, tBar+tb, hBar+hb)
}

// pull pulls the cotangent end of the end of the step that stands, and the
// seeds of its stages, back to the start.
func (r *reverse) pull(end []float64) (tBar, hBar float64) {
	s := r.Integrator
	vjp := r.single()
	blk := vjp.Block()
	blk.Unkept = true
	copy(blk.EndBar, end)
	vjp.VJP(true)
	addTo(r.y, blk.YBar)
	vjp.DBar(0, r.d)
	s.step.Unseed()
	return blk.TBar[0], blk.HBar[0]
}
