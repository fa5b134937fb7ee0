package autodiff_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
)

// TestDerivative: values and honest error estimates over scales, near a
// boundary of the domain, and with noise.
func TestDerivative(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(x float64) (float64, error)
		x, h float64
		want float64
		tol  float64
	}{
		{"exp", func(x float64) (float64, error) { return math.Exp(x), nil }, 1, 0.05, math.E, 1e-11},
		{"large step", func(x float64) (float64, error) { return math.Sin(x), nil }, 1, 3, math.Cos(1), 1e-11},
		{"tiny scale", func(x float64) (float64, error) { return math.Exp(1e9 * x), nil }, 1e-9, 5e-11, 1e9 * math.E, 1e-2},
		{"constant", func(float64) (float64, error) { return 7, nil }, 1, 0.1, 0, 0},
		{"log near 0", func(x float64) (float64, error) {
			if x <= 0 {
				return 0, errors.New("negative")
			}
			return math.Log(x), nil
		}, 0.001, 0.05, 1000, 1e-6},
		{"pole", func(x float64) (float64, error) { return math.Sqrt(x), nil }, 0.01, 0.05, 5, 1e-8},
		{"noise", func(x float64) (float64, error) { return math.Sin(x) + 1e-9*math.Sin(1e7*x), nil }, 1, 0.1, math.Cos(1), 1e-6},
	} {
		v, e, err := autodiff.Derivative(func(h float64) (float64, error) { return c.f(c.x + h) }, c.h)
		require.NoError(t, err, c.name)
		require.InDelta(t, c.want, v, c.tol, c.name)
		require.LessOrEqual(t, math.Abs(v-c.want), 10*e, "%s: the estimated error %g", c.name, e)
	}
	broken := errors.New("broken")
	_, _, err := autodiff.Derivative(func(float64) (float64, error) { return 0, broken }, 1)
	require.ErrorIs(t, err, broken)
	_, _, err = autodiff.Derivative(func(float64) (float64, error) { return math.NaN(), nil }, 1)
	require.ErrorContains(t, err, "the function is NaN")
	for _, side := range []float64{1, -1} {
		_, _, err = autodiff.Derivative(func(h float64) (float64, error) { return 1 / math.Max(0, side*h), nil }, 1)
		require.ErrorContains(t, err, "+Inf")
	}
	_, _, err = autodiff.Derivative(func(float64) (float64, error) { return 0, nil }, 0)
	require.ErrorContains(t, err, "must be positive")
}

func TestCheckGradient(t *testing.T) {
	f := func(x []float64) (float64, error) { return x[0]*x[0]*math.Exp(x[1]) + 1e-3*math.Sin(x[2]), nil }
	x := []float64{2, 0, 1e-4}
	grad := []float64{4, 4, 1e-3 * math.Cos(1e-4)}
	var c autodiff.Check
	got, err := c.Gradient(f, x, grad)
	require.NoError(t, err)
	for i, o := range got {
		require.Equal(t, autodiff.Agree, o.Verdict, "%+v", o)
		require.Equal(t, i, o.Index)
		require.InDelta(t, grad[i], o.Value, 1e-9)
	}
	require.Equal(t, []float64{2, 0, 1e-4}, x, "the point is left as it was")
	for i := range x { // a wrong component is found, and only that
		for _, factor := range []float64{1 + 1e-4, 0, -1} {
			bad := append([]float64(nil), grad...)
			bad[i] *= factor
			got, err = c.Gradient(f, x, bad)
			require.NoError(t, err)
			for k, o := range got {
				require.Equal(t, map[bool]autodiff.Verdict{true: autodiff.Disagree, false: autodiff.Agree}[k == i], o.Verdict, "%+v", o)
			}
		}
	}
	bad := []float64{4, math.NaN(), 0}
	got, err = c.Gradient(f, x, bad)
	require.NoError(t, err)
	require.Equal(t, autodiff.Disagree, got[1].Verdict)
	require.Equal(t, "disagree", got[1].Verdict.String())

	// Noise: nothing can be said about a small difference.
	noisy := func(x []float64) (float64, error) { return x[0] + 1e-4*math.Sin(1e8*x[0]), nil }
	got, err = c.Gradient(noisy, []float64{1.234}, []float64{1.0001})
	require.NoError(t, err)
	require.Equal(t, autodiff.Undecided, got[0].Verdict, "%+v", got[0])

	// A kink at the point: the differences converge to what is between the
	// slopes, which a one-sided derivative is not.
	kink := func(x []float64) (float64, error) { return math.Max(x[0], 3*x[0]), nil }
	got, err = c.Gradient(kink, []float64{0}, []float64{1})
	require.NoError(t, err)
	require.Equal(t, autodiff.Disagree, got[0].Verdict)

	_, err = c.Gradient(f, x, grad[:2])
	require.ErrorContains(t, err, "a gradient of 2 components at a point of 3")
	_, err = c.Gradient(func([]float64) (float64, error) { return 0, errors.New("no") }, x, grad)
	require.ErrorContains(t, err, "component 0: no")

	zero, err := c.Gradient(func([]float64) (float64, error) { return 3, nil }, x, []float64{0, 0, 0})
	require.NoError(t, err)
	for _, o := range zero {
		require.Equal(t, autodiff.Agree, o.Verdict)
	}
}

