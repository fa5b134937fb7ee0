package dsl

import (
	"errors"
	"reflect"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/internal/diag"
)

// Parse reads a model file. The diagnostics hold every syntax error; a
// declaration with one is left out of the file, the others are there.
func Parse(src *diag.Source) (*File, *diag.List) {
	diags := &diag.List{}
	tokens, comments := lex(src, diags)
	p := &parser{src: src, diags: diags, comments: comments}
	f := &File{Source: src, Comments: comments}
	f.Decls = p.block(tokens, topLevel, 0)
	diags.Sort()
	return f, diags
}

type parser struct {
	src      *diag.Source
	diags    *diag.List
	comments []Comment
}

// production parses one kind of declaration from the tokens of its piece.
type production func(*lexer.PeekingLexer) (Decl, error)

// grammar builds the production of a declaration from the tags of its type.
// It is built on first use: a file uses few kinds.
func grammar[T any, P interface {
	*T
	Decl
}]() production {
	var built *participle.Parser[T]
	return func(lex *lexer.PeekingLexer) (Decl, error) {
		if built == nil {
			built = participle.MustBuild[T](
				participle.Lexer(definition{}),
				participle.ParseTypeWith(parseExpr),
				participle.Union[Stmt](&Terminate{}, &Zeno{}, &Assign{}),
				participle.UseLookahead(2),
			)
		}
		d, err := built.ParseFromLexer(lex)
		return P(d), err
	}
}

// topLevel and inModel are the declarations by their first word.
var (
	topLevel = map[string]production{
		"model":    grammar[ModelDecl](),
		"data":     grammar[DataDecl](),
		"fit":      grammar[SettingsDecl](),
		"simulate": grammar[SettingsDecl](),
		"unit":     grammar[UnitDecl](),
	}
	inModel = map[string]production{
		"time":      grammar[TimeDecl](),
		"unit":      grammar[UnitDecl](),
		"const":     grammar[ConstDecl](),
		"param":     grammar[ParamDecl](),
		"covariate": grammar[CovariateDecl](),
		"input":     grammar[InputDecl](),
		"state":     grammar[StateDecl](),
		"augment":   grammar[AugmentDecl](),
		"discrete":  grammar[DiscreteDecl](),
		"let":       grammar[LetDecl](),
		"fn":        grammar[FnDecl](),
		"neural":    grammar[NeuralDecl](),
		"event":     grammar[EventDecl](),
		"conserve":  grammar[ConserveDecl](),
		"require":   grammar[RequireDecl](),
		"observe":   grammar[ObserveDecl](),
		"loss":      grammar[LossDecl](),
		"use":       grammar[UseDecl](),
		"for":       grammar[ForDecl](),
	}
	equation = grammar[EquationDecl]()
)

// reserved words are kept for spatial fields and physics-informed training.
var reserved = map[string]bool{
	"field": true, "grid": true, "residual": true, "initial": true, "boundary": true,
	"collocate": true, "latent": true, "algebraic": true, "steady": true,
}

// block splits the tokens into pieces, one a declaration, and parses each.
func (p *parser) block(tokens []lexer.Token, kinds map[string]production, depth int) []Decl {
	var decls []Decl
	for len(tokens) > 0 {
		if tokens[0].Value == ";" {
			tokens = tokens[1:]
			continue
		}
		var piece []lexer.Token
		piece, tokens = p.piece(tokens)
		if d := p.decl(piece, kinds, depth); d != nil {
			decls = append(decls, d)
		}
	}
	return decls
}

// piece cuts off the first statement with its block.
func (p *parser) piece(tokens []lexer.Token) (piece, rest []lexer.Token) {
	depth := 0
	for i, t := range tokens {
		if t.Type != tokOp {
			continue
		}
		switch t.Value {
		case "{":
			depth++
		case "}":
			if depth--; depth < 0 {
				errSyntax(p.diags, tokenSpan(p.src, t), "`}` closes nothing")
				return tokens[:i], tokens[i+1:]
			}
			// A block ends its declaration, unless options go on (`then`).
			if depth == 0 && (i+1 == len(tokens) || !continuesBlock(tokens[i+1])) {
				return tokens[:i+1], tokens[i+1:]
			}
		case ";":
			if depth == 0 {
				return tokens[:i], tokens[i+1:]
			}
		}
	}
	if depth > 0 {
		for i := len(tokens) - 1; i >= 0; i-- {
			if tokens[i].Value == "{" && tokens[i].Type == tokOp {
				if depth--; depth == 0 {
					errSyntax(p.diags, tokenSpan(p.src, tokens[i]), "this `{` is not closed").WithHelp("add the missing `}`")
				}
			}
		}
		return nil, nil
	}
	return tokens, nil
}

