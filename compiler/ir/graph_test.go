package ir_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
)

// TestText: the printed form depends only on the graph, not on what else the
// builder holds.
func TestText(t *testing.T) {
	const want = `graph f {
  %0 = input x : [3]
  %1 = input w : [2,3] shared
  %2 = const 0.5 -1.5 : [2]
  %3 = matvec %1, %0 : [2]
  %4 = add %2, %3 : [2]
  %5 = polygamma<1> %4 : [2]
  %6 = slice<1> %0
  %7 = assemble<0 2> %5, %6 : [3]
  dy = %7
  s += %6
}
`
	for junk := range 3 {
		b := ir.NewBuilder()
		for i := range junk {
			b.Const(float64(i) + 100)
		}
		x, w := b.Input("x", ir.Vec(3), true), b.Input("w", ir.Mat(2, 3), false)
		c := b.ConstOf(ir.Vec(2), []float64{0.5, -1.5})
		p := b.Polygamma(1, b.Add(b.MatVec(w, x), c))
		e := b.Elem(x, 1)
		b.Exp(x) // not reached
		g := &ir.Graph{Name: "f", Outputs: []ir.Output{{Name: "dy", Node: b.Concat(p, e)}, {Name: "s", Node: e, Accumulate: true}}}
		require.Equal(t, want, g.String())
		require.NoError(t, g.Verify())
	}
}

func TestVerify(t *testing.T) {
	e := newEnv()
	sum := e.Add(e.s, e.t)
	good := func() *ir.Graph {
		return &ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "a", Node: sum}, {Name: "b", Node: e.x}}}
	}
	require.NoError(t, good().Verify())
	g := good()
	g.Outputs[1].Name = "a"
	require.ErrorContains(t, g.Verify(), `two outputs are named "a"`)
	g = good()
	g.Outputs[1].Node = nil
	require.ErrorContains(t, g.Verify(), `output "b" has no node`)
	for want, n := range map[string]*ir.Node{
		"add takes 2 arguments, has 1": {ID: 99, Op: ir.OpAdd, Args: []*ir.Node{e.s}, Lane: true},
		"does not come before":         {ID: 0, Op: ir.OpNeg, Args: []*ir.Node{sum}, Lane: true},
		"marked lane=false":            {ID: 99, Op: ir.OpNeg, Args: []*ir.Node{e.s}},
		"should be [3]":                {ID: 99, Op: ir.OpNeg, Args: []*ir.Node{e.x}, Lane: true},
		"does not take shapes":         {ID: 99, Op: ir.OpTranspose, Args: []*ir.Node{e.x}, Lane: true},
		"has 2 values":                 {ID: 99, Op: ir.OpConst, Shape: ir.Vec(3), Values: []float64{1, 2}},
		"slice [2, +2)":                {ID: 99, Op: ir.OpSlice, Args: []*ir.Node{e.x}, Off: 2, Shape: ir.Vec(2), Lane: true},
		"0 offsets for 1 parts":        {ID: 99, Op: ir.OpAssemble, Args: []*ir.Node{e.x}, Shape: ir.Vec(4), Lane: true},
		"part 0 [2, +3)":               {ID: 99, Op: ir.OpAssemble, Args: []*ir.Node{e.x}, Offs: []int{2}, Shape: ir.Vec(4), Lane: true},
		"unknown op":                   {ID: 99, Op: ir.OpInvalid},
	} {
		g = good()
		g.Outputs[0].Node = n
		require.ErrorContains(t, g.Verify(), want)
	}
}

func TestVerifyInto(t *testing.T) {
	e := newEnv()
	into := func(v, to *ir.Node, add bool) error {
		return (&ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "a", Node: v, Into: to, Accumulate: add}, {Name: "b", Node: e.Neg(e.t)}}}).Verify()
	}
	require.NoError(t, into(e.Add(e.s, e.t), e.s, false), "the old value is read")
	require.NoError(t, into(e.s, e.s, false))
	require.ErrorContains(t, into(e.Add(e.s, e.t), e.s, true), `input "s" is read and added to`)
	require.ErrorContains(t, into(e.Sum(e.x), e.x, false), "cannot be stored")
	swap := &ir.Graph{Name: "g", Outputs: []ir.Output{{Name: "a", Node: e.t, Into: e.s}, {Name: "b", Node: e.Neg(e.s), Into: e.t}}}
	require.ErrorContains(t, swap.Verify(), `output "a" is the old value of input "t", which is stored to`)
}

// TestReach: arguments first, each once, and only what is needed.
func TestReach(t *testing.T) {
	e := newEnv()
	a := e.Mul(e.s, e.t)
	c := e.Add(a, e.Exp(a))
	nodes := ir.Reach(c, nil, a)
	require.Equal(t, []*ir.Node{e.s, e.t, a, e.Exp(a), c}, nodes)
	require.Empty(t, ir.Reach())
}

