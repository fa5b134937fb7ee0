package jit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// need skips where machine code cannot run; code that runs and is wrong is no
// reason.
func need(t testing.TB) {
	if err := Available(); err != nil {
		require.NotErrorIs(t, err, errWrong)
		t.Skip(err)
	}
}

// random builds a program over all instructions: loads of inputs, operations
// on what there is, stores to words of their own or over an input.
func random(rng *rand.Rand, lanes, size int) (p *scalar.Program, frame int) {
	p = &scalar.Program{}
	const inputs = 12
	word := func(i int) int { return i * lanes }
	var vals, masks []scalar.Value
	for i := range inputs {
		vals = append(vals, p.Load(word(i), false))
	}
	for i := range 4 {
		vals = append(vals, p.Load(word(inputs)+i, true))
	}
	for _, c := range []float64{0, 1, -0.5, 1e300, math.Inf(1), math.NaN()} {
		vals = append(vals, p.Const(c))
	}
	masks = append(masks, p.Binary(scalar.OpLt, vals[0], vals[1]))
	pick := func(list []scalar.Value) scalar.Value {
		if rng.IntN(2) == 0 { // recent ones
			return list[len(list)-1-rng.IntN(min(len(list), 8))]
		}
		return list[rng.IntN(len(list))]
	}
	clean := func(v scalar.Value) scalar.Value { // the bits of NaN are anyone's
		return p.Blend(p.Binary(scalar.OpNe, v, v), p.Const(1.5), v)
	}
	for range size {
		op := scalar.Op(int(scalar.OpAdd) + rng.IntN(int(scalar.NumOps-scalar.OpAdd)))
		switch op {
		case scalar.OpFMA:
			vals = append(vals, p.FMA(pick(vals), pick(vals), pick(vals)))
		case scalar.OpBlend:
			vals = append(vals, p.Blend(pick(masks), pick(vals), pick(vals)))
		case scalar.OpLt, scalar.OpLe, scalar.OpEq, scalar.OpNe:
			masks = append(masks, p.Binary(op, pick(vals), pick(vals)))
			vals = append(vals, p.Binary(scalar.OpAnd, masks[len(masks)-1], p.Const(1)))
		case scalar.OpSqrt, scalar.OpRound, scalar.OpFloor, scalar.OpCeil:
			vals = append(vals, p.Unary(op, pick(vals)))
		case scalar.OpShl, scalar.OpShr:
			vals = append(vals, p.Shift(op, clean(pick(vals)), rng.IntN(64)))
		case scalar.OpAnd, scalar.OpAndNot, scalar.OpOr, scalar.OpXor, scalar.OpIAdd, scalar.OpISub:
			vals = append(vals, p.Binary(op, clean(pick(vals)), clean(pick(vals))))
		default:
			vals = append(vals, p.Binary(op, pick(vals), pick(vals)))
		}
	}
	frame = word(inputs) + 4
	for k := range 2 + rng.IntN(12) {
		switch rng.IntN(5) {
		case 0:
			p.Store(word(k%inputs), pick(vals), false) // over an input
		case 1:
			p.Store(frame, p.Bits(rng.Uint64()), true)
			frame++
		default:
			p.Store(frame, vals[rng.IntN(len(vals))], false)
			frame += lanes
		}
	}
	return p, frame
}

var specials = []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, -1e-310, 1.7e308, 0.1, -3.7, 1e16, 0.5, 2.5}

func fill(rng *rand.Rand, mem []float64) {
	for i := range mem {
		if mem[i] = rng.NormFloat64() * math.Exp2(float64(rng.IntN(40)-20)); rng.IntN(4) == 0 {
			mem[i] = specials[rng.IntN(len(specials))]
		}
	}
}

// same compares bits, but for the kind of NaN.
func same(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
}

// TestAgainstRun compares random programs bit for bit with the meaning of the
// vocabulary. NaN is made one kind first where bits are taken apart.
func TestAgainstRun(t *testing.T) {
	need(t)
	for _, lanes := range []int{1, 4, 8} {
		for seed := range uint64(400) {
			rng := rand.New(rand.NewPCG(seed, uint64(lanes)))
			p, frame := random(rng, lanes, 5+rng.IntN(150))
			codes, err := CompileAll([][]*scalar.Program{{p}}, lanes, frame)
			require.NoError(t, err)
			c := codes[0]
			for range 5 {
				want := make([]float64, frame)
				fill(rng, want)
				got := make([]float64, frame+c.Spills())
				copy(got, want)
				p.Run(want, lanes)
				c.Run(got)
				for i := range want {
					require.True(t, same(want[i], got[i]), "lanes %d, seed %d, word %d: %g (%x), got %g (%x)\n%s", lanes, seed, i,
						want[i], math.Float64bits(want[i]), got[i], math.Float64bits(got[i]), c)
				}
			}
		}
	}
}

