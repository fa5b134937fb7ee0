// Package sim owns the one integration loop of hybrid systems: steps of a
// solver, events located inside them, jumps at their instants, and the tape
// of what was done, along which derivatives are taken.
//
// It sees a model as a handful of functions over slices and knows nothing of
// the language, of parameters' meaning, or of losses.
package sim
