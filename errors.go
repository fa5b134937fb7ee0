package pinode

import (
	"errors"
	"fmt"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// Diagnostics are mistakes and doubts in a model file, each with its place. As an error
// it has one mistake at least. Package diag prints them with the lines of the file.
type Diagnostics = diag.List

// DataError is a table that cannot be read, or that does not fit the model. Help says
// what to do.
type DataError = data.Error

// FitError is a model that could not be solved where the optimiser stands.
type FitError = fit.FailedError

// RunError is a trajectory that could not be computed to its end.
type RunError struct {
	Trajectory string     // its name; empty where there is one
	Time       float64    // when it ended
	Status     sim.Status // how: `pinode explain` has what to do
	Text       string     // what happened, in the terms of the model

	fail *sim.Failure
}

func (e *RunError) Error() string {
	at := ""
	if e.Trajectory != "" {
		at = "trajectory " + e.Trajectory + ", "
	}
	return fmt.Sprintf("%st = %.6g: %s", at, e.Time, e.Text)
}

// Unwrap gives the failure of the run as the simulator tells it.
func (e *RunError) Unwrap() error { return e.fail }

// public makes an error of a run one of this package.
func public(err error) error {
	var run *explain.RunError
	if errors.As(err, &run) {
		return &RunError{run.Trajectory, run.Fail.T, run.Fail.Status, run.Text, run.Fail}
	}
	return err
}

// unjoined are the errors that one is made of.
func unjoined(err error) (list []error) {
	if err == nil {
		return nil
	}
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range j.Unwrap() {
		list = append(list, unjoined(e)...)
	}
	return list
}
