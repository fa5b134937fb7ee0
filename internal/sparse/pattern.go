package sparse

import (
	"slices"
	"sync"
)

// Pattern says which elements of a square matrix may differ from zero: those of row i
// are in the columns Col[Start[i]:Start[i+1]], which ascend. Values of a matrix are in
// the order of Col.
type Pattern struct {
	Start, Col []int32

	once sync.Once
	plan *Plan
}

// NewPattern returns the pattern with the given columns of each row.
func NewPattern(rows [][]int) *Pattern {
	p := &Pattern{Start: make([]int32, 1, len(rows)+1)}
	for _, row := range rows {
		for _, j := range row {
			p.Col = append(p.Col, int32(j))
		}
		p.Start = append(p.Start, int32(len(p.Col)))
	}
	return p
}

// Full is the pattern of a dense matrix.
func Full(n int) *Pattern {
	p := &Pattern{Start: make([]int32, n+1), Col: make([]int32, n*n)}
	for i := range p.Start {
		p.Start[i] = int32(i * n)
	}
	for k := range p.Col {
		p.Col[k] = int32(k % n)
	}
	return p
}

// Plan is how matrices of the pattern are factorised. It is made once.
func (p *Pattern) Plan() *Plan {
	p.once.Do(func() { p.plan = newPlan(p) })
	return p.plan
}

// N is the number of rows.
func (p *Pattern) N() int { return len(p.Start) - 1 }

// Nonzeros is the number of elements.
func (p *Pattern) Nonzeros() int { return len(p.Col) }

// Row are the columns of row i.
func (p *Pattern) Row(i int) []int32 { return p.Col[p.Start[i]:p.Start[i+1]] }

// Find is the place of an element among the values, or −1.
func (p *Pattern) Find(i, j int) int {
	k, ok := slices.BinarySearch(p.Row(i), int32(j))
	if !ok {
		return -1
	}
	return int(p.Start[i]) + k
}

// Transpose returns the pattern of the transpose, and from where among the values of
// this one each of its values is.
func (p *Pattern) Transpose() (q *Pattern, from []int32) {
	n := p.N()
	q = &Pattern{Start: make([]int32, n+1), Col: make([]int32, len(p.Col))}
	from = make([]int32, len(p.Col))
	for _, j := range p.Col {
		q.Start[j+1]++
	}
	for i := range n {
		q.Start[i+1] += q.Start[i]
	}
	next := slices.Clone(q.Start)
	for i := range n {
		for k := p.Start[i]; k < p.Start[i+1]; k++ {
			to := next[p.Col[k]]
			next[p.Col[k]]++
			q.Col[to], from[to] = int32(i), k
		}
	}
	return q, from
}

// symmetric is the pattern with the elements of the transpose besides, which is p where
// these are its own.
func (p *Pattern) symmetric() *Pattern {
	q, _ := p.Transpose()
	out := &Pattern{Start: make([]int32, 1, len(p.Start))}
	for i := range p.N() {
		out.Col = append(out.Col, union(p.Row(i), q.Row(i))...)
		out.Start = append(out.Start, int32(len(out.Col)))
	}
	if len(out.Col) == len(p.Col) {
		return p
	}
	return out
}

// Blocks is the pattern of a matrix of s by s blocks that each have this pattern and
// the diagonal. At gives the places of its elements.
func (p *Pattern) Blocks(s int) *Pattern {
	n := p.N()
	rows := make([][]int, 0, s*n)
	for range s {
		for i := range n {
			var row []int
			for b := range s {
				seen := false
				for _, j := range p.Row(i) {
					if !seen && int(j) >= i {
						if int(j) > i {
							row = append(row, b*n+i)
						}
						seen = true
					}
					row = append(row, b*n+int(j))
				}
				if !seen {
					row = append(row, b*n+i)
				}
			}
			rows = append(rows, row)
		}
	}
	return NewPattern(rows)
}

// Mul sets dst to the product of a matrix of the pattern with x.
func (p *Pattern) Mul(values, x, dst []float64) {
	for i := range dst {
		sum := 0.
		for k := p.Start[i]; k < p.Start[i+1]; k++ {
			sum += values[k] * x[p.Col[k]]
		}
		dst[i] = sum
	}
}
