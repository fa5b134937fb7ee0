package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/jit"
)

// dim is the length of the vectors of a random graph: some are unrolled, some
// are looped over.
func dim(seed uint64) int { return []int{3, 11, 3, 8, 3, 3, 9, 3, 3, 66}[seed%10] }

// randomGraph builds a graph over all ops from inputs s (scalar), x (vector
// of n), w (shared n×n matrix) and p (shared scalar). Arguments are brought to
// where every op is smooth.
func randomGraph(rng *rand.Rand, b *ir.Builder, size, dim int) *ir.Node {
	s, x := b.Input("s", ir.Scalar, true), b.Input("x", ir.Vec(dim), true)
	w, p := b.Input("w", ir.Mat(dim, dim), false), b.Input("p", ir.Scalar, false)
	scalars := []*ir.Node{s, p, b.Const(0.7)}
	vectors := []*ir.Node{x, b.ConstOf(ir.Vec(dim), ramp(dim))}
	matrices := []*ir.Node{w}
	pick := func(list []*ir.Node) *ir.Node { return list[rng.IntN(len(list))] }
	tame := func(n *ir.Node) *ir.Node { return b.Apply(ir.OpTanh, n) }
	unit := func(n *ir.Node) *ir.Node { // into (0.1, 0.9)
		return b.Add(b.Const(0.1), b.Mul(b.Const(0.8), b.Apply(ir.OpSigmoid, n)))
	}
	nets := rand.New(rand.NewPCG(uint64(size), rng.Uint64()))
	defer b.Network(b.Network(false))
	for range size {
		b.Network(nets.IntN(3) > 0)
		var n *ir.Node
		switch op := ir.Op(rng.IntN(int(ir.OpFactor))); { // systems have a test of their own
		case op == ir.OpAdd || op == ir.OpMul || op == ir.OpFma: // straight from memory, elements beside their array
			v := pick(vectors)
			args := []*ir.Node{v, b.Elem(v, rng.IntN(2)*rng.IntN(dim)), pick(vectors)}
			rng.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
			n = b.Apply(op, args[:op.Info().Arity]...)
		case op.Info().Class == ir.Elementwise && op != ir.OpPolygamma:
			args := make([]*ir.Node, op.Info().Arity)
			for i := range args {
				if rng.IntN(2) == 0 {
					args[i] = unit(pick(scalars))
				} else {
					args[i] = unit(pick(vectors))
				}
			}
			if op == ir.OpAcosh {
				args[0] = b.Add(args[0], b.Const(1))
			}
			n = b.Apply(op, args...)
		case op == ir.OpPolygamma:
			n = b.Polygamma(rng.IntN(3), b.Add(unit(pick(vectors)), b.Const(0.5)))
		case op == ir.OpFill:
			n = b.Fill(pick(scalars), ir.Vec(dim))
		case op == ir.OpSlice:
			if rng.IntN(2) == 0 {
				n = b.Elem(pick(vectors), rng.IntN(dim))
				break
			}
			n = b.Slice(b.Concat(pick(vectors), pick(scalars), pick(vectors), pick(vectors)), rng.IntN(2*dim), ir.Vec(dim))
		case op == ir.OpAssemble:
			n = b.Assemble(ir.Vec(dim), []int{0, rng.IntN(dim)}, []*ir.Node{b.Slice(pick(vectors), 1, ir.Vec(2)), pick(scalars)})
		case op == ir.OpTranspose:
			n = b.Transpose(pick(matrices))
		case op == ir.OpSum:
			n = b.Sum(pick(vectors))
		case op == ir.OpDot:
			n = b.Dot(pick(vectors), pick(vectors))
		case op == ir.OpNorm:
			n = b.Norm(b.Add(pick(vectors), b.Const(0.1)))
		case op == ir.OpMatVec:
			n = b.MatVec(pick(matrices), pick(vectors))
		case op == ir.OpTMatVec:
			n = b.TMatVec(pick(matrices), pick(vectors))
		case op == ir.OpMatMul:
			n = b.MatMul(pick(matrices), pick(matrices))
		case op == ir.OpOuter:
			n = b.Outer(pick(vectors), pick(vectors))
		case op == ir.OpDense:
			n = b.Dense(pick(matrices), pick(vectors), pick(vectors))
		default:
			continue
		}
		n = tame(n)
		switch n.Shape.Rank {
		case 0:
			scalars = append(scalars, n)
		case 1:
			vectors = append(vectors, n)
		case 2:
			matrices = append(matrices, n)
		}
	}
	var parts []*ir.Node
	for _, list := range [][]*ir.Node{scalars, vectors, matrices} {
		for _, n := range list {
			parts = append(parts, b.Sum(n))
		}
	}
	return b.Apply(ir.OpTanh, b.Mul(b.Const(0.3), b.Sum(b.Concat(parts...))))
}

