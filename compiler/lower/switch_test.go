package lower_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// kinked are expressions with corners, jumps and comparisons.
var kinked = []string{
	"abs(x - 1)*v", "sign(v)*x", "min(x, v, 0.3)", "max(x, 2*v)", "clamp(x, v, 2)", "relu(-x)", "step(x - v)", "floor(3*x)", "ceil(2*v - x)",
	"if x > 1 then x else v", "if x >= v and v < 0.5 then 1 else x", "if x <= 0 or not (v > x) then v else 2", "if 2*x < 2*v then 1 else 3",
	"sum(abs([x, v]))", "max([x, v, -x])", "if v > x then abs(x) else floor(v)", "if sign(x) > v then 1 else 2", "(x > v)*3 + (v >= x)", "abs(v) + abs(-v) + abs(3*v)",
	"max(min(x, 1), v - 1)", "if x > v then 1 else if v > 2*x then 2 else 3", "sign(x - v) + sign(2*v - 2*x) + step(v - x)",
	"sqrt(x + 3)*v", "(v + 2.5)^0.3", "sum(sqrt([x, v] + 2))", "sqrt(4 - x) - sqrt(x + 3)", "if x > 0 then sqrt(x) else v",
	"hidden*hidden", "floor(x) + floor(x)*v",
}

// TestSwitches: off their surfaces the right-hand side and what is observed, which read
// modes, have the values of the plain functions, which smooth(…) asks for.
func TestSwitches(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	for _, e := range kinked {
		m := model(t, fmt.Sprintf(`  state x = 1
  state v = 1
  let hidden = if x > 0.5 then sign(v) else x
  x' = %[1]s
  v' = smooth(%[1]s)
  observe seen = %[1]s
  let out = %[1]s`, e))
		require.NotEmpty(t, m.Switches, e)
		for range 30 {
			in := inputs{"y": {4*rng.Float64() - 2, 4*rng.Float64() - 2}}
			in["d"] = modesAt(t, m, in)
			dy := values(t, m.RHS, in)
			want := dy[1]
			requireClose(t, want, dy[0], 1e-14, "%s at %v", e, in)
			requireClose(t, want, values(t, m.Pred, in)[0], 1e-14, "%s observed at %v", e, in)
			for _, o := range m.Layout.Outputs {
				if o.Name == "out" {
					requireClose(t, want, values(t, m.Outputs, in)[o.Off], 1e-14, "%s written at %v", e, in)
				}
			}
		}
	}
}

// TestModes: the right-hand side goes with the mode and not with what is compared, so
// that no step integrates across a kink; one surface has one guard.
func TestModes(t *testing.T) {
	m := model(t, `  state x = 1
  state v = 1
  x' = (if x > v then 1 else 2) + (if 3*(v - x) < 0 then 10 else 20) + (if x <= v then 200 else 100) + sign(v - x)*1000
  v' = abs(x - v)`)
	guards := map[int]bool{}
	corners := 0
	for _, w := range m.Switches {
		guards[w.Guard] = true
		if w.Corner {
			corners++
		}
	}
	require.Len(t, guards, 1, "all of them are one surface")
	require.Equal(t, 1, corners)
	for _, side := range []float64{0, 1} { // whatever x and v are
		d := make([]float64, m.Layout.ND)
		above := value(t, m.Guards[0].Node, inputs{"y": {3, 1}}) > 0
		want := 222. + 1000
		if (side == 1) == above {
			want = 111. - 1000
		}
		for _, w := range m.Switches {
			d[w.Mode] = side
		}
		for _, y := range [][]float64{{3, 1}, {1, 3}} {
			require.Equal(t, want, values(t, m.RHS, inputs{"y": y, "d": d})[0])
		}
	}
}

// TestAtRest: what a comparison is exactly on its surface is what it says: > and < are
// false there, >= and <= true, a sign is zero.
func TestAtRest(t *testing.T) {
	for e, atZero := range map[string]float64{
		"if x > 0 then 1 else 2": 2, "if x >= 0 then 1 else 2": 1, "if x < 0 then 1 else 2": 2, "if x <= 0 then 1 else 2": 1,
		"if 0 > -x then 1 else 2": 2, "step(x)": 1, "step(-x)": 1, "sign(x) + 3": 3, "sign(-x) + 3": 3, "if not (x > 0) then 1 else 2": 1,
	} {
		m := model(t, "  state x = 1\n  x' = "+e)
		require.Len(t, m.Switches, 1, e)
		w := m.Switches[0]
		require.False(t, w.Corner)
		d := make([]float64, m.Layout.ND)
		d[w.Mode] = w.AtZero
		require.Equal(t, atZero, values(t, m.RHS, inputs{"y": {0}, "d": d})[0], e)
	}
}

