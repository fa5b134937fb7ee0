package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdamSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	s := &AdamStep{KeepM: 0.9, AddM: 0.1, KeepV: 0.999, AddV: 0.001, Rate: 0.013, Root: 1.7, Eps: 1e-8}
	for n := range 40 {
		var v [7][]float64
		for i := range v {
			v[i] = random(rng, n)
		}
		for i := range n {
			v[5][i] *= v[5][i] // a mean square
		}
		run := func(adam func(x, m, v, x0, m0, v0, g []float64, s *AdamStep), inPlace bool) (out [][]float64) {
			for i := range 3 {
				from := v[i]
				if inPlace {
					from = v[3+i]
				}
				out = append(out, append([]float64{}, from...))
			}
			x0, m0, v0 := v[3][:n], v[4][:n], v[5][:n]
			if inPlace {
				x0, m0, v0 = out[0][:n], out[1][:n], out[2][:n]
			}
			adam(out[0][:n], out[1][:n], out[2][:n], x0, m0, v0, v[6][:n], s)
			return out
		}
		want := run(adamGo, false)
		got := run(Adam, false)
		require.Equal(t, want, got, "%d coordinates", n)
		same := run(Adam, true)
		for i := range want {
			for k := range n {
				require.Equal(t, math.Float64bits(want[i][k]), math.Float64bits(same[i][k]), "%d coordinates in place", n)
			}
		}
	}
}
