package events

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// bounded is a guard with bounds of itself and its rate.
type bounded struct {
	f      func(x float64) (g, rate float64)
	bounds func(a, b float64) (lo, hi, rateLo, rateHi float64)
	calls  *int
}

func (c bounded) Probe(x float64, g, rate []float64) { g[0], rate[0] = c.f(x) }

func (c bounded) Bounds(a, b float64, to *Bounds) bool {
	*c.calls++
	to.Lo[0], to.Hi[0], to.RateLo[0], to.RateHi[0] = c.bounds(a, b)
	return true
}

// all are all crossings in the step, of a guard that starts on a side.
func (c bounded) all(d *Detector, side int8) (list []float64) {
	d.Watch[0], d.Side[0] = true, side
	for from := 0.; ; d.Side[0] = -d.Side[0] {
		found := d.First(c, from, 1, 0)
		if len(found) == 0 {
			return list
		}
		from = found[0].Theta
		list = append(list, from)
	}
}

// wave is sin(w x) − c, with bounds that come from the size of the derivatives.
func wave(w, c float64) bounded {
	f := func(x float64) (float64, float64) { return math.Sin(w*x) - c, w * math.Cos(w*x) }
	return bounded{f, func(a, b float64) (lo, hi, rateLo, rateHi float64) {
		g, rate := f((a + b) / 2)
		r := (b - a) / 2
		return g - w*r, g + w*r, rate - w*w*r, rate + w*w*r
	}, new(int)}
}

// TestEveryTurn: a guard that turns many times in a step crosses each time, and one
// that nearly touches does not.
func TestEveryTurn(t *testing.T) {
	c := wave(100, 0.5)
	got := c.all(NewDetector(1), -1)
	require.Len(t, got, 32) // asin(0.5) + 2πk and π less that, below 100
	for k, x := range got {
		want := math.Asin(0.5)
		if k%2 == 1 {
			want = math.Pi - want
		}
		require.InDelta(t, (want+2*math.Pi*float64(k/2))/100, x, 1e-12)
	}
	d := NewDetector(1)
	require.Empty(t, wave(100, 1+1e-13).all(d, -1))
	require.Equal(t, -1, d.Unproven)
	near := wave(100, 1-1e-9).all(d, -1)
	require.Len(t, near, 32, "16 pairs 9e-7 apart")
	require.InDelta(t, 2*math.Acos(1-1e-9)/100, near[1]-near[0], 1e-9)
}

// TestUnproven: where bounds say nothing the step is looked at, and says so.
func TestUnproven(t *testing.T) {
	c := wave(100, 0.5)
	c.bounds = func(a, b float64) (lo, hi, rateLo, rateHi float64) {
		return math.Inf(-1), math.Inf(1), math.Inf(-1), math.NaN()
	}
	d := NewDetector(1)
	got := c.all(d, -1)
	require.Len(t, got, 32)
	require.Zero(t, d.Unproven)
	*c.calls = 0
	d.First(wave(100, 2), 0, 1, 0)
	require.Equal(t, -1, d.Unproven)
	c.f = func(x float64) (float64, float64) { return 1, 0 }
	d.Side[0] = 1
	require.Empty(t, d.First(c, 0, 1, 0))
	require.LessOrEqual(t, *c.calls, budget)
}

// TestUndefinedBehind: the crossing of a guard that is not a number behind it is
// found; without one the place where it ends is.
func TestUndefinedBehind(t *testing.T) {
	root := func(c float64) bounded { // √(0.3 − x) − c
		f := func(x float64) (float64, float64) { return math.Sqrt(0.3-x) - c, -0.5 / math.Sqrt(0.3-x) }
		return bounded{f, func(a, b float64) (lo, hi, rateLo, rateHi float64) {
			at := func(x float64) float64 { return math.Sqrt(math.Max(0.3-x, 0)) }
			return at(b) - c, at(a) - c, -0.5 / at(b), -0.5 / at(a)
		}, new(int)}
	}
	d := NewDetector(1)
	got := root(0.1).all(d, 1)
	require.NotEmpty(t, got)
	require.InDelta(t, 0.29, got[0], 1e-12)
	d.Side[0] = 1
	require.Len(t, d.First(root(0.1), 0, 1, 0), 1)
	require.Equal(t, -1, d.Undefined, "what is behind the crossing does not matter")
	require.Empty(t, d.First(root(-0.1), 0, 1, 0))
	require.Zero(t, d.Undefined)
	require.InDelta(t, 0.3, d.UndefinedAt, 1e-9)
}

