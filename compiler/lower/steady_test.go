package lower

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
)

// TestConserved: A + B ⇌ C with D apart has the totals A + C and B + C, and D alone
// where it does not move; rates with factors are seen.
func TestConserved(t *testing.T) {
	b := ir.NewBuilder()
	y := b.Input("y", ir.Vec(4), true)
	on := b.Mul(b.Elem(y, 0), b.Elem(y, 1))
	off := b.Mul(b.Const(0.5), b.Elem(y, 2))
	v := b.Sub(on, off)
	r := &rest{values: []*ir.Node{b.Neg(v), b.Neg(v), b.Mul(b.Const(2), v), b.Const(0)}, moving: []bool{true, true, true, true}}
	laws := conserved(b, r)
	require.Len(t, laws, 3)
	for _, w := range laws {
		require.InDelta(t, 0, -w[0]-w[1]+2*w[2], 1e-12)
	}
	require.Equal(t, []float64{0, 0, 0, 1}, laws[2], "what does not move keeps its value")
	r.values[3] = b.Elem(y, 0)
	require.Len(t, conserved(b, r), 2)
}
