package fit

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/optimize"
)

// TestLineSearchAcrossKinks: behind a kink a sufficient decrease is accepted,
// where the slope would ask for ever more trials.
func TestLineSearchAcrossKinks(t *testing.T) {
	b := &bounded{limit: 100, kinked: func() bool { return true }}
	b.Init(2, -1, 1)
	op, step, err := b.Iterate(1.9, 5) // lower, with a slope that Wolfe's condition refuses
	require.NoError(t, err)
	require.Equal(t, optimize.MajorIteration, op)
	require.Equal(t, 1., step)
	b.kinked = func() bool { return false }
	b.Init(2, -1, 1)
	op, _, err = b.Iterate(1.9, 5)
	require.NoError(t, err)
	require.NotEqual(t, optimize.MajorIteration, op)
}
