// Package loss computes the loss of a model over trajectories, and its gradient.
package loss
