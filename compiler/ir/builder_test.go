package ir_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
)

type env struct {
	*ir.Builder
	s, t *ir.Node // scalars
	x, y *ir.Node // vectors of 3
	m    *ir.Node // 2×3, shared
}

func newEnv() env {
	b := ir.NewBuilder()
	return env{
		b, b.Input("s", ir.Scalar, true), b.Input("t", ir.Scalar, true),
		b.Input("x", ir.Vec(3), true), b.Input("y", ir.Vec(3), true), b.Input("m", ir.Mat(2, 3), false),
	}
}

func (e env) vec(v ...float64) *ir.Node { return e.ConstOf(ir.Vec(len(v)), v) }

// TestUnique: equal nodes are one, different ones are not.
func TestUnique(t *testing.T) {
	e := newEnv()
	require.Same(t, e.s, e.Input("s", ir.Scalar, true))
	require.NotSame(t, e.s, e.Input("s", ir.Scalar, false), "shared or not is part of an input")
	require.NotSame(t, e.s, e.Input("s", ir.Vec(1), true))
	n := e.Len()
	require.Same(t, e.Add(e.s, e.t), e.Add(e.t, e.s), "addition commutes")
	require.Same(t, e.Mul(e.s, e.x), e.Mul(e.x, e.s))
	require.Same(t, e.Dot(e.x, e.y), e.Dot(e.y, e.x))
	require.Equal(t, n+3, e.Len())
	require.NotSame(t, e.Sub(e.s, e.t), e.Sub(e.t, e.s))
	require.NotSame(t, e.Apply(ir.OpMin, e.s, e.t), e.Apply(ir.OpMin, e.t, e.s), "the first of equal ones has the derivative")
	require.NotSame(t, e.Elem(e.x, 0), e.Elem(e.x, 1))
	require.NotSame(t, e.Polygamma(0, e.s), e.Polygamma(1, e.s))
	require.NotSame(t, e.vec(1, 2), e.vec(2, 1))
	require.Same(t, e.vec(2, 2), e.Full(ir.Vec(2), 2))
	require.NotSame(t, e.Full(ir.Vec(2), 2), e.Const(2))
	require.NotSame(t, e.Const(0), e.Const(math.Copysign(0, -1)), "by bits")
	require.Same(t, e.Const(math.NaN()), e.Const(math.NaN()))
}

// TestArgumentsAreKept: a node does not change with the slices it was made of.
func TestArgumentsAreKept(t *testing.T) {
	e := newEnv()
	args := []*ir.Node{e.t, e.s}
	sum := e.Apply(ir.OpAdd, args...)
	require.Equal(t, []*ir.Node{e.t, e.s}, args, "the caller's slice stays as it is")
	args[0] = e.x
	require.Equal(t, ir.Scalar, sum.Args[0].Shape)
	offs, parts := []int{0, 3}, []*ir.Node{e.x, e.s}
	a := e.Assemble(ir.Vec(5), offs, parts)
	offs[1] = 4
	require.Equal(t, []int{0, 3}, a.Offs)
}

