package sim

import "math"

// Runs that begin with an explicit method, and that another takes over where they are stiff,
// for as long as they are. A run goes on with the other where stability, and not the error,
// holds its steps down for a while, and would do so for a long way; and comes back where the
// steps of the other have been no longer for a while than stable ones of the first would be. If
// it has to go again soon, it is to be so for twice as long before the next return. Where it
// changes depends on the run alone. Entries of the tape name the leg that they are of, and so their method.

const (
	firstGlance = 12   // steps before a run that may be handed over is looked at
	nextGlance  = 6    // steps to the next look where one tells for the other method
	nextReturn  = 24   // and where one tells for the method for stiff runs
	heldLooks   = 3    // looks in a row that tell for the other method
	returnLooks = 16   // and for the return, at least
	mostLooks   = 512  // and at most
	shortLeg    = 300  // steps between a return and the next takeover, that were not worth the return
	longWay     = 300  // of the longest stable steps, is a long way
	decays      = 0.3  // part of an eigenvalue that is to be negative and real
	mostLater   = 64   // runs that wait for the other method
	sameEnd     = 1e-4 // of the run: so near each other two methods come to the same end
)

// takeover is what an integrator knows of the other method.
type takeover struct {
	offer  func() *Group // that has it; nil where there is none
	turned bool          // the run is to go on with the other method
	gear   int8          // its place; 0: it is not there yet
	failed *Failure      // why the run is to begin again with it, if steps of the first failed
	wary   int           // looks in a row that tell for the return, before it
	since  int           // steps before the last return
}

// OrElse lets runs that are stiff be taken by the method of another group, for models of the
// same sizes. other is asked for it when there is a stiff run, and returns nil if there is none.
func (s *Integrator) OrElse(other func() *Group) { s.over.offer = other }

// ready reports whether there is another method.
func (o *takeover) ready(s *Integrator) bool {
	if o.gear == 0 {
		to := o.offer()
		if to == nil {
			return false
		}
		take, in := to.takers, to
		if s.run.group == nil {
			take.many, in = take.one, nil
		}
		o.gear = s.add(newGear(s.run, to.opt.Method, to.stepper, take, in))
	}
	return true
}

// first reports whether the run is in the gear with which runs begin.
func (s *legs) first() bool { return s.list[s.leg].gear == 0 }

// turns reports whether the run is to go on with the other method from here.
func (o *takeover) turns(s *Integrator) bool {
	x := s.stab
	if o.offer == nil || len(s.list) > mostLegs {
		return false
	}
	enough := o.wary
	if s.first() {
		enough = heldLooks
	}
	o.turned = x.looks >= enough && s.span.T1-s.t > longWay*min(x.length, x.h) && o.ready(s)
	return o.turned
}

// rescues reports whether the run is to be taken by the other method because its steps
// failed: an explicit method may be carried out of the range of a stiff model, where that has
// no solution, as a reaction by a concentration below zero.
func (o *takeover) rescues(s *Integrator, fail *Failure) bool {
	if o.offer == nil || !s.first() || fail.Status != StepTooSmall && fail.Status != Unstable {
		return false
	}
	if o.turned = o.ready(s); o.turned {
		o.failed = fail
	}
	return o.turned
}

// why is what a run failed of that was begun again: where the other method came no farther, what
// stopped the first.
func (o *takeover) why(s *Integrator, fail *Failure) *Failure {
	first := o.failed
	o.failed = nil
	if fail == nil || first == nil || fail.Status == Stopped || fail.T > first.T+sameEnd*(s.span.T1-s.span.T0) {
		return fail
	}
	return first
}

// change goes on with the other method, in a lane of it.
func (o *takeover) change(s *Integrator, lane int) *Failure {
	st := &s.out.Stats
	was := o.wary
	o.turned = false
	if o.failed != nil {
		spent := st.Evaluations
		s.lane = lane
		fail := s.open(s.model, s.span, s.out)
		s.traceMethod()
		st.Evaluations, st.TakenOver = st.Evaluations+spent, 1
		return fail
	}
	to := int8(0)
	if s.first() {
		to = o.gear
	}
	s.begins(to, lane)
	s.traceMethod()
	s.sides.along(s.method)
	s.ctl.Restart()
	if s.first() {
		o.since = s.steps
		st.Returns++
		s.h = math.Min(s.h, boundSteps*s.stab.length)
	} else {
		if o.wary = returnLooks; st.Returns > 0 && s.steps-o.since < shortLeg {
			o.wary = min(2*was, mostLooks)
		}
		st.TakenOver, st.Stiff, st.Stiffest = 1, 0, 0 // what held steps down does no longer
	}
	s.use()
	s.startStep()
	s.stab.engage()
	s.free.reset()
	s.toLane()
	return nil
}

// looked counts the looks in a row that found steps held down by an eigenvalue of a part
// of the solution that decays.
func (x *stability) looked(held bool) {
	ev := &x.largest
	if held && ev.re < 0 && -ev.re >= decays*math.Hypot(ev.re, ev.im) {
		x.looks++
	} else {
		x.looks = 0
	}
}

// lookBack looks whether the steps of the method for stiff runs are no longer than stable
// steps of the first would be.
func (x *stability) lookBack() {
	known := x.converge()
	next := nextReturn
	if x.looks++; known && x.h <= x.length {
		next = nextGlance
	} else {
		x.looks = 0
	}
	x.last, x.due = x.steps, x.steps+next
}

// leave takes the job out of its lane that is to go on with the other method.
func (g *Group) leave(l int, j *Job) {
	g.lanes[l] = nil
	g.leaving = append(g.leaving, j)
}

// second is the group of the other method, nil if there is none.
func (g *Group) second() *Group {
	if g.other == nil {
		if g.other = g.orElse(); g.other != nil {
			g.other.first, g.other.bound = g, g.bound
		}
	}
	return g.other
}

// home is the group in which runs begin.
func (g *Group) home() *Group {
	if g.first != nil {
		return g.first
	}
	return g
}

// pass has the jobs that have left a group go on in another.
func (g *Group) pass(to *Group, next func() *Job, done func(*Job)) {
	g.leaving, to.arrived = to.arrived[:0], g.leaving
	g.home().phase++
	to.work(next, done)
}

// none is for groups that get their jobs from another.
func none() *Job { return nil }

// OrElse lets the jobs that are stiff be done in another group. other is asked for it when
// there is a stiff one, and returns nil if there is none.
func (g *Group) OrElse(other func() *Group) { g.orElse = other }

// Group is the group that the integrator runs in.
func (s *Integrator) Group() *Group { return s.group }
