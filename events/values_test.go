package events

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every form of a condition on every side and edge, by its definition.
func TestEveryCondition(t *testing.T) {
	for _, side := range []int8{-1, 0, 1} {
		for _, edge := range []int8{-1, 0, 1} {
			s, at := Sides{9, side}, Edges{9, edge}
			for _, c := range []struct {
				cond         *Cond
				holds, stays bool
			}{
				{&Cond{Op: Below, Guard: 1}, side < 0, side < 0},
				{&Cond{Op: Below, Guard: 1, Inclusive: true}, side <= 0, side <= 0},
				{&Cond{Op: Above, Guard: 1}, side > 0, side > 0},
				{&Cond{Op: Above, Guard: 1, Inclusive: true}, side >= 0, side >= 0},
				{&Cond{Op: Cross, Guard: 1}, edge != 0, true},
				{&Cond{Op: Rise, Guard: 1}, edge > 0, side >= 0},
				{&Cond{Op: Fall, Guard: 1}, edge < 0, side <= 0},
				{&Cond{Op: Flag, Guard: 1}, side != 0, side != 0},
				{&Cond{Op: Const, Value: true}, true, true},
				{&Cond{Op: Const}, false, false},
			} {
				require.Equal(t, c.holds, c.cond.Holds(s, at), "%+v at %d, %d", c.cond, side, edge)
				require.Equal(t, c.stays, c.cond.Stays(s), "%+v at %d, %d", c.cond, side, edge)
				yes, no := &Cond{Op: Const, Value: true}, &Cond{Op: Const}
				for _, d := range []struct {
					cond         *Cond
					holds, stays bool
				}{
					{&Cond{Op: And, Args: []*Cond{yes, c.cond}}, c.holds, c.stays},
					{&Cond{Op: And, Args: []*Cond{c.cond, yes}}, c.holds, c.stays},
					{&Cond{Op: And, Args: []*Cond{c.cond, no}}, false, false},
					{&Cond{Op: Or, Args: []*Cond{no, c.cond}}, c.holds, c.stays},
					{&Cond{Op: Or, Args: []*Cond{c.cond, no}}, c.holds, c.stays},
					{&Cond{Op: Or, Args: []*Cond{yes, c.cond}}, true, true},
				} {
					require.Equal(t, d.holds, d.cond.Holds(s, at))
					require.Equal(t, d.stays, d.cond.Stays(s))
				}
				require.Equal(t, !c.holds, (&Cond{Op: Not, Args: []*Cond{c.cond}}).Holds(s, at))
			}
		}
	}
	require.Equal(t, []int{7, 3}, (&Cond{Op: Rise, Guard: 3}).Guards([]int{7}))
	require.Empty(t, (&Cond{Op: Const}).Guards(nil))
}

// The method never needs more evaluations than bisection and one, for any
// function, and few for most smooth ones.
func TestRootEvaluations(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(x, r float64) float64
		mean float64
	}{
		"line":      {func(x, r float64) float64 { return x - r }, 10}, // with one that looks whether it is flat
		"exp":       {func(x, r float64) float64 { return math.Exp(x) - math.Exp(r) }, 14},
		"cube":      {func(x, r float64) float64 { return x*x*x - r*r*r }, 16},
		"power":     {func(x, r float64) float64 { return math.Pow(x-r, 9) }, 43},
		"step":      {func(x, r float64) float64 { return math.Copysign(1, x-r) }, 43},
		"steep":     {func(x, r float64) float64 { return math.Atan(1e6 * (x - r)) }, 43},
		"one-sided": {func(x, r float64) float64 { return math.Max(x-r, -1e-9) }, 43},
	} {
		all, rng := 0, rand.New(rand.NewPCG(3, 4))
		for range 40 {
			r := 2 + 3*rng.Float64()
			for _, sign := range []float64{1, -1} {
				n := 0
				f := func(x float64) float64 { n++; return sign * c.f(x, r) }
				// Bisection halves 4 to 1e-12 in 41 evaluations.
				got := Root(f, 1.5, 5.5, sign*c.f(1.5, r), sign*c.f(5.5, r), 1e-12)
				require.InDelta(t, r, got, 2e-12, name)
				require.LessOrEqual(t, n, 43, name)
				all += n
			}
		}
		require.Less(t, float64(all)/80, c.mean, name)
	}
	require.InDelta(t, 0x1p-40, Root(func(x float64) float64 { return x - 0x1p-40 }, 0, 1, -0x1p-40, 1-0x1p-40, 1e-27), 1e-26, "closer than the ends have digits")
}

