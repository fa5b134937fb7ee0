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
)

// perKey is a fit of decays with an amplitude for each tube, and the model with a table of tubes
// a and c.
func perKey(t *testing.T) (*pinode.Fit, *pinode.Model) {
	t.Helper()
	dir := t.TempDir()
	table := func(tubes map[string]float64) string {
		var b strings.Builder
		b.WriteString("tube,t,x\n")
		for _, name := range []string{"a", "b", "c"} {
			for i := range 5 {
				if a := tubes[name]; a > 0 {
					fmt.Fprintf(&b, "%s,%d,%.12g\n", name, i, a*math.Exp(-0.5*float64(i)))
				}
			}
		}
		return b.String()
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("d.csv", table(map[string]float64{"a": 3, "b": 7}))
	other := write("other.csv", table(map[string]float64{"a": 3, "c": 5}))
	path := write("m.node", `model M {
  time t
  param k in (0, inf) = 1
  param A in (0, inf) per tube = 1
  state x = A
  x' = -k*x
  observe o = x ~ normal(0.1)
}
data d from "d.csv" { time: t, trajectory: tube, o: x }
simulate { until: 2, times: [2] }
`)
	m, err := pinode.Load(path)
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), pinode.FitOptions{Seed: 1})
	require.NoError(t, err)
	next, err := pinode.Load(path)
	require.NoError(t, err)
	require.NoError(t, next.SetData("d", other))
	return f, next
}

func lastX(s *pinode.Simulation, run int) float64 {
	rows := s.Trajectories[run].Rows
	return rows[len(rows)-1][1]
}

// TestSetOfKey: a value for one key is that of its trajectory alone, one for all that of all.
func TestSetOfKey(t *testing.T) {
	f, _ := perKey(t)
	for _, it := range []struct {
		set  map[string]float64
		want [2]float64
	}{
		{nil, [2]float64{3, 7}},
		{map[string]float64{"A{tube=b}": 2}, [2]float64{3, 2}},
		{map[string]float64{"A": 9, "A{tube=b}": 2}, [2]float64{9, 2}},
	} {
		run, err := f.Model.Simulate(context.Background(), pinode.SimulateOptions{At: f, Set: it.set})
		require.NoError(t, err)
		for i, a := range it.want {
			require.InDelta(t, a*math.Exp(-1), lastX(run, i), 1e-3, "%v", it.set)
		}
	}
	for name, says := range map[string]string{"A{tube=z}": "no parameter `A{tube=z}`", "k{tube=a}": "no parameter `k{tube=a}`"} {
		_, err := f.Model.Simulate(context.Background(), pinode.SimulateOptions{At: f, Set: map[string]float64{name: 2}})
		require.ErrorContains(t, err, says)
	}
	_, err := f.Model.Simulate(context.Background(), pinode.SimulateOptions{At: f, Set: map[string]float64{"A{tube=b}": -2}})
	require.ErrorContains(t, err, "outside of its interval")
}

// TestUntoldKeys: a trajectory whose key the values do not have is refused, unless it is given one.
func TestUntoldKeys(t *testing.T) {
	ctx := context.Background()
	f, next := perKey(t)
	const says = "nothing tells `A{tube=c}`"
	_, err := next.Score(ctx, pinode.EvaluateOptions{At: f.Values(), Whole: true})
	require.ErrorContains(t, err, says)
	_, err = next.Evaluate(ctx, pinode.EvaluateOptions{At: f.Values()})
	require.ErrorContains(t, err, says)
	_, err = next.Simulate(ctx, pinode.SimulateOptions{At: f.Values()})
	require.ErrorContains(t, err, says)

	for _, set := range []map[string]float64{{"A{tube=c}": 5}, {"A": 5}} {
		run, err := next.Simulate(ctx, pinode.SimulateOptions{At: f.Values(), Set: set})
		require.NoError(t, err)
		require.InDelta(t, 5*math.Exp(-1), lastX(run, 1), 1e-3)
	}
	a, err := next.Score(ctx, pinode.EvaluateOptions{At: f.Values(), Set: map[string]float64{"A{tube=c}": 5}, Whole: true})
	require.NoError(t, err)
	require.Less(t, a[0].Scores[0].RMSE, 1e-3)
	_, err = next.Evaluate(ctx, pinode.EvaluateOptions{}) // all are start values, which is what is asked for
	require.NoError(t, err)
	_, err = next.NewFit(pinode.FitOptions{At: f.Values()}) // where a fit begins
	require.NoError(t, err)
}

// TestInitialStateAlone: a simulation may end where it starts, with every solver.
func TestInitialStateAlone(t *testing.T) {
	for _, solver := range []string{"auto", "tsit5", "rodas5p", "bdf", "radau", "rkc", "rk4 { step: 0.1 }"} {
		run := simulated(t, `model M {
  time t
  state x = 3
  x' = -x
  event stop at t = 5 { x := 0 }
}
simulate { times: [0], solver: `+solver+` }
`)
		require.Equal(t, [][]float64{{0, 3}}, run.Trajectories[0].Rows, solver)
	}
}
