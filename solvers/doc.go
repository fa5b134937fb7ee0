// Package solvers owns one-step methods: tableaus, steppers, step-size
// control and dense output, with the exact derivatives of a step.
//
// It knows nothing of events, models or where the derivatives of a right-hand
// side come from; the loop over steps is sim.
package solvers
