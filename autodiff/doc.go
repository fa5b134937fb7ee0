// Package autodiff differentiates graphs: vector–Jacobian products (reverse)
// and Jacobian–vector products (forward), graph to graph, so that derivatives
// nest and every pass and backend serves them alike.
//
// It also owns the check of gradients against finite differences. It takes no
// steps in time; the derivatives of a solver are those of package solvers.
package autodiff
