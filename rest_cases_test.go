package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// restCase is a small model whose values and events follow by hand.
type restCase struct {
	name, body string
	from       float64
	until      float64
	events     string // names and times, "" for none, "-" where they are not compared
	ends       map[string]float64
}

// run simulates with further settings.
func (c *restCase) run(t *testing.T, settings string) *Simulation {
	t.Helper()
	from := ""
	if c.from != 0 {
		from = fmt.Sprintf("from: %g, ", c.from)
	}
	m, err := Parse("model.node", fmt.Sprintf("model M {\n%s\n}\nsimulate { %suntil: %.17g%s }\n", c.body, from, c.until, settings))
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err, settings)
	return s
}

// check compares a trajectory with what follows by hand.
func (c *restCase) check(t *testing.T, s *Simulation, tr *Trajectory, tol float64, told string) {
	t.Helper()
	if c.events != "-" {
		var names []string
		var times []float64
		if c.events != "" {
			for _, e := range strings.Split(c.events, "; ") {
				var name string
				var at float64
				_, err := fmt.Sscan(e, &name, &at)
				require.NoError(t, err)
				names, times = append(names, name), append(times, at)
			}
		}
		var got []string
		var at []float64
		for _, e := range restEvents(tr) {
			got, at = append(got, e.Name), append(at, e.Time)
		}
		require.Equal(t, names, got, "%s: at %v", told, at)
		require.InDeltaSlice(t, times, at, tol+1e-7, told)
	}
	last := tr.Rows[len(tr.Rows)-1]
	require.Equal(t, c.until, last[0], told)
	for name, v := range c.ends {
		k := slices.Index(s.Columns, name)
		require.GreaterOrEqual(t, k, 0, name)
		require.InDelta(t, v, last[k], tol*(1+math.Abs(v)), "%s: %s", told, name)
	}
}

