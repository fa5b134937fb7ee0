package autodiff_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// function is a list of nodes that can be evaluated at values of inputs.
type function struct {
	prog  *exec.Program
	frame *exec.Frame
	names []string
}

// compile makes a function of nodes over inputs of one trajectory.
func compile(t require.TestingT, outs ...*ir.Node) *function {
	g := &ir.Graph{Name: "f"}
	f := &function{}
	for i, o := range outs {
		f.names = append(f.names, string(rune('a'+i)))
		g.Outputs = append(g.Outputs, ir.Output{Name: f.names[i], Node: o})
	}
	m, err := exec.Compile([]*ir.Graph{g}, 1, exec.Double)
	require.NoError(t, err)
	f.prog, f.frame = m.Program("f"), m.NewFrame()
	return f
}

// at evaluates the function; inputs that it does not read are left out.
func (f *function) at(x map[string][]float64) [][]float64 {
	for name, v := range x {
		copy(f.frame.Input(name), v)
	}
	f.prog.Run(f.frame)
	out := make([][]float64, len(f.names))
	for i, n := range f.names {
		out[i] = append([]float64(nil), f.prog.Output(f.frame, n)...)
	}
	return out
}

// along is the derivative of Σ ct·out along the tangents, by differences of
// fourth order; smooth is false where two step sizes see different
// derivatives, as they do beside a kink.
func (f *function) along(x, dir map[string][]float64, ct []float64) (d float64, smooth bool) {
	at := func(h float64) (sum float64) {
		moved := map[string][]float64{}
		for name, v := range x {
			moved[name] = append([]float64(nil), v...)
			for i, d := range dir[name] {
				moved[name][i] += h * d
			}
		}
		for i, v := range f.at(moved)[0] {
			sum += ct[i] * v
		}
		return sum
	}
	by := func(h float64) float64 {
		return (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
	}
	const h = 2e-4
	d = by(h)
	return d, math.Abs(d-by(h/3)) < 1e-6*(1+math.Abs(d))
}

func dot(x, y []float64) (sum float64) {
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

// nodes is shorthand for a list.
func nodes(n ...*ir.Node) []*ir.Node { return n }

// one evaluates a scalar of one scalar input x.
func one(t *testing.T, n *ir.Node, x float64) float64 {
	t.Helper()
	return compile(t, n).at(map[string][]float64{"x": {x}})[0][0]
}
