package sim

import (
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// start sets the initial state, the sides of the guards and the modes of the
// switches, and carries out what happens at the initial time.
func (s *Integrator) start() *Failure {
	s.model.Init(s.t, s.y, s.d)
	s.firstThresholds()
	if !finite(s.y) || !finite(s.d) {
		return s.fail(Unstable, 0, "the initial state is not finite")
	}
	s.model.Times(s.sched)
	if fail := s.skipPast(); fail != nil {
		return fail
	}
	s.startStep(s.t, s.y) // tells the model of its inputs too
	if s.size.Guards > 0 {
		if fail := s.firstSides(); fail != nil {
			return fail
		}
	}
	s.begin()
	s.equalities(s.level)
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When {
			continue
		}
		before := ev.Cond.Holds(s.level, nil)
		s.holds[e], s.stays[e] = ev.Cond.Holds(s.det.Side, nil), ev.Cond.Stays(s.det.Side)
		// A strict comparison on its surface turns true just behind the
		// start; one that holds from the start fires only if asked to.
		if s.holds[e] && (!before || ev.AtStart) {
			s.trigger(jumps.Item{Event: e, Guard: -1})
		}
	}
	if fail := s.carryOut(-1); fail != nil {
		return fail
	}
	return s.finiteRates()
}

// firstSides sets the modes of the switches and the sides of all guards at the
// start.
func (s *Integrator) firstSides() *Failure {
	s.setFloors()
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; !w.Floor {
			s.setModes(i, float64(truth(s.g[w.Guard] > 0)))
			s.evalGuards() // others may read it
		}
	}
	s.setSpreads()
	if fail := s.resolve(false); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if !s.isSign(i) {
			s.det.Side[i] = s.sideHere(i)
		}
		s.armed[i] = s.det.Side[i]
	}
	return nil
}

// finiteRates checks that the field can be evaluated at the current state.
func (s *Integrator) finiteRates() *Failure {
	for i, v := range s.step.K[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			f := s.fail(Unstable, 0, "the rate of a state is %g where the run starts", v)
			f.State = i
			return f
		}
	}
	return nil
}

func (s *Integrator) finiteGuards() *Failure {
	for i, g := range s.g {
		if math.IsNaN(g) {
			return s.blame(s.fail(Unstable, 0, "a condition cannot be evaluated here: its guard is not a number"), i)
		}
	}
	return nil
}

// scan looks for the first crossing inside the step that stands which
// triggers an event or turns a switch, and for guards that leave a surface they
// rested on. Crossings that change nothing are taken over as they pass.
func (s *Integrator) scan() (guard int, theta float64) {
	leaves, when := s.leave()
	s.step.Expand()
	from, last := 0., -1
	for flips := 0; ; flips++ {
		found := s.det.First(s, from, s.step.H, 0)
		over := flips >= maxFlips && len(found) > 0
		if over {
			s.det.Unproven = found[0].Guard
		}
		s.unproven()
		if over || len(found) == 0 || found[0].Theta >= when {
			break
		}
		c := found[0]
		to := -s.det.Side[c.Guard]
		if c.Guard == last && c.Theta <= from { // back where it just was: it is on its surface
			to = 0
		}
		if s.matters(c.Guard, to) {
			return c.Guard, c.Theta
		}
		s.pass(c.Guard, to)
		if c.Theta >= 1 {
			return -1, 0
		}
		from, last = c.Theta, c.Guard
	}
	if leaves < 0 {
		return -1, 0
	}
	s.Probe(when, s.g, s.rate)
	if to := sign(s.g[leaves]); !s.matters(leaves, to) {
		s.pass(leaves, to)
		return s.scan()
	}
	return leaves, when
}

// maxFlips bounds the crossings in a step that change nothing.
const maxFlips = 100_000

// pass takes a guard to another side between instants and brings the conditions
// up to date.
func (s *Integrator) pass(guard int, to int8) {
	s.setSide(guard, to, false)
	s.conditions(nil)
}

