package sparse

import "math"

// pivoted are factors with partial pivoting of rows whose elements were divided by the
// largest of each, column by column in the order of the plan.
//
// J.R. Gilbert, T. Peierls, SIAM J. Sci. Stat. Comput. 9, 862–874, 1988.
type pivoted[T Number] struct {
	plan *Plan
	cols *Pattern // of the transpose: rows of each column
	from []int32
	n    int

	size  []float64 // of each row, the reciprocal of its largest element
	lower [][]term[T]
	upper [][]term[T]
	d     []T     // reciprocals of pivots
	row   []int32 // of each place, its pivot's row
	place []int32 // of each row, its place; −1: none yet
	x, y  []T
	seen  []int32
	reach []int32 // rows that the current column has elements in, in the order of elimination
}

// term is an element of a factor: of the lower one by the row of the matrix, of the
// upper one by place.
type term[T Number] struct {
	at int32
	v  T
}

// preferDiagonal is the part of the largest element of a column from which on the one on
// the diagonal is its pivot.
const preferDiagonal = 0.1

func newPivoted[T Number](s *Plan) *pivoted[T] {
	n := s.n
	f := &pivoted[T]{
		plan: s, n: n, size: make([]float64, n), lower: make([][]term[T], n), upper: make([][]term[T], n), d: make([]T, n),
		row: make([]int32, n), place: make([]int32, n), x: make([]T, n), y: make([]T, n), seen: make([]int32, n),
	}
	f.cols, f.from = s.pattern.Transpose()
	return f
}

func (f *pivoted[T]) factor(shift, scale T, values []float64) bool {
	if !f.scaleRows(shift, scale, values) {
		return false
	}
	for i := range f.place {
		f.place[i], f.seen[i] = -1, -1
	}
	for k, j := range f.plan.order {
		f.reach = f.reach[:0]
		f.find(j, int32(k))
		f.x[j] += number[T](f.size[j]) * shift
		for v := f.cols.Start[j]; v < f.cols.Start[j+1]; v++ {
			i := f.cols.Col[v]
			f.x[i] += number[T](f.size[i]) * scale * number[T](values[f.from[v]])
		}
		f.upper[k], f.lower[k] = f.upper[k][:0], f.lower[k][:0]
		for r := len(f.reach) - 1; r >= 0; r-- {
			i := f.reach[r]
			p := f.place[i]
			if p < 0 {
				continue
			}
			v := f.x[i]
			f.upper[k] = append(f.upper[k], term[T]{p, v})
			for _, e := range f.lower[p] {
				f.x[e.at] -= e.v * v
			}
		}
		if !f.choose(k, j) {
			return false
		}
	}
	return true
}

// scaleRows finds the size of each row; it reports whether all are finite and not zero.
func (f *pivoted[T]) scaleRows(shift, scale T, values []float64) bool {
	p := f.plan.pattern
	clear(f.x)
	for i := range f.n {
		most, diagonal := 0., shift
		for v := p.Start[i]; v < p.Start[i+1]; v++ {
			e := scale * number[T](values[v])
			if int(p.Col[v]) == i {
				diagonal += e
				continue
			}
			most = math.Max(most, abs(e))
		}
		most = math.Max(most, abs(diagonal))
		if !(most > 0) || math.IsInf(most, 0) {
			return false
		}
		f.size[i] = 1 / most
	}
	return true
}

// find lists the rows in which column j of the factors has elements: behind each row
// that has a place, those that its elimination reaches.
func (f *pivoted[T]) find(j, k int32) {
	f.visit(j, k)
	for _, i := range f.cols.Row(int(j)) {
		f.visit(i, k)
	}
}

// visit lists row i behind all that its elimination reaches.
func (f *pivoted[T]) visit(i, k int32) {
	if f.seen[i] == k {
		return
	}
	f.seen[i] = k
	type level struct {
		i    int32
		next int
	}
	stack := []level{{i, 0}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		var below []term[T]
		if p := f.place[top.i]; p >= 0 {
			below = f.lower[p]
		}
		for top.next < len(below) && f.seen[below[top.next].at] == k {
			top.next++
		}
		if top.next == len(below) {
			f.reach = append(f.reach, top.i)
			stack = stack[:len(stack)-1]
			continue
		}
		i := below[top.next].at
		f.seen[i] = k
		stack = append(stack, level{i, 0})
	}
}

// choose chooses the pivot of place k, whose column is j, and clears the column.
func (f *pivoted[T]) choose(k int, j int32) bool {
	best, most := int32(-1), 0.
	for _, i := range f.reach {
		if size := abs(f.x[i]); f.place[i] < 0 && (size > most || size == most && best >= 0 && i < best) {
			best, most = i, size
		}
	}
	if best < 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		clear(f.x)
		return false
	}
	if f.place[j] < 0 && abs(f.x[j]) >= preferDiagonal*most {
		best = j
	}
	f.place[best], f.row[k] = int32(k), best
	f.d[k] = 1 / f.x[best]
	for _, i := range f.reach {
		if f.place[i] < 0 {
			f.lower[k] = append(f.lower[k], term[T]{i, f.x[i] * f.d[k]})
		}
		f.x[i] = 0
	}
	return true
}

func (f *pivoted[T]) solve(b []T) {
	x := f.x
	for i := range x {
		x[i] = number[T](f.size[i]) * b[i]
	}
	for k, i := range f.row {
		v := x[i]
		f.y[k] = v
		for _, e := range f.lower[k] {
			x[e.at] -= e.v * v
		}
	}
	for k := f.n - 1; k >= 0; k-- {
		v := f.y[k] * f.d[k]
		b[f.plan.order[k]] = v
		for _, e := range f.upper[k] {
			f.y[e.at] -= e.v * v
		}
	}
	clear(x)
}

func (f *pivoted[T]) solveT(b []T) {
	for k, j := range f.plan.order {
		sum := b[j]
		for _, e := range f.upper[k] {
			sum -= e.v * f.y[e.at]
		}
		f.y[k] = sum * f.d[k]
	}
	for k := f.n - 1; k >= 0; k-- {
		sum := f.y[k]
		for _, e := range f.lower[k] {
			sum -= e.v * f.x[e.at]
		}
		f.x[f.row[k]] = sum
	}
	for i := range b {
		b[i] = number[T](f.size[i]) * f.x[i]
	}
	clear(f.x)
}
