package dsl

// What stands in the body of a model.

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

// StateDecl is `state θ: rad = 0.3, θ' = 0`, or `state c: mol >= 0 = 1`, or, of a field,
// `state u[2](x, y): m = 0`.
type StateDecl struct {
	At
	Documented
	Name  Ident
	Over  []Ident // the coordinates of a field
	Type  Type
	Least Expr        // E of `>= E`, or nil
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
