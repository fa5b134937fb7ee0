package setting

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestComplete(t *testing.T) {
	rate := Table{{Key: "lr", Kind: Number, Default: "1"}, {Key: "loud", Kind: Bool, Default: "false"}}
	table := Table{
		{Key: "seed", Kind: Int, Default: "1"},
		{Key: "solver", Kind: Chain, Default: "fast", Choices: []Choice{{Name: "fast", Options: rate[:1]}, {Name: "fine"}}},
		{Key: "stop", Kind: Chain, Default: "stop", Choices: []Choice{{Name: "stop", Options: rate}}},
	}
	for text, want := range map[string][]string{
		"":               {"seed=", "solver.", "solver=", "stop.", "stop="},
		"so":             {"solver.", "solver="},
		"x":              nil,
		"seed=":          nil,
		"nothing=":       nil,
		"nothing.x":      nil,
		"seed.x":         nil,
		"solver=f":       {"solver=fast", "solver=fine"},
		"solver=fi":      {"solver=fine"},
		"solver.":        {"solver.fast.", "solver.lr="},
		"solver.fast.":   {"solver.fast.lr="},
		"solver.fine.":   nil,
		"stop.":          {"stop.loud=", "stop.lr="},
		"stop=":          nil,
		"stop.loud=":     {"stop.loud=false", "stop.loud=true"},
		"solver.fast.l=": nil,
	} {
		require.Equal(t, want, table.Complete(text), text)
	}
	// What is completed can be set, but for a number.
	v := New(table)
	require.NoError(t, v.Set("solver", "fine", "test"))
	require.NoError(t, v.Set("stop.loud", "true", "test"))
}
