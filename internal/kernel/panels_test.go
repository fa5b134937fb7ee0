package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// numbers are random ones, with room behind that must stay as it is.
func numbers[T Number](rng *rand.Rand, n int) []T {
	v := make([]T, n+9)[1:]
	for i := range v {
		v[i] = T(rng.NormFloat64())
	}
	return v
}

// fused is one fused multiply–add in the precision.
func fused[T Number](x, y, z T) T {
	if d, ok := any(x).(float64); ok {
		return T(math.FMA(d, float64(y), float64(z)))
	}
	return T(scalar.FMASingle(float32(x), float32(y), float32(z)))
}

func checkProduct[T Number](t *testing.T, rng *rand.Rand, m, k, frames int) {
	w, bias := random(rng, m*k), numbers[T](rng, m)
	if rng.IntN(3) == 0 {
		bias = nil
	}
	for _, columns := range []bool{false, true} {
		at := func(i, j int) T { return T(w[i*k+j]) }
		a := make([]T, PanelWords(m, k))
		if columns {
			at = func(i, j int) T { return T(w[j*m+i]) }
			PackColumns(a, w, m, k)
		} else {
			PackRows(a, w, m, k)
		}
		var xs, ys, want [][]T
		for range frames {
			x, y := numbers[T](rng, 8*k), numbers[T](rng, 8*m)
			z := append([]T{}, y...)
			for i := range m {
				for l := range 8 {
					s := T(0)
					if bias != nil {
						s = bias[i]
					}
					for j := range k {
						s = fused(at(i, j), x[8*j+l], s)
					}
					z[8*i+l] = s
				}
			}
			xs, ys, want = append(xs, x), append(ys, y), append(want, z)
		}
		Product(ys, xs, a, bias, m, k, columns)
		require.Equal(t, want, ys, "%T: %d×%d, %d frames, columns %t", bias, m, k, frames, columns)
		for i := range ys {
			clear(ys[i][:8*m])
		}
		ProductOnce(ys, xs, w[:m*k], make([]T, BlockWords), bias, m, k, columns)
		require.Equal(t, want, ys, "once, %T: %d×%d, %d frames, columns %t", bias, m, k, frames, columns)
	}
}

// TestProduct compares products by panels with their definition, bit by bit:
// all remainders of panels and blocks, and more terms than go to a tile at once.
func TestProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 150 {
		m, k, frames := 1+rng.IntN(30), 1+rng.IntN(40), 1+rng.IntN(5)
		if rng.IntN(4) == 0 {
			k += depth - 20
		}
		if rng.IntN(4) == 0 {
			m += across - 10
		}
		checkProduct[float64](t, rng, m, k, frames)
		checkProduct[float32](t, rng, m, k, frames)
	}
}

func checkOuters[T Number](t *testing.T, rng *rand.Rand, m, k, n int) {
	o := NewOuters[T](m, k, 80)
	var cs, xs [][]T // by products
	for o.Len() < n {
		c, x := numbers[T](rng, 8*m), numbers[T](rng, 8*k)
		lanes := 8
		if n-o.Len() < 8 || rng.IntN(3) == 0 || !o.Add8(c, x) {
			lanes = min(1+rng.IntN(8), n-o.Len())
			for l := range lanes {
				o.Add(c[l:], x[l:], 8, 8)
			}
		}
		for l := range lanes {
			var cl, xl []T
			for i := range m {
				cl = append(cl, c[8*i+l])
			}
			for j := range k {
				xl = append(xl, x[8*j+l])
			}
			cs, xs = append(cs, cl), append(xs, xl)
		}
	}
	require.Equal(t, n, o.Len())
	old, got := random(rng, m*k), random(rng, m*k)
	want, alone := append([]float64{}, got...), append([]float64{}, got...)
	for i := range m {
		for j := range k {
			s := T(0)
			for r := range n {
				s = fused(cs[r][i], xs[r][j], s)
			}
			alone[i*k+j], want[i*k+j] = float64(s), old[i*k+j]+float64(s)
		}
	}
	other := append([]float64{}, got...)
	o.AddTo(got[:m*k], old[:m*k])
	require.Equal(t, want, got, "%T: %d×%d, %d products", cs, m, k, n)
	o.AddTo(old[:m*k], old[:m*k]) // where it stands
	require.Equal(t, want[:m*k], old[:m*k])
	o.AddTo(other[:m*k], nil)
	require.Equal(t, alone, other)
	o.Clear()
	require.Zero(t, o.Len())
}

// TestOuters compares sums of outer products with their definition.
func TestOuters(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for range 100 {
		m, k, n := 1+rng.IntN(30), 1+rng.IntN(40), rng.IntN(81)
		if rng.IntN(8) == 0 {
			m += 100
		}
		checkOuters[float64](t, rng, m, k, n)
		checkOuters[float32](t, rng, m, k, n)
	}
}

func BenchmarkPanels(b *testing.B) {
	b.Run("double", benchPanels[float64])
	b.Run("single", benchPanels[float32])
}

func benchPanels[T Number](b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rate := func(b *testing.B, operations int) {
		b.ReportMetric(float64(operations)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
	}
	for _, n := range []int{64, 128, 256, 512, 1024, 2048} {
		w := random(rng, n*n)
		a, bias := make([]T, PanelWords(n, n)), numbers[T](rng, n)
		for _, columns := range []bool{false, true} {
			b.Run(fmt.Sprintf("pack/%d/%t", n, columns), func(b *testing.B) {
				for b.Loop() {
					if columns {
						PackColumns(a, w, n, n)
					} else {
						PackRows(a, w, n, n)
					}
				}
				b.ReportMetric(float64(n*n)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "numbers/ns")
			})
			for _, frames := range []int{1, 8} {
				var xs, ys [][]T
				for range frames {
					xs, ys = append(xs, numbers[T](rng, 8*n)), append(ys, numbers[T](rng, 8*n))
				}
				b.Run(fmt.Sprintf("product/%d/%d/%t", n, 8*frames, columns), func(b *testing.B) {
					for b.Loop() {
						Product(ys, xs, a, bias, n, n, columns)
					}
					rate(b, 16*frames*n*n)
				})
			}
		}
		const products = 128 // as many as wait for each other
		o, dw := NewOuters[T](n, n, products), random(rng, n*n)
		x := numbers[T](rng, 8*n)
		b.Run(fmt.Sprintf("outers/%d", n), func(b *testing.B) {
			for b.Loop() {
				for o.Clear(); !o.Full(); {
					o.Add8(x, x)
				}
				o.AddTo(dw, dw)
			}
			rate(b, 2*products*n*n)
		})
	}
}