// ramp are numbers between −0.9 and 0.9.
func ramp(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.9 * math.Sin(float64(3*i+1))
	}
	return v
}

// fill sets the inputs of lane l of a frame to values that depend on seed.
func fill(f *exec.Frame, lanes, lane int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	for _, name := range []string{"s", "x", "ds", "dx"} {
		in := f.Input(name)
		for i := range 70 {
			if v := rng.NormFloat64() * 0.7; i*lanes+lane < len(in) {
				in[i*lanes+lane] = v
			}
		}
	}
	shared := rand.New(rand.NewPCG(99, 7))
	for _, name := range []string{"w", "p"} {
		in := f.Input(name)
		for i := range in {
			in[i] = shared.NormFloat64() * 0.7 / math.Sqrt(float64(len(in)))
		}
	}
	f.Refresh()
}

// graphs returns value, gradient and directional derivative of a random graph.
func graphs(seed uint64) []*ir.Graph {
	b := ir.NewBuilder()
	dim := dim(seed)
	out := randomGraph(rand.New(rand.NewPCG(seed, 1)), b, 30, dim)
	s, x := b.Input("s", ir.Scalar, true), b.Input("x", ir.Vec(dim), true)
	w, p := b.Input("w", ir.Mat(dim, dim), false), b.Input("p", ir.Scalar, false)
	wrt := []*ir.Node{s, x, w, p}
	g := autodiff.VJP(b, []*ir.Node{out}, []*ir.Node{b.Const(1)}, wrt)
	ds, dx := b.Input("ds", ir.Scalar, true), b.Input("dx", ir.Vec(dim), true)
	d := autodiff.JVP(b, []*ir.Node{out}, []*ir.Node{s, x}, []*ir.Node{ds, dx})
	return []*ir.Graph{
		{Name: "value", Outputs: []ir.Output{{Name: "v", Node: out}}},
		{Name: "grad", Outputs: []ir.Output{
			{Name: "s", Node: g[0]},
			{Name: "x", Node: g[1]},
			{Name: "w", Node: g[2], Accumulate: true},
			{Name: "p", Node: g[3], Accumulate: true},
		}},
		{Name: "jvp", Outputs: []ir.Output{{Name: "d", Node: d[0]}}},
		{Name: "sum", Outputs: []ir.Output{
			{Name: "w", Node: g[2], Accumulate: true, Into: b.Input("acc.w", w.Shape, false)},
			{Name: "p", Node: g[3], Accumulate: true, Into: b.Input("acc.p", p.Shape, false)},
		}},
	}
}

// output is what a program gives, and, of a sum, what it has added.
func output(f *exec.Frame, p *exec.Program, o ir.Output) []float64 {
	if o.Accumulate && o.Into != nil {
		return taken(f, o.Into.Name, o.Into.Shape.Size())
	}
	return p.Output(f, o.Name)
}

// taken takes n numbers of a sum.
func taken(f *exec.Frame, name string, n int) []float64 {
	v := make([]float64, n)
	f.Sum(name).Take(v, 0, false)
	f.Sum(name).Clear()
	return v
}

// random is how many random graphs a test takes: half of n by day, ten times as many at night.
func random(n uint64) uint64 {
	if os.Getenv("PINODE_NIGHTLY") != "" {
		return 10 * n
	}
	return n / 2
}

