package linear_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
)

// TestSolve compares elimination in a graph of constants with gonum's solution, for
// sparse and dense systems whose diagonals are not zero.
func TestSolve(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	for range 200 {
		n := 1 + r.IntN(7)
		a, v := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
		for i := range n {
			for j := range n {
				if i == j {
					a.Set(i, j, 3+r.Float64())
				} else if r.IntN(3) == 0 {
					a.Set(i, j, r.NormFloat64())
				}
			}
			v.SetVec(i, r.NormFloat64())
		}
		var want mat.VecDense
		require.NoError(t, want.SolveVec(a, v))
		b := ir.NewBuilder()
		rows, right := make([][]*ir.Node, n), make([]*ir.Node, n)
		for i := range n {
			for j := range n {
				rows[i] = append(rows[i], b.Const(a.At(i, j)))
			}
			right[i] = b.Const(v.AtVec(i))
		}
		for i, x := range linear.Solve(b, rows, right) {
			require.Equal(t, ir.OpConst, x.Op, "constants are folded")
			require.InDelta(t, want.AtVec(i), x.Values[0], 1e-10)
		}
	}
}
