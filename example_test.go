package pinode_test

import (
	"context"
	"fmt"

	"github.com/pinode/pinode"
)

// A model is loaded, fitted to its data, and simulated with what was found.
func Example() {
	model, err := pinode.Load("models/lotka_volterra.node")
	if err != nil {
		fmt.Println(err) // every mistake, with its place
		return
	}
	fitted, err := model.Fit(context.Background(), pinode.Seed(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range fitted.Estimates[:2] {
		fmt.Printf("%s = %.2f ± %.3f\n", e.Name, e.Value, e.StdErr)
	}
	run, err := model.Simulate(pinode.With(fitted.Values), pinode.Until(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	last := run.Trajectories[0].Rows[len(run.Trajectories[0].Rows)-1]
	fmt.Printf("t = %g: %.2f prey, %.3f predators\n", last[0], last[1], last[2])
	// Output:
	// β = 0.90 ± 0.003
	// γ = 0.80 ± 0.010
	// t = 3: 1.61 prey, 0.068 predators
}

// A run of a ball: its bounces are events with their times.
func ExampleModel_Simulate() {
	model, err := pinode.Parse("ball.node", `model Ball {
  param e in (0, 1) = 0.8
  state h = 9.8
  state v = 0
  h' = v
  v' = -9.8
  event bounce when h <= 0 { v := -e*v }
}
simulate { until: 4, step: 1 }`)
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := model.Simulate(pinode.Set("e", 0.5))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ev := range run.Trajectories[0].Events[:3] {
		fmt.Printf("%s at %.6f\n", ev.Name, ev.Time)
	}
	// Output:
	// bounce at 1.414214
	// bounce at 2.828427
	// bounce at 3.535534
}
