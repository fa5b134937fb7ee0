package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
)

// run evaluates a block, and its gradients by weights and input for a given
// cotangent.
func run(t *testing.T, n *nn.Block, w, x []float64) (y, dw, dx []float64) {
	b := ir.NewBuilder()
	wi, xi := b.Input("w", ir.Vec(len(w)), false), b.Input("x", ir.Vec(len(x)), true)
	out := n.Build(b, wi, xi)
	g := autodiff.VJP(b, []*ir.Node{b.Sum(out)}, []*ir.Node{b.Const(1)}, []*ir.Node{wi, xi})
	m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{
		{Name: "y", Node: out}, {Name: "dw", Node: g[0], Accumulate: true}, {Name: "dx", Node: g[1]},
	}}}, 1)
	require.NoError(t, err)
	f := m.NewFrame()
	copy(f.Input("w"), w)
	copy(f.Input("x"), x)
	p := m.Program("f")
	p.Run(f)
	return p.Output(f, "y"), p.Output(f, "dw"), p.Output(f, "dx")
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

// TestGuarantees: odd, even, positive, monotone and zero_at hold for random
// weights and inputs, alone and together.
func TestGuarantees(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, act := range nn.Activations {
		for _, n := range []*nn.Block{
			{}, {Odd: true}, {Even: true}, {Positive: true}, {Positive: true, Even: true},
			{Monotone: []int{1, -1}}, {Monotone: []int{0, 1}, Positive: true}, {Monotone: []int{1, 1}, Odd: true},
			{ZeroAt: []float64{0.3, -0.2}}, {ZeroAt: []float64{0.3, -0.2}, Even: true}, {ZeroAt: []float64{0, 0}, Odd: true},
			{ZeroAt: []float64{0.3, -0.2}, Odd: true}, {ZeroAt: []float64{0.1, 0.2}, Monotone: []int{-1, 0}},
		} {
			n.In, n.Out, n.Hidden, n.Activation, n.Init = 2, 2, []int{5, 4}, act, "glorot"
			if n.Validate() != nil {
				require.NotNil(t, n.Monotone)
				continue
			}
			w := make([]float64, n.NumWeights())
			for i := range w {
				w[i] = rng.NormFloat64()
			}
			for range 5 {
				x := []float64{rng.NormFloat64(), rng.NormFloat64()}
				y, _, _ := run(t, n, w, x)
				neg, _, _ := run(t, n, w, []float64{-x[0], -x[1]})
				for i := range y {
					if n.Odd {
						require.InDelta(t, -y[i], neg[i], 1e-12)
					}
					if n.Even {
						require.InDelta(t, y[i], neg[i], 1e-12)
					}
					if n.Positive {
						require.Positive(t, y[i])
					}
				}
				for k, m := range n.Monotone {
					z := append([]float64{}, x...)
					z[k] += 0.1
					up, _, _ := run(t, n, w, z)
					for i := range y {
						require.GreaterOrEqual(t, float64(m)*(up[i]-y[i]), -1e-15, act.Name)
					}
				}
			}
			if n.ZeroAt != nil {
				y, _, _ := run(t, n, w, n.ZeroAt)
				require.InDeltaSlice(t, []float64{0, 0}, y, 1e-14)
			}
		}
	}
}

func TestImpossible(t *testing.T) {
	tanh := nn.FindActivation("tanh")
	for _, n := range []nn.Block{
		{Odd: true, Even: true}, {Odd: true, Positive: true}, {Positive: true, ZeroAt: []float64{0}},
		{Even: true, Monotone: []int{1}}, {Monotone: []int{1, 1}}, {ZeroAt: []float64{1, 2}},
	} {
		n.In, n.Out, n.Activation = 1, 1, tanh
		require.Error(t, n.Validate())
	}
	n := nn.Block{In: 1, Out: 1, Activation: nn.FindActivation("sin"), Monotone: []int{1}}
	require.Error(t, n.Validate())
}

// TestGradients compares the gradients of every activation with central
// differences, by weights and inputs.
func TestGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, act := range nn.Activations {
		n := &nn.Block{In: 2, Out: 1, Hidden: []int{4, 3}, Activation: act, Init: "uniform"}
		w, x := n.NewWeights(rng), []float64{0.4, -0.7}
		_, dw, dx := run(t, n, w, x)
		check := func(v, got []float64) {
			for i := range v {
				const h = 1e-5
				keep := v[i]
				v[i] = keep + h
				up, _, _ := run(t, n, w, x)
				v[i] = keep - h
				down, _, _ := run(t, n, w, x)
				v[i] = keep
				require.InDelta(t, (sum(up)-sum(down))/(2*h), got[i], 1e-9, act.Name)
			}
		}
		check(w, dw)
		check(x, dx)
	}
}

func TestInits(t *testing.T) {
	for _, init := range nn.Inits {
		n := &nn.Block{In: 40, Out: 3, Hidden: []int{50, 60}, Activation: nn.FindActivation("tanh"), Init: init}
		w := n.NewWeights(rand.New(rand.NewPCG(1, 1)))
		require.Equal(t, w, n.NewWeights(rand.New(rand.NewPCG(1, 1))), "the seed decides")
		ts := n.Tensors()
		require.Equal(t, "0.weight", ts[0].Name)
		variance := 0.
		for _, v := range w[:50*40] {
			variance += v * v / (50 * 40)
		}
		want := map[string]float64{"glorot": 2. / 90, "he": 2. / 40, "zero_output": 2. / 90, "orthogonal": 1. / 50, "uniform": 1. / 120}[init]
		require.InEpsilon(t, want, variance, 0.1, init)
		last := ts[len(ts)-2]
		big := 0.
		for _, v := range w[last.Off : last.Off+last.Shape.Size()] {
			big = math.Max(big, math.Abs(v))
		}
		if init == "zero_output" {
			require.Zero(t, big)
		}
		if init == "orthogonal" { // 60×50: orthonormal columns
			dot := 0.
			for r := range 60 {
				dot += w[ts[2].Off+r*50] * w[ts[2].Off+r*50+1]
			}
			require.InDelta(t, 0, dot, 1e-12)
		}
	}
}
