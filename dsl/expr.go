package dsl

import (
	"slices"
	"strconv"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// The productions below read tokens directly, expressions by precedence
// climbing; the grammar in the tags of the syntax tree calls them.

// binding is how strongly a binary operator binds.
var binding = map[string]int{
	"or": 1, "and": 2,
	"<": bindCompare, "<=": bindCompare, ">": bindCompare, ">=": bindCompare, "==": bindCompare, "!=": bindCompare,
	"+": bindSum, "-": bindSum,
	"*": bindProduct, "/": bindProduct, "@": bindProduct,
	"^": bindPower,
}

const (
	bindNot     = 3
	bindCompare = 4
	bindSum     = 5
	bindProduct = 6
	bindMinus   = 7
	bindPower   = 8
	bindPostfix = 9
)

// The tree is walked by recursion: these bound its depth.
const (
	maxNesting = 200  // of brackets, prefix operators and branches
	maxChain   = 5000 // of operators or indices in a row
	maxBlocks  = 8    // of declarations in declarations
)

// reservedInExpr are the words of expressions; no name can be one of them.
var reservedInExpr = map[string]bool{
	"if": true, "then": true, "else": true, "and": true, "or": true, "not": true, "in": true, "true": true, "false": true,
}

// reader reads the tokens of one piece.
type reader struct {
	*lexer.PeekingLexer
	depth int
}

// is reports whether the next token is one of the words or operators.
func (r *reader) is(values ...string) bool {
	t := r.Peek()
	if t.Type == tokString || t.EOF() {
		return false
	}
	for _, v := range values {
		if t.Value == v {
			return true
		}
	}
	return false
}

func (r *reader) take(value string) bool {
	if r.is(value) {
		r.Next()
		return true
	}
	return false
}

func (r *reader) expect(value string) (*lexer.Token, error) {
	if !r.is(value) {
		return nil, r.unexpected("`" + value + "`")
	}
	return r.Next(), nil
}

func (r *reader) unexpected(want string) error {
	t := r.Peek()
	return &syntaxError{pos: t.Pos, msg: found(*t, want)}
}

// enter goes one level down, which every call must leave again.
func (r *reader) enter() error {
	if r.depth++; r.depth > maxNesting {
		return errAt(r.Peek(), "the expression nests deeper than %d", maxNesting).withHelp("name its parts with `let`")
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

// at is the place from one token to another.
func at(from, to *lexer.Token) At {
	return At{Pos: from.Pos, EndPos: lexer.Position{Offset: end(*to)}}
}

func join(from, to Node) At {
	return At{Pos: placeOf(from).Pos, EndPos: placeOf(to).EndPos}
}

func placeOf(n Node) *At { return n.(interface{ place() *At }).place() }

func parseExpr(lex *lexer.PeekingLexer) (Expr, error) {
	return (&reader{PeekingLexer: lex}).expr(0)
}

// expr reads an expression of operators that bind more strongly than min.
func (r *reader) expr(min int) (Expr, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	x, err := r.unary()
	if err != nil {
		return nil, err
	}
	for chain := 0; ; chain++ {
		t := r.Peek()
		b := 0
		if t.Type == tokOp || t.Type == tokIdent {
			b = binding[t.Value]
		}
		if b <= min {
			return x, nil
		}
		if chain > maxChain {
			return nil, errAt(t, "more than %d operators in a row", maxChain).withHelp("name the parts with `let`")
		}
		r.Next()
		right := b
		if b == bindPower {
			right = bindMinus // right-associative, and 2^-x
		}
		y, err := r.expr(right)
		if err != nil {
			return nil, err
		}
		op := diag.Span{Start: t.Pos.Offset, End: end(*t)}
		x = &Binary{At: join(x, y), Op: t.Value, OpSp: op, X: x, Y: y}
		if b == bindCompare && r.is("<", "<=", ">", ">=", "==", "!=") {
			return nil, errAt(r.Peek(), "comparisons do not chain").withHelp("write `a < b and b < c`")
		}
	}
}

func (r *reader) unary() (Expr, error) {
	t := r.Peek()
	bind := 0
	switch {
	case r.is("-", "+"):
		bind = bindMinus
	case r.is("not"):
		bind = bindNot
	default:
		return r.postfix()
	}
	r.Next()
	x, err := r.expr(bind)
	if err != nil {
		return nil, err
	}
	if t.Value == "+" {
		return x, nil
	}
	return &Unary{At: At{Pos: t.Pos, EndPos: placeOf(x).EndPos}, Op: t.Value, X: x}, nil
}

// postfix reads a value with its indices. The prime of a derivative may stand
// behind the name or behind the index: x[0]' is x'[0].
func (r *reader) postfix() (Expr, error) {
	x, err := r.primary()
	if err != nil {
		return nil, err
	}
	name, _ := x.(*Name)
	for chain := 0; r.is("["); chain++ {
		if chain > maxChain {
			return nil, errAt(r.Peek(), "more than %d indices in a row", maxChain)
		}
		idx, end, err := r.index()
		if err != nil {
			return nil, err
		}
		x = &IndexExpr{At: At{Pos: placeOf(x).Pos, EndPos: at(end, end).EndPos}, X: x, Index: idx}
	}
	if t := r.Peek(); t.Type == tokPrime && name != nil && name.Primes == 0 {
		r.Next()
		name.Primes = len(t.Value)
		placeOf(x).EndPos = at(t, t).EndPos
	}
	return x, nil
}

// index reads an index in brackets.
func (r *reader) index() (list []Range, end *lexer.Token, err error) {
	if _, err := r.expect("["); err != nil {
		return nil, nil, err
	}
	for {
		rg, err := r.oneRange()
		if err != nil {
			return nil, nil, err
		}
		list = append(list, rg)
		if !r.take(",") {
			break
		}
	}
	end, err = r.expect("]")
	return list, end, err
}

// oneRange reads `i`, `1:3`, `:3`, `1:` or `:`.
func (r *reader) oneRange() (rg Range, err error) {
	from := r.Peek()
	if !r.is(":") {
		if rg.Lo, err = r.expr(0); err != nil {
			return rg, err
		}
		rg.At = join(rg.Lo, rg.Lo)
	}
	if r.is(":") {
		rg.At = at(from, r.Next())
		rg.Colon = true
		if !r.is("]", ",") {
			if rg.Hi, err = r.expr(0); err != nil {
				return rg, err
			}
			rg.EndPos = placeOf(rg.Hi).EndPos
		}
	}
	return rg, nil
}

func (r *reader) primary() (Expr, error) {
	t := r.Peek()
	switch {
	case t.EOF():
	case t.Type == tokNumber:
		return r.number()
	case t.Type == tokString:
		return r.text()
	case t.Value == "true", t.Value == "false":
		r.Next()
		return &BoolLit{At: at(t, t), Value: t.Value == "true"}, nil
	case t.Value == "if":
		return r.cond()
	case reservedInExpr[t.Value]:
	case t.Type == tokIdent:
		n, err := r.name()
		if err != nil || !r.is("(") {
			return n, err
		}
		r.Next()
		args, end, err := r.list(")")
		if err != nil {
			return nil, err
		}
		return &Call{At: At{Pos: n.Pos, EndPos: at(end, end).EndPos}, Fun: n, Args: args}, nil
	case t.Value == "(":
		r.Next()
		x, err := r.expr(0)
		if err != nil {
			return nil, err
		}
		end, err := r.expect(")")
		if err != nil {
			return nil, err
		}
		return &Paren{At: at(t, end), X: x}, nil
	case t.Value == "[":
		r.Next()
		elems, end, err := r.list("]")
		if err != nil {
			return nil, err
		}
		return &Array{At: at(t, end), Elems: elems}, nil
	}
	return nil, r.unexpected("an expression")
}

// list reads expressions up to the closing bracket.
func (r *reader) list(closing string) (elems []Expr, end *lexer.Token, err error) {
	for !r.is(closing) {
		x, err := r.expr(0)
		if err != nil {
			return nil, nil, err
		}
		elems = append(elems, x)
		if !r.take(",") {
			break
		}
	}
	if !r.is(closing) {
		return nil, nil, r.unexpected("`,` or `" + closing + "`")
	}
	return elems, r.Next(), nil
}

func (r *reader) number() (Expr, error) {
	t, before := r.Peek(), r.MakeCheckpoint()
	if n, err := r.name(tokNumber); err == nil && n.Name != t.Value { // `0.weight`, an array of weights
		return n, nil
	}
	r.LoadCheckpoint(before)
	r.Next()
	v, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		return nil, errAt(t, "the number %s is out of range", t.Value)
	}
	n := &NumberLit{At: at(t, t), Value: v, Text: t.Value}
	if r.is("[") {
		u, end, err := r.bracketedUnit()
		if err != nil {
			return nil, err
		}
		n.Unit, n.EndPos = u, at(end, end).EndPos
	}
	return n, nil
}

func (r *reader) text() (*StringLit, error) {
	t := r.Next()
	v, err := strconv.Unquote(t.Value)
	if err != nil {
		return nil, errAt(t, "the string has an escape that does not exist").
			withHelp("a backslash is written `\\\\`; paths have `/` on every system")
	}
	return &StringLit{At: at(t, t), Value: v}, nil
}

func (r *reader) cond() (Expr, error) {
	t := r.Next()
	var parts [3]Expr
	for i, word := range []string{"then", "else", ""} {
		x, err := r.expr(0)
		if err != nil {
			return nil, err
		}
		parts[i] = x
		if word == "" {
			break
		}
		if _, err := r.expect(word); err != nil {
			return nil, err
		}
	}
	return &Cond{At: At{Pos: t.Pos, EndPos: placeOf(parts[2]).EndPos}, If: parts[0], Then: parts[1], Else: parts[2]}, nil
}

// name reads `left.θ'` or, where numbers may stand too, `0` and `0.weight`.
func (r *reader) name(also ...lexer.TokenType) (*Name, error) {
	t := r.Peek()
	if t.Type != tokIdent && !(slices.Contains(also, t.Type) && isCount(t)) {
		return nil, r.unexpected("a name")
	}
	r.Next()
	n := &Name{At: at(t, t), Name: t.Value}
	for r.take(".") {
		t = r.Peek()
		if t.Type != tokIdent {
			return nil, r.unexpected("a name")
		}
		r.Next()
		n.Name += "." + t.Value
		n.EndPos = at(t, t).EndPos
	}
	if t := r.Peek(); t.Type == tokPrime {
		r.Next()
		n.Primes = len(t.Value)
		n.EndPos = at(t, t).EndPos
	}
	return n, nil
}

// ident reads a plain name.
func (r *reader) ident() (Ident, error) {
	t := r.Peek()
	if t.Type != tokIdent {
		return Ident{}, r.unexpected("a name")
	}
	r.Next()
	return Ident{At: at(t, t), Name: t.Value}, nil
}

// Parse reads a call, as of a distribution.
func (c *Call) Parse(lex *lexer.PeekingLexer) error {
	x, err := (&reader{PeekingLexer: lex}).call()
	if err == nil {
		*c = *x
	}
	return err
}

// exact is the distribution that is written without parentheses.
const exact = "exact"

func (r *reader) call() (*Call, error) {
	t := r.Peek()
	if t.Type == tokIdent && !reservedInExpr[t.Value] {
		x, err := r.primary()
		if err != nil {
			return nil, err
		}
		switch x := x.(type) {
		case *Call:
			return x, nil
		case *Name:
			if x.Name == exact && x.Primes == 0 {
				return &Call{At: x.At, Fun: x}, nil
			}
		}
	}
	return nil, &syntaxError{pos: t.Pos, msg: found(*t, "a distribution, like `normal(0.1)`")}
}

// Parse reads a string.
func (s *StringLit) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if r.Peek().Type != tokString {
		return r.unexpected("a path in quotes")
	}
	x, err := r.text()
	if err == nil {
		*s = *x
	}
	return err
}
