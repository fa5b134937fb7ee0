package pinode

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// falling is x = m e^−kt with data of three trajectories.
const falling = `model Falling {
  param k = 0.4
  covariate m
  state x = m
  x' = -k*x
  observe y = x ~ normal(0.5)
}
data d from "d.csv" { time: t, trajectory: id, y: y, m: m }
`

const fallingRows = "id,m,t,y\na,2,0,2.3\na,2,1,1.2\nb,3,2,1.9\nc,1,1,0.1\nc,1,3,0.4\n"

func fallingModel(t *testing.T) *Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(fallingRows), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), falling)
	require.NoError(t, err)
	return m
}

// TestScores: the data of each split by hand: their likelihoods, errors, coverage and residuals.
func TestScores(t *testing.T) {
	rows := map[string][][3]float64{"a": {{0, 2, 2.3}, {1, 2, 1.2}}, "b": {{2, 3, 1.9}}, "c": {{1, 1, 0.1}, {3, 1, 0.4}}}
	const k = 0.3
	for _, c := range []struct {
		whole bool
		split string
		ids   []string
	}{{true, "all", []string{"a", "b", "c"}}, {false, "train", []string{"a", "b", "c"}}} {
		list, err := fallingModel(t).Score(context.Background(), EvaluateOptions{Set: map[string]float64{"k": k}, Whole: c.whole})
		require.NoError(t, err)
		require.Len(t, list, 1)
		got := list[0]
		require.Equal(t, c.split, got.Split)
		want, squares, n, inside50, inside95 := 0., 0., 0, 0., 0.
		var residuals []Residual
		for _, id := range c.ids {
			for _, r := range rows[id] {
				pred := r[1] * math.Exp(-k*r[0])
				z := (r[2] - pred) / 0.5
				want -= z*z/2 + math.Log(0.5*math.Sqrt(2*math.Pi))
				squares += (r[2] - pred) * (r[2] - pred)
				if n++; math.Abs(z) <= 0.6744897501960817 {
					inside50++
				}
				if math.Abs(z) <= 1.959963984540054 {
					inside95++
				}
				residuals = append(residuals, Residual{Trajectory: "id=" + id, Observation: "y", Time: r[0], Data: r[2], Prediction: pred})
			}
		}
		require.Equal(t, [2]int{len(c.ids), n}, [2]int{got.Runs, got.Values})
		require.InDelta(t, want, got.LogLikelihood, 1e-5)
		require.InDelta(t, want, got.Likelihoods["y"], 1e-5)
		require.Len(t, got.Scores, 1)
		require.Equal(t, "y", got.Scores[0].Observation)
		require.Equal(t, n, got.Scores[0].Values)
		require.InDelta(t, math.Sqrt(squares/float64(n)), got.Scores[0].RMSE, 1e-5)
		require.InDelta(t, inside50/float64(n), got.Scores[0].Coverage50, 1e-12)
		require.InDelta(t, inside95/float64(n), got.Scores[0].Coverage95, 1e-12)
		require.Len(t, got.Residuals, n)
		var table bytes.Buffer
		require.NoError(t, WriteResiduals(&table, list))
		lines := strings.Split(strings.TrimSpace(table.String()), "\n")
		require.Len(t, lines, n+1)
		for i, r := range residuals {
			require.InDelta(t, r.Prediction, got.Residuals[i].Prediction, 1e-5)
			r.Prediction = got.Residuals[i].Prediction
			require.Equal(t, r, got.Residuals[i])
			require.True(t, strings.HasPrefix(lines[i+1], fmt.Sprintf("%s,%s,%g,%s,%g,", r.Trajectory, c.split, r.Time, r.Observation, r.Data)), lines[i+1])
		}
	}
}

// TestEvaluationByTrajectory: each trajectory has its share of the likelihood and of its gradient, which add
// up to those of all; the loss is its mean with the sign turned.
func TestEvaluationByTrajectory(t *testing.T) {
	e, err := fallingModel(t).Evaluate(context.Background(), EvaluateOptions{Set: map[string]float64{"k": 0.3}, Workers: 1})
	require.NoError(t, err)
	require.Len(t, e.Trajectories, 3)
	share := func(m float64, rows ...[2]float64) (l, g float64) {
		for _, r := range rows {
			x := m * math.Exp(-0.3*r[0])
			l -= (x-r[1])*(x-r[1])/0.5 + math.Log(0.5*math.Sqrt(2*math.Pi))
			g += (x - r[1]) / 0.25 * r[0] * x
		}
		return l, g
	}
	sum, slope := 0., 0.
	for i, c := range []struct {
		name string
		m    float64
		rows [][2]float64
	}{{"id=a", 2, [][2]float64{{0, 2.3}, {1, 1.2}}}, {"id=b", 3, [][2]float64{{2, 1.9}}}, {"id=c", 1, [][2]float64{{1, 0.1}, {3, 0.4}}}} {
		l, g := share(c.m, c.rows...)
		got := e.Trajectories[i]
		require.Equal(t, c.name, got.Name)
		require.Equal(t, len(c.rows), got.Values)
		require.InDelta(t, l, got.LogLikelihood, 1e-5)
		require.InDelta(t, g, got.Gradient.Params["k"], 1e-5)
		sum, slope = sum+l, slope+g
	}
	require.InDelta(t, sum, e.LogLikelihood, 1e-5)
	require.InDelta(t, slope, e.Gradient.Params["k"], 1e-5)
	require.InDelta(t, -sum/5, e.Loss, 1e-5)
	require.InDelta(t, -slope/5, e.LossGradient.Params["k"], 1e-5)
	require.InDelta(t, -sum/5, e.Terms["y"], 1e-5)
	require.InDelta(t, 0.3, e.At.Params["k"], 1e-12)
	require.Zero(t, e.LogPrior+e.Penalties+e.Decay)
}

