package estimate

import (
	"context"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// shootingMethod is what fits segments where the file names no optimiser: the nodes are
// many coordinates.
var shootingMethod = &fit.LBFGS{MaxIterations: 2000, Memory: 20, LossTol: 1e-10}

// shoot lets the trainer fit segments whose first states are coordinates too, where the
// file asks for multiple shooting. What is said of the result is that of whole trajectories.
func (f *Fit) shoot() error {
	if f.Plan.Segments < 2 {
		return nil
	}
	at := f.prog.Checked.Model.Span
	if s := f.prog.Checked.Fit; s != nil {
		at = s.Span
	}
	l := &diag.List{}
	tr := &f.Plan.Trainer
	for _, m := range tr.Stages {
		if _, ok := m.(*fit.Auto); !ok {
			continue
		}
		if f.settings.Given("optimizer") {
			l.Errorf("not-supported", at, "`shooting` with `optimizer: auto` is not supported: the latter cuts trajectories as it needs").
				WithHelp("leave `shooting` out, or write `optimizer: lbfgs`")
			return l.Err()
		}
		tr.Stages = []fit.Method{shootingMethod}
		break
	}
	s, err := f.told.Shoot(context.Background(), f.Plan.Segments, f.Plan.Continuity, f.solver, f.Plan.Workers)
	if err != nil {
		l.Errorf("not-supported", at, "`shooting` is not supported for this model: %s", err).
			WithHelp("leave it out: `optimizer: auto` looks for starts near the data")
		return l.Err()
	}
	networks := exec.Double
	if f.Plan.Single {
		networks = exec.Single
	}
	o := f.Objective
	if f.shooting, err = loss.NewObjective(f.prog, s.Space, s.Trajectories, o.Validation, f.solver, o.Gradient, networks, f.Plan.Workers); err != nil {
		return err
	}
	tr.Objective = forTrainer(f.shooting)
	return nil
}

// trained is the loss that the trainer lowers.
func (f *Fit) trained() *loss.Objective {
	if f.shooting != nil {
		return f.shooting
	}
	return f.Objective
}
