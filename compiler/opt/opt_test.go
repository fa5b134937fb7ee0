package opt_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
	_ "github.com/pinode/pinode/internal/testseed"
)

// env has a builder with inputs to write examples with.
type env struct {
	*ir.Builder
	s, t, x, y, m *ir.Node // scalars, vectors of 3, a shared 3×3 matrix
}

func newEnv() env {
	b := ir.NewBuilder()
	return env{
		b, b.Input("s", ir.Scalar, true), b.Input("t", ir.Scalar, true),
		b.Input("x", ir.Vec(3), true), b.Input("y", ir.Vec(3), true), b.Input("m", ir.Mat(3, 3), false),
	}
}

func graph(name string, nodes ...*ir.Node) *ir.Graph {
	g := &ir.Graph{Name: name}
	for i, n := range nodes {
		g.Outputs = append(g.Outputs, ir.Output{Name: string(rune('a' + i)), Node: n})
	}
	return g
}

// evaluate runs graphs, named differently, at random values of the inputs.
func evaluate(t require.TestingT, rng *rand.Rand, graphs ...*ir.Graph) [][]float64 {
	m, err := exec.Compile(graphs, 1, exec.Double)
	require.NoError(t, err)
	f := m.NewFrame()
	for _, name := range []string{"s", "t", "x", "y", "m", "ct"} {
		in := f.Input(name)
		for i := range in {
			in[i] = rng.NormFloat64()
		}
	}
	out := make([][]float64, len(graphs))
	for i, g := range graphs {
		p := m.Program(g.Name)
		p.Run(f)
		for _, o := range g.Outputs {
			out[i] = append(out[i], p.Output(f, o.Name)...)
		}
	}
	return out
}

// requireSame compares bits, but for the sign of zeros and the kind of NaN.
func requireSame(t require.TestingT, want, got []float64, msg ...any) {
	require.Len(t, got, len(want), msg...)
	for i := range want {
		if math.IsNaN(want[i]) && math.IsNaN(got[i]) {
			continue
		}
		require.Equal(t, want[i]+0, got[i]+0, msg...)
	}
}

