package sim

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
	"github.com/pinode/pinode/solvers"
)

// Integrator runs one model again and again, for different parameters and
// spans, without allocating once its arenas have grown. It is used by one
// goroutine at a time.
type Integrator struct {
	hy   *Hybrid
	opt  Options
	size Sizes

	step  *solvers.Stepper // of this trajectory alone
	one   Steps            // what takes its steps
	many  Steps            // what takes the steps of its lane; one, unless it runs in a Group
	blk   *solvers.Block   // of many
	lane  int
	group *Group // nil: it runs alone
	ctl   *solvers.Controller
	det   *events.Detector

	model Model
	span  *Span
	out   *Trajectory

	t      float64
	last   float64 // time of the last instant, and of that before it
	before float64
	y, d   []float64 // the state
	end    []float64 // of the step that stands
	k      []float64 // the derivative at y, where the lane goes on by itself

	h      float64 // length of the next step
	steps  int     // so far
	stop   timed   // the next step must not cross
	try    float64 // length of the step that is tried
	pulled bool    // it stands in the stepper too
	fresh  bool    // its lane is to be loaded anew
	loose  bool    // its lane may go on by itself
	alone  bool    // its lane goes on by itself where nothing happens
	inputs bool    // its steps are told of their times
	sided  bool    // no guard of a release is watched
	moving bool    // times of instants may depend on parameters
	at     endKind // where it ends

	holds []bool // the events' conditions, as of now

	g, rate, accel []float64 // guards at the current state
	gBefore        []float64 // and before the last micro-step
	rateBefore     []float64
	residual       []float64 // of the guards located at this instant
	sched          []float64
	fired          []int            // firings of each periodic event so far
	draws          []func() float64 // of each event with an intensity; nil: it does not fire by itself
	nextFiring     int
	nextStop       int
	nextSave       int
	save           float64 // its time, or +∞
	separate       []bool  // saves whose values before the instant are their own
	rev            *reverse
	fwd            *forward
	cont           [2]*continuous // adjoint, backsolve

	agenda  jumps.Agenda
	crossed []bool // guards that crossed at this instant
	armed   []int8 // side from which each guard crossed last
	delayed []delayedJump
	micros  int   // micro-steps of this instant
	touched []int // micro-step that last assigned each component of [Y | D]
	readY   []float64
	flow    []float64 // the derivative of the dense output
	readD   []float64
	vals    []float64
	zeno    jumps.Zeno
	held    []bool     // components of Y that `zeno rest` holds
	plans   []restPlan // rests to come
	due     []restPlan // rests of this instant
	atRest  []restPlan // by event; predicted: it is at rest
	stuck   int        // instants in a row without progress

	tape tape
}

// delayedJump is a jump whose assignments wait for their time.
type delayedJump struct {
	t    float64
	snap int
	args []float64
}

// New returns an integrator for models of the given sizes. steps, of one
// lane, takes the steps; without it the integrator does so itself.
func New(hy *Hybrid, size Sizes, opt Options, steps Steps) *Integrator {
	opt = opt.defaults()
	if steps == nil {
		steps = newRolled(size, opt)
	}
	return newIntegrator(hy, size, opt, solvers.NewStepperOn(opt.Method, size.Y, steps.Block()), steps, steps)
}

func newIntegrator(hy *Hybrid, size Sizes, opt Options, step *solvers.Stepper, one, many Steps) *Integrator {
	return &Integrator{
		hy: hy, opt: opt, size: size,
		moving: len(hy.Events)+len(hy.Switches) > 0,
		step:   step, one: one, many: many, blk: many.Block(),
		y: make([]float64, size.Y), end: make([]float64, size.Y), k: make([]float64, size.Y),
		ctl: solvers.NewController(opt.Method),
		det: events.NewDetector(size.Guards),
		d:   make([]float64, size.D), holds: make([]bool, len(hy.Events)),
		g: make([]float64, size.Guards), rate: make([]float64, size.Guards), accel: make([]float64, size.Guards),
		residual: make([]float64, size.Guards), gBefore: make([]float64, size.Guards), rateBefore: make([]float64, size.Guards),
		sched: make([]float64, size.Times), fired: make([]int, len(hy.Events)), draws: make([]func() float64, len(hy.Events)),
		crossed: make([]bool, size.Guards), armed: make([]int8, size.Guards), touched: make([]int, size.Y+size.D),
		readY: make([]float64, size.Y), flow: make([]float64, size.Y), readD: make([]float64, size.D),
		vals: make([]float64, size.Y+size.D), held: make([]bool, size.Y),
		atRest: make([]restPlan, len(hy.Events)),
	}
}

