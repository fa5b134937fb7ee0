package autodiff_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	_ "github.com/pinode/pinode/internal/testseed"
)

// domain is where the tests evaluate an op: each argument between lo and hi.
// Ops that are not listed are evaluated in [0.2, 1.8]; kinks lie outside.
var domain = map[ir.Op][2]float64{
	ir.OpAsin: {-0.8, 0.8}, ir.OpAcos: {-0.8, 0.8}, ir.OpAtanh: {-0.8, 0.8}, ir.OpAcosh: {1.2, 2.5},
	ir.OpSin: {-3, 3}, ir.OpCos: {-3, 3}, ir.OpTan: {-1.2, 1.2}, ir.OpTanh: {-2, 2}, ir.OpErf: {-2, 2}, ir.OpExp: {-2, 2}, ir.OpNeg: {-2, 2},
	ir.OpSinh: {-2, 2}, ir.OpCosh: {-2, 2}, ir.OpAsinh: {-2, 2}, ir.OpAtan: {-2, 2}, ir.OpSigmoid: {-3, 3}, ir.OpSoftplus: {-3, 3},
	ir.OpLog1p: {-0.7, 2}, ir.OpExpm1: {-2, 2}, ir.OpFloor: {0.1, 0.9}, ir.OpCeil: {0.1, 0.9},
	ir.OpAdd: {-2, 2}, ir.OpSub: {-2, 2}, ir.OpMul: {-2, 2}, ir.OpAbs: {-2, -0.1}, ir.OpSign: {-2, -0.1}, ir.OpFma: {-2, 2},
	ir.OpFill: {-2, 2}, ir.OpSlice: {-2, 2}, ir.OpAssemble: {-2, 2}, ir.OpTranspose: {-2, 2}, ir.OpSum: {-2, 2}, ir.OpDot: {-2, 2},
	ir.OpFactor: {-2, 2}, ir.OpSolve: {-2, 2}, ir.OpDet: {-2, 2}, ir.OpNorm: {-2, 2}, ir.OpMatVec: {-2, 2}, ir.OpTMatVec: {-2, 2}, ir.OpMatMul: {-2, 2}, ir.OpOuter: {-2, 2}, ir.OpDense: {-2, 2},
}

// shapesOf lists the shapes of arguments under which an op is tested.
func shapesOf(op ir.Op) [][]ir.Shape {
	s, v, m := ir.Scalar, ir.Vec(3), ir.Mat(2, 3)
	info := op.Info()
	if info.Class == ir.Elementwise {
		switch info.Arity {
		case 1:
			return [][]ir.Shape{{s}, {v}, {m}}
		case 2:
			return [][]ir.Shape{{s, s}, {v, v}, {s, v}, {v, s}, {m, s}, {m, m}}
		}
		return [][]ir.Shape{{s, s, s}, {v, v, v}, {s, v, v}, {v, s, v}, {v, v, s}, {s, s, v}, {v, s, s}, {m, m, s}}
	}
	return map[ir.Op][][]ir.Shape{
		ir.OpFill: {{s}}, ir.OpSlice: {{v}, {m}}, ir.OpAssemble: {{s, v, v}, {m, s, v}}, ir.OpTranspose: {{m}}, ir.OpSum: {{s}, {v}, {m}},
		ir.OpDot: {{v, v}}, ir.OpNorm: {{v}}, ir.OpMatVec: {{m, v}}, ir.OpTMatVec: {{m, ir.Vec(2)}}, ir.OpMatMul: {{m, ir.Mat(3, 4)}},
		ir.OpOuter: {{v, ir.Vec(2)}}, ir.OpDense: {{m, v, ir.Vec(2)}},
		ir.OpFactor: {{ir.Mat(1, 1)}, {ir.Mat(4, 4)}, {ir.Mat(6, 6)}}, ir.OpDet: {{ir.Mat(1, 1)}, {ir.Mat(3, 3)}, {ir.Mat(5, 5)}},
		ir.OpSolve: {{ir.Mat(1, 1), ir.Vec(1)}, {ir.Mat(3, 3), v}, {ir.Mat(3, 3), ir.Mat(3, 2)}, {ir.Mat(6, 6), ir.Vec(6)}},
	}[op]
}

