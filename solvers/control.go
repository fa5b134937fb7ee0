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
	d1, h0 := probe(s, count, rtol, atol, longest)
	d2 := change(s, sys, s.T+h0, h0, count, rtol, atol)
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

// Resolve shortens the length h of a step from where Start left the stepper, of a method that damps what is fast: its
// error, that of the end of the step, says nothing of what goes by within it. Where the field changes along itself faster
// than in a step, an explicit Euler step of the length that is returned has an error of the size of the
// tolerances. From there on steps grow as their errors let them. It evaluates the system once, at the same time.
func Resolve(s *Stepper, sys System, count int, rtol, atol, h float64) float64 {
	if !s.tab.Solves() {
		return h
	}
	d1, h0 := probe(s, count, rtol, atol, h)
	d2 := change(s, sys, s.T, h0, count, rtol, atol)
	if most := max(math.Sqrt(2/d2), d1/d2); most < h {
		return most
	}
	return h
}

// probe is the size of the field where a step starts, in terms of the tolerances, and the length of an explicit Euler step
// that tells how it changes.
func probe(s *Stepper, count int, rtol, atol, longest float64) (d1, h0 float64) {
	d0, d1 := sizeOf(s, s.Y[0], count, rtol, atol), sizeOf(s, s.K[0], count, rtol, atol)
	h0 = 0.01 * d0 / d1
	if d0 < 1e-5 || d1 < 1e-5 {
		h0 = 1e-6
	}
	return d1, min(h0, longest)
}

// change is by how much the field at time t changes along such a step, for each unit of time.
func change(s *Stepper, sys System, t, h0 float64, count int, rtol, atol float64) float64 {
	y, f, y1, f1 := s.Y[0], s.K[0], s.Y[1], s.K[1]
	for l := range y {
		y1[l] = y[l] + h0*f[l]
	}
	sys.RHS(t, y1, f1)
	for l := range f1 {
		f1[l] -= f[l]
	}
	return sizeOf(s, f1, count, rtol, atol) / h0
}

// sizeOf is that of the first count components of v, root mean square, in terms of what the start of a step may be off by.
func sizeOf(s *Stepper, v []float64, count int, rtol, atol float64) float64 {
	sum := 0.
	for l := range count {
		w := v[l] / (s.absolute(l, atol) + rtol*math.Abs(s.Y[0][l]))
		sum += w * w
	}
	return math.Sqrt(sum / float64(max(count, 1)))
}
