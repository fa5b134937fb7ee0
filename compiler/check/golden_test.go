package check

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestTyped: the typed models of testdata/typed print as the golden files beside them.
func TestTyped(t *testing.T) {
	files, err := filepath.Glob("testdata/typed/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			p, diags := checkText(t, string(text))
			require.Empty(t, diags.All, diags.Error())
			golden := strings.TrimSuffix(name, ".node") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(p.String()), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), p.String())
		})
	}
}
