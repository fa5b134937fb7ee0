// Package fit finds the parameters of a model: objectives, transforms of
// bounded parameters, optimisers, the training loop with its checkpoints, and
// the uncertainty of the estimate.
//
// It owns how parameters are moved and when to stop. It does not own what the
// loss is made of: an [Objective], declared here and implemented over the
// simulator by the caller, turns unconstrained coordinates into a loss and
// its gradient. It does not read files, print, or start goroutines of its own
// that outlive a call; checkpoints and progress are handed to callbacks.
//
// A run is a chain of stages, each with a [Method] from the list
// [Optimizers]. Everything that a run needs in order to go on is in [State],
// which is plain JSON; random numbers come from named sub-streams of one seed
// ([Stream]), so that a resumed run takes the very steps that an
// uninterrupted one would have taken.
package fit
