package estimate_test

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

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// flow solves y' = f(t, y) by the classical method of order four, for data that owe
// nothing to the solvers.
func flow(f func(t float64, y []float64) []float64, y []float64, t, until float64) []float64 {
	const h = 1e-3
	n := max(1, int(math.Ceil((until-t)/h)))
	step := (until - t) / float64(n)
	along := func(y, k []float64, c float64) []float64 {
		z := make([]float64, len(y))
		for i := range z {
			z[i] = y[i] + c*k[i]
		}
		return z
	}
	for range n {
		k1 := f(t, y)
		k2 := f(t+step/2, along(y, k1, step/2))
		k3 := f(t+step/2, along(y, k2, step/2))
		k4 := f(t+step, along(y, k3, step))
		next := make([]float64, len(y))
		for i := range y {
			next[i] = y[i] + step/6*(k1[i]+2*k2[i]+2*k3[i]+k4[i])
		}
		y, t = next, t+step
	}
	return y
}

// autoModel parses a model over data.
func autoModel(t *testing.T, text, csv string) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := pinode.Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	return m
}

// preyModel is Lotka and Volterra from start values with another period, so that whole
// trajectories lead to a wrong optimum.
const preyModel = `model Prey {
  param a in (0, inf) = 0.5
  param b in (0, inf) = 1
  param c in (0, inf) = 0.05
  param d in (0, inf) = 1
  state x = 10
  state y = 5
  x' = a*x - b*x*y
  y' = c*x*y - d*y
  observe u = x ~ lognormal(0.1)
  observe v = y ~ lognormal(0.1)
}
data s from "d.csv" { time: t; u: u; v: v }
`

func preyData() string {
	rng := rand.New(rand.NewPCG(1, 2))
	csv, y := "t,u,v\n", []float64{10, 5}
	at := 0.
	for i := range 40 {
		next := 0.9 * float64(i+1)
		y = flow(func(_ float64, y []float64) []float64 {
			return []float64{1.1*y[0] - 0.4*y[0]*y[1], 0.1*y[0]*y[1] - 0.4*y[1]}
		}, y, at, next)
		at = next
		csv += fmt.Sprintf("%g,%g,%g\n", at, y[0]*math.Exp(0.1*rng.NormFloat64()), y[1]*math.Exp(0.1*rng.NormFloat64()))
	}
	return csv
}

// within requires that an estimate is within so many standard errors of the truth, which
// themselves are no more than a share of it.
func within(t *testing.T, f *pinode.Fit, name string, truth, errors, share float64) {
	t.Helper()
	p := f.Params[name]
	require.False(t, math.IsNaN(p.StdErr), "%s has no standard error", name)
	require.InDelta(t, truth, p.Value, errors*p.StdErr, "%s", name)
	require.Less(t, p.StdErr, share*math.Abs(truth), "%s", name)
}

