package field

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/fit"
)

// Differences compares the gradient of a loss at x with finite differences along directions:
// the largest disagreement beside the gradient, and for how many differences can tell.
func Differences(ctx context.Context, o fit.Objective, x []float64, along [][]float64) (worst float64, told int, err error) {
	const first = 1e-2 // of the steps, of unit length
	grad := make([]float64, len(x))
	eval := func(x, grad []float64) (float64, error) {
		res, err := o.Eval(ctx, x, nil, 1, grad)
		if err == nil && res.Failed {
			err = errors.New(res.Reason.Reason)
		}
		return res.Loss, err
	}
	if _, err := eval(x, grad); err != nil {
		return 0, 0, err
	}
	size, to := floats.Norm(grad, 2), make([]float64, len(x))
	for _, v := range along {
		length := floats.Norm(v, 2)
		d, _, err := autodiff.Derivative(func(h float64) (float64, error) {
			floats.AddScaledTo(to, x, h/length, v)
			return eval(to, nil)
		}, first)
		if ctx.Err() != nil {
			return worst, told, ctx.Err()
		}
		if err != nil || size == 0 {
			continue
		}
		told++
		worst = max(worst, math.Abs(d-floats.Dot(grad, v)/length)/size)
	}
	return worst, told, nil
}
