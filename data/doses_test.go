package data

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOrderOfDoses: a dose that is repeated comes above the row at its time, and at that time to the last bit, as far as
// the sum of decimal numbers is known; behind the one of a record that stands above it; else at its own time.
func TestOrderOfDoses(t *testing.T) {
	step := 0.1
	x := &Trajectory{
		Times: []float64{0.1, 0.2, 0.3, 0.65, 1},
		Firings: []Firing{
			{T: 0, Above: 0},
			{T: 3 * step, Above: -1},
			{T: 6 * step, Above: -1},
			{T: step + 2*step - 4e-16, Above: -1},
			{T: 1 + 1e-14, Above: -1},
			{T: 7 * step, Above: 4},
			{T: 0.7, Above: -1},
		},
	}
	x.order()
	var times []float64
	var above []int
	for _, f := range x.Firings {
		times, above = append(times, f.T), append(above, f.Above)
	}
	require.Equal(t, []float64{0, 0.3, 0.3, 6 * step, 7 * step, 7 * step, 1 + 1e-14}, times)
	require.Equal(t, []int{0, 2, 2, 3, 4, 4, 5}, above)
}
