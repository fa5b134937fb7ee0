package main

import (
	"fmt"

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

// tiles emits a loop over the panels at a, which stand so many bytes apart, as
// long as there are rows left.
func tiles(left, a, apart reg.GPVirtual, tile func(at reg.GPVirtual)) {
	loop := label("tiles")
	Label(loop)
	at := GP64()
	MOVQ(a, at)
	tile(at)
	ADDQ(apart, a)
	SUBQ(Imm(height), left)
	JG(LabelRef(loop))
}

// tile is the part of a product for eight lanes that has some of its terms.
func tile(name string, p precision, columns bool) {
	of := "eight numbers of each row"
	number := "float64"
	if columns {
		of = "six numbers of each column"
	}
	if p.size == 4 {
		number = "float32"
	}
	load := kernel(name, "func(c0, c1, bias, a, b0, b1 *"+number+", k, rows, apart int)", "adds k terms to the rows at c0 and c1, which begin with the bias if there is one; the panels at a, so many bytes apart, have "+of+".")
	c0, c1, bias := load("c0"), load("c1"), load("bias")
	left := load("rows")
	row := 8 * p.size
	tiles(left, load("a"), load("apart"), func(a reg.GPVirtual) {
		s := p.newSums()
		p.zero(&s)
		own, begun := label("own"), label("begun")
		TESTQ(bias, bias)
		JEQ(LabelRef(own))
		rows(left, func(i int) {
			p.broadcast(Mem{Base: bias, Disp: p.size * i}, s[i][0])
			VMOVAPD(s[i][0], s[i][1])
		})
		ADDQ(Imm(uint64(height*p.size)), bias)
		JMP(LabelRef(begun))
		Label(own)
		rows(left, func(i int) {
			p.load(Mem{Base: c0, Disp: row * i}, s[i][0])
			p.load(Mem{Base: c1, Disp: row * i}, s[i][1])
		})
		Label(begun)
		p.steps(&s, load("k"), a, load("b0"), load("b1"), row, columns)
		rows(left, func(i int) {
			p.load(s[i][0], Mem{Base: c0, Disp: row * i})
			p.load(s[i][1], Mem{Base: c1, Disp: row * i})
		})
		ADDQ(U32(uint32(row*height)), c0)
		ADDQ(U32(uint32(row*height)), c1)
	})
	VZEROUPPER()
	RET()
}

// outerTiles is a sum of outer products that is added to a matrix.
func outerTiles(name string, p precision) {
	number, wide := "float64", 8
	if p.size == 4 {
		number, wide = "float32", 16
	}
	load := kernel(name, "func(dst, old *float64, a, b *"+number+", stride, oldStride, terms, rows, apart int)", fmt.Sprintf("adds a sum of outer products to the rows and %d columns of old; the panels at a are so many bytes apart, and the strides are the bytes between rows.", wide))
	dst, old, left := load("dst"), load("old"), load("rows")
	tiles(left, load("a"), load("apart"), func(a reg.GPVirtual) {
		s := p.newSums()
		p.zero(&s)
		ahead := GP64()
		oldStride := load("oldStride")
		MOVQ(old, ahead)
		for range height { // what is read at the end, wherever lines begin
			for at := 0; at < 8*wide; at += 64 {
				PREFETCHT0(Mem{Base: ahead, Disp: at})
			}
			PREFETCHT0(Mem{Base: ahead, Disp: 8*wide - 8})
			ADDQ(oldStride, ahead)
		}
		b0, b1 := load("b"), GP64()
		LEAQ(Mem{Base: b0, Disp: 32}, b1)
		p.steps(&s, load("terms"), a, b0, b1, 64, false)
		stride, oldStride := load("stride"), load("oldStride")
		rows(left, func(i int) {
			var sums []reg.VecVirtual
			for _, v := range s[i] {
				if p.size == 8 {
					sums = append(sums, v)
					continue
				}
				low, high := YMM(), YMM()
				VEXTRACTF128(Imm(1), v, high.AsX())
				VCVTPS2PD(v.AsX(), low)
				VCVTPS2PD(high.AsX(), high)
				sums = append(sums, low, high)
			}
			for k, v := range sums {
				VADDPD(Mem{Base: old, Disp: 32 * k}, v, v)
				VMOVUPD(v, Mem{Base: dst, Disp: 32 * k})
			}
			ADDQ(stride, dst)
			ADDQ(oldStride, old)
		})
	})
	VZEROUPPER()
	RET()
}

// packRows copies eight numbers of a row to each block of a panel.
func packRows(name string, p precision) {
	number := "float64"
	if p.size == 4 {
		number = "float32"
	}
	load := kernel(name, "func(a *"+number+", w *float64, blocks int)", "copies eight numbers of a row to each block of its panel.")
	a, w, n := load("a"), load("w"), load("blocks")
	while("blocks", n, 1, func() {
		lows, highs := YMM(), YMM()
		if p.size == 4 {
			VCVTPD2PSY(Mem{Base: w}, lows.AsX())
			VCVTPD2PSY(Mem{Base: w, Disp: 32}, highs.AsX())
			VMOVUPS(lows.AsX(), Mem{Base: a})
			VMOVUPS(highs.AsX(), Mem{Base: a, Disp: 16})
		} else {
			VMOVUPD(Mem{Base: w}, lows)
			VMOVUPD(Mem{Base: w, Disp: 32}, highs)
			VMOVUPD(lows, Mem{Base: a})
			VMOVUPD(highs, Mem{Base: a, Disp: 32})
		}
		ADDQ(U32(64), w)
		ADDQ(U32(uint32(8*height*p.size)), a)
	})
	VZEROUPPER()
	RET()
}

// packColumns copies six numbers of each of eight rows to each of some panels.
func packColumns(name string, p precision) {
	number := "float64"
	if p.size == 4 {
		number = "float32"
	}
	load := kernel(name, "func(a *"+number+", w *float64, panels, stride, apart int)", "copies six numbers of each of eight rows to each of the panels; the stride is the bytes between rows, and panels are so many bytes apart.")
	a, w, n, stride, apart := load("a"), load("w"), load("panels"), load("stride"), load("apart")
	while("panels", n, 1, func() {
		from := GP64()
		MOVQ(w, from)
		for l := range 8 {
			four, two := YMM(), XMM()
			at := height * p.size * l
			if p.size == 4 {
				VCVTPD2PSY(Mem{Base: from}, four.AsX())
				VCVTPD2PSX(Mem{Base: from, Disp: 32}, two)
				VMOVUPS(four.AsX(), Mem{Base: a, Disp: at})
				VMOVSD(two, Mem{Base: a, Disp: at + 16})
			} else {
				VMOVUPD(Mem{Base: from}, four)
				VMOVUPD(Mem{Base: from, Disp: 32}, two)
				VMOVUPD(four, Mem{Base: a, Disp: at})
				VMOVUPD(two, Mem{Base: a, Disp: at + 32})
			}
			ADDQ(stride, from)
		}
		ADDQ(Imm(height*8), w)
		ADDQ(apart, a)
	})
	VZEROUPPER()
	RET()
}

// rows8Single is rows8 for eight singles of each lane, a square of eight.
func rows8Single() {
	load := kernel("rows8Single", "func(dst, src *float32, n, stride int)", "makes rows of eight lanes; n is a multiple of 8 and stride the bytes between rows.")
	dst, src, n, stride := load("dst"), load("src"), load("n"), load("stride")
	while("n", n, 8, func() {
		to := GP64()
		MOVQ(dst, to)
		// Halves of rows that are four apart, then squares of four in each half.
		var r, t [8]reg.VecVirtual
		for i := range r {
			r[i], t[i] = YMM(), YMM()
		}
		for i := range 4 {
			VMOVUPS(Mem{Base: src, Disp: 32 * i}, r[i].AsX())
			VINSERTF128(Imm(1), Mem{Base: src, Disp: 32 * (i + 4)}, r[i], r[i])
			VMOVUPS(Mem{Base: src, Disp: 32*i + 16}, r[i+4].AsX())
			VINSERTF128(Imm(1), Mem{Base: src, Disp: 32*(i+4) + 16}, r[i+4], r[i+4])
		}
		for h := 0; h < 8; h += 4 {
			VUNPCKLPS(r[h+1], r[h], t[h])
			VUNPCKLPS(r[h+3], r[h+2], t[h+1])
			VUNPCKHPS(r[h+1], r[h], t[h+2])
			VUNPCKHPS(r[h+3], r[h+2], t[h+3])
			VUNPCKLPD(t[h+1], t[h], r[h])
			VUNPCKHPD(t[h+1], t[h], r[h+1])
			VUNPCKLPD(t[h+3], t[h+2], r[h+2])
			VUNPCKHPD(t[h+3], t[h+2], r[h+3])
		}
		for i := range r {
			VMOVUPS(r[i], Mem{Base: to})
			ADDQ(stride, to)
		}
		ADDQ(U32(256), src)
		ADDQ(Imm(32), dst)
	})
	VZEROUPPER()
	RET()
}