// TestFloors: a floor is the mode of its switch, whose guards are the whole numbers
// around.
func TestFloors(t *testing.T) {
	m := model(t, "  state x = 1\n  x' = floor(2*x) + 1")
	require.Len(t, m.Switches, 1)
	w := m.Switches[0]
	require.True(t, w.Floor)
	d := make([]float64, m.Layout.ND)
	d[w.Mode] = 3
	in := inputs{"y": {1.6}, "d": d}
	require.Equal(t, 4., values(t, m.RHS, in)[0])
	require.InDelta(t, 0.2, value(t, m.Guards[w.Guard].Node, in), 1e-15)
	require.InDelta(t, -0.8, value(t, m.Guards[w.Upper].Node, in), 1e-15)
	require.Equal(t, []float64{3.2}, values(t, m.Floors, in))
}

// TestPlain: what neither state nor time moves has no switches.
func TestPlain(t *testing.T) {
	m := model(t, "  param k = 1\n  covariate c\n  discrete n = 0\n  state x = 1\n  x' = abs(k) + floor(c) + (if n > 0 then 1 else 2) + smooth(sign(x)) + max(k, c) + (if x == 3 then 1 else 0)")
	require.Empty(t, m.Switches)
	require.Empty(t, m.Guards)
	// |−2| + ⌊1.5⌋ + 2 + sign(−4) + max(−2, 1.5) + 0
	require.Equal(t, 2+1+2-1+1.5, values(t, m.RHS, inputs{"y": {-4}, "p": {-2}, "q": {1.5}, "d": {0}})[0])
}

// TestGuards: where a guard jumps the run stops, and at the corners that may be on its
// surface.
func TestGuards(t *testing.T) {
	for guard, switches := range map[string]int{"sign(v)": 1, "floor(v)": 1, "(if v > 0 then 1 else 2)": 1, "abs(v)": 1, "max(v, 1)": 1, "smooth(sign(v))": 0, "relu(v)": 1, "step(v)": 1} {
		m := model(t, "  state x = 1\n  state v = 1\n  x' = 1\n  v' = 1\n  event e when x > "+guard+" { x := 0 }")
		require.Len(t, m.Switches, switches, guard)
	}
	for condition, switches := range map[string]int{"abs(v) <= 0": 1, "abs(v) <= 0.5": 0, "abs(v) <= k": 0, "min(x, 2 - x) >= 1": 1} {
		m := model(t, "  param k = 1\n  state x = 1\n  state v = 1\n  x' = 1\n  v' = 1\n  event e when "+condition+" { x := 0 }")
		require.Len(t, m.Switches, switches, condition)
	}
}

// TestCornerAtJump: a corner on a surface where something jumps is a plain function, that
// has a value beside the surface on both sides.
func TestCornerAtJump(t *testing.T) {
	m := model(t, `  state x = 1
  x' = -sign(x)*sqrt(abs(x)) + relu(-3*x)
  observe seen = sign(x)*abs(x)
  loss l = sign(x)*abs(x)
  let out = abs(x)
  event e when sign(x)*abs(x) > 2 { x := abs(x)*sign(x) }`)
	require.Len(t, m.Guards, 2)
	for _, x := range []float64{-0.25, 0.25} {
		for _, mode := range []float64{0, 1} {
			d := make([]float64, m.Layout.ND)
			for _, w := range m.Switches {
				d[w.Mode] = mode
			}
			sign := 2*mode - 1
			in := inputs{"y": {x}, "d": d, "data": {0}, "seen": {0}, "s": {1, 1}}
			requireClose(t, -sign*0.5+math.Max(-3*x, 0), values(t, m.RHS, in)[0], 1e-15, "x' at %g on side %g", x, mode)
			requireClose(t, sign*0.25, values(t, m.Pred, in)[0], 1e-15, "seen at %g on side %g", x, mode)
			requireClose(t, sign*0.25, values(t, m.Terms, in)[1], 1e-15, "loss at %g on side %g", x, mode)
			out := values(t, m.Outputs, in)
			requireClose(t, 0.25, out[0], 1e-15, "out at %g on side %g", x, mode)
			requireClose(t, sign*0.25-2, value(t, m.Guards[m.Events[0].Cond.Guard].Node, in), 1e-15, "guard at %g on side %g", x, mode)
			requireClose(t, sign*0.25, values(t, m.Events[0].Sliding.Jump, in)[0], 1e-15, "jump at %g on side %g", x, mode)
		}
	}
}

