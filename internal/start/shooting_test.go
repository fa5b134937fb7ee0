package start

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/loss"
)

// plain is dosed without its discrete variable, and without what is observed of its
// second state.
func plain() string {
	return strings.NewReplacer(
		"  discrete leak = 0\n", "", "leak*r", "r", "  event opens at t = 4.5 { leak := 1 }\n", "",
		"  observe z = (a + b)/V ~ normal(0.1)\n", "", "  z: z\n", "",
	).Replace(dosed)
}

// TestShooting: where nodes are the states of the run of the whole, the loss over
// segments is that of the whole, whose gradient by parameters it has with that by the nodes;
// elsewhere its gradient is that of differences, in all modes.
func TestShooting(t *testing.T) {
	f := load(t, plain(), dosedTable())
	ctx := context.Background()
	s, err := f.data.Shoot(ctx, f.x, 4, 0.25, options, 2)
	require.NoError(t, err)
	require.Len(t, s.Trajectories, 8)
	require.Equal(t, f.space.Dim+2*3*2, s.Space.Dim)
	x, err := s.Space.X0()
	require.NoError(t, err)

	o := func(gradient string) *loss.Objective {
		o, err := loss.NewObjective(f.prog, s.Space, s.Trajectories, nil, options, gradient, exec.Double, 2)
		require.NoError(t, err)
		return o
	}
	value := func(o *loss.Objective, x, grad []float64) float64 {
		res, err := o.Eval(ctx, x, nil, 1, grad)
		require.NoError(t, err)
		require.False(t, res.Failed, res.Reason)
		return res.Loss
	}
	runs, err := f.data.Runs(ctx, x[:f.space.Dim], options, 2)
	require.NoError(t, err)
	whole := append([]float64{}, x...)
	at := f.space.Dim
	for _, it := range s.Trajectories {
		if b := it.Beginning; b != nil {
			of := 0
			if it.Keys[0] == 1 {
				of = 1
			}
			for i, v := range runs.at[of][indexOf(rowTimes(f.trajectories[of]), it.Span.T0)] {
				whole[b.Node.At+i] = v / b.Node.Size[i]
			}
			at += 2
		}
	}
	require.Equal(t, s.Space.Dim, at)
	one := f.objective(f.trajectories, "unrolled")
	objective := o("unrolled")
	require.InDelta(t, value(one, f.x, nil), value(objective, whole, nil), 1e-7)

	want := make([]float64, len(x))
	for i := range want {
		d := func(h float64) float64 {
			z := append([]float64{}, x...)
			z[i] += h
			return value(objective, z, nil)
		}
		const h = 1e-4
		want[i] = (8*(d(h)-d(-h)) - d(2*h) + d(-2*h)) / (12 * h)
		require.Greater(t, math.Abs(want[i]), 1e-9, "coordinate %d acts", i)
	}
	for _, gradient := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
		g := make([]float64, len(x))
		value(o(gradient), x, g)
		for i := range g {
			require.InDelta(t, want[i], g[i], 1e-6*math.Max(1, math.Abs(want[i])), "%s, %d", gradient, i)
		}
	}

	squares, why, err := loss.NewSquares(objective)
	require.NoError(t, err)
	require.Empty(t, why)
	r, jac := make([]float64, squares.Rows()), mat.NewDense(squares.Rows(), len(x), nil)
	res, err := squares.Residuals(ctx, x, 1, r, jac)
	require.NoError(t, err)
	require.False(t, res.Failed, res.Reason)
	n := float64(objective.Total)
	require.InEpsilon(t, n*value(objective, x, nil), res.Loss, 1e-10)
	var g mat.VecDense
	g.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i := range x {
		require.InDelta(t, n*want[i], g.AtVec(i), 1e-6*n*math.Max(1, math.Abs(want[i])), "of residuals, %d", i)
	}
}

func indexOf(list []float64, v float64) int {
	for i, x := range list {
		if x == v {
			return i
		}
	}
	return -1
}

// TestNoShooting: where a discrete variable may have several values, segments of
// declared shooting cannot begin.
func TestNoShooting(t *testing.T) {
	f := load(t, dosed, dosedTable())
	_, err := f.data.Shoot(context.Background(), f.x, 3, 1, options, 1)
	require.ErrorContains(t, err, "a discrete variable may have several values")
}
