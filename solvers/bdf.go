package solvers

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// BDF are the numerical differentiation formulas of orders 1 to 5, with steps of a length
// that stays as long as it serves: from the backward differences of the solution at the
// last steps,
//
//	Σⱼ 1/j ∇ʲyₙ₊₁ = hf(tₙ₊₁, yₙ₊₁) + κ γ (yₙ₊₁ − prediction),
//
// the sums and γ over j up to the order. A step is not a function of its start alone:
// behind a jump the first is one of kvaerno5, whose dense output has the values that the
// formula of order 4 goes on from.
//
// L.F. Shampine, M.W. Reichelt, SIAM J. Sci. Comput. 18(1), 1–22, 1997.
//
// Of the stages, the first and the last are the rates at both ends, those between the
// coefficients of a polynomial: that through the last values of the solution, smoothed.
var BDF = bdf(Tableau{
	Name: "bdf", Family: Multistep, Order: mostOrder, ErrOrder: mostOrder, DenseOrder: mostOrder,
	Doc: "numerical differentiation formulas of order 1 to 5, adaptive; for large stiff models",
})

// mostOrder is the highest order.
const mostOrder = 5

func bdf(m Tableau) *Tableau {
	stages := mostOrder + 2
	m.C, m.A, m.B, m.E = make([]float64, stages), make([][]float64, stages), make([]float64, stages), make([]float64, stages)
	m.Dense = matrix(stages, mostOrder)
	for i := 1; i < stages; i++ {
		m.C[i] = 1
		if i < stages-1 {
			m.B[i], m.Dense[i][i-1] = 1, 1
		}
	}
	return &m
}

// kappa are those of the formulas, by order; sums are Σ 1/j up to it.
var (
	kappa = [mostOrder + 2]float64{0, -0.1850, -1. / 9, -0.0823, -0.0415, 0}
	sums  = [mostOrder + 2]float64{0, 1, 3. / 2, 11. / 6, 25. / 12, 137. / 60, 147. / 60}
)

// errorOf is what the local error is in terms of the difference of that order plus one.
func errorOf(order int) float64 { return kappa[order]*sums[order] + 1/float64(order+1) }

// differences are the backward differences of a solution at steps of length h.
type differences struct {
	d [][]float64 // by their order
	h float64
}

// multistep takes the steps of BDF.
type multistep struct {
	*implicit
	order   int
	equal   int         // steps of this length and order
	old     differences // at the start
	now     differences // the same for the length of the step
	d       []float64   // what the solution is beyond the prediction
	psi     []float64
	from    float64 // the start of the step before this one, or of an attempt
	taken   bool    // the step in now is complete
	refused bool    // its error is too large
	fails   int     // of this step

	starter  *Stepper // takes the first step
	starting bool

	factor float64 // by which the next length is to be multiplied
	next   int     // its order
	scale  [mostOrder + 1][mostOrder + 1]float64
}

func newMultistep(m *implicit) *multistep {
	return &multistep{
		implicit: m, order: 1, starter: NewStepper(Kvaerno5, m.n), d: make([]float64, m.n), psi: make([]float64, m.n),
		old: differences{d: matrix(mostOrder+3, m.n)}, now: differences{d: matrix(mostOrder+3, m.n)},
	}
}

// alpha is the weight of the new value in the formula.
func (x *multistep) alpha() float64 { return (1 - kappa[x.order]) * sums[x.order] }

// begin takes the differences at the start of the step.
func (x *multistep) begin(fresh bool) {
	switch {
	case fresh:
		x.equal, x.fails = 0, 0
		x.starting, x.starter.blk.Fresh = true, true
	case x.T != x.from && x.taken:
		x.accept()
	case !x.taken || x.refused: // again
		if x.fails++; x.fails > 1 && x.order > 1 {
			x.order--
		}
	}
	x.from, x.taken, x.refused = x.T, false, false
	if !x.starting {
		x.rescale()
	}
}

// start takes the first step.
func (x *multistep) start() newtonOutcome {
	s := x.starter
	s.T = x.T
	copy(s.Y[0], x.Y[0])
	copy(s.K[0], x.K[0])
	s.Tolerances(x.count, x.rtol, x.atol, x.part)
	if s.Step(x.sys, x.H); s.imp.outcome != converged {
		return s.imp.outcome
	}
	last := len(x.K) - 1
	copy(x.Y[last], s.End())
	copy(x.K[last], s.EndRate())
	for i := 1; i < last; i++ {
		clear(x.K[i])
	}
	for j, p := range s.tab.Dense {
		for i, c := range p {
			addScaled(x.K[i+1], c, s.K[j])
		}
	}
	x.taken = true
	return converged
}

