package dsl

import (
	"math"
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// maxExponent bounds the whole numbers in the exponent of a unit.
const maxExponent = 1000

// Parse reads a unit.
func (u *UnitExpr) Parse(lex *lexer.PeekingLexer) error {
	x, err := (&reader{PeekingLexer: lex}).unit()
	if err == nil {
		*u = *x
	}
	return err
}

// bracketedUnit reads `[m/s^2]`.
func (r *reader) bracketedUnit() (u *UnitExpr, end *lexer.Token, err error) {
	if _, err = r.expect("["); err != nil {
		return nil, nil, err
	}
	if u, err = r.unit(); err != nil {
		return nil, nil, err
	}
	end, err = r.expect("]")
	return u, end, err
}

// unit reads a product of powers: `kg*m/s^2`, `1/min`, `J/(mol*K)`.
func (r *reader) unit() (*UnitExpr, error) {
	first := r.Peek()
	u := &UnitExpr{At: at(first, first)}
	end, err := r.unitProduct(u, 1)
	if err != nil {
		return nil, err
	}
	u.EndPos = at(end, end).EndPos
	return u, nil
}

// unitProduct appends the factors of a product to the unit, turned over if
// sign is -1, and returns the last token.
func (r *reader) unitProduct(u *UnitExpr, sign int) (end *lexer.Token, err error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	turn := sign
	for {
		if r.take("(") {
			if _, err = r.unitProduct(u, turn); err == nil {
				end, err = r.expect(")")
			}
		} else {
			end, err = r.unitFactor(u, turn)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case r.take("*"):
			turn = sign
		case r.take("/"):
			turn = -sign
		default:
			return end, nil
		}
	}
}

// unitFactor reads one named unit with its exponent, or the number 1.
func (r *reader) unitFactor(u *UnitExpr, sign int) (end *lexer.Token, err error) {
	t := r.Peek()
	f := UnitFactor{At: at(t, t), Num: sign, Den: 1}
	switch {
	case t.EOF():
		return nil, r.unexpected("a unit")
	case t.Type == tokIdent, t.Type == tokOp && t.Value == "%":
		f.Name = t.Value
	case t.Type == tokNumber && t.Value == "1":
		return r.Next(), nil
	default:
		return nil, r.unexpected("a unit")
	}
	end = r.Next()
	if r.take("^") {
		var num int
		if num, f.Den, end, err = r.exponent(); err != nil {
			return nil, err
		}
		f.Num, f.EndPos = sign*num, at(end, end).EndPos
	}
	u.Factors = append(u.Factors, f)
	return end, nil
}

// exponent reads 2, -2, 2.5 or (1/2).
func (r *reader) exponent() (num, den int, end *lexer.Token, err error) {
	paren := r.take("(")
	sign := 1
	if r.take("-") {
		sign = -1
	}
	if num, den, end, err = decimal(r); err != nil {
		return 0, 0, nil, err
	}
	if paren {
		if den == 1 && r.take("/") {
			if den, _, err = r.whole(1); err != nil {
				return 0, 0, nil, err
			}
		}
		if end, err = r.expect(")"); err != nil {
			return 0, 0, nil, err
		}
	}
	return sign * num, den, end, nil
}

// decimal reads a whole number, or one with a decimal point that is a fraction in tenths,
// eighths or a part of these.
func decimal(r *reader) (num, den int, end *lexer.Token, err error) {
	t := r.Peek()
	v, bad := strconv.ParseFloat(t.Value, 64)
	if t.Type != tokNumber || bad != nil || !strings.Contains(t.Value, ".") {
		num, end, err = r.whole(0)
		return num, 1, end, err
	}
	for den = 1; den <= 10; den++ {
		if x := v * float64(den); x == math.Round(x) && x <= maxExponent {
			return int(x), den, r.Next(), nil
		}
	}
	return 0, 0, nil, errAt(t, "the exponent of a unit is a whole number or a fraction, not `%s`", t.Value).
		withHelp("write a fraction in brackets, like `m^(5/3)`")
}

func (r *reader) whole(least int) (int, *lexer.Token, error) {
	t := r.Peek()
	n, err := strconv.Atoi(t.Value)
	if err != nil || t.Type != tokNumber || n < least || n > maxExponent {
		return 0, nil, r.unexpected("a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(maxExponent))
	}
	return n, r.Next(), nil
}

// Parse reads `[3]: m/s`, or, of a result, `-> m/s`, `-> [3]`, `-> [3]: m/s`.
func (ty *Type) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if !r.is("[", ":", "->") {
		return participle.NextMatch
	}
	x, err := r.typ()
	if err == nil {
		*ty = x
	}
	return err
}

// typ reads a type, which may be missing.
func (r *reader) typ() (ty Type, err error) {
	result := r.take("->")
	if r.is("[") {
		if ty.Dims, err = r.dims(); err != nil {
			return ty, err
		}
		if !r.take(":") {
			return ty, nil
		}
	} else if !result && !r.take(":") {
		return ty, nil
	}
	ty.Unit, err = r.unit()
	return ty, err
}

// dims reads the shape of a type, `[3]` or `[2, 2]`.
func (r *reader) dims() ([]Expr, error) {
	open := r.Next()
	dims, _, err := r.list("]")
	if err != nil {
		return nil, err
	}
	if n := len(dims); n == 0 || n > 2 {
		return nil, errAt(open, "a shape has one or two dimensions, not %d", n)
	}
	return dims, nil
}
