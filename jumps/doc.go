// Package jumps owns the question *what then*: the order of the assignments
// at one instant, how they change the state, and what follows when events
// accumulate.
//
// When an event fires is package events; the loop is package sim.
package jumps
