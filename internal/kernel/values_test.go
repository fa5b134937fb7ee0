package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// at sizes of all kinds, the values are those of the definitions: sums in
// order, each step fused. What is behind a result stays as it was.
func TestDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	equal := func(want, got []float64, what string, args ...any) {
		t.Helper()
		for i := range want {
			if math.Float64bits(want[i]) != math.Float64bits(got[i]) {
				require.Failf(t, what, "number %d is %g, not %g: %v", i, got[i], want[i], args)
			}
		}
	}
	sizes := [][2]int{{0, 3}, {3, 0}, {1, 1}, {17, 40}, {40, 17}, {64, 64}}
	for m := 1; m < 11; m++ {
		for k := 1; k < 11; k++ {
			sizes = append(sizes, [2]int{m, k})
		}
	}
	bothWays(func(how string) {
		for _, s := range sizes {
			m, k := s[0], s[1]
			for _, lanes := range []int{1, 2, 8} {
				w, x, c, bias := random(rng, m*k), random(rng, k*lanes), random(rng, m*lanes), random(rng, m)
				for _, b := range [][]float64{nil, bias} {
					got := random(rng, m*lanes)
					want := append([]float64{}, got...)
					for i := range m {
						for l := range lanes {
							sum := 0.
							if b != nil {
								sum = b[i]
							}
							for j := range k {
								sum = math.FMA(w[i*k+j], x[j*lanes+l], sum)
							}
							want[i*lanes+l] = sum
						}
					}
					Dense(got, w, x, b, m, k, lanes)
					equal(want, got, "dense", how, m, k, lanes)
				}
				got := random(rng, k*lanes)
				want := append([]float64{}, got...)
				for j := range k {
					for l := range lanes {
						sum := 0.
						for i := range m {
							sum = math.FMA(w[i*k+j], c[i*lanes+l], sum)
						}
						want[j*lanes+l] = sum
					}
				}
				DenseT(got, w, c, m, k, lanes)
				equal(want, got, "transposed", how, m, k, lanes)
				got = random(rng, m*k*lanes)
				want = append([]float64{}, got...)
				for i := range m {
					for j := range k {
						for l := range lanes {
							at := (i*k+j)*lanes + l
							want[at] = math.FMA(x[j*lanes+l], c[i*lanes+l], want[at])
						}
					}
				}
				AddOuterLanes(got, c, x, m, k, lanes)
				equal(want, got, "outer by lanes", how, m, k, lanes)
			}
			for rows := range 3 {
				c, x := random(rng, rows*m), random(rng, rows*k)
				for _, old := range [][]float64{nil, random(rng, m*k)} {
					got := random(rng, m*k)
					want := append([]float64{}, got...)
					for i := range m {
						for j := range k {
							sum := 0.
							if old != nil {
								sum = old[i*k+j]
							}
							for r := range rows {
								sum = math.FMA(x[r*k+j], c[r*m+i], sum)
							}
							want[i*k+j] = sum
						}
					}
					Outer(got, old, c, x, rows, m, k)
					equal(want, got, "outer", how, m, k, rows)
				}
			}
		}
	})
}

// Parts of matrices: rows stand further apart than they are long, and what is between does
// not matter.
func TestProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	bothWays(func(how string) {
		for range 200 {
			m, k, terms := rng.IntN(7), rng.IntN(40), rng.IntN(5)
			cStride, xStride := m+rng.IntN(4), k+rng.IntN(4)
			c, x := random(rng, terms*cStride+m), random(rng, terms*xStride+k)
			got := random(rng, m*k+1)
			want := append([]float64{}, got...)
			for i := range m {
				for j := range k {
					sum := 0.
					for r := range terms {
						sum = math.FMA(x[r*xStride+j], c[r*cStride+i], sum)
					}
					want[i*k+j] = sum
				}
			}
			Products(got, c, x, terms, m, k, cStride, xStride)
			require.Equal(t, want, got, "%s, %d, %d, %d", how, m, k, terms)
		}
	})
}

