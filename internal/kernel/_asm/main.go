// Command asm writes the AVX2 and FMA kernels of package kernel:
//
//	go run . -out ../kernels_amd64.s -stubs ../stubs_amd64.go -pkg kernel
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	dense8()
	gemv()
	gemvT()
	outer()
	addOuter8()
	adam()
	rows8()
	sum8()
	finite()
	dense8Single()
	gemvSingle()
	narrowSingle()
	widenSingle()
	transposeSingle()
	outerSingle()
	addWide()
	tile("tileRows", double, false)
	tile("tileColumns", double, true)
	tile("tileRowsSingle", float, false)
	tile("tileColumnsSingle", float, true)
	outerTiles("outerTiles", double)
	outerTiles("outerTilesSingle", float)
	packRows("packRows", double)
	packRows("packRowsSingle", float)
	packColumns("packColumns", double)
	packColumns("packColumnsSingle", float)
	rows8Single()
	Generate()
}

// kernel starts a function and returns what loads its arguments.
func kernel(name, signature, doc string) (load func(param string) reg.GPVirtual) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " " + doc)
	return func(param string) reg.GPVirtual { return Load(Param(param), GP64()).(reg.GPVirtual) }
}

var labels int

// label returns a name of its own.
func label(name string) string {
	labels++
	return fmt.Sprintf("%s%d", name, labels)
}

// while emits a loop that runs body as long as n ≥ step, and takes step from n.
func while(name string, n reg.GPVirtual, step int, body func()) {
	loop, end := label(name), label(name+"End")
	Label(loop)
	CMPQ(n, Imm(uint64(step)))
	JLT(LabelRef(end))
	body()
	SUBQ(Imm(uint64(step)), n)
	JMP(LabelRef(loop))
	Label(end)
}

// option is what to do for a value.
type option struct {
	value int
	do    func()
}

// choose emits a search for n among ascending values, and what to do for it;
// for no value it does nothing.
func choose(n reg.GPVirtual, list []option) {
	end := label("chosen")
	var search func(list []option)
	search = func(list []option) {
		if len(list) == 1 {
			CMPQ(n, Imm(uint64(list[0].value)))
			JNE(LabelRef(end))
			list[0].do()
			JMP(LabelRef(end))
			return
		}
		half, high := len(list)/2, label("from")
		CMPQ(n, Imm(uint64(list[half].value)))
		JGE(LabelRef(high))
		search(list[:half])
		Label(high)
		search(list[half:])
	}
	search(list)
	Label(end)
}

// dense8 is dst = W·x + b for eight lanes: dst[i·8+l] = b[i] + Σⱼ w(i,j) x[j·8+l],
// in the order of j. w(i, j) stands rows·i + cols·j bytes from w, so that the
// same kernel serves the transposed matrix.
func dense8() {
	load := kernel("dense8", "func(dst, w, x, bias *float64, m, k, rows, cols int)", "is a dense layer for eight lanes.")
	dst, w, x, bias := load("dst"), load("w"), load("x"), load("bias")
	m, k := load("m"), load("k")
	rows, cols := load("rows"), load("cols")
	block := func(n int) func() {
		return func() {
			var acc [][2]reg.VecVirtual
			for i := range n {
				a := [2]reg.VecVirtual{YMM(), YMM()}
				VBROADCASTSD(Mem{Base: bias, Disp: 8 * i}, a[0])
				VMOVAPD(a[0], a[1])
				acc = append(acc, a)
			}
			at, xs, left := make([]reg.GPVirtual, n), GP64(), GP64()
			for i := range n {
				at[i] = GP64()
				if i == 0 {
					MOVQ(w, at[0])
				} else {
					LEAQ(Mem{Base: at[i-1], Index: rows, Scale: 1}, at[i])
				}
			}
			MOVQ(x, xs)
			MOVQ(k, left)
			while("j", left, 1, func() {
				x0, x1 := YMM(), YMM()
				VMOVUPD(Mem{Base: xs}, x0)
				VMOVUPD(Mem{Base: xs, Disp: 32}, x1)
				for i := range n {
					c := YMM()
					VBROADCASTSD(Mem{Base: at[i]}, c)
					VFMADD231PD(x0, c, acc[i][0])
					VFMADD231PD(x1, c, acc[i][1])
					ADDQ(cols, at[i])
				}
				ADDQ(Imm(64), xs)
			})
			for i := range n {
				VMOVUPD(acc[i][0], Mem{Base: dst, Disp: 64 * i})
				VMOVUPD(acc[i][1], Mem{Base: dst, Disp: 64*i + 32})
			}
			ADDQ(U32(uint32(64*n)), dst)
			ADDQ(U32(uint32(8*n)), bias)
			for range n {
				ADDQ(rows, w)
			}
		}
	}
	for _, n := range []int{4, 2, 1} {
		while(fmt.Sprintf("rows%d", n), m, n, block(n))
	}
	VZEROUPPER()
	RET()
}

