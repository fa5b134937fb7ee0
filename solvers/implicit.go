package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/sparse"
)

// implicit takes the steps of a method whose stages solve equations, by Newton's method
// with one Jacobian for all of a step, and mostly for several.
//
// E. Hairer, G. Wanner, Solving ODEs II, 2nd ed., IV.8.
type implicit struct {
	*Stepper
	accuracy
	groups []group

	lin  map[*sparse.Pattern]*linearized
	at   *linearized // the one in use
	sys  Linear
	made float64 // γh of the factors; 0: there are none
	old  float64 // where the Jacobian was taken; NaN: it is to be taken anew
	here bool    // the Jacobian is that of the start of this step

	convergence
	full    *coupling   // of a method all of whose stages are coupled
	multi   *multistep  // of one that goes on from several steps
	predict [][]float64 // weights of the stages before, to begin a stage with

	base, z, r, err []float64   // room
	bars            [][]float64 // of derivatives, by stage
	joint           []float64   // of coupled stages
}

// convergence is how Newton's method went last.
type convergence struct {
	rate    float64 // by which corrections became smaller
	slow    bool    // the Jacobian no longer serves
	outcome newtonOutcome
}

// accuracy is how exactly equations are solved: errors are measured over the first count
// components. A zero count means to round-off, as far as that is known.
type accuracy struct {
	count      int
	rtol, atol float64
	part       float64 // of the tolerances that equations may be off by
	off        float64 // the last correction in terms of the tolerances, where to round-off
}

// group are stages that are solved for at once.
type group struct{ lo, hi int }

// newtonOutcome is how the equations of a step were solved.
type newtonOutcome uint8

const (
	converged newtonOutcome = iota
	diverged                // a shorter step will do
	undefined               // the field has no value
)

func newImplicit(s *Stepper) *implicit {
	n, stages := s.n, s.tab.Stages()
	m := &implicit{
		Stepper: s, lin: map[*sparse.Pattern]*linearized{},
		base: make([]float64, n), z: make([]float64, n), r: make([]float64, n), err: make([]float64, n),
		bars: matrix(stages, n),
	}
	if s.tab.Family == Multistep {
		m.multi = newMultistep(m)
		return m
	}
	widest := 1
	for lo := 0; lo < stages; {
		hi := lo + 1
		for i := lo; i < hi; i++ {
			hi = max(hi, len(s.tab.A[i]))
		}
		m.groups = append(m.groups, group{lo, hi})
		widest = max(widest, hi-lo)
		lo = hi
	}
	m.joint = make([]float64, widest*n)
	if widest > 1 {
		m.full = newCoupling(m)
	} else {
		m.predict = predictors(s.tab)
	}
	return m
}

// Tolerances says how exactly the equations of implicit steps are solved: to a part of the
// tolerances of the first count components. With a zero count, or without it, they are solved to
// round-off, beside which the absolute tolerance is the least size of a component. What terms that
// cancel leave of a rate is not known: where corrections get no smaller and are beside the tolerances
// nothing, that is what is left.
func (s *Stepper) Tolerances(count int, rtol, atol, part float64) {
	switch {
	case s.imp != nil:
		s.imp.accuracy = accuracy{count: count, rtol: rtol, atol: atol, part: part}
	case s.rkc != nil && count > 0: // in these the spectral radius is estimated
		s.rkc.accuracy = accuracy{count: count, rtol: rtol, atol: atol, part: part}
	}
}

// gamma is the diagonal of the equations of a stage.
func (m *implicit) gamma() float64 {
	switch {
	case m.multi != nil:
		return 1 / m.multi.alpha()
	case m.full != nil:
		return 1 / m.full.single
	}
	return m.tab.A[1][1]
}

// step takes a step of length H. Where the equations cannot be solved its error is
// not small.
func (m *implicit) step(sys Linear) {
	m.sys = sys
	m.here = false
	fresh := m.use(sys.Pattern()) || m.blk.Fresh
	if m.blk.Fresh = false; fresh {
		m.made, m.old, m.rate = 0, math.NaN(), 1
	}
	switch {
	case m.multi != nil:
		m.multi.begin(fresh)
	case m.full != nil:
		m.full.arrive(fresh)
	}
	if m.H == 0 {
		m.stay()
		return
	}
	if m.multi != nil && m.multi.starting {
		m.outcome = m.multi.start()
		return
	}
	if m.slow || m.H*m.gamma() != m.made {
		m.linearize()
	}
	for {
		m.outcome = m.solve()
		if m.outcome == converged || m.here {
			return
		}
		m.linearize()
	}
}

// stay takes a step of no length.
func (m *implicit) stay() {
	for i := 1; i < len(m.K); i++ {
		copy(m.Y[i], m.Y[0])
		copy(m.K[i], m.K[0])
	}
	m.outcome = converged
}