func TestCheckAlong(t *testing.T) {
	f := func(x []float64) (float64, error) { return x[0] * x[0] * math.Exp(x[1]), nil }
	c := autodiff.Check{Size: func(int) float64 { return 1 }}
	o, err := c.Along(f, []float64{2, 0.5}, []float64{1, -2}, (4-8)*math.Exp(0.5))
	require.NoError(t, err)
	require.Equal(t, autodiff.Agree, o.Verdict, "%+v", o)
	o, err = c.Along(f, []float64{2, 0.5}, []float64{1, -2}, 0)
	require.NoError(t, err)
	require.Equal(t, autodiff.Disagree, o.Verdict)
	_, err = c.Along(f, []float64{2, 0.5}, []float64{0, 0}, 0)
	require.ErrorContains(t, err, "direction is zero")
	_, err = c.Along(f, []float64{2, 0.5}, []float64{0}, 0)
	require.ErrorContains(t, err, "1 components")
}

// A direction may be of any length: the step follows the coordinates.
func TestCheckAlongOfAnyLength(t *testing.T) {
	f := func(x []float64) (float64, error) {
		if math.Abs(x[0]-2) > 1 || math.Abs(x[1]-300) > 100 {
			return 0, errors.New("far from the point")
		}
		return x[0] * x[0] * math.Exp(x[1]/300), nil
	}
	for _, length := range []float64{1e-6, -1, 1, 1e6} {
		claimed := length * math.E * (4 - 4./300)
		o, err := autodiff.Check{}.Along(f, []float64{2, 300}, []float64{length, -length}, claimed)
		require.NoError(t, err)
		require.Equal(t, autodiff.Agree, o.Verdict, "%+v", o)
		require.InEpsilon(t, claimed, o.Value, 1e-9)
		o, err = autodiff.Check{}.Along(f, []float64{2, 300}, []float64{0, -length}, -length*4./300*math.E)
		require.NoError(t, err)
		require.Equal(t, autodiff.Agree, o.Verdict, "one coordinate alone: %+v", o)
	}
	// The first step is what Step says of the size.
	for _, c := range []struct {
		check autodiff.Check
		x     float64
		want  float64
	}{
		{autodiff.Check{}, 3, 0.15},
		{autodiff.Check{}, 0, 0.05},
		{autodiff.Check{Step: 0.5}, -3, 1.5},
		{autodiff.Check{Step: 0.5, Size: func(i int) float64 { return 10 * float64(1+i) }}, 3, 5},
	} {
		most := 0.
		_, err := c.check.Gradient(func(x []float64) (float64, error) {
			most = math.Max(most, math.Abs(x[0]-c.x))
			return x[0], nil
		}, []float64{c.x}, []float64{1})
		require.NoError(t, err)
		require.InDelta(t, c.want, most, 1e-15)
	}
}