// examples has, for each rule, nodes that it applies to and what all rules
// together make of them.
var examples = map[string][]func(e env) (before, after *ir.Node){
	"-(x - y) = y - x": {
		func(e env) (_, _ *ir.Node) { return e.Neg(e.Sub(e.s, e.x)), e.Sub(e.x, e.s) },
	},
	"x - c = x + (-c)": {
		func(e env) (_, _ *ir.Node) { return e.Sub(e.x, e.Const(3)), e.Add(e.x, e.Const(-3)) },
	},
	"(-x) y = -(x y), (-x)/y = -(x/y)": {
		func(e env) (_, _ *ir.Node) { return e.Mul(e.Neg(e.s), e.x), e.Neg(e.Mul(e.s, e.x)) },
		func(e env) (_, _ *ir.Node) { return e.Mul(e.Neg(e.s), e.Neg(e.x)), e.Mul(e.s, e.x) },
		func(e env) (_, _ *ir.Node) { return e.Div(e.s, e.Neg(e.x)), e.Neg(e.Div(e.s, e.x)) },
		func(e env) (_, _ *ir.Node) { return e.Add(e.t, e.Div(e.Neg(e.s), e.x)), e.Sub(e.t, e.Div(e.s, e.x)) },
	},
	"-(c x) = (-c) x, -(c/x) = (-c)/x": {
		func(e env) (_, _ *ir.Node) { return e.Neg(e.Mul(e.Const(3), e.x)), e.Mul(e.Const(-3), e.x) },
		func(e env) (_, _ *ir.Node) { return e.Neg(e.Div(e.Const(3), e.x)), e.Div(e.Const(-3), e.x) },
		func(e env) (_, _ *ir.Node) { return e.Neg(e.Div(e.x, e.Const(3))), e.Div(e.x, e.Const(-3)) },
	},
	"x/2ᵏ = 2⁻ᵏ x": {
		func(e env) (_, _ *ir.Node) { return e.Div(e.x, e.Const(-8)), e.Mul(e.Const(-0.125), e.x) },
		func(e env) (_, _ *ir.Node) { return e.Div(e.x, e.Const(3)), e.Div(e.x, e.Const(3)) },
		func(e env) (_, _ *ir.Node) {
			return e.Div(e.s, e.Full(ir.Vec(2), 4)), e.Fill(e.Mul(e.Const(0.25), e.s), ir.Vec(2))
		},
	},
	"|-x| = |x|, ||x|| = |x|": {
		func(e env) (_, _ *ir.Node) {
			return e.Apply(ir.OpAbs, e.Neg(e.Apply(ir.OpAbs, e.x))), e.Apply(ir.OpAbs, e.x)
		},
	},
	"|x| |x| = x x": {
		func(e env) (_, _ *ir.Node) { return e.Square(e.Apply(ir.OpAbs, e.x)), e.Square(e.x) },
	},
	"min(x, x) = max(x, x) = x": {
		func(e env) (_, _ *ir.Node) {
			return e.Apply(ir.OpMin, e.x, e.Apply(ir.OpMax, e.x, e.x)), e.x
		},
	},
	"c ? 1 : 0 = c for a comparison": {
		func(e env) (_, _ *ir.Node) {
			return e.Select(e.Lt(e.s, e.t), e.Const(1), e.Full(ir.Vec(3), 0)), e.Fill(e.Lt(e.s, e.t), ir.Vec(3))
		},
	},
	"x ≠ 0 ? y : z = x ? y : z": {
		func(e env) (_, _ *ir.Node) {
			return e.Select(e.Apply(ir.OpNe, e.s, e.Const(0)), e.x, e.t), e.Select(e.s, e.x, e.t)
		},
		func(e env) (_, _ *ir.Node) {
			return e.Select(e.Apply(ir.OpEq, e.Lt(e.s, e.t), e.Const(0)), e.x, e.t), e.Select(e.Lt(e.s, e.t), e.t, e.x)
		},
		func(e env) (_, _ *ir.Node) {
			return e.Select(e.Sub(e.Const(1), e.Le(e.s, e.t)), e.x, e.t), e.Select(e.Le(e.s, e.t), e.t, e.x)
		},
		func(e env) (_, _ *ir.Node) {
			return e.Select(e.Apply(ir.OpNe, e.s, e.Full(ir.Vec(3), 0)), e.s, e.t), e.Fill(e.Select(e.s, e.s, e.t), ir.Vec(3))
		},
	},
	"c ? (c ? x : y) : z = c ? x : z": {
		func(e env) (_, _ *ir.Node) {
			c := e.Lt(e.x, e.y)
			return e.Select(c, e.Select(c, e.s, e.t), e.Select(c, e.t, e.x)), e.Select(c, e.s, e.x)
		},
	},
	"f(fill(x), y) = f(x, y)": {
		func(e env) (_, _ *ir.Node) { return e.Mul(e.Fill(e.s, ir.Vec(3)), e.x), e.Mul(e.s, e.x) },
		func(e env) (_, _ *ir.Node) { return e.Mul(e.Full(ir.Vec(3), 2), e.x), e.Mul(e.Const(2), e.x) },
		func(e env) (_, _ *ir.Node) {
			return e.Exp(e.Add(e.Fill(e.s, ir.Vec(3)), e.t)), e.Fill(e.Exp(e.Add(e.s, e.t)), ir.Vec(3))
		},
		func(e env) (_, _ *ir.Node) {
			return e.Polygamma(2, e.Fill(e.s, ir.Vec(3))), e.Fill(e.Polygamma(2, e.s), ir.Vec(3))
		},
	},
	"Aᵀᵀ·x = A·x": {
		func(e env) (_, _ *ir.Node) { return e.MatVec(e.Transpose(e.m), e.x), e.TMatVec(e.m, e.x) },
		func(e env) (_, _ *ir.Node) { return e.TMatVec(e.Transpose(e.m), e.x), e.MatVec(e.m, e.x) },
	},
	"[[x, y], z] = [x, y, z]": {
		func(e env) (_, _ *ir.Node) {
			return e.Concat(e.s, e.Concat(e.x, e.Concat(e.t, e.y))), e.Concat(e.s, e.x, e.t, e.y)
		},
		func(e env) (_, _ *ir.Node) { // a gap inside
			return e.Concat(e.s, e.Assemble(ir.Vec(5), []int{2}, []*ir.Node{e.x})), e.Assemble(ir.Vec(6), []int{0, 3}, []*ir.Node{e.s, e.x})
		},
		func(e env) (_, _ *ir.Node) { // overlaps stay
			inner := e.Assemble(ir.Vec(5), []int{0, 2}, []*ir.Node{e.x, e.y})
			n := e.Concat(inner, e.Concat(e.s, e.t))
			return n, e.Assemble(ir.Vec(7), []int{0, 5, 6}, []*ir.Node{inner, e.s, e.t})
		},
		func(e env) (_, _ *ir.Node) {
			n := e.Assemble(ir.Vec(4), []int{0, 1}, []*ir.Node{e.Concat(e.s, e.t), e.x})
			return n, n
		},
	},
	"[x[0:2], x[2:4]] = x[0:4]": {
		func(e env) (_, _ *ir.Node) {
			return e.Concat(e.Elem(e.x, 1), e.Elem(e.x, 2), e.Elem(e.y, 0)), e.Concat(e.Slice(e.x, 1, ir.Vec(2)), e.Elem(e.y, 0))
		},
		func(e env) (_, _ *ir.Node) {
			return e.Concat(e.Elem(e.x, 0), e.Elem(e.x, 1)), e.Slice(e.x, 0, ir.Vec(2))
		},
		func(e env) (_, _ *ir.Node) {
			n := e.Concat(e.Elem(e.x, 1), e.Elem(e.x, 0))
			return n, n
		},
	},
}

