package sim

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/solvers"
)

// ode is a model without events: y' = f(t, y).
type ode struct {
	ball
	y0 []float64
	f  func(t float64, y, dy []float64)
}

func (m *ode) Sizes() Sizes                      { return Sizes{Y: len(m.y0), YError: len(m.y0)} }
func (m *ode) Init(_ float64, y, _ []float64)    { copy(y, m.y0) }
func (m *ode) RHS(t float64, y, _, dy []float64) { m.f(t, y, dy) }
func (*ode) Guards(float64, []float64, []float64, []bool, []float64, []float64, []float64) {
}

func (*ode) Spread(float64, []float64, []float64, []float64, float64, []float64, []float64) {
}
func (*ode) Priorities(float64, []float64, []float64, []float64) {}

// linear is y' = Ay.
func linear(y0 []float64, a [][]float64) *ode {
	return &ode{y0: y0, f: func(_ float64, y, dy []float64) {
		for i, row := range a {
			dy[i] = dot(row, y)
		}
	}}
}

// chain are cells that exchange with their neighbours, and with a wall at each end:
// its eigenvalues are −4k sin²(πj/(2n+2)).
func chain(n int, k float64) [][]float64 {
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n)
		a[i][i] = -2 * k
		if i > 0 {
			a[i][i-1], a[i-1][i] = k, k
		}
	}
	return a
}

// TestEigenvalue: the largest eigenvalue of matrices that tell theirs, with states
// that are zero, of very different sizes, or held.
func TestEigenvalue(t *testing.T) {
	ones := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = 1
		}
		return v
	}
	for _, c := range []struct {
		name   string
		y      []float64
		a      [][]float64
		held   []int
		re, im float64
	}{
		{"one that is zero", []float64{10, 0}, [][]float64{{-0.02, 0}, {0, -400}}, nil, -400, 0},
		{"one that is held", []float64{10, 3}, [][]float64{{-0.02, 0}, {0, -400}}, []int{1}, -0.02, 0},
		{"exchange", []float64{2, 2}, [][]float64{{-50, 50}, {50, -50}}, nil, -100, 0},
		{"growth", []float64{1, 1}, [][]float64{{3, 0}, {0, -1}}, nil, 3, 0},
		{"oscillation", []float64{0, 0, 1}, [][]float64{{-20, 300, 0}, {-300, -20, 0}, {0, 0, -1}}, nil, -20, 300},
		{"springs", ones(6), [][]float64{
			{0, 0, 0, 1, 0, 0},
			{0, 0, 0, 0, 1, 0},
			{0, 0, 0, 0, 0, 1},
			{-1, 0, 0, 0, 0, 0},
			{0, -4, 0, 0, 0, 0},
			{0, 0, -900, 0, 0, 0},
		}, nil, 0, 30},
		{"sizes", []float64{1, 1e-6, 1e6}, [][]float64{{-1, 1e5, 1e-8}, {1e-5, -200, 1e-11}, {1, 1, -1}}, nil, -200.0050, 0},
		{"far from normal", ones(3), [][]float64{{-1, 1000, 0}, {0, -2, 1000}, {0, 0, -20}}, nil, -20, 0},
		{"nilpotent", ones(2), [][]float64{{0, 1}, {0, 0}}, nil, 0, 0},
		{"chain", ones(40), chain(40, 100), nil, -400 * math.Pow(math.Sin(math.Pi*40/82), 2), 0},
	} {
		m := linear(c.y, c.a)
		s := New(&Hybrid{}, m.Sizes(), Options{}, nil)
		require.Nil(t, s.open(m, &Span{T1: 1}, new(Trajectory)))
		for _, i := range c.held {
			s.held[i] = true
		}
		s.stepper.Start(field{s.run}, 0, s.y)
		s.h = 1e9 // so that every digit matters
		for range 3 {
			require.False(t, s.stab.same(0, s.h), c.name)
			require.True(t, s.stab.converge(), c.name)
		}
		size := math.Hypot(c.re, c.im)
		require.InDelta(t, c.re, s.stab.largest.re, 0.05*size+1e-6, c.name)
		require.InDelta(t, c.im, s.stab.largest.im, 0.05*size+1e-6, c.name)
		if size > 0 {
			want := solvers.Tsit5.Reach(math.Acos(math.Min(math.Abs(c.re)/size, 1)), growthSlack) / size
			require.InEpsilon(t, want, s.stab.length, 0.1, c.name)
		}
	}
}

