package solvers

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Singly diagonally implicit Runge–Kutta methods with an explicit first stage.

// Kvaerno5 is the pair of orders 5 and 4 of Kværnø: 7 stages of stage order two, stiffly
// accurate, both L-stable.
//
// A. Kværnø, BIT Numer. Math. 44, 489–502, 2004.
var Kvaerno5 = esdirk(Tableau{
	Name: "kvaerno5", Order: 5, ErrOrder: 4,
	Doc: "Kværnø 5(4), implicit, adaptive; for stiff models of many states",
	A: [][]float64{
		{},
		{0.26, 0.26},
		{0.13, 0.84033320996790809, 0.26},
		{0.22371961478320505, 0.47675532319799699, -0.06470895363112615, 0.26},
		{0.16648564323248321, 0.10450018841591720, 0.03631482272098715, -0.13090704451073998, 0.26},
		{0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676, 0.26},
		{0.13659751177640291, 0, -0.05496908796538376, -0.04118626728321046, 0.62993304899016403, 0.06962479448202728, 0.26},
	},
	DenseOrder: 4,
}, []float64{0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676, 0.26, 0})

// esdirk completes a method that is given by its stages, the last of which is the end of
// the step, and the weights of its embedded solution.
func esdirk(m Tableau, embedded []float64) *Tableau {
	m.Family, m.FSAL = Implicit, true
	for _, row := range m.A {
		sum := 0.
		for _, a := range row {
			sum += a
		}
		m.C = append(m.C, sum)
	}
	s := len(m.A)
	m.C[s-1] = 1
	m.B = m.A[s-1]
	for i, b := range m.B {
		m.E = append(m.E, b-embedded[i])
	}
	m.Dense = interpolant(&m)
	m.Between = betweenOf(&m)
	return &m
}

// betweenOf is Tableau.Between of a method whose embedded solution is the stage before the last.
//
// In y' = λy all stages have limits for large hλ, and so the derivatives grow with hλ. What the dense
// output makes of them is its error, since the solution is zero there. The last two derivatives differ by
// J times the estimate of the error, which in components that are not stiff is of higher order than that.
func betweenOf(m *Tableau) []float64 {
	s := len(m.C)
	limit := []float64{1}
	for i := 1; i < s; i++ {
		sum := 0.
		for j, y := range limit {
			sum += m.A[i][j] * y
		}
		limit = append(limit, -sum/m.A[i][i])
	}
	most := 0.
	for k := range lookAt {
		off := 0.
		for i, y := range limit {
			off += y * m.value(i, float64(k)/lookAt)
		}
		most = math.Max(most, math.Abs(off))
	}
	w := make([]float64, s)
	w[s-1], w[s-2] = most/limit[s-2], -most/limit[s-2]
	return w
}

// lookAt is the number of places of a step that its dense output is looked at.
const lookAt = 100

// interpolant finds weights of a dense output of degree DenseOrder, at most 4, that goes on smoothly
// from one step to the next: of those that satisfy the conditions of that order for all
// stages of order two, the smallest.
func interpolant(m *Tableau) [][]float64 {
	s, degree := len(m.C), m.DenseOrder
	var list [][]float64
	var right []float64
	equation := func(v float64, row func(i, j int) float64) {
		r := make([]float64, s*degree)
		for i := range s {
			for j := range degree {
				r[i*degree+j] = row(i, j)
			}
		}
		list, right = append(list, r), append(right, v)
	}
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for at := range s { // the end, and the rates there and at the start
		equation(m.B[at], func(i, _ int) float64 { return is(i == at) })
		equation(is(at == 0), func(i, j int) float64 { return is(i == at && j == 0) })
		equation(is(at == s-1), func(i, j int) float64 { return is(i == at) * float64(j+1) })
	}
	power := func(k int) []float64 {
		v := make([]float64, s)
		for i, c := range m.C {
			v[i] = math.Pow(c, float64(k))
		}
		return v
	}
	condition := func(order int, gamma float64, phi []float64) {
		for k := range degree {
			equation(is(k == order-1)/gamma, func(i, j int) float64 { return is(j == k) * phi[i] })
		}
	}
	for k := range degree {
		condition(k+1, float64(k+1), power(k))
	}
	if degree == 4 {
		phi := make([]float64, s)
		for i, row := range m.A {
			for j, a := range row {
				phi[i] += a * m.C[j] * m.C[j]
			}
		}
		condition(4, 12, phi)
	}
	return smallest(list, right, s, degree)
}

// smallest is the smallest solution of linear equations that agree with each other.
func smallest(equations [][]float64, right []float64, s, degree int) [][]float64 {
	a := mat.NewDense(len(equations), s*degree, nil)
	for i, r := range equations {
		a.SetRow(i, r)
	}
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDThin) {
		panic("solvers: a dense output has no weights")
	}
	var x mat.VecDense
	svd.SolveVecTo(&x, mat.NewVecDense(len(right), right), svd.Rank(1e-10))
	return rows(x.RawVector().Data, s, degree)
}

// predictors are, for each stage, weights of those before with which a polynomial through
// the last of them at different times goes on.
func predictors(m *Tableau) [][]float64 {
	const most = 3
	list := make([][]float64, len(m.C))
	for i := 1; i < len(m.C); i++ {
		var at []int
		for j := i - 1; j >= 0 && len(at) < most; j-- {
			apart := true
			for _, k := range at {
				apart = apart && math.Abs(m.C[j]-m.C[k]) > 0.1
			}
			if apart {
				at = append(at, j)
			}
		}
		list[i] = make([]float64, i)
		for _, j := range at {
			w := 1.
			for _, k := range at {
				if k != j {
					w *= (m.C[i] - m.C[k]) / (m.C[j] - m.C[k])
				}
			}
			list[i][j] = w
		}
	}
	return list
}
