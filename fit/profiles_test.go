package fit

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/setting"
)

// form is ½ (x−c)ᵀ H (x−c), which counts its evaluations and may turn bad.
type form struct {
	h      *mat.SymDense
	c      []float64
	n      int
	broken func(n int, res *Result) error
	order  []float64 // horizons asked for
}

func (f *form) Dim() int   { return len(f.c) }
func (f *form) Items() int { return 1 }

func (f *form) Eval(_ context.Context, x []float64, _ []int, horizon float64, grad []float64) (Result, error) {
	f.n++
	f.order = append(f.order, horizon)
	d := mat.NewVecDense(len(x), nil)
	d.SubVec(mat.NewVecDense(len(x), x), mat.NewVecDense(len(x), f.c))
	var g mat.VecDense
	g.MulVec(f.h, d)
	if grad != nil {
		copy(grad, g.RawVector().Data)
	}
	res := Result{Loss: mat.Dot(d, &g) / 2, Values: 10}
	var err error
	if f.broken != nil {
		err = f.broken(f.n, &res)
	}
	return res, err
}

// Each coordinate of three, held in turn, at an optimum that is not zero: the
// ends are those of the inverse matrix, and each point lies on its parabola.
func TestProfileOfEachCoordinate(t *testing.T) {
	f := &form{h: mat.NewSymDense(3, []float64{4, 1, -1, 1, 3, 0.5, -1, 0.5, 2}), c: []float64{0.3, -2, 5}}
	var inverse mat.Dense
	require.NoError(t, inverse.Inverse(f.h))
	for c := range 3 {
		f.n, f.order = 0, nil
		p, err := NewProfile(t.Context(), f, f.c, c, 0.05, 7, 1.5)
		require.NoError(t, err)
		want := math.Sqrt(2 * 1.5 * inverse.At(c, c) / 7)
		require.InEpsilon(t, want, p.Hi-f.c[c], 2e-3, c)
		require.InEpsilon(t, want, f.c[c]-p.Lo, 2e-3, c)
		require.Equal(t, c, p.Coordinate)
		for k, at := range p.Points {
			d := at.At - f.c[c]
			require.InDelta(t, 7*d*d/2/inverse.At(c, c), at.Rise, 1e-4)
			require.True(t, k == 0 || at.At > p.Points[k-1].At)
		}
		for _, h := range f.order {
			require.Equal(t, 1., h, "whole trajectories")
		}
	}
}

// A profile of one coordinate needs few evaluations: the distances double
// from the first step, and √rise is nearly linear behind.
func TestProfileCountsEvaluations(t *testing.T) {
	f := &form{h: mat.NewSymDense(1, []float64{1}), c: []float64{0}}
	p, err := NewProfile(t.Context(), f, f.c, 0, 0.3, 1, 2) // ends at ±2
	require.NoError(t, err)
	require.InDelta(t, 2, p.Hi, 2e-3)
	require.InDelta(t, -2, p.Lo, 2e-3)
	// The centre; 0.3, 0.6, 1.2, 2.4 and the secant's place, on both sides.
	require.Equal(t, 1+2*5, f.n)
	var places []float64
	for _, at := range p.Points {
		places = append(places, at.At)
		require.InDelta(t, at.At*at.At/2, at.Rise, 1e-12)
	}
	require.InDeltaSlice(t, []float64{-2.4, -2, -1.2, -0.6, -0.3, 0, 0.3, 0.6, 1.2, 2, 2.4}, places, 1e-9)

	// x⁴ bends: the square root of its rise is x².
	q := &quartic{}
	p, err = NewProfile(t.Context(), q, []float64{0}, 0, 1.5, 1, 1)
	require.NoError(t, err)
	require.InDelta(t, 1, p.Hi, 2e-3)
	require.InDelta(t, -1, p.Lo, 2e-3)
	require.LessOrEqual(t, q.n, 1+2*8)
}

// quartic is x⁴, unsolvable beyond a limit other than 0.
type quartic struct {
	n     int
	limit float64
}

func (*quartic) Dim() int   { return 1 }
func (*quartic) Items() int { return 1 }

