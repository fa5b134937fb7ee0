package jit

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// never is a position behind every use.
const never = math.MaxInt32

// emitter turns programs that run one after the other into machine code:
// instructions in the order of the program, stores as early as they can stand,
// registers given up by the furthest next use (L.A. Belady, IBM Syst. J. 5(2),
// 78–101, 1966).
type emitter struct {
	writer
	p     *scalar.Program // the one that is emitted
	frame int             // words, behind which spills go

	order  []int32          // instructions to emit
	uses   []int32          // positions in order where each value is used, ascending, value by value
	ahead  [][2]int32       // by value: the part of uses from the next one on
	in     [registers]int32 // value in each register, or −1
	reg    []int8           // register of each value, or −1
	spill  []int32          // 1 + spill slot of each value; 0: none
	pinned []bool           // loads that cannot be repeated
	slots  int32
	words  int             // that spills need
	keep   [registers]bool // operands of the current instruction
	pos    int32
	room   *room
}

// room is memory for one program after the other.
type room struct {
	code                                          []byte
	order, uses, spill, last, follow, first, next []int32
	ahead                                         [][2]int32
	reg                                           []int8
	pinned, needed                                []bool
	touched                                       touched
}

// cleared is a list of n zeros in the room of another.
func cleared[T any](list *[]T, n int) []T {
	if cap(*list) < n {
		*list = make([]T, n, n+n/4)
		return *list
	}
	*list = (*list)[:n]
	clear(*list)
	return *list
}

// body emits the program, without its frame of entry and return.
func (e *emitter) body() error {
	n := len(e.p.Code)
	e.order, e.slots = nil, 0
	r := e.room
	e.ahead, e.reg, e.spill, e.pinned = cleared(&r.ahead, n+1), cleared(&r.reg, n), cleared(&r.spill, n), cleared(&r.pinned, n)
	for i := range e.reg {
		e.reg[i] = -1
	}
	for i := range e.in {
		e.in[i] = -1
	}
	for i, v := range e.fixed {
		e.reg[v] = int8(e.home(i))
	}
	if err := e.arrange(); err != nil {
		return err
	}
	for at, i := range e.order {
		e.pos = int32(at)
		e.instr(scalar.Value(i))
	}
	e.words = max(e.words, int(e.slots)*e.slotWords())
	return nil
}

// commutes tells of the operations whose operands may be swapped.
var commutes = [scalar.NumOps]bool{scalar.OpAdd: true, scalar.OpMul: true, scalar.OpAnd: true, scalar.OpOr: true, scalar.OpXor: true, scalar.OpIAdd: true, scalar.OpEq: true, scalar.OpNe: true}

// binaries has the instructions of operations of two operands, with the
// predicate of comparisons.
var binaries = [scalar.NumOps]struct {
	k     int
	imm   []byte
	whole bool // reads whole registers, also with one lane
}{
	scalar.OpAdd: {k: add}, scalar.OpSub: {k: sub}, scalar.OpMul: {k: mul}, scalar.OpDiv: {k: div},
	scalar.OpLt: {k: cmp, imm: []byte{1}}, scalar.OpLe: {k: cmp, imm: []byte{2}}, scalar.OpEq: {k: cmp, imm: []byte{0}}, scalar.OpNe: {k: cmp, imm: []byte{4}},
	scalar.OpAnd: {k: and, whole: true}, scalar.OpAndNot: {k: andn, whole: true}, scalar.OpOr: {k: or, whole: true}, scalar.OpXor: {k: xor, whole: true},
	scalar.OpIAdd: {k: iadd, whole: true}, scalar.OpISub: {k: isub, whole: true},
}

// rounding has the modes of VROUND, without a precision exception.
var rounding = [scalar.NumOps]byte{scalar.OpRound: 8, scalar.OpFloor: 9, scalar.OpCeil: 10}

