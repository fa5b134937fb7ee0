package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// Codes documents the diagnostics of this package.
var Codes = []diag.Code{
	{
		Name: "syntax", Title: "the text does not follow the grammar",
		Explanation: "A statement ends at the end of its line, except inside parentheses or brackets and after an operator or a comma. The message says what was found and what could stand there.",
		Example:     "model M {\n  const g =\n}",
	}, {
		Name: "unterminated-string", Title: "a string has no closing quote",
		Explanation: "A string stands on one line, between double quotes.",
		Example:     "data d from \"a.csv {\n  time: t\n}",
	}, {
		Name: "bad-character", Title: "a character that the language does not use",
		Explanation: "Outside of strings and comments the language has names, numbers, brackets and the operators + - * / ^ @ < <= > >= == != = := += -= -> ~ '.",
		Example:     "model M {\n  require 2 ≤ 3\n}",
	}, {
		Name: "encoding", Title: "the file is not text",
		Explanation: "Model files are UTF-8 text.",
		Example:     "model M { }\xff",
	}, {
		Name: "too-large", Title: "the file is too large",
		Explanation: "A model file has at most 4 MiB; measurements belong into data files.",
	}, {
		Name: "unbalanced", Title: "a brace has no partner",
		Explanation: "Every { needs its }. The message names the brace whose partner is missing, judging by the indentation.",
		Example:     "model M {\n  event e when x < 0 {\n    x := 1\n  state x = 1\n}",
	}, {
		Name: "reserved-word", Title: "a word that cannot be a name",
		Explanation: "Words of the expression language (if then else and or not in true false) cannot name anything. Declarations that begin with field residual initial collocate latent are kept for later; a quantity may have such a name.",
		Example:     "model M {\n  field u\n}",
	}, {
		Name: "unknown-declaration", Title: "no declaration starts like this",
		Explanation: "A statement starts with the keyword of a declaration, or is an equation like x' = v.",
		Example:     "model M {\n  stat x = 0\n}",
	}, {
		Name: "too-many-errors", Title: "there are more errors than are shown",
		Explanation: "After 100 errors the rest is left out; it often goes away with the first ones.",
	},
}

// maxErrors is how many errors of a file are reported.
const maxErrors = 100

// truncate drops the errors that would be too many to read.
func truncate(l *diag.List) {
	if len(l.All) <= maxErrors {
		return
	}
	at := l.All[maxErrors].Span
	l.All = l.All[:maxErrors]
	l.Errorf("too-many-errors", at, "more than %d errors; the rest is not shown", maxErrors)
}

func errLexer(l *diag.List, src *diag.Source, err error) {
	l.Errorf("syntax", diag.Span{Src: src}, "%s", err)
}

func errTooLarge(l *diag.List, src *diag.Source) {
	l.Errorf("too-large", diag.Span{Src: src}, "the file has %d bytes; at most %d are read", len(src.Text), maxSource).
		WithHelp("put measurements into a data file")
}

func errBinary(l *diag.List, at diag.Span) {
	l.Errorf("encoding", at, "the file is not text: it has a zero byte").WithHelp("save the file as UTF-8")
}

func errEncoding(l *diag.List, at diag.Span) {
	l.Errorf("encoding", at, "this byte is not UTF-8").WithHelp("save the file as UTF-8")
}

func errString(l *diag.List, at diag.Span) {
	l.Errorf("unterminated-string", at, "this string has no closing quote").WithHelp("close it with `\"` on the same line")
}

func errOpenBrace(l *diag.List, at diag.Span) {
	l.Errorf("unbalanced", at, "this `{` is not closed").WithHelp("add the missing `}`")
}

func errCloseBrace(l *diag.List, at diag.Span) {
	l.Errorf("unbalanced", at, "this `}` closes nothing").WithHelp("take it away, or add the missing `{`")
}

// instead says what the language writes for a character that it does not use.
var instead = map[rune]string{
	'&': "write `and`",
	'|': "write `or`",
	'!': "write `not`",
	'’': "a derivative is written with the plain quote: `x'`",
	'′': "a derivative is written with the plain quote: `x'`",
	'`': "a derivative is written with the plain quote: `x'`",
	'“': "strings stand between plain double quotes",
	'”': "strings stand between plain double quotes",
	'−': "write `-`",
	'–': "write `-`",
	'×': "write `*`",
	'·': "write `*`",
	'⋅': "write `*`",
	'÷': "write `/`",
	'√': "write `sqrt(x)`",
	'≤': "write `<=`",
	'≥': "write `>=`",
	'≠': "write `!=`",
	'→': "write `->`",
	'∞': "write `inf`",
	'…': "a range is written `0..n`",
	'²': "write `^2`",
	'³': "write `^3`",
	'°': "write `deg`, or `K` for temperatures",
	'?': "a choice is written `if c then a else b`",
	'$': "names start with a letter or `_`",
}

