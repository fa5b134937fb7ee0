package jit

// The encoding of the instructions in use: Intel 64 and IA-32 Architectures
// Software Developer's Manual, volume 2, chapters 2.3 (VEX) and 3–5.

// form is the encoding of an instruction: opcode map (1: 0F, 2: 0F38,
// 3: 0F3A), mandatory prefix (0: none, 1: 66, 2: F3, 3: F2), opcode and W bit.
type form struct {
	name   string
	m, pp  byte
	opcode byte
	w      byte
}

// The packed forms, of doubles and singles, and the scalar forms, of one lane.
var (
	packed = [...]form{
		add: {"VADDPD", 1, 1, 0x58, 0}, sub: {"VSUBPD", 1, 1, 0x5C, 0}, mul: {"VMULPD", 1, 1, 0x59, 0}, div: {"VDIVPD", 1, 1, 0x5E, 0},
		sqrt: {"VSQRTPD", 1, 1, 0x51, 0}, round: {"VROUNDPD", 3, 1, 0x09, 0}, cmp: {"VCMPPD", 1, 1, 0xC2, 0},
		and: {"VANDPD", 1, 1, 0x54, 0}, andn: {"VANDNPD", 1, 1, 0x55, 0}, or: {"VORPD", 1, 1, 0x56, 0}, xor: {"VXORPD", 1, 1, 0x57, 0},
		blend: {"VBLENDVPD", 3, 1, 0x4B, 0}, iadd: {"VPADDQ", 1, 1, 0xD4, 0}, isub: {"VPSUBQ", 1, 1, 0xFB, 0}, shift: {"VPSLLQ", 1, 1, 0x73, 0},
		fma132: {"VFMADD132PD", 2, 1, 0x98, 1}, fma213: {"VFMADD213PD", 2, 1, 0xA8, 1}, fma231: {"VFMADD231PD", 2, 1, 0xB8, 1},
		load: {"VMOVUPD", 1, 1, 0x10, 0}, store: {"VMOVUPD", 1, 1, 0x11, 0}, broadcast: {"VBROADCASTSD", 2, 1, 0x19, 0}, move: {"VMOVAPD", 1, 1, 0x29, 0},
		store1: {"VMOVSD", 1, 3, 0x11, 0},
	}
	single = [...]form{
		add: {"VADDSD", 1, 3, 0x58, 0}, sub: {"VSUBSD", 1, 3, 0x5C, 0}, mul: {"VMULSD", 1, 3, 0x59, 0}, div: {"VDIVSD", 1, 3, 0x5E, 0},
		sqrt: {"VSQRTSD", 1, 3, 0x51, 0}, round: {"VROUNDSD", 3, 1, 0x0B, 0}, cmp: {"VCMPSD", 1, 3, 0xC2, 0},
		and: {"VANDPD", 1, 1, 0x54, 0}, andn: {"VANDNPD", 1, 1, 0x55, 0}, or: {"VORPD", 1, 1, 0x56, 0}, xor: {"VXORPD", 1, 1, 0x57, 0},
		blend: {"VBLENDVPD", 3, 1, 0x4B, 0}, iadd: {"VPADDQ", 1, 1, 0xD4, 0}, isub: {"VPSUBQ", 1, 1, 0xFB, 0}, shift: {"VPSLLQ", 1, 1, 0x73, 0},
		fma132: {"VFMADD132SD", 2, 1, 0x99, 1}, fma213: {"VFMADD213SD", 2, 1, 0xA9, 1}, fma231: {"VFMADD231SD", 2, 1, 0xB9, 1},
		load: {"VMOVSD", 1, 3, 0x10, 0}, store: {"VMOVSD", 1, 3, 0x11, 0}, broadcast: {"VMOVSD", 1, 3, 0x10, 0}, move: {"VMOVAPD", 1, 1, 0x29, 0},
		store1: {"VMOVSD", 1, 3, 0x11, 0},
	}
	packedSingles = [...]form{
		add: {"VADDPS", 1, 0, 0x58, 0}, sub: {"VSUBPS", 1, 0, 0x5C, 0}, mul: {"VMULPS", 1, 0, 0x59, 0}, div: {"VDIVPS", 1, 0, 0x5E, 0},
		sqrt: {"VSQRTPS", 1, 0, 0x51, 0}, round: {"VROUNDPS", 3, 1, 0x08, 0}, cmp: {"VCMPPS", 1, 0, 0xC2, 0},
		and: {"VANDPS", 1, 0, 0x54, 0}, andn: {"VANDNPS", 1, 0, 0x55, 0}, or: {"VORPS", 1, 0, 0x56, 0}, xor: {"VXORPS", 1, 0, 0x57, 0},
		blend: {"VBLENDVPS", 3, 1, 0x4A, 0}, iadd: {"VPADDD", 1, 1, 0xFE, 0}, isub: {"VPSUBD", 1, 1, 0xFA, 0}, shift: {"VPSLLD", 1, 1, 0x72, 0},
		fma132: {"VFMADD132PS", 2, 1, 0x98, 0}, fma213: {"VFMADD213PS", 2, 1, 0xA8, 0}, fma231: {"VFMADD231PS", 2, 1, 0xB8, 0},
		load: {"VMOVUPS", 1, 0, 0x10, 0}, store: {"VMOVUPS", 1, 0, 0x11, 0}, broadcast: {"VBROADCASTSS", 2, 1, 0x18, 0}, move: {"VMOVAPS", 1, 0, 0x29, 0},
		store1: {"VMOVSS", 1, 2, 0x11, 0},
	}
)

