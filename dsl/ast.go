package dsl

import (
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

// File is a parsed model file.
type File struct {
	Source   *diag.Source
	Decls    []Decl    // top-level declarations in source order
	Comments []Comment // every comment of the file, in source order
}

// Comment is one comment, without its line end.
type Comment struct {
	Span diag.Span
	Text string // with the leading # or ##
	Doc  bool   // starts with ##
}

// Node is anything with a place in the source.
type Node interface{ Span() diag.Span }

// At is embedded by every node and holds its place. Pos and EndPos are set by
// the parser library and turned into Sp.
type At struct {
	Pos, EndPos lexer.Position
	Sp          diag.Span
}

// Span returns the node's place in the source.
func (a At) Span() diag.Span { return a.Sp }

// Decl is a declaration: at the top level, or in the body of a model.
type Decl interface {
	Node
	decl()
}

// Documented is embedded by declarations that a ## comment may document.
type Documented struct{ Doc string } // text without the ##, lines joined by \n

// Ident is a name at the place where it is written.
type Ident struct {
	At
	Name string `parser:"@Ident"`
}

// ---- top level ----

// ModelDecl is `model NAME { … }`.
type ModelDecl struct {
	At
	Documented
	Name Ident `parser:"'model' @@"`
	Body []Decl
}

// DataDecl is `data NAME from "path" { … }`.
type DataDecl struct {
	At
	Documented
	Name  Ident       `parser:"'data' @@"`
	Path  StringLit   `parser:"'from' @@"`
	Items []*DataItem `parser:"'{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}'"`
}

// DataItem is one line of a data block: `key: source`.
//
// Exactly one of Columns, Group, Expr and FirstRow is set; File has Columns too. `time: t`,
// `height: h_cm [cm]` and `trajectory: [ball, drop]` give Columns; `dose: {
// amount: AMT [mg], where: EVID == 1 }` gives Group; `train: drop == 1` and
// `from: 2 [h]` give Expr; `from: first row` gives FirstRow; `join: "sites.csv" by
// site` gives File.
type DataItem struct {
	At
	Key      Ident
	Columns  []Column
	List     bool // Columns was written in brackets
	Group    []*DataItem
	Expr     Expr
	FirstRow bool
	File     *StringLit
}

// Column names a column of a table and, optionally, its unit.
type Column struct {
	At
	Name string // as in the table's header
	Unit *UnitExpr
}

// SettingsDecl is `fit { … }` or `simulate { … }`.
type SettingsDecl struct {
	At
	Keyword Ident     `parser:"@@"`
	Options []*Option `parser:"'{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}'"`
}

// Option is `name: value` in a block.
type Option struct {
	At
	Name  Ident
	Value *Value
}

// Value is the value of an option: an expression, a block, or both
// (`tsit5 { rtol: 1e-6 }`, `1000 { e: uniform(0, 1) }`), perhaps with clauses
// (`horizon from 0.2 to 1 over 100 epochs`), perhaps chained with `then`.
type Value struct {
	At
	Expr    Expr   // nil for a bare block; a string is a *StringLit
	Suffix  string // what is counted, `256 cells`
	Clauses []Clause
	Block   []*Option // nil when there is no block
	Then    *Value
}

// Clause is a keyword with an expression inside a value: `from 0.2`,
// `over 100 epochs` (Word "over", Expr 100, Suffix "epochs").
type Clause struct {
	At
	Word   string
	Expr   Expr
	Suffix string
}

// UnitDecl is `unit mouse` or `unit mmHg = 133.322 [Pa]`, at the top level or
// in a model.
type UnitDecl struct {
	At
	Documented
	Name  Ident `parser:"'unit' @@"`
	Value Expr  `parser:"( '=' @@ )?"` // nil for a new base unit
}

// ---- in a model ----

// Type is the annotation of a name: shape in brackets and unit after a colon,
// `v[3]: m/s`. Both may be missing.
type Type struct {
	Dims []Expr // compile-time integers; empty for a scalar
	Unit *UnitExpr
}

// TimeDecl is `time t: s in [0, 600]`.
type TimeDecl struct {
	At
	Documented
	Name     Ident     `parser:"'time' @@"`
	Unit     *UnitExpr `parser:"( ':' @@ )?"`
	Interval *Interval `parser:"( 'in' @@ )?"` // nil: none given
}

// ConstDecl is `const g = 9.81 [m/s^2]` or `const M[33, 32] from "file.csv"`, which has no
// Value.
type ConstDecl struct {
	At
	Documented
	Name  Ident      `parser:"'const' @@"`
	Type  Type       `parser:"@@?"`
	Value Expr       `parser:"( '=' @@"`
	From  *StringLit `parser:"| 'from' @@ )"`
}

// ParamDecl is `param k: N/m in (0, inf) fixed per trajectory = 10 ~ lognormal(…)`.
type ParamDecl struct {
	At
	Documented
	Name     Ident
	Type     Type
	Interval *Interval // nil: the real line
	Fixed    bool
	Per      []Ident // data keys, `per ball, drop`
	Init     Expr    // nil: none given
	Prior    *Call   // nil: none
}

// Interval is `[lo, hi)`.
type Interval struct {
	At
	LoOpen bool
	Lo     Expr
	Hi     Expr
	HiOpen bool
}

// CovariateDecl is `covariate m: kg`.
type CovariateDecl struct {
	At
	Documented
	Name Ident `parser:"'covariate' @@"`
	Type Type  `parser:"@@?"`
}

// DrawDecl is `draw a[2]: m ~ normal(0, 1) per row { posterior: … }`, a number that is
// drawn from a distribution.
type DrawDecl struct {
	At
	Documented
	Name    Ident     `parser:"'draw' @@"`
	Type    Type      `parser:"@@?"`
	Dist    *Call     `parser:"'~' @@"`
	Per     []Ident   `parser:"( 'per' @@ ( ',' @@ )* )?"` // row, trajectory or data keys; none: trajectory
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// InputDecl is `input u: V linear` or `input u: V = sin(t)`.
type InputDecl struct {
	At
	Documented
	Name   Ident `parser:"'input' @@"`
	Type   Type  `parser:"@@?"`
	Interp Ident `parser:"( @@ )?"`     // "", linear, hold or cubic
	Value  Expr  `parser:"( '=' @@ )?"` // nil: read from data
}

// StateDecl is `state θ: rad = 0.3, θ' = 0`, or, of a field, `state u[2](x, y): m = 0`.
type StateDecl struct {
	At
	Documented
	Name  Ident
	Over  []Ident // the coordinates of a field
	Type  Type
	Inits []StateInit // at most one for each order of derivative
}

// StateInit is the initial value of a state (Primes 0) or of one of its
// derivatives.
type StateInit struct {
	At
	Name   string // as written before the primes; empty when Primes is 0
	Primes int
	Value  Expr
}

// AugmentDecl is `augment a[2] = 0`.
type AugmentDecl struct {
	At
	Documented
	Name Ident `parser:"'augment' @@"`
	Type Type  `parser:"@@?"`
	Init Expr  `parser:"( '=' @@ )?"` // nil: 0
}

// AlgebraicDecl is `algebraic q: m^3/s = 0`, an unknown that has no rate, or a field of
// such, `algebraic p(x, y) = 0`. The value is a guess.
type AlgebraicDecl struct {
	At
	Documented
	Name Ident
	Over []Ident // the coordinates of a field
	Type Type
	Init Expr // nil: 0
}

// DiscreteDecl is `discrete mode = 0`.
type DiscreteDecl struct {
	At
	Documented
	Name Ident `parser:"'discrete' @@"`
	Type Type  `parser:"@@?"`
	Init Expr  `parser:"( '=' @@ )?"`
}

// LetDecl is `let F = -k*x`.
type LetDecl struct {
	At
	Documented
	Name  Ident `parser:"'let' @@"`
	Type  Type  `parser:"@@?"`
	Value Expr  `parser:"'=' @@"`
}

// FnDecl is `fn spring(x: m, k) -> N = -k*x`.
type FnDecl struct {
	At
	Documented
	Name   Ident `parser:"'fn' @@"`
	Args   []Arg `parser:"'(' ( @@ ( ',' @@ )* )? ')'"`
	Result Type  `parser:"@@?"`
	Body   Expr  `parser:"'=' @@"`
}

// Arg is a formal argument of a function, a neural block or an event.
type Arg struct {
	At
	Name Ident `parser:"@@"`
	Type Type  `parser:"@@?"`
}

// NeuralDecl is `neural f(x: m) -> N { hidden: [16] }`. The result is a unit
// (`-> N`), a shape (`-> [3]`), both (`-> [3]: m/s`), or the number 1 for a
// dimensionless scalar.
type NeuralDecl struct {
	At
	Documented
	Name    Ident     `parser:"'neural' @@"`
	Args    []Arg     `parser:"'(' ( @@ ( ',' @@ )* )? ')'"`
	Result  Type      `parser:"@@?"`
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// EquationDecl is `x' = …`, `p[0]' = …` or, for a component, `left.θ' = …`.
type EquationDecl struct {
	At
	Documented
	Target *Name // Primes ≥ 1
	Index  []Range
	Value  Expr
}

// ConstraintDecl is `0 = E`, an equation that algebraic unknowns satisfy at all times.
type ConstraintDecl struct {
	At
	Value Expr
}

// StartDecl is `start steady { stim: 0 }`.
type StartDecl struct {
	At
	How     Ident     `parser:"'start' @@"`
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// EventDecl is `event NAME(args) TRIGGER clauses { body }`.
type EventDecl struct {
	At
	Documented
	Name    Ident
	Args    []Arg // of an `on data` event
	Trigger Trigger

	Priority   Expr // nil: 0
	After      Expr // nil: at once
	Late       bool
	Persistent bool
	AtStart    bool

	Body []Stmt
}

// TriggerKind tells the triggers apart.
type TriggerKind uint8

// The triggers of an event.
const (
	TriggerWhen          TriggerKind = iota // when COND
	TriggerAt                               // at t = E
	TriggerEvery                            // every E [from E] [until E]
	TriggerOnObservation                    // on observation [of y]
	TriggerOnData                           // on data
	TriggerRate                             // with rate E
)

func (k TriggerKind) String() string {
	return [...]string{"when", "at", "every", "on observation", "on data", "with rate"}[k]
}

// Trigger says when an event fires.
type Trigger struct {
	At
	Kind  TriggerKind
	Time  Ident // at: the name that is written for the time, `t`
	Expr  Expr  // condition, time, period or rate
	From  Expr  // every … from
	Until Expr  // every … until
	Of    *Name
}

// Stmt is a statement in an event's body.
type Stmt interface {
	Node
	stmt()
}

// Assign is `v := -e*v`, `x[2] := 0`, `x += D` or `x -= D`.
type Assign struct {
	At
	Target *Name // Primes may be > 0 for a second-order state: θ' := 0
	Index  []Range
	Add    bool // += or -=
	Minus  bool // -=, which adds the negative of the value
	Value  Expr
}

// Terminate is `terminate`.
type Terminate struct {
	At
	Word string
}

// Zeno is `zeno error`, `zeno stop`, `zeno pass` or `zeno rest { h := 0; v := 0 }`.
type Zeno struct {
	At
	Mode Ident
	Rest []*Assign
}

// ConserveDecl is `conserve Q = expr { … }`.
type ConserveDecl struct {
	At
	Documented
	Name    Ident     `parser:"'conserve' @@"`
	Value   Expr      `parser:"'=' @@"`
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// RequireDecl is `require g >= 0 { weight: w }`.
type RequireDecl struct {
	At
	Documented
	Cond    Expr      `parser:"'require' @@"`
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// ObserveDecl is `observe y: m = expr at t = 1 ~ normal(σ) { weight: 1 }`.
type ObserveDecl struct {
	At
	Documented
	Name    Ident     `parser:"'observe' @@"`
	Type    Type      `parser:"@@?"`
	Value   Expr      `parser:"( '=' @@"`       // nil: measured, and not predicted
	Time    Ident     `parser:"( 'at' @@ '='"`  // the name that is written for the time
	When    Expr      `parser:"@@ )?"`          // nil: the rows say when
	Dist    *Call     `parser:"( '~' @@ )? )?"` // nil: mean squared error
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// LossDecl is `loss NAME = expr where cond { weight: w }`.
type LossDecl struct {
	At
	Documented
	Name    Ident     `parser:"'loss' @@"`
	Value   Expr      `parser:"'=' @@"`
	Where   Expr      `parser:"( 'where' @@ )?"` // nil: at every row
	Options []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// UseDecl is `use Pendulum as left { k: 3 }`, or `use Encoder as enc backward`.
type UseDecl struct {
	At
	Documented
	Model    Ident     `parser:"'use' @@"`
	As       Ident     `parser:"'as' @@"`
	Backward bool      `parser:"@'backward'?"` // it runs first, from what is measured last to the start
	Options  []*Option `parser:"( '{' ( ';' | ',' )* ( @@ ( ';' | ',' )* )* '}' )?"`
}

// ForDecl is `for i in 0..n-1 { … }`; both ends are included.
type ForDecl struct {
	At
	Var  Ident `parser:"'for' @@ 'in'"`
	Lo   Expr  `parser:"@@ '..'"`
	Hi   Expr  `parser:"@@"`
	Body []Decl
}

func (*ModelDecl) decl()      {}
func (*DataDecl) decl()       {}
func (*SettingsDecl) decl()   {}
func (*UnitDecl) decl()       {}
func (*TimeDecl) decl()       {}
func (*ConstDecl) decl()      {}
func (*ParamDecl) decl()      {}
func (*CovariateDecl) decl()  {}
func (*DrawDecl) decl()       {}
func (*InputDecl) decl()      {}
func (*StateDecl) decl()      {}
func (*AugmentDecl) decl()    {}
func (*DiscreteDecl) decl()   {}
func (*LetDecl) decl()        {}
func (*FnDecl) decl()         {}
func (*NeuralDecl) decl()     {}
func (*EquationDecl) decl()   {}
func (*AlgebraicDecl) decl()  {}
func (*ConstraintDecl) decl() {}
func (*StartDecl) decl()      {}
func (*EventDecl) decl()      {}
func (*ConserveDecl) decl()   {}
func (*RequireDecl) decl()    {}
func (*ObserveDecl) decl()    {}
func (*LossDecl) decl()       {}
func (*UseDecl) decl()        {}
func (*ForDecl) decl()        {}

func (*Assign) stmt()    {}
func (*Terminate) stmt() {}
func (*Zeno) stmt()      {}

// ---- expressions ----

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
