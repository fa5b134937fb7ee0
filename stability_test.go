package pinode

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// unseen are models with states that stay exactly zero and have fast rates, `fast`:
// from the start, oscillating, from some time on, from an event at a time or on a
// guard, and at rest until it comes. So the derivative by `fast` is zero, and that
// by k the one of a' = −ka.
var unseen = map[string]string{
	"decay":       "state b = 0\n  b' = -fast*b",
	"oscillation": "state b = 0\n  state c = 0\n  b' = fast*c - 0.1*fast*b\n  c' = -fast*b - 0.1*fast*c",
	"undamped":    "state b = 0\n  state c = 0\n  b' = fast*c\n  c' = -fast*b",
	"exchange":    "state b = 0\n  state c = 0\n  b' = fast*(c - b)\n  c' = fast*(b - c)",
	"late":        "state b = 0\n  b' = -fast/(1 + exp(-9*(t - 1)))*b",
	"early":       "state b = 0\n  b' = -fast/(1 + exp(200*(t - 0.9)))*b",
	"timed":       "discrete on = 0\n  state b = 0\n  b' = -fast*on*b\n  event start at t = 1.1 { on := 1 }",
	"guarded":     "discrete on = 0\n  state b = 0\n  b' = -fast*on*b\n  event start when a <= 0.8 { on := 1 }",
	"squared":     "state b = 0\n  b' = -fast*b*a^2 - b^2",
	"square root": "state b = 0\n  state c = 1\n  b' = -fast*b\n  c' = -sqrt(c)*b",
}

// TestUnseenRates: derivatives in every mode are those of the solution, and the
// steps that lanes take by themselves, that are taken stage by stage, and that a
// small tape finds again have the same bits.
func TestUnseenRates(t *testing.T) {
	dir := stressData(t)
	for i, name := range slices.Sorted(maps.Keys(unseen)) {
		more := unseen[name]
		text := "model M {\n  param k in (0, inf) = 0.3\n  param fast in (0, inf) = 600\n  state a = 1\n  a' = -k*a\n  " + more + "\n" +
			"  observe obs = a + b ~ normal(1)\n}\ndata d from \"d.csv\" { trajectory: traj; time: t; obs: obs }\n"
		m, err := Parse(filepath.Join(dir, "m.node"), text)
		require.NoError(t, err, name)
		if i%2 == 0 || !testing.Short() {
			c, err := m.Certify(t.Context(), 9)
			require.NoError(t, err, name)
			require.Less(t, c.Worst, 1e-6, "%s: %s", name, c.Where)
		}
		f, err := m.NewFit(FitOptions{Workers: 1})
		require.NoError(t, err)
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		for k, mode := range gradcheck.Modes {
			if (i+k)%2 > 0 && !nightly() { // each model and each mode by day, all pairs at night
				continue
			}
			opt := sim.Options{Method: solvers.Tsit5, RTol: 1e-7, ATol: 1e-9}
			told := fmt.Sprintf("%s, %s", name, mode)
			eval := func(opt sim.Options, grad []float64) (*loss.Objective, float64) {
				o, err := loss.NewObjective(m.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, nil, opt, mode, 0, 1)
				require.NoError(t, err)
				res, err := o.Eval(t.Context(), x, nil, 1, grad)
				require.NoError(t, err)
				require.False(t, res.Failed, told)
				return o, res.Loss
			}
			grad, again := make([]float64, len(x)), make([]float64, len(x))
			_, loss := eval(opt, nil)
			o, same := eval(opt, grad)
			require.Equal(t, loss, same, told)
			traj := o.LossWorkers[0].Block[3].Traj
			require.Greater(t, traj.Stats.Steps, 130, told) // half of the way at 600/3.5
			require.Less(t, traj.Stats.Steps, 2500, told)
			want := 0. // Σ (a − datum) ∂a/∂log k / values, with ∂a/∂log k = −kt a
			values := 0.
			for _, it := range o.Trajectories {
				for _, r := range it.Rows {
					at := it.Span.Saves[r.Save()]
					a := math.Exp(-0.3 * at)
					want -= (a - r.Data()[0]) * 0.3 * at * a
					values++
				}
			}
			require.InEpsilon(t, want, grad[0]*values, 1e-4, told)
			require.Zero(t, grad[1], told)

			small := opt
			small.Memory = 300
			eval(small, again)
			require.InEpsilon(t, grad[0], again[0], 1e-9, told)
			require.Zero(t, again[1], told)

			var stages sim.Trajectory
			w, it := o.Workers[0], o.Trajectories[3]
			w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
			w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
			require.NoError(t, sim.New(engine.NewHybrid(m.prog.Program), w.System.Size, opt, nil).Run(w.System, &it.Span, &stages), told)
			require.Equal(t, stages.Stats.Steps, traj.Stats.Steps, told)
			require.Equal(t, stages.Y, traj.Y, told)
			require.Equal(t, stages.SaveY, traj.SaveY, told)
		}
	}
}

