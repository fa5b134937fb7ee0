package sim

import "math"

// Runs that begin with an explicit method, and that another takes over where they are
// stiff. A run is handed over where stability, and not the error, holds its steps down for a
// while, and would do so for a long way. It is taken again then, from its start, so that
// each run has one method, of which the tape and the derivatives need to know nothing; and
// that method depends on the run alone.

const (
	firstGlance = 12   // steps before a run that may be handed over is looked at
	nextGlance  = 6    // steps to the next look where one found steps held down
	heldLooks   = 3    // looks in a row that do so
	longWay     = 300  // of the longest stable steps, is a long way
	decays      = 0.3  // part of an eigenvalue that is to be negative and real
	mostLater   = 64   // runs that wait for the other method
	sameEnd     = 1e-4 // of the run: so near each other two methods come to the same end
)

// takeover is what an integrator knows of the other method.
type takeover struct {
	offer  func() *Integrator // of the other method; nil where there is none
	first  *Integrator        // of an integrator of the other method: the one that began
	turned bool               // the run is to be handed over
	spent  int                // evaluations before it was
	failed *Failure           // why it was, if its steps failed
}

// OrElse lets runs that are stiff be taken by another integrator, for models of the same
// sizes. other is asked for it when there is a stiff run, and returns nil if there is none.
func (s *Integrator) OrElse(other func() *Integrator) { s.over.offer = other }

// turns reports whether the run is to be handed over from here.
func (o *takeover) turns(s *Integrator) bool {
	x := s.stab
	if o.offer == nil || x.looks < heldLooks || !(s.span.T1-s.t > longWay*x.length) {
		return false
	}
	o.turned = o.offer() != nil
	return o.turned
}

// rescues reports whether the run is to be handed over because its steps failed: an explicit
// method may be carried out of the range of a stiff model, where that has no solution, as a
// reaction by a concentration below zero.
func (o *takeover) rescues(fail *Failure) bool {
	if o.offer == nil || fail.Status != StepTooSmall && fail.Status != Unstable {
		return false
	}
	o.failed, o.turned = fail, o.offer() != nil
	return o.turned
}

// why is what a run failed of that was handed over: where the other method came no farther, what
// stopped the first.
func (o *takeover) why(s *Integrator, fail *Failure) *Failure {
	first := o.failed
	o.failed = nil
	if fail == nil || first == nil || fail.Status == Stopped || fail.T > first.T+sameEnd*(s.span.T1-s.span.T0) {
		return fail
	}
	return first
}

// handOver ends the run, and returns the integrator that is to take it.
func (o *takeover) handOver(s *Integrator) *Integrator {
	s.stab.careful = false
	other := o.offer()
	other.over.first, other.over.spent, other.over.failed = s, s.out.Stats.Evaluations, o.failed
	o.failed = nil
	return other
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

// later puts off the job of a lane that is to be handed over.
func (g *Group) later(l int, j *Job) {
	g.lanes[l] = nil
	g.ran[l] = g.ran[l][:len(g.ran[l])-1]
	j.In = j.In.over.handOver(j.In)
	g.handed = append(g.handed, j)
}

// runLater does the jobs that were put off, with the other method.
func (g *Group) runLater(done func(*Job)) {
	if len(g.handed) == 0 {
		return
	}
	g.other, g.bound = g.handed[0].In.group, nil
	at := 0
	g.other.Run(func() *Job {
		if at == len(g.handed) {
			return nil
		}
		at++
		return g.handed[at-1]
	}, done)
	g.handed, g.bound = g.handed[:0], nil
}

// OrElse lets the jobs that are stiff be done in another group. other is asked for it when
// there is a stiff one, and returns nil if there is none.
func (g *Group) OrElse(other func() *Group) { g.orElse = other }

// begins returns a job to the integrator of this group, if it was handed over before.
func (g *Group) begins(j *Job) {
	if first := j.In.over.first; first != nil && j.In.group != g {
		j.In = first
	}
}

// Group is the group that the integrator runs in.
func (s *Integrator) Group() *Group { return s.group }
