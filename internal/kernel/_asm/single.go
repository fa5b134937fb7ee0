package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of single precision.

// dense8Single is dst = W·x + b for eight lanes in single precision, one
// register for a row: dst[i·8+l] = b[i] + Σⱼ w(i,j) x[j·8+l], in the order of
// j. w(i, j) stands rows·i + cols·j bytes from w.
func dense8Single() {
	load := kernel("dense8Single", "func(dst, w, x, bias *float32, m, k, rows, cols int)", "is a dense layer for eight lanes, in single precision.")
	dst, w, x, bias, m, rows, cols := load("dst"), load("w"), load("x"), load("bias"), load("m"), load("rows"), load("cols")
	three := GP64()
	LEAQ(Mem{Base: rows, Index: rows, Scale: 2}, three)
	block := func(n int) func() {
		return func() {
			acc := make([]reg.VecVirtual, n)
			for i := range acc {
				acc[i] = YMM()
				VBROADCASTSS(Mem{Base: bias, Disp: 4 * i}, acc[i])
			}
			low, high, xs, left := GP64(), GP64(), GP64(), GP64()
			MOVQ(w, low)
			if n > 4 {
				LEAQ(Mem{Base: w, Index: rows, Scale: 4}, high)
			}
			at := func(i int) Mem {
				base := low
				if i >= 4 {
					base = high
				}
				switch i % 4 {
				case 1:
					return Mem{Base: base, Index: rows, Scale: 1}
				case 2:
					return Mem{Base: base, Index: rows, Scale: 2}
				case 3:
					return Mem{Base: base, Index: three, Scale: 1}
				}
				return Mem{Base: base}
			}
			MOVQ(x, xs)
			Load(Param("k"), left)
			while("j", left, 1, func() {
				v := YMM()
				VMOVUPS(Mem{Base: xs}, v)
				for i := range acc {
					c := YMM()
					VBROADCASTSS(at(i), c)
					VFMADD231PS(v, c, acc[i])
				}
				ADDQ(cols, low)
				if n > 4 {
					ADDQ(cols, high)
				}
				ADDQ(Imm(32), xs)
			})
			for i := range acc {
				VMOVUPS(acc[i], Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(U32(uint32(32*n)), dst)
			ADDQ(Imm(uint64(4*n)), bias)
			for range n {
				ADDQ(rows, w)
			}
		}
	}
	for _, n := range []int{8, 4, 2, 1} {
		while(fmt.Sprintf("rows%d", n), m, n, block(n))
	}
	VZEROUPPER()
	RET()
}

// gemvSingle is dst = W·x + b for one lane in single precision, for m a
// multiple of 8 and a matrix that stands column by column.
func gemvSingle() {
	load := kernel("gemvSingle", "func(dst, w, x, bias *float32, m, k, cols int)", "is a dense layer for one lane, in single precision; m is a multiple of 8 and cols the bytes between columns.")
	dst, w, x, bias, m, k, cols := load("dst"), load("w"), load("x"), load("bias"), load("m"), load("k"), load("cols")
	block := func(n int) func() {
		return func() {
			acc := make([]reg.VecVirtual, n)
			for i := range acc {
				acc[i] = YMM()
				VMOVUPS(Mem{Base: bias, Disp: 32 * i}, acc[i])
			}
			at, xs, left := GP64(), GP64(), GP64()
			MOVQ(w, at)
			MOVQ(x, xs)
			MOVQ(k, left)
			while("j", left, 1, func() {
				v := YMM()
				VBROADCASTSS(Mem{Base: xs}, v)
				for i := range acc {
					VFMADD231PS(Mem{Base: at, Disp: 32 * i}, v, acc[i])
				}
				ADDQ(cols, at)
				ADDQ(Imm(4), xs)
			})
			for i := range acc {
				VMOVUPS(acc[i], Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(U32(uint32(32*n)), dst)
			ADDQ(U32(uint32(32*n)), w)
			ADDQ(U32(uint32(32*n)), bias)
		}
	}
	for n := 8; n >= 1; n-- {
		while(fmt.Sprintf("rows%d", 8*n), m, 8*n, block(n))
	}
	VZEROUPPER()
	RET()
}

// narrowSingle rounds doubles to singles, a multiple of eight.
func narrowSingle() {
	load := kernel("narrowSingle", "func(dst *float32, src *float64, n int)", "rounds doubles to singles; n is a multiple of 8.")
	dst, src, n := load("dst"), load("src"), load("n")
	while("n", n, 8, func() {
		a, b := XMM(), XMM()
		VCVTPD2PSY(Mem{Base: src}, a)
		VCVTPD2PSY(Mem{Base: src, Disp: 32}, b)
		VMOVUPS(a, Mem{Base: dst})
		VMOVUPS(b, Mem{Base: dst, Disp: 16})
		ADDQ(Imm(64), src)
		ADDQ(Imm(32), dst)
	})
	VZEROUPPER()
	RET()
}

// widenSingle makes doubles of singles, a multiple of eight.
func widenSingle() {
	load := kernel("widenSingle", "func(dst *float64, src *float32, n int)", "makes doubles of singles; n is a multiple of 8.")
	dst, src, n := load("dst"), load("src"), load("n")
	while("n", n, 8, func() {
		a, b := YMM(), YMM()
		VCVTPS2PD(Mem{Base: src}, a)
		VCVTPS2PD(Mem{Base: src, Disp: 16}, b)
		VMOVUPD(a, Mem{Base: dst})
		VMOVUPD(b, Mem{Base: dst, Disp: 32})
		ADDQ(Imm(32), src)
		ADDQ(Imm(64), dst)
	})
	VZEROUPPER()
	RET()
}

// transposeSingle rounds a matrix of doubles to singles that stand column by
// column, in squares of four.
func transposeSingle() {
	load := kernel("transposeSingle", "func(dst *float32, src *float64, m, k, stride, cols int)", "rounds a matrix to singles, column by column; m and k are multiples of 4, stride and cols the bytes between rows and columns.")
	dst, src, m, stride, cols := load("dst"), load("src"), load("m"), load("stride"), load("cols")
	three, threeCols := GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	LEAQ(Mem{Base: cols, Index: cols, Scale: 2}, threeCols)
	while("rows", m, 4, func() {
		from, to, left := GP64(), GP64(), GP64()
		MOVQ(src, from)
		MOVQ(dst, to)
		Load(Param("k"), left)
		while("cols", left, 4, func() {
			var r, t [4]reg.VecVirtual
			for i, at := range []Mem{{Base: from}, {Base: from, Index: stride, Scale: 1}, {Base: from, Index: stride, Scale: 2}, {Base: from, Index: three, Scale: 1}} {
				r[i], t[i] = XMM(), XMM()
				VCVTPD2PSY(at, r[i])
			}
			VUNPCKLPS(r[1], r[0], t[0])
			VUNPCKLPS(r[3], r[2], t[1])
			VUNPCKHPS(r[1], r[0], t[2])
			VUNPCKHPS(r[3], r[2], t[3])
			VUNPCKLPD(t[1], t[0], r[0])
			VUNPCKHPD(t[1], t[0], r[1])
			VUNPCKLPD(t[3], t[2], r[2])
			VUNPCKHPD(t[3], t[2], r[3])
			for i, at := range []Mem{{Base: to}, {Base: to, Index: cols, Scale: 1}, {Base: to, Index: cols, Scale: 2}, {Base: to, Index: threeCols, Scale: 1}} {
				VMOVUPS(r[i], at)
			}
			ADDQ(Imm(32), from)
			LEAQ(Mem{Base: to, Index: cols, Scale: 4}, to)
		})
		LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
		ADDQ(Imm(16), dst)
	})
	VZEROUPPER()
	RET()
}

// outerSingle is Σᵣ cᵣ xᵣᵀ in single precision, in the order of r, for a k
// that is a multiple of 8.
func outerSingle() {
	load := kernel("outerSingle", "func(p, c, x *float32, rows, m, k, cStride, xStride int)", "is a sum of outer products in single precision; k is a multiple of 8, and the strides are the bytes between rows of c and x.")
	p, c, x, rows, m, k, cStride, xStride := load("p"), load("c"), load("x"), load("rows"), load("m"), load("k"), load("cStride"), load("xStride")
	stride := GP64()
	MOVQ(k, stride)
	SHLQ(Imm(2), stride)
	row := func(height int) func() {
		return func() {
			cols, to, xj := GP64(), GP64(), GP64()
			MOVQ(k, cols)
			MOVQ(p, to)
			MOVQ(x, xj)
			block := func(n int) func() {
				return func() {
					acc := make([][]reg.VecVirtual, height)
					for r := range height {
						acc[r] = make([]reg.VecVirtual, n)
						for i := range n {
							acc[r][i] = YMM()
							VXORPS(acc[r][i], acc[r][i], acc[r][i])
						}
					}
					cs, xs, left := GP64(), GP64(), GP64()
					MOVQ(c, cs)
					MOVQ(xj, xs)
					MOVQ(rows, left)
					while("r", left, 1, func() {
						v := make([]reg.VecVirtual, height)
						for r := range height {
							v[r] = YMM()
							VBROADCASTSS(Mem{Base: cs, Disp: 4 * r}, v[r])
						}
						for i := range n {
							xv := YMM()
							VMOVUPS(Mem{Base: xs, Disp: 32 * i}, xv)
							for r := range height {
								VFMADD231PS(xv, v[r], acc[r][i])
							}
						}
						ADDQ(cStride, cs)
						ADDQ(xStride, xs)
					})
					at := to
					for r := range height {
						for i := range n {
							VMOVUPS(acc[r][i], Mem{Base: at, Disp: 32 * i})
						}
						if r+1 < height {
							next := GP64()
							LEAQ(Mem{Base: at, Index: stride, Scale: 1}, next)
							at = next
						}
					}
					ADDQ(U32(uint32(32*n)), to)
					ADDQ(U32(uint32(32*n)), xj)
				}
			}
			while("cols32", cols, 32, block(4))
			while("cols8", cols, 8, block(1))
			for range height {
				ADDQ(stride, p)
			}
			ADDQ(Imm(uint64(4*height)), c)
		}
	}
	while("rows2", m, 2, row(2))
	while("rows1", m, 1, row(1))
	VZEROUPPER()
	RET()
}

// addWide is the sum of doubles and singles, a multiple of eight.
func addWide() {
	load := kernel("addWide", "func(dst, old *float64, src *float32, n int)", "is the sum of doubles and singles; n is a multiple of 8.")
	dst, old, src, n := load("dst"), load("old"), load("src"), load("n")
	while("n", n, 8, func() {
		a, b := YMM(), YMM()
		VCVTPS2PD(Mem{Base: src}, a)
		VCVTPS2PD(Mem{Base: src, Disp: 16}, b)
		VADDPD(Mem{Base: old}, a, a)
		VADDPD(Mem{Base: old, Disp: 32}, b, b)
		VMOVUPD(a, Mem{Base: dst})
		VMOVUPD(b, Mem{Base: dst, Disp: 32})
		ADDQ(Imm(32), src)
		ADDQ(Imm(64), old)
		ADDQ(Imm(64), dst)
	})
	VZEROUPPER()
	RET()
}
