package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestComplement: solutions of random problems with positive semidefinite matrices, of all
// ranks, satisfy what they have to.
func TestComplement(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for trial := range 400 {
		n := 1 + trial%9
		rank := 1 + rng.IntN(n)
		factor := make([][]float64, rank)
		for k := range factor {
			factor[k] = make([]float64, n)
			for i := range factor[k] {
				factor[k][i] = float64(rng.IntN(5) - 2) // ties are common
			}
		}
		m, inside := make([][]float64, n), make([]float64, n)
		for i := range inside {
			inside[i] = float64(rng.IntN(3))
		}
		q := make([]float64, n)
		for i := range m {
			m[i] = make([]float64, n)
			for j := range m[i] {
				for k := range factor {
					m[i][j] += factor[k][i] * factor[k][j]
				}
				q[i] -= m[i][j] * inside[j]
			}
			q[i] += float64(rng.IntN(2)) // so that some z ≥ 0 has w ≥ 0
		}
		z, basic, ok := complement(q, m)
		require.True(t, ok, "%v %v", q, m)
		for i := range q {
			w := q[i]
			for j := range z {
				w += m[i][j] * z[j]
			}
			require.GreaterOrEqual(t, z[i], 0.)
			require.GreaterOrEqual(t, w, -1e-9)
			require.LessOrEqual(t, math.Abs(w*z[i]), 1e-8)
			require.True(t, basic[i] || z[i] == 0)
		}
	}
}

// TestComplementRefuses: w = −1 − z has no solution.
func TestComplementRefuses(t *testing.T) {
	_, _, ok := complement([]float64{-1}, [][]float64{{-1}})
	require.False(t, ok)
}
