package estimate_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/data"
)

// ends are where a function of one number, least at a point, has risen by half the quantile of χ² of
// one degree of freedom: by bisection between the point and two bounds.
func ends(f func(float64) float64, at, lo, hi float64) [2]float64 {
	const rise = 3.841458820694124 / 2
	end := func(far float64) float64 {
		in, out := at, far
		for range 200 {
			if mid := (in + out) / 2; f(mid)-f(at) < rise {
				in = mid
			} else {
				out = mid
			}
		}
		return in
	}
	return [2]float64{end(lo), end(hi)}
}

// TestProfiles compares intervals with those of the likelihood by formula.
func TestProfiles(t *testing.T) {
	const profile = "\nfit { uncertainty: profile }\n"
	fitOf := func(model, csv string) *pinode.Fit {
		f, err := fromText(t, model+profile, csv).Fit(context.Background(), pinode.FitOptions{})
		require.NoError(t, err)
		require.Empty(t, f.Warnings.All)
		return f
	}
	within := func(want [2]float64, p pinode.Param) {
		t.Helper()
		require.InEpsilon(t, want[0], p.Likely[0], 2e-3)
		require.InEpsilon(t, want[1], p.Likely[1], 2e-3)
	}

	// Counts 3, 5 and 1: −log L = 3m − 9 log m.
	f := fitOf("model M {\n  param m in (0, inf) = 2\n  observe y = m ~ poisson()\n}\ndata d from \"d.csv\" { y: y }", "y\n3\n5\n1\n")
	within(ends(func(m float64) float64 { return 3*m - 9*math.Log(m) }, 3, 0.1, 20), f.Params["m"])

	// A line through three points: the profile of each coefficient is a parabola; one more parameter is
	// held. Σt² = 5, so that the covariance is σ²/(3·5 − 9)·[[5, −3], [−3, 3]].
	line := "model M {\n  param a = 1\n  param b = 1\n  param c = 1 fixed\n  covariate x\n  observe y = a + b*x*c ~ normal(0.5)\n}\ndata d from \"d.csv\" { y: y; x: x }"
	f = fitOf(line, "x,y\n0,1.1\n1,2.9\n2,5.3\n")
	for name, variance := range map[string]float64{"a": 0.25 * 5 / 6, "b": 0.25 * 3 / 6} {
		p := f.Params[name]
		half := 1.959963984540054 * math.Sqrt(variance)
		within([2]float64{p.Value - half, p.Value + half}, p)
	}
	require.Nil(t, f.Params["c"].Likely)

	// One value of 1 with a deviation of 1 has risen by ½ at 0 only, where the interval of m ends.
	f = fitOf("model M {\n  param m in (0, inf) = 2\n  observe y = m ~ normal(1)\n}\ndata d from \"d.csv\" { y: y }", "y\n1\n")
	require.Zero(t, f.Params["m"].Likely[0])
	require.InDelta(t, 1+1.959964, f.Params["m"].Likely[1], 2e-3)
}

// TestProfileHoldsTheRidge: the weights of a network that the fit holds by a ridge do not leave the
// optimum while a parameter is moved.
func TestProfileHoldsTheRidge(t *testing.T) {
	model := `model M {
  param k in (0, inf) = 0.5
  neural f(x) -> 1 { hidden: [3] }
  state x = 1
  x' = -k*x + 0.1*f(x)
  observe y = x ~ normal(0.02)
  observe z = k ~ normal(0.05)
}
data d from "d.csv" { time: t; y: y; z: z }
fit { uncertainty: profile }
`
	f, err := fromText(t, model, "t,y,z\n0.5,0.79,0.52\n1,0.60,\n1.5,0.48,\n2,0.36,\n3,0.22,\n4,0.14,\n").Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Empty(t, f.Warnings.All)
	p := f.Params["k"]
	require.Less(t, p.Likely[0], p.Value)
	require.Greater(t, p.Likely[1], p.Value)
	// The measurement of k itself bounds it: ±1.96·0.05, and the trajectory can only make that less.
	require.Less(t, p.Likely[1]-p.Likely[0], 2*1.96*0.05*1.02)
	require.InEpsilon(t, 2*1.96*p.StdErr, p.Likely[1]-p.Likely[0], 0.25)
}

