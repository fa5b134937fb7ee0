package dsl

import (
	"sort"
	"strings"

	"github.com/pinode/pinode/internal/diag"
)

// Codes documents the diagnostics of this package.
var Codes = []diag.Code{
	{Name: "syntax", Title: "the text does not follow the grammar", Explanation: "A statement ends at the end of its line, except inside parentheses or brackets and after an operator or a comma. The message says what was found and what could stand there.", Example: "model M {\n  const g = \n}"},
	{Name: "unterminated-string", Title: "a string has no closing quote", Explanation: "Strings stand on one line between double quotes.", Example: "data d from \"a.csv {\n  time: t\n}"},
	{Name: "bad-character", Title: "a character that the language does not use", Explanation: "Outside strings and comments the language has names, numbers and the operators + - * / ^ @ < <= > >= == != = := -> ~ ' and brackets.", Example: "model M {\n  const g = 9 ! 3\n}"},
	{Name: "encoding", Title: "the file is not UTF-8", Explanation: "Model files are UTF-8 text.", Example: "model M { }\xff"},
	{Name: "too-large", Title: "the file is too large", Explanation: "A model file has at most 16 MiB; data belong into data files."},
	{Name: "reserved-word", Title: "a word that is kept for later", Explanation: "field grid residual initial boundary collocate latent algebraic steady are reserved for spatial fields and physics-informed training, which are not supported yet.", Example: "model M {\n  field u\n}"},
	{Name: "unknown-declaration", Title: "no declaration starts like this", Explanation: "A statement starts with a declaration's keyword, or is an equation like x' = v.", Example: "model M {\n  stat x = 0\n}"},
}

func errSyntax(l *diag.List, at diag.Span, msg string) *diag.Diagnostic {
	return l.Errorf("syntax", at, "%s", msg)
}

func errTooLarge(l *diag.List, src *diag.Source) {
	l.Errorf("too-large", diag.Span{Src: src}, "the file has %d bytes; at most %d are read", len(src.Text), maxSource).
		WithHelp("put data into a data file")
}

func errEncoding(l *diag.List, at diag.Span) {
	l.Errorf("encoding", at, "this byte is not UTF-8").WithHelp("save the file as UTF-8")
}

func errString(l *diag.List, at diag.Span) {
	l.Errorf("unterminated-string", at, "this string has no closing quote").WithHelp("close it with `\"` on the same line")
}

func errCharacter(l *diag.List, at diag.Span, c string) {
	d := l.Errorf("bad-character", at, "`%s` is not used in the language", c)
	switch c {
	case "&":
		d.WithHelp("write `and`")
	case "!":
		d.WithHelp("write `not`")
	case "’", "′":
		d.WithHelp("a time derivative is written with the plain quote, x'")
	}
}

func errReserved(l *diag.List, at diag.Span, word string) {
	l.Errorf("reserved-word", at, "`%s` is reserved and not supported yet", word).
		WithHelp("spatial fields and physics-informed training will use it; choose another name")
}

func errDeclaration(l *diag.List, at diag.Span, word string, kinds map[string]production, depth int) {
	names := make([]string, 0, len(kinds))
	for k := range kinds {
		names = append(names, k)
	}
	sort.Strings(names)
	d := l.Errorf("unknown-declaration", at, "no declaration starts with `%s`", word)
	if near, ok := diag.Nearest(word, names); ok {
		d.WithHelp("did you mean `%s`?", near)
	} else if depth == 0 && inModel[word] != nil {
		d.WithHelp("`%s` belongs inside a `model` block", word)
	} else if depth > 0 && topLevel[word] != nil {
		d.WithHelp("`%s` stands outside of the model", word)
	} else {
		d.WithHelp("a declaration starts with one of: %s", strings.Join(names, ", "))
	}
}
