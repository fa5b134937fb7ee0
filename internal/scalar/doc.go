// Package scalar owns straight-line programs over 64-bit and 32-bit lanes: their
// vocabulary, the elementary functions written in it, and what each
// instruction means, bit for bit.
//
// It is the one definition that every backend follows. The machine-code
// compiler (internal/jit) translates programs, the vector kernels
// (internal/kernel) are generated from the elementary functions, and the Go
// functions of this package (Exp, Tanh, …), which the interpreter calls, are
// generated from them too. It knows neither models nor frames.
package scalar
