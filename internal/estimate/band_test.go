package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestCovariance: the standard error of a value is √(gᵀ H⁻¹ g), with the curvature by the coordinates that are named, of whatever
// size they are; those that are frozen do not move it.
func TestCovariance(t *testing.T) {
	h := mat.NewSymDense(4, []float64{4, 1, 20, 0, 1, 9, 30, 1, 20, 30, 4e4, 50, 0, 1, 50, 2})
	coords := []int{2, 0, 3}
	c := newCovariance(h, coords, 1.5)
	require.NotNil(t, c)
	part := mat.NewSymDense(3, nil)
	for i, a := range coords {
		for j, b := range coords[:i+1] {
			part.SetSym(i, j, h.At(a, b))
		}
	}
	var inverse mat.Dense
	require.NoError(t, inverse.Inverse(part))
	g := mat.NewVecDense(3, []float64{3, -1, 0.5})
	want := 1.5 * math.Sqrt(mat.Inner(g, &inverse, g))
	require.InEpsilon(t, want, c.of([]int{0, 1, 2, 3, -1}, []float64{-1, 8, 3, 0.5, 7}), 1e-10)
	require.InEpsilon(t, 1.5*math.Sqrt(inverse.At(1, 1)), c.of([]int{0}, []float64{1}), 1e-10)
	require.Nil(t, newCovariance(h, nil, 1))
	require.Nil(t, newCovariance(mat.NewSymDense(2, []float64{1, 2, 2, 1}), []int{0, 1}, 1), "no minimum")
	require.Nil(t, newCovariance(mat.NewSymDense(2, []float64{1, 0, 0, 0}), []int{0, 1}, 1), "nothing tells one")
	require.Nil(t, newCovariance(mat.NewSymDense(1, []float64{math.Inf(1)}), []int{0}, 1))
}

// TestRuns: mean and variance of runs are those of all arrangements of the signs of each series, counted; series of one
// sign alone tell nothing.
func TestRuns(t *testing.T) {
	counted := func(n, plus int) (mean, variance float64) {
		var all []float64
		for bits := range 1 << n {
			ones, runs := 0, 1
			for i := range n {
				ones += bits >> i & 1
				if i > 0 && bits>>i&1 != bits>>(i-1)&1 {
					runs++
				}
			}
			if ones == plus {
				all = append(all, float64(runs))
			}
		}
		for _, r := range all {
			mean += r / float64(len(all))
		}
		for _, r := range all {
			variance += (r - mean) * (r - mean) / float64(len(all))
		}
		return mean, variance
	}
	m := &misfit{}
	require.Equal(t, 1., m.runs())
	for _, r := range []float64{1, 2, 3, 1, -1, -2, -1, 2, 1} { // three runs
		m.add(0, 0, r)
	}
	for _, r := range []float64{-1, -1, 1, -3, -1, -2, -2, -1} {
		m.add(1, 0, r)
	}
	for range 5 {
		m.add(1, 1, 0.5)
	}
	m.add(2, 1, -1)
	mean1, var1 := counted(9, 6)
	mean2, var2 := counted(8, 1)
	z := (3 + 3 - mean1 - mean2) / math.Sqrt(var1+var2)
	require.InEpsilon(t, math.Erfc(-z/math.Sqrt2)/2, m.runs(), 1e-9)
	require.Equal(t, 9+8+5+1, m.sign)
	short := &misfit{}
	short.add(0, 0, 1)
	require.Equal(t, 1., short.runs())
}
