package sim

import "github.com/pinode/pinode/solvers"

// Group runs trajectories side by side, each in a lane of one block of steps
// with its own time, step size, events and end. A lane that is done is filled
// again, and a trajectory's result does not depend on its lane or its
// neighbours by a bit.
type Group struct {
	hy   *Hybrid
	size Sizes
	opt  Options

	one, many Steps
	step      *solvers.Stepper // on the memory of one
	bound     Model            // whose turn it is
	lanes     []*Job
	loaded    []bool // lanes that a derivative serves
	idle      []bool // those that were told that they are not among them
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

// Shared is a model that shares its memory with others: it is told when its
// turn comes.
type Shared interface{ Use() }

// NewGroup returns a group whose steps are taken by many, and those of single
// trajectories, at their events, by one, which has one lane; nil stands for
// steps stage by stage, one trajectory at a time.
func NewGroup(hy *Hybrid, size Sizes, opt Options, one, many Steps) *Group {
	opt = opt.defaults()
	if one == nil {
		one = newRolled(size, opt)
	}
	if many == nil {
		many = one
	}
	return &Group{
		hy: hy, size: size, opt: opt, one: one, many: many,
		step:  solvers.NewStepperOn(opt.Method, size.Y, one.Block()),
		lanes: make([]*Job, many.Block().Width), loaded: make([]bool, many.Block().Width), idle: make([]bool, many.Block().Width),
	}
}

// NewIntegrator returns an integrator that runs in the group's lanes.
func (g *Group) NewIntegrator() *Integrator {
	s := newIntegrator(g.hy, g.size, g.opt, g.step, g.one, g.many)
	s.group = g
	return s
}

// Run does the jobs that next hands out, until it returns nil, and hands each
// to done at its end.
func (g *Group) Run(next func() *Job, done func(*Job)) {
	g.bound = nil
	hop := g.many.Block().Hop
	for g.fill(next, done) > 0 {
		g.many.Step()
		for l, j := range g.lanes {
			if j == nil {
				continue
			}
			if len(hop) > 0 && hop[l] != 0 {
				j.In.follow()
				continue
			}
			j.Out.Stats.Evaluations += len(g.step.K) - 1
			fail := j.In.judge()
			if fail == nil && j.In.propose() {
				g.load(l, j.In)
				continue
			}
			g.lanes[l] = nil
			j.Err = j.In.close(fail)
			done(j)
		}
	}
}

// fill gives new jobs to the lanes that are free and returns how many are busy.
func (g *Group) fill(next func() *Job, done func(*Job)) (busy int) {
	for l, j := range g.lanes {
		for j == nil {
			if j = next(); j == nil {
				break
			}
			j.In.lane = l
			j.In.opt.Forget = g.opt.Forget || j.Forget
			g.bound = nil // the same model may have other inputs now
			fail := j.In.open(j.Model, j.Span, j.Out)
			if fail != nil || !j.In.propose() {
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

// load tells the steps of the next step in a lane.
func (g *Group) load(l int, s *Integrator) {
	if s.fresh {
		s.fresh = false
		g.many.Load(l, s.model, s.d, s.held)
	}
	g.many.Time(l, s.model, s.t, s.try)
	s.letGo()
}

// Lanes is how many runs go on side by side.
func (g *Group) Lanes() int { return len(g.lanes) }

// Use puts the inputs of a model in place, if it shares them.
func (g *Group) Use(m Model) {
	if g.bound == m {
		return
	}
	g.bound = m
	if m, ok := m.(Shared); ok {
		m.Use()
	}
}

func (s *Integrator) use() {
	if s.group != nil {
		s.group.Use(s.model)
	}
}

// Backward does the backward sweeps of jobs that the group has run, side by
// side: those that next hands out, until it returns nil. Each is handed to
// done at its end, when its lane's account is complete.
func (g *Group) Backward(next func() *Job, done func(*Job)) {
	g.bound = nil
	many := g.many.(StepsVJP)
	loaded := g.loaded
	for {
		busy := -1
		for l, j := range g.lanes {
			for j == nil {
				if j = next(); j == nil {
					break
				}
				s := j.In
				s.lane = l
				many.Clear(l)
				s.reverse().begin(j.Model.(Reverse), j.Ct)
				if !s.rev.advance() {
					s.rev.finish()
					done(j)
					j = nil
				}
			}
			if g.lanes[l] = j; j != nil && busy < 0 {
				busy = l
			}
		}
		if busy < 0 {
			return
		}
		// One derivative serves all lanes of a round; those that need
		// another wait.
		times := g.lanes[busy].In.rev.times()
		for l, j := range g.lanes {
			loaded[l] = false
			if j != nil {
				r := j.In.rev
				if loaded[l] = r.times() == times; !loaded[l] {
					many.Keep(l)
				} else if !r.ready {
					r.load()
				}
			}
			if idle := !loaded[l]; idle != g.idle[l] {
				g.idle[l] = idle
				many.Idle(l, idle)
			}
		}
		many.VJP(times)
		for l, j := range g.lanes {
			if !loaded[l] {
				if j != nil {
					many.Restore(l)
				}
				continue
			}
			r := j.In.rev
			if r.hop() {
				continue
			}
			r.ready = false
			r.store()
			if !r.advance() {
				r.finish()
				g.lanes[l] = nil
				done(j)
			}
		}
	}
}

// Lane is the lane that the integrator runs in.
func (s *Integrator) Lane() int { return s.lane }
