package pinode

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/simulate"
)

// The results of simulations, fits and certificates.
type (
	Simulation          = simulate.Simulation
	SimulatedTrajectory = simulate.Trajectory
	Event               = simulate.Event
	Solver              = simulate.Solver
	SimulationError     = explain.RunError
	Estimate            = problem.Estimate
	Values              = problem.Values
	Summary             = estimate.Summary
	Curve               = estimate.Curve
	Certificate         = gradcheck.Certificate
	CertifiedPartial    = gradcheck.Partial
)

// Env is what every model file may refer to.
func Env() *check.Env { return environ.Env() }

// Solvers describes the solvers, one a line.
func Solvers() string { return environ.Solvers() }

// Codes and Statuses explain diagnostics, and how runs end.
var Codes, Statuses = explain.Codes, explain.Statuses
