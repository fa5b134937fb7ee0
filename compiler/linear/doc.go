// Package linear solves systems of linear equations in graphs, entry by entry. The pattern of
// the matrix is known when the graph is built, and so are the order of elimination, the fill-in
// and every operation: factors and solutions are nodes, one for each entry. Pivots are taken
// on the diagonal, in the order of H.M. Markowitz, Management Sci. 3, 255–269, 1957, as for
// the systems of chemical kinetics: A. Sandu et al., Atmos. Environ. 31, 3151–3166, 1997.
//
// Systems whose entries are the user's, of which nothing is known, are the operation
// ir.OpSolve, which chooses pivots as it runs.
package linear
