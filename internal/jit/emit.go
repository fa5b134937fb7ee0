package jit

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/internal/scalar"
)

// registers is how many vector registers are used. The last one, X15, is zero
// by Go's convention and left alone.
const registers = 15

// pairs is how many there are when each value takes two.
const pairs = 7

// never is a position behind every use.
const never = math.MaxInt32

// emitter turns programs that run one after the other into machine code:
// instructions in the order of the program, stores as early as they can stand,
// registers given up by the furthest next use (L.A. Belady, IBM Syst. J. 5(2),
// 78–101, 1966).
type emitter struct {
	assembler
	p     *scalar.Program // the one that is emitted
	lanes int
	frame int // words, behind which spills go
	forms *[store1 + 1]form

	// The numbers of 64 bytes are done all at once with each value in two
	// registers, whose halves hide each other's latencies.
	paired bool
	regs   int
	fixed  []scalar.Value // that a loop has in registers: see loop
	size   int            // bytes of a number

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

	literals []uint64
	literal  map[uint64]int32
	pos      int32
	accesses int // to memory, so far
}

// body emits the program, without its frame of entry and return.
func (e *emitter) body() error {
	n := len(e.p.Code)
	e.order, e.slots = nil, 0
	e.ahead, e.reg, e.spill, e.pinned = make([][2]int32, n+1), make([]int8, n), make([]int32, n), make([]bool, n)
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

// wide reports whether a value fills a register.
func (e *emitter) wide() bool { return e.lanes*e.size >= 32 }

// op appends an instruction in the width of the program.
func (e *emitter) op(k int, reg, vvvv byte, rm operand, imm ...byte) {
	if e.trace != nil {
		e.trace(e.text(k, reg, vvvv, rm, imm))
	}
	if rm.base != inReg {
		e.accesses++
	}
	e.vex(&e.forms[k], e.wide() && k != store1, reg, vvvv, rm, imm...)
	if !e.paired || k == store1 {
		return
	}
	// The same for the other four lanes, in the upper registers.
	twin := func(r byte) byte {
		if e.stays(r) {
			return r
		}
		return r | 8
	}
	switch rm.base {
	case inReg:
		rm.reg = twin(rm.reg)
	case lane, spill:
		rm.disp += 32
	case steady: // eight singles fill one register, eight doubles two
		if e.size == 8 {
			rm.disp += 32
		}
	}
	switch k {
	case load, broadcast, move, store, sqrt, round: // vvvv is not used
		reg = twin(reg)
	case shift: // reg is part of the opcode
		vvvv = twin(vvvv)
	default:
		reg, vvvv = twin(reg), twin(vvvv)
	}
	if k == blend {
		imm = []byte{twin(imm[0]>>4) << 4}
	}
	e.vex(&e.forms[k], true, reg, vvvv, rm, imm...)
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

// text is an instruction in Intel's order of operands.
func (e *emitter) text(k int, reg, vvvv byte, rm operand, imm []byte) string {
	name := func(r byte) string {
		if e.wide() && k != store1 {
			return fmt.Sprintf("Y%d", r)
		}
		return fmt.Sprintf("X%d", r)
	}
	var m string
	switch rm.base {
	case inReg:
		m = name(rm.reg)
	case literal:
		m = fmt.Sprintf("$%g", math.Float64frombits(e.literals[rm.disp]))
		if e.p.Single {
			m = fmt.Sprintf("$%g", math.Float32frombits(uint32(e.literals[rm.disp])))
		}
	case frame, spill, steady:
		m = fmt.Sprintf("%d(AX)", rm.disp)
	case lane:
		m = fmt.Sprintf("%d(CX)", rm.disp)
	}
	ops := []string{name(reg), name(vvvv), m}
	switch k {
	case load, broadcast:
		ops = []string{name(reg), m}
	case sqrt, round:
		if e.lanes > 1 {
			ops = []string{name(reg), m}
		}
	case store, store1, move:
		ops = []string{m, name(reg)}
	case shift:
		ops = []string{name(vvvv), m}
	}
	mnemonic := e.forms[k].name
	if k == shift && reg == 2 {
		mnemonic = strings.Replace(mnemonic, "SLL", "SRL", 1)
	}
	for _, b := range imm {
		if k == blend {
			ops = append(ops, name(b>>4))
		} else {
			ops = append(ops, fmt.Sprintf("$%d", b))
		}
	}
	return mnemonic + " " + strings.Join(ops, ", ")
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
		e.p = p
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

// width sets the number of lanes of the code that follows.
func (e *emitter) width(lanes int) {
	e.lanes, e.regs, e.size, e.forms = lanes, registers, 8, &packed
	if e.p.Single {
		e.size, e.forms = 4, &packedSingles
	}
	if e.paired = lanes*e.size == 64; e.paired {
		e.regs = pairs
	}
	e.fixed = nil
	if lanes == 1 {
		e.forms = &single
	}
}

func (e *emitter) raw(text string, b ...byte) {
	if e.trace != nil {
		e.trace(text)
	}
	e.code = append(e.code, b...)
}
