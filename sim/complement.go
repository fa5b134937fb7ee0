package sim

import (
	"math"
	"slices"
)

// complement solves the linear complementarity problem
//
//	w = q + M z,   w ≥ 0,   z ≥ 0,   wᵀz = 0
//
// by Lemke's method (R. W. Cottle, J.-S. Pang, R. E. Stone, The Linear Complementarity
// Problem, 1992, section 4.4), which finds a solution where M is positive semidefinite and
// there is one. basic are the z that are in the basis of the solution; its columns of M are
// independent, so that of parts that share a load one has it. ok is false where the path leads
// to no solution.
func complement(q []float64, m [][]float64) (z []float64, basic []bool, ok bool) {
	n := len(q)
	z, basic = make([]float64, n), make([]bool, n)
	if n == 0 || slices.Min(q) >= 0 {
		return z, basic, true
	}
	t := newTableau(q, m)
	row := t.leastRatio(2*n, true)
	enters := t.basis[row] + n // the complement of what leaves the basis for the artificial column
	t.pivot(row, 2*n)
	for range 50 * (n + 2) {
		if row = t.leastRatio(enters, false); row < 0 {
			return z, basic, false
		}
		leaves := t.basis[row]
		t.pivot(row, enters)
		if leaves == 2*n {
			for i, k := range t.basis {
				if k >= n {
					z[k-n], basic[k-n] = math.Max(t.rows[i][2*n+1], 0), true
				}
			}
			return z, basic, true
		}
		enters = (leaves + n) % (2 * n)
	}
	return z, basic, false
}

// tableau has a row for each variable of the basis, and columns for w, z, the artificial
// variable, and the right-hand side.
type tableau struct {
	rows  [][]float64
	basis []int
}

func newTableau(q []float64, m [][]float64) *tableau {
	n := len(q)
	t := &tableau{rows: make([][]float64, n), basis: make([]int, n)}
	for i := range t.rows {
		r := make([]float64, 2*n+2)
		r[i], r[2*n], r[2*n+1] = 1, -1, q[i]
		for j, v := range m[i] {
			r[n+j] = -v
		}
		t.rows[i], t.basis[i] = r, i
	}
	return t
}

// leastRatio is the row whose variable leaves the basis for that of a column: where the ratio of
// the right-hand side is least, or, at the start, where that is most negative; −1 for none.
// Ties go by the columns of w, in order, which excludes cycles.
func (t *tableau) leastRatio(col int, start bool) int {
	best, n := -1, len(t.basis)
	for i, r := range t.rows {
		if !start && r[col] <= pivotTol {
			continue
		}
		if best < 0 || t.before(i, best, col, start) {
			best = i
		}
	}
	if best >= 0 && !start {
		for i, k := range t.basis { // the artificial variable, whenever it may
			if r := t.rows[i]; k == 2*n && r[col] > pivotTol && r[2*n+1]/r[col] <= t.rows[best][2*n+1]/t.rows[best][col]+pivotTol {
				return i
			}
		}
	}
	return best
}

// pivotTol is what counts as nothing beside problems whose diagonal is one.
const pivotTol = 1e-11

// before reports whether row i has the lesser ratio, in the order of ties.
func (t *tableau) before(i, k, col int, start bool) bool {
	a, b, n := t.rows[i], t.rows[k], len(t.basis)
	if start {
		return a[2*n+1] < b[2*n+1]
	}
	if u, v := a[2*n+1]/a[col], b[2*n+1]/b[col]; math.Abs(u-v) > pivotTol {
		return u < v
	}
	for j := range n {
		if u, v := a[j]/a[col], b[j]/b[col]; math.Abs(u-v) > pivotTol {
			return u < v
		}
	}
	return false
}

// pivot takes the variable of a column into the basis, in a row.
func (t *tableau) pivot(row, col int) {
	p := t.rows[row]
	d := p[col]
	for j := range p {
		p[j] /= d
	}
	for i, r := range t.rows {
		f := r[col]
		if i == row || f == 0 {
			continue
		}
		for j := range r {
			r[j] -= f * p[j]
		}
		r[col] = 0
	}
	t.basis[row] = col
}
