package estimate

import (
	"errors"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/setting"
)

// Check says why New would refuse a fit, all that is known without a run.
func Check(prog *engine.Compiled, from *problem.Problem, settings *setting.Values, c Options) error {
	plan, planErr := planOf(prog.Program, settings, c)
	opt, solverErr := engine.SolverOptions(settings)
	errs := []error{planErr, solverErr}
	if planErr == nil && solverErr == nil {
		errs = append(errs, checkPrecision(prog.Program, plan, opt))
	}
	train, valid, err := trajectories(prog.Program, from, c.Whole)
	if err != nil || planErr != nil {
		return errors.Join(append(errs, err)...)
	}
	sp, err := problem.NewSpace(prog.Program, append(train, valid...), plan.Trainer.Seed)
	switch {
	case err != nil:
		errs = append(errs, err)
	case sp.Dim == 0:
		errs = append(errs, nothingToFit(from))
	default:
		errs = append(errs, sp.SetValues(c.From))
	}
	return errors.Join(errs...)
}
