package sim

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/jumps"
	"github.com/pinode/pinode/solvers"
)

// Integrator runs one model again and again, for different parameters and
// spans, without allocating once its arenas have grown. It is used by one
// goroutine at a time.
//
// Its parts share the run, and each knows those that it works with: the steps
// and the clock that limits them; the guards with their sides, conditions,
// switches and states at rest; the search for crossings inside of a step; what
// happens at an instant; what of all that is kept for derivatives.
type Integrator struct {
	*stepping
	free  *freeRun
	hist  *history
	clock *clock

	sides    *sides
	rests    *rests
	conds    *conditions
	switches *switches
	search   *search
	descents *descents
	instant  *instant

	positives positives
	near      *neighbour

	stuck int // instants in a row without progress in time
	over  takeover

	rev  *reverse
	fwd  *forward
	cont [2]*continuous // adjoint, backsolve
}

// New returns an integrator for models of the given sizes. steps, of one
// lane, takes the steps; without it the integrator does so itself.
func New(hy *Hybrid, size Sizes, opt Options, steps Steps) *Integrator {
	opt = opt.defaults()
	if steps == nil {
		steps = newStagewise(hy, size, opt)
	}
	take := takers{one: steps, slow: slowSteps(hy, size, opt, steps), many: steps}
	return newIntegrator(newRun(hy, size, opt, nil), solvers.NewStepperOn(opt.Method, size.Y, steps.Block()), take)
}

func newIntegrator(r *run, stepper *solvers.Stepper, take takers) *Integrator {
	s := &Integrator{stepping: newStepping(r, stepper, take)}
	s.stab = newStability(s.stepping)
	s.positives = positives{s.stepping}
	s.near = newNeighbour(s.stepping)
	s.hist = newHistory(s.stepping)
	s.sides = newSides(newGuards(r))
	s.rests = newRests(s.sides)
	s.clock = newClock(r, s.rests)
	s.conds = newConditions(s.sides, s.clock, s.rests)
	s.switches = newSwitches(s.sides, s.rests)
	s.search = newSearch(s.sides, s.stepping, s.clock, s.rests, s.conds, s.switches)
	s.descents = newDescents(s.search, s.hist)
	s.instant = newInstant(s.sides, s.stepping, s.clock, s.rests, s.conds, s.switches)
	s.free = &freeRun{stepping: s.stepping, search: s.search, clock: s.clock, hist: s.hist, near: s.near}
	return s
}

// Lane is the lane that the integrator runs in.
func (s *Integrator) Lane() int { return s.lane }

// Run integrates the model over the span into out. The error, a *Failure, is
// also kept there.
func (s *Integrator) Run(m Model, span *Span, out *Trajectory) error {
	fail := s.open(m, span, out)
	for {
		for fail == nil && s.propose() {
			s.take(s.try)
			fail = s.judge()
		}
		if !s.over.turned && (fail == nil || !s.over.rescues(s, fail)) {
			return s.close(fail)
		}
		fail = s.over.change(s, 0)
	}
}

// open starts a run.
func (s *Integrator) open(m Model, span *Span, out *Trajectory) *Failure {
	s.begin(m, span, out)
	if fail := s.instant.start(); fail != nil {
		return fail
	}
	if fail := s.positives.jumped(); fail != nil {
		return fail
	}
	s.instant.balancing.level()
	s.h = s.opt.Step
	if s.opt.Method.Adaptive() && s.t < span.T1 {
		s.firstStep(s.clock.nextTimed().t - s.t)
	}
	s.toLane()
	return nil
}

// happenAt carries out the instant of a guard that the run has come to by ever shorter steps, behind which the
// length of the next says nothing.
func happenAt(s *Integrator, guard int) *Failure {
	fail := s.happen(guard)
	if fail == nil && s.t < s.span.T1 {
		s.firstStep(s.clock.nextTimed().t - s.t)
	}
	return fail
}

// begin prepares all parts for a run.
func (s *Integrator) begin(m Model, span *Span, out *Trajectory) {
	was, gear := s.gear, int8(0)
	if s.over.failed != nil {
		gear = s.over.gear
	}
	s.list = s.list[:0]
	if s.begins(gear, s.lane); s.gear != was {
		s.sides.along(s.method)
	}
	s.run.begin(m, span, out)
	if tr := span.Trace; tr != nil { // of a run that begins again, the second time counts
		*tr = Trace{Accepted: tr.Accepted[:0], Rejected: tr.Rejected[:0], Size: make([]float64, s.size.Y), Changes: tr.Changes[:0]}
	}
	s.stepping.reset()
	s.stab.turns = s.over.offer != nil && s.over.failed == nil
	s.stab.reset()
	s.near.reset()
	s.free.reset()
	s.clock.reset()
	s.descents.anew()
	s.sides.reset()
	s.rests.reset()
	clear(s.switches.exited)
	s.instant.zeno.gaps.Reset(len(s.hy.Events))
	s.search.counted, s.stuck, s.over.turned = 0, 0, false
}

