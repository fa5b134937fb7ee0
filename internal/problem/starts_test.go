package problem_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// decayText is a model with a time of some interval, and data that say something of their start.
func decayText(time, from string) string {
	return "model M {\n  " + time + "\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, trajectory: id, y: y" + from + " }\n"
}

const decayTable = "id,s,t,y\na,0.5,2,0.9\na,0.5,3,0.5\na,0.5,6,0.1\nb,1,4,0.8\nb,1,9,0.2\n"

// TestStarts: trajectories start at a number, a column, their first row, where the time does, or at 0;
// rows before are left out, and a start behind all of them is refused.
func TestStarts(t *testing.T) {
	for _, c := range []struct {
		time, from string
		starts     []float64
		rows       []int
		alone      float64
	}{
		{"time t", "", []float64{0, 0}, []int{3, 2}, 0},
		{"time t in [1, inf)", "", []float64{1, 1}, []int{3, 2}, 1},
		{"time t", ", from: 2.5", []float64{2.5, 2.5}, []int{2, 2}, 2.5},
		{"time t in [1, inf)", ", from: 3", []float64{3, 3}, []int{2, 2}, 3},
		{"time t", ", from: s", []float64{0.5, 1}, []int{3, 2}, 0.5},
		{"time t", ", from: first row", []float64{2, 4}, []int{3, 2}, 2},
	} {
		p := problemtest.Open(t, decayText(c.time, c.from), decayTable)
		list, err := p.Trajectories(data.Train)
		require.NoError(t, err)
		for i, it := range list {
			require.Equal(t, c.starts[i], it.Span.T0, "%s%s", c.time, c.from)
			require.Equal(t, c.starts[i], it.Shown())
			require.Len(t, it.Rows, c.rows[i], "%s%s", c.time, c.from)
			require.Equal(t, []float64{6, 9}[i], it.Span.T1)
		}
		alone, err := p.AloneFrom(false)
		require.NoError(t, err)
		require.Equal(t, c.alone, alone, "%s%s", c.time, c.from)
	}
	p := problemtest.Open(t, decayText("time t", ", from: 7"), decayTable)
	_, err := p.Trajectories(data.Train)
	require.ErrorContains(t, err, "the trajectory id=a starts at 7, behind its last row at 6")
	p = problemtest.Open(t, decayText("time t", ""), "id,s,t,y\na,0,-2,1\na,0,3,0.5\n")
	list, err := p.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, -2., list[0].Span.T0, "a row before 0")
}

// TestAloneFrom: a run without data starts where the file says, if it says so itself without its tables.
func TestAloneFrom(t *testing.T) {
	without := func(time, from string) *problem.Problem {
		p := problemtest.Open(t, decayText(time, from), decayTable)
		require.NoError(t, os.Remove(p.Path[:len(p.Path)-len("m.node")]+"data.csv"))
		return p
	}
	for _, c := range []struct {
		time, from string
		given      bool
		want       float64
		refused    bool
	}{
		{"time t in [1, inf)", ", from: 3", false, 3, false},
		{"time t in [1, inf)", ", from: 3", true, 1, false},
		{"time t", ", from: s", true, 0, false},
		{"time t", "", false, 0, false},
		{"time t", ", from: s", false, 0, true},
		{"time t", ", from: first row", false, 0, true},
	} {
		got, err := without(c.time, c.from).AloneFrom(c.given)
		require.Equal(t, c.refused, err != nil, "%s%s: %v", c.time, c.from, err)
		require.Equal(t, c.want, got, "%s%s", c.time, c.from)
	}
}

