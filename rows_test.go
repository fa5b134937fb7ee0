package pinode

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem"
)

// fromText is a model with its table d.csv beside it.
func fromText(t *testing.T, text, csv string) *Model {
	t.Helper()
	m, err := parsedText(t, text, csv)
	require.NoError(t, err)
	return m
}

func parsedText(t *testing.T, text, csv string) (*Model, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	return Parse(filepath.Join(dir, "m.node"), text)
}

// startLoss is the loss at the start values.
func startLoss(t *testing.T, m *Model) float64 {
	t.Helper()
	return atStart(t, m, 1).eval(nil, nil).Loss
}

// TestReplicates: the likelihood of each row has that row's own spread, in any
// order of the rows.
func TestReplicates(t *testing.T) {
	const model = `model M {
  param k in [0.1, 10] = 5
  input sd hold
  state x = 5
  x' = -k*x/10
  observe y = x ~ normal(sd)
}
data d from "d.csv" { time: t, y: y, sd: sd }
fit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`
	want := 0.
	for _, r := range [][3]float64{{0, 5.1, 0.1}, {1, 2.4, 0.5}, {1, 3, 0.1}, {2, 1.6, 0.1}} {
		x := 5 * math.Exp(-r[0]/2)
		want += 0.5*math.Pow((r[1]-x)/r[2], 2) + math.Log(r[2]*math.Sqrt(2*math.Pi))
	}
	require.InDelta(t, 0.294215, want, 1e-6)
	for _, rows := range []string{"1,2.4,0.5\n1,3,0.1\n", "1,3,0.1\n1,2.4,0.5\n"} {
		m := fromText(t, model, "t,y,sd\n0,5.1,0.1\n"+rows+"2,1.6,0.1\n")
		require.InDelta(t, want/4, startLoss(t, m), 1e-8)
	}
}

// TestRowsOwnInputs: a row that gives no input reads the one in force: what
// stands at its time above it, else what came before.
func TestRowsOwnInputs(t *testing.T) {
	m := fromText(t, `model M {
  param k = 1
  input u hold
  observe y = k*u
}
data d from "d.csv" { time: t, y: y, u: u }`, "t,y,u\n0,1,7\n1,1,\n1,,8\n1,1,\n1,1,9\n2,1,\n")
	items, err := m.data.Trajectories(data.Train)
	require.NoError(t, err)
	var u []float64
	for _, r := range items[0].Rows {
		u = append(u, r.Inputs()[0])
	}
	require.Equal(t, []float64{7, 7, 8, 9, 9}, u)
}

// TestSavesAndFirings: rows at one time share a save unless a firing stands
// between them, and a row's own event fires before it is read.
func TestSavesAndFirings(t *testing.T) {
	bound := func(events, csv string) *problem.Trajectory {
		m := fromText(t, "model M {\n  state c = 0\n  c' = -c\n"+events+"\n  observe y = c { weight: 0 }\n  observe z = c { weight: 0 }\n}\n"+
			"data d from \"d.csv\" { time: t; y: y; z: z; dose: { amount: amt } }", "t,amt,y,z\n"+csv)
		items, err := m.data.Trajectories(data.Train)
		require.NoError(t, err)
		return items[0]
	}
	type fired struct {
		t      float64
		behind int
	}
	shape := func(it *problem.Trajectory) (saves []float64, rows []int, firings []fired) {
		for _, r := range it.Rows {
			rows = append(rows, r.Save())
		}
		for _, f := range it.Span.Firings {
			firings = append(firings, fired{f.T, f.Behind})
		}
		return it.Span.Saves, rows, firings
	}
	saves, rows, firings := shape(bound("event dose(amount) on data { c += amount }",
		"0,,1,\n0,5,,\n0,,2,\n0,,3,\n1,7,4,\n1,,5,\n1,8,,\n3,9,,\n4,,6,\n4,2,,\n"))
	require.Equal(t, []float64{0, 0, 1, 4}, saves)
	require.Equal(t, []int{0, 1, 1, 2, 2, 3}, rows)
	require.Equal(t, []fired{{0, 1}, {1, 2}, {1, 3}, {3, 3}, {4, 4}}, firings)

	saves, rows, firings = shape(bound("event dose(amount) on data { c += amount }\n  event seen on observation of y priority 1 { c := data(y) }",
		"0,,1,\n0,,,2\n1,,,2\n1,,3,\n1,,,4\n2,6,,\n2,,5,\n"))
	require.Equal(t, []float64{0, 1, 1, 2}, saves)
	require.Equal(t, []int{0, 0, 1, 2, 2, 3}, rows)
	require.Equal(t, []fired{{0, 0}, {1, 2}, {2, 3}, {2, 3}}, firings)

	span := problem.WithSaves(bound("event dose(amount) on data { c += amount }", "0,5,,\n1,,1,\n1,7,,\n").Span, []float64{0, 0.5, 1, 1.5})
	require.Equal(t, []int{0, 2}, []int{span.Firings[0].Behind, span.Firings[1].Behind}, "a grid reads what firings leave")
}