// TestEnsemble: of y = a² with y = 4 some starts end at 2 and the others at −2, with one loss; the
// standard error is the spread of these.
func TestEnsemble(t *testing.T) {
	model := `model M {
  param a = 0.5
  observe y = a^2 ~ normal(0.1)
}
data d from "d.csv" { y: y }
fit { optimizer: lbfgs, starts: 7, spread: 4, uncertainty: ensemble }
`
	f, err := fromText(t, model, "y\n4\n").Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.InDelta(t, 2, math.Abs(f.Params["a"].Value), 1e-6)
	require.Len(t, f.Basins, 1)
	require.Equal(t, 7, f.Basins[0].Starts)
	require.True(t, f.Basins[0].User)
	others := float64(f.Verdict.Equal) // clearly elsewhere, with the same loss
	require.Positive(t, others)
	// n of +2 and 7 − n of −2 have the variance 4·4·n(7 − n)/7/6.
	require.InEpsilon(t, 4*math.Sqrt(others*(7-others)/42), f.Params["a"].StdErr, 1e-5)
	require.Len(t, f.State.Earlier, 6)

	// Where a single start meets the data there is no spread, and that is said.
	f, err = fromText(t, "model M {\n  param a in (0, inf) = 1\n  observe y = a ~ normal(0.1)\n}\ndata d from \"d.csv\" { y: y }\n"+
		"fit { optimizer: adam { epochs: 2 }, starts: 2, uncertainty: ensemble }\n", "y\n4\n").Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.True(t, math.IsNaN(f.Params["a"].StdErr))
	require.Equal(t, "no-interval", f.Warnings.All[0].Code)
}

// TestEnsembleOfOneOptimum: the spread of fits that all end at one optimum is that of their last steps, and no standard error.
func TestEnsembleOfOneOptimum(t *testing.T) {
	of := func(model string) *pinode.Fit {
		f, err := fromText(t, model+"fit { optimizer: lbfgs, starts: 4, spread: 0.5, uncertainty: ensemble }\n", "x,y\n0,1.1\n1,2.9\n2,5.3\n").Fit(t.Context(), pinode.FitOptions{})
		require.NoError(t, err)
		return f
	}
	f := of("model M {\n  param a = 1\n  param b = 1\n  covariate x\n  observe y = a + b*x ~ normal(0.5)\n}\ndata d from \"d.csv\" { y: y; x: x }\n")
	require.InDelta(t, 1, f.Params["a"].Value, 1e-4)
	require.InDelta(t, 2.1, f.Params["b"].Value, 1e-4)
	require.True(t, math.IsNaN(f.Params["a"].StdErr) && math.IsNaN(f.Params["b"].StdErr))
	require.Len(t, f.Warnings.All, 1)
	require.Equal(t, "there is no standard error of `a`, `b`: 4 of 4 starts ended at one value, and how near they came to it says nothing of the data", f.Warnings.All[0].Message)

	// Of a + c the data tell the sum alone, so that starts end apart on a line: that is what their spread shows.
	f = of("model M {\n  param a = 1\n  param b = 1\n  param c = 0\n  covariate x\n  observe y = a + c + b*x ~ normal(0.5)\n}\ndata d from \"d.csv\" { y: y; x: x }\n")
	require.InDelta(t, 1, f.Params["a"].Value+f.Params["c"].Value, 1e-4)
	require.InEpsilon(t, f.Params["a"].StdErr, f.Params["c"].StdErr, 1e-4)
	require.Greater(t, f.Params["a"].StdErr, 0.05)
	require.True(t, math.IsNaN(f.Params["b"].StdErr))
	require.Contains(t, f.Warnings.All[0].Message, "of `b`: 4 of 4")
}

