package autodiff

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// rule is the derivative of an op in both modes.
//
// vjp returns the cotangents of the arguments for that of the node, nil for
// zero. Of an elementwise op they have the node's shape even where the
// argument is a repeated scalar, or are scalars that stand for a repeated one.
// jvp returns the tangent of the node for those of its arguments, of which nil
// is zero; at least one is not.
type rule struct {
	vjp func(b *ir.Builder, n, ct *ir.Node) []*ir.Node
	jvp func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node

	// constant says that the derivative depends on no value that could be
	// infinite.
	constant bool

	// steep says that the slope is infinite somewhere where the value is not.
	steep bool

	// partials are the partial derivatives by the arguments, nil for zero, of
	// rules that multiply cotangents and tangents by them elementwise. A scalar
	// product adds them up.
	partials func(b *ir.Builder, n *ir.Node) []*ir.Node

	// inverse is 1/f' of rules of y = f(x) that divide by it.
	inverse func(b *ir.Builder, x, y *ir.Node) *ir.Node
}

var rules = map[ir.Op]rule{
	ir.OpNeg:   fixed(-1),
	ir.OpAbs:   slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSign, x) }),
	ir.OpSign:  flat,
	ir.OpSqrt:  steep(func(b *ir.Builder, _, y *ir.Node) *ir.Node { return b.Mul(b.Const(2), y) }), // 1/(2√x)
	ir.OpExp:   slope(func(_ *ir.Builder, _, y *ir.Node) *ir.Node { return y }),
	ir.OpExpm1: slope(func(b *ir.Builder, _, y *ir.Node) *ir.Node { return b.Add(y, b.Const(1)) }),
	ir.OpLog:   over(func(_ *ir.Builder, x, _ *ir.Node) *ir.Node { return x }),
	ir.OpLog1p: over(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Add(b.Const(1), x) }),
	ir.OpSin:   slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpCos, x) }),
	ir.OpCos:   slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Neg(b.Apply(ir.OpSin, x)) }),
	ir.OpTan:   slope(func(b *ir.Builder, _, y *ir.Node) *ir.Node { return b.Add(b.Const(1), b.Square(y)) }), // 1 + y²
	ir.OpAsin:  steep(circle),
	ir.OpAcos:  steep(func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Neg(circle(b, x, y)) }),
	ir.OpAtan:  over(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Add(b.Const(1), b.Square(x)) }), // 1/(1 + x²)
	ir.OpSinh:  slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpCosh, x) }),
	ir.OpCosh:  slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSinh, x) }),
	ir.OpTanh:  slope(func(b *ir.Builder, _, y *ir.Node) *ir.Node { return b.Sub(b.Const(1), b.Square(y)) }), // 1 − y²
	ir.OpAsinh: over(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Sqrt(b.Add(b.Square(x), b.Const(1))) }),
	ir.OpAcosh: steep(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // √(x−1) √(x+1), which is NaN below 1
		return b.Mul(b.Sqrt(b.Sub(x, b.Const(1))), b.Sqrt(b.Add(x, b.Const(1))))
	}),
	ir.OpAtanh: over(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 1 − x²
		return b.Mul(b.Sub(b.Const(1), x), b.Add(b.Const(1), x))
	}),
	ir.OpFloor: flat,
	ir.OpCeil:  flat,
	ir.OpErf: slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { // 2/√π e^{−x²}
		return b.Mul(b.Const(2/math.Sqrt(math.Pi)), b.Exp(b.Neg(b.Square(x))))
	}),
	ir.OpGamma:  slope(func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Mul(y, b.Polygamma(0, x)) }),
	ir.OpLgamma: slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Polygamma(0, x) }),
	ir.OpLogPhi: slope(func(b *ir.Builder, x, y *ir.Node) *ir.Node { // φ(x)/Φ(x)
		return b.Exp(b.Sub(b.Const(-0.5*math.Log(2*math.Pi)), b.Add(b.Mul(b.Const(0.5), b.Square(x)), y)))
	}),
	ir.OpPolygamma: slope(func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Polygamma(y.Off+1, x) }),
	ir.OpSigmoid:   slope(func(b *ir.Builder, _, y *ir.Node) *ir.Node { return b.Mul(y, b.Sub(b.Const(1), y)) }), // y(1−y)
	ir.OpSoftplus:  slope(func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpSigmoid, x) }),

	ir.OpAdd: fixed(1, 1),
	ir.OpSub: fixed(1, -1),
	ir.OpMul: partials(func(_ *ir.Builder, n *ir.Node) []*ir.Node { return []*ir.Node{n.Args[1], n.Args[0]} }),
	ir.OpDiv: { // n = x/y: dx/y − n dy/y
		partials: func(b *ir.Builder, n *ir.Node) []*ir.Node {
			y := n.Args[1]
			return []*ir.Node{b.Div(b.Const(1), y), b.Neg(b.Div(n, y))}
		},
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			bar := b.Div(ct, n.Args[1])
			return []*ir.Node{bar, b.Neg(b.Mul(bar, n))}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			dx, dy := orZero(b, d[0]), orZero(b, d[1])
			return b.Div(b.Sub(dx, b.Mul(n, dy)), n.Args[1])
		},
	},
	ir.OpPow: power,
	ir.OpMin: branches(func(b *ir.Builder, n *ir.Node) (x, y int, cond *ir.Node) {
		return 0, 1, b.Le(n.Args[0], n.Args[1])
	}),
	ir.OpMax: branches(func(b *ir.Builder, n *ir.Node) (x, y int, cond *ir.Node) {
		return 0, 1, b.Le(n.Args[1], n.Args[0])
	}),
	ir.OpAtan2: partials(func(b *ir.Builder, n *ir.Node) []*ir.Node { // x/r², −y/r²
		y, x := n.Args[0], n.Args[1]
		r2 := b.Add(b.Square(x), b.Square(y))
		return []*ir.Node{b.Div(x, r2), b.Neg(b.Div(y, r2))}
	}),
	ir.OpLt: flat,
	ir.OpLe: flat,
	ir.OpEq: flat,
	ir.OpNe: flat,

	ir.OpFma: partials(func(b *ir.Builder, n *ir.Node) []*ir.Node {
		return []*ir.Node{n.Args[1], n.Args[0], b.Const(1)}
	}),
	ir.OpSelect: branches(func(_ *ir.Builder, n *ir.Node) (x, y int, cond *ir.Node) {
		return 1, 2, n.Args[0]
	}),

	ir.OpFill: {
		constant: true,
		vjp:      func(b *ir.Builder, _, ct *ir.Node) []*ir.Node { return []*ir.Node{sumOf(b, ct)} },
		jvp:      func(_ *ir.Builder, _ *ir.Node, d []*ir.Node) *ir.Node { return d[0] },
	},
	ir.OpSlice: {
		constant: true,
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Assemble(n.Args[0].Shape, []int{n.Off}, []*ir.Node{ct})}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node { return b.Slice(d[0], n.Off, n.Shape) },
	},
	ir.OpAssemble: {
		constant: true,
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			bars := make([]*ir.Node, len(n.Args))
			for i, a := range n.Args {
				bars[i] = b.Slice(ct, n.Offs[i], a.Shape)
			}
			return bars
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
		constant: true,
		vjp:      func(b *ir.Builder, _, ct *ir.Node) []*ir.Node { return []*ir.Node{b.Transpose(ct)} },
		jvp:      func(b *ir.Builder, _ *ir.Node, d []*ir.Node) *ir.Node { return b.Transpose(d[0]) },
	},

	ir.OpSum: {
		constant: true,
		vjp:      func(_ *ir.Builder, _, ct *ir.Node) []*ir.Node { return []*ir.Node{ct} }, // repeated
		jvp:      func(b *ir.Builder, _ *ir.Node, d []*ir.Node) *ir.Node { return sumOf(b, d[0]) },
	},
	ir.OpDot: {
		partials: func(_ *ir.Builder, n *ir.Node) []*ir.Node { return []*ir.Node{n.Args[1], n.Args[0]} },
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Mul(ct, n.Args[1]), b.Mul(ct, n.Args[0])}
		},
		jvp: product((*ir.Builder).Dot),
	},
	ir.OpNorm: { // x/|x|, and 0 at 0
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Mul(b.Mul(ct, reciprocal(b, n)), n.Args[0])}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			return b.Mul(reciprocal(b, n), b.Dot(n.Args[0], d[0]))
		},
	},
	ir.OpMatVec: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(ct, n.Args[1]), b.TMatVec(n.Args[0], ct)}
		},
		jvp: product((*ir.Builder).MatVec),
	},
	ir.OpTMatVec: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(n.Args[1], ct), b.MatVec(n.Args[0], ct)}
		},
		jvp: product((*ir.Builder).TMatVec),
	},
	ir.OpMatMul: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.MatMul(ct, b.Transpose(n.Args[1])), b.MatMul(b.Transpose(n.Args[0]), ct)}
		},
		jvp: product((*ir.Builder).MatMul),
	},
	ir.OpOuter: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.MatVec(ct, n.Args[1]), b.TMatVec(ct, n.Args[0])}
		},
		jvp: product((*ir.Builder).Outer),
	},
	ir.OpDense: {
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			return []*ir.Node{b.Outer(ct, n.Args[1]), b.TMatVec(n.Args[0], ct), ct}
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			return plus(b, product((*ir.Builder).MatVec)(b, n, d[:2]), d[2])
		},
	},

	ir.OpFactor: flat, // what reads it is differentiated by the matrix
	ir.OpSolve:  {vjp: solveVJP, jvp: solveJVP},
	ir.OpDet:    {vjp: detVJP, jvp: detJVP},
}