// RootNewton of smooth functions with random roots, in a handful of
// evaluations: the inverse cubic starts it well.
func TestRootNewtonEvaluations(t *testing.T) {
	for name, f := range map[string]func(x, r float64) (v, slope float64){
		"exp":   func(x, r float64) (float64, float64) { return math.Exp(x) - math.Exp(r), math.Exp(x) },
		"fall":  func(x, r float64) (float64, float64) { return r*r - x*x, -2 * x },
		"wave":  func(x, r float64) (float64, float64) { return math.Sin(x/4) - math.Sin(r/4), math.Cos(x/4) / 4 },
		"tight": func(x, r float64) (float64, float64) { return 1e-9 * (math.Exp(x) - math.Exp(r)), 1e-9 * math.Exp(x) },
	} {
		most, rng := 0, rand.New(rand.NewPCG(5, 4))
		for range 60 {
			r := 1 + rng.Float64()
			n := 0
			va, sa := f(0.9, r)
			vb, sb := f(2.2, r)
			got := RootNewton(func(x float64) (float64, float64) { n++; return f(x, r) }, 0.9, 2.2, va, vb, sa, sb, 1e-13)
			require.InDelta(t, r, got, 1e-13, name)
			most = max(most, n)
		}
		require.LessOrEqual(t, most, 4, name)
	}
	// An end that is a root is the answer, without an evaluation.
	none := func(float64) (float64, float64) { t.Fatal("evaluated"); return 0, 0 }
	require.Equal(t, 2., RootNewton(none, 2, 3, 0, 1, 1, 1, 1e-13))
	require.Equal(t, 3., RootNewton(none, 2, 3, -1, 0, 1, 1, 1e-13))
}

// boundedSet are several guards with bounds.
type boundedSet []bounded

func (c boundedSet) Probe(x float64, g, rate []float64) {
	for i := range c {
		g[i], rate[i] = c[i].f(x)
	}
}

func (c boundedSet) Bounds(a, b float64, to *Bounds) bool {
	for i := range c {
		to.Lo[i], to.Hi[i], to.RateLo[i], to.RateHi[i] = c[i].bounds(a, b)
	}
	return true
}

// falling is slope·(x − at), with its exact bounds; beyond limit it is not a number.
func falling(at, slope, limit float64) bounded {
	f := func(x float64) (float64, float64) {
		if x > limit {
			return math.NaN(), math.NaN()
		}
		return slope * (x - at), slope
	}
	return bounded{f, func(a, b float64) (lo, hi, rateLo, rateHi float64) {
		if b > limit {
			return math.NaN(), math.NaN(), math.NaN(), math.NaN()
		}
		va, vb := slope*(a-at), slope*(b-at)
		return math.Min(va, vb), math.Max(va, vb), slope, slope
	}, new(int)}
}

// first is what a detector finds in (from, 1], and the detector.
func first(p Probe, n int, from, width float64, sides ...int8) ([]Crossing, *Detector) {
	d := NewDetector(n)
	copy(d.Side, sides)
	for i := range d.Watch {
		d.Watch[i] = true
	}
	return d.First(p, from, 1, width), d
}

// The first of several crossings, whatever the order of the guards, and all
// of those at one place; not of guards that rest or are not watched.
func TestSeveralCrossings(t *testing.T) {
	inf := math.Inf(1)
	places := []float64{0.42, 0.4, 0.9, 0.41, 0.4}
	var set boundedSet
	var looked curve
	for _, x := range places {
		set = append(set, falling(x, -2, inf))
		looked = append(looked, falling(x, -2, inf).f)
	}
	for _, p := range []Probe{set, looked} {
		for _, c := range []struct {
			from  float64
			sides [5]int8
			want  []int
		}{
			{0, [5]int8{1, 1, 1, 1, 1}, []int{1, 4}},
			{0, [5]int8{1, 0, 1, 1, 0}, []int{3}},
			{0, [5]int8{1, 0, 1, 0, 0}, []int{0}},
			{0.43, [5]int8{0, 0, 1, 0, 0}, []int{2}},
			{0, [5]int8{}, nil},
		} {
			got, d := first(p, 5, c.from, 0, c.sides[:]...)
			var guards []int
			for _, x := range got {
				guards = append(guards, x.Guard)
				require.InDelta(t, places[x.Guard], x.Theta, 1e-12)
			}
			require.Equal(t, c.want, guards)
			require.Equal(t, -1, d.Undefined)
		}
		d := NewDetector(5)
		copy(d.Side, []int8{1, 1, 1, 1, 1})
		d.Watch[2] = true
		got := d.First(p, 0, 1, 0)
		require.Len(t, got, 1)
		require.Equal(t, 2, got[0].Guard)
		for i := range d.Affine {
			d.Affine[i] = true
		}
		got = d.First(p, 0, 1, 0)
		require.Len(t, got, 1, "affine")
		require.Equal(t, 2, got[0].Guard)
		require.InDelta(t, 0.9, got[0].Theta, 1e-12)
	}
	d := NewDetector(3)
	require.Equal(t, []int{-1, -1}, []int{d.Unproven, d.Undefined})
	require.Empty(t, d.First(set[:3], 0, 1, 0))
}

