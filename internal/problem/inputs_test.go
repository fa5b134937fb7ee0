package problem_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// driven has inputs, and events of data that read them.
const driven = `model M {
  input u[2] %s
  param k = 1
  state x = 0
  discrete z = 0
  x' = -k*x + sum(u)
  event dose(amount) on data { x += amount*u[0] }
  event late(amount) on data after 0.5 late { x += amount*u[1] }
  event seen on observation of y { z := u[0] }
  observe y = x
}
data d from "data.csv" { time: t, trajectory: id, y: y, u: [u, w], dose: { amount: d }, late: { amount: e } }
`

// TestInputsOfRows: a row has the inputs of its own cells, else those in force before it; a firing has
// the inputs of its row where rows below it give others at its time. Steps end where an input bends.
func TestInputsOfRows(t *testing.T) {
	rows := "id,t,u,w,d,e,y\na,0,1,5,,,\na,1,,,2,3,\na,2,4,,7,8,10\na,2,6,,,,11\na,3,,9,,,\na,4,,,1,,12\n"
	f := problemtest.Load(t, fmt.Sprintf(driven, "hold"), rows)
	it := f.Trajectories[0]
	require.Len(t, it.Rows, 3)
	var inputs [][]float64
	for _, r := range it.Rows {
		inputs = append(inputs, r.Inputs())
	}
	require.Equal(t, [][]float64{{4, 5}, {6, 5}, {6, 9}}, inputs)
	require.Equal(t, []float64{2, 3}, it.Span.Stops)
	type firing struct {
		at     float64
		event  string
		args   []float64
		behind int
		joint  bool
	}
	var got []firing
	for _, x := range it.Span.Firings {
		got = append(got, firing{x.T, f.Prog.Model.Events[x.Event].Checked.Name, x.Args, x.Behind, x.Joint})
	}
	require.Equal(t, []firing{
		{1, "dose", []float64{2}, 0, false},
		{1, "late", []float64{3}, 0, true},
		{2, "dose", []float64{7, 4, 5}, 0, false}, // at the end of time 2 the first input is 6
		{2, "late", []float64{8}, 0, true},        // reads what there is half a unit later
		{2, "seen", []float64{10, 1, 4, 5}, 0, true},
		{2, "seen", []float64{11, 1}, 1, false},
		{4, "dose", []float64{1}, 2, false},
		{4, "seen", []float64{12, 1}, 2, true},
	}, got)
	require.Equal(t, []float64{2, 2, 4}, it.Span.Saves, "rows of one time have saves of their own where something fires between them")

	f = problemtest.Load(t, fmt.Sprintf(driven, "linear"), "id,t,u,w,d,e,y\na,0,1,5,,,\na,1,,,,,1\na,2,5,,,,1\na,2,3,5,,,\n")
	require.Equal(t, []float64{3, 5}, f.Trajectories[0].Rows[0].Inputs(), "on the line between")
	require.Equal(t, []float64{5, 5}, f.Trajectories[0].Rows[1].Inputs(), "of its own cells")
	_, err := problemtest.Open(t, fmt.Sprintf(driven, "cubic"), "id,t,u,w,d,e,y\na,0,1,5,,,\na,1,2,,,,\na,1,3,,,,1\na,2,3,5,,,\n").Trajectories(data.Train)
	require.ErrorContains(t, err, "data.csv: trajectory id=a: input `u`: a cubic input cannot jump; at 1 it is both 2 and 3")
}

