package solvers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// symplecticMethods are those of the list.
func symplecticMethods() (list []*Tableau) {
	for _, m := range Methods {
		if m.Family == Symplectic {
			list = append(list, m)
		}
	}
	return list
}

// swing is a pendulum of length p₀ under gravity p₁ with a push cos t.
type swing struct{ p, pBar, pDot []float64 }

func (s *swing) RHS(t float64, y, dy []float64) {
	dy[0] = y[1] / s.p[0]
	dy[1] = -s.p[1]*math.Sin(y[0]) + s.p[2]*math.Cos(t)
}

func (s *swing) RHSVJP(t float64, y, ct, yBar []float64) float64 {
	yBar[0] -= ct[1] * s.p[1] * math.Cos(y[0])
	yBar[1] += ct[0] / s.p[0]
	s.pBar[0] -= ct[0] * y[1] / (s.p[0] * s.p[0])
	s.pBar[1] -= ct[1] * math.Sin(y[0])
	s.pBar[2] += ct[1] * math.Cos(t)
	return -ct[1] * s.p[2] * math.Sin(t)
}

func (s *swing) RHSJVP(t, td float64, y, yd, out []float64) {
	out[0] = yd[1]/s.p[0] - y[1]/(s.p[0]*s.p[0])*s.pDot[0]
	out[1] = -s.p[1]*math.Cos(y[0])*yd[0] - math.Sin(y[0])*s.pDot[1] + math.Cos(t)*s.pDot[2] - s.p[2]*math.Sin(t)*td
}

func newSwing(m *Tableau) *Stepper {
	s := NewStepper(m, 2)
	s.Momenta = []bool{false, true}
	return s
}

// TestSymplecticOrder: against a tight solution, with a force that depends on time.
func TestSymplecticOrder(t *testing.T) {
	sys := &swing{p: []float64{1.3, 0.9, 0.2}}
	end := func(m *Tableau, n int) (y []float64, dense float64) {
		s := newSwing(m)
		s.Start(sys, 0, []float64{1, 0.3})
		for i := range n {
			s.Step(sys, 4/float64(n))
			if i < n-1 {
				s.Continue(4 * float64(i+1) / float64(n))
			}
		}
		s.Behind(sys)
		return s.End(), 0
	}
	want, _ := end(Vern9, 400)
	for _, m := range symplecticMethods() {
		var hs, errs []float64
		n0 := map[int]int{1: 400, 2: 100, 4: 40, 6: 24}[m.Order]
		for k := 1; k <= 4; k++ {
			y, _ := end(m, n0*k)
			hs, errs = append(hs, 1/float64(k)), append(errs, math.Hypot(y[0]-want[0], y[1]-want[1]))
		}
		require.InDelta(t, m.Order, slope(hs, errs), 0.2, "%s: %g", m.Name, errs)
	}
}

// TestSymplecticWeights: kicks and drifts add up to a step each, and Yoshida's weights satisfy
// Σw³ = 0, and Σw⁵ = 0 for order six.
func TestSymplecticWeights(t *testing.T) {
	for _, m := range symplecticMethods() {
		sums := map[Part]float64{}
		cubes, fifths := 0., 0.
		for i, part := range m.Parts {
			if i < len(m.B) {
				sums[part] += m.B[i]
			}
			if part == Drift {
				cubes += math.Pow(m.B[i], 3)
				fifths += math.Pow(m.B[i], 5)
			}
		}
		require.InDelta(t, 1, sums[Kick], 1e-15, m.Name)
		require.InDelta(t, 1, sums[Drift], 1e-15, m.Name)
		if m.Order >= 4 {
			require.InDelta(t, 0, cubes, 1e-14, m.Name)
		}
		if m.Order >= 6 {
			require.InDelta(t, 0, fifths, 1e-14, m.Name)
		}
	}
}

