package fit

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/kernel"
)

// Uncertainty is the normal approximation of the loss around an optimum, in
// coordinates. Standard errors of parameters follow by Transforms.StdErr.
type Uncertainty struct {
	// StdErr has an entry per coordinate: NaN where it takes part in a
	// direction along which the data do not bound the loss.
	StdErr []float64
	// Cov is the covariance on the directions that the data bound. Entries of
	// coordinates with a NaN standard error have no meaning of their own.
	Cov *mat.SymDense
	// Free lists the directions that the data do not bound, flattest first.
	Free []Direction
	// Condition is the ratio of the largest to the smallest eigenvalue of the
	// scaled Hessian among the bounded directions.
	Condition float64
}

// Direction is a unit vector of coordinates, in units of their own curvature,
// and the scaled curvature along it: about 0 where the loss is flat, negative
// where the point is not a minimum.
type Direction struct {
	Vector    []float64
	Curvature float64
	Move      []float64 // the same direction in coordinates
}

// freeBelow is the scaled curvature below which a direction counts as not
// bounded. It lies above what differences of gradients resolve (their step is
// 1e-4, so that truncation is near 1e-8) and corresponds to a standard error
// ten thousand times that with the other coordinates held.
const freeBelow = 1e-8

// takesPart is the least component of a coordinate in a free direction that
// makes its standard error meaningless.
const takesPart = 1e-3

// Laplace inverts the Hessian of a negative log-likelihood at its minimum. The
// matrix is first scaled to unit diagonal, so that the units of the
// coordinates do not matter. Directions with no curvature, or with a negative
// one, are reported in Free and not inverted.
func Laplace(hessian mat.Symmetric) (*Uncertainty, error) {
	n := hessian.SymmetricDim()
	d := make([]float64, n)
	for i := range n {
		v := hessian.At(i, i)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("the Hessian at (%d, %d) is %g, %w", i, i, v, ErrNotFinite)
		}
		if d[i] = math.Sqrt(math.Abs(v)); d[i] == 0 {
			d[i] = 1
		}
	}
	scaled := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			v := hessian.At(i, j) / d[i] / d[j]
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("the Hessian at (%d, %d) is %g, %w", i, j, hessian.At(i, j), ErrNotFinite)
			}
			scaled.SetSym(i, j, v)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(scaled, true) {
		return nil, errors.New("the eigenvalues of the Hessian could not be found")
	}
	var vec mat.Dense
	eig.VectorsTo(&vec)
	values := eig.Values(nil) // ascending
	u := &Uncertainty{StdErr: make([]float64, n), Cov: mat.NewSymDense(n, nil)}
	free := make([]bool, n)
	for k, lambda := range values {
		if lambda > freeBelow {
			if u.Condition == 0 {
				u.Condition = values[n-1] / lambda
			}
			w := make([]float64, n)
			for i := range w {
				w[i] = vec.At(i, k) / d[i]
			}
			u.Cov.SymRankOne(u.Cov, 1/lambda, mat.NewVecDense(n, w))
			continue
		}
		dir := Direction{Vector: mat.Col(nil, k, &vec), Curvature: lambda, Move: make([]float64, n)}
		for i, v := range dir.Vector {
			dir.Move[i] = v / d[i]
			free[i] = free[i] || math.Abs(v) > takesPart
		}
		u.Free = append(u.Free, dir)
	}
	for i := range u.StdErr {
		u.StdErr[i] = math.Sqrt(u.Cov.At(i, i))
		if free[i] {
			u.StdErr[i] = math.NaN()
		}
	}
	return u, nil
}

