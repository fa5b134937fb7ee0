package fit

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Transforms carries a vector of coordinates to a vector of parameters, one
// by one. All slices given to its methods have its length.
type Transforms []Transform

// Forward sets p to the parameters at the coordinates u.
func (ts Transforms) Forward(p, u []float64) {
	for i := range ts {
		p[i] = ts[i].Forward(u[i])
	}
}

// Start sets u to the coordinates of start values p and returns the indices
// of the values that sat on a bound and were moved inside.
func (ts Transforms) Start(u, p []float64) (moved []int, err error) {
	for i := range ts {
		var m bool
		if u[i], m, err = ts[i].Start(p[i]); err != nil {
			return moved, fmt.Errorf("parameter %d: %w", i, err)
		}
		if m {
			moved = append(moved, i)
		}
	}
	return moved, nil
}

// Pullback turns the gradient gp by the parameters into the gradient gu by
// the coordinates, at u. The two may be the same slice.
func (ts Transforms) Pullback(gu, u, gp []float64) {
	for i := range ts {
		gu[i] = gp[i] * ts[i].Derivative(u[i])
	}
}

// Covariance carries the covariance of coordinates at u to first order to
// that of the parameters (the delta method): D C D with D = dp/du.
func (ts Transforms) Covariance(u []float64, cov mat.Symmetric) *mat.SymDense {
	n := len(ts)
	out := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			out.SetSym(i, j, ts[i].Derivative(u[i])*cov.At(i, j)*ts[j].Derivative(u[j]))
		}
	}
	return out
}

// StdErr carries standard errors se of the coordinates at u to those of the
// parameters, by the delta method. NaN, for not identified, stays NaN.
func (ts Transforms) StdErr(u, se []float64) []float64 {
	out := make([]float64, len(ts))
	for i := range ts {
		out[i] = math.Abs(ts[i].Derivative(u[i])) * se[i]
	}
	return out
}
