package solvers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/stepsize"
)

// The exponents of E. Hairer, S.P. Nørsett, G. Wanner, Solving ODEs I: with
// k the order of the error plus one, β = 0.04 for their fifth-order code
// (0.08 for low orders) and 1/k − 0.75 β for the last error.
func TestControlConstants(t *testing.T) {
	for m, want := range map[*Tableau][2]float64{Bosh32: {1./3 - 0.06, 0.08}, Dopri5: {0.2 - 0.03, 0.04}, Tsit5: {0.17, 0.04}} {
		c := m.Control()
		require.InDelta(t, want[0], c.Alpha, 1e-15, m.Name)
		require.InDelta(t, want[1], c.Beta, 1e-15, m.Name)
		require.Equal(t, []float64{0.9, 0.2, 10, 0.9}, []float64{c.Safety, c.Least, c.Most, c.Back})
	}
	require.InDelta(t, math.Log(1e-4), stepsize.LeastLog, 1e-15)
}

// A history of errors, and the lengths that follow: each from the formula of
// the text, with what a rejection, a restart and bounds do to it.
func TestControllerLengths(t *testing.T) {
	for _, m := range []*Tableau{Bosh32, Dopri5, Tsit5} {
		k := float64(m.ErrOrder + 1)
		beta := map[bool]float64{true: 0.08, false: 0.04}[k < 4]
		alpha := 1/k - 0.75*beta
		c := NewController(m)
		before, rejected := 1e-4, false
		for i, norm := range []float64{0.5, 0.01, 4, 0.3, 0.9, 1e-7, 0.2, 1, 1.0001, 30, 1e-6, 1e-9, 0.4, 1e6, 0.5} {
			factor := 0.9 * math.Pow(norm, -alpha)
			if norm <= 1 {
				factor = min(max(factor*math.Pow(before, beta), 0.2), 10)
				if rejected {
					factor = min(factor, 1)
				}
			} else {
				factor = min(max(factor, 0.2), 0.9)
			}
			ok, next := c.Judge(norm*norm, 3)
			require.Equal(t, norm <= 1, ok, "%s, step %d", m.Name, i)
			require.InEpsilon(t, 3*factor, next, 1e-12, "%s, step %d with error %g", m.Name, i, norm)
			require.Equal(t, norm > 1, c.Rejected())
			if rejected = norm > 1; !rejected {
				before = max(norm, 1e-4)
			}
			require.InDelta(t, math.Log(before), c.Before, 1e-12)
		}
		_, first := NewController(m).Judge(0.25, 1)
		c.Judge(9, 1)
		c.Restart()
		require.False(t, c.Rejected())
		_, again := c.Judge(0.25, 1)
		require.Equal(t, first, again, "a restart forgets")
		c.Resume(math.Log(0.3), true)
		require.True(t, c.Rejected())
		_, next := c.Judge(1e-12, 2)
		require.Equal(t, 2., next, "no growth after a rejection")
		c.Resume(math.Log(0.3), false)
		_, next = c.Judge(0.25, 2)
		require.InEpsilon(t, 2*0.9*math.Pow(0.5, -alpha)*math.Pow(0.3, beta), next, 1e-12)
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			ok, next := c.Judge(bad, 2)
			require.False(t, ok)
			require.InDelta(t, 0.4, next, 1e-15)
		}
	}
}

// mixed is two equations of different size and a quadrature.
type mixed struct{}

func (mixed) RHS(t float64, y, dy []float64) {
	dy[0], dy[1], dy[2] = -3*y[0]+t, 40*y[0]-2*y[1], 1e4*y[1]
}

// The mean error is over the first components alone, and over all where all
// are asked for: written out from the stages.
func TestMeanError(t *testing.T) {
	const rtol, atol, h = 1e-3, 1e-5, 0.2
	for _, m := range []*Tableau{Bosh32, Dopri5, Tsit5} {
		s := NewStepper(m, 3)
		s.Start(mixed{}, 0.4, []float64{0.1, -3, 20})
		s.Step(mixed{}, h)
		s.Behind(mixed{})
		var squares [3]float64
		for l := range squares {
			e := 0.
			for i, w := range m.E {
				e += w * s.K[i][l]
			}
			squares[l] = math.Pow(h*e/(atol+rtol*math.Max(math.Abs(s.Y[0][l]), math.Abs(s.End()[l]))), 2)
		}
		sum := 0.
		for n, sq := range squares {
			sum += sq
			require.InEpsilon(t, sum/float64(n+1), s.MeanError(n+1, rtol, atol), 1e-11, "%s, %d", m.Name, n+1)
		}
		require.Zero(t, s.MeanError(0, rtol, atol))
		require.InEpsilon(t, s.EndRate()[0], -3*s.End()[0]+0.6, 1e-12)
	}
}

