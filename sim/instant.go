package sim

import (
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/jumps"
)

// instant carries out what happens at one time.
type instant struct {
	*sides
	step     *stepping
	clock    *clock
	rests    *rests
	conds    *conditions
	switches *switches
	rates    *thresholds
	zeno     *zenoWatch

	balancing   *balancing
	steadyStart *steadyStart
	touching    *touching

	sources []timed   // that fired at this instant
	firings []int     // of each event at this instant
	touched []int     // micro-step that last assigned each component of [Y | D]
	ranks   []float64 // room: priorities of the events
	vals    []float64 // room: what a jump assigns
}

func newInstant(s *sides, step *stepping, clock *clock, rests *rests, conds *conditions, switches *switches) *instant {
	n := len(s.hy.Events)
	return &instant{
		sides: s, step: step, clock: clock, rests: rests, conds: conds, switches: switches,
		rates: &thresholds{sides: s, conds: conds, draws: make([]func() float64, n)},
		zeno:  &zenoWatch{sides: s, clock: clock, rests: rests, conds: conds},

		balancing:   &balancing{sides: s, step: step, vals: make([]float64, s.size.Y+s.size.D)},
		steadyStart: &steadyStart{sides: s, vals: make([]float64, s.size.Y+s.size.D)},
		touching:    &touching{sides: s, step: step, clock: clock, rests: rests, conds: conds},

		firings: make([]int, n), ranks: make([]float64, n),
		touched: make([]int, s.size.Y+s.size.D), vals: make([]float64, s.size.Y+s.size.D),
	}
}

// begin prepares an instant: it keeps the values before it for the saves that fall on
// it.
func (s *instant) begin() {
	s.micros = 0
	s.clock.before, s.clock.last = s.clock.last, s.t
	clear(s.touched)
	s.guards.forget()
	clear(s.firings)
	s.sources = s.sources[:0]
	copy(s.conds.before0, s.conds.holds)
	clear(s.switches.exited)
	clear(s.rests.freed)
	s.conds.agenda.Clear()
	s.saveBefore()
}

// saveBefore gives the current values, as those from before, to the saves of this
// instant.
func (s *instant) saveBefore() {
	e := entry{kind: beforeEntry, t: s.t, lo: s.saves.next, hi: s.saves.next}
	for e.hi < len(s.span.Saves) && s.saves.separate[e.hi] { // from before an instant that cannot be told from this one
		e.hi++
	}
	e.lo = e.hi
	for now := s.t + s.resolution(); e.hi < len(s.span.Saves) && s.span.Saves[e.hi] <= now; {
		copy(s.out.BeforeY.At(e.hi), s.y)
		copy(s.out.BeforeD.At(e.hi), s.d)
		s.saves.separate[e.hi] = true
		e.hi++
	}
	if e.hi > e.lo {
		e.state = s.tape.keep(s.y, s.d)
		s.record(e)
	}
}

// handle carries out everything that happens at the current time: the crossing of
// guard (or −1), those of other guards within the resolution of the clock, jumps of
// the inputs, and the timed sources.
func (s *instant) handle(guard int) *Failure {
	if !s.moving {
		startAnew(s.step)
		return nil
	}
	s.begin()
	if s.size.Guards > 0 {
		if !s.known {
			s.evalGuards()
		}
		s.known = false
		if fail := s.finiteGuards(); fail != nil {
			return fail
		}
		s.setSpreads()
		noteRests(s)
		s.touching.noteTouches(guard)
		s.doubtTies()
		if fail := s.cross(guard); fail != nil {
			return fail
		}
	}
	if s.clock.inputsJump() {
		s.segment(s.t)
		if fail := s.settle(noEvent); fail != nil {
			return fail
		}
	}
	if fail := s.rebalance(); fail != nil {
		return fail
	}
	if fail := s.carryOut(); fail != nil {
		return fail
	}
	return s.touching.grazed()
}

