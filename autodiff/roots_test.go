package autodiff_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// TestUnderARoot: derivatives of √f(x, y, z), in both directions, beside
// another root and without, agree with differences for every kind of f: under
// a root the partial derivatives are multiplied one by one.
func TestUnderARoot(t *testing.T) {
	at := [3]float64{1.7, 2.3, 0.6}
	apply := func(op ir.Op, n int) func(b *ir.Builder, x []*ir.Node) *ir.Node {
		return func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Apply(op, x[:n]...) }
	}
	kinds := map[string]func(b *ir.Builder, x []*ir.Node) *ir.Node{
		"x+y": apply(ir.OpAdd, 2), "x·y": apply(ir.OpMul, 2), "x/y": apply(ir.OpDiv, 2), "xʸ": apply(ir.OpPow, 2), "atan2": apply(ir.OpAtan2, 2),
		"x·y+z": apply(ir.OpFma, 3), "min": apply(ir.OpMin, 2), "max": apply(ir.OpMax, 2),
		"y−x":           func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Sub(x[1], x[0]) },
		"4−x":           func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Add(b.Const(4), b.Neg(x[0])) },
		"x³":            func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Pow(x[0], b.Const(3)) },
		"x^2.5":         func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Pow(x[0], b.Const(2.5)) },
		"2ˣ":            func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Pow(b.Const(2), x[0]) },
		"if x < y":      func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Select(b.Lt(x[0], x[1]), b.Mul(x[0], x[2]), x[1]) },
		"dot":           func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Dot(b.Concat(x[0], x[1]), b.Concat(x[1], x[2])) },
		"norm":          func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Norm(b.Concat(x[0], x[1])) },
		"Σ":             func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Sum(b.Square(b.Concat(x...))) },
		"of a quotient": func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Div(b.Mul(x[0], x[2]), b.Add(x[1], x[2])) },
	}
	for name, op := range map[string]ir.Op{
		"exp": ir.OpExp, "expm1": ir.OpExpm1, "log": ir.OpLog, "log1p": ir.OpLog1p, "abs": ir.OpAbs, "sin": ir.OpSin, "atan": ir.OpAtan,
		"sinh": ir.OpSinh, "cosh": ir.OpCosh, "tanh": ir.OpTanh, "asinh": ir.OpAsinh, "acosh": ir.OpAcosh, "erf": ir.OpErf, "sigmoid": ir.OpSigmoid, "softplus": ir.OpSoftplus,
		"gamma": ir.OpGamma, "sqrt": ir.OpSqrt,
	} {
		kinds[name] = apply(op, 1)
	}
	for name, kind := range kinds {
		for _, beside := range []bool{false, true} {
			b := ir.NewBuilder()
			x := []*ir.Node{b.Input("x", ir.Scalar, true), b.Input("y", ir.Scalar, true), b.Input("z", ir.Scalar, true)}
			root := b.Sqrt(kind(b, x))
			if beside {
				root = b.Mul(root, b.Sqrt(b.Add(x[0], x[2])))
			}
			dx := []*ir.Node{b.Input("dx", ir.Scalar, true), b.Input("dy", ir.Scalar, true), b.Input("dz", ir.Scalar, true)}
			back := autodiff.VJP(b, []*ir.Node{root}, []*ir.Node{b.Const(1)}, x)
			forth := autodiff.JVP(b, []*ir.Node{root}, x, dx)[0]
			f := compile(t, root, back[0], back[1], back[2], forth)
			dir := [3]float64{0.4, -0.9, 1.3}
			run := func(p [3]float64) [][]float64 {
				return f.at(map[string][]float64{
					"x": {p[0]}, "y": {p[1]}, "z": {p[2]}, "dx": {dir[0]}, "dy": {dir[1]}, "dz": {dir[2]},
				})
			}
			got, dot := run(at), 0.
			for i := range 3 {
				const h = 1e-5
				up, down := at, at
				up[i] += h
				down[i] -= h
				want := (run(up)[0][0] - run(down)[0][0]) / (2 * h)
				require.InDelta(t, want, got[1+i][0], 1e-8*(1+math.Abs(want)), "%s by %d", name, i)
				dot += want * dir[i]
			}
			require.InDelta(t, dot, got[4][0], 1e-7*(1+math.Abs(dot)), "%s, forward", name)
		}
	}
}
