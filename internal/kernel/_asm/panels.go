package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of products with large matrices. All of them compute a tile of
// six rows and two registers of columns, in twelve sums, so that two
// multiply–adds begin in each cycle; a step of the sums takes two loads of one
// factor and six of single numbers of the other, which stands in panels.

const height = 6

// precision is what the instructions of a tile are.
type precision struct {
	size               int // bytes of a number
	broadcast, fma     func(from, to Op)
	load               func(from, to Op)
	multiplyAdd, clear func(a, b, to Op)
}

var double = precision{
	size:        8,
	broadcast:   func(from, to Op) { VBROADCASTSD(from, to) },
	load:        func(from, to Op) { VMOVUPD(from, to) },
	multiplyAdd: func(a, b, to Op) { VFMADD231PD(a, b, to) },
	clear:       func(a, b, to Op) { VXORPD(a, b, to) },
}

var float = precision{
	size:        4,
	broadcast:   func(from, to Op) { VBROADCASTSS(from, to) },
	load:        func(from, to Op) { VMOVUPS(from, to) },
	multiplyAdd: func(a, b, to Op) { VFMADD231PS(a, b, to) },
	clear:       func(a, b, to Op) { VXORPS(a, b, to) },
}

// sums are those of a tile.
type sums [height][2]reg.VecVirtual

func (p precision) newSums() (s sums) {
	for i := range s {
		s[i] = [2]reg.VecVirtual{YMM(), YMM()}
	}
	return s
}

// zero clears the sums.
func (p precision) zero(s *sums) {
	for i := range s {
		for _, v := range s[i] {
			p.clear(v, v, v)
		}
	}
}

// rows emits what is to be done for each row that there is.
func rows(n reg.GPVirtual, do func(i int)) {
	end := label("rowsEnd")
	for i := range height {
		if i > 0 {
			CMPQ(n, Imm(uint64(i)))
			JLE(LabelRef(end))
		}
		do(i)
	}
	Label(end)
}

// steps emits n steps of the sums, of which a step of b0 and b1 is wide bytes.
// The panel at a has blocks of eight steps: eight numbers of each row or, with
// columns, six numbers of each step.
func (p precision) steps(s *sums, n, a, b0, b1 reg.GPVirtual, wide int, columns bool) {
	step := func(l int) {
		x0, x1 := YMM(), YMM()
		p.load(Mem{Base: b0, Disp: wide * l}, x0)
		p.load(Mem{Base: b1, Disp: wide * l}, x1)
		for i := range height {
			at := (8*i + l) * p.size
			if columns {
				at = (height*l + i) * p.size
			}
			v := YMM()
			p.broadcast(Mem{Base: a, Disp: at}, v)
			p.multiplyAdd(x0, v, s[i][0])
			p.multiplyAdd(x1, v, s[i][1])
		}
	}
	next := func(k, of int) {
		ADDQ(U32(uint32(of)), a)
		ADDQ(U32(uint32(k*wide)), b0)
		if b1 != b0 {
			ADDQ(U32(uint32(k*wide)), b1)
		}
	}
	while("steps8", n, 8, func() {
		for l := range 8 {
			step(l)
		}
		next(8, 8*height*p.size)
	})
	while("step", n, 1, func() {
		step(0)
		if columns {
			next(1, height*p.size)
		} else {
			next(1, p.size)
		}
	})
}

// tile is a tile of a product with a matrix for eight lanes.
func tile(name string, p precision, columns bool) {
	of := "eight numbers of each row"
	number := "float64"
	if columns {
		of = "six numbers of each column"
	}
	if p.size == 4 {
		number = "float32"
	}
	load := kernel(name, "func(c0, c1, bias, a, b0, b1 *"+number+", k, n int)", "adds k terms to n rows of six at c0 and c1, which begin with the bias if there is one; a has "+of+".")
	c0, c1, bias, n := load("c0"), load("c1"), load("bias"), load("n")
	s := p.newSums()
	p.zero(&s)
	own, begun := label("own"), label("begun")
	row := 8 * p.size
	TESTQ(bias, bias)
	JEQ(LabelRef(own))
	rows(n, func(i int) {
		p.broadcast(Mem{Base: bias, Disp: p.size * i}, s[i][0])
		VMOVAPD(s[i][0], s[i][1])
	})
	JMP(LabelRef(begun))
	Label(own)
	rows(n, func(i int) {
		p.load(Mem{Base: c0, Disp: row * i}, s[i][0])
		p.load(Mem{Base: c1, Disp: row * i}, s[i][1])
	})
	Label(begun)
	p.steps(&s, load("k"), load("a"), load("b0"), load("b1"), row, columns)
	rows(n, func(i int) {
		p.load(s[i][0], Mem{Base: c0, Disp: row * i})
		p.load(s[i][1], Mem{Base: c1, Disp: row * i})
	})
	VZEROUPPER()
	RET()
}