// TestRules: every rule does what its examples say, and keeps their values.
func TestRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rules := opt.Passes[1]
	require.Equal(t, "rules", rules.Name)
	for _, r := range opt.Rules {
		require.NotEmpty(t, examples[r.Name], "no example of %s", r.Name)
		fires := false
		for i, example := range examples[r.Name] {
			e := newEnv()
			before, after := example(e)
			out := rules.Apply(e.Builder, graph("f", before))
			require.Same(t, after, out.Outputs[0].Node, "%s, example %d: %s", r.Name, i, out)
			for range 20 {
				v := evaluate(t, rng, graph("before", before), graph("after", after))
				requireSame(t, v[0], v[1], "%s, example %d", r.Name, i)
			}
			for _, n := range ir.Reach(before) {
				for _, op := range r.Ops {
					fires = fires || n.Op == op && r.Apply(e.Builder, n) != nil
				}
			}
		}
		require.True(t, fires, "no example to which %s applies", r.Name)
	}
	require.Len(t, examples, len(opt.Rules), "an example of a rule that is gone")
}

// random builds a graph over all ops, with the simplest forms more often than
// others, so that rules meet.
func random(t *rapid.T, e env, size int) []*ir.Node {
	pool := map[int][]*ir.Node{0: {e.s, e.t, e.Const(2), e.Const(-0.5), e.Const(0)}, 1: {e.x, e.y, e.ConstOf(ir.Vec(3), []float64{1, -2, 0})}, 2: {e.m, e.Outer(e.x, e.y)}}
	pick := func(rank int) *ir.Node { return rapid.SampledFrom(pool[rank]).Draw(t, "arg") }
	plain := []ir.Op{ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpNeg, ir.OpSelect, ir.OpAssemble, ir.OpMatVec, ir.OpDiv}
	for range size {
		op := ir.Op(rapid.IntRange(int(ir.OpNeg), int(ir.NumOps)-1).Draw(t, "op"))
		if rapid.Bool().Draw(t, "plain") {
			op = rapid.SampledFrom(plain).Draw(t, "which")
		}
		var n *ir.Node
		switch info := op.Info(); {
		case op == ir.OpPolygamma:
			n = e.Polygamma(1, pick(0))
		case info.Class == ir.Elementwise:
			rank := rapid.IntRange(0, 2).Draw(t, "rank")
			args := make([]*ir.Node, info.Arity)
			for i := range args {
				args[i] = pick(rank * rapid.IntRange(0, 1).Draw(t, "array"))
			}
			n = e.Apply(op, args...)
		case op == ir.OpFill:
			n = e.Fill(pick(0), ir.Vec(3))
		case op == ir.OpSlice:
			n = e.Elem(pick(rapid.IntRange(1, 2).Draw(t, "rank")), rapid.IntRange(0, 2).Draw(t, "off"))
		case op == ir.OpAssemble:
			n = e.Concat(e.Concat(pick(0), e.Elem(pick(1), 1)), e.Elem(pick(1), 2))
		case op == ir.OpTranspose || op == ir.OpSum:
			n = e.Rebuild(&ir.Node{Op: op}, []*ir.Node{pick(2)})
		case op == ir.OpNorm:
			n = e.Norm(pick(1))
		case op == ir.OpDot || op == ir.OpOuter:
			n = e.Rebuild(&ir.Node{Op: op}, []*ir.Node{pick(1), pick(1)})
		case op == ir.OpMatVec || op == ir.OpTMatVec:
			n = e.Rebuild(&ir.Node{Op: op}, []*ir.Node{pick(2), pick(1)})
		case op == ir.OpMatMul:
			n = e.MatMul(pick(2), pick(2))
		case op == ir.OpDense:
			n = e.Dense(pick(2), pick(1), pick(1))
		case op == ir.OpFactor || op == ir.OpDet || op == ir.OpSolve:
			a := e.Add(pick(2), e.ConstOf(ir.Mat(3, 3), []float64{0, 9, 0, 0, 0, 9, 9, 0, 0}))
			n = map[ir.Op]func() *ir.Node{
				ir.OpFactor: func() *ir.Node { return e.Inverse(a) }, ir.OpDet: func() *ir.Node { return e.LogDet(a) },
				ir.OpSolve: func() *ir.Node { return e.SolveT(a, pick(1)) },
			}[op]()
		default:
			t.Fatalf("no case for %s", op)
		}
		pool[n.Shape.Rank] = append(pool[n.Shape.Rank], n)
	}
	last := func(rank int) *ir.Node { return pool[rank][len(pool[rank])-1] }
	return []*ir.Node{last(0), last(1), last(2), pick(0), pick(1)}
}

