package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// Control are the constants that step sizes are chosen with: a PI controller
// in the form of Gustafsson, with the constants of Hairer–Nørsett–Wanner I,
// IV.2. From the norm err of a step's error and that of the accepted step
// before, the next length is the last one times
//
//	Safety · err^−Alpha · before^Beta
//
// within [Least, Most], or, after a rejection, times Safety · err^−Alpha
// within [Least, Back].
type Control struct {
	Alpha, Beta, Safety, Least, Most, Back float64
}

// NewControl returns the constants for a method.
func NewControl(m *Tableau) Control {
	k := float64(m.ErrOrder + 1)
	beta := 0.04
	if k < 4 {
		beta = 0.08
	}
	return Control{Alpha: 1/k - 0.75*beta, Beta: beta, Safety: 0.9, Least: 0.2, Most: 10, Back: 0.9}
}

// Factor is, for a step whose weighted error has the given mean square, the
// logarithm of its norm, and by what its length is to be multiplied: with a mean
// of at most 1 for the next step, else to try again. before is the logarithm for
// the accepted step before. For an error that is no number they are none. The
// bits are those that a program of a whole step gives, so that lengths do not
// depend on how steps are taken.
func (c *Control) Factor(mean, before float64) (log, factor float64) {
	log = 0.5 * scalar.Log(mean)
	most := c.Most
	if !(mean <= 1) {
		before, most = 0, c.Back
	}
	factor = c.Safety * scalar.Exp(math.FMA(c.Beta, before, -c.Alpha*log))
	return log, min(max(factor, c.Least), most)
}

// Controller applies a Control along a run. The zero value is not usable; see
// NewController.
type Controller struct {
	Control
	Before   float64 // logarithm of the error norm of the last accepted step
	rejected bool
}

// LeastLog is the logarithm of the least error norm that is remembered, 1e-4.
const LeastLog = -9.210340371976182

// NewController returns a controller for a method.
func NewController(m *Tableau) *Controller {
	return &Controller{Control: NewControl(m), Before: LeastLog}
}

// Accept takes the mean square of the weighted error of a step of length h,
// with its Factor. It returns whether the step stands, and the length to try
// next. An error that is not a number rejects the step.
func (c *Controller) Accept(mean, log, factor, h float64) (ok bool, next float64) {
	if !(mean <= 1) {
		c.rejected = true
		if factor = min(factor, c.Back); !(factor >= c.Least) {
			factor = c.Least
		}
		return false, h * factor
	}
	if c.rejected {
		factor = min(factor, 1)
		c.rejected = false
	}
	c.Before = max(log, LeastLog)
	return true, h * factor
}

// Judge is Accept for the mean square alone.
func (c *Controller) Judge(mean, h float64) (ok bool, next float64) {
	log, factor := c.Factor(mean, c.Before)
	return c.Accept(mean, log, factor, h)
}

// Restart forgets the history, as a jump of the state asks for.
func (c *Controller) Restart() { c.Before, c.rejected = LeastLog, false }

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
			w := v[l] / (atol + rtol*math.Abs(y[l]))
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
