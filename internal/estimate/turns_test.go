package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// cos(2πt) over 60 periods turns 119 times between its ends; noise of a ten-thousandth is none.
func TestTurns(t *testing.T) {
	rows := func(n int) (out [][]float64) {
		for i, t := range grid(0, 60, n) {
			out = append(out, []float64{t, math.Cos(2*math.Pi*t) + 1e-4*math.Pow(-1, float64(i))})
		}
		return out
	}
	require.Equal(t, 119, turns(rows(6001)))
	require.Zero(t, turns([][]float64{{0, 3}, {1, 3}, {2, 3}}))
	require.Zero(t, turns([][]float64{{0, 3}, {1, 4}, {2, 5}}))
	require.Equal(t, 1, turns([][]float64{{0, 3}, {1, 5}, {2, 4}}))
	require.Zero(t, turns(nil))
}
