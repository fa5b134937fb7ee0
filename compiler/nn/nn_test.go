package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/compiler/opt"
	_ "github.com/pinode/pinode/internal/testseed"
)

// network is a compiled block with the gradients of the sum of its results.
type network struct {
	f *exec.Frame
	p *exec.Program
}

func compile(t require.TestingT, n *nn.Block, optimize bool) *network {
	require.NoError(t, n.Validate())
	b := ir.NewBuilder()
	w, x := b.Input("w", ir.Vec(n.NumWeights()), false), b.Input("x", ir.Vec(n.In), true)
	out := n.Build(b, w, x)
	require.Equal(t, ir.Vec(n.Out), out.Shape)
	g := autodiff.VJP(b, []*ir.Node{out}, []*ir.Node{b.Const(1)}, []*ir.Node{w, x})
	graphs := []*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "y", Node: out}, {Name: "dw", Node: g[0]}, {Name: "dx", Node: g[1]}}}}
	if optimize {
		graphs = opt.Optimize(b, graphs)
	}
	m, err := exec.Compile(graphs, 1, exec.Double)
	require.NoError(t, err)
	return &network{m.NewFrame(), m.Program("f")}
}

func (n *network) at(w, x []float64) (y, dw, dx []float64) {
	copy(n.f.Input("w"), w)
	copy(n.f.Input("x"), x)
	n.p.Run(n.f)
	out := func(name string) []float64 { return append([]float64(nil), n.p.Output(n.f, name)...) }
	return out("y"), out("dw"), out("dx")
}

func normal(rng *rand.Rand, n int, size float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = size * rng.NormFloat64()
	}
	return x
}

// combinations are sets of guarantees that can be had together, for two
// inputs.
func combinations() []nn.Block {
	return []nn.Block{
		{},
		{Odd: true},
		{Even: true},
		{Positive: true},
		{Monotone: []int{1, -1}},
		{Monotone: []int{0, 1}},
		{ZeroAt: []float64{0.3, -0.2}},
		{Positive: true, Even: true},
		{Positive: true, Monotone: []int{0, 1}},
		{Odd: true, Monotone: []int{1, 0}},
		{Odd: true, ZeroAt: []float64{0, 0}},
		{Odd: true, ZeroAt: []float64{0.3, -0.2}},
		{Even: true, ZeroAt: []float64{0.3, -0.2}},
		{Monotone: []int{-1, 0}, ZeroAt: []float64{0.3, -0.2}},
		{Monotone: []int{1, -1}, ZeroAt: []float64{0.3, -0.2}},
		{Odd: true, Monotone: []int{0, -1}, ZeroAt: []float64{0.3, 0}},
		{Odd: true, Monotone: []int{1, 1}, ZeroAt: []float64{0, 0}},
		{Monotone: []int{0, 0}},
	}
}

// TestGuarantees: they hold at random weights and inputs, for every activation
// that allows them, with and without hidden layers and the optimiser.
func TestGuarantees(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, act := range nn.Activations {
		for _, n := range combinations() {
			n.In, n.Out, n.Activation, n.Init = 2, 3, act, "glorot"
			for _, n.Hidden = range [][]int{nil, {5}, {4, 3}} {
				if err := n.Validate(); err != nil {
					require.ErrorContains(t, err, "monotone activation")
					require.False(t, act.Monotone)
					continue
				}
				f := compile(t, &n, rng.IntN(2) == 0)
				name := fmt.Sprintf("%s %v: odd %t, even %t, positive %t, monotone %v, zero_at %v", act.Name, n.Hidden, n.Odd, n.Even, n.Positive, n.Monotone, n.ZeroAt)
				for range 8 {
					w, x := normal(rng, n.NumWeights(), 1), normal(rng, 2, 1)
					holds(t, &n, f, w, x, name)
				}
			}
		}
	}
}

