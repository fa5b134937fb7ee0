package dsl

import "github.com/pinode/pinode/dsl/diag"

// What stands in a declaration.

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// NumberLit is a number, perhaps with a unit: `9.81 [m/s^2]`.
type NumberLit struct {
	At
	Value float64
	Text  string // as written
	Unit  *UnitExpr
}

// BoolLit is `true` or `false`.
type BoolLit struct {
	At
	Value bool
}

// StringLit is a quoted string; only data paths and options have one.
type StringLit struct {
	At
	Value string
}

// Name is a use of a name: `h`, `θ'`, or of a component's name, `left.θ'`.
type Name struct {
	At
	Name   string // dotted for a component's name
	Primes int
}

// Unary is `-x` or `not c`.
type Unary struct {
	At
	Op string
	X  Expr
}

// Binary is `x op y`; Op is the operator as written (`+ - * / ^ @ < <= > >= == != and or`).
type Binary struct {
	At
	Op   string
	OpSp diag.Span // of the operator itself
	X, Y Expr
}

// Cond is `if c then a else b`.
type Cond struct {
	At
	If, Then, Else Expr
}

// Call is `f(a, b)`.
type Call struct {
	At
	Fun  *Name
	Args []Expr
}

// IndexExpr is `x[i]`, `x[1:3]` or `A[i, j]`.
type IndexExpr struct {
	At
	X     Expr
	Index []Range
}

// Range is one index: a single place (Hi nil), or Lo:Hi without Hi. Either
// end of a range may be missing.
type Range struct {
	At
	Lo, Hi Expr
	Colon  bool
}

// Array is `[a, b]`.
type Array struct {
	At
	Elems []Expr
}

// Paren is `(x)`, kept so that the formatter prints what was written.
type Paren struct {
	At
	X Expr
}

func (*NumberLit) expr() {}
func (*BoolLit) expr()   {}
func (*StringLit) expr() {}
func (*Name) expr()      {}
func (*Unary) expr()     {}
func (*Binary) expr()    {}
func (*Cond) expr()      {}
func (*Call) expr()      {}
func (*IndexExpr) expr() {}
func (*Array) expr()     {}
func (*Paren) expr()     {}

// UnitExpr is a unit as written: a product of powers of named units.
type UnitExpr struct {
	At
	Factors []UnitFactor // empty for the dimensionless `1`
}

// UnitFactor is one named unit with a rational exponent, negative behind a
// slash: `m/s^2` is m^1 and s^-2.
type UnitFactor struct {
	At
	Name     string
	Num, Den int // exponent Num/Den, Den ≥ 1
}
