package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

// TestWalls: a wall is −ln of the mass of a normal distribution within the distance, times a weight that is small where the
// other side is nearly as good; its slopes are its derivatives.
func TestWalls(t *testing.T) {
	for _, rise := range []float64{0.1, 2, 50} {
		e := &edge{open: 0.7, rise: rise}
		for _, d := range []float64{1e-6, 1e-3, 0.2, 0.7, 2.5} {
			mass := quad.Fixed(func(x float64) float64 { return math.Exp(-x*x/(2*0.49)) / (0.7 * math.Sqrt(2*math.Pi)) }, -d, d, 60, nil, 0)
			require.InEpsilon(t, -(1-math.Exp(-rise))*math.Log(mass), e.value(d), 1e-6, "%g", d)
			h := 1e-4 * d
			slope, bend := e.slopes(d)
			require.InEpsilon(t, (e.value(d+h)-e.value(d-h))/(2*h), slope, 1e-5, "%g", d)
			up, _ := e.slopes(d + h)
			down, _ := e.slopes(d - h)
			require.InEpsilon(t, (up-down)/(2*h), bend, 1e-4, "%g", d)
		}
		require.True(t, math.IsInf(e.value(0), 1))
		require.True(t, math.IsInf(e.value(-1), 1))
	}
	require.Zero(t, (&edge{rise: -3}).weight())
	require.False(t, (&edge{rise: 0.051}).wall())
	require.True(t, (&edge{rise: 0.052}).wall())
}

// walledLine is one coordinate with walls at both sides of x, of which nothing else is known but the slope of the residuals.
func walledLine(slope float64, edges ...edge) *linearised {
	l := &linearised{unit: 1, r: []float64{slope * 1e3}, jac: mat.NewDense(1, 1, []float64{1e-3}), edges: edges}
	if !l.normal.Factorize(mat.NewSymDense(1, []float64{1e-9})) {
		panic("not a minimum")
	}
	return l
}

// TestMiddle: between two walls of which residuals tell nothing the middle is theirs; a loss that grows by g holds 1/g off its wall; a
// ridge pulls with its own slope.
func TestMiddle(t *testing.T) {
	wall := func(off, sign float64) edge {
		return edge{sign: sign, off: off, open: 1e4, rise: 100, by: []float64{1}}
	}
	// The row behind lies at 3, the one before at −1: firings move to later times with the coordinate.
	between := walledLine(0, wall(3, 1), wall(1, -1))
	require.InDelta(t, 1, between.middle([]float64{0}, nil).AtVec(0), 1e-4)
	for _, g := range []float64{0.5, 4} {
		one := walledLine(-g, wall(3, 1)) // it falls towards the wall
		require.InEpsilon(t, 3-1/g, one.middle([]float64{0}, nil).AtVec(0), 1e-4)
		ridged := walledLine(-g-1, wall(3, 1))
		require.InEpsilon(t, 3-1/g, ridged.middle([]float64{2}, []float64{0.5}).AtVec(0), 1e-4)
	}
}

// TestNearestOf: edges come by their distance beside how far they are open.
func TestNearestOf(t *testing.T) {
	list := []edge{{off: 3, open: 1}, {off: 4, open: 8}, {off: 1, open: 1}}
	got := nearestOf(list, 2)
	require.Equal(t, []float64{4, 1}, []float64{got[0].off, got[1].off})
	require.Len(t, nearestOf(list, 9), 3)
}
