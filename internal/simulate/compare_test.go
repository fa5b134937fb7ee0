package simulate_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

const decay = `model Decay {
  param k = 0.7
  state x = 2
  x' = -k*x
}
simulate { until: 1.5, times: [1.5], solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

// TestCompare: errors of a work–precision table are those by the closed form, and the work is
// that of a simulation with that solver.
func TestCompare(t *testing.T) {
	m, err := pinode.Parse("decay.node", decay)
	require.NoError(t, err)
	rows, err := m.Compare(t.Context(), pinode.SimulateOptions{}, "bosh32", "vern7", "heun")
	require.NoError(t, err)
	require.Len(t, rows, 5+5+4)
	for i, r := range rows {
		require.Empty(t, r.Failed)
		require.Positive(t, r.Time)
		if i > 0 && rows[i-1].Solver == r.Solver {
			require.Less(t, r.Error, rows[i-1].Error+1e-14, "%+v", r)
			require.GreaterOrEqual(t, r.Evaluations, rows[i-1].Evaluations)
		}
		again, err := pinode.Parse("decay.node", decay)
		require.NoError(t, err)
		require.NoError(t, again.Set("simulate.solver", r.Solver, "test"))
		if r.Step > 0 {
			require.NoError(t, again.Set("simulate.solver.step", "0.00375", "test"))
			if math.Abs(r.Step-0.00375) > 1e-12 {
				continue
			}
		} else {
			require.NoError(t, again.SetTree(map[string]any{"simulate": map[string]any{"solver": map[string]any{r.Solver: map[string]any{"rtol": r.RTol, "atol": r.RTol * 1e-2}}}}, "test"))
		}
		s, err := again.Simulate(t.Context(), pinode.SimulateOptions{})
		require.NoError(t, err)
		want := 2 * math.Exp(-0.7*1.5)
		require.InDelta(t, math.Abs(s.Column("x")[0]-want)/2, r.Error, 1e-3*r.Error+1e-12, "%+v", r)
		require.Equal(t, s.Stats.Steps, r.Steps)
		require.Equal(t, s.Stats.Evaluations, r.Evaluations)
	}
	_, err = m.Compare(t.Context(), pinode.SimulateOptions{}, "tsit6")
	require.EqualError(t, err, "there is no solver `tsit6`; did you mean `tsit5`?")
}

// TestCompareWithFailures: a solver that does not come to the end says why, and the others
// are compared.
func TestCompareWithFailures(t *testing.T) {
	m, err := pinode.Parse("m.node", `model M {
  state x = 1
  state y = 0
  x' = -1e6*(x - y)
  y' = 1 - y
}
simulate { until: 1, times: [1], solver: tsit5 { max_steps: 2000 } }`)
	require.NoError(t, err)
	rows, err := m.Compare(t.Context(), pinode.SimulateOptions{}, "tsit5", "rodas5p")
	require.NoError(t, err)
	for _, r := range rows {
		if r.Solver == "tsit5" {
			require.Contains(t, r.Failed, "2000 steps")
			require.True(t, math.IsNaN(r.Error))
		} else {
			require.Empty(t, r.Failed)
			require.Less(t, r.Error, 100*r.RTol)
		}
	}
}

// TestExplanation: what the steps did, in words, by a grid of steps, and by a run with
// events, whose numbers and results are those of a run that is not explained.
func TestExplanation(t *testing.T) {
	m, err := pinode.Parse("m.node", `model M {
  state x = 1
  x' = -x
}
simulate { until: 1, solver: rk4 { step: 0.125 } }`)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), pinode.SimulateOptions{Explain: true})
	require.NoError(t, err)
	require.Equal(t, `solver       rk4, step 0.125
steps        8 accepted, 0 rejected
evaluations  33 of the right-hand side
lengths      least 0.125 at t = 0, median 0.125, largest 0.125 at t = 0.875
switches     0 turns of conditions in the right-hand side
events       none
`, s.Explanation)
	m, err = pinode.Load("../../models/bouncing_ball.node")
	require.NoError(t, err)
	s, err = m.Simulate(t.Context(), pinode.SimulateOptions{Explain: true})
	require.NoError(t, err)
	quiet, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.Empty(t, quiet.Explanation)
	require.Equal(t, quiet.Stats, s.Stats)
	for i := range s.Trajectories {
		require.Equal(t, quiet.Trajectories[i].Rows, s.Trajectories[i].Rows)
	}
	require.Contains(t, s.Explanation, "runs         20\n")
	require.Contains(t, s.Explanation, "events       53: `bounce` 53\n")
	require.Regexp(t, `steps        \d+ accepted, [1-9]\d* rejected\n`, s.Explanation)
	require.Regexp(t, `rejections   between t = [\d.]+ and [\d.]+\n`, s.Explanation)
}

// TestTolerancesExplained: absolute tolerances that follow the sizes of states are told from the least to the largest.
func TestTolerancesExplained(t *testing.T) {
	for atol, want := range map[string]string{"": "1e-14 … 4e-09 by the sizes of the states", ", atol: 1e-7": "1e-07"} {
		m, err := pinode.Parse("m.node", `model M {
  state x = 4e-3
  state y = 1e-8
  x' = -x
  y' = -y
}
simulate { until: 1, solver: tsit5 { rtol: 1e-6`+atol+` } }`)
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), pinode.SimulateOptions{Explain: true})
		require.NoError(t, err)
		require.Contains(t, s.Explanation, want+"\n")
	}
}
