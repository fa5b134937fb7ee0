package pinode

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/gradcheck"
)

func models(t testing.TB) []string {
	list, err := filepath.Glob("models/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, list)
	return list
}

// TestGradientCertificates: the gradient of every bundled model agrees with
// central differences in every mode.
func TestGradientCertificates(t *testing.T) {
	t.Parallel()
	for _, path := range models(t) {
		m, err := Load(path)
		require.NoError(t, err)
		f, err := m.NewFit(FitOptions{})
		require.NoError(t, err)
		var modes []string
		for _, mode := range gradcheck.Modes {
			if !f.Adaptive() && (mode == "adjoint" || mode == "backsolve") {
				continue // they differentiate the exact flow, not that of fixed steps
			}
			if mode == "forward" && f.Weights() > 1000 {
				continue // one sweep a weight
			}
			if mode == "forward" && m.prog.Encoder != nil {
				_, err := f.Certify(context.Background(), 12, mode)
				require.ErrorContains(t, err, "no forward derivative")
				continue
			}
			modes = append(modes, mode)
		}
		t.Run(m.Name(), func(t *testing.T) {
			c, err := f.Certify(context.Background(), 12, modes...)
			require.NoError(t, err)
			require.Equal(t, modes, c.Modes)
			require.Less(t, c.Worst, 1e-6, "%s: %s", c.Mode, c.Where)
			require.GreaterOrEqual(t, c.Compared, 3)
		})
	}
}

// everywhere has a parameter in every place where one can stand: equation,
// guard, jump, time of an event, period, delay, initial value of a state and
// of a discrete variable, observation, spread, prior, and in a neural block's
// equation, guard and jump.
const everywhere = `model Everywhere {
  param a in (0, inf) = 1.1
  param level in (0, 1) = 0.35
  param kick = 0.8
  param when1 in (0, inf) = 0.47
  param period in (0, inf) = 0.9
  param wait in (0, inf) = 0.13
  param x0 = 1
  param d0 = 0.2
  param gain in (0, inf) = 1.3
  param sd in (0, inf) = 0.3 ~ lognormal(log(0.2), 0.5)
  param w per trajectory = 0.1
  state x = x0
  state v = 0.1*a
  discrete m = d0
  neural f(x) -> 1 { hidden: [3], seed: 3 }
  neural j(v) -> 1 { hidden: [2], seed: 4 }
  x' = v
  v' = -a*x - 0.3*v + m + f(x) + w + if x < 0.2*level then 0.4*kick else 0.1*abs(v)
  event cross when x <= level + 0.1*f(v) { v := v + 0.1*kick + j(v); m := -m }
  event timed at t = when1 priority 1 { v := v + 0.3*a*t }
  event beat every period from 0.3*when1 { x := x + 0.05*kick }
  event slow when v >= 0.3 priority 2 after wait { m := m + 0.2*x }
  conserve q = x^2 + v^2 { weight: 0.1 }
  require x >= -0.5*a { weight: 0.3 }
  observe y = gain*x ~ normal(sd)
  observe z = v + m
}
data d from "everywhere.csv" { time: t; trajectory: id; y: y; z: z }
fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }
`

// TestParametersEverywhere: every parameter's gradient in every mode.
func TestParametersEverywhere(t *testing.T) {
	dir := t.TempDir()
	csv := "id,t,y,z\n"
	for i, row := range []string{"0,1.2,0.3", "0.25,1.1,", "0.5,0.9,-0.5", "0.83,0.4,-0.9", "1.1,,-0.7", "1.45,-0.4,-0.2", "1.9,-0.5,0.4", "2.4,0.1,0.9"} {
		csv += "1," + row + "\n"
		if i%2 == 0 {
			csv += "2," + row + "\n"
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "everywhere.csv"), []byte(csv), 0o600))
	m, err := Parse(filepath.Join(dir, "everywhere.node"), everywhere)
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{Seed: 5})
	require.NoError(t, err)
	c, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
	require.NoError(t, err)
	require.Less(t, c.Worst, 2e-7, "%s, %s", c.Mode, c.Where)
	require.Greater(t, len(c.Events), 4)
	require.Greater(t, c.Compared, 25, "few kinks among the differences")
}

