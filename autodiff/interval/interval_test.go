package interval_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/autodiff/interval"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/compiler/opt"
)

const (
	width = 4  // of vectors
	lanes = 16 // points that are tried at once

	underflow = 1e-37 // of single precision
)

// inputs are a moving scalar and vector, with their bounds, and weights that do not
// move.
type inputs struct {
	b          *ir.Builder
	s, x, w, p *ir.Node
	over       map[*ir.Node]interval.Bounds
}

func newInputs() *inputs {
	b := ir.NewBuilder()
	in := &inputs{b: b, s: b.Input("s", ir.Scalar, true), x: b.Input("x", ir.Vec(width), true), w: b.Input("w", ir.Mat(width, width), true), p: b.Input("p", ir.Scalar, true)}
	in.over = map[*ir.Node]interval.Bounds{
		in.s: {Lo: b.Input("slo", ir.Scalar, true), Hi: b.Input("shi", ir.Scalar, true)},
		in.x: {Lo: b.Input("xlo", ir.Vec(width), true), Hi: b.Input("xhi", ir.Vec(width), true)},
	}
	return in
}

// random builds a graph over all operations; nothing keeps arguments within their
// domains.
func (in *inputs) random(rng *rand.Rand, size int) *ir.Node {
	b := in.b
	scalars := []*ir.Node{in.s, in.p, b.Const(0.7), b.Const(-1.5), b.Elem(in.x, 0), b.Elem(in.x, 1)}
	vectors := []*ir.Node{in.x, b.ConstOf(ir.Vec(width), []float64{0.3, -0.2, 1.4, -2})}
	matrices := []*ir.Node{in.w}
	pick := func(list []*ir.Node) *ir.Node {
		return list[len(list)-1-int(math.Abs(rng.NormFloat64())*float64(len(list))/2)%len(list)]
	}
	defer b.Network(b.Network(false))
	for range size {
		b.Network(rng.IntN(4) == 0)
		var n *ir.Node
		switch op := ir.Op(rng.IntN(int(ir.NumOps))); {
		case op == ir.OpPolygamma:
			n = b.Polygamma(rng.IntN(3), pick(vectors))
		case op.Info().Class == ir.Elementwise:
			args := make([]*ir.Node, op.Info().Arity)
			for i := range args {
				if args[i] = pick(scalars); rng.IntN(2) == 0 {
					args[i] = pick(vectors)
				}
			}
			if op == ir.OpPow && rng.IntN(2) == 0 {
				args[1] = b.Const([]float64{17, 18, -3, -18, 0.3, -1.7}[rng.IntN(6)])
			}
			if op == ir.OpSelect { // the zero of an underflow would decide
				args[0] = b.Lt(args[0], b.Const(0.2))
			}
			if args[0].Op == ir.OpInput && op.Info().Arity == 2 && rng.IntN(4) == 0 {
				args[1] = args[0]
			}
			n = b.Apply(op, args...)
		case op == ir.OpSlice:
			n = b.Slice(b.Concat(pick(vectors), pick(scalars)), rng.IntN(2), ir.Vec(width))
		case op == ir.OpAssemble:
			n = b.Assemble(ir.Vec(width), []int{0, rng.IntN(width)}, []*ir.Node{b.Slice(pick(vectors), 1, ir.Vec(2)), pick(scalars)})
		case op == ir.OpTranspose:
			n = b.Transpose(pick(matrices))
		case op == ir.OpSum:
			n = b.Sum(pick(vectors))
		case op == ir.OpDot:
			n = b.Dot(pick(vectors), pick(vectors))
		case op == ir.OpNorm:
			n = b.Norm(pick(vectors))
		case op == ir.OpMatVec:
			n = b.MatVec(pick(matrices), pick(vectors))
		case op == ir.OpTMatVec:
			n = b.TMatVec(pick(matrices), pick(vectors))
		case op == ir.OpMatMul:
			n = b.MatMul(pick(matrices), pick(matrices))
		case op == ir.OpOuter:
			n = b.Outer(pick(vectors), pick(vectors))
		case op == ir.OpSolve:
			n = b.Solve(b.Add(b.Mul(b.Const(3), b.Identity(width)), pick(matrices)), pick(vectors))
		case op == ir.OpFactor:
			n = b.SolveT(b.Add(b.Mul(b.Const(3), b.Identity(width)), pick(matrices)), b.Transpose(pick(matrices)))
		case op == ir.OpDet:
			n = b.LogDet(pick(matrices))
		case op == ir.OpDense:
			n = b.Dense(pick(matrices), pick(vectors), pick(vectors))
		case op == ir.OpFill:
			n = b.Fill(pick(scalars), ir.Vec(width))
		default:
			continue
		}
		switch n.Shape.Rank {
		case 0:
			scalars = append(scalars, n)
		case 1:
			vectors = append(vectors, n)
		default:
			matrices = append(matrices, n)
		}
	}
	list := []*ir.Node{}
	for _, v := range append(scalars, append(vectors, matrices...)...) {
		list = append(list, b.Slice(v, 0, ir.Vec(v.Shape.Size())))
	}
	return b.Concat(list...)
}

