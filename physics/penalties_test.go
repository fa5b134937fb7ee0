package physics

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// evaluate builds a penalty over two elements and returns its value.
func evaluate(t *testing.T, p *Penalty, value, rate []float64, scale float64) float64 {
	t.Helper()
	b := ir.NewBuilder()
	shape := ir.Scalar
	if len(value) > 1 {
		shape = ir.Vec(len(value))
	}
	node := p.Build(b, Args{Value: b.Input("value", shape, true), Rate: b.Input("rate", ir.Scalar, true), Scale: b.Input("scale", ir.Scalar, true)})
	require.Equal(t, ir.Scalar, node.Shape, p.Name)
	m, err := exec.Compile([]*ir.Graph{{Name: "f", Outputs: []ir.Output{{Name: "out", Node: node}}}}, 1, exec.Double)
	require.NoError(t, err)
	f := m.NewFrame()
	copy(f.Input("value"), value)
	copy(f.Input("rate"), rate)
	copy(f.Input("scale"), []float64{scale})
	prog := m.Program("f")
	prog.Run(f)
	return prog.Output(f, "out")[0]
}

// Each penalty is what its documentation says, by hand; nothing where the law
// holds, and the same where value and scale change their unit together.
func TestPenalties(t *testing.T) {
	for _, c := range []struct {
		p           *Penalty
		value, rate []float64
		scale, want float64
	}{
		{Conserve, []float64{7}, []float64{-3}, 2, 2.25},
		{Conserve, []float64{7}, []float64{0}, 2, 0},
		{Jump, []float64{-3}, []float64{9}, 2, 2.25},
		{Jump, []float64{0}, []float64{9}, 2, 0},
		{AtLeast, []float64{-3}, []float64{9}, 2, 2.25},
		{AtLeast, []float64{3}, []float64{9}, 2, 0},
		{AtLeast, []float64{0}, []float64{9}, 2, 0},
		{AtLeast, []float64{-3, 4}, []float64{9}, 2, 2.25},
		{AtLeast, []float64{-3, -4}, []float64{9}, 2, 6.25},
		{Equal, []float64{-3}, []float64{9}, 2, 2.25},
		{Equal, []float64{3, -4}, []float64{9}, 2, 6.25},
		{Equal, []float64{0, 0}, []float64{9}, 2, 0},
	} {
		require.InDelta(t, c.want, evaluate(t, c.p, c.value, c.rate, c.scale), 1e-15, "%s of %v", c.p.Name, c.value)
		inMilli := func(v []float64) []float64 {
			out := make([]float64, len(v))
			for i, x := range v {
				out[i] = 1000 * x
			}
			return out
		}
		require.InDelta(t, c.want, evaluate(t, c.p, inMilli(c.value), inMilli(c.rate), 1000*c.scale), 1e-15, "%s in another unit", c.p.Name)
	}
	require.Equal(t, []*Penalty{Conserve, Jump, AtLeast, Equal}, Penalties)
	names := map[string]bool{}
	for _, p := range Penalties {
		require.NotEmpty(t, p.Doc)
		require.False(t, names[p.Name])
		names[p.Name] = true
	}
}
