package solvers

import (
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/collocation"
	"github.com/pinode/pinode/internal/sparse"
)

// Radau are the Radau IIA methods of order 5, 9 and 13, of 3, 5 and 7 stages: stiffly accurate,
// L-stable, with error estimates of order 3, 5 and 7 and interpolants of order 4, 6 and 8. A run begins
// with order 5, and goes on with another where Newton's method tells for it: see Reorder.
//
// E. Hairer, G. Wanner, Solving ODEs II, 2nd ed., IV.5 and IV.8; J. Comput. Appl. Math. 111, 93–111,
// 1999.
var Radau = func() *Tableau {
	const doc = "Radau IIA of orders 5, 9 and 13, implicit, adaptive; for stiff models at tight tolerances"
	list := []*Tableau{
		radauIIA(3, Tableau{Name: "radau", Doc: doc}),
		radauIIA(5, Tableau{Name: "radau of order 9", Doc: doc}),
		radauIIA(7, Tableau{Name: "radau of order 13", Doc: doc}),
	}
	for _, m := range list {
		m.Orders = list
	}
	return list[0]
}()

// radauIIA completes a Radau IIA method of s stages: the collocation at the zeros of
// P_s − P_{s−1}, moved to [0, 1], behind a first stage at the start, whose derivative its
// dense output goes on with.
func radauIIA(s int, m Tableau) *Tableau {
	m.Family, m.FSAL = Implicit, true
	m.Order, m.ErrOrder, m.DenseOrder = 2*s-1, s, s+1
	m.C, m.A = []float64{0}, [][]float64{{}}
	rows := collocation.Radau(s)
	for i := range s {
		row := append([]float64{0}, rows[i*s:(i+1)*s]...)
		m.A, m.C = append(m.A, row), append(m.C, floats.Sum(row))
	}
	m.C[s] = 1
	m.B = m.A[s]
	// The interpolant's derivative is the polynomial through all stage derivatives.
	m.Dense = make([][]float64, s+1)
	for i := range m.Dense {
		m.Dense[i] = primitive(m.C, i)
	}
	// The embedded solution has the weight 1/γ̂ for the derivative at the start, with the
	// real eigenvalue γ̂ of the inverse of A, and order s: IV.8 (8.17). So the difference is
	// 1/γ̂ times that of this derivative and of what the stages say of it, which is the value
	// at 0 of the polynomial through theirs.
	gamma0 := 1 / realEigenvalue(&m)
	m.E = []float64{gamma0}
	for i := range s {
		m.E = append(m.E, -gamma0*lagrange(m.C[1:], i)[0])
	}
	// That difference is also what the interpolant has of the derivative at the start.
	most := 0.
	for k := range lookAt {
		most = math.Max(most, math.Abs(m.value(0, float64(k)/lookAt)))
	}
	for _, e := range m.E {
		m.Between = append(m.Between, e*most/gamma0)
	}
	return &m
}

// lagrange are the coefficients of the polynomial that is 1 at node i and 0 at the others.
func lagrange(nodes []float64, i int) []float64 {
	p := []float64{1}
	for j, c := range nodes {
		if j == i {
			continue
		}
		next := make([]float64, len(p)+1)
		for k, v := range p {
			next[k+1] += v / (nodes[i] - c)
			next[k] -= v * c / (nodes[i] - c)
		}
		p = next
	}
	return p
}

// primitive is that of the polynomial, from its first power on.
func primitive(nodes []float64, i int) []float64 {
	p := lagrange(nodes, i)
	for k := range p {
		p[k] /= float64(k + 1)
	}
	return p
}

// inverse is that of the coefficients of the stages behind the first.
func inverse(m *Tableau) *mat.Dense {
	s := len(m.C) - 1
	a := mat.NewDense(s, s, nil)
	for i := range s {
		a.SetRow(i, m.A[i+1][1:])
	}
	var inv mat.Dense
	if err := inv.Inverse(a); err != nil {
		panic("solvers: the coefficients of a method are singular")
	}
	return &inv
}

// realEigenvalue is the real one of the inverse.
func realEigenvalue(m *Tableau) float64 {
	var e mat.Eigen
	e.Factorize(inverse(m), mat.EigenNone)
	for _, v := range e.Values(nil) {
		if imag(v) == 0 {
			return real(v)
		}
	}
	panic("solvers: a method has an even number of coupled stages")
}

