package start

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// twelve are values at uneven times, with weights.
var twelve = Points{
	T: []float64{0, 0.4, 1.1, 1.5, 2.3, 3.1, 3.3, 4.2, 5.0, 6.1, 6.6, 7.9},
	Y: []float64{0.1, 0.31, 0.95, 0.98, 0.71, 0.09, -0.11, -0.93, -0.9, -0.24, 0.35, 1.02},
	W: []float64{1, 2, 1, 0.5, 3, 1, 1, 2, 1, 1, 4, 1},
}

func ones(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

// TestSplineSciPy compares with scipy.interpolate.make_smoothing_spline(t, y, w, lam),
// SciPy 1.17.1, at [0, 0.2, 1.3, 2.9, 4.6, 6.35, 7.9]; traces and sums of squares are
// those of its smoothing matrix, column by column.
func TestSplineSciPy(t *testing.T) {
	at := []float64{0, 0.2, 1.3, 2.9, 4.6, 6.35, 7.9}
	for _, c := range []struct {
		w               []float64
		lambda          float64
		v, rate, second []float64
		trace, squares  float64
	}{
		{
			ones(12), 0.05,
			[]float64{0.09126116, 0.24363534, 0.93399199, 0.24983534, -0.94791253, 0.0368164, 1.03941444},
			[]float64{0.76070573, 0.76420126, 0.23364046, -0.88898078, -0.0505915, 0.90118749, 0.49457631},
			[]float64{0, 0.0349553687, -1.01361977, -0.313019258, 0.961912296, -0.123281771, 0},
			7.210741432743779, 0.03499028667335925,
		},
		{
			twelve.W, 0.7,
			[]float64{0.25854014, 0.34802136, 0.71607798, 0.18445989, -0.70998919, 0.0509744, 1.08225298},
			[]float64{0.44891598, 0.44438626, 0.11976256, -0.70298818, -0.05181738, 0.71620635, 0.63088737},
			[]float64{0, -0.045297183, -0.540943764, -0.194118134, 0.709328346, 0.0342467399, 0},
			4.775875273574099, 0.5464960367429323,
		},
	} {
		s := newSmoother(Points{twelve.T, twelve.Y, c.w})
		squares, trace := s.solve(c.lambda)
		require.InDelta(t, c.trace, trace, 1e-9)
		require.InDelta(t, c.squares, squares, 1e-9)
		spline := s.spline(c.lambda)
		for i, x := range at {
			v, rate, second := spline.At(x)
			require.InDelta(t, c.v[i], v, 1e-8)
			require.InDelta(t, c.rate[i], rate, 1e-8)
			require.InDelta(t, c.second[i], second, 2e-8)
		}
	}
}

// TestSmoothChoosesLambda compares with the least of both criteria over λ, found with
// SciPy's minimize_scalar and make_smoothing_spline; make_smoothing_spline without lam
// chooses by generalised cross-validation itself and agrees to 1e-6.
func TestSmoothChoosesLambda(t *testing.T) {
	var p Points
	for i := range 24 {
		k := float64(i)
		x := 0.3*k + 0.1*math.Sin(1.7*k)
		p.T, p.Y, p.W = append(p.T, x), append(p.Y, math.Sin(x)+0.15*math.Sin(37.1*k*k)), append(p.W, 1)
	}
	c := Smooth([]Points{p}, []float64{0}, false)
	require.InDelta(t, -2.4163206139077706, math.Log(c.Lambda), 1e-4)
	for i, x := range []float64{0, 1.03, 2.5, 4.4, 6.9} {
		v, rate, _ := c.At(x)
		require.InDelta(t, []float64{0.02964868, 0.82175041, 0.61375374, -0.90636119, 0.48030333}[i], v, 1e-5)
		require.InDelta(t, []float64{0.86931485, 0.49145607, -0.72427396, -0.35288815, 0.97651492}[i], rate, 1e-5)
	}
	require.InDelta(t, 0.013584987120576845, 24*c.Squares/((24-c.Trace)*(24-c.Trace)), 1e-12)
	require.InDelta(t, 0.15*0.15/2, c.Variance(), 0.004) // the mean of 0.15² sin²

	w := append([]float64{}, twelve.W...)
	for i := range w {
		w[i] /= 0.04
	}
	c = Smooth([]Points{{twelve.T, twelve.Y, w}}, []float64{0}, true)
	require.InDelta(t, 1.2518127014605462, math.Log(c.Lambda), 1e-4)
	require.InDelta(t, 14.953095280617308, c.Squares+2*c.Trace, 1e-9)
}

// TestSplineLimits: a line is kept at any λ; with λ large the curve is the line of least
// squares, with λ small it goes through the values.
func TestSplineLimits(t *testing.T) {
	line := Points{T: twelve.T, W: twelve.W}
	var sw, st, sy, stt, sty float64
	for i, x := range twelve.T {
		line.Y = append(line.Y, 3-2*x)
		w := twelve.W[i]
		sw, st, sy, stt, sty = sw+w, st+w*x, sy+w*twelve.Y[i], stt+w*x*x, sty+w*x*twelve.Y[i]
	}
	slope := (sw*sty - st*sy) / (sw*stt - st*st)
	for _, lambda := range []float64{1e-9, 1, 1e9} {
		s := newSmoother(line)
		s.solve(lambda)
		for _, x := range []float64{-1, 0, 0.7, 5, 9} {
			v, rate, second := s.spline(lambda).At(x)
			require.InDelta(t, 3-2*x, v, 1e-9)
			require.InDelta(t, -2, rate, 1e-9)
			require.InDelta(t, 0, second, 1e-9)
		}
	}
	s := newSmoother(twelve)
	_, trace := s.solve(1e9)
	require.InDelta(t, 2, trace, 1e-6)
	v, rate, _ := s.spline(1e9).At(4)
	require.InDelta(t, slope, rate, 1e-6)
	require.InDelta(t, (sy-slope*st)/sw+slope*4, v, 1e-6)
	squares, trace := s.solve(1e-12)
	require.InDelta(t, 12, trace, 1e-6)
	require.InDelta(t, 0, squares, 1e-12)
}

// TestReplicates: two values of one time are one of their mean and both weights, and
// their squares about it count.
func TestReplicates(t *testing.T) {
	once := Points{T: []float64{0, 1, 2, 3.5, 5}, Y: []float64{1, 3, 2, 5, 4}, W: []float64{1, 4, 1, 1, 1}}
	twice := Points{T: []float64{0, 1, 1, 2, 3.5, 5}, Y: []float64{1, 2.5, 3.5 - 1./3, 2, 5, 4}, W: []float64{1, 1, 3, 1, 1, 1}}
	a, b := newSmoother(once), newSmoother(twice)
	sa, ta := a.solve(0.3)
	sb, tb := b.solve(0.3)
	require.InDelta(t, ta, tb, 1e-12)
	require.InDelta(t, sa+0.25+3*(1./6)*(1./6), sb, 1e-12)
	va, ra, _ := a.spline(0.3).At(1.4)
	vb, rb, _ := b.spline(0.3).At(1.4)
	require.InDelta(t, va, vb, 1e-12)
	require.InDelta(t, ra, rb, 1e-12)
}

// TestPieces: a curve jumps where it may, and nowhere else; few values make a line or a
// constant.
func TestPieces(t *testing.T) {
	p := []Points{
		{[]float64{0, 1, 2, 3}, []float64{0, 1, 2, 3}, ones(4)},
		{[]float64{4, 5}, []float64{10, 9}, ones(2)},
		{},
		{[]float64{7}, []float64{-5}, ones(1)},
	}
	c := Smooth(p, []float64{0, 3.5, 6, 6.5}, false)
	for _, x := range []struct{ t, v, rate float64 }{{-1, -1, 1}, {2.5, 2.5, 1}, {3.5, 10.5, -1}, {6.4, 7.6, -1}, {6.5, -5, 0}, {9, -5, 0}} {
		v, rate, _ := c.At(x.t)
		require.InDelta(t, x.v, v, 1e-9)
		require.InDelta(t, x.rate, rate, 1e-9)
	}
	v, _, _ := c.Before(3.5)
	require.InDelta(t, 3.5, v, 1e-9)
	require.Equal(t, 7, c.Values)
}

// TestSplineAtTenThousand: the time is of order n.
func TestSplineAtTenThousand(t *testing.T) {
	var p Points
	for i := range 10_000 {
		x := float64(i) * 1e-3
		p.T, p.Y, p.W = append(p.T, x), append(p.Y, math.Sin(x)+0.1*math.Sin(37.1*float64(i*i%9973))), append(p.W, 1)
	}
	c := Smooth([]Points{p}, []float64{0}, false)
	for _, x := range []float64{1, 3, 7.7} {
		v, rate, _ := c.At(x)
		require.InDelta(t, math.Sin(x), v, 0.02)
		require.InDelta(t, math.Cos(x), rate, 0.05)
	}
}
