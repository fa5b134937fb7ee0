package interval_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff/interval"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// box is a range of each of some scalars.
type box [][2]float64

// bounds are those of the elements of what build makes of scalars that move in
// the box. A range of one value does not move.
func bounds(t *testing.T, at box, build func(b *ir.Builder, x []*ir.Node) *ir.Node) (lo, hi []float64) {
	t.Helper()
	b := ir.NewBuilder()
	over := map[*ir.Node]interval.Bounds{}
	inputs := map[string]float64{}
	var x []*ir.Node
	for i, r := range at {
		name := string(rune('a' + i))
		n := b.Input(name, ir.Scalar, true)
		x = append(x, n)
		if r[0] == r[1] {
			inputs[name] = r[0]
			continue
		}
		over[n] = interval.Bounds{Lo: b.Input(name+"lo", ir.Scalar, true), Hi: b.Input(name+"hi", ir.Scalar, true)}
		inputs[name+"lo"], inputs[name+"hi"] = r[0], r[1]
	}
	got := interval.Of(b, []*ir.Node{build(b, x)}, over)[0]
	m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "lo", Node: got.Lo}, {Name: "hi", Node: got.Hi}}}}, 1, exec.Double)
	require.NoError(t, err)
	f := m.NewFrame()
	for name, v := range inputs {
		copy(f.Input(name), []float64{v})
	}
	p := m.Program("f")
	p.Run(f)
	return append([]float64(nil), p.Output(f, "lo")...), append([]float64(nil), p.Output(f, "hi")...)
}