// coupling solves the equations of stages that are all coupled, as systems of the size of
// one: the eigenvectors of the inverse of A part them into one that is real and pairs
// that are complex.
//
// Hairer, Wanner, IV.8; J.C. Butcher, BIT 16, 237–240, 1976.
type coupling struct {
	*implicit
	s      int
	single float64 // the real eigenvalue
	values []complex128
	t, inv [][]complex128 // eigenvectors, and the inverse of their matrix, of the real one and of one of each pair
	one    []float64      // the real eigenvector
	oneInv []float64
	ainv   *mat.Dense

	z, f [][]float64 // by stage
	w    []float64
	cw   [][]complex128 // by pair

	// The step before, and the weights of its collocation polynomial.
	t0, h0  float64
	k0      [][]float64
	known   bool
	weights [][]float64

	ordering
}

// ordering is what tells whether another order would do better.
type ordering struct {
	taken    int     // steps of this order in a row
	count    int     // iterations of the last step
	rate     float64 // of their convergence; 0: not known
	unsolved bool    // since the last step that stood there was one whose equations were not solved
}

func newCoupling(m *implicit) *coupling {
	s := len(m.tab.C) - 1
	x := &coupling{
		implicit: m, s: s, ainv: inverse(m.tab), z: matrix(s, m.n), f: matrix(s, m.n), w: make([]float64, m.n), k0: matrix(s, m.n),
	}
	for i := range s {
		x.weights = append(x.weights, primitive(m.tab.C[1:], i))
	}
	var e mat.Eigen
	e.Factorize(x.ainv, mat.EigenRight)
	values := e.Values(nil)
	var vectors mat.CDense
	e.VectorsTo(&vectors)
	inv := inverseOf(&vectors, s)
	for k, v := range values {
		column := make([]complex128, s)
		for i := range column {
			column[i] = vectors.At(i, k)
		}
		switch {
		case imag(v) == 0:
			x.single = real(v)
			for i := range s {
				x.one, x.oneInv = append(x.one, real(column[i])), append(x.oneInv, real(inv[k][i]))
			}
		case imag(v) > 0:
			x.values, x.t, x.inv = append(x.values, v), append(x.t, column), append(x.inv, inv[k])
			x.cw = append(x.cw, make([]complex128, m.n))
		}
	}
	return x
}

// inverseOf is the inverse of a complex matrix, by elimination with pivots.
func inverseOf(a *mat.CDense, n int) [][]complex128 {
	rows := make([][]complex128, n)
	for i := range rows {
		rows[i] = make([]complex128, 2*n)
		for j := range n {
			rows[i][j] = a.At(i, j)
		}
		rows[i][n+i] = 1
	}
	for k := range n {
		for i := k + 1; i < n; i++ {
			if cmplx.Abs(rows[i][k]) > cmplx.Abs(rows[k][k]) {
				rows[i], rows[k] = rows[k], rows[i]
			}
		}
		pivot := rows[k][k]
		for j := range rows[k] {
			rows[k][j] /= pivot
		}
		for i := range rows {
			if c := rows[i][k]; i != k && c != 0 {
				for j := range rows[i] {
					rows[i][j] -= c * rows[k][j]
				}
			}
		}
	}
	for i := range rows {
		rows[i] = rows[i][n:]
	}
	return rows
}

// factor factorises the complex systems.
func (x *coupling) factor() bool {
	at := x.at
	for len(at.pairs) < len(x.values) {
		at.pairs = append(at.pairs, sparse.NewLU[complex128](at.pattern.Plan()))
	}
	for k, v := range x.values {
		if !at.pairs[k].Factor(1, complex(-x.H, 0)/v, at.values) {
			return false
		}
	}
	return true
}

// arrive keeps the step before, which is in the block yet, if the run goes on from it.
func (x *coupling) arrive(fresh bool) {
	switch {
	case fresh:
		x.known, x.ordering = false, ordering{}
	case x.T != x.t0: // else the same step is tried again
		x.h0 = x.T - x.t0
		x.known = x.outcome == converged && x.h0 > 0
		for j, k := range x.k0 {
			copy(k, x.K[j+1])
		}
	}
	x.t0 = x.T
}

// start sets z to where Newton's method begins: the collocation polynomial of the step
// before goes on.
func (x *coupling) start() {
	for i, z := range x.z {
		clear(z)
		if !x.known {
			continue
		}
		theta := 1 + x.tab.C[i+1]*x.H/x.h0
		for j, p := range x.weights {
			addScaled(z, x.h0*(polynomial(p, theta)-polynomial(p, 1)), x.k0[j])
		}
	}
}

