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
