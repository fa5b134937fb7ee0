package sparse

import (
	"math/bits"
	"slices"
)

// Plan is how matrices of one pattern, with their diagonal, are factorised: an order of
// rows and columns, and which elements of the factors may differ from zero if all
// pivots are on the diagonal. It may be used by several goroutines.
type Plan struct {
	pattern *Pattern
	n       int
	order   []int32 // the row and column that is eliminated at each place
	at      []int32 // the place of each

	// By place: the rows of the lower factor, which has a diagonal of ones, and of the
	// upper one right of its diagonal. Columns ascend.
	lower, upper Pattern

	// By place: from where among the values of the matrix to which columns its elements
	// go.
	from, to Pattern

	// By place, while it is made: how many columns of the row of the upper factor later
	// rows take over. Where row j is part of row k, and k is in row j, those of row j
	// behind k are in row k, and whoever has an element at j gets one at k.
	//
	// S.C. Eisenstat, J.W.H. Liu, SIAM J. Matrix Anal. Appl. 13, 202–211, 1992.
	pruned []int32

	panels *panels // where rows are better taken several at once, else nil
}

// newPlan chooses an order and finds the fill.
func newPlan(p *Pattern) *Plan {
	s := planned(p, order(p))
	if work := s.work(); work > denseWork*s.Nonzeros() {
		if q := p.symmetric(); q != p {
			s = planned(q, s.order)
			if s.work() > mostSymmetric*work {
				return planned(p, s.order)
			}
		}
		return newPanels(p, s)
	}
	return s
}

// planned finds the fill for an order.
func planned(p *Pattern, order []int32) *Plan {
	n := p.N()
	s := &Plan{pattern: p, n: n, order: order, at: make([]int32, n), pruned: make([]int32, n)}
	for k, i := range s.order {
		s.at[i] = int32(k)
	}
	for _, q := range []*Pattern{&s.lower, &s.upper, &s.from, &s.to} {
		q.Start = make([]int32, 1, n+1)
	}
	row := make([]uint64, (n+63)/64)
	for k, i := range s.order {
		row[k/64] |= 1 << (k % 64)
		lo, hi := k/64, k/64
		for v := p.Start[i]; v < p.Start[i+1]; v++ {
			j := s.at[p.Col[v]]
			s.from.Col, s.to.Col = append(s.from.Col, v), append(s.to.Col, j)
			row[j/64] |= 1 << (j % 64)
			lo, hi = min(lo, int(j/64)), max(hi, int(j/64))
		}
		s.fill(k, row, lo, hi)
		s.prune(k)
		for _, q := range []*Pattern{&s.lower, &s.upper, &s.from, &s.to} {
			q.Start = append(q.Start, int32(len(q.Col)))
		}
	}
	for _, q := range []*Pattern{&s.lower, &s.upper, &s.from, &s.to} {
		q.Col = slices.Clip(q.Col)
	}
	s.pruned = nil
	return s
}

// prune looks which rows later ones need less of, now that row k is known.
func (s *Plan) prune(k int) {
	s.pruned[k] = int32(len(s.upper.Col)) - s.upper.Start[k]
	for _, j := range s.lower.Col[s.lower.Start[k]:] {
		up := s.upper.Row(int(j))
		if int(s.pruned[j]) == len(up) {
			if at, ok := slices.BinarySearch(up, int32(k)); ok {
				s.pruned[j] = int32(at) + 1
			}
		}
	}
}

// fill finds row k of the factors from that of the matrix, which is between words lo and
// hi, and clears it.
func (s *Plan) fill(k int, row []uint64, lo, hi int) {
	for w := lo; w <= hi; w++ {
		for done := uint64(0); row[w]&^done != 0; {
			bit := bits.TrailingZeros64(row[w] &^ done)
			done |= 1 << bit
			switch j := w*64 + bit; {
			case j < k:
				s.lower.Col = append(s.lower.Col, int32(j))
				up := s.upper.Row(j)[:s.pruned[j]]
				for _, c := range up {
					row[c/64] |= 1 << (c % 64)
				}
				if len(up) > 0 {
					hi = max(hi, int(up[len(up)-1]/64))
				}
			case j > k:
				s.upper.Col = append(s.upper.Col, int32(j))
			}
		}
		row[w] = 0
	}
}

// work is about how many multiplications a factorisation takes.
func (s *Plan) work() (sum int) {
	for _, j := range s.lower.Col {
		sum += int(s.upper.Start[j+1] - s.upper.Start[j])
	}
	return sum
}

// Nonzeros is how many elements the factors have.
func (s *Plan) Nonzeros() int {
	if s.panels != nil {
		return s.panels.numbers
	}
	return s.n + len(s.lower.Col) + len(s.upper.Col)
}