// TestAtRest: a guard on its surface is not watched.
func TestAtRest(t *testing.T) {
	require.Empty(t, wave(100, 0.5).all(NewDetector(1), 0))
}

// TestThrough: the polynomial by its values and slopes at the places, at others.
func TestThrough(t *testing.T) {
	for _, degree := range []int{1, 4, 5, 6, 8, 9} {
		rng := rand.New(rand.NewPCG(3, uint64(degree)))
		p := make([]float64, degree+1)
		for i := range p {
			p[i] = rng.NormFloat64()
		}
		at := func(x float64) (v, slope float64) {
			for i := degree; i >= 0; i-- {
				v, slope = v*x+p[i], slope*x+v
			}
			return v, slope
		}
		var v, r []float64
		for _, x := range slices.Concat([]float64{0}, places(degree), []float64{1}) {
			g, rate := at(x)
			v, r = append(v, g), append(r, rate)
		}
		b := through(v, r)
		left, right := b.halves()
		for _, x := range []float64{0, 0.1, 0.37, 0.5, 0.81, 1} {
			wantV, wantR := at(x)
			gotV, gotR := b.at(x)
			require.InDelta(t, wantV, gotV, 1e-13, "degree %d at %g", degree, x)
			require.InDelta(t, wantR, gotR, 1e-12, "degree %d at %g", degree, x)
			half, at := &left, 2*x
			if x > 0.5 {
				half, at = &right, 2*x-1
			}
			gotV, gotR = half.at(at)
			require.InDelta(t, wantV, gotV, 1e-13)
			require.InDelta(t, wantR, 2*gotR, 1e-12)
		}
	}
}

// TestStraight: roots of polynomials of degrees five and nine, all of them, by their
// values at three and five places alone.
func TestStraight(t *testing.T) {
	for name, roots := range map[string][]float64{
		"five": {0.1, 0.11, 0.5, 0.7, 0.95}, "close": {0.4, 0.4 + 1e-6, 0.8}, "one": {0.3}, "none": {}, "outside": {-0.5, 1.5, 2},
		"nine": {-0.2, 0.05, 0.1, 0.3, 0.35, 0.5, 0.7, 0.95, 1.1}, "eight": {0.05, 0.1, 0.3, 0.301, 0.5, 0.6, 0.7, 0.95},
	} {
		calls := 0
		c := bounded{func(x float64) (g, rate float64) {
			g = 1
			for _, r := range roots {
				g, rate = g*(x-r), rate*(x-r)+g
			}
			return g, rate
		}, func(a, b float64) (lo, hi, rateLo, rateHi float64) {
			t.Fatal("a polynomial needs no bounds")
			return
		}, &calls}
		var inside []float64
		for _, r := range roots {
			if 0 < r && r < 1 {
				inside = append(inside, r)
			}
		}
		d := NewDetector(1)
		d.Along(len(roots))
		d.Affine[0] = true
		g, _ := c.f(0)
		got := c.all(d, int8(math.Copysign(1, g)))
		require.Len(t, got, len(inside), name)
		for i, x := range inside {
			require.InDelta(t, x, got[i], 1e-8, name)
		}
	}
	// It starts on its surface, on the wrong side by round-off, and comes back.
	d := NewDetector(1)
	d.Affine[0] = true
	arc := bounded{f: func(x float64) (float64, float64) { return x*(0.6-x) - 1e-17, 0.6 - 2*x }}
	got := arc.all(d, 1)
	require.Len(t, got, 1)
	require.InDelta(t, 0.6, got[0], 1e-12)
	// It leaves the tracked side at once.
	away := bounded{f: func(x float64) (float64, float64) { return -x, -1 }}
	require.Equal(t, []float64{0}, away.all(d, 1))
	// It has an infinite constant in it.
	for _, side := range []int8{-1, 1} {
		far := bounded{f: func(x float64) (float64, float64) { return math.Inf(int(side)) + x, 1 }}
		require.Empty(t, far.all(d, side))
		require.Negative(t, d.Undefined)
	}
}

// TestNoAllocations: a search allocates nothing once its parts have memory.
func TestNoAllocations(t *testing.T) {
	var c Probe = wave(100, 0.5)
	for _, affine := range []bool{false, true} {
		d := NewDetector(1)
		d.Watch[0], d.Side[0], d.Affine[0] = true, -1, affine
		d.First(c, 0, 1, 0)
		require.Zero(t, testing.AllocsPerRun(10, func() { d.First(c, 0, 1, 0) }))
	}
}
