package kernel

import (
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// Factors are those of an n×n matrix in each lane, as Factor leaves them: element i of lane
// l at i·Elem + l·Lane.
type Factors struct {
	Of         []float64
	Elem, Lane int
	N          int
}

func (f *Factors) at(i, l int) float64 { return f.Of[i*f.Elem+l*f.Lane] }

// Factor factors matrices by elimination with partial pivoting. f has the matrix, row by row,
// whose element i of lane l stands at i·lanes+l; it gets U and, below the diagonal, the
// factors L; then for each row that which was exchanged with it; then the sign of the exchanges,
// 0 where a pivot is 0. A column without a pivot is passed over.
//
// G.H. Golub, C.F. Van Loan, Matrix Computations, 4th ed., 2013, algorithm 3.4.1.
func Factor(f []float64, n, lanes int) {
	row := func(i int) []float64 { return f[i*n*lanes : (i+1)*n*lanes] }
	pivots, sign := f[n*n*lanes:], f[(n*n+n)*lanes:]
	for l := range lanes {
		sign[l] = 1
	}
	var quotient [8]float64
	for k := range n {
		up := row(k)
		for l := range lanes {
			p := k
			best := math.Abs(up[k*lanes+l])
			for i := k + 1; i < n; i++ {
				if v := math.Abs(f[(i*n+k)*lanes+l]); v > best {
					p, best = i, v
				}
			}
			pivots[k*lanes+l] = float64(p)
			if p != k {
				swap(f, k*n, p*n, n, lanes, l)
				sign[l] = -sign[l]
			}
			if up[k*lanes+l] == 0 {
				sign[l] = 0
			}
		}
		for i := k + 1; i < n; i++ {
			down := row(i)
			if lanes == 1 {
				x := divide(down[k], up[k])
				down[k] = x
				axpy(down[k+1:], up[k+1:], -x)
				continue
			}
			for first := 0; first < lanes; first += len(quotient) {
				some := quotient[:min(len(quotient), lanes-first)]
				for l := range some {
					at := k*lanes + first + l
					some[l] = divide(down[at], up[at])
					down[at] = some[l]
				}
				for j := k + 1; j < n; j++ {
					to, from := down[j*lanes+first:][:len(some)], up[j*lanes+first:][:len(some)]
					for l, x := range some {
						to[l] = math.FMA(-x, from[l], to[l])
					}
				}
			}
		}
	}
}

// divide is x/pivot, and x where there is no pivot: all of the column is 0 then.
func divide(x, pivot float64) float64 {
	if pivot == 0 {
		return x
	}
	return x / pivot
}

// swap exchanges so many elements of a lane from element i and from element j on.
func swap(x []float64, i, j, count, lanes, l int) {
	i, j = i*lanes+l, j*lanes+l
	for range count {
		x[i], x[j] = x[j], x[i]
		i += lanes
		j += lanes
	}
}

// axpy adds a multiple of x to y.
func axpy(y, x []float64, a float64) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] = math.FMA(a, v, y[i])
	}
}

// Solve solves systems with n rows and so many right sides, the columns of x, which has their
// solutions then; transposed, with the transposed matrix. Those of a singular matrix are NaN.
func Solve(x []float64, f Factors, cols, lanes int, transposed bool) {
	n := f.N
	for l := range lanes {
		exchange := func(k int) {
			if p := int(f.at(n*n+k, l)); p != k {
				swap(x, k*cols, p*cols, cols, lanes, l)
			}
		}
		switch {
		case f.at(n*n+n, l) == 0:
			for i := range n * cols {
				x[i*lanes+l] = math.NaN()
			}
		case transposed:
			solveTriangle(x, &f, cols, lanes, l, 1, n, true)
			for k := n - 1; k >= 0; k-- {
				exchange(k)
			}
		default:
			for k := range n {
				exchange(k)
			}
			solveTriangle(x, &f, cols, lanes, l, n, 1, false)
		}
	}
}

// solveTriangle solves with both triangles, the lower one first, of a matrix whose element
// i, j is element i·row + j·col of the factors; lower says which has the pivots.
func solveTriangle(x []float64, f *Factors, cols, lanes, l, row, col int, lower bool) {
	n := f.N
	take := func(i, j int) {
		a := -f.at(i*row+j*col, l)
		to, from := i*cols*lanes+l, j*cols*lanes+l
		for range cols {
			x[to] = math.FMA(a, x[from], x[to])
			to += lanes
			from += lanes
		}
	}
	over := func(i int) {
		a := f.at(i*n+i, l)
		for c := range cols {
			x[(i*cols+c)*lanes+l] /= a
		}
	}
	for i := range n {
		for j := range i {
			take(i, j)
		}
		if lower {
			over(i)
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			take(i, j)
		}
		if !lower {
			over(i)
		}
	}
}

// Det sets dst to the determinants, or to the logarithms of their sizes.
func Det(dst []float64, f Factors, lanes int, logarithm bool) {
	n := f.N
	for l := range lanes {
		v := f.at(n*n+n, l)
		if logarithm {
			v = 0
		}
		for i := range n {
			if d := f.at(i*n+i, l); logarithm {
				v += scalar.Log(math.Abs(d))
			} else {
				v *= d
			}
		}
		dst[l] = v
	}
}
