package pinode

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// fermi is the chain of E. Fermi, J. Pasta and S. Ulam, n masses between walls, written cell by
// cell, with data of the first mass for some trajectories.
func fermi(n, trajectories int) (model, table string) {
	x := make([]string, n)
	for i := range x {
		x[i] = fmt.Sprintf("%.17g", math.Sin(float64(i*i)))
	}
	model = fmt.Sprintf("model M {\n  param beta in (0, 2) = 0.7\n  param a in (0, 3) = 1.1\n  covariate c\n  state x[%d] = [%s]\n  state v[%d] = c\n  x' = v\n", n, strings.Join(x, ", "), n) +
		fmt.Sprintf("  for i in 1..%d { v[i]' = a*(x[i+1] - 2*x[i] + x[i-1]) + beta*((x[i+1] - x[i])^3 - (x[i] - x[i-1])^3) }\n", n-2) +
		"  v[0]' = a*(x[1] - 2*x[0]) + beta*((x[1] - x[0])^3 - x[0]^3)\n" +
		fmt.Sprintf("  v[%d]' = a*(x[%d] - 2*x[%d]) - beta*(x[%d]^3 + (x[%d] - x[%d])^3)\n", n-1, n-2, n-1, n-1, n-1, n-2) +
		"  observe y = x[1] ~ normal(0.1)\n}\n"
	var rows strings.Builder
	rows.WriteString("id,t,c,y\n")
	for k := range trajectories {
		c := 0.1 * float64(k)
		fmt.Fprintf(&rows, "r%d,0,%g,\nr%d,1,%g,0.3\nr%d,1.6,%g,-0.2\n", k, c, k, c, k, c)
	}
	return model, rows.String()
}

// fermiByHand is the position of the second mass of that chain, by Runge and Kutta's method with
// small steps.
func fermiByHand(n int, c, until, beta, a float64) float64 {
	y := make([]float64, 2*n)
	for i := range n {
		y[i], y[n+i] = math.Sin(float64(i*i)), c
	}
	f := func(y []float64) []float64 {
		dy := make([]float64, 2*n)
		at := func(i int) float64 {
			if i < 0 || i >= n {
				return 0
			}
			return y[i]
		}
		for i := range n {
			l, r := at(i)-at(i-1), at(i+1)-at(i)
			dy[i], dy[n+i] = y[n+i], a*(r-l)+beta*(r*r*r-l*l*l)
		}
		return dy
	}
	const steps = 4000
	h := until / steps
	plus := func(k []float64, w float64) []float64 {
		z := append([]float64{}, y...)
		for i := range z {
			z[i] += w * k[i]
		}
		return z
	}
	for range steps {
		k1 := f(y)
		k2 := f(plus(k1, h/2))
		k3 := f(plus(k2, h/2))
		k4 := f(plus(k3, h))
		for i := range y {
			y[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
		}
	}
	return y[1]
}

// TestRolled: chains that are written cell by cell, short ones whose trajectories go side by side
// and long ones that go one after the other, have the loss that a solution by hand has,
// gradients that agree with differences in all modes, and the same bits for any number of
// workers.
func TestRolled(t *testing.T) {
	const trajectories = 11
	for _, n := range []int{10, 40, 90} {
		model, table := fermi(n, trajectories)
		f, err := fitOf(t, model, table, "trajectory: id, c: c, y: y", "solver: tsit5 { rtol: 1e-9, atol: 1e-9 }")
		require.NoError(t, err)
		c := certificateOf(t, f, gradcheck.Modes...)
		require.True(t, c.Certified(), "%d masses, %s: %s off by %g", n, c.Where, c.Mode, c.Worst)
		require.Zero(t, c.Doubtful)
		want := 0.
		for k := range trajectories {
			for _, row := range [][2]float64{{1, 0.3}, {1.6, -0.2}} {
				r := (row[1] - fermiByHand(n, 0.1*float64(k), row[0], 0.7, 1.1)) / 0.1
				want += (0.5*r*r + math.Log(0.1*math.Sqrt(2*math.Pi))) / (2 * trajectories)
			}
		}
		require.InEpsilon(t, want, sameForWorkers(t, f.Model, fmt.Sprint(n)), 1e-6, "%d masses", n)
	}
}

// TestSolverForgets: what a solver keeps of a run does not grow with its length.
func TestSolverForgets(t *testing.T) {
	const lotka = "model L {\n  param a = 1.5\n  state x = 1\n  state y = 1\n  x' = a*x - x*y\n  y' = x*y - 3*y\n}\n"
	allocated := func(until float64) float64 {
		m, err := Parse("l.node", fmt.Sprintf("%ssimulate { until: %g, times: [%g], solver: tsit5 { rtol: 1e-8, atol: 1e-8 } }\n", lotka, until, until))
		require.NoError(t, err)
		s, err := m.NewSolver(1, nil, SimulateOptions{Workers: 1})
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.NoError(t, s.Run())
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	require.InEpsilon(t, allocated(8000), allocated(16000), 0.05)
}
