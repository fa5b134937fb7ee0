package sim

import (
	"math"

	"github.com/pinode/pinode/solvers"
)

// Group runs trajectories side by side, each in a lane of one block of steps
// with its own time, step size, events and end. A lane that is done is filled
// again, and a trajectory's result does not depend on its lane or its
// neighbours by a bit.
type Group struct {
	hy   *Hybrid
	size Sizes
	opt  Options

	takers
	stepper   *solvers.Stepper // on the memory of one
	bound     *Model           // whose turn it is
	lanes     []*Job
	hist      *laneHistory
	passing   passing
	recording int      // free-running lanes whose steps are recorded
	ran       [][]turn // by lane, in the order in which they ran
	left      []int    // of these, how many are to be swept
	loaded    []bool   // lanes that a derivative serves
	idle      []bool   // those that are set idle

	orElse           func() *Group // of the method for stiff runs
	other            *Group        // it, once a run needed it
	first            *Group        // of the other: the group in which runs begin
	leaving, arrived []*Job        // jobs that are to go on in the other group; that came from it
	phase            int           // how often Run has gone over to the other group
}

// turn is a job in a lane, in one phase of a Run.
type turn struct {
	*Job
	phase int
}

// Job is a run to be done.
type Job struct {
	In    *Integrator // of the group
	Model Model
	Span  *Span
	Out   *Trajectory
	Err   error       // of the run, a *Failure
	Ct    *Cotangents // for Backward

	Forget bool // keep no tape, as with Options.Forget
}

// Shared is a model that shares its memory with others: Use puts its inputs in place,
// and is called before its functions are.
type Shared interface{ Use() }

// NewGroup returns a group whose steps are taken by many, and those of single
// trajectories, at their events, by one, which has one lane. Where they are nil, steps
// are taken stage by stage, one trajectory at a time.
func NewGroup(hy *Hybrid, size Sizes, opt Options, one, many Steps) *Group {
	opt = opt.defaults()
	if one == nil {
		one = newStagewise(hy, size, opt)
	}
	if many == nil {
		many = one
	}
	blk, width := many.Block(), many.Block().Width
	if len(blk.Until) > 0 { // half of the memory is for the lane history
		opt.Memory /= 2
	}
	return &Group{
		hy: hy, size: size, opt: opt, takers: takers{one, slowSteps(hy, size, opt, one), many},
		stepper: solvers.NewStepperOn(opt.Method, size.Y, one.Block()),
		hist:    newLaneHistory(blk, stages(opt.Method, one), len(hy.Events)+len(hy.Switches) > 0, opt.Method.ReadsRates() || leavesOut(one), opt.Memory*width),
		passing: newPassing(blk),
		bound:   new(Model),
		lanes:   make([]*Job, width), ran: make([][]turn, width), left: make([]int, width),
		loaded: make([]bool, width), idle: make([]bool, width),
	}
}

// NewIntegrator returns an integrator that runs in the group's lanes.
func (g *Group) NewIntegrator() *Integrator {
	s := newIntegrator(newRun(g.hy, g.size, g.opt, g), g.stepper, g.takers)
	if g.orElse != nil {
		s.OrElse(g.second)
	}
	return s
}

// Run does the jobs that next hands out, until it returns nil, and hands each
// to done at its end. Jobs that go on with the other method wait until the others are done
// or wait as well, and so do those that come back: each time a phase begins.
func (g *Group) Run(next func() *Job, done func(*Job)) {
	g.reset()
	if g.other != nil {
		g.other.reset()
	}
	for g.work(next, done); len(g.leaving) > 0; g.other.pass(g, next, done) {
		g.pass(g.other, none, done)
	}
}

// reset forgets what was run.
func (g *Group) reset() {
	*g.bound, g.phase, g.recording = nil, 0, 0
	g.hist.reset()
	g.passing.forget()
	for l := range g.ran {
		g.ran[l] = g.ran[l][:0]
	}
}

// work runs the jobs that have arrived, and those that next hands out.
func (g *Group) work(next func() *Job, done func(*Job)) {
	*g.bound = nil
	blk := g.many.Block()
	outcome, left := blk.Outcome, blk.Left
	for free := true; !free || g.fill(next, done) > 0; {
		g.step()
		if free = g.opt.ended(); free {
			g.stop(done)
			continue
		}
		for l, j := range g.lanes {
			if j == nil {
				continue
			}
			if len(outcome) > 0 && outcome[l] != solvers.Handed {
				if g.passing.going > 0 && outcome[l] == solvers.Accepted && blk.T[l] > g.passing.due[l] {
					j.In.free.pass()
				}
				if left[l] == 0 && !j.In.steadyAlone() && j.In.propose() {
					g.load(l, j.In)
				}
				if j.In.over.turned {
					g.leave(l, j)
					free = true
				}
				continue
			}
			j.Out.Stats.Evaluations += evaluations(g.opt.Method, g.steps())
			fail := j.In.judge()
			if fail == nil && j.In.propose() {
				g.load(l, j.In)
				continue
			}
			if free = true; j.In.over.turned || fail != nil && j.In.over.rescues(j.In, fail) {
				g.leave(l, j)
				continue
			}
			g.lanes[l] = nil
			j.Err = j.In.close(fail)
			done(j)
		}
	}
}

