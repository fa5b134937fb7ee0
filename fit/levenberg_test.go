package fit

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	_ "github.com/pinode/pinode/internal/testseed"

	"github.com/pinode/pinode/internal/kernel"
)

// system is a set of residuals with ½‖r‖² as loss. residual sets r and, unless
// nil, jac, and tells whether it could.
type system struct {
	rows, dim int
	residual  func(x, r []float64, jac *mat.Dense) bool
}

func (s *system) Dim() int   { return s.dim }
func (s *system) Items() int { return 1 }
func (s *system) Rows() int  { return s.rows }

func (s *system) Eval(ctx context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	r, jac := make([]float64, s.rows), mat.NewDense(s.rows, s.dim, nil)
	res, err := s.Residuals(ctx, x, 1, r, jac)
	if grad != nil {
		mat.NewVecDense(s.dim, grad).MulVec(jac.T(), mat.NewVecDense(s.rows, r))
	}
	return res, err
}

func (s *system) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	if !s.residual(x, r, jac) {
		return Result{Failed: true, Reason: Failure{Item: 7, Time: 2, Reason: "unstable"}}, nil
	}
	n := norm2(r)
	return Result{Loss: n * n / 2, Values: s.rows}, nil
}

func marquardt(iterations int) *LevenbergMarquardt {
	return &LevenbergMarquardt{MaxIterations: iterations, Factor: 1, LossTol: 1.5e-8, StepTol: 1.5e-8}
}

// The step satisfies (JᵀJ + λD²) p = −Jᵀr with ‖D p‖ ≤ 1.1 Δ, and λ = 0 or
// ‖D p‖ ≥ 0.9 Δ, for tall, square and flat Jacobians.
func TestTrustRegionStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, n := rapid.IntRange(1, 6).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "n")
		num := rapid.Map(rapid.IntRange(-3000, 3000), func(i int) float64 { return float64(i) / 1000 })
		jac := mat.NewDense(rows, n, rapid.SliceOfN(num, rows*n, rows*n).Draw(t, "jac"))
		r := rapid.SliceOfN(num, rows, rows).Draw(t, "r")
		scale := rapid.SliceOfN(rapid.Float64Range(0.1, 10), n, n).Draw(t, "scale")
		delta := rapid.Float64Range(1e-3, 10).Draw(t, "delta")
		var l linear
		if err := l.decompose(jac, scale, r); err != nil {
			t.Fatal(err)
		}
		q := make([]float64, n)
		lambda := l.step(q, delta)
		length := norm2(q)
		if length > 1.1*delta*(1+1e-9) {
			t.Fatalf("‖q‖ = %g > Δ = %g", length, delta)
		}
		if lambda < 0 || lambda > 0 && length < 0.9*delta*(1-1e-9) {
			t.Fatalf("λ = %g with ‖q‖ = %g, Δ = %g", lambda, length, delta)
		}
		// In the scaled variable: A = J D⁻¹, (AᵀA + λ) q + Aᵀ r = 0.
		a := mat.DenseCopyOf(jac)
		for j, s := range scale {
			for i := range rows {
				a.Set(i, j, a.At(i, j)/s)
			}
		}
		var left mat.VecDense
		left.MulVec(a, mat.NewVecDense(n, q))
		left.AddVec(&left, mat.NewVecDense(rows, r))
		if fall := l.fall(lambda); math.Abs(fall-func() float64 {
			var aq mat.VecDense
			aq.MulVec(a, mat.NewVecDense(n, q))
			return mat.Norm(&aq, 2)
		}()) > 1e-9*(1+fall) {
			t.Fatal("‖J p‖ is wrong")
		}
		var normal mat.VecDense
		normal.MulVec(a.T(), &left)
		normal.AddScaledVec(&normal, lambda, mat.NewVecDense(n, q))
		if res := mat.Norm(&normal, 2); res > 1e-8*(1+mat.Norm(a, 2)) {
			t.Fatalf("the normal equations are off by %g", res)
		}
	})
}

// Numbers far apart do not lead out of the region.
func TestTrustRegionStepOfExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		power := rapid.Map(rapid.IntRange(-60, 60), func(e int) float64 { return math.Pow(10, float64(e)) })
		jac := mat.NewDense(2, 2, rapid.SliceOfN(power, 4, 4).Draw(t, "jac"))
		r := rapid.SliceOfN(power, 2, 2).Draw(t, "r")
		delta := power.Draw(t, "delta")
		var l linear
		if err := l.decompose(jac, []float64{1, 1}, r); err != nil {
			t.Fatal(err)
		}
		q := make([]float64, 2)
		if l.step(q, delta); !kernel.Finite(q) || norm2(q) > 1.1*delta*(1+1e-9) {
			t.Fatalf("q = %g, Δ = %g", q, delta)
		}
	})
}