// The instructions, by what they do.
const (
	add = iota
	sub
	mul
	div
	sqrt
	round
	cmp
	and
	andn
	or
	xor
	blend
	iadd
	isub
	shift
	fma132
	fma213
	fma231
	load
	store
	broadcast
	move
	store1
)

// base is what a memory operand counts from.
type base byte

const (
	inReg   base = iota // no memory operand
	frame               // the frame: register AX
	lane                // what is not shared: register CX
	steady              // lanes that a loop reads again for each element: register AX
	spill               // behind the frame: register AX
	literal             // the literal pool, relative to the next instruction
)

// operand is a register, or a place in memory: disp bytes from its base; for a
// literal its number.
type operand struct {
	base base
	reg  byte
	disp int32
}

// assembler appends instructions to a buffer.
type assembler struct {
	code  []byte
	refs  []ref
	trace func(text string) // of each instruction, for listings
}

// ref is a displacement to be filled in: of literal number n, from the end of
// its instruction.
type ref struct {
	at, end int
	n       int32
}

// vex appends an instruction: reg and vvvv are registers, rm a register or
// memory. Bytes of imm follow.
func (a *assembler) vex(f *form, wide bool, reg, vvvv byte, rm operand, imm ...byte) {
	notR, notB := ^reg>>3&1, byte(1)
	if rm.base == inReg {
		notB = ^rm.reg >> 3 & 1
	}
	l := byte(0)
	if wide {
		l = 1
	}
	tail := (^vvvv&15)<<3 | l<<2 | f.pp
	if f.m == 1 && f.w == 0 && notB == 1 {
		a.code = append(a.code, 0xC5, notR<<7|tail)
	} else {
		a.code = append(a.code, 0xC4, notR<<7|1<<6|notB<<5|f.m, f.w<<7|tail)
	}
	a.code = append(a.code, f.opcode)
	low := reg & 7 << 3
	switch rm.base {
	case inReg:
		a.code = append(a.code, 0xC0|low|rm.reg&7)
	case literal:
		a.code = append(a.code, low|5)
		a.refs = append(a.refs, ref{len(a.code), len(a.code) + 4 + len(imm), rm.disp})
		a.code = append(a.code, 0, 0, 0, 0)
	default:
		r := byte(0) // AX
		if rm.base == lane {
			r = 1 // CX
		}
		switch d := rm.disp; {
		case d == 0:
			a.code = append(a.code, low|r)
		case d == int32(int8(d)):
			a.code = append(a.code, 0x40|low|r, byte(d))
		default:
			a.code = append(a.code, 0x80|low|r, byte(d), byte(d>>8), byte(d>>16), byte(d>>24))
		}
	}
	a.code = append(a.code, imm...)
}
