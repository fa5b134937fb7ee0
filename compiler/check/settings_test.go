package check

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/setting"
)

// withKinds checks a text where a fit has settings of all kinds.
func withKinds(t *testing.T, text string) (p *Program, mistakes []string) {
	t.Helper()
	env := *testEnv
	env.Fit = append(slices.Clone(testEnv.Fit),
		setting.Setting{Key: "fast", Kind: setting.Bool}, setting.Setting{Key: "shown", Kind: setting.Words},
		setting.Setting{Key: "table", Kind: setting.File}, setting.Setting{Key: "widths", Kind: setting.List},
		setting.Setting{Key: "rounds", Kind: setting.Int, Unit: "epochs"},
		setting.Setting{Key: "stop", Kind: setting.Chain, Default: "stop", Choices: []setting.Choice{{Name: "stop", Options: setting.Table{{Key: "patience", Kind: setting.Int}}}}})
	f, diags := dsl.Parse(diag.NewSource("test.node", `model M {
  const n = 3
  param a = 1
  param v[2] = [1, 2]
  covariate A[2, 2]
  state x: m = 1 [m]
  x' = -x*a*v[0]*A[1, 1]
}
`+text))
	require.NoError(t, diags.Err())
	p, diags = Check(f, &env)
	for _, d := range diags.All {
		mistakes = append(mistakes, said(d))
	}
	return p, mistakes
}

// TestKindsOfSettings: each kind of setting is read as it is written, and refuses what it is not.
func TestKindsOfSettings(t *testing.T) {
	p, mistakes := withKinds(t, "fit { fast: true, shown: [x, v[0], A[1, 0]], table: \"a b.csv\", widths: [n, 2*n], rounds: 5 epochs, stop: { patience: 7 } }")
	require.Empty(t, mistakes)
	v := p.Fit.Values
	require.True(t, v.Bool("fast"))
	require.Equal(t, []string{"x", "v[0]", "A[1,0]"}, v.Words("shown"))
	require.Equal(t, "a b.csv", v.Word("table"))
	require.Equal(t, []float64{3, 6}, v.List("widths"))
	require.Equal(t, 5, v.Int("rounds"))
	require.Equal(t, 7, v.Stages("stop")[0].Options.Int("patience"))
	p, mistakes = withKinds(t, "fit { fast: false, shown: x, widths: [], seed: n }")
	require.Empty(t, mistakes)
	require.False(t, p.Fit.Values.Bool("fast"))
	require.Equal(t, []string{"x"}, p.Fit.Values.Words("shown"))
	require.Empty(t, p.Fit.Values.List("widths"))
	require.Equal(t, 3, p.Fit.Values.Int("seed"))
	for text, want := range map[string]string{
		"fast: 1":          "bad-setting: `fast` is true or false",
		"shown: 3":         "bad-setting: `shown` is a list of names, like [x, y]",
		"shown: [x, 3]":    "bad-setting: `shown` is a list of names, like [x, y]",
		"table: 3":         "bad-setting: `table` is ",
		"rounds: 5 steps":  "bad-setting: `steps` means nothing here",
		"seed: 5 epochs":   "bad-setting: `epochs` means nothing here",
		"seed: [1, 2]":     "bad-setting: `seed` is a whole number",
		"seed: true":       "bad-setting: `seed` is a whole number, not true",
		"widths: fast":     "bad-setting: `widths` is a list of numbers, not `fast`",
		"seed: 3 { x: 1 }": "bad-setting: `seed` is a whole number",
		"solver: 3":        "bad-setting: `solver` is one of tsit5, euler",
		"loss: 3":          "bad-setting: `loss` is a word",
	} {
		_, mistakes := withKinds(t, "fit { "+text+" }")
		if len(mistakes) != 1 {
			t.Errorf("%s: %q", text, mistakes)
			continue
		}
		require.Contains(t, mistakes[0], want, text)
	}
}