// TestClosedForms: the bounds of an operation over a box are its range there,
// but for round-off, where the box lies in its domain.
func TestClosedForms(t *testing.T) {
	inf := math.Inf(1)
	one := func(op ir.Op) func(b *ir.Builder, x []*ir.Node) *ir.Node {
		return func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Apply(op, x...) }
	}
	pow := func(e float64) func(b *ir.Builder, x []*ir.Node) *ir.Node {
		return func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Pow(x[0], b.Const(e)) }
	}
	sin, cos, gamma := math.Sin, math.Cos, math.Gamma
	for _, c := range []struct {
		what   string
		at     box
		build  func(b *ir.Builder, x []*ir.Node) *ir.Node
		lo, hi float64
	}{
		{"−x", box{{-2, 3}}, one(ir.OpNeg), -3, 2},
		{"|x|", box{{-2, 3}}, one(ir.OpAbs), 0, 3},
		{"|x|", box{{-3, -2}}, one(ir.OpAbs), 2, 3},
		{"|x|", box{{1, 3}}, one(ir.OpAbs), 1, 3},
		{"eˣ", box{{-1, 2}}, one(ir.OpExp), math.Exp(-1), math.Exp(2)},
		{"√x", box{{4, 9}}, one(ir.OpSqrt), 2, 3},
		{"√x", box{{-4, 9}}, one(ir.OpSqrt), 0, 3},
		{"√x", box{{-4, -1}}, one(ir.OpSqrt), -inf, inf},
		{"log", box{{0.5, 4}}, one(ir.OpLog), -math.Ln2, math.Log(4)},
		{"log", box{{-1, 4}}, one(ir.OpLog), -inf, math.Log(4)},
		{"log", box{{-2, -1.5}}, one(ir.OpLog), -inf, inf},
		{"log", box{{-0.7, -0.2}}, one(ir.OpLog), -inf, inf},
		{"log1p", box{{-0.5, 3}}, one(ir.OpLog1p), -math.Ln2, math.Log(4)},
		{"log1p", box{{-3, -2}}, one(ir.OpLog1p), -inf, inf},
		{"asin", box{{-0.5, 0.5}}, one(ir.OpAsin), -math.Pi / 6, math.Pi / 6},
		{"asin", box{{-3, 0.5}}, one(ir.OpAsin), -math.Pi / 2, math.Pi / 6},
		{"asin", box{{0.5, 3}}, one(ir.OpAsin), math.Pi / 6, math.Pi / 2},
		{"asin", box{{-1.8, -1.2}}, one(ir.OpAsin), -inf, inf},
		{"acos", box{{-0.5, 0.5}}, one(ir.OpAcos), math.Pi / 3, 2 * math.Pi / 3},
		{"acos", box{{0.5, 3}}, one(ir.OpAcos), 0, math.Pi / 3},
		{"acosh", box{{1, 2}}, one(ir.OpAcosh), 0, math.Acosh(2)},
		{"acosh", box{{-1, 0.5}}, one(ir.OpAcosh), -inf, inf},
		{"atanh", box{{-0.5, 0.9}}, one(ir.OpAtanh), math.Atanh(-0.5), math.Atanh(0.9)},
		{"atanh", box{{-1.9, -1.1}}, one(ir.OpAtanh), -inf, inf},
		{"cosh", box{{-1, 2}}, one(ir.OpCosh), 1, math.Cosh(2)},
		{"tanh", box{{-1, 2}}, one(ir.OpTanh), math.Tanh(-1), math.Tanh(2)},
		{"sin", box{{0.2, 1}}, one(ir.OpSin), sin(0.2), sin(1)},
		{"sin", box{{1, 2}}, one(ir.OpSin), sin(1), 1},
		{"sin", box{{4, 5.5}}, one(ir.OpSin), -1, sin(5.5)},
		{"sin", box{{1, 9}}, one(ir.OpSin), -1, 1},
		{"cos", box{{0.5, 2}}, one(ir.OpCos), cos(2), cos(0.5)},
		{"cos", box{{-0.5, 2}}, one(ir.OpCos), cos(2), 1},
		{"cos", box{{2, 4}}, one(ir.OpCos), -1, cos(2)},
		{"tan", box{{-1, 1.2}}, one(ir.OpTan), math.Tan(-1), math.Tan(1.2)},
		{"tan", box{{1, 2}}, one(ir.OpTan), -inf, inf},
		{"Γ", box{{2, 4}}, one(ir.OpGamma), 1, 6},
		{"Γ", box{{0.5, 1}}, one(ir.OpGamma), 1, gamma(0.5)},
		{"Γ", box{{1, 2}}, one(ir.OpGamma), 0.885603194410888, 1},
		{"Γ", box{{-0.5, 2}}, one(ir.OpGamma), -inf, inf},
		{"log Γ", box{{2, 4}}, one(ir.OpLgamma), 0, math.Log(6)},
		{"log Γ", box{{1, 2}}, one(ir.OpLgamma), -0.121486290535850, 0},
		{"ψ", box{{1, 2}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Polygamma(0, x[0]) }, -0.5772156649015329, 1 - 0.5772156649015329},
		{"ψ′", box{{1, 2}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Polygamma(1, x[0]) }, math.Pi*math.Pi/6 - 1, math.Pi * math.Pi / 6},
		{"ψ", box{{-0.5, 2}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Polygamma(0, x[0]) }, -inf, inf},
		{"sign", box{{-2, 3}}, one(ir.OpSign), -1, 1},
		{"floor", box{{-1.5, 2.5}}, one(ir.OpFloor), -2, 2},
		{"ceil", box{{-1.5, 2.5}}, one(ir.OpCeil), -1, 3},
		{"x + y", box{{1, 2}, {-5, 7}}, one(ir.OpAdd), -4, 9},
		{"x − y", box{{1, 2}, {-5, 7}}, one(ir.OpSub), -6, 7},
		{"x·y", box{{-1, 2}, {-5, 7}}, one(ir.OpMul), -10, 14},
		{"x·y", box{{1, 2}, {5, 7}}, one(ir.OpMul), 5, 14},
		{"x·y", box{{-1, 2}, {-3, -3}}, one(ir.OpMul), -6, 3},
		{"x·x", box{{-3, 2}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Mul(x[0], x[0]) }, 0, 9},
		{"−3·x", box{{-1, 2}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Mul(b.Const(-3), x[0]) }, -6, 3},
		{"x/y", box{{-1, 2}, {4, 5}}, one(ir.OpDiv), -0.25, 0.5},
		{"x/y", box{{1, 2}, {-4, 5}}, one(ir.OpDiv), -inf, inf},
		{"1/y", box{{1, 1}, {-4, -2}}, one(ir.OpDiv), -0.5, -0.25},
		{"x·y + z", box{{-1, 2}, {-5, 7}, {1, 3}}, one(ir.OpFma), -9, 17},
		{"min", box{{-1, 4}, {2, 3}}, one(ir.OpMin), -1, 3},
		{"max", box{{-1, 4}, {2, 3}}, one(ir.OpMax), 2, 4},
		// Smaller whole powers are products.
		{"x¹⁷", box{{-2, 1.5}}, pow(17), -0x1p17, math.Pow(1.5, 17)},
		{"x¹⁸", box{{-2, 1.5}}, pow(18), 0, 0x1p18},
		{"x¹⁸", box{{-2, -1.5}}, pow(18), math.Pow(1.5, 18), 0x1p18},
		{"x⁻¹⁷", box{{1, 2}}, pow(-17), 0x1p-17, 1},
		{"x⁻¹⁷", box{{-2, -1}}, pow(-17), -1, -0x1p-17},
		{"x⁻¹⁷", box{{-2, 4}}, pow(-17), -inf, inf},
		{"x⁻¹⁸", box{{-2, -1}}, pow(-18), 0x1p-18, 1},
		{"x⁻¹⁸", box{{-1, 2}}, pow(-18), 0x1p-18, inf},
		{"x²", box{{-3, 2}}, pow(2), 0, 9},
		{"x^0.3", box{{1, 1024}}, pow(0.3), 1, 8},
		{"x^0.3", box{{-4, 1024}}, pow(0.3), 0, 8},
		{"x^0.3", box{{-4, -1}}, pow(0.3), -inf, inf},
		{"xʸ", box{{2, 3}, {-1, 2}}, one(ir.OpPow), 1. / 3, 9},
		{"xʸ", box{{0.5, 3}, {1, 2}}, one(ir.OpPow), 0.25, 9},
		{"xʸ", box{{-1, 3}, {1, 2}}, one(ir.OpPow), -inf, inf},
		{"atan2", box{{1, 2}, {1, 2}}, one(ir.OpAtan2), math.Atan2(1, 2), math.Atan2(2, 1)},
		{"atan2", box{{1, 2}, {-2, 3}}, one(ir.OpAtan2), math.Atan2(1, 3), math.Atan2(1, -2)},
		{"atan2", box{{-1, 1}, {-2, 3}}, one(ir.OpAtan2), -4, 4},
		{"atan2", box{{-1, 1}, {1, 3}}, one(ir.OpAtan2), -math.Pi / 4, math.Pi / 4},
		{"<", box{{1, 2}, {3, 4}}, one(ir.OpLt), 1, 1},
		{"<", box{{1, 3}, {3, 4}}, one(ir.OpLt), 0, 1},
		{"<", box{{4, 5}, {3, 4}}, one(ir.OpLt), 0, 0},
		{"<", box{{1, 3}, {2, 4}}, one(ir.OpLt), 0, 1},
		{"≤", box{{1, 2}, {3, 4}}, one(ir.OpLe), 1, 1},
		{"≤", box{{1, 3}, {3, 4}}, one(ir.OpLe), 1, 1},
		{"≤", box{{4, 5}, {3, 4}}, one(ir.OpLe), 0, 1},
		{"≤", box{{5, 6}, {3, 4}}, one(ir.OpLe), 0, 0},
		{"=", box{{1, 2}, {3, 4}}, one(ir.OpEq), 0, 0},
		{"=", box{{1, 3}, {3, 4}}, one(ir.OpEq), 0, 1},
		{"≠", box{{1, 2}, {3, 4}}, one(ir.OpNe), 1, 1},
		{"≠", box{{1, 3}, {3, 4}}, one(ir.OpNe), 0, 1},
		{"if c", box{{0, 0}, {1, 2}, {5, 6}}, one(ir.OpSelect), 5, 6},
		{"if c", box{{3, 3}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 2},
		{"if c", box{{0, 1}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 6},
		{"if c", box{{-1, 1}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 6},
		{"if c", box{{-2, -1}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 2},
		{"if c", box{{1, 2}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 2},
		{"if c", box{{-1, 0}, {1, 2}, {5, 6}}, one(ir.OpSelect), 1, 6},
		{"Σ", box{{1, 2}, {-3, 4}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Sum(b.Concat(x...)) }, -2, 6},
		{"dot", box{{1, 2}, {-3, 4}, {5, 6}, {7, 8}}, func(b *ir.Builder, x []*ir.Node) *ir.Node {
			return b.Dot(b.Concat(x[0], x[1]), b.Concat(x[2], x[3]))
		}, 5 - 24, 12 + 32},
		{"norm", box{{-3, 1}, {2, 4}}, func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Norm(b.Concat(x...)) }, 2, 5},
		{"parts that overlap", box{{1, 2}, {5, 7}}, func(b *ir.Builder, x []*ir.Node) *ir.Node {
			return b.Assemble(ir.Vec(1), []int{0, 0}, x)
		}, 6, 9},
	} {
		lo, hi := bounds(t, c.at, c.build)
		for i, pair := range [][2]float64{{c.lo, lo[0]}, {c.hi, hi[0]}} {
			want, got := pair[0], pair[1]
			if math.IsInf(want, 0) {
				require.Equal(t, want, got, "%s over %v: bound %d", c.what, c.at, i)
				continue
			}
			require.InDelta(t, want, got, 1e-12*(1+math.Abs(want)), "%s over %v: bound %d", c.what, c.at, i)
		}
		require.LessOrEqual(t, lo[0], c.lo+1e-16, "%s over %v", c.what, c.at)
		require.GreaterOrEqual(t, hi[0], c.hi-1e-16, "%s over %v", c.what, c.at)
	}
}

// Parts of an assembly each have their bounds, exactly where they do not
// overlap.
func TestAssembledParts(t *testing.T) {
	at := box{{1, 2}, {-5, 7}, {3, 3}}
	lo, hi := bounds(t, at, func(b *ir.Builder, x []*ir.Node) *ir.Node {
		return b.Assemble(ir.Vec(5), []int{3, 0, 1}, []*ir.Node{x[0], x[1], b.Concat(x[2], x[0])})
	})
	require.Equal(t, []float64{-5, 3, 1, 1, 0}, lo)
	require.Equal(t, []float64{7, 3, 2, 2, 0}, hi)
	lo, hi = bounds(t, at, func(b *ir.Builder, x []*ir.Node) *ir.Node {
		return b.Assemble(ir.Vec(3), []int{0, 1}, []*ir.Node{b.Concat(x[0], x[2]), b.Concat(x[0], x[1])})
	})
	require.InDeltaSlice(t, []float64{1, 4, -5}, lo, 1e-14)
	require.InDeltaSlice(t, []float64{2, 5, 7}, hi, 1e-14)
	require.Less(t, lo[1], 4., "a sum of two rounds")
	require.Greater(t, hi[1], 5.)
}

// Products of matrices by centre and radius: (1 ± 0.5)(10 ± 1) + (2 ± 0)(20 ± 2).
func TestProductsOfMatrices(t *testing.T) {
	at := box{{0.5, 1.5}, {2, 2}, {9, 11}, {18, 22}, {-1, 3}}
	row := func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.Slice(b.Concat(x[0], x[1]), 0, ir.Mat(1, 2)) }
	for what, c := range map[string]struct {
		build  func(b *ir.Builder, x []*ir.Node) *ir.Node
		lo, hi float64
	}{
		// The centre is 10 + 40, the radius 1·1 + 2·2 + 0.5·(10 + 1) = 10.5.
		"product": {func(b *ir.Builder, x []*ir.Node) *ir.Node { return b.MatVec(row(b, x), b.Concat(x[2], x[3])) }, 39.5, 60.5},
		"with an offset": {func(b *ir.Builder, x []*ir.Node) *ir.Node {
			return b.Dense(row(b, x), b.Concat(x[2], x[3]), b.Concat(x[4]))
		}, 38.5, 63.5},
		"of points": {func(b *ir.Builder, x []*ir.Node) *ir.Node {
			return b.MatVec(b.ConstOf(ir.Mat(1, 2), []float64{3, -2}), b.Concat(x[2], x[3]))
		}, 30 - 40 - 3 - 4, 30 - 40 + 3 + 4},
	} {
		lo, hi := bounds(t, at, c.build)
		require.InDelta(t, c.lo, lo[0], 1e-11, what)
		require.InDelta(t, c.hi, hi[0], 1e-11, what)
		require.Less(t, lo[0], c.lo, what)
		require.Greater(t, hi[0], c.hi, what)
	}
}

// What may jump where it moves: comparisons, but a choice whose branches meet.
func TestJumps(t *testing.T) {
	b := ir.NewBuilder()
	x, y := b.Input("x", ir.Scalar, true), b.Input("y", ir.Scalar, true)
	over := map[*ir.Node]interval.Bounds{x: {Lo: b.Input("lo", ir.Scalar, true), Hi: b.Input("hi", ir.Scalar, true)}}
	two := b.Const(2)
	for what, c := range map[string]struct {
		n     *ir.Node
		jumps bool
	}{
		"a line":                    {b.Mul(x, two), false},
		"sign":                      {b.Apply(ir.OpSign, x), true},
		"floor of what stays":       {b.Apply(ir.OpFloor, y), false},
		"a comparison":              {b.Lt(x, two), true},
		"branches that meet":        {b.Select(b.Lt(x, two), b.Mul(x, x), b.Mul(two, x)), false},
		"branches that meet, ≤":     {b.Select(b.Le(two, x), b.Mul(x, x), b.Const(4)), false},
		"branches that do not":      {b.Select(b.Lt(x, two), b.Mul(x, x), b.Const(5)), true},
		"two conditions":            {b.Select(b.Mul(b.Lt(x, two), b.Lt(y, two)), b.Mul(x, x), b.Mul(two, x)), true},
		"a condition that stays":    {b.Select(b.Lt(y, two), x, b.Const(5)), false},
		"a jump in a branch":        {b.Select(b.Lt(y, two), b.Apply(ir.OpCeil, x), b.Const(5)), true},
		"beside something variable": {b.Select(b.Lt(x, y), b.Mul(x, x), b.Mul(y, x)), true},
		"atan2":                     {b.Apply(ir.OpAtan2, x, two), true},
	} {
		require.Equal(t, c.jumps, interval.Jumps(b, c.n, over), what)
	}
}
