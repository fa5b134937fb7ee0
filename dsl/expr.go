package dsl

import (
	"strconv"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/internal/diag"
)

// The productions below read tokens directly, by precedence climbing; the
// grammar in the tags of the syntax tree calls them.

// binding is how strongly a binary operator binds.
var binding = map[string]int{
	"or": 1, "and": 2,
	"<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
	"+": 5, "-": 5,
	"*": 6, "/": 6, "@": 6,
	"^": 8,
}

const (
	bindNot   = 3
	bindMinus = 7
	bindPower = 8
)

// maxNesting bounds the depth of expressions and blocks.
const maxNesting = 200

// reader reads tokens of one piece.
type reader struct {
	*lexer.PeekingLexer
	depth int
}

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
	return participle.Errorf(t.Pos, "found %s, expected %s", describe(*t), want)
}

func describe(t lexer.Token) string {
	switch {
	case t.EOF():
		return "the end of the statement"
	case t.Value == ";":
		return "the end of the line"
	}
	return "`" + t.Value + "`"
}

func at(from, to *lexer.Token) At {
	return At{Pos: from.Pos, EndPos: lexer.Position{Offset: to.Pos.Offset + len(to.Value)}}
}

func join(from, to Node) At {
	return At{Pos: nodeAt(from).Pos, EndPos: nodeAt(to).EndPos}
}

func (a *At) place() *At { return a }

func nodeAt(n Node) *At { return n.(interface{ place() *At }).place() }

func parseExpr(lex *lexer.PeekingLexer) (Expr, error) {
	r := &reader{PeekingLexer: lex}
	return r.expr(0)
}

// expr reads operators that bind more strongly than min.
func (r *reader) expr(min int) (Expr, error) {
	if r.depth++; r.depth > maxNesting {
		return nil, participle.Errorf(r.Peek().Pos, "expressions nest deeper than %d", maxNesting)
	}
	defer func() { r.depth-- }()
	x, err := r.unary()
	if err != nil {
		return nil, err
	}
	for {
		t := r.Peek()
		if t.Type == tokString || t.EOF() {
			return x, nil
		}
		b := binding[t.Value]
		if b == 0 || b <= min {
			return x, nil
		}
		r.Next()
		right := b
		if b == bindPower {
			right = bindMinus // right-associative
		}
		y, err := r.expr(right)
		if err != nil {
			return nil, err
		}
		op := at(t, t)
		x = &Binary{At: join(x, y), Op: t.Value, OpSp: diag.Span{Start: op.Pos.Offset, End: op.EndPos.Offset}, X: x, Y: y}
		if b == binding["<"] && r.is("<", "<=", ">", ">=", "==", "!=") {
			return nil, participle.Errorf(r.Peek().Pos, "comparisons do not chain; write `a < b and b < c`")
		}
	}
}

