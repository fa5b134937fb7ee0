package dsl

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/dsl/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func read(t require.TestingT, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// golden compares with a file, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	require.Equal(t, read(t, name), got)
}

// modelFiles are the models of the tests and the bundled ones.
func modelFiles(t require.TestingT) []string {
	var files []string
	for _, pattern := range []string{"testdata/*.node", "../models/*.node"} {
		m, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, m...)
	}
	require.NotEmpty(t, files)
	return files
}

// meaning is the tree of a file without what only the formatter needs:
// parentheses and places.
func meaning(f *File) string {
	for _, d := range f.Decls {
		bare(reflect.ValueOf(d))
	}
	var b bytes.Buffer
	Dump(&b, f)
	return b.String()
}

// bare replaces parentheses by what they hold.
func bare(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		for !v.IsNil() {
			p, ok := v.Interface().(*Paren)
			if !ok {
				break
			}
			v.Set(reflect.ValueOf(p.X))
		}
		fallthrough
	case reflect.Pointer:
		if !v.IsNil() {
			bare(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			bare(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == atType || v.Type() == spanType || v.Type() == positionType {
			return
		}
		for i := range v.NumField() {
			bare(v.Field(i))
		}
	}
}

// requireRoundTrip checks that formatting keeps the meaning and every comment,
// and that formatting again changes nothing.
func requireRoundTrip(t require.TestingT, f *File) string {
	once := string(Format(f))
	g, diags := Parse(diag.NewSource("formatted.node", once))
	require.NoError(t, diags.Err(), "formatted text does not parse:\n%s", once)
	require.Equal(t, once, string(Format(g)), "not idempotent")
	var before, after []string
	for _, c := range f.Comments {
		before = append(before, c.Text)
	}
	for _, c := range g.Comments {
		after = append(after, c.Text)
	}
	require.Equal(t, before, after, "comments\n%s", once)
	require.Equal(t, meaning(f), meaning(g), "formatting changed the meaning\n%s", once)
	return once
}

func TestFormat(t *testing.T) {
	for _, name := range modelFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := read(t, name)
			f := parse(t, text)
			var tree bytes.Buffer
			Dump(&tree, f)
			once := requireRoundTrip(t, f)
			if base, ok := strings.CutSuffix(name, ".node"); ok && strings.HasPrefix(name, "testdata") {
				golden(t, base+".golden", once)
				golden(t, base+".tree", tree.String())
			} else {
				require.Equal(t, text, once, "the bundled models are formatted")
			}
		})
	}
}

// TestColumns: names of columns stand without quotes where they can be read without.
func TestColumns(t *testing.T) {
	for name, want := range map[string]string{
		"y": "y", "a.b.c": "a.b.c", "θ1": "θ1",
		"": `""`, "a.": `"a."`, ".a": `".a"`, "a..b": `"a..b"`, "a b": `"a b"`, "a-b": `"a-b"`, "1a": `"1a"`, "and": `"and"`, "a.if": `"a.if"`, "x'": `"x'"`,
	} {
		f := parse(t, fmt.Sprintf("data d from \"d.csv\" { y: %q }", name))
		require.Contains(t, requireRoundTrip(t, f), "y: "+want, name)
	}
}