// TestBouncingBall is the main job, whose figures the README has: a verdict that is good, restitution within 0.05 %,
// held-out drops to 1.05 times the noise, learned resistance within 5 % of the true drag.
func TestBouncingBall(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole fit")
	}
	m, err := Load("models/bouncing_ball.node")
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	require.InEpsilon(t, 0.83, f.Values().Params["e"], 0.0005)
	require.Less(t, f.Validation.RMSE["height"], 1.05*0.01)
	curves, err := f.inner.Curves(201)
	require.NoError(t, err)
	fastest := 0.
	for _, c := range curves {
		for i, a := range c.Learned[0].Args {
			v, got := a[0], c.Learned[0].Values[i][0]
			want := -0.032 * v * math.Abs(v)
			fastest = math.Max(fastest, math.Abs(v))
			if math.Abs(v) > 1.5 {
				require.InEpsilon(t, want, got, 0.05, "at %g m/s", v)
			} else {
				require.InDelta(t, want, got, 0.1, "at %g m/s", v)
			}
		}
	}
	require.Greater(t, fastest, 6.)

	s, err := m.Simulate(context.Background(), SimulateOptions{At: f, Until: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "h", "v", "resistance", "height"}, s.Columns)
	require.Len(t, s.Trajectories, 20)
}

// TestResume: an interrupted fit that is taken up again ends with the bits of
// one that was not.
func TestResume(t *testing.T) {
	m, err := Load("models/lotka_volterra.node")
	require.NoError(t, err)
	require.NoError(t, m.Set("fit.optimizer", "adam", "test"))
	require.NoError(t, m.Set("fit.optimizer.epochs", "30", "test"))
	whole, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	part, err := m.NewFit(FitOptions{Observer: func(p fit.Progress) {
		if p.Iteration == 11 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.NoError(t, part.Run(ctx))
	require.Equal(t, fit.Interrupted, part.State.Status)
	text, err := part.State.Encode()
	require.NoError(t, err)
	state, err := fit.DecodeState(text)
	require.NoError(t, err)
	rest, err := m.Fit(context.Background(), FitOptions{Resume: state})
	require.NoError(t, err)
	require.Equal(t, whole.State.X, rest.State.X)
}

// TestWorkers: the number of workers changes no bit.
func TestWorkers(t *testing.T) {
	m, err := Load("models/bouncing_ball.node")
	require.NoError(t, err)
	require.NoError(t, m.Set("fit.optimizer", "adam", "test"))
	require.NoError(t, m.Set("fit.optimizer.epochs", "5", "test"))
	require.NoError(t, m.Set("fit.curriculum.over", "3", "test"))
	var x fit.Vector
	for _, n := range []int{1, 2, 5} {
		f, err := m.Fit(context.Background(), FitOptions{Workers: n})
		require.NoError(t, err)
		if x != nil {
			require.Equal(t, x, f.State.X)
		}
		x = f.State.X
	}
}

// TestBallClosedForm: the language's ball has the impact times
// √2 (9 − 10·0.8ⁿ).
func TestBallClosedForm(t *testing.T) {
	m, err := Parse("ball.node", `model Ball {
  const g = 9.8
  const r = 0.2
  param e = 0.8
  state y = 10
  state v = 0
  y' = v
  v' = -g
  event bounce when y <= r { v := -e*v }
}
simulate { until: 11.3, step: 0.1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	ev := s.Trajectories[0].Events
	require.Len(t, ev, 10)
	for i, e := range ev {
		require.InEpsilon(t, math.Sqrt2*(9-10*math.Pow(0.8, float64(i+1))), e.Time, 1e-12)
	}
}

// TestDiscontinuity: a switch of the field is located; the solution of
// x' = if x < 1 then 2 else 0.5 is piecewise linear.
func TestDiscontinuity(t *testing.T) {
	m, err := Parse("switch.node", `model S {
  state x = 0
  state n = 0
  x' = if x < 1 then 2 else 0.5
  n' = floor(2*t) + sign(t - 1.25) + max(t, 0.75)
}
simulate { until: 2, times: [0.25, 0.5, 1, 2], solver: tsit5 { rtol: 1e-9, atol: 1e-9 } }`)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	last := s.Trajectories[0].Rows[3]
	require.InDelta(t, 1.75, last[1], 1e-12)
	// ∫ floor(2t) = 3, ∫ sign = −1.25 + 0.75, ∫ max(t, 0.75) = 0.5625 + (4 − 0.5625)/2
	require.InDelta(t, 3-0.5+0.5625+(4-0.5625)/2, last[2], 1e-11)
}

func TestMistakes(t *testing.T) {
	_, err := Parse("bad.node", "model M {\n  state x = 0\n  x' = -k*x\n  y' = 1\n}")
	var l *diag.List
	require.ErrorAs(t, err, &l)
	require.Equal(t, 2, l.Count(diag.Error))
	_, err = Load("models/none.node")
	require.ErrorIs(t, err, os.ErrNotExist)
}
