//go:build !purego

#include "textflag.h"

// func call(code uintptr, mem unsafe.Pointer)
TEXT ·call(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ code+0(FP), DX
	MOVQ mem+8(FP), AX
	JMP  DX
