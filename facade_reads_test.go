package pinode

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// described has something of everything that a model tells of itself.
const described = `model Part {
  state z = 1
  z' = -z
}
model Whole {
  time t: s
  covariate m: kg
  param k: 1/s in (0, inf) = 2
  neural f(x: m, t) -> N { hidden: [2] }
  state x[2]: m = [1, 2]
  discrete n = 0
  let force = f(x[0], t)
  let unit = x[0]*k
  x' = [-k*x[0] + 0*force/m*1 [s], -x[1]*k]
  event hit on data { n := n + 1 }
  conserve twice = x[0] + 0*x[1]
  observe y[2]: m = x ~ normal(0.1 [m])
  observe seen: m
}
data a from "d.csv" { time: t, trajectory: id, y: [u, v], m: m, hit: { where: u > 1 } }
data b from "other.csv" { time: t, y: [u, v], m: m }
`

// TestModelTellsOfItself: names, labels, units, files and sets, of the main model or of one that is named.
func TestModelTellsOfItself(t *testing.T) {
	m := fromText(t, described, "id,t,m,u,v\n1,0,3,1,2\n")
	require.Equal(t, "Whole", m.Name())
	part, err := Parse("p.node", described[:strings.Index(described, "data a")], "Part")
	require.NoError(t, err)
	require.Equal(t, "Part", part.Name())
	require.Equal(t, []string{"z"}, part.States())
	dir := filepath.Dir(m.Path())
	require.Equal(t, []string{m.Path(), filepath.Join(dir, "d.csv"), filepath.Join(dir, "other.csv")}, m.Files())
	require.NoError(t, m.SetData("b", "/elsewhere.csv"))
	require.ElementsMatch(t, []string{m.Path(), filepath.Join(dir, "d.csv"), "/elsewhere.csv"}, m.Files())
	require.ErrorContains(t, m.SetData("c", "x"), "there is no data block `c`; there is a, b")
	require.Equal(t, []string{"a", "b"}, m.DataSets())
	require.Equal(t, []string{"x[0]", "x[1]", "n"}, m.States())
	require.Equal(t, []string{"y[0]", "y[1]"}, m.Observations())
	require.Equal(t, []string{"twice"}, m.Conserved())
	labels := m.Labels()
	require.Contains(t, labels["t"], "s")
	require.Contains(t, labels["f(0)"], "m")
	require.Contains(t, strings.Join(m.InferredUnits(), "; "), "unit: m/s")
	for _, word := range []string{"2 states", "1 event"} {
		require.Contains(t, m.String(), word)
	}
	require.Same(t, m.prog.Program, m.Program())
	require.NotEmpty(t, m.Warnings().All, "`seen` is not used")
	require.Empty(t, m.Doubts().All, "nothing was read")
	places, err := Parse("p.node", "model H {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = -u\n}\ngrid { x: 4 cells }\nsimulate { at: \"p.csv\", until: 1 }")
	require.NoError(t, err)
	require.Equal(t, []string{"p.node", "p.csv"}, places.Files())
	_, err = Load(filepath.Join(dir, "none.node"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Parse("p.node", "model M {\n  x' = 1\n}")
	var mistakes *Diagnostics
	require.ErrorAs(t, err, &mistakes)
}

// TestChecks: what a fit and a simulation would refuse is all said, once.
func TestChecks(t *testing.T) {
	model := func(settings string) *Model {
		return fromText(t, falling+settings, fallingRows)
	}
	require.Empty(t, model("simulate { until: 1, step: 0.5 }\n").Check())
	require.Len(t, fromText(t, falling+"simulate { until: 1, step: 0.5 }\n", "id,m,t\na,1,0\n").Check(), 1, "a column that is missing is said once")
	one, two := errors.New("one"), errors.New("two")
	require.Equal(t, []error{one, two, one}, unjoined(errors.Join(one, errors.Join(two, one))))
	require.Nil(t, unjoined(nil))
	require.Equal(t, []error{one}, unjoined(one))
	missing := fromText(t, falling, "id,m,t\na,1,0\n")
	require.NotEmpty(t, missing.Check())
	require.Empty(t, fromText(t, "model M {\n  state x = 1\n  x' = -x\n}\n", "").Check(), "nothing is asked for")
}

// TestRunErrors: a run that fails says of which trajectory, when and how.
func TestRunErrors(t *testing.T) {
	fail := sim.NewFailure(sim.Unstable, 1.25, "x grew")
	err := public(&explain.RunError{Trajectory: "id=a", Fail: fail, Text: "x is too large"})
	var run *RunError
	require.ErrorAs(t, err, &run)
	require.Equal(t, RunError{"id=a", 1.25, sim.Unstable, "x is too large", fail}, *run)
	require.EqualError(t, err, "trajectory id=a, t = 1.25: x is too large")
	require.ErrorIs(t, err, fail)
	run.Trajectory = ""
	require.EqualError(t, err, "t = 1.25: x is too large")
	other := errors.New("other")
	require.Same(t, other, public(other))
	require.NoError(t, public(nil))

	m, err := Parse("m.node", "model M {\n  param k = 1\n  state x = 1\n  x' = k*x^2\n}\nsimulate { until: 2, step: 0.25 }")
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.ErrorAs(t, err, &run)
	require.InDelta(t, 1, run.Time, 1e-5, "x = 1/(1 − t)")
	require.InDeltaSlice(t, []float64{1, 4. / 3, 2, 4}, s.Column("x")[:4], 1e-4)
	require.True(t, s.Trajectories[0].Status.Failed())
}

// TestCertificateByHand: the derivatives of a certificate are those of closed forms, in all modes and with
// how far they are apart.
func TestCertificateByHand(t *testing.T) {
	m := fallingModel(t)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified())
	require.Equal(t, GradientModes(), c.Modes)
	GradientModes()[0] = "changed"
	require.NotEqual(t, "changed", GradientModes()[0])
	rows := map[string][][3]float64{"id=a": {{0, 2, 2.3}, {1, 2, 1.2}}, "id=b": {{2, 3, 1.9}}, "id=c": {{1, 1, 0.1}, {3, 1, 0.4}}}
	along := map[string]float64{} // the share of k in the direction
	for _, target := range c.Targets {
		slope, n := 0., 0.
		for name, list := range rows {
			if target.Name != "loss of "+name && target.Name != "loss of all trajectories" {
				continue
			}
			for _, r := range list {
				pred := r[1] * math.Exp(-0.4*r[0])
				slope += (r[2] - pred) / 0.25 * r[0] * pred
				n++
			}
		}
		require.Equal(t, -1, target.Event)
		for _, row := range target.Rows {
			want := slope / n
			if row.Direction {
				along[target.Name] = row.Difference / want
				want = row.Difference
			} else {
				require.Equal(t, "loss of id=a", target.Name, "it is compared where it acts, once")
				require.Equal(t, "k", row.Name)
			}
			require.False(t, row.Weight)
			require.Empty(t, row.Failed)
			require.Empty(t, row.Doubtful)
			require.InDelta(t, want, row.Difference, 1e-6)
			require.Less(t, row.Uncertainty, 1e-6)
			require.Len(t, row.Gradient, len(c.Modes))
			for i, g := range row.Gradient {
				require.InDelta(t, want, g, 1e-7*(1+math.Abs(g)), c.Modes[i])
				require.InDelta(t, math.Abs(g-row.Difference), row.Off[i]*math.Abs(row.Difference), 1e-9)
			}
		}
	}
	require.Len(t, along, 4)
	for name, v := range along {
		require.InDelta(t, along["loss of id=a"], v, 1e-5, name)
	}
	require.Equal(t, 0, c.Doubtful)
	require.Positive(t, c.Compared)
	require.LessOrEqual(t, c.Worst, c.Tolerance)
	require.Empty(t, c.Inert)

	// Without data: of the state at the end, and of the time of an event, t = log(2)/k.
	alone, err := Parse("m.node", "model M {\n  param k = 0.5\n  param idle = 1\n  state x = 1\n  discrete n = 0\n  x' = -k*x\n  event half when x <= 0.5 { n := n + 1 }\n  let i = idle\n}\nsimulate { until: 3, step: 1 }")
	require.NoError(t, err)
	c, err = alone.Certify(t.Context(), 5)
	require.NoError(t, err)
	require.True(t, c.Certified())
	require.Equal(t, []string{"idle"}, c.Inert)
	require.Len(t, c.Events, 1)
	require.Equal(t, "half", c.Events[0].Name)
	require.InDelta(t, 2*math.Ln2, c.Events[0].Time, 1e-5)
	require.Greater(t, c.Events[0].Transversality, 0.1)
	timed := false
	for _, target := range c.Targets {
		if target.Event == 0 {
			timed = true
			require.InDelta(t, -math.Ln2/0.25, target.Rows[0].Difference, 1e-4)
		}
	}
	require.True(t, timed)
	for _, bad := range []*Certificate{{Worst: 2, Tolerance: 1, Compared: 1}, {Tolerance: 1}} {
		require.False(t, bad.Certified())
	}
	require.True(t, (&Certificate{Worst: 1, Tolerance: 1, Doubtful: 1}).Certified())
}

// TestFitTells: what a fit is to be and has come to, in coordinates and by name.
func TestFitTells(t *testing.T) {
	m := fromText(t, falling+"fit { certificate: full, stop: { max_time: 90 }, optimizer: lbfgs { iterations: 20 } }\n", fallingRows)
	f, err := m.NewFit(FitOptions{Set: map[string]float64{"k": 0.3}})
	require.NoError(t, err)
	require.Empty(t, f.Status)
	require.Nil(t, f.Verdict)
	require.Equal(t, "full", f.CertificateKind())
	require.True(t, f.Adaptive())
	require.Equal(t, 90*time.Second, f.MaxTime().Round(time.Second))
	require.False(t, f.Late())
	require.Zero(t, f.Weights())
	k := f.Params["k"]
	require.True(t, math.IsNaN(k.StdErr))
	k.StdErr = 0
	require.Equal(t, Param{Name: "k", Unit: "1", Value: 0.3, Start: 0.3, Lo: math.Inf(-1), Hi: math.Inf(1)}, k)
	loss, start, err := f.Objective()
	require.NoError(t, err)
	require.Len(t, start, loss.Dim())
	v, err := f.ValuesAt(start)
	require.NoError(t, err)
	require.InDelta(t, 0.3, v.Params["k"], 1e-14)
	require.Same(t, v, v.Values())
	_, err = f.ValuesAt(append(start, 1))
	require.ErrorContains(t, err, "2 coordinates, where the fit has 1")
	require.NoError(t, f.Run(t.Context()))
	require.NotEmpty(t, f.Status)
	require.Equal(t, f.State.Status, f.Status)
	require.Equal(t, f.Params["k"], f.Estimates[0])
	require.Equal(t, f.Params["k"].Value, f.Values().Params["k"])
	require.Equal(t, 5, f.Train.Values)
	require.Equal(t, 3, f.Train.Trajectories)
	require.NotNil(t, f.Verdict)
	require.Equal(t, f.inner.Verdict.Word, f.Verdict.Word)
	require.Equal(t, f.inner.Verdict.Text, f.Verdict.Text)
	require.Equal(t, 5, f.Verdict.Values)
	require.InDelta(t, 0, slopeAt(t, m, f), 1e-4, "an optimum")
	require.Nil(t, (*Fit)(nil).Values())
	require.Nil(t, (*Run)(nil).Values())

	// A run that ended goes on being the model that it was, with the settings of its fit.
	dir := filepath.Join(t.TempDir(), "run")
	require.NoError(t, f.Save(dir))
	run, err := OpenRun(dir)
	require.NoError(t, err)
	again, err := run.Load()
	require.NoError(t, err)
	require.Equal(t, m.Settings(), again.Settings())
	require.Equal(t, "Falling", again.Name())
	changes, same, err := run.Changes(m)
	require.NoError(t, err)
	require.Empty(t, changes)
	require.True(t, same)
	config := filepath.Join(dir, "config.resolved.yaml")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, append(text, "# edited\n"...), 0o600))
	changes, same, err = run.Changes(m)
	require.NoError(t, err)
	require.Equal(t, []string{config + " was edited"}, changes)
	require.True(t, same)
	_, err = run.State(m)
	require.ErrorContains(t, err, config+" was edited")
	e, err := m.Evaluate(t.Context(), At(run))
	require.NoError(t, err)
	require.InDelta(t, f.Train.Loss, e.Loss, 1e-12)
	next, err := again.NewFit(FitOptions{At: run})
	require.NoError(t, err)
	require.Equal(t, f.Params["k"].Value, next.Params["k"].Start)
	require.Equal(t, dir, next.source.Params)

	unfinished := &Run{Dir: "here", Status: "failed"}
	_, err = m.Evaluate(t.Context(), At(unfinished))
	require.ErrorContains(t, err, "here: the run has no values: it is `failed`")
	_, err = m.NewFit(FitOptions{At: unfinished})
	require.ErrorContains(t, err, "the run has no values")
	_, err = m.Simulate(t.Context(), SimulateOptions{At: unfinished})
	require.ErrorContains(t, err, "the run has no values")
	_, err = m.NewSolver(1, []string{"k"}, SimulateOptions{At: unfinished})
	require.ErrorContains(t, err, "the run has no values")
	_, err = m.Compare(t.Context(), SimulateOptions{At: unfinished}, "tsit5")
	require.ErrorContains(t, err, "the run has no values")
	_, err = m.Score(t.Context(), At(unfinished))
	require.ErrorContains(t, err, "the run has no values")
	_, err = m.Distill(t.Context(), unfinished, DistillOptions{})
	require.ErrorContains(t, err, "the run has no values")
	atFit, err := m.Evaluate(t.Context(), At(f))
	require.NoError(t, err)
	require.Equal(t, f.Values().Params, atFit.At.Params, "to the last bit")
	broken := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.CopyFS(broken, os.DirFS(dir)))
	damaged, err := OpenRun(broken)
	require.NoError(t, err)
	for _, file := range []string{"model.node", "params.yaml", "run.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(broken, file), []byte("model M {\n"), 0o600))
		if file == "model.node" {
			_, err = damaged.Load()
		} else {
			_, err = OpenRun(broken)
		}
		require.Error(t, err, file)
	}
	require.NoError(t, os.Remove(filepath.Join(broken, "model.node")))
	_, err = damaged.Load()
	require.ErrorIs(t, err, os.ErrNotExist)

	other := fromText(t, strings.Replace(falling, "param k = 0.4", "param k = 0.4\n  param more = 1", 1), fallingRows)
	_, err = other.Evaluate(t.Context(), At(run))
	require.ErrorContains(t, err, "more")
	_, err = other.Evaluate(t.Context(), EvaluateOptions{At: run, Set: map[string]float64{"more": 2}})
	require.NoError(t, err, "what is set need not be in the run")
}