// More columns or rows than the zeros that stand for a missing start.
func TestLongerThanTheZeros(t *testing.T) {
	bothWays(func(how string) {
		for _, n := range []int{len(zeros) - 1, len(zeros), len(zeros) + 1, 1 << 17} {
			w, x8 := make([]float64, n), make([]float64, 8*n)
			for i := range w {
				w[i] = float64(i%7) - 3
			}
			y := make([]float64, 8*n)
			for _, lanes := range []int{1, 8} {
				ones := []float64{1, 2, 3, 4, 5, 6, 7, 8}[:lanes]
				DenseT(y[:n*lanes], w, ones, 1, n, lanes) // one row
				for i, v := range y[:n*lanes] {
					if v != w[i/lanes]*ones[i%lanes] {
						require.Failf(t, "transposed", "%s, %d columns, %d lanes: number %d is %g", how, n, lanes, i, v)
					}
				}
				Dense(x8[:n*lanes], w, ones, nil, n, 1, lanes) // one column
				for i, v := range x8[:n*lanes] {
					if v != w[i/lanes]*ones[i%lanes] {
						require.Failf(t, "dense", "%s, %d rows, %d lanes: number %d is %g", how, n, lanes, i, v)
					}
				}
			}
			Outer(y[:n], nil, []float64{2}, w, 1, 1, n)
			for i, v := range y[:n] {
				if v != 2*w[i] {
					require.Failf(t, "outer", "%s, %d columns: number %d is %g", how, n, i, v)
				}
			}
			n8 := (n + 7) &^ 7
			single, to := make([]float32, n8), make([]float32, n8)
			Narrow(single[:n], w)
			DenseSingle(to, single, []float32{2}, nil, n, 1, 1, n8, 1)
			for i, v := range to[:n] {
				if float64(v) != 2*w[i] {
					require.Failf(t, "single", "%s, %d rows: number %d is %g", how, n, i, v)
				}
			}
		}
	})
}

// The forms for singles, by their definitions, with and without assembly.
func TestSingleDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	bothWays(func(how string) {
		for range 150 {
			m, k, lanes := 1+rng.IntN(20), 1+rng.IntN(20), []int{1, 3, 8}[rng.IntN(3)]
			rows, cols := k, 1
			if lanes == 1 {
				rows, cols = 1, (m+7)&^7
			}
			m8 := (m + 7) &^ 7
			w, x, bias := randomSingles(rng, m8*k), randomSingles(rng, k*lanes), randomSingles(rng, m8)
			got := randomSingles(rng, m8*lanes)
			DenseSingle(got, w, x, bias, m, k, rows, cols, lanes)
			for i := range m {
				for l := range lanes {
					sum := bias[i]
					for j := range k {
						sum = scalar.FMASingle(w[i*rows+j*cols], x[j*lanes+l], sum)
					}
					require.Equal(t, sum, got[i*lanes+l], "%s, %d×%d, %d lanes", how, m, k, lanes)
				}
			}

			n, r := 1+rng.IntN(20), rng.IntN(4)
			xs := (n + 7) &^ 7
			c, y, old := randomSingles(rng, r*m), randomSingles(rng, r*xs), random(rng, m*n)
			out := random(rng, m*n)
			OuterSingle(out[:m*n], old, c, y, make([]float32, m*xs), r, m, n, xs)
			for i := range m {
				for j := range n {
					sum := float32(0)
					for q := range r {
						sum = scalar.FMASingle(y[q*xs+j], c[q*m+i], sum)
					}
					require.Equal(t, old[i*n+j]+float64(sum), out[i*n+j], "%s, outer", how)
				}
			}
		}
		// A missing row, column or number leaves what is there.
		y := []float32{5, 6, 7, 8, 9, 10, 11, 12}
		DenseSingle(y, nil, nil, nil, 0, 3, 1, 8, 1)
		DenseSingle(y, nil, nil, nil, 3, 0, 1, 8, 1)
		require.Equal(t, []float32{5, 6, 7, 8, 9, 10, 11, 12}, y, how)

		for n := range 20 { // eight lanes taken apart, added up
			stride := n + rng.IntN(3)
			src := randomSingles(rng, 8*n)
			dst := randomSingles(rng, 8*stride+8)
			want := append([]float32{}, dst...)
			for i := range n {
				for l := range 8 {
					want[l*stride+i] = src[8*i+l]
				}
			}
			Rows8Single(dst, src, n, stride)
			require.Equal(t, want, dst, "%s, %d numbers, %d apart", how, n, stride)

			wide, sums := random(rng, 8*n), random(rng, n)
			exact := append([]float64{}, sums...)
			for i := range n {
				var pair [4]float64
				for j := range pair {
					pair[j] = wide[8*i+2*j] + wide[8*i+2*j+1]
				}
				exact[i] += (pair[0] + pair[1]) + (pair[2] + pair[3])
			}
			AddSum8(sums[:n], wide)
			require.Equal(t, exact, sums, "%s, %d sums", how, n)
		}
	})
}

// One number of many that is not finite is found, wherever it is; and Adam's
// step by its formula, from the first coordinate to the last.
func TestFiniteAndAdamBothWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	bothWays(func(how string) {
		for n := range 40 {
			v := random(rng, n)[:n]
			require.True(t, Finite(v), how)
			for i := range v {
				for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					was := v[i]
					v[i] = bad
					require.False(t, Finite(v), "%s, %d of %d", how, i, n)
					v[i] = was
				}
			}
			s := &AdamStep{KeepM: 0.9, AddM: 0.2, KeepV: 0.99, AddV: 0.03, Rate: 0.013, Root: 1.7, Eps: 1e-3}
			x0, m0, v0, g := random(rng, n)[:n], random(rng, n)[:n], make([]float64, n), random(rng, n)[:n]
			for i := range v0 {
				v0[i] = rng.Float64()
			}
			x, m, w := make([]float64, n), make([]float64, n), make([]float64, n)
			Adam(x, m, w, x0, m0, v0, g, s)
			for i := range n {
				mi, vi := 0.9*m0[i]+0.2*g[i], 0.99*v0[i]+0.03*g[i]*g[i]
				require.InDelta(t, mi, m[i], 1e-14, how)
				require.InDelta(t, vi, w[i], 1e-14, how)
				require.InDelta(t, x0[i]-0.013*mi/(1.7*math.Sqrt(vi)+1e-3), x[i], 1e-14, how)
			}
		}
	})
}

