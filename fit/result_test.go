package fit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestResultOfStarts: of several starts the best counts, and one that has followed more of the trajectories before any that has
// followed less.
func TestResultOfStarts(t *testing.T) {
	start := func(score, horizon float64) *State { return &State{Best: &Point{Score: score, Horizon: horizon}} }
	s := start(3, 1)
	require.Equal(t, 3., s.Result().Score)
	s.Earlier = []*State{start(4, 1), {}, start(2, 1), start(2.5, 1), start(1, 0.5)}
	require.Equal(t, 2., s.Result().Score)
	s.Best = nil
	require.Equal(t, 2., s.Result().Score)
	require.Nil(t, (&State{Earlier: []*State{{}}}).Result())
}
