package pinode

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// nightly reports whether tests look at all that they can: .ci/nightly sets the variable, to the number of random models.
func nightly() bool { return os.Getenv("PINODE_NIGHTLY") != "" }

// inPairs reports whether a test looks at this cell of a grid of three factors, one of them of three levels: by day at each pair of the
// other two, with the third taken in turn, at night at all cells.
func inPairs(i, j, k int) bool { return nightly() || (i+j+k)%3 == 0 }

// randomModels is how many random models a test draws: so many by day, fewer with -short, and at night what is asked for.
func randomModels(byDay, short int) int {
	if n, err := strconv.Atoi(os.Getenv("PINODE_NIGHTLY")); err == nil {
		return n
	}
	if testing.Short() {
		return short
	}
	return byDay
}

// firstModel is the seed of the first of them, so that a night may go on where another stopped.
func firstModel() uint64 {
	n, err := strconv.ParseUint(os.Getenv("PINODE_FIRST"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// setFit changes settings of a fit, in pairs of name and value. A model that is compiled once runs with all of them.
func setFit(t *testing.T, m *Model, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(t, m.Set("fit."+pairs[i], pairs[i+1], "the test"))
	}
}
