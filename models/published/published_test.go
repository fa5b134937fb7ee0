package published

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRows: each row has its models and a page with its source, and names that are told
// apart.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		require.False(t, seen[r.Name], r.Name)
		seen[r.Name] = true
		require.Contains(t, r.Page(), "**Source.**", r.Name)
		require.Contains(t, r.Page(), "**What differs.**", r.Name)
		found, ok := Find(r.Name)
		require.True(t, ok)
		require.Same(t, r, found)
	}
	_, ok := Find("none")
	require.False(t, ok)
}

// TestReproduced: rows that take seconds are at their numbers.
func TestReproduced(t *testing.T) {
	if testing.Short() {
		t.Skip("whole fits")
	}
	for _, name := range []string{"events", "missing_physics"} {
		r, _ := Find(name)
		res, err := r.Reproduce(t.Context(), Options{Dir: t.TempDir()})
		require.NoError(t, err)
		require.NotEmpty(t, res.Figures)
		for i := range res.Figures {
			f := &res.Figures[i]
			require.True(t, f.Holds(), "%s: %s is %g, to be %s", name, f.What, f.Ours, f.Wanted())
		}
	}
}

// TestQuick: the short form of a row runs its models and is not held to the numbers.
func TestQuick(t *testing.T) {
	r, _ := Find("spiral")
	res, err := r.Reproduce(t.Context(), Options{Dir: t.TempDir(), Quick: true})
	require.NoError(t, err)
	require.Len(t, res.Figures, 2)
	var table strings.Builder
	require.NoError(t, WriteTable(&table, []*Result{res}))
	require.Equal(t, 4, strings.Count(table.String(), "\n"))
	require.Contains(t, table.String(), "| quick |")
}

// TestMissed: a figure that is not a number does not hold.
func TestMissed(t *testing.T) {
	require.True(t, (&Figure{Bar: 1, Ours: 1}).Holds())
	require.False(t, (&Figure{Bar: 1, Ours: 1.1}).Holds())
	require.False(t, (&Figure{Bar: 1, Ours: math.NaN()}).Holds())
}

// TestPath: the truth of the cubic spiral at t = 25, by another method at 1e-13.
func TestPath(t *testing.T) {
	path := cubicSpiral()
	last := path[len(path)-1]
	require.InDelta(t, 25, last[0], 1e-12)
	require.InDelta(t, -0.443623486699, last[1], 1e-9)
	require.InDelta(t, 0.279440641619, last[2], 1e-9)
}
