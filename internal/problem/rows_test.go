package problem_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// TestConditionsOnRows: which trajectories are for training, by what their cells say: texts are
// compared with texts, numbers with numbers however they are written.
func TestConditionsOnRows(t *testing.T) {
	for condition, want := range map[string][]string{
		`g == "b"`:            {"b"},
		`g != "b"`:            {"a", "c", "d"},
		`v == 2`:              {"b", "d"},
		`v != 2`:              {"a", "c"},
		`v == g`:              {},
		`v != g`:              {"a", "b", "c", "d"},
		`v < 2`:               {"a"},
		`v <= 2`:              {"a", "b", "d"},
		`v > 2`:               {"c"},
		`v >= 2`:              {"b", "c", "d"},
		`not (v >= 2)`:        {"a"},
		`g == "a" or v > 2`:   {"a", "c"},
		`g != "a" and v != 3`: {"b", "d"},
		`-v == -3`:            {"c"},
	} {
		f := problemtest.Load(t, `model M {
  covariate v
  param k = 1
  state x = v
  x' = -k*x
  observe y = x
}
data d from "data.csv" { time: t, trajectory: g, y: y, v: v, train: `+condition+` }
`, "g,v,t,y\na,1,0,1\nb,2,0,1\nc,3,0,1\nd,2.0,0,1\n")
		got := []string{}
		for _, it := range f.Trajectories {
			got = append(got, strings.TrimPrefix(it.Name, "g="))
		}
		require.Equal(t, want, got, condition)
	}
}

// TestDraws: an event with a rate draws by itself, but where data tell its firings; each
// trajectory and seed has a stream of its own.
func TestDraws(t *testing.T) {
	text := `model M {
  param r in (0, inf) = 2
  discrete n = 0
  state x = 1
  x' = -r*x
  event hit with rate r { n := n + 1 }
  observe y = x
}
data d from "data.csv" { time: t, y: y }
`
	p := problemtest.Load(t, text, "t,y\n0,1\n1,0\n").Prog.Program
	first := func(seed uint64, trajectory int) float64 { return problem.Draws(p, seed, trajectory, nil)(0)() }
	require.Equal(t, first(1, 0), first(1, 0))
	require.NotEqual(t, first(1, 0), first(2, 0))
	require.NotEqual(t, first(1, 0), first(1, 1))
	require.Nil(t, problem.Draws(p, 1, 0, []int{0})(0), "data tell them")
	sum, next := 0., problem.Draws(p, 1, 0, []int{5})(0)
	for range 4000 {
		sum += next()
	}
	require.InDelta(t, 1, sum/4000, 4/64., "of mean one")
	calm := problemtest.Load(t, several, severalRows).Prog.Program
	require.Nil(t, problem.Draws(calm, 1, 0, nil), "nothing is drawn")
}

// TestTablesRefused: what a trajectory lacks is said with its file and its name.
func TestTablesRefused(t *testing.T) {
	model := func(start, more string) string {
		return "model M {\n  time t in [0, inf)\n  param k = 1\n  state x = " + start + "\n  x' = -k*x\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, trajectory: g, y: y" + more + " }\n"
	}
	for _, c := range []struct{ model, rows, want string }{
		{model("first(y)", ""), "g,t,y\na,0,1\nb,1,2\n", "`y` is not measured where the trajectory g=b starts, at 0"},
		{model("first(y)", ", from: first row"), "g,t,y\na,0,1\nb,1,2\n", ""},
		{model("slope(y)", ""), "g,t,y\na,0,1\na,1,1\nb,0,2\n", "data.csv: trajectory g=b: `slope(y)` needs at least two values at different times"},
		{model("k*slope(y)", ""), "g,t,y\na,0,1\na,1,1\n", ""},
	} {
		_, err := problemtest.Open(t, c.model, c.rows).Trajectories(data.Train)
		if c.want == "" {
			require.NoError(t, err, c.rows)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
}

// TestFiringsOfRows: a row fires the events on observations that it measures, with the values
// and which there are; saves of others are read behind all firings at their time.
func TestFiringsOfRows(t *testing.T) {
	f := problemtest.Load(t, `model M {
  state s = 0
  param k = 1
  s' = k
  event seen on observation of z { s := data(z) }
  observe y = s
  observe z = k
}
data d from "data.csv" { time: t, y: y, z: z }
`, "t,y,z\n0,1,\n1,,5\n2,3,6\n3,4,\n")
	span := f.Trajectories[0].Span
	var times []float64
	for _, x := range span.Firings {
		times = append(times, x.T)
	}
	require.Equal(t, []float64{1, 2}, times)
	require.Equal(t, []float64{0, 5, 0, 1}, span.Firings[0].Args)
	require.Equal(t, []float64{3, 6, 1, 1}, span.Firings[1].Args)
	other := problem.WithSaves(span, []float64{0.5, 1, 1.5, 2, 2.5})
	require.Equal(t, []int{1, 3}, []int{other.Firings[0].Behind, other.Firings[1].Behind})
	require.Equal(t, []int{1, 2}, []int{span.Firings[0].Behind, span.Firings[1].Behind}, "the span itself stays")

	half, rows := f.Trajectories[0].Horizon(0.5)
	require.Equal(t, [2]float64{0, 1.5}, [2]float64{half.T0, half.T1})
	require.Equal(t, 2, rows)
	whole, rows := f.Trajectories[0].Horizon(1)
	require.Equal(t, 3., whole.T1)
	require.Equal(t, 4, rows)
}

// TestSeedsOfWeights: a block with a seed of its own has its weights whatever that of the fit.
func TestSeedsOfWeights(t *testing.T) {
	f := problemtest.Load(t, strings.ReplaceAll(several, "hidden: [1], seed: 4, frozen: true", "hidden: [1]"), severalRows)
	weights := func(seed uint64) map[string][]float64 {
		sp, err := problem.NewSpace(f.Space.Prog, f.Trajectories, seed)
		require.NoError(t, err)
		x, err := sp.X0()
		require.NoError(t, err)
		return sp.ValuesAt(x).Weights
	}
	one, two := weights(1), weights(2)
	require.Equal(t, one, weights(1))
	require.Equal(t, one["f.0.weight"], two["f.0.weight"])
	require.NotEqual(t, one["h.0.weight"], two["h.0.weight"])
}

// TestFarStarts: a start that is far before the first row is asked about, or refused.
func TestFarStarts(t *testing.T) {
	text := "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, y: y }\n"
	for rows, said := range map[string][2]string{
		"t,y\n0,1\n2,1\n":       {},
		"t,y\n1,1\n2,1\n":       {},
		"t,y\n6,1\n8,1\n":       {"the first row is 6 after the start at 0, and the rows span 2"},
		"t,y\n1990,1\n1992,1\n": {"", "the first row is 1990 after the start at 0, and the rows span 2"},
	} {
		from := problemtest.Open(t, text, rows)
		_, err := from.Trajectories(data.Train)
		if said[1] != "" {
			require.ErrorContains(t, err, said[1])
			continue
		}
		require.NoError(t, err)
		var doubts []string
		for _, d := range from.Doubts().All {
			doubts = append(doubts, d.Message)
		}
		if said[0] == "" {
			require.Empty(t, doubts, rows)
			continue
		}
		require.Equal(t, []string{said[0]}, doubts)
	}
}