// cross takes guard (or −1), and those that cross with it, over their surfaces,
// and triggers the events whose conditions this turns true.
func (s *instant) cross(guard int) *Failure {
	some := false
	for j := range s.det.Side {
		if j == guard || s.clock.tieOf(j) >= 0 || s.det.Watch[j] && s.det.Side[j] != 0 && !s.hy.Flags[j] && s.crossingNow(j) && !s.touching.noted(j) {
			s.lately[j].crossed, some = true, true
			if s.det.Side[j] != 0 && !s.isExit(j) && !s.disarmed[j] {
				s.lately[j].residual = math.Abs(s.g[j])
				s.here.fine.g[j] = math.Max(s.here.fine.g[j], 8*s.lately[j].residual)
				s.lately[j].landed = s.lands(j, s.step.stepper.H, s.here)
			}
			s.met[j] = meeting{s.rate[j], s.transversality(j, s.t-s.clock.before)}
		}
	}
	if !some {
		return nil
	}
	copy(s.before.g, s.g)
	copy(s.before.rate, s.rate)
	s.switches.noteVanishing()
	turns := s.out.Stats.Turns
	if fail := s.switches.cross(guard); fail != nil {
		return fail
	}
	s.takeSides(noEvent) // of those that read the modes
	bends := s.clock.inputsJump()
	if bends {
		s.segment(s.t)
	}
	if bends = bends || s.out.Stats.Turns > turns; bends {
		s.switches.tryGuards()
	}
	for j := range s.lately {
		if !s.lately[j].crossed || s.switchOf[j] >= 0 || s.isExit(j) {
			continue
		}
		side := -s.det.Side[j]
		if e := s.rests.restsOn(j); e >= 0 { // what it rested on goes away
			s.rests.release(e)
			side = sign(s.g[j])
		} else if s.det.Side[j] == 0 { // it leaves its surface
			side = sign(s.g[j])
		} else if s.leaving(j) == 0 && !s.lately[j].through {
			side = 0
		} else if bends {
			side = s.sideBehind(j)
		}
		s.setSide(j, side, withEdge)
		if e := s.rests.releasedBy(j); e >= 0 {
			s.rests.freed[s.rests.of[e].guard] = true
			s.rests.release(e)
		}
	}
	if fail := s.finiteGuards(); fail != nil { // what crossed may have others read
		return fail
	}
	s.conds.update(func(e int) {
		by := s.conds.crossedBy(e)
		if by >= 0 {
			s.doubt(by)
		}
		s.trigger(jumps.Item{Event: e, Guard: by})
	})
	return nil
}

// doubt counts the crossing of a guard that turns back before it is farther beyond its
// surface than the state is known, or that stays within as much of it, as where the motion
// comes to rest.
func (s *instant) doubt(j int) {
	rate, accel := s.rate[j], s.accel[j]
	if !s.plain(j) || s.lately[j].through || s.came.end == endDescent && s.came.ref == j {
		return
	}
	depth := math.Inf(1)
	if rate*accel < 0 {
		depth = rate * rate / (2 * math.Abs(accel))
	}
	if s.lately[j].landed {
		depth = math.Min(depth, s.here.coarse.g[j])
	}
	if depth <= s.here.coarse.g[j] {
		st := &s.out.Stats
		st.Shallow++
		st.ShallowGuard, st.ShallowT, st.ShallowDepth = j, s.t, depth
	}
}

// noteRests notes what a descent that led here has left of the rates of the guards that it brought to rest: next to
// nothing, and a multiple of what round-off has left of the guard.
func noteRests(s *instant) {
	if s.came.end != endDescent {
		return
	}
	for j := range s.guards.own() {
		if j == s.came.ref && !s.came.crosses || s.clock.tieOf(j) >= 0 {
			s.lately[j].rest = math.Abs(s.rate[j])
		}
	}
}

// doubtTies counts guards that come to rest at the instant at which another has, of other states: the
// derivative of that time is not their own.
func (s *instant) doubtTies() {
	came := s.came
	if came.end != endDescent {
		return
	}
	for j := range s.guards.own() {
		if j != came.ref && s.clock.tieOf(j) < 0 && s.det.Watch[j] && s.det.Side[j] != 0 && s.onSurface(j) && s.leaving(j) == 0 && !s.sameStates(j, came.ref) {
			st := &s.out.Stats
			st.Shallow++
			st.ShallowGuard, st.ShallowT, st.ShallowDepth = j, s.t, s.here.coarse.g[j]
		}
	}
}

// sameStates reports whether two guards depend on the states in one proportion.
func (s *instant) sameStates(i, j int) bool {
	n := s.size.Y
	by := make([]float64, 2*n) // how strongly both depend on each state
	for k := range n {
		clear(s.reach)
		s.reach[k] = 1
		s.model.Spread(s.t, s.y, s.d, s.reach, 0, s.there.g, s.there.rate)
		by[k], by[n+k] = s.there.fine.g[i], s.there.fine.g[j]
	}
	most, other := slices.Max(by[:n]), slices.Max(by[n:])
	for k := range n {
		if math.Abs(by[k]*other-by[n+k]*most) > 1e-9*most*other {
			return false
		}
	}
	return true
}

