package engine

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// takeover takes a worker's runs that are stiff, beside its group. It is
// made, and its programs are compiled, when there is the first such run.
type takeover struct {
	lanes *Steps
	group *sim.Group
}

// radauFrom is the relative tolerance from which on models whose steps go stage by stage, where a step of high
// order costs little more than one of low order, go on with radau.
const radauFrom = 1e-7

// offer lets the runs of a worker that are stiff be taken over.
func (w *Worker) offer(c *Compiled, k moduleKind, opt sim.Options) {
	if opt.Stiff == nil || w.System.Size.Y == 0 {
		return
	}
	k.tab, k.stiff = opt.Stiff, nil
	if opt.RTol <= radauFrom && !c.Steppable(Method(k.tab)) {
		k.tab = solvers.Radau
	}
	opt.Method, opt.Stiff = k.tab, nil
	tried := false
	other := func() *sim.Group {
		if !tried {
			tried, w.over = true, w.takeover(c, k, opt)
		}
		if w.over == nil {
			return nil
		}
		return w.over.group
	}
	w.Group.OrElse(other)
	w.Integrator.OrElse(other)
}

// takeover is nil where the programs cannot be made.
func (w *Worker) takeover(c *Compiled, k moduleKind, opt sim.Options) *takeover {
	type steps struct{ one, many *exec.Module }
	mods, err := Once(c, struct{ moduleKind }{k}, func() (s steps, err error) {
		o := step.Options{Lanes: k.width, Reverse: k.want.Reverse, PerLaneParams: k.perLaneParams}
		tab := Method(k.tab)
		if tab == nil || !c.Steppable(tab) {
			return s, nil
		}
		many := c.StepsWith(tab, o, k.want.Networks)
		o.Lanes, o.Roots, o.Forward = 1, true, k.want.Forward
		if s.one, err = c.StepsWith(tab, o, k.want.Networks)(); err == nil {
			s.many, err = many()
		}
		return s, err
	})
	if err != nil {
		return nil
	}
	t, hy, size := &takeover{}, c.hybrid(), w.System.Size
	var one, many sim.Steps // nil: stage by stage
	if mods.one != nil {
		t.lanes = NewSteps(mods.many, mods.many.NewFrame(), k.tab, size.Y, opt).(*Steps)
		aside := &stepsAside{Steps: NewSteps(mods.one, mods.one.NewFrame(), k.tab, size.Y, opt).(*Steps), sys: w.System}
		aside.pDot, aside.qDot = place.ParamsDot.In(aside.frame), place.OwnDot.In(aside.frame)
		w.TrackWeights(t.lanes.frame)
		w.TrackWeights(aside.frame)
		t.lanes.bind(w.System)
		one, many = aside, t.lanes
	}
	t.group = sim.NewGroup(hy, size, opt, one, many)
	return t
}

// bind lets the programs of the steps read what a system has of parameters and scales.
func (s *Steps) bind(sys *System) {
	place.Params.Bind(s.frame, sys.p)
	copy(s.s, sys.S)
}

// stepsAside are steps of single trajectories on a frame of their own, beside that of their
// system: what stands in its frame is copied, and what derivatives add is added there.
type stepsAside struct {
	*Steps
	sys        *System
	bound      int // the binding of parameters that the frame has
	pDot, qDot []float64
}

// Load implements sim.Steps.
func (s *stepsAside) Load(l int, m sim.Model, d []float64, held []bool) {
	if s.bound != s.sys.bindings {
		s.bound = s.sys.bindings
		s.bind(s.sys)
	}
	s.Steps.Load(l, m, d, held)
	if m, ok := m.(*System); ok {
		copy(s.q, m.Q)
	}
}

// VJP implements sim.StepsVJP.
func (s *stepsAside) VJP(times sim.Times) {
	s.Clear(0)
	s.Steps.VJP(times)
	s.AddGradient(0, s.sys.PBar, s.sys.QBar)
}

// JVP implements sim.StepsJVP.
func (s *stepsAside) JVP(tDot, hDot float64, yDot, dDot []float64, kDot [][]float64, endDot []float64) {
	copy(s.pDot, s.sys.PDot)
	copy(s.qDot, s.sys.QDot)
	s.Steps.JVP(tDot, hDot, yDot, dDot, kDot, endDot)
}

// Deliver adds what a sweep back through a lane gave to the accumulators of its run.
func (w *Worker) Deliver(j *sim.Job) {
	if lanes := w.lanesOf(j.In); lanes != nil {
		l := j.Model.(*BoundModel).Lane
		lanes.AddGradient(j.In.Lane(), l.PBar, l.QBar)
	}
}

// lanesOf are the steps of the lanes that an integrator of the worker runs in, nil if its
// steps go stage by stage.
func (w *Worker) lanesOf(in *sim.Integrator) *Steps {
	if w.over != nil && in.Group() == w.over.group {
		return w.over.lanes
	}
	return w.Lanes
}
