package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// balance reports braces without a partner and mends the tokens, so that the
// other declarations are still found. Where braces do not match, the
// layout tells which one is missing. A closing brace further to the left than
// the line of the last open brace belongs to an outer block; a line that starts
// a declaration ends a block that holds none; and a line without indentation
// that starts a top-level declaration ends all.
func balance(l *lexed, diags *diag.List) []lexer.Token {
	if balanced(l.tokens) {
		return l.tokens
	}
	var (
		out   []lexer.Token
		open  []brace
		word  string // first of the statement
		lines = lines{text: l.src.Text}
	)
	closeLast := func() {
		last := open[len(open)-1]
		open = open[:len(open)-1]
		errOpenBrace(diags, l.span(last.token))
		partner := lexer.Token{Type: tokOp, Value: "}"}
		partner.Pos.Offset = end(out[len(out)-1])
		out = append(out, partner)
	}
	for i, t := range l.tokens {
		indent, first := lines.at(t.Pos.Offset)
		if len(out) == 0 || ends(out[len(out)-1]) {
			word = t.Value
		}
		switch rest := l.tokens[i:]; {
		case t.Type == tokOp && t.Value == "{":
			open = append(open, brace{t, indent, word == "model" || word == "for"})
		case t.Type == tokOp && t.Value == "}":
			for first && len(open) > 1 && open[len(open)-1].indent > indent {
				closeLast()
			}
			if len(open) == 0 {
				errCloseBrace(diags, l.span(t))
				continue
			}
			open = open[:len(open)-1]
		case first && indent == 0 && topLevel[t.Value] != nil && i+1 < len(l.tokens) && l.tokens[i+1].Value != ":":
			for len(open) > 0 {
				closeLast()
			}
		case first && (startsDeclaration(rest) || startsEquation(rest)):
			for len(open) > 0 && !open[len(open)-1].decls {
				closeLast()
			}
		}
		out = append(out, t)
	}
	for len(open) > 0 {
		closeLast()
	}
	return out
}

func balanced(tokens []lexer.Token) bool {
	depth := 0
	for _, t := range tokens {
		if t.Type != tokOp {
			continue
		}
		switch t.Value {
		case "{":
			depth++
		case "}":
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// brace is an open brace.
type brace struct {
	token  lexer.Token
	indent int  // of its line
	decls  bool // declarations stand in the block
}

// ends reports whether a statement ends with the token.
func ends(t lexer.Token) bool {
	return t.Type == tokOp && (t.Value == ";" || t.Value == "{" || t.Value == "}")
}

// lines walks through the lines of a text.
type lines struct {
	text          string
	start, indent int // of the line that was asked for last
	walked        int
}

// at returns how far the line of an offset is indented, and whether the offset
// is the first thing in it. The offsets come in order.
func (l *lines) at(off int) (indent int, first bool) {
	if i := strings.LastIndexByte(l.text[l.walked:off], '\n'); i >= 0 || l.walked == 0 {
		l.start = l.walked + i + 1
		rest := l.text[l.start:]
		l.indent = len(rest) - len(strings.TrimLeft(rest, " \t"))
	}
	l.walked = off
	return l.indent, off == l.start+l.indent
}
