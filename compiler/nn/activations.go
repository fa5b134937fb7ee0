package nn

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// Activation is an elementwise non-linearity.
type Activation struct {
	Name   string
	Smooth bool
	// Monotone says that it does not fall anywhere, which monotone blocks
	// need; Odd that f(−x) = −f(x).
	Monotone bool
	Odd      bool
	Doc      string
	Build    func(b *ir.Builder, x *ir.Node) *ir.Node
}

func op(o ir.Op) func(*ir.Builder, *ir.Node) *ir.Node {
	return func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(o, x) }
}

// Activations lists the activations by their names in the language.
var Activations = []*Activation{
	{"tanh", true, true, true, "hyperbolic tangent", op(ir.OpTanh)},
	{"swish", true, false, false, "x σ(x)", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Mul(x, b.Apply(ir.OpSigmoid, x)) }},
	{"gelu", true, false, false, "x Φ(x)", GELU},
	{"softplus", true, true, false, "log(1 + eˣ)", op(ir.OpSoftplus)},
	{"elu", true, true, false, "x for x > 0, else eˣ − 1", func(b *ir.Builder, x *ir.Node) *ir.Node {
		zero := b.Const(0)
		// The exponential sees only what is below zero, where it is bounded.
		return b.Select(b.Lt(zero, x), x, b.Apply(ir.OpExpm1, b.Apply(ir.OpMin, x, zero)))
	}},
	{"sigmoid", true, true, false, "1/(1 + e⁻ˣ)", op(ir.OpSigmoid)},
	{"sin", true, false, true, "sine", op(ir.OpSin)},
	{"rbf", true, false, false, "exp(−x²)", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Exp(b.Neg(b.Square(x))) }},
	{"relu", false, true, false, "max(x, 0)", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Const(0)) }},
	{"leaky_relu", false, true, false, "max(x, 0.01 x)", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Mul(b.Const(0.01), x)) }},
}

// GELU is x Φ(x), with the normal distribution Φ.
func GELU(b *ir.Builder, x *ir.Node) *ir.Node {
	half := b.Mul(b.Const(0.5), x)
	return b.Mul(half, b.Add(b.Const(1), b.Apply(ir.OpErf, b.Mul(b.Const(1/math.Sqrt2), x))))
}

// FindActivation returns the activation of that name, or nil.
func FindActivation(name string) *Activation {
	for _, a := range Activations {
		if a.Name == name {
			return a
		}
	}
	return nil
}
