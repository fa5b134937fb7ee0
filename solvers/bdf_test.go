package solvers

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// run solves by BDF with control of its own, and returns how many steps it took, the
// error at the end, and the largest of the dense output.
func runBDF(sys Linear, exact func(t float64) []float64, t1, rtol float64) (steps int, end, dense float64) {
	y := exact(0)
	n := len(y)
	s, c := NewStepper(BDF, n), NewController(BDF)
	s.Tolerances(n, rtol, rtol, 1e-2)
	now := 0.
	s.Start(sys, now, y)
	h := s.FirstStep(sys, n, rtol, rtol, t1)
	off := func(t float64, y []float64) (worst float64) {
		for l, v := range exact(t) {
			worst = math.Max(worst, math.Abs(y[l]-v))
		}
		return worst
	}
	mid := make([]float64, n)
	for now < t1 {
		h = min(h, t1-now)
		s.Step(sys, h)
		ok, next := c.Accept(s.MeanError(n, rtol, rtol), 0, s.Lengthen(0.4), h)
		if steps++; ok {
			for _, theta := range []float64{0.3, 0.8} {
				s.Dense(theta, mid)
				dense = math.Max(dense, off(now+theta*h, mid))
			}
			now += h
			s.Continue(now)
		}
		h = next
	}
	return steps, off(now, s.Y[0]), dense
}

func (prothero) exact(t float64) []float64 { return []float64{math.Sin(t + 0.5)} }

// TestBDF: errors are of the size of the tolerances down to 1e-10, at the ends of steps and
// between, of equations that are stiff and that are not, and so few steps are taken as
// high orders need.
func TestBDF(t *testing.T) {
	for rtol, most := range map[float64]int{1e-4: 90, 1e-7: 260, 1e-10: 900} {
		steps, end, dense := runBDF(wave{}, waveAt, 10, rtol)
		require.Less(t, end, 100*rtol)
		require.Less(t, dense, 200*rtol)
		require.Less(t, steps, most, "at %g", rtol)
		for _, lambda := range []prothero{-1, -1e3, -1e6} {
			steps, end, dense := runBDF(lambda, lambda.exact, 10, rtol)
			require.Less(t, end, 30*rtol, "%g at %g", lambda, rtol)
			require.Less(t, dense, 60*rtol, "%g at %g", lambda, rtol)
			require.Less(t, steps, most, "%g at %g", lambda, rtol)
		}
	}
}

// TestBDFCoefficients: the formulas without the terms in κ are exact for polynomials of
// their order, and so is the change of the length of the step; the error is that of the
// next power.
func TestBDFCoefficients(t *testing.T) {
	for k := 1; k <= mostOrder; k++ {
		at := func(p, x float64) float64 { return math.Pow(x, p) }
		nabla := func(f func(x float64) float64, j int, h, x float64) (sum float64) {
			c := 1.
			for i := range j + 1 {
				sum += c * f(x-float64(i)*h)
				c *= -float64(j-i) / float64(i+1)
			}
			return sum
		}
		for p := 0.; p <= float64(k); p++ {
			f := func(x float64) float64 { return at(p, x) }
			sum := 0.
			for j := 1; j <= k; j++ {
				sum += nabla(f, j, 0.5, 3) / float64(j)
			}
			require.InDelta(t, 0.5*p*at(p-1, 3), sum, 1e-9, "order %d, power %g", k, p)
		}
		x := newMultistep(&implicit{Stepper: &Stepper{n: 1}})
		f := func(x float64) float64 { return at(float64(k), x) - 2*x }
		x.order, x.old.h, x.H = k, 0.5, 0.8
		for j := range k + 1 {
			x.old.d[j][0] = nabla(f, j, 0.5, 3)
		}
		x.rescale()
		for j := range k + 1 {
			require.InDelta(t, nabla(f, j, 0.8, 3), x.now.d[j][0], 1e-9, "order %d, difference %d", k, j)
		}
	}
	require.InDelta(t, sums[5]+1./6, sums[6], 1e-15)
	require.InDelta(t, 0.5-0.1850, errorOf(1), 1e-15)
	require.InDelta(t, 1./6, errorOf(5), 1e-15)
}