// partials makes the rule of an elementwise op from its partial derivatives
// ∂n/∂argᵢ, of which nil is zero.
func partials(f func(b *ir.Builder, n *ir.Node) []*ir.Node) rule {
	return rule{
		partials: f,
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			bars := f(b, n)
			for i, p := range bars {
				if p != nil {
					bars[i] = b.Mul(ct, p)
				}
			}
			return bars
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			var t *ir.Node
			for i, p := range f(b, n) {
				if p != nil && d[i] != nil {
					t = plus(b, t, b.Mul(p, d[i]))
				}
			}
			return t
		},
	}
}

// slope makes the rule of y = f(x) from f'.
func slope(f func(b *ir.Builder, x, y *ir.Node) *ir.Node) rule {
	return partials(func(b *ir.Builder, n *ir.Node) []*ir.Node { return []*ir.Node{f(b, n.Args[0], n)} })
}

// over makes the rule of y = f(x) from 1/f', which saves an operation.
func over(f func(b *ir.Builder, x, y *ir.Node) *ir.Node) rule {
	return rule{
		inverse: f,
		vjp:     func(b *ir.Builder, n, ct *ir.Node) []*ir.Node { return []*ir.Node{b.Div(ct, f(b, n.Args[0], n))} },
		jvp:     func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node { return b.Div(d[0], f(b, n.Args[0], n)) },
	}
}

