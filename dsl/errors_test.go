package dsl

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/dsl/diag"
)

// TestErrors: all errors of a file in one run, each where it stands, as they
// are printed; what is right is kept.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, diags := Parse(diag.NewSource(filepath.Base(name), read(t, name)))
			require.Error(t, diags.Err())
			var b bytes.Buffer
			diag.Render(&b, diags, diag.Options{})
			fmt.Fprintf(&b, "\nwhat is left:\n%s", Format(f))
			golden(t, strings.TrimSuffix(name, ".node")+".golden", b.String())
		})
	}
}

// TestCodes: the example of every documented code gives that code and no
// other, and every code that is given is documented.
func TestCodes(t *testing.T) {
	documented := map[string]bool{}
	for _, c := range Codes {
		require.NotEmpty(t, c.Title)
		require.NotEmpty(t, c.Explanation)
		require.False(t, documented[c.Name], c.Name)
		documented[c.Name] = true
		text := c.Example
		switch c.Name { // too long to be shown
		case "too-large":
			text = strings.Repeat("#", maxSource+1)
		case "too-many-errors":
			text = strings.Repeat("?\n", maxErrors+1)
		}
		_, diags := Parse(diag.NewSource("example.node", text))
		require.NotEmpty(t, diags.All, c.Name)
		require.Equal(t, c.Name, diags.All[len(diags.All)-1].Code)
		if c.Example != "" {
			require.Len(t, diags.All, 1, c.Name)
		}
	}
	files, err := filepath.Glob("testdata/errors/*.node")
	require.NoError(t, err)
	for _, name := range files {
		_, diags := Parse(diag.NewSource(name, read(t, name)))
		for _, d := range diags.All {
			require.True(t, documented[d.Code], d.Code)
		}
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"model M { }\n\xff":         "t.node:2:1: error: this byte is not UTF-8 [encoding]",
		"\x7fELF\x00\x00\x01":       "t.node:1:5: error: the file is not text: it has a zero byte [encoding]",
		"let \x1b[31m = 1":          "t.node:1:5: error: the character U+001B is not used in the language [bad-character]",
		"model\u00a0M { }":          "t.node:1:6: error: the character U+00A0 is not used in the language [bad-character]",
		"\ufeffmodel M { } \ufeff;": "t.node:1:14: error: the character U+FEFF is not used in the language [bad-character]",
	} {
		_, diags := Parse(diag.NewSource("t.node", text))
		require.Equal(t, want, diags.Error())
	}
}

// checkAnswer checks that the parser answers any text: with places inside of
// it, and where it accepts the text, with a tree that survives formatting.
func checkAnswer(t require.TestingT, text string) {
	src := diag.NewSource("any.node", text)
	f, diags := Parse(src)
	require.NotNil(t, f)
	require.LessOrEqual(t, len(diags.All), maxErrors+1)
	for _, d := range diags.All {
		require.True(t, d.Span.Src == src && 0 <= d.Span.Start && d.Span.Start <= d.Span.End && d.Span.End <= len(text), "%q: %v", text, d)
	}
	var b bytes.Buffer
	diag.Render(&b, diags, diag.Options{Color: true})
	require.Equal(t, len(diags.All) > 0, b.Len() > 0)
	if diags.Err() == nil {
		requireRoundTrip(t, f)
	}
}

// TestMutations: whatever happens to a model, the parser answers.
func TestMutations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range modelFiles(t) {
		text := []byte(read(t, name))
		for range 60 {
			x := slices.Clone(text)
			for range 1 + rng.IntN(4) {
				j := rng.IntN(len(x))
				switch m := rng.IntN(len(text) - 10); min(rng.IntN(6), 3) {
				case 0:
					x = slices.Delete(x, j, j+1)
				case 1:
					x[j] = byte(33 + rng.IntN(94))
				case 2:
					x = slices.Insert(x, j, text[m:m+10]...)
				case 3:
					gaps := []string{"# c\n", "\n## d\n", "\n", "\n\n  # e\n\n", " ", ";"}
					x = slices.Insert(x, j, []byte(gaps[rng.IntN(len(gaps))])...)
				}
			}
			checkAnswer(t, string(x))
		}
	}
}

// TestEveryPrefix: a file that is being typed gets an answer at every moment.
func TestEveryPrefix(t *testing.T) {
	text := read(t, "testdata/language.node")
	for i := range text {
		checkAnswer(t, text[:i])
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range modelFiles(f) {
		f.Add(read(f, name))
	}
	bad, err := filepath.Glob("testdata/errors/*.node")
	require.NoError(f, err)
	for _, name := range bad {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) { checkAnswer(t, text) })
}

// FuzzFormat builds trees and layouts from the fuzzer's bytes.
func FuzzFormat(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		checkTree(t)
		checkLayout(t)
	}))
}
