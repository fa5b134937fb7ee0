package sparse

import (
	"math"

	"github.com/pinode/pinode/internal/kernel"
)

// byPanels are factors with pivots on the diagonal that are made block by block.
type byPanels[T Number] struct {
	panels *panels
	v, d   []T // numbers of all blocks, and the reciprocals of pivots
	do     operations[T]

	// While factors are made: by block, a list of those whose next part is for it, and
	// the next of the list that a block is in; how much of what is behind it a
	// block has given.
	waiting, next, given []int32

	column []int32 // of places behind the current block, which of those they are
	rel    []int32 // of what is given, where it goes
	give   []T     // what is given
	x, y   []T     // room of solve
}

// operations are those that most of the work is in.
type operations[T Number] struct {
	add      func(dst []T, a T, x []T)                                    // see kernel.AddScaled
	dot      func(x, y []T) T                                             // of as many as x has
	products func(dst, c, x []T, terms, rows, cols, cStride, xStride int) // see kernel.Products
}

func operationsOf[T Number]() operations[T] {
	if o, ok := any(operations[float64]{kernel.AddScaled, kernel.Dot, kernel.Products}).(operations[T]); ok {
		return o
	}
	return any(operations[complex128]{addScaled, dot, new(planes).products}).(operations[T])
}

func addScaled(dst []complex128, a complex128, x []complex128) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] += a * v
	}
}