// steep is over for an f' that is infinite where f is not.
func steep(f func(b *ir.Builder, x, y *ir.Node) *ir.Node) rule {
	r := over(f)
	r.steep = true
	return r
}

// fixed is the rule of an op whose partial derivatives are constant.
func fixed(c ...float64) rule {
	r := partials(func(b *ir.Builder, _ *ir.Node) []*ir.Node {
		p := make([]*ir.Node, len(c))
		for i, v := range c {
			p[i] = b.Const(v)
		}
		return p
	})
	r.constant = true
	return r
}

// flat is the rule of ops that are constant by pieces.
var flat = rule{
	constant: true,
	vjp:      func(_ *ir.Builder, n, _ *ir.Node) []*ir.Node { return make([]*ir.Node, len(n.Args)) },
	jvp:      func(*ir.Builder, *ir.Node, []*ir.Node) *ir.Node { return nil },
}

// branches makes the rule of an op that is argument x where cond is not zero,
// else argument y. Cotangents and tangents are selected, not multiplied by 0
// and 1, so that what is infinite in a branch not taken stays there.
func branches(f func(b *ir.Builder, n *ir.Node) (x, y int, cond *ir.Node)) rule {
	return rule{
		constant: true,
		vjp: func(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
			x, y, cond := f(b, n)
			bars := make([]*ir.Node, len(n.Args))
			bars[x], bars[y] = b.Select(cond, ct, b.Const(0)), b.Select(cond, b.Const(0), ct)
			return bars
		},
		jvp: func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
			x, y, cond := f(b, n)
			if d[x] == nil && d[y] == nil {
				return nil
			}
			return b.Select(cond, orZero(b, d[x]), orZero(b, d[y]))
		},
	}
}

// product is the tangent of a bilinear op: the product rule.
func product(op func(b *ir.Builder, x, y *ir.Node) *ir.Node) func(*ir.Builder, *ir.Node, []*ir.Node) *ir.Node {
	return func(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
		var t *ir.Node
		if d[0] != nil {
			t = op(b, d[0], n.Args[1])
		}
		if d[1] != nil {
			t = plus(b, t, op(b, n.Args[0], d[1]))
		}
		return t
	}
}

// power is the rule of x^y, which is steep for y < 1.
var power = func() rule {
	r := partials(powPartials)
	r.steep = true
	return r
}()

// powPartials are y x^{y−1} and x^y log x.
//
// The first is 0 where y is, also at x = 0. The second is taken as 0 where
// x ≤ 0: at 0 that is the limit for y > 0, and below x^y has no derivative by
// y. A constant exponent needs no logarithm.
func powPartials(b *ir.Builder, n *ir.Node) []*ir.Node {
	x, y := n.Args[0], n.Args[1]
	zero := b.Const(0)
	dx := b.Select(b.Apply(ir.OpEq, y, zero), zero, b.Mul(y, b.Pow(x, b.Sub(y, b.Const(1)))))
	if y.Op == ir.OpConst {
		return []*ir.Node{dx, nil}
	}
	positive := b.Lt(zero, x)
	return []*ir.Node{dx, b.Select(positive, b.Mul(n, b.Log(b.Select(positive, x, b.Const(1)))), zero)}
}

// circle is √(1−x²), factored so that it keeps its digits near ±1.
func circle(b *ir.Builder, x, _ *ir.Node) *ir.Node {
	return b.Sqrt(b.Mul(b.Sub(b.Const(1), x), b.Add(b.Const(1), x)))
}

// reciprocal is 1/x, and 0 at 0.
func reciprocal(b *ir.Builder, x *ir.Node) *ir.Node {
	zero := b.Apply(ir.OpEq, x, b.Const(0))
	return b.Select(zero, b.Const(0), b.Div(b.Const(1), b.Select(zero, b.Const(1), x)))
}

// plus is x + y, of which either may be nil for zero.
func plus(b *ir.Builder, x, y *ir.Node) *ir.Node {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	return b.Add(x, y)
}

func orZero(b *ir.Builder, x *ir.Node) *ir.Node {
	if x == nil {
		return b.Const(0)
	}
	return x
}
