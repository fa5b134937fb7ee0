package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/sparse"
)

// CurvedAdjoint has what the reverse derivative of a Rosenbrock step needs: that of its
// Jacobian too. JacobianVJP adds the derivative by y of
//
//	λᵀ (J u + τ ∂f/∂t)
//
// to yBar, keeps its own account of the parameters, and returns that by t.
type CurvedAdjoint interface {
	LinearAdjoint
	JacobianVJP(t float64, y, lambda, u []float64, tau float64, yBar []float64) (tBar float64)
}

// CurvedTangent has what the forward derivative of a Rosenbrock step needs: JacobianJVP
// sets out to the derivative of J u + τ ∂f/∂t in one direction, that of the parameters by
// its own account.
type CurvedTangent interface {
	LinearTangent
	JacobianJVP(t, tDot float64, y, yDot, u []float64, tau float64, out []float64)
}

// linearly takes the steps of a Rosenbrock method, whose stages solve linear equations.
type linearly struct {
	*Stepper
	lin      map[*sparse.Pattern]*linearized
	at       *linearized
	singular bool
	u, out   []float64
	bars     [][]float64
}

func newLinearly(s *Stepper) *linearly {
	return &linearly{
		Stepper: s, lin: map[*sparse.Pattern]*linearized{},
		u: make([]float64, s.n), out: make([]float64, s.n), bars: matrix(s.tab.Stages(), s.n),
	}
}

// solves reports whether stage i solves equations.
func (m *linearly) solves(i int) bool { return i > 0 && i < len(m.K)-1 }

// linearize takes the Jacobian at the start of the step, and factorises.
func (m *linearly) linearize(sys Jacobian) {
	p := sys.Pattern()
	if m.at == nil || m.at.pattern != p {
		if m.lin[p] == nil {
			m.lin[p] = newLinearized(p)
		}
		m.at = m.lin[p]
	}
	sys.Jacobian(m.T, m.Y[0], m.at.values, m.at.byTime)
	m.singular = !m.at.real.Factor(1/m.tab.Gamma, -m.H, m.at.values)
}

func (m *linearly) step(sys Linear) {
	m.linearize(sys)
	if m.singular {
		return
	}
	for i := 1; i < len(m.K); i++ {
		combine(m.Y[i], m.Y[0], m.H, m.tab.A[i], m.K)
		k := m.K[i]
		sys.RHS(m.tab.StageTime(i, m.T, m.H), m.Y[i], k)
		if !m.solves(i) {
			continue
		}
		for j, c := range m.tab.Couple[i] {
			addScaled(k, c, m.K[j])
		}
		addScaled(k, m.tab.Slope[i]*m.H, m.at.byTime)
		m.at.real.Solve(k)
	}
}

// vjp is the reverse derivative of the step.
func (m *linearly) vjp(sys CurvedAdjoint, y1Bar, yBar []float64) (tBar, hBar float64) {
	m.linearize(sys)
	last := len(m.K) - 1
	for i := range m.bars {
		clear(m.bars[i])
		if !m.seeded[i] {
			clear(m.kBar[i])
		}
	}
	copy(m.bars[last], y1Bar)
	for i := last; i >= 0; i-- {
		if m.solves(i) {
			tb, hb := m.solveBack(sys, i, yBar)
			tBar, hBar = tBar+tb, hBar+hb
		}
		tau := sys.RHSVJP(m.tab.StageTime(i, m.T, m.H), m.Y[i], m.kBar[i], m.bars[i])
		tBar += tau
		hBar = math.FMA(m.tab.C[i], tau, hBar)
		addScaled(yBar, 1, m.bars[i])
		for j, a := range m.tab.A[i] {
			if a != 0 {
				hBar = math.FMA(a, dot(m.bars[i], m.K[j]), hBar)
				addScaled(m.kBar[j], m.H*a, m.bars[i])
			}
		}
		clear(m.kBar[i])
		m.seeded[i] = false
	}
	return tBar, hBar
}

// solveBack takes the cotangent of stage i to that of the right side of its equations,
// and what the other side gives.
func (m *linearly) solveBack(sys CurvedAdjoint, i int, yBar []float64) (tBar, hBar float64) {
	v := m.kBar[i]
	if m.singular {
		poison(v)
		return math.NaN(), math.NaN()
	}
	m.at.real.SolveT(v)
	for j, c := range m.tab.Couple[i] {
		addScaled(m.kBar[j], c, v)
	}
	slope := m.tab.Slope[i]
	m.at.pattern.Mul(m.at.values, m.K[i], m.u)
	hBar = dot(v, m.u) + slope*dot(v, m.at.byTime)
	for l, k := range m.K[i] {
		m.u[l] = m.H * k
	}
	return sys.JacobianVJP(m.T, m.Y[0], v, m.u, slope*m.H, yBar), hBar
}

// jvp is the forward derivative of the step.
func (m *linearly) jvp(sys CurvedTangent, yDot, y1Dot []float64) {
	m.linearize(sys)
	for i := range m.K {
		at, k := m.bars[i], m.kDot[i]
		copy(at, yDot)
		for j, a := range m.tab.A[i] {
			addScaled(at, a*m.hDot, m.K[j])
			addScaled(at, a*m.H, m.kDot[j])
		}
		sys.RHSJVP(m.tab.StageTime(i, m.T, m.H), math.FMA(m.tab.C[i], m.hDot, m.tDot), m.Y[i], at, k)
		if !m.solves(i) {
			continue
		}
		for j, c := range m.tab.Couple[i] {
			addScaled(k, c, m.kDot[j])
		}
		slope := m.tab.Slope[i]
		for l, v := range m.K[i] {
			m.u[l] = m.H * v
		}
		sys.JacobianJVP(m.T, m.tDot, m.Y[0], yDot, m.u, slope*m.H, m.out)
		addScaled(k, 1, m.out)
		m.at.pattern.Mul(m.at.values, m.K[i], m.out)
		addScaled(k, m.hDot, m.out)
		addScaled(k, m.hDot*slope, m.at.byTime)
		if m.singular {
			poison(k)
		} else {
			m.at.real.Solve(k)
		}
	}
	copy(y1Dot, m.bars[len(m.K)-1])
}
