package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestTiles compares products, factors and solutions with gonum's, for orders around
// those of blocks, and the bits for one worker with those for three.
func TestTiles(t *testing.T) {
	for _, n := range []int{1, 5, 31, 32, 33, 100} {
		for _, rows := range []int{n + 1, 200} {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			stride := n + 3
			data := make([]float64, rows*stride)
			for i := range data {
				data[i] = rng.NormFloat64()
			}
			a := mat.NewDense(rows, stride, data).Slice(0, rows, 0, n)
			var want mat.Dense
			want.Mul(a.T(), a)
			g, again := NewTiles(n), NewTiles(n)
			g.Gram(data, rows, stride, 1)
			again.Gram(data, rows, stride, 3)
			require.True(t, slices.Equal(g.blocks, again.blocks))
			x, y, z := make([]float64, n), make([]float64, n), mat.NewVecDense(n, nil)
			for i := range n {
				x[i] = rng.NormFloat64()
				for j := i; j < n; j++ {
					require.InDelta(t, want.At(i, j), g.At(i, j), 1e-11)
				}
				v := g.At(i, i) + 0.5
				g.Set(i, i, v)
				again.Set(i, i, v)
				want.Set(i, i, v)
			}
			g.Times(y, x)
			z.MulVec(&want, mat.NewVecDense(n, x))
			require.InDeltaSlice(t, z.RawVector().Data, y, 1e-9)
			require.True(t, g.Cholesky(1))
			require.True(t, again.Cholesky(3))
			require.True(t, slices.Equal(g.blocks, again.blocks))
			g.Solve(y)
			require.InDeltaSlice(t, x, y, 1e-9)
		}
	}
	bad := NewTiles(40)
	for i := range 40 {
		bad.Set(i, i, float64(39-i)-0.5)
	}
	require.False(t, bad.Cholesky(2))
}

func BenchmarkTiles(b *testing.B) {
	n, rows := 1000, 2500
	a := make([]float64, n*rows)
	for i := range a {
		a[i] = float64(i%17) - 8 + float64(i%5)
	}
	g := NewTiles(n)
	for b.Loop() {
		t := time.Now()
		g.Gram(a, rows, n, 2)
		b.ReportMetric(float64(n)*float64(n)*float64(rows)/time.Since(t).Seconds()/1e9, "Gflop/s")
		for i := range n {
			g.Set(i, i, g.At(i, i)+1e5)
		}
		t = time.Now()
		require.True(b, g.Cholesky(2))
		b.ReportMetric(float64(n)*float64(n)*float64(n)/3/time.Since(t).Seconds()/1e9, "chol-Gflop/s")
	}
}
