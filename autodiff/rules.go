package autodiff

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// rule holds the derivative of an op. Elementwise ops of one argument have
// slope, those of more have partials: ∂n/∂argᵢ, of which both modes follow.
// The other ops are linear in each argument and have vjp and jvp.
type rule struct {
	partials func(b *ir.Builder, n *ir.Node) []*ir.Node

	// vjp returns the cotangents of the arguments, nil for those that want
	// none; jvp the tangent of the node, for tangents that may be nil.
	vjp func(b *ir.Builder, n, ct *ir.Node) []*ir.Node
	jvp func(b *ir.Builder, n *ir.Node, dots []*ir.Node) *ir.Node
}

// one wraps the derivative f'(x) of an op of one argument, which may use the
// op's own value n.
func one(f func(b *ir.Builder, x, n *ir.Node) *ir.Node) rule {
	return rule{partials: func(b *ir.Builder, n *ir.Node) []*ir.Node { return []*ir.Node{f(b, n.Args[0], n)} }}
}

// two wraps both partial derivatives of an op of two arguments. A nil partial
// is zero.
func two(f func(b *ir.Builder, x, y, n *ir.Node) (dx, dy *ir.Node)) rule {
	return rule{partials: func(b *ir.Builder, n *ir.Node) []*ir.Node {
		dx, dy := f(b, n.Args[0], n.Args[1], n)
		return []*ir.Node{dx, dy}
	}}
}

// flat is the rule of piecewise constant ops.
var flat = rule{partials: func(_ *ir.Builder, n *ir.Node) []*ir.Node { return make([]*ir.Node, len(n.Args)) }}

