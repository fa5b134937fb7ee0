package compiler_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden: the models of testdata have the graphs, with all derivatives, and the
// plans of the golden files beside them.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		p, diags := compiler.CompileSource(diag.NewSource(filepath.Base(name), string(text)), &check.Env{})
		require.NoError(t, diags.Err())
		for _, stage := range []string{"graph", "plan"} {
			t.Run(filepath.Base(name)+" "+stage, func(t *testing.T) {
				var got bytes.Buffer
				require.NoError(t, p.Dump(&got, stage, nil))
				golden := strings.TrimSuffix(name, ".node") + "." + stage
				if *update {
					require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), got.String())
			})
		}
	}
}