// use takes the Jacobian of a pattern; it reports whether that is another one.
func (m *implicit) use(p *sparse.Pattern) bool {
	if m.at != nil && m.at.pattern == p {
		return false
	}
	if m.lin[p] == nil {
		m.lin[p] = newLinearized(p)
	}
	m.at = m.lin[p]
	return true
}

// linearize takes the Jacobian at the start of the step, and factorises.
func (m *implicit) linearize() {
	m.here, m.slow, m.made = true, false, m.H*m.gamma()
	if m.old != m.T {
		m.sys.Jacobian(m.T, m.Y[0], m.at.values, m.at.byTime)
		m.old = m.T
	}
	ok := m.at.real.Factor(1, -m.H*m.gamma(), m.at.values)
	if m.full != nil {
		ok = m.full.factor() && ok
	}
	if !ok {
		m.made = 0
	}
}

// solve solves the equations of all stages.
func (m *implicit) solve() newtonOutcome {
	if m.made == 0 {
		return diverged
	}
	switch {
	case m.multi != nil:
		return m.multi.solve()
	case m.full != nil:
		return m.full.solve()
	}
	for i := 1; i < len(m.K); i++ {
		if out := m.stage(i); out != converged {
			m.slow = true
			return out
		}
	}
	return converged
}

// stage solves yᵢ = base + z for z = hγkᵢ, which keeps its digits where the field is
// stiff.
func (m *implicit) stage(i int) newtonOutcome {
	t, hg := m.tab.StageTime(i, m.T, m.H), m.H*m.tab.A[i][i]
	combine(m.base, m.Y[0], m.H, m.tab.A[i][:i], m.K)
	clear(m.z)
	for j, w := range m.predict[i] {
		for l, k := range m.K[j] {
			m.z[l] = math.FMA(hg*w, k, m.z[l])
		}
	}
	var newton iteration
	newton.begin(m)
	for {
		for l := range m.z {
			m.Y[i][l] = m.base[l] + m.z[l]
		}
		m.sys.RHS(t, m.Y[i], m.K[i])
		for l, k := range m.K[i] {
			m.r[l] = math.FMA(hg, k, -m.z[l])
		}
		m.at.real.Solve(m.r)
		for l, d := range m.r {
			m.z[l] += d
		}
		out, done := newton.next(m, m.norm(m.r, m.Y[i], m.K[i]))
		if !done {
			continue
		}
		for l, z := range m.z {
			m.Y[i][l] = m.base[l] + z
			m.K[i][l] = z / hg
		}
		return out
	}
}

// norm is the size of a change of y, where the rates are k, in terms of what it may be off by: to
// round-off, that of the terms of y, since y itself may be zero at the root of a guard, and of the
// absolute tolerance, beside which what is left of a state that is held at zero is dust.
func (m *implicit) norm(d, y, k []float64) float64 {
	sum, n := 0., m.count
	if n == 0 {
		for l, v := range d {
			if math.IsNaN(v) {
				return v
			}
			if v != 0 {
				m.off = math.Max(m.off, math.Abs(v)/math.FMA(m.rtol, math.Max(math.Abs(m.Y[0][l]), math.Abs(y[l])), m.absolute(l, m.atol)))
				sum = math.Max(sum, math.Abs(v)/max(math.Abs(y[l]), math.Abs(m.Y[0][l]), math.Abs(m.H*k[l]), m.absolute(l, m.atol), math.Abs(v))/exactly)
			}
		}
		return sum
	}
	for l, v := range d[:n] {
		w := v / math.FMA(m.rtol, math.Max(math.Abs(m.Y[0][l]), math.Abs(y[l])), m.absolute(l, m.atol))
		sum = math.FMA(w, w, sum)
	}
	for _, v := range d[n:] { // quadratures follow, if they have a value
		if v-v != 0 {
			return math.NaN()
		}
	}
	return math.Sqrt(sum / float64(n))
}

// exactly is round-off in terms of a number that the equations are solved to without
// tolerances.
const exactly = 8 * 0x1p-52

// iteration follows the convergence of Newton's method.
type iteration struct {
	count int
	last  float64
	most  float64
	rate  float64 // of convergence, the last one; 0: not known
}

// mostIterations bounds those of Newton's method.
const mostIterations = 10

// sureOf is the part of what a correction may be that needs no second look.
const sureOf = 0.01

func (n *iteration) begin(m *implicit) {
	n.count, n.last, n.rate, n.most = 0, 0, 0, math.Max(m.part, 10*0x1p-52/math.Max(m.rtol, 0x1p-52))
}