// TestLanesAgree: each lane has the bits of a run of its own.
func TestLanesAgree(t *testing.T) {
	for seed := range random(40) {
		networks := exec.Precision(seed / 10 % 2)
		gs := graphs(seed)[:3] // the last adds up lanes
		one, err := exec.Compile(gs, 1, networks)
		require.NoError(t, err)
		for _, lanes := range []int{3, 4, 8} {
			many, err := exec.Compile(gs, lanes, networks)
			require.NoError(t, err)
			fm := many.NewFrame()
			for l := range lanes {
				fill(fm, lanes, l, uint64(l))
			}
			for _, g := range gs {
				many.Program(g.Name).Run(fm)
			}
			for l := range lanes {
				f1 := one.NewFrame()
				fill(f1, 1, 0, uint64(l))
				for _, g := range gs {
					p := one.Program(g.Name)
					p.Run(f1)
					for _, o := range g.Outputs {
						for i, want := range p.Output(f1, o.Name) {
							got := many.Program(g.Name).Output(fm, o.Name)[i*lanes+l]
							require.Equal(t, math.Float64bits(want), math.Float64bits(got), "seed %d, %s.%s[%d], lane %d of %d", seed, g.Name, o.Name, i, l, lanes)
						}
					}
				}
			}
		}
	}
}

// TestLateCode: the machine code of a long program, which is made when it runs first, by whoever does, has the bits
// of the interpreter, also where thousands of its values wait for their use.
func TestLateCode(t *testing.T) {
	if err := jit.Available(); err != nil {
		t.Skip(err)
	}
	b := ir.NewBuilder()
	x := b.Input("x", ir.Vec(3), true)
	rng := rand.New(rand.NewPCG(1, 5))
	n := b.Elem(x, 0)
	var waiting []*ir.Node
	for i := range 4000 {
		n = b.Apply(ir.OpFma, n, b.Const(0.4), b.Mul(b.Elem(x, 1+i%2), b.Const(rng.Float64())))
		waiting = append(waiting, n)
	}
	for i := range waiting {
		n = b.Apply(ir.OpTanh, b.Add(n, waiting[len(waiting)-1-i]))
	}
	gs := []*ir.Graph{
		{Name: "long", Outputs: []ir.Output{{Name: "v", Node: b.Concat(n, waiting[17])}}},
		{Name: "short", Outputs: []ir.Output{{Name: "v", Node: b.Exp(b.Elem(x, 2))}}},
	}
	for _, lanes := range []int{1, 4, 8} {
		code, err := exec.Compile(gs, lanes, exec.Double)
		require.NoError(t, err)
		plain, err := exec.Interpreted(gs, lanes, exec.Double)
		require.NoError(t, err)
		frames := []*exec.Frame{plain.NewFrame(), code.NewFrame(), code.NewFrame()}
		var wait sync.WaitGroup
		for i, f := range frames {
			for k, in := 0, f.Input("x"); k < len(in); k++ {
				in[k] = math.Sin(float64(k))
			}
			wait.Go(func() {
				for _, g := range gs {
					if i == 0 {
						plain.Program(g.Name).Run(f)
					} else {
						code.Program(g.Name).Run(f)
					}
				}
			})
		}
		wait.Wait()
		for _, g := range gs {
			want := output(frames[0], plain.Program(g.Name), g.Outputs[0])
			for _, f := range frames[1:] {
				require.Equal(t, want, output(f, code.Program(g.Name), g.Outputs[0]), "%d lanes, %s", lanes, g.Name)
			}
		}
		require.NotEmpty(t, code.Program("long").Assembly(), "%d lanes", lanes)
	}
}

// TestMachineCode: machine code has the bits of the interpreter.
func TestMachineCode(t *testing.T) {
	if err := jit.Available(); err != nil {
		t.Skip(err)
	}
	for seed := range random(100) {
		gs := graphs(seed)
		networks := exec.Precision(seed / 10 % 2)
		for _, lanes := range []int{1, 4, 8} {
			code, err := exec.Compile(gs, lanes, networks)
			require.NoError(t, err)
			plain, err := exec.Interpreted(gs, lanes, networks)
			require.NoError(t, err)
			f, g := code.NewFrame(), plain.NewFrame()
			for l := range lanes {
				fill(f, lanes, l, uint64(l)+seed)
				fill(g, lanes, l, uint64(l)+seed)
			}
			for _, frame := range []*exec.Frame{f, g}[seed%2:] { // shared inputs outside of one or both
				for _, name := range []string{"w", "p"} {
					if in := frame.Input(name); in != nil {
						frame.Bind(name, append([]float64{}, in...))
						for i := range in {
							in[i] = math.NaN()
						}
					}
				}
			}
			for range 2 { // outputs that accumulate, memory that was used before
				for _, gr := range gs {
					code.Program(gr.Name).Run(f)
					plain.Program(gr.Name).Run(g)
					for _, o := range gr.Outputs {
						want, got := output(g, plain.Program(gr.Name), o), output(f, code.Program(gr.Name), o)
						for i := range want {
							require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "seed %d, %s.%s[%d], %d lanes, precision %d: %g, got %g", seed, gr.Name, o.Name, i, lanes, networks, want[i], got[i])
						}
					}
				}
			}
		}
	}
}