// tileOuter is a tile of a sum of outer products.
func tileOuter() {
	load := kernel("tileOuter", "func(dst, old, a, b *float64, stride, oldStride, terms, n, joins int)", "adds outer products to n rows of six and eight columns of old, one by one or, with joins, their sum; the strides are the bytes between rows.")
	old, oldStride, n, joins := load("old"), load("oldStride"), load("n"), load("joins")
	s := double.newSums()
	double.zero(&s)
	begun, alone := label("begun"), label("alone")
	TESTQ(joins, joins)
	JNE(LabelRef(begun))
	at := GP64()
	MOVQ(old, at)
	rows(n, func(i int) {
		for h, v := range s[i] {
			VMOVUPD(Mem{Base: at, Disp: 32 * h}, v)
		}
		ADDQ(oldStride, at)
	})
	Label(begun)
	b0, b1 := load("b"), GP64()
	LEAQ(Mem{Base: b0, Disp: 32}, b1)
	double.steps(&s, load("terms"), load("a"), b0, b1, 64, false)
	TESTQ(joins, joins)
	JEQ(LabelRef(alone))
	rows(n, func(i int) {
		for h, v := range s[i] {
			VADDPD(Mem{Base: old, Disp: 32 * h}, v, v)
		}
		ADDQ(oldStride, old)
	})
	Label(alone)
	dst, stride := load("dst"), load("stride")
	rows(n, func(i int) {
		for h, v := range s[i] {
			VMOVUPD(v, Mem{Base: dst, Disp: 32 * h})
		}
		ADDQ(stride, dst)
	})
	VZEROUPPER()
	RET()
}

// tileOuterSingle is a tile of a sum of outer products in single precision.
func tileOuterSingle() {
	load := kernel("tileOuterSingle", "func(dst, old, base *float64, a, b *float32, stride, oldStride, baseStride, terms, n int)", "adds a sum of outer products, in single precision, to n rows of six and sixteen columns of old, and that to base if there is one; the strides are the bytes between rows.")
	s := float.newSums()
	float.zero(&s)
	b0, b1 := load("b"), GP64()
	LEAQ(Mem{Base: b0, Disp: 32}, b1)
	float.steps(&s, load("terms"), load("a"), b0, b1, 64, false)
	dst, old, base, stride, oldStride, baseStride, n := load("dst"), load("old"), load("base"), load("stride"), load("oldStride"), load("baseStride"), load("n")
	widened := func(i, h int, store func(v reg.VecVirtual, at int)) {
		low, high := YMM(), YMM()
		VEXTRACTF128(Imm(1), s[i][h], high.AsX())
		VCVTPS2PD(s[i][h].AsX(), low)
		VCVTPS2PD(high.AsX(), high)
		for k, v := range []reg.VecVirtual{low, high} {
			VADDPD(Mem{Base: old, Disp: 64*h + 32*k}, v, v)
			store(v, 64*h+32*k)
		}
	}
	joins, end := label("joins"), label("end")
	TESTQ(base, base)
	JNE(LabelRef(joins))
	rows(n, func(i int) {
		for h := range 2 {
			widened(i, h, func(v reg.VecVirtual, at int) { VMOVUPD(v, Mem{Base: dst, Disp: at}) })
		}
		ADDQ(stride, dst)
		ADDQ(oldStride, old)
	})
	JMP(LabelRef(end))
	Label(joins)
	rows(n, func(i int) {
		for h := range 2 {
			widened(i, h, func(v reg.VecVirtual, at int) {
				VADDPD(Mem{Base: base, Disp: at}, v, v)
				VMOVUPD(v, Mem{Base: dst, Disp: at})
			})
		}
		ADDQ(stride, dst)
		ADDQ(oldStride, old)
		ADDQ(baseStride, base)
	})
	Label(end)
	VZEROUPPER()
	RET()
}
