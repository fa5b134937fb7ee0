package exec_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// systemsGraph has solutions, determinants and their derivatives: of a matrix of each lane,
// and of one that all lanes share.
func systemsGraph(n int) *ir.Graph {
	b := ir.NewBuilder()
	a, shared := b.Input("a", ir.Mat(n, n), true), b.Input("w", ir.Mat(n, n), false)
	x := b.Input("x", ir.Vec(n), true)
	g := &ir.Graph{Name: "f"}
	out := func(name string, v *ir.Node) { g.Outputs = append(g.Outputs, ir.Output{Name: name, Node: v}) }
	for i, m := range []*ir.Node{a, shared} {
		mark := string(rune('0' + i))
		y := b.Solve(m, b.SolveT(m, x))
		logs := b.LogDet(m)
		det := b.Mul(b.Elem(x, 0), logs)
		inverse := b.Inverse(m)
		scalar := b.Add(b.Add(b.Sum(y), det), b.Add(b.Sum(b.Mul(inverse, inverse)), b.Det(m)))
		bars := autodiff.VJP(b, []*ir.Node{scalar}, []*ir.Node{b.Const(1)}, []*ir.Node{m, x})
		out("y"+mark, y)
		out("s"+mark, b.Mul(scalar, b.Sum(x)))
		out("inverse"+mark, b.Mul(inverse, b.Elem(x, 0)))
		out("bar"+mark, b.Mul(bars[0], b.Elem(x, 0)))
		out("xbar"+mark, bars[1])
	}
	return g
}

// TestSystems: machine code, the interpreter, and any number of lanes give the same bits,
// for systems that are solved in straight runs and by the kernel, singular ones among them.
func TestSystems(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 9, 30} {
		g := []*ir.Graph{systemsGraph(n)}
		put := func(f *exec.Frame, lanes, at, seed int) {
			r := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
			for i, in := range []string{"a", "x", "w"} {
				v := f.Input(in)
				if in == "w" {
					r = rand.New(rand.NewPCG(99, uint64(n)))
				}
				for k := range []int{n * n, n, n * n}[i] {
					z := r.NormFloat64()
					if in == "a" && seed == 3 && n > 1 && k < 2*n { // two equal rows
						z = float64(k % n)
					}
					if in == "w" {
						v[k] = z
					} else {
						v[k*lanes+at] = z
					}
				}
			}
		}
		plain, err := exec.Interpreted(g, 1, exec.Double)
		require.NoError(t, err)
		for _, lanes := range []int{1, 4, 8} {
			m, err := exec.Compile(g, lanes, exec.Double)
			require.NoError(t, err)
			f := m.NewFrame()
			for l := range lanes {
				put(f, lanes, l, l)
			}
			p := m.Program("f")
			p.Run(f)
			require.Zero(t, testing.AllocsPerRun(3, func() { p.Run(f) }))
			for l := range lanes {
				one := plain.NewFrame()
				put(one, 1, 0, l)
				plain.Program("f").Run(one)
				for _, o := range g[0].Outputs {
					want, got := plain.Program("f").Output(one, o.Name), p.Output(f, o.Name)
					for i, v := range want {
						same := math.Float64bits(v) == math.Float64bits(got[i*lanes+l]) || math.IsNaN(v) && math.IsNaN(got[i*lanes+l])
						require.True(t, same, "n = %d, lane %d of %d, %s[%d]: %g, not %g", n, l, lanes, o.Name, i, got[i*lanes+l], v)
						if l == 3 && o.Name == "y0" && n > 1 {
							require.True(t, math.IsNaN(v), "a singular matrix has no solution")
						} else if l != 3 && o.Name[0] == 'y' {
							require.False(t, math.IsNaN(v))
						}
					}
				}
			}
		}
	}
}

// BenchmarkSolve is a solution of 60 equations.
func BenchmarkSolve(b *testing.B) {
	const n = 60
	bd := ir.NewBuilder()
	a, x := bd.Input("a", ir.Mat(n, n), true), bd.Input("x", ir.Vec(n), true)
	m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "y", Node: bd.Solve(a, x)}}}}, 1, exec.Double)
	require.NoError(b, err)
	f := m.NewFrame()
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"a", "x"} {
		for i := range f.Input(name) {
			f.Input(name)[i] = r.NormFloat64()
		}
	}
	for b.Loop() {
		m.Program("f").Run(f)
	}
}