// twoDrugs is a' = −s a, b' = −q b: with b(0) = 0 the state b says nothing of its
// rate. The accumulator is of (s, q).
type twoDrugs struct {
	ode
	s, q     float64
	bar, dir [2]float64
}

func newDrugs(slow, fast float64) *twoDrugs {
	m := &twoDrugs{s: slow, q: fast}
	m.y0 = []float64{10, 0}
	m.f = func(_ float64, y, dy []float64) { dy[0], dy[1] = -m.s*y[0], -m.q*y[1] }
	return m
}

func (m *twoDrugs) InitVJP(float64, []float64, []float64) float64 { return 0 }
func (m *twoDrugs) RHSVJP(_ float64, y, _, ct, yBar, _ []float64, params Params) float64 {
	yBar[0] -= m.s * ct[0]
	yBar[1] -= m.q * ct[1]
	if params {
		m.bar[0] -= y[0] * ct[0]
		m.bar[1] -= y[1] * ct[1]
	}
	return 0
}
func (m *twoDrugs) InitJVP(_, _ float64, yDot, _ []float64) { clear(yDot) }
func (m *twoDrugs) RHSJVP(_, _ float64, y, yDot, _, _, out []float64) {
	out[0], out[1] = -m.s*yDot[0]-m.dir[0]*y[0], -m.q*yDot[1]-m.dir[1]*y[1]
}

// TestUnseenRate: the derivative by the rate of a state that is not there is zero,
// by the other's −t a, in every mode, whatever is kept of the steps.
func TestUnseenRate(t *testing.T) {
	const T = 150.
	for _, memory := range []int{0, 1, 5000} {
		for _, fast := range []float64{0.5, 400} {
			m := newDrugs(0.02, fast)
			s := New(&Hybrid{}, m.Sizes(), Options{Memory: memory}, nil)
			var tr Trajectory
			saves := []float64{1, 50, T}
			require.NoError(t, s.Run(m, &Span{T1: T, Saves: saves}, &tr))
			want, ct := 0., &Cotangents{}
			ct.Y.Resize(len(saves), 2)
			for i, x := range saves {
				want -= x * 10 * math.Exp(-0.02*x)
				copy(ct.Y.At(i), []float64{1, 1})
			}
			for name, backward := range map[string]func(Reverse, *Cotangents) float64{
				"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve,
			} {
				m.bar = [2]float64{}
				backward(m, ct)
				told := fmt.Sprintf("%s, rate %g, memory %d", name, fast, memory)
				require.InEpsilon(t, want, m.bar[0], 1e-5, told)
				require.Zero(t, m.bar[1], told)
			}
			for i, want := range []float64{want, 0} {
				m.dir = [2]float64{}
				m.dir[i] = 1
				var tan Tangents
				s.Forward(m, &tan)
				sum := 0.
				for _, y := range tan.Y.All() {
					sum += y[0] + y[1]
				}
				require.InDelta(t, want, sum, 1e-5*math.Abs(want), "forward, rate %g, memory %d", fast, memory)
			}
		}
	}
}

// TestLateRate: a rate that a state shows only from some time on, and that nothing
// excites, bounds steps from then on; before, and where no derivative is wanted,
// they are free.
func TestLateRate(t *testing.T) {
	m := &ode{y0: []float64{1, 0}, f: func(t float64, y, dy []float64) {
		dy[0], dy[1] = math.Cos(t), -300/(1+math.Exp(-3*(t-20)))*y[1]
	}}
	run := func(forget bool) *Trajectory {
		s := New(&Hybrid{}, m.Sizes(), Options{Forget: forget}, nil)
		tr := new(Trajectory)
		require.NoError(t, s.Run(m, &Span{T1: 40}, tr))
		require.InDelta(t, 1+math.Sin(40), tr.Y[0], 1e-4)
		return tr
	}
	free, bound := run(true), run(false)
	least := 20 * 300 / solvers.Tsit5.Reach(0, 0) // steps over the second half
	require.Less(t, float64(free.Stats.Steps), 0.1*least)
	require.Greater(t, float64(bound.Stats.Steps), 0.9*least)
	require.Less(t, float64(bound.Stats.Steps), 1.5*least)
}