// programs are a value at many points, and its bounds.
type programs struct {
	t             *testing.T
	value, bounds *exec.Module
	points, box   *exec.Frame
}

func compile(t *testing.T, b *ir.Builder, outs map[string]*ir.Node, values ...string) *programs {
	value, bounds := &ir.Graph{Name: "f"}, &ir.Graph{Name: "f"}
	for name, n := range outs {
		g := bounds
		for _, v := range values {
			if v == name {
				g = value
			}
		}
		g.Outputs = append(g.Outputs, ir.Output{Name: name, Node: n})
	}
	p := &programs{t: t}
	var err error
	p.value, err = exec.Compile(opt.Optimize(b, []*ir.Graph{value}), lanes, exec.Single)
	require.NoError(t, err)
	p.bounds, err = exec.Compile(opt.Optimize(b, []*ir.Graph{bounds}), 1, exec.Single)
	require.NoError(t, err)
	p.points, p.box = p.value.NewFrame(), p.bounds.NewFrame()
	return p
}

// draw draws a box and points in it, its corners among them.
func (p *programs) draw(rng *rand.Rand) {
	size := math.Pow(10, 1-5*rng.Float64())
	set := func(f *exec.Frame, name string, i int, v float64) {
		in := f.Input(name)
		if in == nil {
			return
		}
		if f == p.box {
			in[i] = v
			return
		}
		for l := range lanes {
			in[i*lanes+l] = v
		}
	}
	moving := func(name string, i int) {
		lo := 3 * rng.NormFloat64()
		if rng.IntN(3) == 0 {
			lo = float64(rng.IntN(5) - 2)
		}
		hi := lo + size*rng.Float64()
		set(p.box, name+"lo", i, lo)
		set(p.box, name+"hi", i, hi)
		if in := p.points.Input(name); in != nil {
			for l := range lanes {
				switch v := &in[i*lanes+l]; rng.IntN(4) {
				case 0:
					*v = lo
				case 1:
					*v = hi
				default:
					*v = math.Min(hi, lo+(hi-lo)*rng.Float64())
				}
			}
		}
	}
	moving("s", 0)
	for i := range width {
		moving("x", i)
	}
	for _, f := range []string{"p", "w"} {
		for i := range map[string]int{"p": 1, "w": width * width}[f] {
			v := rng.NormFloat64()
			set(p.box, f, i, v)
			set(p.points, f, i, v)
		}
	}
	p.value.Program("f").Run(p.points)
	p.bounds.Program("f").Run(p.box)
}

