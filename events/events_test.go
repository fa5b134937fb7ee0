package events

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoot(t *testing.T) {
	for name, c := range map[string]struct {
		f       func(float64) float64
		a, b, x float64
	}{
		"line":     {func(x float64) float64 { return 3*x - 1 }, 0, 1, 1. / 3},
		"falling":  {func(x float64) float64 { return 1 - x*x }, 0, 3, 1},
		"flat":     {func(x float64) float64 { return math.Pow(x-0.7, 9) }, 0, 1, 0.7},
		"steep":    {func(x float64) float64 { return math.Atan(1e6 * (x - 0.123)) }, 0, 1, 0.123},
		"at left":  {func(x float64) float64 { return x }, 0, 1, 0},
		"at right": {func(x float64) float64 { return x - 1 }, 0, 1, 1},
	} {
		n := 0
		f := func(x float64) float64 { n++; return c.f(x) }
		got := Root(f, c.a, c.b, c.f(c.a), c.f(c.b), 1e-12)
		require.InDelta(t, c.x, got, 1e-10, name)
		require.Less(t, n, 60, "%s: no worse than bisection and a little", name)
	}
}

// TestRootNewton: few calls for smooth functions, and no wrong root where the
// slope misleads.
func TestRootNewton(t *testing.T) {
	for name, c := range map[string]struct {
		f       func(float64) (v, slope float64)
		a, b, x float64
		most    int
	}{
		"line":    {func(x float64) (float64, float64) { return 3*x - 1, 3 }, 0, 1, 1. / 3, 1},
		"falling": {func(x float64) (float64, float64) { return 1 - x*x, -2 * x }, 0.5, 1.2, 1, 4},
		"near":    {func(x float64) (float64, float64) { return math.Exp(x) - 2, 1.001 * math.Exp(x) }, 0, 1, math.Ln2, 5},
		"flat":    {func(x float64) (float64, float64) { return math.Pow(x-0.7, 9), 9 * math.Pow(x-0.7, 8) }, 0, 1, 0.7, 80},
		"steep": {func(x float64) (float64, float64) {
			return math.Atan(1e6 * (x - 0.123)), 1e6 / (1 + 1e12*(x-0.123)*(x-0.123))
		}, 0, 1, 0.123, 80},
		"wrong slope": {func(x float64) (float64, float64) { return x - 0.4, -1 }, 0, 1, 0.4, 80},
		"no slope":    {func(x float64) (float64, float64) { return x - 0.4, math.NaN() }, 0, 1, 0.4, 80},
		"at left":     {func(x float64) (float64, float64) { return x, 1 }, 0, 1, 0, 0},
		"at right":    {func(x float64) (float64, float64) { return x - 1, 1 }, 0, 1, 1, 0},
	} {
		n := 0
		f := func(x float64) (float64, float64) { n++; return c.f(x) }
		fa, sa := c.f(c.a)
		fb, sb := c.f(c.b)
		got := RootNewton(f, c.a, c.b, fa, fb, sa, sb, 1e-13)
		require.InDelta(t, c.x, got, 1e-10, name)
		require.LessOrEqual(t, n, c.most, name)
	}
}

// curve is a set of guards given by functions of theta with their derivatives.
type curve []func(x float64) (g, rate float64)

func (c curve) Probe(x float64, g, rate []float64) {
	for i, f := range c {
		g[i], rate[i] = f(x)
	}
}

// Bounds knows none, so that the curves are looked at.
func (c curve) Bounds(a, b float64, to *Bounds) bool { return false }

func detect(c curve, sides ...int8) []Crossing {
	d := NewDetector(len(c))
	copy(d.Side, sides)
	for i := range d.Watch {
		d.Watch[i] = true
	}
	return d.First(c, 0, 1, 0)
}

func TestDetector(t *testing.T) {
	line := func(at, slope float64) func(float64) (float64, float64) {
		return func(x float64) (float64, float64) { return slope * (x - at), slope }
	}
	// The earliest of several, whatever their order.
	got := detect(curve{line(0.8, -1), line(0.3, 2)}, 1, -1)
	require.Len(t, got, 1)
	require.Equal(t, 1, got[0].Guard)
	require.InDelta(t, 0.3, got[0].Theta, 1e-12)

	// Half-open: at the end of the step it counts, at its start it does not,
	// if the tracked side is where it is going.
	require.Len(t, detect(curve{line(1, -1)}, 1), 1)
	require.Empty(t, detect(curve{line(0, 1)}, 1))

	// A double root inside the step, and a dip that does not touch.
	dip := func(depth float64) func(float64) (float64, float64) {
		return func(x float64) (float64, float64) { return (x-0.45)*(x-0.45) - depth, 2 * (x - 0.45) }
	}
	got = detect(curve{dip(1e-4)}, 1)
	require.Len(t, got, 1)
	require.InDelta(t, 0.44, got[0].Theta, 1e-10)
	require.Empty(t, detect(curve{dip(-1e-4)}, 1))

	// Just behind a jump: round-off has put the guard on the wrong side of
	// its surface; it leaves to the tracked side and comes back.
	arc := func(x float64) (float64, float64) { return x*(0.6-x) - 1e-17, 0.6 - 2*x }
	got = detect(curve{arc}, 1)
	require.Len(t, got, 1)
	require.InDelta(t, 0.6, got[0].Theta, 1e-10)
}

func TestConditions(t *testing.T) {
	a, b := &Cond{Op: Below, Guard: 0, Inclusive: true}, &Cond{Op: Above, Guard: 1}
	c := &Cond{Op: Or, Args: []*Cond{{Op: And, Args: []*Cond{a, b}}, {Op: Not, Args: []*Cond{{Op: Flag, Guard: 2}}}}}
	require.True(t, c.Holds(Sides{-1, 1, 1}, nil))
	require.False(t, c.Holds(Sides{1, -1, 1}, nil))
	require.True(t, c.Holds(Sides{1, -1, 0}, nil))
	require.True(t, a.Holds(Sides{0}, nil), "<= holds on the surface")
	require.False(t, b.Holds(Sides{1, 0}, nil), "> does not")
	require.Equal(t, []int{0, 1, 2}, c.Guards(nil))
	for op, at := range map[CondOp][3]bool{Cross: {true, false, true}, Rise: {false, false, true}, Fall: {true, false, false}} {
		x := &Cond{Op: op, Guard: 1}
		for k, want := range at {
			require.Equal(t, want, x.Holds(Sides{1, 1}, Edges{0, int8(k - 1)}), "op %d, edge %d", op, k-1)
		}
		require.False(t, x.Holds(Sides{1, 1}, nil), "at no other instant")
	}
	rise := &Cond{Op: And, Args: []*Cond{{Op: Rise}, {Op: Flag, Guard: 1}}}
	require.True(t, rise.Stays(Sides{1, 1}), "what waits for a rise waits as long as the guard is above")
	require.False(t, rise.Stays(Sides{-1, 1}))
	require.False(t, rise.Stays(Sides{1, 0}))
}
