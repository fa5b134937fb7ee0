package scalar

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every instruction, by a second hand: on lanes of their own, with shared
// words, in double and single precision.
func TestInstructions(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	truth := func(c bool) float64 {
		if c {
			return 1
		}
		return 0
	}
	values := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.25, 7, inf, -inf, nan}
	for _, a := range values {
		for _, b := range values {
			p := &Program{}
			x, y := p.Load(0, false), p.Load(3, true)
			one := p.Const(1)
			out := []Value{
				p.Binary(OpAdd, x, y), p.Binary(OpSub, x, y), p.Binary(OpMul, x, y), p.Binary(OpDiv, x, y), p.FMA(x, y, one),
				p.Unary(OpSqrt, x), p.Unary(OpRound, x), p.Unary(OpFloor, x), p.Unary(OpCeil, x), p.Neg(x), p.Abs(x),
				p.Binary(OpAnd, p.Binary(OpLt, x, y), one), p.Binary(OpAnd, p.Binary(OpLe, x, y), one),
				p.Binary(OpAnd, p.Binary(OpEq, x, y), one), p.Binary(OpAnd, p.Binary(OpNe, x, y), one),
				p.Blend(p.Binary(OpLt, x, y), one, x), p.atMost(x, 2), p.atLeast(x, 2), p.copysign(y, x),
			}
			want := []float64{
				a + b, a - b, a * b, a / b, math.FMA(a, b, 1),
				math.Sqrt(a), math.RoundToEven(a), math.Floor(a), math.Ceil(a), -a, math.Abs(a),
				truth(a < b), truth(a <= b), truth(a == b), truth(a != b), blend(a < b, 1, a), blend(a > 2, 2, a), blend(a < 2, 2, a), math.Copysign(b, a),
			}
			const lanes = 3
			for i, v := range out {
				p.Store(4+i*lanes, v, false)
			}
			p.Store(4+len(out)*lanes, out[0], true)
			mem := make([]float64, 5+len(out)*lanes)
			mem[0], mem[1], mem[2], mem[3] = 11, a, 13, b
			p.Run(mem, lanes)
			for i, w := range want {
				got := mem[4+i*lanes+1]
				require.True(t, math.Float64bits(got) == math.Float64bits(w) || got != got && w != w, "instruction %d of %g and %g: %g, not %g", i, a, b, got, w)
			}
			require.Equal(t, mem[0], 11., "inputs stay")
			got, first := mem[len(mem)-1], 11+b
			require.True(t, got == first || got != got && first != first, "a shared word has the first lane's")

			// The same as a loop in single precision, over numbers two in a word.
			s := &Program{Single: true, Count: 3}
			x, y = s.Load(0, false), s.Load(2, true)
			one = s.Const(1)
			for i, v := range []Value{
				s.Binary(OpAdd, x, y), s.Binary(OpSub, x, y), s.Binary(OpMul, x, y), s.Binary(OpDiv, x, y), s.FMA(x, y, one),
				s.Unary(OpSqrt, x), s.Unary(OpRound, x), s.Unary(OpFloor, x), s.Unary(OpCeil, x), s.Neg(x), s.Abs(x),
				s.Binary(OpAnd, s.Binary(OpLt, x, y), one), s.Binary(OpAnd, s.Binary(OpLe, x, y), one),
				s.Binary(OpAnd, s.Binary(OpEq, x, y), one), s.Binary(OpAnd, s.Binary(OpNe, x, y), one),
				s.Blend(s.Binary(OpLt, x, y), one, x), s.atMost(x, 2), s.atLeast(x, 2), s.copysign(y, x),
			} {
				s.Store(3+2*i, v, false)
			}
			mem = make([]float64, 3+2*len(want))
			in := Singles(mem)
			in[0], in[1], in[2], in[4] = 11, 12, float32(a), float32(b)
			s.Run(mem, 1)
			for i, w := range want {
				got := float64(Singles(mem[3+2*i:])[2])
				require.True(t, got == w && math.Signbit(got) == math.Signbit(w) || got != got && w != w || math.Abs(got-w) < 1e-7*math.Abs(w), "single instruction %d of %g and %g: %g, not %g", i, a, b, got, w)
			}
		}
	}
}

