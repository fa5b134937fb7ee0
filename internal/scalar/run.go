package scalar

import "math"

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
