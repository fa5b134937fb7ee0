package solvers

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/sparse"
)

// damped is linear, with coefficients that change with time.
type damped struct{}

func (damped) RHS(t float64, y, dy []float64) {
	dy[0] = y[1]
	dy[1] = -(4+math.Sin(t))*y[0] - 0.3*y[1]
}

func (damped) Pattern() *sparse.Pattern { return full2 }

func (damped) Jacobian(t float64, y, values, byTime []float64) {
	copy(values, []float64{0, 1, -(4 + math.Sin(t)), -0.3})
	copy(byTime, []float64{0, -math.Cos(t) * y[0]})
}

// controlled runs under control of the error from where the stepper was left by any run before. It returns times, states
// at the ends of steps and between.
func controlled(s *Stepper, sys Linear, y0 []float64, t1, rtol, atol float64) (times []float64, states [][]float64) {
	c, now, mid := NewController(s.tab), 0., make([]float64, len(y0))
	s.Tolerances(len(y0), rtol, atol, 1e-2)
	s.Start(sys, now, y0)
	h := s.FirstStep(sys, len(y0), rtol, atol, t1)
	for now < t1 {
		h = min(h, t1-now)
		s.Step(sys, h)
		s.Behind(sys)
		ok, next := c.Judge(s.MeanError(len(y0), rtol, atol), h)
		if s.tab.Family == Multistep {
			next = h * min(next/h, s.Lengthen(next/h))
		}
		if ok {
			s.Dense(0.3, mid)
			now += h
			times, states = append(times, now), append(states, append([]float64{}, mid...))
			s.Continue(now)
			states = append(states, append([]float64{}, s.Y[0]...))
		}
		h = next
	}
	return times, states
}

// TestMirrored: of an equation that is odd in the state a run from the other side is the same with the other sign, one of a linear
// equation in a unit that is a power of two has the same steps, and one on a stepper that another run has used has the same bits, by every method.
func TestMirrored(t *testing.T) {
	for _, m := range append(oneStep(), BDF) {
		if !m.Adaptive() {
			continue
		}
		const rtol, end = 1e-5, 7.
		times := func(by float64, y []float64) []float64 { return []float64{by * y[0], by * y[1]} }
		used := NewStepper(m, 2)
		controlled(used, damped{}, []float64{-3, 700}, 2, rtol, 1e-3)
		for _, c := range []struct {
			of    string
			sys   Linear
			start []float64
			units []float64
		}{
			{"pendulum", &pendulum{p: []float64{2.5, 0.2}}, []float64{-0.7, 1.9}, []float64{-1}},
			{"linear", damped{}, []float64{-0.7, 1.9}, []float64{-1, 1 << 20, 1. / (1 << 24)}},
		} {
			at, want := controlled(NewStepper(m, 2), c.sys, c.start, end, rtol, rtol)
			require.Greater(t, len(at), 5, m.Name)
			again, same := controlled(used, c.sys, c.start, end, rtol, rtol)
			require.True(t, slices.Equal(at, again), "%s of a stepper that was used, %s", m.Name, c.of)
			require.Equal(t, want, same, "%s of a stepper that was used, %s", m.Name, c.of)
			for _, by := range c.units {
				again, got := controlled(NewStepper(m, 2), c.sys, times(by, c.start), end, rtol, math.Abs(by)*rtol)
				require.True(t, slices.Equal(at, again), "%s times %g, %s", m.Name, by, c.of)
				for i := range want {
					require.Equal(t, times(by, want[i]), got[i], "%s times %g, %s", m.Name, by, c.of)
				}
			}
		}
	}
}
