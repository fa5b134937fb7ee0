package lower

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/ir"
)

// TestSolve compares elimination in a graph of constants with gonum's solution, for
// sparse and dense systems whose diagonals are not zero.
func TestSolve(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	for range 200 {
		n := 1 + r.IntN(7)
		a, b := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
		for i := range n {
			for j := range n {
				if i == j {
					a.Set(i, j, 3+r.Float64())
				} else if r.IntN(3) == 0 {
					a.Set(i, j, r.NormFloat64())
				}
			}
			b.SetVec(i, r.NormFloat64())
		}
		var want mat.VecDense
		require.NoError(t, want.SolveVec(a, b))
		l := &lowerer{b: ir.NewBuilder()}
		rows, right := make([][]*ir.Node, n), make([]*ir.Node, n)
		for i := range n {
			for j := range n {
				rows[i] = append(rows[i], l.b.Const(a.At(i, j)))
			}
			right[i] = l.b.Const(b.AtVec(i))
		}
		for i, x := range l.solve(rows, right) {
			require.Equal(t, ir.OpConst, x.Op, "constants are folded")
			require.InDelta(t, want.AtVec(i), x.Values[0], 1e-10)
		}
	}
}

// TestMatch: each unknown gets an equation that reads it, though the first that is
// offered has to give way; and an equation too many is named.
func TestMatch(t *testing.T) {
	reads := [][]int{{0, 1}, {0}, {1, 2}}
	owner, loose := match(3, func(e, k int) bool { return slices.Contains(reads[e], k) })
	require.Equal(t, -1, loose)
	require.Equal(t, []int{1, 0, 2}, owner)

	reads = [][]int{{0}, {1}, {0, 1}}
	_, loose = match(3, func(e, k int) bool { return slices.Contains(reads[e], k) })
	require.Equal(t, 2, loose)
}
