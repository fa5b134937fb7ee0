package pinode_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// ball is a model in text: its bounces are events.
const ball = `model Ball {
  param e in (0, 1) = 0.8
  state h = 9.8
  state v = 0
  h' = v
  v' = -9.8
  event bounce when h <= 0 { v := -e*v }
}
simulate { until: 4, step: 1 }`

// A model is fitted to its data and simulated beyond them.
func Example() {
	ctx := context.Background()
	m, err := pinode.Load("models/lotka_volterra.node")
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := m.Fit(ctx, pinode.FitOptions{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	β := f.Params["β"]
	fmt.Printf("%s: β = %.2f ± %.3f\n", f.Status, β.Value, β.StdErr)
	run, err := m.Simulate(ctx, pinode.SimulateOptions{At: f, Until: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	prey, predators := run.Column("x"), run.Column("y")
	last := len(prey) - 1
	fmt.Printf("t = 3: %.2f prey, %.3f predators\n", prey[last], predators[last])
	// Output:
	// converged: β = 0.90 ± 0.003
	// t = 3: 1.61 prey, 0.068 predators
}

// The last step of docs/tutorial.md.
func Example_tutorial() {
	err := func(ctx context.Context) error {
		m, err := pinode.Load("docs/tutorial/lid.node")
		if err != nil {
			return err // every mistake with its place
		}
		f, err := m.Fit(ctx, pinode.FitOptions{})
		if err != nil {
			return err
		}
		k := f.Params["k"]
		fmt.Printf("k = %.4f ± %.5f per minute\n", k.Value, k.StdErr)
		run, err := m.Simulate(ctx, pinode.SimulateOptions{At: f, Until: 90})
		if err != nil {
			return err
		}
		red := run.Trajectories[0]
		fmt.Printf("%s after 90 minutes: %.1f K\n", red.Name, red.Rows[len(red.Rows)-1][1])
		return nil
	}(context.Background())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// k = 0.0210 ± 0.00007 per minute
	// mug=red after 90 minutes: 304.9 K
}

// Mistakes of a file come all at once, each with its place.
func ExampleParse() {
	_, err := pinode.Parse("ball.node", "model Ball {\n  state h = 1\n  h' = -g\n  state h = 2\n}")
	var mistakes *pinode.Diagnostics
	if errors.As(err, &mistakes) {
		for _, d := range mistakes.All {
			fmt.Println(d.Span.Pos(), d.Code)
		}
	}
	// Output:
	// ball.node:3:9 unknown-name
	// ball.node:4:9 duplicate
}

// A run of a ball: its bounces are events with their times.
func ExampleModel_Simulate() {
	m, err := pinode.Parse("ball.node", ball)
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := m.Simulate(context.Background(), pinode.SimulateOptions{Set: map[string]float64{"e": 0.5}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range run.Events()[:3] {
		fmt.Printf("%s at %.6f\n", e.Name, e.Time)
	}
	// Output:
	// bounce at 1.414214
	// bounce at 2.828427
	// bounce at 3.535534
}

// A simulation is written as a table.
func ExampleSimulation_WriteCSV() {
	m, err := pinode.Parse("step.node", "model Step {\n  state x = 3\n  discrete n = 1\n  x' = 0\n  event up at t = 1 { n := 2 }\n}\nsimulate { until: 2, step: 1 }")
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = run.WriteCSV(os.Stdout)
	// Output:
	// trajectory,t,x,n
	// ,0,3,1
	// ,1,3,1
	// ,1,3,2
	// ,1,3,2
	// ,2,3,2
}

// A run that cannot go on says when, why and how it ended.
func ExampleRunError() {
	m, err := pinode.Parse("growth.node", "model Growth {\n  state x = 1\n  x' = x^2\n}\nsimulate { until: 2 }")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{})
	var failed *pinode.RunError
	if errors.As(err, &failed) {
		fmt.Printf("%s at %.2f\n", failed.Status, failed.Time)
	}
	// Output:
	// step_too_small at 1.00
}

// A solver runs a model again and again without overhead, with its gradient.
func ExampleModel_NewSolver() {
	m, err := pinode.Parse("decay.node", "model Decay {\n  param k = 0.5\n  state x = 1\n  x' = -k*x\n}\nsimulate { until: 2, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := m.NewSolver(1, []string{"x"}, pinode.SimulateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range []float64{1, 3} {
		if err := s.Run([]float64{x}); err != nil {
			fmt.Println(err)
			return
		}
		g, _ := s.Gradient([]float64{1})
		fmt.Printf("x(2) = %.4f, by k %.4f\n", s.Ends[0][0], g[0])
	}
	// Output:
	// x(2) = 0.3679, by k -0.7358
	// x(2) = 1.1036, by k -2.2073
}

// counts writes a model of a mean with its table into a folder.
func counts() (*pinode.Model, func(), error) {
	dir, err := os.MkdirTemp("", "pinode")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := os.WriteFile(filepath.Join(dir, "d.csv"), []byte("id,t,y\na,0,1\na,1,3\nb,0,5\n"), 0o600); err != nil {
		return nil, remove, err
	}
	m, err := pinode.Parse(filepath.Join(dir, "mean.node"), `model Mean {
  param m = 2
  observe y = m ~ normal(1)
}
data d from "d.csv" { trajectory: id; time: t; y: y }`)
	return m, remove, err
}

// The log-likelihood of data, with its gradient, as a sampler needs it.
func ExampleModel_Evaluate() {
	m, remove, err := counts()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	e, err := m.Evaluate(context.Background(), pinode.At(&pinode.Values{Params: map[string]float64{"m": 1.5}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log-likelihood %.4f of %d values, by m %.1f\n", e.LogLikelihood, e.Values, e.Gradient.Params["m"])
	for _, t := range e.Trajectories {
		fmt.Printf("%s: %.4f, by m %.1f\n", t.Name, t.LogLikelihood, t.Gradient.Params["m"])
	}
	// Output:
	// log-likelihood -10.1318 of 3 values, by m 4.5
	// id=a: -3.0879, by m 1.0
	// id=b: -7.0439, by m 3.5
}

// A fit is saved into a folder, which can be opened again.
func ExampleFit_Save() {
	m, remove, err := counts()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	ctx := context.Background()
	f, err := m.Fit(ctx, pinode.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir := filepath.Join(filepath.Dir(m.Path()), "run")
	if err := f.Save(dir); err != nil {
		fmt.Println(err)
		return
	}
	run, err := pinode.OpenRun(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: m = %.3f\n", run.Status, run.Values().Params["m"])
	// Output:
	// converged: m = 3.000
}

// The loss of a fit is a function for an optimiser of one's own.
func ExampleFit_Objective() {
	m, remove, err := counts()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	f, err := m.NewFit(pinode.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loss, x, err := f.Objective()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, g := context.Background(), make([]float64, len(x))
	for range 200 {
		if res, err := loss.Eval(ctx, x, nil, 1, g); err != nil || res.Failed {
			fmt.Println(err, res.Reason)
			return
		}
		for i := range x {
			x[i] -= 0.2 * g[i]
		}
	}
	v, _ := f.ValuesAt(x)
	fmt.Printf("m = %.3f\n", v.Params["m"])
	// Output:
	// m = 3.000
}

// A fit tells of its iterations, and ends when its context does.
func ExampleModel_Fit() {
	m, remove, err := counts()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	ctx, cancel := context.WithCancel(context.Background())
	f, err := m.Fit(ctx, pinode.FitOptions{Observer: func(p fit.Progress) {
		if p.Iteration == 3 {
			cancel()
		}
	}})
	fmt.Println(f.Status, err)
	// Output:
	// interrupted <nil>
}

// Derivatives are compared with finite differences.
func ExampleModel_Certify() {
	m, err := pinode.Parse("ball.node", ball)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := m.Certify(context.Background(), 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Certified(), c.Modes, c.Events[0].Name)
	// Output:
	// true [unrolled adjoint backsolve forward] bounce
}