// The first step is that of Hairer–Nørsett–Wanner I, II.4, with their bounds.
func TestFirstStep(t *testing.T) {
	const rtol, atol = 1e-4, 1e-6
	reference := func(m *Tableau, sys System, t0 float64, y []float64, count int, longest float64) float64 {
		n := len(y)
		f0, f1, y1 := make([]float64, n), make([]float64, n), make([]float64, n)
		norm := func(v []float64) float64 {
			sum := 0.
			for i := range count {
				sum += math.Pow(v[i]/(atol+math.Abs(y[i])*rtol), 2)
			}
			return math.Sqrt(sum / float64(count))
		}
		sys.RHS(t0, y, f0)
		d0, d1 := norm(y), norm(f0)
		h0 := 0.01 * (d0 / d1)
		if d0 < 1e-5 || d1 < 1e-5 {
			h0 = 1e-6
		}
		h0 = math.Min(h0, longest)
		for i := range y {
			y1[i] = y[i] + h0*f0[i]
		}
		sys.RHS(t0+h0, y1, f1)
		for i := range f1 {
			f1[i] -= f0[i]
		}
		d2 := norm(f1) / h0
		h1 := math.Max(1e-6, h0*1e-3)
		if math.Max(d1, d2) > 1e-15 {
			h1 = math.Pow(0.01/math.Max(d1, d2), 1/float64(m.Order))
		}
		return math.Min(math.Min(100*h0, h1), longest)
	}
	for _, m := range of(Explicit) {
		for name, c := range map[string]struct {
			sys     System
			t0      float64
			y       []float64
			count   int
			longest float64
		}{
			"mixed":            {mixed{}, 0.4, []float64{0.1, -3, 20}, 3, 10},
			"not quadratures":  {mixed{}, 0.4, []float64{0.1, -3, 20}, 2, 10},
			"first alone":      {mixed{}, 0.4, []float64{0.1, -3, 20}, 1, 10},
			"bounded":          {mixed{}, 0.4, []float64{0.1, -3, 20}, 3, 1e-7},
			"from zero":        {wave{}, 0, []float64{0, 1e-12}, 2, 10},
			"slow":             {linear(-1e-9), 0, []float64{1}, 1, 10},
			"still":            {linear(0), 0, []float64{1}, 1, 10},
			"small and steep":  {linear(-1e5), 0, []float64{1e-3}, 1, 10},
			"a small solution": {linear(-2), 0, []float64{1e-13}, 1, 10},
		} {
			s := NewStepper(m, len(c.y))
			s.Start(c.sys, c.t0, c.y)
			want := reference(m, c.sys, c.t0, c.y, c.count, c.longest)
			require.InEpsilon(t, want, s.FirstStep(c.sys, c.count, rtol, atol, c.longest), 1e-12, "%s, %s", m.Name, name)
		}
	}
	s := NewStepper(Tsit5, 1)
	s.Start(linear(math.NaN()), 0, []float64{1})
	require.Equal(t, 4e-6, s.FirstStep(linear(math.NaN()), 1, rtol, atol, 4), "where the field is not finite")
}

// Lanes of a block are told apart, whatever its width.
func TestBlockLanes(t *testing.T) {
	for _, width := range []int{1, 3} {
		b := NewBlock(Tsit5, 2, width)
		require.Len(t, b.Y[0], 2*width)
		require.Equal(t, width, len(b.T))
		for l := range width {
			b.Scatter(b.Y[0], []float64{float64(10 * l), float64(10*l + 1)}, l)
		}
		got := make([]float64, 2)
		for l := range width {
			b.Gather(got, b.Y[0], l)
			require.Equal(t, []float64{float64(10 * l), float64(10*l + 1)}, got)
			for i := range 2 {
				require.Equal(t, float64(10*l+i), b.Y[0][i*width+l])
			}
		}
		last := len(b.Y) - 1
		for i := range b.Y[last] {
			b.Y[last][i], b.K[last][i] = float64(100+i), float64(200+i)
		}
		b.Continue(width - 1)
		b.Gather(got, b.Y[0], width-1)
		require.Equal(t, []float64{float64(100 + width - 1), float64(100 + 2*width - 1)}, got)
		b.Gather(got, b.K[0], width-1)
		require.Equal(t, []float64{float64(200 + width - 1), float64(200 + 2*width - 1)}, got)
		if width > 1 {
			b.Gather(got, b.Y[0], 0)
			require.Equal(t, []float64{0, 1}, got, "the other lanes stay")
		}
		require.Equal(t, b.Stages[0], b.Y[1][0])
		b.Stages[0] = 7
		require.Equal(t, 7., b.Y[1][0], "the arguments one after the other")
		require.Zero(t, b.ActWords())
		b.Acts = [][][]float64{{make([]float64, 4*width), make([]float64, 5*width)}}
		require.Equal(t, 9, b.ActWords())
	}
	require.Nil(t, NewBlock(RK4, 2, 3).Mean, "no error, no control")
	require.Len(t, NewBlock(Bosh32, 2, 3).Factor, 3)
}