// TestLateInputs: an input that is not known from the start on draws a warning, once a trajectory.
func TestLateInputs(t *testing.T) {
	for rows, want := range map[string][]string{
		"id,t,u,w,d,e,y\na,0,1,5,,,\na,1,,,,,1\n": nil,
		"id,t,u,w,d,e,y\na,0,1,,,,2\na,1,1,4,,,1\na,3,,,,,1\nb,1.5,1,4,,,1\n": {
			"input `u` is known from 1 on, and the trajectory id=a starts at 0: its first value counts before, too",
			"input `u` is known from 1.5 on, and the trajectory id=b starts at 0: its first value counts before, too",
		},
	} {
		p := problemtest.Open(t, fmt.Sprintf(driven, "hold"), rows)
		_, err := p.Trajectories(data.Train)
		require.NoError(t, err)
		var said []string
		for _, d := range p.Doubts().All {
			said = append(said, d.Message)
		}
		require.Equal(t, want, said)
	}
}

// TestMeasured: a missing value stands for another of its observation, and counts nowhere; nor does what has
// no weight among what is weighed.
func TestMeasured(t *testing.T) {
	f := problemtest.Load(t, `model M {
  param k = 1
  state x = 1
  x' = -k*x
  observe y[2] = [x, 2*x]
  observe z = 3*x { weight: 0 }
}
data d from "data.csv" { time: t, y: [a, b], z: z }
`, "t,a,b,z\n0,,5,6\n1,7,,\n2,8,9,10\n")
	type row struct {
		data, seen      []float64
		values, counted int
		line            int
	}
	var got []row
	for _, r := range f.Trajectories[0].Rows {
		got = append(got, row{r.Data(), r.Seen(), r.Values(), r.Counted(), r.Line()})
	}
	require.Equal(t, []row{
		{[]float64{7, 5, 6}, []float64{0, 1, 1}, 2, 1, 2},
		{[]float64{7, 5, 6}, []float64{1, 0, 0}, 1, 1, 3},
		{[]float64{8, 9, 10}, []float64{1, 1, 1}, 3, 2, 4},
	}, got)
	require.Equal(t, 6, f.Trajectories[0].Values)
}

// TestToldFirings: firings of events with a rate that data tell are measured values; of others they are not.
func TestToldFirings(t *testing.T) {
	f := problemtest.Load(t, `model M {
  param r in (0, inf) = 2
  discrete n = 0
  state x = 1
  x' = -r*x
  event hit with rate r { n := n + 1 }
  event dose(a) on data { x += a }
  observe y = x
}
data d from "data.csv" { time: t, y: y, hit: { where: h == 1 }, dose: { a: a } }
`, "t,y,h,a\n0,1,0,\n0.5,,1,\n1,2,1,\n2,,0,5\n")
	it := f.Trajectories[0]
	require.Len(t, it.Span.Firings, 3)
	require.Equal(t, []int{0}, it.PointProcess)
	require.Equal(t, 2, it.ObservedFirings(&it.Span))
	require.Equal(t, 4, it.Values)
}

// TestConditionsOfNumbers: conditions reckon with numbers, in units where a column has one, and refuse to
// compare them with texts.
func TestConditionsOfNumbers(t *testing.T) {
	rows := func(condition string) ([]int, error) {
		p := problemtest.Open(t, `model M {
  time t: s
  param k: 1/s = 1
  state x: m = 1
  x' = -k*x
  observe y = x
}
data d from "data.csv" { time: t [min], y: y [cm], where: `+condition+` }
`, "t,y,g,h\n1,1,n,5\n2,200,m,6\n3,300,,7\n")
		list, err := p.Trajectories(data.Train)
		if err != nil {
			return nil, err
		}
		var lines []int
		for _, r := range list[0].Rows {
			lines = append(lines, r.Line())
		}
		return lines, nil
	}
	for condition, want := range map[string][]int{
		"t > 90 [s]":                   {3, 4},
		"y < 2.5 [m] and y > 0.02 [m]": {3},
		"y < 250":                      {2, 3},
		"t + 1 == 3":                   {3},
		"t - 1 == 1":                   {3},
		"2*t == 6":                     {4},
		"6/t == 6":                     {2},
		"t*(t - 1) > 1":                {3, 4},
		"true and g != \"n\"":          {3, 4},
		"false or g == \"\"":           {4},
		"not (g == \"n\" or h == 7)":   {3},
		"h == 6":                       {3},
		"t == 1 or t == 3":             {2, 4},
	} {
		got, err := rows(condition)
		require.NoError(t, err, condition)
		require.Equal(t, want, got, condition)
	}
	_, err := rows(`g < 2`)
	require.ErrorContains(t, err, "m.node:8:59: `g < 2` compares a text with a number")
	_, err = rows(`g + 1 == 2`)
	require.ErrorContains(t, err, "`g + 1` compares a text with a number")
	_, err = rows(`not (g < 2)`)
	require.ErrorContains(t, err, "`g < 2` compares a text with a number")
	_, err = rows(`t == 1 and -g < 2`)
	require.ErrorContains(t, err, "`-g < 2` compares a text with a number")
}