// TestPasses: a pass keeps the values of random graphs and of their gradients,
// to the bit if it says that it is exact.
func TestPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEnv()
		outs := random(t, e, 25)
		tame := func(n *ir.Node) *ir.Node { return e.Sum(e.Apply(ir.OpTanh, n)) }
		scalar := e.Add(tame(outs[0]), e.Add(tame(outs[1]), tame(outs[2])))
		grad := autodiff.VJP(e.Builder, []*ir.Node{scalar}, []*ir.Node{e.Input("ct", ir.Scalar, true)}, []*ir.Node{e.s, e.x, e.m})
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		for _, g := range []*ir.Graph{graph("before", outs...), graph("before", grad...)} {
			for _, p := range opt.Passes {
				next := p.Apply(e.Builder, g)
				next.Name = "after"
				v := evaluate(t, rng, g, next)
				if p.Exact {
					requireSame(t, v[0], v[1], p.Name)
				}
				again := p.Apply(e.Builder, next)
				for i := range next.Outputs {
					require.Same(t, next.Outputs[i].Node, again.Outputs[i].Node, "%s has more to do the second time", p.Name)
				}
				g = next
				g.Name = "before"
			}
		}
	})
}

// TestRoundings: dense and fma change values by no more than roundings. The
// graph is a sum of products, for which that has a bound.
func TestRoundings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEnv()
		sum := e.Add(e.MatVec(e.m, e.x), e.y)
		for range rapid.IntRange(1, 6).Draw(t, "terms") {
			p := e.Mul(rapid.SampledFrom([]*ir.Node{e.s, e.t, e.x, e.Const(3)}).Draw(t, "a"), rapid.SampledFrom([]*ir.Node{e.x, e.y, e.t}).Draw(t, "b"))
			if rapid.Bool().Draw(t, "minus") {
				sum = e.Sub(sum, p)
			} else {
				sum = e.Add(p, sum)
			}
		}
		g := graph("before", sum)
		after := opt.Optimize(e.Builder, []*ir.Graph{g})[0]
		after.Name = "after"
		require.NotContains(t, after.String(), "matvec")
		require.Contains(t, after.String(), "dense")
		v := evaluate(t, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)), g, after)
		require.InDeltaSlice(t, v[0], v[1], 1e-13)
	})
}

