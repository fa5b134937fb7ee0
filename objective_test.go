package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/solvers"
)

// hybridNetwork is a model with a network and events.
func hybridNetwork(t *testing.T, count int) *Model {
	t.Helper()
	return oscillators(t, count, "event hit when x <= -0.5 { v := -0.8*v }")
}

// oscillators is a model with a network and more declarations, over
// trajectories of different lengths.
func oscillators(t *testing.T, count int, more string) *Model {
	t.Helper()
	dir := t.TempDir()
	csv := "k,t,y\n"
	for i := range count {
		for j := range 3 + i%5 {
			csv += fmt.Sprintf("%d,%g,%g\n", i, 0.3*float64(j), math.Sin(float64(i*j+i+1)))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), `model M {
  param a in (0, inf) = 1.1
  state x = first(y)
  state v = 0
  neural f(x, v) -> 1 { hidden: [64, 16], activation: tanh }
  x' = v
  v' = -a*x + f(x, v) + 0.3*sin(5*t)
  `+more+`
  observe y = x ~ normal(0.3)
}
data d from "d.csv" { trajectory: k; time: t; y: y }
`)
	require.NoError(t, err)
	return m
}

// TestWorkersAgree: loss and gradient have the same bits whatever the number
// of workers, again and again.
func TestWorkersAgree(t *testing.T) {
	m := hybridNetwork(t, 150)
	for _, mode := range []string{"unrolled", "adjoint", "unrolled in f32"} {
		mode, single := strings.CutSuffix(mode, " in f32")
		if single {
			require.NoError(t, m.Set("fit.precision", "f32", "the test"))
		}
		var value float64
		var grad []float64
		for _, workers := range []int{1, 2, 3, 5} {
			f, err := m.NewFit(FitOptions{Workers: workers})
			require.NoError(t, err)
			f.inner.Objective.Gradient = mode
			x, err := f.inner.Objective.Space.X0()
			require.NoError(t, err)
			g := make([]float64, len(x))
			for range 3 {
				res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, g)
				require.NoError(t, err)
				require.False(t, res.Failed, res.Reason)
				if grad == nil {
					value, grad = res.Loss, append(grad, g...)
				}
				require.Equal(t, value, res.Loss)
				require.Equal(t, grad, g, "%s, %d workers", mode, workers)
				res, err = f.inner.Objective.Eval(context.Background(), x, nil, 1, nil) // without a tape
				require.NoError(t, err)
				require.Equal(t, value, res.Loss)
			}
		}
	}
}

// TestBatchIsTheSumOfItsRuns: the gradient of a batch, whose weights are
// summed over lanes, is that of its trajectories one by one.
func TestBatchIsTheSumOfItsRuns(t *testing.T) {
	f, err := hybridNetwork(t, 40).NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	x, err := f.inner.Objective.Space.X0()
	require.NoError(t, err)
	all, one, sum := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, all)
	require.NoError(t, err)
	size := 0.
	for i := range 40 {
		r, err := f.inner.Objective.Eval(context.Background(), x, []int{i}, 1, one)
		require.NoError(t, err)
		require.Zero(t, r.Kinks)
		for k, v := range one {
			sum[k] += v * float64(r.Values) / float64(res.Values)
			size = math.Max(size, math.Abs(v))
		}
	}
	for k := range sum {
		require.InDelta(t, sum[k], all[k], 1e-13*size)
	}
	require.LessOrEqual(t, testing.AllocsPerRun(5, func() {
		_, _ = f.inner.Objective.Eval(context.Background(), x, nil, 1, all)
	}), 0.)
}

// TestMemoryDoesNotMatter: whether activations are kept or computed again, the
// gradient has the same bits; where whole steps are computed again, by other
// programs, its sums have another order.
func TestMemoryDoesNotMatter(t *testing.T) {
	cases := []struct {
		networks exec.Precision
		smooth   bool // no event looks at the steps: they are taken by other programs
		method   string
	}{{}, {networks: exec.Single}, {method: "rk4"}, {smooth: true}, {networks: exec.Single, smooth: true}, {method: "rk4", smooth: true}}
	for i := range 2 * len(cases) {
		c, count := cases[i/2], 1+i%2*10 // alone, and in lanes
		near := 1e-14
		m := hybridNetwork(t, count)
		if c.smooth {
			m = oscillators(t, count, "")
		}
		f, err := m.NewFit(FitOptions{Workers: 1})
		require.NoError(t, err)
		opt, err := engine.SolverOptions(fitSettings(f.Model))
		require.NoError(t, err)
		opt.RTol, opt.ATol = 1e-10, 1e-10 // many steps
		if c.networks == exec.Single {
			opt.RTol, opt.ATol, near = 1e-7, 1e-7, 1e-6
		}
		if c.method != "" {
			opt.Method, opt.Step = solvers.Method(c.method), 0.003
		}
		for k := range f.inner.Objective.Space.Scales { // gradients of order 1, whose sums are compared below
			f.inner.Objective.Space.Scales[k] = 1
		}
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		var value float64
		var grad []float64
		for _, words := range []int{0, 10000, 5000, 3000, 600, 300} {
			opt.Memory = words
			o, err := loss.NewObjective(f.Model.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, nil, opt, "unrolled", c.networks, 1)
			require.NoError(t, err)
			require.Positive(t, o.Workers[0].Lanes.Blk.ActWords(), "activations of %d", count)
			g := make([]float64, len(x))
			res, err := o.Eval(context.Background(), x, nil, 1, g)
			require.NoError(t, err)
			require.False(t, res.Failed, res.Reason)
			if grad == nil {
				value, grad = res.Loss, g
			}
			require.Equal(t, value, res.Loss)
			if words == 0 || words >= 5000 && opt.Method.Adaptive() {
				require.Equal(t, grad, g, "%d trajectories, %d words", count, words)
			} else {
				require.InDeltaSlice(t, grad, g, near, "%d trajectories, %d words", count, words)
			}
		}
	}
}

