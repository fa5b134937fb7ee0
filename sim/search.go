package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/events"
)

// search looks for what happens inside of a step, and shortens the step so that
// it ends there.
type search struct {
	*sides
	step     *stepping
	clock    *clock
	rests    *rests
	conds    *conditions
	switches *switches

	// Of the guards that the next step watches: they are all the model's own, so
	// that GuardsAlong knows them; some is near its surface, see rests.near.
	ownOnly, someNear bool

	passed  []passage // crossings of the step that changed nothing
	idle    idle      // guards that are not looked at in the rest of the step
	endless int       // a guard with more of these than the step is searched for, or −1
	counted int       // the last step that was counted as unproven
	along   []float64 // room: the state on the dense output
	flow    []float64 // and its derivative
	box     Box       // room: of a part of the step

	rough    bool // the steps to the last root were not smooth by their length, or did not come to it
	expanded bool // the dense output of the step is there as bounds need it
}

func newSearch(s *sides, step *stepping, clock *clock, rests *rests, conds *conditions, switches *switches) *search {
	return &search{
		sides: s, step: step, clock: clock, rests: rests, conds: conds, switches: switches,
		idle:  idle{crossings: make([]int, s.size.Guards)},
		along: make([]float64, s.size.Y), flow: make([]float64, s.size.Y),
	}
}

// Box is a time, a state, and its derivative by time, each between two bounds.
type Box struct {
	TLo, THi                 float64
	YLo, YHi, FlowLo, FlowHi []float64
}

// Bounds bounds the guards over the part [a, b] of the step.
func (s *search) Bounds(a, b float64, to *events.Bounds) bool {
	m, ok := s.model.(Bounded)
	if !ok {
		return false
	}
	if s.box.YLo == nil {
		for _, v := range []*[]float64{&s.box.YLo, &s.box.YHi, &s.box.FlowLo, &s.box.FlowHi} {
			*v = make([]float64, s.size.Y)
		}
	}
	if !s.expanded {
		s.step.stepper.Expand()
		s.expanded = true
	}
	s.box.TLo, s.box.THi = s.t+a*s.step.stepper.H, s.t+b*s.step.stepper.H
	s.step.stepper.Range(a, b, s.box.YLo, s.box.YHi, s.box.FlowLo, s.box.FlowHi)
	return m.Bounds(&s.box, s.d, to)
}

// countUnproven counts a step in which nothing proves that a guard does not cross.
func (s *search) countUnproven() {
	if s.det.Unproven < 0 {
		return
	}
	st := &s.out.Stats
	if s.counted != st.Steps { // once for each step
		s.counted = st.Steps
		st.Unproven++
	}
	st.UnprovenGuard = s.det.Unproven
}

// tellSides gives the step the sides of the guards that it is to examine.
func (s *search) tellSides() {
	own := s.own()
	s.ownOnly, s.someNear = !slices.Contains(s.det.Watch[own:], true), false
	for i := range s.det.Side {
		s.someNear = s.someNear || s.rests.near(i)
	}
	if len(s.step.blk.Side) == 0 {
		return
	}
	at := s.step.lane
	for i, watched := range s.det.Watch[:own] {
		if s.step.blk.Side[at] = 0; watched {
			s.step.blk.Side[at] = float64(s.det.Side[i])
		}
		at += s.step.blk.Width
	}
}

// noCrossing reports whether the program of the step has proved that no guard crosses
// inside of it.
func (s *search) noCrossing() bool {
	return s.size.Guards == 0 || s.ownOnly && !s.someNear && len(s.step.blk.NoCrossing) > 0 && s.step.blk.NoCrossing[s.step.lane] != 0
}

// Probe evaluates the guards on the dense output of the step.
func (s *search) Probe(theta float64, g, rate []float64) {
	t := s.t + theta*s.step.stepper.H
	s.step.stepper.DenseAndRate(theta, s.along, s.flow)
	if !s.ownOnly {
		s.model.Guards(t, s.along, s.d, s.held, g, rate, nil)
	}
	s.model.GuardsAlong(t, s.along, s.d, s.flow, g, rate)
}

// land has the run come to the surface of a guard that it is as near to as can be, other than
// the one that is not a number behind, if any, and returns the guard; −1 for none. within bounds how far off its time
// may be.
func (s *search) land(but int, within float64) int {
	i := s.landing(but, within)
	if i < 0 {
		return i
	}
	s.came = timed{end: endRoot, ref: i, event: -1}
	if s.rate[i] != 0 {
		s.zeroStep(i) // it meets its surface here, at a time that moves
	}
	return i
}

// landing is a guard that the run has come as close to as it can, and behind which
// the field is not defined, as √h at h = 0; −1 for none. but is left out.
func (s *search) landing(but int, within float64) int {
	if s.size.Guards == 0 {
		return -1
	}
	s.use()
	s.evalGuards()
	s.spread(s.there, s.y)
	for i, side := range s.det.Side {
		if i == but || !s.det.Watch[i] || s.hy.Flags[i] || s.isExit(i) || float64(side)*s.rate[i] >= 0 {
			continue
		}
		rate := math.Abs(s.rate[i])
		near := max(s.there.coarse.g[i], lastTries*ulp(s.t)*rate)
		if math.Abs(s.g[i]) <= math.Min(near, within*rate) {
			return i
		}
	}
	return -1
}