// sideBehind is the side of a guard that comes to its surface at the very instant at
// which inputs or the field jump or bend: they decide whether it goes on across, as
// tryGuards has found it there.
func (s *instant) sideBehind(j int) int8 {
	across := -s.det.Side[j]
	side, behind := across, &s.switches.inBranch
	if g := behind.g[j]; math.Abs(g) > s.noise(j) {
		side = sign(g)
	} else if direction(behind.rate[j], behind.accel[j], s.here.fine.g[j], s.here.fine.rate[j]) != across {
		return 0
	}
	s.lately[j].crossed = side == across
	return side
}

// dueNow puts on the agenda what the model itself has scheduled for the current time.
// Of an event that is on the agenda already the next firing waits for the one before,
// so that it reads what that one left.
func (s *instant) dueNow() {
	for again := true; again; {
		again = false
		s.clock.eachTimed(func(x timed) {
			if again || x.event < 0 || x.firing || x.t > s.t+s.resolution() {
				return
			}
			if x.end != endZeno && x.end != endDelay && s.conds.agenda.Has(x.event) {
				return
			}
			again = true
			if x.end == endZeno {
				s.rests.due = append(s.rests.due, s.rests.plans[x.ref])
				s.rests.plans = append(s.rests.plans[:x.ref], s.rests.plans[x.ref+1:]...)
				return
			}
			s.clock.consume(x)
			s.sources = append(s.sources, x)
			it := jumps.Item{Event: x.event, Guard: -1, Args: x.args, Source: len(s.sources)}
			if x.end == endDelay {
				it.Snap, it.Due, it.Priority = x.ref, true, s.hy.Events[x.event].Priority
				s.conds.agenda.Push(it)
				return
			}
			s.trigger(it)
		})
	}
}

// own gives a micro-step the time of what triggered it, where the micro-step before
// happened at the time of something else. It records a step of length zero, whose
// derivative leads from one time to the other.
func (s *instant) own(it jumps.Item) {
	switch {
	case it.Guard >= 0:
		if s.clock.cameBy(it.Guard) {
			return
		}
		if x := s.clock.tieOf(it.Guard); x >= 0 {
			s.record(entry{
				kind: tieEntry, ref: len(s.tape.ties) - len(s.clock.tied) + x, t: s.t, state: s.tape.keep(s.y, s.d),
				lo: s.saves.next, hi: s.saves.next,
			})
			s.came = timed{end: endDescent, ref: it.Guard, event: -1}
			return
		}
		if s.leaving(it.Guard) == 0 || s.still(it.Guard) {
			return
		}
		s.zeroStep(it.Guard)
	case it.Source > 0:
		x := s.sources[it.Source-1]
		if x.end == s.came.end && (x.ref == s.came.ref || x.end == endFixed) {
			return
		}
		s.record(entry{kind: stepEntry, end: x.end, ref: x.ref, count: x.count, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next, hi: s.saves.next})
		s.came = x
	}
}

// trigger keeps the values at the trigger and puts the event on the agenda,
// or, with a delay, among the jumps to come.
func (s *instant) trigger(it jumps.Item) {
	ev := &s.hy.Events[it.Event]
	it.Priority = ev.Priority
	it.Snap = len(s.tape.snaps)
	snap := snapshot{t: s.t, state: s.tape.keep(s.y, s.d), event: it.Event, args: it.Args, micro: s.micros}
	if ev.Delayed {
		snap.delay = s.model.Delay(it.Event, s.t, s.y, s.d, it.Args)
	}
	s.tape.snaps = append(s.tape.snaps, snap)
	s.record(entry{kind: snapEntry, t: s.t, ref: it.Snap, state: snap.state})
	if ev.Threshold > 0 && it.Source == 0 {
		s.rates.renew(it.Event)
	}
	if ev.Delayed && snap.delay > 0 {
		s.clock.delayed.push(delayedJump{s.t + snap.delay, len(s.tape.snaps), it.Snap, it.Args})
		return
	}
	s.conds.agenda.Push(it)
}

// carryOut executes what is due at this instant and everything that the jumps
// trigger in turn, row by row of the data that fall on it, and starts the next
// step from the result.
func (s *instant) carryOut() *Failure {
	for s.out.Status != Terminated {
		s.dueNow()
		if fail := s.rank(); fail != nil {
			return fail
		}
		if s.rowFirst() {
			s.row()
			continue
		}
		it, ok := s.conds.agenda.Pop()
		if ok {
			s.own(it)
			if fail := s.execute(it); fail != nil {
				return fail
			}
			if s.hy.Events[it.Event].Terminate {
				s.out.Status = Terminated
			}
			continue
		}
		if len(s.rests.due) > 0 {
			p := s.rests.due[0]
			s.rests.due = s.rests.due[1:]
			if fail := s.atLimit(p); fail != nil {
				return fail
			}
			continue
		}
		if some, fail := s.zeno.layDown(s.firings); fail != nil {
			return fail
		} else if some {
			continue
		}
		if fail := s.rearm(); fail != nil {
			return fail
		}
		if s.conds.agenda.Len() == 0 && !s.row() {
			break
		}
	}
	clear(s.edge) // edges are over with their instant
	s.conds.update(nil)
	leaveNothing(s)
	leaveSteep(s)
	startAnew(s.step)
	return nil
}

