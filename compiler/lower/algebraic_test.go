package lower

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMatch: each unknown gets an equation that reads it, though the first that is
// offered has to give way; and an equation too many is named.
func TestMatch(t *testing.T) {
	reads := [][]int{{0, 1}, {0}, {1, 2}}
	owner, loose := match(3, func(e, k int) bool { return slices.Contains(reads[e], k) })
	require.Equal(t, -1, loose)
	require.Equal(t, []int{1, 0, 2}, owner)

	reads = [][]int{{0}, {1}, {0, 1}}
	_, loose = match(3, func(e, k int) bool { return slices.Contains(reads[e], k) })
	require.Equal(t, 2, loose)
}
