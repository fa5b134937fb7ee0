package start

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// fixture is a model with its data.
type fixture struct {
	*testing.T
	prog         *engine.Compiled
	space        *problem.Space
	trajectories []*problem.Trajectory
	data         *Data
	x            []float64
}

// load compiles a model over a table, data.csv.
func load(t *testing.T, model, table string) *fixture {
	t.Helper()
	l := problemtest.Load(t, model, table)
	f := &fixture{T: t, prog: l.Prog, space: l.Space, trajectories: l.Trajectories, x: l.X}
	var err error
	f.data, err = New(f.prog, f.space, f.trajectories)
	require.NoError(t, err)
	return f
}

// options are those of exact runs.
var options = sim.Options{Method: solvers.Tsit5, RTol: 1e-9, ATol: 1e-12}

// objective is the loss over trajectories.
func (f *fixture) objective(list []*problem.Trajectory, gradient string) *loss.Objective {
	f.Helper()
	o, err := loss.NewObjective(f.prog, f.space, list, nil, options, gradient, exec.Double, 2)
	require.NoError(f, err)
	return o
}

// table writes a table: a header, then rows of numbers.
func table(header string, rows ...[]float64) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, r := range rows {
		for i, v := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			if v == v {
				fmt.Fprintf(&b, "%.17g", v)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// rk4 integrates from t0 to t1 in fine steps.
func rk4(f func(t float64, y []float64) []float64, y []float64, t0, t1 float64) []float64 {
	const n = 200
	y = append([]float64{}, y...)
	h := (t1 - t0) / n
	move := func(k []float64, c float64) []float64 {
		z := append([]float64{}, y...)
		for i := range z {
			z[i] += c * k[i]
		}
		return z
	}
	for i := range n {
		t := t0 + float64(i)*h
		k1 := f(t, y)
		k2 := f(t+h/2, move(k1, h/2))
		k3 := f(t+h/2, move(k2, h/2))
		k4 := f(t+h, move(k3, h))
		for j := range y {
			y[j] += h / 6 * (k1[j] + 2*k2[j] + 2*k3[j] + k4[j])
		}
	}
	return y
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 9)) }