// TestFold lists simplifications: what is built, and what it must be.
func TestFold(t *testing.T) {
	e := newEnv()
	zero, one := e.Const(0), e.Const(1)
	fill := e.Fill(e.s, ir.Vec(3))
	for i, c := range []struct{ got, want *ir.Node }{
		{e.Add(e.s, zero), e.s},
		{e.Add(zero, e.x), e.x},
		{e.Add(e.s, e.vec(0, 0, 0)), fill},
		{e.Add(e.s, e.Neg(e.t)), e.Sub(e.s, e.t)},
		{e.Add(e.Neg(e.s), e.t), e.Sub(e.t, e.s)},
		{e.Add(e.s, e.Neg(e.x)), e.Sub(e.s, e.x)},
		{e.Sub(e.s, zero), e.s},
		{e.Sub(zero, e.s), e.Neg(e.s)},
		{e.Sub(e.s, e.Neg(e.t)), e.Add(e.s, e.t)},
		{e.Mul(e.x, zero), e.Full(ir.Vec(3), 0)},
		{e.Mul(e.s, one), e.s},
		{e.Mul(e.s, e.vec(1, 1, 1)), fill},
		{e.Mul(e.Const(-1), e.x), e.Neg(e.x)},
		{e.Div(e.x, one), e.x},
		{e.Div(zero, e.x), e.Full(ir.Vec(3), 0)},
		{e.Neg(e.Neg(e.s)), e.s},
		{e.Add(e.Const(2), e.Const(3)), e.Const(5)},
		{e.Mul(e.Const(2), e.vec(1, 2, 3)), e.vec(2, 4, 6)},
		{e.Apply(ir.OpExp, zero), one},
		{e.Lt(one, e.Const(2)), one},
		{e.Polygamma(0, one), e.Const(ir.Polygamma(0, 1))},
		{e.Select(one, e.s, e.x), fill},
		{e.Select(zero, e.s, e.x), e.x},
		{e.Select(e.t, e.s, e.s), e.s},
		{e.Select(e.x, e.s, e.s), fill},

		{e.Pow(e.s, zero), one},
		{e.Pow(e.s, one), e.s},
		{e.Pow(e.s, e.Const(0.5)), e.Sqrt(e.s)},
		{e.Pow(e.s, e.Const(-0.5)), e.Div(one, e.Sqrt(e.s))},
		{e.Pow(e.s, e.Const(3)), e.Mul(e.Square(e.s), e.s)},
		{e.Pow(e.s, e.Const(-2)), e.Div(one, e.Square(e.s))},
		{e.Pow(e.s, e.Full(ir.Vec(3), 2)), e.Fill(e.Square(e.s), ir.Vec(3))},
		{e.Pow(e.s, e.Full(ir.Vec(3), 0)), e.Full(ir.Vec(3), 1)},

		{e.Fill(one, ir.Vec(3)), e.Full(ir.Vec(3), 1)},
		{e.Fill(e.x, ir.Vec(3)), e.x},
		{e.Slice(e.x, 0, ir.Vec(3)), e.x},
		{e.Slice(e.Slice(e.m, 1, ir.Vec(4)), 1, ir.Vec(2)), e.Slice(e.m, 2, ir.Vec(2))},
		{e.Elem(e.vec(1, 2, 3), 1), e.Const(2)},
		{e.Elem(e.Full(ir.Vec(3), 2), 1), e.Const(2)},
		{e.Slice(fill, 1, ir.Vec(2)), e.Fill(e.s, ir.Vec(2))},
		{e.Elem(e.Concat(e.s, e.x), 2), e.Elem(e.x, 1)},
		{e.Slice(e.Assemble(ir.Vec(9), []int{0, 5}, []*ir.Node{e.x, e.y}), 3, ir.Vec(2)), e.Full(ir.Vec(2), 0)},
		{e.Slice(e.Assemble(ir.Vec(9), []int{0, 5}, []*ir.Node{e.x, e.y}), 6, ir.Vec(2)), e.Slice(e.y, 1, ir.Vec(2))},

		{e.Concat(e.Elem(e.x, 0), e.Elem(e.x, 1), e.Elem(e.x, 2)), e.x},
		{e.Concat(e.Slice(e.x, 0, ir.Vec(2)), e.Elem(e.x, 2)), e.x},
		{e.Concat(e.x), e.x},
		{e.Concat(e.s), e.Slice(e.s, 0, ir.Vec(1))},
		{e.Assemble(ir.Mat(1, 3), []int{0}, []*ir.Node{e.x}), e.Slice(e.x, 0, ir.Mat(1, 3))},
		{e.Concat(one, e.Const(2), e.vec(3, 4)), e.vec(1, 2, 3, 4)},
		{e.Assemble(ir.Vec(3), []int{0, 1}, []*ir.Node{e.vec(1, 2), e.vec(5, 6)}), e.vec(1, 7, 6)},
		{e.Assemble(ir.Vec(3), []int{0, 1}, []*ir.Node{zero, e.vec(0, 0)}), e.Full(ir.Vec(3), 0)},
		{e.Assemble(ir.Vec(3), nil, nil), e.Full(ir.Vec(3), 0)},
		{e.ConstOf(ir.Vec(0), nil), e.Full(ir.Vec(0), 0)},

		{e.Transpose(e.Transpose(e.m)), e.m},
		{e.Transpose(e.Full(ir.Mat(2, 3), 4)), e.Full(ir.Mat(3, 2), 4)},
		{e.Sum(e.s), e.s},
		{e.Sum(e.vec(1, 2, 4)), e.Const(7)},
		{e.Sum(e.Full(ir.Mat(2, 3), 2)), e.Const(12)},
		{e.Dot(e.x, e.vec(0, 0, 0)), zero},
		{e.Dot(e.vec(1, 2, 3), e.vec(4, 5, 6)), e.Const(32)},
		{e.Norm(e.vec(3, 0, 4)), e.Const(5)},
		{e.MatVec(e.m, e.vec(0, 0, 0)), e.Full(ir.Vec(2), 0)},
		{e.TMatVec(e.m, e.Full(ir.Vec(2), 0)), e.Full(ir.Vec(3), 0)},
		{e.MatMul(e.m, e.Full(ir.Mat(3, 4), 0)), e.Full(ir.Mat(2, 4), 0)},
		{e.Outer(e.x, e.Full(ir.Vec(2), 0)), e.Full(ir.Mat(3, 2), 0)},
	} {
		require.Same(t, c.want, c.got, "case %d: %s", i, text(c.got))
	}
	// What looks alike but must stay.
	for i, c := range []*ir.Node{
		e.Concat(e.Elem(e.x, 1), e.Elem(e.x, 0), e.Elem(e.x, 2)),
		e.Concat(e.Elem(e.x, 0), e.Elem(e.x, 1)),
		e.Concat(e.Elem(e.x, 0), e.Elem(e.y, 1), e.Elem(e.x, 2)),
	} {
		require.Equal(t, ir.OpAssemble, c.Op, "case %d", i)
	}
	require.Equal(t, ir.OpPow, e.Pow(e.s, e.Const(2.3)).Op)
	require.Equal(t, ir.OpPow, e.Pow(e.s, e.Const(40)).Op)
	overlapping := e.Assemble(ir.Vec(4), []int{0, 1}, []*ir.Node{e.x, e.y})
	require.Equal(t, ir.OpSlice, e.Elem(overlapping, 1).Op, "a sum of two parts")
	require.Same(t, e.Elem(e.x, 0), e.Elem(overlapping, 0))
}

