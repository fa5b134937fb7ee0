package jit

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// TestSequence: programs of one function, straight ones and loops, run one after the other on the same frame.
func TestSequence(t *testing.T) {
	need(t)
	for _, lanes := range []int{1, 4, 8} {
		for seed := range uint64(60) {
			rng := rand.New(rand.NewPCG(seed, uint64(lanes)))
			var ps []*scalar.Program
			frame := 0
			for range 2 + rng.IntN(4) {
				p, words := random(rng, lanes, 5+rng.IntN(60))
				if rng.IntN(2) == 0 {
					n := 8 * (1 + rng.IntN(9))
					p, words = &scalar.Program{Count: n}, 2*n+3
					p.Store(n+1, p.FMA(p.Load(1, false), p.Load(2*n+1, true), p.Binary(scalar.OpAdd, p.Load(2*n+2, true), p.Const(rng.Float64()))), false)
				}
				ps, frame = append(ps, p), max(frame, words)
			}
			codes, err := CompileAll([][]*scalar.Program{ps}, lanes, frame)
			require.NoError(t, err)
			want := make([]float64, frame)
			fill(rng, want)
			got := append(append([]float64{}, want...), make([]float64, codes[0].Spills())...)
			for _, p := range ps {
				if p.Count > 0 {
					p.Run(want, 1)
				} else {
					p.Run(want, lanes)
				}
			}
			codes[0].Run(got)
			for i := range want {
				require.True(t, same(want[i], got[i]), "lanes %d, seed %d, word %d: %g, got %g", lanes, seed, i, want[i], got[i])
			}
		}
	}
}

// TestLoadedOnce: a loop of many rounds reads what is the same for all of its numbers before it begins, one of few rounds where it is used.
func TestLoadedOnce(t *testing.T) {
	for rounds, within := range map[int]bool{2: true, 5: false} {
		p := &scalar.Program{Count: 8 * rounds}
		sum := p.Load(100, false)
		for k := range 6 {
			sum = p.FMA(p.Load(k, true), p.Load(100*(k+2), false), sum)
		}
		p.Store(100, sum, false)
		text := (&Code{ps: []*scalar.Program{p}, lanes: 1, frame: 1000}).String()
		before, loop, found := strings.Cut(text, "MOVL DX")
		require.True(t, found)
		require.Equal(t, !within, strings.Count(before, "VBROADCASTSD") == 6, text)
		require.Equal(t, within, strings.Contains(loop, "VBROADCASTSD"), text)
	}
}
