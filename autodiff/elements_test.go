package autodiff

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestElements: lists of elements are sets: a union has what is in any, in order and once; where one list holds the other it is that list
// itself, so that memory is shared.
func TestElements(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 14))
	draw := func(of, most int) elements {
		var list elements
		for i := range int32(of) {
			if rng.IntN(most) == 0 {
				list = append(list, i)
			}
		}
		return list
	}
	set := func(lists ...elements) elements {
		all := slices.Concat(lists...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	shared := 0
	for k := range 400 {
		s, u := draw(9, 1+k%4), draw(9, 1+k/4%5)
		of := "%v and %v"
		inside := len(set(s, u)) == len(s)
		require.Equal(t, inside, s.holds(u), of, s, u)
		got := s.or(u)
		require.True(t, slices.Equal(set(s, u), got), of, s, u)
		if len(u) > 0 && inside {
			require.Same(t, &s[0], &got[0], of, s, u)
			shared++
		} else if len(s) > 0 && len(set(s, u)) == len(u) {
			require.Same(t, &u[0], &got[0], of, s, u)
			shared++
		}
		lists := make([]elements, k%7)
		for i := range lists {
			lists[i] = draw(12, 3)
		}
		require.True(t, slices.Equal(set(lists...), union(len(lists), func(i int) elements { return lists[i] })), "%v", lists)
	}
	require.Greater(t, shared, 50)
}
