// Package jit compiles straight-line programs of internal/scalar to machine
// code for x86-64 with AVX2 and FMA.
//
// The code is a leaf: it makes no calls, uses no stack beyond its return
// address, sees one pointer into a slice of the heap and returns within
// microseconds. That is what makes it safe beside the garbage collector and
// preemption, which wait for it as for any assembly. Memory for code is
// written first and made executable then, never both at once.
//
// The package knows neither graphs nor frames; what a program means is defined
// by scalar.Program.Run, which the code follows bit for bit.
package jit
