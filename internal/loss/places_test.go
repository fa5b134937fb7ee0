package loss

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlaces: the residuals of a row begin behind those of the rows before it, however many these have.
func TestPlaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, most := range []int{1, 2, 4} { // one: all rows have as many
		for n := range 9 {
			p, row := places{first: 7}, 7
			var want []int
			for i := range n {
				p.next(i, row)
				want = append(want, row)
				row += 1 + rng.IntN(most)
			}
			for i, at := range want {
				require.Equal(t, at, p.row(i), "row %d of %d", i, n)
			}
			if most == 1 {
				require.Nil(t, p.at, "no list where none is needed")
			}
		}
	}
}