var rules = map[ir.Op]rule{
	ir.OpNeg:  one(func(b *ir.Builder, _, _ *ir.Node) *ir.Node { return b.Const(-1) }),
	ir.OpAbs:  one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSign, x) }),
	ir.OpSign: flat,
	ir.OpSqrt: one(func(b *ir.Builder, _, n *ir.Node) *ir.Node { // 1/(2√x)
		return b.Div(b.Const(0.5), n)
	}),
	ir.OpExp:   one(func(_ *ir.Builder, _, n *ir.Node) *ir.Node { return n }),
	ir.OpExpm1: one(func(b *ir.Builder, _, n *ir.Node) *ir.Node { return b.Add(n, b.Const(1)) }),
	ir.OpLog:   one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Div(b.Const(1), x) }),
	ir.OpLog1p: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Div(b.Const(1), b.Add(b.Const(1), x)) }),
	ir.OpSin:   one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpCos, x) }),
	ir.OpCos:   one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Neg(b.Apply(ir.OpSin, x)) }),
	ir.OpTan:   one(func(b *ir.Builder, _, n *ir.Node) *ir.Node { return b.Add(b.Const(1), b.Square(n)) }),
	ir.OpAsin: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 1/√(1−x²)
		return b.Div(b.Const(1), b.Sqrt(b.Sub(b.Const(1), b.Square(x))))
	}),
	ir.OpAcos: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node {
		return b.Div(b.Const(-1), b.Sqrt(b.Sub(b.Const(1), b.Square(x))))
	}),
	ir.OpAtan: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node {
		return b.Div(b.Const(1), b.Add(b.Const(1), b.Square(x)))
	}),
	ir.OpSinh: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpCosh, x) }),
	ir.OpCosh: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSinh, x) }),
	ir.OpTanh: one(func(b *ir.Builder, _, n *ir.Node) *ir.Node { // 1 − y²
		return b.Sub(b.Const(1), b.Square(n))
	}),
	ir.OpAsinh: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 1/√(x²+1)
		return b.Div(b.Const(1), b.Sqrt(b.Add(b.Square(x), b.Const(1))))
	}),
	ir.OpAcosh: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 1/(√(x−1) √(x+1))
		return b.Div(b.Const(1), b.Mul(b.Sqrt(b.Sub(x, b.Const(1))), b.Sqrt(b.Add(x, b.Const(1)))))
	}),
	ir.OpAtanh: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node {
		return b.Div(b.Const(1), b.Sub(b.Const(1), b.Square(x)))
	}),
	ir.OpFloor: flat,
	ir.OpCeil:  flat,
	ir.OpErf: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 2/√π e^{−x²}
		return b.Mul(b.Const(2/math.Sqrt(math.Pi)), b.Exp(b.Neg(b.Square(x))))
	}),
	ir.OpGamma:  one(func(b *ir.Builder, x, n *ir.Node) *ir.Node { return b.Mul(n, b.Polygamma(0, x)) }),
	ir.OpLgamma: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Polygamma(0, x) }),
	ir.OpPolygamma: one(func(b *ir.Builder, x, n *ir.Node) *ir.Node {
		return b.Polygamma(n.Off+1, x)
	}),
	ir.OpSigmoid: one(func(b *ir.Builder, _, n *ir.Node) *ir.Node { // y(1−y)
		return b.Mul(n, b.Sub(b.Const(1), n))
	}),
	ir.OpSoftplus: one(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSigmoid, x) }),

	ir.OpAdd: two(func(b *ir.Builder, _, _, _ *ir.Node) (_, _ *ir.Node) { return b.Const(1), b.Const(1) }),
	ir.OpSub: two(func(b *ir.Builder, _, _, _ *ir.Node) (_, _ *ir.Node) { return b.Const(1), b.Const(-1) }),
	ir.OpMul: two(func(_ *ir.Builder, x, y, _ *ir.Node) (_, _ *ir.Node) { return y, x }),
	ir.OpDiv: two(func(b *ir.Builder, _, y, n *ir.Node) (_, _ *ir.Node) { // 1/y, −(x/y)/y
		return b.Div(b.Const(1), y), b.Neg(b.Div(n, y))
	}),
	ir.OpPow: two(powPartials),
	ir.OpMin: two(func(b *ir.Builder, x, y, _ *ir.Node) (_, _ *ir.Node) {
		first := b.Le(x, y)
		return first, b.Sub(b.Const(1), first)
	}),
	ir.OpMax: two(func(b *ir.Builder, x, y, _ *ir.Node) (_, _ *ir.Node) {
		first := b.Le(y, x)
		return first, b.Sub(b.Const(1), first)
	}),
	ir.OpAtan2: two(func(b *ir.Builder, y, x, _ *ir.Node) (_, _ *ir.Node) { // x/r², −y/r²
		r2 := b.Add(b.Square(x), b.Square(y))
		return b.Div(x, r2), b.Neg(b.Div(y, r2))
	}),
	ir.OpLt: flat,
	ir.OpLe: flat,
	ir.OpEq: flat,
	ir.OpNe: flat,

	ir.OpFma: {partials: func(b *ir.Builder, n *ir.Node) []*ir.Node {
		return []*ir.Node{n.Args[1], n.Args[0], b.Const(1)}
	}},
	// A branch that is not taken gets an exact zero and passes none on: the
	// cotangent is selected, not multiplied, so that what is infinite there
	// does not spoil it at once. Inside the branch 0·∞ is still NaN.
	ir.OpSelect: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			c := n.Args[0]
			zero := b.Const(0)
			return []*ir.Node{nil, b.Select(c, ct, zero), b.Select(c, zero, ct)}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			x, y := orZero(b, d[1]), orZero(b, d[2])
			return b.Select(n.Args[0], x, y)
		},
	},

	ir.OpFill: {
		vjp: func(b *ir.Builder, _, ct *ir.Node) []*ir.Node { return []*ir.Node{b.Sum(ct)} },
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node { return b.Fill(d[0], n.Shape) },
	},
	ir.OpSlice: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Assemble(n.Args[0].Shape, []int{n.Off}, []*ir.Node{ct})}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node { return b.Slice(d[0], n.Off, n.Shape) },
	},
	ir.OpAssemble: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			out := make([]*ir.Node, len(n.Args))
			for i, a := range n.Args {
				out[i] = b.Slice(ct, n.Offs[i], a.Shape)
			}
			return out
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			var offs []int
			var parts []*ir.Node
			for i, x := range d {
				if x != nil {
					offs, parts = append(offs, n.Offs[i]), append(parts, x)
				}
			}
			return b.Assemble(n.Shape, offs, parts)
		},
	},
	ir.OpTranspose: {
		vjp: func(b *ir.Builder, _, ct *ir.Node) []*ir.Node { return []*ir.Node{b.Transpose(ct)} },
		jvp: func(b *ir.Builder, _ *ir.Node, d []*ir.Node) *ir.Node { return b.Transpose(d[0]) },
	},

	ir.OpSum: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node { return []*ir.Node{b.Fill(ct, n.Args[0].Shape)} },
		jvp: func(b *ir.Builder, _ *ir.Node, d []*ir.Node) *ir.Node { return b.Sum(d[0]) },
	},
	ir.OpDot: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Mul(ct, n.Args[1]), b.Mul(ct, n.Args[0])}
		},
		jvp: bilinear((*ir.Builder).Dot),
	},
	// ∇|x| = x/|x|, and 0 at 0.
	ir.OpNorm: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Mul(ct, unitVector(b, n))}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node { return b.Dot(unitVector(b, n), d[0]) },
	},
	ir.OpMatVec: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(ct, n.Args[1]), b.TMatVec(n.Args[0], ct)}
		},
		jvp: bilinear((*ir.Builder).MatVec),
	},
	ir.OpTMatVec: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(n.Args[1], ct), b.MatVec(n.Args[0], ct)}
		},
		jvp: bilinear((*ir.Builder).TMatVec),
	},
	ir.OpMatMul: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.MatMul(ct, b.Transpose(n.Args[1])), b.MatMul(b.Transpose(n.Args[0]), ct)}
		},
		jvp: bilinear((*ir.Builder).MatMul),
	},
	ir.OpOuter: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.MatVec(ct, n.Args[1]), b.TMatVec(ct, n.Args[0])}
		},
		jvp: bilinear((*ir.Builder).Outer),
	},
	ir.OpDense: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(ct, n.Args[1]), b.TMatVec(n.Args[0], ct), ct}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			out := bilinear((*ir.Builder).MatVec)(b, n, d[:2])
			if out == nil {
				return d[2]
			}
			if d[2] == nil {
				return out
			}
			return b.Add(out, d[2])
		},
	},
}