// TestSinglePrecision: in single precision values and gradients are those of
// double precision, as far as it goes, and are not the same.
func TestSinglePrecision(t *testing.T) {
	differ := 0
	for seed := range random(40) {
		gs := graphs(seed)
		for _, lanes := range []int{1, 8} {
			var out [2][]float64
			for _, networks := range []exec.Precision{exec.Double, exec.Single} {
				m, err := exec.Compile(gs, lanes, networks)
				require.NoError(t, err)
				f := m.NewFrame()
				for l := range lanes {
					fill(f, lanes, l, seed+uint64(l))
				}
				for _, g := range gs {
					p := m.Program(g.Name)
					p.Run(f)
					for _, o := range g.Outputs {
						out[networks] = append(out[networks], output(f, p, o)...)
					}
				}
			}
			size := 0.
			for _, v := range out[exec.Double] {
				size = max(size, math.Abs(v))
			}
			for i, want := range out[exec.Double] {
				require.InDelta(t, want, out[exec.Single][i], 1e-4*size, "seed %d, %d lanes, number %d", seed, lanes, i)
				if want != out[exec.Single][i] {
					differ++
				}
			}
		}
	}
	require.Greater(t, differ, 1000)
}

// TestDerivatives compares gradients and directional derivatives of random
// graphs over all ops with central differences.
func TestDerivatives(t *testing.T) {
	for seed := range random(100) {
		gs := graphs(seed)
		m, err := exec.Compile(gs, 1, exec.Double)
		require.NoError(t, err)
		f := m.NewFrame()
		fill(f, 1, 0, seed)
		value := func() float64 {
			m.Program("value").Run(f)
			return m.Program("value").Output(f, "v")[0]
		}
		m.Program("grad").Run(f)
		m.Program("jvp").Run(f)
		dir := 0.
		for name, n := range map[string]int{"s": 1, "x": dim(seed), "w": min(30, dim(seed)*dim(seed)), "p": 1} {
			in := f.Input(name)
			for i := range n {
				got := m.Program("grad").Output(f, name)[i]
				if in == nil {
					require.Zero(t, got)
					continue
				}
				const h = 1e-5
				keep := in[i]
				at := func(d float64) float64 { in[i] = keep + d; return value() }
				want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
				in[i] = keep
				require.InDelta(t, want, got, 1e-8, "seed %d, ∂/∂%s[%d]", seed, name, i)
				if d := f.Input("d" + name); d != nil {
					dir += got * d[i]
				}
			}
		}
		require.InDelta(t, dir, m.Program("jvp").Output(f, "d")[0], 1e-11, "seed %d: ⟨v, Ju⟩ = ⟨Jᵀv, u⟩", seed)
	}
}

// TestAccumulate: an output that accumulates adds up over runs, and
// temporaries carry nothing from run to run.
func TestAccumulate(t *testing.T) {
	for seed := range random(20) {
		m, err := exec.Compile(graphs(seed), 2, exec.Double)
		require.NoError(t, err)
		f := m.NewFrame()
		fill(f, 2, 0, 1)
		fill(f, 2, 1, 2)
		p := m.Program("grad")
		p.Run(f)
		first := append([]float64{}, p.Output(f, "w")...)
		x := append([]float64{}, p.Output(f, "x")...)
		m.Program("jvp").Run(f)
		p.Run(f)
		require.Equal(t, x, p.Output(f, "x"))
		for i, v := range p.Output(f, "w") {
			require.InDelta(t, 2*first[i], v, 1e-14*math.Abs(first[i])+1e-300)
		}
		require.Zero(t, testing.AllocsPerRun(5, func() { p.Run(f) }))
	}
}

