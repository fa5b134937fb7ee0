package sim

import "github.com/pinode/pinode/solvers"

// rolled takes the steps of one trajectory stage by stage, for models that
// have no program for a whole step.
type rolled struct {
	step *solvers.Stepper
	ctl  solvers.Control
	size Sizes
	opt  Options

	m    Model
	d    []float64
	held []bool
	dBar []float64
}

func newRolled(size Sizes, opt Options) *rolled {
	return &rolled{step: solvers.NewStepper(opt.Method, size.Y), ctl: solvers.NewControl(opt.Method), size: size, opt: opt, dBar: make([]float64, size.D)}
}

func (r *rolled) Block() *solvers.Block { return r.step.Block() }

func (r *rolled) Load(_ int, m Model, d []float64, held []bool) { r.m, r.d, r.held = m, d, held }

func (r *rolled) Time(_ int, _ Model, t, h float64) { r.step.T, r.step.H = t, h }

func (r *rolled) Step() {
	r.step.Step(r, r.step.H)
	if b := r.Block(); r.opt.Method.Adaptive() {
		b.Mean[0] = r.step.MeanError(r.size.YError, r.opt.RTol, r.opt.ATol)
		b.Log[0], b.Grow[0], b.Shrink[0] = r.ctl.Factors(b.Mean[0], b.Before[0])
	}
}

// RHS is the field with the components at rest held.
func (r *rolled) RHS(t float64, y, dy []float64) {
	r.m.RHS(t, y, r.d, dy)
	for i, h := range r.held {
		if h {
			dy[i] = 0
		}
	}
}

func (r *rolled) VJP(bool) {
	b := r.Block()
	clear(b.YBar)
	clear(r.dBar)
	r.step.Seed()
	b.TBar[0], b.HBar[0] = r.step.VJP(r, b.EndBar, b.YBar)
}

// RHSVJP is the reverse derivative of RHS.
func (r *rolled) RHSVJP(t float64, y, ct, yBar []float64) float64 {
	for i, h := range r.held {
		if h {
			ct[i] = 0
		}
	}
	return r.m.(Reverse).RHSVJP(t, y, r.d, ct, yBar, r.dBar, true)
}

// Clear, Keep, Restore and Idle have nothing to do: the parameters' account is
// the model's, and there is one lane.
func (r *rolled) Clear(int)      {}
func (r *rolled) Keep(int)       {}
func (r *rolled) Restore(int)    {}
func (r *rolled) Idle(int, bool) {}

func (r *rolled) DBar(_ int, dBar []float64) { addTo(dBar, r.dBar) }
