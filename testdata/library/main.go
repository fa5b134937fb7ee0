// Command library uses pinode from a module of its own: it fits, evaluates and
// simulates a model, and takes its equations to an optimiser and a solver of others.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"gonum.org/v1/gonum/optimize"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/compiler"
)

func main() {
	out, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

func run(path string) (map[string]float64, error) {
	ctx, out := context.Background(), map[string]float64{}
	m, err := pinode.Load(path)
	if err != nil {
		return nil, err
	}
	f, err := m.Fit(ctx, pinode.FitOptions{Seed: 1})
	if err != nil {
		return nil, err
	}
	out["fitted k"] = f.Params["k"].Value
	e, err := m.Evaluate(ctx, pinode.At(&pinode.Values{Params: map[string]float64{"k": 0.7}}))
	if err != nil {
		return nil, err
	}
	out["log-likelihood"] = e.LogLikelihood
	s, err := m.Simulate(ctx, pinode.SimulateOptions{At: f, Until: 2, Set: map[string]float64{"k": 0.5}})
	if err != nil {
		return nil, err
	}
	x := s.Column("x")
	out["simulated x(2)"] = x[len(x)-1]
	if out["k by gonum"], err = byGonum(m); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := compiler.Compile(path, string(text))
	if err != nil {
		return nil, err
	}
	rhs, err := p.RHS()
	if err != nil {
		return nil, err
	}
	out["x(1) by Euler"] = euler(rhs, 0.7, nil)
	out["x(1) by Euler backwards"] = eulerBackwards(rhs, 0.7)
	out["k of Euler"], err = kOfEuler(rhs, 0.5)
	return out, err
}

// byGonum minimises the loss of a fit with an optimiser of gonum.
func byGonum(m *pinode.Model) (float64, error) {
	f, err := m.NewFit(pinode.FitOptions{})
	if err != nil {
		return 0, err
	}
	loss, start, err := f.Objective()
	if err != nil {
		return 0, err
	}
	eval := func(x, grad []float64) float64 {
		res, err := loss.Eval(context.Background(), x, nil, 1, grad)
		if err != nil || res.Failed {
			return math.Inf(1)
		}
		return res.Loss
	}
	r, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { return eval(x, nil) },
		Grad: func(g, x []float64) { eval(x, g) },
	}, start, &optimize.Settings{GradientThreshold: 1e-9}, &optimize.LBFGS{})
	if r == nil {
		return 0, err
	}
	v, err := f.ValuesAt(r.X)
	if err != nil {
		return 0, err
	}
	return v.Params["k"], nil
}

const steps, h = 100, 0.01

// euler takes steps to t = 1. With kBar it also finds the derivative of the end by k,
// backwards through the steps.
func euler(f *compiler.RHS, k float64, kBar *float64) float64 {
	params := []float64{k}
	x := make([][]float64, steps+1)
	x[0] = make([]float64, 1)
	f.Init(0, params, x[0])
	dy := make([]float64, 1)
	for i := range steps {
		f.Eval(float64(i)*h, x[i], params, dy)
		x[i+1] = []float64{x[i][0] + h*dy[0]}
	}
	if kBar == nil {
		return x[steps][0]
	}
	*kBar = 0
	ct, yBar, pBar := []float64{1}, make([]float64, 1), make([]float64, 1)
	for i := steps - 1; i >= 0; i-- {
		f.VJP(float64(i)*h, x[i], params, ct, yBar, pBar)
		*kBar += h * pBar[0]
		ct[0] += h * yBar[0]
	}
	return x[steps][0]
}

// eulerBackwards solves the equation of each step with the Jacobian.
func eulerBackwards(f *compiler.RHS, k float64) float64 {
	params, y, dy, jac := []float64{k}, make([]float64, 1), make([]float64, 1), make([]float64, 1)
	f.Init(0, params, y)
	for i := range steps {
		t, from := float64(i+1)*h, y[0]
		for range 3 {
			f.Eval(t, y, params, dy)
			f.Jacobian(t, y, params, jac)
			y[0] -= (y[0] - from - h*dy[0]) / (1 - h*jac[0])
		}
	}
	return y[0]
}

// kOfEuler is the k at which Euler's method ends at a target.
func kOfEuler(f *compiler.RHS, target float64) (float64, error) {
	r, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { d := euler(f, x[0], nil) - target; return d * d },
		Grad: func(g, x []float64) {
			var bar float64
			d := euler(f, x[0], &bar) - target
			g[0] = 2 * d * bar
		},
	}, []float64{0.2}, &optimize.Settings{GradientThreshold: 1e-12}, &optimize.BFGS{})
	if r == nil {
		return 0, err
	}
	return r.X[0], nil
}
