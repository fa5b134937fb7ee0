package dsl

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// rules are the tokens of the language. A number's fraction needs a digit, so
// that `0..n` is a number, two dots and a name. Subscript digits may stand in
// names; superscripts may not, for v² reads as a power.
var rules = lexer.MustSimple([]lexer.SimpleRule{
	{Name: "Space", Pattern: `[ \t\r]+`},
	{Name: "Ident", Pattern: `[\p{L}_][\p{L}\p{Nd}_₀-₉]*`},
	{Name: "Number", Pattern: `([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?`},
	{Name: "Op", Pattern: `\.\.|:=|\+=|-=|->|<=|>=|==|!=|[-+*/^@<>=~:,;.(){}\[\]%]`},
	{Name: "Prime", Pattern: `'+`},
	{Name: "Comment", Pattern: `#[^\n]*`},
	{Name: "String", Pattern: `"(\\.|[^"\\\n])*"`},
	{Name: "OpenString", Pattern: `"[^\s"]*`}, // up to the blank, so that a brace behind it counts
	{Name: "Newline", Pattern: `\n`},
	{Name: "Other", Pattern: `.`},
})

var (
	tokComment    = rules.Symbols()["Comment"]
	tokString     = rules.Symbols()["String"]
	tokOpenString = rules.Symbols()["OpenString"]
	tokNumber     = rules.Symbols()["Number"]
	tokIdent      = rules.Symbols()["Ident"]
	tokPrime      = rules.Symbols()["Prime"]
	tokOp         = rules.Symbols()["Op"]
	tokNewline    = rules.Symbols()["Newline"]
	tokSpace      = rules.Symbols()["Space"]
	tokOther      = rules.Symbols()["Other"]
)

const (
	maxSource     = 4 << 20  // bytes of the largest file that is read
	byteOrderMark = "\ufeff" // some editors put it at the start of a file
)

// lexed are the tokens of a file.
type lexed struct {
	src      *diag.Source
	tokens   []lexer.Token // newlines that end a statement are semicolons
	comments []Comment
	ends     []int // offsets of the ends of all tokens, in order
}

// lex cuts the source into tokens. Comments are set aside and spaces dropped.
// A token that is reported as wrong stays, so that the parser leaves out the
// declaration around it without a second message.
func lex(src *diag.Source, diags *diag.List) *lexed {
	out := &lexed{src: src}
	if !readable(src, diags) {
		return out
	}
	raw, err := out.scan()
	if err != nil {
		errLexer(diags, src, err)
		return out
	}
	for _, t := range raw {
		switch t.Type {
		case tokNewline:
			continue
		case tokOther:
			if len(diags.All) > maxErrors { // the rest is not shown
				break
			}
			errCharacter(diags, out.span(t), t.Value)
		case tokOpenString:
			errString(diags, out.span(t))
		}
		out.ends = append(out.ends, end(t))
	}
	out.tokens = statements(raw)
	return out
}

// scan returns all tokens but the spaces and the comments. It takes the text
// line by line, for no token is longer and the time of matching one grows with
// the length of the text behind it.
func (l *lexed) scan() (raw []lexer.Token, err error) {
	raw = make([]lexer.Token, 0, len(l.src.Text)/8)
	for start := 0; start < len(l.src.Text); {
		line := l.src.Text[start:]
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		if raw, err = l.scanLine(raw, line, start); err != nil {
			return nil, err
		}
		start += len(line)
	}
	return raw, nil
}

// scanLine appends the tokens of one line that starts at an offset.
func (l *lexed) scanLine(raw []lexer.Token, line string, start int) ([]lexer.Token, error) {
	tokens, err := rules.LexString("", line)
	if err != nil {
		return nil, err
	}
	for {
		t, err := tokens.Next()
		if err != nil || t.EOF() {
			return raw, err
		}
		t.Pos.Offset += start
		switch t.Type {
		case tokSpace:
			continue
		case tokComment:
			l.comments = append(l.comments, Comment{Span: l.span(t), Text: strings.TrimRight(t.Value, " \t\r"), Doc: strings.HasPrefix(t.Value, "##")})
			continue
		case tokOther:
			if t.Value == byteOrderMark && t.Pos.Offset == 0 {
				continue
			}
			// Characters in a row are one mistake.
			if n := len(raw) - 1; n >= 0 && raw[n].Type == tokOther && end(raw[n]) == t.Pos.Offset {
				raw[n].Value += t.Value
				continue
			}
		}
		raw = append(raw, t)
	}
}