// TestLoops: a loop does for each number what the program does for one.
func TestLoops(t *testing.T) {
	need(t)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 11))
		p := &scalar.Program{Count: 1 + rng.IntN(45), Single: seed%2 == 1}
		if p.Single || seed%4 == 0 {
			p.Count *= 8
		}
		n := p.Count
		vals := []scalar.Value{p.Load(0, false), p.Load(n, false), p.Load(2*n, false), p.Load(3*n, true), p.Const(0.7)}
		if n%8 == 0 {
			vals = append(vals, p.LoadLanes(3*n+1))
		}
		for range 3 + rng.IntN(60) {
			pick := func() scalar.Value { return vals[rng.IntN(len(vals))] }
			switch rng.IntN(4) {
			case 0:
				vals = append(vals, p.FMA(pick(), pick(), pick()))
			case 1:
				vals = append(vals, p.Blend(p.Binary(scalar.OpLt, pick(), pick()), pick(), pick()))
			case 2:
				vals = append(vals, p.Binary(scalar.OpDiv, pick(), pick()))
			case 3:
				f := scalar.Functions[rng.IntN(len(scalar.Functions))]
				vals = append(vals, f.Build(p, pick()))
			}
		}
		frame := 3*n + 9
		p.Store(0, vals[len(vals)-1], false) // over an input
		for range 3 {
			p.Store(frame, vals[rng.IntN(len(vals))], false)
			frame += n
		}
		codes, err := CompileAll([][]*scalar.Program{{p}}, 8, frame)
		require.NoError(t, err)
		want := make([]float64, frame)
		fill(rng, want)
		if p.Single {
			for i, v := range scalar.Singles(want) {
				if rng.IntN(2) == 0 || v != v {
					scalar.Singles(want)[i] = float32(rng.NormFloat64() * math.Exp2(float64(rng.IntN(40)-20)))
				}
			}
		}
		got := append(append([]float64{}, want...), make([]float64, codes[0].Spills())...)
		p.Run(want, 1)
		codes[0].Run(got)
		for i := range want {
			if p.Single {
				a, b := scalar.Singles(want), scalar.Singles(got)
				for k := 2 * i; k < 2*i+2; k++ {
					require.True(t, math.Float32bits(a[k]) == math.Float32bits(b[k]) || a[k] != a[k] && b[k] != b[k], "seed %d, count %d, single %d: %g, got %g", seed, n, k, a[k], b[k])
				}
				continue
			}
			require.True(t, same(want[i], got[i]), "seed %d, count %d, word %d: %g, got %g", seed, n, i, want[i], got[i])
		}
	}
}

// TestRefuses: offsets out of the frame and values out of order do not get as
// far as code.
func TestRefuses(t *testing.T) {
	need(t)
	bad := func(want string, build func(p *scalar.Program)) {
		p := &scalar.Program{}
		build(p)
		_, err := CompileAll([][]*scalar.Program{{p}}, 4, 16)
		require.ErrorContains(t, err, want)
	}
	bad("of a frame of 16", func(p *scalar.Program) { p.Store(13, p.Const(1), false) })
	bad("of a frame of 16", func(p *scalar.Program) { p.Store(0, p.Load(-1, false), false) })
	bad("of a frame of 16", func(p *scalar.Program) { p.Store(0, p.Load(16, true), false) })
	bad("reads value", func(p *scalar.Program) { p.Store(0, p.Binary(scalar.OpAdd, 7, 0), false) })
	bad("whole vectors", func(p *scalar.Program) {
		p.Single, p.Count = true, 4
		p.Store(0, p.Load(2, false), false)
	})
	_, err := CompileAll(nil, 3, 16)
	require.ErrorContains(t, err, "3 lanes")
	p := &scalar.Program{}
	p.Store(0, p.Const(1), false)
	codes, err := CompileAll([][]*scalar.Program{{p}}, 4, 16)
	require.NoError(t, err)
	require.Panics(t, func() { codes[0].Run(make([]float64, 15)) })
}