// RHS is the field that the stepper sees: the model's at the current discrete
// state, with the components at rest held.
func (s *Integrator) RHS(t float64, y, dy []float64) {
	s.model.RHS(t, y, s.d, dy)
	for i, h := range s.held {
		if h {
			dy[i] = 0
		}
	}
	s.out.Stats.Evaluations++
}

// Probe evaluates the guards on the dense output of the step.
func (s *Integrator) Probe(theta float64, g, rate []float64) {
	t := s.t + theta*s.step.H
	s.step.Dense(theta, s.readY)
	if s.sided {
		s.step.DenseRate(theta, s.flow)
		s.model.Look(t, s.readY, s.d, s.flow, g, rate)
		return
	}
	s.model.Guards(t, s.readY, s.d, g, rate, nil)
}

// Run integrates the model over the span into out. The error, a *Failure, is
// also kept there.
func (s *Integrator) Run(m Model, span *Span, out *Trajectory) error {
	fail := s.open(m, span, out)
	for fail == nil && s.propose() {
		s.take(s.try)
		fail = s.judge()
	}
	return s.close(fail)
}

// open starts a run.
func (s *Integrator) open(m Model, span *Span, out *Trajectory) *Failure {
	out.reuse(len(span.Saves), s.size)
	s.model, s.span, s.out = m, span, out
	s.use()
	s.reset()
	for len(s.separate) < len(span.Saves) {
		s.separate = append(s.separate, false)
	}
	clear(s.separate)
	if fail := s.start(); fail != nil {
		return fail
	}
	s.h = s.opt.Step
	if s.opt.Method.Adaptive() && s.t < s.span.T1 {
		longest := s.nextTimed().t - s.t
		if s.opt.Step > 0 {
			longest = min(longest, s.opt.Step)
		}
		s.h = s.step.FirstStep(s, s.size.YError, s.opt.RTol, s.opt.ATol, longest)
	}
	s.export()
	return nil
}

// close ends a run.
func (s *Integrator) close(fail *Failure) error {
	out := s.out
	s.sync()
	if fail == nil {
		s.saveState()
	}
	out.T = s.t
	copy(out.Y, s.y)
	copy(out.D, s.d)
	if fail != nil {
		out.Status, out.Fail = fail.Status, fail
		return fail
	}
	return nil
}

func (s *Integrator) reset() {
	s.tape.reset()
	s.ctl.Restart()
	s.t = s.span.T0
	s.last, s.before = s.t, s.t
	s.nextFiring, s.nextStop, s.nextSave = 0, 0, 0
	s.delayed = s.delayed[:0]
	clear(s.fired)
	clear(s.held)
	clear(s.atRest)
	s.plans, s.stuck = s.plans[:0], 0
	s.steps, s.stop.t = 0, math.Inf(-1)
	s.loose = false
	in, ok := s.many.(Inputs)
	s.inputs = ok && in.HasInputs()
	s.alone = len(s.blk.Until) > 0 && s.opt.Step == 0 && !s.inputs
	s.seekSave()
	s.zeno.Reset(len(s.hy.Events))
	for i := range s.det.Watch {
		s.det.Watch[i] = !s.hy.Flags[i]
	}
	for e := range s.hy.Events {
		if r := s.hy.Events[e].Release; r >= 0 {
			s.det.Watch[r] = false
		}
	}
}

// fail builds the failure of this run at the current state.
func (s *Integrator) fail(status Status, h float64, format string, args ...any) *Failure {
	return &Failure{
		Status: status, T: s.t, H: h, Event: -1, Switch: -1,
		Y: append([]float64{}, s.y...), D: append([]float64{}, s.d...),
		Detail: fmt.Sprintf(format, args...),
	}
}

// propose sets up the next step, unless the run is at its end.
func (s *Integrator) propose() bool {
	if !(s.t < s.span.T1) || s.out.Status == Terminated {
		return false
	}
	if s.stop.t <= s.t {
		s.stop = s.nextTimed()
	}
	s.try, s.at = s.clip(s.h, s.stop)
	if s.blk.Before != nil {
		s.blk.Before[s.lane] = s.ctl.Before
	}
	s.setSides()
	return true
}

