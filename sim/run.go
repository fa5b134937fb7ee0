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
	slow  Steps            // what takes those of motions along surfaces, stage by stage
	many  Steps            // what takes the steps of its lane; one, unless it runs in a Group
	blk   *solvers.Block   // of many
	lane  int
	group *Group // nil: it runs alone
	ctl   *solvers.Controller
	stab  *stability
	det   *events.Detector

	model Model
	span  *Span
	out   *Trajectory

	t      float64
	last   float64 // time of the last instant, and of that before it
	before float64
	y, d   []float64 // the state
	end    []float64 // of the step that stands
	first  int       // record of the group's roll from which on the lane goes on by itself

	h      float64 // length of the next step
	steps  int     // so far
	stop   timed   // the next step must not cross
	try    float64 // length of the step that is tried
	pulled bool    // it stands in the stepper too
	fresh  bool    // its lane is to be loaded anew
	cut    bool    // since the last step one that was cut off at a stop was rejected
	loose  bool    // its lane may go on by itself
	alone  bool    // its lane goes on by itself where nothing happens
	inputs bool    // its steps are told of their times
	sided  bool    // no guard of a release is watched
	rests  bool    // some guard rests on its surface
	moving bool    // times of instants may depend on parameters
	at     endKind // where it ends

	holds, stays []bool // the events' conditions, as of now: see events.Cond
	held0        []bool // and as they were before the instant

	switchOf []int   // the switch that each guard belongs to, or −1
	guardsOf [][]int // of each event's condition
	signs    bool    // there is one between two branches

	g, rate, accel          []float64    // guards at the current state
	off                     *spreads     // at the current state
	trial                   *spreads     // elsewhere
	modes                   []float64    // room for those of a switch
	gTry, rateTry, accelTry []float64    // guards in a branch of a switch
	reach                   []float64    // by how much states may be off: see Model.Spread
	level                   events.Sides // those of the guards by their values alone
	edge                    events.Edges // of this instant
	metAt                   []meeting    // how guards met their surfaces at this instant
	landed                  []bool       // guards that came to rest at this instant
	disarmed                []bool       // guards that are not clearly on their side yet
	passed                  []passage    // crossings of the step that changed nothing
	band                    []float64    // beyond which they are
	freed                   []bool       // those of events whose rest ended at this instant
	exited                  []bool       // switches whose surface the solution left at this instant
	times                   []int        // firings of each event at this instant
	ranks                   []float64    // priorities of the events
	taken                   []bool       // firings of data that were carried out
	came                    timed        // what the last step ended on
	sources                 []timed      // that fired at this instant
	gBefore                 []float64    // and before the last micro-step
	rateBefore              []float64
	residual                []float64 // of the guards located at this instant
	sched                   []float64
	fired                   []int            // firings of each periodic event so far
	draws                   []func() float64 // of each event with an intensity; nil: it does not fire by itself
	nextFiring              int
	nextStop                int
	nextSave                int
	save                    float64 // its time, or +∞
	separate                []bool  // saves whose values before the instant are their own
	rev                     *reverse
	fwd                     *forward
	cont                    [2]*continuous // adjoint, backsolve

	agenda  jumps.Agenda
	crossed []bool // guards that crossed at this instant
	armed   []int8 // side from which each guard crossed last
	delayed delays
	micros  int   // micro-steps of this instant
	touched []int // micro-step that last assigned each component of [Y | D]
	readY   []float64
	flow    []float64 // the derivative of the dense output
	box     Box       // that a part of it is in
	counted int       // the last step that was counted as unproven
	readD   []float64
	vals    []float64
	zeno    jumps.Zeno
	held    []bool     // components of Y that `zeno rest` holds
	plans   []restPlan // rests to come
	due     []restPlan // rests of this instant
	atRest  []restPlan // by event; predicted: it is at rest
	stuck   int        // instants in a row without progress

	tape                 tape
	order                order
	stageWords, actWords int // numbers that the tape keeps of a step's stages, and of a stage's activations
}

// New returns an integrator for models of the given sizes. steps, of one
// lane, takes the steps; without it the integrator does so itself.
func New(hy *Hybrid, size Sizes, opt Options, steps Steps) *Integrator {
	opt = opt.defaults()
	if steps == nil {
		steps = newRolled(size, opt)
	}
	return newIntegrator(hy, size, opt, solvers.NewStepperOn(opt.Method, size.Y, steps.Block()), steps, slowSteps(size, opt, steps), steps)
}

// slowSteps are steps stage by stage on the memory of others, of one lane.
func slowSteps(size Sizes, opt Options, one Steps) Steps {
	if _, ok := one.(*rolled); ok || size.Exits == 0 {
		return one
	}
	return newRolledOn(size, opt, solvers.NewStepperOn(opt.Method, size.Y, one.Block()))
}

