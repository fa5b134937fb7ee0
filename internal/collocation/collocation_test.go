package collocation_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/collocation"
)

// TestTables: the methods that are printed in E. Hairer, G. Wanner, Solving Ordinary
// Differential Equations II, 2nd ed., tables IV.5.2, IV.5.5 and IV.5.6.
func TestTables(t *testing.T) {
	r3, r6 := math.Sqrt(3), math.Sqrt(6)
	for _, c := range []struct{ got, want []float64 }{
		{collocation.Gauss(1), []float64{0.5, 1}},
		{collocation.Gauss(2), []float64{0.25, 0.25 - r3/6, 0.25 + r3/6, 0.25, 0.5, 0.5}},
		{collocation.Radau(1), []float64{1, 1}},
		{collocation.Radau(2), []float64{5. / 12, -1. / 12, 0.75, 0.25, 0.75, 0.25}},
		{collocation.Radau(3), []float64{
			(88 - 7*r6) / 360, (296 - 169*r6) / 1800, (-2 + 3*r6) / 225,
			(296 + 169*r6) / 1800, (88 + 7*r6) / 360, (-2 - 3*r6) / 225,
			(16 - r6) / 36, (16 + r6) / 36, 1. / 9,
			(16 - r6) / 36, (16 + r6) / 36, 1. / 9,
		}},
	} {
		require.Len(t, c.got, len(c.want))
		for i := range c.want {
			require.InDelta(t, c.want[i], c.got[i], 5e-16)
		}
	}
}

// TestConditions: Σⱼ Aᵢⱼ cⱼᵏ⁻¹ = cᵢᵏ/k for k ≤ q and Σ bⱼ cⱼᵏ⁻¹ = 1/k up to the order, which
// are what makes the order of a collocation method.
func TestConditions(t *testing.T) {
	for _, m := range []struct {
		name  string
		of    func(q int) []float64
		order func(q int) int
	}{
		{"Gauss", collocation.Gauss, func(q int) int { return 2 * q }},
		{"Radau", collocation.Radau, func(q int) int { return 2*q - 1 }},
	} {
		for _, q := range []int{1, 2, 3, 4, 8, 32, 100, 500} {
			a := m.of(q)
			c := make([]float64, q)
			for i := range c {
				for _, v := range a[i*q : (i+1)*q] {
					c[i] += v
				}
				require.Greater(t, c[i], 0.)
				require.LessOrEqual(t, c[i], 1+3e-15)
				if i > 0 {
					require.Greater(t, c[i], c[i-1], "%s %d: each node once", m.name, q)
				}
			}
			for _, k := range []int{1, 2, 3, 5, q / 2, q} {
				if k < 1 || k > q {
					continue
				}
				for i := range q + 1 {
					sum, at := 0., 1.
					if i < q {
						at = c[i]
					}
					for j, v := range a[i*q : (i+1)*q] {
						sum += v * math.Pow(c[j], float64(k-1))
					}
					require.InDelta(t, math.Pow(at, float64(k))/float64(k), sum, 1e-15*(1+float64(q)/100), "%s %d, row %d, power %d", m.name, q, i, k)
				}
			}
			for _, k := range []int{m.order(q) - 1, m.order(q)} {
				sum := 0.
				for j, v := range a[q*q:] {
					sum += v * math.Pow(c[j], float64(k-1))
				}
				if k == 0 {
					continue
				}
				require.InDelta(t, 1/float64(k), sum, 1e-15*(1+float64(q)/100), "%s %d, order %d", m.name, q, k)
			}
		}
	}
}