// next takes the size of a correction; done says that there is to be no other.
func (n *iteration) next(m *implicit, size float64) (out newtonOutcome, done bool) {
	n.count++
	exact, off := m.count == 0, m.off
	m.off = 0
	switch {
	case math.IsNaN(size) || math.IsInf(size, 0):
		return undefined, true
	case size == 0 || exact && size <= 1 || !exact && size <= sureOf*n.most:
		return converged, true
	}
	rate := math.Pow(m.rate, 0.8)
	if n.count > 1 {
		rate = size / n.last
		n.rate = rate
		if !exact {
			m.rate = math.Max(rate, 1e-4)
			if rate > mostRate {
				m.slow = true
			}
		}
	}
	last := n.last
	n.last = size
	switch {
	case exact && n.count > 1 && rate > 0.5 && (last < 1e3 || n.count > 2 && off < leastOff): // round-off is all that is left
		return converged, true
	case exact && n.count < 5*mostIterations && (rate < 2 || off < leastOff):
		return converged, false
	case rate < 1 && !exact && size*rate/(1-rate) <= n.most:
		return converged, true
	case n.count == 1:
		return converged, false
	case rate >= 1 || n.count >= mostIterations || size*math.Pow(rate, float64(mostIterations-n.count))/(1-rate) > n.most:
		return diverged, true
	}
	return converged, false
}

// leastOff is the part of the tolerances up to which corrections that get no smaller are those of
// round-off.
const leastOff = 0.1

// mostRate is the rate of convergence from which on the Jacobian is taken anew.
const mostRate = 0.1

// keepLength is the factor up to which an implicit step is not made longer, so that its
// matrices are kept.
const keepLength = 1.2

// Solved reports whether the equations of the step that was taken are solved; its end means nothing
// if they are not.
func Solved(s *Stepper) bool { return s.imp == nil || s.imp.outcome == converged }

// Lengthen is the factor that the length of the step that was taken is to be multiplied by, where
// step-size control has another.
func (s *Stepper) Lengthen(factor float64) float64 {
	switch {
	case s.rkc != nil && !s.rkc.failed:
		return s.rkc.lengthen(factor)
	case s.imp == nil || s.imp.outcome != converged:
		return factor
	case s.imp.multi != nil:
		return s.imp.multi.factor
	case factor > 1 && factor < keepLength:
		return 1
	}
	return factor
}

// failed is the mean square of the error of a step whose equations were not solved.
const failed = 1e4

// meanError is that of Stepper.MeanError. Where the embedded solution has a weight for the
// derivative at the start, the matrix of the stages takes stiff components out of the
// difference that the solution does not have: IV.8 (8.19).
func (m *implicit) meanError(count int, rtol, atol float64) float64 {
	switch m.outcome {
	case diverged:
		return failed
	case undefined:
		return math.NaN()
	}
	if m.multi != nil {
		return m.multi.meanError(count, rtol, atol)
	}
	for l := range m.err {
		e := 0.
		for j, ej := range m.tab.E {
			e = math.FMA(ej, m.K[j][l], e)
		}
		m.err[l] = m.H * e
	}
	if m.full != nil { // else the embedded solution is a stage
		m.at.real.Solve(m.err)
	}
	part := 1.
	if m.full != nil {
		part = m.full.allowed(rtol)
	}
	mean := m.meanSquare(m.err, part, count, rtol, atol)
	return math.Max(mean, m.between(count, rtol, atol))
}

// meanSquare is that of the first count components of errors, part of which counts.
func (m *implicit) meanSquare(errs []float64, part float64, count int, rtol, atol float64) float64 {
	y1, sum := m.End(), 0.
	for l, e := range errs[:count] {
		w := part * e / math.FMA(rtol, math.Max(math.Abs(m.Y[0][l]), math.Abs(y1[l])), m.absolute(l, atol))
		sum = math.FMA(w, w, sum)
	}
	return sum / float64(max(count, 1))
}

// between is the mean square of what the dense output is off by in stiff components, which neither the end of the step
// nor its error shows: a step that leaves a component to decay has there a rate at its start that is as much larger
// than the others as it is too long. That falls with the length itself, which is what step control makes of a power.
func (m *implicit) between(count int, rtol, atol float64) float64 {
	for l := range m.err {
		e := 0.
		for j, w := range m.tab.Between {
			e = math.FMA(w, m.K[j][l], e)
		}
		m.err[l] = m.H * e
	}
	mean := m.meanSquare(m.err, 1, count, rtol, atol)
	if mean > 1 {
		return math.Pow(mean, float64(m.tab.ErrOrder+1))
	}
	return mean
}