// holds checks the guarantees of a block at one point.
func holds(t require.TestingT, n *nn.Block, f *network, w, x []float64, name string) {
	y, _, dx := f.at(w, x)
	size := 1.
	for _, v := range y {
		size = math.Max(size, math.Abs(v))
	}
	mirror := make([]float64, len(x))
	for i := range x {
		mirror[i] = -x[i]
	}
	m, _, _ := f.at(w, mirror)
	for i := range y {
		switch {
		case n.Odd:
			require.Equal(t, 0-y[i], 0+m[i], name)
		case n.Even:
			require.Equal(t, y[i], m[i], name)
		}
		if n.Positive {
			require.Positive(t, y[i], name)
		}
	}
	for k, d := range n.Monotone {
		if d == 0 {
			continue
		}
		require.GreaterOrEqual(t, float64(d)*dx[k], 0., name)
		for _, step := range []float64{1e-3, 0.3, 5} {
			z := append([]float64(nil), x...)
			z[k] += step
			up, _, _ := f.at(w, z)
			for i := range y {
				require.GreaterOrEqual(t, float64(d)*(up[i]-y[i]), -1e-14*size, name)
			}
		}
	}
	if n.ZeroAt != nil {
		zero, _, _ := f.at(w, n.ZeroAt)
		for _, v := range zero {
			require.InDelta(t, 0, v, 1e-13*size, name)
		}
	}
}

// TestPositiveFromZero: a positive block of one argument that vanishes somewhere is (x − a) times what it is without
// that: it is positive above, and rises from there by what that is.
func TestPositiveFromZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	n := &nn.Block{In: 1, Out: 2, Hidden: []int{4}, Activation: nn.FindActivation("tanh"), Init: "glorot", Positive: true}
	bare := compile(t, n, true)
	zero := *n
	zero.ZeroAt = []float64{0.3}
	require.NoError(t, zero.Validate())
	f := compile(t, &zero, true)
	for range 20 {
		w, x := normal(rng, n.NumWeights(), 1), 0.3+3*rng.Float64()
		want, _, _ := bare.at(w, []float64{x})
		got, _, _ := f.at(w, []float64{x})
		for i := range got {
			require.Positive(t, got[i])
			require.InEpsilon(t, (x-0.3)*want[i], got[i], 1e-13)
		}
		at, _, _ := f.at(w, []float64{0.3})
		require.Equal(t, []float64{0, 0}, at)
	}
}

// TestRandomBlocks: the same for random sizes, guarantees and inputs, far out
// as well.
func TestRandomBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom(combinations()).Draw(t, "guarantees")
		n.In, n.Out = 2, rapid.IntRange(1, 4).Draw(t, "out")
		n.Hidden = rapid.SliceOfN(rapid.IntRange(1, 7), 0, 3).Draw(t, "hidden")
		n.Activation = rapid.SampledFrom(nn.Activations).Draw(t, "activation")
		n.Init = rapid.SampledFrom([]string{"glorot", "xavier", "he", "orthogonal", "uniform"}).Draw(t, "init")
		if n.Validate() != nil {
			t.Skip("not monotone")
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		f := compile(t, &n, rapid.Bool().Draw(t, "optimize"))
		holds(t, &n, f, n.NewWeights(rng), normal(rng, 2, rapid.SampledFrom([]float64{0.01, 1, 10}).Draw(t, "size")), fmt.Sprintf("%+v", n))
	})
}

// TestImpossible lists what is refused, and why.
func TestImpossible(t *testing.T) {
	tanh := nn.FindActivation("tanh")
	good := nn.Block{In: 2, Out: 1, Hidden: []int{4}, Activation: tanh, Init: "glorot"}
	require.NoError(t, good.Validate())
	for _, c := range []struct {
		change func(n *nn.Block)
		want   string
	}{
		{func(n *nn.Block) { n.Odd, n.Even = true, true }, "odd and even is zero"},
		{func(n *nn.Block) { n.Odd, n.Positive = true, true }, "cannot be positive"},
		{func(n *nn.Block) { n.Positive, n.ZeroAt = true, []float64{0, 0} }, "has no zero"},
		{func(n *nn.Block) { n.In, n.Positive, n.ZeroAt, n.Monotone = 1, true, []float64{0}, []int{1} }, "has no zero"},
		{func(n *nn.Block) { n.Even, n.Monotone = true, []int{0, 1} }, "an even block that is monotone"},
		{func(n *nn.Block) { n.Monotone, n.Activation = []int{1, 0}, nn.FindActivation("swish") }, "`swish` rises and falls"},
		{func(n *nn.Block) { n.Monotone, n.Init = []int{1, 0}, "zero_output" }, "zero_output"},
		{func(n *nn.Block) { n.Odd, n.Monotone, n.ZeroAt = true, []int{1, 0}, []float64{0.5, 0} }, "cannot be monotone in input 0"},
		{func(n *nn.Block) { n.Monotone = []int{1} }, "1 directions for 2 inputs"},
		{func(n *nn.Block) { n.Monotone = []int{1, 2} }, "1, 0 and -1"},
		{func(n *nn.Block) { n.ZeroAt = []float64{1} }, "1 coordinates for 2 inputs"},
		{func(n *nn.Block) { n.ZeroAt = []float64{1, math.NaN()} }, "finite"},
		{func(n *nn.Block) { n.Hidden = []int{3, 0} }, "width of at least 1"},
		{func(n *nn.Block) { n.In = 0 }, "needs inputs and outputs"},
		{func(n *nn.Block) { n.Activation = nil }, "no activation"},
		{func(n *nn.Block) { n.Init = "lucky" }, "there is no initialisation `lucky`; there are [glorot xavier he"},
	} {
		n := good
		c.change(&n)
		require.ErrorContains(t, n.Validate(), c.want)
	}
	for _, c := range combinations() { // what is allowed, with an activation that allows all
		c.In, c.Out, c.Activation, c.Init = 2, 1, tanh, "glorot"
		require.NoError(t, c.Validate())
	}
	n := good
	n.Monotone, n.Activation, n.Hidden = []int{1, 0}, nn.FindActivation("sin"), nil
	require.NoError(t, n.Validate(), "an affine block has no activation to speak of")
}

