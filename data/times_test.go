package data

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func clockTimes(t *testing.T, text string) *Set {
	t.Helper()
	set, err := Build(table(t, text), &Spec{
		Time: Column{Name: "when"}, Second: 1. / 3600, Keys: []string{"id"}, Observes: []Column{{Name: "y", Factor: 1}},
	})
	require.NoError(t, err)
	return set
}

// TestOverMidnight: where a clock falls by more than half a day the next day begins, in each
// trajectory in the order of its rows in the file.
func TestOverMidnight(t *testing.T) {
	set := clockTimes(t, "id,when,y\na,22:30,1\nb,09:00,1\na,23:45:36,2\na,00:15,3\nb,10:00,2\na,12:00,4\na,23:00,5\na,01:00,6\n")
	a, b := set.Trajectories[0], set.Trajectories[1]
	require.InDeltaSlice(t, []float64{22.5, 23.76, 24.25, 36, 47, 49}, a.Times, 1e-12)
	require.Equal(t, [][]float64{{1}, {2}, {3}, {4}, {5}, {6}}, rowsOf(&a.Obs))
	require.InDeltaSlice(t, []float64{9, 10}, b.Times, 1e-12)
	require.Len(t, set.Doubts, 1)
	require.Equal(t, 5, set.Doubts[0].Line)
	require.Equal(t, "when", set.Doubts[0].Column)
	require.Equal(t, "the clock of id=a goes back: 2 times by more than half a day, where the next day begins", set.Doubts[0].Text)

	set = clockTimes(t, "id,when,y\na,09:00,1\na,08:00,2\na,20:00,3\n") // out of order
	require.InDeltaSlice(t, []float64{8, 9, 20}, set.Trajectories[0].Times, 1e-12)
	require.Equal(t, [][]float64{{2}, {1}, {3}}, rowsOf(&set.Trajectories[0].Obs))
	require.Len(t, set.Doubts, 1)
	require.Equal(t, 3, set.Doubts[0].Line)
	require.Contains(t, set.Doubts[0].Text, "1 times by less, where the rows are sorted")

	set = clockTimes(t, "id,when,y\na,09:00,1\na,09:00,2\na,23:59,3\n")
	require.Empty(t, set.Doubts)
}

// TestSpans: days with a clock time count as they are; they are not those of a clock.
func TestSpans(t *testing.T) {
	set := clockTimes(t, "id,when,y\na,0 days 01:30:00,1\na,2 days,2\na,-1 days +12:00:00,3\na,1 days 00:00:01.800000,4\n")
	require.InDeltaSlice(t, []float64{-12, 1.5, 24.0005, 48}, set.Trajectories[0].Times, 1e-12)
	require.Empty(t, set.Doubts)
	for _, cell := range []string{"days", "1 day", "1.5 days", "1 days 25:00:00", "x days", "900000000 days"} {
		_, is := span(cell)
		require.False(t, is, cell)
	}
	_, err := Build(table(t, "id,when,y\na,0 days 01:30:00,1\na,2,2\n"), &Spec{Time: Column{Name: "when"}, Second: 1, Keys: []string{"id"}})
	require.ErrorContains(t, err, ":3: column `when`: `2` is not a time like `0 days 01:30:00` in line 2")
	for _, d := range []time.Duration{0, time.Nanosecond, 25 * time.Hour, -time.Second, -49*time.Hour + 5, 3000 * day} {
		back, is := span(Span(d))
		require.True(t, is, Span(d))
		require.Equal(t, d, back, Span(d))
	}
}