// apply builds op on the arguments.
func apply(b *ir.Builder, op ir.Op, args []*ir.Node) *ir.Node {
	switch op {
	case ir.OpPolygamma:
		return b.Polygamma(1, args[0])
	case ir.OpFill:
		return b.Fill(args[0], ir.Mat(2, 2))
	case ir.OpSlice:
		return b.Slice(args[0], 1, ir.Vec(2))
	case ir.OpAssemble: // two parts overlap, and an element stays 0
		return b.Assemble(ir.Vec(9), []int{0, 1, 2}, args)
	case ir.OpTranspose:
		return b.Transpose(args[0])
	case ir.OpSum:
		return b.Sum(args[0])
	case ir.OpDot:
		return b.Dot(args[0], args[1])
	case ir.OpNorm:
		return b.Norm(args[0])
	case ir.OpMatVec:
		return b.MatVec(args[0], args[1])
	case ir.OpTMatVec:
		return b.TMatVec(args[0], args[1])
	case ir.OpMatMul:
		return b.MatMul(args[0], args[1])
	case ir.OpOuter:
		return b.Outer(args[0], args[1])
	case ir.OpDense:
		return b.Dense(args[0], args[1], args[2])
	case ir.OpFactor: // what reads factors is differentiated by their matrix
		return b.LogDet(args[0])
	case ir.OpDet:
		return b.Det(args[0])
	case ir.OpSolve: // both ways
		return b.SolveT(args[0], b.Solve(args[0], args[1]))
	case ir.OpSelect: // the condition has to change for both branches to count
		return b.Select(b.Lt(b.Const(1), args[0]), args[1], args[2])
	}
	return b.Apply(op, args...)
}

// derivatives are the graphs of a node's derivatives by inputs.
type derivatives struct {
	value, jvp, vjp *function
	x, dir          map[string][]float64
	ct              []float64
}

// differentiate builds JVP and VJP of out by the inputs, with values of the
// inputs from draw.
func differentiate(t require.TestingT, b *ir.Builder, out *ir.Node, inputs []*ir.Node, draw func(lo, hi float64) float64, lo, hi float64) *derivatives {
	d := &derivatives{x: map[string][]float64{}, dir: map[string][]float64{}}
	var dots []*ir.Node
	for _, in := range inputs {
		n := in.Shape.Size()
		x, dx := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], dx[i] = draw(lo, hi), draw(-1, 1)
		}
		d.x[in.Name], d.dir[in.Name] = x, dx
		dot := b.Input("d."+in.Name, in.Shape, true)
		d.x[dot.Name] = dx
		dots = append(dots, dot)
	}
	d.ct = make([]float64, out.Shape.Size())
	for i := range d.ct {
		d.ct[i] = draw(-1, 1)
	}
	ct := b.Input("ct", out.Shape, true)
	d.x["ct"] = d.ct
	d.value = compile(t, out)
	jvp := autodiff.JVP(b, nodes(out), inputs, dots)[0]
	require.Equal(t, out.Shape, jvp.Shape)
	d.jvp = compile(t, jvp)
	bars := autodiff.VJP(b, nodes(out), nodes(ct), inputs)
	for i, bar := range bars {
		require.Equal(t, inputs[i].Shape, bar.Shape)
	}
	d.vjp = compile(t, bars...)
	return d
}

// check compares both modes with each other and, where they can be trusted,
// with finite differences. It reports whether they can.
func (d *derivatives) check(t require.TestingT, inputs []*ir.Node, tol float64, msg string) bool {
	fd, smooth := d.value.along(d.x, d.dir, d.ct)
	forward := dot(d.ct, d.jvp.at(d.x)[0])
	reverse := 0.
	for i, bar := range d.vjp.at(d.x) {
		reverse += dot(bar, d.dir[inputs[i].Name])
	}
	scale := 1 + math.Abs(fd)
	require.InDelta(t, forward, reverse, 1e-11*scale, "%s: ⟨v, Ju⟩ = ⟨Jᵀv, u⟩", msg)
	if smooth {
		require.InDelta(t, fd, forward, tol*scale, "%s: JVP", msg)
		require.InDelta(t, fd, reverse, tol*scale, "%s: VJP", msg)
	}
	return smooth
}

