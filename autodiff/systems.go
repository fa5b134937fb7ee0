package autodiff

import "github.com/pinode/pinode/compiler/ir"

// Derivatives of systems of linear equations: of X = A⁻¹B, with dX = A⁻¹(dB − dA X), the
// cotangents are B̄ = A⁻ᵀX̄ and Ā = −B̄Xᵀ; d log|det A| = tr(A⁻¹dA). M.B. Giles, An extended
// collection of matrix derivative results, Oxford University, NA-08/01, 2008, section 2.
// All solutions share the factors of the matrix.

func solveVJP(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
	bar := again(b, n, ct, !n.Transposed())
	x, y := bar, n // Ā = −x yᵀ
	if n.Transposed() {
		x, y = n, bar
	}
	if n.Shape.Rank == 1 {
		return []*ir.Node{b.Outer(b.Neg(x), y), nil, bar}
	}
	return []*ir.Node{b.MatMul(b.Neg(x), b.Transpose(y)), nil, bar}
}

func solveJVP(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
	right := d[2]
	if dA := d[0]; dA != nil {
		var moved *ir.Node
		switch {
		case n.Shape.Rank == 2 && n.Transposed():
			moved = b.MatMul(b.Transpose(dA), n)
		case n.Shape.Rank == 2:
			moved = b.MatMul(dA, n)
		case n.Transposed():
			moved = b.TMatVec(dA, n)
		default:
			moved = b.MatVec(dA, n)
		}
		if right == nil {
			right = b.Neg(moved)
		} else {
			right = b.Sub(right, moved)
		}
	}
	if right == nil {
		return nil
	}
	return again(b, n, right, n.Transposed())
}

// again solves the system of a node once more, for another right side.
func again(b *ir.Builder, n, right *ir.Node, transposed bool) *ir.Node {
	if transposed {
		return b.SolveT(n.Args[0], right)
	}
	return b.Solve(n.Args[0], right)
}

// logSlope is ∂ log|det A|/∂A = A⁻ᵀ.
func logSlope(b *ir.Builder, n *ir.Node) *ir.Node {
	a := n.Args[0]
	return b.SolveT(a, b.Identity(a.Shape.N))
}

func detVJP(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
	if !n.Logarithm() {
		ct = b.Mul(ct, n)
	}
	return []*ir.Node{b.Mul(ct, logSlope(b, n)), nil}
}

func detJVP(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
	if d[0] == nil {
		return nil
	}
	t := sumOf(b, b.Mul(logSlope(b, n), d[0]))
	if !n.Logarithm() {
		t = b.Mul(n, t)
	}
	return t
}
