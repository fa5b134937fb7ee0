package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// stepping takes the steps of a trajectory and chooses their lengths.
type stepping struct {
	*run
	*gear
	lane int // in its block
	stab *stability

	h     float64   // length of the next step
	try   float64   // length of the step that is tried
	at    endKind   // what its end is
	end   []float64 // the state there
	place place     // where it is
	dust  *dust     // nil: steps are programs

	whole bool // the stages behind the end of the step in the stepper stand

	reload bool // the discrete state or the held components are others than those that the lane knows
	shift  int  // by how many places that of the method is to be another: see reorder
	cut    bool // since the last accepted step one was rejected that a stop had cut off
}

// place is where the last step is.
type place uint8

const (
	inLane    place = iota // only in the lane of the block
	inStepper              // in the stepper as well
)

func newStepping(r *run, stepper *solvers.Stepper, take takers) *stepping {
	g := newGear(r, r.opt.Method, stepper, take, r.group)
	r.add(g)
	s := &stepping{run: r, gear: g, end: make([]float64, r.size.Y)}
	if !r.opt.Method.Whole() {
		s.dust = newDust(r.size.YError)
	}
	return s
}

// alone reports whether the trajectory does not run in a group.
func (s *stepping) alone() bool { return s.many == s.one }

// last is where the last step is.
func (s *stepping) last() (blk *solvers.Block, lane int) {
	if s.place == inStepper {
		return s.stepper.Block(), 0
	}
	return s.blk, s.lane
}

// reset begins a run.
func (s *stepping) reset() {
	s.ctl.Restart()
	s.cut, s.shift = false, 0
	if s.dust != nil {
		s.dust.forget(true)
	}
}

// again takes the next step of a checkpoint segment, with the rejections before it.
func (s *stepping) again(blk *solvers.Block) {
	for {
		s.try, _ = s.clip(s.h, timed{t: math.Inf(1)})
		if blk.Before != nil {
			blk.Before[0] = s.ctl.Before
		}
		s.take(s.try)
		if !s.opt.Method.Adaptive() {
			return
		}
		if ok, _ := s.accept(blk, 0, finite(s.stepper.End())); ok {
			return
		}
	}
}

// slowSteps are steps stage by stage on the memory of others, of one lane.
func slowSteps(hy *Hybrid, size Sizes, opt Options, one Steps) Steps {
	if _, ok := one.(*stagewise); ok || size.Exits == 0 {
		return one
	}
	return newStagewiseOn(hy, size, opt, solvers.NewStepperOn(opt.Method, size.Y, one.Block()))
}

// take takes a trial step of length h from the start that is in the stepper.
func (s *stepping) take(h float64) {
	s.stepper.H = h
	steps := s.stepsAt(s.d)
	steps.Load(0, s.model, s.d, s.held)
	steps.Time(0, s.model, s.stepper.T, h)
	steps.Step()
	s.whole = !s.lazy
	s.out.Stats.Evaluations += evaluations(s.opt.Method, steps)
}

// stages is how many stages a step evaluates.
func (s *stepping) stages() int { return stages(s.opt.Method, s.one) }

func stages(m *solvers.Tableau, one Steps) int {
	if leavesOut(one) {
		return m.End()
	}
	return m.Stages() - 1
}

// leavesOut reports whether steps leave out the stages behind their end.
func leavesOut(steps Steps) bool {
	lazy, ok := steps.(Lazy)
	return ok && lazy.Lazy()
}

// behind takes the stages behind the end of the step in the stepper, if they do not stand.
func (s *stepping) behind() {
	if !s.lazy || s.whole {
		return
	}
	s.whole = true
	steps := s.stepsAt(s.d)
	steps.Load(0, s.model, s.d, s.held)
	steps.Time(0, s.model, s.stepper.T, s.stepper.H)
	steps.(Lazy).Behind()
	s.out.Stats.Evaluations += s.opt.Method.Behind()
}

// exactly says whether steps solve their equations to round-off.
func (s *stepping) exactly(on bool) {
	if w, ok := s.stepsAt(s.d).(*stagewise); ok {
		w.exactly(on)
	}
}

// solved reports whether the equations of the last step are solved.
func (s *stepping) solved() bool {
	w, ok := s.stepsAt(s.d).(*stagewise)
	return !ok || solvers.Solved(w.step)
}

// evaluations is how many of the right-hand side the last step took.
func evaluations(m *solvers.Tableau, steps Steps) int {
	if w, ok := steps.(*stagewise); ok {
		return w.evaluations
	}
	return stages(m, steps)
}

// stepsAt are the steps of single trajectories at a discrete state.
func (s *stepping) stepsAt(d []float64) Steps {
	if s.slides(d) {
		return s.slow
	}
	return s.one
}

