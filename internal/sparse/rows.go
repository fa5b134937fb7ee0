package sparse

import "math"

// byRows are factors with pivots on the diagonal that are made one row after the other.
type byRows[T Number] struct {
	plan    *Plan
	l, u, d []T // of the lower factor, of the upper one, and the reciprocals of its diagonal
	work    []T // zeros between calls
	x       []T // room of solve
}

func newByRows[T Number](s *Plan) *byRows[T] {
	return &byRows[T]{
		plan: s, l: make([]T, len(s.lower.Col)), u: make([]T, len(s.upper.Col)), d: make([]T, s.n),
		work: make([]T, s.n), x: make([]T, s.n),
	}
}

func (f *byRows[T]) factor(shift, scale T, values []float64) bool {
	s, w := f.plan, f.work
	for k := range s.n {
		for v := s.from.Start[k]; v < s.from.Start[k+1]; v++ {
			w[s.to.Col[v]] = scale * number[T](values[s.from.Col[v]])
		}
		w[k] += shift
		for v := s.lower.Start[k]; v < s.lower.Start[k+1]; v++ {
			j := s.lower.Col[v]
			l := w[j] * f.d[j]
			w[j], f.l[v] = 0, l
			a, b := s.upper.Start[j], s.upper.Start[j+1]
			col, u := s.upper.Col[a:b], f.u[a:b]
			for i, c := range col {
				w[c] -= l * u[i]
			}
		}
		pivot := w[k]
		w[k] = 0
		for v := s.upper.Start[k]; v < s.upper.Start[k+1]; v++ {
			c := s.upper.Col[v]
			f.u[v], w[c] = w[c], 0
		}
		if size := abs(pivot); !(size > 0) || math.IsInf(size, 0) {
			return false
		}
		f.d[k] = 1 / pivot
	}
	return true
}

func (f *byRows[T]) solve(b []T) {
	s, x := f.plan, f.x
	for k, i := range s.order {
		sum := b[i]
		for v := s.lower.Start[k]; v < s.lower.Start[k+1]; v++ {
			sum -= f.l[v] * x[s.lower.Col[v]]
		}
		x[k] = sum
	}
	for k := s.n - 1; k >= 0; k-- {
		sum := x[k]
		for v := s.upper.Start[k]; v < s.upper.Start[k+1]; v++ {
			sum -= f.u[v] * x[s.upper.Col[v]]
		}
		x[k] = sum * f.d[k]
		b[s.order[k]] = x[k]
	}
}

func (f *byRows[T]) solveT(b []T) {
	s, x := f.plan, f.x
	for k, i := range s.order {
		x[k] = b[i]
	}
	for k := range s.n {
		x[k] *= f.d[k]
		if v := x[k]; v != 0 {
			for e := s.upper.Start[k]; e < s.upper.Start[k+1]; e++ {
				x[s.upper.Col[e]] -= f.u[e] * v
			}
		}
	}
	for k := s.n - 1; k >= 0; k-- {
		v := x[k]
		b[s.order[k]] = v
		if v != 0 {
			for e := s.lower.Start[k]; e < s.lower.Start[k+1]; e++ {
				x[s.lower.Col[e]] -= f.l[e] * v
			}
		}
	}
}
