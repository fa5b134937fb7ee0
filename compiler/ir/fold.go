package ir

import (
	"math"
	"slices"
)

// fold evaluates an elementwise op on constants and applies the identities
// that are exact in floating point (up to the sign of zero and 0·NaN, which
// differentiation needs dropped).
func (b *Builder) fold(op Op, args []*Node) *Node {
	shape, err := shapeOf(op, args, Shape{})
	if err != nil {
		panic("ir: " + err.Error())
	}
	if !slices.ContainsFunc(args, func(a *Node) bool { return a.Op != OpConst }) {
		return b.foldConst(op, args, shape)
	}
	like := func(x *Node) *Node { // x, spread to the result's shape
		if x.Shape == shape {
			return x
		}
		return b.Fill(x, shape)
	}
	is := func(i int, v float64) bool { return args[i].IsConst(v) }
	switch op {
	case OpAdd:
		switch {
		case is(0, 0):
			return like(args[1])
		case is(1, 0):
			return like(args[0])
		case args[1].Op == OpNeg && args[1].Shape == shape:
			return b.Sub(args[0], args[1].Args[0])
		case args[0].Op == OpNeg && args[0].Shape == shape:
			return b.Sub(args[1], args[0].Args[0])
		}
	case OpSub:
		switch {
		case is(1, 0):
			return like(args[0])
		case is(0, 0):
			return b.Neg(like(args[1]))
		case args[1].Op == OpNeg && args[1].Shape == shape:
			return b.Add(args[0], args[1].Args[0])
		}
	case OpMul:
		switch {
		case is(0, 0) || is(1, 0):
			return b.Full(shape, 0)
		case is(0, 1):
			return like(args[1])
		case is(1, 1):
			return like(args[0])
		case is(0, -1):
			return b.Neg(like(args[1]))
		case is(1, -1):
			return b.Neg(like(args[0]))
		}
	case OpDiv:
		switch {
		case is(1, 1):
			return like(args[0])
		case is(0, 0):
			return b.Full(shape, 0)
		}
	case OpNeg:
		if args[0].Op == OpNeg {
			return args[0].Args[0]
		}
	case OpPow:
		if e, ok := args[1].Const(); ok {
			if p := b.power(args[0], e); p != nil {
				return like(p)
			}
		}
	case OpSelect:
		if c, ok := args[0].Const(); ok {
			if c != 0 {
				return like(args[1])
			}
			return like(args[2])
		}
		if args[1] == args[2] {
			return like(args[1])
		}
	}
	return nil
}

func (b *Builder) foldConst(op Op, args []*Node, shape Shape) *Node {
	n := 1
	for _, a := range args {
		n = max(n, len(a.Values))
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = EvalConst(op, 0, args, i)
	}
	return b.ConstOf(shape, out)
}

// EvalConst is element i of an elementwise op on constants; k is the order of
// OpPolygamma.
func EvalConst(op Op, k int, args []*Node, i int) float64 {
	info := op.Info()
	switch {
	case op == OpPolygamma:
		return Polygamma(k, args[0].At(i))
	case info.Arity == 1:
		return info.Eval1(args[0].At(i))
	case info.Arity == 2:
		return info.Eval2(args[0].At(i), args[1].At(i))
	}
	return info.Eval3(args[0].At(i), args[1].At(i), args[2].At(i))
}

// power is x to a constant exponent: products for small whole numbers, √ for
// halves, so that neither the value nor the derivative needs a logarithm.
// It returns nil where only OpPow will do.
func (b *Builder) power(x *Node, e float64) *Node {
	switch {
	case e == 0:
		return b.Full(x.Shape, 1)
	case e == 1:
		return x
	case e == 0.5:
		return b.Sqrt(x)
	case e == -0.5:
		return b.Div(b.Const(1), b.Sqrt(x))
	case e == math.Trunc(e) && math.Abs(e) <= 16:
		y := b.whole(x, int(math.Abs(e)))
		if e < 0 {
			y = b.Div(b.Const(1), y)
		}
		return y
	case 2*e == math.Trunc(2*e) && math.Abs(e) <= 8:
		y := b.Mul(b.whole(x, int(math.Abs(e))), b.Sqrt(x))
		if e < 0 {
			y = b.Div(b.Const(1), y)
		}
		return y
	}
	return nil
}

// whole is xᵏ, k ≥ 1, by repeated squaring.
func (b *Builder) whole(x *Node, k int) *Node {
	if k == 1 {
		return x
	}
	half := b.whole(x, k/2)
	y := b.Mul(half, half)
	if k%2 == 1 {
		y = b.Mul(y, x)
	}
	return y
}
