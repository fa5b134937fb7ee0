package distill_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// fromText is a model with its table d.csv beside it.
func fromText(t *testing.T, text, csv string) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := pinode.Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	return m
}

// integrated are the states of y' = f(y) at the times k·h, by many steps of the classical
// Runge–Kutta method.
func integrated(f func(y []float64) []float64, y []float64, h float64, rows int) (out [][]float64) {
	const steps = 50
	add := func(y, k []float64, c float64) []float64 {
		z := make([]float64, len(y))
		for i := range y {
			z[i] = y[i] + c*k[i]
		}
		return z
	}
	for range rows {
		out = append(out, y)
		for range steps {
			d := h / steps
			k1 := f(y)
			k2 := f(add(y, k1, d/2))
			k3 := f(add(y, k2, d/2))
			k4 := f(add(y, k3, d))
			y = add(add(add(add(y, k1, d/6), k2, d/3), k3, d/3), k4, d/6)
		}
	}
	return out
}

// measuredTable is a table of states with noise of a deviation for each.
func measuredTable(names string, rows [][]float64, h float64, sd []float64, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("t," + names + "\n")
	for i, y := range rows {
		fmt.Fprintf(&b, "%g", float64(i)*h)
		for k, v := range y {
			fmt.Fprintf(&b, ",%g", v+sd[k]*rng.NormFloat64())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// distilled fits a model and distils it.
func distilled(t *testing.T, model, table string) *pinode.Distillation {
	t.Helper()
	m := fromText(t, model, table)
	f, err := m.Fit(t.Context(), pinode.FitOptions{})
	require.NoError(t, err)
	r, err := m.Distill(t.Context(), f, pinode.DistillOptions{Seed: 1, Draws: 20})
	require.NoError(t, err)
	return r
}

// TestDistillLotkaVolterra: the missing terms −0.9 xy and 0.8 xy from 31 noisy points, at night of more noise too, where
// the model is Lotka and Volterra's, as in C. Rackauckas et al., arXiv:2001.04385, scenario 1.
func TestDistillLotkaVolterra(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred fits")
	}
	t.Parallel()
	rows := integrated(func(y []float64) []float64 {
		return []float64{1.3*y[0] - 0.9*y[0]*y[1], 0.8*y[0]*y[1] - 1.8*y[1]}
	}, []float64{0.44249296, 4.6280594}, 0.1, 31)
	mean := make([]float64, 2)
	for _, y := range rows {
		mean[0], mean[1] = mean[0]+y[0]/31, mean[1]+y[1]/31
	}
	noises := []float64{0.005}
	if os.Getenv("PINODE_NIGHTLY") != "" {
		noises = append(noises, 0.025)
	}
	for _, noise := range noises {
		sd := []float64{noise * mean[0], noise * mean[1]}
		r := distilled(t, fmt.Sprintf(`model LV {
  param x0 in (0, inf) = 0.45
  param y0 in (0, inf) = 4.6
  state x = x0
  state y = y0
  neural N(x, y) -> [2] { hidden: [5, 5, 5], activation: rbf }
  x' = 1.3*x + N(x, y)[0]
  y' = -1.8*y + N(x, y)[1]
  observe x = x ~ normal(%g)
  observe y = y ~ normal(%g)
}
data d from "d.csv" { time: t; x: x; y: y }`, sd[0], sd[1]), measuredTable("x,y", rows, 0.1, sd, 3))
		require.True(t, r.Found, r.Blocks[0].Why)
		for e, want := range []float64{-0.9, 0.8} {
			f := r.Blocks[0].Formulas[e]
			require.True(t, f.Terms[0].In)
			require.Equal(t, "x*y", f.Terms[0].Text, "noise %g", noise)
			require.False(t, f.Terms[1].In, "one term alone: %s", f.Text)
			require.InEpsilon(t, want, f.Terms[0].Coefficient, 3*noise+1e-3)
		}
		fromText(t, r.Text, "t,x,y\n0,0.4,4.6\n1,0.2,0.9\n") // it compiles
		require.Contains(t, r.Text, "fn N(x, y) -> [2] = [N0_1*x*y, N1_1*x*y]")
		require.NotContains(t, r.Text, "neural")
	}
}

// TestDistillDrag: a drag that is quadratic in the velocity, with units, from a ball that is
// thrown up.
func TestDistillDrag(t *testing.T) {
	t.Parallel()
	const k = 0.05
	rows := integrated(func(y []float64) []float64 {
		return []float64{y[1], -9.81 - k*y[1]*math.Abs(y[1])}
	}, []float64{1, 20}, 0.1, 41)
	r := distilled(t, `model Thrown {
  const g = 9.81 [m/s^2]
  param v0: m/s = 19
  state h: m = 1
  state v: m/s = v0
  neural air(v: m/s) -> m/s^2 { hidden: [8], odd: true }
  h' = v
  v' = -g + air(v)
  observe height: m = h ~ normal(0.02 [m])
  observe speed: m/s = v ~ normal(0.05 [m/s])
}
data d from "d.csv" { time: t; height: h; speed: v }`, measuredTable("h,v", rows, 0.1, []float64{0.02, 0.05}, 5))
	require.True(t, r.Found, r.Blocks[0].Why)
	f := r.Blocks[0].Formulas[0]
	require.Equal(t, "v*abs(v)", f.Terms[0].Text, f.Text)
	require.InEpsilon(t, -k, f.Terms[0].Coefficient, 0.01)
	require.False(t, len(f.Terms) > 1 && f.Terms[1].In, f.Text)
	require.Contains(t, r.Text, "fn air(v: m/s) -> m/s^2 = air_1*v*abs(v)")
}

// TestDistillNothing: a law that no sum of a few terms follows is told so.
func TestDistillNothing(t *testing.T) {
	t.Parallel()
	law := func(x float64) float64 { return 2*math.Exp(-8*(x-1)*(x-1)) - 1.5*math.Exp(-20*(x-2)*(x-2)) + 0.3 }
	rows := integrated(func(y []float64) []float64 { return []float64{law(y[0])} }, []float64{0}, 0.05, 81)
	r := distilled(t, `model Bump {
  state x = 0
  neural f(x) -> 1 { hidden: [12] }
  x' = f(x)
  observe x = x ~ normal(0.0005)
}
data d from "d.csv" { time: t; x: x }`, measuredTable("x", rows, 0.05, []float64{0.0005}, 7))
	require.False(t, r.Found)
	require.Contains(t, r.Blocks[0].Why, "no formula")
	require.Contains(t, r.Text, "neural f(x)", "the model stays as it is")
}

// TestDistillRefused: what cannot be judged, or is not there, is refused with its place.
func TestDistillRefused(t *testing.T) {
	const table = "t,x\n0,1\n1,0.4\n2,0.1\n"
	for text, want := range map[string]string{
		"  observe x = x ~ normal(0.1) { weight: 0 }\n  loss l = (data(x) - x)^2": "no observation has a weight",
		"  observe x = x ~ normal(0.1)":                                           "there is no neural block `g`; there are [f]",
	} {
		m := fromText(t, "model M {\n  state x = 1\n  neural f(x) -> 1 { hidden: [3] }\n  x' = f(x)\n"+text+"\n}\ndata d from \"d.csv\" { time: t; x: x }", table)
		_, err := m.Distill(t.Context(), nil, pinode.DistillOptions{Block: "g"})
		require.ErrorContains(t, err, want)
	}
}