// A slice that is too short ends the program, and nothing is read or written
// behind it: the assembly does not look.
func TestShortSlices(t *testing.T) {
	const m, k, lanes = 8, 8, 8
	full := func(n int) []float64 { return make([]float64, n+64)[:n] }
	single := func(n int) []float32 { return make([]float32, n+64)[:n] }
	bothWays(func(how string) {
		for name, c := range map[string]struct {
			sizes []int
			run   func(v [][]float64)
		}{
			"dense":              {[]int{m * lanes, m * k, k * lanes, m}, func(v [][]float64) { Dense(v[0], v[1], v[2], v[3], m, k, lanes) }},
			"dense without bias": {[]int{m * lanes, m * k, k * lanes}, func(v [][]float64) { Dense(v[0], v[1], v[2], nil, m, k, lanes) }},
			"dense of one lane":  {[]int{m, m * k, k, m}, func(v [][]float64) { Dense(v[0], v[1], v[2], v[3], m, k, 1) }},
			"transposed":         {[]int{k * lanes, m * k, m * lanes}, func(v [][]float64) { DenseT(v[0], v[1], v[2], m, k, lanes) }},
			"outer":              {[]int{m * k, m * k, 2 * m, 2 * k}, func(v [][]float64) { Outer(v[0], v[1], v[2], v[3], 2, m, k) }},
			"products":           {[]int{m * k, m + 1 + m, k + 3 + k}, func(v [][]float64) { Products(v[0], v[1], v[2], 2, m, k, m+1, k+3) }},
			"outer by lanes":     {[]int{m * k * lanes, m * lanes, k * lanes}, func(v [][]float64) { AddOuterLanes(v[0], v[1], v[2], m, k, lanes) }},
			"rows":               {[]int{7*m + m, 8 * m}, func(v [][]float64) { Rows8(v[0], v[1], m, m) }},
			"sums":               {[]int{m, 8 * m}, func(v [][]float64) { AddSum8(v[0][:m:m], v[1]) }},
			"adam": {[]int{m, m, m, m, m, m}, func(v [][]float64) {
				Adam(v[0], v[1], v[2], v[3], v[4], v[5], make([]float64, m), &AdamStep{})
			}},
		} {
			for short := -1; short < len(c.sizes); short++ {
				v := make([][]float64, len(c.sizes))
				for i, n := range c.sizes {
					v[i] = full(n)
					if i == short {
						v[i] = v[i][: n-1 : n-1]
					}
				}
				if short < 0 {
					require.NotPanics(t, func() { c.run(v) }, "%s, %s", name, how)
				} else if name != "sums" || short > 0 {
					require.Panics(t, func() { c.run(v) }, "%s, %s, argument %d", name, how, short)
				}
			}
		}
		for name, c := range map[string]struct {
			sizes []int
			run   func(v [][]float32)
		}{
			"dense":             {[]int{m * lanes, m * k, k * lanes, m}, func(v [][]float32) { DenseSingle(v[0], v[1], v[2], v[3], m, k, k, 1, lanes) }},
			"dense of one lane": {[]int{m, m * k, k, m}, func(v [][]float32) { DenseSingle(v[0], v[1], v[2], v[3], m, k, 1, m, 1) }},
			"columns":           {[]int{m * k}, func(v [][]float32) { NarrowColumns(v[0], make([]float64, m*k), m, k, m) }},
			"outer": {[]int{2 * m, 2 * k, m * k}, func(v [][]float32) {
				OuterSingle(make([]float64, m*k), nil, v[0], v[1], v[2], 2, m, k, k)
			}},
			"rows": {[]int{7*m + m, 8 * m}, func(v [][]float32) { Rows8Single(v[0], v[1], m, m) }},
		} {
			for short := -1; short < len(c.sizes); short++ {
				v := make([][]float32, len(c.sizes))
				for i, n := range c.sizes {
					v[i] = single(n)
					if i == short {
						v[i] = v[i][: n-1 : n-1]
					}
				}
				if short < 0 {
					require.NotPanics(t, func() { c.run(v) }, "%s, %s", name, how)
				} else {
					require.Panics(t, func() { c.run(v) }, "single %s, %s, argument %d", name, how, short)
				}
			}
		}
	})
}
