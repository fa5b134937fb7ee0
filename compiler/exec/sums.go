package exec

import (
	"slices"

	"gonum.org/v1/gonum/floats"
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

// newSums makes the frame's queues and sums.
func (f *Frame) newSums() {
	for _, q := range f.module.queues {
		q.make()
		f.queues = append(f.queues, q)
	}
	for i := range f.module.sums {
		f.sums = append(f.sums, Sum{f: f, sum: &f.module.sums[i]})
	}
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
		if q.forget(); q.alone {
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
		case q.fresh && q.empty():
			if !adds {
				clear(to[first:end])
			}
			at = end
		case adds && q.join(to[first:end]):
			at = end
		case adds:
			f.flush(q)
			part(end)
		case !q.empty():
			q.product(to[first:end], f.mem[q.dst:])
			at = end
		default:
			part(end)
		}
	}
	part(len(to))
}