func (q *quartic) Eval(_ context.Context, x []float64, _ []int, _ float64, _ []float64) (Result, error) {
	q.n++
	if q.limit != 0 && x[0] > q.limit {
		return Result{Failed: true, Reason: Failure{Trajectory: "a", Time: 1, Reason: "unstable"}}, nil
	}
	return Result{Loss: math.Pow(x[0], 4), Values: 1}, nil
}

// An end behind which a solve fails is blocked; one that is found although a
// farther trial failed is not.
func TestProfileBlocked(t *testing.T) {
	q := &quartic{limit: 0.9}
	p, err := NewProfile(t.Context(), q, []float64{0}, 0, 0.5, 1, 1)
	require.NoError(t, err)
	require.LessOrEqual(t, q.n, 1+10+14, "halving to a thousandth")
	require.Equal(t, "trajectory a at t = 1: unstable", p.Blocked[1])
	require.LessOrEqual(t, p.Hi, 0.9)
	require.Greater(t, p.Hi, 0.898)
	require.Empty(t, p.Blocked[0])
	p, err = NewProfile(t.Context(), &quartic{limit: 1.2}, []float64{0}, 0, 0.9, 1, 1)
	require.NoError(t, err)
	require.InDelta(t, 1, p.Hi, 2e-3)
	require.Empty(t, p.Blocked[1])
}