// TestOps compares the rule of every op with finite differences, in both
// modes, for every combination of scalars and arrays, and its derivative's
// derivative as well. An op without a rule fails here.
func TestOps(t *testing.T) {
	for op := ir.OpInvalid + 1; op < ir.NumOps; op++ {
		if op.Info().Class == ir.Leaf {
			continue
		}
		t.Run(op.String(), func(t *testing.T) {
			// Each op has draws of its own, whatever others there are.
			h := fnv.New64()
			h.Write([]byte(op.String()))
			rng := rand.New(rand.NewPCG(1, h.Sum64()))
			draw := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
			shapes := shapesOf(op)
			require.NotEmpty(t, shapes, "no test shapes")
			lo, hi := 0.2, 1.8
			if d, ok := domain[op]; ok {
				lo, hi = d[0], d[1]
			}
			for _, shape := range shapes {
				b := ir.NewBuilder()
				inputs := make([]*ir.Node, len(shape))
				for i, s := range shape {
					inputs[i] = b.Input(fmt.Sprint("x", i), s, true)
				}
				out := apply(b, op, inputs)
				require.True(t, differentiate(t, b, out, inputs, draw, lo, hi).check(t, inputs, 1e-8, fmt.Sprint(shape)))

				// Second derivatives: both modes of both modes.
				u := b.ConstOf(ir.Vec(out.Shape.Size()), weights(out.Shape.Size()))
				grad := autodiff.VJP(b, nodes(out), nodes(b.Slice(u, 0, out.Shape)), inputs)
				flat := make([]*ir.Node, len(grad))
				dots := make([]*ir.Node, len(grad))
				for i, g := range grad {
					flat[i] = b.Slice(g, 0, ir.Vec(g.Shape.Size()))
					dots[i] = b.Slice(b.ConstOf(ir.Vec(g.Shape.Size()), weights(g.Shape.Size())), 0, g.Shape)
				}
				all := b.Concat(flat...)
				require.True(t, differentiate(t, b, all, inputs, draw, lo, hi).check(t, inputs, 1e-7, fmt.Sprint(shape, " of VJP")))
				tangent := autodiff.JVP(b, nodes(out), inputs, dots)[0]
				require.True(t, differentiate(t, b, tangent, inputs, draw, lo, hi).check(t, inputs, 1e-7, fmt.Sprint(shape, " of JVP")))
			}
		})
	}
}

func weights(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 + 0.3*float64(i)
	}
	return w
}