// A tolerance is relative to the component, and to the largest one.
func TestCheckTolerances(t *testing.T) {
	f := func(x []float64) (float64, error) { return 1000*x[0] + x[1], nil }
	verdicts := func(c autodiff.Check, grad ...float64) (list []autodiff.Verdict) {
		got, err := c.Gradient(f, []float64{1, 1}, grad)
		require.NoError(t, err)
		for _, o := range got {
			list = append(list, o.Verdict)
		}
		return list
	}
	const ok, bad = autodiff.Agree, autodiff.Disagree
	require.Equal(t, []autodiff.Verdict{ok, ok}, verdicts(autodiff.Check{}, 1000*(1+9e-7), 1+1.5e-6))
	require.Equal(t, []autodiff.Verdict{bad, bad}, verdicts(autodiff.Check{}, 1000*(1+1.2e-6), 1+2.5e-6))
	require.Equal(t, []autodiff.Verdict{ok, bad}, verdicts(autodiff.Check{Rtol: 0.01}, 1005, 1.02))
	require.Equal(t, []autodiff.Verdict{ok, ok}, verdicts(autodiff.Check{Atol: 0.1}, 1090, 90))
}

// The estimates of the error are honest for functions of all kinds and sizes:
// not too small, and not much larger than what is to be had.
func TestDerivativeErrors(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(x float64) float64
		want float64
		most float64 // of the estimate
	}{
		"falls":           {func(x float64) float64 { return math.Exp(-3 * x) }, -3, 1e-10},
		"rises":           {func(x float64) float64 { return math.Exp(3 * x) }, 3, 1e-10},
		"of third degree": {func(x float64) float64 { return 1 + 2*x - 7*x*x*x }, 2, 1e-10},
		"large values":    {func(x float64) float64 { return 1e6 + math.Sin(x) }, 1, 1e-6},
		"fast":            {func(x float64) float64 { return math.Sin(40 * x) }, 40, 1e-7},
		"noise":           {func(x float64) float64 { return x + 1e-6*math.Sin(1e9*x) }, 1, 1e-2},
		"negative noise":  {func(x float64) float64 { return -x - 1e-6*math.Abs(math.Sin(1e9*x+1)) }, -1, 1e-2},
		"far steps fail":  {func(x float64) float64 { return math.Log(1e-2 + x) }, 100, 1e-4},
	} {
		calls := 0
		v, e, err := autodiff.Derivative(func(h float64) (float64, error) {
			calls++
			if y := c.f(h); !math.IsNaN(y) {
				return y, nil
			}
			return 0, errors.New("not defined")
		}, 0.05)
		require.NoError(t, err, name)
		require.LessOrEqual(t, math.Abs(v-c.want), 3*e+1e-15, "%s: %g", name, v)
		require.LessOrEqual(t, e, c.most, name)
		require.LessOrEqual(t, calls, 2*16, name)
	}
	// A smooth function needs few steps, and fewer than all.
	calls := 0
	_, _, err := autodiff.Derivative(func(h float64) (float64, error) { calls++; return math.Exp(h), nil }, 0.05)
	require.NoError(t, err)
	require.LessOrEqual(t, calls, 2*8)
	// A claim that is off by less than ten estimated errors is not refused.
	noisy := func(x []float64) (float64, error) { return x[0] + 1e-6*math.Sin(1e9*x[0]), nil }
	got, err := autodiff.Check{}.Gradient(noisy, []float64{1}, []float64{1})
	require.NoError(t, err)
	require.NotEqual(t, autodiff.Disagree, got[0].Verdict)
	got, err = autodiff.Check{}.Gradient(noisy, []float64{1}, []float64{got[0].Value + 5*got[0].Err})
	require.NoError(t, err)
	require.Equal(t, autodiff.Undecided, got[0].Verdict)
	got, err = autodiff.Check{}.Gradient(noisy, []float64{1}, []float64{got[0].Value + 12*got[0].Err})
	require.NoError(t, err)
	require.Equal(t, autodiff.Disagree, got[0].Verdict)
	// Tolerances go by the size, also of negative values.
	for _, s := range []float64{1, -1} {
		line := func(x []float64) (float64, error) { return 1000 * s * x[0], nil }
		got, err = autodiff.Check{Atol: 1e-30}.Gradient(line, []float64{1}, []float64{1000 * s * (1 - 5e-7)})
		require.NoError(t, err)
		require.Equal(t, autodiff.Agree, got[0].Verdict)
		got, err = autodiff.Check{Rtol: 1e-30}.Gradient(line, []float64{1}, []float64{1000 * s * (1 - 5e-10)})
		require.NoError(t, err)
		require.Equal(t, autodiff.Agree, got[0].Verdict)
	}
}
