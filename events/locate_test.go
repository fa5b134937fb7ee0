package events

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRootOfASaturation: of a function that stays zero its first zero is the root,
// wherever the search hits the rest.
func TestRootOfASaturation(t *testing.T) {
	for _, at := range []float64{0.01, 0.3, 0.5, 0.777, 0.99} {
		f := func(x float64) float64 { return max(at-x, 0) }
		require.InDelta(t, at, Root(f, 0, 1, at, 0, 1e-13), 1e-12)
		slope := func(x float64) (float64, float64) {
			if x < at {
				return at - x, -1
			}
			return 0, 0
		}
		require.InDelta(t, at, RootNewton(slope, 0, 1, at, 0, -1, 0, 1e-13), 1e-12)
		require.InDelta(t, -at, -RootNewton(func(x float64) (float64, float64) { v, r := slope(x); return -v, -r }, 0, 1, -at, 0, 1, 0, 1e-13), 1e-12)
	}
}

// TestNewtonOfParabolas: a parabola that falls from where it starts, upwards or downwards, is
// located by the look at its root alone.
func TestNewtonOfParabolas(t *testing.T) {
	for _, c := range []struct{ speed, bend, until float64 }{
		{8, -9.81, 3}, {0, -9.81, 1}, {-3, 1, 1}, {-3, 0, 1}, {-10, 8, 0.7}, {2, -1e-3, 5000},
	} {
		const height = 1
		wide := math.Sqrt(c.speed*c.speed - 2*c.bend*height)
		root := 2 * height / (wide - c.speed)
		if c.speed > 0 {
			root = -(c.speed + wide) / c.bend
		}
		for _, sign := range []float64{1, -1} {
			looks := 0
			f := func(x float64) (v, slope float64) {
				looks++
				return sign * (height + c.speed*x + c.bend*x*x/2), sign * (c.speed + c.bend*x)
			}
			fa, sa := f(0)
			fb, sb := f(c.until)
			looks = 0
			got := RootNewton(f, 0, c.until, fa, fb, sa, sb, 1e-13)
			require.InEpsilon(t, root, got, 1e-14, "%v", c)
			require.LessOrEqual(t, looks, 1, "%v", c)
		}
	}
}

// TestCubics: the cubic through the ends is a cubic itself, at every place; the cubic of the inverse function has its root.
func TestCubics(t *testing.T) {
	f := func(x float64) float64 { return 2 - x + 3*x*x - 0.5*x*x*x }
	df := func(x float64) float64 { return -1 + 6*x - 1.5*x*x }
	for _, c := range [][2]float64{{-1, 2}, {0.5, 0.75}, {3, 7}} {
		a, b := c[0], c[1]
		for _, x := range []float64{a, b, a + 0.3*(b-a), a + 0.8*(b-a), b + 1} {
			require.InDelta(t, f(x), hermite(x, a, b, f(a), f(b), df(a), df(b)), 1e-11)
		}
	}
	// x = q(y), which grows, and crosses zero at q(0).
	q := func(y float64) float64 { return 1.5 + y + 0.2*y*y + 0.1*y*y*y }
	dq := func(y float64) float64 { return 1 + 0.4*y + 0.3*y*y }
	for _, c := range [][2]float64{{-1, 2}, {-0.1, 0.4}, {-3, 1}} {
		require.InDelta(t, 1.5, hermiteRoot(q(c[0]), q(c[1]), c[0], c[1], 1/dq(c[0]), 1/dq(c[1])), 1e-12)
	}
}
