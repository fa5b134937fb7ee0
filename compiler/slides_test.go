package compiler_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
)

// slidden has signs that act, along their surfaces, as what keeps a, b and c at zero: 0.3z/k, 0.2t and 0.2 + z. A third surface makes
// motion along several of them.
const slidden = `model M {
  time t
  param k = 1.5
  state z = 1
  state a = 0
  state b = 0
  let f = (2 + sign(a))^2
  let size = abs(sign(a))
  z' = 3*sign(a) + z*sign(b) + sign(a)*sign(b) + f
  a' = 0.3*z - k*sign(a)
  b' = 0.4*t - 2*sign(b)
  %s
  observe y = exp(sign(a)) + sign(b)*sign(a) ~ normal(1)
  observe w = f + size ~ normal(1)
  observe was = before(exp(sign(a))*z) ~ normal(1)
}
data d from "d.csv" { time: t, y: y, w: w, was: was }`

// along is a frame at random inputs where the solution slides along some of the surfaces.
type along struct {
	frame
	third bool
	k     float64
	slid  []bool
	kind  int       // of the programs: 1, 2 or several
	held  []float64 // what the signs come to along their surfaces
	acts  []float64 // what they are: that, or −1 or 1
	rates []float64 // of a, b and c
}

// slide draws inputs, modes and parts; false where there are no programs for these surfaces.
func (x *along) slide(rng *rand.Rand, surfaces int, asSeveral bool) bool {
	x.draw(rng)
	y, d, z := x.f.Input("y"), x.f.Input("d"), x.f.Input("y")[0]
	x.k = x.f.Input("p")[0]
	x.held = []float64{0.3 * z / x.k, 0.2 * x.f.Input("t")[0], 0.2 + z}[:len(y)-1]
	x.slid, x.acts, x.rates = make([]bool, len(x.held)), make([]float64, len(x.held)), make([]float64, len(x.held))
	n := 0
	for i, held := range x.held {
		upper := float64(rng.IntN(2))
		d[i], x.acts[i] = upper, 2*upper-1
		x.rates[i] = []float64{x.k, 2, 1}[i] * (held - x.acts[i])
		if x.slid[i] = surfaces>>i&1 == 1; x.slid[i] {
			d[i], x.acts[i], x.rates[i] = 0.5, held, 0
			n++
		}
	}
	if x.kind = n; x.third && (asSeveral || n > compiler.MaxSlides) {
		x.kind = compiler.Several
	}
	for _, in := range []string{"on1", "on2", "at1", "at2"} {
		clear(x.f.Input(in))
	}
	at := 0
	for i := range x.held {
		if x.slid[i] && x.kind != compiler.Several {
			at++
			x.f.Input(fmt.Sprintf("on%d", at))[i], x.f.Input(fmt.Sprintf("at%d", at))[i] = 1, 1
		}
	}
	return n > 0 && x.kind <= compiler.Several
}

// moves compares the motion and when it ends.
func (x *along) moves(t *testing.T, of string) {
	z := x.f.Input("y")[0]
	dz := 3*x.acts[0] + z*x.acts[1] + x.acts[0]*x.acts[1] + 5 + 4*x.acts[0]
	require.InDeltaSlice(t, append([]float64{dz}, x.rates...), x.value(fmt.Sprintf("slide%d", x.kind), "dy"), 1e-12, of)
	var parts, moves []float64
	for i, held := range x.held {
		if x.slid[i] {
			rate := []float64{0.3 / x.k * dz, 0.2, dz}[i] / 2
			parts, moves = append(parts, (1+held)/2, (1-held)/2), append(moves, rate, -rate)
		} else if x.kind == compiler.Several {
			parts, moves = append(parts, 0, 1), append(moves, 0, 0)
		}
	}
	exits := fmt.Sprintf("exits%d", x.kind)
	require.InDeltaSlice(t, parts, x.value(exits, "g"), 1e-12, of)
	require.InDeltaSlice(t, moves, x.value(exits, "rate"), 1e-12, of)
}

// observed compares what is seen at the instant where signs are as given, and were before it what comes to was.
func (x *along) observed(t *testing.T, program string, acts []float64, was float64, of string) {
	want := []float64{math.Exp(acts[0]) + acts[1]*acts[0], 5 + 4*acts[0] + math.Abs(acts[0]), math.Exp(was) * x.f.Input("yb")[0]}
	require.InDeltaSlice(t, want, x.value(program, "pred"), 1e-12, of)
}

// TestAlongSurfaces: the programs of motion along one, two and several surfaces have the parts that keep the guards at zero: sums and
// products take them one by one, a quantity that the field reads as a whole, what is not linear of the combination; and so do
// observations at an instant, and before it.
func TestAlongSurfaces(t *testing.T) {
	for _, third := range []string{"", "state c = 0\n  c' = 0.2 + z - sign(c)"} {
		p, err := compiler.Compile("m.node", fmt.Sprintf(slidden, third))
		require.NoError(t, err)
		m, err := p.Module(1, compiler.Want{})
		require.NoError(t, err)
		x := along{frame: frame{m, m.NewFrame()}, third: third != ""}
		rng, before := rand.New(rand.NewPCG(27, 28)), 0
		for k := range 24 {
			if !x.slide(rng, k+1, k%2 == 1) {
				continue
			}
			of := fmt.Sprintf("third %q, along %v as %d", third, x.slid, x.kind)
			x.moves(t, of)
			d, db := x.f.Input("d"), x.f.Input("db")
			upper := slices.Repeat([]float64{1}, len(db))
			copy(db, upper)
			x.observed(t, fmt.Sprintf("obs@%d", x.kind), x.acts, 1, of)
			if !x.slid[0] {
				continue
			}
			// Along the same before the instant, and beside nothing now.
			before++
			copy(db, d)
			copy(d, upper)
			for _, in := range []string{"on%s1", "on%s2", "at%s1", "at%s2"} {
				now := x.f.Input(fmt.Sprintf(in, ""))
				copy(x.f.Input(fmt.Sprintf(in, "b")), now)
				clear(now)
			}
			x.observed(t, fmt.Sprintf("obs@b%d", x.kind), upper, 0.3*x.f.Input("yb")[0]/x.k, of)
		}
		require.Greater(t, before, 4)
	}
}