// TestGradients compares gradients by weights and inputs, of every activation
// under every set of guarantees, with finite differences.
func TestGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	check := autodiff.Check{Size: func(int) float64 { return 1 }, Step: 1e-2}
	for _, act := range nn.Activations {
		for _, n := range combinations() {
			n.In, n.Out, n.Hidden, n.Activation, n.Init = 2, 2, []int{4, 3}, act, "uniform"
			if n.Validate() != nil {
				continue
			}
			f := compile(t, &n, false)
			point := append(n.NewWeights(rng), normal(rng, 2, 1)...)
			split := len(point) - n.In
			_, dw, dx := f.at(point[:split], point[split:])
			grad := append(dw, dx...)
			dir := normal(rng, len(point), 1)
			claimed := 0.
			for i := range dir {
				claimed += grad[i] * dir[i]
			}
			o, err := check.Along(func(p []float64) (float64, error) {
				y, _, _ := f.at(p[:split], p[split:])
				return y[0] + y[1], nil
			}, point, dir, claimed)
			require.NoError(t, err)
			require.InDelta(t, o.Value, claimed, 1e-7*(1+math.Abs(claimed)), "%s %+v: %+v", act.Name, n, o)
		}
	}
}

// TestSingle: in single precision blocks of every kind are those of double
// precision as far as it goes, with the same bits in machine code and the
// interpreter and in any lane.
func TestSingle(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for _, act := range nn.Activations {
		for k, n := range combinations() {
			n.In, n.Out, n.Activation, n.Init, n.Hidden = 2, 3, act, "glorot", []int{9, 13}
			if n.Validate() != nil {
				continue
			}
			name := fmt.Sprintf("%s, combination %d", act.Name, k)
			b := ir.NewBuilder()
			w, x := b.Input("w", ir.Vec(n.NumWeights()), false), b.Input("x", ir.Vec(n.In), true)
			out := n.Build(b, w, x)
			g := autodiff.VJP(b, []*ir.Node{out}, []*ir.Node{b.Const(1)}, []*ir.Node{w, x})
			graphs := opt.Optimize(b, []*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "y", Node: out}, {Name: "dw", Node: g[0]}, {Name: "dx", Node: g[1]}}}})
			weights, at := normal(rng, n.NumWeights(), 0.7), normal(rng, 8*n.In, 1)
			run := func(compile func([]*ir.Graph, int, exec.Precision) (*exec.Module, error), lanes int, networks exec.Precision) []float64 {
				m, err := compile(graphs, lanes, networks)
				require.NoError(t, err, name)
				f := m.NewFrame()
				copy(f.Input("w"), weights)
				f.Refresh()
				for i := range n.In {
					for l := range lanes {
						f.Input("x")[i*lanes+l] = at[i*8+l]
					}
				}
				p := m.Program("f")
				p.Run(f)
				var first []float64 // of the first lane
				for _, o := range []string{"y", "dw", "dx"} {
					for i, v := range p.Output(f, o) {
						if i%lanes == 0 {
							first = append(first, v)
						}
					}
				}
				return first
			}
			double, single := run(exec.Compile, 1, exec.Double), run(exec.Compile, 1, exec.Single)
			size := 0.
			for _, v := range double {
				size = max(size, math.Abs(v))
			}
			require.InDeltaSlice(t, double, single, 3e-6*max(1, size), name) // differences cancel
			require.NotEqual(t, double, single, name)
			require.Equal(t, single, run(exec.Interpreted, 1, exec.Single), name)
			require.Equal(t, single, run(exec.Compile, 8, exec.Single), name)
			require.Equal(t, single, run(exec.Interpreted, 8, exec.Single), name)
		}
	}
}

