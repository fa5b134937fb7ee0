package fit

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/internal/kernel"
)

// A network of a thousand weights has some tens of directions that its data tell; along all others the ridge alone
// says where to go. Steps are sought in a space of these directions: with coordinates in which the
// penalty is ½‖z‖², and residuals J' z, what lies beside the rows of J' does not move in a step. Such a space is
// found by products with random signs, which the range of a matrix of falling singular values hardly escapes.
//
// N. Halko, P.G. Martinsson, J.A. Tropp, SIAM Review 53, 217–288, 2011, section 4.4.
const (
	spanBlock = 32  // directions that are added at a time
	spanLeft  = 0.1 // the sum of squares of J' beside the space, in units of the ridge, below which it will do

	// Narrow is the number of unknowns from which on such a space is looked for, and spanShare the share of
	// unknowns or residuals up to which it is one.
	Narrow    = 256
	spanShare = 0.4
)

// Span is an orthonormal basis, by rows, of the directions that the rows of a matrix of n columns tell, and how
// many these are; ok is false where there are too many of them.
func Span(a []float64, rows, n int, left float64) (basis []float64, size int, ok bool) {
	most := int(spanShare * float64(min(rows, n)))
	rng := Stream(1, "span", 0)
	signs, y := make([]float64, rows*spanBlock), make([]float64, spanBlock*n)
	for size+spanBlock <= most {
		for i := range signs {
			signs[i] = float64(2*int(rng.Uint64()>>63) - 1)
		}
		multiply(y, signs, a, rows, spanBlock, n)
		sum := 0.
		for range 2 { // what the first time leaves by rounding
			beside(y, basis, n)
		}
		for _, v := range y {
			sum += v * v
		}
		if sum/spanBlock <= left { // of a row, its expectation is what is left
			return basis, size, true
		}
		for i := range spanBlock {
			row := y[i*n : (i+1)*n]
			before := floats.Norm(row, 2)
			beside(row, basis, n)
			beside(row, basis, n)
			if norm := floats.Norm(row, 2); norm > 1e-10*before {
				floats.Scale(1/norm, row)
				basis = append(basis, row...)
				size++
			}
		}
	}
	return nil, 0, false
}

// multiply sets y to cᵀ a, for c of so many rows and m columns and a of n columns. Parts of the rows stay in a cache.
func multiply(y, c, a []float64, rows, m, n int) {
	const part = 64
	clear(y[:m*n])
	for r := 0; r < rows; r += part {
		k := min(part, rows-r)
		kernel.Outer(y, y, c[r*m:(r+k)*m], a[r*n:(r+k)*n], k, m, n)
	}
}

// beside takes from the rows of y what they have along the rows of an orthonormal basis.
func beside(y, basis []float64, n int) {
	k, m := len(basis)/n, len(y)/n
	if k == 0 {
		return
	}
	along := make([]float64, k*m) // with the other sign
	for j := range k {
		for i := range m {
			along[j*m+i] = -floats.Dot(basis[j*n:(j+1)*n], y[i*n:(i+1)*n])
		}
	}
	kernel.Outer(y, y, along, basis, k, m, n)
}

// narrow is the model of the loss in a space of few directions, rows of basis by free coordinates: those of
// coordinates that are in no range of weights, and of weights those that the data tell or the gradient has.
type narrow struct {
	basis  []float64
	size   int
	bend   []float64 // JᵀJ + Λ there, and D² of the damping
	damp   []float64
	factor *kernel.Tiles
	room   []float64
}

