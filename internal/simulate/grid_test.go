package simulate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSteps: output times are multiples of the step, and the end, once, to the last bit,
// whether the step divides the way or does so but for round-off.
func TestSteps(t *testing.T) {
	require.Equal(t, []float64{0, 0.5, 1, 1.5, 2, 2.5, 2.7}, steps(0, 2.7, 0.5))
	require.Equal(t, []float64{0, 0.5, 1}, steps(0, 1, 0.5))
	require.Equal(t, []float64{-1, 2}, steps(-1, 2, 5))
	require.Equal(t, []float64{3, 3.25, 3.4}, steps(3, 3.4, 0.25))
	for n := 1; n <= 300; n++ {
		for _, step := range []float64{0.1, 0.7, 1. / 3, 1e-3} {
			end := math.Nextafter(float64(n)*step, []float64{0, float64(n) * step, math.Inf(1)}[n%3])
			list := steps(0, end, step)
			require.Len(t, list, n+1, "%d steps of %g", n, step)
			require.Equal(t, end, list[n])
		}
	}
}