// begun makes the differences of the first step: of the values that its dense output has
// startOrder times.
func (x *multistep) begun() {
	x.starting, x.order, x.equal, x.fails = false, startOrder, 0, 0
	s, d := x.starter, x.old.d
	x.old.h = s.H / startOrder
	for j := range startOrder + 1 {
		s.Dense(1-float64(j)/startOrder, d[j])
	}
	copy(d[0], x.Y[0])
	for k := 1; k <= startOrder; k++ {
		for j := startOrder; j >= k; j-- {
			for l, v := range d[j] {
				d[j][l] = d[j-1][l] - v
			}
		}
	}
	for j := startOrder + 1; j < len(d); j++ {
		clear(d[j])
	}
}

// startOrder is the order of the formula behind the first step.
const startOrder = 4

// accept goes on from the step that was taken.
func (x *multistep) accept() {
	if x.starting {
		x.begun()
		return
	}
	k := x.order
	x.old, x.now = x.now, x.old
	d := x.old.d
	for l, v := range x.d {
		d[k+2][l] = v - d[k+1][l]
		d[k+1][l] = v
	}
	for i := k; i >= 0; i-- {
		addScaled(d[i], 1, d[i+1])
	}
	copy(d[0], x.Y[0])
	x.fails = 0
	x.equal++
	if x.next != x.order {
		x.order, x.equal = x.next, 0
	}
}

// rescale makes differences for the length of the step of those at the start: of values
// of the same polynomial.
//
// Shampine, Reichelt, 2.
func (x *multistep) rescale() {
	k := x.order
	r := x.H / x.old.h
	x.now.h = x.H
	if r == 1 {
		for i := range k + 1 {
			copy(x.now.d[i], x.old.d[i])
		}
		copy(x.now.d[k+1], x.old.d[k+1])
		return
	}
	x.equal = 0
	a, b := powers(k, r), powers(k, 1)
	for i := 1; i <= k; i++ {
		for j := 1; j <= k; j++ {
			x.scale[i][j] = 0
			for q := 1; q <= k; q++ {
				x.scale[i][j] += a[i][q] * b[q][j]
			}
		}
	}
	copy(x.now.d[0], x.old.d[0])
	for j := 1; j <= k; j++ {
		clear(x.now.d[j])
		for i := 1; i <= k; i++ {
			addScaled(x.now.d[j], x.scale[i][j], x.old.d[i])
		}
	}
	clear(x.now.d[k+1])
}

// powers has, in row i and column j, Π_{m<i} (m − jr)/(m + 1).
func powers(k int, r float64) (a [mostOrder + 1][mostOrder + 1]float64) {
	for j := 1; j <= k; j++ {
		v := 1.
		for i := 1; i <= k; i++ {
			v *= (float64(i-1) - float64(j)*r) / float64(i)
			a[i][j] = v
		}
	}
	return a
}

// solve takes the step.
func (x *multistep) solve() newtonOutcome {
	k, d := x.order, x.now.d
	last := len(x.K) - 1
	y, t, c := x.Y[last], x.T+x.H, x.H/x.alpha()
	copy(x.base, d[0])
	clear(x.psi)
	for i := 1; i <= k; i++ {
		addScaled(x.base, 1, d[i])
		addScaled(x.psi, sums[i]/x.alpha(), d[i])
	}
	clear(x.d)
	var newton iteration
	newton.begin(x.implicit)
	for back := 0; ; {
		for l := range y {
			y[l] = x.base[l] + x.d[l]
		}
		x.sys.RHS(t, y, x.K[last])
		if x.count == 0 && back < mostBack && floats.HasNaN(x.K[last]) {
			if back++; newton.count > 0 {
				floats.Scale(0.5, x.r)
				floats.Sub(x.d, x.r)
			} else if floats.SubTo(x.d, x.Y[0], x.base); back > 1 {
				return undefined
			}
			continue
		}
		for l, f := range x.K[last] {
			x.r[l] = math.FMA(c, f, -x.psi[l]-x.d[l])
		}
		x.at.real.Solve(x.r)
		addScaled(x.d, 1, x.r)
		out, done := newton.next(x.implicit, x.norm(x.r, y, x.K[last]))
		if !done {
			continue
		}
		if out != converged {
			x.slow = true
			return out
		}
		x.finish(c)
		return converged
	}
}