// random builds a graph over all ops from inputs s (scalar), x (vector of 3)
// and m (3×3). Arguments are brought to where every op is smooth.
func random(t *rapid.T, b *ir.Builder, size int) (out *ir.Node, inputs []*ir.Node) {
	inputs = nodes(b.Input("s", ir.Scalar, true), b.Input("x", ir.Vec(3), true), b.Input("m", ir.Mat(3, 3), true))
	pool := map[int][]*ir.Node{0: {inputs[0], b.Const(0.7)}, 1: {inputs[1]}, 2: {inputs[2]}}
	pick := func(rank int) *ir.Node { return rapid.SampledFrom(pool[rank]).Draw(t, "arg") }
	unit := func(n *ir.Node) *ir.Node { // into (0.2, 0.8)
		return b.Add(b.Const(0.2), b.Mul(b.Const(0.6), b.Apply(ir.OpSigmoid, n)))
	}
	for range size {
		op := ir.Op(rapid.IntRange(int(ir.OpNeg), int(ir.NumOps)-1).Draw(t, "op"))
		var n *ir.Node
		switch info := op.Info(); {
		case info.Class == ir.Elementwise:
			rank := rapid.IntRange(0, 2).Draw(t, "rank")
			args := make([]*ir.Node, info.Arity)
			for i := range args {
				args[i] = unit(pick(rank * rapid.IntRange(0, 1).Draw(t, "array")))
			}
			if op == ir.OpAcosh {
				args[0] = b.Add(args[0], b.Const(1))
			}
			n = apply(b, op, args)
		case op == ir.OpFill:
			n = b.Fill(pick(0), ir.Vec(3))
		case op == ir.OpSlice:
			if rapid.Bool().Draw(t, "matrix") {
				n = b.Slice(pick(2), rapid.IntRange(0, 6).Draw(t, "off"), ir.Vec(3))
			} else {
				n = b.Elem(pick(1), rapid.IntRange(0, 2).Draw(t, "off"))
			}
		case op == ir.OpAssemble:
			n = b.Assemble(ir.Mat(3, 3), []int{0, rapid.IntRange(0, 6).Draw(t, "off"), 4}, nodes(b.Slice(pick(1), 1, ir.Vec(2)), pick(1), pick(0)))
		case op == ir.OpTranspose || op == ir.OpSum:
			n = apply(b, op, nodes(pick(2)))
		case op == ir.OpNorm:
			n = b.Norm(b.Add(unit(pick(1)), b.Const(0.1)))
		case op == ir.OpDot || op == ir.OpOuter:
			n = apply(b, op, nodes(pick(1), pick(1)))
		case op == ir.OpMatVec || op == ir.OpTMatVec || op == ir.OpDense:
			n = apply(b, op, nodes(pick(2), pick(1), pick(1))[:info.Arity])
		case op == ir.OpMatMul:
			n = b.MatMul(pick(2), pick(2))
		case op == ir.OpFactor || op == ir.OpDet || op == ir.OpSolve: // far from singular
			a := b.Add(b.Mul(b.Const(0.5), pick(2)), b.ConstOf(ir.Mat(3, 3), []float64{0, 3, 0, 0, 0, 3, 3, 0, 0}))
			n = apply(b, op, nodes(a, pick(1))[:max(1, op.Info().Arity-1)])
		default:
			t.Fatalf("no case for %s", op)
		}
		n = b.Apply(ir.OpTanh, n)
		pool[n.Shape.Rank] = append(pool[n.Shape.Rank], n)
	}
	var parts []*ir.Node
	for rank := range 3 {
		for _, n := range pool[rank] {
			parts = append(parts, b.Slice(n, 0, ir.Vec(n.Shape.Size())))
		}
	}
	return b.Concat(parts[max(0, len(parts)-8):]...), inputs
}

// TestRandom: derivatives of random graphs in both modes, and those of their
// gradients.
func TestRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := ir.NewBuilder()
		out, inputs := random(t, b, 12)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		draw := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
		differentiate(t, b, out, inputs, draw, -1, 1).check(t, inputs, 1e-7, "first")
		scalar := b.Sum(b.Apply(ir.OpTanh, out))
		grad := autodiff.VJP(b, nodes(scalar), nodes(b.Const(1)), inputs)
		flat := make([]*ir.Node, len(grad))
		for i, g := range grad {
			flat[i] = b.Slice(g, 0, ir.Vec(g.Shape.Size()))
		}
		differentiate(t, b, b.Concat(flat...), inputs, draw, -1, 1).check(t, inputs, 1e-6, "second")
	})
}