// TestZeroAtNode: the zero may be a value of the run.
func TestZeroAtNode(t *testing.T) {
	n := &nn.Block{In: 2, Out: 1, Hidden: []int{3}, Activation: nn.FindActivation("tanh"), Init: "xavier", ZeroAt: []float64{4, -6}}
	for _, n.Odd = range []bool{false, true} {
		b := ir.NewBuilder()
		w, x, s := b.Input("w", ir.Vec(n.NumWeights()), false), b.Input("x", ir.Vec(2), true), b.Input("s", ir.Vec(2), false)
		out := n.BuildZeroAt(b, w, b.Div(x, s), b.Div(b.ConstOf(ir.Vec(2), n.ZeroAt), s))
		m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "y", Node: out}}}}, 1, exec.Double)
		require.NoError(t, err)
		f, p := m.NewFrame(), m.Program("f")
		copy(f.Input("w"), n.NewWeights(rand.New(rand.NewPCG(1, 1))))
		copy(f.Input("s"), []float64{3, 7})
		copy(f.Input("x"), n.ZeroAt)
		p.Run(f)
		require.InDelta(t, 0, p.Output(f, "y")[0], 1e-15)
		copy(f.Input("x"), []float64{1, 2})
		p.Run(f)
		require.Greater(t, math.Abs(p.Output(f, "y")[0]), 1e-3)
	}
}

// TestFlexible: a monotone block of convex activations is not bound to be
// convex, nor one with a free input to be monotone in it.
func TestFlexible(t *testing.T) {
	for _, act := range nn.Activations {
		if !act.Monotone {
			continue
		}
		n := &nn.Block{In: 2, Out: 1, Hidden: []int{8}, Activation: act, Init: "xavier", Monotone: []int{1, 0}}
		f := compile(t, n, false)
		rng := rand.New(rand.NewPCG(7, 8))
		var convex, concave, rises, falls bool
		for range 300 {
			w, x := normal(rng, n.NumWeights(), 1), normal(rng, 2, 1)
			at := func(dx, dz float64) float64 {
				y, _, _ := f.at(w, []float64{x[0] + dx, x[1] + dz})
				return y[0]
			}
			bend := at(1, 0) - 2*at(0, 0) + at(-1, 0)
			convex, concave = convex || bend > 1e-3, concave || bend < -1e-3
			slope := at(0, 1) - at(0, 0)
			rises, falls = rises || slope > 1e-3, falls || slope < -1e-3
		}
		require.Equal(t, []bool{true, true, true, true}, []bool{convex, concave, rises, falls}, act.Name)
	}
}