// Wide lists the directions along which one standard error is a unit or more, widest first,
// with coordinates counted in the given units. Their moves are one standard error long. A coordinate
// of infinite unit is left out, and so are those with no standard error.
func (u *Uncertainty) Wide(unit []float64) (list []Direction) {
	var of []int
	for i, s := range u.StdErr {
		if !math.IsNaN(s) && !math.IsInf(unit[i], 0) {
			of = append(of, i)
		}
	}
	if len(of) == 0 {
		return nil
	}
	cov := mat.NewSymDense(len(of), nil)
	for a, i := range of {
		for b := a; b < len(of); b++ {
			cov.SetSym(a, b, u.Cov.At(i, of[b])/unit[i]/unit[of[b]])
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(cov, true) {
		return nil
	}
	var vec mat.Dense
	eig.VectorsTo(&vec)
	values := eig.Values(nil)
	for k := len(values) - 1; k >= 0 && values[k] >= 1; k-- {
		d := Direction{Curvature: 1 / values[k], Move: make([]float64, len(u.StdErr))}
		for a, i := range of {
			d.Move[i] = vec.At(a, k) * math.Sqrt(values[k]) * unit[i]
		}
		list = append(list, d)
	}
	return list
}

// InformationScale is the factor that turns a mean loss at its minimum into a
// negative log-likelihood: the number of values, when the loss is one per
// value. For a mean of squares the variance of the noise is estimated from
// the loss itself, with the number of free coordinates taken off:
// (values − coordinates)/(2·loss).
func InformationScale(res Result, coordinates int, likelihood bool) (float64, error) {
	if likelihood {
		return float64(res.Values), nil
	}
	left := res.Values - coordinates
	if left < 1 || !(res.Loss > 0) {
		return 0, fmt.Errorf("%d values and a loss of %g leave nothing to estimate the noise of %d coordinates from", res.Values, res.Loss, coordinates)
	}
	return float64(left) / (2 * res.Loss), nil
}

// hessianStep is the step of the differences of gradients, relative to a
// coordinate above 1: the balance of their truncation, of second order,
// against the noise that adaptive solvers leave in a gradient.
const hessianStep = 1e-4

// Hessian is that of the loss by the chosen coordinates at x, times scale, by
// central differences of gradients over all trajectories at full length. The
// two estimates of each mixed derivative are averaged; asymmetry is their
// largest difference after scaling to unit diagonal, a measure of how far the
// result can be trusted.
func Hessian(ctx context.Context, obj Objective, x []float64, coords []int, scale float64) (h *mat.SymDense, asymmetry float64, err error) {
	n := len(coords)
	if n == 0 {
		return nil, 0, errors.New("no coordinate was chosen for the Hessian")
	}
	at := append([]float64(nil), x...)
	var g [2][]float64
	for k := range g {
		g[k] = make([]float64, len(x))
	}
	full := mat.NewDense(n, n, nil)
	for i, c := range coords {
		step := hessianStep * max(1, math.Abs(x[c]))
		for k, there := range []float64{x[c] + step, x[c] - step} {
			at[c] = there
			res, err := obj.Eval(ctx, at, nil, 1, g[k])
			if err == nil {
				err = finite(&res, g[k])
			}
			if err != nil {
				return nil, 0, err
			}
			if res.Failed {
				return nil, 0, fmt.Errorf("the loss cannot be differentiated twice here: %s", res.Reason)
			}
		}
		at[c] = x[c]
		for j, cj := range coords {
			full.Set(i, j, scale*(g[0][cj]-g[1][cj])/((x[c]+step)-(x[c]-step)))
		}
	}
	h = mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			a, b := full.At(i, j), full.At(j, i)
			h.SetSym(i, j, (a+b)/2)
			if d := math.Sqrt(math.Abs(full.At(i, i) * full.At(j, j))); d > 0 {
				asymmetry = max(asymmetry, math.Abs(a-b)/d)
			}
		}
	}
	return h, asymmetry, nil
}

// GaussNewton is JᵀJ by the chosen coordinates at x, times scale: the Hessian
// of ½‖r‖² where the residuals are small or nearly linear.
func GaussNewton(ctx context.Context, obj Residuals, x []float64, coords []int, scale float64) (*mat.SymDense, error) {
	rows, n := obj.Rows(), len(coords)
	if rows == 0 || n == 0 {
		return nil, errors.New("there is no residual, or no coordinate was chosen")
	}
	r, jac := make([]float64, rows), mat.NewDense(rows, len(x), nil)
	res, err := obj.Residuals(ctx, x, 1, r, jac)
	if err != nil {
		return nil, err
	}
	if res.Failed {
		return nil, fmt.Errorf("the residuals cannot be differentiated here: %s", res.Reason)
	}
	part := mat.NewDense(rows, n, nil)
	for j, c := range coords {
		part.SetCol(j, mat.Col(nil, c, jac))
	}
	if !kernel.Finite(part.RawMatrix().Data) {
		return nil, fmt.Errorf("a derivative of the residuals is %w", ErrNotFinite)
	}
	h := mat.NewSymDense(n, nil)
	h.SymOuterK(scale, part.T())
	return h, nil
}