// TestMissing: a missing value is no term, and no derivative of one.
func TestMissing(t *testing.T) {
	m := fromText(t, `model M {
  param k = 1
  observe a = 0 { weight: 0 }
  observe b = 0 { weight: 0 }
  loss first = (k - log(data(a)))^2 where t > 0 { weight: 3 }
  loss second = sqrt(data(a)*data(b))*k^2 { mean: trajectories }
  loss third = k*log(t) where t > 1 and observed(b)
}
data d from "d.csv" { time: t; trajectory: id; a: a; b: b }`, "id,t,a,b\n1,0,4,9\n1,1,,1\n1,2,4,1\n1,3,,1\n2,0,,4\n2,1,2,\n2,2,8,2\n")
	f, err := m.NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	g := []float64{0}
	res, err := f.inner.Objective.Eval(t.Context(), []float64{1}, nil, 1, g)
	require.NoError(t, err)
	a := []float64{math.Log(4), math.Log(2), math.Log(8)}
	first, dFirst := 0., 0.
	for _, v := range a {
		first += (1 - v) * (1 - v) / 3
		dFirst += 2 * (1 - v) / 3
	}
	second := (math.Sqrt(4*9) + math.Sqrt(4) + math.Sqrt(8*2)) / 2
	third := (math.Log(2) + math.Log(3) + math.Log(2)) / 3
	require.InDelta(t, 3*first+second+third, res.Loss, 1e-12)
	require.InDelta(t, 3*dFirst+2*second+third, g[0], 1e-12)
	require.Equal(t, 9, res.Values, "rows of loss terms, as no observation has a weight")
	for i, want := range []float64{3 * first, second, third} {
		require.InDelta(t, want, res.Terms[2+i].Value, 1e-12)
	}
}

// TestRowWeights: weights are numbers of each row, and a row of weight 0 does
// not count.
func TestRowWeights(t *testing.T) {
	const model = `model M {
  param k = 1
  input w hold
  observe y = k ~ normal(1) { weight: w^2 }
}
data d from "d.csv" { time: t; y: y; w: w }`
	c := 0.5 * math.Log(2*math.Pi)
	loss := startLoss(t, fromText(t, model, "t,y,w\n0,3,1\n1,2,2\n1,5,0\n2,1,3\n3,,0\n4,9,\n"))
	require.InDelta(t, ((2+c)+4*(0.5+c)+9*c)/3, loss, 1e-12)
	_, err := fromText(t, strings.Replace(model, "w^2", "w", 1), "t,y,w\n0,3,1\n1,2,-2\n").NewFit(FitOptions{})
	require.ErrorContains(t, err, "the weight of `y` at 1 is -2")
	_, err = parsedText(t, strings.Replace(model, "w^2", "k", 1), "")
	require.ErrorContains(t, err, "not-fixed")
}

// TestMeans: observations of weight 0 do not count in the mean of the values,
// and a loss term is the mean over its own rows whatever else is measured.
func TestMeans(t *testing.T) {
	const csv = "t,a,b\n0,2,2\n1,4,2\n2,6,\n3,4,\n"
	for _, more := range []string{"", "observe b = k { weight: 0 }"} {
		m := fromText(t, `model W {
  param k = 1
  param c = 1
  observe a = k
  `+more+`
  loss L = c^2
}
data d from "d.csv" { time: t; a: a`+map[bool]string{true: "", false: "; b: b"}[more == ""]+` }`, csv)
		require.InDelta(t, 6.5, startLoss(t, m), 1e-12, more)
	}
	m := fromText(t, `model W {
  param k = 1
  observe a = k ~ normal(1)
  observe b = 3*k ~ normal(1) { weight: 2 }
  loss L = k*data(b) { weight: 5 }
}
data d from "d.csv" { time: t; a: a; b: b }`, csv)
	c := 0.5 * math.Log(2*math.Pi)
	want := ((1+9+25+9)/2. + 4*c + 2*(2*(0.5+c))) / 6
	require.InDelta(t, want+5*2, startLoss(t, m), 1e-12)
}
