package setting

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGivenDefaults: a value that is given as the default stays given when the settings are
// written as a tree and taken back over the same file, and one that is not stays so.
func TestGivenDefaults(t *testing.T) {
	table := Table{
		{Key: "seed", Kind: Int, Default: "1"},
		{Key: "workers", Kind: Int, Default: "0"},
		{Key: "solver", Kind: Chain, Default: "tsit5", Choices: []Choice{{Name: "tsit5", Options: Table{
			{Key: "rtol", Kind: Number, Default: "1e-6"}, {Key: "atol", Kind: Number, Default: "1e-8"},
		}}}},
	}
	file := func() *Values {
		v := New(table)
		require.NoError(t, v.SetTree(map[string]any{"solver": []any{map[string]any{"tsit5": map[string]any{}}}}, "file"))
		require.NoError(t, v.Set("seed", "1", "file"))
		require.NoError(t, v.Set("solver.atol", "1e-8", "file"))
		return v
	}
	again := file()
	require.NoError(t, again.SetTree(file().Tree(), "config"))
	require.True(t, again.Given("seed"))
	require.False(t, again.Given("workers"))
	o := again.Stages("solver")[0].Options
	require.True(t, o.Given("atol"))
	require.False(t, o.Given("rtol"))
}