// stopped is the end of a run that nobody waits for.
func (s *Integrator) stopped() *Failure {
	return s.fail(Stopped, s.try, "the run was stopped")
}

// close ends a run.
func (s *Integrator) close(fail *Failure) error {
	out := s.out
	fail = s.over.why(s, fail)
	s.free.resume()
	s.stab.careful = false
	if fail == nil {
		s.hist.endAtFixed()
		s.saveState()
	}
	out.T, out.Order = s.t, s.order.sum()
	copy(out.Y, s.y)
	copy(out.D, s.d)
	if fail != nil {
		out.Status, out.Fail = fail.Status, fail
		return fail
	}
	return nil
}

// propose sets up the next step, unless the run is at its end.
func (s *Integrator) propose() bool {
	if s.out.Status == Terminated || !(s.t < s.span.T1) && !s.startsOver() {
		return false
	}
	reorder(s)
	if s.steady(); s.over.turned {
		return false
	}
	if s.clock.stop.t <= s.t {
		s.clock.stop = s.clock.nextTimed()
	}
	s.try, s.at = s.clip(s.h, s.clock.stop)
	if s.blk.Before != nil {
		s.blk.Before[s.lane] = s.ctl.Before
	}
	s.search.tellSides()
	return true
}

// judge accepts or rejects the trial step and carries out what follows.
func (s *Integrator) judge() *Failure {
	s.place = inLane
	if s.alone() {
		s.place = inStepper
	}
	s.free.resume()
	if s.opt.ended() {
		return s.stopped()
	}
	if s.steps++; s.steps > s.opt.MaxSteps {
		return s.tooMany()
	}
	blk, lane := s.blk, s.lane
	if !s.alone() && s.slides(s.d) { // the program of the lane has no motion along surfaces
		s.takeAlone()
		blk, lane = s.stepper.Block(), 0
	}
	blk.Gather(s.end, blk.Y[blk.End], lane)
	fit := finite(s.end)
	if !s.opt.Method.Adaptive() {
		if !fit {
			return s.fail(Unstable, s.try, "the solution left the representable range")
		}
		return s.advance()
	}
	ok, mean := s.accept(blk, lane, fit)
	if !ok {
		s.out.Stats.Rejected++
		s.traceStep(s.try, false)
		s.cut = s.cut || s.at != endFree
		if there, fail := s.descend(); there {
			return fail
		}
		if s.h >= 8*ulp(s.t) {
			return nil
		}
		within := s.opt.RTol * (s.t - s.clock.last)
		if math.IsNaN(mean) {
			within = math.Inf(1)
		}
		if i := s.search.land(-1, within); i >= 0 {
			return happenAt(s, i)
		}
		return s.tooSmall(mean, s.h)
	}
	if s.near.shorten(mean) {
		return nil
	}
	s.stab.taken(s.try)
	return s.advance()
}

// advance records the accepted step up to the first crossing in it that matters, and
// carries out the instant at its end.
func (s *Integrator) advance() *Failure {
	if again, fail := s.positives.shorten(); again {
		return fail
	}
	s.out.Stats.Steps++
	if fail := s.intensitiesRise(); fail != nil {
		return fail
	}
	proved := s.search.noCrossing() && !s.search.descends()
	if inside := s.saves.time <= s.t+s.try; !proved || inside && !s.hist.readsLane() {
		s.toStepper()
	} else if !inside && s.at == endFree && s.opt.Forget {
		s.traceStep(s.try, true)
		return s.goOnProjected()
	}
	if s.rests.some > 0 {
		if fail := s.search.sinks(s.try); fail != nil {
			return fail
		}
	}
	stop := s.clock.stop // the scan may drop the jump that waits for it
	if !proved {
		if done, fail := s.descend(); done {
			return fail
		}
		guard, theta := s.search.scan()
		if i := s.search.endless; i >= 0 {
			if s.search.again(theta * s.try) {
				return nil
			}
			return s.blame(s.fail(Livelock, s.try, "a guard crosses its surface more than %d times within one step", maxFlips), i)
		}
		if i := s.sides.det.Undefined; i >= 0 && !(guard >= 0 && theta <= s.sides.det.UndefinedAt) {
			from := s.sides.det.UndefinedAt * s.try
			if s.search.again(from) {
				return nil
			}
			if landed := s.search.land(i, math.Inf(1)); landed >= 0 {
				return happenAt(s, landed)
			}
			return s.blame(s.fail(Unstable, s.try, "a guard is not a number from t = %.9g on", s.t+from), i)
		}
		if guard >= 0 {
			return s.advanceTo(guard, theta)
		}
	}
	s.traceStep(s.try, true)
	e := entry{kind: stepEntry, end: s.at}
	if s.at == endFree {
		if s.moving && !s.opt.Method.Adaptive() { // its end is on the grid of the steps
			e.end = endFixed
		}
		s.hist.addStep(e, s.try)
		return s.goOnProjected()
	}
	s.toStepper()
	if e.ref, e.count = stop.ref, stop.count; e.end == endZeno {
		e.more = len(s.tape.limits)
		s.tape.limits = append(s.tape.limits, stop.at)
	}
	s.hist.addStep(e, s.try)
	s.t = stop.t
	if _, fail := s.arriveProjected(); fail != nil {
		return fail
	}
	s.came = stop
	return s.happen(-1)
}