// TestSumOverLanes: a shared output that accumulates adds up all lanes but
// those that are idle, in any number of runs.
func TestSumOverLanes(t *testing.T) {
	for seed := range random(40) {
		networks := exec.Precision(seed / 10 % 2)
		for _, lanes := range []int{1, 4, 8} {
			m, err := exec.Compile(graphs(seed), lanes, networks)
			require.NoError(t, err)
			f := m.NewFrame()
			for l := range lanes {
				fill(f, lanes, l, uint64(l)+seed)
			}
			f.Idle(lanes/2, lanes > 1)
			for range 7 {
				m.Program("grad").Run(f)
				m.Program("sum").Run(f)
			}
			for _, name := range []string{"w", "p"} {
				each := m.Program("grad").Output(f, name)
				for i, got := range taken(f, "acc."+name, len(each)/lanes) {
					want, size := 0., 1e-300
					for l := range lanes {
						if lanes == 1 || l != lanes/2 {
							want += each[i*lanes+l]
							size += math.Abs(each[i*lanes+l])
						}
					}
					require.InDelta(t, want, got, []float64{1e-13, 1e-5}[networks]*size, "seed %d, %s[%d], %d lanes", seed, name, i, lanes)
				}
			}
			require.Zero(t, testing.AllocsPerRun(5, func() { m.Program("sum").Run(f) }))
		}
	}
}

// TestSum: what is taken from a sum is what each lane has added, whether it is
// set or added to something, whatever was in the sum before it was cleared, for
// matrices alone and for those that more is added to.
func TestSum(t *testing.T) {
	const n = 24
	b := ir.NewBuilder()
	size := 3*n*n + n
	x, p := b.Input("x", ir.Vec(n), true), b.Input("p", ir.Vec(size), false)
	matrix := func(i int) *ir.Node { return b.Slice(p, i*(n*n+n/2), ir.Mat(n, n)) }
	b.Network(true)
	y := b.Apply(ir.OpTanh, b.MatVec(matrix(0), x))
	y = b.Apply(ir.OpTanh, b.Add(b.MatVec(matrix(1), y), b.Concat(b.Slice(p, n*n, ir.Vec(n/2)), b.Slice(p, 2*n*n+n/2, ir.Vec(n/2)))))
	y = b.Apply(ir.OpTanh, b.MatVec(matrix(2), y))
	loss := b.Add(b.Dot(y, y), b.Sum(b.Apply(ir.OpTanh, matrix(2))))
	g := autodiff.VJP(b, []*ir.Node{loss}, []*ir.Node{b.Const(1)}, []*ir.Node{p})
	b.Network(false)
	graphs := []*ir.Graph{
		{Name: "each", Outputs: []ir.Output{{Name: "p", Node: g[0], Accumulate: true}}},
		{Name: "sum", Outputs: []ir.Output{{Name: "p", Node: g[0], Accumulate: true, Into: b.Input("acc", p.Shape, false)}}},
	}
	for _, networks := range []exec.Precision{exec.Double, exec.Single} {
		for _, lanes := range []int{1, 3, 8} {
			m, err := exec.Compile(graphs, lanes, networks)
			require.NoError(t, err)
			f := m.NewFrame()
			rng := rand.New(rand.NewPCG(5, uint64(lanes)))
			for _, name := range []string{"x", "p"} {
				for i := range f.Input(name) {
					f.Input(name)[i] = 0.3 * rng.NormFloat64()
				}
			}
			f.Refresh()
			s := f.Sum("acc")
			got := make([]float64, size)
			for i := range got {
				got[i] = math.NaN()
			}
			s.Take(got, 0, false)
			require.Equal(t, make([]float64, size), got, "nothing was added")
			for _, runs := range []int{1, 40, 2, 9} {
				each := m.Program("each").Output(f, "p")
				clear(each)
				for range runs {
					m.Program("each").Run(f)
					m.Program("sum").Run(f)
				}
				require.True(t, s.Added())
				for _, adds := range []bool{false, true} {
					if adds {
						for range runs {
							m.Program("sum").Run(f)
						}
					}
					half := n*n + n/2 // the second matrix starts there
					s.Take(got[:half], 0, adds)
					s.Take(got[half:], half, adds)
					s.Clear()
					require.False(t, s.Added())
					for i, v := range got {
						want, scale := 0., 1e-3
						for l := range lanes {
							want += each[i*lanes+l]
							scale += math.Abs(each[i*lanes+l])
						}
						if adds {
							want, scale = 2*want, 2*scale
						}
						require.InDelta(t, want, v, []float64{1e-13, 1e-5}[networks]*scale, "number %d after %d runs, %d lanes", i, runs, lanes)
					}
				}
			}
			require.Panics(t, func() {
				m.Program("sum").Run(f)
				s.Take(got[:n], 0, false)
			})
		}
	}
}

