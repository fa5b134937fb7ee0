package solvers

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// of lists the methods of a family.
func of(f Family) (list []*Tableau) {
	for _, m := range Methods {
		if m.Family == f {
			list = append(list, m)
		}
	}
	return list
}

// derivatives are the Jacobian of a system and its derivative by time, by differences of
// order six.
func derivatives(sys System, t float64, y []float64) (j *mat.Dense, byTime []float64) {
	n := len(y)
	column := func(i int) []float64 { // n: by time
		const d = 2e-3
		col, f, moved := make([]float64, n), make([]float64, n), make([]float64, n)
		for _, x := range [][2]float64{{1, 45}, {-1, -45}, {2, -9}, {-2, 9}, {3, 1}, {-3, -1}} {
			k, w := x[0], x[1]
			copy(moved, y)
			at := t
			if i < n {
				moved[i] += k * d
			} else {
				at += k * d
			}
			sys.RHS(at, moved, f)
			for l := range col {
				col[l] += w * f[l] / (60 * d)
			}
		}
		return col
	}
	j = mat.NewDense(n, n, nil)
	for i := range n {
		j.SetCol(i, column(i))
	}
	return j, column(n)
}

// rosenbrockStep takes a step of a Rosenbrock method by its equations.
func rosenbrockStep(s *Stepper, sys System, h float64) {
	m, n := s.tab, s.n
	s.H = h
	j, byTime := derivatives(sys, s.T, s.Y[0])
	w := mat.NewDense(n, n, nil)
	for i := range n {
		for l := range n {
			w.Set(i, l, -m.Gamma*h*j.At(i, l))
		}
		w.Set(i, i, 1+w.At(i, i))
	}
	f := make([]float64, n)
	for i := 1; i < len(s.K); i++ {
		combine(s.Y[i], s.Y[0], h, m.A[i], s.K)
		sys.RHS(m.StageTime(i, s.T, h), s.Y[i], f)
		if i == len(s.K)-1 {
			copy(s.K[i], f)
			continue
		}
		for l := range f {
			f[l] += m.Slope[i] * h * byTime[l]
			for q, c := range m.Couple[i] {
				f[l] += c * s.K[q][l]
			}
			f[l] *= m.Gamma
		}
		if err := mat.NewVecDense(n, s.K[i]).SolveVec(w, mat.NewVecDense(n, f)); err != nil {
			panic(err)
		}
	}
}

// step takes a step of any method, with the stages behind its end.
func step(s *Stepper, sys System, h float64) {
	if s.tab.Family == Rosenbrock {
		rosenbrockStep(s, sys, h)
	} else {
		s.Step(sys, h)
		s.Behind(sys)
	}
}

// classical are the coefficients of a Rosenbrock method in its first form, in which the
// stages are kᵢ = hf(y₀ + Σ αᵢⱼkⱼ) + hJ Σ γᵢⱼkⱼ: with Γ = (γᵢⱼ) are u = Γk, C = 1/γ − Γ⁻¹,
// A = αΓ⁻¹ and m = bᵀΓ⁻¹.
//
// E. Hairer, G. Wanner, Solving ODEs II, IV.7 (7.25).
func classical(m *Tableau, weights []float64) (alpha, beta *mat.Dense, b *mat.VecDense) {
	s := len(m.C) - 2
	inverse, a, w := mat.NewDense(s, s, nil), mat.NewDense(s, s, nil), mat.NewVecDense(s, nil)
	for i := range s {
		inverse.Set(i, i, 1/m.Gamma)
		for j := range i {
			inverse.Set(i, j, -m.Couple[i+1][j+1])
			a.Set(i, j, m.A[i+1][j+1])
		}
		w.SetVec(i, weights[i+1])
	}
	var gamma, al, be mat.Dense
	var v mat.VecDense
	if err := gamma.Inverse(inverse); err != nil {
		panic(err)
	}
	al.Mul(a, &gamma)
	be.Add(&al, &gamma)
	v.MulVec(gamma.T(), w)
	return &al, &be, &v
}