// gemv is dst = W·x + b for one lane, for m a multiple of 4 and k of 2: four
// sums to a register, whose columns come from squares of four rows, or, of the
// last two columns, from pairs of them.
func gemv() {
	load := kernel("gemv", "func(dst, w, x, bias *float64, m, k, stride int)", "is a dense layer for one lane; m is a multiple of 4, k of 2, and stride the bytes between rows.")
	dst, w, x, bias := load("dst"), load("w"), load("x"), load("bias")
	m, k := load("m"), load("k")
	stride := load("stride")
	three := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	a, b := YMM(), YMM() // written by halves, so that they are never free
	block := func(groups int) func() {
		return func() {
			acc := make([]reg.VecVirtual, groups)
			at := make([]reg.GPVirtual, groups)
			for g := range groups {
				acc[g], at[g] = YMM(), GP64()
				VMOVUPD(Mem{Base: bias, Disp: 32 * g}, acc[g])
				if g == 0 {
					MOVQ(w, at[0])
				} else {
					LEAQ(Mem{Base: at[g-1], Index: stride, Scale: 4}, at[g])
				}
			}
			xs, left := GP64(), GP64()
			MOVQ(x, xs)
			MOVQ(k, left)
			while("j4", left, 4, func() {
				var xv [4]reg.VecVirtual
				for i := range xv {
					xv[i] = YMM()
					VBROADCASTSD(Mem{Base: xs, Disp: 8 * i}, xv[i])
				}
				for g := range groups {
					r, t := [4]reg.VecVirtual{YMM(), YMM(), YMM(), YMM()}, [4]reg.VecVirtual{a, b, YMM(), YMM()}
					for i, row := range []Mem{{Base: at[g]}, {Base: at[g], Index: stride, Scale: 1}, {Base: at[g], Index: stride, Scale: 2}, {Base: at[g], Index: three, Scale: 1}} {
						VMOVUPD(row, r[i])
					}
					VUNPCKLPD(r[1], r[0], t[0])
					VUNPCKHPD(r[1], r[0], t[1])
					VUNPCKLPD(r[3], r[2], t[2])
					VUNPCKHPD(r[3], r[2], t[3])
					VINSERTF128(Imm(1), t[2].AsX(), t[0], r[0])
					VINSERTF128(Imm(1), t[3].AsX(), t[1], r[1])
					VPERM2F128(Imm(0x31), t[2], t[0], r[2])
					VPERM2F128(Imm(0x31), t[3], t[1], r[3])
					for i := range r {
						VFMADD231PD(xv[i], r[i], acc[g])
					}
					ADDQ(Imm(32), at[g])
				}
				ADDQ(Imm(32), xs)
			})
			while("j", left, 2, func() {
				x0, x1 := YMM(), YMM()
				VBROADCASTSD(Mem{Base: xs}, x0)
				VBROADCASTSD(Mem{Base: xs, Disp: 8}, x1)
				lo, hi := YMM(), YMM()
				for g := range groups {
					VMOVUPD(Mem{Base: at[g]}, a.AsX())
					VINSERTF128(Imm(1), Mem{Base: at[g], Index: stride, Scale: 2}, a, a)
					VMOVUPD(Mem{Base: at[g], Index: stride, Scale: 1}, b.AsX())
					VINSERTF128(Imm(1), Mem{Base: at[g], Index: three, Scale: 1}, b, b)
					VUNPCKLPD(b, a, lo)
					VUNPCKHPD(b, a, hi)
					VFMADD231PD(x0, lo, acc[g])
					VFMADD231PD(x1, hi, acc[g])
					ADDQ(Imm(16), at[g])
				}
				ADDQ(Imm(16), xs)
			})
			for g := range groups {
				VMOVUPD(acc[g], Mem{Base: dst, Disp: 32 * g})
				LEAQ(Mem{Base: w, Index: stride, Scale: 4}, w)
			}
			ADDQ(U32(uint32(32*groups)), dst)
			ADDQ(U32(uint32(32*groups)), bias)
		}
	}
	while("rows16", m, 16, block(4))
	while("rows4", m, 4, block(1))
	VZEROUPPER()
	RET()
}

