package estimate

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// squared is a loss that is a sum of squares, as the mean that is printed.
type squared struct {
	*loss.Objective
	squares *loss.Squares
}

func (s squared) Rows() int { return s.squares.Rows() }

func (s squared) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	res, err := s.squares.Residuals(ctx, x, horizon, r, jac)
	res.Loss /= float64(max(1, s.Total))
	return res, err
}

// unvalidated is such a loss without trajectories that are held back.
type unvalidated struct {
	fit.Objective
	fit.Lengths
	fit.Weights
	fit.Redrawer
	of squared
}

func (u unvalidated) Rows() int { return u.of.Rows() }

func (u unvalidated) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	return u.of.Residuals(ctx, x, horizon, r, jac)
}

// square gives the trainer residuals where the file asks for levenberg_marquardt, or
// refuses that.
func (f *Fit) square() error {
	asked := false
	for _, m := range f.Plan.Trainer.Stages {
		_, lm := m.(*fit.LevenbergMarquardt)
		asked = asked || lm
	}
	if !asked {
		return nil
	}
	squares, why, err := loss.NewSquares(f.Trained())
	switch {
	case err != nil:
		return err
	case squares != nil && f.shooting != nil:
		why = "segments have coordinates of their own"
	case squares != nil:
		why = squares.NotExact()
	}
	if why != "" {
		l := &diag.List{}
		at := f.prog.Checked.Model.Span
		if block := f.prog.Checked.Fit; block != nil { // the command line may ask for it too
			at = block.Span
		}
		l.Errorf("not-supported", at, "`levenberg_marquardt` needs a sum of squares: %s", why).
			WithHelp("leave `optimizer` out, or write `optimizer: lbfgs`")
		return l.Err()
	}
	o := squared{f.Objective, squares}
	f.Plan.Trainer.Objective = o
	if len(o.Validation) == 0 { // hides Validate
		f.Plan.Trainer.Objective = unvalidated{o, o, o, o, o}
	}
	return nil
}
