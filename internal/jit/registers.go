package jit

import "github.com/pinode/pinode/internal/scalar"

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
func (e *emitter) dies(v scalar.Value) bool {
	if r := e.reg[v]; r >= 0 && e.stays(byte(r)) {
		return false
	}
	return e.next(v, e.pos+1) == never
}

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