// gemvT is dst = Wᵀ·c for one lane, for k a multiple of 4: along the rows.
func gemvT() {
	load := kernel("gemvT", "func(dst, w, c *float64, m, k, stride int)", "is the transposed product for one lane; k is a multiple of 4 and stride the bytes between rows.")
	dst, w, c := load("dst"), load("w"), load("c")
	m, k := load("m"), load("k")
	stride := load("stride")
	block := func(n int) func() {
		return func() {
			acc := make([]reg.VecVirtual, n)
			for i := range acc {
				acc[i] = YMM()
				VXORPD(acc[i], acc[i], acc[i])
			}
			at, cs, left := GP64(), GP64(), GP64()
			MOVQ(w, at)
			MOVQ(c, cs)
			MOVQ(m, left)
			while("i", left, 1, func() {
				v := YMM()
				VBROADCASTSD(Mem{Base: cs}, v)
				for i := range acc {
					VFMADD231PD(Mem{Base: at, Disp: 32 * i}, v, acc[i])
				}
				ADDQ(stride, at)
				ADDQ(Imm(8), cs)
			})
			for i := range acc {
				VMOVUPD(acc[i], Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(U32(uint32(32*n)), dst)
			ADDQ(U32(uint32(32*n)), w)
		}
	}
	for n := 14; n >= 1; n-- { // few sums at a time would wait for each other
		while(fmt.Sprintf("cols%d", 4*n), k, 4*n, block(n))
	}
	VZEROUPPER()
	RET()
}

// outer is old + Σᵣ cᵣ xᵣᵀ, in the order of r, for an even k.
func outer() {
	load := kernel("outer", "func(dst, old, c, x *float64, rows, m, k, stride, oldStride, cStride, xStride int)", "is a matrix and outer products; k is even, and the strides are the bytes between rows of dst, old, c and x.")
	dst, old, c, m := load("dst"), load("old"), load("c"), load("m")
	cStride, xStride := load("cStride"), load("xStride")
	row := func(height int) func() {
		return func() {
			cols, to, from, xj := load("k"), GP64(), GP64(), load("x")
			MOVQ(dst, to)
			MOVQ(old, from)
			// The sums of n registers of four columns and, with half, one of
			// two, side by side, so that none waits for another.
			block := func(n int, half bool) func() {
				vecs := make([]func() reg.VecVirtual, n)
				for i := range vecs {
					vecs[i] = YMM
				}
				if half {
					vecs = append(vecs, XMM)
				}
				narrow := func(i int, r reg.VecVirtual) reg.Register {
					if half && i == n {
						return r.AsX()
					}
					return r
				}
				return func() {
					acc := make([][]reg.VecVirtual, height)
					second := load("oldStride")
					ADDQ(from, second)
					at := func(first reg.GPVirtual, r, i int) Mem {
						if r == 1 {
							first = second
						}
						return Mem{Base: first, Disp: 32 * i}
					}
					for r := range height {
						for i, vec := range vecs {
							acc[r] = append(acc[r], vec())
							VMOVUPD(at(from, r, i), acc[r][i])
						}
					}
					cs, xs, left := GP64(), GP64(), load("rows")
					MOVQ(c, cs)
					MOVQ(xj, xs)
					while("r", left, 1, func() {
						v := make([]reg.VecVirtual, height)
						for r := range height {
							v[r] = YMM()
							VBROADCASTSD(Mem{Base: cs, Disp: 8 * r}, v[r])
						}
						for i, vec := range vecs {
							xv := vec()
							VMOVUPD(Mem{Base: xs, Disp: 32 * i}, xv)
							for r := range height {
								VFMADD231PD(xv, narrow(i, v[r]), acc[r][i])
							}
						}
						ADDQ(cStride, cs)
						ADDQ(xStride, xs)
					})
					second = load("stride")
					ADDQ(to, second)
					for r := range height {
						for i := range vecs {
							VMOVUPD(acc[r][i], at(to, r, i))
						}
					}
					for _, p := range []reg.GPVirtual{to, from, xj} {
						ADDQ(U32(uint32(32*n)), p)
					}
				}
			}
			while("cols24", cols, 24, func() { // what is left has at least two registers
				block(4, false)()
				ADDQ(Imm(8), cols) // of the 24
			})
			var rest []option
			for n := 2; n <= 22; n += 2 {
				rest = append(rest, option{n, block(n/4, n%4 > 0)})
			}
			choose(cols, rest)
			stride, oldStride := load("stride"), load("oldStride")
			for range height {
				ADDQ(stride, dst)
				ADDQ(oldStride, old)
				ADDQ(Imm(8), c)
			}
		}
	}
	while("rows2", m, 2, row(2))
	while("rows1", m, 1, row(1))
	VZEROUPPER()
	RET()
}

// addOuter8 adds c xᵀ to a matrix for each of eight lanes.
func addOuter8() {
	load := kernel("addOuter8", "func(dw, c, x *float64, m, k int)", "adds an outer product to a matrix, for eight lanes.")
	dw, c, x := load("dw"), load("c"), load("x")
	m, k := load("m"), load("k")
	while("rows", m, 1, func() {
		c0, c1, xs, left := YMM(), YMM(), GP64(), GP64()
		VMOVUPD(Mem{Base: c}, c0)
		VMOVUPD(Mem{Base: c, Disp: 32}, c1)
		MOVQ(x, xs)
		MOVQ(k, left)
		while("j", left, 1, func() {
			d0, d1 := YMM(), YMM()
			VMOVUPD(Mem{Base: dw}, d0)
			VMOVUPD(Mem{Base: dw, Disp: 32}, d1)
			VFMADD231PD(Mem{Base: xs}, c0, d0)
			VFMADD231PD(Mem{Base: xs, Disp: 32}, c1, d1)
			VMOVUPD(d0, Mem{Base: dw})
			VMOVUPD(d1, Mem{Base: dw, Disp: 32})
			ADDQ(Imm(64), dw)
			ADDQ(Imm(64), xs)
		})
		ADDQ(Imm(64), c)
	})
	VZEROUPPER()
	RET()
}

// adam is a step of Adam for a multiple of four coordinates, in the order of
// operations of its Go form.
func adam() {
	load := kernel("adam", "func(x, m, v, x0, m0, v0, grad, step *float64, n int)", "is a step of Adam; n is a multiple of 4, and step has keepM, addM, keepV, addV, rate, root and eps.")
	x, m, v, x0, m0, v0, g, step, n := load("x"), load("m"), load("v"), load("x0"), load("m0"), load("v0"), load("grad"), load("step"), load("n")
	var c [7]reg.VecVirtual
	for i := range c {
		c[i] = YMM()
		VBROADCASTSD(Mem{Base: step, Disp: 8 * i}, c[i])
	}
	keepM, addM, keepV, addV, rate, root, eps := c[0], c[1], c[2], c[3], c[4], c[5], c[6]
	while("n", n, 4, func() {
		gi, mi, vi, d := YMM(), YMM(), YMM(), YMM()
		VMOVUPD(Mem{Base: g}, gi)
		VMULPD(Mem{Base: m0}, keepM, mi)
		VMULPD(gi, addM, d)
		VADDPD(d, mi, mi)
		VMULPD(Mem{Base: v0}, keepV, vi)
		VMULPD(gi, addV, d)
		VMULPD(gi, d, d)
		VADDPD(d, vi, vi)
		VMOVUPD(mi, Mem{Base: m})
		VMOVUPD(vi, Mem{Base: v})
		VSQRTPD(vi, vi)
		VMULPD(root, vi, vi)
		VADDPD(eps, vi, vi)
		VMULPD(rate, mi, mi)
		VDIVPD(vi, mi, mi)
		VMOVUPD(Mem{Base: x0}, d)
		VSUBPD(mi, d, d)
		VMOVUPD(d, Mem{Base: x})
		for _, p := range []reg.GPVirtual{x, m, v, x0, m0, v0, g} {
			ADDQ(Imm(32), p)
		}
	})
	VZEROUPPER()
	RET()
}

// rows8 takes eight lanes apart: number i of lane l goes from 8i + l to row l,
// for a multiple of four numbers, in squares of four.
func rows8() {
	load := kernel("rows8", "func(dst, src *float64, n, stride int)", "makes rows of eight lanes; n is a multiple of 4 and stride the bytes between rows.")
	dst, src, n, stride := load("dst"), load("src"), load("n"), load("stride")
	three := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	while("n", n, 4, func() {
		high := GP64()
		LEAQ(Mem{Base: dst, Index: stride, Scale: 4}, high)
		for half, to := range []reg.GPVirtual{dst, high} {
			var r, t [4]reg.VecVirtual
			for i := range r {
				r[i], t[i] = YMM(), YMM()
				VMOVUPD(Mem{Base: src, Disp: 64*i + 32*half}, r[i])
			}
			VUNPCKLPD(r[1], r[0], t[0])
			VUNPCKHPD(r[1], r[0], t[1])
			VUNPCKLPD(r[3], r[2], t[2])
			VUNPCKHPD(r[3], r[2], t[3])
			VPERM2F128(Imm(0x20), t[2], t[0], r[0])
			VPERM2F128(Imm(0x20), t[3], t[1], r[1])
			VPERM2F128(Imm(0x31), t[2], t[0], r[2])
			VPERM2F128(Imm(0x31), t[3], t[1], r[3])
			for i, at := range []Mem{{Base: to}, {Base: to, Index: stride, Scale: 1}, {Base: to, Index: stride, Scale: 2}, {Base: to, Index: three, Scale: 1}} {
				VMOVUPD(r[i], at)
			}
		}
		ADDQ(U32(256), src)
		ADDQ(Imm(32), dst)
	})
	VZEROUPPER()
	RET()
}

// sum8 adds the sums of eight lanes: pairs, pairs of pairs, and those two.
func sum8() {
	load := kernel("sum8", "func(dst, src *float64, n int)", "adds the sums of eight lanes to n numbers.")
	dst, src, n := load("dst"), load("src"), load("n")
	while("n", n, 1, func() {
		a, b := YMM(), XMM()
		VMOVUPD(Mem{Base: src}, a)
		VHADDPD(Mem{Base: src, Disp: 32}, a, a)
		VEXTRACTF128(Imm(1), a, b)
		VADDPD(b, a.AsX(), b)
		VHADDPD(b, b, b)
		VADDSD(Mem{Base: dst}, b, b)
		VMOVSD(b, Mem{Base: dst})
		ADDQ(Imm(64), src)
		ADDQ(Imm(8), dst)
	})
	VZEROUPPER()
	RET()
}

// finite adds up x − x, which is 0 for a finite number and none for others, for a
// multiple of sixteen numbers.
func finite() {
	TEXT("finite", NOSPLIT, "func(v *float64, n int) float64")
	Pragma("noescape")
	Doc("finite is 0 if all numbers are finite; n is a multiple of 16.")
	v, n := Load(Param("v"), GP64()).(reg.GPVirtual), Load(Param("n"), GP64()).(reg.GPVirtual)
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = YMM()
		VXORPD(sums[i], sums[i], sums[i])
	}
	while("n", n, 16, func() {
		for i, sum := range sums {
			x := YMM()
			VMOVUPD(Mem{Base: v, Disp: 32 * i}, x)
			VSUBPD(x, x, x)
			VADDPD(x, sum, sum)
		}
		ADDQ(U32(128), v)
	})
	VADDPD(sums[1], sums[0], sums[0])
	VADDPD(sums[3], sums[2], sums[2])
	VADDPD(sums[2], sums[0], sums[0])
	high := XMM()
	VEXTRACTF128(Imm(1), sums[0], high)
	VADDPD(high, sums[0].AsX(), high)
	VHADDPD(high, high, high)
	Store(high, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