// leave finds the first guard that clearly leaves the surface it rests on inside
// the step that stands, and where; −1 and infinity if none does. Clearly is by more
// than the tolerances allow.
func (s *Integrator) leave() (guard int, theta float64) {
	guard, theta = -1, math.Inf(1)
	known := false
	for i, side := range s.det.Side {
		if side != 0 || !s.det.Watch[i] || s.hy.Flags[i] || s.slidesOn(i) {
			continue
		}
		if !known {
			s.spread(s.trial, s.y)
			known = true
		}
		band := math.Max(clearly*s.trial.coarse.g[i], 8*s.trial.fine.g[i])
		out := func(x float64) bool {
			s.Probe(x, s.g, s.rate)
			return math.Abs(s.g[i]) > band
		}
		for k := 1; k <= leaveLooks; k++ {
			b := float64(k) / leaveLooks
			if !out(b) {
				continue
			}
			a := b - 1./leaveLooks
			for range 40 {
				if m := (a + b) / 2; out(m) {
					b = m
				} else {
					a = m
				}
			}
			if b < theta {
				guard, theta = i, b
			}
			break
		}
	}
	return guard, theta
}

// clearly is how many times the tolerances a guard leaves its surface by.
const clearly = 10

// leaveLooks is in how many places of a step a guard at rest is looked at.
const leaveLooks = 8

// matters reports whether it would trigger an event, turn a switch or end a rest
// if the guard went to another side.
func (s *Integrator) matters(guard int, to int8) bool {
	if s.switchOf[guard] >= 0 || s.isExit(guard) || s.releasedBy(guard) >= 0 {
		return true
	}
	was := s.det.Side[guard]
	s.det.Side[guard], s.edge[guard] = to, to
	defer func() { s.det.Side[guard], s.edge[guard] = was, 0 }()
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind == events.When && !s.holds[e] && ev.Cond.Holds(s.det.Side, s.edge) {
			return true
		}
	}
	return false
}

// grazeTol is the transversality below which a crossing counts as a graze.
const grazeTol = 1e-6

// locate shortens the step that stands so that it ends on the root of the
// guard near theta: Newton's method on true steps, so that the state at the
// event has the order of the solver and the guard vanishes to round-off. Behind
// its root a guard may not be defined: there the lengths tried are halved towards
// the last that was good.
func (s *Integrator) locate(guard int, theta float64) (h float64, fail *Failure) {
	full := s.step.H
	h = theta * full
	best, bestH, good := math.Inf(1), h, 0.
	for range 60 {
		s.take(h)
		s.lookAtEnd(h)
		g := math.Abs(s.g[guard])
		if math.IsNaN(g) {
			h = (good + h) / 2
			continue
		}
		if good = h; !(g < best) {
			break
		}
		best, bestH = g, h
		next := h - s.g[guard]/s.rate[guard]
		if g == 0 || !(next >= 0) || next == h {
			break
		}
		h = min(next, full*(1+1e-9))
	}
	if s.step.H != bestH {
		s.take(bestH)
	}
	s.model.Guards(s.t+bestH, s.step.End(), s.d, s.held, s.g, s.rate, s.accel)
	if s.isExit(guard) { // what it is for is smooth across it
		return bestH, nil
	}
	side := float64(s.det.Side[guard])
	trans := s.transversality(guard, s.t+bestH-s.last)
	if trans > grazeTol && side*s.rate[guard] < 0 || s.staysBehind(guard, bestH) {
		return bestH, nil
	}
	f := s.fail(Graze, full, "a guard touches its surface at t = %.9g without crossing it (transversality %.1g)", s.t+bestH, trans)
	f.T = s.t + bestH
	return 0, s.blame(f, guard)
}

// leaveAt shortens the step so that it ends where a guard has clearly left the
// surface that it rested on.
func (s *Integrator) leaveAt(theta float64) (h float64) {
	h = theta * s.step.H
	s.take(h)
	return h
}

// lookAtEnd evaluates the guards at the end of the step of length h.
func (s *Integrator) lookAtEnd(h float64) {
	if s.sided {
		s.model.Look(s.t+h, s.step.End(), s.d, s.step.EndRate(), s.g, s.rate)
	} else {
		s.model.Guards(s.t+h, s.step.End(), s.d, s.held, s.g, s.rate, nil)
	}
}

// staysBehind reports whether a guard that meets its surface without a rate comes
// to rest there: as it is, or, for that of a switch, in its other branch.
func (s *Integrator) staysBehind(guard int, h float64) bool {
	y, t := s.y, s.t
	defer func() { s.y, s.t = y, t }()
	s.y, s.t = s.step.End(), s.t+h
	s.setSpreads()
	if s.lands(guard, h, s.near) {
		return true
	}
	i := s.switchOf[guard]
	if i < 0 || s.hy.Switches[i].Floor {
		return false
	}
	s.near.fine.g[guard] = math.Max(s.near.fine.g[guard], 8*math.Abs(s.g[guard]))
	for _, mode := range [...]float64{0, 1, atEquality} {
		if b := s.branch(i, mode); b.known && b.goes == 0 {
			return true
		}
	}
	return false
}

