// Package simulate runs models: ensembles with their tables of rows and events, and
// solvers that are called again and again.
package simulate