// narrowed looks for a space of few directions for the step at x; nil: there is none.
func (e *gaussNewton) narrowed() *narrow {
	m, d := len(e.free), e.d
	if d.Wide || e.p.Ridge == nil || m < Narrow || e.kinks != nil {
		return nil
	}
	n := &narrow{room: make([]float64, m)}
	size := make([]float64, m) // of a coordinate that the penalty has at ½; 0: it is no weight
	for k, c := range e.free {
		if e.alike(c) < 0 {
			n.basis = append(n.basis, make([]float64, m)...)
			n.basis[n.size*m+k] = 1
			n.size++
			continue
		}
		size[k] = 1 / math.Sqrt(e.p.Ridge[c]+d.Lambda*d.Scale[k]*d.Scale[k])
	}
	scaled, rows := e.scaled(size)
	basis, told, ok := Span(scaled, rows, m, spanLeft)
	if !ok || float64(n.size) > spanShare*float64(m) {
		d.Wide = true
		return nil
	}
	along := make([]float64, m)
	floats.MulTo(along, e.g, size)
	beside(along, basis, m)
	if norm := floats.Norm(along, 2); norm > 0 {
		floats.Scale(1/norm, along)
		basis, told = append(basis, along...), told+1
	}
	for i := range told {
		floats.Mul(basis[i*m:(i+1)*m], size)
	}
	n.basis, n.size = append(n.basis, basis...), n.size+told
	n.model(e)
	return n
}

// scaled is the Jacobian by the free coordinates, times their sizes.
func (e *gaussNewton) scaled(size []float64) (a []float64, rows int) {
	j := e.moving()
	a = make([]float64, j.Rows*j.Cols)
	for i := range j.Rows {
		floats.MulTo(a[i*j.Cols:(i+1)*j.Cols], j.Data[i*j.Stride:i*j.Stride+j.Cols], size)
	}
	return a, j.Rows
}

// model sets the curvatures in the space.
func (n *narrow) model(e *gaussNewton) {
	m, k := len(e.free), n.size
	told := n.residuals(e)
	n.bend, n.damp = make([]float64, k*k), make([]float64, k*k)
	multiply(n.bend, told, told, len(e.r), k, k)
	ridge, scale := make([]float64, m), make([]float64, m)
	for i, c := range e.free {
		ridge[i], scale[i] = e.p.Ridge[c], e.d.Scale[i]*e.d.Scale[i]
	}
	for i := range k {
		row := n.basis[i*m : (i+1)*m]
		floats.MulTo(n.room, row, ridge)
		for j := i; j < k; j++ {
			n.bend[i*k+j] += floats.Dot(n.room, n.basis[j*m:(j+1)*m])
		}
		floats.MulTo(n.room, row, scale)
		for j := i; j < k; j++ {
			n.damp[i*k+j] = floats.Dot(n.room, n.basis[j*m:(j+1)*m])
		}
	}
	n.factor = kernel.NewTiles(k)
}

// residuals are the derivatives of residuals along the directions: a row for each.
func (n *narrow) residuals(e *gaussNewton) []float64 {
	j := e.moving()
	const lanes = 8
	m, k := j.Cols, n.size
	told := make([]float64, j.Rows*k)
	x, y := make([]float64, m*lanes), make([]float64, j.Rows*lanes)
	tight := j.Data
	if j.Stride != m {
		ones := make([]float64, m)
		for i := range ones {
			ones[i] = 1
		}
		tight, _ = e.scaled(ones)
	}
	for first := 0; first < k; first += lanes {
		clear(x)
		for l := range min(lanes, k-first) {
			for c, v := range n.basis[(first+l)*m : (first+l+1)*m] {
				x[c*lanes+l] = v
			}
		}
		kernel.Dense(y, tight, x, nil, j.Rows, m, lanes)
		for i := range j.Rows {
			copy(told[i*k+first:i*k+min(k, first+lanes)], y[i*lanes:])
		}
	}
	return told
}

// damped factors the curvature with so much damping.
func (n *narrow) damped(lambda float64, workers int) bool {
	k := n.size
	for i := range k {
		for j := i; j < k; j++ {
			n.factor.Set(i, j, n.bend[i*k+j]+lambda*n.damp[i*k+j])
		}
	}
	return n.factor.Cholesky(workers)
}

// solve replaces v by the solution of the damped equations in the space.
func (n *narrow) solve(v []float64) {
	m, k := len(v), n.size
	z := n.room[:k]
	for i := range k {
		z[i] = floats.Dot(n.basis[i*m:(i+1)*m], v)
	}
	n.factor.Solve(z)
	clear(v)
	for i := range k {
		floats.AddScaled(v, z[i], n.basis[i*m:(i+1)*m])
	}
}
