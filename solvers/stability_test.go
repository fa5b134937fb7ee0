package solvers

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStability: the polynomial of stability is what a step does to y' = λy, and its
// first coefficients are those of the exponential function, up to the order.
func TestStability(t *testing.T) {
	for _, m := range of(Explicit) {
		r := m.Stability()
		factorial := 1.
		for k := range m.Order + 1 {
			require.InDelta(t, 1/factorial, r[k], 1e-12, "%s, power %d", m.Name, k)
			factorial *= float64(k + 1)
		}
		for _, z := range []float64{-2.9, -0.7, 0.4} {
			s := NewStepper(m, 1)
			sys := linear(z)
			s.Start(sys, 0, []float64{1})
			s.Step(sys, 1)
			s.Behind(sys)
			want := 0.
			for k := len(r) - 1; k >= 0; k-- {
				want = want*z + r[k]
			}
			require.InDelta(t, want, s.End()[0], 1e-12, "%s at %g", m.Name, z)
		}
	}
}

// linear is y' = λy.
type linear float64

func (l linear) RHS(_ float64, y, dy []float64) { dy[0] = float64(l) * y[0] }

// TestReach: stability intervals of the literature, on the negative real axis (1+z;
// 1+z+z²/2; the Taylor polynomials of degree three and four; and Hairer–Wanner,
// Solving ODEs II, IV.2, for dopri5) and on the imaginary one (√3 and √8 for the
// Taylor polynomials).
func TestReach(t *testing.T) {
	for _, c := range []struct {
		m           *Tableau
		angle, want float64
	}{
		{Euler, 0, 2},
		{Heun, 0, 2},
		{Bosh32, 0, 2.5127},
		{RK4, 0, 2.7853},
		{Dopri5, 0, 3.3066},
		{Tsit5, 0, 3.5068},
		{Bosh32, math.Pi / 2, math.Sqrt(3)},
		{RK4, math.Pi / 2, math.Sqrt(8)},
	} {
		require.InDelta(t, c.want, c.m.Reach(c.angle, 1e-9), 1e-4, "%s at %g", c.m.Name, c.angle)
	}
	for _, m := range of(Explicit) { // |1 + iy|² = 1 + y²
		require.Greater(t, m.Reach(math.Pi/2, 1e-3), 0.99*math.Sqrt(2e-3), m.Name)
	}
}