// advanceTo ends the accepted step where a guard crosses its surface or leaves it.
func (s *Integrator) advanceTo(guard int, theta float64) *Failure {
	e := entry{kind: stepEntry, end: endRoot, ref: guard}
	var h float64
	known := !s.rests.near(guard)
	if !known {
		h = s.search.leaveAt(guard, theta)
		if s.search.drifts(guard, h) {
			e.end = endFixed
		}
	} else {
		var fail *Failure
		h, fail = s.search.locate(guard, theta)
		if s.search.poorly(guard, fail) {
			if s.search.again(theta * s.try) {
				return nil
			}
			if landed := s.search.land(-1, s.opt.RTol*(s.t-s.clock.last)); landed >= 0 {
				return happenAt(s, landed)
			}
		}
		if fail != nil {
			return fail
		}
		switch {
		case s.search.vanishes(guard, h):
			h, e.end = shortOf(s.search, guard, h), endFixed // nothing depends on when, and its rate may be none
		case s.sides.g[guard] == 0 && math.IsInf(s.sides.accel[guard], 0):
			h = shortOf(s.search, guard, h)
		}
	}
	s.traceStep(h, true)
	s.hist.addStep(e, h)
	s.t += h
	moved, fail := s.arriveProjected()
	if fail == nil {
		fail = s.progress(h)
	}
	if fail != nil {
		return fail
	}
	s.came = timed{end: endRoot, ref: guard, event: -1}
	s.sides.known = known && !moved && s.stuck == 0
	return s.happen(guard)
}

// descend ends the step that was tried where a guard comes to rest on its surface, or asks for a
// shorter one on the way there, and reports whether it does either: see descent.
func (s *Integrator) descend() (done bool, fail *Failure) {
	guard, found, next := s.descents.descend(s.try)
	switch {
	case found == there:
	case found == later && next < math.Min(s.h, s.try):
		s.out.Stats.Rejected++
		s.traceStep(s.try, false)
		s.cut = true
		s.h = next
		return true, nil
	default:
		return false, nil
	}
	start, past := s.t, s.descents.past()
	if !s.descents.follow() {
		if s.t == start {
			return false, nil
		}
		s.startStep()
		s.toLane()
		return true, nil
	}
	if fail := s.progress(s.t - start); fail != nil {
		return true, fail
	}
	if past {
		return true, s.happen(-1)
	}
	s.came = timed{end: endDescent, ref: guard, event: -1, crosses: s.descents.fine.crosses}
	s.h = math.Min(s.h, s.descents.behind())
	return true, s.happen(guard)
}

// happen carries out an instant, from the result of which the run goes on.
func (s *Integrator) happen(guard int) *Failure {
	s.descents.anew()
	fail := s.instant.handle(guard)
	if fail == nil {
		fail = s.positives.jumped()
	}
	s.clock.tied = s.clock.tied[:0]
	s.instant.balancing.level()
	if s.t < s.span.T1 {
		s.stab.piece(s.steps)
		s.near.piece()
	}
	s.clock.forgetStop()
	s.toLane()
	return fail
}

// progress counts the instants in a row that lie within the clock's
// resolution of each other, h being the step since the last.
func (s *Integrator) progress(h float64) *Failure {
	if h > s.resolution() {
		s.stuck = 0
		return nil
	}
	if s.stuck++; s.stuck <= jumps.MaxMicroSteps {
		return nil
	}
	return s.converge()
}

// converge is for crossings that come ever closer: fields that turn about the
// intersection of two surfaces, onto which the solution goes on if it can, or guards that hardly move.
func (s *Integrator) converge() *Failure {
	s.instant.begin()
	s.sides.evalGuards()
	s.sides.setSpreads()
	if s.switches.restWhereSlow() {
		s.stuck = 0
		return nil
	}
	if fail := s.switches.meet(); fail != nil {
		fail.Detail = fmt.Sprintf("%d crossings in a row without progress in time: %s", s.stuck, fail.Detail)
		return fail
	}
	s.stuck = 0
	return nil
}

// TapeWords is how many words of memory the tape of the last run takes.
func (s *Integrator) TapeWords() int { return s.tape.words() }
