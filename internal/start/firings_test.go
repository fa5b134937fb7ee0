package start

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// harvested grows by a factor of e in a unit of time, and is cut to a part where it reaches a level. The file's
// values of both are wrong.
const harvested = `model Harvested {
  param level in (0, inf) = 3
  param part in (0, 1) = 0.5
  state x = 1
  x' = x
  event cut when x >= level { x := part*x }
  observe y = x ~ lognormal(0.02)
}
data d from "data.csv" { time: t, y: x }
`

// harvest is the solution with a level of 10, cut to a fifth of it: from ln 10 on each ln 5 later.
func harvest(t float64) float64 {
	return math.Exp(t - math.Log(5)*math.Max(0, math.Ceil((t-math.Log(10))/math.Log(5))))
}

func harvestRows(noise float64) [][]float64 {
	rng := seeded(4)
	var rows [][]float64
	for k := range 60 {
		at := 0.15 * float64(k+1)
		rows = append(rows, []float64{at, harvest(at) * math.Exp(noise*rng.NormFloat64())})
	}
	return rows
}

// cuts are the times at which it is cut.
func harvestCuts() (list []float64) {
	for at := math.Log(10); at < 9; at += math.Log(5) {
		list = append(list, at)
	}
	return list
}

// TestBreaks: the data show between which rows it was cut, with noise, and that nothing happens where
// nothing does.
func TestBreaks(t *testing.T) {
	f := load(t, harvested, table("t,x", harvestRows(0.02)...))
	list := breaks(f.data.curves, 0)
	cuts := harvestCuts()
	require.Len(t, list, len(cuts))
	for i, b := range list {
		require.Less(t, b.From, cuts[i])
		require.Greater(t, b.To, cuts[i])
		require.False(t, b.Up)
	}

	rows := harvestRows(0.02)
	for i := range rows {
		rows[i][1] = 3 + math.Sin(rows[i][0])
	}
	require.Empty(t, breaks(load(t, harvested, table("t,x", rows...)).data.curves, 0))
}

// TestNoiseBesideBreaks: jumps are no noise, where none is declared.
func TestNoiseBesideBreaks(t *testing.T) {
	free := strings.Replace(harvested, "  state", "  param s in (0, inf) = 1\n  state", 1)
	free = strings.Replace(free, "lognormal(0.02)", "lognormal(s)", 1)
	for _, noise := range []float64{0.02, 0.1} {
		rows, squares := harvestRows(noise), 0.
		f := load(t, free, table("t,x", rows...))
		require.True(t, math.IsNaN(f.data.ways[0].sigma))
		require.Len(t, breaks(f.data.curves, 0), len(harvestCuts()), "noise %g", noise)
		for _, r := range rows {
			e := math.Log(r[1] / harvest(r[0]))
			squares += e * e
		}
		require.InEpsilon(t, math.Sqrt(squares/float64(len(rows))), f.data.Noise()[0], 0.25, "noise %g", noise)
	}
}

// TestTell: events that are told fire then, and not by their conditions: the state before each is that of
// the closed form, and the rows lie where they lay.
func TestTell(t *testing.T) {
	f := load(t, harvested, table("t,x", harvestRows(0)...))
	ways := Assignments(f.data)
	require.Len(t, ways, 1)
	list := ways[0]
	for i, at := range harvestCuts() {
		list[i].T = at
	}
	told, err := Tell(f.data, list)
	require.NoError(t, err)
	f.x[1] = math.Log(0.2 / 0.8) // part: 0.2, by its logit
	p, err := told.pass(context.Background(), f.x, options, 1)
	require.NoError(t, err)
	for i, s := range p.firings {
		require.Equal(t, list[i].T, s.t)
		require.InDelta(t, 10, s.y[0], 1e-6)
	}
	require.Len(t, p.rows[0], 60)
	for _, s := range p.rows[0] {
		require.InEpsilon(t, harvest(s.t), s.y[0], 1e-6)
	}
	for i := range told.Trajectories[0].Rows {
		r := &told.Trajectories[0].Rows[i]
		require.Equal(t, f.trajectories[0].Span.Saves[f.trajectories[0].Rows[i].Save()], told.Trajectories[0].Span.Saves[r.Save()])
	}
}

// TestMeet: thresholds that are free come to the states at which events have fired, and firings to where
// these are reached, both known in closed form.
func TestMeet(t *testing.T) {
	f := load(t, harvested, table("t,x", harvestRows(0)...))
	list := Assignments(f.data)[0]
	f.x[1] = math.Log(0.2 / 0.8)
	for range 20 {
		told, err := Tell(f.data, list)
		require.NoError(t, err)
		list, _, err = told.Meet(context.Background(), f.x, []bool{true, false}, true, options, 1)
		require.NoError(t, err)
	}
	level := f.space.Transforms[0].Forward(f.x[0])
	require.InEpsilon(t, 10, level, 0.05)
	for i, c := 0, math.Log(level); i < len(list); i, c = i+1, c+math.Log(5) {
		require.InDelta(t, c, list[i].T, 1e-4)
	}
}

// TestSpared: between its firings a condition should not be true: a threshold is led above what was
// reached there.
func TestSpared(t *testing.T) {
	f := load(t, harvested, table("t,x", harvestRows(0)...))
	list := Assignments(f.data)[0]
	list = list[1:] // as though the first had not been
	f.x[1] = math.Log(0.2 / 0.8)
	told, err := Tell(f.data, list)
	require.NoError(t, err)
	p, err := told.pass(context.Background(), f.x, options, 1)
	require.NoError(t, err)
	most := 0.
	for _, s := range p.rows[0] {
		if s.t < list[0].From {
			most = math.Max(most, s.y[0])
		}
	}
	_, _, err = told.Meet(context.Background(), f.x, []bool{true, false}, true, options, 1)
	require.NoError(t, err)
	require.Greater(t, f.space.Transforms[0].Forward(f.x[0]), 0.99*most)
}

// TestBesideFirings: rows next to firings have no values that count, and the others keep theirs.
func TestBesideFirings(t *testing.T) {
	f := load(t, harvested, table("t,x", harvestRows(0)...))
	list := Assignments(f.data)[0]
	part := Beside(f.data, list, 2)[0]
	require.Equal(t, 60-4*len(list), part.Values)
	for i := range part.Rows {
		at, near := part.Span.Saves[part.Rows[i].Save()], false
		for _, c := range harvestCuts() {
			near = near || math.Abs(at-c) < 0.3
		}
		require.Equal(t, near, part.Rows[i].Seen()[0] == 0)
	}
	require.Equal(t, 60, f.trajectories[0].Values)
}
