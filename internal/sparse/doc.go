// Package sparse solves systems of linear equations with sparse square matrices of one
// pattern again and again: an order of elimination is chosen once for each pattern
// (order.go, plan.go), and numbers are factorised and solved without allocating
// (lu.go). Where pivots on the diagonal do not serve, which a residual tells, that
// matrix is factorised with partial pivoting (pivot.go). It knows nothing of what the
// matrices are.
package sparse