// allowed is what the estimate of the error counts, whose order is s beside 2s − 1 of the solution:
// where the tolerance is tight it is far beyond the error. The tolerance that asks as much of the estimate as
// rtol of an error of h²ˢ is rtol^((s+1)/2s).
//
// Hairer and Wanner's programs RADAU5 and RADAU do so too.
func (x *coupling) allowed(rtol float64) float64 {
	s := float64(x.s)
	return math.Min(1, safeEstimate*math.Pow(rtol, 1-(s+1)/(2*s)))
}

// safeEstimate is by how much the estimate is asked for more.
const safeEstimate = 30

// Reorder is by how many places the next step is to be further on in Tableau.Orders, behind a
// step that stands: on, where for a while all equations have been solved at once and lengths
// have stayed what they are; back, where Newton's method converges badly.
//
// E. Hairer, G. Wanner, J. Comput. Appl. Math. 111, 93–111, 1999, section 4, whose bounds these are.
func Reorder(s *Stepper) int {
	if s.imp == nil || s.imp.full == nil || s.tab.Orders == nil {
		return 0
	}
	x := s.imp.full
	i, bad := slices.Index(s.tab.Orders, s.tab), x.unsolved || x.ordering.rate >= 0.8
	x.unsolved = false
	x.taken++
	switch ratio := x.H / x.h0; {
	case bad && i > 0:
		return -1
	case bad || i == len(s.tab.Orders)-1 || !x.known || x.taken <= 10:
		return 0
	case x.ordering.rate <= 0.002 && ratio > 0.8 && ratio < 1.2:
		return 1
	}
	return 0
}

// polynomial is Σ p[k] θᵏ⁺¹.
func polynomial(p []float64, theta float64) (v float64) {
	for k := len(p) - 1; k >= 0; k-- {
		v = (v + p[k]) * theta
	}
	return v
}

// solve solves the equations of all stages for zᵢ = yᵢ − y₀.
func (x *coupling) solve() newtonOutcome {
	x.start()
	var newton iteration
	newton.begin(x.implicit)
	for {
		for i, z := range x.z {
			y := x.Y[i+1]
			for l := range z {
				y[l] = x.Y[0][l] + z[l]
			}
			x.sys.RHS(x.tab.StageTime(i+1, x.T, x.H), y, x.f[i])
		}
		size := x.correct()
		out, done := newton.next(x.implicit, size)
		if !done {
			continue
		}
		x.ordering.count, x.ordering.rate = newton.count, newton.rate
		if out != converged {
			x.slow, x.unsolved = true, true
			return out
		}
		x.finish()
		return converged
	}
}

// correct adds a correction to z, and returns its size.
//
// With the part w = T⁻¹z of an eigenvalue λ of A⁻¹ it solves
// (I − h/λ J) Δw = h/λ (T⁻¹f) − w.
func (x *coupling) correct() float64 {
	for l := range x.w {
		w, f := 0., 0.
		for i, c := range x.oneInv {
			w = math.FMA(c, x.z[i][l], w)
			f = math.FMA(c, x.f[i][l], f)
		}
		x.w[l] = x.H/x.single*f - w
	}
	x.at.real.Solve(x.w)
	for k, v := range x.values {
		d, hv := x.cw[k], complex(x.H, 0)/v
		for l := range d {
			var w, f complex128
			for i, c := range x.inv[k] {
				w += c * complex(x.z[i][l], 0)
				f += c * complex(x.f[i][l], 0)
			}
			d[l] = hv*f - w
		}
		x.at.pairs[k].Solve(d)
	}
	sum := 0.
	for i, z := range x.z {
		for l := range z {
			d := x.one[i] * x.w[l]
			for k, w := range x.cw {
				d += 2 * real(x.t[k][i]*w[l])
			}
			z[l] += d
			x.r[l] = d
		}
		size := x.norm(x.r, x.Y[i+1], x.f[i])
		if x.count == 0 && !(size <= sum) {
			sum = size
		} else if x.count > 0 {
			sum += size * size / float64(x.s)
		}
	}
	if x.count == 0 {
		return sum
	}
	return math.Sqrt(sum)
}

// finish sets the stages: k = A⁻¹z/h, which keeps its digits where the field is stiff.
func (x *coupling) finish() {
	for i := range x.s {
		for l := range x.w {
			sum := 0.
			for j := range x.s {
				sum = math.FMA(x.ainv.At(i, j), x.z[j][l], sum)
			}
			x.K[i+1][l] = sum / x.H
			x.Y[i+1][l] = x.Y[0][l] + x.z[i][l]
		}
	}
}