// Errors of the objective, wherever they come, and lower losses on the way.
func TestProfileErrors(t *testing.T) {
	gone := errors.New("the data were removed")
	for _, dim := range []int{1, 2} {
		for _, n := range []int{1, 2, 3, 5, 8} {
			f := &form{h: mat.NewSymDense(dim, []float64{1, 0, 0, 1}[:dim*dim]), c: make([]float64, dim)}
			f.broken = func(k int, _ *Result) error {
				if k == n {
					return gone
				}
				return nil
			}
			_, err := NewProfile(t.Context(), f, f.c, 0, 0.3, 1, 2)
			require.ErrorIs(t, err, gone, "%d, %d", dim, n)
			f.n = 0
			f.broken = func(k int, res *Result) error {
				if k == n {
					res.Loss = math.NaN()
				}
				return nil
			}
			_, err = NewProfile(t.Context(), f, f.c, 0, 0.3, 1, 2)
			require.ErrorIs(t, err, ErrNotFinite, "%d, %d", dim, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		f := &form{h: mat.NewSymDense(dim, []float64{1, 0, 0, 1}[:dim*dim]), c: make([]float64, dim)}
		f.broken = func(k int, _ *Result) error {
			if k >= 4 {
				cancel()
			}
			return ctx.Err()
		}
		_, err := NewProfile(ctx, f, f.c, 0, 0.3, 1, 2)
		require.ErrorIs(t, err, context.Canceled)
	}
	f := &form{h: mat.NewSymDense(1, []float64{1}), c: []float64{0}}
	for _, bad := range [][3]float64{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {math.Inf(1), 1, 1}, {1, 1, math.NaN()}} {
		_, err := NewProfile(t.Context(), f, f.c, 0, bad[0], bad[1], bad[2])
		require.ErrorContains(t, err, "needs a positive first step, scale and rise")
	}
	_, err := NewProfile(t.Context(), f, f.c, -1, 1, 1, 1)
	require.Error(t, err)
	// At 0.1 beside the minimum the rise falls short by 0.005, of 1 a half of
	// a hundredth, which is let pass; at 0.3 by 0.045.
	_, err = NewProfile(t.Context(), f, []float64{0.1}, 0, 0.1, 1, 1)
	require.NoError(t, err)
	_, err = NewProfile(t.Context(), f, []float64{0.3}, 0, 0.3, 1, 1)
	require.ErrorContains(t, err, "with coordinate 0 at 0 the negative log-likelihood is lower than at the estimate by 0.045")
}

// A side counts as not bounded at 1024 first steps.
func TestProfileFarthest(t *testing.T) {
	f := &form{h: mat.NewSymDense(1, []float64{1}), c: []float64{0}}
	p, err := NewProfile(t.Context(), f, f.c, 0, 1, 1, 1000*1000./2)
	require.NoError(t, err)
	require.InEpsilon(t, 1000, p.Hi, 2e-3)
	p, err = NewProfile(t.Context(), f, f.c, 0, 1, 1, 1030*1030./2)
	require.NoError(t, err)
	require.Equal(t, math.Inf(1), p.Hi)
	require.Equal(t, math.Inf(-1), p.Lo)
}

// twisted has a gradient that is that of no function.
type twisted struct{ quadratic }

func (twisted) Eval(_ context.Context, x []float64, _ []int, horizon float64, grad []float64) (Result, error) {
	if horizon != 1 {
		return Result{}, errors.New("not the whole")
	}
	if grad != nil {
		grad[0], grad[1] = 4*x[0]+3*x[1], x[0]-9*x[1]
	}
	return Result{Values: 1}, nil
}

// The two mixed differences are averaged, and their difference is measured
// by the diagonal: |3−1|/√(4·9).
func TestHessianAsymmetry(t *testing.T) {
	for _, x := range [][]float64{{0, 0}, {5e3, -3e-2}} {
		h, asymmetry, err := Hessian(t.Context(), twisted{}, x, []int{0, 1}, 1)
		require.NoError(t, err)
		require.InDelta(t, 2, h.At(0, 1), 1e-8)
		require.InDelta(t, 4, h.At(0, 0), 1e-8)
		require.InDelta(t, -9, h.At(1, 1), 1e-7)
		require.InDelta(t, 1./3, asymmetry, 1e-8)
	}
}

// The matrix of the chosen coordinates, at full length, and its refusals.
func TestGaussNewton(t *testing.T) {
	s := &system{rows: 3, dim: 3, residual: func(x, r []float64, jac *mat.Dense) bool {
		for i := range r {
			r[i] = float64(i+1)*x[0] + x[1]*x[2]
			if jac != nil {
				jac.SetRow(i, []float64{float64(i + 1), x[2], x[1]})
			}
		}
		return x[0] < 10
	}}
	h, err := GaussNewton(t.Context(), wholeOnly{s}, []float64{1, 2, 5}, []int{2, 0}, 0.5)
	require.NoError(t, err)
	// Columns (2, 2, 2) and (1, 2, 3).
	require.True(t, mat.EqualApprox(mat.NewSymDense(2, []float64{6, 6, 6, 7}), h, 1e-14), "%v", mat.Formatted(h))
	_, err = GaussNewton(t.Context(), s, []float64{11, 2, 5}, []int{0}, 1)
	require.EqualError(t, err, "the residuals cannot be differentiated here: trajectory 7 at t = 2: unstable")
	_, err = GaussNewton(t.Context(), s, []float64{1, math.NaN(), 5}, []int{2}, 1)
	require.ErrorIs(t, err, ErrNotFinite)
	_, err = GaussNewton(t.Context(), s, []float64{1, 1, 5}, nil, 1)
	require.Error(t, err)
	_, err = GaussNewton(t.Context(), &brittle{system: s, n: 1, what: func(*Result) error { return errors.New("gone") }}, []float64{1, 1, 5}, []int{0}, 1)
	require.EqualError(t, err, "gone")
}

// wholeOnly refuses a shorter horizon.
type wholeOnly struct{ *system }

func (w wholeOnly) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (Result, error) {
	if horizon != 1 {
		return Result{}, errors.New("not the whole")
	}
	return w.system.Residuals(ctx, x, horizon, r, jac)
}

func TestContains(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		iv       Interval
		in, out  []float64
		asWrites string
	}{
		{Interval{Lo: 1, Hi: 2}, []float64{1, 1.5, 2}, []float64{0.9, 2.1, math.NaN(), inf, -inf}, "[1, 2]"},
		{Interval{Lo: 1, Hi: 2, LoOpen: true, HiOpen: true}, []float64{1.5}, []float64{1, 2, 0, 3}, "(1, 2)"},
		{Interval{Lo: 1, Hi: inf}, []float64{1, 1e308}, []float64{0, inf, -inf}, "[1, inf)"},
		{Interval{Lo: -inf, Hi: 1, HiOpen: true}, []float64{0, -1e308}, []float64{1, 2, -inf}, "(-inf, 1)"},
	} {
		for _, p := range c.in {
			require.True(t, c.iv.Contains(p), "%g in %s", p, c.iv)
		}
		for _, p := range c.out {
			require.False(t, c.iv.Contains(p), "%g in %s", p, c.iv)
		}
		require.Equal(t, c.asWrites, c.iv.String())
	}
}

// A bound is close within a ten-thousandth of the width, or of the scale.
func TestAtBoundDistances(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		iv        Interval
		near, far float64
	}{
		{Interval{Lo: 100, Hi: 1100}, 100.09, 100.11},
		{Interval{Lo: 100, Hi: 1100}, 1099.91, 1099.89},
		{Interval{Lo: 100, Hi: inf}, 100.00049, 100.00051},
		{Interval{Lo: -inf, Hi: 7}, 6.99951, 6.99949},
	} {
		tr, err := NewTransform(c.iv, 5)
		require.NoError(t, err)
		require.True(t, tr.AtBound(c.near), "%s", c.iv)
		require.False(t, tr.AtBound(c.far), "%s", c.iv)
	}
}

