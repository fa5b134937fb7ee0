package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func randomSingles(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n+9)[1:]
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// TestSingleSameBits compares the assembly with the Go form.
func TestSingleSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 600 {
		m, k, lanes := 1+rng.IntN(90), 1+rng.IntN(70), []int{1, 3, 8}[rng.IntN(3)]
		rows, cols := k, 1
		switch {
		case lanes == 1:
			rows, cols = 1, (m+7)&^7
		case rng.IntN(2) == 0:
			rows, cols = 1, m
		}
		m8 := (m + 7) &^ 7
		w, x, bias := randomSingles(rng, m8*k), randomSingles(rng, k*lanes), randomSingles(rng, m8)
		if rng.IntN(3) == 0 {
			bias = nil
		}
		got := randomSingles(rng, m8*lanes)
		want := append([]float32{}, got...)
		DenseSingle(got, w, x, bias, m, k, rows, cols, lanes)
		if bias == nil {
			bias = make([]float32, m)
		}
		denseSingleGo(want, w, x, bias, m, k, rows, cols, lanes)
		end := m8 * lanes // what is behind must stay as it is
		for i := range want {
			if i < m*lanes || i >= end {
				require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), "%d×%d, %d lanes, number %d", m, k, lanes, i)
			}
		}
	}
}

// TestConvert: conversions round to nearest, in any number.
func TestConvert(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for n := range 40 {
		src := random(rng, n)
		narrow := randomSingles(rng, n)
		after := narrow[n]
		Narrow(narrow[:n], src)
		wide := random(rng, n)
		Widen(wide[:n], narrow)
		for i := range n {
			require.Equal(t, float32(src[i]), narrow[i])
			require.Equal(t, float64(float32(src[i])), wide[i])
		}
		require.Equal(t, after, narrow[n])
	}
}

// TestColumns: a matrix is turned round, in any size.
func TestColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		m, k := 1+rng.IntN(40), 1+rng.IntN(40)
		cols := m + rng.IntN(9)
		src, dst := random(rng, m*k), randomSingles(rng, k*cols)
		before := append([]float32{}, dst...)
		NarrowColumns(dst, src, m, k, cols)
		for at := range dst {
			want := before[at]
			if i, j := at%cols, at/cols; i < m && j < k {
				want = float32(src[i*k+j])
			}
			require.Equal(t, want, dst[at], "%d×%d, number %d", m, k, at)
		}
	}
}

// TestOuterSingle compares the assembly with the Go form.
func TestOuterSingle(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 200 {
		rows, m, k := rng.IntN(33), 1+rng.IntN(20), 1+rng.IntN(90)
		xs := (k + 7) &^ 7
		c, x, dw := randomSingles(rng, rows*m), randomSingles(rng, rows*xs), random(rng, m*k)
		p := make([]float32, m*xs)
		outerSingleGo(p, c, x, rows, m, xs)
		want := append([]float64{}, dw...)
		for i := range m {
			for j := range k {
				want[i*k+j] += float64(p[i*xs+j])
			}
		}
		got := random(rng, m*k)
		OuterSingle(got[:m*k], dw, c, x, randomSingles(rng, m*xs), rows, m, k, xs)
		require.Equal(t, want[:m*k], got[:m*k], "%d rows, %d×%d", rows, m, k)
		OuterSingle(dw, dw, c, x, randomSingles(rng, m*xs), rows, m, k, xs)
		require.Equal(t, want, dw, "%d rows, %d×%d", rows, m, k)
		OuterSingle(got, nil, c, x, randomSingles(rng, m*xs), rows, m, k, xs)
		for i := range m * k {
			require.Equal(t, float64(p[i/k*xs+i%k]), got[i], "%d rows, %d×%d", rows, m, k)
		}
	}
}

func BenchmarkSingle(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, n8 = 50, 56
	for _, lanes := range []int{1, 8} {
		w, x, bias, y := randomSingles(rng, n8*n), randomSingles(rng, n*lanes), randomSingles(rng, n8), randomSingles(rng, n8*lanes)
		rows, cols := n, 1
		if lanes == 1 {
			rows, cols = 1, n8
		}
		b.Run(fmt.Sprintf("dense/%d/%d", n, lanes), func(b *testing.B) {
			for b.Loop() {
				DenseSingle(y, w, x, bias, n, n, rows, cols, lanes)
			}
			b.ReportMetric(2*float64(n*n*lanes)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
