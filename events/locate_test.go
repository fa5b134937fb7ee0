package events

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRootOfASaturation: of a function that stays zero its first zero is the root,
// wherever the search hits the rest.
func TestRootOfASaturation(t *testing.T) {
	for _, at := range []float64{0.01, 0.3, 0.5, 0.777, 0.99} {
		f := func(x float64) float64 { return max(at-x, 0) }
		require.InDelta(t, at, Root(f, 0, 1, at, 0, 1e-13), 1e-12)
		slope := func(x float64) (float64, float64) {
			if x < at {
				return at - x, -1
			}
			return 0, 0
		}
		require.InDelta(t, at, RootNewton(slope, 0, 1, at, 0, -1, 0, 1e-13), 1e-12)
		require.InDelta(t, -at, -RootNewton(func(x float64) (float64, float64) { v, r := slope(x); return -v, -r }, 0, 1, -at, 0, 1, 0, 1e-13), 1e-12)
	}
}