// setSides tells the step the sides of the guards that it looks at.
func (s *Integrator) setSides() {
	own := s.size.Guards - s.size.Releases
	s.sided = !slices.Contains(s.det.Watch[own:], true)
	if len(s.blk.Side) == 0 {
		return
	}
	at := s.lane
	for i, watched := range s.det.Watch[:own] {
		if s.blk.Side[at] = 0; watched {
			s.blk.Side[at] = float64(s.det.Side[i])
		}
		at += s.blk.Width
	}
}

// calm reports whether no guard crosses inside the step that stands, as far as
// the step itself can tell.
func (s *Integrator) calm() bool {
	return s.size.Guards == 0 || s.sided && len(s.blk.Calm) > 0 && s.blk.Calm[s.lane] != 0
}

// Near is the part of the way to an instant from which on a step ends there.
const Near = 1 - 1e-10

// Tiny is the part of the time below which lengths are looked at.
const Tiny = 1e-12

// letGo lets the lane go on by itself, if nothing else looks at the steps.
func (s *Integrator) letGo() {
	blk, l := s.blk, s.lane
	if !s.alone || !s.sided || s.at != endFree || s.steps >= s.opt.MaxSteps || !s.opt.Forget && !s.fits() {
		return
	}
	blk.Gather(s.k, blk.K[0], l)
	s.loose = true
	blk.Until[l], blk.Stop[l], blk.Rejected[l] = s.save, s.stop.t, 0
	blk.Taken[l], blk.Refused[l], blk.Left[l] = 0, 0, float64(s.opt.MaxSteps-s.steps)
	if s.ctl.Rejected() {
		blk.Rejected[l] = 1
	}
}

// take takes a true step of length h from the stepper's start.
func (s *Integrator) take(h float64) {
	s.step.H = h
	s.one.Load(0, s.model, s.d, s.held)
	s.one.Time(0, s.model, s.step.T, h)
	s.one.Step()
	s.out.Stats.Evaluations += len(s.step.K) - 1
}

// follow puts the step from which the lane has gone on on the tape, and holds
// the lane when that is full.
func (s *Integrator) follow() {
	if s.opt.Forget {
		return
	}
	blk, l := s.blk, s.lane
	if blk.Hop[l] == 1 {
		s.keepHop()
	}
	s.t, s.try = blk.T[l], blk.H[l]
	if !s.fits() {
		blk.Until[l] = math.Inf(-1)
	}
}

func (s *Integrator) keepHop() {
	tp := &s.tape
	n := len(tp.entries)
	tp.entries = slices.Grow(tp.entries, 1)[:n+1]
	e := &tp.entries[n]
	*e = entry{kind: stepEntry, t: s.t, h: s.try, lo: s.nextSave, hi: s.nextSave, state: tp.keep(s.y, s.d)}
	s.keepStages(e, s.blk, s.lane)
	s.keepActs(e)
	s.blk.Gather(s.y, s.blk.Y[0], s.lane)
	if s.moving { // the next step's is in its place
		copy(tp.stages[e.stages-1+s.size.Y*(len(s.blk.Y)-1):], s.k)
		s.blk.Gather(s.k, s.blk.K[0], s.lane)
	}
}

// sync takes over where the lane has gone by itself, and holds it.
func (s *Integrator) sync() {
	if !s.loose {
		return
	}
	blk, l := s.blk, s.lane
	s.loose = false
	blk.Until[l] = math.Inf(-1)
	taken, refused := int(blk.Taken[l]), int(blk.Refused[l])
	if taken+refused == 0 {
		return
	}
	s.steps += taken + refused
	st := &s.out.Stats
	st.Steps, st.Rejected = st.Steps+taken, st.Rejected+refused
	st.Evaluations += (taken + refused) * (len(blk.K) - 1)
	blk.Gather(s.y, blk.Y[0], l)
	s.t, s.try, s.h, s.at = blk.T[l], blk.H[l], blk.Next[l], endFree
	if blk.Clipped[l] != 0 {
		s.at = s.stop.end
	}
	s.ctl.Resume(blk.Before[l], blk.Rejected[l] != 0)
}

