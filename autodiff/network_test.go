package autodiff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// What derives from a network's nodes is of the network, and nothing else; the
// builder goes on as it was.
func TestNetworkMarks(t *testing.T) {
	for _, outside := range []bool{false, true} {
		for _, forward := range []bool{false, true} {
			b := ir.NewBuilder()
			x, w := b.Input("x", ir.Vec(3), true), b.Input("w", ir.Mat(2, 3), false)
			plain := b.Exp(x) // no part of it
			b.Network(true)
			h := b.Apply(ir.OpTanh, b.MatVec(w, plain))
			b.Network(false)
			loss := b.Sum(b.Square(h))
			before := map[*ir.Node]bool{}
			for _, n := range ir.Reach(loss) {
				before[n] = true
			}
			b.Network(outside)
			var out []*ir.Node
			if forward {
				out = autodiff.JVP(b, []*ir.Node{loss}, []*ir.Node{x}, []*ir.Node{b.Input("d", ir.Vec(3), true)})
			} else {
				out = autodiff.VJP(b, []*ir.Node{loss}, []*ir.Node{b.Const(1)}, []*ir.Node{x, w})
			}
			require.Equal(t, outside, b.Network(false))
			products, plains := 0, 0
			for _, n := range ir.Reach(out...) {
				if before[n] {
					continue
				}
				switch {
				case n.Op == ir.OpTMatVec || n.Op == ir.OpMatVec:
					require.True(t, n.Net, "%s", n.Op)
					products++
				case n.Op.Info().Class == ir.Elementwise && !n.Net:
					plains++
				}
			}
			require.Positive(t, products)
			require.Positive(t, plains, "the derivative of exp is in double precision")
		}
	}
}
