package setting

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	_ "github.com/pinode/pinode/internal/testseed"
)

var table = Table{
	{Key: "seed", Kind: Int, Default: "1", Doc: "of random numbers"},
	{Key: "until", Kind: Number, Unit: "the model's time", Doc: "end | last time"},
	{Key: "hidden", Kind: List, Default: "32, 32", Min: 1, Max: 4096, Doc: "widths"},
	{Key: "fast", Kind: Bool, Default: "false", Doc: "hurry"},
	{Key: "mode", Kind: Word, Default: "slow", Doc: "how", Choices: []Choice{{Name: "slow", Doc: "with care"}, {Name: "quick"}}},
	{Key: "outputs", Kind: Words, Doc: "what is written"},
	{Key: "at", Kind: File, Doc: "where"},
	{Key: "solver", Kind: Chain, Default: "tsit5", Doc: "how trajectories are computed", Choices: []Choice{
		{Name: "tsit5", Options: Table{{Key: "rtol", Kind: Number, Default: "1e-6", Min: 1e-15, Max: 1, Doc: "tolerance"}}},
		{Name: "bosh32", Options: Table{{Key: "rtol", Kind: Number, Default: "1e-6", Min: 1e-15, Max: 1, Doc: "tolerance"}}},
		{Name: "euler", Options: Table{{Key: "step", Kind: Number, Min: 0, Max: math.Inf(1), Doc: "step"}}},
	}},
	{Key: "optimizer", Kind: Chain, Default: "adam then lbfgs", Doc: "how parameters move", Choices: []Choice{
		{Name: "adam", Options: Table{
			{Key: "lr", Kind: Number, Default: "0.01", Min: math.SmallestNonzeroFloat64, Max: 1e300, Doc: "rate"}, {Key: "epochs", Kind: Int, Default: "10", Doc: "passes"},
		}},
		{Name: "sgd", Options: Table{{Key: "lr", Kind: Number, Default: "0.1", Doc: "rate"}}},
		{Name: "lbfgs", Options: Table{{Key: "iterations", Kind: Int, Default: "5", Doc: "steps"}}},
	}},
	{Key: "stop", Kind: Chain, Default: "stop", Doc: "when to end", Choices: []Choice{
		{Name: "stop", Options: Table{{Key: "patience", Kind: Int, Default: "0", Doc: "iterations"}}},
	}},
}

func TestValues(t *testing.T) {
	v := New(table)
	require.Equal(t, 1, v.Int("seed"))
	require.Equal(t, []float64{32, 32}, v.List("hidden"))
	require.Equal(t, 1e-6, v.Float("solver.rtol"))
	require.Equal(t, 0., v.Float("until"))
	require.Nil(t, v.Words("outputs"))
	require.NoError(t, v.Set("optimizer.lr", "0.1", "flag"))
	require.NoError(t, v.Set("optimizer.lbfgs.iterations", "7", "flag"))
	require.NoError(t, v.Set("hidden", "[4, 8]", "flag"))
	require.NoError(t, v.Set("outputs", "x, y", "flag"))
	require.NoError(t, v.Set("at", `"a, b.csv"`, "flag"))
	require.Error(t, v.Set("at", `""`, "flag"))
	require.NoError(t, v.Set("solver", "euler", "flag"))
	require.NoError(t, v.Set("solver.step", "1/49", "flag"))
	require.NoError(t, v.Set("stop.patience", "3", "flag"))
	require.NoError(t, v.Set("until", " 2.5 ", "flag"))
	c := v.Clone()
	require.NoError(t, v.Set("optimizer.adam.epochs", "99", "flag"))
	require.Equal(t, 99, v.Int("optimizer.adam.epochs"))
	require.Equal(t, 10, c.Int("optimizer.epochs"))
	require.Equal(t, 7, c.Int("optimizer.iterations"))
	require.Equal(t, 1./49, c.Stages("solver")[0].Options.Float("step"))
	require.Equal(t, map[string]any{
		"seed": 1, "hidden": []float64{4, 8}, "fast": false, "mode": "slow", "outputs": []string{"x", "y"}, "until": 2.5, "at": "a, b.csv",
		"solver":    []any{map[string]any{"euler": map[string]any{"step": 1. / 49}}},
		"optimizer": []any{map[string]any{"adam": map[string]any{"lr": 0.1, "epochs": 10}}, map[string]any{"lbfgs": map[string]any{"iterations": 7}}},
		"stop":      []any{map[string]any{"stop": map[string]any{"patience": 3}}},
	}, c.Tree())
}

