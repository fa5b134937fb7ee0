package engine

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// slip has two or three surfaces that the solution may slide along; what it reads elsewhere adds up
// in their signs.
const slip = `model Slip {
  time t
  param k = 1.5
  param w[3] = [0.4, 0.9, 0.3]
  state a = 0
  state b = 0
  %s
  state z = 1
  a' = w[0]*sin(t) - k*sign(a)
  b' = w[1]*cos(t) - 2*k*sign(b)
  %s
  z' = 3*sign(a) + z*sign(b) + t
  event push when z >= 5 after 4 + k*sign(a) { z := z*sign(a) + w[0]*sign(b) }
  observe y = z + sign(a)*k ~ normal(k)
  observe was = before(z*sign(b)) ~ normal(k)
}
`

// TestSliding: along one, two and three surfaces the motion, its exits, what is observed, assigned
// and delayed are those of the signs that keep the surfaces, by hand; all derivatives are those of differences.
func TestSliding(t *testing.T) {
	for names, subsets := range map[string][]string{"ab": {"", "a", "b", "ab"}, "abe": {"", "a", "e", "be", "ab", "abe"}} {
		state, law := "", ""
		if names == "abe" {
			state, law = "state e = 0", "e' = w[2]*t - k^2*sign(e)"
		}
		r := newModelRig(t, fmt.Sprintf(slip, state, law), nil)
		for _, along := range subsets {
			requireSlip(t, r, names, along)
		}
	}
}

// requireSlip looks at the model with some surfaces while it slides along some of them.
func requireSlip(t *testing.T, r *modelRig, names, along string) {
	t.Helper()
	at, sys, ny := 0.7, r.sys, len(names)+1
	k, w := r.p[0], slices.Clone(r.p[1:])
	free := map[byte]float64{'a': w[0] * math.Sin(at), 'b': w[1] * math.Cos(at), 'e': w[2] * at}
	most := map[byte]float64{'a': k, 'b': 2 * k, 'e': k * k}
	slope := map[byte]float64{'a': w[0] * math.Cos(at), 'b': -w[1] * math.Sin(at), 'e': w[2]}
	y, d := make([]float64, ny), make([]float64, sys.Size.D)
	y[ny-1] = 1.3
	guard := map[byte]int{} // of each surface, by the guard that reads its state
	g, rate := make([]float64, sys.Size.Guards), make([]float64, sys.Size.Guards)
	for i := range names {
		y[i] = 0.1 + float64(i)
		sys.GuardsAlong(at, y, d, make([]float64, ny), g, rate)
		for _, x := range sys.Prog.Model.Switches {
			if g[x.Guard] == y[i] {
				guard[names[i]] = x.Guard
			}
		}
	}
	sign, rates := map[byte]float64{}, make([]float64, ny)
	var exits, slopes []float64
	for i := range names {
		on := slices.Contains([]byte(along), names[i])
		for _, x := range sys.Prog.Model.Switches {
			switch {
			case x.Guard == guard[names[i]] && on:
				d[x.Mode] = 0.5
			case x.Guard == guard[names[i]]:
				d[x.Mode] = 1
			}
		}
		sign[names[i]] = 1
		if y[i] = 0.2; on {
			y[i] = 0
			sign[names[i]] = free[names[i]] / most[names[i]]
			part, by := (1+sign[names[i]])/2, slope[names[i]]/most[names[i]]/2
			exits, slopes = append(exits, part, 1-part), append(slopes, by, -by)
		}
		rates[i] = free[names[i]] - most[names[i]]*sign[names[i]]
	}
	for len(exits) < sys.Size.Exits {
		exits, slopes = append(exits, 1), append(slopes, 0)
	}
	z := y[ny-1]
	rates[ny-1] = 3*sign['a'] + z*sign['b'] + at
	near := func(want, got []float64, what string) {
		t.Helper()
		require.InDeltaSlice(t, want, got, 1e-12, what)
	}
	dy := make([]float64, ny)
	sys.RHS(at, y, d, dy)
	near(rates, dy, "rates")
	first := sys.Size.Guards - sys.Size.Exits
	accel := make([]float64, sys.Size.Guards)
	sys.Guards(at, y, d, make([]bool, ny), g, rate, accel)
	push := len(sys.Prog.Model.Guards) - 1
	require.InDelta(t, z-5, g[push], 1e-12)
	require.InDelta(t, rates[ny-1], rate[push], 1e-12)
	for i := range names {
		require.InDelta(t, y[i], g[guard[names[i]]], 1e-12)
		require.InDelta(t, rates[i], rate[guard[names[i]]], 1e-12)
	}
	// z'' = 3 (sign a)' + z' sign b + z (sign b)' + 1
	by := map[byte]float64{}
	for _, x := range []byte(along) {
		by[x] = slope[x] / most[x]
	}
	require.InDelta(t, 3*by['a']+rates[ny-1]*sign['b']+z*by['b']+1, accel[push], 1e-5)
	if along != "" {
		near(exits, g[first:], "exits")
		near(slopes, rate[first:], "rates of exits")
	}
	v := make([]float64, 1)
	sys.Jump(0, at, y, d, nil, v)
	require.InDelta(t, z*sign['a']+w[0]*sign['b'], v[0], 1e-12)
	require.InDelta(t, 4+k*sign['a'], sys.Delay(0, at, y, d, nil), 1e-12)

	// A row now and before the instant, with the signs of the one and of the other.
	on := make([]float64, sys.Size.D)
	for i := range on {
		on[i] = 1
	}
	loss := func(pred, was float64) float64 {
		return ((2-pred)*(2-pred)+(3-was)*(3-was))/(2*k*k) + 2*math.Log(k) + math.Log(2*math.Pi)
	}
	for _, x := range []struct {
		d, db     []float64
		now, then float64
	}{{d, d, sign['a'], sign['b']}, {d, on, sign['a'], 1}, {on, d, 1, sign['b']}, {on, on, 1, 1}} {
		sys.RowAt(at, y, x.d, y, x.db, []float64{2, 3}, []float64{1, 1}, nil, nil)
		sys.Row.Run.Run()
		require.InDelta(t, loss(z+k*x.now, z*x.then), sys.Row.Run.Value[0], 1e-10)
		near([]float64{z + k*x.now, z * x.then}, sys.Predict(), "predictions")
	}
	requireBounds(t, sys, at, y, d, along, exits, slopes)
	requireDerivatives(t, r, at, y, d, slices.Concat(mappings(sys, []int{1}, [][]float64{nil}), exitMappings(sys, 2*len(along)), []mapping{{
		"delay", 1,
		func(t float64, y, d, out []float64) { out[0] = sys.Delay(0, t, y, d, nil) },
		func(t float64, y, d, ct, yBar, dBar []float64) float64 {
			return sys.DelayVJP(0, t, y, d, nil, ct[0], yBar, dBar)
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) {
			out[0] = sys.DelayJVP(0, t, tDot, y, yDot, d, dDot, nil)
		},
	}}))
}

