package fit

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// valley has the residuals 1 − x and 1000 (y − x²): zero at (1, 1), at the end of a narrow valley
// along a parabola.
type valley struct{}

func (valley) Rows() int { return 2 }

func (valley) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	r[0], r[1] = 1-x[0], 1000*(x[1]-x[0]*x[0])
	if jac != nil {
		jac.SetRow(0, []float64{-1, 0})
		jac.SetRow(1, []float64{-2000 * x[0], 1000})
	}
	return Result{Loss: (r[0]*r[0] + r[1]*r[1]) / 2, Values: 2}, nil
}

// TestStepsFollowValleys: with the second derivative along a step, steps go round the bend of
// a valley where straight ones have to be short.
func TestStepsFollowValleys(t *testing.T) {
	took := map[bool]int{}
	for _, follow := range []bool{false, true} {
		p := &Problem{Loss: valley{}, Horizon: 1, Most: []float64{10, 10}, Follow: follow}
		o, err := descend(&run{ctx: t.Context()}, p, &descending{X: []float64{-1.2, 1}}, Limits{Iterations: 1000, Least: 1e-14, Times: 3},
			func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.True(t, o.Converged, o.Why)
		require.InDeltaSlice(t, []float64{1, 1}, []float64(o.X), 1e-6)
		took[follow] = o.Iterations
	}
	t.Log(took)
	require.Less(t, 2*took[true], took[false])
}

// stuck promises to fall by half the square of its residual along its slope, and falls nowhere.
type stuck float64

func (stuck) Rows() int { return 1 }

func (s stuck) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	r[0] = float64(s)
	if jac != nil {
		jac.Set(0, 0, 1)
	}
	return Result{Loss: float64(s*s)/2 + 1e-4*math.Abs(x[0]), Values: 1}, nil
}

// TestUnfulfilledPromises: where no step lowers the loss it is an optimum if slopes promise less than the limits say.
func TestUnfulfilledPromises(t *testing.T) {
	for _, c := range []struct {
		residual, promised float64
		converged          bool
	}{{0.04, 0, true}, {0.05, 0, false}, {0.4, 0.1, true}, {0.5, 0.1, false}} {
		p := &Problem{Loss: stuck(c.residual), Horizon: 1, Most: []float64{10}}
		o, err := descend(&run{ctx: t.Context()}, p, &descending{X: []float64{0}}, Limits{Iterations: 10, Times: 3, Promised: c.promised},
			func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.Equal(t, "no step lowers the loss", o.Why)
		require.Equal(t, c.converged, o.Converged, c)
	}
}

// rough is a bowl over a floor of 1, with errors of a part in 10⁵, as of a solver.
type rough struct{ *bowl }

func (r rough) Eval(ctx context.Context, x []float64, items []int, horizon float64, grad []float64) (Result, error) {
	res, err := r.bowl.Eval(ctx, x, items, horizon, grad)
	sum := 0.
	for _, v := range x {
		sum += v
	}
	res.Loss += 1 + 1e-5*math.Sin(1e9*sum)
	return res, err
}

// TestLBFGSBelowErrors: where falls are smaller than the errors of the loss, the slopes lead to
// the optimum, and it counts as one.
func TestLBFGSBelowErrors(t *testing.T) {
	b := newBowl(30)
	x := make([]float64, 30)
	s, err := (&Trainer{Objective: rough{b}, Stages: []Method{&LBFGS{MaxIterations: 500, Memory: 5, LossTol: 1e-10}}}).Run(t.Context(), x)
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.InDeltaSlice(t, b.a, []float64(s.X), 1e-3)
}

// TestLBFGSEnough: a search ends where many iterations bring next to nothing.
func TestLBFGSEnough(t *testing.T) {
	m := LBFGS{MaxIterations: 1000, Memory: 5, enough: Enough{Iterations: 5, Fall: 1e-3}}
	s, err := (&Trainer{Objective: banana{}, Stages: []Method{&m}}).Run(t.Context(), []float64{-1.2, 1})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.Less(t, s.Best.Score, 1e-3)
	most := s.Iteration
	m.enough = Enough{Iterations: 5, Fraction: 0.999999}
	s, err = (&Trainer{Objective: banana{}, Stages: []Method{&m}}).Run(t.Context(), []float64{-1.2, 1})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status, s.Message)
	require.Less(t, s.Iteration, most)
}

// straight has the residuals Ax − b.
type straight struct {
	a *mat.Dense
	b []float64
}

func (s straight) Rows() int { return len(s.b) }

func (s straight) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	out := mat.NewVecDense(len(r), r)
	out.MulVec(s.a, mat.NewVecDense(len(x), x))
	out.SubVec(out, mat.NewVecDense(len(s.b), s.b))
	if jac != nil {
		jac.Copy(s.a)
	}
	return Result{Loss: mat.Dot(out, out) / 2, Values: len(r)}, nil
}

// TestHeldCoordinates: with coordinates held, or with a penalty about a centre, the descent ends where a QR factorisation of
// the other columns, or of the rows with those of the penalty, puts it.
func TestHeldCoordinates(t *testing.T) {
	a := mat.NewDense(6, 4, []float64{1, 2, 0, 1, 0, 1, 3, -1, 2, 0, 1, 1, 1, 1, 1, 0, -1, 2, 2, 1, 0, 3, -1, 2})
	s := straight{a, []float64{1, -2, 3, 0.5, 4, -1}}
	solve := func(rows [][]float64, b []float64) []float64 {
		m := mat.NewDense(len(rows), len(rows[0]), nil)
		for i, r := range rows {
			m.SetRow(i, r)
		}
		var x mat.VecDense
		require.NoError(t, x.SolveVec(m, mat.NewVecDense(len(b), b)))
		return x.RawVector().Data
	}
	descended := func(p *Problem) *Outcome {
		p.Loss, p.Horizon = s, 1
		o, err := descend(&run{ctx: t.Context()}, p, &descending{X: []float64{5, 7, -3, 2}}, Limits{Iterations: 200, Least: 1e-16, Times: 3},
			func(*gaussNewton) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.True(t, o.Converged, o.Why)
		require.InDelta(t, o.Squares, o.Value, 1e-12)
		return o
	}
	o := descended(&Problem{Most: []float64{100, 0, 100, 0}})
	var rows [][]float64
	var b []float64
	for i := range 6 {
		rows = append(rows, []float64{a.At(i, 0), a.At(i, 2)})
		b = append(b, s.b[i]-7*a.At(i, 1)-2*a.At(i, 3))
	}
	want := solve(rows, b)
	require.InDeltaSlice(t, []float64{want[0], 7, want[1], 2}, []float64(o.X), 1e-6)
	require.Zero(t, o.Penalty)

	p := &Problem{Ridge: []float64{4, 0, 0.25, 9}, Center: []float64{1, 50, -2, 0}}
	o = descended(p)
	rows, b = nil, nil
	for i := range 6 {
		rows, b = append(rows, a.RawRowView(i)), append(b, s.b[i])
	}
	penalty := 0.
	for k, l := range p.Ridge {
		row := make([]float64, 4)
		row[k] = math.Sqrt(l)
		rows, b = append(rows, row), append(b, math.Sqrt(l)*p.Center[k])
	}
	want = solve(rows, b)
	require.InDeltaSlice(t, want, []float64(o.X), 1e-6)
	for k, l := range p.Ridge {
		penalty += l * (want[k] - p.Center[k]) * (want[k] - p.Center[k]) / 2
	}
	require.InEpsilon(t, penalty, o.Penalty, 1e-6)
	require.InEpsilon(t, o.Value+penalty, o.Total(), 1e-6)
}