// TestFusion lists what is fused and what is not.
func TestFusion(t *testing.T) {
	e := newEnv()
	apply := func(nodes ...*ir.Node) *ir.Graph {
		return opt.Optimize(e.Builder, []*ir.Graph{graph("f", nodes...)})[0]
	}
	fma := func(x, y, z *ir.Node) *ir.Node { return e.Apply(ir.OpFma, x, y, z) }
	st := e.Mul(e.s, e.t)
	require.Same(t, fma(e.s, e.t, e.x), apply(e.Add(st, e.x)).Outputs[0].Node)
	require.Same(t, fma(e.s, e.t, e.Const(-2)), apply(e.Sub(st, e.Const(2))).Outputs[0].Node)
	require.Same(t, fma(e.Const(-2), e.s, e.t), apply(e.Sub(e.t, e.Mul(e.Const(2), e.s))).Outputs[0].Node)
	require.NotContains(t, apply(e.Sub(e.x, st)).String(), "fma", "it would take a negation")
	require.NotContains(t, apply(e.Add(st, e.x), st).String(), "fma", "the product is an output")
	require.NotContains(t, apply(e.Add(st, e.x), e.Exp(st)).String(), "fma", "the product has another use")
	w := e.MatVec(e.m, e.x)
	require.Same(t, e.Dense(e.m, e.x, e.y), apply(e.Add(w, e.y)).Outputs[0].Node)
	require.NotContains(t, apply(e.Add(w, e.s)).String(), "dense", "not a vector")
	require.NotContains(t, apply(e.Add(w, e.y), w).String(), "dense")
	both := apply(e.Add(e.Add(w, e.y), e.Mul(e.s, e.y))).String()
	require.Contains(t, both, "= dense")
	require.Contains(t, both, "= fma")
}

// TestHistory: what is fused does not depend on what else was built before.
func TestHistory(t *testing.T) {
	var want string
	for order := range 6 {
		e := newEnv()
		products := []func() *ir.Node{
			func() *ir.Node { return e.Mul(e.s, e.x) },
			func() *ir.Node { return e.Mul(e.t, e.y) },
			func() *ir.Node { return e.Mul(e.x, e.y) },
		}
		for i := range order {
			products[(order+i)%3]()
		}
		a, b := products[0](), products[1]()
		g := opt.Optimize(e.Builder, []*ir.Graph{graph("f", e.Add(a, b))})[0]
		n := g.Outputs[0].Node
		require.Equal(t, ir.OpFma, n.Op)
		got := n.Args[0].Name + n.Args[1].Name
		if n.Args[0].ID > n.Args[1].ID {
			got = n.Args[1].Name + n.Args[0].Name
		}
		if want == "" {
			want = got
		}
		require.Equal(t, want, got, "order %d", order)
	}
}

