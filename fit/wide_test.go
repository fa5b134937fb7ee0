package fit

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestWide: the directions in which one standard error is a unit or more are those of the covariance in these units, widest
// first; coordinates without a standard error, or of infinite unit, have no part in them.
func TestWide(t *testing.T) {
	// In units of 2 and 0.5 the covariance of coordinates 0 and 2 is [[5, 3], [3, 5]]: 8 along (1, 1), 2 along (1, −1).
	u := &Uncertainty{
		StdErr: []float64{1, math.NaN(), 1, 1},
		Cov:    mat.NewSymDense(4, []float64{20, 7, 3, 100, 7, 9, 9, 9, 3, 9, 1.25, 100, 100, 9, 100, 1e6}),
	}
	list := u.Wide([]float64{2, 1, 0.5, math.Inf(1)})
	require.Len(t, list, 2)
	for k, want := range []struct {
		curvature float64
		move      []float64
	}{{1. / 8, []float64{2 * 2, 0, 2 * 0.5, 0}}, {1. / 2, []float64{2, 0, -0.5, 0}}} {
		require.InEpsilon(t, want.curvature, list[k].Curvature, 1e-12)
		sign := math.Copysign(1, list[k].Move[0])
		for i, v := range want.move {
			require.InDelta(t, v, sign*list[k].Move[i], 1e-12)
		}
	}
	list = u.Wide([]float64{4, 1, 1, math.Inf(1)}) // [[1.25, 0.75], [0.75, 1.25]]: 2 and 0.5
	require.Len(t, list, 1)
	require.InEpsilon(t, 0.5, list[0].Curvature, 1e-12)
	require.Empty(t, u.Wide([]float64{100, 1, 100, math.Inf(1)}))
	inf := math.Inf(1)
	require.Nil(t, u.Wide([]float64{inf, 1, inf, inf}))
}