var restCases = []restCase{
	// A level that comes to rest on its threshold.
	{
		name: "two tanks and a clock", until: 5,
		body: `  state a = 0
  state b = 0
  state c = 0
  discrete sa = 0
  discrete sb = 0
  discrete n = 0
  a' = 2*(1 - sa)
  b' = 0.5*sa*(1 - sb)
  c' = 1
  event first when a >= 3 and sa == 0 { sa := 1 }
  event second when b > 0.4 and sb == 0 { sb := 1 }
  event clock when c >= 4 { n := n + 1 }`,
		events: "first 1.5; second 2.3; clock 4", // 3/2, and 0.4/0.5 later
		ends:   map[string]float64{"a": 3, "b": 0.4, "c": 5, "n": 1},
	},
	{
		name: "a level that falls, with units", until: 3,
		body: `  time t: s
  state x: m = 0.5
  state y: m = 0
  discrete v: m/s = 2
  discrete n = 0
  x' = -v
  y' = -1 [m/s]
  event empty when x <= -1 [m] { v := 0 }
  event low when y <= -2 [m] { n := n + 1 }`,
		events: "empty 0.75; low 2",
		ends:   map[string]float64{"x": -1, "y": -3, "n": 1},
	},
	{
		name: "a block that a wall stops", until: 4,
		body: `  state x = 3
  state u = -1
  discrete push = -1
  x' = u
  u' = push
  event wall when x <= 0 { x := 0; u := 0; push := 0 }`,
		events: "wall 1.6457513110645906", // 3 − t − t²/2 = 0: √7 − 1
		ends:   map[string]float64{"x": 0, "u": 0},
	},
	{
		name: "a block that a wall stops where it is, strict", until: 4,
		body: `  state x = 0
  state u = 0
  discrete push = 1
  x' = u
  u' = push
  event wall when x > 1.5 { u := 0; push := 0 }`,
		events: "wall 1.7320508075688772", // t²/2 = 1.5
		ends:   map[string]float64{"x": 1.5, "u": 0},
	},
	{
		name: "a tank that is let out and filled again", until: 6,
		body: `  state x = 0
  discrete s = 1
  discrete n = 0
  x' = s
  event full when x >= 1 { s := 0; n := n + 1 }
  event out at t = 2 priority 1 { s := -0.5 }
  event fill at t = 3 priority 2 { s := 0.25 }`,
		events: "full 1; out 2; fill 3; full 5", // 1 − 0.5 at 3, and 0.5/0.25 later
		ends:   map[string]float64{"x": 1, "n": 2},
	},
	{
		name: "a ball at rest, its drag has a corner there", until: 3,
		body: `  param kd in [0, 2] = 0
  state h = 0.45
  state v = 0
  state c = 0
  discrete n = 0
  h' = v
  v' = -9.81 - kd*abs(v)*v
  c' = 1
  event bounce when h <= 0 { v := -0.6*v; zeno rest { h := 0; v := 0 } }
  event clock when c >= 2.5 priority 1 { n := n + 1 }`,
		events: "-", // at rest from √(0.9/9.81)·1.6/0.4 = 1.2116 on
		ends:   map[string]float64{"h": 0, "v": 0, "c": 3, "n": 1},
	},
	{
		name: "a ball at rest, with drag", until: 3,
		body: `  state h = 0.45
  state v = 0
  discrete n = 0
  h' = v
  v' = -9.81 - 0.3*abs(v)*v
  event bounce when h <= 0 { v := -0.6*v; zeno rest { h := 0; v := 0 } }
  event clock when t >= 2.5 priority 1 { n := n + 1 }`,
		events: "-",
		ends:   map[string]float64{"h": 0, "v": 0, "n": 1},
	},

	// Events at one instant that fire, cancel and wait for each other.
	{
		name: "cancelled for good", until: 2,
		body: `  state x = 0
  discrete go = 0
  discrete n = 0
  x' = 1
  event a when x >= 0.5 priority 5 { go := 1 }
  event b when x >= 0.5 priority 4 { go := 0 }
  event c when go >= 1 priority 1 { n := n + 1 }`,
		events: "a 0.5; b 0.5",
		ends:   map[string]float64{"n": 0, "go": 0},
	},
	{
		name: "cancelled and fired anew", until: 2,
		body: `  discrete go = 0
  discrete n = 0
  discrete m = 0
  event a at t = 0.75 priority 30 { go := 2 }
  event b at t = 0.75 priority 20 { go := -2 }
  event d at t = 0.75 priority 10 { go := 3 }
  event c when go > 1 { n := n + go }
  event e when go > 1 priority 1 late { m := m + go }`,
		events: "a 0.75; b 0.75; d 0.75; e 0.75; c 0.75",
		ends:   map[string]float64{"n": 3, "m": 3, "go": 3},
	},
	{
		name: "persistent: neither is dropped", until: 2,
		body: `  discrete go = 0
  discrete n = 0
  event a at t = 0.75 priority 30 { go := 2 }
  event b at t = 0.75 priority 20 { go := -2 }
  event d at t = 0.75 priority 10 { go := 3 }
  event c when go > 1 persistent late { n := n + 1 }`,
		events: "a 0.75; b 0.75; d 0.75; c 0.75; c 0.75",
		ends:   map[string]float64{"n": 2},
	},
	{
		name: "delays, dropped or not", until: 5,
		body: `  state x = 0
  discrete n = 0
  discrete m = 0
  discrete k = 0
  x' = 2*cos(t)
  event short when x >= 1 after 0.5 { n := n + 1 }
  event long when x >= 1 after 3 { m := m + 1 }
  event kept when x >= 1 after 3 persistent { k := k + 1 }`,
		// 2 sin t is above 1 from π/6 to 5π/6 = 2.618.
		events: "short 1.0235987755982988; kept 3.5235987755982988",
		ends:   map[string]float64{"n": 1, "m": 0, "k": 1},
	},
	{
		name: "turned back at the level that others look at", until: 3,
		body: `  state y = 0
  discrete q = -1.5
  discrete n = 0
  discrete m = 0
  y' = q
  event turn when y <= -3 priority 7 { q := 2 }
  event count when y <= -3 priority 3 { n := n + 1 }
  event slow when y <= -3 late { m := m + 1 }`,
		events: "turn 2; count 2; slow 2",
		ends:   map[string]float64{"y": -1, "n": 1, "m": 1},
	},
	{
		name: "moved away from the level that another looks at", until: 2.75,
		body: `  state y = 0
  discrete n = 0
  y' = 1
  event back when y >= 2 priority 2 { y := y - 0.5 }
  event count when y >= 2 priority 1 { n := n + 1 }`,
		events: "back 2; back 2.5",
		ends:   map[string]float64{"y": 1.75, "n": 0},
	},

	// The end of a run.
	{
		name: "times on the end", until: 6,
		body: `  state x = 0
  x' = 0
  event once at t = 6 priority 2 { x := x + 1 }
  event often every 1.5 until 6 priority 1 late { x := x + 10 }`,
		events: "often 1.5; often 3; often 4.5; once 6; often 6",
		ends:   map[string]float64{"x": 41},
	},
	{
		name: "tenths have no exact sum", until: 0.3,
		body: `  discrete n = 0
  discrete m = 0
  event a every 0.1 { n := n + 1 }
  event b every 0.1 until 0.3 { m := m + 1 }`,
		events: "-",
		ends:   map[string]float64{"n": 3, "m": 3},
	},
	{
		name: "a delay that falls on the end", until: 3,
		body: `  discrete n = 0
  event a at t = 2 after 1 { n := n + 1 }`,
		events: "a 3",
		ends:   map[string]float64{"n": 1},
	},
	{
		name: "a guard that turns on the end", until: 3,
		body: `  discrete n = 0
  event a when t >= 3 { n := n + 1 }
  event b when n >= 1 priority 1 { n := 7 }`,
		events: "a 3; b 3",
		ends:   map[string]float64{"n": 7},
	},
	{
		name: "periods count from the start of the run", from: 1, until: 7,
		body: `  discrete n = 0
  event a every 2 { n := n + 1 }`,
		events: "a 3; a 5; a 7",
		ends:   map[string]float64{"n": 3},
	},
	{
		name: "every, from and until are inclusive", until: 4,
		body: `  discrete n = 0
  event a every 0.75 from 0.5 until 2.75 { n := n + 1 }`,
		events: "a 0.5; a 1.25; a 2; a 2.75",
		ends:   map[string]float64{"n": 4},
	},
	{
		name: "additions at one instant need no order", until: 2,
		body: `  state x = 1
  x' = 0
  event a at t = 1 { x += 2 }
  event b at t = 1 { x += 10*x }
  event c every 0.5 { x += 0.25 }`,
		events: "-", // 0.25 at 0.5; at 1 2, 10·1.25 and 0.25; 0.25 at 1.5 and 2
		ends:   map[string]float64{"x": 1.25 + 2 + 12.5 + 0.25 + 0.5},
	},
	{
		name: "an addition is to the value of its execution", until: 4,
		body: `  state x = 1
  x' = 0
  event a at t = 1 after 2 { x += x }
  event b at t = 2 priority 1 { x := 10 }`,
		events: "b 2; a 3", // E is 1, of the trigger; x is 10
		ends:   map[string]float64{"x": 11},
	},

	// Guards that turn several times within a step.
	{
		name: "light for half of the time", until: 160,
		body: `  state x = 2
  x' = if sin(2*pi*t/8) > 0 then 0.7 else 0`,
		ends: map[string]float64{"x": 58}, // 2 + 0.7·80
	},
	{
		name: "up and down, from the middle of a half", until: 30,
		body: `  state x = 0
  x' = if cos(2*pi*t) >= 0 then 1 else -0.5`,
		ends: map[string]float64{"x": 7.5}, // 15 − 7.5
	},
	{
		name: "forty peaks", until: 20,
		body: `  discrete n = 0
  state x = 0
  x' = 1
  event peak when sin(4*pi*t) >= 0.5 { n := n + 1 }
  event deep when cos(4*pi*t) < -0.9 priority 1 { x := x - 0.5 }`,
		events: "-",
		ends:   map[string]float64{"n": 40, "x": 0},
	},
	{
		name: "a guard of two periods", until: 12,
		body: `  state x = 0
  x' = if sin(2*pi*t) > 0 and sin(2*pi*t/6) > 0 then 1 else 0`,
		ends: map[string]float64{"x": 3}, // half of the first and of the third 3
	},

	// Sticking and saturation.
	{
		name: "friction from the other side", until: 6,
		body: `  state v = -1.5
  v' = 0.4*cos(t) - 0.8*sign(v)`,
		ends: map[string]float64{"v": 0}, // −1.5 + 0.4 sin t + 0.8 t is 0 at 1.388; |0.4 cos t| < 0.8
	},
	{
		name: "friction on a slope, with units", until: 3,
		body: `  time t: s
  state x: m = 0
  state v: m/s = 2
  x' = v
  v' = -1 [m/s^2] - 1.5 [m/s^2]*sign(v)`,
		ends: map[string]float64{"x": 0.8, "v": 0}, // 2²/(2·2.5); 1 < 1.5 holds it
	},
	{
		name: "friction against a belt", until: 5,
		body: `  state v = 2
  v' = 0.1 - 0.6*sign(v - 0.5)`,
		ends: map[string]float64{"v": 0.5}, // from 3 on
	},
	{
		name: "friction lets go at last", until: 4,
		body: `  state x = 0
  state v = 0
  x' = v
  v' = 0.5*t - sign(v)`,
		ends: map[string]float64{"x": 2. / 3, "v": 1}, // (t − 2)³/12 and (t − 2)²/4
	},
	{
		name: "saturations downwards, upwards, by a maximum", until: 4,
		body: `  state x = 1
  state y = 0
  state z = 1
  state w = 0.5
  x' = if x <= -2 then 0 else -1.5
  y' = if y > 2 then 0 else 1
  z' = -max(min(z, 1), 0)
  w' = if w < 3 then 2 else 0`,
		ends: map[string]float64{"x": -2, "y": 2, "z": math.Exp(-4), "w": 3},
	},
	{
		name: "a saturated level and events that look at it", until: 3,
		body: `  state x = 0
  discrete n = 0
  discrete m = 0
  x' = if x >= 1 then 0 else 0.5
  event reached when x >= 1 { n := n + 1 }
  event passed when x > 1 { m := m + 1 }`,
		events: "reached 2", // it is never above 1
		ends:   map[string]float64{"x": 1, "n": 1, "m": 0},
	},

	{
		name: "events that look at a level that is held", until: 4,
		body: `  state x = 0
  discrete n = 0
  discrete m = 0
  discrete k = 0
  x' = if x >= 1 then -0.4 else 0.5
  event reached when x >= 1 { n := n + 1 }
  event passed when x > 1 { m := m + 1 }
  event kick at t = 3 priority 1 { x := x - 0.25; k := 1 }`,
		events: "reached 2; kick 3; reached 3.5", // 0.25/0.5 later; it is never above 1
		ends:   map[string]float64{"x": 1, "n": 2, "m": 0, "k": 1},
	},
	{
		name: "friction and drag have their corners at one place", until: 3,
		body: `  state u = 1
  state v = 0
  state w = 0
  u' = -0.5*abs(u)*u - sign(u)
  v' = 0.5 - sign(v) - 0.3*abs(v)*v
  w' = 1.5 - sign(w) - 0.5*abs(w)*w`,
		// u stops at √2 atan(1/√2) = 0.87, v is held; w' = 0.5(1 − w²) from 0.
		ends: map[string]float64{"u": 0, "v": 0, "w": math.Tanh(1.5)},
	},
	{
		name: "two fields are combined in all of their equations", until: 2,
		body: `  state v = 0
  state w = 0
  state s = 0
  v' = 0.4 - sign(v)
  w' = if v > 0 then 1 else 0
  s' = if v >= 0 then 3 else -1`,
		// 0.7 of the field above and 0.3 of the one below hold v.
		ends: map[string]float64{"v": 0, "w": 1.4, "s": 3.6}, // 2·0.7, 2·(2.1 − 0.3)
	},

	// Starts on a surface.
	{
		name: "comparisons that hold or do not at the start", until: 3,
		body: `  state a = 2
  state c = 2
  state d = 0
  a' = if a >= 2 then 0 else 1
  c' = if c > 2 then -1 else 0
  d' = if d > 2 then 0.5 else 1`,
		ends: map[string]float64{"a": 2, "c": 2, "d": 2.5},
	},
	{
		name: "an empty depot, by a maximum", until: 3,
		body: `  state g = 0
  state c = 0
  g' = -2*max(g, 0)
  c' = 2*max(g, 0) - 0.5*c
  event dose at t = 0.5 { g := g + 4 }`,
		events: "dose 0.5",
		ends:   map[string]float64{"g": 4 * math.Exp(-5), "c": 8 / 1.5 * (math.Exp(-1.25) - math.Exp(-5))},
	},
	{
		name: "an empty depot, by a condition", until: 3,
		body: `  state g = 0
  state c = 0
  g' = if g > 0 then -2*g else 0
  c' = (if g > 0 then 2*g else 0) - 0.5*c
  event dose at t = 0.5 { g := g + 4 }`,
		events: "dose 0.5",
		ends:   map[string]float64{"g": 4 * math.Exp(-5), "c": 8 / 1.5 * (math.Exp(-1.25) - math.Exp(-5))},
	},
	{
		name: "held from the start, and not", until: 2,
		body: `  state u = 0
  state v = 0
  state w = 0
  u' = -0.3 - 0.9*sign(u)
  v' = 1.5 - sign(v)
  w' = -1.25 - sign(w)`,
		ends: map[string]float64{"u": 0, "v": 1, "w": -0.5},
	},
	{
		name: "an event on its surface at the start", until: 4,
		body: `  state x = 0
  discrete n = 0
  x' = cos(t)
  event down when x <= 0 { n := n + 1 }`,
		events: "down 3.141592653589793",
		ends:   map[string]float64{"n": 1},
	},
	{
		name: "an event at rest on its surface from the start", until: 3,
		body: `  state x = 1
  discrete s = 0
  discrete n = 0
  discrete m = 0
  x' = s
  event atleast when x >= 1 { n := n + 1 }
  event above when x > 1 priority 1 { m := m + 1 }
  event push at t = 2 { s := 1 }`,
		events: "push 2; above 2", // x >= 1 is true all the time
		ends:   map[string]float64{"x": 2, "n": 0, "m": 1},
	},

	// Jumps onto a threshold.
	{
		name: "a jump that ends exactly on a threshold", until: 3,
		body: `  discrete a = 0
  discrete n = 0
  discrete m = 0
  event jump at t = 1 { a := 2 }
  event reached when a >= 2 { n := n + 1 }
  event passed when a > 2 { m := m + 1 }
  event again at t = 2 { a := 2.5 }`,
		events: "-",
		ends:   map[string]float64{"n": 1, "m": 1},
	},
	{
		name: "priorities by expressions", until: 2,
		body: `  state x = 1
  discrete q = 0
  x' = 0
  event half every 1 priority 10*q late { x := 0.5*x }
  event more every 1 priority 5 late { x := x + 1 }
  event swap at t = 1.5 priority 100 { q := 1 }`,
		events: "more 1; half 1; swap 1.5; half 2; more 2",
		ends:   map[string]float64{"x": 1.5}, // (1 + 1)/2, 1/2 + 1
	},
	{
		name: "one event twice at one instant", until: 2,
		body: `  state x = 1
  discrete w = 1
  x' = 0
  event a every 0.5 until 1 after w late { x := 2*x + 1 }
  event b at t = 0.75 priority 1 { w := 0.5 }`,
		events: "b 0.75; a 1.5; a 1.5",
		ends:   map[string]float64{"x": 7}, // 3, then 7
	},
}

