package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVectors: sums of every length have the bits of their definition, one fused
// multiply–add after the other in four parts from eight terms on, and so have sums of
// multiples.
func TestVectors(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 6))
	parts := func(n, lanes, lane int, term func(i int, sum float64) float64) float64 {
		var p [4]float64
		for i := range n {
			k := i % 4
			if n < 8 {
				k = 0
			}
			p[k] = term(i*lanes+lane, p[k])
		}
		return (p[0] + p[1]) + (p[2] + p[3])
	}
	bothWays(func(how string) {
		for n := range 40 {
			x, y := random(rng, n)[:n], random(rng, n)[:n]
			require.Equal(t, parts(n, 1, 0, func(i int, s float64) float64 { return math.FMA(x[i], y[i], s) }), Dot(x, y), "%s: %d terms", how, n)
			require.Equal(t, parts(n, 1, 0, func(i int, s float64) float64 { return s + x[i] }), Sum(x), "%s: %d terms", how, n)
			u, v := random(rng, 8*n)[:8*n], random(rng, 8*n)[:8*n]
			dots, sums := make([]float64, 8), make([]float64, 8)
			DotLanes(dots, u, v)
			SumLanes(sums, u)
			for l := range 8 {
				require.Equal(t, parts(n, 8, l, func(i int, s float64) float64 { return math.FMA(u[i], v[i], s) }), dots[l], "%s: %d terms, lane %d", how, n, l)
				require.Equal(t, parts(n, 8, l, func(i int, s float64) float64 { return s + u[i] }), sums[l], "%s: %d terms, lane %d", how, n, l)
			}
			added, scaled := append([]float64{}, y...), append([]float64{}, y...)
			AddScaled(added, 0.3, x)
			ScaleAdd(scaled, 0.3, x)
			for i := range n {
				require.Equal(t, math.FMA(0.3, x[i], y[i]), added[i], how)
				require.Equal(t, math.FMA(0.3, y[i], x[i]), scaled[i], how)
			}
		}
	})
}
