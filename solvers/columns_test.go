package solvers

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// forced is y' = (t − y₀y₁, sin y₀ − 0.3 t y₁), with its derivatives at the stages of a stepper.
type forced struct{ s *Stepper }

func (forced) RHS(t float64, y, dy []float64) {
	dy[0], dy[1] = t-y[0]*y[1], math.Sin(y[0])-0.3*t*y[1]
}

func (f forced) RHSColumns(i int, tDot, yDot, dyDot []float64) {
	t, y, n := f.s.T+f.s.tab.C[i]*f.s.H, f.s.Y[i], len(tDot)
	for c := range n {
		a, b := yDot[c], yDot[n+c]
		dyDot[c] = tDot[c] - a*y[1] - y[0]*b
		dyDot[n+c] = math.Cos(y[0])*a - 0.3*(tDot[c]*y[1]+t*b)
	}
}

// TestColumns: tangents side by side, of the start, its time and the length, are those of differences of steps, at the end and
// along the dense output at a time that stays; without any of the length and the time, too.
func TestColumns(t *testing.T) {
	const at, h, n = 0.4, 0.3, 3
	y := []float64{0.8, -1.1}
	for _, tab := range []*Tableau{Tsit5, Vern9} {
		s := NewStepper(tab, 2)
		step := func(at, h float64, y []float64, theta float64) (end, dense []float64) {
			s.Start(forced{s}, at, y)
			s.Step(forced{s}, h)
			s.Behind(forced{s})
			dense = make([]float64, 2)
			s.Dense(theta, dense)
			return slices.Clone(s.End()), dense
		}
		for _, by := range []struct{ t, h [n]float64 }{{[n]float64{0, 1, 0.5}, [n]float64{0, -0.4, 2}}, {[n]float64{1, 0, -2}, [n]float64{}}, {}} {
			yDot := []float64{1, 0, -0.3, 0.2, 0, 0.7} // by rows of columns
			for _, theta := range []float64{0.25, 0.8} {
				step(at, h, y, theta)
				end, dense := make([]float64, 2*n), make([]float64, 2*n)
				s.JVPColumns(forced{s}, n, by.t[:], by.h[:], yDot, end, true)
				s.DenseJVPColumns(theta, n, by.t[:], by.h[:], yDot, dense)
				alone := make([]float64, 2*n)
				s.JVPColumns(forced{s}, n, by.t[:], by.h[:], yDot, alone, false)
				require.Equal(t, end, alone)
				for c := range n {
					move := func(d float64) ([]float64, []float64) {
						t0, length := at+d*by.t[c], h+d*by.h[c]
						return step(t0, length, []float64{y[0] + d*yDot[c], y[1] + d*yDot[n+c]}, (at+theta*h-t0)/length)
					}
					const d = 1e-5
					up, upDense := move(d)
					down, downDense := move(-d)
					for l := range 2 {
						require.InDelta(t, (up[l]-down[l])/(2*d), end[l*n+c], 1e-7, "%s, end, column %d", tab.Name, c)
						require.InDelta(t, (upDense[l]-downDense[l])/(2*d), dense[l*n+c], 1e-7, "%s at %g, column %d", tab.Name, theta, c)
					}
				}
			}
		}
	}
}
