package sim

import (
	"math"
	"strings"

	"github.com/pinode/pinode/jumps"
)

// begin prepares an instant: it keeps the values before it for the saves that
// fall on it.
func (s *Integrator) begin() {
	s.micros = 0
	s.before, s.last = s.last, s.t
	clear(s.touched)
	clear(s.crossed)
	clear(s.landed)
	clear(s.residual)
	clear(s.times)
	s.sources = s.sources[:0]
	copy(s.held0, s.holds)
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
	for e.hi < last && s.separate[e.hi] { // kept by an instant that cannot be told from this one
		e.hi++
	}
	e.lo = e.hi
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
		s.startStep()
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
	}
	if s.inputsJump() {
		s.segment(s.t)
		if fail := s.settle(); fail != nil {
			return fail
		}
	}
	return s.carryOut()
}

// inputsJump reports whether inputs may jump or bend at the current time.
func (s *Integrator) inputsJump() bool {
	if _, ok := s.model.(Segmented); !ok {
		return false
	}
	for i := s.nextStop; i < len(s.span.Stops) && s.span.Stops[i] <= s.t+s.resolution(); i++ {
		if s.span.Stops[i] >= s.t-s.resolution() {
			return true
		}
	}
	return s.nextStop > 0 && s.span.Stops[s.nextStop-1] >= s.t-s.resolution()
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
				s.off.fine.g[j] = math.Max(s.off.fine.g[j], 8*s.residual[j])
				s.landed[j] = s.lands(j, s.step.H, s.off)
			}
			s.metAt[j] = meeting{s.rate[j], s.transversality(j, s.t-s.before)}
		}
	}
	if !some {
		return nil
	}
	copy(s.gBefore, s.g)
	copy(s.rateBefore, s.rate)
	turns := s.out.Stats.Turns
	if fail := s.crossSwitches(guard); fail != nil {
		return fail
	}
	s.takeSides() // of those that read the modes
	bends := s.inputsJump()
	if bends {
		s.segment(s.t)
	}
	if bends = bends || s.out.Stats.Turns > turns; bends {
		s.tryGuards()
	}
	for j, c := range s.crossed {
		if !c || s.switchOf[j] >= 0 || s.isExit(j) {
			continue
		}
		side := -s.det.Side[j]
		if e := s.restsOn(j); e >= 0 { // what it rested on goes away
			s.release(e)
			side = sign(s.g[j])
		} else if s.det.Side[j] == 0 { // it leaves its surface
			side = sign(s.g[j])
		} else if s.leaving(j) == 0 {
			side = 0
		} else if bends {
			side = s.sideBehind(j)
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

// sideBehind is the side of a guard that comes to its surface at the very instant at
// which inputs or the field jump or bend: they decide whether it goes on across, as
// tryGuards has found it there.
func (s *Integrator) sideBehind(j int) int8 {
	across := -s.det.Side[j]
	side := across
	if g := s.gTry[j]; math.Abs(g) > s.noise(j) {
		side = sign(g)
	} else if direction(s.rateTry[j], s.accelTry[j], s.off.fine.g[j], s.off.fine.rate[j]) != across {
		return 0
	}
	s.crossed[j] = side == across
	return side
}

// meeting is how a guard met its surface.
type meeting struct{ rate, transversality float64 }

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
			s.sources = append(s.sources, x)
			it := jumps.Item{Event: x.event, Guard: -1, Args: x.args, Source: len(s.sources)}
			if x.end == endDelay {
				it.Snap, it.Due, it.Priority = x.ref, true, s.hy.Events[x.event].Priority
				s.agenda.Push(it)
				return
			}
			s.trigger(it)
		})
	}
}

// own lets a micro-step happen at the time of what triggered it, where the one before
// happened at that of something else: by a step of no length, whose derivative takes
// it from one to the other.
func (s *Integrator) own(it jumps.Item) {
	switch {
	case it.Guard >= 0:
		if s.came.end == endRoot && s.came.ref == it.Guard || s.leaving(it.Guard) == 0 {
			return
		}
		s.zeroStep(it.Guard)
		s.came = timed{end: endRoot, ref: it.Guard, event: -1}
	case it.Source > 0:
		x := s.sources[it.Source-1]
		if x.end == s.came.end && (x.ref == s.came.ref || x.end == endFixed) {
			return
		}
		s.record(entry{kind: stepEntry, end: x.end, ref: x.ref, count: x.count, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave, hi: s.nextSave})
		s.came = x
	}
}

// trigger keeps the values at the trigger and puts the event on the agenda,
// or, with a delay, among the jumps to come.
func (s *Integrator) trigger(it jumps.Item) {
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
// step from the result.
func (s *Integrator) carryOut() *Failure {
	for s.out.Status != Terminated {
		s.dueNow()
		if fail := s.rank(); fail != nil {
			return fail
		}
		it, ok := s.agenda.Pop()
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
	clear(s.edge) // edges are over with their instant
	s.conditions(nil)
	s.startStep()
	return nil
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