func newIntegrator(hy *Hybrid, size Sizes, opt Options, step *solvers.Stepper, one, slow, many Steps) *Integrator {
	s := &Integrator{
		hy: hy, opt: opt, size: size, slow: slow,
		moving: len(hy.Events)+len(hy.Switches) > 0,
		step:   step, one: one, many: many, blk: many.Block(),
		y: make([]float64, size.Y), end: make([]float64, size.Y),
		ctl: solvers.NewController(opt.Method), stab: newStability(opt.Method, size.Y, !opt.Forget, hy.Nilpotent),
		det: events.NewDetector(size.Guards),
		d:   make([]float64, size.D), holds: make([]bool, len(hy.Events)),
		g: make([]float64, size.Guards), rate: make([]float64, size.Guards), accel: make([]float64, size.Guards),
		residual: make([]float64, size.Guards), gBefore: make([]float64, size.Guards), rateBefore: make([]float64, size.Guards),
		sched: make([]float64, size.Times), fired: make([]int, len(hy.Events)), draws: make([]func() float64, len(hy.Events)),
		crossed: make([]bool, size.Guards), armed: make([]int8, size.Guards), touched: make([]int, size.Y+size.D),
		readY: make([]float64, size.Y), flow: make([]float64, size.Y), readD: make([]float64, size.D),
		vals: make([]float64, size.Y+size.D), held: make([]bool, size.Y),
		atRest: make([]restPlan, len(hy.Events)),
		stays:  make([]bool, len(hy.Events)), held0: make([]bool, len(hy.Events)), ranks: make([]float64, len(hy.Events)), times: make([]int, len(hy.Events)),
		off: newSpreads(size.Guards - size.Exits), trial: newSpreads(size.Guards - size.Exits),
		gTry: make([]float64, size.Guards), rateTry: make([]float64, size.Guards), accelTry: make([]float64, size.Guards),
		reach: make([]float64, 2*size.Y),
		level: make(events.Sides, size.Guards), edge: make(events.Edges, size.Guards), landed: make([]bool, size.Guards), disarmed: make([]bool, size.Guards), band: make([]float64, size.Guards), freed: make([]bool, size.Guards), metAt: make([]meeting, size.Guards),
		exited: make([]bool, len(hy.Switches)), switchOf: slices.Repeat([]int{-1}, size.Guards),
	}
	for e := range hy.Events {
		var list []int
		if c := hy.Events[e].Cond; c != nil {
			list = c.Guards(nil)
		}
		s.guardsOf = append(s.guardsOf, list)
	}
	for i, w := range hy.Switches {
		s.switchOf[w.Guard] = i
		if w.Floor {
			s.switchOf[w.Upper] = i
		}
		s.signs = s.signs || !w.Floor || size.Exits > 0
	}
	if len(opt.Method.Dense[0]) <= events.MaxDegree {
		copy(s.det.Affine, hy.Affine)
	}
	s.actWords, s.stageWords = s.blk.ActWords(), size.Y*(len(s.blk.Y)-1)
	if s.moving {
		s.stageWords += size.Y * len(s.blk.K)
	}
	return s
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
	if !s.sided {
		s.model.Guards(t, s.readY, s.d, s.held, g, rate, nil)
	}
	s.step.DenseRate(theta, s.flow)
	s.model.Look(t, s.readY, s.d, s.flow, g, rate)
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
	s.stab.careful = false
	if fail == nil {
		s.endAtFixed()
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

// endAtFixed lets a run whose last instant moves with the parameters, at its very
// end, still end at a given time.
func (s *Integrator) endAtFixed() {
	if s.out.Status == Terminated || !s.moving || len(s.tape.entries) == 0 {
		return
	}
	for i := len(s.tape.entries) - 1; i >= 0; i-- {
		switch e := &s.tape.entries[i]; {
		case e.kind != stepEntry:
			continue
		case e.end > endFixed && e.t+e.h >= s.span.T1-s.resolution():
			s.record(entry{kind: stepEntry, end: endFixed, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave, hi: s.nextSave})
		}
		return
	}
}

func (s *Integrator) reset() {
	s.tape.reset()
	s.order = order{t: s.span.T0}
	s.ctl.Restart()
	s.stab.reset()
	s.t = s.span.T0
	s.last, s.before = s.t, s.t
	s.nextFiring, s.nextStop, s.nextSave = 0, 0, 0
	s.delayed = s.delayed[:0]
	s.taken = append(s.taken[:0], make([]bool, len(s.span.Firings))...)
	s.came = timed{end: endFixed, event: -1}
	clear(s.fired)
	clear(s.held)
	clear(s.atRest)
	s.plans, s.stuck = s.plans[:0], 0
	s.steps, s.stop.t, s.counted = 0, math.Inf(-1), 0
	s.loose, s.cut = false, false
	in, ok := s.many.(Inputs)
	s.inputs = ok && in.HasInputs()
	s.alone = len(s.blk.Until) > 0 && s.opt.Step == 0 && !s.inputs
	s.seekSave()
	s.zeno.Reset(len(s.hy.Events))
	for i := range s.det.Watch {
		s.det.Watch[i], s.disarmed[i] = !s.hy.Flags[i], false
	}
	for e := range s.hy.Events {
		if r := s.hy.Events[e].Release; r >= 0 {
			s.det.Watch[r] = false
		}
	}
	s.watchExits()
	for i := range s.size.Exits {
		s.det.Watch[s.size.Guards-1-i] = false
	}
}

// fail builds the failure of this run at the current state.
func (s *Integrator) fail(status Status, h float64, format string, args ...any) *Failure {
	f := NewFailure(status, s.t, fmt.Sprintf(format, args...))
	f.H, f.Y, f.D = h, slices.Clone(s.y), slices.Clone(s.d)
	f.Stiffest = s.stiffest()
	return f
}

// propose sets up the next step, unless the run is at its end.
func (s *Integrator) propose() bool {
	if s.out.Status == Terminated || !(s.t < s.span.T1) && !s.startsOver() {
		return false
	}
	s.steady()
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

// Near is the part of the way to an instant from which on a step ends there.
const Near = 1 - 1e-10

// Tiny is the part of the time below which lengths are looked at.
const Tiny = 1e-12

// take takes a true step of length h from the stepper's start.
func (s *Integrator) take(h float64) {
	s.step.H = h
	steps := s.stepsAt(s.d)
	steps.Load(0, s.model, s.d, s.held)
	steps.Time(0, s.model, s.step.T, h)
	steps.Step()
	s.out.Stats.Evaluations += len(s.step.K) - 1
}

// stepsAt takes the steps of this trajectory alone at a discrete state.
func (s *Integrator) stepsAt(d []float64) Steps {
	if s.slides(d) {
		return s.slow
	}
	return s.one
}

// judge accepts or rejects the step that stands and carries out what follows.
func (s *Integrator) judge() *Failure {
	s.pulled = s.many == s.one
	s.sync()
	if s.steps++; s.steps > s.opt.MaxSteps {
		return s.fail(MaxSteps, s.try, "%d steps did not reach t = %g", s.opt.MaxSteps, s.span.T1)
	}
	blk, lane := s.blk, s.lane
	if s.many != s.one && s.slides(s.d) { // the lane knows nothing of surfaces
		s.takeAlone()
		blk, lane = s.step.Block(), 0
	}
	blk.Gather(s.end, blk.Y[len(blk.Y)-1], lane)
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
		s.cut = s.cut || s.at != endFree
		if s.h >= 8*ulp(s.t) {
			return nil
		}
		if i := s.landing(); i >= 0 && math.IsNaN(mean) {
			s.use()
			s.came = timed{end: endRoot, ref: i, event: -1}
			if s.rate[i] != 0 {
				s.zeroStep(i) // it meets its surface here, at a time that moves
			}
			return s.happen(i)
		}
		return s.tooSmall(mean, s.h)
	}
	return s.advance()
}

// landing is a guard that the run has come as close to as it can, and behind which
// the field is not defined, as √h at h = 0; −1 for none.
func (s *Integrator) landing() int {
	if s.size.Guards == 0 {
		return -1
	}
	s.use()
	s.evalGuards()
	s.spread(s.trial, s.y)
	for i, side := range s.det.Side {
		if s.det.Watch[i] && !s.hy.Flags[i] && !s.isExit(i) && float64(side)*s.rate[i] < 0 && math.Abs(s.g[i]) <= s.trial.coarse.g[i] {
			return i
		}
	}
	return -1
}

// takeAlone takes the step of a lane in the stepper.
func (s *Integrator) takeAlone() {
	s.use()
	s.blk.Gather(s.step.Y[0], s.blk.Y[0], s.lane)
	s.blk.Gather(s.step.K[0], s.blk.K[0], s.lane)
	s.step.T = s.t
	if b := s.step.Block().Before; b != nil {
		b[0] = s.ctl.Before
	}
	s.take(s.try)
	s.pulled = true
}

// accept accepts or rejects the step in a lane, whose end is finite or not, and
// sets the length of the next.
func (s *Integrator) accept(blk *solvers.Block, l int, finite bool) (ok bool, mean float64) {
	if mean = blk.Mean[l]; !finite {
		mean = math.NaN()
	}
	ok, next := s.ctl.Accept(mean, blk.Log[l], blk.Factor[l], s.try)
	if !ok || s.at == endFree || next < s.h {
		s.h = next
		s.bound()
	}
	if ok && s.opt.Step > 0 {
		s.h = min(s.h, s.opt.Step)
	}
	return ok, mean
}

func (s *Integrator) tooSmall(mean, h float64) *Failure {
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return s.fail(Unstable, h, "the field has no value right behind this state: a root or logarithm of a negative number, or a pole")
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
	stop := s.stop // the scan may drop the jump that waits for it
	if !calm {
		s.step.Expand()
		s.passed = s.passed[:0]
		guard, theta := s.scan(0)
		if i := s.det.Undefined; i >= 0 && !(guard >= 0 && theta <= s.det.UndefinedAt) {
			return s.blame(s.fail(Unstable, s.try, "a guard is not a number from t = %.9g on", s.t+s.det.UndefinedAt*s.try), i)
		}
		if guard >= 0 {
			return s.advanceTo(guard, theta)
		}
	}
	e := entry{kind: stepEntry, end: s.at}
	if s.at == endFree {
		if s.moving && !s.opt.Method.Adaptive() { // its end is on the grid of the steps
			e.end = endFixed
		}
		s.push(e, s.try)
		s.goOn()
		return nil
	}
	s.pull()
	if e.ref, e.count = stop.ref, stop.count; e.end == endZeno {
		e.more = len(s.tape.limits)
		s.tape.limits = append(s.tape.limits, stop.at)
	}
	s.push(e, s.try)
	s.t = stop.t
	s.arrive()
	s.came = stop
	return s.happen(-1)
}

// advanceTo ends the step that stands where a guard crosses or leaves its surface.
func (s *Integrator) advanceTo(guard int, theta float64) *Failure {
	var h float64
	if s.near(guard) {
		h = s.leaveAt(theta)
	} else {
		var fail *Failure
		if h, fail = s.locate(guard, theta); fail != nil {
			return fail
		}
	}
	s.push(entry{kind: stepEntry, end: endRoot, ref: guard}, h)
	s.t += h
	s.arrive()
	if fail := s.progress(h); fail != nil {
		return fail
	}
	s.came = timed{end: endRoot, ref: guard, event: -1}
	return s.happen(guard)
}

// goOn makes the end of the step that stands the start of the next.
func (s *Integrator) goOn() {
	s.t += s.try
	s.step.T = s.t
	if s.pulled && s.many != s.one && s.slides(s.d) {
		s.step.Continue(s.t)
		s.export()
	} else {
		s.blk.Continue(s.lane)
	}
	s.y, s.end = s.end, s.y
}

// happen carries out an instant, from the result of which the run goes on.
func (s *Integrator) happen(guard int) *Failure {
	fail := s.instant(guard)
	if s.t < s.span.T1 {
		s.stab.piece(s.steps)
	}
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
	was := s.pulled
	s.use()
	s.pulled = true
	s.step.T, s.step.H = s.t, s.try
	if s.many == s.one || was {
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
	return s.converge()
}

// converge is for crossings that come ever closer: fields that turn about the
// intersection of two surfaces, onto which the solution goes on if it can.
func (s *Integrator) converge() *Failure {
	s.begin()
	s.evalGuards()
	s.setSpreads()
	if fail := s.meet(); fail != nil {
		fail.Detail = fmt.Sprintf("%d crossings in a row without progress in time: %s", s.stuck, fail.Detail)
		return fail
	}
	s.stuck = 0
	return nil
}

// ends reports whether no step follows the current instant.
func (s *Integrator) ends() bool { return !(s.t < s.span.T1) || s.out.Status == Terminated }

// segment tells the model that a smooth piece starts at time t, if its inputs jump.
func (s *Integrator) segment(t float64) {
	if m, ok := s.model.(Segmented); ok {
		m.Segment(t)
	}
}

// startStep makes the current state the start of a smooth piece. At the end of a run
// its derivative is not evaluated.
func (s *Integrator) startStep() {
	s.segment(s.t)
	if s.ends() {
		s.step.T = s.t
		copy(s.step.Y[0], s.y)
		return
	}
	s.step.Start(s, s.t, s.y)
}

// arrive makes the end of the step the current state.
func (s *Integrator) arrive() {
	s.step.Continue(s.t)
	copy(s.y, s.step.Y[0])
}

// resolution is how far apart two times must be to count as different.
func (s *Integrator) resolution() float64 { return Resolution(s.t, s.span.T1-s.span.T0) }

// Resolution is how far apart two times near t must be to count as different, in a
// run of the given length.
func Resolution(t, length float64) float64 { return 64 * ulp(math.Max(math.Abs(t), length)) }

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
