package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/stepsize"
)

// Control are the constants that the lengths of a method's steps are chosen with.
func (m *Tableau) Control() stepsize.Control {
	k := float64(m.ErrOrder + 1)
	beta := 0.2 / k
	if k < 4 {
		beta = 0.08
	}
	return stepsize.Control{Alpha: 1/k - 0.75*beta, Beta: beta, Safety: 0.9, Least: 0.2, Most: 10, Back: 0.9}
}

// Controller applies a stepsize.Control along a run. The zero value is not usable; see
// NewController.
type Controller struct {
	stepsize.Control
	Before   float64 // logarithm of the error norm of the last accepted step
	rejected bool
}

// NewController returns a controller for a method.
func NewController(m *Tableau) *Controller {
	return &Controller{Control: m.Control(), Before: stepsize.LeastLog}
}

// Accept takes the mean square of the weighted error of a step of length h,
// with its stepsize.Factor, by the rules of stepsize, which are written out here since
// a call of each would be felt in the loop of a run. It returns whether the step stands, and the length to try
// next. An error that is not a number rejects the step.
func (c *Controller) Accept(mean, log, factor, h float64) (ok bool, next float64) {
	if !(mean <= 1) {
		c.rejected = true
		return false, h * stepsize.Refused(stepsize.Numbers{}, &c.Control, min(factor, c.Back))
	}
	if c.rejected {
		factor = min(factor, 1)
		c.rejected = false
	}
	c.Before = max(log, stepsize.LeastLog)
	return true, h * factor
}

// Judge is Accept for the mean square alone.
func (c *Controller) Judge(mean, h float64) (ok bool, next float64) {
	log, factor := stepsize.Factor(stepsize.Numbers{}, &c.Control, mean, c.Before)
	return c.Accept(mean, log, factor, h)
}

// Restart forgets the history, as a jump of the state asks for.
func (c *Controller) Restart() { c.Before, c.rejected = stepsize.LeastLog, false }

// Resume takes over the history of a run: the logarithm of the error norm of
// its last accepted step, and whether a step was rejected since.
func (c *Controller) Resume(before float64, rejected bool) { c.Before, c.rejected = before, rejected }

// Rejected reports whether the last step was.
func (c *Controller) Rejected() bool { return c.rejected }

// FirstStep proposes the length of the first step from where Start left the
// stepper, for the first count components. It evaluates the system once.
//
// Hairer–Nørsett–Wanner I, II.4.
func (s *Stepper) FirstStep(sys System, count int, rtol, atol, longest float64) float64 {
	y, f := s.Y[0], s.K[0]
	norm := func(v []float64) float64 {
		sum := 0.
		for l := range count {
			w := v[l] / (s.absolute(l, atol) + rtol*math.Abs(y[l]))
			sum += w * w
		}
		return math.Sqrt(sum / float64(max(count, 1)))
	}
	d0, d1 := norm(y), norm(f)
	h0 := 0.01 * d0 / d1
	if d0 < 1e-5 || d1 < 1e-5 {
		h0 = 1e-6
	}
	h0 = min(h0, longest)
	y1, f1 := s.Y[1], s.K[1]
	for l := range y {
		y1[l] = y[l] + h0*f[l]
	}
	sys.RHS(s.T+h0, y1, f1)
	for l := range f1 {
		f1[l] -= f[l]
	}
	d2 := norm(f1) / h0
	h1 := max(1e-6, h0*1e-3)
	if d := max(d1, d2); d > 1e-15 {
		h1 = math.Pow(0.01/d, 1/float64(s.tab.Order))
	}
	h := min(100*h0, h1, longest)
	if !(h > 0) { // the field is not finite here; the first step will say so
		return longest * 1e-6
	}
	return h
}
