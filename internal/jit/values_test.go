package jit

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// What PINODE_EXEC asks for.
func TestWanted(t *testing.T) {
	here := Available()
	for value, wanted := range map[string]bool{"": here == nil, "interp": here == nil, "jit": here == nil} {
		t.Setenv("PINODE_EXEC", value)
		got, err := Wanted()
		require.Equal(t, wanted, got, value)
		if value == "jit" {
			require.Equal(t, here, err)
		} else {
			require.NoError(t, err, value)
		}
	}
	t.Setenv("PINODE_EXEC", "fast")
	got, err := Wanted()
	require.False(t, got)
	require.EqualError(t, err, "PINODE_EXEC is `interp` or `jit`, not `fast`")
	for n, ok := range map[int]bool{0: false, 1: true, 2: false, 3: false, 4: true, 5: false, 8: true, 16: false} {
		require.Equal(t, ok, Lanes(n), n)
	}
}

// Loops of many rounds, with rests of each width.
func TestLongLoops(t *testing.T) {
	need(t)
	for _, n := range []int{1, 255, 256, 257, 8*255 + 5, 8*256 + 7, 8*65535 + 1, 8*65536 + 6, 8 * 65537, 8*(1<<17+300) + 3} {
		p := &scalar.Program{Count: n}
		p.Store(n+1, p.FMA(p.Load(1, false), p.Load(0, true), p.Const(0.5)), false)
		codes, err := CompileAll([][]*scalar.Program{{p}}, 8, 2*n+2)
		require.NoError(t, err)
		mem := make([]float64, 2*n+2+codes[0].Spills())
		mem[0], mem[2*n+1] = 3, 77
		for i := range n {
			mem[1+i] = float64(i)
		}
		codes[0].Run(mem)
		for i := range n {
			if mem[n+1+i] != 3*float64(i)+0.5 {
				require.Failf(t, "a number of a loop", "%d of %d is %g", i, n, mem[n+1+i])
			}
		}
		require.Equal(t, 77., mem[2*n+1], "what is behind stays")
	}
}

// A listing has the instructions in their order, constants by their values,
// and says how long the code is.
func TestListing(t *testing.T) {
	p := &scalar.Program{}
	p.Store(16, p.FMA(p.Unary(scalar.OpSqrt, p.Load(0, false)), p.Load(8, true), p.Const(1.5)), false)
	e, err := emit([]*scalar.Program{p}, 4, 32, nil, &room{})
	require.NoError(t, err)
	text := (&Code{ps: []*scalar.Program{p}, lanes: 4, frame: 32, words: 32}).String()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	require.Regexp(t, `^\d+ bytes, 0 words of spills$`, lines[0])
	require.Contains(t, lines[0], strings.Fields(text)[0])
	require.Positive(t, len(e.code))
	var ops []string
	for _, l := range lines[1:] {
		ops = append(ops, strings.Fields(l)[0])
	}
	require.Equal(t, "MOVQ", ops[0])
	require.Equal(t, []string{"VZEROUPPER", "RET"}, ops[len(ops)-2:])
	list := strings.Join(ops, " ")
	require.Contains(t, list, "VSQRTPD")
	require.Regexp(t, `VFMADD\d+PD`, list)
	require.Contains(t, text, "$1.5")
	require.Contains(t, text, "128(CX)", "the store: 16 words further on")
	require.Equal(t, "jit: instruction 1 is at words 31 to 35 of a frame of 32", (&Code{ps: []*scalar.Program{func() *scalar.Program {
		q := &scalar.Program{}
		q.Store(31, q.Const(1), false)
		return q
	}()}, lanes: 4, frame: 32}).String())
}

// More values alive at once than there are registers: they are spilled behind
// the frame, each in its place, and nothing else is written there.
func TestSpills(t *testing.T) {
	need(t)
	rng := rand.New(rand.NewPCG(9, 1))
	for _, lanes := range []int{1, 4, 8} {
		for _, n := range []int{10, 20, 40} {
			p := &scalar.Program{}
			var vals []scalar.Value
			for i := range n {
				vals = append(vals, p.Binary(scalar.OpMul, p.Load(i*lanes, false), p.Const(float64(i+1))))
			}
			sum := vals[n-1]
			for i := n - 2; i >= 0; i-- {
				sum = p.FMA(sum, p.Const(0.5), vals[i])
			}
			frame := (n + 1) * lanes
			p.Store(n*lanes, sum, false)
			codes, err := CompileAll([][]*scalar.Program{{p}}, lanes, frame)
			require.NoError(t, err)
			if n == 40 {
				require.Positive(t, codes[0].Spills())
			}
			require.Zero(t, codes[0].Spills()%lanes)
			got := make([]float64, frame+codes[0].Spills()+1)
			fill(rng, got[:n*lanes])
			got[len(got)-1] = 77
			want := append([]float64{}, got[:frame]...)
			p.Run(want, lanes)
			codes[0].Run(got)
			for i := range want {
				require.True(t, same(want[i], got[i]), "%d lanes, %d values, word %d", lanes, n, i)
			}
			require.Equal(t, 77., got[len(got)-1])
		}
	}
}
