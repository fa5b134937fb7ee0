package fit

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

func TestHessian(t *testing.T) {
	h, asymmetry, err := Hessian(t.Context(), banana{}, []float64{1, 1}, []int{0, 1}, 2)
	require.NoError(t, err)
	// The Hessian of Rosenbrock's function at its minimum, times 2. The third
	// derivative along x makes the truncation: 2400·h²/6·… below 1e-5.
	require.True(t, mat.EqualApprox(mat.NewSymDense(2, []float64{1604, -800, -800, 400}), h, 1e-4), "%v", mat.Formatted(h))
	require.Less(t, asymmetry, 1e-6)

	b := newBowl(4)
	h, _, err = Hessian(t.Context(), b, b.a, []int{3, 1}, 1)
	require.NoError(t, err)
	require.InDelta(t, 4, h.At(0, 0), 1e-9)
	require.InDelta(t, 2, h.At(1, 1), 1e-9)
	require.InDelta(t, 0, h.At(0, 1), 1e-9)

	_, _, err = Hessian(t.Context(), new(cliff), []float64{1}, []int{0}, 1)
	require.EqualError(t, err, "the loss cannot be differentiated twice here: trajectory drop=4 at t = 3.5: unstable")
	_, _, err = Hessian(t.Context(), b, b.a, nil, 1)
	require.ErrorContains(t, err, "no coordinate")
}

// Standard errors of logistic regression are those of the inverse information
// matrix Σ p(1−p) x xᵀ, in closed form.
func TestLaplaceOfLikelihood(t *testing.T) {
	l := newLogistic(80)
	s, err := (&Trainer{Objective: l, Stages: []Method{lbfgs(100)}}).Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	w := s.Best.X
	n := float64(len(l.items))
	info := mat.NewSymDense(3, nil)
	for _, i := range l.items {
		x := l.x[i]
		info.SymRankOne(info, bell(w[0]*x[0]+w[1]*x[1]+w[2]*x[2]), mat.NewVecDense(3, x[:]))
	}
	for j := range 3 {
		info.SetSym(j, j, info.At(j, j)+n*ridge)
	}
	var inverse mat.Dense
	require.NoError(t, inverse.Inverse(info))

	res, err := l.Eval(t.Context(), w, nil, 1, nil)
	require.NoError(t, err)
	scale, err := InformationScale(res, 3, true)
	require.NoError(t, err)
	h, _, err := Hessian(t.Context(), l, w, []int{0, 1, 2}, scale)
	require.NoError(t, err)
	u, err := Laplace(h)
	require.NoError(t, err)
	require.Empty(t, u.Free)
	for i := range 3 {
		require.InEpsilon(t, math.Sqrt(inverse.At(i, i)), u.StdErr[i], 1e-6)
		for j := range 3 {
			require.InDelta(t, inverse.At(i, j), u.Cov.At(i, j), 1e-6)
		}
	}
}

// The units of a coordinate scale its standard error and nothing else.
func TestLaplaceScales(t *testing.T) {
	h := mat.NewSymDense(2, []float64{4, 1, 1, 2})
	s := mat.NewSymDense(2, []float64{4e24, 1e6, 1e6, 2e-12})
	u, err := Laplace(h)
	require.NoError(t, err)
	v, err := Laplace(s)
	require.NoError(t, err)
	require.InEpsilon(t, math.Sqrt(2./7), u.StdErr[0], 1e-12)
	require.InEpsilon(t, u.StdErr[0]*1e-12, v.StdErr[0], 1e-9)
	require.InEpsilon(t, u.StdErr[1]*1e6, v.StdErr[1], 1e-9)
	require.InEpsilon(t, u.Condition, v.Condition, 1e-9)
}

// Only the sum of two coordinates matters: neither has a standard error, the
// third keeps its own, and the direction is named.
func TestLaplaceNamesFreeDirections(t *testing.T) {
	u, err := Laplace(mat.NewSymDense(4, []float64{
		3, 3, 0, 0,
		3, 3, 0, 0,
		0, 0, 25, 0,
		0, 0, 0, 0,
	}))
	require.NoError(t, err)
	require.True(t, math.IsNaN(u.StdErr[0]))
	require.True(t, math.IsNaN(u.StdErr[1]))
	require.InEpsilon(t, 0.2, u.StdErr[2], 1e-12)
	require.True(t, math.IsNaN(u.StdErr[3]), "a coordinate without influence")
	require.Len(t, u.Free, 2)
	for _, d := range u.Free {
		require.InDelta(t, 0, d.Curvature, 1e-12)
		require.InDelta(t, 0, d.Vector[0]+d.Vector[1], 1e-12)
		require.InDelta(t, 0, d.Vector[2], 1e-12)
	}

	u, err = Laplace(mat.NewSymDense(2, []float64{1, 0, 0, -2}))
	require.NoError(t, err)
	require.InDelta(t, 1, u.StdErr[0], 1e-12)
	require.True(t, math.IsNaN(u.StdErr[1]))
	require.InDelta(t, -1, u.Free[0].Curvature, 1e-12, "not a minimum")

	_, err = Laplace(mat.NewSymDense(1, []float64{math.NaN()}))
	require.ErrorIs(t, err, ErrNotFinite)
}