func TestChains(t *testing.T) {
	for text, want := range map[string]string{
		"adam":                  "adam[0.01 10]",
		"adam { lr: 0.1 }":      "adam[0.1 10]",
		"adam{lr:0.1,epochs:3}": "adam[0.1 3]",
		"adam {} then sgd":      "adam[0.01 10] sgd[0.1]",
		"adam { lr: 0.1 }\n then\t adam { lr: 1/100, epochs: 2, }": "adam[0.1 10] adam[0.01 2]",
	} {
		v := New(table)
		require.NoError(t, v.Set("optimizer", text, "flag"), text)
		var got []string
		for _, st := range v.Stages("optimizer") {
			vals := []any{st.Options.Float("lr")}
			if st.Name == "adam" {
				vals = append(vals, st.Options.Int("epochs"))
			}
			got = append(got, st.Name+fmt.Sprint(vals))
		}
		require.Equal(t, want, strings.Join(got, " "), text)
	}
	v := New(table)
	require.NoError(t, v.Set("stop", "{ patience: 4 }", "flag"))
	require.Equal(t, 4, v.Int("stop.patience"))
	require.NoError(t, v.Set("optimizer", "adam then adam then sgd", "flag"))
	require.NoError(t, v.Set("optimizer.adam.lr", "0.5", "flag"))
	for i, want := range []float64{0.5, 0.5, 0.1} {
		require.Equal(t, want, v.Stages("optimizer")[i].Options.Float("lr"))
	}
}