// TestIntoItself: a program that replaces its inputs reads all of them as they
// were before. It iterates the map of Hénon beside arrays that follow it.
func TestIntoItself(t *testing.T) {
	for _, lanes := range []int{1, 3, 4, 8} {
		for _, size := range []int{3, 40, 200} {
			for _, compile := range []func([]*ir.Graph, int, exec.Precision) (*exec.Module, error){exec.Compile, exec.Interpreted} {
				b := ir.NewBuilder()
				x, y, v := b.Input("x", ir.Scalar, true), b.Input("y", ir.Scalar, true), b.Input("v", ir.Vec(size), true)
				last := b.Elem(v, size-1)
				next := map[*ir.Node]*ir.Node{
					x: b.Add(b.Sub(b.Const(1), b.Mul(b.Const(1.4), b.Mul(x, x))), y),
					y: b.Mul(b.Const(0.3), x),
					v: b.Select(b.Lt(x, b.Const(0)), b.Add(b.Mul(b.Const(0.5), v), last), v),
				}
				g := &ir.Graph{Name: "next"}
				for _, to := range []*ir.Node{v, x, y} {
					g.Outputs = append(g.Outputs, ir.Output{Name: to.Name, Node: next[to], Into: to})
				}
				m, err := compile([]*ir.Graph{g}, lanes, exec.Double)
				require.NoError(t, err)
				f := m.NewFrame()
				in := map[string][]float64{"x": f.Input("x"), "y": f.Input("y"), "v": f.Input("v")}
				for l := range lanes {
					in["x"][l] = 0.01 * float64(l)
					for i := range size {
						in["v"][i*lanes+l] = float64(i + l)
					}
				}
				for range 60 {
					m.Program("next").Run(f)
				}
				for l := range lanes {
					x, y, v := 0.01*float64(l), 0., ramp(size)
					for i := range v {
						v[i] = float64(i + l)
					}
					for range 60 {
						if last := v[size-1]; x < 0 {
							for i := range v {
								v[i] = float64(0.5*v[i]) + last
							}
						}
						x, y = float64(1-float64(1.4*float64(x*x)))+y, 0.3*x
					}
					require.Equal(t, x, in["x"][l])
					require.Equal(t, y, in["y"][l])
					for i, want := range v {
						require.Equal(t, want, in["v"][i*lanes+l], "%d lanes, number %d of %d", lanes, i, size)
					}
				}
			}
		}
	}
}

func TestCompileErrors(t *testing.T) {
	b := ir.NewBuilder()
	x, y := b.Input("x", ir.Scalar, true), b.Input("x", ir.Vec(2), true)
	_, err := exec.Compile([]*ir.Graph{
		{Name: "a", Outputs: []ir.Output{{Name: "o", Node: x}}},
		{Name: "b", Outputs: []ir.Output{{Name: "o", Node: y}}},
	}, 1, exec.Double)
	require.ErrorContains(t, err, `input "x" is read with shapes`)
	_, err = exec.Compile([]*ir.Graph{{Name: "a", Outputs: []ir.Output{{Name: "o"}}}}, 1, exec.Double)
	require.ErrorContains(t, err, "has no node")
}

func BenchmarkScalars(b *testing.B) {
	g := ir.NewBuilder()
	y := g.Input("y", ir.Vec(2), true)
	n := y
	for range 100 {
		u, v := g.Elem(n, 0), g.Elem(n, 1)
		n = g.Concat(g.Mul(u, v), g.Sub(v, g.Mul(g.Const(0.3), u)))
	}
	for _, lanes := range []int{1, 8} {
		b.Run(fmt.Sprint(lanes), func(b *testing.B) {
			m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "o", Node: n}}}}, lanes, exec.Double)
			require.NoError(b, err)
			f, p := m.NewFrame(), m.Program("f")
			for b.Loop() {
				p.Run(f)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/300/float64(lanes), "ns/op/lane")
		})
	}
}
