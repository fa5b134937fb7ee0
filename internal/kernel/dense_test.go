package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func random(rng *rand.Rand, n int) []float64 {
	// Not aligned, and with room behind that must stay as it is.
	v := make([]float64, n+9)[1:]
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// TestSameBits compares the assembly with the Go forms at all small sizes and
// some large ones, tails and neighbours included.
func TestSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := [][2]int{}
	for m := range 20 {
		for k := range 20 {
			sizes = append(sizes, [2]int{m, k})
		}
	}
	for range 30 {
		sizes = append(sizes, [2]int{rng.IntN(130), rng.IntN(130)})
	}
	check := func(what string, m, k, lanes, n int, got, want []float64) {
		t.Helper()
		for i := range want {
			require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "%s %d×%d, %d lanes, number %d of %d", what, m, k, lanes, i, n)
		}
	}
	for _, s := range sizes {
		m, k := s[0], s[1]
		for _, lanes := range []int{1, 3, 4, 8} {
			w, x, b, c := random(rng, m*k), random(rng, k*lanes), random(rng, m), random(rng, m*lanes)
			for _, bias := range [][]float64{nil, b} {
				got := random(rng, m*lanes)
				want := append([]float64{}, got...)
				Dense(got, w, x, bias, m, k, lanes)
				denseGo(want, w, x, bias, 0, m, 0, k, lanes)
				check("dense", m, k, lanes, m*lanes, got, want)
			}
			got := random(rng, k*lanes)
			want := append([]float64{}, got...)
			DenseT(got, w, c, m, k, lanes)
			denseTGo(want, w, c, m, 0, k, lanes)
			check("transposed", m, k, lanes, k*lanes, got, want)

			got = random(rng, m*k*lanes)
			want = append([]float64{}, got...)
			AddOuterLanes(got, c, x, m, k, lanes)
			addOuterLanesGo(want, c, x, m, k, lanes)
			check("outer by lanes", m, k, lanes, m*k*lanes, got, want)
		}
		rows := rng.IntN(6)
		c, x := random(rng, rows*m), random(rng, rows*k)
		for _, old := range [][]float64{nil, random(rng, m*k)} {
			got := random(rng, m*k)
			want := append([]float64{}, got...)
			Outer(got, old, c, x, rows, m, k)
			outerGo(want, old, c, x, rows, m, 0, k)
			check("outer", m, k, 1, m*k, got, want)
			if old != nil { // where it stands
				Outer(old, old, c, x, rows, m, k)
				check("outer", m, k, 1, m*k, old, want[:m*k])
			}
		}
	}
}

// TestRows8: every number finds its row, and nothing else changes.
func TestRows8(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 30 {
		stride := n + rng.IntN(4)
		src, got := random(rng, 8*n), random(rng, 8*stride)
		want := append([]float64{}, got...)
		for i := range n {
			for l := range 8 {
				want[l*stride+i] = src[8*i+l]
			}
		}
		Rows8(got, src, n, stride)
		require.Equal(t, want, got, "%d numbers, %d apart", n, stride)
	}
}

// TestAddSum8: sums have the bits of their definition.
func TestAddSum8(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 20 {
		src, got := random(rng, 8*n), random(rng, n)
		want := append([]float64{}, got...)
		for i := range n {
			v := src[8*i:]
			want[i] += ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))
		}
		AddSum8(got[:n], src)
		require.Equal(t, want, got)
	}
}

func BenchmarkKernels(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{50, 100} {
		for _, lanes := range []int{1, 8} {
			w, x, bias, y := random(rng, n*n), random(rng, n*lanes), random(rng, n), random(rng, n*lanes)
			dw := random(rng, n*n*lanes)
			for name, f := range map[string]func(){
				"dense":  func() { Dense(y, w, x, bias, n, n, lanes) },
				"denseT": func() { DenseT(y, w, x, n, n, lanes) },
				"outer": func() {
					if lanes == 1 {
						Outer(dw, dw, x, y, 1, n, n)
					} else {
						AddOuterLanes(dw, x, y, n, n, lanes)
					}
				},
			} {
				b.Run(fmt.Sprintf("%s/%d/%d", name, n, lanes), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(2*float64(n*n*lanes)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
		}
		const rows = 64
		c, x, dw := random(rng, n*rows), random(rng, n*rows), random(rng, n*n)
		b.Run(fmt.Sprintf("gemm/%d", n), func(b *testing.B) {
			for b.Loop() {
				Outer(dw, dw, c, x, rows, n, n)
			}
			b.ReportMetric(2*float64(n*n*rows)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