// judge accepts or rejects the step that stands and carries out what follows.
func (s *Integrator) judge() *Failure {
	s.pulled = s.many == s.one
	s.sync()
	if s.steps++; s.steps > s.opt.MaxSteps {
		return s.fail(MaxSteps, s.try, "%d steps did not reach t = %g", s.opt.MaxSteps, s.span.T1)
	}
	s.blk.Gather(s.end, s.blk.Y[len(s.blk.Y)-1], s.lane)
	fit := finite(s.end)
	if !s.opt.Method.Adaptive() {
		if !fit {
			return s.fail(Unstable, s.try, "the solution left the representable range")
		}
		return s.advance()
	}
	ok, mean := s.decide(s.blk, s.lane, fit)
	if !ok {
		s.out.Stats.Rejected++
		if s.h < 8*ulp(s.t) {
			return s.tooSmall(mean, s.h)
		}
		return nil
	}
	return s.advance()
}

// decide accepts or rejects the step in a lane, whose end is finite or not, and
// sets the length of the next.
func (s *Integrator) decide(blk *solvers.Block, l int, finite bool) (ok bool, mean float64) {
	if mean = blk.Mean[l]; !finite {
		mean = math.NaN()
	}
	ok, next := s.ctl.Accept(mean, blk.Log[l], blk.Grow[l], blk.Shrink[l], s.try)
	if !ok || s.at == endFree || next < s.h {
		s.h = next
	}
	if ok && s.opt.Step > 0 {
		s.h = min(s.h, s.opt.Step)
	}
	return ok, mean
}

func (s *Integrator) tooSmall(mean, h float64) *Failure {
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return s.fail(Unstable, h, "the solution left the representable range")
	}
	return s.fail(StepTooSmall, h, "the tolerances ask for a step shorter than the clock resolves; the problem may be stiff or singular here")
}

// clip shortens a step so that it ends on the next timed instant, or, for
// fixed steps, on the grid.
func (s *Integrator) clip(h float64, stop timed) (float64, endKind) {
	if !s.opt.Method.Adaptive() {
		// Multiples of the step from the start: no drift of the grid.
		k := math.Floor((s.t-s.span.T0)/h*(1+1e-12)+1e-9) + 1
		h = s.span.T0 + k*h - s.t
	}
	if left := stop.t - s.t; h >= left*Near {
		return left, stop.end
	}
	return h, endFree
}

// advance takes the step that stands over to the tape, up to the first
// crossing that matters, and carries out the instant at its end.
func (s *Integrator) advance() *Failure {
	s.out.Stats.Steps++
	if fail := s.intensities(); fail != nil {
		return fail
	}
	calm := s.calm()
	if !calm || s.save <= s.t+s.try {
		s.pull()
	} else if s.at == endFree && s.opt.Forget {
		s.goOn()
		return nil
	}
	stop := s.stop
	guard, theta := -1, 0.
	if !calm {
		guard, theta = s.scan()
	}
	if guard >= 0 {
		h, fail := s.locate(guard, theta)
		if fail != nil {
			return fail
		}
		left := stop.t - s.t - h
		s.push(entry{kind: stepEntry, end: endRoot, ref: guard}, h)
		s.t += h
		s.arrive()
		if fail := s.progress(h); fail != nil {
			return fail
		}
		if left > s.resolution() {
			stop = timed{t: math.Inf(1), end: endFixed}
		}
		return s.happen(guard, stop)
	}
	e := entry{kind: stepEntry, end: s.at}
	if s.at == endFree {
		s.push(e, s.try)
		s.goOn()
		return nil
	}
	s.pull()
	e.ref, e.count, e.at = stop.ref, stop.count, stop.at
	s.push(e, s.try)
	s.t = stop.t
	s.arrive()
	return s.happen(-1, stop)
}

// goOn makes the end of the step that stands the start of the next.
func (s *Integrator) goOn() {
	s.t += s.try
	s.step.T = s.t
	s.blk.Continue(s.lane)
	s.y, s.end = s.end, s.y
}

// happen carries out an instant, from the result of which the run goes on.
func (s *Integrator) happen(guard int, stop timed) *Failure {
	fail := s.instant(guard, stop)
	s.stop.t = math.Inf(-1)
	s.export()
	return fail
}

// seekSave finds the time of the next save.
func (s *Integrator) seekSave() {
	if s.save = math.Inf(1); s.nextSave < len(s.span.Saves) {
		s.save = s.span.Saves[s.nextSave]
	}
}

// pull makes the step of the lane stand in the stepper.
func (s *Integrator) pull() {
	s.use()
	s.pulled = true
	s.step.T, s.step.H = s.t, s.try
	if s.many == s.one {
		return
	}
	for i := range s.blk.Y {
		s.blk.Gather(s.step.Y[i], s.blk.Y[i], s.lane)
		s.blk.Gather(s.step.K[i], s.blk.K[i], s.lane)
	}
}

