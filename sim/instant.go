package sim

import (
	"math"
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
	if s.moving {
		s.startStep(s.t, s.y) // so that guards may be evaluated with a field
	}
	if s.size.Guards > 0 || len(s.hy.Switches) > 0 {
		s.initialSwitches()
		s.evalGuards()
		if fail := s.finiteGuards(); fail != nil {
			return fail
		}
		for i := range s.det.Side {
			s.det.Side[i] = s.initialSide(i)
		}
	}
	s.begin()
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When {
			continue
		}
		before := ev.Cond.HoldsAt(s.g)
		s.holds[e] = ev.Cond.Holds(s.det.Side, -1)
		// A strict comparison on its surface turns true just behind the
		// start; one that holds from the start fires only if asked to.
		if s.holds[e] && (!before || ev.AtStart) {
			s.trigger(jumps.Item{Event: e, Guard: -1, Timed: -1})
		}
	}
	s.dueNow()
	if s.agenda.Len() == 0 {
		if s.moving || s.t < s.span.T1 { // else no step is taken
			s.startStep(s.t, s.y)
		}
		return nil
	}
	return s.carryOut(-1)
}

// initialSide is the side of guard i at the initial time: its sign, or on the
// surface that of its first rate that is not zero. A guard that stays on its
// surface counts as above unless a condition that includes the surface says
// otherwise.
func (s *Integrator) initialSide(i int) int8 {
	if s.hy.Flags[i] {
		return truth(s.g[i] != 0)
	}
	for _, v := range []float64{s.g[i], s.rate[i], s.accel[i]} {
		if v != 0 {
			return sign(v)
		}
	}
	for e := range s.hy.Events {
		if c := s.hy.Events[e].Cond; c != nil {
			if side := includes(c, i); side != 0 {
				return side
			}
		}
	}
	return 1
}

// includes is the side on which the surface of guard i counts for a condition
// that includes it, or 0.
func includes(c *events.Cond, i int) int8 {
	if c.Guard == i && c.Inclusive {
		switch c.Op {
		case events.Below:
			return -1
		case events.Above:
			return 1
		}
	}
	for _, a := range c.Args {
		if side := includes(a, i); side != 0 {
			return side
		}
	}
	return 0
}

func truth(b bool) int8 {
	if b {
		return 1
	}
	return 0
}

func sign(v float64) int8 {
	if v < 0 {
		return -1
	}
	return 1
}

func (s *Integrator) evalGuards() { s.model.Guards(s.t, s.y, s.d, s.g, s.rate, s.accel) }

func (s *Integrator) finiteGuards() *Failure {
	for i, g := range s.g {
		if math.IsNaN(g) {
			return s.fail(Unstable, 0, "guard %d is not a number", i)
		}
	}
	return nil
}

// scan looks for the first crossing inside the step that stands which
// triggers an event or turns a switch. Crossings that change nothing are
// taken over as they pass.
func (s *Integrator) scan() (guard int, theta float64) {
	s.step.Expand()
	from := 0.
	for range maxFlips {
		found := s.det.First(s, from, s.step.H, 0)
		s.unproven()
		if len(found) == 0 {
			return -1, 0
		}
		c := found[0]
		if s.matters(c.Guard) {
			return c.Guard, c.Theta
		}
		s.flip(c.Guard)
		if c.Theta >= 1 {
			return -1, 0
		}
		from, s.det.Unproven = c.Theta, c.Guard
	}
	s.unproven()
	return -1, 0
}

// maxFlips bounds the crossings in a step that change nothing.
const maxFlips = 100_000

// matters reports whether a crossing of the guard would trigger an event or
// turn a switch.
func (s *Integrator) matters(guard int) bool {
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; w.Guard == guard || w.Floor && w.Upper == guard {
			return true
		}
	}
	side := s.det.Side
	side[guard] = -side[guard]
	defer func() { side[guard] = -side[guard] }()
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind == events.When && !s.holds[e] && ev.Cond.Holds(side, guard) {
			return true
		}
	}
	return s.releasedBy(guard) >= 0
}

// flip takes a guard to its other side and brings the conditions up to date.
// Waiting jumps of a condition that has become false are dropped.
func (s *Integrator) flip(guard int) {
	s.det.Side[guard] = -s.det.Side[guard]
	s.conditions(nil)
}

// conditions evaluates every condition and calls turned for those that have
// become true.
func (s *Integrator) conditions(turned func(e int)) {
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When {
			continue
		}
		was := s.holds[e]
		s.holds[e] = ev.Cond.Holds(s.det.Side, -1)
		switch {
		case s.holds[e] && !was && turned != nil:
			turned(e)
		case !s.holds[e] && was && !ev.Persistent:
			s.dropDelayed(e)
		}
	}
}

