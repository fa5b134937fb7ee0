package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFinite: one number that is not finite is found wherever it stands, also
// beside those that are as large as can be, and none behind the end.
func TestFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for n := range 70 {
		v := random(rng, n)
		for i := range n {
			if rng.IntN(3) == 0 {
				v[i] = math.Copysign(math.MaxFloat64, v[i])
			}
		}
		v[n] = math.NaN()
		require.True(t, Finite(v[:n]), "%d numbers", n)
		for i := range n {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				old := v[i]
				v[i] = bad
				require.False(t, Finite(v[:n]), "number %d of %d", i, n)
				v[i] = old
			}
		}
	}
}
