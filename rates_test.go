package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// TestIntensityThreshold: with λ = µ + αe^{−βt} and the threshold 1 the firing
// is where µt + (α/β)(1 − e^{−βt}) = 1, and moves by −(∂Λ/∂p)/λ.
func TestIntensityThreshold(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,o\n0,0\n1.5,0\n"), 0o600))
	for _, mode := range gradcheck.Modes {
		m, err := Parse(filepath.Join(dir, "m.node"), `model M {
  param mu = 0.4
  param al = 1.5
  param be = 2
  discrete fired = 0
  event spike with rate mu + al*exp(-be*t) { fired := t }
  observe o = fired ~ normal(1)
}
data d from "d.csv" { time: t; o: o }
fit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`)
		require.NoError(t, err)
		require.NoError(t, m.Set("fit.gradient", mode, "test"))
		f, err := m.NewFit(FitOptions{})
		require.NoError(t, err)
		f.inner.Objective.Trajectories[0].Span.Draws = func(int) func() float64 {
			next := 1.
			return func() (draw float64) {
				draw, next = next, 1e300
				return draw
			}
		}
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		grad := make([]float64, len(x))
		res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, grad)
		require.NoError(t, err)
		require.False(t, res.Failed, res.Reason)
		// The loss is ½ t*²/2 and a constant: two values, of which one moves.
		const at = 0.9217451404601426
		require.InEpsilon(t, at, f.inner.Objective.LossWorkers[0].Block[0].Traj.Log[0].T, 1e-11, mode)
		for i, want := range []float64{-1.4461103897, -0.6602926412, 0.3235689889} {
			require.InEpsilon(t, want, 2*f.inner.Objective.NaturalBar[i]/at, 2e-8, "%s, parameter %d", mode, i)
		}
	}
}

// TestRateGradients: with the draws held, every mode against differences.
func TestRateGradients(t *testing.T) {
	certified(t, `
  param mu in (0, inf) = 0.8
  param al in (0, inf) = 0.5
  param be in (0, inf) = 1.3
  param c = 0.2
  state x = 1
  state z = 0.3
  x' = -be*x
  z' = c - 0.4*z*x
  event spike with rate mu + al*x^2 { x := x + al; z := 0.7*z + c*t }`, "x + z", 0.5, 1.1, 2.3, 3.7)
	certified(t, `
  param k in (0, inf) = 1.1
  param D in (0, inf) = 0.21
  neural r(x) -> 1 { hidden: [3], seed: 3 }
  state x = 1
  x' = -k*x
  event delayed with rate k + r(x)^2 after D persistent { x := x + 0.3*k }
  event low when x <= 0.4 { x := x + 0.35 }`, "x", 0.5, 1.1, 2.3, 3.1)
}

const hawkes = `model Hawkes {
  param mu in (0, inf) = %g
  param al in (0, inf) = %g
  param be in (0, inf) = %g
  state h = 0
  h' = -be*h
  event spike with rate mu + h { h := h + al }
  observe level = h ~ normal(1)
}
`

// TestHawkes: the likelihood of told firings has its closed form
//
//	−Σ log(µ + Σⱼ αe^{−β(tᵢ−tⱼ)}) + µT + (α/β) Σ (1 − e^{−β(T−tᵢ)}),
//
// its gradient agrees in every mode, and a fit finds what made the data
// (D.J. Daley, D. Vere-Jones, An Introduction to the Theory of Point
// Processes I, 7.2).
func TestHawkes(t *testing.T) {
	mu, al, be, end := 0.5, 0.8, 1.6, 300.
	dir := t.TempDir()
	path := filepath.Join(dir, "m.node")
	m, err := Parse(path, fmt.Sprintf(hawkes, mu, al, be)+fmt.Sprintf("simulate { until: %g, times: [%g], seed: 4 }", end, end))
	require.NoError(t, err)
	sim, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	again, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, sim.Trajectories, again.Trajectories)
	var times []float64
	csv := "t,fired,level\n0,0,\n"
	for _, e := range sim.Trajectories[0].Events {
		times = append(times, e.Time)
		csv += fmt.Sprintf("%.17g,1,\n", e.Time)
	}
	n := float64(len(times))
	require.InDelta(t, mu/(1-al/be)*end, n, 4*math.Sqrt(mu/math.Pow(1-al/be, 3)*end)) // mean and variance of the count
	csv += fmt.Sprintf("%g,0,\n", end)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err = Parse(path, fmt.Sprintf(hawkes, 0.9, 0.4, 1.)+`data d from "d.csv" { time: t; level: level; spike: { where: fired == 1 } }
fit { solver: tsit5 { rtol: 1e-8, atol: 1e-10 }, optimizer: lbfgs { iterations: 100 } }`)
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{})
	require.NoError(t, err)
	x, err := f.inner.Objective.Space.X0()
	require.NoError(t, err)
	res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, nil)
	require.NoError(t, err)
	require.False(t, res.Failed, res.Reason)
	want, h, last := 0., 0., 0.
	for _, at := range times {
		h *= math.Exp(-1. * (at - last))
		want -= math.Log(0.9 + h)
		h, last = h+0.4, at
		want += 0.4 / 1. * (1 - math.Exp(-1.*(end-at)))
	}
	want += 0.9 * end
	require.InEpsilon(t, want/n, res.Loss, 1e-7)
	require.Equal(t, len(times), res.Values)
	c, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
	require.NoError(t, err)
	require.Less(t, c.Worst, 1e-6, "%s, %s", c.Mode, c.Where)
	fitted, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	for _, p := range fitted.Estimates {
		want := map[string]float64{"mu": mu, "al": al, "be": be}[p.Name]
		require.InDelta(t, want, p.Value, 3.5*p.StdErr, "%s = %g ± %g", p.Name, p.Value, p.StdErr)
		require.Less(t, p.StdErr, want)
	}
}

// TestNegativeRate: an intensity below zero is a failure, not silence.
func TestNegativeRate(t *testing.T) {
	_, err := simulated(t, `model M {
  state x = 1
  x' = -1
  event spike with rate x { x := x }
}
simulate { until: 3 }`)
	require.ErrorContains(t, err, "rate of event spike is negative")
}

// TestEventTimes: the time of an event is data like any other: a discrete
// variable that the jump sets to t, observed; so is a count.
func TestEventTimes(t *testing.T) {
	dir := t.TempDir()
	g, e := 9.5, 0.7
	fall := math.Sqrt(2 * 5 / g)
	csv := "t,hit,count\n0,0,0\n"
	hit := fall
	for k := range 4 {
		next := hit + 2*fall*math.Pow(e, float64(k+1))
		csv += fmt.Sprintf("%.17g,%.17g,%d\n", (hit+next)/2, hit, k+1)
		hit = next
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), `model Ball {
  param g in (0, inf) = 9.3
  param e in (0, 1) = 0.71
  state y = 5
  state v = 0
  discrete hit = 0
  discrete n = 0
  y' = v
  v' = -g
  event bounce when y <= 0 { v := -e*v; hit := t; n := n + 1 }
  observe hit_time = hit ~ normal(0.01)
  observe count = n ~ normal(0.1)
}
data d from "d.csv" { time: t; hit_time: hit; count: count }
fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 }, optimizer: lbfgs { iterations: 200 } }`)
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	got := map[string]float64{}
	for _, p := range f.Estimates {
		got[p.Name] = p.Value
	}
	require.InEpsilon(t, g, got["g"], 1e-6)
	require.InEpsilon(t, e, got["e"], 1e-6)
}