// powPartials are y x^{y−1} and x^y log x. The second is taken as 0 where
// x ≤ 0, where it has no real value or the limit 0.
func powPartials(b *ir.Builder, x, y, n *ir.Node) (dx, dy *ir.Node) {
	dx = b.Mul(y, b.Pow(x, b.Sub(y, b.Const(1))))
	if y.Op == ir.OpConst {
		return dx, nil
	}
	positive := b.Lt(b.Const(0), x)
	logX := b.Log(b.Select(positive, x, b.Const(1)))
	return dx, b.Select(positive, b.Mul(n, logX), b.Const(0))
}

// unitVector is x/|x| for the norm n of x, and 0 at 0.
func unitVector(b *ir.Builder, n *ir.Node) *ir.Node {
	zero := b.Apply(ir.OpEq, n, b.Const(0))
	return b.Div(n.Args[0], b.Select(zero, b.Const(1), n))
}

// bilinear is the product rule.
func bilinear(op func(b *ir.Builder, x, y *ir.Node) *ir.Node) func(*ir.Builder, *ir.Node, []*ir.Node) *ir.Node {
	return func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
		var sum *ir.Node
		if d[0] != nil {
			sum = op(b, d[0], n.Args[1])
		}
		if d[1] != nil {
			t := op(b, n.Args[0], d[1])
			if sum == nil {
				return t
			}
			return b.Add(sum, t)
		}
		return sum
	}
}

func orZero(b *ir.Builder, n *ir.Node) *ir.Node {
	if n == nil {
		return b.Const(0)
	}
	return n
}