// TestClosedForms differentiates up to three times, in mixed modes.
func TestClosedForms(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     func(b *ir.Builder, x *ir.Node) *ir.Node
		third func(x float64) float64
		x     float64
	}{
		{"sin", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpSin, x) }, func(x float64) float64 { return -math.Cos(x) }, 0.7},
		{"x^4", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, b.Const(4)) }, func(x float64) float64 { return 24 * x }, 0},
		{"x^2.5", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, b.Const(2.5)) }, func(x float64) float64 { return 1.875 / math.Sqrt(x) }, 0.3},
		{"x^x", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, x) }, func(x float64) float64 {
			l := 1 + math.Log(x)
			return math.Pow(x, x) * (l*l*l + 3*l/x - 1/(x*x))
		}, 1.3},
		{"1/x", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Div(b.Const(1), x) }, func(x float64) float64 { return -6 / (x * x * x * x) }, 1.3},
		{"log", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Log(x) }, func(x float64) float64 { return 2 / (x * x * x) }, 1.3},
		{"tanh", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpTanh, x) }, func(x float64) float64 {
			y := math.Tanh(x)
			return (1 - y*y) * (6*y*y - 2)
		}, 0.4},
		{"logphi", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpLogPhi, x) }, func(x float64) float64 { // of φ/Φ = h: h' = −h(x+h), h'' = −h'(x+h) − h(1+h')
			h := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) / (math.Erfc(-x/math.Sqrt2) / 2)
			d := -h * (x + h)
			return -d*(x+h) - h*(1+d)
		}, -0.8},
		{"lgamma", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpLgamma, x) }, func(float64) float64 { return -2 * 1.2020569031595942 }, 1}, // ψ₂(1) = −2ζ(3)
	} {
		b := ir.NewBuilder()
		x := b.Input("x", ir.Scalar, true)
		reverse := func(f *ir.Node) *ir.Node { return autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(x))[0] }
		forward := func(f *ir.Node) *ir.Node { return autodiff.JVP(b, nodes(f), nodes(x), nodes(b.Const(1)))[0] }
		modes := []func(*ir.Node) *ir.Node{reverse, forward}
		for k := range 8 {
			f := c.f(b, x)
			for i := range 3 {
				f = modes[k>>i&1](f)
			}
			require.InEpsilon(t, 1+c.third(c.x), 1+one(t, f, c.x), 1e-12, "%s, modes %03b", c.name, k)
		}
	}
}

// TestBranches: what is infinite or undefined in a branch not taken does not
// reach the derivative, first or second, in any mode.
func TestBranches(t *testing.T) {
	zero := func(b *ir.Builder) *ir.Node { return b.Const(0) }
	positive := func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Lt(zero(b), x) }
	for _, c := range []struct {
		name          string
		f             func(b *ir.Builder, x *ir.Node) *ir.Node
		x             float64
		first, second float64
	}{
		{"sqrt at 0", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Select(positive(b, x), b.Sqrt(x), zero(b)) }, 0, 0, 0},
		{"sqrt below", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Select(positive(b, x), b.Sqrt(x), zero(b)) }, -1, 0, 0},
		{"sqrt taken", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Select(positive(b, x), b.Sqrt(x), zero(b)) }, 4, 0.25, -1. / 32},
		{"x log x", func(b *ir.Builder, x *ir.Node) *ir.Node {
			return b.Select(positive(b, x), b.Mul(x, b.Log(x)), b.Square(x))
		}, 0, 0, 2},
		{"1/x in both", func(b *ir.Builder, x *ir.Node) *ir.Node {
			r := b.Div(b.Const(1), x)
			return b.Select(b.Apply(ir.OpEq, x, zero(b)), x, b.Mul(r, r))
		}, 0, 1, 0},
		{"max", func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, b.Log(x), b.Mul(b.Const(3), x)) }, 0, 3, 0},
		{"min", func(b *ir.Builder, x *ir.Node) *ir.Node {
			return b.Apply(ir.OpMin, b.Div(b.Const(1), b.Square(x)), b.Square(x))
		}, 0, 0, 2},
		{"overflow", func(b *ir.Builder, x *ir.Node) *ir.Node {
			return b.Select(b.Lt(b.Const(700), x), x, b.Log(b.Add(b.Const(1), b.Exp(x))))
		}, 800, 1, 0},
		{"dot of undefined values", func(b *ir.Builder, x *ir.Node) *ir.Node {
			l := b.Log(b.Concat(x, b.Const(2)))
			return b.Select(positive(b, x), b.Dot(l, l), b.Square(x))
		}, -1, -2, 2},
		{"outer and matrix products", func(b *ir.Builder, x *ir.Node) *ir.Node {
			l := b.Sqrt(b.Concat(x, b.Const(2)))
			m := b.Outer(l, l)
			y := b.TMatVec(b.MatMul(m, m), b.MatVec(m, l))
			return b.Select(positive(b, x), b.Sum(b.Dense(m, y, l)), b.Square(x))
		}, -1, -2, 2},
		{"norm", func(b *ir.Builder, x *ir.Node) *ir.Node {
			return b.Select(positive(b, x), b.Norm(b.Log(b.Concat(x, x))), x)
		}, -2, 1, 0},
	} {
		b := ir.NewBuilder()
		x := b.Input("x", ir.Scalar, true)
		f := c.f(b, x)
		reverse := func(f *ir.Node) *ir.Node { return autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(x))[0] }
		forward := func(f *ir.Node) *ir.Node { return autodiff.JVP(b, nodes(f), nodes(x), nodes(b.Const(1)))[0] }
		for i, first := range []*ir.Node{reverse(f), forward(f)} {
			require.Equal(t, c.first, 0+one(t, first, c.x), "%s: first, mode %d", c.name, i)
			require.Equal(t, c.second, 0+one(t, reverse(first), c.x), "%s: reverse of mode %d", c.name, i)
			require.Equal(t, c.second, 0+one(t, forward(first), c.x), "%s: forward of mode %d", c.name, i)
		}
	}
}

