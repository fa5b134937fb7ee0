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