// TestSamplesAndSweeps: what is drawn and what is swept, by name or element, and what is said of what is neither.
func TestSamplesAndSweeps(t *testing.T) {
	_, mistakes := withKinds(t, "simulate { samples: 10*n { a: normal(1, 0.5), v: uniform(0, 2), A[1,0]: normal(0, 1), x: normal(1 [m], 10 [cm]) }, sweep: { a: [1, 2, n], v: [[1, 2], [3, 4]], v[1]: [5, 6], x: [1 [m]] } }")
	require.Equal(t, []string{"unit-mismatch"}, kinds(mistakes), "%q", mistakes)
	p, mistakes := withKinds(t, "simulate { samples: 10*n { a: normal(1, 0.5), v: uniform(0, 2), A[1,0]: normal(0, 1), x: normal(1 [m], 0.1 [m]) }, sweep: { a: [1, 2, n], v: [[1, 2], [3, 4]], v[1]: [5, 6], x: [1 [m]] } }")
	require.Empty(t, mistakes)
	require.Equal(t, 30, p.Simulate.Samples.N)
	var drawn []string
	for _, d := range p.Simulate.Samples.Draws {
		drawn = append(drawn, d.Name+" "+d.Dist.Name)
	}
	require.Equal(t, []string{"a normal", "v[0] uniform", "v[1] uniform", "A[1,0] normal", "x normal"}, drawn)
	axes := p.Simulate.Sweep
	require.Len(t, axes, 4)
	require.Equal(t, SweepAxis{Names: []string{"a"}, Values: [][]float64{{1}, {2}, {3}}}, axes[0])
	require.Equal(t, SweepAxis{Names: []string{"v[0]", "v[1]"}, Values: [][]float64{{1, 2}, {3, 4}}}, axes[1])
	require.Equal(t, SweepAxis{Names: []string{"v[1]"}, Values: [][]float64{{5}, {6}}}, axes[2])
	for text, want := range map[string]string{
		"samples: 0 { a: normal(0, 1) }":                  "bad-setting: `samples` is a whole number",
		"samples: 1 [m] { a: normal(0, 1) }":              "bad-setting: `samples` is a whole number",
		"samples: 5":                                      "bad-setting: `samples` is a whole number",
		"samples: { a: normal(0, 1) }":                    "bad-setting: `samples` is a whole number",
		"samples: 5 { a: 3 }":                             "bad-setting: a draw is a distribution",
		"samples: 5 { a: normal(v[0], 1) }":               "not-constant: ",
		"samples: 5 { b: normal(0, 1) }":                  "unknown-name: there is no parameter, covariate or state `b`",
		"samples: 5 { v[2]: normal(0, 1) }":               "unknown-name: there is no parameter, covariate or state `v[2]`",
		"samples: 5 { a: normal(0, 1), a: normal(0, 1) }": "duplicate: `a` is declared twice",
		"sweep: [1, 2]":                                   "bad-setting: `sweep` lists the values of each name",
		"sweep: 3 { a: [1] }":                             "bad-setting: `sweep` lists the values of each name",
		"sweep: { a: [[1, 2]] }":                          "bad-setting: `sweep` lists the values of each name",
		"sweep: { v: [[1, 2, 3]] }":                       "bad-setting: `sweep` lists the values of each name",
		"sweep: { v: [1, 2] }":                            "bad-setting: a vector takes a list of vectors",
		"sweep: { a: [x/(1 [m])] }":                       "not-constant: a value of a sweep",
		"sweep: { x: [1 [s]] }":                           "unit-mismatch: ",
	} {
		_, mistakes := withKinds(t, "simulate { "+text+" }")
		if len(mistakes) != 1 {
			t.Errorf("%s: %q", text, mistakes)
			continue
		}
		require.Contains(t, mistakes[0], want, text)
	}
}

// kinds are the codes of mistakes.
func kinds(mistakes []string) (codes []string) {
	for _, m := range mistakes {
		codes = append(codes, m[:len("unit-mismatch")])
	}
	return codes
}
