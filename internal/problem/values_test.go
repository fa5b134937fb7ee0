package problem_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// several has parameters of all kinds around weights that are fitted and others that are not.
const several = `model M {
  covariate v
  param a[2] in (0, inf) = [1, 2]
  param c in (0, 10) = 4 fixed
  param q per g in (-5, 5) = v
  param z in [0, 1] = 0
  neural f(x) -> 1 { hidden: [2], seed: 3 }
  neural h(x) -> 1 { hidden: [1], seed: 4, frozen: true }
  neural l(x) -> 1 { hidden: [1], seed: 5, l2: 0.5 }
  state x = 1
  x' = -a[0]*x + f(x) + h(x) + l(x) + z + q
  observe y = c*x + a[1]
}
data d from "data.csv" { time: t, trajectory: g, y: y, v: v }
`

const severalRows = "g,v,t,y\na,-1,0,1\na,-1,1,5\nb,3,1,2\n"

// TestValuesComeBack: values that a space is given are those that it has, runs with and
// tells, whatever they are of.
func TestValuesComeBack(t *testing.T) {
	sp := problemtest.Load(t, several, severalRows).Space
	require.Equal(t, 2+2+1, len(sp.Params), "what is fixed is not fitted")
	require.Len(t, sp.Weights, 2, "nor what is frozen")
	require.Equal(t, []float64{0, 0.5}, []float64{sp.Weights[0].L2, sp.Weights[1].L2})
	x, err := sp.X0()
	require.NoError(t, err)
	start := sp.ValuesAt(x)
	require.InDelta(t, -1, start.Params["q{g=a}"], 1e-14, "by the covariate of its trajectory")
	require.InDelta(t, 3, start.Params["q{g=b}"], 1e-14)
	require.InDelta(t, 0.01, start.Params["z"], 1e-12, "a closed end is started from within")
	require.NotContains(t, start.Scales, "loss")

	v := &problem.Values{
		Params:  map[string]float64{"a[0]": 0.25, "a[1]": 8, "c": 7, "q{g=a}": 1.5, "q{g=b}": -2, "q{g=elsewhere}": 4, "z": 0.5},
		Weights: map[string][]float64{}, Scales: map[string][]float64{},
	}
	for name, w := range start.Weights {
		for i := range w {
			v.Weights[name] = append(v.Weights[name], float64(i)+0.125*float64(len(name)))
		}
	}
	for name := range start.Scales {
		v.Scales[name] = make([]float64, len(start.Scales[name]))
		for i := range v.Scales[name] {
			v.Scales[name][i] = 3 + float64(i)
		}
	}
	require.NotEmpty(t, v.Scales)
	require.NoError(t, sp.SetValues(v))
	x, err = sp.X0()
	require.NoError(t, err)
	got := sp.ValuesAt(x)
	delete(v.Params, "q{g=elsewhere}") // of a trajectory that is not here
	require.InDeltaMapValues(t, v.Params, got.Params, 1e-14)
	require.Equal(t, v.Weights, got.Weights)
	require.Equal(t, v.Scales, got.Scales)
	require.InDelta(t, 0.25, sp.Natural()[0], 1e-14)

	// What runs read: shared values at their places, those per key with the trajectory.
	nat := make([]float64, len(sp.Params))
	p := sp.SharedAt(x, nat)
	lay := &sp.Prog.Model.Layout
	for _, s := range lay.Params {
		if !s.PerKey {
			for e := range s.N {
				want := map[string][]float64{"a": {0.25, 8}, "c": {7}, "z": {0.5}}[s.Object.Info().Name][e]
				require.InDelta(t, want, p[s.Off+e], 1e-14)
			}
		}
	}
	for _, w := range lay.Weights {
		require.Equal(t, v.Weights[w.Name], p[w.Off:w.Off+w.Shape.Size()], w.Name)
	}
}

// TestOwnInputs: a parameter with a value for each key goes with the trajectories of the key,
// as does its gradient.
func TestOwnInputs(t *testing.T) {
	f := problemtest.Load(t, several, severalRows)
	sp := f.Space
	off := -1
	for _, s := range sp.Prog.Model.Layout.Params {
		if s.PerKey {
			off = s.Off
		}
	}
	nat := []float64{1, 2, 10, 20, 0.5}
	require.Equal(t, 10., sp.OwnInputs(nat, f.Trajectories[0], nil)[off])
	require.Equal(t, 20., sp.OwnInputs(nat, f.Trajectories[1], nil)[off])
	pBar, qBar := make([]float64, sp.Prog.Model.Layout.NP), make([]float64, sp.Prog.Model.Layout.NQ)
	for i := range pBar {
		pBar[i] = 1
	}
	for _, s := range sp.Prog.Model.Layout.Params {
		if s.Object.Info().Name == "a" {
			pBar[s.Off+1] = 4
		}
	}
	qBar[off] = 7
	g := make([]float64, len(nat))
	sp.Pullback(pBar, qBar, f.Trajectories[1], g)
	require.Equal(t, []float64{1, 4, 0, 7, 1}, g)
	sp.Pullback(pBar, qBar, f.Trajectories[0], g)
	require.Equal(t, []float64{2, 8, 7, 7, 2}, g)
}

