package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

const largeIn, largeMiddle, largeOut = 67, 250, 75

// large has a network with two matrices that go by panels, its loss, the gradient
// by x of each lane, and that by the weights, of each lane and as a sum.
func large() (graphs []*ir.Graph, weights int) {
	b := ir.NewBuilder()
	weights = largeMiddle*largeIn + largeOut*largeMiddle + largeMiddle
	x, p := b.Input("x", ir.Vec(largeIn), true), b.Input("p", ir.Vec(weights), false)
	w := b.Slice(p, 0, ir.Mat(largeMiddle, largeIn))
	v := b.Slice(p, largeMiddle*largeIn, ir.Mat(largeOut, largeMiddle))
	bias := b.Slice(p, weights-largeMiddle, ir.Vec(largeMiddle))
	b.Network(true)
	y := b.Apply(ir.OpTanh, b.Dense(w, x, bias))
	y = b.Apply(ir.OpTanh, b.MatVec(v, y))
	loss := b.Dot(y, y)
	g := autodiff.VJP(b, []*ir.Node{loss}, []*ir.Node{b.Const(1)}, []*ir.Node{x, p})
	b.Network(false)
	return []*ir.Graph{
		{Name: "values", Outputs: []ir.Output{{Name: "loss", Node: loss}, {Name: "x", Node: g[0]}}},
		{Name: "each", Outputs: []ir.Output{{Name: "p", Node: g[1]}}},
		{Name: "sum", Outputs: []ir.Output{
			{Name: "loss", Node: loss},
			{Name: "x", Node: g[0]},
			{Name: "p", Node: g[1], Accumulate: true, Into: b.Input("acc", p.Shape, false)},
		}},
	}, weights
}

// compiles are both ways to compile.
var compiles = map[string]func([]*ir.Graph, int, exec.Precision) (*exec.Module, error){"machine": exec.Compile, "interpreted": exec.Interpreted}

// TestTogether: frames that run together give the bits of each alone, which are
// those of a single lane, whose kernels are others; idle lanes and frames that are
// not in use add nothing to sums.
func TestTogether(t *testing.T) {
	graphs, weights := large()
	rng := rand.New(rand.NewPCG(31, 32))
	p := make([]float64, weights)
	for i := range p {
		p[i] = 0.1 * rng.NormFloat64()
	}
	const frames, idle = 3, 5 // of the last frame
	xs := make([][]float64, 8*frames)
	for l := range xs {
		xs[l] = make([]float64, largeIn)
		for i := range xs[l] {
			xs[l][i] = rng.NormFloat64()
		}
	}
	for _, networks := range []exec.Precision{exec.Double, exec.Single} {
		sums := map[string][]float64{}
		for name, compile := range compiles {
			one, err := compile(graphs, 1, networks)
			require.NoError(t, err)
			require.Equal(t, 1, one.Together())
			m, err := compile(graphs, 8, networks)
			require.NoError(t, err)
			require.Greater(t, m.Together(), 1)
			single := one.NewFrame()
			single.Bind("p", p)
			all := m.NewFrames(frames)
			all[0].Bind("p", p)
			for l, x := range xs {
				for i, v := range x {
					all[l/8].Input("x")[8*i+l%8] = v
				}
			}
			for l := range idle {
				all[frames-1].Idle(7-l, true)
			}
			prog := m.Program("sum")
			prog.Run(all[0])
			want := make([]float64, weights)
			size := make([]float64, weights)
			for l, x := range xs {
				copy(single.Input("x"), x)
				one.Program("values").Run(single)
				require.Equal(t, one.Program("values").Output(single, "loss")[0], prog.Output(all[l/8], "loss")[l%8], "%s, lane %d", name, l)
				for i, v := range one.Program("values").Output(single, "x") {
					require.Equal(t, v, prog.Output(all[l/8], "x")[8*i+l%8], "%s, lane %d, x[%d]", name, l, i)
				}
				if l >= len(xs)-idle {
					continue
				}
				one.Program("each").Run(single)
				for i, v := range one.Program("each").Output(single, "p") {
					want[i] += v
					size[i] += math.Abs(v)
				}
			}
			got := taken(all[0], "acc", weights)
			for i := range want {
				require.InDelta(t, want[i], got[i], []float64{1e-14, 2e-6}[networks]*size[i]+1e-300, "%s, weight %d", name, i)
			}
			sums[name] = got
			for _, f := range all[1:] { // as one frame after the other
				copy(all[0].Input("x"), f.Input("x"))
				all[0].Use(1)
				if prog.Run(all[0]); f == all[frames-1] {
					require.Equal(t, prog.Output(f, "loss"), prog.Output(all[0], "loss"))
				}
			}
			all[0].Sum("acc").Clear()
			all[0].Use(frames)
			require.Zero(t, testing.AllocsPerRun(3, func() { prog.Run(all[0]) }))
		}
		require.Equal(t, sums["machine"], sums["interpreted"], "precision %d", networks)
	}
}