// TestPassByPass: what each pass leaves of a graph, which has no fault; names and flags of outputs,
// and the graphs given stay as they are.
func TestPassByPass(t *testing.T) {
	e := newEnv()
	given := &ir.Graph{Name: "f", Outputs: []ir.Output{
		{Name: "dy", Node: e.Add(e.MatVec(e.m, e.x), e.y)},
		{Name: "bp", Node: e.Neg(e.Mul(e.Const(2), e.s)), Accumulate: true},
	}}
	text, want := given.String(), map[string]int{"roll": 9, "rules": 8, "dense": 7, "fma": 7}
	require.Len(t, given.Nodes(), 9)
	for _, start := range []*ir.Graph{given, {Name: "empty"}} {
		g := start
		for _, p := range opt.Passes {
			g = p.Apply(e.Builder, g)
			require.NoError(t, g.Verify(), p.Name)
			require.NotEmpty(t, p.Doc)
			if start == given {
				require.Len(t, g.Nodes(), want[p.Name], p.Name)
			}
		}
		require.Equal(t, start.Name, g.Name)
		require.Equal(t, g, opt.Optimize(e.Builder, []*ir.Graph{start})[0])
		if start == given {
			require.Equal(t, "bp", g.Outputs[1].Name)
			require.True(t, g.Outputs[1].Accumulate)
		}
	}
	require.Equal(t, text, given.String())
}

// TestBroken: a pass that changes a shape is caught.
func TestBroken(t *testing.T) {
	e := newEnv()
	bad := &opt.Pass{Name: "bad", Run: func(_ *ir.Builder, _, _ []*ir.Node) []*ir.Node { return []*ir.Node{e.x} }}
	require.PanicsWithValue(t, `opt: bad: output "a" changes from scalar to [3]`, func() { bad.Apply(e.Builder, graph("f", e.s)) })
}

func BenchmarkOptimize(b *testing.B) {
	for b.Loop() {
		e := newEnv()
		n := e.s
		for i := range 100 {
			n = e.Add(e.Mul(n, e.Apply(ir.OpSin, e.Add(n, e.Const(float64(i))))), e.Div(e.t, e.Add(e.Const(2), e.Square(n))))
		}
		g := autodiff.VJP(e.Builder, []*ir.Node{n}, []*ir.Node{e.Const(1)}, []*ir.Node{e.s, e.t})
		opt.Optimize(e.Builder, []*ir.Graph{graph("f", n), graph("g", g...)})
	}
}

// TestHistoryOfArguments: nor on which of the arguments that commute was there first.
func TestHistoryOfArguments(t *testing.T) {
	ops := []ir.Op{ir.OpSin, ir.OpCos, ir.OpExp, ir.OpTanh, ir.OpAtan}
	for _, f := range ops {
		for _, g := range ops {
			kept := map[string]bool{}
			for order := range 2 {
				e := newEnv()
				sum := func(x, y *ir.Node) *ir.Node {
					if order == 1 {
						y = e.Apply(g, y)
						return e.Add(e.Apply(f, x), y)
					}
					x = e.Apply(f, x)
					return e.Add(x, e.Apply(g, y))
				}
				p, q := e.Mul(sum(e.s, e.x), e.t), e.Mul(sum(e.t, e.y), e.s)
				n := opt.Optimize(e.Builder, []*ir.Graph{graph("f", e.Add(p, q))})[0].Outputs[0].Node
				require.Equal(t, ir.OpFma, n.Op)
				for _, a := range n.Args[:2] {
					if a.Op == ir.OpInput {
						kept[a.Name] = true // of the product that is rounded once
					}
				}
			}
			require.Len(t, kept, 1, "%s and %s", f, g)
		}
	}
}