// TestBounds: values at random points of random boxes lie within the bounds of
// random graphs over all operations, and so do rates.
func TestBounds(t *testing.T) {
	graphs := 150
	if n, err := strconv.Atoi(os.Getenv("PINODE_NIGHTLY")); err == nil {
		graphs = n
	}
	if testing.Short() {
		graphs = 40
	}
	finite, all := 0, 0
	for seed := range uint64(graphs) {
		rng := rand.New(rand.NewPCG(seed, 4))
		in := newInputs()
		n := in.random(rng, 40)
		rate := autodiff.JVP(in.b, []*ir.Node{n}, []*ir.Node{in.s, in.x}, []*ir.Node{in.b.Const(0.4), in.b.Full(in.x.Shape, -1.2)})[0]
		outs := opt.Optimize(in.b, []*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "v", Node: n}, {Name: "rate", Node: rate}}}})[0].Outputs
		n, rate = outs[0].Node, outs[1].Node
		bounds := interval.Of(in.b, []*ir.Node{n, rate}, in.over)
		p := compile(t, in.b, map[string]*ir.Node{
			"v": n, "rate": rate, "swallowed": swallowed(in.b, n, rate),
			"lo": bounds[0].Lo, "hi": bounds[0].Hi, "ratelo": bounds[1].Lo, "ratehi": bounds[1].Hi,
		}, "v", "rate", "swallowed")
		for range 60 {
			p.draw(rng)
			undefined := p.value.Program("f").Output(p.points, "swallowed")
			for _, name := range []string{"v", "rate"} {
				prefix := map[string]string{"v": "", "rate": "rate"}[name]
				v := p.value.Program("f").Output(p.points, name)
				lo, hi := p.bounds.Program("f").Output(p.box, prefix+"lo"), p.bounds.Program("f").Output(p.box, prefix+"hi")
				for i, x := range v {
					if undefined[i%lanes] != 0 {
						continue
					}
					l, h := lo[i/lanes], hi[i/lanes]
					all++
					if !math.IsInf(l, 0) && !math.IsInf(h, 0) && !math.IsNaN(h-l) {
						finite++
					}
					if x < l-underflow || x > h+underflow {
						t.Fatalf("seed %d: element %d of %s is %g, outside of [%g, %g]\n%s", seed, i/lanes, name, x, l, h, (&ir.Graph{Name: "f", Outputs: []ir.Output{{Name: "v", Node: n}}}).String())
					}
				}
			}
		}
	}
	require.Greater(t, float64(finite)/float64(all), 0.5, "bounds that say something")
	t.Logf("%d bounds, %.0f %% finite", all, 100*float64(finite)/float64(all))
}

// swallowed is not 0 where something that is not defined, or that leaves the range
// of single precision, has a part in a value.
func swallowed(b *ir.Builder, roots ...*ir.Node) *ir.Node {
	sum := b.Const(0)
	for _, n := range ir.Reach(roots...) {
		if n.Lane && n.Op.Info().Class == ir.Elementwise {
			sum = b.Add(sum, b.Sum(b.Lt(b.Const(1e30), b.Apply(ir.OpAbs, n))))
		}
		switch n.Op {
		case ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe, ir.OpSelect, ir.OpPow, ir.OpMin, ir.OpMax:
			for _, x := range n.Args {
				sum = b.Add(sum, b.Sum(b.Sub(b.Const(1), b.Apply(ir.OpEq, x, x))))
			}
		}
	}
	return sum
}