func TestInformationScale(t *testing.T) {
	scale, err := InformationScale(Result{Loss: 0.25, Values: 12}, 2, false)
	require.NoError(t, err)
	require.InDelta(t, 20, scale, 1e-15)
	_, err = InformationScale(Result{Loss: 0.25, Values: 2}, 2, false)
	require.ErrorContains(t, err, "leave nothing to estimate the noise")
}

// wells has a local minimum near +1, a global one near −1 and a pole at 3.
type wells struct{}

func (wells) Dim() int   { return 1 }
func (wells) Items() int { return 1 }

func (wells) Eval(ctx context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if x[0] >= 3 {
		return Result{Failed: true, Reason: Failure{Trajectory: "a", Reason: "unstable"}}, nil
	}
	q := x[0]*x[0] - 1
	if grad != nil {
		grad[0] = 4*x[0]*q + 0.3
	}
	return Result{Loss: q*q + 0.3*x[0], Values: 1}, nil
}

func TestStarts(t *testing.T) {
	const n = 9
	starts := Starts([]float64{1, -2, 5}, []float64{1, 0.1, 0}, n, 4)
	require.Equal(t, []float64{1, -2, 5}, starts[0])
	again := Starts([]float64{1, -2, 5}, []float64{1, 0.1, 0}, n, 4)
	require.Equal(t, starts, again)
	require.NotEqual(t, starts, Starts([]float64{1, -2, 5}, []float64{1, 0.1, 0}, n, 5))
	for i, spread := range []float64{1, 0.1} {
		var seen [n - 1]bool
		for _, x := range starts[1:] {
			z := (x[i] - starts[0][i]) / spread
			seen[int((n-1)*0.5*math.Erfc(-z/math.Sqrt2))] = true
		}
		for k, ok := range seen {
			require.True(t, ok, "coordinate %d, stratum %d", i, k)
		}
	}
	for _, x := range starts {
		require.Equal(t, 5., x[2])
	}
}

func TestRunAll(t *testing.T) {
	starts := [][]float64{{0.9}, {3.5}, {-0.5}, {0.8}}
	tr := &Trainer{Objective: wells{}, Stages: []Method{adam(0.05, 40), lbfgs(60)}}
	var told []int
	states, best, err := tr.RunAll(t.Context(), starts, nil, func(k int, _ []*State) { told = append(told, k) })
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2, 3}, told)
	require.Equal(t, 2, best)
	require.Equal(t, Failed, states[1].Status)
	require.Equal(t, tr.Seed, states[0].Seed)
	require.NotEqual(t, states[0].Seed, states[2].Seed, "each start shuffles by itself")
	require.NotEqual(t, states[2].Seed, states[3].Seed)
	require.InDelta(t, -1.035, states[2].Best.X[0], 1e-3) // 4x³ − 4x + 0.3 = 0
	require.InDelta(t, 0.960, states[0].Best.X[0], 1e-3)

	// An interrupted set of starts goes on where it was.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	tr.Observer = func(Progress) {
		if n++; n == 70 {
			cancel()
		}
	}
	part, _, err := tr.RunAll(ctx, starts, nil, nil)
	require.NoError(t, err)
	require.Equal(t, Interrupted, part[len(part)-1].Status)
	require.Less(t, len(part), len(starts))
	tr.Observer = nil
	states2, best2, err := tr.RunAll(t.Context(), starts, part, nil)
	require.NoError(t, err)
	require.Equal(t, best, best2)
	for k := range states {
		require.Equal(t, states[k].Status, states2[k].Status)
		if states[k].Best != nil {
			require.InDeltaSlice(t, states[k].Best.X, states2[k].Best.X, 1e-6)
		}
	}

	_, best, err = tr.RunAll(t.Context(), [][]float64{{4}, {5}}, nil, nil)
	require.Equal(t, -1, best)
	require.ErrorContains(t, err, "none of 2 starts could be fitted; the first: adam, iteration 1")
	_, _, err = tr.RunAll(t.Context(), nil, nil, nil)
	require.Error(t, err)
}
