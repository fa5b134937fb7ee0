package exec

import (
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/internal/kernel"
)

// Sum is a shared output that accumulates: what programs have added to it for
// all lanes, since Clear. Frames start with sums that are clear.
//
// Outer products for a matrix that nothing else is added to are kept back in a
// queue, and such a matrix is not even cleared: what reads it first takes it for
// zero.
type Sum struct {
	f     *Frame
	sum   *sum
	added bool
}

// sum is where a Sum stands.
type sum struct {
	input  string
	region region
	queues []int    // for its matrices, in the order of these
	others []region // where something else is added
}

// queue holds factors of outer products that all go to one matrix, to be added
// by one product of matrices. An update for each would read and write all of
// the matrix every time.
type queue struct {
	dst, m, k int
	single    bool
	alone     bool // nothing else is added to the matrix
	rows      int
	fresh     bool      // the matrix is zero, whatever stands there
	c, x      []float64 // row r: the column factor at r·m, the row factor at r·k

	// In single precision: the row factor at r·k8, and the product.
	cs, xs, p []float32
	k8        int
}

const (
	queueRows = 32

	// leastGather is the size of a product for a single lane that is worth
	// queueing: smaller matrices stay in the nearest cache.
	leastGather = 512
)

// queue is the queue of products for a matrix.
func (m *Module) queue(dst, rows, cols int, single bool) int {
	for i, q := range m.queues {
		if q.dst == dst && q.m == rows && q.k == cols && q.single == single {
			return i
		}
	}
	m.queues = append(m.queues, queue{dst: dst, m: rows, k: cols, single: single})
	return len(m.queues) - 1
}

// sum is the number of the sum that an input holds.
func (m *Module) sum(input string) int {
	for i := range m.sums {
		if m.sums[i].input == input {
			return i
		}
	}
	m.sums = append(m.sums, sum{input: input, region: m.inputs[input]})
	return len(m.sums) - 1
}

// isolate finds the queues whose matrices nothing else is added to.
func (m *Module) isolate() {
	for k := range m.sums {
		s := &m.sums[k]
		for i := range m.queues {
			if q := &m.queues[i]; s.region.off <= q.dst && q.dst < s.region.off+s.region.n {
				s.queues = append(s.queues, i)
				q.alone = !slices.ContainsFunc(s.others, q.meets)
			}
		}
		for _, i := range s.queues {
			for _, j := range s.queues {
				if o := &m.queues[j]; i != j && m.queues[i].meets(region{off: o.dst, n: o.m * o.k}) {
					m.queues[i].alone = false
				}
			}
		}
		slices.SortFunc(s.queues, func(a, b int) int { return m.queues[a].dst - m.queues[b].dst })
	}
}

// meets reports whether the matrix has words of a region.
func (q *queue) meets(r region) bool { return q.dst < r.off+r.n && r.off < q.dst+q.m*q.k }

// newSums makes the frame's queues and sums.
func (f *Frame) newSums() {
	for _, q := range f.module.queues {
		if q.k8 = (q.k + 7) &^ 7; q.single {
			q.cs, q.xs, q.p = make([]float32, queueRows*q.m), make([]float32, queueRows*q.k8), make([]float32, q.m*q.k8)
		} else {
			q.c, q.x = make([]float64, queueRows*q.m), make([]float64, queueRows*q.k)
		}
		f.queues = append(f.queues, q)
	}
	for i := range f.module.sums {
		f.sums = append(f.sums, Sum{f: f, sum: &f.module.sums[i]})
	}
}

// flush adds the queued products to their matrix.
func (f *Frame) flush(q *queue) {
	if q.rows > 0 {
		q.product(f.mem[q.dst:], f.mem[q.dst:])
		q.fresh = false
	}
}

// product sets dst to the matrix that stands at old and the queued products,
// which leaves none.
func (q *queue) product(dst, old []float64) {
	if q.fresh {
		old = nil
	}
	if q.single {
		kernel.OuterSingle(dst, old, q.cs, q.xs, q.p, q.rows, q.m, q.k, q.k8)
	} else {
		kernel.Outer(dst, old, q.c, q.x, q.rows, q.m, q.k)
	}
	q.rows = 0
}

// Sum is the sum that an input holds to which programs add, or nil.
func (f *Frame) Sum(input string) *Sum {
	for i := range f.sums {
		if s := &f.sums[i]; s.sum.input == input {
			return s
		}
	}
	return nil
}

// Added reports whether a program has added to the sum since Clear.
func (s *Sum) Added() bool { return s.added }

// Clear makes the sum zero.
func (s *Sum) Clear() {
	if !s.added {
		return
	}
	s.added = false
	at, r := s.sum.region.off, s.sum.region
	for _, i := range s.sum.queues {
		q := &s.f.queues[i]
		if q.rows = 0; q.alone {
			q.fresh = true
			clear(s.f.mem[at:q.dst])
			at = q.dst + q.m*q.k
		}
	}
	clear(s.f.mem[at : r.off+r.n])
}

// Take sets to to the numbers of the sum from the given one on or, with adds,
// adds them. No matrix may lie partly among them. What has been taken is to be
// cleared before it is added to or taken again.
func (s *Sum) Take(to []float64, from int, adds bool) {
	if !s.added {
		if !adds {
			clear(to)
		}
		return
	}
	f, base, at := s.f, s.sum.region.off+from, 0
	part := func(until int) {
		if v := f.mem[base+at : base+until]; adds {
			floats.Add(to[at:until], v)
		} else {
			copy(to[at:], v)
		}
		at = until
	}
	for _, i := range s.sum.queues {
		q := &f.queues[i]
		if !q.alone {
			f.flush(q)
			continue
		}
		first, end := q.dst-base, q.dst-base+q.m*q.k
		if end <= 0 || first >= len(to) {
			continue
		}
		part(first)
		switch {
		case q.fresh && q.rows == 0:
			if !adds {
				clear(to[first:end])
			}
			at = end
		case adds:
			f.flush(q)
			part(end)
		case q.rows > 0:
			q.product(to[first:end], f.mem[q.dst:])
			at = end
		default:
			part(end)
		}
	}
	part(len(to))
}