// dot is Σ xᵢ yᵢ, over x.
func dot(x, y []complex128) (sum complex128) {
	y = y[:len(x)]
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// planes is room for real and imaginary parts, which products are made of.
type planes struct{ c, x, y, z []float64 }

func (s *planes) products(dst, c, x []complex128, terms, m, k, cStride, xStride int) {
	for _, r := range []struct {
		room *[]float64
		n    int
	}{{&s.c, 2 * terms * m}, {&s.x, 2 * terms * k}, {&s.y, 2 * m * k}, {&s.z, 2 * m * k}} {
		if cap(*r.room) < r.n {
			*r.room = make([]float64, r.n)
		}
		*r.room = (*r.room)[:r.n]
	}
	for r := range terms { // of each row the real parts, then the imaginary ones
		for i, v := range c[r*cStride:][:m] {
			s.c[2*r*m+i], s.c[(2*r+1)*m+i] = real(v), imag(v)
		}
		for j, v := range x[r*xStride:][:k] {
			s.x[2*r*k+j], s.x[(2*r+1)*k+j] = real(v), imag(v)
		}
	}
	kernel.Products(s.y, s.c, s.x, terms, 2*m, k, 2*m, 2*k)
	kernel.Products(s.z, s.c, s.x[k:], terms, 2*m, k, 2*m, 2*k)
	im := m * k
	for i := range im {
		dst[i] = complex(s.y[i]-s.z[im+i], s.z[i]+s.y[im+i])
	}
}

func newByPanels[T Number](p *panels) *byPanels[T] {
	n, blocks, most := p.plan.n, len(p.first)-1, 0
	for b := range blocks {
		most = max(most, len(p.right.Row(b)))
	}
	return &byPanels[T]{
		panels: p, v: make([]T, p.numbers), d: make([]T, n), do: operationsOf[T](),
		waiting: make([]int32, blocks), next: make([]int32, blocks), given: make([]int32, blocks),
		column: make([]int32, n), rel: make([]int32, most), give: make([]T, mostRows*most), x: make([]T, n), y: make([]T, most),
	}
}

// parts are the numbers of a block: on the diagonal, of the upper and of the lower
// factor.
func (f *byPanels[T]) parts(b int) (square, upper, lower []T) {
	p := f.panels
	at, end := p.at[b], p.numbers
	if b+1 < len(p.at) {
		end = p.at[b+1][0]
	}
	return f.v[at[0]:at[1]], f.v[at[1]:at[2]], f.v[at[2]:end]
}

func (f *byPanels[T]) factor(shift, scale T, values []float64) bool {
	p := f.panels
	clear(f.v)
	for v, to := range p.to {
		f.v[to] += scale * number[T](values[v])
	}
	for b := range f.waiting {
		f.waiting[b], f.given[b] = -1, 0
	}
	for b := range f.waiting {
		square, _, _ := f.parts(b)
		n := p.rows(b)
		for i := range n {
			square[i*n+i] += shift
		}
		for c, j := range p.right.Row(b) {
			f.column[j] = int32(c)
		}
		for s := f.waiting[b]; s >= 0; {
			next := f.next[s]
			f.take(b, int(s))
			f.wait(s)
			s = next
		}
		if !f.eliminate(b) {
			return false
		}
		f.wait(int32(b))
	}
	return true
}

// wait puts a block into the list of the block that it gives to next.
func (f *byPanels[T]) wait(s int32) {
	if behind := f.panels.right.Row(int(s)); int(f.given[s]) < len(behind) {
		to := f.panels.block[behind[f.given[s]]]
		f.next[s], f.waiting[to] = f.waiting[to], s
	}
}

// take subtracts from block b what block s gives to it.
func (f *byPanels[T]) take(b, s int) {
	p := f.panels
	n, m, behind, from := p.rows(b), len(p.right.Row(b)), p.right.Row(s), int(f.given[s])
	to := from // up to here columns are those of b
	for to < len(behind) && behind[to] < p.first[b+1] {
		to++
	}
	f.given[s] = int32(to)
	rows, rest := to-from, len(behind)-to
	rel := f.rel[:rows+rest]
	for c, j := range behind[from:] {
		if c < rows {
			rel[c] = j - p.first[b]
		} else {
			rel[c] = f.column[j]
		}
	}
	square, upper, lower := f.parts(b)
	_, right, below := f.parts(s)
	width, terms := len(behind), p.rows(s)
	f.do.products(f.give, below[from:], right[from:], terms, rows, rows+rest, width, width)
	for i, r := range rel[:rows] {
		give := f.give[i*(rows+rest) : (i+1)*(rows+rest)]
		f.subtract(square[int(r)*n:][:n], give[:rows], rel[:rows])
		f.subtract(upper[int(r)*m:][:m], give[rows:], rel[rows:])
	}
	if rest == 0 {
		return
	}
	f.do.products(f.give, right[from:], below[to:], terms, rows, rest, width, width)
	for i, r := range rel[:rows] {
		f.subtract(lower[int(r)*m:][:m], f.give[i*rest:(i+1)*rest], rel[rows:])
	}
}

// subtract takes x from those numbers of dst that rel tells.
func (f *byPanels[T]) subtract(dst, x []T, rel []int32) {
	n := len(rel)
	if n == 0 {
		return
	}
	if int(rel[n-1]-rel[0]) == n-1 {
		f.do.add(dst[rel[0]:][:n], -1, x)
		return
	}
	x = x[:n]
	for c, to := range rel {
		dst[to] -= x[c]
	}
}

// eliminate factorises the square of block b and makes its parts of both factors.
func (f *byPanels[T]) eliminate(b int) bool {
	square, upper, lower := f.parts(b)
	n := f.panels.rows(b)
	m := len(upper) / n
	d := f.d[f.panels.first[b]:]
	for r := range n {
		pivot := square[r*n+r]
		if size := abs(pivot); !(size > 0) || math.IsInf(size, 0) {
			return false
		}
		d[r] = 1 / pivot
		column := lower[r*m : (r+1)*m]
		for i := range column {
			column[i] *= d[r]
		}
		for i := r + 1; i < n; i++ {
			l := square[i*n+r] * d[r]
			square[i*n+r] = l
			if l != 0 {
				f.do.add(square[i*n+r+1:(i+1)*n], -l, square[r*n+r+1:(r+1)*n])
				f.do.add(upper[i*m:(i+1)*m], -l, upper[r*m:(r+1)*m])
			}
			if u := square[r*n+i]; u != 0 {
				f.do.add(lower[i*m:(i+1)*m], -u, column)
			}
		}
	}
	return true
}

func (f *byPanels[T]) solve(b []T) {
	p, x := f.panels, f.x
	for k, i := range p.plan.order {
		x[k] = b[i]
	}
	for g := range f.waiting {
		square, _, lower := f.parts(g)
		own, n := x[p.first[g]:p.first[g+1]], p.rows(g)
		for i := 1; i < n; i++ {
			own[i] -= f.do.dot(square[i*n:i*n+i], own)
		}
		f.spread(g, lower, own)
	}
	for g := len(f.waiting) - 1; g >= 0; g-- {
		square, upper, _ := f.parts(g)
		y := f.gather(g)
		own, d, n := x[p.first[g]:p.first[g+1]], f.d[p.first[g]:], p.rows(g)
		for i := n - 1; i >= 0; i-- {
			sum := own[i] - f.do.dot(upper[i*len(y):(i+1)*len(y)], y)
			own[i] = (sum - f.do.dot(square[i*n+i+1:(i+1)*n], own[i+1:])) * d[i]
		}
	}
	for k, i := range p.plan.order {
		b[i] = x[k]
	}
}

func (f *byPanels[T]) solveT(b []T) {
	p, x := f.panels, f.x
	for k, i := range p.plan.order {
		x[k] = b[i]
	}
	for g := range f.waiting {
		square, upper, _ := f.parts(g)
		own, d, n := x[p.first[g]:p.first[g+1]], f.d[p.first[g]:], p.rows(g)
		for i := range n {
			own[i] *= d[i]
			f.do.add(own[i+1:], -own[i], square[i*n+i+1:(i+1)*n])
		}
		f.spread(g, upper, own)
	}
	for g := len(f.waiting) - 1; g >= 0; g-- {
		square, _, lower := f.parts(g)
		y := f.gather(g)
		own, n := x[p.first[g]:p.first[g+1]], p.rows(g)
		for i := n - 1; i >= 0; i-- {
			own[i] -= f.do.dot(lower[i*len(y):(i+1)*len(y)], y)
			f.do.add(own[:i], -own[i], square[i*n:i*n+i])
		}
	}
	for k, i := range p.plan.order {
		b[i] = x[k]
	}
}

// spread subtracts from what is behind a block its part of a factor times its own
// unknowns.
func (f *byPanels[T]) spread(g int, part, own []T) {
	behind := f.panels.right.Row(g)
	y := f.y[:len(behind)]
	clear(y)
	for i, v := range own {
		f.do.add(y, v, part[i*len(y):(i+1)*len(y)])
	}
	for c, j := range behind {
		f.x[j] -= y[c]
	}
}

// gather are the unknowns behind a block.
func (f *byPanels[T]) gather(g int) []T {
	behind := f.panels.right.Row(g)
	y := f.y[:len(behind)]
	for c, j := range behind {
		y[c] = f.x[j]
	}
	return y
}