// Values of each kind of transform, written out.
func TestTransformValues(t *testing.T) {
	inf := math.Inf(1)
	const u, s = 0.7, 2.
	for _, c := range []struct {
		iv            Interval
		name          string
		value, d1, d2 float64
	}{
		{Reals, "identity", s * u, s, 0},
		{Interval{Lo: 1, Hi: inf, LoOpen: true}, "log", 1 + s*math.Exp(u), s * math.Exp(u), s * math.Exp(u)},
		{Interval{Lo: -inf, Hi: 1, HiOpen: true}, "log", 1 - s*math.Exp(-u), s * math.Exp(-u), -s * math.Exp(-u)},
		{Interval{Lo: 1, Hi: inf}, "softplus", 1 + s*math.Log(1+math.Exp(u)), s / (1 + math.Exp(-u)), s * math.Exp(-u) / math.Pow(1+math.Exp(-u), 2)},
		{Interval{Lo: -inf, Hi: 1}, "softplus", 1 - s*math.Log(1+math.Exp(-u)), s / (1 + math.Exp(u)), -s * math.Exp(u) / math.Pow(1+math.Exp(u), 2)},
		{Interval{Lo: 1, Hi: 4}, "logit", 1 + 3/(1+math.Exp(-u)), 3 * math.Exp(-u) / math.Pow(1+math.Exp(-u), 2), 3 * (math.Exp(-2*u) - math.Exp(-u)) / math.Pow(1+math.Exp(-u), 3)},
	} {
		tr, err := NewTransform(c.iv, s)
		require.NoError(t, err)
		require.Equal(t, c.name, tr.Name())
		require.InEpsilon(t, c.value, tr.Forward(u), 1e-14, "%s", c.iv)
		require.InEpsilon(t, c.d1, tr.Derivative(u), 1e-14, "%s", c.iv)
		require.InDelta(t, c.d2, tr.Second(u), 1e-14, "%s", c.iv)
		require.InEpsilon(t, u, tr.Inverse(c.value), 1e-14, "%s", c.iv)
		one, err := NewTransform(c.iv, 0)
		require.NoError(t, err)
		if c.name == "identity" {
			require.Equal(t, u, one.Forward(u), "a scale of 0 means 1")
		}
	}
}