// TestRosenbrockConditions: the conditions of order of Hairer–Wanner, Table IV.7.1 up to
// order four, of the methods' weights, of the weights of the error, and of those of the
// dense output; that α and γ have the row sums that C and Slope give; and the conditions of
// order five for J-free trees, which are those of Runge–Kutta methods with β in the place
// of α at nodes with one branch.
func TestRosenbrockConditions(t *testing.T) {
	for _, m := range of(Rosenbrock) {
		alpha, beta, b := classical(m, m.B)
		s := b.Len()
		a, g := make([]float64, s), make([]float64, s)
		for i := range s {
			for j := range s {
				a[i] += alpha.At(i, j)
				g[i] += beta.At(i, j)
			}
			require.InDelta(t, m.C[i+1], a[i], 2e-12, "%s, row %d of α", m.Name, i)
			require.InDelta(t, m.Slope[i+1], g[i]-a[i], 2e-12, "%s, row %d of γ", m.Name, i)
		}
		times := func(x *mat.Dense, v []float64) []float64 {
			var out mat.VecDense
			out.MulVec(x, mat.NewVecDense(s, v))
			return out.RawVector().Data
		}
		by := func(lists ...[]float64) []float64 {
			out := make([]float64, s)
			for i := range out {
				out[i] = 1
				for _, v := range lists {
					out[i] *= v[i]
				}
			}
			return out
		}
		// The trees, with their density: at a node with one branch stands β, with more α.
		type tree struct {
			order   int
			density float64
			phi     []float64
		}
		trees := []tree{
			{1, 1, by()},
			{2, 2, g},
			{3, 3, by(a, a)},
			{3, 6, times(beta, g)},
			{4, 4, by(a, a, a)},
			{4, 8, by(a, times(alpha, g))},
			{4, 12, times(beta, by(a, a))},
			{4, 24, times(beta, times(beta, g))},
			{5, 5, by(a, a, a, a)},
			{5, 10, by(a, a, times(alpha, g))},
			{5, 15, by(a, times(alpha, by(a, a)))},
			{5, 30, by(a, times(alpha, times(beta, g)))},
			{5, 20, by(times(alpha, g), times(alpha, g))},
			{5, 20, times(beta, by(a, a, a))},
			{5, 40, times(beta, by(a, times(alpha, g)))},
			{5, 60, times(beta, times(beta, by(a, a)))},
			{5, 120, times(beta, times(beta, times(beta, g)))},
		}
		check := func(what string, weights []float64, order int, theta, tol float64) {
			_, _, b := classical(m, weights)
			for _, x := range trees {
				if x.order <= order {
					require.InDelta(t, math.Pow(theta, float64(x.order))/x.density, mat.Dot(b, mat.NewVecDense(s, x.phi)), tol,
						"%s, %s, a tree of order %d with density %g", m.Name, what, x.order, x.density)
				}
			}
		}
		check("solution", m.B, m.Order, 1, 1e-11)
		embedded := make([]float64, len(m.B))
		for i := range embedded {
			embedded[i] = m.B[i] - m.E[i]
		}
		check("embedded solution", embedded, m.ErrOrder, 1, 1e-11)
		for _, theta := range []float64{0.2, 0.5, 0.8, 1} {
			w := make([]float64, len(m.C))
			for i := range w {
				w[i], _ = m.Weight(i, theta)
			}
			check("dense output", w, m.DenseOrder, theta, 1e-11)
		}
	}
}

// TestRosenbrockStability: the stability function 1 + z bᵀ(I − zB)⁻¹1, B = α + γ, vanishes
// at infinity, is at most one on the left half plane, and is that of a step.
func TestRosenbrockStability(t *testing.T) {
	for _, m := range of(Rosenbrock) {
		_, beta, b := classical(m, m.B)
		s := b.Len()
		// Of z = iy or real, by a real system of twice the size.
		r := func(re, im float64) (x, y float64) {
			w, v := mat.NewDense(2*s, 2*s, nil), mat.NewVecDense(2*s, nil)
			for i := range s {
				v.SetVec(i, 1)
				w.Set(i, i, 1)
				w.Set(s+i, s+i, 1)
				for j := range s {
					c := beta.At(i, j)
					w.Set(i, j, w.At(i, j)-re*c)
					w.Set(s+i, s+j, w.At(s+i, s+j)-re*c)
					w.Set(i, s+j, im*c)
					w.Set(s+i, j, -im*c)
				}
			}
			var k mat.VecDense
			require.NoError(t, k.SolveVec(w, v))
			for i := range s {
				x += b.AtVec(i) * k.AtVec(i)
				y += b.AtVec(i) * k.AtVec(s+i)
			}
			return 1 + re*x - im*y, re*y + im*x
		}
		x, _ := r(-1e9, 0)
		require.InDelta(t, 0, x, 1e-6, m.Name)
		for e := -2.; e < 6; e += 0.05 {
			x, y := r(0, math.Pow(10, e))
			require.LessOrEqual(t, math.Hypot(x, y), 1+1e-9, "%s at %gi", m.Name, math.Pow(10, e))
		}
		for _, z := range []float64{-1e4, -30, -2.9, -0.7, 0.4} {
			st := NewStepper(m, 1)
			st.Start(linear(z), 0, []float64{1})
			rosenbrockStep(st, linear(z), 1)
			want, _ := r(z, 0)
			require.InDelta(t, want, st.End()[0], 1e-8, "%s at %g", m.Name, z)
		}
		require.Equal(t, 0., m.C[0])
		require.Equal(t, 1., m.C[m.Stages()-1])
	}
}