// TestAutoFindsAnotherPhase: where whole trajectories lead to a wrong optimum, matching to
// smooth curves leads to the right one; the wrong one is listed as the user's.
func TestAutoFindsAnotherPhase(t *testing.T) {
	f, err := autoModel(t, preyModel, preyData()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	require.True(t, f.Verdict.Converged)
	for name, truth := range map[string]float64{"a": 1.1, "b": 0.4, "c": 0.1, "d": 0.4} {
		within(t, f, name, truth, 4, 0.05)
	}
	require.Greater(t, len(f.Basins), 1)
	require.Less(t, f.Basins[0].Loss, f.Basins[len(f.Basins)-1].Loss-100)
	require.True(t, f.Basins[len(f.Basins)-1].User)
}

// TestAutoSameBits: a fit has the same bits for any number of workers, and when it was
// interrupted and taken up again, wherever that was.
func TestAutoSameBits(t *testing.T) {
	m := autoModel(t, preyModel, preyData())
	whole, err := m.Fit(context.Background(), pinode.FitOptions{Workers: 1})
	require.NoError(t, err)
	other, err := m.Fit(context.Background(), pinode.FitOptions{Workers: 3})
	require.NoError(t, err)
	require.Equal(t, whole.State.Best.X, other.State.Best.X)
	require.Equal(t, whole.Decisions, other.Decisions)
	total := len(whole.State.History)
	require.Greater(t, total, 20)
	for _, after := range []int{1, 7, 13, total - 2} {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		part, err := m.Fit(ctx, pinode.FitOptions{Observer: func(fit.Progress) {
			if n++; n == after {
				cancel()
			}
		}})
		require.NoError(t, err)
		require.Equal(t, fit.Interrupted, part.Status)
		text, err := part.State.Encode()
		require.NoError(t, err)
		from, err := fit.DecodeState(text)
		require.NoError(t, err)
		rest, err := m.Fit(context.Background(), pinode.FitOptions{Resume: from})
		require.NoError(t, err)
		require.Equal(t, whole.State.Best.X, rest.State.Best.X, "interrupted after %d of %d", after, total)
		require.Equal(t, whole.State.History, rest.State.History)
		require.Equal(t, whole.Decisions, rest.Decisions)
		require.Equal(t, whole.Verdict, rest.Verdict)
		cancel()
	}
}

// TestAutoLearnsALaw: a Monod law that the model does not know, from rough starts, with the
// yield; the learned law is near the true one where there are data.
func TestAutoLearnsALaw(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	csv := "run,t,feed,x,s\n"
	for run, feed := range []float64{0.1, 0.2, 0.3, 0.15} {
		y, at := []float64{0.2, 4 + 2*float64(run)}, 0.
		for i := range 14 {
			next := 1.2 * float64(i+1)
			y = flow(func(_ float64, y []float64) []float64 {
				mu := 0.6 * y[1] / (0.8 + y[1])
				return []float64{(mu - feed) * y[0], feed*(8-y[1]) - mu*y[0]/0.5}
			}, y, at, next)
			at = next
			csv += fmt.Sprintf("%d,%g,%g,%.6g,%.6g\n", run, at, feed, y[0]*math.Exp(0.03*rng.NormFloat64()), y[1]+0.05*rng.NormFloat64())
		}
	}
	m := autoModel(t, `model Tank {
  covariate feed
  covariate s0
  param yield in (0, 1) = 0.2
  neural mu(s) -> 1 { hidden: [8], positive: true }
  state x = 0.2
  state s = s0
  x' = (mu(s) - feed)*x
  s' = feed*(8 - s) - mu(s)*x/yield
  observe u = x ~ lognormal(0.03)
  observe v = s ~ normal(0.05)
}
data d from "d.csv" { time: t; trajectory: run; feed: feed; s0: s0; u: x; v: s; validate: run == 3 }
`, withColumn(csv))
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	within(t, f, "yield", 0.5, 4, 0.05)
	require.Less(t, f.Validation.RMSE["v"], 0.1)
}

// withColumn adds the covariate s0.
func withColumn(csv string) string {
	out := ""
	for i, line := range splitLines(csv) {
		switch {
		case i == 0:
			out += line + ",s0\n"
		case line != "":
			out += fmt.Sprintf("%s,%d\n", line, 4+2*int(line[0]-'0'))
		}
	}
	return out
}

func splitLines(s string) (list []string) {
	from := 0
	for i := range s {
		if s[i] == '\n' {
			list, from = append(list, s[from:i]), i+1
		}
	}
	return append(list, s[from:])
}

// decayData are 30 values of 2e^{−0.7t} + 0.5 with noise of 0.02.
func decayData() string {
	rng := rand.New(rand.NewPCG(5, 6))
	csv := "t,y\n"
	for i := range 30 {
		at := 0.2 * float64(i)
		csv += fmt.Sprintf("%g,%g\n", at, 2*math.Exp(-0.7*at)+0.5+0.02*rng.NormFloat64())
	}
	return csv
}

// TestAutoSaysMisfit: a model that cannot meet the data converges and says so: χ² is that
// of the best fit, and residuals of one sign follow each other.
func TestAutoSaysMisfit(t *testing.T) {
	const wrongModel = `model Wrong {
  param k in (0, inf) = 1
  param c in (0, inf) = 1
  state x = c
  x' = -k*x
  observe y = x ~ normal(0.02)
}
data d from "d.csv" { time: t; y: y }
fit { optimizer: auto { budget: 1 } }
`
	m := autoModel(t, wrongModel, decayData())
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "misfit", f.Verdict.Word, f.Verdict.Text)
	require.True(t, f.Verdict.Converged)
	require.Greater(t, *f.Verdict.Chi2, 4.)
	require.Less(t, *f.Verdict.Runs, 1e-4)
	require.Equal(t, 30, f.Verdict.Values)
	squares := 0.
	for _, v := range []float64{f.Train.RMSE["y"]} {
		squares += v * v / 0.02 / 0.02
	}
	require.InEpsilon(t, squares, *f.Verdict.Chi2, 1e-6)
	require.Regexp(t, `^\d+ descents from ever farther starts have led to \d+ optima`, f.Verdict.Ended)
	require.Contains(t, f.Verdict.Text, "no further start was tried: "+f.Verdict.Ended)
	// With less than the descents take that would show it.
	m = autoModel(t, strings.Replace(wrongModel, "budget: 1 ", "budget: 0.002 ", 1), decayData())
	f, err = m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "misfit", f.Verdict.Word, f.Verdict.Text)
	require.Equal(t, "the budget is used up", f.Verdict.Ended)
}

