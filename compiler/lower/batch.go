package lower

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
)

// batch is a value y of the vector x for many such vectors at once, the columns of a matrix: a
// matrix with a column for each, whatever the rank of y.
func batch(b *ir.Builder, y, x, columns *ir.Node, n int) *ir.Node {
	of := map[*ir.Node]*ir.Node{x: columns}
	ones := func(k int) *ir.Node { return b.Full(ir.Vec(k), 1) }
	flat := func(v *ir.Node) *ir.Node { return b.Slice(v, 0, ir.Vec(v.Shape.Size())) }
	mat := func(v *ir.Node, rows int) *ir.Node { return b.Slice(v, 0, ir.Mat(rows, n)) }
	// matrix is an argument as a matrix with as many rows as the result has elements.
	matrix := func(a *ir.Node, size int) *ir.Node {
		m := of[a]
		switch {
		case m == nil && a.Shape == ir.Scalar:
			return a
		case m == nil:
			return mat(b.Outer(flat(a), ones(n)), size)
		case a.Shape.Size() < size:
			return mat(b.Outer(ones(size), flat(m)), size)
		}
		return m
	}
	columnSums := func(m *ir.Node, rows int) *ir.Node { return mat(b.TMatVec(m, ones(rows)), 1) }
	for _, v := range ir.Reach(y) {
		moves := false
		for _, a := range v.Args {
			moves = moves || of[a] != nil
		}
		if v == x || !moves {
			continue
		}
		was := b.Network(v.Net)
		size := v.Shape.Size()
		switch {
		case v.Op.Info().Class == ir.Elementwise:
			args := make([]*ir.Node, len(v.Args))
			for i, a := range v.Args {
				args[i] = matrix(a, size)
			}
			of[v] = b.Apply(v.Op, args...)
		case v.Op == ir.OpMatVec && of[v.Args[0]] == nil:
			of[v] = b.MatMul(v.Args[0], of[v.Args[1]])
		case v.Op == ir.OpSlice:
			of[v] = b.Slice(of[v.Args[0]], v.Off*n, ir.Mat(size, n))
		case v.Op == ir.OpFill:
			of[v] = mat(b.Outer(ones(size), flat(of[v.Args[0]])), size)
		case v.Op == ir.OpAssemble:
			offs, args := make([]int, len(v.Args)), make([]*ir.Node, len(v.Args))
			for i, a := range v.Args {
				offs[i], args[i] = v.Offs[i]*n, matrix(a, a.Shape.Size())
				if a.Shape == ir.Scalar && of[a] == nil {
					args[i] = b.Fill(a, ir.Mat(1, n))
				}
			}
			of[v] = b.Assemble(ir.Mat(size, n), offs, args)
		case v.Op == ir.OpSum:
			of[v] = columnSums(of[v.Args[0]], v.Args[0].Shape.Size())
		case v.Op == ir.OpDot:
			rows := v.Args[0].Shape.Size()
			of[v] = columnSums(b.Mul(matrix(v.Args[0], rows), matrix(v.Args[1], rows)), rows)
		default:
			panic(fmt.Sprintf("lower: no form of %s for many points", v.Op))
		}
		b.Network(was)
	}
	if of[y] == nil {
		return matrix(b.Fill(y, y.Shape), y.Shape.Size())
	}
	return of[y]
}