// slopeAt is the derivative of the loss at a fit.
func slopeAt(t *testing.T, m *Model, p Point) float64 {
	t.Helper()
	e, err := m.Evaluate(t.Context(), At(p))
	require.NoError(t, err)
	return e.LossGradient.Params["k"]
}

// TestEndsOfFits: a fit that is cancelled can be taken up, checkpoints and the time are those that are asked for.
func TestEndsOfFits(t *testing.T) {
	m := fromText(t, falling+"fit { optimizer: adam { epochs: 50 }, checkpoint_every: 1 }\n", fallingRows)
	kept := 0
	f, err := m.NewFit(FitOptions{MaxTime: time.Hour, Checkpoint: func(s *fit.State) error { kept++; return nil }})
	require.NoError(t, err)
	require.InDelta(t, 3600, f.MaxTime().Seconds(), 5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, f.Run(ctx))
	require.Equal(t, fit.Interrupted, f.Status)
	on, err := m.Fit(t.Context(), FitOptions{Resume: f.State})
	require.NoError(t, err)
	whole, err := m.Fit(t.Context(), FitOptions{Checkpoint: func(s *fit.State) error { kept++; return nil }})
	require.NoError(t, err)
	require.Positive(t, kept)
	require.Equal(t, whole.Params["k"].Value, on.Params["k"].Value, "the same as in one go")
	fails := fromText(t, falling+"fit { optimizer: adam { epochs: 5 }, checkpoint_every: 1 }\n", fallingRows)
	full := errors.New("the disk is full")
	_, err = fails.Fit(t.Context(), FitOptions{Checkpoint: func(*fit.State) error { return full }})
	require.ErrorIs(t, err, full)
	drifting := fromText(t, strings.Replace(falling, "  observe", "  conserve all = x\n  observe", 1), fallingRows)
	g, err := drifting.NewFit(FitOptions{})
	require.NoError(t, err)
	drift, err := g.Drift()
	require.NoError(t, err)
	require.Positive(t, drift["all"])
}