// TestUndefinedNetwork: the gradient by weights of a layer in a branch not
// taken is zero although its input is NaN.
func TestUndefinedNetwork(t *testing.T) {
	b := ir.NewBuilder()
	x, w := b.Input("x", ir.Scalar, true), b.Input("w", ir.Mat(2, 2), false)
	net := b.Sum(b.Apply(ir.OpTanh, b.MatVec(w, b.Log(b.Concat(x, x)))))
	f := b.Select(b.Lt(b.Const(0), x), net, x)
	g := autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(w, x))
	v := compile(t, g...).at(map[string][]float64{"x": {-1}, "w": {1, 2, 3, 4}})
	require.Equal(t, [][]float64{{0, 0, 0, 0}, {1}}, v)
	require.Contains(t, (&ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "w", Node: g[0]}}}).String(), "outer", "stays an outer product")
}

// TestMatricesOfBranches: the cotangent of a matrix in a branch is the outer product of the cotangent and the vector where the branch is
// taken, row by row, and exactly zero where it is not and the vector is no number.
func TestMatricesOfBranches(t *testing.T) {
	for _, op := range [...]ir.Op{ir.OpMatVec, ir.OpTMatVec} {
		rows, columns := 3, 2
		if op == ir.OpTMatVec {
			rows, columns = 2, 3
		}
		for _, square := range []bool{false, true} {
			if square {
				rows, columns = 2, 2
			}
			b := ir.NewBuilder()
			out := 3
			if square {
				out = 2
			}
			m, x, w := b.Input("m", ir.Mat(rows, columns), true), b.Input("x", ir.Vec(2), true), b.Input("w", ir.Vec(out), true)
			sum := b.Dot(w, b.Apply(op, m, b.Log(x)))
			y := b.Select(b.Lt(b.Const(0), b.Elem(x, 0)), sum, b.Const(0))
			f := compile(t, autodiff.VJP(b, nodes(y), nodes(b.Const(1)), nodes(m, x))...)
			weights, entries := []float64{0.3, -2, 5}[:out], []float64{1, 2, 3, 4, 5, 6}[:rows*columns]
			at := map[string][]float64{"m": entries, "x": {2, 7}, "w": weights}
			want := make([]float64, rows*columns)
			for i := range rows {
				for j := range columns {
					if op == ir.OpMatVec {
						want[i*columns+j] = weights[i] * math.Log(at["x"][j])
					} else {
						want[i*columns+j] = math.Log(at["x"][i]) * weights[j]
					}
				}
			}
			require.InDeltaSlice(t, want, f.at(at)[0], 1e-14, "%v", op)
			at["x"] = []float64{-1, 7}
			got := f.at(at)
			require.Equal(t, make([]float64, rows*columns), got[0], "%v", op)
			require.Equal(t, []float64{0, 0}, got[1], "%v", op)
		}
	}
}