func text(n *ir.Node) string {
	return (&ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "o", Node: n}}}).String()
}

// TestConstantsAgreeWithOps: folding gives what the table of ops says.
func TestConstantsAgreeWithOps(t *testing.T) {
	e := newEnv()
	for op := ir.Op(1); op < ir.NumOps; op++ {
		info := op.Info()
		require.NotEmpty(t, info.Name)
		if info.Class != ir.Elementwise {
			continue
		}
		args := []*ir.Node{e.Const(0.3), e.vec(0.4, 0.9), e.Const(0.6)}[:info.Arity]
		n := e.Apply(op, args...)
		require.Equal(t, ir.OpConst, n.Op, op)
		for i := range n.Shape.Size() {
			var want float64
			switch {
			case op == ir.OpPolygamma:
				want = ir.Polygamma(0, 0.3)
			case info.Arity == 1:
				want = info.Eval1(0.3)
			case info.Arity == 2:
				want = info.Eval2(0.3, args[1].At(i))
			default:
				want = info.Eval3(0.3, args[1].At(i), 0.6)
			}
			if math.IsNaN(want) {
				require.True(t, math.IsNaN(n.At(i)), op)
				continue
			}
			require.Equal(t, want, n.At(i), op)
		}
		require.Equal(t, info.Commutes, info.Arity == 2 && op != ir.OpMin && op != ir.OpMax && info.Eval2(0.3, 0.4) == info.Eval2(0.4, 0.3) && info.Eval2(2, 2.5) == info.Eval2(2.5, 2), op)
	}
}

// TestShapes: what does not fit is refused at once.
func TestShapes(t *testing.T) {
	e := newEnv()
	two := e.Input("two", ir.Vec(2), true)
	for i, f := range []func(){
		func() { e.Add(e.x, two) },
		func() { e.Mul(e.Full(ir.Vec(3), 0), two) },
		func() { e.Apply(ir.OpFma, e.x, e.s, two) },
		func() { e.Fill(e.x, ir.Vec(2)) },
		func() { e.Slice(e.x, 2, ir.Vec(2)) },
		func() { e.Slice(e.x, -1, ir.Scalar) },
		func() { e.Assemble(ir.Vec(3), []int{2}, []*ir.Node{two}) },
		func() { e.Assemble(ir.Vec(3), []int{-1}, []*ir.Node{two}) },
		func() { e.Transpose(e.x) },
		func() { e.Dot(e.x, two) },
		func() { e.Dot(e.Full(ir.Vec(3), 0), two) },
		func() { e.Dot(e.m, e.m) },
		func() { e.Norm(e.m) },
		func() { e.MatVec(e.m, two) },
		func() { e.MatVec(e.x, e.x) },
		func() { e.MatVec(e.m, e.Full(ir.Vec(2), 0)) },
		func() { e.TMatVec(e.m, e.x) },
		func() { e.MatMul(e.m, e.m) },
		func() { e.Outer(e.m, e.x) },
		func() { e.Dense(e.m, e.x, e.x) },
		func() { e.Dense(e.m, two, two) },
		func() { e.Factors(e.m) },
		func() { e.Solve(e.Identity(3), two) },
		func() { e.ConstOf(ir.Vec(3), []float64{1, 2}) },
	} {
		require.Panics(t, f, "case %d", i)
	}
	require.Equal(t, ir.Vec(3), e.Add(e.s, e.x).Shape)
	require.Equal(t, ir.Vec(2), e.MatVec(e.m, e.x).Shape)
	require.Equal(t, ir.Vec(3), e.TMatVec(e.m, two).Shape)
	require.Equal(t, ir.Mat(2, 2), e.MatMul(e.m, e.Transpose(e.m)).Shape)
	require.Equal(t, ir.Mat(3, 2), e.Outer(e.x, two).Shape)
	require.Equal(t, ir.Vec(2), e.Dense(e.m, e.x, two).Shape)
	require.Equal(t, ir.Scalar, e.Norm(e.x).Shape)
	require.Equal(t, ir.Vec(0), e.Mul(e.s, e.Input("none", ir.Vec(0), true)).Shape)
}