// Seeds of one lane of several are those of a block of its own.
func TestSeedsOfALane(t *testing.T) {
	const theta, width = 0.3, 3
	ct := []float64{0.7, -1.1}
	for _, m := range of(Explicit) {
		one, many := NewBlock(m, 2, 1), NewBlock(m, 2, width)
		for i := range one.K {
			for j := range 2 {
				one.K[i][j] = math.Sin(float64(3*i + j))
				many.K[i][j*width+1] = one.K[i][j]
			}
		}
		for range 2 { // they add up
			one.SeedDense(m, 0, 0.4, theta, ct)
			many.SeedDense(m, 1, 0.4, theta, ct)
		}
		t1, h1 := one.SeedTimes(m, 0, theta, ct)
		t3, h3 := many.SeedTimes(m, 1, theta, ct)
		require.Equal(t, []float64{t1, h1}, []float64{t3, h3})
		for i := range one.KBar {
			b, _ := m.Weight(i, theta)
			for j := range 2 {
				require.InDelta(t, 2*0.4*b*ct[j], one.KBar[i][j], 1e-15)
				require.Equal(t, one.KBar[i][j], many.KBar[i][j*width+1])
				require.Zero(t, many.KBar[i][j*width])
			}
		}
		many.KBar[0][0] = 5
		many.Unseed(1)
		for i := range many.KBar {
			require.Zero(t, many.KBar[i][1])
			require.Zero(t, many.KBar[i][width+1])
		}
		require.Equal(t, 5., many.KBar[0][0])
	}
}

// What seeds have left is forgotten, so that a derivative is that of its own
// cotangents alone.
func TestUnseed(t *testing.T) {
	sys := &pendulum{p: []float64{2, 0.5}, pBar: make([]float64, 2)}
	pull := func(seeded bool) []float64 {
		s := NewStepper(Dopri5, 2)
		s.Start(sys, 0.1, []float64{0.4, 0.2})
		s.Step(sys, 0.3)
		s.Behind(sys)
		bar := make([]float64, 2)
		if seeded {
			s.SeedDense(0.4, []float64{1, 2}, make([]float64, 2))
			s.Unseed()
		}
		s.VJP(sys, []float64{1, -1}, bar)
		return bar
	}
	require.Equal(t, pull(false), pull(true))
}

// A second step's bounds do not remember the first's.
func TestRangeOfASecondStep(t *testing.T) {
	for _, m := range of(Explicit) {
		s, fresh := NewStepper(m, 2), NewStepper(m, 2)
		s.Start(wave{}, 2, []float64{30, 40})
		step(s, wave{}, 1)
		s.Expand()
		at := func(s *Stepper) (list []float64) {
			s.Start(wave{}, 0.2, waveAt(0.2))
			step(s, wave{}, 0.1)
			s.Expand()
			v := make([]float64, 8)
			s.Range(0.2, 0.7, v[:2], v[2:4], v[4:6], v[6:])
			return v
		}
		require.Equal(t, at(fresh), at(s), m.Name)
	}
}

func TestMethodByName(t *testing.T) {
	for _, m := range of(Explicit) {
		require.Same(t, m, Method(m.Name))
		require.NotEmpty(t, m.Doc)
	}
	require.Nil(t, Method("rk5"))
}

// TestControllerHasTheRules: what a controller accepts, and the lengths and the memory
// that it comes to, are those of the rules of stepsize, to the last bit.
func TestControllerHasTheRules(t *testing.T) {
	rng, a := rand.New(rand.NewPCG(5, 6)), stepsize.Numbers{}
	for range 5000 {
		c := NewController(Methods[rng.IntN(len(Methods))])
		before, rejected := 4*rng.NormFloat64(), rng.IntN(2) == 1
		c.Resume(before, rejected)
		mean, h := math.Exp(20*rng.NormFloat64()), rng.Float64()
		log, factor := stepsize.Factor(a, &c.Control, mean, before)
		ok, next := c.Accept(mean, log, factor, h)
		require.Equal(t, mean <= 1, ok)
		if !ok {
			require.Equal(t, h*stepsize.Refused(a, &c.Control, factor), next)
			require.Equal(t, before, c.Before)
			require.True(t, c.Rejected())
			continue
		}
		was := 0.
		if rejected {
			was = 1
		}
		require.Equal(t, h*stepsize.Accepted(a, was, factor), next)
		require.Equal(t, stepsize.Remembered(a, log), c.Before)
		require.False(t, c.Rejected())
	}
}

// TestOutcomes: what a lane says that its step did is what stepsize comes to.
func TestOutcomes(t *testing.T) {
	c := Tsit5.Control()
	lane := stepsize.Lane[float64]{H: 1, Until: 10, Stop: 20, Cap: 5, Left: 1}
	for want, trial := range map[float64]stepsize.Trial[float64]{
		Accepted: {NoCrossing: 1, Finite: 1, Small: 1, Factor: 1},
		Refused:  {NoCrossing: 1, Finite: 1, Small: 0, Factor: 0.5},
		Handed:   {NoCrossing: 0, Finite: 1, Small: 1, Factor: 1},
	} {
		next, _ := stepsize.Advance(stepsize.Numbers{}, &c, lane, trial)
		require.Equal(t, want, next.Outcome)
	}
}