// A guard that is not a number behind a place: what crosses before is found
// and nothing is undefined; what crosses behind is not.
func TestUndefinedAmongOthers(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		for _, at := range []float64{0.2, 0.6} {
			set := make(boundedSet, 2)
			set[order[0]], set[order[1]] = falling(at, -1, math.Inf(1)), falling(-1, 1, 0.5)
			got, d := first(set, 2, 0, 0, 1, 1)
			if at < 0.5 {
				require.Len(t, got, 1)
				require.Equal(t, order[0], got[0].Guard)
				require.InDelta(t, at, got[0].Theta, 1e-12)
				require.Equal(t, -1, d.Undefined)
			} else {
				require.Empty(t, got)
				require.Equal(t, order[1], d.Undefined)
				require.InDelta(t, 0.5, d.UndefinedAt, 1e-9)
			}
		}
	}
}

// A guard on its surface at the start counts as on the tracked side: it
// leaves at once if it falls, comes back later if it turns, and stays if it rises.
func TestStartsOnTheSurface(t *testing.T) {
	parabola := func(a, b, c float64) bounded { // a + bx + cx²
		f := func(x float64) (float64, float64) { return a + b*x + c*x*x, b + 2*c*x }
		return bounded{f, func(lo, hi float64) (float64, float64, float64, float64) {
			v, r := f((lo + hi) / 2)
			w := (hi - lo) / 2
			_, r1 := f(lo)
			_, r2 := f(hi)
			most := math.Max(math.Abs(r1), math.Abs(r2))
			return v - most*w, v + most*w, math.Min(r1, r2), math.Max(r1, r2) + 0*r
		}, new(int)}
	}
	for _, sign := range []int8{1, -1} {
		s := float64(sign)
		for name, c := range map[string]struct {
			bounded
			want []float64
		}{
			"falls":                 {parabola(0, -s, 0), []float64{0}},
			"rises":                 {parabola(0, s, 0), nil},
			"rises from below":      {parabola(-1e-17*s, s, 0), nil},
			"flat, then rises":      {parabola(0, 0, s), nil},
			"flat, then falls":      {parabola(0, 0, -s), []float64{0}},
			"comes back":            {parabola(0, 0.5*s, -s), []float64{0.5}},
			"comes back from below": {parabola(-1e-17*s, 0.5*s, -s), []float64{0.5}},
			"falls, and returns":    {parabola(0, -0.5*s, s), []float64{0}},
			"falls from above":      {parabola(1e-17*s, -s, 0), []float64{0}},
		} {
			for how, p := range map[string]Probe{"bounded": boundedSet{c.bounded}, "looked at": curve{c.f}} {
				got, d := first(p, 1, 0, 0, sign)
				require.Len(t, got, len(c.want), "%s, %s, %d", name, how, sign)
				for i := range got {
					require.InDelta(t, c.want[i], got[i].Theta, 1e-9, "%s, %s", name, how)
				}
				require.Equal(t, -1, d.Undefined)
			}
		}
	}
}

// A step of another length has rates by another time: the crossings are the same.
func TestRatesByTime(t *testing.T) {
	for _, h := range []float64{1e-3, 1, 50} {
		f := func(x float64) (float64, float64) { return math.Cos(3*x) - 0.2, -3 * math.Sin(3*x) / h }
		w := bounded{f, func(a, b float64) (lo, hi, rateLo, rateHi float64) {
			g, rate := f((a + b) / 2)
			r := (b - a) / 2
			return g - 3*r, g + 3*r, rate - 9*r/h, rate + 9*r/h
		}, new(int)}
		for how, p := range map[string]Probe{"bounded": boundedSet{w}, "looked at": curve{f}} {
			d := NewDetector(1)
			d.Side[0], d.Watch[0] = 1, true
			got := d.First(p, 0, h, 0)
			require.Len(t, got, 1, how)
			require.InDelta(t, math.Acos(0.2)/3, got[0].Theta, 1e-12, how)
			n := 0
			q := curve{func(x float64) (float64, float64) { n++; return f(x) }}
			d.First(q, 0, h, 0)
			require.Less(t, n, 160, "Newton's steps have the right slope")
		}
	}
}

