// Package opt owns the rewriting of graphs: a table of algebraic rules and a
// list of passes. Folding and sharing are the builder's, dead code is what the
// outputs no longer reach, and memory is the plan's of package exec.
//
// Rules change no bit of a result, save the sign of a zero. Two passes change
// roundings: dense starts the sum of W·x from the bias, and fma rounds a·b + c
// once. What they choose depends on the graph alone, not on the graphs next to
// it nor on the history of the builder, so that a model's numbers are the same
// whichever of its derivatives are compiled with it.
package opt