// takeAlone takes the step of a lane again, in the stepper.
func (s *stepping) takeAlone() {
	s.use()
	s.blk.Gather(s.stepper.Y[0], s.blk.Y[0], s.lane)
	s.blk.Gather(s.stepper.K[0], s.blk.K[0], s.lane)
	s.stepper.T = s.t
	if b := s.stepper.Block().Before; b != nil {
		b[0] = s.ctl.Before
	}
	s.take(s.try)
	s.place = inStepper
}

// accept accepts or rejects the step in a lane, whose end is finite or not, and
// sets the length of the next.
func (s *stepping) accept(blk *solvers.Block, l int, finite bool) (ok bool, mean float64) {
	if mean = blk.Mean[l]; !finite {
		mean = math.NaN()
	}
	ok, next := s.ctl.Accept(mean, blk.Log[l], blk.Factor[l], s.try)
	if !ok || s.at == endFree || next < s.h {
		s.h = next
		s.stab.bound()
	}
	if ok && s.opt.Step > 0 {
		s.h = min(s.h, s.opt.Step)
	}
	if w, stages := s.stepsAt(s.d).(*stagewise); ok && stages && s.at == endFree {
		s.shift = solvers.Reorder(w.step)
	}
	return ok, mean
}

// shorten is for a step in which a guard stops being a number before anything crosses, after a
// while or, where its dense output is none, at once: it is taken again to half of the way to
// there, or half as long, since it may be its own error that leaves what the guard or the
// field is defined on. It reports whether that is possible.
func (s *stepping) shorten(from float64) bool {
	if from == 0 {
		from = s.try
	}
	copy(s.y, s.stepper.Y[0])
	if !s.opt.Method.Adaptive() || from/2 < 8*ulp(s.t) {
		return false
	}
	s.out.Stats.Rejected++
	s.traceStep(s.try, false)
	s.cut = true
	s.h = from / 2
	return true
}

// tooSmall is the failure of a step that cannot be made short enough.
func (s *stepping) tooSmall(mean, h float64) *Failure {
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		f := s.fail(Unstable, h, "the field has no value right behind this state: a root or logarithm of a negative number, or a pole")
		if f.EndsBehind, f.State = true, s.undefinedBehind(h); f.State >= 0 {
			f.Detail += ", in the rate of a state"
		}
		return f
	}
	k := s.fastest()
	if s.isUnknown(k) {
		f := s.fail(StepTooSmall, h, branchEnds)
		f.State = k
		return f
	}
	f := s.fail(StepTooSmall, h, "the tolerances ask for a step shorter than the clock resolves; the problem may be stiff or singular here")
	f.State = k
	return f
}

// branchEnds is said where an algebraic unknown moves without bound.
const branchEnds = "the branch of the algebraic unknowns that the run follows ends here: they move ever faster, as at a fold, where the derivative of the equations `0 = …` by an unknown is zero, and there are none behind it"

// tooMany is the failure of a run that takes too many steps.
func (s *stepping) tooMany() *Failure {
	f := s.fail(MaxSteps, s.try, "%d steps did not reach t = %g", s.opt.MaxSteps, s.span.T1)
	if k := s.fastest(); s.isUnknown(k) && math.Abs(s.stepper.K[0][k])*nearFold*(s.span.T1-s.span.T0) > math.Abs(s.y[k])+s.opt.atol(k) {
		f.Detail += "; " + branchEnds
		f.State = k
	}
	return f
}

// nearFold is the part of the span in which an unknown changes by its size near a fold.
const nearFold = 1e-6

// isUnknown reports whether component k of the state is an algebraic unknown.
func (s *stepping) isUnknown(k int) bool {
	return k >= 0 && s.hy.Balance > 0 && slices.Contains(s.hy.Events[s.hy.Balance-1].Targets, k)
}

// fastest is the state that changes most beside its size where the step starts, or −1.
func (s *stepping) fastest() int {
	best, most := -1, 0.
	s.use()
	s.rhs(s.t, s.y, s.stepper.K[0])
	for k, f := range s.stepper.K[0] {
		if r := math.Abs(f) / (math.Abs(s.y[k]) + s.opt.atol(k)); r > most {
			best, most = k, r
		}
	}
	return best
}

// undefinedBehind is a state whose rate has no value a little behind the current state, or
// −1: along the field, in lengths that grow from h on.
func (s *stepping) undefinedBehind(h float64) int {
	y, rate := make([]float64, len(s.y)), make([]float64, len(s.y))
	s.use()
	field := make([]float64, len(s.y))
	s.rhs(s.t, s.y, field)
	for h = math.Max(h, ulp(s.t)); h <= s.span.T1-s.span.T0; h *= 10 {
		for i := range y {
			y[i] = s.y[i] + h*field[i]
		}
		s.rhs(s.t+h, y, rate)
		for k, v := range rate {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return k
			}
		}
	}
	return -1
}

