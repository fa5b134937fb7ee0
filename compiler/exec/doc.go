// Package exec owns execution: the memory plan of a set of graphs and the
// interpreter that runs them over B trajectories at a time.
//
// The interpreter is the specification of the other backends, which must give
// the same bits: elementary functions are those of internal/kernel or package
// math; sums (sum, dot, norm, matvec, tmatvec, matmul, dense) start from zero,
// or from the bias, and go on in the order of the index with one fused
// multiply–add an element. No operation mixes lanes, so that the result of a
// trajectory does not depend on how many lanes there are or what they hold.
package exec
