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

// emitter turns one program into machine code: instructions in the order of
// the program, stores as early as they can stand, registers given up by the
// furthest next use (L.A. Belady, IBM Syst. J. 5(2), 78–101, 1966).
type emitter struct {
	assembler
	p     *scalar.Program
	lanes int
	frame int // words, behind which spills go
	forms *[store1 + 1]form

	// The numbers of 64 bytes are done all at once with each value in two
	// registers, whose halves hide each other's latencies.
	paired bool
	regs   int
	size   int // bytes of a number

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

// args are the values that an instruction reads.
func args(in *scalar.Instr) (v [3]scalar.Value, n int) {
	v = [3]scalar.Value{in.A, in.B, in.C}
	switch in.Op {
	case scalar.OpConst, scalar.OpLoad, scalar.OpLoadShared, scalar.OpLoadLanes:
		return v, 0
	case scalar.OpStore, scalar.OpStoreShared, scalar.OpSqrt, scalar.OpRound, scalar.OpFloor, scalar.OpCeil, scalar.OpShl, scalar.OpShr:
		return v, 1
	case scalar.OpFMA, scalar.OpBlend:
		return v, 3
	}
	return v, 2
}

func loads(op scalar.Op) bool {
	return op == scalar.OpLoad || op == scalar.OpLoadShared || op == scalar.OpLoadLanes
}

func stores(op scalar.Op) bool { return op == scalar.OpStore || op == scalar.OpStoreShared }

// span is the words that a load or store touches.
func (e *emitter) span(in *scalar.Instr) (from, to int) {
	from, to = int(in.Off), int(in.Off)+1
	if in.Op == scalar.OpLoad || in.Op == scalar.OpStore {
		to = from + (max(e.lanes, e.p.Count)*e.size+7)/8
	} else if in.Op == scalar.OpLoadLanes {
		to = from + e.size
	}
	return from, to
}

// arrange checks the program and orders what is needed of it: every store as
// soon as its value is there and what stood in its place has been used.
func (e *emitter) arrange() error {
	code := e.p.Code
	needed := make([]bool, len(code))
	lastUse := make([]int32, len(code))
	for i := len(code) - 1; i >= 0; i-- {
		in := &code[i]
		if in.Op >= scalar.NumOps {
			return fmt.Errorf("jit: instruction %d is unknown", i)
		}
		if in.Op == scalar.OpLoadLanes && (e.p.Count == 0 || e.p.Count%8 != 0) {
			return fmt.Errorf("jit: instruction %d loads eight lanes in a loop over %d numbers", i, e.p.Count)
		}
		if loads(in.Op) || stores(in.Op) {
			if from, to := e.span(in); from < 0 || to > e.frame {
				return fmt.Errorf("jit: instruction %d is at words %d to %d of a frame of %d", i, from, to, e.frame)
			}
		}
		if !needed[i] && !stores(in.Op) {
			continue
		}
		needed[i] = true
		v, n := args(in)
		for _, a := range v[:n] {
			if a < 0 || int(a) >= i || stores(code[a].Op) {
				return fmt.Errorf("jit: instruction %d reads value %d", i, a)
			}
			needed[a] = true
			lastUse[a] = max(lastUse[a], int32(i))
		}
	}
	// The last use of each word's loads, and the last store to it, so far.
	readTill, stored := map[int]int32{}, map[int]int32{}
	follows := make([]int32, len(code)) // what a store follows
	for i := range code {
		in := &code[i]
		switch {
		case loads(in.Op):
			from, to := e.span(in)
			for w := from; w < to; w++ {
				readTill[w] = max(readTill[w], lastUse[i])
			}
		case stores(in.Op):
			at := int32(in.A)
			from, to := e.span(in)
			for w := from; w < to; w++ {
				at = max(at, min(readTill[w], int32(i)), stored[w])
			}
			follows[i] = at
			for w := from; w < to; w++ {
				stored[w] = at
				if readTill[w] > int32(i) {
					e.pin(i, w)
				}
			}
		}
	}
	// The stores that follow instruction i: first[i], then the next of each.
	first, next := make([]int32, len(code)), make([]int32, len(code))
	for i := len(code) - 1; i >= 0; i-- {
		if stores(code[i].Op) {
			at := follows[i]
			next[i], first[at] = first[at], int32(i)
		}
	}
	e.order = make([]int32, 0, len(code))
	for i := range code {
		if needed[i] && !stores(code[i].Op) {
			e.order = append(e.order, int32(i))
		}
		for s := first[i]; s > 0; s = next[s] { // no store is the first instruction
			e.order = append(e.order, s)
		}
	}
	// Each value's uses are counted, then listed behind those of the values before it.
	each := func(use func(v scalar.Value, at int32)) {
		for at, i := range e.order {
			v, n := args(&code[i])
			for k, a := range v[:n] {
				if k > 0 && a == v[k-1] || k > 1 && a == v[0] {
					continue // counted
				}
				use(a, int32(at))
			}
		}
	}
	each(func(v scalar.Value, _ int32) { e.ahead[v+1][0]++ })
	for v := range code {
		e.ahead[v+1][0] += e.ahead[v][0]
		e.ahead[v][1] = e.ahead[v][0]
	}
	e.uses = make([]int32, e.ahead[len(code)][0])
	each(func(v scalar.Value, at int32) {
		e.uses[e.ahead[v][1]] = at
		e.ahead[v][1]++
	})
	return nil
}

// pin makes loads of a word that a store overwrites while they are in use
// values like others, which are not had again from memory.
func (e *emitter) pin(before, word int) {
	for i := range e.p.Code[:before] {
		if in := &e.p.Code[i]; loads(in.Op) {
			if from, to := e.span(in); from <= word && word < to {
				e.pinned[i] = true
			}
		}
	}
}

// leaf reports whether a value can be had again from memory at any time.
func (e *emitter) leaf(v scalar.Value) bool {
	return e.p.Code[v].Op <= scalar.OpLoadLanes && !e.pinned[v]
}

// next is the position of the next use of a value at or behind pos.
func (e *emitter) next(v scalar.Value, pos int32) int32 {
	ahead := &e.ahead[v]
	for ahead[0] < ahead[1] && e.uses[ahead[0]] < e.pos {
		ahead[0]++
	}
	for _, at := range e.uses[ahead[0]:ahead[1]] {
		if at >= pos {
			return at
		}
	}
	return never
}

// dies reports whether the current instruction is the last to use a value.
func (e *emitter) dies(v scalar.Value) bool { return e.next(v, e.pos+1) == never }

// free returns a register, emptying one if need be.
func (e *emitter) free() byte {
	best, far := -1, int32(-1)
	for r := range e.regs {
		if e.keep[r] {
			continue
		}
		v := e.in[r]
		if v < 0 {
			return byte(r)
		}
		n := e.next(scalar.Value(v), e.pos)
		if n == never {
			e.drop(scalar.Value(v))
			return byte(r)
		}
		// Values that memory has already are cheaper to give up.
		cheap := e.leaf(scalar.Value(v)) || e.spill[v] > 0
		if cheap {
			n += 8
		}
		if n > far {
			best, far = r, n
		}
	}
	v := scalar.Value(e.in[best])
	if !e.leaf(v) && e.spill[v] == 0 {
		e.slots++
		e.spill[v] = e.slots
		e.op(store, byte(best), 0, e.spilled(v))
	}
	e.drop(v)
	return byte(best)
}

func (e *emitter) drop(v scalar.Value) {
	if r := e.reg[v]; r >= 0 {
		e.in[r], e.reg[v] = -1, -1
	}
}

func (e *emitter) hold(v scalar.Value, r byte) { e.in[r], e.reg[v] = int32(v), int8(r) }

// spilled is the place of a spilled value.
func (e *emitter) spilled(v scalar.Value) operand {
	return operand{base: spill, disp: int32(8 * (e.frame + int(e.spill[v]-1)*e.slotWords()))}
}

// slotWords is the size of a spill slot.
func (e *emitter) slotWords() int { return max(1, e.lanes*e.size/8) }

// memory is where a value can be read as the last operand of an instruction,
// if it can. whole says that the instruction reads all of a register's width.
func (e *emitter) memory(v scalar.Value, whole bool) (operand, bool) {
	in := &e.p.Code[v]
	narrow := whole && e.lanes == 1 // would read past the word
	switch {
	case in.Op == scalar.OpConst:
		return e.constant(in.Imm), true
	case e.pinned[v] && e.spill[v] == 0 || in.Op == scalar.OpLoadShared && e.lanes > 1 && !e.pinned[v] || narrow:
		return operand{}, false
	case !e.pinned[v] && in.Op == scalar.OpLoad:
		return operand{base: lane, disp: 8 * in.Off}, true
	case !e.pinned[v] && in.Op == scalar.OpLoadLanes:
		return operand{base: steady, disp: 8 * in.Off}, true
	case !e.pinned[v] && in.Op == scalar.OpLoadShared:
		return operand{base: frame, disp: 8 * in.Off}, true
	case e.spill[v] > 0:
		return e.spilled(v), true
	}
	return operand{}, false
}

// constant is a place in the literal pool.
func (e *emitter) constant(bits uint64) operand {
	if e.p.Single {
		bits |= bits << 32
	}
	n, ok := e.literal[bits]
	if !ok {
		n = int32(len(e.literals))
		e.literals = append(e.literals, bits)
		e.literal[bits] = n
	}
	return operand{base: literal, disp: n}
}

// fetch puts a value into register r.
func (e *emitter) fetch(v scalar.Value, r byte) {
	in := &e.p.Code[v]
	switch {
	case e.spill[v] > 0:
		e.op(load, r, 0, e.spilled(v))
	case in.Op == scalar.OpConst && in.Imm == 0:
		e.op(xor, r, r, operand{reg: r})
	case in.Op == scalar.OpConst:
		e.op(load, r, 0, e.constant(in.Imm))
	case in.Op == scalar.OpLoadLanes:
		e.op(load, r, 0, operand{base: steady, disp: 8 * in.Off})
	case in.Op == scalar.OpLoadShared:
		e.op(broadcast, r, 0, operand{base: frame, disp: 8 * in.Off})
	default:
		e.op(load, r, 0, operand{base: lane, disp: 8 * in.Off})
	}
}

// inRegister returns the register of a value, loading it if need be, and keeps
// it for the current instruction.
func (e *emitter) inRegister(v scalar.Value) byte {
	if e.reg[v] < 0 {
		r := e.free()
		e.fetch(v, r)
		e.hold(v, r)
	}
	r := byte(e.reg[v])
	e.keep[r] = true
	return r
}

// last returns a value as the last operand of an instruction: from memory
// where that saves a register.
func (e *emitter) last(v scalar.Value, whole bool) operand {
	if e.reg[v] < 0 {
		if m, ok := e.memory(v, whole); ok && (e.dies(v) || e.full()) {
			return m
		}
	}
	return operand{reg: e.inRegister(v)}
}

// full reports whether no register is empty.
func (e *emitter) full() bool {
	for r, v := range e.in[:e.regs] {
		if !e.keep[r] && (v < 0 || e.next(scalar.Value(v), e.pos) == never) {
			return false
		}
	}
	return true
}

// result returns a register for the value of the current instruction, which
// may be that of an operand that dies with it.
func (e *emitter) result(v scalar.Value) byte {
	for r, x := range e.in[:e.regs] {
		if x >= 0 && e.dies(scalar.Value(x)) {
			e.drop(scalar.Value(x))
			e.hold(v, byte(r))
			return byte(r)
		}
	}
	r := e.free()
	e.hold(v, r)
	return r
}

// wide reports whether a value fills a register.
func (e *emitter) wide() bool { return e.lanes*e.size >= 32 }

// op appends an instruction in the width of the program.
func (e *emitter) op(k int, reg, vvvv byte, rm operand, imm ...byte) {
	if e.trace != nil {
		e.trace(e.text(k, reg, vvvv, rm, imm))
	}
	e.vex(&e.forms[k], e.wide() && k != store1, reg, vvvv, rm, imm...)
	if !e.paired || k == store1 {
		return
	}
	// The same for the other four lanes, in the upper registers.
	twin := func(r byte) byte { return r | 8 }
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
		imm = []byte{imm[0] | 0x80}
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

// program emits a whole function and its literals. AX points to the frame, CX
// to it or, in a loop, further on.
func (e *emitter) program() error {
	if e.p.Single && (e.p.Count == 0 || e.p.Count%8 != 0) {
		return fmt.Errorf("jit: a loop over %d singles, which are not whole vectors of eight", e.p.Count)
	}
	e.literal = map[uint64]int32{}
	e.raw("MOVQ CX, AX", 0x48, 0x89, 0xC1)
	if n := e.p.Count; n > 0 {
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
	} else if err := e.body(); err != nil {
		return err
	}
	e.raw("VZEROUPPER", 0xC5, 0xF8, 0x77)
	e.raw("RET", 0xC3)
	for len(e.code)%32 != 0 {
		e.code = append(e.code, 0xCC)
	}
	width := 1
	if e.lanes > 1 || e.p.Count > 0 {
		width = 4
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

// width sets the number of lanes of the code that follows.
func (e *emitter) width(lanes int) {
	e.lanes, e.regs, e.size, e.forms = lanes, registers, 8, &packed
	if e.p.Single {
		e.size, e.forms = 4, &packedSingles
	}
	if e.paired = lanes*e.size == 64; e.paired {
		e.regs = pairs
	}
	if lanes == 1 {
		e.forms = &single
	}
}

// loop emits the program for so many times as many numbers as there are
// lanes, and leaves CX behind them.
func (e *emitter) loop(times int) error {
	if times == 0 {
		return nil
	}
	e.raw("MOVL DX, "+fmt.Sprint(times), 0xBA, byte(times), byte(times>>8), byte(times>>16), byte(times>>24))
	start := len(e.code)
	if err := e.body(); err != nil {
		return err
	}
	e.raw(fmt.Sprintf("ADDQ CX, $%d", e.size*e.lanes), 0x48, 0x83, 0xC1, byte(e.size*e.lanes))
	if times > 1 {
		e.raw("SUBL DX, $1", 0x83, 0xEA, 1)
		back := int32(start - (len(e.code) + 6))
		e.raw("JNZ", 0x0F, 0x85, byte(back), byte(back>>8), byte(back>>16), byte(back>>24))
	}
	return nil
}

func (e *emitter) raw(text string, b ...byte) {
	if e.trace != nil {
		e.trace(text)
	}
	e.code = append(e.code, b...)
}
