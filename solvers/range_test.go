package solvers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomStep is a step of a method with arbitrary stages.
func randomStep(rng *rand.Rand, tab *Tableau, n int) *Stepper {
	s := NewStepper(tab, n)
	s.T, s.H = rng.NormFloat64(), math.Pow(10, 1-4*rng.Float64())
	for i := range s.K {
		for l := range n {
			s.Y[i][l], s.K[i][l] = rng.NormFloat64(), rng.NormFloat64()
		}
	}
	return s
}

// TestDenseAndRate: the state is that of Dense, and the rate its slope, by differences.
func TestDenseAndRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	const n = 3
	y, rate, before, behind := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for _, m := range of(Explicit) {
		s := randomStep(rng, m, n)
		for _, x := range []float64{0, 0.25, 0.3, 0.5, 0.75, 1} {
			const d = 1e-4
			s.DenseAndRate(x, y, rate)
			s.Dense(x, before)
			require.Equal(t, before, y, m.Name)
			s.Dense(x-d, before)
			s.Dense(x+d, behind)
			for l := range n {
				require.InDelta(t, (behind[l]-before[l])/(2*d*s.H), rate[l], 1e-4*(1+1/s.H), "%s at %g", m.Name, x)
			}
		}
	}
}

// TestBernstein: the Bernstein form is the dense output.
func TestBernstein(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, m := range of(Explicit) {
		s := randomStep(rng, m, 1)
		w := m.Bernstein()
		n := len(w) - 1
		y := make([]float64, 1)
		for _, x := range []float64{0, 0.2, 0.5, 0.9, 1} {
			s.Dense(x, y)
			sum := 0.
			for k := range w {
				c := s.Y[0][0]
				for i := range s.K {
					c += s.H * w[k][i] * s.K[i][0]
				}
				binomial := 1.
				for i := range k {
					binomial *= float64(n-i) / float64(i+1)
				}
				sum += binomial * math.Pow(x, float64(k)) * math.Pow(1-x, float64(n-k)) * c
			}
			require.InDelta(t, y[0], sum, 1e-11*(1+s.H), m.Name)
		}
	}
}

// TestRange: values and rates of the dense output lie within the bounds, over the
// whole step and small parts of it, and of small parts the bounds are the values at
// the ends but for the square of the length.
func TestRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	const n = 3
	v := func() []float64 { return make([]float64, n) }
	lo, hi, rateLo, rateHi, y, f := v(), v(), v(), v(), v(), v()
	for _, m := range of(Explicit) {
		for range 30 {
			s := randomStep(rng, m, n)
			s.Expand()
			for _, width := range []float64{1, 0.3, 1e-3, 1e-9, 0x1p-40} {
				a := rng.Float64() * (1 - width)
				s.Range(a, a+width, lo, hi, rateLo, rateHi)
				for k := range 21 {
					x := math.Min(a+width, a+width*float64(k)/20)
					s.DenseAndRate(x, y, f)
					for l := range n {
						require.True(t, lo[l] <= y[l] && y[l] <= hi[l], "%s: %g outside of [%g, %g]", m.Name, y[l], lo[l], hi[l])
						require.True(t, rateLo[l] <= f[l] && f[l] <= rateHi[l], "%s: rate %g outside of [%g, %g]", m.Name, f[l], rateLo[l], rateHi[l])
					}
				}
				if width > 1e-2 {
					continue
				}
				bend := 1e3 // bounds the second derivative by θ
				for _, p := range m.Dense {
					for j, v := range p {
						bend = max(bend, 3*float64(j*(j+1))*math.Abs(v))
					}
				}
				for l := range n {
					require.InDelta(t, rateLo[l], rateHi[l], bend*width+1e-14*bend, m.Name)
					require.InDelta(t, s.H*width*math.Max(math.Abs(rateLo[l]), math.Abs(rateHi[l])), hi[l]-lo[l], bend*s.H*width*width+1e-13*bend*(1+s.H)+s.H*width*math.Abs(rateHi[l]), m.Name)
				}
			}
		}
	}
}

// TestDenseInLane: the dense output in a lane has the bits of that of a single trajectory.
func TestDenseInLane(t *testing.T) {
	for _, m := range []*Tableau{Tsit5, Rodas5P} {
		const n, width, lane, h, theta = 3, 4, 2, 0.37, 0.61
		rng := rand.New(rand.NewPCG(1, 2))
		s, b := NewStepper(m, n), NewBlock(m, n, width)
		s.H = h
		for i := range s.K {
			for l := range n {
				s.K[i][l] = rng.NormFloat64()
			}
			b.Scatter(b.K[i], s.K[i], lane)
		}
		copy(s.Y[0], []float64{1, -2, 0.3})
		b.Scatter(b.Y[0], s.Y[0], lane)
		want, got := make([]float64, n), make([]float64, n)
		s.Dense(theta, want)
		b.Dense(m, lane, h, theta, got)
		require.Equal(t, want, got)
	}
}
