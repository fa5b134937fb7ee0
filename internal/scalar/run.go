package scalar

import (
	"math"
	"unsafe"
)

// Run executes the program on a frame of the given number of lanes. It is the
// meaning of a program and the oracle of its compilers; it is not fast.
func (p *Program) Run(mem []float64, lanes int) {
	if p.Count > 0 {
		lanes = 1
	}
	for i := range max(1, p.Count) {
		p.once(mem, i, lanes)
	}
}

// once executes the program with what is not shared i words further on.
func (p *Program) once(mem []float64, i0, lanes int) {
	if p.Single {
		p.onceSingle(Singles(mem), i0)
		return
	}
	val := make([]uint64, len(p.Code)*lanes)
	for i := range p.Code {
		in := &p.Code[i]
		for l := range lanes {
			arg := func(v Value) uint64 { return val[int(v)*lanes+l] }
			var out uint64
			switch in.Op {
			case OpLoad:
				out = math.Float64bits(mem[int(in.Off)+i0+l])
			case OpLoadShared:
				out = math.Float64bits(mem[in.Off])
			case OpLoadLanes:
				out = math.Float64bits(mem[int(in.Off)+i0%8])
			case OpStore:
				mem[int(in.Off)+i0+l] = math.Float64frombits(arg(in.A))
			case OpStoreShared:
				if l == 0 {
					mem[in.Off] = math.Float64frombits(arg(in.A))
				}
			default:
				out = eval(in, arg)
			}
			val[i*lanes+l] = out
		}
	}
}

// Singles are the words as pairs of singles.
func Singles(mem []float64) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(mem))), 2*len(mem))
}

// onceSingle executes a program in single precision for number i of its loop.
func (p *Program) onceSingle(mem []float32, i int) {
	val := make([]uint64, len(p.Code))
	for k := range p.Code {
		in := &p.Code[k]
		arg := func(v Value) uint64 { return val[v] }
		switch in.Op {
		case OpLoad:
			val[k] = uint64(math.Float32bits(mem[2*int(in.Off)+i]))
		case OpLoadShared:
			val[k] = uint64(math.Float32bits(mem[2*in.Off]))
		case OpLoadLanes:
			val[k] = uint64(math.Float32bits(mem[2*int(in.Off)+i%8]))
		case OpStore:
			mem[2*int(in.Off)+i] = math.Float32frombits(uint32(val[in.A]))
		case OpStoreShared:
			mem[2*in.Off] = math.Float32frombits(uint32(val[in.A]))
		case OpAdd, OpSub, OpMul, OpDiv, OpFMA, OpSqrt, OpRound, OpFloor, OpCeil, OpLt, OpLe, OpEq, OpNe:
			val[k] = evalSingle(in, arg)
		default:
			val[k] = uint64(uint32(eval(in, arg)))
		}
	}
}

// evalSingle is the value of an instruction on singles.
func evalSingle(in *Instr, arg func(Value) uint64) uint64 {
	f := func(v Value) float32 { return math.Float32frombits(uint32(arg(v))) }
	bits := func(x float32) uint64 { return uint64(math.Float32bits(x)) }
	switch in.Op {
	case OpAdd:
		return bits(f(in.A) + f(in.B))
	case OpSub:
		return bits(f(in.A) - f(in.B))
	case OpMul:
		return bits(f(in.A) * f(in.B))
	case OpDiv:
		return bits(f(in.A) / f(in.B))
	case OpFMA:
		return bits(FMASingle(f(in.A), f(in.B), f(in.C)))
	case OpSqrt:
		return bits(float32(math.Sqrt(float64(f(in.A)))))
	case OpRound:
		return bits(float32(math.RoundToEven(float64(f(in.A)))))
	case OpFloor:
		return bits(float32(math.Floor(float64(f(in.A)))))
	case OpCeil:
		return bits(float32(math.Ceil(float64(f(in.A)))))
	case OpLt:
		return mask32(f(in.A) < f(in.B))
	case OpLe:
		return mask32(f(in.A) <= f(in.B))
	case OpEq:
		return mask32(f(in.A) == f(in.B))
	}
	return mask32(f(in.A) != f(in.B)) // OpNe
}

// FMASingle is x·y + z, rounded once. The product is exact in double precision,
// and a sum that is rounded to odd there does not suffer from the second
// rounding (S. Boldo, G. Melquiond, IEEE Trans. Comput. 57, 462–471, 2008).
func FMASingle(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	t := s - p
	if e := (p - (s - t)) + (c - t); e != 0 && e == e {
		if b := math.Float64bits(s); b&1 == 0 {
			if (e > 0) == (s > 0) {
				b++
			} else {
				b--
			}
			s = math.Float64frombits(b)
		}
	}
	return float32(s)
}

func mask32(c bool) uint64 { return mask(c) & math.MaxUint32 }

// eval is the value of an instruction that touches no memory.
func eval(in *Instr, arg func(Value) uint64) uint64 {
	f := func(v Value) float64 { return math.Float64frombits(arg(v)) }
	switch in.Op {
	case OpConst:
		return in.Imm
	case OpAdd:
		return math.Float64bits(f(in.A) + f(in.B))
	case OpSub:
		return math.Float64bits(f(in.A) - f(in.B))
	case OpMul:
		return math.Float64bits(f(in.A) * f(in.B))
	case OpDiv:
		return math.Float64bits(f(in.A) / f(in.B))
	case OpFMA:
		return math.Float64bits(math.FMA(f(in.A), f(in.B), f(in.C)))
	case OpSqrt:
		return math.Float64bits(math.Sqrt(f(in.A)))
	case OpRound:
		return math.Float64bits(math.RoundToEven(f(in.A)))
	case OpFloor:
		return math.Float64bits(math.Floor(f(in.A)))
	case OpCeil:
		return math.Float64bits(math.Ceil(f(in.A)))
	case OpLt:
		return mask(f(in.A) < f(in.B))
	case OpLe:
		return mask(f(in.A) <= f(in.B))
	case OpEq:
		return mask(f(in.A) == f(in.B))
	case OpNe:
		return mask(f(in.A) != f(in.B))
	case OpAnd:
		return arg(in.A) & arg(in.B)
	case OpAndNot:
		return arg(in.B) &^ arg(in.A)
	case OpOr:
		return arg(in.A) | arg(in.B)
	case OpXor:
		return arg(in.A) ^ arg(in.B)
	case OpBlend:
		if arg(in.C) != 0 {
			return arg(in.A)
		}
		return arg(in.B)
	case OpIAdd:
		return arg(in.A) + arg(in.B)
	case OpISub:
		return arg(in.A) - arg(in.B)
	case OpShl:
		return arg(in.A) << in.Imm
	case OpShr:
		return arg(in.A) >> in.Imm
	}
	panic("scalar: an unknown instruction")
}

func mask(c bool) uint64 {
	if c {
		return math.MaxUint64
	}
	return 0
}
