package dsl

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func modelFiles(t testing.TB) []string {
	var files []string
	for _, pattern := range []string{"testdata/*.node", "../models/*.node"} {
		m, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, m...)
	}
	require.NotEmpty(t, files)
	return files
}

func dumped(f *File) string {
	var b bytes.Buffer
	Dump(&b, f)
	return b.String()
}

// TestFormat: formatting keeps the meaning and every comment, and formatting
// again changes nothing.
func TestFormat(t *testing.T) {
	for _, name := range modelFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			f, diags := Parse(diag.NewSource(name, string(text)))
			require.NoError(t, diags.Err())
			once := Format(f)
			g, diags := Parse(diag.NewSource(name, string(once)))
			require.NoError(t, diags.Err(), string(once))
			require.Equal(t, dumped(f), dumped(g))
			require.Equal(t, string(once), string(Format(g)), "idempotent")
			require.Len(t, g.Comments, len(f.Comments))
			for i := range f.Comments {
				require.Equal(t, f.Comments[i].Text, g.Comments[i].Text)
			}
			if strings.HasPrefix(name, "testdata") {
				golden := strings.TrimSuffix(name, ".node") + ".golden"
				if *update {
					require.NoError(t, os.WriteFile(golden, once, 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), string(once))
			} else {
				require.Equal(t, string(text), string(once), "the bundled models are formatted")
			}
		})
	}
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"-x^2":                       "(-(x ^ 2))",
		"2^-3^2":                     "(2 ^ (-(3 ^ 2)))",
		"a - b - c":                  "((a - b) - c)",
		"a / b * c":                  "((a / b) * c)",
		"not a == b and c or d":      "(((not (a == b)) and c) or d)",
		"-a * b":                     "((-a) * b)",
		"if a < b then c else d + 1": "(if (a < b) then c else (d + 1))",
		"x[1:3] + x[0] @ A[i, j]":    "(x[1:3] + (x[0] @ A[i,j]))",
		"f(x', left.θ'')[2]":         "f(x',left.θ'')[2]",
		"9.81 [m/s^2] * 1e-3":        "(9.81[m/s^2] * 1e-3)",
		"3 [1/yr]":                   "3[1/yr]",
		"[1, [2, 3]]":                "[1,[2,3]]",
	} {
		f, diags := Parse(diag.NewSource("t.node", "model M {\n  let y = "+text+"\n}"))
		require.NoError(t, diags.Err(), text)
		require.Equal(t, want, explicit(f.Decls[0].(*ModelDecl).Body[0].(*LetDecl).Value), text)
	}
}

// explicit writes an expression with all its parentheses.
func explicit(x Expr) string {
	list := func(xs []Expr) string {
		parts := make([]string, len(xs))
		for i, x := range xs {
			parts[i] = explicit(x)
		}
		return strings.Join(parts, ",")
	}
	switch x := x.(type) {
	case *Unary:
		return "(" + strings.TrimSpace(x.Op+map[bool]string{true: " "}[x.Op == "not"]+explicit(x.X)) + ")"
	case *Binary:
		return "(" + explicit(x.X) + " " + x.Op + " " + explicit(x.Y) + ")"
	case *Cond:
		return "(if " + explicit(x.If) + " then " + explicit(x.Then) + " else " + explicit(x.Else) + ")"
	case *Call:
		return explicit(x.Fun) + "(" + list(x.Args) + ")"
	case *IndexExpr:
		return explicit(x.X) + strings.ReplaceAll(formatIndex(x.Index), " ", "")
	case *Array:
		return "[" + list(x.Elems) + "]"
	case *NumberLit:
		return strings.ReplaceAll(FormatExpr(x), " ", "")
	}
	return FormatExpr(x)
}

// TestErrors: every error of a file in one run, each where it stands.
func TestErrors(t *testing.T) {
	src := diag.NewSource("bad.node", `model M {
  stat x = 0
  const g = )
  state y: m = 1
  param k in (0 1)
  field u
  y' = -k*y +
    2*
}
data d from file { time: t }
`)
	f, diags := Parse(src)
	require.Len(t, f.Decls, 1)
	require.Len(t, f.Decls[0].(*ModelDecl).Body, 1, "what is right is kept")
	var got []string
	for _, d := range diags.All {
		got = append(got, d.Error())
	}
	require.Equal(t, []string{
		"bad.node:2:3: error: no declaration starts with `stat` [unknown-declaration]",
		"bad.node:3:13: error: found `)`, expected an expression [syntax]",
		"bad.node:5:17: error: unexpected `1` [syntax]",
		"bad.node:6:3: error: `field` is reserved and not supported yet [reserved-word]",
		"bad.node:8:6: error: found the end of the statement, expected an expression [syntax]",
		"bad.node:10:13: error: found `file`, expected a path in quotes [syntax]",
	}, got)
}

// TestCodes: the example of every documented code gives that code.
func TestCodes(t *testing.T) {
	for _, c := range Codes {
		if c.Example == "" {
			continue
		}
		_, diags := Parse(diag.NewSource("example.node", c.Example))
		require.NotEmpty(t, diags.All, c.Name)
		require.Equal(t, c.Name, diags.All[0].Code)
	}
}

func TestSpans(t *testing.T) {
	text := "model M {  # c\n  param k: N/m in (0, inf) = 10 ~ normal(1, 2)   # trailing\n\n  x' = a + b  # more\n}\n"
	f, diags := Parse(diag.NewSource("s.node", text))
	require.NoError(t, diags.Err())
	body := f.Decls[0].(*ModelDecl).Body
	require.Equal(t, "param k: N/m in (0, inf) = 10 ~ normal(1, 2)", body[0].Span().Text())
	eq := body[1].(*EquationDecl)
	require.Equal(t, "x' = a + b", eq.Span().Text())
	require.Equal(t, "+", eq.Value.(*Binary).OpSp.Text())
	require.Equal(t, "(0, inf)", body[0].(*ParamDecl).Interval.Span().Text())
}

// TestMutations: whatever happens to a file, the parser answers, and what it
// accepts survives formatting.
func TestMutations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range modelFiles(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for range 100 {
			x := slices.Clone(text)
			for range 1 + rng.IntN(4) {
				j := rng.IntN(len(x))
				switch m := rng.IntN(len(text) - 10); rng.IntN(3) {
				case 0:
					x = slices.Delete(x, j, j+1)
				case 1:
					x[j] = byte(33 + rng.IntN(94))
				case 2:
					x = slices.Insert(x, j, text[m:m+10]...)
				}
			}
			roundTrip(t, string(x))
		}
	}
}

// roundTrip checks that a text that parses keeps its meaning when formatted,
// and that formatting again changes nothing.
func roundTrip(t *testing.T, text string) {
	file, diags := Parse(diag.NewSource("fuzz.node", text))
	for _, d := range diags.All {
		_ = d.Error()
	}
	if diags.Err() != nil {
		return
	}
	once := Format(file)
	again, diags := Parse(diag.NewSource("fuzz.node", string(once)))
	require.NoError(t, diags.Err(), "formatted text does not parse:\n%q\n%q", text, once)
	require.Equal(t, dumped(file), dumped(again), "formatting changed the meaning of\n%q", text)
	require.Equal(t, string(once), string(Format(again)), "not idempotent")
}

func FuzzParse(f *testing.F) {
	for _, name := range modelFiles(f) {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(roundTrip)
}
