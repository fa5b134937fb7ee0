// Package engine runs compiled programs with the simulator: adapters of their
// inputs and outputs, lanes of trajectories side by side, and the pool of workers.
package engine
