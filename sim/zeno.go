package sim

import (
	"math"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// zenoWatch finds the events whose firings accumulate.
type zenoWatch struct {
	*sides
	clock *clock
	rests *rests
	conds *conditions
	gaps  jumps.Zeno
}

// zenoReach is how far, relative to the time scale of the run, the limit of
// an event's times may lie ahead for the event to count as at its limit. The
// heights of a bouncing ball shrink with the square of the gaps, so that the
// clock could resolve far more bounces than the position can: closer than the
// root of the machine's precision there is nothing left to follow.
const zenoReach = 1e-7

// reachOf is how far ahead the limit of the times of guard's event may lie to count as
// here. It is farther where the excursions of the guard between the firings are about
// to be lost in round-off.
func (s *zenoWatch) reachOf(guard int) float64 {
	if gap := s.t - s.clock.before; math.Abs(s.rate[guard])*gap <= 1e4*s.here.fine.g[guard] {
		return math.Inf(1)
	}
	return zenoReach * math.Max(math.Abs(s.t), s.span.T1-s.span.T0)
}

// zenoWeights are the derivatives of the limit of a geometric sequence of
// times, t₃ + g²/(f − g) with f = t₂ − t₁ and g = t₃ − t₂, by t₃, t₂ and t₁.
func zenoWeights(log []Record, at [3]int) [3]float64 {
	f := log[at[1]].T - log[at[2]].T
	g := log[at[0]].T - log[at[1]].T
	dg := g * (2*f - g) / ((f - g) * (f - g)) // ∂(g²/(f−g))/∂g
	df := -g * g / ((f - g) * (f - g))
	return [3]float64{1 + dg, df - dg, -df}
}

// settleDown follows a micro-step of an event that may be at the limit of its times:
// its gaps shrink geometrically and the limit is here.
func (s *zenoWatch) settleDown(it jumps.Item) *Failure {
	if it.Guard < 0 || s.hy.Events[it.Event].Threshold > 0 {
		return nil
	}
	if limit, near := s.gaps.Fired(it.Event, s.t, s.reachOf(it.Guard)); near {
		return s.end(it.Event, it.Guard, limit)
	}
	return nil
}

// end does what an event says of the limit of its times.
func (s *zenoWatch) end(event, guard int, limit float64) *Failure {
	ev := &s.hy.Events[event]
	switch ev.Zeno {
	case events.ZenoStop:
		s.out.Status = Terminated
		return nil
	case events.ZenoRest, events.ZenoPass:
		s.planRest(restPlan{event: event, guard: guard, armed: -s.conds.firesOn(event, guard), limit: limit})
		return nil
	}
	f := s.fail(ZenoLimit, 0, "event %s fires ever faster towards t = %.9g", ev.Name, limit)
	f.Event = event
	return f
}

// layDown ends the events whose conditions hold on the surface of a guard that the
// jumps of this instant have left there without a rate, and that is pushed on through it:
// they would have to fire again at once, and without end. It reports whether some rest
// begins.
func (s *zenoWatch) layDown(fired []int) (some bool, fail *Failure) {
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind != events.When || ev.Threshold > 0 || !s.conds.holds[e] && !(fired[e] > 0 && s.conds.stays[e]) {
			continue
		}
		if g := s.restingOn(e, fired[e] > 0); g >= 0 {
			if fail = s.end(e, g, s.t); fail != nil {
				return false, fail
			}
			some = true
		}
	}
	return some, nil
}

// restingOn is the guard that an event has to rest on, or −1: one that this instant has
// left without a rate, by the event or another. An event that says nothing of its limit
// must act on it.
func (s *zenoWatch) restingOn(event int, fired bool) int {
	for _, g := range s.conds.guardsOf[event] {
		if !fired && !s.lately[g].jolted && s.lately[g].put == 0 || !s.plain(g) || !s.onSurface(g) || s.rests.parked(g) || !s.pushed(event, g) {
			continue
		}
		if s.hy.Events[event].Zeno != events.ZenoError || s.assigns(event, g, valueOrRate) {
			return g
		}
	}
	return -1
}