// TestFirstValues: an initial value that is the first of data is measured where the trajectory starts.
func TestFirstValues(t *testing.T) {
	const model = "model M {\n  param k = 1\n  state x = first(y)\n  x' = -k*x\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, trajectory: id, y: y%s }\n"
	text := func(from string) string { return model[:len(model)-len("%s }\n")] + from + " }\n" }
	list, err := problemtest.Open(t, text(""), decayTable).Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, []float64{2, 4}, []float64{list[0].Span.T0, list[1].Span.T0}, "at the first row")
	_, err = problemtest.Open(t, text(", from: 1"), decayTable).Trajectories(data.Train)
	require.ErrorContains(t, err, "`y` is not measured where the trajectory id=a starts, at 1")
	_, err = problemtest.Open(t, text(""), "id,s,t,y\na,0,2,\na,0,3,0.5\n").Trajectories(data.Train)
	require.ErrorContains(t, err, "is not measured where the trajectory id=a starts, at 2")
}

// TestPredictedRows: rows that are known when predicting are told, and the others are predicted; their
// values count there alone.
func TestPredictedRows(t *testing.T) {
	p := problemtest.Open(t, decayText("time t", ", given: t < 3.5"), decayTable)
	list, err := p.Trajectories(data.Train)
	require.NoError(t, err)
	a, b := list[0], list[1]
	require.Equal(t, []int{3, 2}, []int{a.Values, b.Values})
	a.Predict()
	b.Predict()
	require.Equal(t, []int{1, 2}, []int{a.Values, b.Values})
	require.Equal(t, []int{1, 2, 2, 0}, []int{len(a.Rows), len(a.Told), len(b.Rows), len(b.Told)})
	require.Equal(t, 0.1, a.Rows[0].Data()[0])
	require.Equal(t, []float64{0.9, 0.5}, []float64{a.Told[0].Data()[0], a.Told[1].Data()[0]})
	known := a.Known()
	require.Len(t, known.Rows, 2)
	require.Equal(t, 2, known.Values)
	require.Nil(t, b.Known())
}

// TestHorizon: a run cut off after a fraction of its span has the rows and firings up to there.
func TestHorizon(t *testing.T) {
	p := problemtest.Open(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  event dose(amount) on data { x += amount }\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, trajectory: id, y: y, dose: { amount: s } }\n", "id,s,t,y\na,,2,0.9\na,1,3,\na,,4,0.5\na,2,6,\na,,10,0.1\n")
	list, err := p.Trajectories(data.Train)
	require.NoError(t, err)
	it := list[0]
	require.Len(t, it.Rows, 3)
	for _, c := range []struct {
		f, end               float64
		saves, firings, rows int
	}{{1, 10, 3, 2, 3}, {0.61, 6.1, 2, 2, 2}, {0.5, 5, 2, 1, 2}, {0.4, 4, 2, 1, 2}, {0.39, 3.9, 1, 1, 1}, {0.1, 1, 0, 0, 0}, {2, 10, 3, 2, 3}} {
		span, n := it.Horizon(c.f)
		require.InDelta(t, c.end, span.T1, 1e-12, "%g", c.f)
		require.Equal(t, []int{c.saves, c.firings, c.rows}, []int{len(span.Saves), len(span.Firings), n}, "%g", c.f)
	}
	require.Equal(t, 10., it.Span.T1, "it is as it was")
	it.Span.T0 = 3
	span, n := it.Horizon(0.5)
	require.Equal(t, 6.5, span.T1)
	require.Equal(t, []int{2, 2, 2}, []int{len(span.Saves), len(span.Firings), n})
}

