package fit

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// sampled is the difference between a polynomial in Chebyshev's form and a function, at points.
type sampled struct {
	at []float64
	of func(x float64) float64
}

func (s *sampled) Rows() int { return len(s.at) }

func (s *sampled) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	w, sum := 1/math.Sqrt(float64(len(s.at))), 0.
	for i, at := range s.at {
		r[i] = -s.of(at)
		for k, c := range x {
			v := math.Cos(float64(k) * math.Acos(at))
			r[i] += c * v
			if jac != nil {
				jac.Set(i, k, w*v)
			}
		}
		r[i] *= w
		sum += r[i] * r[i] / 2
	}
	return Result{Loss: sum, Values: len(s.at)}, nil
}

// TestMoreOfDrawnPoints: where as many points as unknowns are met and others are not, twice as many are
// drawn, until fresh ones are met as well, and no more than allowed.
func TestMoreOfDrawnPoints(t *testing.T) {
	const terms = 12
	for most, want := range map[int]int{1: 1, 2: 2, 64: 4} {
		s := &sampled{of: func(x float64) float64 { return math.Abs(x) }}
		last := 0
		draw := func(_ context.Context, draw, times int, _ []float64) error {
			rng := rand.New(rand.NewPCG(uint64(draw), 5))
			last, s.at = times, make([]float64, times*terms)
			for i := range s.at { // by the density of Chebyshev's weight
				s.at[i] = math.Cos(math.Pi * rng.Float64())
			}
			return nil
		}
		require.NoError(t, draw(t.Context(), 0, 1, nil))
		p := &Problem{Loss: s, Horizon: 1, Draw: draw, Every: 5, MostTimes: most}
		d := &descending{X: make([]float64, terms)}
		o, err := descend(&run{ctx: t.Context()}, p, d, Limits{Iterations: 60, Times: 100}, func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.Equal(t, want, last)
		require.Equal(t, want, d.Times)
		if most > 8 { // |x| = 2/π + 4/π Σ (−1)^(k+1) T₂ₖ/(4k²−1)
			require.InDelta(t, 2/math.Pi, o.X[0], 0.1)
			require.InDelta(t, 4/math.Pi/3, o.X[2], 0.1)
		}
		// Taken up in the middle, it goes on with as many points.
		d.Iteration, last = d.Iteration-2, 0
		_, err = descend(&run{ctx: t.Context()}, p, d, Limits{Iterations: 60, Times: 100}, func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.Equal(t, want, last)
	}
}
