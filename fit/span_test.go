package fit

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// affine has the residuals A x − b.
type affine struct {
	a *mat.Dense
	b []float64
}

func (l affine) Rows() int { return len(l.b) }
func (l affine) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	res := Result{Values: len(r)}
	for i := range r {
		r[i] = mat.Dot(l.a.RowView(i), mat.NewVecDense(len(x), x)) - l.b[i]
		res.Loss += r[i] * r[i] / 2
	}
	if jac != nil {
		jac.Copy(l.a)
	}
	return res, nil
}

// line is a network of one argument and one hidden layer over points, with a bend that it has to find.
type line struct{ hidden, points int }

func (l line) Rows() int { return l.points }
func (l line) Residuals(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	const noise = 1e-3
	res := Result{Values: len(r)}
	h := l.hidden
	for i := range r {
		at := 2*float64(i)/float64(l.points-1) - 1
		sum := 0.
		for u := range h {
			z := math.Tanh(x[u]*at + x[h+u])
			sum += x[2*h+u] * z
			if jac != nil {
				slope := x[2*h+u] * (1 - z*z) / noise
				jac.Set(i, u, slope*at)
				jac.Set(i, h+u, slope)
				jac.Set(i, 2*h+u, z/noise)
			}
		}
		r[i] = (sum - math.Sin(4*at) - 3) / noise
		res.Loss += r[i] * r[i] / 2
	}
	return res, nil
}

func weightsOf(n int) []float64 {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func endOf(t *testing.T, p *Problem, d *descending, lim Limits) *Outcome {
	t.Helper()
	o, err := descend(&run{ctx: t.Context()}, p, d, lim, func(*gaussNewton) (bool, error) { return false, nil })
	require.NoError(t, err)
	return o
}

// TestNarrowSteps: a ridge on many coordinates of which the data tell few directions has its closed form as
// the minimum, which steps in the space of these directions come to as those in all coordinates do.
func TestNarrowSteps(t *testing.T) {
	const rows, n, own, rank = 200, 400, 3, 30
	rng := rand.New(rand.NewPCG(1, 2))
	a := mat.NewDense(rows, n, nil)
	for d := range rank {
		u, v := mat.NewVecDense(rows, nil), mat.NewVecDense(n, nil)
		for i := range rows {
			u.SetVec(i, rng.NormFloat64())
		}
		for i := range n {
			v.SetVec(i, rng.NormFloat64()*math.Pow(10, 1-0.1*float64(d)))
		}
		a.RankOne(a, 1, u, v)
	}
	l := affine{a, weightsOf(rows)}
	ridge, h := make([]float64, n), mat.NewSymDense(n, nil)
	h.SymOuterK(1, a.T())
	for i := range ridge {
		if ridge[i] = 0.5 * math.Exp(2*rng.Float64()); i < own {
			ridge[i] = 0 // what is no weight may have none
		}
		h.SetSym(i, i, h.At(i, i)+ridge[i])
	}
	var right, want mat.VecDense
	right.MulVec(a.T(), mat.NewVecDense(rows, l.b))
	var chol mat.Cholesky
	require.True(t, chol.Factorize(h))
	require.NoError(t, chol.SolveVecTo(&want, &right))
	for _, wide := range []bool{false, true} {
		p := &Problem{Loss: l, Horizon: 1, Ridge: ridge, Alike: [][2]int{{own, n}}}
		d := &descending{X: weightsOf(n), Wide: wide}
		o := endOf(t, p, d, Limits{Iterations: 100, Least: 1e-12, Times: 3})
		require.True(t, o.Converged, o.Why)
		require.Equal(t, wide, d.Wide)
		require.InDeltaSlice(t, want.RawVector().Data, []float64(o.X), 1e-5)
	}
}

// TestManyDirections: where the data tell as many directions as there are coordinates, steps go through all of them.
func TestManyDirections(t *testing.T) {
	const n = 300
	a := mat.NewDense(n, n, weightsOf(n*n))
	ridge := make([]float64, n)
	for i := range ridge {
		ridge[i] = 1e-4
	}
	d := &descending{X: make([]float64, n)}
	o := endOf(t, &Problem{Loss: affine{a, weightsOf(n)}, Horizon: 1, Ridge: ridge, Alike: [][2]int{{0, n}}}, d, Limits{Iterations: 100, Least: 1e-9, Times: 3})
	require.True(t, d.Wide)
	require.True(t, o.Converged, o.Why)
}

// TestOneScale: weights of a network with one scale come in fewer steps to a fit whose residuals were a thousand times the noise
// than with scales of their own, under which those that hardly tell move as far as a step may. Many weights, whose steps
// are sought in few directions, come as far.
func TestOneScale(t *testing.T) {
	fall := func(hidden int, alike bool) *Outcome {
		n := 3 * hidden
		p := &Problem{Loss: line{hidden, 120}, Horizon: 1, Ridge: make([]float64, n), Most: make([]float64, n), Follow: true}
		for i := range n {
			p.Ridge[i], p.Most[i] = 0.1, 2
		}
		if alike {
			p.Alike = [][2]int{{0, n}}
		}
		return endOf(t, p, &descending{X: weightsOf(n)}, Limits{Iterations: 300, Flat: 1e-4, Times: 3})
	}
	one, own := fall(8, true), fall(8, false)
	t.Logf("one scale: %d iterations to %.3g; own: %d to %.3g", one.Iterations, one.Total(), own.Iterations, own.Total())
	require.True(t, one.Converged, one.Why)
	require.Less(t, 4*one.Iterations, 3*own.Iterations)
	many := fall(86, true)
	require.True(t, many.Converged, many.Why)
	require.Less(t, many.Total(), one.Total())
}