func continuesBlock(t lexer.Token) bool { return t.Type == tokIdent && t.Value == "then" }

// decl parses one piece.
func (p *parser) decl(piece []lexer.Token, kinds map[string]production, depth int) Decl {
	if len(piece) == 0 {
		return nil
	}
	first := piece[0]
	span := tokenSpan(p.src, first)
	if depth > 8 {
		errSyntax(p.diags, span, "blocks nest deeper than 8")
		return nil
	}
	prod := kinds[first.Value]
	isEquation := p.isEquation(piece)
	switch {
	case isEquation && depth > 0:
		prod = equation
	case reserved[first.Value]:
		errReserved(p.diags, span, first.Value)
		return nil
	case prod == nil || first.Type != tokIdent:
		errDeclaration(p.diags, span, first.Value, kinds, depth)
		return nil
	}
	var body []lexer.Token
	header := piece
	if !isEquation && (first.Value == "model" || first.Value == "for") {
		open := -1
		for i, t := range piece {
			if t.Value == "{" && t.Type == tokOp {
				open = i
				break
			}
		}
		if open < 0 {
			errSyntax(p.diags, span, "a `"+first.Value+"` needs a block in braces")
			return nil
		}
		header, body = piece[:open], piece[open+1:len(piece)-1]
	}
	d, err := p.parse(prod, header)
	if err != nil {
		p.report(err, piece)
		return nil
	}
	switch d := d.(type) {
	case *ModelDecl:
		d.Body = p.block(body, inModel, depth+1)
		d.EndPos = endOf(piece)
	case *ForDecl:
		d.Body = p.block(body, inModel, depth+1)
		d.EndPos = endOf(piece)
	}
	p.finish(reflect.ValueOf(d).Elem(), span.Start)
	p.checkNames(d)
	return d
}

func endOf(piece []lexer.Token) lexer.Position {
	last := piece[len(piece)-1]
	return lexer.Position{Offset: last.Pos.Offset + len(last.Value)}
}

// isEquation reports whether the piece reads `x' = …`, whatever x is called:
// a prime before the first `=`.
func (p *parser) isEquation(piece []lexer.Token) bool {
	if piece[0].Type != tokIdent {
		return false
	}
	depth := 0
	for i, t := range piece {
		switch {
		case t.Type == tokPrime && depth == 0:
			return i+1 < len(piece) && piece[i+1].Value == "=" && (i == 1 || piece[i-1].Value == "]" || piece[1].Value == ".")
		case t.Value == "[":
			depth++
		case t.Value == "]":
			depth--
		case t.Value == "=" || t.Value == "{" || t.Value == ":":
			return false
		}
	}
	return false
}

func (p *parser) parse(prod production, tokens []lexer.Token) (Decl, error) {
	lex, err := lexer.Upgrade(&tokenLexer{tokens: tokens, end: endOf(tokens)})
	if err != nil {
		return nil, err
	}
	return prod(lex)
}

// report turns an error of the parser library into a diagnostic.
func (p *parser) report(err error, piece []lexer.Token) {
	var pe participle.Error
	if !errors.As(err, &pe) {
		errSyntax(p.diags, tokenSpan(p.src, piece[0]), err.Error())
		return
	}
	off := pe.Position().Offset
	span := diag.Span{Src: p.src, Start: off, End: min(off+1, len(p.src.Text))}
	var found lexer.Token
	for _, t := range piece {
		if t.Pos.Offset == off {
			span, found = tokenSpan(p.src, t), t
		}
	}
	if found.Type == 0 { // past the last token: point at it
		span = tokenSpan(p.src, piece[len(piece)-1])
	}
	var ue *participle.UnexpectedTokenError
	if errors.As(err, &ue) {
		msg := "unexpected " + describe(ue.Unexpected)
		if ue.Unexpected.EOF() {
			msg = "the statement ends too early"
		}
		d := errSyntax(p.diags, span, msg)
		if i := strings.Index(pe.Message(), "(expected "); i >= 0 {
			want := strings.TrimSuffix(pe.Message()[i+len("(expected "):], ")")
			d.WithNote(span, "expected %s", plain(want))
		}
		return
	}
	errSyntax(p.diags, span, pe.Message())
}

