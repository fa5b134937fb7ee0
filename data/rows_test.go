package data

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOrderOfRows: rows of one time keep the order of the file, and so do the
// firings and inputs among them.
func TestOrderOfRows(t *testing.T) {
	tab := table(t, "t,y,u,dose,s\n2,5,,,0.5\n0,1,,,\n0,,7,3,\n0,2,,,\n0,3,8,4,\n1,,9,5,\n2,6,,,0.5\n2,,,6,\n")
	build := func(start string) (*Set, error) {
		return Build(tab, &Spec{
			Time: Column{Name: "t"}, Observes: []Column{{Name: "y", Factor: 1}}, Inputs: []Column{{Name: "u", Factor: 1}}, Start: Column{Name: start, Factor: 2},
			Events: []EventSpec{{Args: []Column{{Name: "dose", Factor: 1}}}},
		})
	}
	set, err := build("s")
	require.NoError(t, err)
	tr := set.Trajectories[0]
	require.Equal(t, 1., tr.Start, "in the unit of the model")
	require.Equal(t, [][]float64{{1}, {2}, {3}, {5}, {6}}, rowsOf(&tr.Obs))
	require.Equal(t, []Firing{{0, 0, []float64{3}, 1, false, false, nil}, {0, 0, []float64{4}, 2, false, true, nil}, {1, 0, []float64{5}, 3, false, false, nil}, {2, 0, []float64{6}, 5, false, false, nil}}, fired(tr.Firings))
	given := make([]float64, 0, tr.Given.Len())
	for _, g := range rowsOf(&tr.Given) {
		given = append(given, g[0])
	}
	require.True(t, math.IsNaN(given[0]), "the row below gives it")
	require.Equal(t, []float64{7, 8}, given[1:3], "a row above, its own column")
	require.True(t, math.IsNaN(given[3]), "of an earlier time")

	late := tr.Since(1)
	require.Equal(t, [][]float64{{5}, {6}}, rowsOf(&late.Obs))
	require.Equal(t, []Firing{{1, 0, []float64{5}, 0, false, false, nil}, {2, 0, []float64{6}, 2, false, false, nil}}, fired(late.Firings))
	require.Equal(t, []float64{0, 0, 1}, late.Inputs[0].T, "what an input was before still tells its start")
	require.Equal(t, []Firing{{0, 0, []float64{3}, 1, false, false, nil}, {0, 0, []float64{4}, 2, false, true, nil}, {1, 0, []float64{5}, 3, false, false, nil}, {2, 0, []float64{6}, 5, false, false, nil}}, fired(tr.Firings), "it is a copy")
	require.Equal(t, []int{0, 5, 9}, []int{tr.Before(0), tr.Before(1), tr.Before(7)})
	require.True(t, tr.Measured(0, 2))
	require.False(t, tr.Measured(0, 1))

	set, err = build("")
	require.NoError(t, err)
	require.True(t, math.IsNaN(set.Trajectories[0].Start))
	_, err = build("u")
	require.ErrorContains(t, err, "the start is one number in a trajectory")
}

// TestSince: rows and firings before a time go, each kind alone too; where there is none the
// trajectory is the same.
func TestSince(t *testing.T) {
	rows := func(times ...float64) *Trajectory {
		tr := &Trajectory{Times: times}
		for i := range times {
			tr.Obs.Append(times[i])
			tr.Given.Append()
			tr.Lines.Add(2 + i)
		}
		return tr
	}
	tr := rows(0, 1, 3)
	require.Same(t, tr, tr.Since(0))
	require.Equal(t, []float64{1, 3}, tr.Since(1).Times)
	require.Equal(t, []float64{3}, tr.Since(1.5).Times)
	require.Equal(t, 4, tr.Since(1.5).Lines.At(0))
	require.Equal(t, []float64{3}, tr.Since(1.5).Obs.At(0))
	tr = rows(2)
	tr.Firings = []Firing{{T: 1}, {T: 2, Above: 1}}
	require.Same(t, tr, tr.Since(1))
	late := tr.Since(1.5)
	require.Equal(t, []float64{2}, late.Times)
	require.Equal(t, []Firing{{T: 2, Above: 1}}, late.Firings)
	late = tr.Since(2.5)
	require.Empty(t, late.Times)
	require.Empty(t, late.Firings)
}

// An error of the operating system is the cause of the data's.
func TestCause(t *testing.T) {
	_, err := ReadFile(filepath.Join(t.TempDir(), "none.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, (&Error{Text: "t"}).Unwrap())
}

// fired are firings without the inputs of their rows.
func fired(list []Firing) []Firing {
	list = slices.Clone(list)
	for i := range list {
		list[i].Given = nil
	}
	return list
}

// TestPlanned: a table in which nothing is measured has its doses, where it may be one; one measured column is
// enough for a missing one to be a mistake.
func TestPlanned(t *testing.T) {
	table := table(t, "t,amount\n0,100\n12,50\n")
	spec := &Spec{Time: Column{Name: "t"}, Observes: []Column{{Name: "y"}, {}, {Name: "z"}}, Events: []EventSpec{{Args: []Column{{Name: "amount"}}}}}
	_, err := Build(table, spec)
	require.ErrorContains(t, err, "there is no column `y`")
	spec.Planned = true
	set, err := Build(table, spec)
	require.NoError(t, err)
	require.Len(t, set.Doubts, 1)
	require.Contains(t, set.Doubts[0].Text, "it has no column `y`, `z`")
	require.Equal(t, []Firing{{T: 0, Args: []float64{100}}, {T: 12, Args: []float64{50}}}, fired(set.Trajectories[0].Firings))
	require.Empty(t, set.Trajectories[0].Times)
	require.Equal(t, "y", spec.Observes[0].Name)
	spec.Observes[1].Name = "amount"
	_, err = Build(table, spec)
	require.ErrorContains(t, err, "there is no column `y`")
	spec.Observes, spec.Events = spec.Observes[:1], nil
	_, err = Build(table, spec)
	require.ErrorContains(t, err, "there is no column `y`", "nothing would be left of the table")
}

// TestSinceKeepsWhatIsKnown: rows that are left out take with them whether they are known when predicting.
func TestSinceKeepsWhatIsKnown(t *testing.T) {
	tr := &Trajectory{Times: []float64{0, 1, 1, 2}, Known: []bool{true, false, true, false}, T0: 0, T1: 2}
	for i := range 4 {
		tr.Obs.Append(float64(i))
		tr.Given.Append()
	}
	since := tr.Since(1)
	require.Equal(t, []float64{1, 1, 2}, since.Times)
	require.Equal(t, []bool{false, true, false}, since.Known)
	require.Equal(t, []float64{1}, since.Obs.At(0))
	require.Equal(t, 1, tr.Before(1))
	require.Same(t, tr, tr.Since(0))
	require.Len(t, tr.Known, 4)
}
