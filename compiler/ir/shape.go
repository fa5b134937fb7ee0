package ir

import "fmt"

// Shape is the shape of a node: a scalar, a vector of N, or an M×N matrix in
// row-major order. The zero Shape is the scalar. Shapes compare with ==.
type Shape struct {
	Rank int // 0, 1 or 2
	M, N int // rows (rank 2) and length of a row; 0 where the rank has none
}

// Scalar is the shape of a single number.
var Scalar = Shape{}

// Vec is the shape of a vector.
func Vec(n int) Shape { return Shape{Rank: 1, N: n} }

// Mat is the shape of an m×n matrix.
func Mat(m, n int) Shape { return Shape{Rank: 2, M: m, N: n} }

// Size is the number of elements.
func (s Shape) Size() int {
	switch s.Rank {
	case 0:
		return 1
	case 1:
		return s.N
	}
	return s.M * s.N
}

func (s Shape) String() string {
	switch s.Rank {
	case 0:
		return "scalar"
	case 1:
		return fmt.Sprintf("[%d]", s.N)
	}
	return fmt.Sprintf("[%d,%d]", s.M, s.N)
}