// TestActivations: values against package math, and what the table says of
// them.
func TestActivations(t *testing.T) {
	value := map[string]func(x float64) float64{
		"tanh": math.Tanh, "sin": math.Sin,
		"swish":      func(x float64) float64 { return x / (1 + math.Exp(-x)) },
		"gelu":       func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 },
		"softplus":   func(x float64) float64 { return math.Log(1 + math.Exp(x)) },
		"elu":        func(x float64) float64 { return math.Max(x, 0) + math.Min(math.Exp(x)-1, 0) },
		"sigmoid":    func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		"rbf":        func(x float64) float64 { return math.Exp(-x * x) },
		"relu":       func(x float64) float64 { return math.Max(x, 0) },
		"leaky_relu": func(x float64) float64 { return math.Max(x, 0.01*x) },
	}
	for _, a := range nn.Activations {
		require.NotNil(t, value[a.Name], "no value to compare `%s` with", a.Name)
		require.Same(t, a, nn.FindActivation(a.Name))
		require.NotEmpty(t, a.Doc)
		b := ir.NewBuilder()
		x := b.Input("x", ir.Scalar, true)
		y := a.Build(b, x)
		d := autodiff.VJP(b, []*ir.Node{y}, []*ir.Node{b.Const(1)}, []*ir.Node{x})[0]
		m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "y", Node: y}, {Name: "d", Node: d}}}}, 1, exec.Double)
		require.NoError(t, err)
		f, p := m.NewFrame(), m.Program("f")
		at := func(v float64) (y, d float64) {
			f.Input("x")[0] = v
			p.Run(f)
			return p.Output(f, "y")[0], p.Output(f, "d")[0]
		}
		monotone, convex, last := true, true, math.Inf(-1)
		for v := -6.0; v <= 6; v += 0.0625 {
			y, d := at(v)
			require.InDelta(t, value[a.Name](v), y, 1e-14, "%s(%g)", a.Name, v)
			monotone, convex = monotone && d >= 0, convex && d >= last-1e-12
			last = d
		}
		require.Equal(t, monotone, a.Monotone, a.Name)
		require.Equal(t, convex && monotone, a.Convex, a.Name)
		_, left := at(-1e-9)
		_, right := at(1e-9)
		require.Equal(t, math.Abs(right-left) > 1e-6, a.Jump == 1, a.Name)
		require.Equal(t, a.Jump == 1, slices.Contains(nn.Rough(), a.Name), a.Name)
		_, before := at(-1e-4)
		_, behind := at(1e-4)
		bend := (behind - 2*right + before) / 1e-4 // a jump of the second derivative
		require.Equal(t, math.Abs(bend) > 1e-2, a.Jump != 0, a.Name)
		for _, v := range []float64{-1e3, 1e3, 0} { // no overflow, and a derivative everywhere
			y, d := at(v)
			require.False(t, math.IsNaN(y+d) || math.IsInf(y+d, 0), "%s at %g", a.Name, v)
		}
		moment := quad.Fixed(func(z float64) float64 {
			y := value[a.Name](z)
			return y * y * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		}, -9, 9, 400, nil, 0)
		require.InEpsilon(t, 1/math.Sqrt(moment), a.Gain, 1e-4, a.Name)
	}
	require.Len(t, value, len(nn.Activations))
	require.Nil(t, nn.FindActivation("step"))
}

// TestInits: the statistics of each initialisation, and that the seed decides.
func TestInits(t *testing.T) {
	tanh := nn.FindActivation("tanh")
	for _, init := range nn.Inits {
		n := &nn.Block{In: 40, Out: 30, Hidden: []int{50, 60}, Activation: tanh, Init: init.Name}
		require.NoError(t, n.Validate())
		require.NotEmpty(t, init.Doc)
		w := n.NewWeights(rand.New(rand.NewPCG(1, 1)))
		require.Equal(t, w, n.NewWeights(rand.New(rand.NewPCG(1, 1))))
		require.NotEqual(t, w, n.NewWeights(rand.New(rand.NewPCG(2, 1))))
		tensors := n.Tensors()
		g := tanh.Gain * tanh.Gain
		want := map[string][3]float64{ // variances of the three layers
			"glorot":      {2. / 90, 2. / 110, 2. / 90 * 0.01},
			"xavier":      {2. / 90, 2. / 110, 2. / 90},
			"he":          {g / 40, g / 50, g / 60 * 0.01},
			"zero_output": {2. / 90, 2. / 110, 0},
			"orthogonal":  {g / 50, g / 60, g / 60 * 0.01},
			"uniform":     {1. / 120, 1. / 150, 1. / 180},
		}[init.Name]
		for l := range 3 {
			mean, square := 0., 0.
			weight := w[tensors[2*l].Off:][:tensors[2*l].Shape.Size()]
			for _, v := range weight {
				mean += v / float64(len(weight))
				square += v * v / float64(len(weight))
			}
			require.InDelta(t, want[l], square, 0.1*want[l], "%s, layer %d", init.Name, l)
			require.InDelta(t, 0, mean, 4*math.Sqrt(want[l]/float64(len(weight))), "%s, layer %d", init.Name, l)
			bias := w[tensors[2*l+1].Off:][:tensors[2*l+1].Shape.Size()]
			for _, v := range bias {
				if init.Name == "uniform" {
					require.LessOrEqual(t, math.Abs(v), math.Sqrt(3*want[l]))
					require.NotZero(t, v)
				} else {
					require.Zero(t, v)
				}
			}
		}
		if init.Name == "orthogonal" { // 50×40: columns; 30×60: rows
			dot := func(off, n, step, i, j, by int) (s float64) {
				for k := range n {
					s += w[off+k*step+i*by] * w[off+k*step+j*by]
				}
				return s
			}
			for i := range 5 {
				for j := range 5 {
					unit := 0.
					if i == j {
						unit = g
					}
					require.InDelta(t, unit, dot(tensors[0].Off, 50, 40, i, j, 1), 1e-12)
					require.InDelta(t, unit*0.01, dot(tensors[4].Off, 60, 1, i, j, 60), 1e-12)
				}
			}
		}
	}
}