// TestLanes: a value is one of each trajectory if anything in it is.
func TestLanes(t *testing.T) {
	e := newEnv()
	require.False(t, e.m.Lane)
	require.False(t, e.Sum(e.m).Lane)
	require.False(t, e.Const(1).Lane)
	require.True(t, e.MatVec(e.m, e.x).Lane)
	require.True(t, e.Mul(e.Sum(e.m), e.s).Lane)
}

// TestRebuild: every op over its own arguments is itself, and Substitute puts
// other arguments in their place.
func TestRebuild(t *testing.T) {
	e := newEnv()
	two := e.Input("two", ir.Vec(2), true)
	list := []*ir.Node{
		e.s, e.Const(2), e.vec(1, 2), e.Fill(e.s, ir.Vec(2)), e.Slice(e.x, 1, ir.Vec(2)), e.Concat(e.s, e.x), e.Transpose(e.m),
		e.Sum(e.x), e.Dot(e.x, e.y), e.Norm(e.x), e.MatVec(e.m, e.x), e.TMatVec(e.m, two), e.MatMul(e.Transpose(e.m), e.m),
		e.Outer(e.x, two), e.Dense(e.m, e.x, two), e.Polygamma(2, e.s), e.Apply(ir.OpFma, e.s, e.t, e.x), e.Select(e.s, e.t, e.x), e.Pow(e.s, e.t),
	}
	square := e.Input("square", ir.Mat(4, 4), true)
	list = append(list, e.Factors(square), e.Det(square), e.LogDet(square), e.Inverse(square), e.SolveT(square, e.Input("four", ir.Vec(4), true)))
	for op := ir.Op(1); op < ir.NumOps; op++ {
		if info := op.Info(); info.Class == ir.Elementwise && op != ir.OpPolygamma {
			list = append(list, e.Apply(op, []*ir.Node{e.s, e.t, e.x}[:info.Arity]...))
		}
	}
	seen := map[ir.Op]bool{}
	for _, n := range list {
		require.Same(t, n, e.Rebuild(n, n.Args), n.Op)
		seen[n.Op] = true
	}
	for op := ir.Op(1); op < ir.NumOps; op++ {
		require.True(t, seen[op], "no case for %s", op)
	}
	f := e.Mul(e.Add(e.s, e.Const(1)), e.Apply(ir.OpSin, e.s))
	got := e.Substitute([]*ir.Node{f, e.t, e.s}, map[*ir.Node]*ir.Node{e.s: e.t})
	require.Same(t, e.Mul(e.Add(e.t, e.Const(1)), e.Apply(ir.OpSin, e.t)), got[0])
	require.Same(t, e.t, got[1])
	require.Same(t, e.t, got[2])
	require.Same(t, f, e.Substitute([]*ir.Node{f}, map[*ir.Node]*ir.Node{e.x: e.y})[0], "nothing to do")
	// Substitution does not go into what it puts in.
	got = e.Substitute([]*ir.Node{f}, map[*ir.Node]*ir.Node{e.s: e.Mul(e.s, e.s)})
	q := e.Mul(e.s, e.s)
	require.Same(t, e.Mul(e.Add(q, e.Const(1)), e.Apply(ir.OpSin, q)), got[0])
	// It simplifies: 0·x.
	require.True(t, e.Substitute([]*ir.Node{e.Mul(e.s, e.x)}, map[*ir.Node]*ir.Node{e.s: e.Const(0)})[0].IsConst(0))
}
