package estimate

import (
	"context"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/loss"
)

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
	x, err := f.Objective.Space.X0()
	if err != nil {
		return err
	}
	s, err := f.told.Shoot(context.Background(), x, f.Plan.Segments, f.Plan.Continuity, f.solver, f.Plan.Workers)
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
	f.Plan.Trainer.Objective = forTrainer(f.shooting)
	return nil
}

// Trained is the loss that the trainer lowers.
func (f *Fit) Trained() *loss.Objective {
	if f.shooting != nil {
		return f.shooting
	}
	return f.Objective
}