// waves is a sum of sines with its rate by time for a step of length h, bounds
// from the sizes of its derivatives, and that of the second.
func waves(rng *rand.Rand, h float64) (f func(x float64) (g, rate float64), c bounded, bend float64) {
	var a, w, p [3]float64
	slope := 0.
	for k := range a {
		a[k], w[k], p[k] = rng.NormFloat64(), 12*rng.Float64(), 2*math.Pi*rng.Float64()
		slope += math.Abs(a[k] * w[k])
		bend += math.Abs(a[k]*w[k]) * w[k]
	}
	f = func(x float64) (g, rate float64) {
		for k := range a {
			g += a[k] * math.Sin(w[k]*x+p[k])
			rate += a[k] * w[k] * math.Cos(w[k]*x+p[k]) / h
		}
		return g, rate
	}
	return f, bounded{f, func(lo, hi float64) (float64, float64, float64, float64) {
		g, rate := f((lo + hi) / 2)
		r := (hi - lo) / 2
		return g - slope*r, g + slope*r, rate - bend*r/h, rate + bend*r/h
	}, new(int)}, bend
}

// TestAgainstScan: what is found first is what a scan of all places finds,
// for guards that start on their side, beyond it, or on the surface, whatever the
// length of the step and where in it the search begins.
func TestAgainstScan(t *testing.T) {
	const places = 5000
	rng := rand.New(rand.NewPCG(7, 9))
	found, tried := [3]int{}, 0
	for range 400 {
		h := math.Pow(10, 4*rng.Float64()-2)
		from := []float64{0, 0.3 * rng.Float64()}[rng.IntN(2)]
		n := 1 + rng.IntN(3)
		var set boundedSet
		var looked curve
		sides := make([]int8, n)
		want, clear, firsts := math.Inf(1), true, make([]float64, n)
		for i := range n {
			f, c, bend := waves(rng, h)
			g0, rate0 := f(from)
			shift, start := 0., rng.IntN(3)
			sides[i] = int8(2*rng.IntN(2) - 1)
			switch s := float64(sides[i]); start {
			case 0: // on its side
				shift = -g0 + s*(0.01+rng.Float64())
			case 1: // on its surface
				shift = -g0
			case 2: // on its surface, beyond it by round-off
				shift = -g0 - s*1e-17
			}
			at := func(x float64) (g, rate float64) { g, rate = f(x); return g + shift, rate }
			all := c.bounds
			set = append(set, bounded{at, func(a, b float64) (float64, float64, float64, float64) {
				lo, hi, rateLo, rateHi := all(a, b)
				return lo + shift, hi + shift, rateLo, rateHi
			}, new(int)})
			looked = append(looked, at)
			// The scan: from the start for one that leaves at once, else where it is not above any more.
			s := float64(sides[i])
			first := math.Inf(1)
			if start > 0 && s*rate0 < 0 {
				first = from
			}
			falling := s*rate0 < 0
			for k := 1; k <= places && math.IsInf(first, 1); k++ {
				x := from + (1-from)*float64(k)/places
				g, rate := at(x)
				if s*g <= 0 && k > 1 {
					first = x
				}
				// A touch between two places could be missed.
				clear = clear && !(falling && s*rate >= 0 && math.Abs(g) < 1e-3)
				falling = s*rate < 0
			}
			if math.Abs(rate0*h) < bend/60 && start > 0 { // it may be back within a 128th
				clear = false
			}
			want, firsts[i] = math.Min(want, first), first
			found[start]++
		}
		if !clear {
			continue
		}
		tried++
		for how, p := range map[string]Probe{"bounded": set, "looked at": looked} {
			d := NewDetector(n)
			copy(d.Side, sides)
			for i := range d.Watch {
				d.Watch[i] = true
			}
			got := d.First(p, from, h, 0)
			if math.IsInf(want, 1) {
				require.Empty(t, got, how)
				continue
			}
			require.NotEmpty(t, got, how)
			which := got[0].Guard
			require.Equal(t, want, firsts[which], how)
			require.InDelta(t, want, got[0].Theta, 1.5*(1-from)/places, how)
			if got[0].Theta > from {
				v, rate := looked[which](got[0].Theta)
				require.InDelta(t, 0, v, 1e-11*(1+math.Abs(rate*h)), how)
			}
		}
	}
	require.Greater(t, tried, 200)
	for _, n := range found {
		require.Greater(t, n, 100)
	}
}