// TestNoProfileSaysWhy: in words of the model, and by the parameter itself.
func TestNoProfileSaysWhy(t *testing.T) {
	// The mean of −1 and −2 with a deviation of 1 drives m to 0, where its interval ends.
	f, err := fromText(t, "model M {\n  param m in [0, inf) = 2\n  observe y = m ~ normal(1)\n}\ndata d from \"d.csv\" { y: y }\nfit { uncertainty: profile }", "y\n-1\n-2\n").Fit(t.Context(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Zero(t, f.Params["m"].Value)
	require.Nil(t, f.Params["m"].Likely)
	require.Len(t, f.Warnings.All, 1)
	require.Equal(t, "no-interval", f.Warnings.All[0].Code)
	require.Equal(t, "there is no 95 % interval of `m`: the data drive it to 0, the end of its interval, and it is held there", f.Warnings.All[0].Message)

	// Two steps of adam leave m near 2, and the profile finds that 4 is better.
	f, err = fromText(t, "model M {\n  param m in (0, inf) = 2\n  observe y = m ~ normal(0.5)\n}\ndata d from \"d.csv\" { y: y }\nfit { optimizer: adam { epochs: 2 }; uncertainty: profile }", "y\n4\n").Fit(t.Context(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Nil(t, f.Params["m"].Likely)
	require.Regexp(t, "^there is no 95 % interval of `m`: with it at 2\\.\\d+ the log-likelihood is higher than at the estimate, by \\d\\S*: the fit has not come to its optimum", f.Warnings.All[0].Message)
}

// TestEnsembleBand: the band of a block is two standard deviations of the fits about their mean.
func TestEnsembleBand(t *testing.T) {
	model := `model M {
  covariate x
  neural f(x) -> 1 { hidden: [3] }
  observe y = f(x) ~ normal(1)
}
data d from "d.csv" { y: y; x: x }
fit { optimizer: adam { epochs: 3 }, starts: 3, uncertainty: ensemble }
`
	m := fromText(t, model, "x,y\n0,0.3\n1,0.8\n2,0.4\n")
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "run")
	require.NoError(t, f.Save(dir))
	table, err := data.ReadFile(filepath.Join(dir, "learned.csv"))
	require.NoError(t, err)
	column := func(name string) []float64 {
		v, err := table.Floats(name)
		require.NoError(t, err)
		return v
	}
	for r, x := range column("argument_0") {
		var values []float64
		for _, s := range f.State.All() {
			v, err := f.ValuesAt(s.Best.X)
			require.NoError(t, err)
			values = append(values, hiddenOfThree(v, x))
		}
		mean := (values[0] + values[1] + values[2]) / 3
		sum := 0.
		for _, v := range values {
			sum += (v - mean) * (v - mean)
		}
		require.InDelta(t, mean-2*math.Sqrt(sum/2), column("lower_0")[r], 1e-9)
		require.InDelta(t, mean+2*math.Sqrt(sum/2), column("upper_0")[r], 1e-9)
	}
	_, err = os.Stat(filepath.Join(dir, "profiles.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// hiddenOfThree is the network of TestEnsembleBand by hand.
func hiddenOfThree(v *pinode.Values, x float64) float64 {
	in, out := v.Scales["input.f"], v.Scales["output.f"]
	y := v.Weights["f.1.bias"][0]
	for i := range 3 {
		y += v.Weights["f.1.weight"][i] * math.Tanh(v.Weights["f.0.weight"][i]*x/in[0]+v.Weights["f.0.bias"][i])
	}
	return y * out[0]
}

// TestNoProfileAtJumps: x grows at the rate k and falls to 0 where it reaches 1. A row lies 5e-5 behind the
// first fall; a slower motion has not fallen there yet, so that no interval ends below the estimate.
func TestNoProfileAtJumps(t *testing.T) {
	csv := "t,x\n"
	for i := range 20 {
		at := 0.05 + 0.1*float64(i)
		if i == 10 {
			at = 1.00005
		}
		csv += fmt.Sprintf("%g,%.6f\n", at, math.Mod(at, 1)+0.04*math.Sin(7*float64(i)))
	}
	m := fromText(t, `model M {
  param k in (0, inf) = 1.01
  state x = 0
  x' = k
  event fall when x >= 1 { x := 0 }
  observe y = x ~ normal(0.05)
}
data d from "d.csv" { time: t, y: x }
fit { uncertainty: profile }`, csv)
	f, err := m.Fit(t.Context(), pinode.FitOptions{Workers: 1, Seed: 1})
	require.NoError(t, err)
	require.Nil(t, f.Params["k"].Likely)
	var codes []string
	for _, w := range f.Warnings.All {
		codes = append(codes, w.Code)
	}
	require.Contains(t, codes, "no-interval")
}
