package fit

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/kernel"
)

// Objective is the loss of a model over its training trajectories, as a
// function of unconstrained coordinates.
//
// The loss is a mean per measured value, plus penalties, so that losses of
// different batches can be compared and the gradient of a batch estimates
// that of all.
type Objective interface {
	// Dim is the number of coordinates, weights of networks included.
	Dim() int
	// Items is the number of training trajectories.
	Items() int
	// Eval evaluates the loss at x over the trajectories in batch, or over all
	// of them when batch is nil, each followed for the fraction horizon, in
	// (0, 1], of its span. It sets grad, unless nil, to the gradient by x. A
	// solve that fails is not an error but a Result with Failed set. An error
	// means that going on makes no sense, or that ctx ended; the evaluation is
	// then dropped. Slices of the Result may be reused by the next call.
	Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error)
}

// Validator is an objective that holds trajectories back from training. Their loss is
// reported and, where [Stop] says so, chooses the best parameters and ends a run that no
// longer improves.
type Validator interface {
	Validate(ctx context.Context, x []float64, horizon float64) (Result, error)
}

// Redrawer is an objective with random numbers: Redraw takes another set of them, and
// reports whether that changes anything. Set 0 is that by which points are compared; each
// epoch of a first-order method has a set of its own.
type Redrawer interface{ Redraw(set int) bool }

// Worker is an objective that counts its work, in operations since it was made.
type Worker interface{ Work() float64 }

// Residuals is an objective with residuals r such that Jᵀr is its gradient and JᵀJ
// the curvature that is expected of it, J = dr/dx: a sum of squares ½‖r‖², or the negative
// log-density of data, for Fisher's scoring.
type Residuals interface {
	// Rows is the number of residuals; a missing value has residual 0.
	Rows() int
	// Residuals sets r, and jac (Rows × Dim) to dr/dx unless it is nil.
	Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (Result, error)
}

// Lengths is an objective that tells how long its trajectories are, so that a
// batch can be formed of similar ones.
type Lengths interface {
	Length(item int) float64
}

// Weights is an objective that tells its weights of networks from parameters
// with a meaning. Weight decay shrinks the former only; without this
// interface it shrinks every coordinate.
type Weights interface {
	Weight(coordinate int) bool
}

// Term is a named part of a loss.
type Term struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Result is an evaluated loss.
type Result struct {
	Loss   float64
	Terms  []Term  // parts of the loss, after weighting
	Values int     // measured values that entered
	Kinks  int     // trajectories whose events follow in another order than at their previous evaluation
	Failed bool    // no loss: a solve failed
	Reason Failure // when Failed
}

// Failure says where a solve failed.
type Failure struct {
	Item       int     // index of the trajectory
	Trajectory string  // its key, as in `drop=4`
	Time       float64 // when it failed
	Reason     string  // what happened, in the words of the solver's status
}

func (f Failure) String() string {
	name := f.Trajectory
	if name == "" {
		name = fmt.Sprint(f.Item)
	}
	return fmt.Sprintf("trajectory %s at t = %g: %s", name, f.Time, f.Reason)
}

// FailedError tells that a model could not be solved where a method stands,
// so that there is no loss to go on from.
type FailedError struct {
	Stage     string
	Iteration int // counted from 1
	Retries   int // rejected attempts before giving up
	Failure   Failure
}

func (e *FailedError) Error() string {
	at := fmt.Sprintf("%s, iteration %d: the model cannot be solved: %s", e.Stage, e.Iteration, e.Failure)
	if e.Retries == 0 {
		return at + " (there is no earlier step to go back to: change the start values or the solver's tolerances)"
	}
	return fmt.Sprintf("%s (%d shorter steps failed too: lower the learning rate, bound the parameters, or start with a shorter horizon)", at, e.Retries)
}

// ErrNotFinite is wrapped by the error for a loss or gradient that is not a
// finite number though no solve failed.
var ErrNotFinite = errors.New("not a finite number")

// finite refuses numbers that would silently spoil the parameters.
func finite(res *Result, grad []float64) error {
	if res.Failed {
		return nil
	}
	if v := res.Loss; math.IsNaN(v) || math.IsInf(v, 0) {
		for _, t := range res.Terms {
			if math.IsNaN(t.Value) || math.IsInf(t.Value, 0) {
				return fmt.Errorf("the loss is %g, %w: its term `%s` is %g", v, ErrNotFinite, t.Name, t.Value)
			}
		}
		return fmt.Errorf("the loss is %g, %w", v, ErrNotFinite)
	}
	if kernel.Finite(grad) {
		return nil
	}
	for i, g := range grad {
		if math.IsNaN(g) || math.IsInf(g, 0) {
			return fmt.Errorf("the gradient by coordinate %d is %g, %w, while the loss is %g", i, g, ErrNotFinite, res.Loss)
		}
	}
	return nil
}