// TestBoundSegments: steps of which a tape keeps only every so many are found again
// to the last bit, also where the bound begins, moves or ends among them.
func TestBoundSegments(t *testing.T) {
	found, ended := 0, 0
	for _, sharp := range []float64{1, 20, 50, 100, 200, 500, 2000} {
		for _, sign := range []float64{1, -1} {
			m := &ode{y0: []float64{1, 0}, f: func(t float64, y, dy []float64) {
				dy[0], dy[1] = math.Cos(t), -100/(1+math.Exp(sign*sharp*math.Sin(t)))*y[1]
			}}
			s := New(&Hybrid{}, m.Sizes(), Options{Memory: 1}, nil)
			require.NoError(t, s.Run(m, &Span{T1: 20}, new(Trajectory)))
			for i := range s.tape.entries {
				e := &s.tape.entries[i]
				if e.kind != segmentEntry {
					continue
				}
				bound := s.tape.flat[e.state+2+2+2]
				if bound < 1 {
					found++
				}
				ended += e.count
				require.Len(t, s.hist.recompute(e), e.count) // which fails if the end is not the same
				s.hist.drop()
			}
		}
	}
	require.Greater(t, found, 100)
	require.Greater(t, ended, 1000)
}

// TestRoot: a square root at zero, whose slope is infinite on one side, and none on
// the other, bounds no steps but the first, which are short.
func TestRoot(t *testing.T) {
	m := &ode{y0: []float64{0}, f: func(t float64, y, dy []float64) { dy[0] = -math.Sqrt(math.Max(y[0], 0)) }}
	var tr [2]Trajectory
	for i := range tr {
		s := New(&Hybrid{}, m.Sizes(), Options{Forget: i == 0}, nil)
		require.NoError(t, s.Run(m, &Span{T1: 40}, &tr[i]))
	}
	require.Equal(t, tr[0].Y, tr[1].Y)
	require.Less(t, tr[0].Stats.Steps, 20)
	require.Less(t, tr[1].Stats.Steps, 60)
}

// TestStiffIsCounted: Robertson's reactions, of which the values at t = 40 are known
// (E. Hairer, G. Wanner, Solving ODEs II, IV.1), and models that come to rest or
// oscillate.
func TestStiffIsCounted(t *testing.T) {
	rober := &ode{y0: []float64{1, 0, 0}, f: func(_ float64, y, dy []float64) {
		fast := 3e7 * y[1] * y[1]
		dy[0] = -0.04*y[0] + 1e4*y[1]*y[2]
		dy[2] = fast
		dy[1] = -dy[0] - fast
	}}
	for _, forget := range []bool{true, false} {
		var tr Trajectory
		s := New(&Hybrid{}, rober.Sizes(), Options{Forget: forget, RTol: 1e-8, ATol: 1e-14}, nil)
		require.NoError(t, s.Run(rober, &Span{T1: 40}, &tr))
		for i, want := range []float64{.71582706871940509, 9.1855347645577639e-6, .28416374574583035} {
			require.InEpsilon(t, want, tr.Y[i], 1e-6)
		}
		require.Greater(t, 10*tr.Stats.Stiff, 9*tr.Stats.Steps)
		require.Equal(t, 2, tr.Stats.Stiffest)

		for name, m := range map[string]*ode{
			"decay":      linear([]float64{1}, [][]float64{{-1}}),
			"oscillator": linear([]float64{1, 0}, [][]float64{{0, 1}, {-1, 0}}),
			"damped":     linear([]float64{1, 0}, [][]float64{{0, 1}, {-1, -0.1}}),
		} {
			s := New(&Hybrid{}, m.Sizes(), Options{Forget: forget}, nil)
			require.NoError(t, s.Run(m, &Span{T1: 100}, &tr))
			require.Less(t, tr.Stats.Stiff, 100, name)
		}
	}
}

// TestNilpotentIsNotLookedAt: the same run, without the products with the Jacobian.
func TestNilpotentIsNotLookedAt(t *testing.T) {
	m := linear([]float64{1, 2}, [][]float64{{0, 1}, {0, 0}})
	var tr [2]Trajectory
	for i := range tr {
		s := New(&Hybrid{Nilpotent: i == 1}, m.Sizes(), Options{}, nil)
		require.NoError(t, s.Run(m, &Span{T1: 3}, &tr[i]))
		require.InDeltaSlice(t, []float64{7, 2}, tr[i].Y, 1e-12)
	}
	require.Equal(t, tr[0].Y, tr[1].Y)
	require.Equal(t, tr[0].Stats.Steps, tr[1].Stats.Steps)
	require.Less(t, tr[1].Stats.Evaluations, tr[0].Stats.Evaluations)
}