// TestFunctions compares the functions of the table that package math does not
// have with closed forms.
func TestFunctions(t *testing.T) {
	const euler = 0.5772156649015329
	for _, c := range []struct {
		k       int
		x, want float64
	}{
		{0, 1, -euler},
		{0, 0.5, -euler - 2*math.Ln2},
		{0, 2, 1 - euler},
		{0, -0.5, 2 - euler - 2*math.Ln2},
		{1, 1, math.Pi * math.Pi / 6},
		{1, 0.5, math.Pi * math.Pi / 2},
		{1, -0.5, math.Pi*math.Pi/2 + 4},
		{2, 1, -2 * 1.2020569031595942},
		{3, 1, math.Pow(math.Pi, 4) / 15},
	} {
		require.InEpsilon(t, c.want, ir.Polygamma(c.k, c.x), 1e-13, "ψ%d(%g)", c.k, c.x)
	}
	for k := range 6 { // ψ⁽ᵏ⁾(x+1) = ψ⁽ᵏ⁾(x) + (−1)ᵏ k!/xᵏ⁺¹
		for _, x := range []float64{2.3, 0.4, -0.3, -1.2, -7.7} {
			step := math.Pow(-1, float64(k)) * math.Gamma(float64(k)+1) / math.Pow(x, float64(k)+1)
			want := ir.Polygamma(k, x) + step
			require.InDelta(t, want, ir.Polygamma(k, x+1), 1e-12*(1+math.Abs(want)+math.Abs(step)), "ψ%d(%g)", k, x)
		}
	}
	for k := range 3 { // the poles, and arguments that would take forever one by one
		for _, x := range []float64{0, -1, -5, -1e300, math.Inf(-1)} {
			require.Equal(t, k%2 == 1, math.IsInf(ir.Polygamma(k, x), 1))
			require.Equal(t, k%2 == 0, math.IsNaN(ir.Polygamma(k, x)))
		}
		require.False(t, math.IsNaN(ir.Polygamma(k, -1e9-0.25)))
		require.True(t, math.IsNaN(ir.Polygamma(k, math.NaN())))
	}
	require.Equal(t, []float64{-1, 0, 1}, []float64{ir.Sign(-3), ir.Sign(0), ir.Sign(math.Inf(1))})
	require.True(t, math.IsNaN(ir.Sign(math.NaN())))
	require.Equal(t, 2., ir.Select(math.NaN(), 2, 3), "NaN is not zero")
	require.InEpsilon(t, math.Log(2*math.Sqrt(math.Pi)), ir.Lgamma(-0.5), 1e-14) // Γ(−½) = −2√π
	// scipy.special.log_ndtr
	for x, want := range map[float64]float64{
		-1000: -500007.8266948122, -40: -804.6084420137539, -37.5: -707.6689893175072, -10: -53.23128515051248, -1: -1.8410216450092634,
		0: -0.6931471805599453, 1: -0.1727537790234499, 6: -9.86587645524372e-10, 10: -7.61985302416047e-24,
	} {
		require.InEpsilon(t, want, ir.LogPhi(x), 1e-13, "%g", x)
	}
	require.Equal(t, "[2,3] [3] scalar", ir.Mat(2, 3).String()+" "+ir.Vec(3).String()+" "+ir.Scalar.String())
	require.Equal(t, []int{6, 3, 1}, []int{ir.Mat(2, 3).Size(), ir.Vec(3).Size(), ir.Scalar.Size()})
}

// TestChoices: functions that choose, at, beside and beyond where they turn.
func TestChoices(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tiny := math.SmallestNonzeroFloat64
	for x, want := range map[float64]float64{0.5: 1, tiny: 1, inf: 1, -0.5: -1, -tiny: -1, -inf: -1, 0: 0} {
		require.Equal(t, want, ir.Sign(x), "sign of %g", x)
	}
	require.True(t, math.IsNaN(ir.Sign(nan)))
	require.True(t, math.Signbit(ir.Sign(math.Copysign(0, -1))))
	for _, c := range [][4]float64{{1, 2, 1, 2}, {2, 1, 1, 2}, {-inf, 3, -inf, 3}, {0.5, 0.5, 0.5, 0.5}} {
		require.Equal(t, c[2:], []float64{ir.Min(c[0], c[1]), ir.Max(c[0], c[1])}, "%g and %g", c[0], c[1])
	}
	for _, c := range [][2]float64{{nan, 1}, {1, nan}, {nan, nan}, {nan, -inf}, {inf, nan}} {
		require.True(t, math.IsNaN(ir.Min(c[0], c[1])) && math.IsNaN(ir.Max(c[0], c[1])), "%g and %g", c[0], c[1])
	}
	require.Equal(t, []float64{2, 3, 2}, []float64{ir.Select(1, 2, 3), ir.Select(0, 2, 3), ir.Select(0.5, 2, 3)})
	require.Equal(t, []float64{1, 0}, []float64{ir.Truth(true), ir.Truth(false)})
}

// TestReachLarge: the nodes of a graph are the same, in the order of their IDs, whether they are found from node to
// node, in a builder that is large beside them, or in the order of memory.
func TestReachLarge(t *testing.T) {
	b := ir.NewBuilder()
	x := b.Input("x", ir.Scalar, true)
	rng := rand.New(rand.NewPCG(3, 1))
	nodes := []*ir.Node{x}
	for range 3000 {
		nodes = append(nodes, b.Add(nodes[rng.IntN(len(nodes))], b.Mul(nodes[rng.IntN(len(nodes))], b.Const(rng.Float64()))))
	}
	for _, root := range [][]*ir.Node{nodes[len(nodes)-1:], {nil, nodes[20]}, nodes[len(nodes)/2:], {x, nil}, {nil}, nil} {
		known := map[*ir.Node]bool{}
		var visit func(n *ir.Node)
		visit = func(n *ir.Node) {
			if n == nil || known[n] {
				return
			}
			known[n] = true
			for _, a := range n.Args {
				visit(a)
			}
		}
		for _, n := range root {
			visit(n)
		}
		want := make([]*ir.Node, 0, len(known))
		for n := range known {
			want = append(want, n)
		}
		slices.SortFunc(want, func(m, n *ir.Node) int { return m.ID - n.ID })
		require.Equal(t, len(want), len(ir.Reach(root...)))
		for i, n := range ir.Reach(root...) {
			require.Same(t, want[i], n)
		}
	}
}
