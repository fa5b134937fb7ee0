package solvers

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/sparse"
)

// Jacobians of the systems of other tests.

var full1, full2 = sparse.Full(1), sparse.Full(2)

func (linear) Pattern() *sparse.Pattern { return full1 }

func (l linear) Jacobian(_ float64, _, values, byTime []float64) {
	values[0], byTime[0] = float64(l), 0
}

func (wave) Pattern() *sparse.Pattern { return full2 }

func (wave) Jacobian(t float64, y, values, byTime []float64) {
	s, c := math.Sincos(t)
	copy(values, []float64{0, c / math.Exp(s), c * y[1], c * (1 + y[0] - s)})
	copy(byTime, []float64{(-s - c*c) * y[1] / math.Exp(s), -s*y[1]*(1+y[0]-s) - c*c*y[1]})
}

func (s *pendulum) Pattern() *sparse.Pattern { return full2 }

func (s *pendulum) Jacobian(t float64, y, values, byTime []float64) {
	copy(values, []float64{0, 1, -s.p[0]*math.Cos(y[0]) + math.Sin(t), -s.p[1]})
	copy(byTime, []float64{0, math.Cos(t) * y[0]})
}

// The Jacobian is [[0, 1], [−p₀ cos y₀ + sin t, −p₁]], the derivative by time (0, y₀ cos t).
func (s *pendulum) JacobianVJP(t float64, y, lambda, u []float64, tau float64, yBar []float64) float64 {
	sin, cos := math.Sincos(t)
	yBar[0] += lambda[1] * (s.p[0]*math.Sin(y[0])*u[0] + tau*cos)
	s.pBar[0] -= lambda[1] * math.Cos(y[0]) * u[0]
	s.pBar[1] -= lambda[1] * u[1]
	return lambda[1] * (cos*u[0] - tau*y[0]*sin)
}

func (s *pendulum) JacobianJVP(t, tDot float64, y, yDot, u []float64, tau float64, out []float64) {
	sin, cos := math.Sincos(t)
	out[0] = 0
	out[1] = (s.p[0]*math.Sin(y[0])*u[0]+tau*cos)*yDot[0] - math.Cos(y[0])*u[0]*s.pDot[0] - u[1]*s.pDot[1] + (cos*u[0]-tau*y[0]*sin)*tDot
}

// implicits are the methods that solve equations, each order of one that changes it by itself.
func implicits() (list []*Tableau) {
	for _, m := range Methods {
		switch {
		case m.Family != Implicit:
		case m.Orders != nil:
			list = append(list, m.Orders...)
		default:
			list = append(list, m)
		}
	}
	return list
}

// tree is a rooted tree: what grows on its root.
type tree []tree

// trees are those of a number of nodes.
func trees(nodes int) (list []tree) {
	var forests func(nodes, most, first int) [][]tree // of trees up to that size and, of it, up to that number
	sized := map[int][]tree{}
	forests = func(nodes, most, first int) (list [][]tree) {
		if nodes == 0 {
			return [][]tree{nil}
		}
		for size := min(nodes, most); size > 0; size-- {
			last := len(sized[size])
			if size == most {
				last = min(first, last)
			}
			for k := last - 1; k >= 0; k-- {
				for _, rest := range forests(nodes-size, size, k+1) {
					list = append(list, append([]tree{sized[size][k]}, rest...))
				}
			}
		}
		return list
	}
	for n := 1; n <= nodes; n++ {
		for _, f := range forests(n-1, n-1, 1<<30) {
			sized[n] = append(sized[n], f)
		}
	}
	return sized[nodes]
}

func (x tree) nodes() int {
	n := 1
	for _, b := range x {
		n += b.nodes()
	}
	return n
}

func (x tree) density() float64 {
	g := float64(x.nodes())
	for _, b := range x {
		g *= b.density()
	}
	return g
}

// phi are the elementary weights of the stages.
func (x tree) phi(m *Tableau) []float64 {
	v := make([]float64, len(m.C))
	for i := range v {
		v[i] = 1
	}
	for _, b := range x {
		w := b.phi(m)
		for i, row := range m.A {
			sum := 0.
			for j, a := range row {
				sum += a * w[j]
			}
			v[i] *= sum
		}
	}
	return v
}

// TestTrees: there are so many rooted trees (N.J.A. Sloane, OEIS A000081).
func TestTrees(t *testing.T) {
	for i, n := range []int{1, 1, 2, 4, 9, 20, 48, 115, 286} {
		require.Len(t, trees(i+1), n)
	}
}