// TestSignals: with gains the mean square of what passes through deep layers
// stays, and a monotone block starts where it can learn.
func TestSignals(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, act := range nn.Activations {
		n := &nn.Block{In: 60, Out: 60, Hidden: []int{60, 60, 60, 60}, Activation: act, Init: "he"}
		f := compile(t, n, false)
		square := 0.
		for range 10 {
			y, _, _ := f.at(n.NewWeights(rng), normal(rng, n.In, 1))
			for _, v := range y {
				square += v * v / 600
			}
		}
		got := math.Sqrt(square) / 0.1 // the last layer's factor
		require.Greater(t, got, act.Gain/3, act.Name)
		require.Less(t, got, act.Gain*3, act.Name)
		if !act.Monotone {
			continue
		}
		n = &nn.Block{In: 1, Out: 1, Hidden: []int{32, 32}, Activation: act, Init: "xavier", Monotone: []int{1}}
		f = compile(t, n, false)
		for range 10 {
			_, _, dx := f.at(n.NewWeights(rng), []float64{0.1}) // off the kink of relu
			require.Greater(t, dx[0], 1e-3, act.Name)
			require.Less(t, dx[0], 10., act.Name)
		}
	}
}

// TestTensors: names, shapes and places as the formats of weights expect them.
func TestTensors(t *testing.T) {
	n := &nn.Block{In: 2, Out: 1, Hidden: []int{16, 8}, Activation: nn.FindActivation("tanh"), Init: "glorot"}
	require.Equal(t, []nn.Tensor{
		{Name: "0.weight", Shape: ir.Mat(16, 2), Off: 0},
		{Name: "0.bias", Shape: ir.Vec(16), Off: 32},
		{Name: "1.weight", Shape: ir.Mat(8, 16), Off: 48},
		{Name: "1.bias", Shape: ir.Vec(8), Off: 176},
		{Name: "2.weight", Shape: ir.Mat(1, 8), Off: 184},
		{Name: "2.bias", Shape: ir.Vec(1), Off: 192},
	}, n.Tensors())
	require.Equal(t, 193, n.NumWeights())
	// Row by row: y = W1 φ(W0 x + b0) + b1.
	n = &nn.Block{In: 2, Out: 1, Hidden: []int{2}, Activation: nn.FindActivation("relu"), Init: "glorot"}
	y, _, _ := compile(t, n, true).at([]float64{1, 2, 3, 4, 0.5, -20, 10, 100, 7}, []float64{1, -0.5})
	require.Equal(t, []float64{10*0.5 + 100*0 + 7}, y)
}

// TestSettings: the options of the language are the lists of this package.
func TestSettings(t *testing.T) {
	require.NoError(t, nn.Settings.Verify())
	require.Len(t, nn.Settings.Find("activation").Choices, len(nn.Activations))
	var names []string
	for _, c := range nn.Settings.Find("init").Choices {
		names = append(names, c.Name)
		require.NotEmpty(t, c.Doc)
	}
	require.Equal(t, "glorot xavier he zero_output orthogonal uniform", strings.Join(names, " "))
}

// TestMonotoneInit: the weights of a monotone block, whose squares count, are roots of
// positive numbers from the second layer on, and in the first one for the arguments that
// have a direction; the others start with both signs.
func TestMonotoneInit(t *testing.T) {
	n := &nn.Block{In: 2, Out: 1, Hidden: []int{40, 40}, Activation: nn.FindActivation("tanh"), Init: "glorot", Monotone: []int{1, 0}}
	require.NoError(t, n.Validate())
	w, tensors := n.NewWeights(rand.New(rand.NewPCG(1, 1))), n.Tensors()
	negative := [2]int{}
	for i, v := range w[tensors[0].Off:][:80] {
		if v < 0 {
			negative[i%2]++
		}
	}
	require.Zero(t, negative[0])
	require.Greater(t, negative[1], 10)
	require.Less(t, negative[1], 30)
	mean := 0.
	for _, v := range w[tensors[2].Off:][:1600] {
		require.GreaterOrEqual(t, v, 0.)
		mean += v * v / 1600
	}
	require.InDelta(t, 1./40, mean, 0.1/40, "the squares of a layer of 40 have the mean 1/40")
}
