package autodiff_test

import (
	"math"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// TestLimits: derivatives at points where the slope of a part is infinite, in
// reverse, forward, and for the second time, are the limits where these are
// finite; NaN and ∞ elsewhere. The values follow from the formulas by hand.
func TestLimits(t *testing.T) {
	const any = 1e300 // not looked at
	inf, nan := math.Inf(1), math.NaN()
	hypot := func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Sqrt(b.Add(b.Square(x), b.Square(y))) }
	for name, c := range map[string]struct {
		f          func(b *ir.Builder, x, k *ir.Node) *ir.Node
		x, k       float64
		dx, dk, dd float64 // by x, by k, twice by x
	}{
		"k √x":         {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Mul(k, b.Sqrt(x)) }, 0, 0, 0, 0, 0},
		"k √x, k = 2":  {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Mul(k, b.Sqrt(x)) }, 0, 2, inf, 0, any},
		"0 √x":         {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Mul(b.Const(0), b.Sqrt(x)) }, 0, 0, 0, 0, 0},
		"√(x²)":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Sqrt(b.Square(x)) }, 0, 0, 0, 0, 0},
		"√(x⁴)":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Sqrt(b.Pow(x, b.Const(4))) }, 0, 0, 0, 0, any},
		"√(x²/k)":      {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Sqrt(b.Div(b.Square(x), k)) }, 0, 2, 0, 0, 0},
		"√x √x":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Square(b.Sqrt(x)) }, 0, 0, 1, 0, 0},
		"√x √(2x)":     {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Mul(b.Sqrt(x), b.Sqrt(b.Add(x, x))) }, 0, 0, nan, 0, any},
		"x^1.5":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Pow(x, b.Const(1.5)) }, 0, 0, 0, 0, inf},
		"x^2.5":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Pow(x, b.Const(2.5)) }, 0, 0, 0, 0, 0},
		"x^2":          {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Pow(x, b.Const(2)) }, 0, 0, 0, 0, 2},
		"x^1.3":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Pow(x, b.Const(1.3)) }, 0, 0, 0, 0, inf},
		"x^2.3":        {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Pow(x, b.Const(2.3)) }, 0, 0, 0, 0, 0},
		"k x^0.3":      {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Mul(k, b.Pow(x, b.Const(0.3))) }, 0, 0, 0, 0, 0},
		"x^k, k = 0":   {(*ir.Builder).Pow, 0, 0, 0, 0, 0},
		"x^k, k = 1":   {(*ir.Builder).Pow, 0, 1, 1, 0, 0},
		"x^k, k = 1.5": {(*ir.Builder).Pow, 0, 1.5, 0, 0, inf},
		"x^k, k = 2":   {(*ir.Builder).Pow, 0, 2, 0, 0, 2},
		"x^k, k = 3":   {(*ir.Builder).Pow, 0, 3, 0, 0, 0},
		"(x/k)^0.3":    {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Pow(b.Div(x, k), b.Const(0.3)) }, 0, 2, inf, 0, any},
		"(k x)^0.3":    {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Pow(b.Mul(k, x), b.Const(0.3)) }, 0, 2, inf, 0, any},
		"(x²/k)^0.7":   {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Pow(b.Div(b.Square(x), k), b.Const(0.7)) }, 0, 2, 0, 0, any},
		"(x/k)^(0.2 k)": {func(b *ir.Builder, x, k *ir.Node) *ir.Node {
			return b.Pow(b.Div(x, k), b.Mul(b.Const(0.2), k))
		}, 0, 2, inf, 0, any},
		"hypot(x, k)":   {hypot, 0, 0, 0, 0, 0},
		"hypot(x, k)²":  {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Square(hypot(b, x, k)) }, 0, 0, 0, 0, 2},
		"x hypot(x, k)": {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Mul(x, hypot(b, x, k)) }, 0, 0, 0, 0, any},
		"hypot(x, 3)":   {hypot, 0, 3, 0, 1, 1. / 3},
		"|x|":           {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Apply(ir.OpAbs, x) }, 0, 0, 0, 0, 0},
		"x |x|":         {func(b *ir.Builder, x, _ *ir.Node) *ir.Node { return b.Mul(x, b.Apply(ir.OpAbs, x)) }, 0, 0, 0, 0, 0},
		"norm [x, k]":   {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Norm(b.Concat(x, k)) }, 0, 0, 0, 0, 0},
		"√(v·v)": {func(b *ir.Builder, x, k *ir.Node) *ir.Node {
			v := b.Concat(x, k)
			return b.Sqrt(b.Dot(v, v))
		}, 0, 0, 0, 0, 0},
		"[x, k]·√[x, k]": {func(b *ir.Builder, x, k *ir.Node) *ir.Node {
			v := b.Concat(x, k)
			return b.Dot(v, b.Sqrt(v))
		}, 0, 4, 0, 3, inf},
		"k acos(x)": {func(b *ir.Builder, x, k *ir.Node) *ir.Node { return b.Mul(k, b.Apply(ir.OpAcos, x)) }, 1, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := ir.NewBuilder()
			x, k := b.Input("x", ir.Scalar, true), b.Input("k", ir.Scalar, true)
			one, zero := b.Input("one", ir.Scalar, true), b.Input("zero", ir.Scalar, true) // that nothing folds
			f := nodes(c.f(b, x, k))
			along := func(f []*ir.Node, dx, dk *ir.Node) *ir.Node { return autodiff.JVP(b, f, nodes(x, k), nodes(dx, dk))[0] }
			g := autodiff.VJP(b, f, nodes(b.Const(1)), nodes(x, k))
			v := compile(t, g[0], g[1], along(f, one, zero), along(f, zero, one), along(f, zero, zero),
				along(g[:1], one, zero), along(nodes(along(f, one, zero)), one, zero), autodiff.VJP(b, g[:1], nodes(b.Const(1)), nodes(x))[0],
			).at(map[string][]float64{"x": {c.x}, "k": {c.k}, "one": {1}, "zero": {0}})
			for i, want := range []float64{c.dx, c.dk, c.dx, c.dk, 0, c.dd, c.dd, c.dd} {
				what := []string{"by x, reverse", "by k, reverse", "by x, forward", "by k, forward", "along 0", "twice, forward of reverse", "twice, forward", "twice, reverse"}[i]
				switch {
				case want == any || i > 4 && math.IsInf(want, 1) && math.IsNaN(v[i][0]): // NaN for ∞ is no harm the second time
				case math.IsNaN(want):
					require.False(t, math.Abs(v[i][0]) < inf, "%s: %g", what, v[i][0])
				case math.IsInf(want, 1):
					require.Equal(t, want, v[i][0], what)
				default:
					require.InDelta(t, want, v[i][0], 1e-15, what)
				}
			}
		})
	}
}

