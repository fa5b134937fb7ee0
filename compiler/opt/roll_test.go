package opt_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
)

// chain is a random expression of the cells of arrays near i, of parameters and of tables, as
// the body of a `for` has it.
type chain struct {
	*ir.Builder
	x, v, p *ir.Node
	table   []float64
	n       int
	wrap    bool // the neighbours of the ends are at the other end
}

func newChain(rng *rand.Rand, n int) *chain {
	b := ir.NewBuilder()
	c := &chain{Builder: b, x: b.Input("x", ir.Vec(n), true), v: b.Input("v", ir.Vec(n), true), p: b.Input("p", ir.Vec(3), false), n: n, wrap: rng.IntN(2) == 0}
	for range n {
		c.table = append(c.table, 0.5+rng.Float64())
	}
	return c
}

// cell is the random expression for cell i; the draws are the same for all.
func (c *chain) cell(rng *rand.Rand, i, depth int) *ir.Node {
	near := func(x *ir.Node, d int) *ir.Node {
		switch at := i + d; {
		case 0 <= at && at < c.n:
			return c.Elem(x, at)
		case c.wrap:
			return c.Elem(x, (at+c.n)%c.n)
		}
		return c.Const(0)
	}
	if depth == 0 {
		d, kind, k := rng.IntN(3)-1, rng.IntN(6), rng.IntN(3)
		switch kind {
		case 0:
			return c.Elem(c.p, k)
		case 1:
			return c.Const(c.table[i])
		case 2:
			return near(c.v, d)
		}
		return near(c.x, d)
	}
	op := []ir.Op{ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpSin, ir.OpDiv, ir.OpMin, ir.OpSelect, ir.OpNeg, ir.OpAdd, ir.OpMul}[rng.IntN(10)]
	args := make([]*ir.Node, op.Info().Arity)
	for k := range args {
		args[k] = c.cell(rng, i, rng.IntN(depth))
	}
	switch op {
	case ir.OpDiv:
		args[1] = c.Add(c.Const(1.5), c.Square(args[1]))
	case ir.OpSelect:
		args[0] = c.Lt(args[0], c.Const(0.2))
	}
	if rng.IntN(2) == 0 && op.Info().Commutes { // written the other way round in some cells
		if i%3 == 0 {
			args[0], args[1] = args[1], args[0]
		}
	}
	return c.Apply(op, args...)
}

// field has the same expression, drawn from a seed, for all cells.
func (c *chain) field(seed uint64) *ir.Node {
	parts := make([]*ir.Node, c.n)
	for i := range parts {
		parts[i] = c.cell(rand.New(rand.NewPCG(seed, 5)), i, 5)
	}
	return c.Concat(parts...)
}

// runs are the outputs of graphs of one builder at random inputs.
func runs(t *testing.T, lanes int, compile func([]*ir.Graph, int, exec.Precision) (*exec.Module, error), graphs ...*ir.Graph) [][]float64 {
	m, err := compile(graphs, lanes, exec.Double)
	require.NoError(t, err)
	f := m.NewFrame()
	rng := rand.New(rand.NewPCG(9, 9))
	for _, name := range []string{"x", "v", "p", "ct", "xdot", "pdot"} {
		in := f.Input(name)
		for i := range in {
			in[i] = rng.NormFloat64()
		}
	}
	var out [][]float64
	for _, g := range graphs {
		p := m.Program(g.Name)
		p.Run(f)
		var all []float64
		for _, o := range g.Outputs {
			all = append(all, p.Output(f, o.Name)...)
		}
		out = append(out, all)
	}
	return out
}

func sameBits(t *testing.T, want, got []float64, of string) {
	require.Len(t, got, len(want), of)
	for i := range want {
		if want[i] != 0 || got[i] != 0 { // zeros may differ in sign
			require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "%s, number %d: %v, %v", of, i, want[i], got[i])
		}
	}
}

// TestRandomRolled: chains written cell by cell have the same bits as arrays, in all numbers
// of lanes and in machine code, and the same derivatives, whose sums have another order.
func TestRandomRolled(t *testing.T) {
	rolled := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := newChain(rng, 3+int(seed)%5*17)
		f := c.field(seed)
		r := opt.Roll(c.Builder, []*ir.Node{f})[0]
		if len(ir.Reach(r)) < len(ir.Reach(f))/2 {
			rolled++
		}
		ct, xDot, pDot := c.Input("ct", f.Shape, true), c.Input("xdot", c.x.Shape, true), c.Input("pdot", c.p.Shape, false)
		var graphs []*ir.Graph
		for i, y := range []*ir.Node{f, r} {
			name := []string{"f", "r"}[i]
			graphs = append(graphs, graph(name, y), graph(name+".vjp", autodiff.VJP(c.Builder, []*ir.Node{y}, []*ir.Node{ct}, []*ir.Node{c.x, c.v, c.p})...),
				graph(name+".jvp", autodiff.JVP(c.Builder, []*ir.Node{y}, []*ir.Node{c.x, c.p}, []*ir.Node{xDot, pDot})...))
		}
		for _, lanes := range []int{1, 4, 8} {
			of := fmt.Sprintf("seed %d, %d lanes", seed, lanes)
			plain, fast := runs(t, lanes, exec.Interpreted, graphs...), runs(t, lanes, exec.Compile, graphs...)
			sameBits(t, plain[0], plain[3], of)
			for i := range graphs {
				sameBits(t, plain[i], fast[i], of+", machine code of "+graphs[i].Name)
			}
			for i := 1; i < 3; i++ {
				for k, want := range plain[i] {
					require.InDelta(t, want, plain[i+3][k], 1e-11*(1+math.Abs(want)), of+", "+graphs[i].Name)
				}
			}
			all := opt.Optimize(c.Builder, graphs)
			slow, quick := runs(t, lanes, exec.Interpreted, all...), runs(t, lanes, exec.Compile, all...)
			for i := range all {
				sameBits(t, slow[i], quick[i], of+", optimised "+graphs[i].Name)
			}
		}
	}
	require.Greater(t, rolled, 30)
}

// TestRolledOnce: an expression that is long is computed once for all cells that read it, a
// short one for each of them; what differs at the ends stays as it is.
func TestRolledOnce(t *testing.T) {
	const n = 20
	count := func(flux func(b *ir.Builder, x, y *ir.Node) *ir.Node, op ir.Op) (k int) {
		b := ir.NewBuilder()
		x := b.Input("x", ir.Vec(n), true)
		parts := make([]*ir.Node, n)
		for i := range parts {
			parts[i] = b.Const(float64(i))
			if 0 < i && i < n-1 {
				parts[i] = b.Sub(flux(b, b.Elem(x, i+1), b.Elem(x, i)), flux(b, b.Elem(x, i), b.Elem(x, i-1)))
			}
		}
		r := opt.Roll(b, []*ir.Node{b.Concat(parts...)})[0]
		require.Equal(t, ir.OpAssemble, r.Op)
		require.LessOrEqual(t, len(r.Args), 3)
		for _, m := range ir.Reach(r) {
			if m.Op == op {
				k++
			}
		}
		return k
	}
	require.Equal(t, 1, count(func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Apply(ir.OpSin, b.Sub(x, y)) }, ir.OpSin))
	require.Equal(t, 2, count(func(b *ir.Builder, x, y *ir.Node) *ir.Node { return b.Mul(x, y) }, ir.OpMul))
}
