package start

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// reactor is a culture that eats a substrate which is fed; how fast is not known.
const reactor = `model Reactor {
  time t: h
  covariate D: 1/h
  covariate feed: g/L
  covariate X0: g/L
  covariate S0: g/L
  param Y in (0, 1) = 0.25
  neural growth(S: g/L) -> 1/h { hidden: [8], positive: true }
  state X: g/L = X0
  state S: g/L = S0
  X' = growth(S)*X - D*X
  S' = D*(feed - S) - growth(S)*X/Y
  observe cells: g/L = X ~ lognormal(0.05)
  observe sugar: g/L = S ~ normal(0.1)
}
data runs from "data.csv" {
  time: t
  trajectory: run
  D: D
  feed: feed
  X0: X0
  S0: S0
  cells: cells
  sugar: sugar
}
`

// monod is the law behind the data of the reactor, with yield 0.5.
func monod(s float64) float64 { return 0.4 * s / (1.5 + s) }

func reactorTable(noise float64) string {
	rng := seeded(3)
	var rows [][]float64
	for run, c := range []struct{ d, feed, x, s float64 }{{0.1, 10, 0.3, 9}, {0.25, 12, 1, 4}} {
		y := []float64{c.x, c.s}
		for i := range 21 {
			t := float64(i) * 1.5
			if i > 0 {
				y = rk4(func(_ float64, y []float64) []float64 {
					m := monod(y[1])
					return []float64{(m - c.d) * y[0], c.d*(c.feed-y[1]) - m*y[0]/0.5}
				}, y, t-1.5, t)
			}
			cells, sugar := y[0]*math.Exp(noise*0.05*rng.NormFloat64()), y[1]+noise*0.1*rng.NormFloat64()
			if i%5 == 3 {
				cells = math.NaN()
			}
			rows = append(rows, []float64{float64(run), t, c.d, c.feed, c.x, c.s, cells, sugar})
		}
	}
	return table("run,t,D,feed,X0,S0,cells,sugar", rows...)
}

// TestReactorScales: the sizes of a block are those that data tell, whatever a run
// with the start values would do.
func TestReactorScales(t *testing.T) {
	f := load(t, reactor, reactorTable(1))
	require.True(t, f.data.AllObserved())
	require.NoError(t, f.data.SetScales())
	var args, rates []float64
	for _, run := range f.data.runs {
		for _, at := range rowTimes(run.Trajectory) {
			y, _ := f.data.states(run, at)
			args, rates = append(args, y[1]), append(rates, monod(y[1]))
		}
	}
	rms := func(v []float64) float64 {
		var m meanSquare
		for _, x := range v {
			m.add(x)
		}
		return m.root()
	}
	in, out := f.scale("growth", 0), f.scale("growth", 1)
	require.InEpsilon(t, rms(args), in, 1e-9)
	require.InDelta(t, 1, out/rms(rates), 0.5, "what the rates of cells ask for, at the wrong yield of the start")
}

// scale is the scale of a block: of its arguments (0) or its result (1).
func (f *fixture) scale(block string, which int) float64 {
	for _, s := range f.prog.Model.Layout.Scales {
		if s.Object.Info().Name == block {
			if which == 0 {
				return f.space.Scales[s.Off]
			}
			which--
		}
	}
	f.Fatal("no scale of " + block)
	return 0
}

// TestJumpingSize: what a force has to be is told by the second differences of the curve of a place, though
// it hits the ground in the midst of it, where no force of its size stops it: that of the throw below
// is up to 0.5·6 = 3 and never below 0.5·2.
func TestJumpingSize(t *testing.T) {
	const model = `model Throw {
  time t: s
  neural drag(v: m/s) -> m/s^2 { hidden: [8], positive: true }
  state x: m = 0
  state v: m/s = 6
  x' = v
  v' = -drag(v)
  event wall when x >= 6 { v := 0 }
  observe place: m = x ~ normal(0.01)
}
data film from "data.csv" { time: t
 place: x }
`
	rng := seeded(8)
	var rows [][]float64
	for i := range 60 {
		at := 0.05 * float64(i)
		x := math.Min(12*(1-math.Exp(-0.5*at)), 6)
		rows = append(rows, []float64{at, x + 0.01*rng.NormFloat64()})
	}
	f := load(t, model, table("t,x", rows...))
	require.NoError(t, f.data.SetScales())
	out := f.scale("drag", 1)
	require.Greater(t, out, 1.)
	require.Less(t, out, 9., "three times the largest; a tenth of the span at the size of the speed would be 10")
}