// TestSurfaceInFunction: what a function that differentiates by its argument compares
// is compared of the value that is passed.
func TestSurfaceInFunction(t *testing.T) {
	m := model(t, "  state n = 0\n  state x = 1\n  fn f(u) = diff(u^2, u)*(if u > 1 then 1 else 3) + floor(u)\n  n' = if x > 7 then 1 else 0\n  x' = f(2*x)")
	require.Len(t, m.Switches, 3)
	for _, x := range []float64{0.2, 0.8} {
		in := inputs{"y": {0, x}}
		in["d"] = modesAt(t, m, in)
		want := 4*x + 1
		if x < 0.5 {
			want = 3 * 4 * x
		}
		requireClose(t, want, values(t, m.RHS, in)[1], 1e-15, "x' at %g", x)
		for _, w := range m.Switches {
			if w.Floor {
				requireClose(t, 2*x-math.Floor(2*x), value(t, m.Guards[w.Guard].Node, in), 1e-15, "floor at %g", x)
				requireClose(t, 2*x-math.Floor(2*x)-1, value(t, m.Guards[w.Upper].Node, in), 1e-15, "floor at %g", x)
			}
		}
		requireClose(t, 2*x-1, value(t, m.Guards[1].Node, in), 1e-15, "guard at %g", x)
	}
}

// TestActing: quantities that the equations read by the modes of surfaces that may be
// slid along are those that act there.
func TestActing(t *testing.T) {
	m := model(t, `  param μ = 0.5
  state v = 1
  let F = -μ*sign(v)
  let corner = abs(v)
  let apart = sign(v)*2
  v' = F + 0*corner
  observe force = F
  event e when v > 2 { v := F }
  event f when F > 3 priority 1 { v := 0 }
  event g when v > 4 priority 2 after 1 + F { v := 0 }
  let up = if v >= 0 then 1 else 2
  let down = if v > 0 then 1 else 2
  let over = if 0 >= v then 1 else 2`)
	require.Len(t, m.Acting, 1)
	var jump *lower.Switch
	for i := range m.Switches {
		if !m.Switches[i].Corner {
			jump = &m.Switches[i]
		}
	}
	require.NotNil(t, jump)
	delay := value(t, m.Events[2].Sliding.Delay, inputs{"y": {1}, "p": {0.5}, "d": make([]float64, m.Layout.ND)})
	require.Equal(t, 1.5, delay, "of the side below")
	require.Equal(t, 2, jump.Trigger, "the condition of the second event compares what acts")
	d := make([]float64, m.Layout.ND)
	for mode, want := range map[float64]float64{1: -0.5, 0: 0.5, lower.AtRest: 0} {
		d[jump.Mode] = mode
		in := inputs{"y": {1e-9}, "p": {0.5}, "d": d}
		require.Equal(t, []float64{want}, values(t, m.Acting[0], in))
		require.Equal(t, []float64{want}, values(t, m.Pred, in))
		require.NotNil(t, m.Events[0].Sliding.Jump)
		require.Equal(t, []float64{want}, values(t, m.Events[0].Sliding.Jump, in))
		require.Equal(t, []float64{-0.5}, values(t, m.Events[0].Jump, in), "elsewhere the comparison itself counts")
		sides := map[float64][]float64{1: {1, 1, 2}, 0: {2, 2, 1}, lower.AtRest: {1, 2, 1}}[mode]
		for i, name := range []string{"up", "down", "over"} {
			for _, o := range m.Layout.Outputs {
				if o.Name == name {
					require.Equal(t, sides[i], values(t, m.Outputs, in)[o.Off], "%s in mode %g", name, mode)
				}
			}
		}
	}
}
