package solvers

import "math"

// Controller chooses step sizes from error norms: a PI controller in the form
// of Gustafsson, with the constants of Hairer–Nørsett–Wanner I, IV.2.
// The zero value is not usable; see NewController.
type Controller struct {
	alpha, beta float64
	prev        float64 // binary logarithm of the error norm of the last accepted step, at least that of 1e-4
	rejected    bool
}

const (
	safety    = 0.9
	minFactor = 0.2
	maxFactor = 10.

	leastLog = -13.287712379549449 // log₂ 1e-4
)

// NewController returns a controller for a method.
func NewController(m *Tableau) *Controller {
	k := float64(m.ErrOrder + 1)
	beta := 0.04
	if k < 4 {
		beta = 0.08
	}
	return &Controller{alpha: 1/k - 0.75*beta, beta: beta, prev: leastLog}
}

// Accept takes the error norm of a step of length h. It returns whether the
// step stands, and the length to try next. A norm that is not a number
// rejects the step.
func (c *Controller) Accept(norm, h float64) (ok bool, next float64) {
	if !(norm <= 1) {
		c.rejected = true
		factor := minFactor
		if !math.IsNaN(norm) && !math.IsInf(norm, 0) {
			factor = max(minFactor, safety*exp2(-c.alpha*log2(norm)))
		}
		return false, h * min(factor, 0.9)
	}
	factor, log := maxFactor, leastLog
	if norm > 0 {
		log = log2(norm)
		factor = safety * exp2(c.beta*c.prev-c.alpha*log)
	}
	if c.rejected {
		factor = min(factor, 1)
		c.rejected = false
	}
	c.prev = max(log, leastLog)
	return true, h * min(max(factor, minFactor), maxFactor)
}

// Restart forgets the history, as a jump of the state asks for.
func (c *Controller) Restart() { c.prev, c.rejected = leastLog, false }

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

// log2 is the binary logarithm of a positive normal number to 2e-6, which is
// all that step control asks for: with m in [√½, √2) and s = (m−1)/(m+1),
// ln m = 2 (s + s³/3 + s⁵/5 + …).
func log2(x float64) float64 {
	const half = 0x3fe6a09e667f3bcd // bits of √½
	bits := math.Float64bits(x)
	e := int64(bits-half) >> 52
	m := math.Float64frombits(bits - uint64(e)<<52)
	s := (m - 1) / (m + 1)
	z := s * s
	return float64(e) + 2/math.Ln2*s*(1+z*(1./3+z*(1./5)))
}

// exp2 is 2 to a power between −1000 and 1000, to 3e-6.
func exp2(x float64) float64 {
	x = min(max(x, -1000), 1000)
	n := math.Floor(x + 0.5)
	f := (x - n) * math.Ln2
	p := 1 + f*(1+f*(1./2+f*(1./6+f*(1./24+f*(1./120)))))
	return p * math.Float64frombits(uint64(1023+int64(n))<<52)
}
