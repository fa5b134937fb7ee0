package dsl

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/internal/diag"
)

// rules are the tokens of the language. `0..n` is a number, two dots and a
// name, so that a number's fraction needs a digit.
var rules = lexer.MustSimple([]lexer.SimpleRule{
	{Name: "Comment", Pattern: `#[^\n]*`},
	{Name: "String", Pattern: `"(\\.|[^"\\\n])*"`},
	{Name: "Number", Pattern: `([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?`},
	{Name: "Ident", Pattern: `[\p{L}_][\p{L}\p{N}_]*`},
	{Name: "Prime", Pattern: `'+`},
	{Name: "Op", Pattern: `\.\.|:=|->|<=|>=|==|!=|[-+*/^@<>=~|:,;.(){}\[\]%]`},
	{Name: "Newline", Pattern: `\n`},
	{Name: "Space", Pattern: `[ \t\r]+`},
	{Name: "Other", Pattern: `.`},
})

var (
	tokComment = rules.Symbols()["Comment"]
	tokString  = rules.Symbols()["String"]
	tokNumber  = rules.Symbols()["Number"]
	tokIdent   = rules.Symbols()["Ident"]
	tokPrime   = rules.Symbols()["Prime"]
	tokOp      = rules.Symbols()["Op"]
	tokNewline = rules.Symbols()["Newline"]
	tokSpace   = rules.Symbols()["Space"]
	tokOther   = rules.Symbols()["Other"]
)

// maxSource is the size of the largest file that is read.
const maxSource = 16 << 20

// lex cuts the source into tokens. Comments are set aside, spaces dropped,
// and a newline that ends a statement becomes a semicolon.
func lex(src *diag.Source, diags *diag.List) (tokens []lexer.Token, comments []Comment) {
	if len(src.Text) > maxSource {
		errTooLarge(diags, src)
		return nil, nil
	}
	if i := invalidUTF8(src.Text); i >= 0 {
		errEncoding(diags, diag.Span{Src: src, Start: i, End: i + 1})
		return nil, nil
	}
	l, err := rules.LexString(src.Name, src.Text)
	if err != nil {
		errSyntax(diags, diag.Span{Src: src}, err.Error())
		return nil, nil
	}
	var raw []lexer.Token
	for {
		t, err := l.Next()
		if err != nil {
			errSyntax(diags, diag.Span{Src: src, Start: len(src.Text), End: len(src.Text)}, err.Error())
			return nil, nil
		}
		if t.EOF() {
			break
		}
		span := tokenSpan(src, t)
		switch t.Type {
		case tokSpace:
		case tokComment:
			comments = append(comments, Comment{Span: span, Text: strings.TrimRight(t.Value, " \t\r"), Doc: strings.HasPrefix(t.Value, "##")})
		case tokOther:
			if t.Value == `"` {
				errString(diags, span)
			} else {
				errCharacter(diags, span, t.Value)
			}
		default:
			raw = append(raw, t)
		}
	}
	return statements(raw), comments
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

func tokenSpan(src *diag.Source, t lexer.Token) diag.Span {
	return diag.Span{Src: src, Start: t.Pos.Offset, End: t.Pos.Offset + len(t.Value)}
}

// statements turns newlines into semicolons where they end a statement: not
// inside parentheses or brackets, not behind an operator or comma, and not
// before a word that goes on with the statement.
func statements(raw []lexer.Token) []lexer.Token {
	out := make([]lexer.Token, 0, len(raw))
	depth := 0 // of ( and [
	for i, t := range raw {
		if t.Type != tokNewline {
			switch t.Value {
			case "(", "[":
				depth++
			case ")", "]":
				depth = max(depth-1, 0)
			case "{", "}":
				depth = 0
			}
			out = append(out, t)
			continue
		}
		if depth > 0 || len(out) == 0 || continues(out[len(out)-1]) {
			continue
		}
		next := i + 1
		for next < len(raw) && raw[next].Type == tokNewline {
			next++
		}
		if next < len(raw) {
			switch raw[next].Value {
			case "{", "then", "else", "and", "or":
				continue
			}
		}
		t.Type, t.Value = tokOp, ";"
		out = append(out, t)
	}
	return out
}

// continues reports whether a statement cannot end with the token.
func continues(t lexer.Token) bool {
	switch t.Value {
	case "+", "-", "*", "/", "^", "@", "<", "<=", ">", ">=", "==", "!=", "=", ":=", "->", "~", ",", ":", ".", "..", "|", "(", "[",
		"and", "or", "not", "then", "else", "if":
		return true
	}
	return false
}

// tokenLexer serves tokens that are already there.
type tokenLexer struct {
	tokens []lexer.Token
	end    lexer.Position
}

func (l *tokenLexer) Next() (lexer.Token, error) {
	if len(l.tokens) == 0 {
		return lexer.EOFToken(l.end), nil
	}
	t := l.tokens[0]
	l.tokens = l.tokens[1:]
	return t, nil
}

// definition lets the parsers know the names of the tokens; they never lex.
type definition struct{}

func (definition) Symbols() map[string]lexer.TokenType { return rules.Symbols() }
func (definition) Lex(string, io.Reader) (lexer.Lexer, error) {
	return nil, fmt.Errorf("tokens are lexed once for the whole file")
}
