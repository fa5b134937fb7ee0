package setting

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var table = Table{
	{Key: "seed", Kind: Int, Default: "1", Doc: "seed"},
	{Key: "hidden", Kind: List, Default: "32, 32"},
	{Key: "fast", Kind: Bool, Default: "false"},
	{Key: "solver", Kind: Chain, Default: "tsit5", Choices: []Choice{
		{Name: "tsit5", Options: Table{{Key: "rtol", Kind: Number, Default: "1e-6", Min: 1e-15, Max: 1}}},
		{Name: "euler", Options: Table{{Key: "step", Kind: Number, Min: 0, Max: math.Inf(1)}}},
	}},
	{Key: "optimizer", Kind: Chain, Default: "adam then lbfgs", Choices: []Choice{
		{Name: "adam", Options: Table{{Key: "lr", Kind: Number, Default: "0.01"}, {Key: "epochs", Kind: Int, Default: "10"}}},
		{Name: "lbfgs", Options: Table{{Key: "iterations", Kind: Int, Default: "5"}}},
	}},
}

func TestValues(t *testing.T) {
	v := New(table)
	require.Equal(t, 1, v.Int("seed"))
	require.Equal(t, []float64{32, 32}, v.List("hidden"))
	require.Equal(t, 1e-6, v.Stages("solver")[0].Options.Float("rtol"))
	require.NoError(t, v.Set("optimizer.lr", "0.1", "flag"))
	require.NoError(t, v.Set("optimizer.lbfgs.iterations", "7", "flag"))
	require.NoError(t, v.Set("hidden", "[4, 8]", "flag"))
	require.NoError(t, v.Set("solver", "euler", "flag"))
	require.NoError(t, v.Set("solver.step", "1/49", "flag"))
	c := v.Clone()
	require.NoError(t, v.Set("optimizer.adam.epochs", "99", "flag"))
	require.Equal(t, 99, v.Stages("optimizer")[0].Options.Int("epochs"))
	require.Equal(t, 10, c.Stages("optimizer")[0].Options.Int("epochs"))
	require.Equal(t, 7, c.Stages("optimizer")[1].Options.Int("iterations"))
	require.Equal(t, 1./49, c.Stages("solver")[0].Options.Float("step"))
	require.Equal(t, map[string]any{
		"seed": 1, "hidden": []float64{4, 8}, "fast": false,
		"solver":    []any{map[string]any{"euler": map[string]any{"step": 1. / 49}}},
		"optimizer": []any{map[string]any{"adam": map[string]any{"lr": 0.1, "epochs": 10}}, map[string]any{"lbfgs": map[string]any{"iterations": 7}}},
	}, c.Tree())
}

func TestErrors(t *testing.T) {
	for path, want := range map[string]string{
		"sed=1":            "there is no setting `sed`",
		"seed=x":           "`seed` is a whole number, not `x`",
		"seed=1.5":         "`seed` is a whole number, not 1.5",
		"fast=perhaps":     "true or false",
		"solver=rk9":       "`rk9` is not a value of `solver`; it is one of tsit5, euler",
		"solver.rtol=7":    "must be between 1e-15 and 1",
		"solver.lr=7":      "there is no setting `lr`",
		"seed.x=1":         "`seed` has no options",
		"optimizer.sgd.a=": "has no stage `sgd`",
		"hidden=a":         "list of numbers",
	} {
		key, text, _ := strings.Cut(path, "=")
		require.ErrorContains(t, New(table).Set(key, text, "flag"), want, path)
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	table.Markdown(&b)
	require.Contains(t, b.String(), "| `seed` | a whole number | `1` | seed |")
}
