// Package ir owns the graph that a model is compiled to: nodes, the op table,
// the builder, the verifier and the printed form.
//
// A graph is in SSA form, hash-consed, and has static shapes. It knows nothing
// of models, time stepping or machine code. Passes live in compiler/opt,
// derivatives in autodiff, execution in compiler/exec.
package ir