// pushed reports whether a guard on its surface has no rate and is led to where an
// event fires.
func (s *zenoWatch) pushed(event, g int) bool {
	accel := s.accel[g]
	return s.still(g) && accel != 0 && sign(accel) == s.conds.firesOn(event, g)
}

// held follows the start of an event whose condition holds there on the surface of a
// guard that is led on to where it fires: it rests if it can, and else is counted as one
// that says nothing.
func (s *zenoWatch) held(event int) {
	for _, g := range s.conds.guardsOf[event] {
		switch fires := s.conds.firesOn(event, g); {
		case !s.plain(g) || !s.onSurface(g):
		case s.hy.Events[event].Zeno == events.ZenoRest && s.pushed(event, g):
			s.planRest(restPlan{event: event, guard: g, armed: -fires, limit: s.t})
			return
		case s.leaving(g) == fires:
			s.out.Stats.Silent, s.out.Stats.SilentEvent = 1, event
		}
	}
}

// lastThree are the places in the log of the last three firings of an event,
// the latest first.
func (s *zenoWatch) lastThree(event int) (at [3]int) {
	n := 0
	for i := len(s.out.Log) - 1; i >= 0 && n < 3; i-- {
		if r := &s.out.Log[i]; r.Event == event && r.Kind == Fired {
			at[n] = i
			n++
		}
	}
	return at
}

// restPlan is a rest that begins at the limit of an event's times.
type restPlan struct {
	event, guard int
	armed        int8 // side that the guard fires from
	limit        float64
	at           [3]int
}

// planRest stops watching the guard and waits for the limit.
func (s *zenoWatch) planRest(p restPlan) {
	p.at = s.lastThree(p.event)
	// Until it is released the guard counts as on the side that it fires from.
	s.det.Watch[p.guard], s.disarmed[p.guard] = false, false
	s.det.Side[p.guard] = p.armed
	s.conds.update(nil)
	s.rests.plans = append(s.rests.plans, p)
}

// atLimit carries out what follows at the limit of an event's times.
func (s *instant) atLimit(p restPlan) *Failure {
	if s.hy.Events[p.event].Zeno == events.ZenoRest {
		return s.comeToRest(p)
	}
	// Beyond the limit the guard counts as fired until it has been on the side
	// that it fires from again.
	s.zeno.gaps.Forget(p.event)
	s.det.Watch[p.guard] = true
	s.setSide(p.guard, -p.armed, noEdge)
	s.conds.update(nil)
	s.conds.holds[p.event] = true
	return nil
}

// comeToRest carries out `zeno rest`: it assigns the values at rest and holds
// those that are continuous states until the release guard of the event says
// that the field pushes them off again.
func (s *instant) comeToRest(p restPlan) *Failure {
	ev := &s.hy.Events[p.event]
	e := entry{kind: restEntry, t: s.t, ref: p.event, count: len(s.out.Log), state: s.tape.keep(s.y, s.d)}
	rec := Record{Event: p.event, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN(), Kind: Rested}
	rec.YBefore, rec.DBefore = s.tape.at(e.state, s.size.Y, s.size.D)
	v := s.vals[:len(ev.Rest)]
	s.model.Rest(p.event, s.t, s.y, s.d, v)
	jumps.Assign(s.y, s.d, ev.Rest, nil, v)
	s.record(e)
	s.micros++
	s.out.Stats.Events++
	rec.YAfter, rec.DAfter = s.tape.at(s.tape.keep(s.y, s.d), s.size.Y, s.size.D)
	s.out.Log = append(s.out.Log, rec)
	s.zeno.gaps.Forget(p.event)
	s.rests.hold(p.event)
	s.rests.begin(p.event, rest{on: true, guard: p.guard, armed: p.armed})
	if fail := s.settle(p.event); fail != nil {
		return fail
	}
	if !s.still(p.guard) {
		f := s.fail(ZenoLimit, 0, "nothing can rest on the surface of event %s: it moves (rate %.3g); what `zeno rest` assigns is held: on a surface that moves assign the velocity alone, that of the surface", ev.Name, s.rate[p.guard])
		f.Event = p.event
		return f
	}
	s.restWithin(p.guard)
	if ev.Release >= 0 {
		s.det.Side[ev.Release] = sign(s.g[ev.Release])
		s.det.Watch[ev.Release] = true
	}
	return nil
}