// TestPow covers exponents at x = 0 and below.
func TestPow(t *testing.T) {
	b := ir.NewBuilder()
	x, y := b.Input("x", ir.Scalar, true), b.Input("y", ir.Scalar, true)
	g := autodiff.VJP(b, nodes(b.Pow(x, y)), nodes(b.Const(1)), nodes(x, y))
	f := compile(t, g...)
	for _, c := range []struct{ x, y, dx, dy float64 }{
		{0, 2, 0, 0}, {0, 1, 1, 0}, {0, 0, 0, 0}, {0, 1.5, 0, 0}, {-2, 3, 12, 0}, {-2, 0, 0, 0}, {2, 0, 0, math.Ln2}, {2, 3, 12, 8 * math.Ln2},
	} {
		v := f.at(map[string][]float64{"x": {c.x}, "y": {c.y}})
		require.InDelta(t, c.dx, v[0][0], 1e-14, "∂/∂x at %g^%g", c.x, c.y)
		require.InDelta(t, c.dy, v[1][0], 1e-14, "∂/∂y at %g^%g", c.x, c.y)
	}
	b = ir.NewBuilder()
	v := b.Input("v", ir.Vec(3), true)
	d := autodiff.VJP(b, nodes(b.Pow(v, b.ConstOf(ir.Vec(3), []float64{0, 1, 2}))), nodes(b.Const(1)), nodes(v))
	require.Equal(t, []float64{0, 1, 0}, compile(t, d[0]).at(map[string][]float64{"v": {0, 0, 0}})[0])
	for _, e := range []float64{0.5, 2, 3, -1, 2.5} {
		g := &ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "d", Node: autodiff.VJP(b, nodes(b.Pow(v, b.Const(e))), nodes(b.Const(1)), nodes(v))[0]}}}
		require.NotContains(t, g.String(), "log", "a constant exponent needs no logarithm")
	}
}

// TestKinks: the sides that the documentation promises.
func TestKinks(t *testing.T) {
	b := ir.NewBuilder()
	v := b.Input("v", ir.Vec(3), true)
	norm := b.Norm(v)
	grad := autodiff.VJP(b, nodes(norm), nodes(b.Const(1)), nodes(v))[0]
	jvp := autodiff.JVP(b, nodes(norm), nodes(v), nodes(b.Const(1)))[0]
	hess := jacobian(b, grad, v)
	at := compile(t, grad, jvp, hess).at(map[string][]float64{"v": {0, 0, 0}})
	require.Equal(t, []float64{0, 0, 0}, at[0])
	require.Equal(t, []float64{0}, at[1])
	require.Equal(t, make([]float64, 9), at[2])
	at = compile(t, grad, hess).at(map[string][]float64{"v": {3, 0, 4}})
	require.InDeltaSlice(t, []float64{0.6, 0, 0.8}, at[0], 1e-15)
	require.InDeltaSlice(t, []float64{0.128, 0, -0.096, 0, 0.2, 0, -0.096, 0, 0.072}, at[1], 1e-15) // (I − uuᵀ)/|v|

	x := b.Input("x", ir.Scalar, true)
	d := func(f *ir.Node) *ir.Node { return autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(x))[0] }
	require.Zero(t, one(t, d(b.Apply(ir.OpAbs, x)), 0))
	three := b.Mul(b.Const(3), x)
	require.Equal(t, 1., one(t, d(b.Apply(ir.OpMax, x, three)), 0), "the first of equal ones")
	require.Equal(t, 3., one(t, d(b.Apply(ir.OpMin, three, x)), 0))
}

