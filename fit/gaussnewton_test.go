package fit

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// valley has the residuals 1 − x and 1000 (y − x²): zero at (1, 1), at the end of a narrow valley
// along a parabola.
type valley struct{}

func (valley) Rows() int { return 2 }

func (valley) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	r[0], r[1] = 1-x[0], 1000*(x[1]-x[0]*x[0])
	if jac != nil {
		jac.SetRow(0, []float64{-1, 0})
		jac.SetRow(1, []float64{-2000 * x[0], 1000})
	}
	return Result{Loss: (r[0]*r[0] + r[1]*r[1]) / 2, Values: 2}, nil
}

// TestStepsFollowValleys: with the second derivative along a step, steps go round the bend of
// a valley where straight ones have to be short.
func TestStepsFollowValleys(t *testing.T) {
	took := map[bool]int{}
	for _, follow := range []bool{false, true} {
		p := &Problem{Loss: valley{}, Horizon: 1, Most: []float64{10, 10}, Follow: follow}
		o, err := descend(&run{ctx: t.Context()}, p, &descending{X: []float64{-1.2, 1}}, Limits{Iterations: 1000, Least: 1e-14, Times: 3},
			func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.True(t, o.Converged, o.Why)
		require.InDeltaSlice(t, []float64{1, 1}, []float64(o.X), 1e-6)
		took[follow] = o.Iterations
	}
	t.Log(took)
	require.Less(t, 2*took[true], took[false])
}

// stuck promises to fall by half the square of its residual along its slope, and falls nowhere.
type stuck float64

func (stuck) Rows() int { return 1 }

func (s stuck) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	r[0] = float64(s)
	if jac != nil {
		jac.Set(0, 0, 1)
	}
	return Result{Loss: float64(s*s)/2 + 1e-4*math.Abs(x[0]), Values: 1}, nil
}

// TestUnfulfilledPromises: where no step lowers the loss it is an optimum if slopes promise less than the limits say.
func TestUnfulfilledPromises(t *testing.T) {
	for _, c := range []struct {
		residual, promised float64
		converged          bool
	}{{0.04, 0, true}, {0.05, 0, false}, {0.4, 0.1, true}, {0.5, 0.1, false}} {
		p := &Problem{Loss: stuck(c.residual), Horizon: 1, Most: []float64{10}}
		o, err := descend(&run{ctx: t.Context()}, p, &descending{X: []float64{0}}, Limits{Iterations: 10, Times: 3, Promised: c.promised},
			func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.Equal(t, "no step lowers the loss", o.Why)
		require.Equal(t, c.converged, o.Converged, c)
	}
}

// rough is a bowl over a floor of 1, with errors of a part in 10⁵, as of a solver.
type rough struct{ *bowl }

func (r rough) Eval(ctx context.Context, x []float64, items []int, horizon float64, grad []float64) (Result, error) {
	res, err := r.bowl.Eval(ctx, x, items, horizon, grad)
	sum := 0.
	for _, v := range x {
		sum += v
	}
	res.Loss += 1 + 1e-5*math.Sin(1e9*sum)
	return res, err
}

// TestLBFGSBelowErrors: where falls are smaller than the errors of the loss, the slopes lead to
// the optimum, and it counts as one.
func TestLBFGSBelowErrors(t *testing.T) {
	b := newBowl(30)
	x := make([]float64, 30)
	s, err := (&Trainer{Objective: rough{b}, Stages: []Method{&LBFGS{MaxIterations: 500, Memory: 5, LossTol: 1e-10}}}).Run(t.Context(), x)
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.InDeltaSlice(t, b.a, []float64(s.X), 1e-3)
}

// TestLBFGSEnough: a search ends where many iterations bring next to nothing.
func TestLBFGSEnough(t *testing.T) {
	m := LBFGS{MaxIterations: 1000, Memory: 5, enough: Enough{Iterations: 5, Fall: 1e-3}}
	s, err := (&Trainer{Objective: banana{}, Stages: []Method{&m}}).Run(t.Context(), []float64{-1.2, 1})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.Less(t, s.Best.Score, 1e-3)
	most := s.Iteration
	m.enough = Enough{Iterations: 5, Fraction: 0.999999}
	s, err = (&Trainer{Objective: banana{}, Stages: []Method{&m}}).Run(t.Context(), []float64{-1.2, 1})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.Less(t, s.Iteration, most)
}
