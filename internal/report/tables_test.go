package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumberCells(t *testing.T) {
	require.Equal(t, []string{"", "0.1", "-1e+300", "+Inf"}, []string{number(math.NaN()), number(0.1), number(-1e300), number(math.Inf(1))})
}