// matrix factorises that of the stages of a group, I − h A⊗J with the Jacobian of each:
// its solutions are those of the equations of the stages' derivatives.
func (m *implicit) matrix(sys Jacobian, g group) *sparse.LU[float64] {
	m.use(sys.Pattern())
	m.made, m.old = 0, math.NaN()
	s := g.hi - g.lo
	b := m.at.coupled(s)
	clear(b.values)
	for _, k := range b.one {
		b.values[k] = 1
	}
	for i := g.lo; i < g.hi; i++ {
		sys.Jacobian(m.tab.StageTime(i, m.T, m.H), m.Y[i], m.at.values, m.at.byTime)
		for j := g.lo; j < len(m.tab.A[i]); j++ {
			if a := m.tab.A[i][j]; a != 0 {
				m.at.add(b, i-g.lo, j-g.lo, s, m.H*a)
			}
		}
	}
	if !b.lu.Factor(0, 1, b.values) {
		return nil
	}
	return b.lu
}

// vjp is the reverse derivative of the step, exact for stages that solve their
// equations: by the implicit function theorem.
func (m *implicit) vjp(sys LinearAdjoint, y1Bar, yBar []float64) (tBar, hBar float64) {
	if m.multi != nil {
		panic("solvers: a step that goes on from several has no derivative by its start")
	}
	last := len(m.K) - 1
	for i := range m.bars {
		clear(m.bars[i])
		if !m.seeded[i] {
			clear(m.kBar[i])
		}
	}
	copy(m.bars[last], y1Bar)
	for k := len(m.groups) - 1; k >= 0; k-- {
		g := m.groups[k]
		joint := m.joint[:(g.hi-g.lo)*m.n]
		for j := g.lo; j < g.hi; j++ {
			at := joint[(j-g.lo)*m.n : (j-g.lo+1)*m.n]
			copy(at, m.kBar[j])
			for i := g.lo; i < g.hi; i++ {
				if j < len(m.tab.A[i]) && m.tab.A[i][j] != 0 {
					addScaled(at, m.H*m.tab.A[i][j], m.bars[i])
				}
			}
		}
		if len(m.tab.A[g.lo]) > g.lo { // else it is the first stage
			lu := m.matrix(sys, g)
			if lu == nil {
				poison(joint)
			} else {
				lu.SolveT(joint)
			}
		}
		for i := g.lo; i < g.hi; i++ {
			tau := sys.RHSVJP(m.tab.StageTime(i, m.T, m.H), m.Y[i], joint[(i-g.lo)*m.n:(i-g.lo+1)*m.n], m.bars[i])
			tBar += tau
			hBar = math.FMA(m.tab.C[i], tau, hBar)
			addScaled(yBar, 1, m.bars[i])
			for j, a := range m.tab.A[i] {
				if a == 0 {
					continue
				}
				hBar = math.FMA(a, dot(m.bars[i], m.K[j]), hBar)
				if j < g.lo {
					addScaled(m.kBar[j], m.H*a, m.bars[i])
				}
			}
		}
	}
	for i := range m.kBar {
		clear(m.kBar[i])
		m.seeded[i] = false
	}
	return tBar, hBar
}

// jvp is the forward derivative of the step.
func (m *implicit) jvp(sys LinearTangent, yDot, y1Dot []float64) {
	if m.multi != nil {
		panic("solvers: a step that goes on from several has no derivative by its start")
	}
	for _, g := range m.groups {
		joint := m.joint[:(g.hi-g.lo)*m.n]
		for i := g.lo; i < g.hi; i++ {
			at := m.bars[i]
			copy(at, yDot)
			for j, a := range m.tab.A[i] {
				addScaled(at, a*m.hDot, m.K[j])
				if j < g.lo {
					addScaled(at, a*m.H, m.kDot[j])
				}
			}
			sys.RHSJVP(m.tab.StageTime(i, m.T, m.H), math.FMA(m.tab.C[i], m.hDot, m.tDot), m.Y[i], at, joint[(i-g.lo)*m.n:(i-g.lo+1)*m.n])
		}
		if len(m.tab.A[g.lo]) > g.lo {
			if lu := m.matrix(sys, g); lu == nil {
				poison(joint)
			} else {
				lu.Solve(joint)
			}
		}
		for i := g.lo; i < g.hi; i++ {
			copy(m.kDot[i], joint[(i-g.lo)*m.n:])
		}
	}
	copy(y1Dot, yDot)
	last := len(m.K) - 1
	for j, a := range m.tab.A[last] {
		for l := range y1Dot {
			y1Dot[l] += a * (m.H*m.kDot[j][l] + m.hDot*m.K[j][l])
		}
	}
}

// poison marks what has no value.
func poison(v []float64) {
	for i := range v {
		v[i] = math.NaN()
	}
}

func addScaled(dst []float64, c float64, v []float64) {
	for l, x := range v {
		dst[l] = math.FMA(c, x, dst[l])
	}
}

func dot(a, b []float64) (sum float64) {
	for l, x := range a {
		sum = math.FMA(x, b[l], sum)
	}
	return sum
}
