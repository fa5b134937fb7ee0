package solvers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// wave is a forced, non-linear, non-autonomous pair with
// the closed form y = (sin t, exp(sin t)).
type wave struct{}

func (wave) RHS(t float64, y, dy []float64) {
	dy[0] = math.Cos(t) * y[1] / math.Exp(math.Sin(t))
	dy[1] = math.Cos(t) * y[1] * (1 + y[0] - math.Sin(t))
}

func waveAt(t float64) []float64 { return []float64{math.Sin(t), math.Exp(math.Sin(t))} }

func solveFixed(m *Tableau, sys System, t0, t1 float64, y0 []float64, n int) (end []float64, denseErr float64) {
	s := NewStepper(m, len(y0))
	s.Start(sys, t0, y0)
	h := (t1 - t0) / float64(n)
	mid := make([]float64, len(y0))
	for i := range n {
		step(s, sys, h)
		for _, th := range []float64{0.3, 0.7} {
			s.Dense(th, mid)
			want := waveAt(s.T + th*h)
			for l := range mid {
				denseErr = math.Max(denseErr, math.Abs(mid[l]-want[l]))
			}
		}
		if i < n-1 {
			s.Continue(t0 + float64(i+1)*h)
		}
	}
	return s.End(), denseErr
}

// slope is the least-squares slope of log err against log h.
func slope(h, err []float64) float64 {
	n, sx, sy, sxx, sxy := float64(len(h)), 0., 0., 0., 0.
	for i := range h {
		x, y := math.Log(h[i]), math.Log(err[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// oneStep are the methods whose steps know of none before.
func oneStep() (list []*Tableau) {
	for _, m := range Methods {
		switch {
		case m.Family == Multistep || m.Family == Symplectic: // which have tests of their own
		case m.Orders != nil:
			list = append(list, m.Orders...)
		default:
			list = append(list, m)
		}
	}
	return list
}

func TestOrder(t *testing.T) {
	for _, m := range oneStep() {
		if m.Order > 9 { // no room between steps that are too long and round-off: see TestCollocation
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			var hs, ends, denses []float64
			n0 := []int{0, 400, 200, 100, 60, 48, 0, 12, 8, 5}[m.Order] // fine enough to be asymptotic, far from round-off
			switch m {
			case Radau:
				n0 = 12
			case Rodas4:
				n0 = 480
			}
			off, offDense := 0.2, 0.25
			if m.Order > 5 { // there is little room between the two
				off, offDense = 0.35, 0.35
			}
			t1 := 3.
			if m == Dop853 { // whose leading errors cancel there
				t1 = 2
			}
			for _, k := range []int{1, 2, 3, 4} {
				n := n0 * k
				end, dense := solveFixed(m, wave{}, 0, t1, waveAt(0), n)
				want := waveAt(t1)
				hs = append(hs, t1/float64(n))
				ends = append(ends, math.Hypot(end[0]-want[0], end[1]-want[1]))
				denses = append(denses, dense)
			}
			got := slope(hs, ends)
			if m == Rodas4 { // the terms of order four are small here; see TestRosenbrockConditions
				got = min(got, float64(m.Order))
			}
			require.InDelta(t, m.Order, got, off, "order of the solution")
			// The interpolant adds a local error of order DenseOrder+1 to a
			// global error of order Order: the smaller of the two shows.
			want := math.Min(float64(m.DenseOrder+1), float64(m.Order))
			require.InDelta(t, want, slope(hs, denses), offDense, "order of the dense output")
		})
	}
}

// TestOrderConditions checks Σ bᵢ(θ) cᵢᵏ = θ^{k+1}/(k+1), the row sums, and that the
// dense output and its rate go on at both ends.
func TestOrderConditions(t *testing.T) {
	for _, m := range Methods {
		if m.Family == Rosenbrock || m.Family == Multistep || m.Family == Symplectic || m.Family == Stabilised { // their stages are no rates
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			for i, row := range m.A {
				sum := 0.
				for _, a := range row {
					sum += a
				}
				require.InDelta(t, m.C[i], sum, max(1e-14, roundOff(row)), "row %d", i)
			}
			require.Equal(t, 1., m.C[m.End()])
			if m.Family == Explicit {
				require.Zero(t, m.B[m.End()])
				require.InDeltaSlice(t, m.B[:m.End()], m.A[m.End()], 1e-15)
			}
			for _, theta := range []float64{0.2, 0.5, 1} {
				for k := range m.DenseOrder {
					sum, off := 0., 1e-13
					for i, c := range m.C {
						b := m.value(i, theta)
						sum += b * math.Pow(c, float64(k))
						off = max(off, 4*roundOff(m.Dense[i]))
					}
					require.InDelta(t, math.Pow(theta, float64(k+1))/float64(k+1), sum, off)
				}
			}
			for i := range m.C {
				b := 0.
				if i < len(m.B) {
					b = m.B[i]
				}
				got, rate := m.Weight(i, 1)
				require.InDelta(t, b, got, max(1e-13, roundOff(m.Dense[i])), "b%d(1)", i)
				_, first := m.Weight(i, 0)
				require.InDelta(t, truth(i == 0), first, 1e-13, "slope of b%d at 0", i)
				require.InDelta(t, truth(i == m.End()), rate, max(1e-13, 10*roundOff(m.Dense[i])), "slope of b%d at 1", i)
			}
		})
	}
}

// truth is 1 or 0.
func truth(c bool) float64 {
	if c {
		return 1
	}
	return 0
}

// roundOff is what the rounding of coefficients and of their sum may come to.
func roundOff(p []float64) (off float64) {
	for _, v := range p {
		off += 0x1p-52 * math.Abs(v)
	}
	return off
}

// TestOrderConditionsOfTrees: the conditions of all rooted trees, up to the order of a method,
// of its dense output, and of its estimates of the error: Σ bᵢ(θ) Φᵢ(τ) = θ^|τ|/γ(τ). Beyond
// them they are broken.
//
// J.C. Butcher, Numerical Methods for Ordinary Differential Equations, 3rd ed., 315.
func TestOrderConditionsOfTrees(t *testing.T) {
	forest := rootedTrees(10)
	for i, n := range []int{1, 1, 2, 4, 9, 20, 48, 115, 286, 719} { // OEIS A000081
		require.Len(t, forest[i], n)
	}
	for _, m := range of(Explicit) {
		t.Run(m.Name, func(t *testing.T) {
			phi := map[*rooted][]float64{}
			// worst is the largest error of the conditions of trees of n nodes.
			worst := func(n int, weight func(i int) float64, theta, part float64) (off float64) {
				for _, tau := range forest[n-1] {
					sum := -part * math.Pow(theta, float64(n)) / tau.density()
					for i, v := range tau.weights(m, phi) {
						sum += weight(i) * v
					}
					off = max(off, math.Abs(sum))
				}
				return off
			}
			of := func(b []float64) func(int) float64 {
				return func(i int) float64 {
					if i < len(b) {
						return b[i]
					}
					return 0
				}
			}
			off := 1e-14
			for _, row := range append(m.Dense, m.B) {
				off = max(off, 8*roundOff(row))
			}
			for n := 1; n <= m.Order; n++ {
				require.Less(t, worst(n, of(m.B), 1, 1), 2e-14, "order %d", n)
			}
			require.Greater(t, worst(m.Order+1, of(m.B), 1, 1), 1e-8)
			for _, theta := range []float64{0.3, 0.8} {
				at := func(i int) float64 { return m.value(i, theta) }
				for n := 1; n <= m.DenseOrder; n++ {
					require.Less(t, worst(n, at, theta, 1), off, "dense output of order %d", n)
				}
				require.Greater(t, worst(m.DenseOrder+1, at, theta, 1), 1e-8)
			}
			for _, e := range []struct {
				weights []float64
				order   int
			}{{m.E, errOrder(m)}, {m.E2, 3}} {
				if e.weights == nil {
					continue
				}
				for n := 1; n <= e.order; n++ {
					require.Less(t, worst(n, of(e.weights), 1, 0), 1e-13, "error of order %d", n)
				}
				require.Greater(t, worst(e.order+1, of(e.weights), 1, 0), 1e-8)
			}
		})
	}
}

// errOrder is the order of a method's first estimate of the error.
func errOrder(m *Tableau) int {
	if m.E2 != nil {
		return 5 // of dop853
	}
	return m.ErrOrder
}

// rooted is a rooted tree, by the trees that hang at its root.
type rooted struct{ subtrees []*rooted }

// trees are the rooted trees of 1 to n nodes, by their number of nodes less one.
func rootedTrees(n int) (forest [][]*rooted) {
	forest = [][]*rooted{{{}}}
	for len(forest) < n {
		var grown []*rooted
		// hang hangs trees of rest nodes together at a root, none of them behind the last in the
		// order of the forest: of nodes, then of place.
		var hang func(rest, nodes, place int, at []*rooted)
		hang = func(rest, nodes, place int, at []*rooted) {
			if rest == 0 {
				grown = append(grown, &rooted{slices.Clone(at)})
				return
			}
			for k := min(rest, nodes); k >= 1; k-- {
				for i, sub := range forest[k-1] {
					if k == nodes && i > place {
						break
					}
					hang(rest-k, k, i, append(at, sub))
				}
			}
		}
		hang(len(forest), len(forest), len(forest[len(forest)-1]), nil)
		forest = append(forest, grown)
	}
	return forest
}

func (t *rooted) nodes() (n float64) {
	n = 1
	for _, sub := range t.subtrees {
		n += sub.nodes()
	}
	return n
}

// density is γ(τ).
func (t *rooted) density() (d float64) {
	d = t.nodes()
	for _, sub := range t.subtrees {
		d *= sub.density()
	}
	return d
}

// weights are Φᵢ(τ) of a method's stages.
func (t *rooted) weights(m *Tableau, known map[*rooted][]float64) []float64 {
	if v := known[t]; v != nil {
		return v
	}
	v := make([]float64, m.Stages())
	for i := range v {
		v[i] = 1
	}
	for _, sub := range t.subtrees {
		u := sub.weights(m, known)
		for i, row := range m.A {
			sum := 0.
			for j, a := range row {
				sum += a * u[j]
			}
			v[i] *= sum
		}
	}
	known[t] = v
	return v
}

// pendulum is a non-linear, non-autonomous system with parameters.
type pendulum struct{ p, pBar, pDot []float64 }

func (s *pendulum) RHS(t float64, y, dy []float64) {
	dy[0] = y[1]
	dy[1] = -s.p[0]*math.Sin(y[0]) - s.p[1]*y[1] + math.Sin(t)*y[0]
}

func (s *pendulum) RHSVJP(t float64, y, ct, yBar []float64) float64 {
	yBar[0] += ct[1] * (-s.p[0]*math.Cos(y[0]) + math.Sin(t))
	yBar[1] += ct[0] - s.p[1]*ct[1]
	s.pBar[0] -= ct[1] * math.Sin(y[0])
	s.pBar[1] -= ct[1] * y[1]
	return ct[1] * math.Cos(t) * y[0]
}

func (s *pendulum) RHSJVP(t, td float64, y, yd, out []float64) {
	out[0] = yd[1]
	out[1] = (-s.p[0]*math.Cos(y[0])+math.Sin(t))*yd[0] - s.p[1]*yd[1] + math.Cos(t)*y[0]*td -
		math.Sin(y[0])*s.pDot[0] - y[1]*s.pDot[1]
}

// TestStepDerivatives compares the VJP and JVP of a step and its dense output
// with central differences, by start, time, length and parameters.
func TestStepDerivatives(t *testing.T) {
	const theta = 0.37
	for _, m := range oneStep() {
		t.Run(m.Name, func(t *testing.T) {
			// x = (y0, y1, t, h, p0, p1)
			x := []float64{0.7, -0.4, 0.3, 0.25, 2.1, 0.6}
			rng := rand.New(rand.NewPCG(1, 2))
			a := []float64{rng.NormFloat64(), rng.NormFloat64()}
			b := []float64{rng.NormFloat64(), rng.NormFloat64()}
			tSave := x[2] + theta*x[3] // held fixed
			value := func(x []float64) float64 {
				s := NewStepper(m, 2)
				sys := &pendulum{p: x[4:]}
				s.Start(sys, x[2], x[:2])
				s.Step(sys, x[3])
				s.Behind(sys)
				mid := make([]float64, 2)
				s.Dense((tSave-x[2])/x[3], mid)
				end := s.End()
				return a[0]*end[0] + a[1]*end[1] + b[0]*mid[0] + b[1]*mid[1]
			}
			want := make([]float64, len(x))
			for i := range x {
				const d = 1e-5
				xp, xm := append([]float64{}, x...), append([]float64{}, x...)
				xp[i] += d
				xm[i] -= d
				want[i] = (value(xp) - value(xm)) / (2 * d)
			}

			sys := &pendulum{p: x[4:], pBar: make([]float64, 2)}
			s := NewStepper(m, 2)
			s.Start(sys, x[2], x[:2])
			s.Step(sys, x[3])
			s.Behind(sys)
			got := make([]float64, 6)
			t1, h1 := s.SeedDense(theta, b, got[:2])
			t2, h2 := s.VJP(sys, a, got[:2])
			got[2], got[3] = t1+t2, h1+h2
			copy(got[4:], sys.pBar)
			require.InDeltaSlice(t, want, got, 1e-8)

			dir := make([]float64, 6)
			dot := 0.
			for i := range dir {
				dir[i] = rng.NormFloat64()
				dot += dir[i] * got[i]
			}
			sys.pDot = dir[4:]
			endDot, midDot := make([]float64, 2), make([]float64, 2)
			s.JVP(sys, dir[2], dir[3], dir[:2], endDot)
			s.DenseJVP(theta, dir[:2], midDot)
			require.InDelta(t, dot, a[0]*endDot[0]+a[1]*endDot[1]+b[0]*midDot[0]+b[1]*midDot[1], 1e-12)
		})
	}
}

func TestAdaptiveTolerance(t *testing.T) {
	for _, m := range oneStep() {
		if !m.Adaptive() {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			for _, rtol := range []float64{1e-4, 1e-6, 1e-8} {
				s, c := NewStepper(m, 2), NewController(m)
				now := 0.
				s.Start(wave{}, now, waveAt(0))
				h := s.FirstStep(wave{}, 2, rtol, rtol, 10)
				for now < 10 {
					h = min(h, 10-now)
					step(s, wave{}, h)
					ok, next := c.Judge(s.MeanError(2, rtol, rtol), h)
					if ok {
						now += h
						s.Continue(now)
					}
					h = next
				}
				want := waveAt(now)
				got := math.Hypot(s.Y[0][0]-want[0], s.Y[0][1]-want[1])
				most := 60.
				if m.Order == 2 { // many small steps
					most = 120
				}
				require.Less(t, got, most*rtol)
			}
		})
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	s := NewStepper(Tsit5, 2)
	sys := System(wave{})
	s.Start(sys, 0, waveAt(0))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Step(sys, 1e-3)
		s.Behind(sys)
		s.MeanError(2, 1e-6, 1e-6)
		s.Continue(s.T + 1e-3)
	}))
}
