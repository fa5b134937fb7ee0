package nn

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// Activation is an elementwise non-linearity.
type Activation struct {
	Name string
	Doc  string

	// Jump is the lowest derivative that jumps, 1 or 2; 0: none does.
	Jump int

	// Monotone says that the derivative is nowhere negative, which monotone
	// blocks need, Convex that it is nowhere falling as well.
	Monotone, Convex bool

	// Gain is 1/√E[f(z)²] for normal z: weights of variance Gain²/fan_in keep
	// the mean square of what passes through the layers.
	Gain float64

	Build func(b *ir.Builder, x *ir.Node) *ir.Node
}

// Activations lists the activations by their names in the language.
var Activations = []*Activation{
	{
		Name: "tanh", Doc: "hyperbolic tangent",
		Monotone: true, Gain: 1.592537, Build: op(ir.OpTanh),
	},
	{
		Name: "swish", Doc: "x σ(x)",
		Gain:  1.676532,
		Build: func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Mul(x, b.Apply(ir.OpSigmoid, x)) },
	},
	{
		Name: "gelu", Doc: "x Φ(x)",
		Gain: 1.533530, Build: GELU,
	},
	{
		Name: "softplus", Doc: "log(1 + eˣ)",
		Monotone: true, Convex: true, Gain: 1.041867, Build: op(ir.OpSoftplus),
	},
	{
		Name: "elu", Doc: "x for x > 0, else eˣ − 1",
		Jump: 2, Monotone: true, Convex: true, Gain: 1.245198,
		Build: func(b *ir.Builder, x *ir.Node) *ir.Node {
			zero := b.Const(0)
			// The exponential sees only what is below zero, where it is bounded.
			return b.Select(b.Lt(zero, x), x, b.Apply(ir.OpExpm1, b.Apply(ir.OpMin, x, zero)))
		},
	},
	{
		Name: "sigmoid", Doc: "1/(1 + e⁻ˣ)",
		Monotone: true, Gain: 1.846229, Build: op(ir.OpSigmoid),
	},
	{
		Name: "sin", Doc: "sine",
		Gain: 1.520867, Build: op(ir.OpSin),
	},
	{
		Name: "rbf", Doc: "exp(−x²)",
		Gain:  1.495349,
		Build: func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Exp(b.Neg(b.Square(x))) },
	},
	{
		Name: "relu", Doc: "max(x, 0)",
		Jump: 1, Monotone: true, Convex: true, Gain: math.Sqrt2,
		Build: func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, b.Const(0), x) }, // slope 0 at 0
	},
	{
		Name: "leaky_relu", Doc: "max(x, 0.01 x)",
		Jump: 1, Monotone: true, Convex: true, Gain: 1.414143,
		Build: func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, b.Mul(b.Const(0.01), x), x) },
	},
}

func op(o ir.Op) func(*ir.Builder, *ir.Node) *ir.Node {
	return func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(o, x) }
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

// Rough are the names of the activations with a kink.
func Rough() (names []string) {
	for _, a := range Activations {
		if a.Jump == 1 {
			names = append(names, a.Name)
		}
	}
	return names
}
