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
	plan *Plan
	r    []T // room of the check

	usual   factors[T]  // with pivots on the diagonal
	pivoted *pivoted[T] // with others, where those do not serve
	rows    bool        // the latter hold the matrix
}

// factors are made of a matrix, which may fail, and solve systems with it or with its
// transpose (without conjugation) in place.
type factors[T Number] interface {
	factor(shift, scale T, values []float64) bool
	solve(b []T)
	solveT(b []T)
}

// NewLU returns room for factors.
func NewLU[T Number](s *Plan) *LU[T] {
	f := &LU[T]{plan: s, r: make([]T, s.n)}
	if s.panels != nil {
		f.usual = newByPanels[T](s.panels)
	} else {
		f.usual = newByRows[T](s)
	}
	return f
}

// Factor factorises shift·I + scale·A, values being those of A, and reports whether that
// went well: the matrix is finite and not singular. It allocates only where the
// pivots on the diagonal do not serve.
func (f *LU[T]) Factor(shift, scale T, values []float64) bool {
	f.rows = false
	if f.usual.factor(shift, scale, values) && f.backwardError(shift, scale, values) <= mostBackward {
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
func (f *LU[T]) Solve(b []T) { f.holder().solve(b) }

// SolveT replaces b by the solution of the transposed system (without conjugation).
func (f *LU[T]) SolveT(b []T) { f.holder().solveT(b) }

// holder has the factors of the matrix.
func (f *LU[T]) holder() factors[T] {
	if f.rows {
		return f.pivoted
	}
	return f.usual
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