func TestErrors(t *testing.T) {
	for path, want := range map[string]string{
		"sed=1":                       "there is no setting `sed`; did you mean `seed`? There are at, fast, hidden, mode, optimizer, outputs, seed, solver, stop, until",
		"zzzzzz=1":                    "there is no setting `zzzzzz`; there are at, fast, hidden, mode, optimizer, outputs, seed, solver, stop, until",
		"seed=x":                      "`seed` is a whole number, not `x`",
		"seed=":                       "`seed` is a whole number, not ``",
		"seed=1.5":                    "`seed` is a whole number, not 1.5",
		"seed=1e300":                  "`seed` is a whole number, not 1e+300",
		"until=inf":                   "`until` must be finite",
		"until=1/0":                   "`until` must be finite",
		"until=nan":                   "`until` is not a number",
		"until=3 [s]":                 "`until` is a number, not `3 [s]`",
		"fast=perhaps":                "`fast` is true or false, not `perhaps`",
		"mode=sow":                    "`sow` is not a value of `mode`; it is one of slow, quick; did you mean `slow`?",
		"mode=":                       "`mode` is a word, which is missing",
		"solver=rk9":                  "`rk9` is not a value of `solver`; it is one of tsit5, bosh32, euler",
		"solver.rtol=7":               "`rtol` must be between 1e-15 and 1, not 7",
		"solver.lr=7":                 "there is no setting `lr`; there are rtol",
		"seed.x=1":                    "`seed` has no options",
		"optimizer.sgd.a=1":           "`optimizer` has no stage `sgd`; it is adam then lbfgs",
		"optimizer.lr=0":              "`lr` must be above 0, not 0",
		"optimizer.adam.lrr=0":        "there is no setting `lrr`; did you mean `lr`? There are epochs, lr",
		"optimizer=adam then nothing": "`nothing` is not a value of `optimizer`; it is one of adam, sgd, lbfgs",
		"optimizer=adam lr 3":         "`optimizer`: options stand in braces, `adam { key: value }`, not `lr 3`",
		"optimizer=adam { lr: 3":      "`optimizer`: the block of `adam` is not closed by `}`",
		"optimizer=adam { lr }":       "`optimizer`: an option is written `key: value`, not `lr`",
		"optimizer=adam { rl: 1 }":    "there is no setting `rl`; there are epochs, lr",
		"optimizer= then adam":        "`optimizer` is a word with options, which is missing",
		"hidden=a":                    "`hidden` is a list of numbers, not `a`",
		"hidden=4, 0":                 "`hidden` must be between 1 and 4096, not 0",
		"hidden=[4":                   "`hidden` is a list of numbers, not `[4`",
		"outputs=a,,b":                "`outputs` is a list of words, which is missing",
	} {
		key, text, _ := strings.Cut(path, "=")
		v := New(table)
		require.EqualError(t, v.Set(key, text, "flag"), want, path)
		require.Equal(t, New(table).Tree(), v.Tree(), "%s: after an error nothing has changed", path)
	}
	v := New(table)
	require.ErrorContains(t, v.SetNumber("fast", 1, ""), "`fast` is true or false")
	require.ErrorContains(t, v.SetNumber("nothing", 1, ""), "there is no setting")
	require.ErrorContains(t, v.SetBool("seed", true, ""), "`seed` is a whole number")
	require.ErrorContains(t, v.SetList("hidden", []float64{math.NaN()}, ""), "is not a number")
	require.ErrorContains(t, v.SetWords("mode", nil, ""), "`mode` is a word")
	_, err := v.SetWord("seed", "x", "")
	require.ErrorContains(t, err, "`seed` is a whole number")
	_, err = v.AddStage("solver", "tsit5")
	require.ErrorContains(t, err, "has no first stage")
	_, err = v.SetWord("optimizer", "none", "")
	require.Error(t, err)
	require.Len(t, v.Stages("optimizer"), 2, "the default stands")
	unset := New(Table{{Key: "c", Kind: Chain, Choices: []Choice{{Name: "a"}}}})
	require.ErrorContains(t, unset.Set("c.x", "1", ""), "`c` is not set")
}

func TestOrigins(t *testing.T) {
	v := New(table)
	require.NoError(t, v.SetNumber("seed", 3, "ball.node:4:2"))
	require.NoError(t, v.Set("optimizer.lr", "0.1", "--set"))
	require.Equal(t, "ball.node:4:2", v.Origin("seed"))
	require.Equal(t, "--set", v.Origin("optimizer.adam.lr"))
	require.Empty(t, v.Origin("optimizer.adam.epochs"))
	require.Empty(t, v.Origin("optimizer"), "setting an option does not choose the chain")
	require.Empty(t, v.Origin("until"))
	require.True(t, v.Given("seed"))
	require.False(t, v.Given("mode"))
	var got []string
	v.Walk(func(path, value, origin string) {
		if origin == "" {
			origin = "default"
		}
		got = append(got, path+" = "+value+" ("+origin+")")
	})
	require.Equal(t, []string{
		"seed = 3 (ball.node:4:2)", "hidden = [32, 32] (default)", "fast = false (default)", "mode = slow (default)",
		"solver = tsit5 (default)", "solver.tsit5.rtol = 1e-06 (default)",
		"optimizer = adam then lbfgs (default)", "optimizer.adam.lr = 0.1 (--set)", "optimizer.adam.epochs = 10 (default)", "optimizer.lbfgs.iterations = 5 (default)",
		"stop = stop (default)", "stop.stop.patience = 0 (default)",
	}, got)
}

func fromYAML(t require.TestingT, text string) map[string]any {
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &tree))
	return tree
}