// rank gives what waits the priorities of the current state.
func (s *instant) rank() *Failure {
	waiting := s.conds.agenda.Len()
	if waiting == 0 || waiting+s.clock.nextRow()-s.clock.nextFiring < 2 {
		return nil
	}
	if !s.hy.Prioritised {
		for e := range s.ranks {
			s.ranks[e] = s.hy.Events[e].Priority
		}
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
	s.conds.agenda.Rank(s.ranks)
	return nil
}

// rowFirst reports whether the next row of data acts before what waits: an event of
// its has a higher priority, and no row above it is waiting still.
func (s *instant) rowFirst() bool {
	top, waits := s.conds.agenda.Top()
	if !waits {
		return false
	}
	first := false
	for _, x := range s.span.Firings[s.clock.nextFiring:s.clock.nextRow()] {
		first = first || s.ranks[x.Event] > top.Priority
	}
	return first && !s.conds.agenda.Any(func(it jumps.Item) bool { return it.Source > 0 && s.sources[it.Source-1].firing })
}

// row lets the next row of data of this instant act: the saves above it are read, and
// the events that it fires are triggered. It reports whether there is one.
func (s *instant) row() bool {
	end := s.clock.nextRow()
	if end == s.clock.nextFiring {
		return false
	}
	s.readSaves(s.span.Firings[s.clock.nextFiring].Behind)
	for s.clock.nextFiring < end {
		x := s.clock.firing(s.clock.nextFiring)
		s.clock.consume(x)
		s.sources = append(s.sources, x)
		s.trigger(jumps.Item{Event: x.event, Guard: -1, Args: x.args, Source: len(s.sources)})
	}
	return true
}

// readSaves reads the saves of this instant before last that have not been read.
func (s *instant) readSaves(last int) {
	if last <= s.saves.next {
		return
	}
	e := entry{kind: saveEntry, t: s.t, lo: s.saves.next, hi: last, state: s.tape.keep(s.y, s.d)}
	for i := e.lo; i < e.hi; i++ {
		copy(s.out.SaveY.At(i), s.y)
		copy(s.out.SaveD.At(i), s.d)
	}
	s.record(e)
	s.saves.next, s.out.Saved = last, last
	s.seekSave()
}

// execute carries out one micro-step.
func (s *instant) execute(it jumps.Item) *Failure {
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
	if s.firings[it.Event]++; s.firings[it.Event] > jumps.MaxMicroSteps {
		return s.livelock(it.Event)
	}
	rec := Record{Event: it.Event, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN()}
	if it.Guard >= 0 {
		rec.Rate, rec.Transversality = s.met[it.Guard].rate, s.met[it.Guard].transversality
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
	var unbalanced *Failure
	if finite(s.y) {
		if unbalanced = s.balancing.balance(anew); unbalanced != nil && s.switches.letGo() {
			unbalanced = s.balancing.balance(anew)
		}
	}
	after := s.tape.keep(s.y, s.d)
	rec.YAfter, rec.DAfter = s.tape.at(after, s.size.Y, s.size.D)
	s.out.Log = append(s.out.Log, rec)
	if unbalanced != nil {
		return unbalanced
	}
	if !finite(s.y) || undefined(s.d) {
		f := s.fail(Unstable, 0, "event %s assigned a value that is not finite", ev.Name)
		f.Event = it.Event
		return f
	}
	s.rests.wake(ev)
	turns := s.out.Stats.Turns
	if fail := s.settle(it.Event); fail != nil {
		return fail
	}
	if s.out.Stats.Turns > turns && s.hy.Balance > 0 { // the constraints may read what turned
		if fail := s.rebalance(); fail != nil {
			return fail
		}
		copy(s.out.Log[len(s.out.Log)-1].YAfter, s.y)
	}
	return s.zeno.settleDown(it)
}

// livelock is the failure of an instant without end; it names the cycle, or the event
// that is triggered again by the motion from where it puts the state.
func (s *instant) livelock(event int) *Failure {
	for _, g := range s.conds.guardsOf[event] {
		if s.lately[g].put == event+1 {
			f := s.fail(Sliding, 0, "event %s puts the state onto the surface of its own condition, from where it is led across again at once", s.hy.Events[event].Name)
			f.Event = event
			return f
		}
	}
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