// Patterns: whole numbers, shifts, masks.
func TestPatterns(t *testing.T) {
	const a, b = 0xfedcba9876543210, 0x0f1e2d3c4b5a6978
	for k, want := range []uint64{a & b, b &^ a, a | b, a ^ b, 0x0dfae7d4c1ae9b88, 0xefbe8d5c2af9c898, a << 12 & math.MaxUint64, a >> 12} {
		p := &Program{}
		x, y := p.Bits(a), p.Bits(b)
		var v Value
		switch k {
		case 6:
			v = p.Shift(OpShl, x, 12)
		case 7:
			v = p.Shift(OpShr, x, 12)
		default:
			v = p.Binary([]Op{OpAnd, OpAndNot, OpOr, OpXor, OpIAdd, OpISub}[k], x, y)
		}
		p.Store(0, v, false)
		mem := make([]float64, 1)
		p.Run(mem, 1)
		require.Equal(t, want, math.Float64bits(mem[0]), "pattern %d", k)
	}
	p := &Program{}
	require.Equal(t, p.Const(0.3), p.Const(0.3), "a constant is there once")
	require.NotEqual(t, p.Const(0.3), p.Const(-0.3))
	require.Equal(t, p.Bits(math.Float64bits(0.3)), p.Const(0.3))
	require.Len(t, p.Code, 2)
}

// A loop has one lane, whatever is asked for; what is shared stays in place,
// and eight lanes repeat.
func TestLoops(t *testing.T) {
	p := &Program{Count: 10}
	sum := p.Binary(OpAdd, p.Binary(OpMul, p.Load(2, false), p.Load(1, true)), p.LoadLanes(12))
	p.Store(20, sum, false)
	p.Store(0, sum, true)
	mem := make([]float64, 31)
	mem[1] = 100
	for i := range 10 {
		mem[2+i] = float64(i + 1)
	}
	for i := range 8 {
		mem[12+i] = float64(i) / 8
	}
	p.Run(mem, 4)
	for i := range 10 {
		require.Equal(t, 100*float64(i+1)+float64(i%8)/8, mem[20+i])
	}
	require.Equal(t, 1000.125, mem[0], "the last number's")
	require.Zero(t, mem[30])

	s := &Program{Single: true, Count: 16}
	s.Store(14, s.Binary(OpAdd, s.Load(1, false), s.LoadLanes(9)), false)
	s.Store(0, s.Load(2, true), true)
	mem = make([]float64, 22)
	in := Singles(mem)
	for i := range 16 {
		in[2+i] = float32(10 * i)
	}
	for i := range 8 {
		in[18+i] = float32(i)
	}
	s.Run(mem, 1)
	for i := range 16 {
		require.Equal(t, float32(10*i+i%8), in[28+i])
	}
	require.Equal(t, in[4], in[0])
	require.Zero(t, in[1])
}

// Roundings that double precision would do twice: the exact sum is a little
// beside the middle of two singles. 16777217 = 97·172961, 16777219 = 1549·10831.
func TestFMASingleBesideTheMiddle(t *testing.T) {
	const tiny = 0x1p-60
	for _, sign := range []float32{1, -1, 0x1p-20, -0x1p-20, 0x1p30} {
		one := func(z float32) float32 { return FMASingle(sign*97*0x1p-24, 172961, sign*z) } // 1 + 2⁻²⁴ + z
		require.Equal(t, sign*1, one(0), "to even")
		require.Equal(t, sign*1, one(-tiny))
		require.Equal(t, sign*(1+0x1p-23), one(tiny))
		more := func(z float32) float32 { return FMASingle(sign*1549*0x1p-24, 10831, sign*z) }
		require.Equal(t, sign*(1+0x1p-22), more(0), "to even")
		require.Equal(t, sign*(1+0x1p-22), more(tiny))
		require.Equal(t, sign*(1+0x1p-23), more(-tiny))
	}
}

func TestSums(t *testing.T) {
	require.Equal(t, []int{1, 1, 4, 4}, []int{Parts(0), Parts(7), Parts(8), Parts(100)})
	require.Equal(t, 1., Join(&[4]float64{0x1p53, 1, 1, -0x1p53}), "pairs first")
	require.Equal(t, 10., Join(&[4]float64{1, 2, 3, 4}))
}
