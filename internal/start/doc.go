// Package start finds where a fit may start, from data and units alone: the sizes of
// what a model computes, smooth curves through its observations, networks that are
// spread over the data, short trajectories that start on the data, random starts.
// It runs no optimiser and decides nothing: package estimate does.
//
// What it offers:
//
//	d, err := start.New(compiled, space, trajectories)   // smooths; runs nothing
//	d.SetScales()                 // all open scales of the space
//	d.Rescale(x)                  // the same at x, without changing any network's function
//	d.ATol(rtol)                  // by state, for sim.Options.ATols
//	d.Noise()                     // by element of observations, the smoother's estimate
//	d.Sources                     // by state: Observed, Derived or Open
//	d.AllObserved()
//	d.Segments(Cut{Rows: 2, Smoothed: true})  // short trajectories, for loss.NewObjective
//	d.Spread(x, seed, draw)       // weights of x: hidden units spread over the data
//	d.Redraw(x, seed, draw)       // weights of x: drawn anew as the blocks say
//	d.Draw(x, seed, draw)         // parameters ± 1.5, blocks × e^U(−2,2), new weights
//	d.DrawThresholds(x, seed, draw)           // and thresholds within the data
//	start.Horizon(trajectories, fraction)     // each cut to a fraction of its span
//
// Segments and horizons are problem.Trajectory values: an objective over them is the
// same objective on other trajectories, in every gradient mode. A segment that
// starts on the data has Start set: the initial states are computed by the program
// `segment.y` from the observations there, with derivatives by parameters (observed
// through a scale that is fitted) and by the given values of other states.
package start
