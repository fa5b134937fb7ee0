// Package problem joins a compiled model with its data: trajectories, the space of
// parameters that are fitted, scales, and the slots where a value can be set.
package problem