// lastTries is how many units of the clock's last place a step that fails may be longer than the shortest
// that is tried.
const lastTries = 128

// scan looks for the first crossing inside the accepted step which triggers an event or turns
// a switch, and for guards that leave a surface that they were on. Crossings that change nothing
// are taken over on the way.
func (s *search) scan() (guard int, theta float64) {
	clear(s.idle.crossings)
	s.passed, s.expanded, s.endless = s.passed[:0], false, -1
	if guard, theta = s.scanFrom(0); guard < 0 {
		s.followIdle(1)
	}
	s.rouse(func(int) bool { return true })
	return guard, theta
}

// scanFrom is the same from a place of the step on.
func (s *search) scanFrom(from float64) (guard int, theta float64) {
	leaves, when := s.leave(from)
	last := -1
	for flips := 0; ; flips++ {
		found := s.det.First(s, from, s.step.stepper.H, 0)
		if s.muteUnread(s.det.Undefined) || s.muteUnread(s.det.Unproven) {
			continue
		}
		s.countUnproven()
		if len(found) == 0 || found[0].Theta >= when {
			break
		}
		c := found[0]
		if flips >= maxFlips {
			s.endless = c.Guard
			return c.Guard, c.Theta
		}
		s.followIdle(c.Theta)
		to := -s.det.Side[c.Guard]
		if c.Touch || c.Guard == last && c.Theta <= from { // or back where it just was: it is on its surface
			to = 0
		}
		if s.matters(c.Guard, to) {
			s.unpass(c.Theta)
			return c.Guard, c.Theta
		}
		if s.step.at != endFree && (1-c.Theta)*s.step.stepper.H <= s.resolution() {
			break // it is of the instant at the end
		}
		if c.Touch {
			from, last = c.Theta, -1
			s.muteOften(c.Guard)
			continue
		}
		s.pass(c.Guard, to, c.Theta)
		if c.Theta >= 1 {
			return -1, 0
		}
		from, last = c.Theta, c.Guard
		s.rouse(s.read)
		s.muteOften(c.Guard)
	}
	if leaves < 0 {
		return -1, 0
	}
	s.followIdle(when)
	s.Probe(when, s.g, s.rate)
	to := sign(s.g[leaves])
	if to == s.det.Side[leaves] && s.rests.restsOn(leaves) < 0 {
		s.arm(leaves)
		return s.scanFrom(when)
	}
	if !s.matters(leaves, to) {
		s.arm(leaves)
		s.pass(leaves, to, when)
		s.rouse(s.read)
		return s.scanFrom(when)
	}
	return leaves, when
}

// maxFlips bounds the crossings in a step that change nothing.
const maxFlips = 100_000

// pass takes a guard to another side between instants and brings the conditions
// up to date.
func (s *search) pass(guard int, to int8, theta float64) {
	s.passed = append(s.passed, passage{guard, s.det.Side[guard], s.armed[guard], theta})
	s.setSide(guard, to, noEdge)
	s.conds.update(nil)
}

// passage is a crossing that changed nothing.
type passage struct {
	guard      int
	was, armed int8
	theta      float64 // where; 0 if it was not looked at there
}

// unpass takes back the crossings that are of the same instant as one that matters:
// they belong to it.
func (s *search) unpass(theta float64) { s.unpassFrom(theta - s.resolution()/s.step.stepper.H) }

// unpassFrom takes back those from a place of the step on.
func (s *search) unpassFrom(theta float64) {
	for n := len(s.passed) - 1; n >= 0; n-- {
		p := s.passed[n]
		if p.theta < theta {
			continue
		}
		s.setSide(p.guard, p.was, noEdge)
		s.armed[p.guard] = p.armed
		s.passed = append(s.passed[:n], s.passed[n+1:]...)
	}
	s.conds.update(nil)
}

// again has the step tried again, shorter than to a time from its start, and takes back what was found in it;
// it reports whether there can be a shorter one.
func (s *search) again(from float64) bool {
	s.unpassFrom(0)
	return s.step.shorten(from)
}