// export makes the stepper's start that of the lane.
func (s *Integrator) export() {
	s.fresh = true
	if s.many != s.one {
		s.blk.Scatter(s.blk.Y[0], s.step.Y[0], s.lane)
		s.blk.Scatter(s.blk.K[0], s.step.K[0], s.lane)
	}
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
	return s.fail(Sliding, h, "%d crossings in a row without progress in time", s.stuck)
}

// startStep makes (t, y) the start of a smooth piece.
func (s *Integrator) startStep(t float64, y []float64) {
	if m, ok := s.model.(Segmented); ok {
		m.Segment(t)
	}
	s.step.Start(s, t, y)
}

// arrive makes the end of the step the current state.
func (s *Integrator) arrive() {
	s.step.Continue(s.t)
	copy(s.y, s.step.Y[0])
}

// resolution is how far apart two times must be to count as different.
func (s *Integrator) resolution() float64 {
	return 64 * ulp(math.Max(math.Abs(s.t), s.span.T1-s.span.T0))
}

// ulp is the distance of |x| to the next larger number.
func ulp(x float64) float64 {
	x = math.Abs(x)
	return math.Float64frombits(math.Float64bits(x)+1) - x
}

func finite(y []float64) bool {
	sum := 0.
	for _, v := range y {
		sum += v - v // 0, or NaN
	}
	return sum == 0
}

// push records the step that stands as an entry, with the saves that lie in
// [t, t+h).
func (s *Integrator) push(e entry, h float64) {
	e.t, e.h = s.t, h
	e.lo = s.nextSave
	until := s.t + h
	if e.end != endFree { // a save at the instant reads the value after it
		until -= s.resolution()
	}
	for s.nextSave < len(s.span.Saves) && s.span.Saves[s.nextSave] < until {
		i := s.nextSave
		s.step.Dense((s.span.Saves[i]-s.t)/h, s.out.SaveY[i])
		copy(s.out.SaveD[i], s.d)
		if !s.separate[i] {
			copy(s.out.BeforeY[i], s.out.SaveY[i])
			copy(s.out.BeforeD[i], s.d)
		}
		s.nextSave++
	}
	s.seekSave()
	e.hi = s.nextSave
	s.out.Saved = s.nextSave
	if s.opt.Forget {
		return
	}
	if s.fits() {
		e.state = s.tape.keep(s.y, s.d)
		blk, lane := s.standing()
		s.keepStages(&e, blk, lane)
		if e.end != endRoot { // that step has been taken again, elsewhere
			s.keepActs(&e)
		}
	} else if e.end == endFree {
		s.lengthen(e)
		return
	} else {
		e.state = s.tape.keep(s.y, s.d)
	}
	s.tape.entries = append(s.tape.entries, e)
}

// fits reports whether the tape has room for the stages of a step.
func (s *Integrator) fits() bool { return s.tape.words()+s.stageWords() <= s.opt.Memory }

// keepActs keeps the activations of the step in the lane, which may fill half
// of the tape; they can be had again by less work than the step.
func (s *Integrator) keepActs(e *entry) {
	n := s.blk.ActWords() * (len(s.blk.Y) - 1)
	if n == 0 || s.tape.words()+n > s.opt.Memory/2 {
		return
	}
	at := len(s.tape.stages)
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.acts = at + 1
	to := s.tape.stages[at:]
	for _, stage := range s.blk.Acts[1:] {
		for _, v := range stage {
			n := len(v) / s.blk.Width
			s.blk.Gather(to[:n], v, s.lane)
			to = to[n:]
		}
	}
}

// stageWords is how many numbers the tape keeps of a step.
func (s *Integrator) stageWords() int {
	n := s.size.Y * (len(s.blk.Y) - 1)
	if s.moving {
		n += s.size.Y * len(s.blk.K)
	}
	return n
}

// lengthen adds a free step to the stretch that the tape ends with, or begins
// one. Of a stretch the tape keeps its start, from where step control finds the
// same lengths again, and its end.
func (s *Integrator) lengthen(e entry) {
	tp := &s.tape
	longest := max(16, s.opt.Memory/8/s.stageWords())
	if n := len(tp.entries); n > 0 {
		if x := &tp.entries[n-1]; x.kind == stretchEntry && x.count < longest {
			x.count++
			x.hi = e.hi
			tp.flat[len(tp.flat)-1] = e.t + e.h
			return
		}
	}
	e.kind, e.count = stretchEntry, 1
	e.state = tp.keep(s.y, s.d)
	at := len(tp.flat)
	tp.flat = slices.Grow(tp.flat, s.size.Y)[:at+s.size.Y]
	blk, lane := s.standing()
	blk.Gather(tp.flat[at:], blk.K[0], lane)
	tp.flat = append(tp.flat, s.h, s.ctl.Before, e.t+e.h)
	tp.entries = append(tp.entries, e)
}

