package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLayers: a large network's gradient has the same bits for any number of
// workers, in several chunks with rows left over; along a direction it is the
// central difference of the loss, and in single precision it is close.
func TestLayers(t *testing.T) {
	l, err := NewLab(true, "")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	n := layers{in: 9, hidden: 131, out: 5, rows: 301}
	grads := map[string][]float64{}
	for _, precision := range []string{"f64", "f32"} {
		for _, workers := range []int{1, 2, 3} {
			task, err := n.task(l, precision, workers)
			require.NoError(t, err)
			for range 2 {
				require.NoError(t, task.gradient())
				if want := grads[precision]; want != nil {
					require.Equal(t, want, task.grad, "%s, %d workers", precision, workers)
				}
				grads[precision] = append([]float64{}, task.grad...)
			}
			if precision == "f32" || workers > 1 {
				continue
			}
			rng := rand.New(rand.NewPCG(5, 6))
			x, slope, size := make([]float64, len(task.x)), 0., 0.
			direction := make([]float64, len(x))
			for i := range direction {
				direction[i] = rng.NormFloat64()
				slope += direction[i] * task.grad[i]
				size += math.Abs(direction[i] * task.grad[i])
			}
			at := func(h float64) float64 {
				for i := range x {
					x[i] = task.x[i] + h*direction[i]
				}
				r, err := task.obj.Eval(context.Background(), x, nil, 1, nil)
				require.NoError(t, err)
				return r.Loss
			}
			const h = 1e-4
			require.InDelta(t, slope, (8*(at(h)-at(-h))-(at(2*h)-at(-2*h)))/(12*h), 1e-9*size)
		}
	}
	scale := 0.
	for _, v := range grads["f64"] {
		scale = max(scale, math.Abs(v))
	}
	for i, v := range grads["f64"] {
		require.InDelta(t, v, grads["f32"][i], 1e-5*scale, fmt.Sprint(i))
	}
}