// TestAutoWithout: what is left out is not done, and all else is.
func TestAutoWithout(t *testing.T) {
	decisions := func(model, without string) (string, string) {
		if without != "" {
			without = ", without: [" + without + "]"
		}
		m := autoModel(t, model+"fit { optimizer: auto { budget: 0.06"+without+" } }\n", decayData())
		f, err := m.Fit(context.Background(), pinode.FitOptions{})
		require.NoError(t, err)
		return strings.Join(f.Decisions, "\n"), f.Verdict.Ended
	}
	for _, c := range []struct {
		model string
		marks map[string]string
	}{{
		`model Wrong {
  param k in (0, inf) = 1
  param c in (0, inf) = 1
  state x = c
  x' = -k*x
  observe y = x ~ normal(0.02)
}
data d from "d.csv" { time: t; y: y }
`, map[string]string{"matching": "matched to smooth curves", "horizon": "growing horizon", "growing": "growing segments", "shooting": "gaps of weight", "random": "random start 0"},
	}, {
		`model Learned {
  neural f(x) -> 1 { hidden: [4] }
  state x = 2.5
  x' = f(x)
  observe y = x ~ normal(0.02)
}
data d from "d.csv" { time: t; y: y }
`, map[string]string{"spread": "networks spread over the data", "evidence": "strengths of the ridge"},
	}} {
		all, _ := decisions(c.model, "")
		for part, mark := range c.marks {
			require.Contains(t, all, mark)
			some, ended := decisions(c.model, part)
			for other, mark := range c.marks {
				require.Equal(t, other != part, strings.Contains(some, mark), "%s without %s", mark, part)
			}
			if part == "random" {
				require.Equal(t, "random starts are left out", ended)
			}
		}
	}
}

// TestAutoLearnsNoise: the noise is a parameter: nothing is said of χ², estimates and noise
// are those of the truth, and the standard error of σ is σ/√(2n).
func TestAutoLearnsNoise(t *testing.T) {
	m := autoModel(t, `model Decay {
  param k in (0, inf) = 3
  param c in (0, inf) = 0.5
  param base in (0, inf) = 2
  param s in (0, inf) = 5
  state x = c
  x' = -k*x
  observe y = x + base ~ normal(s)
}
data d from "d.csv" { time: t; y: y }
`, decayData())
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "unknown", f.Verdict.Word, f.Verdict.Text)
	require.Nil(t, f.Verdict.Chi2)
	within(t, f, "k", 0.7, 4, 0.1)
	within(t, f, "c", 2, 4, 0.1)
	within(t, f, "base", 0.5, 4, 0.1)
	within(t, f, "s", 0.02, 4, 0.2)
	require.InEpsilon(t, f.Params["s"].Value/math.Sqrt(60), f.Params["s"].StdErr, 1e-3)
}

