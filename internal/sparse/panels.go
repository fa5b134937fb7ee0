package sparse

import "slices"

// panels is how a matrix is factorised by *blocks* of consecutive rows and columns that
// have the same elements behind them, but for a few zeros: what one block takes
// from another is a product of small dense matrices. Where fill is large, as it is for
// what spreads over a plane, most of the work is in such products. The pattern counts as
// symmetric, so that both factors have the same one.
//
// E.G. Ng, B.W. Peyton, SIAM J. Sci. Comput. 14, 1034–1056, 1993.
type panels struct {
	plan  *Plan
	first []int32 // of each block its first place; and the number of places
	block []int32 // of each place
	right Pattern // by block, the places behind it at which its rows have elements

	// By block, where its numbers begin: the square on the diagonal, by rows; the rest of
	// the upper factor, by rows; the rest of the lower factor, by columns.
	at [][3]int

	to      []int32 // where each value of the matrix goes among the numbers
	numbers int
}

const (
	mostRows      = 32 // of a block
	denseWork     = 20 // multiplications an element of the factors, from which on blocks are faster than rows
	mostSymmetric = 3  // times as many for the symmetric pattern: what blocks gain
	few           = 8  // rows of a block up to which mostZerosFew of its elements may be zeros, and mostZeros in larger ones
	mostZerosFew  = 0.2
	mostZeros     = 0.05
)

// parents is of each place the first of those that its elimination changes, and −1 where
// there is none. The pattern of the plan is symmetric.
func (s *Plan) parents() []int32 {
	parent := make([]int32, s.n)
	for k := range parent {
		parent[k] = -1
		if up := s.upper.Row(k); len(up) > 0 {
			parent[k] = up[0]
		}
	}
	return parent
}

// postorder lists places with each behind all those of its branch of the tree of
// parents, one branch after the other. The fill in that order is the same.
func postorder(parent []int32) []int32 {
	n := int32(len(parent))
	child, sibling := make([]int32, n+1), make([]int32, n) // the last has the roots
	for i := range child {
		child[i] = -1
	}
	for k := n - 1; k >= 0; k-- {
		p := parent[k]
		if p < 0 {
			p = n
		}
		sibling[k], child[p] = child[p], k
	}
	list := make([]int32, 0, n)
	for at := child[n]; at >= 0; {
		if c := child[at]; c >= 0 {
			child[at] = -1
			at = c
			continue
		}
		list = append(list, at)
		if sibling[at] >= 0 {
			at = sibling[at]
		} else {
			at = parent[at]
		}
	}
	return list
}

// newPanels is a plan by blocks, from one of the symmetric pattern of p by rows.
func newPanels(p *Pattern, s *Plan) *Plan {
	n := s.n
	t := &Plan{pattern: p, n: n, order: make([]int32, n), at: make([]int32, n)}
	parent, list := s.parents(), postorder(s.parents())
	place := make([]int32, n) // of the places of s
	for k, i := range list {
		place[i] = int32(k)
		t.order[k] = s.order[i]
		t.at[t.order[k]] = int32(k)
	}
	f := &panels{plan: t, block: make([]int32, n)}
	for k := 0; k < n; {
		end := k + 1
		elements := 1 + len(s.upper.Row(int(list[k])))
		for end < n && end-k < mostRows && parent[list[end-1]] == list[end] {
			up := len(s.upper.Row(int(list[end])))
			rows := end + 1 - k
			elements += 1 + up
			room, most := rows*(rows+1)/2+rows*up, mostZeros
			if rows <= few {
				most = mostZerosFew
			}
			if float64(room-elements) > most*float64(room) {
				break
			}
			end++
		}
		for i := k; i < end; i++ {
			f.block[i] = int32(len(f.first))
		}
		f.first = append(f.first, int32(k))
		k = end
	}
	f.first = append(f.first, int32(n))
	f.right.Start = []int32{0}
	for b := range len(f.first) - 1 {
		last := s.upper.Row(int(list[f.first[b+1]-1]))
		from := len(f.right.Col)
		for _, j := range last {
			f.right.Col = append(f.right.Col, place[j])
		}
		slices.Sort(f.right.Col[from:])
		f.right.Start = append(f.right.Start, int32(len(f.right.Col)))
	}
	f.place()
	t.panels = f
	return t
}

// rows is how many rows block b has.
func (f *panels) rows(b int) int { return int(f.first[b+1] - f.first[b]) }

// place says where numbers stand.
func (f *panels) place() {
	for b := range len(f.first) - 1 {
		n, m := f.rows(b), len(f.right.Row(b))
		f.at = append(f.at, [3]int{f.numbers, f.numbers + n*n, f.numbers + n*(n+m)})
		f.numbers += n * (n + 2*m)
	}
	p, at := f.plan.pattern, f.plan.at
	f.to = make([]int32, len(p.Col))
	for i := range p.N() {
		for v := p.Start[i]; v < p.Start[i+1]; v++ {
			f.to[v] = int32(f.find(at[i], at[p.Col[v]]))
		}
	}
}

// find is where the number of row i in column j, by places, stands.
func (f *panels) find(i, j int32) int {
	b := f.block[min(i, j)]
	n, first := f.rows(int(b)), f.first[b]
	behind := f.right.Row(int(b))
	switch at, m := f.at[b], len(behind); {
	case f.block[i] == f.block[j]:
		return at[0] + int(i-first)*n + int(j-first)
	case i < j:
		c, _ := slices.BinarySearch(behind, j)
		return at[1] + int(i-first)*m + c
	default:
		c, _ := slices.BinarySearch(behind, i)
		return at[2] + int(j-first)*m + c
	}
}

// union is what is in one of two ascending lists.
func union(a, b []int32) []int32 {
	out := make([]int32, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}
