package fit

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// quadratic is ½ xᵀ H x for H = [[2, 1], [1, 3]], where a profile is exact:
// its curvature is 1/(H⁻¹)ᵢᵢ.
type quadratic struct{}

func (quadratic) Dim() int   { return 2 }
func (quadratic) Items() int { return 1 }

func (quadratic) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	a, b := 2*x[0]+x[1], x[0]+3*x[1]
	if grad != nil {
		grad[0], grad[1] = a, b
	}
	return Result{Loss: (x[0]*a + x[1]*b) / 2, Values: 10}, nil
}

func TestProfileOfQuadratic(t *testing.T) {
	for _, first := range []float64{0.001, 0.3, 4} {
		p, err := NewProfile(t.Context(), quadratic{}, []float64{0, 0}, 0, first, 10, Rise95)
		require.NoError(t, err)
		// (H⁻¹)₀₀ = 3/5; the normal quantile is 1.959964.
		want := 1.959964 * math.Sqrt(0.6/10)
		require.InEpsilon(t, want, p.Hi, 2e-3)
		require.InEpsilon(t, -want, p.Lo, 2e-3)
		require.Empty(t, p.Blocked[0]+p.Blocked[1])
		for k, at := range p.Points {
			require.InDelta(t, 10*at.At*at.At/2/0.6, at.Rise, 1e-4)
			if k > 0 {
				require.Greater(t, at.At, p.Points[k-1].At)
			}
		}
	}
}

func TestProfileSides(t *testing.T) {
	// A likelihood of one coordinate that is flat to the left and cannot be
	// solved beyond 1, at a rise of 0.01 only.
	p, err := NewProfile(t.Context(), new(cliff), []float64{0.9}, 0, 0.02, 1, 0.64)
	require.NoError(t, err)
	require.InDelta(t, 0.1, p.Lo, 1e-3)
	require.InDelta(t, 1, p.Hi, 2e-3)
	require.LessOrEqual(t, p.Hi, 1.)
	require.Empty(t, p.Blocked[0])
	require.Contains(t, p.Blocked[1], "drop=4")

	p, err = NewProfile(t.Context(), shelf{}, []float64{0, 0}, 1, 0.5, 1, Rise95)
	require.NoError(t, err)
	require.Equal(t, math.Inf(-1), p.Lo)
	require.InDelta(t, math.Sqrt(2*Rise95), p.Hi, 0.01)

	_, err = NewProfile(t.Context(), banana{}, []float64{0, 0}, 0, 0.5, 10, Rise95)
	require.ErrorContains(t, err, "has not reached its minimum")
	_, err = NewProfile(t.Context(), banana{}, []float64{0, 0}, 2, 0.5, 10, Rise95)
	require.ErrorContains(t, err, "needs a positive first step")
	_, err = NewProfile(t.Context(), new(cliff), []float64{2}, 0, 0.5, 10, Rise95)
	require.ErrorContains(t, err, "cannot be solved at the estimate")
}

// shelf is a parabola in both coordinates to the right of 0 and, in the
// second, nothing to the left.
type shelf struct{}

func (shelf) Dim() int   { return 2 }
func (shelf) Items() int { return 1 }

func (shelf) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	y := max(x[1], 0)
	if grad != nil {
		grad[0], grad[1] = x[0], y
	}
	return Result{Loss: (x[0]*x[0] + y*y) / 2, Values: 1}, nil
}