// TestSymplectic: the derivative M of a step satisfies MᵀJM = J, to round-off.
func TestSymplectic(t *testing.T) {
	sys := &swing{p: []float64{1.3, 0.9, 0}, pDot: make([]float64, 3)}
	for _, m := range symplecticMethods() {
		s := newSwing(m)
		s.Start(sys, 0, []float64{1, 0.3})
		s.Step(sys, 0.7)
		a, b := make([]float64, 2), make([]float64, 2)
		s.JVP(sys, 0, 0, []float64{1, 0}, a)
		s.JVP(sys, 0, 0, []float64{0, 1}, b)
		require.InDelta(t, 1, a[0]*b[1]-a[1]*b[0], 1e-13, m.Name)
	}
}

// TestSymplecticDerivatives: the VJP and JVP of a step and its dense output against central
// differences, by start, time, length and parameters.
func TestSymplecticDerivatives(t *testing.T) {
	const theta = 0.37
	for _, m := range symplecticMethods() {
		x := []float64{0.7, -0.4, 0.3, 0.25, 1.2, 0.8, 0.5} // y, t, h, p
		rng := rand.New(rand.NewPCG(1, 2))
		a := []float64{rng.NormFloat64(), rng.NormFloat64()}
		b := []float64{rng.NormFloat64(), rng.NormFloat64()}
		tSave := x[2] + theta*x[3]
		value := func(x []float64) float64 {
			s, sys := newSwing(m), &swing{p: x[4:]}
			s.Start(sys, x[2], x[:2])
			s.Step(sys, x[3])
			mid := make([]float64, 2)
			s.Dense((tSave-x[2])/x[3], mid)
			return a[0]*s.End()[0] + a[1]*s.End()[1] + b[0]*mid[0] + b[1]*mid[1]
		}
		want := make([]float64, len(x))
		for i := range x {
			const d = 1e-5
			xp, xm := append([]float64{}, x...), append([]float64{}, x...)
			xp[i] += d
			xm[i] -= d
			want[i] = (value(xp) - value(xm)) / (2 * d)
		}
		sys := &swing{p: x[4:], pBar: make([]float64, 3)}
		s := newSwing(m)
		s.Start(sys, x[2], x[:2])
		s.Step(sys, x[3])
		got := make([]float64, len(x))
		t1, h1 := s.SeedDense(theta, b, got[:2])
		t2, h2 := s.VJP(sys, a, got[:2])
		got[2], got[3] = t1+t2, h1+h2
		copy(got[4:], sys.pBar)
		require.InDeltaSlice(t, want, got, 1e-8, m.Name)
		dir, dot := make([]float64, len(x)), 0.
		for i := range dir {
			dir[i] = rng.NormFloat64()
			dot += dir[i] * got[i]
		}
		sys.pDot = dir[4:]
		endDot, midDot := make([]float64, 2), make([]float64, 2)
		s.JVP(sys, dir[2], dir[3], dir[:2], endDot)
		s.DenseJVP(theta, dir[:2], midDot)
		require.InDelta(t, dot, a[0]*endDot[0]+a[1]*endDot[1]+b[0]*midDot[0]+b[1]*midDot[1], 1e-12, m.Name)
	}
}

// TestEnergyStaysBounded: over a million steps the error of the pendulum's energy is that of
// the first swings, and does not drift; that of rk4 does.
func TestEnergyStaysBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("millions of steps")
	}
	sys := &swing{p: []float64{1, 1, 0}}
	energy := func(y []float64) float64 { return y[1]*y[1]/2 - math.Cos(y[0]) }
	worst := func(m *Tableau, from, to int) (off float64) {
		s := newSwing(m)
		s.Start(sys, 0, []float64{1.2, 0})
		first := energy(s.Y[0])
		for i := range to {
			s.Step(sys, 0.1)
			s.Continue(0.1 * float64(i+1))
			if i >= from {
				off = max(off, math.Abs(energy(s.Y[0])-first))
			}
		}
		return off
	}
	for _, m := range symplecticMethods() {
		early := worst(m, 0, 1000)
		require.Less(t, early, map[int]float64{1: 5e-2, 2: 2e-3, 4: 2e-5, 6: 2e-7}[m.Order], m.Name)
		require.Less(t, worst(m, 990_000, 1_000_000), 1.05*early, m.Name)
	}
	require.Greater(t, worst(RK4, 99_000, 100_000), 10*worst(RK4, 0, 1000))
}