// TestWith: a value that is set takes the place of that of a run: of one key, or of all.
func TestWith(t *testing.T) {
	run := &problem.Values{
		Params: map[string]float64{"k": 1, "q{g=a}": 2, "q{g=b}": 3}, Weights: map[string][]float64{"w": {1}}, Scales: map[string][]float64{"s": {2}},
	}
	v := run.With(map[string]float64{"q{g=a}": 5})
	require.Equal(t, map[string]float64{"k": 1, "q{g=a}": 5, "q{g=b}": 3}, v.Params)
	require.Equal(t, run.Weights, v.Weights)
	require.Equal(t, run.Scales, v.Scales)
	require.Equal(t, map[string]float64{"k": 1, "q": 5}, run.With(map[string]float64{"q": 5}).Params)
	require.Equal(t, map[string]float64{"k": 9, "q{g=a}": 2, "q{g=b}": 3}, run.With(map[string]float64{"k": 9}).Params)
	require.Equal(t, map[string]float64{"k": 9}, (*problem.Values)(nil).With(map[string]float64{"k": 9}).Params)
	require.Equal(t, 1., run.Params["k"], "those of the run stay")
}

// TestSetForAllKeys: a name without a key sets all of them.
func TestSetForAllKeys(t *testing.T) {
	f := problemtest.Load(t, several, severalRows)
	require.NoError(t, f.Space.SetValues(&problem.Values{Params: map[string]float64{"q": 2.5}}))
	x, err := f.Space.X0()
	require.NoError(t, err)
	v := f.Space.ValuesAt(x).Params
	require.InDelta(t, 2.5, v["q{g=a}"], 1e-14)
	require.InDelta(t, 2.5, v["q{g=b}"], 1e-14)
	require.InDelta(t, 1, v["a[0]"], 1e-14)
}

// TestExact: at the closed end of its interval a value is there exactly, not a little inside.
func TestExact(t *testing.T) {
	sp := problemtest.Load(t, several, severalRows).Space
	for v, want := range map[float64]float64{0: math.Inf(-1), 1: math.Inf(1)} {
		require.NoError(t, sp.SetValues(&problem.Values{Params: map[string]float64{"z": v}}))
		x, err := sp.Exact()
		require.NoError(t, err)
		require.Equal(t, want, x[4])
		require.Equal(t, v, sp.ValuesAt(x).Params["z"])
		require.False(t, math.IsInf(x[0], 0))
	}
}

// TestValuesRefused: what the model does not have, and what is outside.
func TestValuesRefused(t *testing.T) {
	for want, v := range map[string]*problem.Values{
		"the model has no parameter `b`; it has a[0], a[1], c, q{g=a}, q{g=b}, z":        {Params: map[string]float64{"b": 1}},
		"the model has no parameter `b{g=a}`":                                            {Params: map[string]float64{"b{g=a}": 1}},
		"a[0] = 0 is outside of its interval (0, inf)":                                   {Params: map[string]float64{"a[0]": 0}},
		"c = 11 is outside of its interval (0, 10)":                                      {Params: map[string]float64{"c": 11}},
		"q = 5 is outside of its interval (-5, 5)":                                       {Params: map[string]float64{"q": 5}},
		"weights `f.0.weight` have 1 numbers, the model needs 2":                         {Weights: map[string][]float64{"f.0.weight": {1}}},
		"weight 1 of `f.0.weight` is NaN, and not a finite number":                       {Weights: map[string][]float64{"f.0.weight": {1, math.NaN()}}},
		"weight 0 of `f.0.weight` is +Inf, and not a finite number":                      {Weights: map[string][]float64{"f.0.weight": {math.Inf(1), 1}}},
		"the model has no weights `g.0.weight`; it has f.0.weight, f.0.bias, f.1.weight": {Weights: map[string][]float64{"g.0.weight": {1}}},
	} {
		err := problemtest.Load(t, several, severalRows).Space.SetValues(v)
		require.ErrorContains(t, err, want)
	}
}