const rober = `model Rober {
  state a = 1
  state b = 0
  state c = 0
  a' = -0.04*a + 1e4*b*c
  b' = 0.04*a - 1e4*b*c - 3e7*b^2
  c' = 3e7*b^2
}
simulate { until: 40, times: [40], solver: SOLVER }`

// TestStiffWarning: a stiff model is warned of, at the equation that makes it so, and
// with the tolerance that the warning asks for the values are those of the
// literature (E. Hairer, G. Wanner, Solving ODEs II, IV.1).
func TestStiffWarning(t *testing.T) {
	for _, solver := range []string{"tsit5 { atol: 1e-13 }", "dopri5 { atol: 1e-13 }", "bosh32 { atol: 1e-13 }"} {
		m, err := Parse("rober.node", strings.Replace(rober, "SOLVER", solver, 1))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		rows := s.Trajectories[0].Rows
		for i, want := range []float64{.71582706871940509, 9.1855347645577639e-6, .28416374574583035} {
			require.InEpsilon(t, want, rows[len(rows)-1][i+1], 1e-4, solver)
		}
		require.Len(t, s.Warnings.All, 1)
		w := s.Warnings.All[0]
		require.Equal(t, "stiff", w.Code)
		require.Contains(t, w.Message, "`b`")
		require.Contains(t, w.Help, "1e-13")
		require.Equal(t, 6, w.Span.Pos().Line)
	}
}

// TestBelowTolerance: Robertson's reactions to 1e11, where a tolerance above all that is left of the first substance lets its
// error fall below zero, where it grows without end, end with a warning that says so, or are right.
func TestBelowTolerance(t *testing.T) {
	text := strings.Replace(rober, "until: 40, times: [40]", "until: 1e11, times: [1e11]", 1)
	warned := 0
	for _, solver := range []string{"radau", "bdf", "kvaerno5", "rodas5p", "auto"} {
		for _, atol := range []string{"1e-2", "1e-3", "1e-4", "1e-12"} {
			m, err := Parse("rober.node", strings.Replace(text, "SOLVER", solver+" { rtol: 1e-3, atol: "+atol+" }", 1))
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			if err != nil {
				require.NotEqual(t, "1e-12", atol, solver)
				continue
			}
			rows := s.Trajectories[0].Rows
			if len(s.Warnings.All) > 0 {
				require.Equal(t, "below-atol", s.Warnings.All[0].Code)
				require.Equal(t, 5, s.Warnings.All[0].Span.Pos().Line)
				require.NotEqual(t, "1e-12", atol, solver)
				warned++
				continue
			}
			require.InDelta(t, 1, rows[len(rows)-1][3], 1e-2, "%s at %s", solver, atol)
		}
	}
	require.Positive(t, warned)
}

// TestStiffFit: a fit by an explicit method warns of what its runs at the result tell, and finds the rate of
// exact data beside one that they say nothing of.
func TestStiffFit(t *testing.T) {
	dir := t.TempDir()
	csv := "t,total\n"
	for _, at := range []float64{0, 50, 100, 150} {
		csv += fmt.Sprintf("%g,%.17g\n", at, 10*math.Exp(-0.03*at))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	text := "model M {\n  param slow in (0, inf) = 0.02\n  param fast in (0, inf) = 100\n  state a = 10\n  state b = 0\n  a' = -slow*a\n  b' = -fast*b\n" +
		"  observe total = a + b ~ normal(0.2)\n}\ndata d from \"d.csv\" { time: t; total: total }\nfit { solver: tsit5; optimizer: lbfgs { iterations: 30 } }\n"
	m, err := Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	f, err := m.Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.InEpsilon(t, 0.03, f.Values().Params["slow"], 1e-4)
	require.Equal(t, 100., f.Values().Params["fast"])
	require.Len(t, f.Warnings.All, 2)
	require.Equal(t, "unidentified", f.Warnings.All[1].Code)
	require.Contains(t, f.Warnings.All[1].Message, "`fast`")
	require.Equal(t, "stiff", f.Warnings.All[0].Code)
	require.Contains(t, f.Warnings.All[0].Message, "`b`")
}

// TestStiffFailure: a run that has no steps left says that the model is stiff.
func TestStiffFailure(t *testing.T) {
	m, err := Parse("rober.node", strings.Replace(strings.Replace(rober, "SOLVER", "tsit5 { max_steps: 10000 }", 1), "until: 40, times: [40]", "until: 1e5", 1))
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{})
	require.ErrorContains(t, err, "10000 steps did not reach t = 100000; the model is stiff")
	require.ErrorContains(t, err, "most of all for `b`, by the equation at rober.node:6:8")
}

// TestNotStiff: no warning for the models that come with the program, nor for one
// that comes to rest.
func TestNotStiff(t *testing.T) {
	for _, path := range models(t) {
		m, err := Load(path)
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		if err != nil {
			require.ErrorContains(t, err, "how long to simulate", path)
			continue
		}
		require.Empty(t, s.Warnings.All, path)
	}
	m, err := Parse("rest.node", "model Rest {\n  state x = 1\n  x' = -x\n}\nsimulate { until: 500 }")
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	require.Empty(t, s.Warnings.All)
}
