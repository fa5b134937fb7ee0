// Package lower turns a typed model into graphs: right-hand side, guards,
// jumps, observations, losses and penalties, all over one set of inputs.
//
// It knows no time stepping and takes no derivatives beyond those that the
// model's own text asks for (diff, grad, rates of conserved quantities).
package lower