func errCharacter(l *diag.List, at diag.Span, text string) {
	first := []rune(text)[0]
	switch {
	case unicode.IsSpace(first) || !unicode.IsGraphic(first):
		d := l.Errorf("bad-character", at, "the character U+%04X is not used in the language", first)
		if unicode.IsSpace(first) {
			d.WithHelp("write an ordinary blank")
		}
	case unicode.IsMark(first):
		l.Errorf("bad-character", at, "the accent U+%04X stands apart from its letter", first).
			WithHelp("names have letters, digits and `_`; accents only where Unicode has one letter with the accent")
	default:
		d := l.Errorf("bad-character", at, "`%s` is not used in the language", text)
		if help, ok := instead[first]; ok {
			d.WithHelp("%s", help)
		}
	}
}

func errReserved(l *diag.List, at diag.Span, word string) {
	if reservedInExpr[word] {
		l.Errorf("reserved-word", at, "`%s` is a word of the language and cannot be a name", word).WithHelp("choose another name")
		return
	}
	l.Errorf("reserved-word", at, "`%s` is reserved and not supported yet", word).
		WithHelp("declarations of spatial fields and physics-informed training will begin with it")
}

// errDeclaration reports a piece that starts like no declaration.
func errDeclaration(l *diag.List, at diag.Span, piece []lexer.Token, kinds map[string]production, inside bool) {
	word := piece[0].Value
	second := ""
	if len(piece) > 1 {
		second = piece[1].Value
	}
	if piece[0].Type != tokIdent {
		d := l.Errorf("unknown-declaration", at, "no declaration starts with `%s`", word)
		if binding[word] > 0 && len(word) <= 2 {
			d.WithHelp("a statement goes on after an operator: put `%s` at the end of the line before", word)
		}
		return
	}
	names := slices.Sorted(maps.Keys(kinds))
	d := l.Errorf("unknown-declaration", at, "no declaration starts with `%s`", word)
	switch near, ok := diag.Nearest(word, names); {
	case !inside && inModel[word] != nil:
		d.WithHelp("`%s` belongs inside a `model` block", word)
	case inside && topLevel[word] != nil:
		d.WithHelp("`%s` stands outside of the model", word)
	case inside && len(piece) > 1 && piece[1].Type == tokPrime:
		d.WithHelp("an equation is written `%s' = …`", word)
	case inside && second == ":=":
		d.WithHelp("`:=` belongs inside an event; an equation is written `%s' = …`", word)
	case inside && second == "=":
		d.WithHelp("name a quantity with `let %s = …`; a state's equation is `%s' = …`", word, word)
	case ok:
		d.WithHelp("did you mean `%s`?", near)
	default:
		d.WithHelp("a declaration starts with one of: %s", strings.Join(names, ", "))
	}
}

// syntaxError is a mistake found while reading a piece. It satisfies the
// parser library's interface of errors with a position.
type syntaxError struct {
	pos       lexer.Position
	msg, help string
}

func (e *syntaxError) Error() string            { return e.msg }
func (e *syntaxError) Message() string          { return e.msg }
func (e *syntaxError) Position() lexer.Position { return e.pos }

func errAt(t *lexer.Token, format string, args ...any) *syntaxError {
	return &syntaxError{pos: t.Pos, msg: fmt.Sprintf(format, args...)}
}

func (e *syntaxError) withHelp(format string, args ...any) *syntaxError {
	e.help = fmt.Sprintf(format, args...)
	return e
}

// found says what stands there instead of what could.
func found(t lexer.Token, want string) string {
	if want == "" {
		return "found " + describe(t)
	}
	return "found " + describe(t) + ", expected " + want
}

func describe(t lexer.Token) string {
	switch {
	case t.EOF():
		return "the end of the statement"
	case t.Value == ";":
		return "the end of the line"
	case t.Type == tokString:
		return "a string"
	}
	return "`" + t.Value + "`"
}

// argumentNames are names of arguments of distributions, as other programs write them.
var argumentNames = map[string]bool{"sd": true, "std": true, "sigma": true, "scale": true, "mean": true, "mu": true, "loc": true, "nu": true}

// hint is the help for two tokens that do not stand side by side, where want is
// what the message expects; "" for none.
func hint(first, prev, t lexer.Token, want string) string {
	factor := t.Type == tokIdent || t.Type == tokNumber || t.Value == "("
	product := factor && !clauseWords[t.Value] && !strings.ContainsAny(want, ",;")
	switch {
	case first.Value == "observe" && t.Value == "~":
		return "what is predicted stands before the distribution: `observe y = x ~ normal(0.1)`"
	case argumentNames[prev.Value] && (t.Type == tokNumber || t.Value == "="):
		return "arguments are told by their order, and have no names: `normal(0.1)`"
	case product && prev.Type == tokNumber && t.Type == tokIdent:
		return fmt.Sprintf("a product needs its sign, `%s*%s`; a unit its brackets, `%[1]s [%[2]s]`", prev.Value, t.Value)
	case product && (prev.Type == tokNumber || prev.Value == ")"):
		return "a product needs its sign, `*`"
	case prev.Value == "*" && t.Value == "*":
		return "a power is written `^`"
	case prev.Type == tokNumber && t.Value == ".":
		return fmt.Sprintf("a decimal point needs a digit behind it: `%s.0`", prev.Value)
	case t.Value == "=":
		return "a comparison is written `==`"
	}
	return ""
}
