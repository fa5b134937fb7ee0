package dsl

import (
	"cmp"
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// Parse reads a model file. The diagnostics hold the syntax errors of the
// whole file; a declaration with one is left out of the file, the others are
// there. The file is never nil.
func Parse(src *diag.Source) (*File, *diag.List) {
	diags := &diag.List{}
	l := lex(src, diags)
	p := &parser{lexed: l, diags: diags, docs: docs(l)}
	f := &File{Source: src, Comments: l.comments}
	f.Decls = p.block(balance(l, diags), topLevel, 0)
	diags.Sort()
	truncate(diags)
	return f, diags
}

type parser struct {
	*lexed
	diags    *diag.List
	docs     map[int]string // documentation by the offset of what it stands above
	homeless bool           // a declaration outside of a model was reported
}

// production parses one kind of declaration from the tokens of its piece.
type production func(*lexer.PeekingLexer) (Decl, error)

// grammar builds the production of a declaration from the tags of its type,
// on first use: a file uses few kinds.
func grammar[T any, P interface {
	*T
	Decl
}]() production {
	build := sync.OnceValue(func() *participle.Parser[T] {
		return participle.MustBuild[T](
			participle.Lexer(definition{}),
			participle.ParseTypeWith(parseExpr),
			participle.UseLookahead(0),
		)
	})
	return func(lex *lexer.PeekingLexer) (Decl, error) {
		d, err := build().ParseFromLexer(lex)
		return P(d), err
	}
}

// written makes the production of a declaration that reads its tokens itself.
func written[T any, P interface {
	*T
	Decl
	participle.Parseable
}]() production {
	return func(lex *lexer.PeekingLexer) (Decl, error) {
		d := P(new(T))
		if err := d.Parse(lex); err != nil {
			return nil, err
		}
		if t := lex.Peek(); !t.EOF() {
			return nil, &syntaxError{pos: t.Pos, msg: found(*t, "")}
		}
		return d, nil
	}
}

// topLevel and inModel are the declarations by their first word.
var (
	topLevel = map[string]production{
		"model":    grammar[ModelDecl](),
		"data":     grammar[DataDecl](),
		"fit":      grammar[SettingsDecl](),
		"simulate": grammar[SettingsDecl](),
		"grid":     grammar[SettingsDecl](),
		"network":  grammar[SettingsDecl](),
		"unit":     grammar[UnitDecl](),
	}
	inModel = map[string]production{
		"time":       grammar[TimeDecl](),
		"coordinate": grammar[CoordinateDecl](),
		"boundary":   written[BoundaryDecl](),
		"unit":       grammar[UnitDecl](),
		"const":      grammar[ConstDecl](),
		"param":      written[ParamDecl](),
		"covariate":  grammar[CovariateDecl](),
		"draw":       grammar[DrawDecl](),
		"input":      grammar[InputDecl](),
		"state":      written[StateDecl](),
		"augment":    grammar[AugmentDecl](),
		"algebraic":  written[AlgebraicDecl](),
		"start":      grammar[StartDecl](),
		"discrete":   grammar[DiscreteDecl](),
		"let":        grammar[LetDecl](),
		"fn":         grammar[FnDecl](),
		"neural":     grammar[NeuralDecl](),
		"event":      written[EventDecl](),
		"conserve":   grammar[ConserveDecl](),
		"require":    grammar[RequireDecl](),
		"observe":    grammar[ObserveDecl](),
		"loss":       grammar[LossDecl](),
		"use":        grammar[UseDecl](),
		"for":        grammar[ForDecl](),
	}
	equation   = written[EquationDecl]()
	constraint = written[ConstraintDecl]()
)

// reserved words are kept for more than there is of fields.
var reserved = map[string]bool{
	"field": true, "residual": true, "initial": true, "collocate": true, "latent": true,
}

// block splits the tokens into pieces, one a declaration, and parses each.
func (p *parser) block(tokens []lexer.Token, kinds map[string]production, depth int) []Decl {
	var decls []Decl
	for len(tokens) > 0 {
		var piece []lexer.Token
		if piece, tokens = cut(tokens); len(piece) == 0 {
			continue
		}
		if d := p.decl(piece, kinds, depth); d != nil {
			decls = append(decls, d)
		}
	}
	return decls
}

// cut cuts off the first statement with its block. The braces match.
func cut(tokens []lexer.Token) (piece, rest []lexer.Token) {
	depth := 0
	for i, t := range tokens {
		if t.Type != tokOp {
			continue
		}
		switch t.Value {
		case "{":
			depth++
		case "}":
			// A block ends its declaration, unless options go on.
			if depth--; depth == 0 && (i+1 == len(tokens) || tokens[i+1].Value != "then") {
				return tokens[:i+1], tokens[i+1:]
			}
		case ";":
			if depth == 0 {
				return tokens[:i], tokens[i+1:]
			}
		}
	}
	return tokens, nil
}

// decl parses one piece; nil if that was not possible.
func (p *parser) decl(piece []lexer.Token, kinds map[string]production, depth int) Decl {
	first := piece[0]
	if depth > maxBlocks {
		p.errorAt(p.span(first), "blocks nest deeper than %d", maxBlocks)
		return nil
	}
	prod := kinds[first.Value]
	header, body, nested := piece, []lexer.Token(nil), false
	switch {
	case depth > 0 && isEquation(piece):
		prod = equation
	case depth > 0 && isConstraint(piece):
		prod = constraint
	case reserved[first.Value]:
		errReserved(p.diags, p.span(first), first.Value)
		return nil
	case prod == nil:
		p.unknown(piece, kinds, depth > 0)
		return nil
	case first.Value == "model" || first.Value == "for":
		nested = true
		header, body = splitBlock(piece)
	}
	var d Decl
	switch {
	case wrong(header): // reported by the lexer
	case nested && len(header) == len(piece):
		p.errorAt(p.after(piece), "found the end of the statement, expected `{`")
	default:
		d = p.parse(prod, header)
	}
	var decls []Decl
	if nested {
		decls = p.block(body, inModel, depth+1)
	}
	if d == nil {
		return nil
	}
	switch d := d.(type) {
	case *ModelDecl:
		d.Body, d.EndPos = decls, endOf(piece)
	case *ForDecl:
		d.Body, d.EndPos = decls, endOf(piece)
	}
	p.finish(d)
	p.validate(d)
	return d
}

// wrong reports whether one of the tokens was reported by the lexer.
func wrong(tokens []lexer.Token) bool {
	for _, t := range tokens {
		if t.Type == tokOther || t.Type == tokOpenString {
			return true
		}
	}
	return false
}

// unknown reports a piece that starts like no declaration. That declarations
// stand outside of a model is said once.
func (p *parser) unknown(piece []lexer.Token, kinds map[string]production, inside bool) {
	if wrong(piece) {
		return
	}
	if !inside && inModel[piece[0].Value] != nil {
		if p.homeless {
			return
		}
		p.homeless = true
	}
	errDeclaration(p.diags, p.span(piece[0]), piece, kinds, inside)
}

// splitBlock separates the header of a piece from what its braces hold.
func splitBlock(piece []lexer.Token) (header, body []lexer.Token) {
	for i, t := range piece {
		if t.Type == tokOp && t.Value == "{" {
			return piece[:i], piece[i+1 : len(piece)-1]
		}
	}
	return piece, nil
}

func endOf(piece []lexer.Token) lexer.Position {
	return lexer.Position{Offset: end(piece[len(piece)-1])}
}

// isEquation reports whether the piece reads `x' = …`, `x[i]' = …` or
// `left.x' = …`, whatever x is called.
func isEquation(piece []lexer.Token) bool {
	if piece[0].Type != tokIdent {
		return false
	}
	i := 1
	for i+1 < len(piece) && piece[i].Value == "." && piece[i+1].Type == tokIdent {
		i += 2
	}
	primed := func() bool {
		if i < len(piece) && piece[i].Type == tokPrime {
			i++
			return true
		}
		return false
	}
	is := primed()
	if i < len(piece) && piece[i].Value == "[" {
		depth := 0
		for ; i < len(piece); i++ {
			if piece[i].Value == "[" {
				depth++
			} else if piece[i].Value == "]" {
				if depth--; depth == 0 {
					i++
					break
				}
			}
		}
		is = is || primed()
	}
	return is && i < len(piece) && piece[i].Value == "="
}

// isConstraint reports whether the piece reads `0 = …`.
func isConstraint(piece []lexer.Token) bool {
	return len(piece) > 1 && piece[0].Type == tokNumber && piece[0].Value == "0" && piece[1].Value == "="
}

// parse parses the tokens of a piece; nil after an error.
func (p *parser) parse(prod production, piece []lexer.Token) Decl {
	lex, err := lexer.Upgrade(&tokenLexer{tokens: piece, end: endOf(piece)})
	if err == nil {
		var d Decl
		if d, err = prod(lex); err == nil {
			return d
		}
	}
	p.report(err, piece)
	return nil
}

// report turns an error of the parser library into a diagnostic.
func (p *parser) report(err error, piece []lexer.Token) {
	var at participle.Error
	if !errors.As(err, &at) {
		p.errorAt(p.span(piece[0]), "%s", err)
		return
	}
	span, here, prev := p.after(piece), lexer.EOFToken(endOf(piece)), piece[len(piece)-1]
	for i, t := range piece {
		if t.Pos.Offset == at.Position().Offset {
			span, here = p.span(t), t
			if i > 0 {
				prev = piece[i-1]
			}
			break
		}
	}
	msg, help := at.Message(), ""
	var unexpected *participle.UnexpectedTokenError
	var own *syntaxError
	switch {
	case errors.As(err, &own):
		help = own.help
	case errors.As(err, &unexpected):
		msg = found(here, expected(msg))
	}
	d := p.errorAt(span, "%s", msg)
	if help = cmp.Or(help, hint(piece[0], prev, here, msg)); help != "" {
		d.WithHelp("%s", help)
	}
}

// errorAt adds a syntax error.
func (p *parser) errorAt(at diag.Span, format string, args ...any) *diag.Diagnostic {
	return p.diags.Errorf("syntax", at, format, args...)
}

// after is the place behind the last token of a piece.
func (p *parser) after(piece []lexer.Token) diag.Span {
	end := min(endOf(piece).Offset, len(p.src.Text))
	return diag.Span{Src: p.src, Start: end, End: end}
}

// expected takes from a message of the parser library what it expected, and
// names it for people; "" if the message does not say.
func expected(msg string) string {
	_, want, ok := strings.Cut(msg, "(expected ")
	if !ok {
		return ""
	}
	want = strings.TrimLeft(want, "(")
	switch {
	case strings.HasPrefix(want, `"`):
		if word, _, ok := strings.Cut(want[1:], `"`); ok {
			return "`" + word + "`"
		}
	case strings.HasPrefix(want, "<ident>"), strings.HasPrefix(want, "Ident"):
		return "a name"
	case strings.HasPrefix(want, "Expr"):
		return "an expression"
	case strings.HasPrefix(want, "Arg"):
		return "an argument"
	case strings.HasPrefix(want, "Option"):
		return "an option, like `name: value`"
	case strings.HasPrefix(want, "DataItem"):
		return "an item, like `key: column`"
	case strings.HasPrefix(want, "Call"):
		return "a distribution, like `normal(0.1)`"
	}
	return ""
}

// validate reports what the grammar lets pass: reserved words as names, and
// initial values that do not belong to the state.
func (p *parser) validate(d Decl) {
	names := []Ident{}
	if f := reflect.ValueOf(d).Elem().FieldByName("Name"); f.IsValid() {
		names = append(names, f.Interface().(Ident))
	}
	switch d := d.(type) {
	case *UseDecl:
		names = append(names, d.As)
	case *ForDecl:
		names = append(names, d.Var)
	case *FnDecl:
		names = append(names, argNames(d.Args)...)
	case *NeuralDecl:
		names = append(names, argNames(d.Args)...)
	case *EventDecl:
		names = append(names, argNames(d.Args)...)
	case *StateDecl:
		p.stateInits(d)
	}
	for _, n := range names {
		if reservedInExpr[n.Name] {
			errReserved(p.diags, n.Sp, n.Name)
		}
	}
}

func argNames(args []Arg) []Ident {
	names := make([]Ident, len(args))
	for i, a := range args {
		names[i] = a.Name
	}
	return names
}

// stateInits checks `state θ = 0.3, θ' = 0`.
func (p *parser) stateInits(d *StateDecl) {
	given := map[int]diag.Span{}
	for _, in := range d.Inits {
		name := d.Name.Name + strings.Repeat("'", in.Primes)
		if in.Primes > 0 && in.Name != d.Name.Name {
			p.errorAt(in.Sp, "`%s` is not a derivative of `%s`", in.Name+strings.Repeat("'", in.Primes), d.Name.Name).
				WithHelp("write `%s = …`, or declare a state of its own", name)
			continue
		}
		if first, twice := given[in.Primes]; twice {
			d := p.errorAt(in.Sp, "the initial value of `%s` is given twice", name).WithNote(first, "first here")
			if in.Primes == 0 {
				d.WithHelp("a derivative's initial value is written `%s' = …`, a vector's `[a, b]`", name)
			}
			continue
		}
		given[in.Primes] = in.Sp
	}
}
