package solvers

import "github.com/pinode/pinode/internal/sparse"

// Jacobian is that of a system.
type Jacobian interface {
	// Pattern says where the derivative by y may differ from zero. There are few of
	// them, and a system keeps to one while it moves smoothly.
	Pattern() *sparse.Pattern

	// Jacobian sets its values, and the derivative by time.
	Jacobian(t float64, y, values, byTime []float64)
}

// Linear is a system with its Jacobian, which implicit methods need.
type Linear interface {
	System
	Jacobian
}

// LinearAdjoint has what the reverse derivative of an implicit step needs.
type LinearAdjoint interface {
	Jacobian
	Adjoint
}

// LinearTangent has what the forward derivative of an implicit step needs.
type LinearTangent interface {
	Jacobian
	Tangent
}

// linearized is a Jacobian at one place, with the factors of matrices made of it.
type linearized struct {
	pattern        *sparse.Pattern
	values, byTime []float64

	real   *sparse.LU[float64]      // of the equations of a stage
	pairs  []*sparse.LU[complex128] // of those of stages that are coupled
	blocks map[int]*blocks          // of the stages of a step that are coupled, by their number
}

// blocks is the matrix of coupled stages, I − h A⊗J with the Jacobian of each, with its
// factors.
type blocks struct {
	pattern *sparse.Pattern
	values  []float64
	lu      *sparse.LU[float64]
	place   []int32 // of each element of the block in row i and column j: (i·s + j)·nonzeros + element
	one     []int32 // of the diagonal
}

func newLinearized(p *sparse.Pattern) *linearized {
	return &linearized{
		pattern: p, values: make([]float64, p.Nonzeros()), byTime: make([]float64, p.N()),
		real: sparse.NewLU[float64](p.Plan()), blocks: map[int]*blocks{},
	}
}

// coupled is the matrix of s stages that are coupled.
func (x *linearized) coupled(s int) *blocks {
	if b := x.blocks[s]; b != nil {
		return b
	}
	p, n := x.pattern, x.pattern.N()
	b := &blocks{pattern: p.Blocks(s)}
	for i := range s {
		for j := range s {
			for row := range n {
				for _, col := range p.Row(row) {
					b.place = append(b.place, int32(b.pattern.Find(i*n+row, j*n+int(col))))
				}
			}
		}
		for row := range n {
			b.one = append(b.one, int32(b.pattern.Find(i*n+row, i*n+row)))
		}
	}
	b.values = make([]float64, b.pattern.Nonzeros())
	b.lu = sparse.NewLU[float64](b.pattern.Plan())
	x.blocks[s] = b
	return b
}

// add adds −c times the Jacobian to the block in row i and column j.
func (x *linearized) add(b *blocks, i, j, s int, c float64) {
	place := b.place[(i*s+j)*len(x.values):]
	for k, v := range x.values {
		b.values[place[k]] -= c * v
	}
}
