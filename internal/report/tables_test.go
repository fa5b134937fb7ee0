package report

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumberCells(t *testing.T) {
	require.Equal(t, []string{"", "0.1", "-1e+300", "+Inf"}, []string{number(math.NaN()), number(0.1), number(-1e300), number(math.Inf(1))})
}

// A file is replaced as a whole, and one that cannot be written is named.
func TestReplaceFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	for _, text := range []string{"long", "b"} {
		require.NoError(t, ReplaceFile(path, []byte(text)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	require.ErrorContains(t, ReplaceFile(filepath.Join(path, "b"), nil), filepath.Join(path, "b")+" cannot be written")
}
