package fit_test

import (
	"context"
	"fmt"
	"math"

	"github.com/pinode/pinode/fit"
)

// decay is the loss of y = exp(−k·t), k > 0, against three measurements.
type decay struct{ k fit.Transform }

func (decay) Dim() int   { return 1 }
func (decay) Items() int { return 1 }

func (d decay) Eval(_ context.Context, x []float64, _ []int, horizon float64, grad []float64) (fit.Result, error) {
	k := d.k.Forward(x[0])
	var sum, slope float64
	for i, y := range []float64{0.607, 0.368, 0.223} { // exp(−t/2), three digits
		t := float64(i + 1)
		r := math.Exp(-k*t) - y
		sum += r * r / 3
		slope += 2 * r * -t * math.Exp(-k*t) / 3
	}
	if grad != nil {
		grad[0] = slope * d.k.Derivative(x[0])
	}
	return fit.Result{Loss: sum, Values: 3}, nil
}

func Example() {
	k, err := fit.NewTransform(fit.Interval{Lo: 0, Hi: math.Inf(1), LoOpen: true}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	start, _, err := k.Start(5)
	if err != nil {
		fmt.Println(err)
		return
	}
	trainer := &fit.Trainer{
		Objective: decay{k},
		Stages:    []fit.Method{&fit.LBFGS{MaxIterations: 50, Memory: 10, GradTol: 1e-9}},
	}
	state, err := trainer.Run(context.Background(), []float64{start})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: k = %.3f\n", state.Status, k.Forward(state.Best.X[0]))
	// Output: converged: k = 0.500
}