// TestShape: zeros fold, pieces are collected once, variables are independent.
func TestShape(t *testing.T) {
	b := ir.NewBuilder()
	p, q := b.Input("p", ir.Vec(9), false), b.Input("q", ir.Scalar, true)
	x := b.Input("x", ir.Vec(3), true)
	w := b.Slice(p, 0, ir.Mat(2, 3))
	h := b.Apply(ir.OpTanh, b.MatVec(w, x))
	f := b.Add(b.Dot(h, b.Slice(p, 6, ir.Vec(2))), b.Mul(b.Elem(p, 8), b.Elem(p, 8)))
	g := autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(p, q, x))
	require.Equal(t, ir.OpAssemble, g[0].Op)
	require.Len(t, g[0].Args, 3)
	count := strings.Count((&ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "p", Node: g[0]}}}).String(), "assemble")
	require.Equal(t, 1, count)
	require.True(t, g[1].IsConst(0))
	require.Equal(t, ir.Scalar, g[1].Shape)
	require.True(t, autodiff.JVP(b, nodes(f), nodes(q), nodes(b.Const(1)))[0].IsConst(0))

	// A dense term joins the assembly too.
	all := b.Add(f, b.Dot(p, p))
	g = autodiff.VJP(b, nodes(all), nodes(b.Const(1)), nodes(p))
	require.Equal(t, ir.OpAssemble, g[0].Op)
	for _, a := range g[0].Args {
		require.NotEqual(t, ir.OpAssemble, a.Op)
	}

	// h is a variable of its own, so nothing flows on to x through it.
	g = autodiff.VJP(b, nodes(f), nodes(b.Const(1)), nodes(h, x))
	require.Equal(t, b.Slice(p, 6, ir.Vec(2)), g[0])
	require.True(t, g[1].IsConst(0))
	d := autodiff.JVP(b, nodes(f), nodes(h, x), nodes(nil, b.Const(1)))
	require.True(t, d[0].IsConst(0))

	// An output that is a variable has the cotangent as its derivative.
	ct := b.Input("ct", ir.Vec(3), true)
	require.Equal(t, ct, autodiff.VJP(b, nodes(x), nodes(ct), nodes(x))[0])
}

// TestHamiltonian: q' = ∂H/∂p, p' = −∂H/∂q of a pendulum and of a network,
// whose divergence vanishes.
func TestHamiltonian(t *testing.T) {
	b := ir.NewBuilder()
	y, w := b.Input("y", ir.Vec(2), true), b.Input("w", ir.Vec(20), false)
	q, p := b.Elem(y, 0), b.Elem(y, 1)
	field := func(h *ir.Node) *ir.Node {
		g := autodiff.VJP(b, nodes(h), nodes(b.Const(1)), nodes(q, p))
		return b.Concat(g[1], b.Neg(g[0]))
	}
	pendulum := field(b.Sub(b.Div(b.Square(p), b.Const(2)), b.Apply(ir.OpCos, q)))
	at := compile(t, pendulum).at(map[string][]float64{"y": {0.4, 1.5}})
	require.InDeltaSlice(t, []float64{1.5, -math.Sin(0.4)}, at[0], 1e-15)

	layer := b.Apply(ir.OpTanh, b.Add(b.MatVec(b.Slice(w, 0, ir.Mat(5, 2)), b.Concat(q, p)), b.Slice(w, 10, ir.Vec(5))))
	f := field(b.Dot(layer, b.Slice(w, 15, ir.Vec(5))))
	j := jacobian(b, f, y)
	wv := make([]float64, 20)
	for i := range wv {
		wv[i] = math.Sin(float64(3*i + 1))
	}
	jac := compile(t, j).at(map[string][]float64{"y": {0.4, 1.5}, "w": wv})[0]
	require.InDelta(t, 0, jac[0]+jac[3], 1e-15)
	require.NotZero(t, jac[0])

	// Its gradient by the weights, through the derivative.
	inputs := nodes(y, w)
	rng := rand.New(rand.NewPCG(5, 6))
	draw := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	differentiate(t, b, f, inputs, draw, -1, 1).check(t, inputs, 1e-8, "network")
}

func TestMisuse(t *testing.T) {
	b := ir.NewBuilder()
	x := b.Input("x", ir.Scalar, true)
	require.Panics(t, func() { autodiff.VJP(b, nodes(x), nil, nodes(x)) })
	require.Panics(t, func() { autodiff.JVP(b, nodes(x), nodes(x), nil) })
}
