package physics

import "github.com/pinode/pinode/compiler/ir"

// Args are the nodes that a penalty is built from.
type Args struct {
	Value *ir.Node // of the constraint, or the jump of the quantity
	Rate  *ir.Node // of the quantity by time, along the flow
	Scale *ir.Node // the size of the quantity, so that weights have no unit
}

// Penalty is an integrand, or a term at an event, that is zero where the law
// holds.
type Penalty struct {
	Name  string
	Doc   string
	Build func(b *ir.Builder, a Args) *ir.Node
}

// Conserve penalises the rate of change of a quantity along the trajectory:
// (dQ/dt)²/s².
var Conserve = &Penalty{
	Name: "conserve",
	Doc:  "∫ (dQ/dt)²/s² dt between events",
	Build: func(b *ir.Builder, a Args) *ir.Node {
		return b.Square(b.Div(a.Rate, a.Scale))
	},
}

// Jump penalises the change of a quantity across an event: (Q⁺ − Q⁻)²/s².
var Jump = &Penalty{
	Name: "across",
	Doc:  "(Q⁺ − Q⁻)²/s² at an event",
	Build: func(b *ir.Builder, a Args) *ir.Node {
		return b.Square(b.Div(a.Value, a.Scale))
	},
}

// AtLeast penalises g < 0 by min(g, 0)², summed over elements.
var AtLeast = &Penalty{
	Name: "require",
	Doc:  "∫ min(g, 0)² dt",
	Build: func(b *ir.Builder, a Args) *ir.Node {
		return b.Sum(b.Square(b.Div(b.Apply(ir.OpMin, a.Value, b.Const(0)), a.Scale)))
	},
}

// Equal penalises g ≠ 0 by g², summed over elements.
var Equal = &Penalty{
	Name: "require equal",
	Doc:  "∫ g² dt",
	Build: func(b *ir.Builder, a Args) *ir.Node {
		return b.Sum(b.Square(b.Div(a.Value, a.Scale)))
	},
}

// Penalties lists them.
var Penalties = []*Penalty{Conserve, Jump, AtLeast, Equal}