// readable reports whether the source is a text of a sane size.
func readable(src *diag.Source, diags *diag.List) bool {
	if len(src.Text) > maxSource {
		errTooLarge(diags, src)
		return false
	}
	if i := strings.IndexByte(src.Text, 0); i >= 0 {
		errBinary(diags, diag.Span{Src: src, Start: i, End: i + 1})
		return false
	}
	if i := invalidUTF8(src.Text); i >= 0 {
		errEncoding(diags, diag.Span{Src: src, Start: i, End: i + 1})
		return false
	}
	return true
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func end(t lexer.Token) int { return t.Pos.Offset + len(t.Value) }

func (l *lexed) span(t lexer.Token) diag.Span {
	return diag.Span{Src: l.src, Start: t.Pos.Offset, End: min(end(t), len(l.src.Text))}
}

// endBefore returns the end of the last token that starts before the offset:
// the parser library puts the end of a node where the next token starts.
func (l *lexed) endBefore(off int) int {
	i := sort.SearchInts(l.ends, off)
	if i < len(l.ends) && l.ends[i] == off {
		return off
	}
	if i == 0 {
		return off
	}
	return l.ends[i-1]
}

// statements turns newlines into semicolons where they end a statement: not
// inside parentheses or brackets, not behind an operator or comma, and not
// before a word that goes on with the statement. Where declarations stand, a
// line that can only be a new one ends the statement in any case, so that a
// forgotten bracket does not swallow what follows.
func statements(raw []lexer.Token) []lexer.Token {
	out := make([]lexer.Token, 0, len(raw))
	var (
		depth  int    // of ( and [
		blocks []bool // of the open braces: whether declarations stand in them
		first  string // token of the statement
	)
	for i, t := range raw {
		if t.Type != tokNewline {
			out = append(out, t)
			if first == "" {
				first = t.Value
			}
			if t.Type != tokOp {
				continue
			}
			switch t.Value {
			case "(", "[":
				depth++
			case ")", "]":
				depth = max(depth-1, 0)
			case "{":
				blocks = append(blocks, first == "model" || first == "for")
				depth, first = 0, ""
			case "}":
				blocks = blocks[:max(len(blocks)-1, 0)]
				depth, first = 0, ""
			case ";":
				first = ""
			}
			continue
		}
		if len(out) == 0 || i+1 < len(raw) && raw[i+1].Type == tokNewline {
			continue
		}
		next, last := raw[i+1:], out[len(out)-1]
		declares := (len(blocks) == 0 || blocks[len(blocks)-1]) && (startsDeclaration(next) || depth > 0 && startsEquation(next))
		if !declares && (depth > 0 || continues(last) || goesOn(next)) {
			continue
		}
		depth, first = 0, ""
		t.Type, t.Value = tokOp, ";"
		out = append(out, t)
	}
	return out
}

// continues reports whether a statement cannot end with the token.
func continues(t lexer.Token) bool {
	switch t.Value {
	case "+", "-", "*", "/", "^", "@", "<", "<=", ">", ">=", "==", "!=", "=", ":=", "+=", "-=", "->", "~", ",", ":", ".", "..",
		"and", "or", "not", "then", "else", "if":
		return true
	}
	return false
}

// goesOn reports whether a line that starts with the tokens goes on with the
// statement before it.
func goesOn(next []lexer.Token) bool {
	if len(next) == 0 {
		return false
	}
	switch next[0].Value {
	case "{", "then", "else", "and", "or":
		return true
	}
	return false
}

// startsDeclaration reports whether a line that starts with the tokens is a
// declaration and nothing else: a keyword and a name, which never stand side by
// side in an expression.
func startsDeclaration(next []lexer.Token) bool {
	if len(next) < 2 || next[0].Type != tokIdent || next[1].Type != tokIdent {
		return false
	}
	_, top := topLevel[next[0].Value]
	_, inside := inModel[next[0].Value]
	return (top || inside) && !reservedInExpr[next[1].Value] && !clauseWords[next[1].Value]
}

// startsEquation reports whether a line starts like `x' =`, which never stands
// in brackets.
func startsEquation(next []lexer.Token) bool {
	return len(next) > 2 && next[0].Type == tokIdent && next[1].Type == tokPrime && next[2].Value == "="
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
