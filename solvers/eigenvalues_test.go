package solvers

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEigenvalues: of block diagonal matrices behind a change of the basis, some of them
// scaled badly; and the equation of their eigenvectors.
func TestEigenvalues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 5, 8, 20, 60} {
		a := make([][]float64, n)
		for i := range a {
			a[i] = make([]float64, n)
		}
		var want []complex128
		for i := 0; i < n; i++ {
			re, im := rng.NormFloat64(), rng.NormFloat64()
			if a[i][i] = re; i+1 < n && rng.IntN(2) == 0 {
				a[i+1][i+1], a[i][i+1], a[i+1][i] = re, im, -im
				want = append(want, complex(re, im), complex(re, -im))
				i++
			} else {
				want = append(want, complex(re, 0))
			}
		}
		for range 3 { // reflections
			v := make([]float64, n)
			sum := 0.
			for i := range v {
				v[i] = rng.NormFloat64()
				sum += v[i] * v[i]
			}
			left := make([][]float64, n)
			for i := range left {
				left[i] = make([]float64, n)
				for j := range left[i] {
					dot := 0.
					for k := range v {
						dot += a[i][k] * v[k]
					}
					left[i][j] = a[i][j] - 2*dot*v[j]/sum
				}
			}
			for j := range n {
				dot := 0.
				for k := range v {
					dot += v[k] * left[k][j]
				}
				for i := range n {
					a[i][j] = left[i][j] - 2*v[i]*dot/sum
				}
			}
		}
		flat := slices.Concat(a...)
		v := Eigenvector(n, flat, want[0])
		size, off := 0., 0.
		for i := range n {
			sum := -want[0] * v[i]
			for j := range n {
				sum += complex(flat[i*n+j], 0) * v[j]
				size += math.Abs(flat[i*n+j]) * cmplx.Abs(v[j])
			}
			off += cmplx.Abs(sum)
		}
		require.Less(t, off, 1e-9*size+1e-12)
		for i := range n { // a diagonal similarity
			for j := range n {
				flat[i*n+j] *= math.Pow(10, float64(i%7-j%7))
			}
		}
		got, _ := Eigenvalues(n, slices.Clone(flat))
		require.Len(t, got, n)
		for _, w := range want {
			best := math.Inf(1)
			for _, g := range got {
				best = min(best, cmplx.Abs(g-w))
			}
			require.Less(t, best, 1e-10, "n = %d: %v", n, w)
		}
	}
}

// TestEigenvaluesExact: zeros are exact, and slow and fast ones are told apart.
func TestEigenvaluesExact(t *testing.T) {
	got, _ := Eigenvalues(3, []float64{-1e8, 0, 1e3, 1e8, -1e-3, 0, 0, 0, 0})
	slices.SortFunc(got, func(a, b complex128) int {
		if real(a) < real(b) {
			return -1
		}
		return 1
	})
	require.Equal(t, complex128(0), got[2])
	require.InEpsilon(t, -1e-3, real(got[1]), 1e-9)
	require.InEpsilon(t, -1e8, real(got[0]), 1e-9)
}

// TestEigenvaluesOfUnits: variables in other units leave the eigenvalues what they are, 3 and 3 ± √3, to the last digits.
func TestEigenvaluesOfUnits(t *testing.T) {
	a := []float64{2, 1, 0, 1, 3, 1, 0, 1, 4}
	for _, unit := range [][]float64{{1, 1, 1}, {1, 0x1p30, 0x1p-30}, {0x1p-40, 1, 0x1p40}, {0x1p25, 0x1p-25, 1}} {
		b := make([]float64, 9)
		for i := range 3 {
			for j := range 3 {
				b[3*i+j] = a[3*i+j] * unit[i] / unit[j]
			}
		}
		values, _ := Eigenvalues(3, b)
		require.Len(t, values, 3)
		var got []float64
		for _, v := range values {
			require.InDelta(t, 0, imag(v), 1e-12)
			got = append(got, real(v))
		}
		slices.Sort(got)
		require.InDeltaSlice(t, []float64{3 - math.Sqrt(3), 3, 3 + math.Sqrt(3)}, got, 1e-13, "%g", unit)
	}
}