// plain rewrites the library's notation of what it expected for people.
func plain(want string) string {
	if i := strings.IndexByte(want, ' '); i > 0 && !strings.HasPrefix(want, `"`) {
		want = want[:i]
	} else if strings.HasPrefix(want, `"`) {
		if j := strings.IndexByte(want[1:], '"'); j >= 0 {
			return "`" + want[1:j+1] + "`"
		}
	}
	switch strings.Trim(want, "<>") {
	case "ident", "Ident":
		return "a name"
	case "Expr", "expr":
		return "an expression"
	case "Stmt":
		return "an assignment"
	}
	return strings.ToLower(strings.Trim(want, "<>"))
}

var (
	atType  = reflect.TypeOf(At{})
	docType = reflect.TypeOf(Documented{})
)

// finish sets the spans of everything in v, and the documentation of the
// declaration that starts at start.
func (p *parser) finish(v reflect.Value, start int) {
	p.spans(v)
	if f := v.FieldByName("Documented"); f.IsValid() && f.Type() == docType {
		f.Field(0).SetString(p.doc(start))
	}
}

// spans walks the tree below v.
func (p *parser) spans(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			p.spans(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			p.spans(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == atType {
			a := v.Addr().Interface().(*At)
			if a.Sp.Src == nil && a.EndPos.Offset > 0 {
				a.Sp = diag.Span{Src: p.src, Start: a.Pos.Offset, End: max(a.Pos.Offset, p.trim(a.EndPos.Offset))}
			}
			return
		}
		if b, ok := v.Addr().Interface().(*Binary); ok {
			b.OpSp.Src = p.src
		}
		for i := range v.NumField() {
			switch v.Field(i).Kind() {
			case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Struct:
				if v.Type().Field(i).Type != reflect.TypeOf(diag.Span{}) && v.Type().Field(i).Type != reflect.TypeOf(lexer.Position{}) {
					p.spans(v.Field(i))
				}
			}
		}
	}
}

// trim moves the end of a node, which the library puts at the next token,
// back over the space and comments between.
func (p *parser) trim(end int) int {
	text := p.src.Text
	end = min(end, len(text))
	for {
		for end > 0 && strings.IndexByte(" \t\r\n;", text[end-1]) >= 0 {
			end--
		}
		before := end
		for i := len(p.comments) - 1; i >= 0; i-- {
			c := p.comments[i]
			if c.Span.End >= end && c.Span.Start < end {
				end = c.Span.Start
			}
		}
		if end == before {
			return end
		}
	}
}

// doc collects the ## comments on the lines right above the offset.
func (p *parser) doc(start int) string {
	var lines []string
	line, _ := lineOf(p.src, start)
	for i := len(p.comments) - 1; i >= 0; i-- {
		c := p.comments[i]
		if c.Span.Start >= start {
			continue
		}
		l, own := lineOf(p.src, c.Span.Start)
		if !c.Doc || l != line-1 || !own {
			if l < line-1 || c.Doc {
				break
			}
			continue
		}
		line = l
		lines = append([]string{strings.TrimPrefix(strings.TrimPrefix(c.Text, "##"), " ")}, lines...)
	}
	return strings.Join(lines, "\n")
}

// lineOf is the number of the line of an offset, and whether nothing stands
// before it there.
func lineOf(src *diag.Source, off int) (line int, own bool) {
	before := src.Text[:off]
	i := strings.LastIndexByte(before, '\n')
	return strings.Count(before, "\n") + 1, strings.TrimSpace(before[i+1:]) == ""
}

// checkNames refuses reserved words as names.
func (p *parser) checkNames(d Decl) {
	f := reflect.ValueOf(d).Elem().FieldByName("Name")
	if !f.IsValid() {
		return
	}
	if n, ok := f.Interface().(Ident); ok && reserved[n.Name] {
		errReserved(p.diags, n.Sp, n.Name)
	}
}
