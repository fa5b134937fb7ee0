package solvers

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/sparse"
)

// Radau is the Radau IIA method of order five with an error estimate of order three and an
// interpolant of order four: 3 stages, stiffly accurate, L-stable.
//
// E. Hairer, G. Wanner, Solving ODEs II, 2nd ed., IV.5 and IV.8.
var Radau = radauIIA(3, Tableau{
	Name: "radau",
	Doc:  "Radau IIA of order 5, implicit, adaptive; for stiff models at tight tolerances",
})

// radauIIA completes a Radau IIA method of s stages: the collocation at the zeros of
// P_s − P_{s−1}, moved to [0, 1], behind a first stage at the start, whose derivative its
// dense output goes on with.
func radauIIA(s int, m Tableau) *Tableau {
	m.Family, m.FSAL = Implicit, true
	m.Order, m.ErrOrder, m.DenseOrder = 2*s-1, s, s+1
	c := radauNodes(s)
	m.C = append([]float64{0}, c...)
	m.A = [][]float64{{}}
	for _, end := range c {
		m.A = append(m.A, append([]float64{0}, integrals(c, end)...))
	}
	m.B = m.A[s]
	// The interpolant's derivative is the polynomial through all stage derivatives.
	m.Dense = make([][]float64, s+1)
	for i := range m.Dense {
		m.Dense[i] = primitive(m.C, i)
	}
	// The embedded solution has the weight 1/γ̂ for the derivative at the start, with the
	// real eigenvalue γ̂ of the inverse of A, and order s: IV.8 (8.17).
	gamma0 := 1 / realEigenvalue(&m)
	v := mat.NewDense(s, s, nil)
	right := mat.NewVecDense(s, nil)
	for k := range s {
		for i, x := range c {
			v.Set(k, i, math.Pow(x, float64(k)))
		}
	}
	right.SetVec(0, -gamma0)
	var e mat.VecDense
	if err := e.SolveVec(v, right); err != nil {
		panic("solvers: the error of a Radau method has no weights")
	}
	m.E = append([]float64{gamma0}, e.RawVector().Data...)
	return &m
}

// radauNodes are the zeros of P_s − P_{s−1} on [0, 1], the last of which is 1.
func radauNodes(s int) []float64 {
	value := func(c float64) (v, slope float64) {
		x := 2*c - 1
		p0, p1 := 1., x // Legendre polynomials and their derivatives
		d0, d1 := 0., 1.
		for k := 1; k < s; k++ {
			a, b := float64(2*k+1)/float64(k+1), float64(k)/float64(k+1)
			p0, p1, d0, d1 = p1, a*x*p1-b*p0, d1, a*(p1+x*d1)-b*d0
		}
		return p1 - p0, 2 * (d1 - d0)
	}
	var list []float64
	const looks = 1000
	for k := range looks {
		lo, hi := float64(k)/looks, float64(k+1)/looks
		a, _ := value(lo)
		if b, _ := value(hi); a*b >= 0 || k == looks-1 {
			continue
		}
		c := (lo + hi) / 2
		for range 50 {
			v, slope := value(c)
			c -= v / slope
		}
		list = append(list, c)
	}
	return append(list, 1)
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

// integrals are those of the Lagrange polynomials of the nodes from 0 to end.
func integrals(nodes []float64, end float64) []float64 {
	list := make([]float64, len(nodes))
	for i := range nodes {
		list[i] = polynomial(primitive(nodes, i), end)
	}
	return list
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
		x.known = false
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
		if out != converged {
			x.slow = true
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