func TestSetTree(t *testing.T) {
	v := New(table)
	require.NoError(t, v.SetTree(fromYAML(t, `
seed: 7
until: 2
hidden: [4, 8]
outputs: [x, y]
fast: true
solver: { euler: { step: 1/49 } }
optimizer:
  - adam: { lr: 0.1 }
  - adam: { lr: 1e-3, epochs: 2 }
  - lbfgs
stop: { patience: 9 }
`), "a.yaml"))
	require.Equal(t, 7, v.Int("seed"))
	require.Equal(t, 1./49, v.Float("solver.step"))
	st := v.Stages("optimizer")
	require.Len(t, st, 3)
	require.Equal(t, 0.1, st[0].Options.Float("lr"))
	require.Equal(t, 1e-3, st[1].Options.Float("lr"), "two stages of one name are told apart")
	require.Equal(t, 9, v.Int("stop.patience"))
	require.Equal(t, "a.yaml", v.Origin("stop.patience"))
	require.NoError(t, v.SetTree(fromYAML(t, "optimizer: { lr: 0.5 }\nhidden: 3\nmode: quick\nsolver: 'tsit5 { rtol: 1e-3 }'"), "b.yaml"))
	require.Equal(t, 0.5, st2(v, 1))
	require.Equal(t, []float64{3}, v.List("hidden"))
	require.Equal(t, 1e-3, v.Float("solver.rtol"))

	before := v.Tree()
	for text, want := range map[string]string{
		"seeds: 1":                               "there is no setting `seeds`; did you mean `seed`?",
		"seed: {a: 1}":                           "`seed` has no options of its own",
		"seed:":                                  "`seed` has no value",
		"hidden: [[a]]":                          "`hidden` is a list of numbers",
		"optimizer: []":                          "`optimizer` is a word with options, or a list of these",
		"optimizer: 3":                           "`optimizer` is a word with options, or a list of these",
		"optimizer: [adam, {lbfgs: 3}]":          "`optimizer`: stage 2 must be a word, or a word with a map of options",
		"optimizer: [adam, {lbfgs: {lr: 3}}]":    "there is no setting `lr`; there are iterations",
		"optimizer: {sgd: {lr: 3}, lbfgs: {}}":   "`optimizer.lbfgs` has no options of its own",
		"optimizer: [adam, rms]":                 "`rms` is not a value of `optimizer`",
		"seed: 4\nmode: wrong":                   "`wrong` is not a value of `mode`",
		"optimizer: {iterations: 3, epsilon: 1}": "there is no setting `epsilon`",
	} {
		require.ErrorContains(t, v.SetTree(fromYAML(t, text), "c.yaml"), want, text)
		require.Equal(t, before, v.Tree(), "%s: after an error nothing has changed", text)
	}
}

func st2(v *Values, i int) float64 { return v.Stages("optimizer")[i].Options.Float("lr") }