func TestLevenbergLinear(t *testing.T) {
	// x = (2, −3) solves the first two rows; the third repeats the first.
	s := &system{rows: 3, dim: 2, residual: func(x, r []float64, jac *mat.Dense) bool {
		a := mat.NewDense(3, 2, []float64{1, 2, 3, -1, 1, 2})
		mat.NewVecDense(3, r).MulVec(a, mat.NewVecDense(2, x))
		for i, y := range []float64{-4, 9, -4} {
			r[i] -= y
		}
		if jac != nil {
			jac.Copy(a)
		}
		return true
	}}
	st, err := (&Trainer{Objective: s, Stages: []Method{marquardt(50)}}).Run(t.Context(), []float64{100, 50})
	require.NoError(t, err)
	require.Equal(t, Converged, st.Status, st.Message)
	require.InDeltaSlice(t, []float64{2, -3}, st.Best.X, 1e-9)
}

func TestLevenbergDeficientRank(t *testing.T) {
	// Only x₀ + x₁ matters and x₂ does not: the step of least length is taken.
	s := &system{rows: 1, dim: 3, residual: func(x, r []float64, jac *mat.Dense) bool {
		r[0] = x[0] + x[1] - 1
		if jac != nil {
			jac.SetRow(0, []float64{1, 1, 0})
		}
		return true
	}}
	st, err := (&Trainer{Objective: s, Stages: []Method{marquardt(50)}}).Run(t.Context(), []float64{0, 0, 5})
	require.NoError(t, err)
	require.Equal(t, Converged, st.Status)
	require.InDeltaSlice(t, []float64{0.5, 0.5, 5}, st.Best.X, 1e-9)
}

// cube is x³ = 0.7, which cannot be solved for beyond 1.
func cube(limit float64) *system {
	return &system{rows: 1, dim: 1, residual: func(x, r []float64, jac *mat.Dense) bool {
		r[0] = x[0]*x[0]*x[0] - 0.7
		if jac != nil {
			jac.Set(0, 0, 3*x[0]*x[0])
		}
		return x[0] <= limit
	}}
}

func TestLevenbergShrinksAtFailures(t *testing.T) {
	m := marquardt(100)
	m.Factor = 100
	st, err := (&Trainer{Objective: cube(1), Stages: []Method{m}}).Run(t.Context(), []float64{0.1})
	require.NoError(t, err)
	require.Equal(t, Converged, st.Status)
	require.Positive(t, st.Rejected)
	require.InDelta(t, math.Cbrt(0.7), st.Best.X[0], 1e-7)

	st, err = (&Trainer{Objective: cube(0.1), Stages: []Method{m}}).Run(t.Context(), []float64{0.1})
	require.NoError(t, err)
	require.Equal(t, StoppedEarly, st.Status)
	require.Equal(t, "every shorter step fails: trajectory 7 at t = 2: unstable", st.Message)
	require.Equal(t, Vector{0.1}, st.Best.X)

	st, err = (&Trainer{Objective: cube(1), Stages: []Method{m}}).Run(t.Context(), []float64{2})
	require.ErrorContains(t, err, "levenberg_marquardt, iteration 1: the model cannot be solved")
	require.Equal(t, Failed, st.Status)
	require.Nil(t, st.Best)
}

func TestLevenbergStops(t *testing.T) {
	run := func(s *system, m *LevenbergMarquardt, x0 float64) (*State, error) {
		return (&Trainer{Objective: s, Stages: []Method{m}}).Run(t.Context(), []float64{x0})
	}
	st, err := run(cube(10), marquardt(2), 5)
	require.NoError(t, err)
	require.Equal(t, MaxIterations, st.Status)
	require.Equal(t, 2, st.Iteration)

	st, err = run(cube(10), marquardt(2), math.Cbrt(0.7))
	require.NoError(t, err)
	require.Equal(t, Converged, st.Status)

	bad := cube(10)
	whole := bad.residual
	bad.residual = func(x, r []float64, jac *mat.Dense) bool {
		ok := whole(x, r, jac)
		if jac != nil {
			jac.Set(0, 0, math.NaN())
		}
		return ok
	}
	_, err = run(bad, marquardt(9), 5)
	require.ErrorIs(t, err, ErrNotFinite)
	require.ErrorContains(t, err, "levenberg_marquardt, iteration 1: a residual or its derivative is not a finite number")

	_, err = run(&system{rows: 0, dim: 1}, marquardt(9), 5)
	require.ErrorContains(t, err, "no measured value")
}
