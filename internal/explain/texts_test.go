package explain_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// reactor has all that texts name.
const reactor = `model Reactor {
  time t: s
  param k: 1/s in (0, inf) = 0.5
  param w[2] = [1, 2]
  state x: m = 1
  state v[3]: m/s = [1, 2, 3]
  discrete n = 0
  neural f(x, v[3]) -> 1/s { hidden: [4] }
  x' = -k*x + (if x > 2 [m] then 1 [m/s] else 0)
  v' = -v*f(x, v)
  event low when x < 0.1 [m] { n := n + 1 }
  event late at t = 3 [s] { x := 2*x }
  conserve total = v[0] + v[1]
  conserve all = v[2]
  observe seen[3]: m/s = w[0]*v
  observe far: m = x
}`

// TestRunErrors: a failed run says which, when and why.
func TestRunErrors(t *testing.T) {
	fail := &sim.Failure{T: 1.23456789}
	require.Equal(t, "t = 1.23457: so", (&explain.RunError{Fail: fail, Text: "so"}).Error())
	err := &explain.RunError{Trajectory: "g=a", Fail: fail, Text: "so"}
	require.Equal(t, "trajectory g=a, t = 1.23457: so", err.Error())
	require.ErrorIs(t, err, fail)
}

// TestFailures: of a state that no equation is blamed for, the largest element is named, or one that is no number, with its
// value; of a step that is too small that of the state that is.
func TestFailures(t *testing.T) {
	p := compiled(t, reactor)
	text := func(f sim.Failure, y ...float64) string {
		f.Y = append(y, 0, 0)
		return explain.Failure(p, &f)
	}
	open := sim.Failure{State: -1, Event: -1, Guard: -1, Status: sim.Unstable}
	require.Contains(t, text(open, 1, 2, -7, 3), "; `v[1]` = -7 m/s, by the equation at m.node:10:8: v' = ")
	require.Contains(t, text(open, 8, 2, -7, 3), "; `x` = 8 m, by the equation at m.node:9:8: x' = ")
	require.Contains(t, text(open, 8, 2, -7, math.NaN()), "; `v[2]` = NaN m/s")
	told := open
	told.State, told.Status = 2, sim.StepTooSmall
	require.Contains(t, text(told, 1, 2, -7, 3), ": `v[1]` = -7 m/s, by the equation at m.node:10:8: ")
	told.Status = sim.Unstable
	require.Contains(t, text(told, 1, 2, -7, 3), ": `v[1]`, by the equation at m.node:10:8: ")
	told.State, told.EndsBehind = 0, true
	require.Contains(t, text(told, 1, 2, -7, 3), "; say what holds there, as in ")
	many := open
	many.Status, many.Stiffest = sim.MaxSteps, 1
	require.True(t, strings.HasSuffix(text(many, 1, 2, 3, 4), "most of all for `x`, by the equation at m.node:9:8"), text(many, 1, 2, 3, 4))
	at := open
	at.Event, at.Status = 1, sim.ZenoLimit
	require.Contains(t, text(at, 1, 2, 3, 4), " (event `late`, m.node:12:9); say in its body what then: ")
	at.Status = sim.Unstable
	require.NotContains(t, text(at, 1, 2, 3, 4), "zeno rest")
	resting := compiled(t, "model M {\n  state h = 1\n  state v = 0\n  h' = v\n  v' = -1\n  event hit when h <= 0 {\n    v := -0.5*v\n    zeno rest { h := 0; v := 0 }\n  }\n}")
	require.NotContains(t, explain.Failure(resting, &sim.Failure{State: -1, Guard: -1, Status: sim.ZenoLimit}), "say in its body")
	at.Event, at.Guard, at.Status = -1, 0, sim.Graze
	require.Contains(t, text(at, 1, 2, 3, 4), ", of `")
}