// restSolvers are solvers with the tolerance of values by hand that they
// allow.
var restSolvers = map[string]float64{
	"tsit5 { rtol: 1e-3, atol: 1e-5 }":             2e-2,
	"tsit5":                                        2e-5,
	"tsit5 { rtol: 1e-9, atol: 1e-11 }":            1e-7,
	"tsit5 { rtol: 1e-12, atol: 1e-14 }":           1e-9,
	"dopri5 { rtol: 1e-9, atol: 1e-11 }":           1e-7,
	"bosh32 { rtol: 1e-7, atol: 1e-9 }":            1e-4,
	"rk4 { step: 0.01 }":                           1e-6,
	"tsit5 { rtol: 1e-6, atol: 1e-8, step: 0.07 }": 2e-5,
}

// TestRestCases: the same values with every solver and tolerance.
func TestRestCases(t *testing.T) {
	for _, c := range restCases {
		t.Run(c.name, func(t *testing.T) {
			for solver, tol := range restSolvers {
				s := c.run(t, ", solver: "+solver)
				require.Len(t, s.Trajectories, 1)
				c.check(t, s, s.Trajectories[0], tol, solver)
			}
			s := c.run(t, fmt.Sprintf(", step: %g", (c.until-c.from)/7))
			c.check(t, s, s.Trajectories[0], 2e-5, "with an output grid")
		})
	}
}

