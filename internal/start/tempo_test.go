package start

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTempi: starts at which the model swings as fast as the data have the true frequency, up to a
// tenth of a cycle over all, whether it is a number in a formula, of a table without times, or that of an
// equation, or the root of a ratio there.
func TestTempi(t *testing.T) {
	const frequency, n = 1.37, 120
	of := func(x float64) float64 { return 1.5 + 0.8*math.Sin(2*math.Pi*frequency*x+0.4) }
	rng := seeded(5)
	var rows [][]float64
	for i := range n {
		x := 10 * float64(i) / n
		rows = append(rows, []float64{x, of(x) + 0.1*rng.NormFloat64()})
	}
	data := table("x,y", rows...)
	ω2 := math.Pow(2*math.Pi*frequency, 2)
	for name, c := range map[string]struct {
		model string
		truth map[string]float64
	}{
		"formula of a covariate": {`model M {
  param f in (0, inf) = 0.2
  param a in (0, inf) = 3
  covariate x
  observe y = 1 + a*sin(2*pi*f*x) ~ normal(0.1)
}
data d from "data.csv" { x: x
 y: y }
`, map[string]float64{"f": frequency}},
		"equation": {`model M {
  time t: s
  param k in (0, inf) = 400
  param m in (0, inf) = 30
  param z in (0, inf) = 0.01
  state u = 0.5
  state v: 1/s = 0
  u' = v
  v' = -k/m*u*1 [1/s^2] - z*v*1 [1/s]
  observe y = 2 + u ~ normal(0.1)
}
data d from "data.csv" { time: x
 y: y }
`, map[string]float64{"k": 30 * ω2, "m": 400 / ω2}},
	} {
		f := load(t, c.model, data)
		list, err := Tempi(context.Background(), f.data, f.x, options, 2)
		require.NoError(t, err, name)
		got := map[string]float64{}
		for _, s := range list {
			got[f.space.Params[s.Param].Name] = f.space.Transforms[s.Param].Forward(s.X[s.Param])
		}
		require.Len(t, got, len(c.truth), name)
		for p, v := range c.truth { // by k and m the frequency goes as the root
			require.InEpsilon(t, v, got[p], 3*0.1/(frequency*10), "%s: %s", name, p)
		}
	}
}

// TestStillData: data that do not swing, and models that do so as fast as the data or not at all,
// have no such starts.
func TestStillData(t *testing.T) {
	const model = `model M {
  param f in (0, inf) = %g
  covariate x
  observe y = sin(2*pi*f*x) ~ normal(0.1)
}
data d from "data.csv" { x: x
 y: y }
`
	rng := seeded(6)
	var still, swings [][]float64
	for i := range 60 {
		x := float64(i) / 6
		still = append(still, []float64{x, x - 0.05*x*x + 0.1*rng.NormFloat64()})
		swings = append(swings, []float64{x, math.Sin(2*math.Pi*0.8*x + 1)})
	}
	for name, c := range map[string]struct {
		f    float64
		rows [][]float64
	}{"no swing in the data": {0.5, still}, "as fast": {0.8, swings}, "none in the model": {0.01, swings}} {
		f := load(t, fmt.Sprintf(model, c.f), table("x,y", c.rows...))
		list, err := Tempi(context.Background(), f.data, f.x, options, 2)
		require.NoError(t, err, name)
		require.Empty(t, list, name)
	}
}

// TestLoudestSine: the frequency of a sine with noise, a drift and uneven times is that of
// least squares, to a few of its standard errors, √6 σ/(π T a √n), and its part of the variance.
func TestLoudestSine(t *testing.T) {
	rng := seeded(7)
	const n, frequency, a, sd = 200, 2.3, 0.7, 0.3
	var at, v []float64
	for range n {
		x := 8 * rng.Float64()
		at = append(at, x)
		v = append(v, 5-0.4*x+a*math.Cos(2*math.Pi*frequency*x-1)+sd*rng.NormFloat64())
	}
	s := loudestSine(at, v)
	require.InDelta(t, frequency, s.frequency, 3*math.Sqrt(6)*sd/(math.Pi*8*a*math.Sqrt(n)))
	require.InDelta(t, a*a/2/(a*a/2+sd*sd), s.part, 0.08)
}