// TestAloneFromTables: where the file does not say it without its tables, a run without data starts with
// the earliest of their trajectories, and what is wrong with them is said.
func TestAloneFromTables(t *testing.T) {
	for _, c := range []struct {
		time, from string
		want       float64
	}{
		{"time t", ", from: s", 0.5},
		{"time t", ", from: first row", 2},
		{"time t", ", from: 2.5", 2.5},
		{"time t", "", 0},
	} {
		got, err := problemtest.Open(t, decayText(c.time, c.from), decayTable).AloneFrom(false)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.from)
	}
	got, err := problemtest.Open(t, decayText("time t", ""), "id,s,t,y\na,0,-3,1\nb,0,-1,0.5\n").AloneFrom(false)
	require.NoError(t, err)
	require.Equal(t, -3., got)
	_, err = problemtest.Open(t, decayText("time t", ""), "id,s,t,y\na,0,30,1\na,0,31,1\n").AloneFrom(false)
	require.ErrorContains(t, err, "the first row is 30 after the start at 0")
	got, err = problemtest.Open(t, "model M {\n  state x = 1\n  x' = -x\n}\n", "").AloneFrom(false)
	require.NoError(t, err)
	require.Zero(t, got)
}

// steadyModel has doses that lead to a steady state.
const steadyModel = `model M {
  param k = 1
  state x = 0
  x' = -k*x
  event dose(amount) on data { x += amount }
  observe y = x
}
data d from "data.csv" { time: t, trajectory: id, y: y, dose: { amount: a, steady: ss, interval: ii, cycles: n } }
`

// TestStartsOfTables: the start of one trajectory that is nearly its first row is that row, doses that lead to a
// steady state begin before, and several gaps are judged by the widest.
func TestStartsOfTables(t *testing.T) {
	list, err := problemtest.Open(t, decayText("time t", ", from: s"), "id,s,t,y\na,0.3,0.30000000000000004,1\na,0.3,1,1\nb,0.3,0.3001,1\n").Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, []float64{0.30000000000000004, 0.3}, []float64{list[0].Span.T0, list[1].Span.T0}, "but for the rounding of units")

	list, err = problemtest.Open(t, steadyModel, "id,t,a,ss,ii,n,y\na,0,5,1,2,3,\na,1,,,,,1\nb,0,5,0,0,,\nb,1,,,,,1\n").Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, -6., list[0].Span.T0)
	require.Equal(t, []float64{0, 0}, []float64{list[0].Shown(), list[1].Shown()}, "what leads to it is not shown")
	require.Zero(t, list[1].Span.T0)
	span, n := list[0].Horizon(0.5)
	require.Equal(t, 0.5, span.T1, "a part of what is shown")
	require.Zero(t, n)

	p := problemtest.Open(t, decayText("time t", ""), "id,s,t,y\na,0,1,1\na,0,9,1\nb,0,20,1\nb,0,21,1\n")
	_, err = p.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, "the first row is 20 after the start at 0, and the rows span 8", p.Doubts().All[0].Message)
	p = problemtest.Open(t, decayText("time t", ""), "id,s,t,y\na,0,1,1\nb,0,20,1\n")
	_, err = p.Trajectories(data.Train)
	require.NoError(t, err, "single rows have no span")
	require.Empty(t, p.Doubts().All)
}

// TestFarStartsHaveUnits: what is advised of a start that is far off has the unit of the time.
func TestFarStartsHaveUnits(t *testing.T) {
	for unit, want := range map[string]string{": s": "`time t: s in [0, inf)` if it is meant", "": "`time t in [0, inf)` if it is meant"} {
		p := problemtest.Open(t, decayText("time t"+unit, ""), "id,s,t,y\na,0,6,1\na,0,8,1\n")
		if unit != "" {
			p = problemtest.Open(t, strings.Replace(decayText("time t"+unit, ""), "param k = 1", "param k: 1/s = 1", 1), "id,s,t,y\na,0,6,1\na,0,8,1\n")
		}
		_, err := p.Trajectories(data.Train)
		require.NoError(t, err)
		require.Contains(t, p.Doubts().All[0].Help, want)
	}
	list, err := problemtest.Open(t, strings.Replace(steadyModel, "dose:", "from: 0.5, dose:", 1), "id,t,a,ss,ii,n,y\na,0,5,1,2,3,\na,1,,,,,1\n").Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, 0.5, list[0].Span.T0, "a start behind the doses is where it is")
}