// TestPanelsAreFresh: products see weights that change, in the frame at once and
// outside of it after Refresh, and however many products there were before.
func TestPanelsAreFresh(t *testing.T) {
	graphs, weights := large()
	for _, outside := range []bool{false, true} {
		for _, networks := range []exec.Precision{exec.Double, exec.Single} {
			t.Run(fmt.Sprint(outside, networks), func(t *testing.T) {
				m, err := exec.Compile(graphs, 8, networks)
				require.NoError(t, err)
				f, p := m.NewFrame(), make([]float64, weights)
				if outside {
					f.Bind("p", p)
				} else {
					p = f.Input("p")
				}
				for i := range f.Input("x") {
					f.Input("x")[i] = 1
				}
				loss := func() float64 {
					m.Program("values").Run(f)
					return m.Program("values").Output(f, "loss")[0]
				}
				for _, w := range []float64{0.1, 0.2, 0.3} {
					for i := range largeMiddle {
						p[i*largeIn] = w
					}
					for i := range largeOut {
						p[largeMiddle*largeIn+i*largeMiddle] = 1
					}
					if outside || networks == exec.Single {
						f.Refresh()
					}
					want := largeOut * math.Pow(math.Tanh(math.Tanh(w)), 2)
					for range 3 {
						require.InEpsilon(t, want, loss(), []float64{1e-13, 1e-6}[networks], "w = %g", w)
					}
				}
			})
		}
	}
}

// TestManyProducts: more products than wait for each other come to their sum.
func TestManyProducts(t *testing.T) {
	graphs, weights := large()
	for _, networks := range []exec.Precision{exec.Double, exec.Single} {
		m, err := exec.Compile(graphs, 8, networks)
		require.NoError(t, err)
		f := m.NewFrame()
		rng := rand.New(rand.NewPCG(33, 34))
		for _, name := range []string{"x", "p"} {
			for i := range f.Input(name) {
				f.Input(name)[i] = 0.1 * rng.NormFloat64()
			}
		}
		f.Refresh()
		m.Program("sum").Run(f)
		once := taken(f, "acc", weights)
		f.Sum("acc").Clear()
		for range 37 {
			m.Program("sum").Run(f)
		}
		got := make([]float64, weights)
		for i := range got {
			got[i] = 1
		}
		f.Sum("acc").Take(got, 0, true)
		for i, v := range once {
			require.InDelta(t, 1+37*v, got[i], []float64{1e-12, 1e-5}[networks]*(1+math.Abs(37*v)))
		}
	}
}

// TestGradientPrecision: the gradient by a network's last matrix, whose cotangent comes from outside of it,
// adds products of single precision as those of its other matrices do; that by a matrix outside does not.
func TestGradientPrecision(t *testing.T) {
	for _, size := range []int{3, 150} { // the larger one goes by panels
		for _, net := range []bool{true, false} {
			b := ir.NewBuilder()
			x, c, p := b.Input("x", ir.Vec(size), true), b.Input("c", ir.Vec(size), true), b.Input("p", ir.Mat(size, size), false)
			b.Network(net)
			y := b.MatVec(p, x)
			b.Network(false)
			g := autodiff.VJP(b, []*ir.Node{b.Dot(y, c)}, []*ir.Node{b.Const(1)}, []*ir.Node{p})
			for name, compile := range compiles {
				m, err := compile([]*ir.Graph{{Name: "g", Outputs: []ir.Output{{Name: "p", Node: g[0], Accumulate: true, Into: b.Input("acc", p.Shape, false)}}}}, 8, exec.Single)
				require.NoError(t, err)
				f := m.NewFrame()
				for l := range 7 {
					f.Idle(l+1, true)
				}
				rng := rand.New(rand.NewPCG(35, 36))
				for i := range size {
					f.Input("x")[8*i], f.Input("c")[8*i] = rng.NormFloat64(), rng.NormFloat64()
				}
				m.Program("g").Run(f)
				for k, v := range taken(f, "acc", size*size) {
					want := f.Input("c")[k/size*8] * f.Input("x")[k%size*8]
					if net {
						want = float64(float32(f.Input("c")[k/size*8]) * float32(f.Input("x")[k%size*8]))
					}
					require.Equal(t, want, v, "%s, %v, %d", name, net, k)
				}
			}
		}
	}
}