// leave finds the first guard near its surface that clearly leaves it inside the step,
// and where; −1 and infinity if none does: see restWithin and depart.
func (s *search) leave(from float64) (guard int, theta float64) {
	guard, theta = -1, math.Inf(1)
	for i := range s.det.Side {
		if !s.rests.near(i) {
			continue
		}
		band := s.band[i]
		out := func(x float64) bool {
			s.Probe(x, s.g, s.rate)
			return math.Abs(s.g[i]) > band
		}
		for k := range leaveLooks {
			a, b := from+(1-from)*float64(k)/leaveLooks, from+(1-from)*float64(k+1)/leaveLooks
			if !out(b) {
				continue
			}
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
func (s *search) matters(guard int, to int8) bool {
	if s.switchOf[guard] >= 0 || s.isExit(guard) || s.rests.releasedBy(guard) >= 0 || s.rests.restsOn(guard) >= 0 {
		return true
	}
	was := s.det.Side[guard]
	s.det.Side[guard], s.edge[guard] = to, to
	defer func() { s.det.Side[guard], s.edge[guard] = was, 0 }()
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind == events.When && !s.conds.holds[e] && ev.Cond.Holds(s.det.Side, s.edge) || s.rests.of[e].on && !s.rests.stillRests(e) {
			return true
		}
	}
	return false
}

// grazeTol is the transversality below which a crossing counts as a graze.
const grazeTol = 1e-6

// leaveAt shortens the step so that it ends where a guard has clearly left the
// surface that it rested on. The true step may have to be a hair longer than its dense output tells.
func (s *search) leaveAt(guard int, theta float64) (h float64) {
	full := s.step.stepper.H
	h = theta * full
	s.step.take(h)
	s.lookAtEnd(h)
	for k := 3; math.Abs(s.g[guard]) <= s.band[guard] && k < 20; k++ {
		h = theta*full + math.Ldexp(ulp(s.t+h), k)
		s.step.take(h)
		s.lookAtEnd(h)
	}
	return h
}

// drifts reports whether a guard that leaves its surface at the end of the step of length
// h has no rate there, as far as the tolerances tell, or less of one than would lead so far away:
// it was taken away by the errors of steps, at a time that does not move. Where a guard leaves as
// a power of the time, its rate times the time since is more than it has gone.
func (s *search) drifts(guard int, h float64) bool {
	if s.isExit(guard) {
		return false
	}
	y, t := s.y, s.t
	defer func() { s.y, s.t = y, t }()
	s.y = s.step.stepper.Y[0]
	s.evalGuards()
	from := s.g[guard]
	s.y, s.t = s.step.stepper.End(), s.t+h
	s.evalGuards()
	s.setSpreads()
	rate := math.Abs(s.rate[guard])
	gone := math.Max(math.Abs(s.g[guard]-from)/2, 8*s.here.fine.g[guard])
	return rate <= math.Max(s.here.fine.rate[guard], s.here.coarse.rate[guard]) || rate*h <= gone
}

// sinks is the failure of a run in which, at the end of the step of length h, states at rest are beyond the
// surface that they rest on, by more than the tolerances let them be: it moves otherwise than they do.
func (s *search) sinks(h float64) *Failure {
	y, t := s.y, s.t
	defer func() { s.y, s.t = y, t }()
	s.y, s.t = s.step.end, s.t+h
	s.evalGuards()
	s.setSpreads()
	for e := range s.hy.Events {
		p := &s.rests.of[e]
		if beyond := -float64(p.armed) * s.g[p.guard]; p.on && beyond > max(s.band[p.guard], clearly*s.here.coarse.g[p.guard]) {
			f := s.fail(ZenoLimit, h, "the surface of event %s goes through what rests on it: it moves faster and faster, and what `zeno rest` assigns is held; say in the equations how states move on it, by a discrete variable that the event sets where they come to it slowly", s.hy.Events[e].Name)
			f.Event = e
			return f
		}
	}
	return nil
}

// lookAtEnd evaluates the guards at the end of the step of length h.
func (s *search) lookAtEnd(h float64) {
	if s.ownOnly {
		s.model.GuardsAlong(s.t+h, s.step.stepper.End(), s.d, s.step.stepper.EndRate(), s.g, s.rate)
	} else {
		s.model.Guards(s.t+h, s.step.stepper.End(), s.d, s.held, s.g, s.rate, nil)
	}
}

// vanishes reports whether at the end of the step of length h a guard comes to its surface as at the end of an overflow.
func (s *search) vanishes(guard int, h float64) bool {
	y, t := s.y, s.t
	defer func() { s.y, s.t = y, t }()
	s.y, s.t = s.step.stepper.End(), s.t+h
	return s.switches.vanishesAt(guard)
}

// shortOf makes the step of length h to the surface of a guard a hair shorter, where it ends exactly there: the slope of a root
// is infinite on it.
func shortOf(s *search, guard int, h float64) float64 {
	shorter := h
	for k := 4; ; k++ {
		if s.lookAtEnd(shorter); s.g[guard] != 0 || shorter < (1-aHair)*h {
			return shorter
		}
		shorter = h - math.Ldexp(ulp(s.t+h), k)
		s.step.take(shorter)
	}
}

// staysBehind reports whether a guard that meets its surface without a rate comes
// to rest there: as it is, or, for that of a switch, in its other branch.
func (s *search) staysBehind(guard int, h float64) bool {
	y, t := s.y, s.t
	defer func() { s.y, s.t = y, t }()
	s.y, s.t = s.step.stepper.End(), s.t+h
	s.setSpreads()
	if s.lands(guard, h, s.here) {
		return true
	}
	i := s.switchOf[guard]
	if i < 0 || s.hy.Switches[i].Floor {
		return false
	}
	s.here.fine.g[guard] = math.Max(s.here.fine.g[guard], 8*math.Abs(s.g[guard]))
	for _, mode := range [...]float64{0, 1, atEquality} {
		if b := s.switches.branch(i, mode); b.known && b.goes == 0 {
			return true
		}
	}
	return false
}