// The least and largest values of settings that are counts.
func TestSettingBounds(t *testing.T) {
	set := func(key, text string) error {
		v := setting.New(table)
		if err := v.Set("optimizer", "adam then lbfgs", "flag"); err != nil {
			return err
		}
		if err := v.Set(key, text, "flag"); err != nil {
			return err
		}
		_, err := NewPlan(v)
		return err
	}
	for _, c := range [][3]string{
		// setting, accepted, refused
		{"optimizer.lbfgs.iterations", "1", "0"},
		{"optimizer.lbfgs.memory", "1", "0"},
		{"optimizer.lbfgs.memory", "1000", "1001"},
		{"optimizer.lbfgs.ftol", "1", "1.001"},
		{"optimizer.lbfgs.gtol", "0", "-1e-9"},
		{"optimizer.adam.epochs", "1", "0"},
		{"optimizer.adam.epochs", "1073741824", "1073741825"},
		{"optimizer.adam.retries", "60", "61"},
		{"optimizer.adam.beta1", "0", "-0.1"},
		{"optimizer.adam.beta2", "0.9999", "1"},
		{"optimizer.adam.lr", "1e-300", "-1"},
		{"optimizer.adam.eps", "1e-300", "0"},
		{"optimizer.adam.clip", "0", "-1"},
		{"seed", "9007199254740992", "9007199254740994"},
		{"seed", "0", "-1"},
		{"starts", "1", "0"},
		{"workers", "65536", "65537"},
		{"checkpoint_every", "0", "-1"},
		{"shooting.segments", "1", "0"},
		{"stop.max_time", "9e9", "9.1e9"},
	} {
		require.NoError(t, set(c[0], c[1]), "%s: %s", c[0], c[1])
		require.Error(t, set(c[0], c[2]), "%s: %s", c[0], c[2])
	}
	v := setting.New(table)
	require.NoError(t, v.Set("uncertainty", "ensemble", "flag"))
	require.NoError(t, v.Set("starts", "2", "flag"))
	require.NoError(t, v.Set("spread", "2", "flag"))
	p, err := NewPlan(v)
	require.NoError(t, err)
	require.Equal(t, 2, p.Starts)
	require.Empty(t, Settings(Owned{}).Find("solver").Default)
	require.Equal(t, "tsit5", table.Find("solver").Default)
}

// A start on a bound is moved inside by a hundredth of the width; a coordinate
// without curvature of its own still has that of its mixed derivatives.
func TestStartsOnBoundsAndSaddles(t *testing.T) {
	tr, err := NewTransform(Interval{Lo: 100, Hi: 300}, 7)
	require.NoError(t, err)
	for p, want := range map[float64]float64{100: 102, 300: 298, 250: 250} {
		u, moved, err := tr.Start(p)
		require.NoError(t, err)
		require.Equal(t, p != want, moved)
		require.InDelta(t, want, tr.Forward(u), 1e-9)
	}
	u, err := Laplace(mat.NewSymDense(2, []float64{0, 1, 1, 0}))
	require.NoError(t, err)
	require.Len(t, u.Free, 1)
	require.InDelta(t, -1, u.Free[0].Curvature, 1e-12)
	require.InDelta(t, 1, u.Condition, 1e-12)
}

// asked records where it is evaluated.
type asked struct {
	*bowl
	at [][]float64
}

func (a *asked) Eval(ctx context.Context, x []float64, batch []int, h float64, grad []float64) (Result, error) {
	a.at = append(a.at, append([]float64(nil), x...))
	return a.bowl.Eval(ctx, x, batch, h, grad)
}

// The steps of the differences are a ten-thousandth of a coordinate above 1.
func TestHessianSteps(t *testing.T) {
	a := &asked{bowl: newBowl(3)}
	x := []float64{0.3, -500, 7}
	_, _, err := Hessian(t.Context(), a, x, []int{1, 0}, 1)
	require.NoError(t, err)
	require.Len(t, a.at, 4)
	for k, want := range [][]float64{{0.3, -499.95, 7}, {0.3, -500.05, 7}, {0.3001, -500, 7}, {0.2999, -500, 7}} {
		require.InDeltaSlice(t, want, a.at[k], 1e-12)
	}
	// One residual is enough for a matrix of one coordinate.
	h, err := GaussNewton(t.Context(), cube(10), []float64{2}, []int{0}, 1)
	require.NoError(t, err)
	require.InDelta(t, 144, h.At(0, 0), 1e-12)
	v := setting.New(table)
	require.NoError(t, v.Set("shooting.segments", "2", "flag"))
	require.NoError(t, v.Set("shooting.continuity", "3", "flag"))
	_, err = NewPlan(v)
	require.NoError(t, err)
	_, best, err := new(Trainer).RunAll(t.Context(), nil, nil, nil)
	require.Error(t, err)
	require.Equal(t, -1, best)
}
