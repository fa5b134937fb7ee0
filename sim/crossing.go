package sim

import (
	"math"

	"github.com/pinode/pinode/events"
)

// Crossings: where in the step that stands a guard crosses its surface or leaves it,
// and the step that ends there.

// scan looks for the first crossing inside the step that stands, from a place of it
// on, which triggers an event or turns a switch, and for guards that leave a surface
// they were on. Crossings that change nothing are taken over as they pass.
func (s *Integrator) scan(from float64) (guard int, theta float64) {
	leaves, when := s.leave(from)
	last := -1
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
		if c.Touch || c.Guard == last && c.Theta <= from { // or back where it just was: it is on its surface
			to = 0
		}
		if s.matters(c.Guard, to) {
			s.unpass(c.Theta)
			return c.Guard, c.Theta
		}
		if s.at != endFree && (1-c.Theta)*s.step.H <= s.resolution() {
			break // it is of the instant at the end
		}
		if c.Touch {
			from, last = c.Theta, -1
			continue
		}
		s.passed = append(s.passed, passage{c.Guard, s.det.Side[c.Guard], c.Theta})
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
	to := sign(s.g[leaves])
	if to == s.det.Side[leaves] && s.restsOn(leaves) < 0 {
		s.disarm(leaves, false)
		return s.scan(when)
	}
	if !s.matters(leaves, to) {
		s.disarm(leaves, false)
		s.pass(leaves, to)
		return s.scan(when)
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

// passage is a crossing that changed nothing.
type passage struct {
	guard int
	was   int8
	theta float64
}

// unpass takes back the crossings that are of the same instant as one that matters:
// they belong to it.
func (s *Integrator) unpass(theta float64) {
	for i := len(s.passed) - 1; i >= 0; i-- {
		p := &s.passed[i]
		if (theta-p.theta)*s.step.H > s.resolution() {
			break
		}
		s.setSide(p.guard, p.was, false)
	}
	s.conditions(nil)
}

// disarm stops looking for crossings of a guard that is not clearly on its side yet,
// or goes on to.
func (s *Integrator) disarm(guard int, on bool) {
	s.disarmed[guard] = on
	s.det.Watch[guard] = !on
}

// near reports whether a guard rests on its surface, or is not armed yet, so that
// what counts is where it leaves to.
func (s *Integrator) near(i int) bool {
	return s.disarmed[i] || s.det.Side[i] == 0 && s.det.Watch[i] && !s.hy.Flags[i] && !s.slidesOn(i) || s.restsOn(i) >= 0
}

// leave finds the first guard near its surface that clearly leaves it inside the
// step that stands, and where; −1 and infinity if none does: see restWithin and
// depart.
func (s *Integrator) leave(from float64) (guard int, theta float64) {
	guard, theta = -1, math.Inf(1)
	for i := range s.det.Side {
		if !s.near(i) {
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
func (s *Integrator) matters(guard int, to int8) bool {
	if s.switchOf[guard] >= 0 || s.isExit(guard) || s.releasedBy(guard) >= 0 || s.restsOn(guard) >= 0 {
		return true
	}
	was := s.det.Side[guard]
	s.det.Side[guard], s.edge[guard] = to, to
	defer func() { s.det.Side[guard], s.edge[guard] = was, 0 }()
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Kind == events.When && !s.holds[e] && ev.Cond.Holds(s.det.Side, s.edge) || s.atRest[e].predicted && !s.stillRests(e) {
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
	if s.lands(guard, h, s.off) {
		return true
	}
	i := s.switchOf[guard]
	if i < 0 || s.hy.Switches[i].Floor {
		return false
	}
	s.off.fine.g[guard] = math.Max(s.off.fine.g[guard], 8*math.Abs(s.g[guard]))
	for _, mode := range [...]float64{0, 1, atEquality} {
		if b := s.branch(i, mode); b.known && b.goes == 0 {
			return true
		}
	}
	return false
}

// blame names a guard and the event that it belongs to.
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
	return f
}

// transversality compares the rate of a guard at its crossing with how much
// the rate changes in the time since the last instant: 1 far from a graze, 0
// at one.
func (s *Integrator) transversality(guard int, since float64) float64 {
	r, a := math.Abs(s.rate[guard]), math.Abs(s.accel[guard])
	if !(a < math.Inf(1)) { // as of √x at 0, which is crossed all the same
		return r / (r + 1)
	}
	return r / (r + a*since)
}

// crossingNow reports whether guard j crosses within the clock's resolution
// of the current time.
func (s *Integrator) crossingNow(j int) bool {
	side := float64(s.det.Side[j])
	return side*s.rate[j] < 0 && side*s.g[j] <= math.Max(math.Abs(s.rate[j])*s.resolution(), s.noise(j))
}
