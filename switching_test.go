package pinode

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSwitchingSystem learns guard and jump of a switching linear system
// (R.T.Q. Chen, B. Amos, M. Nickel, ICLR 2021, section 4.1, has such a task)
// and compares it on new paths, four times as long, with a model that knows
// the switch and with a neural ODE that knows nothing.
func TestSwitchingSystem(t *testing.T) {
	text, err := os.ReadFile("models/switching.node")
	require.NoError(t, err)
	learned := strings.ReplaceAll(string(text), "../testdata", "testdata")
	edit := func(s string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			require.Contains(t, s, pairs[i])
		}
		return strings.NewReplacer(pairs...).Replace(s)
	}
	known := edit(learned, "lead(x, v) >=", "0.4*v >=", "lead(x, v) <=", "0.4*v <=", "kick(v)", "-0.3*v",
		"  neural lead(x, v) { hidden: [8], activation: tanh, odd: true }\n", "", "  neural kick(v) { hidden: [8], activation: tanh, odd: true }\n", "")
	truth := edit(known, "spring in (0, inf) = 0.3", "spring = 0.5", "drag in (0, inf) = 0.2", "drag = 0.3", "pull in (0, inf) = 1.5", "pull = 2")
	plain := edit(learned, "  v' = -spring*x - drag*v + side*pull\n", `  state a = 0
  state b = 0
  neural f(x, v, a, b) -> [3] { hidden: [24, 24], activation: tanh }
  let z = f(x, v, a, b)
  v' = z[0]
  a' = z[1]
  b' = z[2]
`)
	plain = plain[:strings.Index(plain, "  event back")] + plain[strings.Index(plain, "  observe"):]

	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	csv := "path,t,x0,v0,position\n"
	for path := range 25 {
		csv += fmt.Sprintf("%d,0,%g,%g,0\n", path, 1.4*rng.Float64()-0.9, 1.6*rng.Float64()-0.8)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	paths := func(text string, v *Values) []*Trajectory {
		m, err := Parse(filepath.Join(dir, "m.node"), strings.Replace(text, "testdata/switching.csv", "d.csv", 1))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{At: v})
		require.NoError(t, err)
		return s.Trajectories
	}
	want := paths(truth, nil)

	type result struct{ rmse, late, modes float64 }
	results := map[string]result{}
	for _, c := range []struct{ name, text string }{{"known switch", known}, {"learned switch", learned}, {"neural ODE", plain}} {
		if c.name == "neural ODE" && testing.Short() {
			continue // it is the yardstick, and the longest of the three fits
		}
		m, err := Parse("model.node", c.text)
		require.NoError(t, err)
		f, err := m.Fit(context.Background(), FitOptions{})
		require.NoError(t, err)
		var r result
		squares, n, times := 0., 0, 0
		for i, got := range paths(c.text, f.Values()) {
			clean := onGrid(want[i].Rows)
			for k, x := range onGrid(got.Rows) {
				squares += math.Pow(x-clean[k], 2)
				n++
			}
			same := len(got.Events) == len(want[i].Events)
			for k, e := range got.Events {
				if k < len(want[i].Events) {
					r.late += math.Abs(e.Time - want[i].Events[k].Time)
					times++
					same = same && e.Name == want[i].Events[k].Name
				}
			}
			if same {
				r.modes += 1. / 25
			}
		}
		r.rmse, r.late = math.Sqrt(squares/float64(n)), r.late/float64(times)
		results[c.name] = r
		t.Logf("%-14s RMSE %.3f over 20 s, events off by %.3f s, mode sequence right in %3.0f %% of paths", c.name, r.rmse, r.late, 100*r.modes)
	}
	learnedOne, knownOne := results["learned switch"], results["known switch"]
	require.InDelta(t, 1, learnedOne.modes, 1e-9)
	require.Less(t, learnedOne.late, 0.03)
	require.Less(t, learnedOne.rmse, 0.02)
	require.Less(t, knownOne.late, 0.03)
	if testing.Short() {
		return
	}
	require.Greater(t, results["neural ODE"].rmse, 1.5*learnedOne.rmse, "and it has no events to be right about")
}

// onGrid has the first state at the times of a simulation's grid, which
// events add to.
func onGrid(rows [][]float64) (x []float64) {
	for _, r := range rows {
		if next := 0.05 * float64(len(x)); math.Abs(r[0]-next) < 1e-9 {
			x = append(x, r[1])
		}
	}
	return x
}