// TestTreeReadsBack draws settings, writes them as YAML and reads them again.
func TestTreeReadsBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		v := New(table)
		num := rapid.Float64Range(1e-9, 1e9)
		set := func(path, text string) { require.NoError(r, v.Set(path, text, "drawn"), path) }
		set("seed", fmt.Sprint(rapid.IntRange(-1<<53, 1<<53).Draw(r, "seed")))
		set("until", fmt.Sprint(num.Draw(r, "until")))
		set("hidden", fmt.Sprint(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2.5", "64"}), 0, 4).Draw(r, "hidden"), ",")))
		set("fast", fmt.Sprint(rapid.Bool().Draw(r, "fast")))
		set("outputs", strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "left.θ"}), 0, 3).Draw(r, "outputs"), ","))
		var stages []string
		for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"adam", "sgd", "lbfgs"}), 1, 4).Draw(r, "optimizer") {
			if name != "lbfgs" && rapid.Bool().Draw(r, "options") {
				name += fmt.Sprintf(" { lr: %v }", num.Draw(r, "lr"))
			}
			stages = append(stages, name)
		}
		set("optimizer", strings.Join(stages, " then "))
		text, err := yaml.Marshal(v.Tree())
		require.NoError(r, err)
		w := New(table)
		require.NoError(r, w.SetTree(fromYAML(r, string(text)), "file"))
		require.Equal(r, v.Tree(), w.Tree())
		u := New(table)
		require.NoError(r, u.SetTree(v.Tree(), "without YAML"))
		require.Equal(r, v.Tree(), u.Tree())
	})
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	table.Markdown(&b)
	got := b.String()
	for _, want := range []string{
		"| `seed` | a whole number | `1` | of random numbers |\n",
		"| `until` | a number in the model's time | – | end \\| last time |\n",
		"| `hidden` | a list of numbers | `32, 32` | widths |\n",
		"| `mode` | `slow` `quick` | `slow` | how |\n| `mode: slow` |  |  | with care |\n",
		"| `stop` | a block | `stop` | when to end |\n| `stop { patience }` | a whole number | `0` | iterations |\n",
		"| `tsit5, bosh32 { rtol }` | a number | `1e-6` | tolerance |\n| `euler { step }` |",
	} {
		require.Contains(t, got, want)
	}
	require.Equal(t, 1, strings.Count(got, "rtol"), "choices with the same options share their rows")
}

func TestVerify(t *testing.T) {
	require.NoError(t, table.Verify())
	for want, bad := range map[string]Table{
		"cannot be a key":                     {{Key: "a.b", Doc: "d"}},
		"`a` is there twice":                  {{Key: "a", Doc: "d"}, {Key: "a", Doc: "d"}},
		"`a` has no doc":                      {{Key: "a"}},
		"default: `a` is a whole number":      {{Key: "a", Kind: Int, Default: "x", Doc: "d"}},
		"default: `a` must be between 0 and ": {{Key: "a", Default: "3", Max: 1, Doc: "d"}},
		"`a: b` is there twice":               {{Key: "a", Kind: Word, Doc: "d", Choices: []Choice{{Name: "b"}, {Name: "b"}}}},
		"`a: b`: `c` has no doc":              {{Key: "a", Kind: Chain, Doc: "d", Choices: []Choice{{Name: "b", Options: Table{{Key: "c"}}}}}},
	} {
		require.ErrorContains(t, bad.Verify(), want)
	}
}

// What Tree returns is taken back: a default that it spells out is not a value that was
// given, which other settings may forbid.
func TestTreeIsTakenBack(t *testing.T) {
	table := Table{
		{Key: "lr", Kind: Number, Default: "1e-3", Max: 1},
		{Key: "until", Kind: Number, Max: 100},
		{Key: "list", Kind: List, Default: "[1, 2]", Max: 9},
	}
	v := New(table)
	require.NoError(t, v.Set("until", "3", "file"))
	w := New(table)
	require.NoError(t, w.Set("lr", "0.5", "file"))
	require.NoError(t, w.SetTree(v.Tree(), "tree"))
	require.Equal(t, v.Tree(), w.Tree(), "a default replaces what was set")
	require.Equal(t, []bool{false, true, false}, []bool{w.Given("lr"), w.Given("until"), w.Given("list")})
}

func TestElse(t *testing.T) {
	table := Table{{Key: "a", Kind: Number, Default: "1"}, {Key: "b", Kind: Number, Default: "2"}}
	v, other := New(table), New(table)
	require.Same(t, v, v.Else("a", other)) // neither gives it
	require.NoError(t, other.Set("a", "5", "x"))
	require.Equal(t, 5., v.Else("a", other).Float("a"))
	require.Equal(t, 1., v.Float("a"), "the values themselves stay")
	require.NoError(t, v.Set("a", "7", "x"))
	require.Equal(t, 7., v.Else("a", other).Float("a"))
}
