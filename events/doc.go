// Package events owns the question *when*: conditions over guard functions,
// on which side of its surface a guard is, the detection of crossings
// inside a step, and their localisation.
//
// What happens at an event is package jumps; the loop is package sim.
package events