// blame names the event or switch that a guard belongs to.
func (s *Integrator) blame(f *Failure, guard int) *Failure {
	f.Guard = guard
	for e := range s.hy.Events {
		if c := s.hy.Events[e].Cond; c != nil {
			for _, g := range c.Guards(nil) {
				if g == guard {
					f.Event = e
					return f
				}
			}
		}
	}
	for i, w := range s.hy.Switches {
		if w.Guard == guard || w.Floor && w.Upper == guard {
			f.Switch = i
		}
	}
	return f
}

// transversality compares the rate of a guard at its crossing with how much
// the rate changes in the time since the last instant: 1 far from a graze, 0
// at one.
func (s *Integrator) transversality(guard int, since float64) float64 {
	r := math.Abs(s.rate[guard])
	return r / (r + math.Abs(s.accel[guard])*since)
}

// begin prepares an instant: it keeps the values before it for the saves that
// fall on it.
func (s *Integrator) begin() {
	s.micros = 0
	s.before, s.last = s.last, s.t
	clear(s.touched)
	clear(s.crossed)
	clear(s.landed)
	clear(s.residual)
	clear(s.edge)
	clear(s.times)
	clear(s.exited)
	clear(s.freed)
	s.agenda.Clear()
	s.keepBefore()
}

// keepBefore keeps the current values for the saves of this instant that are read
// before the next rows of data act, as those from before.
func (s *Integrator) keepBefore() {
	e := entry{kind: beforeEntry, t: s.t, lo: s.nextSave, hi: s.nextSave}
	last, _ := s.nextGroup()
	for now := s.t + s.resolution(); e.hi < len(s.span.Saves) && e.hi < last && s.span.Saves[e.hi] <= now; {
		copy(s.out.BeforeY[e.hi], s.y)
		copy(s.out.BeforeD[e.hi], s.d)
		s.separate[e.hi] = true
		e.hi++
	}
	if e.hi > e.lo {
		e.state = s.tape.keep(s.y, s.d)
		s.record(e)
	}
}

// nextGroup is the save in front of which the next rows of data act at this
// instant that do not act at once, if there are any.
func (s *Integrator) nextGroup() (save int, ok bool) {
	for i := s.nextFiring; i < len(s.span.Firings) && s.span.Firings[i].T <= s.t+s.resolution(); i++ {
		if x := &s.span.Firings[i]; !s.taken[i] && x.Behind > s.nextSave {
			return x.Behind, true
		}
	}
	return len(s.span.Saves), false
}

// instant carries out everything that happens at the current time: the
// crossing of guard (or −1), those of other guards within the resolution of
// the clock, jumps of the inputs, and the timed sources.
func (s *Integrator) instant(guard int) *Failure {
	if !s.moving {
		s.startStep(s.t, s.y)
		return nil
	}
	s.begin()
	if s.size.Guards > 0 {
		s.evalGuards()
		if fail := s.finiteGuards(); fail != nil {
			return fail
		}
		s.setSpreads()
		if fail := s.cross(guard); fail != nil {
			return fail
		}
		if m, ok := s.model.(Segmented); ok && s.inputsJump() {
			m.Segment(s.t)
			if fail := s.settle(); fail != nil {
				return fail
			}
		}
	}
	return s.carryOut(guard)
}

// inputsJump reports whether inputs may jump at the current time.
func (s *Integrator) inputsJump() bool {
	for i := s.nextStop; i < len(s.span.Stops) && s.span.Stops[i] <= s.t+s.resolution(); i++ {
		if s.span.Stops[i] >= s.t-s.resolution() {
			return true
		}
	}
	return s.nextStop > 0 && s.span.Stops[s.nextStop-1] >= s.t-s.resolution()
}

// crossingNow reports whether guard j crosses within the clock's resolution
// of the current time.
func (s *Integrator) crossingNow(j int) bool {
	side := float64(s.det.Side[j])
	return side*s.rate[j] < 0 && side*s.g[j] <= math.Max(math.Abs(s.rate[j])*s.resolution(), s.noise(j))
}

