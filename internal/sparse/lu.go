package sparse

import "math"

// Number is what matrices are of.
type Number interface{ float64 | complex128 }

// LU are the factors of a matrix
//
//	shift·I + scale·A,
//
// with A of the pattern of a plan.
type LU[T Number] struct {
	plan    *Plan
	l, u, d []T // of the lower factor, of the upper one, and the reciprocals of its diagonal
	work    []T // zeros between calls
	x, r    []T // room: of Solve, and of the check

	pivoted *pivoted[T] // the factors, where pivots are not on the diagonal
	rows    bool        // it holds them
}

// NewLU returns room for factors.
func NewLU[T Number](s *Plan) *LU[T] {
	return &LU[T]{
		plan: s, l: make([]T, len(s.lower.Col)), u: make([]T, len(s.upper.Col)), d: make([]T, s.n),
		work: make([]T, s.n), x: make([]T, s.n), r: make([]T, s.n),
	}
}

// Factor factorises shift·I + scale·A, values being those of A, and reports whether that
// went well: the matrix is finite and not singular. It allocates only where the
// pivots on the diagonal do not serve.
func (f *LU[T]) Factor(shift, scale T, values []float64) bool {
	f.rows = false
	if f.diagonal(shift, scale, values) && f.backwardError(shift, scale, values) <= mostBackward {
		return true
	}
	if f.pivoted == nil {
		f.pivoted = newPivoted[T](f.plan)
	}
	f.rows = true
	return f.pivoted.factor(shift, scale, values) && f.backwardError(shift, scale, values) <= mostBackward
}

// mostBackward bounds the backward error of a solution, element by element. That of a
// stable factorisation is some units of round-off.
const mostBackward = 1e-10

// diagonal factorises with pivots on the diagonal, row by row.
func (f *LU[T]) diagonal(shift, scale T, values []float64) bool {
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

// backwardError is that of the solution of a system whose right-hand side is made of
// ones and of other numbers of their size: the largest residual of an equation in terms
// of the sizes of what is added up in it; infinite for one that is no number.
//
// W. Oettli, W. Prager, Numer. Math. 6, 405–409, 1964.
func (f *LU[T]) backwardError(shift, scale T, values []float64) float64 {
	p, x := f.plan.pattern, f.r
	rhs := func(i int) float64 { return 1 + float64(i*7919%16)/16 }
	for i := range x {
		x[i] = number[T](rhs(i))
	}
	f.Solve(x)
	worst := 0.
	for i := range x {
		sum, size := shift*x[i]-number[T](rhs(i)), abs(shift*x[i])+rhs(i)
		for v := p.Start[i]; v < p.Start[i+1]; v++ {
			term := scale * number[T](values[v]) * x[p.Col[v]]
			sum += term
			size += abs(term)
		}
		if e := abs(sum) / size; !(e <= worst) {
			if worst = e; math.IsNaN(e) {
				return math.Inf(1)
			}
		}
	}
	return worst
}

// Solve replaces b by the solution of the factorised system.
func (f *LU[T]) Solve(b []T) {
	if f.rows {
		f.pivoted.solve(b)
		return
	}
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

// SolveT replaces b by the solution of the transposed system (without conjugation).
func (f *LU[T]) SolveT(b []T) {
	if f.rows {
		f.pivoted.solveT(b)
		return
	}
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

// number is x as a number of type T.
func number[T Number](x float64) (v T) {
	switch p := any(&v).(type) {
	case *float64:
		*p = x
	case *complex128:
		*p = complex(x, 0)
	}
	return v
}

// abs is a size of x: |x|, of a complex number |re| + |im|.
func abs[T Number](x T) float64 {
	switch p := any(x).(type) {
	case float64:
		return math.Abs(p)
	case complex128:
		return math.Abs(real(p)) + math.Abs(imag(p))
	}
	return math.NaN()
}
