package data

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func table(t *testing.T, text string) *Table {
	tab, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
	require.NoError(t, err)
	return tab
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":             "d.csv: the file is empty",
		"a,b\n":        "d.csv: the table has a header and no rows",
		"a,a\n1,2\n":   "d.csv:1: two columns are named `a`",
		"a,b\n1\n":     "d.csv:2: the row has 1 cells, the header 2",
		"a,\n1,2\n":    "d.csv:1: column 2 has no name",
		"a,b\n\"1,2\n": "d.csv:2: extraneous or missing \" in quoted-field",
	} {
		_, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
		require.ErrorContains(t, err, want)
	}
	tab := table(t, "time,x\n0,1\n1,1.5x\n")
	_, err := tab.Floats("x")
	require.EqualError(t, err, "d.csv:3: column `x`: `1.5x` is not a number\n  = help: numbers have a decimal point; a missing value is an empty cell or NaN")
	_, err = tab.Floats("tme")
	require.EqualError(t, err, "d.csv: there is no column `tme`\n  = help: did you mean `time`? the columns are: time, x")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "drops.csv"), nil, 0o600))
	_, err = ReadFile(filepath.Join(dir, "drop.csv"))
	require.ErrorContains(t, err, "did you mean `drops.csv`?")
	_, err = ReadFile("x.parquet")
	require.ErrorContains(t, err, "write the table as .csv or .tsv")
}

func TestBuild(t *testing.T) {
	tab := table(t, "\ufeffball,t,h_cm,m,dose,kind\n# a comment\nb,2,30,5,,obs\na,1,10,4,,obs\na,0,,4,7,dose\nb,0,20,5,,obs\na,1,12,,,obs\nb,1,NaN,5,,obs\n")
	kind := func(want string) func(Row) (bool, error) {
		return func(r Row) (bool, error) {
			s, _, _, err := r.Cell("kind")
			return s == want, err
		}
	}
	ball := func(want string) func(Row) (bool, error) {
		return func(r Row) (bool, error) {
			s, _, _, err := r.Cell("ball")
			return s == want, err
		}
	}
	set, err := Build(tab, &Spec{
		Time: Column{"t", 1}, Keys: []string{"ball"}, Observes: []Column{{"h_cm", 0.01}, {}}, Covariates: []Column{{"m", 1}},
		Inputs: []Column{{"h_cm", 1}},
		Events: []EventSpec{{Args: []Column{{"dose", 1000}}, Where: kind("dose")}},
		Train:  ball("a"), Validate: ball("b"),
	})
	require.NoError(t, err)
	require.Len(t, set.Trajectories, 2)
	b, a := set.Trajectories[0], set.Trajectories[1]
	require.Equal(t, "ball=b", b.Name(set.Keys))
	require.Equal(t, Validate, b.Split)
	require.Equal(t, []float64{0, 2}, b.Times, "sorted; a row without any value is no observation")
	require.Equal(t, 0.2, b.Obs[0][0])
	require.True(t, math.IsNaN(b.Obs[0][1]))
	require.Equal(t, []float64{1, 1}, a.Times, "replicates stay")
	require.Equal(t, []float64{4}, a.Covariates)
	require.Equal(t, []Firing{{0, 0, []float64{7000}}}, a.Firings)
	st := set.Describe(0, Validate)
	require.Equal(t, 2, st.Values)
	require.InDelta(t, 0.25, st.Mean, 1e-15)
	v, at, ok := b.First(0)
	require.True(t, ok)
	require.Equal(t, []float64{0.2, 0}, []float64{v, at})
	slope, ok := b.Slope(0)
	require.True(t, ok)
	require.InDelta(t, 0.05, slope, 1e-15)
}

func TestBuildErrors(t *testing.T) {
	spec := &Spec{Time: Column{"t", 1}, Covariates: []Column{{"m", 1}}}
	_, err := Build(table(t, "t,m\n0,1\n1,2\n"), spec)
	require.ErrorContains(t, err, "d.csv:3: column `m`: a covariate is one number")
	_, err = Build(table(t, "t,m\n,1\n"), spec)
	require.ErrorContains(t, err, "d.csv:2: column `t`: the time is missing")
	_, err = Build(table(t, "t,m\n0,\n"), spec)
	require.ErrorContains(t, err, "missing in the whole trajectory")
}

func TestInterpolants(t *testing.T) {
	s := Signal{T: []float64{0, 1, 2, 4}, V: []float64{0, 1, 4, 16}}
	for kind, want := range map[string][2]float64{"linear": {2.5, 3}, "hold": {1, 0}, "cubic": {2.25, 3}} {
		p, err := NewInterpolant(s, kind)
		require.NoError(t, err)
		v, r := p.At(1.5)
		require.InDelta(t, want[0], v, 1e-12, kind)
		require.InDelta(t, want[1], r, 1e-12, kind)
		v, r = p.At(9)
		require.Equal(t, []float64{16, 0}, []float64{v, r})
	}
}
