package pinode

import (
	"bytes"
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

const meanText = `model Mean {
  param m ~ normal(0, 2) in (-10, 10) = 2
  param s in (0, inf) = 0.5
  neural net(t) -> 1 { hidden: [2], l2: 0.1 }
  observe y = m + 0*net(t) ~ normal(s)
  loss extra = (m - 1)^2 { weight: 3 }
}
data d from "d.csv" { trajectory: id; time: t; y: y }`

// TestEvaluate: the log-likelihood and its gradient are those of the densities, of all
// values and of each trajectory, and leave out priors, loss terms and decay, which the
// loss has.
func TestEvaluate(t *testing.T) {
	m := fromText(t, meanText, "id,t,y\na,0,1\na,1,3\nb,0,5\nb,1,\n")
	e, err := m.Evaluate(t.Context(), At(&Values{Params: map[string]float64{"m": 1.5, "s": 0.8}}))
	require.NoError(t, err)
	density := func(list ...float64) (v, byM, byS float64) {
		for _, y := range list {
			z := (y - 1.5) / 0.8
			v -= 0.5*z*z + math.Log(0.8*math.Sqrt(2*math.Pi))
			byM += z / 0.8
			byS += (z*z - 1) / 0.8
		}
		return v, byM, byS
	}
	v, byM, byS := density(1, 3, 5)
	require.InDelta(t, v, e.LogLikelihood, 1e-12)
	require.Equal(t, 3, e.Values)
	require.InDelta(t, byM, e.Gradient.Params["m"], 1e-11)
	require.InDelta(t, byS, e.Gradient.Params["s"], 1e-11)
	for i, list := range [][]float64{{1, 3}, {5}} {
		v, byM, byS := density(list...)
		tr := e.Trajectories[i]
		require.Equal(t, []string{"id=a", "id=b"}[i], tr.Name)
		require.Equal(t, len(list), tr.Values)
		require.InDelta(t, v, tr.LogLikelihood, 1e-12)
		require.InDelta(t, byM, tr.Gradient.Params["m"], 1e-11)
		require.InDelta(t, byS, tr.Gradient.Params["s"], 1e-11)
	}
	inside := math.Erf(10 / (2 * math.Sqrt2)) // of the interval, which the density is over
	prior := 0.5*(1.5/2)*(1.5/2) + math.Log(2*math.Sqrt(2*math.Pi)*inside)
	require.InDelta(t, prior/3, e.Terms["priors"], 1e-12)
	require.InDelta(t, 3*0.25, e.Terms["extra"], 1e-12)
	require.InDelta(t, -v/3, e.Terms["y"], 1e-12)
	squares := 0.
	for name, g := range e.LossGradient.Weights {
		w := e.At.Weights[name]
		require.Len(t, g, len(w))
		for i := range g {
			squares += w[i] * w[i]
			require.InDelta(t, 2*0.1*w[i], g[i], 1e-12, name)
			require.Zero(t, e.Gradient.Weights[name][i])
		}
	}
	require.Positive(t, squares)
	require.InDelta(t, 0.1*squares, e.Terms["weight decay"], 1e-12)
	require.InDelta(t, e.Terms["y"]+e.Terms["extra"]+e.Terms["priors"]+e.Terms["weight decay"], e.Loss, 1e-12)
	require.InDelta(t, -byM/3+3*2*0.5+1.5/4/3, e.LossGradient.Params["m"], 1e-11)
}

// TestEvaluateWithoutDensity: squares of an observation without a distribution are no
// log-likelihood.
func TestEvaluateWithoutDensity(t *testing.T) {
	m := fromText(t, "model M {\n  param m = 2\n  observe y = m\n}\ndata d from \"d.csv\" { time: t; y: y }", "t,y\n0,1\n")
	e, err := m.Evaluate(t.Context(), EvaluateOptions{})
	require.NoError(t, err)
	require.True(t, math.IsNaN(e.LogLikelihood))
	require.False(t, math.IsNaN(e.Loss))
	_, err = m.Evaluate(t.Context(), At(&Values{Params: map[string]float64{"q": 1}}))
	require.ErrorContains(t, err, "the model has no parameter `q`")
}

// TestEvaluateFails: a run that fails is an error with its trajectory and time.
func TestEvaluateFails(t *testing.T) {
	m := fromText(t, "model M {\n  param k = 1\n  state x = 1\n  x' = k*x^2\n  observe y = x ~ normal(1)\n}\ndata d from \"d.csv\" { trajectory: id; time: t; y: y }",
		"id,t,y\na,0.5,2\nb,2,3\n")
	_, err := m.Evaluate(t.Context(), EvaluateOptions{})
	var run *RunError
	require.ErrorAs(t, err, &run)
	require.Equal(t, "id=b", run.Trajectory)
	require.InDelta(t, 1, run.Time, 1e-3)
	require.True(t, run.Status.Failed())
	var failure *sim.Failure
	require.ErrorAs(t, err, &failure)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.Evaluate(ctx, EvaluateOptions{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.Simulate(ctx, SimulateOptions{Until: 1})
	require.ErrorIs(t, err, context.Canceled)
}

// TestAtAFit: estimates at an end of their interval are evaluated there.
func TestAtAFit(t *testing.T) {
	m := fromText(t, "model M {\n  param m in [0, 10] = 2\n  observe y = m ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; y: y }", "t,y\n0,-3\n1,-1\n")
	f, err := m.Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.Zero(t, f.Params["m"].Value)
	require.True(t, f.Params["m"].Bound)
	e, err := m.Evaluate(t.Context(), At(f))
	require.NoError(t, err)
	require.InDelta(t, -5-math.Log(2*math.Pi), e.LogLikelihood, 1e-12)
	require.InDelta(t, f.Train.Loss, e.Loss, 1e-12)
}

// TestSaveAndOpen: a folder has the values of the fit to the last digit, weights and
// scales too, and a state to go on from, for the same model only.
func TestSaveAndOpen(t *testing.T) {
	m := fromText(t, meanText+"\nfit { optimizer: adam { epochs: 5, lr: 0.1 } }", "id,t,y\na,0,1\na,1,3\nb,0,5\n")
	f, err := m.NewFit(FitOptions{Seed: 3})
	require.NoError(t, err)
	dir := filepath.Join(filepath.Dir(m.Path()), "run")
	require.NoError(t, f.Save(dir))
	run, err := OpenRun(dir)
	require.NoError(t, err)
	require.Equal(t, "running", run.Status)
	require.Empty(t, run.Values().Params)
	require.NoError(t, f.Run(t.Context()))
	require.NoError(t, f.Save(dir))
	run, err = OpenRun(dir)
	require.NoError(t, err)
	require.Equal(t, string(f.Status), run.Status)
	require.Equal(t, f.Values(), run.Values())
	require.Len(t, run.Values().Weights, 4)
	state, err := run.State(m)
	require.NoError(t, err)
	require.Equal(t, f.State.X, state.X)

	file, err := os.Open(filepath.Join(dir, "residuals.csv"))
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"trajectory", "split", "t", "observation", "data", "prediction", "residual"}, rows[0])
	require.Len(t, rows, 4)
	for i, r := range rows[1:] {
		require.Equal(t, []string{[]string{"id=a", "id=a", "id=b"}[i], "train", []string{"0", "1", "0"}[i], "y", []string{"1", "3", "5"}[i]}, r[:5])
		p, err := strconv.ParseFloat(r[5], 64)
		require.NoError(t, err)
		require.InDelta(t, f.Params["m"].Value, p, 1e-12)
		res, err := strconv.ParseFloat(r[6], 64)
		require.NoError(t, err)
		require.InDelta(t, []float64{1, 3, 5}[i]-p, res, 1e-12)
	}

	other := fromText(t, meanText+"\n# another", "id,t,y\na,0,1\n")
	_, err = run.State(other)
	require.ErrorContains(t, err, "another version")
	_, err = OpenRun(filepath.Dir(dir))
	require.ErrorContains(t, err, "is not the folder of a run")
	again, err := m.NewFit(FitOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, again.Save(filepath.Dir(dir)), "is not overwritten", "a folder of something else")
}

// TestSimulationTables: columns and tables have the numbers of the rows.
func TestSimulationTables(t *testing.T) {
	m, err := Parse("m.node", "model M {\n  state x = 1\n  discrete n = 0\n  x' = 2\n  event up at t = 0.5 { x := 10; n := 1 }\n}\nsimulate { until: 1, times: [0, 1], solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }")
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"x", "n"}, m.States())
	require.InDeltaSlice(t, []float64{0, 0.5, 0.5, 1}, s.Column("t"), 1e-12)
	require.InDeltaSlice(t, []float64{1, 2, 10, 11}, s.Column("x"), 1e-9)
	require.Nil(t, s.Column("z"))
	var b bytes.Buffer
	require.NoError(t, s.WriteEvents(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"trajectory", "event", "t", "k", "x_before", "n_before", "x_after", "n_after", "guard_rate", "transversality", "surface"}, rows[0])
	require.Len(t, rows, 2)
	require.Equal(t, []string{"", "up", "0.5", "0"}, rows[1][:4])
	require.Equal(t, []string{"0", "10", "1", "", "", ""}, rows[1][5:])
}