// clip shortens a step so that it ends on the next timed instant, or, for
// fixed steps, on the grid.
func (s *stepping) clip(h float64, stop timed) (float64, endKind) {
	if !s.opt.Method.Adaptive() {
		// Multiples of the step from the start: no drift of the grid.
		k := math.Floor((s.t-s.span.T0)/h*(1+1e-12)+1e-9) + 1
		h = s.span.T0 + k*h - s.t
	}
	if left := stop.t - s.t; h >= left*stepsize.Near {
		return left, stop.end
	}
	return h, endFree
}

// goOn makes the end of the accepted step the start of the next.
func (s *stepping) goOn() {
	if s.dust != nil {
		s.dust.follow(s, s.end)
	}
	s.t += s.try
	s.stepper.T = s.t
	if s.place == inStepper && !s.alone() && s.slides(s.d) {
		s.stepper.Continue(s.t)
		s.toLane()
	} else {
		s.blk.Continue(s.lane)
	}
	s.y, s.end = s.end, s.y
}

// toStepper copies the step in the lane to the stepper.
func (s *stepping) toStepper() {
	was := s.place
	s.use()
	s.place = inStepper
	s.stepper.T, s.stepper.H = s.t, s.try
	if s.alone() || was == inStepper {
		return
	}
	for i := range s.stages() + 1 {
		s.blk.Gather(s.stepper.Y[i], s.blk.Y[i], s.lane)
		s.blk.Gather(s.stepper.K[i], s.blk.K[i], s.lane)
	}
	s.whole = !s.lazy
}

// toLane makes the stepper's start that of the lane.
func (s *stepping) toLane() {
	s.reload = true
	if !s.alone() {
		s.blk.Scatter(s.blk.Y[0], s.stepper.Y[0], s.lane)
		s.blk.Scatter(s.blk.K[0], s.stepper.K[0], s.lane)
	}
}

// firstStep has an adaptive method choose its next step as at the start of a run, which is not to be longer.
func (s *stepping) firstStep(longest float64) {
	if s.opt.Step > 0 {
		longest = min(longest, s.opt.Step)
	}
	s.h = s.stepper.FirstStep(field{s.run}, s.size.YError, s.opt.RTol, s.opt.ATol, longest)
	resolve(s)
}

// startStep makes the current state the start of a smooth piece. At the end of a run
// its derivative is not evaluated.
func (s *stepping) startStep() {
	s.segment(s.t)
	if s.ends() {
		s.stepper.T = s.t
		copy(s.stepper.Y[0], s.y)
		return
	}
	s.stepper.Start(field{s.run}, s.t, s.y)
}

// startAnew is startStep behind an instant.
func startAnew(s *stepping) {
	if s.dust != nil {
		s.dust.forget(false)
	}
	if s.startStep(); s.opt.Method.Adaptive() && !s.ends() {
		resolve(s)
		resolveSteep(s)
	}
}

// resolve shortens the next step by what is fast at its start.
func resolve(s *stepping) {
	s.h = solvers.Resolve(s.stepper, field{s.run}, s.size.YError, s.opt.RTol, s.opt.ATol, s.h)
}

// arrive makes the end of the step the current state.
func (s *stepping) arrive() {
	s.sweep(s.stepper.Y[0], s.stepper.EndRate(), s.stepper.H)
	s.stepper.Continue(s.t)
	copy(s.y, s.stepper.Y[0])
}

// sweep notes how large the states were where the step began that ends here, or as much as
// they move in all of the time: they are known to the round-off of that, be they as near to
// zero as they may, since an instant is known to the round-off of its time. A step that the
// clock can hardly tell from none says nothing new.
func (s *stepping) sweep(from, rates []float64, h float64) {
	if s.size.Guards == 0 {
		return
	}
	short, t := h <= s.resolution(), math.Abs(s.t)
	for i, v := range from {
		v = math.Abs(v)
		if moved := t * math.Abs(rates[i]); moved > v && !math.IsInf(moved, 1) {
			v = moved
		}
		if !short || v > s.swept[i] {
			s.swept[i] = v
		}
	}
}

// finiteRates checks that the field can be evaluated where a step is to start.
func (s *stepping) finiteRates() *Failure {
	if s.ends() {
		return nil
	}
	for i, v := range s.stepper.K[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			f := s.fail(Unstable, 0, "the rate of a state is %g where the run starts", v)
			f.State = i
			return f
		}
	}
	return nil
}

// intensitiesRise checks that no intensity was negative over the accepted step: its
// integral cannot fall.
func (s *stepping) intensitiesRise() *Failure {
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Threshold == 0 {
			continue
		}
		if was, is := s.y[ev.Integral], s.end[ev.Integral]; is < was-Slack*(1+was) {
			f := s.fail(Unstable, s.try, "the rate of event %s is negative", ev.Name)
			f.Event = e
			return f
		}
	}
	return nil
}
