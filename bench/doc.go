// Package bench measures how fast pinode is: every row of Rows is one piece of
// work, done through the public API, next to the same work done by a baseline
// in the same run, and the bar that their ratio, or the time itself, is to
// meet. It owns the rows, the baselines (programs in C that are embedded and
// compiled where there is a compiler, CVODE, and scripts for Python packages)
// and how both are timed. It owns no part of what is measured.
//
// Time is the least of several rounds, in each of which the work and its
// baselines take turns. Other users of a machine only ever add to a time, so
// that the least is the best estimate of what the work itself costs; a median
// follows how busy the machine happens to be.
package bench
