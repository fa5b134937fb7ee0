package sim

import (
	"math"

	"github.com/pinode/pinode/solvers"
)

// variation takes tangents through the steps of a method that goes on from several steps, of
// which none has a derivative by its own start: by the variational equation
//
//	s' = f_y s + f_p ṗ + f_t ṫ
//
// along the dense output, with error control of its own: of the state at a time that moves as that of the
// start does, ṫ, so that a start that moves along the motion alone leaves s zero.
type variation struct {
	*forward
	stepperOf

	s1    []float64 // the tangent
	tDot  float64
	saves [][]float64 // those of the saves of the step
	yAt   []float64
	rate  []float64
	big   float64 // the largest tangent so far
}

func newVariation(f *forward) *variation {
	n := f.size.Y
	return &variation{
		forward: f, stepperOf: newStepperOf(solvers.Radau, n), s1: make([]float64, n), yAt: make([]float64, n), rate: make([]float64, n),
	}
}

// along takes a column of tangents through the step that is in the stepper, whose length has
// a tangent too, past the saves in it.
func (v *variation) along(e *entry, hDot float64) {
	s := v.history
	v.tDot = v.t[v.at]
	copy(v.s1, v.cy)
	at := e.t
	for i := e.lo; i < e.hi; i++ {
		v.transport(at, s.span.Saves[i])
		at = s.span.Saves[i]
		if k := i - e.lo; k == len(v.saves) {
			v.saves = append(v.saves, make([]float64, len(v.s1)))
		}
		copy(v.saves[i-e.lo], v.s1)
		if v.tDot != 0 {
			s.stepper.DenseAndRate((at-e.t)/e.h, v.yAt, v.rate)
			axpy(v.saves[i-e.lo], -v.tDot, v.rate)
		}
	}
	v.transport(at, e.t+e.h)
	for l, f := range s.stepper.EndRate() {
		v.cz[l] = v.s1[l] + hDot*f
	}
}

// transport integrates s1 from a time to another. Where that cannot be done, as where a slope becomes
// infinite, the tangents are not numbers.
func (v *variation) transport(t, end float64) {
	if t >= end {
		return
	}
	if _, there := v.flow(v, t, end, v.s1, alongside); !there {
		poison(v.s1)
		return
	}
	copy(v.s1, v.step.End())
}

// tolerances are measured against the largest tangent so far: one that is zero may have a
// rate that is nothing but round-off.
func (v *variation) tolerances() (rtol, atol float64) {
	for _, x := range v.step.Y[0] {
		v.big = math.Max(v.big, math.Abs(x))
	}
	return v.opt.RTol, math.Max(1e-3*v.opt.RTol*v.big, 1e-6*v.opt.ATol)
}

func (v *variation) stepped(float64) {}

// state is the dense output at a time.
func (v *variation) state(t float64) []float64 {
	s := v.history.stepper
	s.Dense((t-s.T)/s.H, v.yAt)
	return v.yAt
}

// RHS is the field of the variational equation.
func (v *variation) RHS(t float64, s, ds []float64) { v.RHSJVP(t, v.tDot, v.state(t), s, ds) }

// Jacobian is that of the field of the motion.
func (v *variation) Jacobian(t float64, _, values, byTime []float64) {
	v.run.Jacobian(t, v.state(t), values, byTime)
}
