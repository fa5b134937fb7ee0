package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
	"github.com/pinode/pinode/internal/stepsize"
)

// System is the right-hand side of y' = f(t, y).
type System interface {
	RHS(t float64, y, dy []float64)
}

// Adjoint is the reverse derivative of a right-hand side. It adds ctᵀ∂f/∂y to
// yBar and keeps its own account of the parameters; it returns ctᵀ∂f/∂t.
type Adjoint interface {
	RHSVJP(t float64, y, ct, yBar []float64) (tBar float64)
}

// Tangent is the forward derivative of a right-hand side in one direction:
// it sets dyDot to f_t tDot + f_y yDot + f_p pDot, the last by its own account.
type Tangent interface {
	RHSJVP(t, tDot float64, y, yDot, dyDot []float64)
}

// Stepper takes steps with one method on systems of n equations, and
// differentiates them. After Step and Behind its stages stand for the dense output of
// that step until the next.
type Stepper struct {
	tab *Tableau
	n   int

	Sizes []float64 // of the states, in which absolute tolerances count; nil, and beyond its end: 1

	T, H float64
	Y    [][]float64 // stage arguments; Y[0] is the start, that of Tableau.End the end
	K    [][]float64 // stage derivatives

	// Momenta says of each state whether it is one: see Tableau.Parts.
	Momenta []bool

	blk    *Block
	kBar   [][]float64 // cotangents of K
	seeded []bool      // kBar[i] may differ from zero
	yiBar  []float64
	kDot   [][]float64
	yiDot  []float64
	tDot   float64
	hDot   float64
	exp    *expansion // of the dense output; see Expand
	at     *weightsAt // of the dense output
	cols   *columns   // of tangents side by side; see JVPColumns

	special
}

// special are the steps of families that do not take their stages one after the other.
type special struct {
	imp *implicit   // of a method that solves equations
	lin *linearly   // of one that solves linear ones
	rkc *stabilised // of one of as many stages as it needs
}

// NewStepper returns a stepper for n equations.
func NewStepper(tab *Tableau, n int) *Stepper {
	return NewStepperOn(tab, n, NewBlock(tab, n, 1))
}

// NewStepperOn is NewStepper on the memory of a block of width 1, which
// others may take steps on too.
func NewStepperOn(tab *Tableau, n int, blk *Block) *Stepper {
	stages := tab.Stages()
	s := &Stepper{
		tab: tab, n: n, blk: blk,
		Y: blk.Y, K: blk.K,
		kBar: blk.KBar, seeded: make([]bool, stages), yiBar: make([]float64, n),
		kDot: matrix(stages, n), yiDot: make([]float64, n), at: newWeightsAt(tab),
	}
	switch tab.Family {
	case Implicit, Multistep:
		s.imp = newImplicit(s)
	case Rosenbrock:
		s.lin = newLinearly(s)
	case Stabilised:
		s.rkc = newStabilised(s)
	}
	return s
}

func matrix(m, n int) [][]float64 { return rows(make([]float64, m*n), m, n) }

