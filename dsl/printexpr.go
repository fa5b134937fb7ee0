package dsl

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatExpr writes an expression in the one style of the formatter, on one
// line. Parentheses that the tree needs are added.
func FormatExpr(x Expr) string {
	if x == nil {
		return ""
	}
	p := newPrinter(&File{})
	p.expr(x, 0)
	return p.out.String()
}

// bindingOf is how strongly the outermost part of an expression binds.
func bindingOf(x Expr) int {
	switch x := x.(type) {
	case *Binary:
		return binding[x.Op]
	case *Unary:
		if x.Op == "not" {
			return bindNot
		}
		return bindMinus
	case *Cond:
		return 0
	case *NumberLit:
		if strings.HasPrefix(numberText(x), "-") { // only in a tree that was built, not parsed
			return bindMinus
		}
	}
	return bindPostfix
}

// expr writes an expression where one that binds at least as strongly as min
// can stand.
func (p *printer) expr(x Expr, min int) {
	if bindingOf(x) < min {
		p.write("(")
		defer p.write(")")
	}
	p.start(x)
	switch x := x.(type) {
	case *NumberLit:
		p.write(numberText(x))
		if x.Unit != nil {
			p.write(" [", FormatUnit(x.Unit), "]")
		}
	case *BoolLit:
		p.write(strconv.FormatBool(x.Value))
	case *StringLit:
		p.write(strconv.Quote(x.Value))
	case *Name:
		p.write(primed(x))
	case *Unary:
		p.write(x.Op)
		if x.Op == "not" {
			p.write(" ")
		}
		p.expr(x.X, bindingOf(x))
	case *Binary:
		p.binary(x)
	case *Cond:
		p.cond(x)
	case *Call:
		p.expr(x.Fun, bindPostfix)
		p.exprs('(', x.Args, ')')
	case *IndexExpr:
		p.indexed(x)
	case *Array:
		p.exprs('[', x.Elems, ']')
	case *Paren:
		p.exprs('(', []Expr{x.X}, ')')
	default:
		panic(fmt.Sprintf("dsl: no text for %T", x))
	}
	p.reach(x.Span())
}

// binary writes an operator between its operands: products and powers without
// blanks, everything else with; in an index sums go without, too.
func (p *printer) binary(x *Binary) {
	b := binding[x.Op]
	left, right := b, b+1
	switch b {
	case bindPower:
		left, right = bindPower+1, bindMinus
	case bindCompare:
		left = b + 1
	}
	p.expr(x.X, left)
	tight := b >= bindProduct || b == bindSum && p.compact > 0
	if !tight {
		p.write(" ")
	}
	p.write(x.Op)
	if !p.brk(p.startOf(x.Y)) && !tight {
		p.write(" ")
	}
	p.expr(x.Y, right)
}

func (p *printer) cond(x *Cond) {
	p.write("if ")
	p.expr(x.If, 0)
	for _, part := range []struct {
		word string
		x    Expr
	}{{"then ", x.Then}, {"else ", x.Else}} {
		if !p.brk(p.startOf(part.x)) {
			p.write(" ")
		}
		p.write(part.word)
		p.expr(part.x, 0)
	}
}

// indexed writes `x[i]`. A number before a bracket would take it for a unit.
func (p *printer) indexed(x *IndexExpr) {
	if _, ok := x.X.(*NumberLit); ok {
		p.write("(")
		p.expr(x.X, 0)
		p.write(")")
	} else {
		p.expr(x.X, bindPostfix)
	}
	p.index(x.Index)
}

func (p *printer) index(index []Range) {
	if index != nil {
		p.list('[', len(index), func(i int) Node { return index[i] }, func(i int) { p.oneRange(index[i]) }, ']')
	}
}

func (p *printer) oneRange(r Range) {
	if r.Lo != nil {
		p.small(r.Lo)
	}
	if r.Colon {
		p.write(":")
	}
	if r.Hi != nil {
		p.small(r.Hi)
	}
}

// small writes an index or a size.
func (p *printer) small(x Expr) {
	p.compact++
	p.expr(x, 0)
	p.compact--
}

func (p *printer) exprs(opening byte, xs []Expr, closing byte) {
	p.list(opening, len(xs), func(i int) Node { return xs[i] }, func(i int) { p.expr(xs[i], 0) }, closing)
}

// numberText is the number as written, or, in a tree that was built, its value.
func numberText(x *NumberLit) string {
	if x.Text != "" {
		return x.Text
	}
	return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x.Value, 'g', -1, 64), "+"))
}

// FormatUnit writes a unit, with a slash before each negative power.
func FormatUnit(u *UnitExpr) string {
	var b strings.Builder
	for i, f := range u.Factors {
		num := f.Num
		switch {
		case num < 0:
			if i == 0 {
				b.WriteByte('1')
			}
			b.WriteByte('/')
			num = -num
		case i > 0:
			b.WriteByte('*')
		}
		b.WriteString(f.Name)
		switch {
		case f.Den > 1:
			fmt.Fprintf(&b, "^(%d/%d)", num, f.Den)
		case num != 1:
			fmt.Fprintf(&b, "^%d", num)
		}
	}
	if b.Len() == 0 {
		return "1"
	}
	return b.String()
}

func (p *printer) unit(u *UnitExpr) {
	if u != nil {
		p.leaf(FormatUnit(u), u.Span())
	}
}