// mostBack bounds how often a correction is halved that led to where the field has no value, as steps to
// the root of a guard may that end where their field does (√h at h = 0). A prediction that is there gives
// way to the start of the step.
const mostBack = 30

// finish sets the end, the rate there, and the polynomial between.
func (x *multistep) finish(c float64) {
	k, d := x.order, x.now.d
	last := len(x.K) - 1
	for l := range x.d {
		x.Y[last][l] = x.base[l] + x.d[l]
		x.K[last][l] = (x.psi[l] + x.d[l]) / c
	}
	// The difference of order j at the end is the sum of those from j on at the start,
	// and d.
	for i := 1; i < last; i++ {
		clear(x.K[i])
	}
	copy(x.z, x.d)
	for j := k; j >= 1; j-- {
		addScaled(x.z, 1, d[j])
		for i, p := range newtonForm[j] {
			if p != 0 {
				addScaled(x.K[i+1], p/x.H, x.z)
			}
		}
	}
	x.smooth()
	x.taken = true
}

// smooth gives the polynomial the rates at both ends, by cubic terms of the size of its
// error: it goes on smoothly from step to step, and behind a jump leaves where the
// solution does.
func (x *multistep) smooth() {
	last := len(x.K) - 1
	for l, f0 := range x.K[0] {
		end := 0.
		for i := 1; i < last; i++ {
			end += float64(i) * x.K[i][l]
		}
		a, b := f0-x.K[1][l], x.K[last][l]-end
		x.K[1][l] += a
		x.K[2][l] -= 2*a + b
		x.K[3][l] += a + b
	}
}

// newtonForm are, by j, the coefficients of the powers of θ from the first on of
// Π_{m<j} (θ−1+m)/(m+1), which the difference of order j at the end is multiplied by.
var newtonForm = func() (list [mostOrder + 1][]float64) {
	p := []float64{1}
	for j := 1; j <= mostOrder; j++ {
		m := float64(j - 1)
		next := make([]float64, len(p)+1)
		for k, v := range p {
			next[k+1] += v / (m + 1)
			next[k] += v * (m - 1) / (m + 1)
		}
		p = next
		list[j] = p[1:]
	}
	return list
}()

// meanError is that of the step, and chooses the next order and length.
func (x *multistep) meanError(count int, rtol, atol float64) float64 {
	if x.starting {
		x.starter.Sizes = x.Sizes
		err := x.starter.MeanError(count, rtol, atol)
		x.factor = 0.8 * math.Pow(err+1e-9, -0.1)
		if x.refused = !(err <= 1); !x.refused { // the formula wants shorter steps
			x.factor = math.Min(math.Max(x.factor, 1), 4) / startOrder
		}
		return err
	}
	k := x.order
	mean := func(order int, v func(l int) float64) float64 {
		sum, c := 0., errorOf(order)
		y := x.End()
		for l := range count {
			w := c * v(l) / math.FMA(rtol, math.Max(math.Abs(x.Y[0][l]), math.Abs(y[l])), x.absolute(l, atol))
			sum = math.FMA(w, w, sum)
		}
		return sum / float64(max(count, 1))
	}
	// As ode15s has it, a change of order has to be worth it.
	factor := func(mean, reluctance float64, order int) float64 {
		return 1 / (reluctance*math.Pow(mean, 0.5/float64(order+1)) + 1e-6)
	}
	d := x.now.d
	err := mean(k, func(l int) float64 { return x.d[l] })
	x.factor, x.next = factor(err, 1.2, k), k
	if x.refused = !(err <= 1); x.refused {
		return err
	}
	if x.equal <= k { // too early: the differences are not those of such steps
		x.factor = 1
		return err
	}
	if k > 1 {
		lower := mean(k-1, func(l int) float64 { return x.d[l] + d[k][l] })
		if f := factor(lower, 1.3, k-1); f > x.factor {
			x.factor, x.next = f, k-1
		}
	}
	if k < mostOrder {
		higher := mean(k+1, func(l int) float64 { return x.d[l] - d[k+1][l] })
		if f := factor(higher, 1.4, k+1); f > x.factor {
			x.factor, x.next = f, k+1
		}
	}
	if x.factor = math.Min(x.factor, 10); x.factor < keepLength {
		x.factor, x.next = 1, k
	}
	return err
}