// TestSolverByHand: ends and gradients of runs that are done again and again, for one and several
// trajectories, and what is refused.
func TestSolverByHand(t *testing.T) {
	m, err := Parse("m.node", "model M {\n  param k = 0.5\n  state x = 2\n  state z = 0\n  x' = -k*x\n  z' = x\n}\nsimulate { until: 2, solver: tsit5 { rtol: 1e-9 } }")
	require.NoError(t, err)
	s, err := m.NewSolver(1, []string{"x"}, SimulateOptions{Until: 1, Set: map[string]float64{"k": 0.7}})
	require.NoError(t, err)
	_, err = s.Gradient([]float64{1})
	require.ErrorContains(t, err, "nothing was run yet")
	for _, x0 := range []float64{2, 5} {
		require.NoError(t, s.Run([]float64{x0}))
		e := math.Exp(-0.7)
		require.InDelta(t, x0*e, s.Ends[0][0], 1e-7)
		require.InDelta(t, x0*(1-e)/0.7, s.Ends[0][1], 1e-7)
		g, err := s.Gradient([]float64{3, 1})
		require.NoError(t, err)
		require.InDelta(t, -3*x0*e+x0*(e/0.7-(1-e)/0.49), g[0], 1e-6)
		require.Positive(t, s.Stats().Steps)
	}
	_, err = s.Gradient([]float64{1, 2, 3})
	require.ErrorContains(t, err, "3 weights of states at the end, where the model has 2 states")
	_, err = m.NewSolver(1, []string{"x"}, SimulateOptions{Set: map[string]float64{"x": 0.7}})
	require.ErrorContains(t, err, "`x` is set to 0.7, and is among the names")
	require.ErrorContains(t, s.Run([]float64{1, 2}), "2 values for a trajectory, of 1 names")
	unnamed, err := m.NewSolver(1, nil, SimulateOptions{Set: map[string]float64{"k": 0.1}})
	require.NoError(t, err)
	require.NoError(t, unnamed.Run())
	require.InDelta(t, 2*math.Exp(-0.2), unnamed.Ends[0][0], 1e-7)
	several, err := m.NewSolver(3, []string{"k"}, SimulateOptions{})
	require.NoError(t, err)
	require.NoError(t, several.Run([]float64{0.1}, []float64{0.2}, []float64{0.3}))
	for i, k := range []float64{0.1, 0.2, 0.3} {
		require.InDelta(t, 2*math.Exp(-2*k), several.Ends[i][0], 1e-7)
	}
	_, err = several.Gradient([]float64{1})
	require.ErrorContains(t, err, "one trajectory, not of 3")
}

// TestSimulationValues: columns, their rows and what the options change are those of a closed form.
func TestSimulationValues(t *testing.T) {
	m, err := Parse("m.node", "model M {\n  time t: s\n  param k: 1/s = 0.5\n  state x = 2\n  discrete n = 0\n  let twice = 2*x\n  x' = -k*x\n  event half when x <= 1 { n := n + 1; x := x + 3 }\n}\nsimulate { until: 2, step: 1, solver: tsit5 { rtol: 1e-9 } }")
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{Until: 1, Set: map[string]float64{"k": 1}})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "x", "n", "twice"}, s.Columns)
	require.Equal(t, []string{"s", "", "", ""}, s.Units)
	at := math.Ln2
	require.Len(t, s.Events(), 1)
	e := s.Events()[0]
	require.Equal(t, "half", e.Name)
	require.InDelta(t, at, e.Time, 1e-8)
	require.InDeltaSlice(t, []float64{1, 0}, e.Before, 1e-8)
	require.InDeltaSlice(t, []float64{4, 1}, e.After, 1e-8)
	require.InDelta(t, -1, e.Rate, 1e-7)
	require.False(t, e.Rest)
	require.Len(t, s.Trajectories, 1)
	require.InDeltaSlice(t, []float64{0, at, at, 1}, s.Column("t"), 1e-8)
	require.InDeltaSlice(t, []float64{2, 1, 4, 4 * math.Exp(at-1)}, s.Column("x"), 1e-7)
	require.InDeltaSlice(t, []float64{4, 2, 8, 8 * math.Exp(at-1)}, s.Column("twice"), 1e-7)
	require.InDeltaSlice(t, []float64{0, 0, 1, 1}, s.Column("n"), 1e-12)
	require.Nil(t, s.Column("nothing"))
	require.Equal(t, 1, s.Stats.Events)
	require.Empty(t, s.Explanation)
	s, err = m.Simulate(context.Background(), SimulateOptions{Explain: true})
	require.NoError(t, err)
	require.Contains(t, s.Explanation, "tsit5")
	require.Equal(t, 2., s.Column("t")[len(s.Column("t"))-1])
	rows, err := m.Compare(context.Background(), SimulateOptions{}, "tsit5", "bosh32")
	require.NoError(t, err)
	seen := map[string]float64{}
	for _, r := range rows {
		require.Empty(t, r.Failed)
		require.Positive(t, r.Steps)
		require.Positive(t, r.Evaluations)
		if last, ok := seen[r.Solver]; ok {
			require.Less(t, r.Error, last, "%s at %g", r.Solver, r.RTol)
		}
		seen[r.Solver] = r.Error
	}
	require.Len(t, seen, 2)
}
