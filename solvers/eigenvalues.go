package solvers

import (
	"math"
	"math/cmplx"
)

// Eigenvalues are the eigenvalues of an n×n matrix given by rows, which it overwrites:
// balanced, brought to Hessenberg form by elimination, and from there by QR steps with
// Wilkinson's shift (G.H. Golub, C.F. Van Loan, Matrix Computations, 4th ed., 7.4 and 7.5; J.H.
// Wilkinson, The Algebraic Eigenvalue Problem, 1965). size is the norm of the balanced
// matrix, in units of whose round-off they are known. Without convergence they are nil.
func Eigenvalues(n int, a []float64) (values []complex128, size float64) {
	m := make([][]float64, n)
	for i := range m {
		m[i] = a[i*n : (i+1)*n]
	}
	balance(m)
	for _, x := range a[:n*n] {
		size = math.Hypot(size, x)
	}
	toHessenberg(m)
	h := make([][]complex128, n)
	for i := range h {
		h[i] = make([]complex128, n)
		for j := max(i-1, 0); j < n; j++ {
			h[i][j] = complex(m[i][j], 0)
		}
	}
	return hessenbergQR(h), size
}

// balance scales rows and columns by powers of two until the norms of each pair are alike
// (B.N. Parlett, C. Reinsch, Numer. Math. 13, 293–304, 1969).
func balance(m [][]float64) {
	for changed := true; changed; {
		changed = false
		for i := range m {
			row, col := 0., 0.
			for j := range m {
				if j != i {
					row, col = row+math.Abs(m[i][j]), col+math.Abs(m[j][i])
				}
			}
			if row == 0 || col == 0 {
				continue
			}
			_, e := math.Frexp(math.Sqrt(row / col))
			f := math.Ldexp(1, e)
			if !(row/f+col*f < 0.95*(row+col)) {
				continue
			}
			changed = true
			for j := range m {
				m[i][j] /= f
				m[j][i] *= f
			}
		}
	}
}

// toHessenberg makes what is below the first subdiagonal zero, by eliminations with the
// largest pivot and their inverses from the right.
func toHessenberg(m [][]float64) {
	n := len(m)
	for k := 1; k < n-1; k++ {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(m[i][k-1]) > math.Abs(m[p][k-1]) {
				p = i
			}
		}
		if m[p][k-1] == 0 {
			continue
		}
		m[p], m[k] = m[k], m[p]
		for i := range m {
			m[i][p], m[i][k] = m[i][k], m[i][p]
		}
		for i := k + 1; i < n; i++ {
			f := m[i][k-1] / m[k][k-1]
			if f == 0 {
				continue
			}
			for j := k - 1; j < n; j++ {
				m[i][j] -= f * m[k][j]
			}
			for j := range m {
				m[j][k] += f * m[j][i]
			}
			m[i][k-1] = 0
		}
	}
}

// hessenbergQR are the eigenvalues of a Hessenberg matrix, which it overwrites.
func hessenbergQR(h [][]complex128) (values []complex128) {
	const most = 60 // steps for an eigenvalue
	tries := 0
	for hi := len(h) - 1; hi >= 0; {
		lo := hi
		for ; lo > 0; lo-- {
			near := norm1(h[lo][lo]) + norm1(h[lo-1][lo-1])
			if near == 0 {
				near = 1
			}
			if norm1(h[lo][lo-1]) <= 0x1p-52*near {
				h[lo][lo-1] = 0
				break
			}
		}
		if lo == hi {
			values = append(values, h[hi][hi])
			hi, tries = hi-1, 0
			continue
		}
		if tries++; tries > most {
			return nil
		}
		shift := wilkinson(h[hi-1][hi-1], h[hi-1][hi], h[hi][hi-1], h[hi][hi])
		if tries%10 == 0 { // leaves a cycle
			shift = h[hi][hi] + complex(norm1(h[hi][hi-1]), 0)
		}
		qrStep(h, lo, hi, shift)
	}
	return values
}

