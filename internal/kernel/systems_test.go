package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/kernel"
)

// systems are random matrices and right sides of each lane, some of whose leading entries
// are zero, and their factors.
func systems(r *rand.Rand, n, cols, lanes int) (a, b []*mat.Dense, f, x []float64) {
	f, x = make([]float64, (n*n+n+1)*lanes), make([]float64, n*cols*lanes)
	for l := range lanes {
		a, b = append(a, mat.NewDense(n, n, nil)), append(b, mat.NewDense(n, cols, nil))
		for i := range n {
			for j := range n {
				v := r.NormFloat64()
				if n > 2 && r.IntN(4) == 0 || n > 1 && i == j && l%2 == 0 {
					v = 0
				}
				a[l].Set(i, j, v)
				f[(i*n+j)*lanes+l] = v
			}
			for j := range cols {
				v := r.NormFloat64()
				b[l].Set(i, j, v)
				x[(i*cols+j)*lanes+l] = v
			}
		}
	}
	kernel.Factor(f, n, lanes)
	return a, b, f, x
}

// TestSystems compares solutions and determinants with gonum's.
func TestSystems(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 11))
	for _, n := range []int{1, 2, 3, 4, 7, 19, 40} {
		for _, lanes := range []int{1, 3, 8, 11} {
			for _, transposed := range []bool{false, true} {
				const cols = 2
				a, b, f, x := systems(r, n, cols, lanes)
				factors := kernel.Factors{Of: f, Elem: lanes, Lane: 1, N: n}
				kernel.Solve(x, factors, cols, lanes, transposed)
				det, logs := make([]float64, lanes), make([]float64, lanes)
				kernel.Det(det, factors, lanes, false)
				kernel.Det(logs, factors, lanes, true)
				for l := range lanes {
					var lu mat.LU
					lu.Factorize(a[l])
					want, sign := lu.LogDet()
					if math.IsInf(want, -1) {
						require.Equal(t, 0., det[l])
						continue
					}
					require.InDelta(t, want, logs[l], 1e-12*float64(n)*(1+math.Abs(want)))
					require.InEpsilon(t, sign*math.Exp(want), det[l], 1e-11)
					var back mat.Dense
					got := mat.NewDense(n, cols, nil)
					for i := range n {
						for j := range cols {
							got.Set(i, j, x[(i*cols+j)*lanes+l])
						}
					}
					if transposed {
						back.Mul(a[l].T(), got)
					} else {
						back.Mul(a[l], got)
					}
					back.Sub(&back, b[l])
					require.Less(t, mat.Norm(&back, 2), 1e-13*float64(n)*(1+mat.Norm(a[l], 2)*mat.Norm(got, 2)), "n = %d: the residual is round-off", n)
				}
			}
		}
	}
}

// TestSingular: a matrix without a pivot has the determinant 0 and no solution, and the
// lanes beside it have theirs.
func TestSingular(t *testing.T) {
	const n, lanes = 3, 2
	a := [n][n]float64{{1, 2, 3}, {2, 4, 6}, {1, 0, 1}}
	f, x := make([]float64, (n*n+n+1)*lanes), make([]float64, n*lanes)
	for i := range n {
		for j := range n {
			f[(i*n+j)*lanes] = a[i][j]
			f[(i*n+j)*lanes+1] = a[i][j]
		}
		x[i*lanes], x[i*lanes+1] = 1, 1
	}
	f[(1*n+1)*lanes+1] = 5 // of the second lane
	kernel.Factor(f, n, lanes)
	factors := kernel.Factors{Of: f, Elem: lanes, Lane: 1, N: n}
	var det [lanes]float64
	kernel.Det(det[:], factors, lanes, false)
	require.Equal(t, 0., det[0])
	require.InDelta(t, -2, det[1], 1e-14) // by hand: 1(5−0) − 2(2−6) + 3(0−5)
	kernel.Solve(x, factors, 1, lanes, false)
	for i := range n {
		require.True(t, math.IsNaN(x[i*lanes]))
	}
	require.InDelta(t, 1, x[1]+2*x[3]+3*x[5], 1e-14)
	require.InDelta(t, 1, 2*x[1]+5*x[3]+6*x[5], 1e-14)
	require.InDelta(t, 1, x[1]+x[5], 1e-14)
}