// TestTight: bounds of single operations are the ranges, to round-off.
func TestTight(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		f              func(b *ir.Builder, x *ir.Node) *ir.Node
		lo, hi         float64
		wantLo, wantHi float64
	}{
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpSin, x) }, 0.3, 2, math.Sin(0.3), 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpSin, x) }, 2, 4, math.Sin(4), math.Sin(2)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpSin, x) }, -1e9, 5, -1, 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpCos, x) }, -0.1, 0.2, math.Cos(0.2), 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpCos, x) }, 3, 4, -1, math.Cos(4)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpTan, x) }, 1, 1.5, math.Tan(1), math.Tan(1.5)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpTan, x) }, 1, 1.6, -inf, inf},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Square(x) }, -1, 3, 0, 9},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, b.Const(17)) }, -2, 1, -131072, 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, b.Const(-18)) }, -2, -1, math.Pow(2, -18), 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Pow(x, b.Const(0.3)) }, -1, 2, 0, math.Pow(2, 0.3)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Div(b.Const(1), x) }, -1, 2, -inf, inf},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Div(b.Const(1), x) }, -4, -2, -0.5, -0.25},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Sqrt(x) }, -1, 4, 0, 2},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Sqrt(x) }, -4, -1, -inf, inf},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Log(x) }, 0, 1, -inf, 0},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpAcos, x) }, -0.5, 2, 0, math.Acos(-0.5)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpCosh, x) }, -1, 2, 1, math.Cosh(2)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpGamma, x) }, 1, 3, 0.885603194410888, 2},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpFloor, x) }, -0.5, 1.5, -1, 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Lt(x, b.Const(1)) }, 0, 2, 0, 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Lt(x, b.Const(1)) }, 0, 0.5, 1, 1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Select(b.Lt(b.Const(0), x), b.Log(x), x) }, -2, -1, -2, -1},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Const(1)) }, 0, 2, 1, 2},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpAtan2, x, b.Const(-1)) }, 1, 2, math.Atan2(2, -1), math.Atan2(1, -1)},
		{func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Norm(b.Concat(x, b.Const(3))) }, -4, 4, 3, 5},
		{func(b *ir.Builder, x *ir.Node) *ir.Node {
			return b.Sum(b.MatVec(b.ConstOf(ir.Mat(2, 2), []float64{1, -2, 3, 4}), b.Concat(x, b.Neg(x))))
		}, 1, 2, -2, 8},
	} {
		in := newInputs()
		n := c.f(in.b, in.s)
		x := interval.Of(in.b, []*ir.Node{n}, in.over)[0]
		p := compile(t, in.b, map[string]*ir.Node{"v": n, "lo": x.Lo, "hi": x.Hi}, "v")
		p.box.Input("slo")[0], p.box.Input("shi")[0] = c.lo, c.hi
		p.bounds.Program("f").Run(p.box)
		lo, hi := p.bounds.Program("f").Output(p.box, "lo")[0], p.bounds.Program("f").Output(p.box, "hi")[0]
		told := fmt.Sprintf("[%g, %g] gives [%g, %g], not [%g, %g]\n%s", c.lo, c.hi, lo, hi, c.wantLo, c.wantHi, (&ir.Graph{Name: "f", Outputs: []ir.Output{{Name: "v", Node: n}}}).String())
		near := func(x, y float64) bool { return x == y || math.Abs(x-y) <= 1e-12*(1+math.Abs(y)) }
		require.True(t, near(lo, c.wantLo) && near(hi, c.wantHi), told)
	}
}

// TestRates: a jump inside of a box makes a rate infinite, a kink does not.
func TestRates(t *testing.T) {
	elu := nn.FindActivation("elu").Build
	for name, c := range map[string]struct {
		f      func(b *ir.Builder, x *ir.Node) *ir.Node
		lo, hi float64
		jumps  bool
		want   [2]float64
	}{
		"floor across":    {func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Add(x, b.Apply(ir.OpFloor, x)) }, 0.5, 1.5, true, [2]float64{math.Inf(-1), math.Inf(1)}},
		"floor within":    {func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Add(x, b.Apply(ir.OpFloor, x)) }, 0.5, 0.6, true, [2]float64{1, 1}},
		"choice across":   {func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Select(b.Lt(x, b.Const(1)), x, b.Neg(x)) }, 0.5, 1.5, true, [2]float64{math.Inf(-1), math.Inf(1)}},
		"elu across":      {elu, -0.5, 0.5, false, [2]float64{0, 1}},
		"max":             {func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpMax, x, b.Mul(b.Const(3), x)) }, -1, 1, false, [2]float64{1, 3}},
		"cut of an angle": {func(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpAtan2, x, b.Const(-1)) }, -0.1, 0.1, true, [2]float64{math.Inf(-1), math.Inf(1)}},
	} {
		in := newInputs()
		n := c.f(in.b, in.s)
		rate := autodiff.JVP(in.b, []*ir.Node{n}, []*ir.Node{in.s}, []*ir.Node{in.b.Const(1)})[0]
		require.Equal(t, c.jumps, interval.Jumps(in.b, n, in.over), name)
		x := interval.Rates(in.b, []*ir.Node{n}, []*ir.Node{rate}, in.over)[0]
		p := compile(t, in.b, map[string]*ir.Node{"v": n, "lo": x.Lo, "hi": x.Hi}, "v")
		if p.box.Input("slo") != nil {
			p.box.Input("slo")[0], p.box.Input("shi")[0] = c.lo, c.hi
		}
		p.bounds.Program("f").Run(p.box)
		for i, which := range []string{"lo", "hi"} {
			got := p.bounds.Program("f").Output(p.box, which)[0]
			require.True(t, got == c.want[i] || math.Abs(got-c.want[i]) < 1e-12, "%s: %s is %g, not %g", name, which, got, c.want[i])
		}
	}
}
