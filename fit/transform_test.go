package fit

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// anyInterval draws an interval of each kind, open and closed, tiny and huge.
func anyInterval(t *rapid.T) Interval {
	end := func(name string) float64 {
		e := rapid.IntRange(-12, 12).Draw(t, name+" exponent")
		return rapid.SampledFrom([]float64{-1, 0, 1}).Draw(t, name+" sign") *
			rapid.Float64Range(1, 10).Draw(t, name) * math.Pow(10, float64(e))
	}
	iv := Interval{
		Lo: end("lo"), Hi: end("hi"),
		LoOpen: rapid.Bool().Draw(t, "lo open"), HiOpen: rapid.Bool().Draw(t, "hi open"),
	}
	if iv.Lo > iv.Hi {
		iv.Lo, iv.Hi = iv.Hi, iv.Lo
	}
	if rapid.Bool().Draw(t, "lo infinite") {
		iv.Lo, iv.LoOpen = math.Inf(-1), true
	}
	if rapid.Bool().Draw(t, "hi infinite") {
		iv.Hi, iv.HiOpen = math.Inf(1), true
	}
	return iv
}

func anyTransform(t *rapid.T) Transform {
	iv := anyInterval(t)
	scale := math.Pow(10, float64(rapid.IntRange(-9, 9).Draw(t, "scale exponent")))
	tr, err := NewTransform(iv, scale)
	if err != nil {
		t.Skip(err)
	}
	return tr
}

func TestTransformKeepsInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := anyTransform(t)
		u := rapid.OneOf(
			rapid.Float64(),
			rapid.Float64Range(-50, 50),
			rapid.SampledFrom([]float64{math.MaxFloat64, -math.MaxFloat64, 710, -746, 0}),
		).Draw(t, "u")
		p := tr.Forward(u)
		if !tr.Interval().Contains(p) {
			t.Fatalf("%s(%g) = %g is not in %s", tr.Name(), u, p, tr.Interval())
		}
		for _, d := range []float64{tr.Derivative(u), tr.Second(u)} {
			if math.IsNaN(d) || math.IsInf(d, 0) {
				t.Fatalf("%s has the derivative %g at %g", tr.Name(), d, u)
			}
		}
		if tr.Derivative(u) < 0 {
			t.Fatal("the transform falls")
		}
	})
}

func TestTransformRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := anyTransform(t)
		u := rapid.Float64Range(-8, 8).Draw(t, "u")
		p := tr.Forward(u)
		// The error of p by rounding is that of its largest part.
		ends := math.Abs(p)
		for _, e := range []float64{tr.Interval().Lo, tr.Interval().Hi} {
			if !math.IsInf(e, 0) {
				ends = max(ends, math.Abs(e))
			}
		}
		back := tr.Inverse(p)
		if tol := 1e-12 + 8*0x1p-52*ends/tr.Derivative(u); math.Abs(back-u) > tol && tol < 0.1 {
			t.Fatalf("%s: %g -> %g -> %g", tr.Name(), u, p, back)
		}
	})
}

func TestTransformDerivatives(t *testing.T) {
	inf := math.Inf(1)
	for _, iv := range []Interval{
		Reals,
		{Lo: 0, Hi: inf, LoOpen: true},
		{Lo: 0.5, Hi: inf},
		{Lo: -inf, Hi: 2, HiOpen: true},
		{Lo: -inf, Hi: 2},
		{Lo: 0, Hi: 1},
		{Lo: -3, Hi: 5, LoOpen: true, HiOpen: true},
	} {
		tr, err := NewTransform(iv, 0.7)
		require.NoError(t, err)
		for _, u := range []float64{-4, -1, -0.1, 0.1, 1, 4} {
			const h = 1e-5
			d1 := (tr.Forward(u+h) - tr.Forward(u-h)) / (2 * h)
			d2 := (tr.Derivative(u+h) - tr.Derivative(u-h)) / (2 * h)
			require.InDelta(t, d1, tr.Derivative(u), 1e-8*max(1, math.Abs(d1)), "%s at %g", iv, u)
			require.InDelta(t, d2, tr.Second(u), 1e-8*max(1, math.Abs(d2)), "%s at %g", iv, u)
		}
	}
}

