package pinode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
)

// normalLoss is the negative log-density of y around m.
func normalLoss(y, m, sd float64) float64 {
	return 0.5*math.Pow((y-m)/sd, 2) + math.Log(sd*math.Sqrt(2*math.Pi))
}

// TestRowsAreTrajectories: in a table without times each row starts from its own covariates,
// and an observation is predicted at the time that it names. A missing value is no term.
func TestRowsAreTrajectories(t *testing.T) {
	m := fromText(t, `model M {
  covariate a
  covariate when
  param k in (0, 5) = 0.7
  state z = a
  z' = -k*z
  observe late = z at t = when ~ normal(0.3)
  observe one = 2*z at t = 1 ~ normal(0.5)
  observe now = z + 1 ~ normal(0.2)
  loss seen = (z - data(one))^2 where a > 0 { weight: 3 }
}
data d from "d.csv" { a: a, when: w, late: l, one: o, now: n }
fit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`, "a,w,l,o,n\n1,2,0.5,1.1,2.2\n-2,0.5,,-1.9,\n3,1,1.4,,4.1\n0.5,0,0.6,0.4,1.4\n")
	want, values := 0., 0
	add := func(v float64) { want, values = want+v, values+1 }
	at := func(a, t float64) float64 { return a * math.Exp(-0.7*t) }
	add(normalLoss(0.5, at(1, 2), 0.3))
	add(normalLoss(1.1, 2*at(1, 1), 0.5))
	add(normalLoss(2.2, 2, 0.2))
	add(normalLoss(-1.9, 2*at(-2, 1), 0.5))
	add(normalLoss(1.4, at(3, 1), 0.3))
	add(normalLoss(4.1, 4, 0.2))
	add(normalLoss(0.6, 0.5, 0.3))
	add(normalLoss(0.4, 2*at(0.5, 1), 0.5))
	add(normalLoss(1.4, 1.5, 0.2))
	seen := 3 * (math.Pow(1-1.1, 2) + math.Pow(0.5-0.4, 2)) / 2
	require.InDelta(t, want/float64(values)+seen, startLoss(t, m), 1e-9)
}

// TestRowsWithoutAnything: a table may have covariates alone, and loss terms that read no
// later state integrate nothing, not even a motion that has no numbers.
func TestRowsWithoutAnything(t *testing.T) {
	m := fromText(t, `model M {
  time t in [2, 5]
  covariate a[2]
  param p = 2
  state z = a[0]
  z' = sqrt(-1 - z^2)*p
  loss match = mean((p*a - z)^2) + 0*t
  loss start = t
}
data d from "d.csv" { a: [u, v] }`, "u,v\n1,2\n3,-1\n")
	want := ((1.+9)/2 + (9.+25)/2) / 2
	require.InDelta(t, want+2, startLoss(t, m), 1e-12)
	items, err := m.data.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, "row=2", items[1].Name)
	require.Equal(t, 2., items[1].Span.T1)
}

// TestRowsByKey: what has a value for each key finds it in the column of that name.
func TestRowsByKey(t *testing.T) {
	m := fromText(t, `model M {
  covariate a
  param b per site = a
  observe y = b*a ~ normal(1)
}
data d from "d.csv" { a: a, y: y, validate: site == "w" }`, "site,a,y\nu,2,1\nv,3,2\nu,2,3\nw,1,1\n")
	f, err := m.NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"b{site=u}", "b{site=v}"}, []string{f.inner.Estimates[0].Name, f.inner.Estimates[1].Name})
	want := (normalLoss(1, 4, 1) + normalLoss(2, 9, 1) + normalLoss(3, 4, 1)) / 3
	require.InDelta(t, want, startLoss(t, m), 1e-12)
}

// TestRowsAlone: the loss of many rows is that of each by itself.
func TestRowsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var csv strings.Builder
	csv.WriteString("a,b\n")
	for range 49 {
		fmt.Fprintf(&csv, "%.6f,%.6f\n", rng.NormFloat64(), rng.NormFloat64())
	}
	model := func(rows string) *Model {
		return fromText(t, `model M {
  covariate a
  covariate b
  neural v(z, t) -> 1 { hidden: [16, 16], input_scale: 1, output_scale: 1 }
  loss match = (v(0.5*a + 0.5*b, 0.5) - (b - a))^2
}
data d from "d.csv" { a: a, b: b }`, rows)
	}
	lines := strings.SplitAfter(csv.String(), "\n")
	sum := 0.
	for _, part := range [][]string{lines[1:7], lines[7:20], lines[20:50]} {
		sum += float64(len(part)) * startLoss(t, model(lines[0]+strings.Join(part, "")))
	}
	require.InDelta(t, sum/49, startLoss(t, model(strings.Join(lines, ""))), 1e-12)
}

// TestRowsRefused: what makes no sense without times.
func TestRowsRefused(t *testing.T) {
	const model = "model M {\n  covariate a\n  param k = 1\n  state z = a\n  z' = -k*z\n  observe y = z at t = %s ~ normal(1)\n}\n"
	for _, c := range []struct{ at, data, want string }{
		{"1", "trajectory: a, a: a, y: y", "the rows of a trajectory need times"},
		{"1", "from: first row, a: a, y: y", "a table without times has no first row"},
		{"1", "time: a, a: a, y: y", "`y` has a time of its own"},
		{"k", "a: a, y: y", "the time of an observation cannot depend on a parameter"},
		{"-1", "a: a, y: y", "`y` is observed at -1, before the start at 0"},
	} {
		m, err := parsedText(t, fmt.Sprintf(model, c.at)+"data d from \"d.csv\" { "+c.data+" }", "a,y\n1,2\n")
		if err == nil {
			_, err = m.NewFit(FitOptions{})
		}
		require.ErrorContains(t, err, c.want)
	}
}