// TestAutoSaysUnidentified: what the data do not tell apart has no standard error, and a
// warning names it.
func TestAutoSaysUnidentified(t *testing.T) {
	m := autoModel(t, `model Two {
  param a in (0, inf) = 1
  param b in (0, inf) = 2
  param base in (0, inf) = 1
  state x = 2
  x' = -a*b*x
  observe y = x + base ~ normal(0.02)
}
data d from "d.csv" { time: t; y: y }
`, decayData())
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	require.InDelta(t, 0.7, f.Params["a"].Value*f.Params["b"].Value, 0.06)
	require.True(t, math.IsNaN(f.Params["a"].StdErr))
	require.Len(t, f.Warnings.All, 1)
	require.Equal(t, "unidentified", f.Warnings.All[0].Code)
	require.Contains(t, f.Warnings.All[0].Message, "`a`")
	require.Contains(t, f.Warnings.All[0].Message, "`b`")
}

// TestAutoCutOff: `max_time` ends a fit with what it has, and says so.
func TestAutoCutOff(t *testing.T) {
	m := autoModel(t, preyModel+"fit { stop: { max_time: 1e-9 } }\n", preyData())
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, fit.MaxTime, f.Status)
	require.Equal(t, "stopped", f.Verdict.Word)
}

// TestLevenbergMarquardt: declared in the file it finds what the default finds, and is
// refused where the loss is no sum of squares.
func TestLevenbergMarquardt(t *testing.T) {
	text := `model Decay {
  param k in (0, inf) = 3
  param c in (0, inf) = 0.5
  param base in (0, inf) = 2
  param s fixed = 0.02
  state x = c
  x' = -k*x
  observe y = x + base ~ normal(s)
}
data d from "d.csv" { time: t; y: y }
`
	byDefault, err := autoModel(t, text, decayData()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	text += "fit { optimizer: levenberg_marquardt }\n"
	f, err := autoModel(t, text, decayData()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, fit.Converged, f.Status)
	for _, name := range []string{"k", "c", "base"} {
		require.InDelta(t, byDefault.Params[name].Value, f.Params[name].Value, 1e-3*f.Params[name].StdErr, name)
	}
	require.InEpsilon(t, byDefault.Train.Loss, f.Train.Loss, 1e-9)
	_, err = autoModel(t, strings.Replace(text, "s fixed", "s in (0, inf)", 1), decayData()).NewFit(pinode.FitOptions{})
	require.ErrorContains(t, err, "`levenberg_marquardt` needs a sum of squares")
}

// TestAutoLooksFarther: a pulse at t = 3, begun at 600, where neither data nor slopes tell of it. Starts as far away as usual do not
// come near; those of later rounds do, and the search says why it ended.
func TestAutoLooksFarther(t *testing.T) {
	csv := "t,y\n"
	y := 0.
	for k := 1; k <= 60; k++ {
		for i := range 100 {
			s := (float64(k-1) + (float64(i)+0.5)/100) * 0.2
			y += 0.002 * 2 * math.Exp(-math.Pow((s-3)/1.2, 2))
		}
		csv += fmt.Sprintf("%g,%.5f\n", 0.2*float64(k), y+0.05*math.Sin(13*float64(k*k)))
	}
	m := fromText(t, `model M {
  param A in (0, inf) = 1
  param m in (0, inf) = 600
  param w in (0, inf) = 2
  state y = 0
  y' = A*exp(-((t - m)/w)^2)
  observe seen = y ~ normal(0.05)
}
data d from "d.csv" { time: t, seen: y }`, csv)
	f, err := m.Fit(t.Context(), pinode.FitOptions{Workers: 1, Seed: 1})
	require.NoError(t, err)
	require.InDelta(t, 3, f.Params["m"].Value, 0.05)
	require.InDelta(t, 1.2, f.Params["w"].Value, 0.1)
	require.Equal(t, "fits", f.Verdict.Word)
	require.Contains(t, f.Decisions, "the search ends: the data are met beyond doubt")
}