// exitMappings are the first n exits of a motion along surfaces.
func exitMappings(sys *System, n int) []mapping {
	if n == 0 {
		return nil
	}
	first := sys.Size.Guards - sys.Size.Exits
	g, rate := make([]float64, sys.Size.Guards), make([]float64, sys.Size.Guards)
	return []mapping{{
		"exits", n,
		func(t float64, y, d, out []float64) {
			sys.Guards(t, y, d, make([]bool, len(y)), g, rate, nil)
			copy(out, g[first:])
		},
		func(t float64, y, d, ct, yBar, dBar []float64) (tBar float64) {
			for i, c := range ct {
				tBar += sys.GuardVJP(t, y, d, first+i, c, yBar, dBar, sim.WithParams)
			}
			return tBar
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) {
			for i := range out {
				out[i] = sys.GuardJVP(t, tDot, y, yDot, d, dDot, first+i)
			}
		},
	}}
}

// requireBounds: bounds over a small box around a point contain what is there; those of exits are
// known along one surface alone.
func requireBounds(t *testing.T, sys *System, at float64, y, d []float64, along string, exits, slopes []float64) {
	t.Helper()
	n := sys.Size.Guards
	room := func() []float64 { return make([]float64, n) }
	to := events.Bounds{Lo: room(), Hi: room(), RateLo: room(), RateHi: room()}
	flow := make([]float64, len(y))
	sys.RHS(at, y, d, flow)
	around := func(v []float64, by float64) []float64 {
		out := slices.Clone(v)
		for i := range out {
			out[i] += by
		}
		return out
	}
	const e = 1e-4
	require.True(t, sys.Bounds(&sim.Box{
		TLo: at - e, THi: at + e, YLo: around(y, -e), YHi: around(y, e), FlowLo: around(flow, -e), FlowHi: around(flow, e),
	}, d, &to))
	first := n - sys.Size.Exits
	for i := range exits {
		at := first + i
		if len(along) != 1 {
			require.True(t, math.IsNaN(to.Lo[at]) && math.IsNaN(to.Hi[at]) && math.IsNaN(to.RateLo[at]) && math.IsNaN(to.RateHi[at]), "exit %d", i)
			continue
		}
		if i > 1 {
			continue
		}
		require.Less(t, to.Lo[at], exits[i])
		require.Greater(t, to.Hi[at], exits[i])
		require.Less(t, to.RateLo[at], slopes[i])
		require.Greater(t, to.RateHi[at], slopes[i])
		require.InDelta(t, to.Lo[at], to.Hi[at], 0.01)
		require.InDelta(t, to.RateLo[at], to.RateHi[at], 0.1)
	}
}
