package report

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
)

// TestCheckpointsAreWhole: a state is read back as it was written, and a file that differs from
// what was written in any one byte is refused.
func TestCheckpointsAreWhole(t *testing.T) {
	r := &Folder{Dir: t.TempDir()}
	_, err := r.State()
	require.ErrorIs(t, err, fs.ErrNotExist, "it has none yet")
	require.NoError(t, os.Mkdir(filepath.Join(r.Dir, "checkpoints"), 0o755))
	s := &fit.State{Version: 2, Seed: 7, Status: fit.Running, Stages: []string{"adam"}, X: fit.Vector{1.25, -3e-300}, Epoch: 12}
	require.NoError(t, r.WriteCheckpoint(s))
	got, err := r.State()
	require.NoError(t, err)
	require.Equal(t, s, got)

	path := r.Path("checkpoints/last.json")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text = bytes.TrimSpace(text)
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		_, err := r.State()
		require.Error(t, err, "%q at %d", bad[i], i)
	}
	require.NoError(t, os.WriteFile(path, text[:len(text)/2], 0o600))
	_, err = r.State()
	require.ErrorContains(t, err, "last.json is damaged")
}

func TestDiffer(t *testing.T) {
	require.Equal(t, 1, differ("a\nb", "c\nb"))
	require.Equal(t, 3, differ("a\nb\nc\n", "a\nb\nd\n"))
	require.Equal(t, 3, differ("a\nb", "a\nb\nc"))
}
