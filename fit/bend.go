package fit

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// bend is the room of what follows a bent valley.
type bend struct{ x, r, rr, a []float64 }

// The constants of a step that follows a valley: the part of the step over which the
// residuals are differenced, and the longest correction beside it.
const (
	bendDifference = 0.1
	mostBend       = 0.75
)

// accelerate takes the trial point, with its residuals, to where the second derivative of
// the residuals along the step q says that the valley leads, if the loss is lower there:
// by a = −½ (JᵀJ + λD)⁻¹ Jᵀ r″(q, q), with r″ from a residual on the way.
//
// M.K. Transtrum, J.P. Sethna, Improvements to the Levenberg–Marquardt algorithm for
// nonlinear least-squares minimization, 2012, arXiv:1201.5885, section 4.
func (e *gaussNewton) accelerate(run *run, trial Result, r []float64) (Result, error) {
	m, n, rows := len(e.free), len(e.x), len(r)
	if e.bent == nil {
		e.bent = &bend{make([]float64, n), make([]float64, rows), make([]float64, rows), make([]float64, m)}
	}
	b := e.bent
	for i, x := range e.x {
		b.x[i] = x + bendDifference*(e.trial[i]-x)
	}
	res, err := e.p.evaluate(run, b.x, b.r, nil)
	if err != nil || res.Failed {
		return trial, err
	}
	vector := func(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
	blas64.Gemv(blas.NoTrans, 1, e.moving(), vector(e.q), 0, vector(b.rr)) // J q
	for i, slope := range b.rr {
		b.rr[i] = 2 / bendDifference * ((b.r[i]-e.r[i])/bendDifference - slope)
	}
	blas64.Gemv(blas.Trans, -0.5, e.moving(), vector(b.rr), 0, vector(b.a))
	e.solve(b.a)
	if !(floats.Norm(b.a, 2) <= mostBend*floats.Norm(e.q, 2)) {
		return trial, nil
	}
	copy(b.x, e.trial)
	for k, c := range e.free {
		b.x[c] += b.a[k]
	}
	res, err = e.p.evaluate(run, b.x, b.r, nil)
	if err != nil || res.Failed || !trial.Failed && res.Loss+e.p.penalty(b.x) >= trial.Loss+e.p.penalty(e.trial) {
		return trial, err
	}
	copy(e.trial, b.x)
	copy(r, b.r)
	return res, nil
}