func (r *reader) unary() (Expr, error) {
	t := r.Peek()
	bind := 0
	switch {
	case r.is("-"), r.is("+"):
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
	return &Unary{At: At{Pos: t.Pos, EndPos: nodeAt(x).EndPos}, Op: t.Value, X: x}, nil
}

func (r *reader) postfix() (Expr, error) {
	x, err := r.primary()
	if err != nil {
		return nil, err
	}
	for r.is("[") {
		if _, ok := x.(*NumberLit); ok {
			break
		}
		r.Next()
		idx, err := r.ranges()
		if err != nil {
			return nil, err
		}
		end, err := r.expect("]")
		if err != nil {
			return nil, err
		}
		x = &IndexExpr{At: At{Pos: nodeAt(x).Pos, EndPos: at(end, end).EndPos}, X: x, Index: idx}
	}
	return x, nil
}

func (r *reader) ranges() ([]Range, error) {
	var out []Range
	for {
		rg, err := r.oneRange()
		if err != nil {
			return nil, err
		}
		out = append(out, rg)
		if !r.take(",") {
			return out, nil
		}
	}
}

func (r *reader) oneRange() (rg Range, err error) {
	from := r.Peek()
	to := from
	if !r.is(":") {
		if rg.Lo, err = r.expr(0); err != nil {
			return rg, err
		}
		rg.At = join(rg.Lo, rg.Lo)
	}
	if r.is(":") {
		to = r.Next()
		rg.Colon = true
		rg.At = at(from, to)
		if !r.is("]", ",") {
			if rg.Hi, err = r.expr(0); err != nil {
				return rg, err
			}
			rg.EndPos = nodeAt(rg.Hi).EndPos
		}
	}
	return rg, nil
}

// Parse reads an index.
func (rg *Range) Parse(lex *lexer.PeekingLexer) (err error) {
	*rg, err = (&reader{PeekingLexer: lex}).oneRange()
	return err
}

func (r *reader) primary() (Expr, error) {
	t := r.Peek()
	switch {
	case t.EOF():
	case t.Type == tokNumber:
		return r.number()
	case t.Type == tokString:
		r.Next()
		s := &StringLit{At: at(t, t)}
		v, err := strconv.Unquote(t.Value)
		if err != nil {
			return nil, participle.Errorf(t.Pos, "bad escape in string")
		}
		s.Value = v
		return s, nil
	case t.Value == "true", t.Value == "false":
		r.Next()
		return &BoolLit{At: at(t, t), Value: t.Value == "true"}, nil
	case t.Value == "if":
		return r.cond()
	case keywords[t.Value]:
		return nil, r.unexpected("an expression")
	case t.Type == tokIdent:
		n, err := r.name()
		if err != nil {
			return nil, err
		}
		if !r.is("(") {
			return n, nil
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

// keywords cannot stand for a value.
var keywords = map[string]bool{"then": true, "else": true, "and": true, "or": true, "in": true}

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
	end, err = r.expect(closing)
	return elems, end, err
}

func (r *reader) number() (Expr, error) {
	t := r.Next()
	v, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		return nil, participle.Errorf(t.Pos, "the number %s is out of range", t.Value)
	}
	n := &NumberLit{At: at(t, t), Value: v, Text: t.Value}
	if r.is("[") {
		r.Next()
		u, err := r.unit()
		if err != nil {
			return nil, err
		}
		end, err := r.expect("]")
		if err != nil {
			return nil, err
		}
		n.Unit, n.EndPos = u, at(end, end).EndPos
	}
	return n, nil
}

func (r *reader) cond() (Expr, error) {
	t := r.Next()
	c, err := r.expr(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.expect("then"); err != nil {
		return nil, err
	}
	a, err := r.expr(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.expect("else"); err != nil {
		return nil, err
	}
	b, err := r.expr(0)
	if err != nil {
		return nil, err
	}
	return &Cond{At: At{Pos: t.Pos, EndPos: nodeAt(b).EndPos}, If: c, Then: a, Else: b}, nil
}

// name reads `left.θ'`.
func (r *reader) name() (*Name, error) {
	t := r.Peek()
	if t.Type != tokIdent {
		return nil, r.unexpected("a name")
	}
	r.Next()
	n := &Name{At: at(t, t), Name: t.Value}
	for r.is(".") {
		r.Next()
		t = r.Peek()
		if t.Type != tokIdent {
			return nil, r.unexpected("a name")
		}
		r.Next()
		n.Name += "." + t.Value
		n.EndPos = at(t, t).EndPos
	}
	if p := r.Peek(); p.Type == tokPrime {
		r.Next()
		n.Primes = len(p.Value)
		n.EndPos = at(p, p).EndPos
	}
	return n, nil
}

// Parse reads a name.
func (n *Name) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if r.Peek().Type != tokIdent {
		return participle.NextMatch
	}
	x, err := r.name()
	if err == nil {
		*n = *x
	}
	return err
}

// Parse reads a call, as of a distribution.
func (c *Call) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	pos := r.Peek().Pos
	x, err := r.postfix()
	if err != nil {
		return err
	}
	call, ok := x.(*Call)
	if !ok {
		return participle.Errorf(pos, "expected a distribution, like normal(0.1)")
	}
	*c = *call
	return nil
}

// Parse reads a string.
func (s *StringLit) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if r.Peek().Type != tokString {
		return r.unexpected("a path in quotes")
	}
	x, err := r.primary()
	if err == nil {
		*s = *x.(*StringLit)
	}
	return err
}

// unit reads a product of powers.
func (r *reader) unit() (*UnitExpr, error) {
	first := r.Peek()
	u := &UnitExpr{At: at(first, first)}
	sign := 1
	for {
		t := r.Peek()
		f := UnitFactor{Num: sign, Den: 1}
		switch {
		case t.Type == tokIdent && !t.EOF(), t.Value == "%" && t.Type == tokOp:
			f.Name = t.Value
		case t.Type == tokNumber && t.Value == "1":
		default:
			return nil, r.unexpected("a unit")
		}
		r.Next()
		f.At, u.EndPos = at(t, t), at(t, t).EndPos
		if r.take("^") {
			num, den, end, err := r.exponent()
			if err != nil {
				return nil, err
			}
			f.Num, f.Den = sign*num, den
			f.EndPos, u.EndPos = at(end, end).EndPos, at(end, end).EndPos
		}
		if f.Name != "" {
			u.Factors = append(u.Factors, f)
		}
		switch {
		case r.take("*"):
			sign = 1
		case r.take("/"):
			sign = -1
		default:
			return u, nil
		}
	}
}

// exponent reads 2, -2 or (1/2).
func (r *reader) exponent() (num, den int, end *lexer.Token, err error) {
	paren := r.take("(")
	sign := 1
	if r.take("-") {
		sign = -1
	}
	whole := func() (int, error) {
		t := r.Peek()
		n, err := strconv.Atoi(t.Value)
		if err != nil || t.Type != tokNumber || n > 1000 {
			return 0, r.unexpected("a whole number")
		}
		end = r.Next()
		return n, nil
	}
	if num, err = whole(); err != nil {
		return 0, 0, nil, err
	}
	den = 1
	if paren {
		if r.take("/") {
			if den, err = whole(); err != nil {
				return 0, 0, nil, err
			}
			if den == 0 {
				return 0, 0, nil, participle.Errorf(end.Pos, "the denominator of an exponent is zero")
			}
		}
		if end, err = r.expect(")"); err != nil {
			return 0, 0, nil, err
		}
	}
	return sign * num, den, end, nil
}

// Parse reads a unit.
func (u *UnitExpr) Parse(lex *lexer.PeekingLexer) error {
	x, err := (&reader{PeekingLexer: lex}).unit()
	if err == nil {
		*u = *x
	}
	return err
}

// Parse reads `[3]: m/s`, or, of a result, `-> m/s`, `-> [3]`, `-> [3]: m/s`.
func (ty *Type) Parse(lex *lexer.PeekingLexer) (err error) {
	r := &reader{PeekingLexer: lex}
	result := r.take("->")
	if !result && !r.is("[", ":") {
		return participle.NextMatch
	}
	if r.take("[") {
		if ty.Dims, _, err = r.list("]"); err != nil {
			return err
		}
		if len(ty.Dims) == 0 || len(ty.Dims) > 2 {
			return participle.Errorf(r.Peek().Pos, "a shape has one or two dimensions")
		}
		if !r.take(":") {
			return nil
		}
	} else if !result {
		r.Next() // the colon
	}
	ty.Unit, err = r.unit()
	return err
}