// cross takes guard (or −1), and those that cross with it, over their surfaces,
// and triggers the events whose conditions this turns true.
func (s *Integrator) cross(guard int) *Failure {
	some := false
	for j := range s.det.Side {
		if j == guard || s.det.Watch[j] && s.det.Side[j] != 0 && !s.hy.Flags[j] && s.crossingNow(j) {
			s.crossed[j], some = true, true
			if s.det.Side[j] != 0 && !s.isExit(j) {
				s.residual[j] = math.Abs(s.g[j])
				s.near.fine.g[j] = math.Max(s.near.fine.g[j], 8*s.residual[j])
				s.landed[j] = s.lands(j, s.step.H, s.near)
			}
			s.metAt[j] = meeting{s.rate[j], s.transversality(j, s.t-s.before)}
		}
	}
	if !some {
		return nil
	}
	copy(s.gBefore, s.g)
	copy(s.rateBefore, s.rate)
	if fail := s.crossSwitches(guard); fail != nil {
		return fail
	}
	s.takeSides() // of those that read the modes
	for j, c := range s.crossed {
		if !c || s.switchOf[j] >= 0 || s.isExit(j) {
			continue
		}
		side := -s.det.Side[j]
		if s.det.Side[j] == 0 { // it leaves its surface
			side = sign(s.g[j])
		} else if s.leaving(j) == 0 {
			side = 0
		}
		s.setSide(j, side, true)
		if e := s.releasedBy(j); e >= 0 {
			s.freed[s.atRest[e].guard] = true
			s.release(e)
		}
	}
	s.conditions(func(e int) { s.trigger(jumps.Item{Event: e, Guard: s.crossedBy(e)}) })
	return nil
}

// meeting is how a guard met its surface.
type meeting struct{ rate, transversality float64 }

// crossedBy is the guard whose crossing turned the condition of an event true.
func (s *Integrator) crossedBy(e int) int {
	for _, g := range s.guardsOf[e] {
		if s.crossed[g] {
			return g
		}
	}
	return -1
}

// conditions evaluates every condition and calls turned for those that have
// become true. What waits of an event whose condition has become false is
// dropped, unless it is persistent.
func (s *Integrator) conditions(turned func(e int)) {
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
	}
}

func (s *Integrator) dropDelayed(e int) {
	if s.delayed.drop(func(x *delayedJump) bool { return s.tape.snaps[x.snap].event == e }) {
		s.stop.t = math.Inf(-1) // it may have been the time of one of them
	}
}

// dueNow puts on the agenda what is scheduled for the current time. Of an event
// that is on the agenda already the next firing waits for the one before, so that
// it reads what that one left; rows of data wait for the saves above them.
func (s *Integrator) dueNow() {
	for again := true; again; {
		again = false
		s.eachTimed(func(x timed) {
			if again || x.event < 0 || x.t > s.t+s.resolution() || x.firing && s.span.Firings[x.ref].Behind > s.nextSave {
				return
			}
			if x.end != endZeno && x.end != endDelay && s.agenda.Has(x.event) {
				return
			}
			again = true
			if x.end == endZeno {
				s.due = append(s.due, s.plans[x.ref])
				s.plans = append(s.plans[:x.ref], s.plans[x.ref+1:]...)
				return
			}
			s.consume(x)
			it := jumps.Item{Event: x.event, Guard: -1, Args: x.args, Scheduled: true}
			if s.came.end != x.end || s.came.ref != x.ref {
				s.meet(x)
			}
			if x.end == endDelay {
				it.Snap, it.Due, it.Priority = x.ref, true, s.hy.Events[x.event].Priority
				s.agenda.Push(it)
				return
			}
			s.trigger(it)
		})
	}
}

// meet records that another timed source has the same time, which moves by
// itself: a step of no length whose derivative carries it.
func (s *Integrator) meet(x timed) {
	if x.end <= endFixed {
		return
	}
	e := entry{kind: stepEntry, end: x.end, ref: x.ref, count: x.count, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave, hi: s.nextSave}
	s.record(e)
}

// trigger keeps the values at the trigger and puts the event on the agenda,
// or, with a delay, among the jumps to come.
func (s *Integrator) trigger(it jumps.Item) {
	ev := &s.hy.Events[it.Event]
	it.Priority = ev.Priority
	it.Snap = len(s.tape.snaps)
	snap := snapshot{t: s.t, state: s.tape.keep(s.y, s.d), event: it.Event, micro: s.micros}
	if ev.Delayed {
		snap.delay = s.model.Delay(it.Event, s.t, s.y, s.d)
	}
	s.tape.snaps = append(s.tape.snaps, snap)
	s.record(entry{kind: snapEntry, t: s.t, ref: it.Snap, state: snap.state})
	if ev.Threshold > 0 && !it.Scheduled {
		s.renew(it.Event)
	}
	if ev.Delayed && snap.delay > 0 {
		s.delayed.push(delayedJump{s.t + snap.delay, len(s.tape.snaps), it.Snap, it.Args})
		return
	}
	s.agenda.Push(it)
}

