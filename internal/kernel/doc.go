// Package kernel owns the loops over matrices that make up neural networks,
// for one trajectory and for eight side by side, in double and single
// precision: a Go form, which is the definition, and AVX2 assembly with the same
// bits where the processor has it.
//
// Every sum starts from zero, the bias or what it is added to, and goes on in
// the order of its index with one fused multiply–add a term, so that a result
// depends neither on the number of lanes nor on the machine. Outer products for a
// large matrix are added up first, see Outers.
package kernel

//go:generate go -C _asm run . -out ../kernels_amd64.s -stubs ../stubs_amd64.go -pkg kernel