// A part that is as short as round-off explains is left; a longer one is not.
func TestLeavesAtOnce(t *testing.T) {
	// On the surface at first, then beyond it: for less than 2⁻²⁰ of the step, or more.
	for width, leaves := range map[float64]bool{0x1p-22: false, 0x1p-16: true} {
		f := func(x float64) (float64, float64) { // falls, turns within the width and rises
			return x * (x - width), 2*x - width
		}
		c := bounded{f, func(a, b float64) (float64, float64, float64, float64) {
			ga, ra := f(a)
			gb, rb := f(b)
			low := math.Min(ga, gb)
			if a < width/2 && width/2 < b {
				low = -width * width / 4
			}
			return low, math.Max(ga, gb), ra, rb
		}, new(int)}
		got, _ := first(boundedSet{c}, 1, 0, 0, 1)
		if leaves {
			require.Len(t, got, 1)
			require.Zero(t, got[0].Theta)
		} else {
			require.Empty(t, got)
		}
	}
}

// What happens within the shortest part that is looked at, on both sides.
func TestWithinOnePart(t *testing.T) {
	for _, sign := range []int8{1, -1} {
		s := float64(sign)
		for name, c := range map[string]struct {
			f    func(x float64) (g, rate float64)
			want []float64
		}{
			"leaves the surface and returns": {func(x float64) (float64, float64) { return x*(0.003-x) - 1e-17, 0.003 - 2*x }, []float64{0.003}},
			"leaves and falls later":         {func(x float64) (float64, float64) { return x * (0.012 - x), 0.012 - 2*x }, []float64{0.012}},
			"falls and returns":              {func(x float64) (float64, float64) { return (x - 0.003) * (x - 0.005), 2*x - 0.008 }, []float64{0.003}},
			"turns before":                   {func(x float64) (float64, float64) { return (x-0.004)*(x-0.004) + 1e-9, 2*x - 0.008 }, nil},
			"falls through":                  {func(x float64) (float64, float64) { return 0.003 - x, -1 }, []float64{0.003}},
			"rises and falls through": {func(x float64) (float64, float64) { // through zero at 0.005
				return (0.005 - x) * (x + 0.004), 0.001 - 2*x
			}, []float64{0.005}},
		} {
			f := func(x float64) (float64, float64) { g, rate := c.f(x); return s * g, s * rate }
			got, _ := first(curve{f}, 1, 0, 0, sign)
			require.Len(t, got, len(c.want), "%s, %d", name, sign)
			for i := range got {
				require.InDelta(t, c.want[i], got[i].Theta, 1e-10, "%s, %d", name, sign)
			}
		}
	}
}

// Random polynomials, by their values at three places alone: all roots that a
// scan finds, from a start on the side.
func TestPolynomialsAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 3))
	const places = 5000
	tried := 0
	for range 300 {
		var c [6]float64
		for i := range c {
			c[i] = rng.NormFloat64() * math.Pow(3, float64(i))
		}
		from, h := 0.4*rng.Float64(), math.Pow(10, 2*rng.Float64()-1)
		f := func(x float64) (g, rate float64) {
			for i := len(c) - 1; i >= 0; i-- {
				g, rate = g*(x-0.3)+c[i], rate*(x-0.3)+g
			}
			return g, rate / h
		}
		g, _ := f(from)
		side := int8(math.Copysign(1, g))
		d := NewDetector(1)
		d.Watch[0], d.Affine[0] = true, true
		var want, got []float64
		clear := true
		before, slope := f(from)
		for k := 1; k <= places; k++ {
			x := from + (1-from)*float64(k)/places
			v, r := f(x)
			if (v > 0) != (before > 0) {
				want = append(want, x)
			}
			clear = clear && !(slope*r <= 0 && math.Abs(v) < 1e-5) && math.Abs(v)+math.Abs(r*h) > 1e-3
			before, slope = v, r
		}
		if !clear {
			continue
		}
		tried++
		for at := from; ; side = -side {
			d.Side[0] = side
			found := d.First(curve{f}, at, h, 0)
			if len(found) == 0 {
				break
			}
			at = found[0].Theta
			got = append(got, at)
		}
		require.Len(t, got, len(want))
		for i := range want {
			require.InDelta(t, want[i], got[i], 1.5*(1-from)/places)
			v, rate := f(got[i])
			require.InDelta(t, 0, v, 1e-10*(1+math.Abs(rate*h)))
		}
	}
	require.Greater(t, tried, 200)
}