// carryOut executes what is due at this instant and everything that the jumps
// trigger in turn, row by row of the data that fall on it, and starts the next
// step from the result. first is the guard whose root the last step ended on, or
// −1.
func (s *Integrator) carryOut(first int) *Failure {
	for s.out.Status != Terminated {
		s.dueNow()
		if fail := s.rank(); fail != nil {
			return fail
		}
		it, ok := s.agenda.Pop()
		if ok {
			if s.cancelled(it) {
				continue
			}
			if it.Guard >= 0 && it.Guard != first && s.leaving(it.Guard) != 0 {
				s.zeroStep(it.Guard)
			}
			if fail := s.execute(it); fail != nil {
				return fail
			}
			if s.hy.Events[it.Event].Terminate {
				s.out.Status = Terminated
			}
			continue
		}
		if len(s.due) > 0 {
			p := s.due[0]
			s.due = s.due[1:]
			if fail := s.atLimit(p); fail != nil {
				return fail
			}
			continue
		}
		if fail := s.rearm(); fail != nil {
			return fail
		}
		if s.agenda.Len() == 0 && !s.readSaves() {
			break
		}
	}
	s.startStep(s.t, s.y)
	return nil
}

// cancelled reports whether a micro-step since the trigger of an event has turned
// back what its guard does: on its surface the comparison is then the truth at
// equality.
func (s *Integrator) cancelled(it jumps.Item) bool {
	ev := &s.hy.Events[it.Event]
	if it.Guard < 0 || it.Due || ev.Persistent || s.tape.snaps[it.Snap].micro == s.micros {
		return false
	}
	copy(s.level, s.det.Side)
	for _, g := range s.guardsOf[it.Event] {
		if s.crossed[g] && s.onSurface(g) && s.leaving(g) != s.level[g] {
			s.level[g] = 0
		}
	}
	return !ev.Cond.Holds(s.level, s.edge)
}

// rank gives what waits on the agenda the priorities of the current state.
func (s *Integrator) rank() *Failure {
	if !s.hy.Prioritised || s.agenda.Len() < 2 {
		return nil
	}
	s.model.Priorities(s.t, s.y, s.d, s.ranks)
	for e, v := range s.ranks {
		if math.IsNaN(v) {
			f := s.fail(Unstable, 0, "the priority of event %s is not a number", s.hy.Events[e].Name)
			f.Event = e
			return f
		}
	}
	s.agenda.Rank(s.ranks)
	return nil
}

// readSaves reads the saves of this instant that stand above the rows of data
// which act next, and reports whether there are any such rows.
func (s *Integrator) readSaves() bool {
	last, ok := s.nextGroup()
	if !ok {
		return false
	}
	e := entry{kind: saveEntry, t: s.t, lo: s.nextSave, hi: last, state: s.tape.keep(s.y, s.d)}
	for i := e.lo; i < e.hi; i++ {
		copy(s.out.SaveY[i], s.y)
		copy(s.out.SaveD[i], s.d)
	}
	s.record(e)
	s.nextSave, s.out.Saved = last, last
	s.seekSave()
	s.keepBefore()
	return true
}

// zeroStep records that the root of another guard is at the same time: a step
// of no length whose derivative carries that guard's own time.
func (s *Integrator) zeroStep(guard int) {
	s.record(entry{
		kind: stepEntry, end: endRoot, ref: guard, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave, hi: s.nextSave,
	})
}