// TestCrossings: what is said of runs is said once for all of them, with the guard and how many more there are.
func TestCrossings(t *testing.T) {
	p := compiled(t, reactor)
	said := func(stats ...sim.Stats) string {
		l := &diag.List{}
		explain.Crossings(p, l, stats)
		var all []string
		for _, d := range l.All {
			all = append(all, d.Code+": "+d.Message)
		}
		return strings.Join(all, "\n")
	}
	require.Empty(t, said(sim.Stats{}, sim.Stats{Steps: 5}))
	g := p.Model.Guards[0].Text
	one := sim.Stats{Shallow: 1, ShallowGuard: 0, ShallowT: 1.5, ShallowDepth: 2e-8}
	want := "shallow-crossing: `" + g + "` turns at t = 1.5 within 2.0e-08 of its surface only, which is less than the tolerances of the solver let the state be off: whether and when it does is not certain"
	require.Equal(t, want, said(sim.Stats{}, one))
	require.Equal(t, want+"; and there are more such crossings", said(one, one))
	require.Equal(t, "silent-start: the condition of `low` holds at the start, on its surface, and the motion leads on to where it holds: the event does not fire",
		said(sim.Stats{Silent: 1, SilentEvent: 0}))
}

// TestBelowAtol: a state that its error took to the other side of zero is named, with its own absolute tolerance.
func TestBelowAtol(t *testing.T) {
	p := compiled(t, reactor)
	l := &diag.List{}
	stats := []sim.Stats{{}, {Astray: sim.Astray{State: 3, T: 2.5}}, {Astray: sim.Astray{State: 1}}}
	explain.Astray(p, l, stats, sim.Options{ATol: 1e-6, Sizes: []float64{1, 1, 0.25, 1}})
	explain.Astray(p, l, stats[:1], sim.Options{ATol: 1e-6})
	explain.Astray(p, l, stats[1:], sim.Options{ATol: 1e-6})
	require.Len(t, l.All, 2)
	require.True(t, strings.HasPrefix(l.All[0].Message, "`v[1]` was smaller than its absolute tolerance, `atol` = 2.5e-07, when"), l.All[0].Message)
	require.Contains(t, l.All[0].Message, "has grown there, by t = 2.5 to")
	require.Contains(t, l.All[0].Help, "set `atol` far below the values of `v[1]` that")
	require.Contains(t, l.All[0].Help, "`state v >= 0`")
	require.Contains(t, l.All[1].Message, "`atol` = 1e-06, when")
}

// TestNames: what axes, columns and lines are called.
func TestNames(t *testing.T) {
	p := compiled(t, reactor)
	require.Equal(t, []string{"seen[0]", "seen[1]", "seen[2]", "far"}, explain.ObservationNames(p))
	require.Equal(t, []string{"seen[0]", "seen[1]", "seen[2]", "far"}, explain.PredictedNames(p))
	require.Equal(t, []bool{true, true, true, true}, explain.Predicted(p))
	require.Equal(t, []string{"x", "v[0]", "v[1]", "v[2]", "n"}, explain.StateNames(p))
	require.Equal(t, []string{"total", "all"}, explain.ConservedNames(p))
	require.Equal(t, map[string]string{
		"t": "t [s]", "seen[0]": "seen[0] [m/s]", "seen[1]": "seen[1] [m/s]", "seen[2]": "seen[2] [m/s]", "far": "far [m]",
		"f": "f [1/s]", "f(0)": "x [m]", "f(1)": "v[0] [m/s]", "f(2)": "v[1] [m/s]", "f(3)": "v[2] [m/s]",
	}, explain.Labels(p))
	require.Equal(t, "4 states · 3 parameters · 1 neural block (f: 25 weights) · 2 events · 2 conserved quantities", explain.Describe(p))
	require.Equal(t, "1 state", explain.Describe(compiled(t, "model M {\n  state x = 1\n  x' = 0\n}")))
	require.Equal(t, "1 step", explain.Steps(1))
	require.Equal(t, "2 steps", explain.Steps(2))
}