func (s *Integrator) dropDelayed(e int) {
	keep := s.delayed[:0]
	for _, x := range s.delayed {
		if s.tape.snaps[x.snap].event != e {
			keep = append(keep, x)
		}
	}
	s.delayed = keep
	s.stop.t = math.Inf(-1) // it may have been the time of one of them
}

// grazeTol is the transversality below which a crossing counts as a graze.
const grazeTol = 1e-6

// locate shortens the step that stands so that it ends on the root of the
// guard near theta: Newton's method on true steps, so that the state at the
// event has the order of the solver and the guard vanishes to round-off.
func (s *Integrator) locate(guard int, theta float64) (h float64, fail *Failure) {
	full := s.step.H
	h = theta * full
	best, bestH := math.Inf(1), h
	for range 12 {
		s.take(h)
		if s.sided {
			s.model.Look(s.t+h, s.step.End(), s.d, s.step.EndRate(), s.g, s.rate)
		} else {
			s.model.Guards(s.t+h, s.step.End(), s.d, s.g, s.rate, nil)
		}
		g := math.Abs(s.g[guard])
		if !(g < best) {
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
	s.model.Guards(s.t+bestH, s.step.End(), s.d, s.g, s.rate, s.accel)
	if trans := s.transversality(guard, s.t+bestH-s.last); !(trans > grazeTol) || float64(s.det.Side[guard])*s.rate[guard] > 0 {
		f := s.fail(Graze, full, "the guard touches its surface at t = %.9g without crossing it (transversality %.1g)", s.t+bestH, trans)
		return 0, s.blame(f, guard)
	}
	return bestH, nil
}

// blame names the event or switch that a guard belongs to.
func (s *Integrator) blame(f *Failure, guard int) *Failure {
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
	clear(s.residual)
	s.agenda.Clear()
	e := entry{kind: beforeEntry, t: s.t, lo: s.nextSave, hi: s.nextSave}
	for now := s.t + s.resolution(); e.hi < len(s.span.Saves) && s.span.Saves[e.hi] <= now; {
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

// instant carries out everything that happens at the current time: the
// crossing of guard (or −1), those of other guards within the resolution of
// the clock, and the timed source at stop.
func (s *Integrator) instant(guard int, stop timed) *Failure {
	if guard < 0 && stop.event < 0 && stop.t >= s.span.T1 && s.size.Guards == 0 {
		s.startStep(s.t, s.y)
		return nil
	}
	s.begin()
	if s.size.Guards > 0 {
		s.evalGuards()
		if fail := s.finiteGuards(); fail != nil {
			return fail
		}
	}
	if guard >= 0 {
		s.cross(guard)
		for j := range s.det.Side {
			if j != guard && s.det.Watch[j] && s.crossingNow(j) {
				s.cross(j)
			}
		}
	}
	s.dueNow()
	return s.carryOut(guard)
}

// crossingNow reports whether guard j crosses within the clock's resolution
// of the current time.
func (s *Integrator) crossingNow(j int) bool {
	side := float64(s.det.Side[j])
	return side*s.rate[j] < 0 && side*s.g[j] <= math.Abs(s.rate[j])*s.resolution()
}

// cross takes a guard over its surface and puts the events that this triggers
// on the agenda.
func (s *Integrator) cross(guard int) {
	s.crossed[guard] = true
	s.armed[guard] = s.det.Side[guard]
	s.residual[guard] = math.Abs(s.g[guard])
	s.det.Side[guard] = -s.det.Side[guard]
	if e := s.releasedBy(guard); e >= 0 {
		s.release(e)
		return
	}
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind == events.When && !s.holds[e] && ev.Cond.Holds(s.det.Side, guard) {
			s.trigger(jumps.Item{Event: e, Guard: guard, Timed: -1})
		}
	}
	s.conditions(nil)
}

// dueNow puts on the agenda what is scheduled for the current time.
func (s *Integrator) dueNow() {
	for again := true; again; {
		again = false
		s.eachTimed(func(x timed) {
			if again || x.event < 0 || x.t > s.t+s.resolution() {
				return
			}
			again = true
			if x.end == endZeno {
				s.due = append(s.due, s.plans[x.ref])
				s.plans = append(s.plans[:x.ref], s.plans[x.ref+1:]...)
				return
			}
			s.consume(x)
			if x.end == endDelay {
				sn := &s.tape.snaps[x.ref]
				s.agenda.Push(jumps.Item{Event: sn.event, Priority: s.hy.Events[sn.event].Priority, Guard: -1, Snap: x.ref, Args: x.args, Due: true, Timed: x.count})
				return
			}
			s.trigger(jumps.Item{Event: x.event, Guard: -1, Args: x.args, Timed: x.count})
		})
	}
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
	if ev.Threshold > 0 && it.Timed < 0 {
		s.renew(it.Event)
	}
	if ev.Delayed && snap.delay > 0 {
		s.delayed = append(s.delayed, delayedJump{s.t + snap.delay, it.Snap, it.Args})
		return
	}
	s.agenda.Push(it)
}

// carryOut executes the agenda, with everything that the jumps trigger in
// turn, and starts the next step from the result. first is the guard whose
// root the last step ended on, or −1.
func (s *Integrator) carryOut(first int) *Failure {
	if fail := s.crossSwitches(first); fail != nil {
		return fail
	}
	for {
		it, ok := s.agenda.Pop()
		if !ok {
			break
		}
		ev := &s.hy.Events[it.Event]
		if ev.Kind == events.When && ev.Threshold == 0 && !ev.Persistent && !it.Due && !ev.Cond.Holds(s.det.Side, it.Guard) {
			continue // cancelled by an earlier micro-step
		}
		if s.micros >= jumps.MaxMicroSteps {
			return s.livelock()
		}
		if it.Guard >= 0 && it.Guard != first {
			s.zeroStep(it.Guard)
		}
		if fail := s.execute(it); fail != nil {
			return fail
		}
		if ev.Terminate {
			s.out.Status = Terminated
			break
		}
	}
	for len(s.due) > 0 {
		p := s.due[0]
		s.due = s.due[1:]
		if fail := s.comeToRest(p); fail != nil {
			return fail
		}
	}
	if s.agenda.Len() > 0 && s.out.Status != Terminated {
		return s.carryOut(first) // what the rest triggered
	}
	s.startStep(s.t, s.y)
	return nil
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
	rec := Record{Event: it.Event, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN()}
	if it.Guard >= 0 {
		rec.Rate, rec.Transversality = s.rate[it.Guard], s.transversality(it.Guard, s.t-s.before)
	}
	rec.YBefore, rec.DBefore = s.tape.at(e.state, s.size.Y, s.size.D)
	v := s.vals[:len(ev.Targets)]
	s.model.Jump(it.Event, readT, readY, readD, it.Args, v)
	s.tape.jumps = append(s.tape.jumps, read)
	s.record(e)
	jumps.Assign(s.y, s.d, ev.Targets, v)
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
	if fail := s.settle(false); fail != nil {
		return fail
	}
	return s.settleDown(it)
}

// epsilon is the distance from 1 to the next number.
const epsilon = 0x1p-52

// settle brings sides, switches and conditions up to date after a micro-step
// or the turn of a switch, and triggers the events whose conditions it turned
// true. keep leaves the guards that cross at this instant where they went.
func (s *Integrator) settle(keep bool) *Failure {
	if s.size.Guards == 0 {
		return nil
	}
	copy(s.gBefore, s.g)
	copy(s.rateBefore, s.rate)
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	for i := range s.det.Side {
		if s.hy.Flags[i] {
			s.det.Side[i] = truth(s.g[i] != 0)
			continue
		}
		if !s.det.Watch[i] || s.crossed[i] && keep || s.g[i] == s.gBefore[i] && !s.crossed[i] {
			continue
		}
		side := s.det.Side[i]
		switch {
		case math.Abs(s.g[i]) > s.surface(i):
			s.det.Side[i] = sign(s.g[i])
		case math.Abs(s.rate[i]) > 64*epsilon*math.Abs(s.rateBefore[i]):
			s.det.Side[i] = sign(s.rate[i])
		case s.accel[i] != 0:
			s.det.Side[i] = sign(s.accel[i])
		}
		if e := s.releasedBy(i); e >= 0 && s.det.Side[i] != side {
			s.release(e)
		}
	}
	s.resetSwitches()
	s.conditions(func(e int) { s.trigger(jumps.Item{Event: e, Guard: -1, Timed: -1}) })
	return nil
}

// surface is how far from zero guard i may be and still count as on its
// surface: what round-off and localisation leave.
func (s *Integrator) surface(i int) float64 {
	return 8*s.residual[i] + 64*epsilon*(math.Abs(s.gBefore[i])+math.Abs(s.rateBefore[i])*(math.Abs(s.t)+s.step.H))
}

// livelock is the failure of an instant without end; it names the cycle.
func (s *Integrator) livelock() *Failure {
	var names []string
	log := s.out.Log
	for i := max(0, len(log)-4); i < len(log); i++ {
		names = append(names, s.hy.Events[log[i].Event].Name)
	}
	f := s.fail(Livelock, 0, "more than %d events at one instant; the last were %s", jumps.MaxMicroSteps, strings.Join(names, ", "))
	if len(log) > 0 {
		f.Event = log[len(log)-1].Event
	}
	return f
}
