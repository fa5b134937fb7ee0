package data

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSwitched: a signal looks switched where it goes at once from one of a few levels that it keeps to another.
func TestSwitched(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		t    []float64 // nil: one after the other
		want int
	}{
		{v: []float64{0, 0, 12, 12, 12}, want: 1},
		{v: []float64{0, 12, 12, 12, 12}, want: 0},
		{v: []float64{1, 1, 1, 5, 5, 5, 5, 1, 1, 1}, want: 2},
		{v: []float64{0, 0, 6, 12, 12, 12, 12, 12}, want: -1}, // on its way for two rows
		{v: []float64{0, 0, 12, 12}, want: -1},                // too short to tell
		{v: []float64{3, 3, 3, 3, 3, 3}, want: -1},
		{v: []float64{0, 1, 2, 3, 4, 5}, want: -1},
		{v: []float64{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5}, want: -1}, // as a coarse sensor drifts
		{v: []float64{0, 0, 12, 12, 12}, t: []float64{0, 1, 1, 2, 3}, want: -1},              // it says itself that it jumps
		{want: -1},
	} {
		s := Signal{c.t, c.v}
		if s.T == nil {
			for i := range c.v {
				s.T = append(s.T, float64(i))
			}
		}
		require.Equal(t, c.want, s.Switched(), "%v", c.v)
	}
}
