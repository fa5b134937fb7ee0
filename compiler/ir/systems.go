package ir

import "slices"

// FactorShape is the shape of the factors of a matrix with n rows: row by row the upper
// triangle U and, below the diagonal, L, whose diagonal is 1; then for each row k the one,
// from k on, that was exchanged with it; then the sign of these exchanges, which is 0 where
// a column has no pivot, so that the matrix is singular.
func FactorShape(n int) Shape { return Vec(n*n + n + 1) }

// systemShape is the shape of operations of systems of linear equations.
func systemShape(op Op, args []*Node) (Shape, bool) {
	a := args[0].Shape
	if a.Rank != 2 || a.M != a.N || op != OpFactor && args[1].Shape != FactorShape(a.N) {
		return Shape{}, false
	}
	switch op {
	case OpFactor:
		return FactorShape(a.N), true
	case OpDet:
		return Scalar, true
	}
	x := args[2].Shape
	return x, x == Vec(a.N) || x.Rank == 2 && x.M == a.N
}

// Which of two an operation gives, in its Off.
const (
	plain      = 0
	transposed = 1 // of OpSolve
	logarithm  = 1 // of OpDet
)

// Factors are those of a square matrix.
func (b *Builder) Factors(a *Node) *Node { return b.system(OpFactor, plain, []*Node{a}) }

// Solve is A⁻¹x, for a vector or the columns of a matrix.
func (b *Builder) Solve(a, x *Node) *Node {
	return b.system(OpSolve, plain, []*Node{a, b.Factors(a), x})
}

// SolveT is A⁻ᵀx.
func (b *Builder) SolveT(a, x *Node) *Node {
	return b.system(OpSolve, transposed, []*Node{a, b.Factors(a), x})
}

// Inverse is A⁻¹.
func (b *Builder) Inverse(a *Node) *Node { return b.Solve(a, b.Identity(a.Shape.N)) }

// Identity is the unit matrix.
func (b *Builder) Identity(n int) *Node {
	v := make([]float64, n*n)
	for i := range n {
		v[i*n+i] = 1
	}
	return b.ConstOf(Mat(n, n), v)
}

// expanded bounds the rows of matrices whose determinant is written out, as a polynomial
// that has its derivatives where the matrix is singular too.
const expanded = 3

// Det is the determinant of a square matrix.
func (b *Builder) Det(a *Node) *Node {
	if n := a.Shape.N; a.Shape == Mat(n, n) && n <= expanded {
		rows := make([]int, n)
		for i := range rows {
			rows[i] = i
		}
		return b.minor(a, rows, 0)
	}
	return b.system(OpDet, plain, []*Node{a, b.Factors(a)})
}

// minor is the determinant of some rows of a matrix from a column on, along that column.
func (b *Builder) minor(a *Node, rows []int, col int) *Node {
	if len(rows) == 1 {
		return b.Elem(a, rows[0]*a.Shape.N+col)
	}
	sum := b.Const(0)
	for k, i := range rows {
		others := slices.Delete(slices.Clone(rows), k, k+1)
		x := b.Mul(b.Elem(a, i*a.Shape.N+col), b.minor(a, others, col+1))
		if k%2 == 1 {
			x = b.Neg(x)
		}
		sum = b.Add(sum, x)
	}
	return sum
}

// LogDet is log |det A|.
func (b *Builder) LogDet(a *Node) *Node {
	return b.system(OpDet, logarithm, []*Node{a, b.Factors(a)})
}

// Transposed reports whether a solution is one with the transposed matrix, Logarithm whether
// of a determinant there is the logarithm.
func (n *Node) Transposed() bool { return n.Op == OpSolve && n.Off == transposed }
func (n *Node) Logarithm() bool  { return n.Op == OpDet && n.Off == logarithm }

// system builds an operation of systems of linear equations.
func (b *Builder) system(op Op, which int, args []*Node) *Node {
	if op == OpSolve && args[2].IsConst(0) {
		return args[2]
	}
	return b.intern(Node{Op: op, Off: which, Args: args})
}
