package sim

import (
	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// newtonPart is the part of the tolerances that the equations of implicit steps may be off
// by: little, since runs are compared with others at parameters that differ little.
const newtonPart = 1e-3

// stagewise takes the steps of one trajectory stage by stage, for models that have no
// program for a whole step.
type stagewise struct {
	step *solvers.Stepper
	ctl  stepsize.Control
	size Sizes
	opt  Options

	m    Model
	d    []float64
	held []bool
	dBar []float64

	evaluations int // of the last step

	// Room for LengthBars; silent: derivatives are taken without parameters.
	silent            bool
	seeds             [][]float64
	scratch, scratchD []float64
}

func newStagewise(hy *Hybrid, size Sizes, opt Options) *stagewise {
	return newStagewiseOn(hy, size, opt, solvers.NewStepper(opt.Method, size.Y))
}

// newStagewiseOn takes the steps in a stepper.
func newStagewiseOn(hy *Hybrid, size Sizes, opt Options, step *solvers.Stepper) *stagewise {
	step.Sizes = opt.Sizes
	r := &stagewise{
		step: step, ctl: opt.Method.Control(), size: size, opt: opt,
		dBar: make([]float64, size.D), scratch: make([]float64, size.Y), scratchD: make([]float64, size.D),
	}
	step.Momenta = hy.Momenta
	r.exactly(false)
	for range r.Block().K {
		r.seeds = append(r.seeds, make([]float64, size.Y))
	}
	return r
}

// exactly says whether the equations of implicit steps are solved to round-off, as steps to
// the root of a guard are, or to the tolerances.
func (r *stagewise) exactly(on bool) {
	if on {
		r.step.Tolerances(0, r.opt.RTol, r.opt.ATol, 0)
	} else {
		r.step.Tolerances(r.size.YError, r.opt.RTol, r.opt.ATol, newtonPart)
	}
}

func (r *stagewise) Block() *solvers.Block { return r.step.Block() }

func (r *stagewise) Load(_ int, m Model, d []float64, held []bool) { r.m, r.d, r.held = m, d, held }

func (r *stagewise) Time(_ int, _ Model, t, h float64) { r.step.T, r.step.H = t, h }

func (r *stagewise) Step() {
	r.evaluations = 0
	r.step.Step(r, r.step.H)
	if !r.Lazy() {
		r.Behind()
	}
	if b := r.Block(); r.opt.Method.Adaptive() {
		b.Mean[0] = r.step.MeanError(r.size.YError, r.opt.RTol, r.opt.ATol)
		b.Log[0], b.Factor[0] = stepsize.Factor(stepsize.Numbers{}, &r.ctl, b.Mean[0], b.Before[0])
		b.Factor[0] = r.step.Lengthen(b.Factor[0])
	}
}

// Lazy implements Lazy: where there are guards to look for, the dense output of each step is
// read.
func (r *stagewise) Lazy() bool { return r.opt.Method.Behind() > 0 && r.size.Guards == 0 }

// Behind implements Lazy.
func (r *stagewise) Behind() { r.step.Behind(r) }

// RHS is the field with the components at rest held.
func (r *stagewise) RHS(t float64, y, dy []float64) {
	r.evaluations++
	r.m.RHS(t, y, r.d, dy)
	for i, h := range r.held {
		if h {
			dy[i] = 0
		}
	}
}

func (r *stagewise) VJP(Times) {
	b := r.Block()
	clear(b.YBar)
	clear(r.dBar)
	r.step.Seed()
	b.TBar[0], b.HBar[0] = r.step.VJP(r, b.EndBar, b.YBar)
}

// LengthBars implements StepsVJP.
func (r *stagewise) LengthBars(end, other []float64) (hBar, otherBar float64) {
	b := r.Block()
	for i, v := range b.KBar {
		copy(r.seeds[i], v)
	}
	defer func(d []float64) { r.silent, r.dBar = false, d }(r.dBar)
	r.silent, r.dBar = true, r.scratchD
	r.step.Seed()
	_, hBar = r.step.VJP(r, end, r.scratch)
	_, otherBar = r.step.VJP(r, other, r.scratch)
	for i, v := range r.seeds {
		copy(b.KBar[i], v)
	}
	return hBar, otherBar
}

// RHSVJP is the reverse derivative of RHS.
func (r *stagewise) RHSVJP(t float64, y, ct, yBar []float64) float64 {
	for i, h := range r.held {
		if h {
			ct[i] = 0
		}
	}
	return r.m.(Reverse).RHSVJP(t, y, r.d, ct, yBar, r.dBar, Params(!r.silent))
}

// Clear, Save, Restore and Idle have nothing to do: the accumulator is that of the
// model, and there is one lane.
func (r *stagewise) Clear(int) {}

func (r *stagewise) Save(int) {}

func (r *stagewise) Restore(int) {}

func (r *stagewise) Idle(int, bool) {}

func (r *stagewise) DBar(_ int, dBar []float64) { addTo(dBar, r.dBar) }

// Pattern and Jacobian are those of RHS.
func (r *stagewise) Pattern() *sparse.Pattern { return r.m.(Linearised).Pattern(r.d) }

func (r *stagewise) Jacobian(t float64, y, values, byTime []float64) {
	jacobian(r.m, t, y, r.d, r.held, values, byTime)
}

// jacobian is that of the field of a model with components at rest.
func jacobian(m Model, t float64, y, d []float64, held []bool, values, byTime []float64) {
	m.(Linearised).Jacobian(t, y, d, values, byTime)
	for i, h := range held {
		if h {
			p := m.(Linearised).Pattern(d)
			clear(values[p.Start[i]:p.Start[i+1]])
			byTime[i] = 0
		}
	}
}

// JacobianVJP is the reverse derivative of Jacobian.
func (r *stagewise) JacobianVJP(t float64, y, lambda, u []float64, tau float64, yBar []float64) float64 {
	for i, h := range r.held {
		if h {
			lambda[i] = 0
		}
	}
	return r.m.(Curved).JacobianVJP(t, y, r.d, lambda, u, tau, yBar, r.dBar, Params(!r.silent))
}

// Pattern and Jacobian are those of the field that steps see.
func (s *run) Pattern() *sparse.Pattern { return s.model.(Linearised).Pattern(s.d) }

func (s *run) Jacobian(t float64, y, values, byTime []float64) {
	jacobian(s.model, t, y, s.d, s.held, values, byTime)
}