func norm1(x complex128) float64 { return math.Abs(real(x)) + math.Abs(imag(x)) }

// wilkinson is the eigenvalue of a 2×2 matrix that is nearer to its last element.
func wilkinson(a, b, c, d complex128) complex128 {
	half := (a - d) / 2
	root := cmplx.Sqrt(half*half + b*c)
	if real(half)*real(root)+imag(half)*imag(root) < 0 {
		root = -root
	}
	if half+root == 0 {
		return d
	}
	return d - b*c/(half+root)
}

// qrStep is a step with a shift on the rows and columns from lo to hi, by rotations.
func qrStep(h [][]complex128, lo, hi int, shift complex128) {
	for i := lo; i <= hi; i++ {
		h[i][i] -= shift
	}
	cs, sn := make([]complex128, hi), make([]complex128, hi)
	for k := lo; k < hi; k++ {
		a, b := h[k][k], h[k+1][k]
		r := math.Hypot(cmplx.Abs(a), cmplx.Abs(b))
		c, s := complex(1, 0), complex(0, 0)
		if r > 0 {
			c, s = a/complex(r, 0), b/complex(r, 0)
		}
		cs[k], sn[k] = c, s
		up, down := h[k], h[k+1]
		for j := k; j <= hi; j++ {
			x, y := up[j], down[j]
			up[j], down[j] = cmplx.Conj(c)*x+cmplx.Conj(s)*y, c*y-s*x
		}
	}
	for k := lo; k < hi; k++ {
		c, s := cs[k], sn[k]
		for i := lo; i <= min(k+1, hi); i++ {
			x, y := h[i][k], h[i][k+1]
			h[i][k], h[i][k+1] = c*x+s*y, cmplx.Conj(c)*y-cmplx.Conj(s)*x
		}
	}
	for i := lo; i <= hi; i++ {
		h[i][i] += shift
	}
}

// Eigenvector is the eigenvector of an n×n matrix given by rows at an eigenvalue, by
// inverse iteration; its largest element is 1.
func Eigenvector(n int, a []float64, value complex128) []complex128 {
	size := 0.
	for _, x := range a[:n*n] {
		size = math.Hypot(size, x)
	}
	shift := value + complex(0x1p-50*size, 0)
	v := make([]complex128, n)
	for i := range v {
		v[i] = complex(1+1/float64(i+2), 0)
	}
	rows := make([][]complex128, n)
	for range 3 {
		for i := range rows {
			rows[i] = make([]complex128, n)
			for j := range rows[i] {
				rows[i][j] = complex(a[i*n+j], 0)
			}
			rows[i][i] -= shift
		}
		solveDense(rows, v, 0x1p-52*size)
		most := complex(0, 0)
		for _, x := range v {
			if cmplx.Abs(x) > cmplx.Abs(most) {
				most = x
			}
		}
		for i := range v {
			v[i] /= most
		}
	}
	return v
}

// solveDense solves a·x = v by elimination, with pivots no smaller than least.
func solveDense(a [][]complex128, v []complex128, least float64) {
	n := len(v)
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if cmplx.Abs(a[i][k]) > cmplx.Abs(a[p][k]) {
				p = i
			}
		}
		a[p], a[k], v[p], v[k] = a[k], a[p], v[k], v[p]
		if cmplx.Abs(a[k][k]) < least {
			a[k][k] = complex(max(least, math.SmallestNonzeroFloat64), 0)
		}
		for i := k + 1; i < n; i++ {
			f := a[i][k] / a[k][k]
			if f == 0 {
				continue
			}
			for j := k; j < n; j++ {
				a[i][j] -= f * a[k][j]
			}
			v[i] -= f * v[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			v[k] -= a[k][j] * v[j]
		}
		v[k] /= a[k][k]
	}
}