// TestBesideTheCollector runs code on many goroutines under forced garbage
// collections, with the code itself coming and going.
func TestBesideTheCollector(t *testing.T) {
	need(t)
	done := make(chan string)
	for g := range 8 {
		go func() {
			rng := rand.New(rand.NewPCG(uint64(g), 5))
			for range 60 {
				p, frame := random(rng, 4, 60)
				codes, err := CompileAll([][]*scalar.Program{{p}}, 4, frame)
				if err != nil {
					done <- err.Error()
					return
				}
				want := make([]float64, frame)
				fill(rng, want)
				start := append([]float64{}, want...)
				p.Run(want, 4)
				for range 50 {
					got := make([]float64, frame+codes[0].Spills())
					copy(got, start)
					codes[0].Run(got)
					for i := range want {
						if !same(want[i], got[i]) {
							done <- fmt.Sprintf("word %d: %g, got %g", i, want[i], got[i])
							return
						}
					}
				}
			}
			done <- ""
		}()
	}
	for left := 8; left > 0; {
		select {
		case text := <-done:
			require.Empty(t, text)
			left--
		default:
			runtime.GC()
		}
	}
}

// lotka is the Lotka–Volterra field on a frame x, y, a, b, c, d, dx, dy.
func lotka(lanes int) (*scalar.Program, int) {
	p := &scalar.Program{}
	at := func(i int) int { return i * lanes }
	x, y := p.Load(0, false), p.Load(at(1), false)
	a, b, c, d := p.Load(at(4), true), p.Load(at(4)+1, true), p.Load(at(4)+2, true), p.Load(at(4)+3, true)
	xy := p.Binary(scalar.OpMul, x, y)
	p.Store(at(2), p.FMA(a, x, p.Neg(p.Binary(scalar.OpMul, b, xy))), false)
	p.Store(at(3), p.FMA(d, xy, p.Neg(p.Binary(scalar.OpMul, c, y))), false)
	return p, at(4) + 4
}

// pleiades are the seven bodies in the plane of Hairer–Nørsett–Wanner, II.10.
func pleiades(lanes int) (*scalar.Program, int) {
	p := &scalar.Program{}
	at := func(i int) int { return i * lanes }
	var x, y, ax, ay [7]scalar.Value
	for i := range 7 {
		x[i], y[i] = p.Load(at(i), false), p.Load(at(7+i), false)
		ax[i], ay[i] = p.Const(0), p.Const(0)
	}
	for i := range 7 {
		for j := range i {
			dx, dy := p.Binary(scalar.OpSub, x[j], x[i]), p.Binary(scalar.OpSub, y[j], y[i])
			r2 := p.FMA(dx, dx, p.Binary(scalar.OpMul, dy, dy))
			r3 := p.Binary(scalar.OpMul, r2, p.Unary(scalar.OpSqrt, r2))
			w := p.Binary(scalar.OpDiv, p.Const(1), r3)
			mi, mj := p.Binary(scalar.OpMul, w, p.Const(float64(i+1))), p.Binary(scalar.OpMul, w, p.Const(float64(j+1)))
			ax[i], ay[i] = p.FMA(mj, dx, ax[i]), p.FMA(mj, dy, ay[i])
			ax[j], ay[j] = p.FMA(p.Neg(mi), dx, ax[j]), p.FMA(p.Neg(mi), dy, ay[j])
		}
	}
	for i := range 7 {
		p.Store(at(14+i), ax[i], false)
		p.Store(at(21+i), ay[i], false)
	}
	return p, at(28)
}

func BenchmarkCode(b *testing.B) {
	need(b)
	for name, build := range map[string]func(int) (*scalar.Program, int){"lotka": lotka, "pleiades": pleiades} {
		for _, lanes := range []int{1, 4, 8} {
			b.Run(fmt.Sprintf("%s/%d", name, lanes), func(b *testing.B) {
				p, frame := build(lanes)
				codes, err := CompileAll([][]*scalar.Program{{p}}, lanes, frame)
				require.NoError(b, err)
				mem := make([]float64, frame+codes[0].Spills())
				for i := range mem {
					mem[i] = 1 + float64(i*i%37)/10
				}
				for b.Loop() {
					codes[0].Run(mem)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lanes), "ns/lane")
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	need(b)
	p, frame := pleiades(4)
	for b.Loop() {
		if _, err := CompileAll([][]*scalar.Program{{p}}, 4, frame); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(p.Code)), "ns/instr")
}