func TestTransformStart(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		iv    Interval
		start float64
		want  float64 // after the move inside
		moved bool
	}{
		{Interval{Lo: 0, Hi: 1}, 0.7, 0.7, false},
		{Interval{Lo: 0, Hi: 1}, 1e-4, 1e-4, false},
		{Interval{Lo: 0, Hi: 1}, 0, 0.01, true},
		{Interval{Lo: 0, Hi: 2}, 2, 1.98, true},
		{Interval{Lo: 0, Hi: inf}, 0, 0.05, true}, // scale 5
		{Interval{Lo: -inf, Hi: 3}, 3, 2.95, true},
		{Reals, -12, -12, false},
	} {
		tr, err := NewTransform(c.iv, 5)
		require.NoError(t, err)
		u, moved, err := tr.Start(c.start)
		require.NoError(t, err)
		require.Equal(t, c.moved, moved, "%s", c.iv)
		require.InDelta(t, c.want, tr.Forward(u), 1e-12, "%s", c.iv)
	}
	tr, err := NewTransform(Interval{Lo: 0, Hi: 1}, 0)
	require.NoError(t, err)
	for _, p := range []float64{-0.1, 1.1, math.NaN(), inf} {
		_, _, err = tr.Start(p)
		require.ErrorContains(t, err, "is not in [0, 1]")
	}
	u := make([]float64, 3)
	moved, err := Transforms{tr, tr, tr}.Start(u, []float64{0.5, 0, 1})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, moved)
	require.InDelta(t, 0.5, tr.Forward(u[0]), 1e-12)
	require.InDelta(t, 0.99, tr.Forward(u[2]), 1e-12)
	_, err = Transforms{tr, tr}.Start(make([]float64, 2), []float64{0.5, 7})
	require.EqualError(t, err, "parameter 1: the start value 7 is not in [0, 1]")
}

func TestTransformRefused(t *testing.T) {
	inf := math.Inf(1)
	for want, iv := range map[string]Interval{
		"holds a single value":             {Lo: 2, Hi: 2},
		"the interval (2, 2] is empty":     {Lo: 2, Hi: 2, LoOpen: true},
		"the interval [3, 2] is empty":     {Lo: 3, Hi: 2},
		"too narrow to hold two numbers":   {Lo: 1, Hi: math.Nextafter(1, 2), HiOpen: true},
		"wider than the largest number":    {Lo: -1e308, Hi: 1e308},
		"not a number":                     {Lo: math.NaN(), Hi: 1},
		"the interval (inf, inf) is empty": {Lo: inf, Hi: inf, LoOpen: true},
	} {
		_, err := NewTransform(iv, 1)
		require.ErrorContains(t, err, want, fmt.Sprint(iv))
	}
	_, err := NewTransform(Reals, -1)
	require.ErrorContains(t, err, "must be positive")
}

func TestAtBound(t *testing.T) {
	tr, err := NewTransform(Interval{Lo: 0, Hi: 1}, 0)
	require.NoError(t, err)
	require.True(t, tr.AtBound(1-1e-6))
	require.True(t, tr.AtBound(0))
	require.False(t, tr.AtBound(0.5))
	free, err := NewTransform(Reals, 0)
	require.NoError(t, err)
	require.False(t, free.AtBound(1e300))
}

// The pullback is that of the composition, and the delta method agrees with
// the spread of transformed normal numbers for a small spread.
func TestTransformsPullbackAndDelta(t *testing.T) {
	var ts Transforms
	for _, iv := range []Interval{Reals, {Lo: 0, Hi: math.Inf(1), LoOpen: true}, {Lo: 0, Hi: 1}} {
		tr, err := NewTransform(iv, 2)
		require.NoError(t, err)
		ts = append(ts, tr)
	}
	u := []float64{0.3, -0.7, 1.1}
	loss := func(u []float64) float64 {
		p := make([]float64, 3)
		ts.Forward(p, u)
		return p[0]*p[1] + math.Sin(p[2])*p[0]
	}
	p, g := make([]float64, 3), make([]float64, 3)
	ts.Forward(p, u)
	ts.Pullback(g, u, []float64{p[1] + math.Sin(p[2]), p[0], p[0] * math.Cos(p[2])})
	for i := range u {
		const h = 1e-6
		v := append([]float64(nil), u...)
		v[i] = u[i] + h
		up := loss(v)
		v[i] = u[i] - h
		require.InDelta(t, (up-loss(v))/(2*h), g[i], 1e-8)
	}

	cov := mat.NewSymDense(3, []float64{1, 0.5, 0, 0.5, 4, 0.2, 0, 0.2, 9})
	cov.ScaleSym(1e-8, cov)
	out := ts.Covariance(u, cov)
	se := ts.StdErr(u, []float64{1e-4, 2e-4, 3e-4})
	rng := Stream(1, "delta")
	var chol mat.Cholesky
	require.True(t, chol.Factorize(cov))
	var l mat.TriDense
	chol.LTo(&l)
	const n = 20000
	sum := mat.NewSymDense(3, nil)
	for range n {
		z := mat.NewVecDense(3, []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()})
		z.MulVec(&l, z)
		z.AddVec(z, mat.NewVecDense(3, u))
		q := make([]float64, 3)
		ts.Forward(q, z.RawVector().Data)
		d := mat.NewVecDense(3, nil)
		d.SubVec(mat.NewVecDense(3, q), mat.NewVecDense(3, p))
		sum.SymRankOne(sum, 1./n, d)
	}
	for i := range 3 {
		require.InEpsilon(t, math.Sqrt(out.At(i, i)), se[i], 1e-12)
		for j := range 3 {
			// Sampling error of a covariance: about sqrt(2/n) = 1 %, taken five times.
			require.InDelta(t, out.At(i, j), sum.At(i, j), 0.05*se[i]*se[j])
		}
	}
}
