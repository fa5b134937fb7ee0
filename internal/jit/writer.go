package jit

import (
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

// writer writes instructions of a precision for a number of lanes, and keeps the constants that
// they refer to.
type writer struct {
	assembler
	single bool // precision
	lanes  int
	size   int // bytes of a number
	forms  *[store1 + 1]form

	// The numbers of 64 bytes are done all at once with each value in two
	// registers, whose halves hide each other's latencies.
	paired bool
	regs   int            // that values may take
	fixed  []scalar.Value // that a loop has in others: see loop

	literals []uint64
	literal  map[uint64]int32
	accesses int // to memory, so far
}

// width sets the number of lanes of the code that follows.
func (w *writer) width(lanes int) {
	w.lanes, w.regs, w.size, w.forms = lanes, registers, 8, &packed
	if w.single {
		w.size, w.forms = 4, &packedSingles
	}
	if w.paired = lanes*w.size == 64; w.paired {
		w.regs = pairs
	}
	w.fixed = nil
	if lanes == 1 {
		w.forms = &single
	}
}

// home is the register of fixed value i: the one that no pair has, then both of the last
// pair, and so on. Each stands for both halves.
func (w *writer) home(i int) byte {
	if i == 0 {
		return pairs
	}
	return byte(pairs - 1 - (i-1)/2 + (i-1)%2*8)
}

// stays reports whether a register is that of a fixed value.
func (w *writer) stays(r byte) bool { return len(w.fixed) > 0 && int(r&7) >= w.regs }

// fix lets the loop that follows have values in registers.
func (w *writer) fix(values []scalar.Value) { w.fixed, w.regs = values, pairs-len(values)/2 }

// wide reports whether a value fills a register.
func (w *writer) wide() bool { return w.lanes*w.size >= 32 }

// slotWords is the size of a spill slot.
func (w *writer) slotWords() int { return max(1, w.lanes*w.size/8) }

// constant is a place in the literal pool.
func (w *writer) constant(bits uint64) operand {
	if w.single {
		bits |= bits << 32
	}
	n, ok := w.literal[bits]
	if !ok {
		n = int32(len(w.literals))
		w.literals = append(w.literals, bits)
		w.literal[bits] = n
	}
	return operand{base: literal, disp: n}
}

// op appends an instruction in the width of the program.
func (w *writer) op(k int, reg, vvvv byte, rm operand, imm ...byte) {
	if w.trace != nil {
		w.trace(w.text(k, reg, vvvv, rm, imm))
	}
	if rm.base != inReg {
		w.accesses++
	}
	w.vex(&w.forms[k], w.wide() && k != store1, reg, vvvv, rm, imm...)
	if !w.paired || k == store1 {
		return
	}
	// The same for the other four lanes, in the upper registers.
	twin := func(r byte) byte {
		if w.stays(r) {
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
		if w.size == 8 {
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
	w.vex(&w.forms[k], true, reg, vvvv, rm, imm...)
}

// text is an instruction in Intel's order of operands.
func (w *writer) text(k int, reg, vvvv byte, rm operand, imm []byte) string {
	name := func(r byte) string {
		if w.wide() && k != store1 {
			return fmt.Sprintf("Y%d", r)
		}
		return fmt.Sprintf("X%d", r)
	}
	var m string
	switch rm.base {
	case inReg:
		m = name(rm.reg)
	case literal:
		m = fmt.Sprintf("$%g", math.Float64frombits(w.literals[rm.disp]))
		if w.single {
			m = fmt.Sprintf("$%g", math.Float32frombits(uint32(w.literals[rm.disp])))
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
		if w.lanes > 1 {
			ops = []string{name(reg), m}
		}
	case store, store1, move:
		ops = []string{m, name(reg)}
	case shift:
		ops = []string{name(vvvv), m}
	}
	mnemonic := w.forms[k].name
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

func (w *writer) raw(text string, b ...byte) {
	if w.trace != nil {
		w.trace(text)
	}
	w.code = append(w.code, b...)
}