// TestTablesOfSimulations: rows at the times of data with their residuals, tables as text, what is asked for alone.
func TestTablesOfSimulations(t *testing.T) {
	m := fallingModel(t)
	s, err := m.Simulate(t.Context(), SimulateOptions{Rows: true, Set: map[string]float64{"k": 0}})
	require.NoError(t, err)
	require.Len(t, s.Trajectories, 3)
	require.Equal(t, []string{"id=a", "id=b", "id=c"}, []string{s.Trajectories[0].Name, s.Trajectories[1].Name, s.Trajectories[2].Name})
	require.Equal(t, []float64{0, 1, 2, 1, 3}, s.Column("t"))
	require.InDeltaSlice(t, []float64{2, 2, 3, 1, 1}, s.Column("x"), 1e-12)
	require.Empty(t, s.Explanation)
	require.Empty(t, s.Events())
	require.Len(t, s.Units, len(s.Columns))
	require.Positive(t, s.Stats.Steps)
	var b bytes.Buffer
	require.NoError(t, s.WriteCSV(&b))
	require.Len(t, strings.Split(strings.TrimSpace(b.String()), "\n"), 6)
	require.True(t, strings.HasPrefix(b.String(), "trajectory,"+strings.Join(s.Columns, ",")))

	list, err := m.Score(t.Context(), EvaluateOptions{Set: map[string]float64{"k": 0}})
	require.NoError(t, err)
	b.Reset()
	require.NoError(t, WriteResiduals(&b, list))
	require.Equal(t, "trajectory,split,t,observation,data,prediction,residual", strings.SplitN(b.String(), "\n", 2)[0])
	require.Contains(t, b.String(), "id=b,train,2,y,1.9,3,")

	alone, err := Parse("m.node", "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n}\nsimulate { until: 2, step: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }")
	require.NoError(t, err)
	s, err = alone.Simulate(t.Context(), SimulateOptions{Until: 4, Explain: true})
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 2, 3, 4}, s.Column("t"))
	require.NotEmpty(t, s.Explanation)
	rows, err := alone.Compare(t.Context(), SimulateOptions{}, "tsit5", "rodas4")
	require.NoError(t, err)
	require.Equal(t, "tsit5", rows[0].Solver)
	require.Positive(t, rows[0].Steps)
	require.Positive(t, rows[0].Evaluations)
	_, err = alone.Compare(t.Context(), SimulateOptions{}, "none")
	require.ErrorContains(t, err, "none")
	_, err = alone.Simulate(t.Context(), SimulateOptions{Set: map[string]float64{"z": 1}})
	require.ErrorContains(t, err, "z")

	solver, err := alone.NewSolver(1, []string{"k", "x"}, SimulateOptions{})
	require.NoError(t, err)
	_, err = solver.Gradient([]float64{1})
	require.ErrorContains(t, err, "nothing was run yet")
	require.NoError(t, solver.Run([]float64{0.5, 3}))
	require.InDelta(t, 3*math.Exp(-1), solver.Ends[0][0], 1e-8)
	require.Positive(t, solver.Stats().Steps)
	g, err := solver.Gradient([]float64{2})
	require.NoError(t, err)
	require.InDelta(t, 2*-2*3*math.Exp(-1), g[0], 1e-6)
	_, err = solver.Gradient([]float64{1, 2})
	require.ErrorContains(t, err, "2 weights of states at the end, where the model has 1 states")
	many, err := alone.NewSolver(2, []string{"k"}, SimulateOptions{})
	require.NoError(t, err)
	_, err = many.Gradient(nil)
	require.ErrorContains(t, err, "of one trajectory, not of 2")
	bad, err := Parse("m.node", "model M {\n  param k = 1\n  state x = 1\n  x' = k*x^2\n}\nsimulate { until: 2, step: 1 }")
	require.NoError(t, err)
	explodes, err := bad.NewSolver(2, []string{"k"}, SimulateOptions{})
	require.NoError(t, err)
	var run *RunError
	require.ErrorAs(t, explodes.Run([]float64{0.1}, []float64{1}), &run)
	require.NoError(t, explodes.Fails[0])
	require.ErrorAs(t, explodes.Fails[1], &run)
	require.InDelta(t, 1, run.Time, 1e-4)
}

// TestDumps: a model prints at each stage, with the steps of the solver of its fit or of its simulation.
func TestDumps(t *testing.T) {
	m := fallingModel(t)
	for stage, word := range map[string]string{"ast": "Name: Falling", "model": "param k", "graph": "rhs", "plan": "rhs"} {
		var b bytes.Buffer
		require.NoError(t, m.Dump(&b, stage))
		require.Contains(t, b.String(), word, stage)
	}
	require.Error(t, m.Dump(&bytes.Buffer{}, "none"))
	alone, err := Parse("m.node", "model M {\n  state x = 1\n  x' = -x\n}\nsimulate { solver: none }")
	if err == nil {
		err = alone.Dump(&bytes.Buffer{}, "graph")
	}
	require.ErrorContains(t, err, "none")
	for _, name := range []string{"tsit5", "bdf"} {
		require.Contains(t, Solvers(), name)
	}
	codes := map[string]bool{}
	for _, c := range Explanations() {
		codes[c.Name] = true
	}
	require.True(t, codes["unit-mismatch"] && codes["step_too_small"])
}