// TestRestLanes: the same values in lanes side by side, as points of a sweep
// and as samples.
func TestRestLanes(t *testing.T) {
	for _, c := range restCases {
		t.Run(c.name, func(t *testing.T) {
			c.body = "  param lane = 0\n" + c.body + "\n  let which = lane"
			for _, many := range []string{", sweep: { lane: [1, 2, 3, 4, 5, 6, 7, 8, 9] }", ", samples: 5 { lane: uniform(1, 2) }"} {
				s := c.run(t, ", solver: tsit5 { rtol: 1e-9, atol: 1e-11 }"+many)
				require.Greater(t, len(s.Trajectories), 4)
				for _, tr := range s.Trajectories {
					c.check(t, s, tr, 1e-7, many)
				}
			}
		})
	}
}

// TestRestFits: a fit of the same models predicts the same values at the end.
func TestRestFits(t *testing.T) {
	for _, c := range restCases {
		if c.from != 0 || strings.Contains(c.body, "time t") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for name := range c.ends {
				names = append(names, name)
			}
			slices.Sort(names)
			head, row, first, body, rows := "t", fmt.Sprintf("%.17g", c.until), "0", "  param gain = 1\n"+c.body, "time: t"
			for _, name := range names {
				head += ",o_" + name
				row += fmt.Sprintf(",%.17g", c.ends[name])
				first += ","
				body += fmt.Sprintf("\n  observe o_%s = gain*%s ~ normal(1)", name, name)
				rows += fmt.Sprintf("; o_%s: o_%s", name, name)
			}
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(head+"\n"+first+"\n"+row+"\n"), 0o600))
			m, err := Parse(filepath.Join(dir, "m.node"), "model M {\n"+body+"\n}\ndata d from \"d.csv\" { "+rows+" }\n"+
				"fit { solver: tsit5 { rtol: 1e-9, atol: 1e-11 }; optimizer: lbfgs { iterations: 3 }; uncertainty: none }\n")
			require.NoError(t, err)
			f, err := m.Fit(t.Context(), FitOptions{})
			require.NoError(t, err)
			for _, name := range names {
				require.InDelta(t, 0, f.Train.RMSE["o_"+name], 1e-7*(1+math.Abs(c.ends[name])), name)
			}
		})
	}
}