// TestPlacesOfRows: a row that measures a field says where, inside of the domain; where it is is no measured value.
func TestPlacesOfRows(t *testing.T) {
	read := func(rows string) (*problemtest.Fixture, error) {
		model := `model Heat {
  time t in [0, 1]
  coordinate x in [0, 2]
  param D in (0, inf) = 0.1
  state u(x) = sin(pi*x)
  u' = D*diff(u, x, x)
  boundary u = 0 at x = 0, x = 2
  observe seen = u
  observe mid = u(1)
}
grid { x: 8 cells }
data d from "data.csv" { time: t, x: where, seen: s, mid: m }
`
		if _, err := problemtest.Open(t, model, rows).Trajectories(data.Train); err != nil {
			return nil, err
		}
		return problemtest.Load(t, model, rows), nil
	}
	f, err := read("t,where,s,m\n0,0,1,\n0.5,2,1,3\n1,,,3\n")
	require.NoError(t, err)
	var values []int
	for _, r := range f.Trajectories[0].Rows {
		values = append(values, r.Values())
	}
	require.Equal(t, []int{1, 2, 1}, values)
	_, err = read("t,where,s,m\n0,0,1,\n0.5,2.5,1,\n")
	require.ErrorContains(t, err, "data.csv:3: x = 2.5 is outside of the domain, which goes from 0 to 2")
	_, err = read("t,where,s,m\n0,-0.1,1,\n0.5,2,1,\n")
	require.ErrorContains(t, err, "data.csv:2: x = -0.1 is outside of the domain, which goes from 0 to 2")
	_, err = read("t,where,s,m\n0,1,1,\n0.5,,1,4\n")
	require.ErrorContains(t, err, "data.csv:3: `seen` is measured here, and the row does not say at which `x`")
}

// TestSwitchedInputs: of an input that keeps its values between jumps, and whose file does not say how it is read, the element is
// looked at that does.
func TestSwitchedInputs(t *testing.T) {
	for more, want := range map[string]string{
		"":      "input `u` keeps its value between jumps, as that from 5 to 9 between 3 and 4, and is read along a straight line there: write `hold` behind its unit if each value counts until the next, or `linear`",
		" hold": "",
	} {
		p := problemtest.Open(t, "model M {\n  param k = 1\n  input u[2]"+more+"\n  state x = 1\n  x' = -k*x + u[0] + u[1]\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, u: [a, b], y: y }\n",
			"t,a,b,y\n0,1,5,1\n1,1.5,5,1\n2,2.7,5,1\n3,3.1,5,1\n4,4,9,1\n5,4.2,9,1\n6,5,9,1\n7,5.5,9,1\n8,5.7,2,1\n9,6,2,1\n10,6.1,2,1\n")
		_, err := p.Trajectories(data.Train)
		require.NoError(t, err)
		var said []string
		for _, d := range p.Doubts().All {
			said = append(said, d.Message)
		}
		if want == "" {
			require.Empty(t, said)
		} else {
			require.Equal(t, []string{want}, said)
		}
	}
}