// TestLimitsInterpreted: the same without machine code.
func TestLimitsInterpreted(t *testing.T) {
	c := exec.Command(os.Args[0], "-test.run=^TestLimits$")
	c.Env = append(os.Environ(), "PINODE_EXEC=interp")
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestLimitsElsewhere: where nothing is infinite a factor of 0 hides no
// derivative: ∂²(k √x)/∂k∂x = 1/(2√x), ∂²(k x^0.3)/∂k∂x = 0.3 x^−0.7, and
// the second derivative of √(9 + x²) is 1/3 at x = 0.
func TestLimitsElsewhere(t *testing.T) {
	b := ir.NewBuilder()
	x, k := b.Input("x", ir.Scalar, true), b.Input("k", ir.Scalar, true)
	cross := func(f *ir.Node) []*ir.Node {
		by := func(f, wrt *ir.Node) *ir.Node { return autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(wrt))[0] }
		along := func(f, wrt *ir.Node) *ir.Node { return autodiff.JVP(b, nodes(f), nodes(wrt), nodes(b.Const(1)))[0] }
		return nodes(by(by(f, x), k), by(by(f, k), x), along(by(f, x), k), along(along(f, x), k), along(along(f, k), x))
	}
	in := map[string][]float64{"x": {4}, "k": {0}}
	for i, v := range compile(t, cross(b.Mul(k, b.Sqrt(x)))...).at(in) {
		require.InDelta(t, 0.25, v[0], 1e-15, i)
	}
	for i, v := range compile(t, cross(b.Mul(k, b.Pow(x, b.Const(0.3))))...).at(in) {
		require.InDelta(t, 0.3*math.Pow(4, -0.7), v[0], 1e-15, i)
	}
	rate := func(f *ir.Node) *ir.Node { return autodiff.JVP(b, nodes(f), nodes(x), nodes(b.Const(1)))[0] }
	f := b.Sqrt(b.Add(b.Const(9), b.Square(x)))
	require.InDelta(t, 1./3, compile(t, rate(rate(f))).at(map[string][]float64{"x": {0}})[0][0], 1e-15)
}

// TestSteep: roots and powers below 1 have infinite slopes; lengths of vectors have corners.
func TestSteep(t *testing.T) {
	b := ir.NewBuilder()
	x, y := b.Input("x", ir.Scalar, false), b.Input("y", ir.Scalar, false)
	v := b.Input("v", ir.Vec(3), false)
	sq := func(n *ir.Node) *ir.Node { return b.Mul(n, n) }
	root := func(n *ir.Node) *ir.Node { return b.Apply(ir.OpSqrt, n) }
	for name, c := range map[string]struct {
		of   *ir.Node
		want bool
	}{
		"root":                  {root(x), true},
		"root inside":           {b.Mul(y, root(b.Add(x, b.Const(1)))), true},
		"power 0.5":             {b.Apply(ir.OpPow, x, b.Const(0.5)), true},
		"power 1.7":             {b.Apply(ir.OpPow, x, b.Const(1.7)), false},
		"power of a parameter":  {b.Apply(ir.OpPow, x, y), true},
		"length":                {root(b.Add(sq(x), sq(y))), false},
		"weighted length":       {root(b.Add(b.Mul(b.Const(2), sq(x)), b.Const(1))), false},
		"length of a vector":    {root(b.Dot(v, v)), false},
		"root of a difference":  {root(b.Sub(sq(x), sq(y))), true},
		"root of a sum":         {root(b.Add(sq(x), y)), true},
		"root of minus squares": {root(b.Mul(b.Const(-2), sq(x))), true},
		"none":                  {b.Mul(x, y), false},
	} {
		require.Equal(t, c.want, autodiff.Steep(c.of), name)
	}
}