func (e *emitter) instr(v scalar.Value) {
	in := &e.p.Code[v]
	e.keep = [registers]bool{}
	switch in.Op {
	case scalar.OpConst, scalar.OpLoad, scalar.OpLoadShared, scalar.OpLoadLanes:
		if e.pinned[v] {
			r := e.free()
			e.fetch(v, r)
			e.hold(v, r)
		} // else when they are used
	case scalar.OpStore:
		e.op(store, e.inRegister(in.A), 0, operand{base: lane, disp: 8 * in.Off})
	case scalar.OpStoreShared:
		e.op(store1, e.inRegister(in.A), 0, operand{base: frame, disp: 8 * in.Off})
	case scalar.OpSqrt, scalar.OpRound, scalar.OpFloor, scalar.OpCeil:
		k, imm := sqrt, []byte(nil)
		if in.Op != scalar.OpSqrt {
			k, imm = round, []byte{rounding[in.Op]}
		}
		src := e.last(in.A, false)
		dst := e.result(v)
		first := byte(0)
		if e.lanes == 1 {
			// The scalar forms take the rest of the register from the first
			// source; the destination itself would do, were it not for the
			// wait on it.
			if first = dst; src.base == inReg {
				first = src.reg
			}
		}
		e.op(k, dst, first, src, imm...)
	case scalar.OpShl, scalar.OpShr:
		src := e.inRegister(in.A)
		dst := e.result(v)
		ext := byte(6)
		if in.Op == scalar.OpShr {
			ext = 2
		}
		e.op(shift, ext, dst, operand{reg: src}, byte(min(in.Imm, 64)))
	case scalar.OpFMA:
		e.fma(v, in)
	case scalar.OpBlend:
		mask := e.inRegister(in.C)
		other := e.inRegister(in.B)
		chosen := e.last(in.A, true)
		e.op(blend, e.result(v), other, chosen, mask<<4)
	default:
		a, b := in.A, in.B
		o := &binaries[in.Op]
		if commutes[in.Op] && e.reg[a] < 0 && e.reg[b] >= 0 {
			a, b = b, a
		}
		first := e.inRegister(a)
		second := e.last(b, o.whole)
		e.op(o.k, e.result(v), first, second, o.imm...)
	}
}

// fma emits A·B + C over a register whose value is not needed any more.
func (e *emitter) fma(v scalar.Value, in *scalar.Instr) {
	a, b, c := in.A, in.B, in.C
	// The factor that is in a register goes first.
	if e.reg[a] < 0 && e.reg[b] >= 0 {
		a, b = b, a
	}
	over := e.dies
	take := func(x scalar.Value, r byte) {
		e.drop(x)
		e.hold(v, r)
	}
	switch {
	case over(c) && c != a && c != b:
		z := e.inRegister(c)
		x := e.inRegister(a)
		y := e.last(b, false)
		e.op(fma231, z, x, y)
		take(c, z)
	case e.reg[a] >= 0 && over(a) && a != b && a != c:
		x := e.inRegister(a)
		if e.reg[c] < 0 && e.reg[b] >= 0 {
			y := e.inRegister(b)
			z := e.last(c, false)
			e.op(fma213, x, y, z)
		} else {
			z := e.inRegister(c)
			y := e.last(b, false)
			e.op(fma132, x, z, y)
		}
		take(a, x)
	case e.reg[b] >= 0 && over(b) && b != a && b != c:
		y := e.inRegister(b)
		x := e.inRegister(a)
		z := e.last(c, false)
		e.op(fma213, y, x, z)
		take(b, y)
	default:
		x := e.inRegister(a)
		y := e.last(b, false)
		if y.base == inReg {
			e.keep[y.reg] = true
		}
		held := e.reg[c] >= 0
		if held {
			e.keep[e.reg[c]] = true
		}
		r := e.free()
		if held {
			e.op(move, byte(e.reg[c]), 0, operand{reg: r})
		} else {
			e.fetch(c, r)
		}
		e.op(fma231, r, x, y)
		e.hold(v, r)
	}
}

// function emits programs as a whole function, and its literals. AX points to the
// frame, CX to it or, in a loop, further on.
func (e *emitter) function(ps []*scalar.Program, lanes int) error {
	e.literal = map[uint64]int32{}
	width := 1
	for _, p := range ps {
		if lanes > 1 || p.Count > 0 {
			width = 4
		}
		e.p, e.single = p, p.Single
		if err := e.program(lanes); err != nil {
			return err
		}
	}
	e.raw("VZEROUPPER", 0xC5, 0xF8, 0x77)
	e.raw("RET", 0xC3)
	for len(e.code)%32 != 0 {
		e.code = append(e.code, 0xCC)
	}
	pool := len(e.code)
	for _, bits := range e.literals {
		for range width {
			e.code = binary.LittleEndian.AppendUint64(e.code, bits)
		}
	}
	if width == 1 {
		e.code = append(e.code, make([]byte, 8)...) // the last literal may be read as two
	}
	for _, r := range e.refs {
		binary.LittleEndian.PutUint32(e.code[r.at:], uint32(pool+int(r.n)*8*width-r.end))
	}
	return nil
}

// program emits one of the programs.
func (e *emitter) program(lanes int) error {
	if e.p.Single && (e.p.Count == 0 || e.p.Count%8 != 0) {
		return fmt.Errorf("jit: a loop over %d singles, which are not whole vectors of eight", e.p.Count)
	}
	e.raw("MOVQ CX, AX", 0x48, 0x89, 0xC1)
	n := e.p.Count
	if n == 0 {
		e.width(lanes)
		return e.body()
	}
	widths := []int{8, 4, 1}
	if e.p.Single {
		widths = []int{16, 8}
	}
	for _, lanes := range widths {
		e.width(lanes)
		if err := e.loop(n / lanes); err != nil {
			return err
		}
		n %= lanes
	}
	return nil
}
