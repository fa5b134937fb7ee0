package fit

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/optimize"
)

// TestLineSearchAcrossKinks: behind a kink a sufficient decrease is accepted,
// where the slope would ask for ever more trials.
func TestLineSearchAcrossKinks(t *testing.T) {
	b := &bounded{noise: new(noise), limit: 100, kinked: func() bool { return true }}
	b.Init(2, -1, 1)
	op, step, err := b.Iterate(1.9, 5) // lower, with a slope that Wolfe's condition refuses
	require.NoError(t, err)
	require.Equal(t, optimize.MajorIteration, op)
	require.Equal(t, 1., step)
	b.kinked = func() bool { return false }
	b.Init(2, -1, 1)
	op, _, err = b.Iterate(1.9, 5)
	require.NoError(t, err)
	require.NotEqual(t, optimize.MajorIteration, op)
}

// brink is (x − 0.9)², whose gradient, or value too, is no number beyond 1.
type brink struct{ value bool }

func (brink) Dim() int   { return 1 }
func (brink) Items() int { return 1 }

func (c brink) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	d := x[0] - 0.9
	res := Result{Loss: d * d, Values: 1}
	if grad != nil {
		grad[0] = 2 * d
	}
	if x[0] > 1 {
		if grad != nil {
			grad[0] = math.NaN()
		}
		if c.value {
			res.Loss = math.Inf(-1)
		}
	}
	return res, nil
}

// TestLBFGSRejectsWhatIsNoNumber: a trial whose loss or gradient is no number is rejected
// like one where a solve fails.
func TestLBFGSRejectsWhatIsNoNumber(t *testing.T) {
	for _, value := range []bool{false, true} {
		s, err := (&Trainer{Objective: brink{value}, Stages: []Method{lbfgs(100)}}).Run(t.Context(), []float64{0.5})
		require.NoError(t, err)
		require.Equal(t, Converged, s.Status, s.Message)
		require.InDelta(t, 0.9, s.Best.X[0], 1e-5)
		require.Positive(t, s.Rejected)
		_, err = (&Trainer{Objective: brink{value}, Stages: []Method{lbfgs(100)}}).Run(t.Context(), []float64{2})
		require.ErrorIs(t, err, ErrNotFinite, "the start has nothing to go back to")
	}
}

// TestDirections: directions and first lengths are those of gonum's L-BFGS, bit for bit, and those of a
// memory that was written down on the way, before or after it took its last step.
func TestDirections(t *testing.T) {
	const n, most = 6, 4
	rng := rand.New(rand.NewPCG(5, 9))
	ours, gonums := &direction{most: most}, &optimize.LBFGS{Store: most}
	loc := &optimize.Location{X: make([]float64, n), Gradient: make([]float64, n)}
	a, b, c := make([]float64, n), make([]float64, n), make([]float64, n)
	for k := range 12 {
		for i := range n { // a convex function: the gradient grows with x
			loc.X[i] += rng.NormFloat64()
			loc.Gradient[i] = float64(i+1)*loc.X[i] + math.Atan(loc.X[i])
		}
		before := written(t, ours)
		var first, want float64
		if k == 0 {
			first, want = ours.InitDirection(loc, a), gonums.InitDirection(loc, b)
		} else {
			first, want = ours.NextDirection(loc, a), gonums.NextDirection(loc, b)
		}
		require.Equal(t, want, first)
		require.Equal(t, b, a, "direction %d", k)
		for _, d := range []*direction{before, written(t, ours)} {
			require.True(t, d.fits(n))
			require.Equal(t, want, d.InitDirection(loc, c))
			require.Equal(t, b, c, "direction %d, from what was written", k)
		}
	}
	require.Len(t, ours.Steps, most)
	require.False(t, ours.fits(n+1))
}

func written(t *testing.T, d *direction) *direction {
	text, err := json.Marshal(d)
	require.NoError(t, err)
	again := &direction{most: d.most}
	require.NoError(t, json.Unmarshal(text, again))
	return again
}