// stop ends what is in the lanes.
func (g *Group) stop(done func(*Job)) {
	for l, j := range g.lanes {
		if j != nil {
			g.lanes[l], j.Err = nil, j.In.close(j.In.stopped())
			done(j)
		}
	}
}

// steps take those of the lanes: where a trajectory runs alone, those of its gear do.
func (g *Group) steps() Steps {
	if j := g.lanes[0]; j != nil && g.many == g.one {
		return j.In.many
	}
	return g.many
}

// step takes a step in all lanes, and records it where some of them run free, as long
// as there is room.
func (g *Group) step() {
	g.passing.keep(g.many.Block())
	if g.recording == 0 {
		g.steps().Step()
		return
	}
	g.hist.open()
	g.many.Step()
	blk, lanes := g.many.Block(), uint64(0)
	for l, outcome := range blk.Outcome {
		if outcome == solvers.Accepted {
			lanes |= 1 << l
		}
	}
	g.hist.close(lanes)
	if g.hist.full() {
		for l := range blk.Until {
			blk.Until[l] = math.Inf(-1)
		}
	}
}

// fill gives new jobs to the lanes that are free and returns how many are busy.
func (g *Group) fill(next func() *Job, done func(*Job)) (busy int) {
	if len(g.leaving) >= mostLater && g.opt.Forget && g.first == nil {
		g.pass(g.other, none, done)
		g.arrived, g.other.leaving = append(g.arrived, g.other.leaving...), g.other.leaving[:0]
		*g.bound = nil
	}
	for l, j := range g.lanes {
		for j == nil {
			var fail *Failure
			if j, fail = g.take(l, next); j == nil {
				break
			}
			if fail != nil || !j.In.propose() {
				if j.In.over.turned {
					g.leave(l, j)
					j = nil
					continue
				}
				j.Err = j.In.close(fail)
				done(j)
				j = nil
			}
		}
		if j != nil {
			busy++
			if g.lanes[l] == nil {
				g.lanes[l] = j
				g.load(l, j.In)
			}
		}
	}
	return busy
}

// take takes a job into a lane: one that has arrived from the other group, or a new one.
func (g *Group) take(l int, next func() *Job) (j *Job, fail *Failure) {
	if n := len(g.arrived); n > 0 {
		j, g.arrived = g.arrived[n-1], g.arrived[:n-1]
		fail = j.In.over.change(j.In, l)
	} else if j = next(); j != nil {
		j.In.lane = l
		j.In.opt.Forget = g.opt.Forget || j.Forget
		*g.bound = nil // the same model may have other inputs now
		fail = j.In.open(j.Model, j.Span, j.Out)
	} else {
		return nil, nil
	}
	g.ran[l] = append(g.ran[l], turn{j, g.home().phase})
	return j, fail
}

// load prepares a lane for its next step.
func (g *Group) load(l int, s *Integrator) {
	if s.reload {
		s.reload = false
		s.many.Load(l, s.model, s.d, s.held)
	}
	s.many.Time(l, s.model, s.t, s.try)
	s.free.release()
}

// Use puts the inputs of a model in place, if it shares them.
func (g *Group) Use(m Model) {
	if *g.bound == m {
		return
	}
	*g.bound = m
	if m, ok := m.(Shared); ok {
		m.Use()
	}
}

// Backward does the backward sweeps of the jobs of the last Run, each in its lane,
// side by side as they ran. Each job is handed to done when its lane's accumulator is
// complete: at its end, and where it goes on in another lane.
func (g *Group) Backward(done func(*Job)) {
	for _, g := range []*Group{g, g.other} {
		for l := 0; g != nil && l < len(g.ran); l++ {
			g.left[l] = len(g.ran[l])
		}
	}
	for phase := g.phase; phase >= 0 && !g.opt.ended(); phase-- {
		if phase%2 == 0 {
			g.sweepBack(phase, done)
		} else {
			g.other.sweepBack(phase, done)
		}
	}
	*g.bound = nil
}