// execute carries out one micro-step.
func (s *Integrator) execute(it jumps.Item) *Failure {
	ev := &s.hy.Events[it.Event]
	e := entry{kind: jumpEntry, t: s.t, ref: it.Event, count: len(s.out.Log), more: len(s.tape.jumps), state: s.tape.keep(s.y, s.d)}
	read := jumpRead{snap: -1, mask: -1, args: it.Args}
	readY, readD, readT := s.y, s.d, s.t
	if snap := &s.tape.snaps[it.Snap]; !ev.Late && (it.Due || snap.micro < s.micros) {
		read.snap, readT = it.Snap, snap.t
		y, d := s.tape.at(snap.state, s.size.Y, s.size.D)
		readY, readD = y, d
		if !it.Due {
			// Components that no micro-step assigned since are read from the
			// state, whose sensitivity includes this event's own time.
			read.mask = len(s.tape.masks)
			for _, m := range s.touched {
				s.tape.masks = append(s.tape.masks, m > snap.micro)
			}
		}
	}
	if s.times[it.Event]++; s.times[it.Event] > jumps.MaxMicroSteps {
		return s.livelock()
	}
	rec := Record{Event: it.Event, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN()}
	if it.Guard >= 0 {
		rec.Rate, rec.Transversality = s.metAt[it.Guard].rate, s.metAt[it.Guard].transversality
	}
	rec.YBefore, rec.DBefore = s.tape.at(e.state, s.size.Y, s.size.D)
	v := s.vals[:len(ev.Targets)]
	s.model.Jump(it.Event, readT, readY, readD, it.Args, v)
	s.tape.jumps = append(s.tape.jumps, read)
	s.record(e)
	jumps.Assign(s.y, s.d, ev.Targets, ev.Adds, v)
	s.micros++
	s.out.Stats.Events++
	for _, k := range ev.Targets {
		s.touched[k] = s.micros
	}
	after := s.tape.keep(s.y, s.d)
	rec.YAfter, rec.DAfter = s.tape.at(after, s.size.Y, s.size.D)
	s.out.Log = append(s.out.Log, rec)
	if !finite(s.y) || !finite(s.d) {
		f := s.fail(Unstable, 0, "event %s assigned a value that is not finite", ev.Name)
		f.Event = it.Event
		return f
	}
	s.wake(ev)
	if fail := s.settle(); fail != nil {
		return fail
	}
	return s.settleDown(it)
}

// settle brings sides, switches and conditions up to date after a micro-step, and
// triggers the events whose conditions it turned true. A guard whose value the
// jump did not change stays on its side.
func (s *Integrator) settle() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	copy(s.gBefore, s.g)
	copy(s.rateBefore, s.rate)
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	if s.takeSides() {
		s.resetSwitches()
		s.conditions(func(e int) { s.trigger(jumps.Item{Event: e, Guard: -1}) })
	}
	return nil
}

// takeSides finds the sides of the guards whose values have jumped from gBefore,
// and reports whether there are any.
func (s *Integrator) takeSides() (some bool) {
	if !slices.Equal(s.g, s.gBefore) {
		s.setSpreads()
	}
	for i := range s.det.Side {
		if !s.hy.Flags[i] && (!s.det.Watch[i] || s.g[i] == s.gBefore[i]) || s.isExit(i) {
			continue
		}
		some = true
		if s.slidesOn(i) {
			if math.Abs(s.g[i]-s.gBefore[i]) <= s.near.fine.g[i] {
				continue
			}
			s.turn(s.switchOf[i], float64(truth(s.g[i] > 0)))
		}
		s.crossed[i], s.landed[i] = false, false
		side := s.sideHere(i)
		turned := side != s.det.Side[i]
		s.setSide(i, side, true)
		if e := s.releasedBy(i); e >= 0 && turned {
			s.release(e)
		}
	}
	return some
}

// rearm, at the end of an instant, finds the sides of the guards that are on their
// surface, and the modes of the switches there, by where the motion goes from
// here, and triggers the events whose conditions this turns true.
func (s *Integrator) rearm() *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	if fail := s.resolve(false); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if s.hy.Flags[i] || !s.det.Watch[i] || s.isExit(i) || s.isSign(i) || s.freed[i] || !s.onSurface(i) {
			continue
		}
		s.setSide(i, s.leaving(i), !s.crossed[i])
	}
	s.conditions(func(e int) { s.trigger(jumps.Item{Event: e, Guard: -1}) })
	return nil
}

// livelock is the failure of an instant without end; it names the cycle.
func (s *Integrator) livelock() *Failure {
	var names []string
	log := s.out.Log
	for i := max(0, len(log)-4); i < len(log); i++ {
		names = append(names, s.hy.Events[log[i].Event].Name)
	}
	f := s.fail(Livelock, 0, "an event fires more than %d times at one instant; the last were %s", jumps.MaxMicroSteps, strings.Join(names, ", "))
	if len(log) > 0 {
		f.Event = log[len(log)-1].Event
	}
	return f
}