// standing is where the step that stands is.
func (s *Integrator) standing() (blk *solvers.Block, lane int) {
	if s.pulled {
		return s.step.Block(), 0
	}
	return s.blk, s.lane
}

// expand computes the steps of a stretch again, as entries of their own. They
// are good until the next call.
func (s *Integrator) expand(e *entry) []entry {
	tp := &s.tape
	n := s.size.Y
	y, d := tp.at(e.state, n, s.size.D)
	copy(s.y, y)
	copy(s.d, d)
	if m, ok := s.model.(Segmented); ok {
		m.Segment(e.t)
	}
	start := tp.flat[e.state+n+s.size.D:]
	copy(s.step.Y[0], y)
	copy(s.step.K[0], start)
	h, before, end := start[n], start[n+1], start[n+2]
	tp.endFlat, tp.endKept = len(tp.flat), len(tp.stages)
	tp.steps = tp.steps[:0]
	defer func(t float64, at endKind) { s.t, s.at = t, at }(s.t, s.at)
	s.t, s.at, s.try = e.t, endFree, e.h
	save, blk := e.lo, s.step.Block()
	for k := range e.count {
		s.step.T = s.t
		if k == 0 {
			s.take(s.try)
			s.h = h
			s.ctl.Resume(before, false)
		} else {
			s.again(blk)
		}
		x := entry{kind: stepEntry, t: s.t, h: s.try, state: tp.keep(s.y, s.d), lo: save}
		for save < e.hi && s.span.Saves[save] < s.t+s.try {
			save++
		}
		x.hi = save
		s.keepStages(&x, blk, 0)
		tp.steps = append(tp.steps, x)
		copy(s.y, s.step.End())
		s.t += s.try
		s.step.Continue(s.t)
	}
	if s.t != end {
		panic(fmt.Sprintf("sim: a stretch from t = %g ends at %g, and ended at %g before", e.t, s.t, end))
	}
	return tp.steps
}

// again takes the next step of a stretch, with the rejections before it.
func (s *Integrator) again(blk *solvers.Block) {
	for {
		s.try, _ = s.clip(s.h, timed{t: math.Inf(1)})
		if blk.Before != nil {
			blk.Before[0] = s.ctl.Before
		}
		s.take(s.try)
		if !s.opt.Method.Adaptive() {
			return
		}
		if ok, _ := s.decide(blk, 0, finite(s.step.End())); ok {
			return
		}
	}
}

// forget drops what expand made.
func (s *Integrator) forget() {
	s.tape.flat, s.tape.stages = s.tape.flat[:s.tape.endFlat], s.tape.stages[:s.tape.endKept]
}

// keepStages keeps the stages of the step in a lane.
func (s *Integrator) keepStages(e *entry, blk *solvers.Block, lane int) {
	n, at := s.stageWords(), len(s.tape.stages)
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.stages = at + 1
	to := s.tape.stages[at:]
	n = len(blk.Stages) / blk.Width
	blk.Gather(to[:n], blk.Stages, lane)
	if s.moving {
		for _, k := range blk.K {
			to = to[n:]
			n = s.size.Y
			blk.Gather(to[:n], k, lane)
		}
	}
}

// saveState lets the saves at the current time read the state itself, at the
// end of a run.
func (s *Integrator) saveState() {
	e := entry{kind: saveEntry, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave}
	for s.nextSave < len(s.span.Saves) && s.span.Saves[s.nextSave] <= s.t {
		i := s.nextSave
		copy(s.out.SaveY[i], s.y)
		copy(s.out.SaveD[i], s.d)
		if !s.separate[i] {
			copy(s.out.BeforeY[i], s.y)
			copy(s.out.BeforeD[i], s.d)
		}
		s.nextSave++
	}
	s.seekSave()
	e.hi = s.nextSave
	s.out.Saved = s.nextSave
	if e.hi > e.lo {
		s.tape.entries = append(s.tape.entries, e)
	}
}