// TestZenoOffZero: the limit of ever shorter hops is found on a surface that
// is not 0.
func TestZenoOffZero(t *testing.T) {
	text := `model Ball {
  state h = 1.7
  state v = 0
  discrete n = 0
  h' = v
  v' = -9.81
  event bounce when h <= 1.2 { v := -0.5*v; n := n + 1%s }
}
simulate { until: 3, times: [2, 3] }`
	limit := math.Sqrt(2*0.5/9.81) * 3 // √(2h/g)(1 + e)/(1 − e)
	_, err := simulated(t, fmt.Sprintf(text, ""))
	require.ErrorContains(t, err, "bounce")
	var se *RunError
	require.ErrorAs(t, err, &se)
	require.Equal(t, "event_zeno", se.Status.String())
	require.InDelta(t, limit, se.Time, 1e-2)

	tr, err := simulated(t, fmt.Sprintf(text, "; zeno rest { h := 1.2; v := 0 }"))
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{1.2, 0}, tr.Rows[len(tr.Rows)-1][1:3], 1e-12)
	rest := slices.IndexFunc(tr.Events, func(e Event) bool { return e.Rest })
	require.GreaterOrEqual(t, rest, 0)
	require.InDelta(t, limit, tr.Events[rest].Time, 1e-5)

	tr, err = simulated(t, fmt.Sprintf(text, "; zeno stop"))
	require.NoError(t, err)
	require.InDelta(t, limit, tr.Rows[len(tr.Rows)-1][0], 1e-5)

	// A surface that another condition narrows, far from 0 and slow to shrink.
	_, err = simulated(t, `model G {
  state h = 5.001
  state v = 0
  state x = 0
  h' = v
  v' = -20
  x' = 1
  event bounce when h <= 5 and abs(x) < 2 { v := -0.95*v }
}
simulate { until: 3, step: 1 }`)
	require.ErrorAs(t, err, &se)
	require.Equal(t, "event_zeno", se.Status.String())
	require.InDelta(t, math.Sqrt(0.002/20)*1.95/0.05, se.Time, 0.05) // 0.39
}

// TestWaveDecay: a light that goes on and off over a decay, by the geometric
// series of its periods.
func TestWaveDecay(t *testing.T) {
	const r, k, periods = 0.03, 0.004, 50
	w := 1.
	for range periods {
		w = w*math.Exp(-k) + r/k*(1-math.Exp(-k/2))*math.Exp(-k/2)
	}
	for _, settings := range []string{"step: 1", "step: 0.1", "step: 25", "step: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-12 }"} {
		tr, err := simulated(t, fmt.Sprintf(`model Tree {
  state wood = 1
  wood' = (if sin(2*pi*t) > 0 then %g else 0) - %g*wood
}
simulate { until: %d, %s }`, r, k, periods, settings))
		require.NoError(t, err)
		require.InDelta(t, w, tr.Rows[len(tr.Rows)-1][1], 1e-6, settings)
	}
}
