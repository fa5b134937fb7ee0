package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// end simulates a model and returns the last row of its only run, by column.
func end(t *testing.T, path, text string) (map[string]float64, *Simulation) {
	t.Helper()
	m, err := Parse(path, text)
	require.NoError(t, err, text)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err, text)
	rows := s.Trajectories[0].Rows
	row := map[string]float64{}
	for i, v := range rows[len(rows)-1] {
		row[s.Columns[i]] = v
	}
	return row, s
}

// TestSquareWaves: a guard that turns many times within a step, which an easy
// right-hand side makes long, turns the branch each time: values by hand, for every
// tolerance and method.
func TestSquareWaves(t *testing.T) {
	// w' = r − k w, r = 0.02 in the first half of each unit.
	decay, w := 0.003, 1.
	for range 60 {
		for _, r := range []float64{0.02, 0} {
			w = r/decay + (w-r/decay)*math.Exp(-decay/2)
		}
	}
	for _, solver := range []string{"tsit5", "dopri5", "bosh32"} {
		for _, rtol := range []string{"1e-2", "1e-3", "1e-6", "1e-9", "1e-12"} {
			run := fmt.Sprintf("\nsimulate { %%s, solver: %s { rtol: %s, atol: %s } }\n", solver, rtol, rtol)
			light, s := end(t, "light.node", `model Light {
  param a in (0, inf) = 1
  state x = 1
  x' = if sin(2*pi*t/24) > 0 then a else 0
}`+fmt.Sprintf(run, "until: 240"))
			require.InDelta(t, 121, light["x"], 1e-9, run)
			require.Empty(t, s.Unproven)
			tree, _ := end(t, "tree.node", `model Tree {
  state wood = 1
  wood' = (if sin(2*pi*t) > 0 then 0.02 else 0) - 0.003*wood
}`+fmt.Sprintf(run, "until: 60"))
			require.InDelta(t, w, tree["wood"], 1e-6+tolerance(rtol), run)
		}
	}
}

func tolerance(text string) (v float64) {
	_, _ = fmt.Sscan(text, &v)
	return v
}

// TestNetworkTurns: a network as the guard of a branch, of a wave whose turns the
// steps do not see: the time above is that where the same network, at 100 000
// times, is positive.
func TestNetworkTurns(t *testing.T) {
	const text = `model M {
  neural net(x) { hidden: [8, 8], activation: tanh }
  state x = 0
  x' = if net(sin(7*t)) + 0.2*sin(t) > 0.05 then 1 else 0
  let g = net(sin(7*t)) + 0.2*sin(t) - 0.05
}
`
	got, s := end(t, "net.node", text+"simulate { until: 20, solver: tsit5 { rtol: 1e-6, atol: 1e-6 } }\n")
	require.Empty(t, s.Unproven)
	m, err := Parse("net.node", text+"simulate { until: 20, step: 2e-4, outputs: [g] }\n")
	require.NoError(t, err)
	fine, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	above := 0.
	rows := fine.Trajectories[0].Rows
	for k := range rows[1:] {
		a, b := rows[k][1], rows[k+1][1]
		switch part := a / (a - b); {
		case a > 0 && b > 0:
			above++
		case a > 0:
			above += part
		case b > 0:
			above += 1 - part
		}
	}
	require.Greater(t, above*2e-4, 1., "the network does turn")
	require.Less(t, above*2e-4, 19.)
	require.InDelta(t, above*2e-4, got["x"], 1e-6)
}

// TestInputTurns: guards of inputs that data give, between their times: a spline
// that crosses its level twice between two places, and a wave of a line.
func TestInputTurns(t *testing.T) {
	for kind, guard := range map[string]string{"cubic": "u > 1", "linear": "sin(20*u) > 0", "hold": "sin(20*u + 9*t) > 0"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,u,obs\n0,0,0\n2,0.9,\n4,0.95,\n6,0.2,\n8,1.05,0\n"), 0o600))
		text := fmt.Sprintf(`model M {
  input u %s
  state x = 0
  x' = if %s then 1 else 0
  observe obs = x ~ normal(1)
}
data d from "d.csv" { time: t; u: u; obs: obs }
`, kind, guard)
		got, s := end(t, filepath.Join(dir, "m.node"), text+"simulate { until: 8 }\n")
		require.Empty(t, s.Unproven)
		m, err := Parse(filepath.Join(dir, "m.node"), strings.Replace(text, "observe", "let above = if "+guard+" then 1 else 0\n  observe", 1)+"simulate { until: 8, step: 1e-3, outputs: [above] }\n")
		require.NoError(t, err)
		fine, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		above := 0.
		for _, r := range fine.Trajectories[0].Rows {
			above += r[1] * 1e-3
		}
		require.Greater(t, above, 0.1, kind)
		require.Less(t, above, 7.9, kind)
		require.InDelta(t, above, got["x"], 0.04, kind)
	}
}

// TestGuardsThatEnd: the crossing of a guard that is not a number behind it is found;
// one that ends without a crossing is an error that names it.
func TestGuardsThatEnd(t *testing.T) {
	const text = `model M {
  state x = 0
  x' = 1
  event a when sqrt(0.5 - x) <= %s { x := -1 }
}
simulate { until: 1, outputs: [x] }
`
	got, _ := end(t, "m.node", fmt.Sprintf(text, "0.1"))
	require.InDelta(t, -1+(1-0.49), got["x"], 1e-9)
	m, err := Parse("m.node", fmt.Sprintf(text, "-0.1"))
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{})
	require.ErrorContains(t, err, "is not a number")
	require.ErrorContains(t, err, "m.node:4:16")
}

// TestUnprovenSteps: steps in which nothing bounds a guard are counted, and the run
// says which guard it is.
func TestUnprovenSteps(t *testing.T) {
	_, s := end(t, "m.node", `model M {
  state x = 1
  x' = 0.01
  event a when falling(sin(1e6*t)^2 + cos(1e6*t)^2 - 0.5) { x := 0 }
}
simulate { until: 1 }
`)
	require.Positive(t, s.Stats.Unproven)
	require.Contains(t, s.Unproven, "of `falling(")
	require.Contains(t, s.Unproven, "m.node:4:16")
}