// TestTreeConditions: all order conditions hold, of the solution, of the embedded one and
// of the dense output, and not those of the next order.
func TestTreeConditions(t *testing.T) {
	for _, m := range implicits() {
		sum := func(weight func(i int) float64, phi []float64) (v float64) {
			for i, p := range phi {
				v += weight(i) * p
			}
			return v
		}
		end := func(i int) float64 { return m.B[i] }
		embedded := func(i int) float64 { return m.B[i] - m.E[i] }
		worst := map[string]map[int]float64{"end": {}, "embedded": {}, "dense": {}}
		note := func(what string, order int, off float64) {
			worst[what][order] = math.Max(worst[what][order], math.Abs(off))
		}
		for order := 1; order <= min(m.Order+1, 7); order++ {
			for _, x := range trees(order) {
				phi := x.phi(m)
				note("end", order, sum(end, phi)-1/x.density())
				note("embedded", order, sum(embedded, phi)-1/x.density())
				for _, theta := range []float64{0.3, 0.6, 0.9} {
					note("dense", order, sum(func(i int) float64 { return m.value(i, theta) }, phi)-math.Pow(theta, float64(order))/x.density())
				}
			}
		}
		for what, order := range map[string]int{"end": m.Order, "embedded": m.ErrOrder, "dense": m.DenseOrder} {
			for k, off := range worst[what] {
				if k <= order {
					require.Less(t, off, max(3e-14, 4*roundOff(m.Dense[len(m.C)/2])), "%s, %s, order %d", m.Name, what, k)
				} else if k == order+1 {
					require.Greater(t, off, 1e-6, "%s, %s, order %d", m.Name, what, k)
				}
			}
		}
	}
}

// TestCollocation: the methods of Radau satisfy the simplifying conditions B(2s−1), C(s) and D(s−1),
// from which their order follows, and not B(2s). The eigenvectors that part their stages do.
//
// J.C. Butcher, Math. Comp. 18, 50–64, 1964.
func TestCollocation(t *testing.T) {
	for k, m := range Radau.Orders {
		s := 3 + 2*k
		c, b := m.C[1:], m.B[1:]
		require.Len(t, c, s)
		for q := 1; q <= 2*s; q++ {
			quadrature := 0.
			for i := range c {
				quadrature += b[i] * math.Pow(c[i], float64(q-1))
			}
			if off := math.Abs(quadrature - 1/float64(q)); q == 2*s {
				require.Greater(t, off, 1e-9, m.Name)
			} else {
				require.Less(t, off, 2e-15, "%s, B, %d", m.Name, q)
			}
			for i := range c {
				stage, back := 0., 0.
				for j := range c {
					stage += m.A[i+1][j+1] * math.Pow(c[j], float64(q-1))
					back += b[j] * math.Pow(c[j], float64(q-1)) * m.A[j+1][i+1]
				}
				if q <= s {
					require.InDelta(t, math.Pow(c[i], float64(q))/float64(q), stage, 2e-15, "%s, C, %d", m.Name, q)
				}
				if q <= s-1 {
					require.InDelta(t, b[i]*(1-math.Pow(c[i], float64(q)))/float64(q), back, 2e-15, "%s, D, %d", m.Name, q)
				}
			}
		}
		x := NewStepper(m, 1).imp.full
		for i := range s {
			for j := range s {
				sum := x.one[i] * x.single * x.oneInv[j]
				for p, v := range x.values {
					sum += 2 * real(x.t[p][i]*v*x.inv[p][j])
				}
				require.InDelta(t, x.ainv.At(i, j), sum, 1e-11, m.Name)
			}
		}
	}
}

// TestReorder: the order rises where the equations of ten steps of one length are solved at once, and
// falls where they are not solved.
func TestReorder(t *testing.T) {
	s := NewStepper(Radau, 1)
	s.Tolerances(1, 1e-8, 1e-8, 1e-3)
	s.Start(linear(-1), 0, []float64{1})
	step := func(sys Linear, h float64) int {
		s.Step(sys, h)
		shift := Reorder(s)
		s.Continue(s.T + h)
		return shift
	}
	for k := range 10 {
		require.Zero(t, step(linear(-1), 0.01), k)
	}
	require.Zero(t, step(linear(-1), 0.013), "lengths grow")
	require.Equal(t, 1, step(linear(-1), 0.013))

	high := NewStepper(Radau.Orders[2], 2)
	high.Tolerances(2, 1e-8, 1e-8, 1e-3)
	high.Start(wave{}, 0, waveAt(0))
	for range 12 {
		high.Step(wave{}, 0.01)
		require.Zero(t, Reorder(high), "there is no higher one")
		high.Continue(high.T + 0.01)
	}
	high.Step(wave{}, 300)
	require.False(t, Solved(high))
	high.Step(wave{}, 0.01)
	require.Equal(t, -1, Reorder(high))
}