// sweepBack does what jobs have in the lanes in a phase.
func (g *Group) sweepBack(phase int, done func(*Job)) {
	*g.bound = nil
	var round round
	for {
		if g.opt.ended() {
			clear(g.lanes)
			clear(g.left)
			return
		}
		if !round.again && !g.gather(phase, &round, done) {
			break
		}
		if round.recorded {
			g.hist.restore(round.tick, round.times)
		}
		for l, j := range g.lanes {
			if g.loaded[l] {
				j.In.rev.load()
			}
		}
		g.seedRecords()
		g.steps().(StepsVJP).VJP(round.times)
		if round.again && g.together(&round) {
			continue
		}
		round.again, round.lanes, round.first = true, 0, 0
		for l, j := range g.lanes {
			switch {
			case j == nil:
			case !g.loaded[l]:
				j.In.many.(StepsVJP).Restore(l)
				round.again = false
			case !j.In.rev.continueInLane():
				g.lanes[l] = nil
				j.In.rev.leave()
				done(j)
				round.again = false
			default: // if all go on in the same records, there is nothing to choose
				r := j.In.rev
				round.again = round.again && r.carried && (l == round.lead || r.record == g.lanes[round.lead].In.rev.record)
				round.recorded = true
				round.lanes, round.first = round.lanes|1<<l, max(round.first, r.e.ref)
			}
		}
		if round.again {
			round.tick = g.lanes[round.lead].In.rev.record
		}
	}
}

// seedRecords seeds the saves of lanes in the step of the lane history that is loaded, of which that has no stages
// behind the end.
func (g *Group) seedRecords() {
	behind := !leavesOut(g.one)
	for l, j := range g.lanes {
		if !g.loaded[l] || j.In.rev.record < 0 {
			continue
		}
		if r := j.In.rev; r.findSaves() {
			if !behind {
				g.many.(Lazy).Behind()
				behind = true
			}
			r.seedLane(&entry{t: r.blk.T[l], h: r.blk.H[l], lo: r.save, hi: r.saveEnd})
		}
	}
}

// round is a derivative of steps that lanes took side by side.
type round struct {
	tick, lead int   // the place in the lane history, and the first lane that has come there
	times      Times // the cotangents of times matter
	recorded   bool  // some of the steps are in the lane history
	again      bool  // the next is of the same lanes

	// If so: they, and the first record that is in the runs of all.
	lanes uint64
	first int
}

// together goes back by a record that all lanes took that the derivative served,
// and reports whether it is there: the cotangents of their states go on at once.
func (g *Group) together(r *round) bool {
	blk := g.many.Block()
	k := r.tick - 1
	if r.times || g.size.D > 0 || g.hist.actWords > 0 || k < r.first || g.hist.records[k].lanes&r.lanes != r.lanes {
		return false
	}
	for _, j := range g.lanes {
		if j != nil && j.In.rev.seeded {
			return false
		}
	}
	r.tick = k
	copy(blk.EndBar, blk.YBar)
	for l := range blk.Width {
		if g.loaded[l] {
			g.lanes[l].In.rev.record = k
		}
	}
	return true
}

// gather fills the lanes that are free with sweeps that are left and chooses those
// that the next derivative serves: all that come to the same place of the lane
// history. It reports whether there are any.
func (g *Group) gather(phase int, r *round, done func(*Job)) bool {
	many := g.many.(StepsVJP)
	r.tick, r.lead, r.recorded = 0, -1, false
	for l, j := range g.lanes {
		for j == nil && g.left[l] > 0 && g.ran[l][g.left[l]-1].phase == phase {
			g.left[l]--
			if j = g.ran[l][g.left[l]].Job; !j.comes(l, phase) {
				j = nil
				continue
			}
			many.Clear(l)
			if !j.In.rev.advance() {
				j.In.rev.leave()
				done(j)
				j = nil
			}
		}
		if g.lanes[l] = j; j != nil && (r.lead < 0 || j.In.rev.tick() > r.tick) {
			r.tick, r.lead = j.In.rev.tick(), l
		}
	}
	if r.lead < 0 {
		return false
	}
	r.times = g.lanes[r.lead].In.rev.times()
	for l, j := range g.lanes {
		on := j != nil && j.In.rev.tick() == r.tick && j.In.rev.times() == r.times
		g.loaded[l] = on
		r.recorded = r.recorded || on && j.In.rev.record >= 0
		if !on != g.idle[l] {
			g.idle[l] = !on
			many.Idle(l, !on)
		}
		if j != nil && !on {
			many.Save(l)
		}
	}
	return true
}

// comes begins the sweep of a job in a lane, or goes on with it there, and reports whether it
// has come to that: a run that was begun again has turns in which nothing is left of it.
func (j *Job) comes(lane, phase int) bool {
	s := j.In
	r := s.reverse()
	if leg := s.list[len(s.list)-1]; leg.lane == lane && leg.phase == phase {
		r.begin(j.Model.(Reverse), j.Ct)
		r.inPlace, r.sideways = s.moving || !j.Ct.Start, true
		return true
	}
	if !r.parked {
		return false
	}
	if leg := s.list[r.ahead()]; leg.lane != lane || leg.phase != phase {
		return false
	}
	r.parked = false
	r.enter(r.ahead())
	return true
}

// HistoryWords is how many words of memory the lane history of the last Run takes.
func (g *Group) HistoryWords() (words int) {
	if words = len(g.hist.words); g.other != nil {
		words += len(g.other.hist.words)
	}
	return words
}