// rows cuts flat into m rows of n numbers.
func rows(flat []float64, m, n int) [][]float64 {
	list := make([][]float64, m)
	for i := range list {
		list[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return list
}

// Block returns the stepper's memory.
func (s *Stepper) Block() *Block { return s.blk }

// Tableau returns the stepper's method.
func (s *Stepper) Tableau() *Tableau { return s.tab }

// Start evaluates the first stage at (t, y), as a new run or a jump needs.
func (s *Stepper) Start(sys System, t float64, y []float64) {
	s.T = t
	copy(s.Y[0], y)
	sys.RHS(t, s.Y[0], s.K[0])
	s.blk.Fresh = true
}

// Shift moves the start by as little as its error: a method that goes on from several
// steps keeps what it knows of the solution.
func (s *Stepper) Shift(sys System, t float64, y []float64) {
	fresh := s.blk.Fresh
	s.Start(sys, t, y)
	s.blk.Fresh = fresh
}

// Continue makes the end of the last step the start of the next.
func (s *Stepper) Continue(t float64) {
	s.T = t
	s.blk.Continue(0)
}

// Step takes a step of length h from the start that Start or Continue set.
// It may be repeated with other lengths. The result is End. Before its dense output is
// read Behind has to be called.
func (s *Stepper) Step(sys System, h float64) {
	s.H = h
	switch {
	case s.imp != nil:
		s.imp.step(sys.(Linear))
		return
	case s.lin != nil:
		s.lin.step(sys.(Linear))
		return
	case s.rkc != nil:
		s.rkc.step(sys)
		return
	}
	s.stages(sys, 1, s.tab.End()+1)
}

// Behind takes the stages behind the end of the step.
func (s *Stepper) Behind(sys System) { s.stages(sys, s.tab.End()+1, len(s.K)) }

func (s *Stepper) stages(sys System, from, to int) {
	for i := from; i < to; i++ {
		combine(s.Y[i], s.Y[0], s.H, s.tab.A[i], s.K)
		sys.RHS(s.tab.StageTime(i, s.T, s.H), s.Y[i], s.K[i])
		s.tab.part(i).keep(s.K[i], s.Momenta)
	}
}

// piece is how many numbers of a combination are finished before the next: they stay in the
// first-level cache.
const piece = 128

// combine sets dst to y + h Σ aⱼ kⱼ. It is none of these.
func combine(dst, y []float64, h float64, a []float64, k [][]float64) {
	for from := 0; from < len(dst); from += piece {
		part := dst[from:min(from+piece, len(dst))]
		weigh(part, a, k, from)
		kernel.ScaleAdd(part, h, y[from:])
	}
}

// weigh sets dst to Σ aⱼ kⱼ of as many numbers from an offset on.
func weigh(dst, a []float64, k [][]float64, from int) {
	clear(dst)
	for j, aj := range a {
		kernel.AddScaled(dst, aj, k[j][from:])
	}
}

// End is the solution at the end of the step.
func (s *Stepper) End() []float64 { return s.Y[s.tab.End()] }

// EndRate is the right-hand side there.
func (s *Stepper) EndRate() []float64 { return s.K[s.tab.End()] }

// MeanError is the mean square of the first m components of the embedded
// error, with weights 1/(atol + rtol·max(|y₀|, |y₁|)), atol in the sizes of the states, joined
// with that of the second estimate, if there is one. It is NaN or infinite where the step left
// the representable range.
func (s *Stepper) MeanError(m int, rtol, atol float64) float64 {
	switch {
	case s.imp != nil:
		return s.imp.meanError(m, rtol, atol)
	case s.lin != nil && s.lin.singular, s.rkc != nil && s.rkc.failed:
		return failed
	}
	mean := s.meanOf(s.tab.E, m, rtol, atol)
	if s.tab.E2 == nil {
		return mean
	}
	return stepsize.Joined(stepsize.Numbers{}, mean, s.meanOf(s.tab.E2, m, rtol, atol))
}

// meanOf is the mean square of one estimate of the error.
func (s *Stepper) meanOf(weights []float64, m int, rtol, atol float64) float64 {
	y0, y1 := s.Y[0], s.End()
	var sum [4]float64
	var errs [piece]float64
	for l, parts := 0, scalar.Parts(m); l < m; l++ {
		if l%piece == 0 {
			weigh(errs[:min(piece, m-l)], weights, s.K, l)
		}
		w := s.H * errs[l%piece] / math.FMA(rtol, math.Max(math.Abs(y0[l]), math.Abs(y1[l])), s.absolute(l, atol))
		part := &sum[l%parts]
		*part = math.FMA(w, w, *part)
	}
	return 1 / float64(max(m, 1)) * scalar.Join(&sum)
}

// absolute is an absolute tolerance in the size of state l.
func (s *Stepper) absolute(l int, atol float64) float64 {
	if l < len(s.Sizes) {
		return atol * s.Sizes[l]
	}
	return atol
}

// Dense sets dst to the interpolant at T + θH.
func (s *Stepper) Dense(theta float64, dst []float64) {
	copy(dst, s.Y[0])
	for i, k := range s.K {
		kernel.AddScaled(dst[:len(k)], s.H*s.tab.value(i, theta), k)
	}
}

// DenseAndRate sets dst to the interpolant at T + θH, and rate to its derivative by time
// there. Stages without a weight, as all but the first at the start, are left out.
func (s *Stepper) DenseAndRate(theta float64, dst, rate []float64) {
	copy(dst, s.Y[0])
	clear(rate)
	for i, w := range s.at.of(theta) {
		if w.b != 0 {
			addRow(dst, s.H*w.b, s.K[i])
		}
		if w.rate != 0 {
			addRow(rate, w.rate, s.K[i])
		}
	}
}

// addRow is addScaled for numbers of which there may be many.
func addRow(dst []float64, a float64, x []float64) {
	if len(x) < few {
		addScaled(dst, a, x)
		return
	}
	kernel.AddScaled(dst[:len(x)], a, x)
}

// few numbers are done before a kernel has begun.
const few = 4

// SeedDense adds the cotangent ct of the dense output at T + θH to those of
// the step, for the next VJP. The time T + θH is held fixed; yBar, and the
// returned tBar and hBar, get the direct parts.
func (s *Stepper) SeedDense(theta float64, ct, yBar []float64) (tBar, hBar float64) {
	s.Seed()
	s.blk.SeedDense(s.tab, 0, s.H, theta, ct)
	for l, c := range ct {
		yBar[l] += c
	}
	return s.blk.SeedTimes(s.tab, 0, theta, ct)
}

// Seed says that the cotangents of all stages may differ from zero.
func (s *Stepper) Seed() {
	for i := range s.seeded {
		s.seeded[i] = true
	}
}

// Unseed forgets what SeedDense left.
func (s *Stepper) Unseed() {
	for i, on := range s.seeded {
		if on {
			clear(s.kBar[i])
			s.seeded[i] = false
		}
	}
}

// VJP pulls the cotangent y1Bar of the step's end, and those that SeedDense
// left, back through the step whose stages stand: it adds to yBar and returns
// the cotangents of its start time and its length. The seeds are used up.
func (s *Stepper) VJP(sys Adjoint, y1Bar, yBar []float64) (tBar, hBar float64) {
	switch {
	case s.imp != nil:
		return s.imp.vjp(sys.(LinearAdjoint), y1Bar, yBar)
	case s.lin != nil:
		return s.lin.vjp(sys.(CurvedAdjoint), y1Bar, yBar)
	case s.rkc != nil:
		return s.rkc.vjp(sys.(stabilisedAdjoint), y1Bar, yBar)
	}
	end := s.tab.End()
	for i := len(s.K) - 1; i >= 0; i-- {
		clear(s.yiBar)
		if i == end {
			copy(s.yiBar, y1Bar)
		}
		if s.seeded[i] {
			s.tab.part(i).keep(s.kBar[i], s.Momenta)
			tau := sys.RHSVJP(s.tab.StageTime(i, s.T, s.H), s.Y[i], s.kBar[i], s.yiBar)
			tBar += tau
			hBar = math.FMA(s.tab.C[i], tau, hBar)
			clear(s.kBar[i])
			s.seeded[i] = false
		} else if i != end {
			continue
		}
		for l, c := range s.yiBar {
			yBar[l] += c
		}
		for j, a := range s.tab.A[i] {
			if a == 0 {
				continue
			}
			s.seeded[j] = true
			dot, ha := 0., s.H*a
			for l, c := range s.yiBar {
				dot = math.FMA(c, s.K[j][l], dot)
				s.kBar[j][l] = math.FMA(ha, c, s.kBar[j][l])
			}
			hBar = math.FMA(a, dot, hBar)
		}
	}
	return tBar, hBar
}

// JVP pushes a tangent of the start, the start time and the length through
// the step whose stages stand, and sets y1Dot to that of its end. The
// tangents of the stages stay for DenseJVP.
func (s *Stepper) JVP(sys Tangent, tDot, hDot float64, yDot, y1Dot []float64) {
	s.tDot, s.hDot = tDot, hDot
	switch {
	case s.imp != nil:
		s.imp.jvp(sys.(LinearTangent), yDot, y1Dot)
		return
	case s.lin != nil:
		s.lin.jvp(sys.(CurvedTangent), yDot, y1Dot)
		return
	case s.rkc != nil:
		s.rkc.jvp(sys.(stabilisedTangent), yDot, y1Dot)
		return
	}
	for i := range s.K {
		copy(s.yiDot, yDot)
		for j, a := range s.tab.A[i] {
			for l := range s.yiDot {
				s.yiDot[l] += a * (s.H*s.kDot[j][l] + hDot*s.K[j][l])
			}
		}
		sys.RHSJVP(s.tab.StageTime(i, s.T, s.H), math.FMA(s.tab.C[i], hDot, tDot), s.Y[i], s.yiDot, s.kDot[i])
		s.tab.part(i).keep(s.kDot[i], s.Momenta)
		if i == s.tab.End() {
			copy(y1Dot, s.yiDot)
		}
	}
}

// PushBy is JVP where push sets the tangents of the stages and of the end.
func (s *Stepper) PushBy(push func(kDot [][]float64, y1Dot []float64), tDot, hDot float64, y1Dot []float64) {
	s.tDot, s.hDot = tDot, hDot
	push(s.kDot, y1Dot)
}

// DenseJVP sets dst to the tangent of the dense output at the fixed time
// T + θH, after JVP with the tangent yDot of the start.
func (s *Stepper) DenseJVP(theta float64, yDot, dst []float64) {
	thetaDot := -(s.tDot + theta*s.hDot) / s.H
	copy(dst, yDot)
	for i := range s.K {
		b, db := s.tab.Weight(i, theta)
		for l := range dst {
			dst[l] += s.H*b*s.kDot[i][l] + (s.hDot*b+s.H*db*thetaDot)*s.K[i][l]
		}
	}
}