// TestStiffStability: a step of y' = λy multiplies by what the stages come to, which is
// the exponential function to the order near zero, at most one in size in the left half
// plane, and zero at infinity.
func TestStiffStability(t *testing.T) {
	for _, m := range implicits() {
		end := func(z float64) float64 {
			s := NewStepper(m, 1)
			s.Start(linear(z), 0, []float64{1})
			s.Step(linear(z), 1)
			return s.End()[0]
		}
		for _, z := range []float64{-0.05, 0.04} {
			require.InDelta(t, math.Exp(z), end(z), 2e-15+math.Pow(math.Abs(z), float64(m.Order+1)), m.Name)
		}
		for k := range 60 {
			z := -math.Pow(10, -2+float64(k)/4)
			require.LessOrEqual(t, math.Abs(end(z)), 1., "%s at %g", m.Name, z)
		}
		require.Less(t, math.Abs(end(-1e12)), 1e-10, m.Name)
	}
}

// prothero is y' = λ(y − φ) + φ', whose solution is φ(t) = sin(t + 1/2) for any λ.
//
// A. Prothero, A. Robinson, Math. Comp. 28, 145–162, 1974.
type prothero float64

func (l prothero) RHS(t float64, y, dy []float64) {
	s, c := math.Sincos(t + 0.5)
	dy[0] = float64(l)*(y[0]-s) + c
}

func (prothero) Pattern() *sparse.Pattern { return full1 }

func (l prothero) Jacobian(t float64, _, values, byTime []float64) {
	s, c := math.Sincos(t + 0.5)
	values[0], byTime[0] = float64(l), -float64(l)*c-s
}

// TestStiffAccuracy: stiff equations are solved at tolerances, and so is the dense output of long
// steps, which has the order of the stages alone: that is what the steps of kvaerno5, whose stages
// have order two, are for.
func TestStiffAccuracy(t *testing.T) {
	for _, m := range implicits() {
		for _, rtol := range []float64{1e-4, 1e-7} {
			s, c := NewStepper(m, 1), NewController(m)
			s.Tolerances(1, rtol, rtol, 1e-2)
			sys, now, steps := prothero(-1e6), 0., 0
			s.Start(sys, now, []float64{math.Sin(0.5)})
			h := s.FirstStep(sys, 1, rtol, rtol, 10)
			mid, worst := make([]float64, 1), 0.
			for now < 10 {
				h = min(h, 10-now, 0.1)
				s.Step(sys, h)
				ok, next := c.Judge(s.MeanError(1, rtol, rtol), h)
				if steps++; ok {
					s.Dense(0.6, mid)
					worst = math.Max(worst, math.Abs(mid[0]-math.Sin(now+0.6*h+0.5)))
					now += h
					s.Continue(now)
				}
				h = next
			}
			require.InDelta(t, math.Sin(10.5), s.Y[0][0], 10*rtol, "%s at %g", m.Name, rtol)
			require.Less(t, worst, 3*rtol, "%s at %g", m.Name, rtol)
			most := 200
			if m == Kvaerno5 && rtol == 1e-7 {
				most = 500
			}
			require.Less(t, steps, most, "%s at %g", m.Name, rtol)
		}
	}
}

// TestImplicitAllocatesNothing: neither does a step nor its derivatives.
func TestImplicitAllocatesNothing(t *testing.T) {
	for _, m := range implicits() {
		s := NewStepper(m, 2)
		sys := &pendulum{p: []float64{2, 0.5}, pBar: make([]float64, 2), pDot: make([]float64, 2)}
		s.Tolerances(2, 1e-6, 1e-6, 1e-2)
		s.Start(sys, 0, []float64{1, 0.5})
		y, bar := []float64{1, 0.5}, make([]float64, 2)
		run := func() {
			s.Start(sys, 0, y)
			s.Step(sys, 0.1)
			s.MeanError(2, 1e-6, 1e-6)
			s.Continue(0.1)
			s.Step(sys, 0.1)
			s.VJP(sys, y, bar)
			s.JVP(sys, 0, 0, y, bar)
		}
		run()
		require.Zero(t, testing.AllocsPerRun(100, run), m.Name)
	}
}