// TestSettings: what is set holds for what is begun later, and is told with all others.
func TestSettings(t *testing.T) {
	m, err := Parse("m.node", "model M {\n  state x = 1\n  x' = 2\n}\nsimulate { until: 1, step: 0.5 }")
	require.NoError(t, err)
	require.NoError(t, m.Set("simulate.until", "2", "a test"))
	require.NoError(t, m.SetTree(map[string]any{"simulate": map[string]any{"step": 1.}, "fit.batch": 3}, "a test"))
	tree := m.Settings()
	require.Equal(t, 2., tree["simulate"].(map[string]any)["until"])
	require.Equal(t, 3, tree["fit"].(map[string]any)["batch"])
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 2}, s.Column("t"))
	for _, bad := range [][2]string{{"until", "1"}, {"simulate", "1"}, {"simulate.", "1"}, {"plot.x", "1"}, {"simulate.until", "soon"}} {
		require.Error(t, m.Set(bad[0], bad[1], "a test"), bad[0])
	}
	require.Error(t, m.SetTree(map[string]any{"fit": 3}, "a test"))
}

// TestObserverAndSeed: options reach the fit.
func TestObserverAndSeed(t *testing.T) {
	m := fromText(t, meanText+"\nfit { optimizer: adam { epochs: 2 } }", "id,t,y\na,0,1\n")
	seen := 0
	f, err := m.Fit(t.Context(), FitOptions{Seed: 9, Observer: func(fit.Progress) { seen++ }, At: &Values{Params: map[string]float64{"m": 4}}})
	require.NoError(t, err)
	require.Equal(t, uint64(9), f.Seed())
	require.Positive(t, seen)
	require.Equal(t, 4., f.Params["m"].Start)
	require.Equal(t, 2*1+2+2*1+1, f.Weights())
}

// TestEndHasARow: the rows of a simulation end where it ends, also where the step does not
// lead there, with what happens at the end: x' = -x, and a mode that was infinite until then.
func TestEndHasARow(t *testing.T) {
	m, err := Parse("end.node", "model End {\n  state x = 1\n  discrete seen = -inf\n  x' = -x\n  event last at t = 2.7 { seen := t }\n}\nsimulate { step: 1 }")
	require.NoError(t, err)
	run, err := m.Simulate(t.Context(), SimulateOptions{Until: 2.7})
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 2, 2.7, 2.7, 2.7}, run.Column("t"))
	require.InDelta(t, math.Exp(-2.7), run.Column("x")[5], 1e-6)
	never := math.Inf(-1)
	require.Equal(t, []float64{never, never, never, never, 2.7, 2.7}, run.Column("seen"))
}