// TestSilentTrajectory: a trajectory without a value of something that is observed on a
// logarithmic scale tells nothing of how small that becomes; the others do.
func TestSilentTrajectory(t *testing.T) {
	const model = `model Two {
  time t: h
  covariate y0
  state x = 1
  state y = y0
  const u = 1 [1/h]
  x' = -0.1*x*u
  y' = -0.5*y*u
  param s in (0, inf) = 0.1
  observe a = x ~ normal(s)
  observe b = y ~ lognormal(0.1)
}
data d from "data.csv" { time: t
 trajectory: run
 y0: y0
 a: a
 b: b }
`
	var both, one [][]float64
	for i := range 20 {
		at := float64(i)
		row := []float64{1, at, 2, math.Exp(-0.1 * at), 2 * math.Exp(-0.5*at)}
		both, one = append(both, row), append(one, row)
	}
	for i := range 20 {
		both = append(both, []float64{2, float64(i), 0, math.Exp(-0.1 * float64(i)), math.NaN()})
	}
	sizes := func(rows [][]float64) []float64 {
		f := load(t, model, table("run,t,y0,a,b", rows...))
		opt, err := f.data.Tolerances(options)
		require.NoError(t, err)
		return opt.Sizes
	}
	require.InDeltaSlice(t, sizes(one), sizes(both), 1e-6)
}

// TestSizesAgree: how far a state goes that nothing tells but the rate that a block gives, is known when the size of the
// block's result is, which an observation asks for. A resin cures from 0 to 1 by (1 − a)²/120 s, seen by its heat alone.
func TestSizesAgree(t *testing.T) {
	const model = `model Cure {
  time t: s
  param H: J/g in (0, inf) = 100
  neural order(a) -> 1/s { hidden: [8], positive: true }
  state a = 0
  let rate = order(a)*(1 - a)
  a' = rate
  observe heat: J/g/s = H*rate ~ normal(0.02)
}
data oven from "data.csv" { time: t
 heat: heat }
`
	var rows [][]float64
	for i := range 100 {
		at := 24 * float64(i+1)
		left := 1 / (1 + at/120)
		rows = append(rows, []float64{at, 100 * left * left / 120})
	}
	f := load(t, model, table("t,heat", rows...))
	require.NoError(t, f.data.SetScales())
	for which, in := range [][2]float64{{0.05, 1}, {1e-4, 1e-2}} {
		got := f.scale("order", which)
		require.Greater(t, got, in[0])
		require.Less(t, got, in[1], "with a result of 1 for a tenth of the time, a is 240")
	}
}

// TestSizesOfPuts: a state that nothing observes has the size of what an event puts there, whether the model says when or the
// data do; one that curves tell has that of its curve.
func TestSizesOfPuts(t *testing.T) {
	for _, when := range []string{"at t = 1", "when seen < 2"} {
		f := load(t, `model M {
  state seen = 3
  state depot = 0
  seen' = -0.5*seen
  depot' = -2*depot
  event dose `+when+` { depot += 250; seen += 1000 }
  observe y = seen ~ normal(0.1)
}
data d from "data.csv" { time: t; y: y }
`, table("t,y", [][]float64{{0, 3}, {1, 1.8}, {2, 1.1}, {3, 0.7}}...))
		sizes := f.data.measure().states
		require.InEpsilon(t, 250, sizes[1], 1e-12, when)
		require.InDelta(t, 1.8, sizes[0], 0.5, when)
	}
}
