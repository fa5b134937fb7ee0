package scalar

import "math"

// Op is an instruction of a straight-line program. Every value is a 64-bit
// pattern a lane, read as an IEEE 754 double, an integer or a mask; in a
// program in single precision a 32-bit pattern, read as a single.
type Op uint8

// The instructions. A, B, C are the values of earlier instructions. Arithmetic
// rounds to nearest even. A mask is all ones for true and all zeros for false.
const (
	OpConst       Op = iota // the pattern Imm in every lane
	OpLoad                  // mem[Off+lane]
	OpLoadShared            // mem[Off] in every lane
	OpLoadLanes             // in a loop: number i mod 8 of those at Off
	OpStore                 // mem[Off+lane] = A; no value
	OpStoreShared           // mem[Off] = lane 0 of A; no value

	OpAdd  // A + B
	OpSub  // A − B
	OpMul  // A · B
	OpDiv  // A / B
	OpFMA  // A · B + C, rounded once
	OpSqrt // √A

	OpRound // A to the nearest integer, ties to even
	OpFloor
	OpCeil

	OpLt // mask of A < B; false where either is NaN
	OpLe // mask of A ≤ B; false where either is NaN
	OpEq // mask of A = B; false where either is NaN
	OpNe // mask of A ≠ B; true where either is NaN

	OpAnd    // A and B, bitwise
	OpAndNot // B and not A, bitwise
	OpOr     // A or B, bitwise
	OpXor    // A exclusive-or B, bitwise
	OpBlend  // A where the mask C is set, else B

	OpIAdd // A + B as integers
	OpISub // A − B as integers
	OpShl  // A shifted left by Imm bits
	OpShr  // A shifted right by Imm bits, zeros shifted in

	NumOps // not an instruction: their number
)

// Value is the index of the instruction that computes a value.
type Value int32

// Instr is one instruction; its index in the program names its value.
type Instr struct {
	Op      Op
	A, B, C Value
	Off     int32  // of loads and stores, in words of the frame
	Imm     uint64 // of OpConst and shifts
}

// Program is a straight-line program: instructions in order, each reading the
// values of earlier ones.
type Program struct {
	Code []Instr

	// Count makes a loop of the program, over Count consecutive numbers: for
	// the i-th, loads and stores that are not shared are i words further on.
	// It has one lane then. 0 runs it once.
	Count int

	// Single makes every value a 32-bit pattern. A program of single precision
	// is a loop, over numbers that stand two in a word; for machine code over a
	// multiple of eight.
	Single bool

	consts map[uint64]Value
}

// Const appends the constant x, or finds it.
func (p *Program) Const(x float64) Value {
	if p.Single {
		return p.Bits(uint64(math.Float32bits(float32(x))))
	}
	return p.Bits(math.Float64bits(x))
}

// Bits appends a constant pattern, or finds it.
func (p *Program) Bits(x uint64) Value {
	if v, ok := p.consts[x]; ok {
		return v
	}
	if p.consts == nil {
		p.consts = map[uint64]Value{}
	}
	v := p.add(Instr{Op: OpConst, Imm: x})
	p.consts[x] = v
	return v
}

// Load appends a load of a lane value, or of a shared one.
func (p *Program) Load(off int, shared bool) Value {
	if shared {
		return p.add(Instr{Op: OpLoadShared, Off: int32(off)})
	}
	return p.add(Instr{Op: OpLoad, Off: int32(off)})
}

// LoadLanes appends a load of eight numbers, which are lanes of a loop over a
// multiple of eight.
func (p *Program) LoadLanes(off int) Value { return p.add(Instr{Op: OpLoadLanes, Off: int32(off)}) }

// Store appends a store of a lane value, or of a shared one.
func (p *Program) Store(off int, v Value, shared bool) {
	op := OpStore
	if shared {
		op = OpStoreShared
	}
	p.add(Instr{Op: op, A: v, Off: int32(off)})
}

// Unary appends an instruction of one argument.
func (p *Program) Unary(op Op, a Value) Value { return p.add(Instr{Op: op, A: a}) }

// Binary appends an instruction of two arguments.
func (p *Program) Binary(op Op, a, b Value) Value { return p.add(Instr{Op: op, A: a, B: b}) }

// FMA appends a·b + c.
func (p *Program) FMA(a, b, c Value) Value { return p.add(Instr{Op: OpFMA, A: a, B: b, C: c}) }

// Blend appends mask ? a : b.
func (p *Program) Blend(mask, a, b Value) Value {
	return p.add(Instr{Op: OpBlend, A: a, B: b, C: mask})
}

// Shift appends a shift of a by bits.
func (p *Program) Shift(op Op, a Value, bits int) Value {
	return p.add(Instr{Op: op, A: a, Imm: uint64(bits)})
}

// Neg appends −a, which flips the sign of NaN and zero too.
func (p *Program) Neg(a Value) Value { return p.Binary(OpXor, a, p.Bits(p.format().sign)) }

// Abs appends |a|.
func (p *Program) Abs(a Value) Value { return p.Binary(OpAnd, a, p.Bits(p.format().sign-1)) }

func (p *Program) add(in Instr) Value {
	p.Code = append(p.Code, in)
	return Value(len(p.Code) - 1)
}
