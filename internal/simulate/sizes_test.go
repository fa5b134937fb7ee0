package simulate_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/solvers"
)

func simulated(t *testing.T, text string, settings ...string) *pinode.Simulation {
	t.Helper()
	m, err := pinode.Parse("m.node", text)
	require.NoError(t, err)
	for i := 0; i < len(settings); i += 2 {
		require.NoError(t, m.Set(settings[i], settings[i+1], "test"))
	}
	run, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	return run
}

// inUnits is a model of which amounts are measured in one unit, which is scale [mol], and times
// in another, which is second [s]: prey and hunters, with a product that begins with nothing, and
// what it becomes.
func inUnits(scale, second float64, solver string) string {
	return fmt.Sprintf(`model M {
  time t
  state A = %[1]g
  state B = %[2]g
  state P = 0
  state Q = 0
  A' = %[3]g*A - %[4]g*A*B
  B' = %[4]g*A*B - %[3]g*B
  P' = %[3]g*B - %[5]g*P
  Q' = %[5]g*P
}
simulate { until: %[6]g, times: [%[7]g, %[6]g], solver: %[8]s }
`, 2e-9/scale, 1e-9/scale, second, 1e9*scale*second, 0.1*second, 20/second, 7/second, solver)
}

// TestUnitsOfStates: the units of amounts and times change nothing, with any solver.
func TestUnitsOfStates(t *testing.T) {
	names := []string{"auto"}
	for _, m := range solvers.Methods {
		if m.Adaptive() && m.Parts == nil {
			names = append(names, m.Name)
		}
	}
	want := simulated(t, strings.Replace(inUnits(1e-9, 1, "vern9"), "vern9", "vern9 { rtol: 1e-13, atol: 1e-15 }", 1)).Trajectories[0].Rows
	for _, name := range names {
		for _, unit := range []struct{ scale, second float64 }{{1e-9, 1}, {1, 1}, {1e3, 3600}, {1e-15, 1e-6}} {
			got := simulated(t, inUnits(unit.scale, unit.second, name)).Trajectories[0].Rows
			require.Len(t, got, len(want))
			for i := range want {
				for k, v := range want[i][1:] {
					require.InDelta(t, v, got[i][1+k]*unit.scale/1e-9, 2e-3, "%s, in %g mol and %g s, row %d, state %d", name, unit.scale, unit.second, i, k)
				}
			}
		}
	}
}

// TestStatedTolerance: what `atol` says counts, whatever the size of the states.
func TestStatedTolerance(t *testing.T) {
	rough := simulated(t, inUnits(1, 1, "tsit5 { atol: 1e-10 }")).Trajectories[0].Rows
	fine := simulated(t, inUnits(1, 1, "tsit5")).Trajectories[0].Rows
	last := len(fine) - 1
	require.Greater(t, math.Abs(rough[last][1]-fine[last][1]), 1e-12)
}

// TestSizesOfSolvers: a solver that is called again and again has the same tolerances.
func TestSizesOfSolvers(t *testing.T) {
	m, err := pinode.Parse("m.node", inUnits(1, 1, "tsit5"))
	require.NoError(t, err)
	one, err := m.NewSolver(1, nil, pinode.SimulateOptions{})
	require.NoError(t, err)
	require.NoError(t, one.Run())
	rows := simulated(t, inUnits(1, 1, "tsit5")).Trajectories[0].Rows
	require.InDeltaSlice(t, rows[len(rows)-1][1:5], one.Ends[0], 1e-14)
}

// TestSizesOfSweeps: of runs of different sizes the smallest counts.
func TestSizesOfSweeps(t *testing.T) {
	run := simulated(t, `model M {
  time t
  param k = 1
  param x0 = 1
  state x = x0
  state v = 0
  x' = v
  v' = -k*x
}
simulate { until: 10, times: [10], sweep: { x0: [1, 1e-12, 0] }, solver: tsit5 }
`)
	require.Len(t, run.Trajectories, 3)
	for i, x0 := range []float64{1, 1e-12, 0} {
		rows := run.Trajectories[i].Rows
		require.InDelta(t, x0*math.Cos(10), rows[len(rows)-1][1], 1e-4*x0)
	}
}

// TestUntrainedNetworks: a network that was not trained is the same one for a simulation and an
// evaluation, whose results are as large as the data ask.
func TestUntrainedNetworks(t *testing.T) {
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("run,t,x\n")
	for i := range 11 {
		x := float64(i)
		fmt.Fprintf(&rows, "a,%g,%g\nb,%g,%g\n", x, 900*math.Exp(-x/3), x, 40+x)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(rows.String()), 0o600))
	path := filepath.Join(dir, "m.node")
	require.NoError(t, os.WriteFile(path, []byte(`model M {
  time t
  state x = 900
  neural f(x) -> 1 { hidden: [4] }
  x' = f(x)
  observe o = x ~ normal(1)
}
data d from "d.csv" { time: t, trajectory: run, o: x, train: run == "a", validate: run == "b" }
simulate { until: 10, times: [10], solver: tsit5 { rtol: 1e-9, atol: 1e-9 } }
fit { solver: tsit5 { rtol: 1e-9, atol: 1e-9 } }
`), 0o600))
	m, err := pinode.Load(path)
	require.NoError(t, err)
	run, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	every, err := m.Simulate(context.Background(), pinode.SimulateOptions{Rows: true})
	require.NoError(t, err)
	ev, err := m.Evaluate(context.Background(), pinode.EvaluateOptions{})
	require.NoError(t, err)
	whole, err := m.Evaluate(context.Background(), pinode.EvaluateOptions{Whole: true})
	require.NoError(t, err)
	require.Equal(t, ev.Residuals[0].Prediction, whole.Residuals[0].Prediction)
	require.InDelta(t, ev.Residuals[10].Prediction, whole.Residuals[10].Prediction, 1e-5)
	var last float64
	for _, p := range ev.Residuals {
		if p.Trajectory == "run=a" && p.Time == 10 {
			last = p.Prediction
		}
	}
	rowsOf := func(s *pinode.Simulation) float64 {
		r := s.Trajectories[0].Rows
		return r[len(r)-1][1]
	}
	require.NotZero(t, last)
	require.Greater(t, math.Abs(last-900), 20.)
	require.InDelta(t, last, rowsOf(run), 1e-5)
	require.InDelta(t, last, rowsOf(every), 1e-5)
}