// TestFormatExpr: a tree that was built gets the parentheses that it needs.
func TestFormatExpr(t *testing.T) {
	a, b, c := &Name{Name: "a"}, &Name{Name: "b"}, &Name{Name: "c"}
	bin := func(op string, x, y Expr) Expr { return &Binary{Op: op, X: x, Y: y} }
	neg := func(x Expr) Expr { return &Unary{Op: "-", X: x} }
	cond := &Cond{If: a, Then: b, Else: c}
	for want, x := range map[string]Expr{
		"":                                    nil,
		"(a + b)*c":                           bin("*", bin("+", a, b), c),
		"a - (b - c)":                         bin("-", a, bin("-", b, c)),
		"a - b - c":                           bin("-", bin("-", a, b), c),
		"(a^b)^c":                             bin("^", bin("^", a, b), c),
		"a^b^c":                               bin("^", a, bin("^", b, c)),
		"a^-b":                                bin("^", a, neg(b)),
		"(-a)^b":                              bin("^", neg(a), b),
		"-a^b":                                neg(bin("^", a, b)),
		"-(a*b)":                              neg(bin("*", a, b)),
		"(a < b) == c":                        bin("==", bin("<", a, b), c),
		"not (a and b)":                       &Unary{Op: "not", X: bin("and", a, b)},
		"(not a)*b":                           bin("*", &Unary{Op: "not", X: a}, b),
		"(if a then b else c) + a":            bin("+", cond, a),
		"a + (if a then b else c)":            bin("+", a, cond),
		"if a then b else if a then b else c": &Cond{If: a, Then: b, Else: cond},
		"(a + b)[a, b:c]":                     &IndexExpr{X: bin("+", a, b), Index: []Range{{Lo: a}, {Lo: b, Hi: c, Colon: true}}},
		"(2)[0]":                              &IndexExpr{X: &NumberLit{Value: 2}, Index: []Range{{Lo: &NumberLit{Value: 0}}}},
		"(-1.5)^2":                            bin("^", &NumberLit{Value: -1.5}, &NumberLit{Value: 2}),
		"f(a + b, [c])":                       &Call{Fun: &Name{Name: "f"}, Args: []Expr{bin("+", a, b), &Array{Elems: []Expr{c}}}},
	} {
		require.Equal(t, want, FormatExpr(x))
	}
}

// TestTreeWithoutSource: any tree is printed so that it is read again.
func TestTreeWithoutSource(t *testing.T) {
	rapid.Check(t, checkTree)
}

func checkTree(t *rapid.T) {
	f := genFile().Draw(t, "file")
	requireRoundTrip(t, f)
}

// TestLayout: any way to lay out the tokens of a model is read the same, its
// comments are kept, and its formatted form is stable.
func TestLayout(t *testing.T) {
	rapid.Check(t, checkLayout)
}

func checkLayout(t *rapid.T) {
	f := genFile().Draw(t, "file")
	text := string(Format(f))
	diags := &diag.List{}
	l := lex(diag.NewSource("t.node", text), diags)
	require.NoError(t, diags.Err())
	var b strings.Builder
	pos, comment := 0, 0
	for _, tok := range l.tokens {
		gap := text[min(pos, tok.Pos.Offset):tok.Pos.Offset]
		if tok.Value == ";" && tok.Pos.Offset < len(text) && text[tok.Pos.Offset] == '\n' {
			pos = tok.Pos.Offset
			continue // the newline is in the next gap
		}
		pos = end(tok)
		switch {
		case strings.Contains(gap, "\n"), mayBreak(b.String()):
			b.WriteString(genGap(t, &comment, gap))
		default:
			b.WriteString(gap)
		}
		b.WriteString(tok.Value)
	}
	g := parse(t, b.String())
	requireRoundTrip(t, g)
	require.Equal(t, withoutDocs(meaning(f)), withoutDocs(meaning(g)))
}

// mayBreak reports whether a line may break behind a text.
func mayBreak(text string) bool {
	for _, s := range []string{"(", "[", ",", "+", "*", " and", "{", ":="} {
		if strings.HasSuffix(text, s) {
			return true
		}
	}
	return false
}

// genGap is white space with comments in place of a gap.
func genGap(t *rapid.T, n *int, gap string) string {
	choices := []string{gap, gap, " # c%\n", "\n", "\n\n\n  # c%\n# d%\n\n", "\n## e%\n", "  ## f%\n\n", "\r\n"}
	s := rapid.SampledFrom(choices).Draw(t, "gap")
	*n++
	return strings.ReplaceAll(s, "%", strings.Repeat("'", *n%3))
}

// withoutDocs drops the documentation of a dumped tree.
func withoutDocs(tree string) string {
	lines := strings.Split(tree, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "Doc: ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