// TestSinglePrecision: with networks in single precision, loss and gradient in
// every mode are those of double precision as far as single precision goes,
// through events too, and what is said of the result has double precision.
func TestSinglePrecision(t *testing.T) {
	m := hybridNetwork(t, 4)
	double, err := m.NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	x, err := double.inner.Objective.Space.X0()
	require.NoError(t, err)
	opt, err := engine.SolverOptions(fitSettings(m))
	require.NoError(t, err)
	for _, mode := range gradcheck.Modes {
		var value [2]float64
		var grad [2][]float64
		for _, networks := range []exec.Precision{exec.Double, exec.Single} {
			o, err := loss.NewObjective(m.prog, double.inner.Objective.Space, double.inner.Objective.Trajectories, nil, opt, mode, networks, 1)
			require.NoError(t, err)
			g := make([]float64, len(x))
			times := 2 // the second time with other copies of the weights
			if mode == "forward" {
				times = 1 // it takes long
			}
			for range times {
				res, err := o.Eval(context.Background(), x, nil, 1, g)
				require.NoError(t, err)
				require.False(t, res.Failed, res.Reason)
				value[networks], grad[networks] = res.Loss, slices.Clone(g)
				x[len(x)-1] += 0.1
			}
			x[len(x)-1] -= 0.1 * float64(times)
			if mode == "unrolled" {
				require.Zero(t, testing.AllocsPerRun(3, func() { _, _ = o.Eval(context.Background(), x, nil, 1, g) }))
			}
		}
		size := 0.
		for _, v := range grad[0] {
			size = math.Max(size, math.Abs(v))
		}
		require.NotEqual(t, value[0], value[1])
		require.InEpsilon(t, value[0], value[1], 1e-5, mode)
		require.InDeltaSlice(t, grad[0], grad[1], 1e-4*size, mode)
	}

	require.NoError(t, m.Set("fit.precision", "f32", "the test"))
	require.NoError(t, m.Set("fit.optimizer", "adam then lbfgs", "the test"))
	require.NoError(t, m.Set("fit.solver.auto.atol", "1e-8", "the test")) // not by the sizes of states
	require.NoError(t, m.Set("fit.optimizer.adam.epochs", "20", "the test"))
	require.NoError(t, m.Set("fit.optimizer.lbfgs.iterations", "3", "the test"))
	f, err := m.Fit(context.Background(), FitOptions{Workers: 1})
	require.NoError(t, err)
	last := f.inner.Objective
	exact, err := loss.NewObjective(m.prog, last.Space, last.Trajectories, nil, opt, "unrolled", exec.Double, 1)
	require.NoError(t, err)
	want, err := exact.Eval(context.Background(), f.State.Best.X, nil, 1, nil)
	require.NoError(t, err)
	got, err := last.Eval(context.Background(), f.State.Best.X, nil, 1, nil)
	require.NoError(t, err)
	require.Equal(t, want.Loss, got.Loss)
	require.NotEqual(t, want.Loss, f.State.Best.Score)
	require.InEpsilon(t, want.Loss, f.State.Best.Score, 1e-3)

	require.NoError(t, m.Set("fit.solver.auto.rtol", "1e-9", "the test"))
	_, err = m.NewFit(FitOptions{})
	require.ErrorContains(t, err, "asks for more digits")
}

// fitSettings are the settings of a model's fit, simulateSettings those of its simulation.
func fitSettings(m *Model) *setting.Values {
	v, _ := m.blocks.Values()
	return v
}

func simulateSettings(m *Model) *setting.Values {
	_, v := m.blocks.Values()
	return v
}
