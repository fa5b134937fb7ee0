package solvers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRKCStability: for y' = λy the method of s stages is a polynomial in hλ that agrees with
// the exponential to order two, and does not exceed 1 up to β(s) = (w₀+1)T″(w₀)/T′(w₀), which
// is ⅔(s²−1)(1 − 2ε/15) nearly, and beyond what the number of stages is chosen for.
func TestRKCStability(t *testing.T) {
	value := func(s int, z float64) float64 {
		m := newStabilised(NewStepper(Euler, 1))
		m.H = z
		m.K[0][0], m.Y[0][0] = 1, 1
		m.stages(rate{}, s, func(int, float64, []float64, []float64) {})
		return 1 + z*m.K[1][0]
	}
	for _, s := range []int{2, 3, 5, 10, 40, 200} {
		beta := 2. / 3 * float64(s*s-1) * (1 - 2./15*damping)
		require.Greater(t, beta, float64((s-1)*(s-1))/reachOfRKC, "%d stages", s)
		for i := range 2000 {
			z := -0.999 * beta * float64(i) / 2000
			require.LessOrEqual(t, math.Abs(value(s, z)), 1+1e-9, "%d stages, z = %g", s, z)
		}
		require.Greater(t, math.Abs(value(s, -1.3*beta)), 1., "%d stages", s)
		const h = 1e-3
		require.InDelta(t, 1-h+h*h/2, value(s, -h), 1e-9, "%d stages", s)
		k := newChebyshev(s)
		require.InDelta(t, 1, k.c[s], 1e-11)
	}
}

// rate is y' = y.
type rate struct{}

func (rate) RHS(_ float64, y, dy []float64) { copy(dy, y) }

// heated is a rod of points that conduct heat, with sources that depend on temperature and
// time.
type heated struct {
	k          float64
	kBar, kDot float64
}

func (s *heated) around(y []float64, i int) (left, right float64) {
	if i > 0 {
		left = y[i-1]
	}
	if i < len(y)-1 {
		right = y[i+1]
	}
	return left, right
}

func (s *heated) RHS(t float64, y, dy []float64) {
	for i, v := range y {
		l, r := s.around(y, i)
		dy[i] = s.k*(l-2*v+r) + math.Sin(v)*math.Cos(t)
	}
}

func (s *heated) RHSVJP(t float64, y, ct, yBar []float64) (tBar float64) {
	for i, c := range ct {
		l, r := s.around(y, i)
		s.kBar += c * (l - 2*y[i] + r)
		yBar[i] += c * (math.Cos(y[i])*math.Cos(t) - 2*s.k)
		if i > 0 {
			yBar[i-1] += c * s.k
		}
		if i < len(y)-1 {
			yBar[i+1] += c * s.k
		}
		tBar -= c * math.Sin(y[i]) * math.Sin(t)
	}
	return tBar
}

func (s *heated) RHSJVP(t, tDot float64, y, yDot, out []float64) {
	for i, v := range y {
		l, r := s.around(y, i)
		ld, rd := s.around(yDot, i)
		out[i] = s.k*(ld-2*yDot[i]+rd) + s.kDot*(l-2*v+r) + math.Cos(v)*math.Cos(t)*yDot[i] - math.Sin(v)*math.Sin(t)*tDot
	}
}

// TestRKCDerivatives: the tangent of a step of many stages, and of its dense output, is what
// differences give, and the reverse derivative is its transpose, by start, time, length and parameter.
func TestRKCDerivatives(t *testing.T) {
	const n, h, at, theta = 12, 0.2, 0.4, 0.3
	rng := rand.New(rand.NewPCG(3, 5))
	draw := func() []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.Float64()*2 - 1
		}
		return v
	}
	y, yDot, tDot, hDot, kDot := draw(), draw(), 0.7, -0.4, 1.3
	sys := &heated{k: 200}
	s := NewStepper(RKC, n)
	s.Tolerances(n, 1e-6, 1e-8, 0)
	take := func(d float64) (end, dense []float64) {
		sys.k = 200 + d*kDot
		z := make([]float64, n)
		for i := range z {
			z[i] = y[i] + d*yDot[i]
		}
		s.Start(sys, at+d*tDot, z)
		if d != 0 { // as many stages
			s.blk.Fresh, s.rkc.from = false, s.T
		}
		s.Step(sys, h+d*hDot)
		dense = make([]float64, n)
		s.Dense((theta*h-d*tDot)/s.H, dense)
		return append([]float64{}, s.End()...), dense
	}
	take(0)
	stages := s.rkc.taken()
	require.Greater(t, stages, 10)
	end, dense := make([]float64, n), make([]float64, n)
	sys.kDot = kDot
	s.JVP(sys, tDot, hDot, yDot, end)
	s.DenseJVP(theta, yDot, dense)

	ct, ctDense, yBar := draw(), draw(), make([]float64, n)
	tb, hb := s.SeedDense(theta, ctDense, yBar)
	tBar, hBar := s.VJP(sys, ct, yBar)
	require.InDelta(t, dot(ct, end)+dot(ctDense, dense), dot(yBar, yDot)+(tBar+tb)*tDot+(hBar+hb)*hDot+sys.kBar*kDot, 1e-10)

	const d = 1e-5
	hi, hiDense := take(d)
	require.Equal(t, stages, s.rkc.taken())
	lo, loDense := take(-d)
	for i := range hi {
		require.InDelta(t, (hi[i]-lo[i])/(2*d), end[i], 2e-5)
		require.InDelta(t, (hiDense[i]-loDense[i])/(2*d), dense[i], 2e-5)
	}
}

// TestRKCRadius: the spectral radius of conduction, 4k sin²(πn/(2n+2)), from below what is taken, and
// not far; of states in other units too.
func TestRKCRadius(t *testing.T) {
	for _, n := range []int{1, 2, 30, 1000} {
		sys := &heated{k: 200}
		s := NewStepper(RKC, n)
		s.Tolerances(n, 1e-6, 1e-8, 0)
		y := make([]float64, n)
		for i := range y {
			y[i] = math.Sin(float64(i))
		}
		s.Start(sys, math.Pi/2, y) // where there is no source
		s.Step(sys, 1e-3)
		want := 800 * math.Pow(math.Sin(math.Pi*float64(n)/float64(2*n+2)), 2)
		require.Greater(t, s.rkc.radius, want)
		require.Less(t, s.rkc.radius, 1.25*want)
	}
}
