// Package start finds where a fit may start, from data and units alone: the sizes of
// what a model computes, smooth curves through its observations, networks that are
// spread over the data, short trajectories that start on the data, random starts.
// It runs no optimiser and decides nothing: package estimate does. Everything is a function
// of its arguments: draws of a seed and their number, whatever the number of workers.
//
//	d, err := start.New(compiled, space, trajectories)  // smooths; runs nothing
//	d.SetScales()                   // all open scales of the space
//	opt, err := d.Tolerances(opt)   // absolute ones by the size of each state
//	d.Noise()                       // by element of observations: what the smoother takes it to be
//	d.AllObserved()                 // segments need nothing but curves
//	d.Spread(x, seed, draw)         // weights in x: hidden units spread over the data
//	d.Redraw(x, seed, draw)         // weights in x: drawn as the blocks say; draw 0 is the first
//	d.Draw(x, seed, draw)           // x moved to a random start
//
// Segments are problem.Trajectory values: an objective over them is the same objective on
// other trajectories, in every gradient mode.
//
//	err := d.CannotCut()
//	open, err := d.Follow(ctx, x, opt, workers)         // where curves do not tell all states
//	list := d.Cut(x, start.Cut{Rows: 2, Smoothed: true, Open: open})
//	screen, err := d.NewScreen(ctx, list, x, opt, workers) // cheap: no derivatives
//	cost, choice, err := screen.At(ctx, x)              // and the modes that fit best
//	loss.NewObjective(…, start.Chosen(list, choice), …) // choice nil: the modes of the start
//
//	th := d.Thresholds(x)                               // of events
//	d.DrawThresholds(x, th, seed, draw)                 // x with thresholds within the data
//
//	ways := start.Assignments(d)                        // which events have fired where the data jump
//	told, err := start.Tell(d, ways[0])                 // trajectories in which they fire so, on the space
//	list, most, err := told.Meet(ctx, x, free, …)       // thresholds in x, and firings, as the motion at x says
//
// A segment has a problem.Beginning: the program segment.y computes the states there from
// the smooth observations, with derivatives by the parameters through which they are
// observed. In multiple shooting (Shoot) the states there are coordinates of the fit.
package start
