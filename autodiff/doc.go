// Package autodiff differentiates graphs: vector–Jacobian products (reverse)
// and Jacobian–vector products (forward), graph to graph, so that derivatives
// nest and every pass and backend serves them alike. It also owns sparsity
// patterns and colourings of Jacobians, and the check of a gradient against
// finite differences.
//
// It takes no steps in time; the derivatives of a solver are those of package
// solvers.
//
// # Kinks and branches
//
// Where an op has no derivative the rules take one side: the derivative of abs
// at 0 is 0, that of norm at 0 is 0, min and max of equal arguments follow the
// first, and sign, floor, ceil and comparisons have derivative 0.
//
// A branch of select, min or max that is not taken has no part in a
// derivative: its cotangent is an exact 0, and stays one, however infinite or
// undefined the values and slopes in the branch are, as long as the inputs
// themselves are finite and no product or sum in the branch overflows. So
// select(x > 0, √x, 0) has derivative 0 at x ≤ 0, to any order, in both modes.
// Nothing of the kind holds in what is taken: √(x²) at 0 has derivative 0·∞,
// which is NaN.
package autodiff
