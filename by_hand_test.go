package pinode

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunsByHand: small models whose last states follow by hand, at two tolerances.
func TestRunsByHand(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		until float64
		ends  []float64 // states, then discrete variables
	}{
		"ceil and floor that start on whole numbers": {
			"state a = 0; state b = 0\n a' = ceil(2*t)\n b' = floor(-t)", 4, []float64{18, -10}, // ½ Σ 1…8, −Σ 1…4
		},
		"a saw-tooth that falls": {"state y = 0\n y' = (1-t) - floor(1-t)", 6, []float64{3}},
		"a whole number left downwards": {
			"state x = 1; state y = 0\n x' = -1\n y' = floor(x)", 0.5, []float64{0.5, 0},
		},
		"floor through zero": {"state x = -0.7; state y = 0\n x' = 1\n y' = floor(x)", 1.5, []float64{0.8, -0.7}},
		"rest on a surface that terms switch on": {
			"state h = 1; state v = 0; state c = 0\n h' = v\n v' = -9.81\n c' = max(-h, 0)\n event b when h <= 0 { v := -0.5*v; zeno rest { h := 0; v := 0 } }",
			3,
			[]float64{0, 0, 0},
		},
		"rest that a switch ends": { // lift-off from 2 on with an acceleration of 2.19
			"state h = 1; state v = 0\n discrete n = 0\n h' = v\n v' = -9.81 + (if t > 2 then 12 else 0)\n event b when h <= 0 { v := 0; n += 1; zeno rest { h := 0; v := 0 } }",
			3,
			[]float64{2.19 / 2, 2.19, 1},
		},
		"rest that an event ends": {
			"state h = 1; state v = 0\n discrete fan = 0\n discrete n = 0\n h' = v\n v' = -9.81 + 12*fan\n event on at t = 2 priority 1 { fan := 1 }\n event b when h <= 0 { v := 0; n += 1; zeno rest { h := 0; v := 0 } }",
			3,
			[]float64{2.19 / 2, 2.19, 1, 1},
		},
		"a surface that a second term takes away": { // slides along x = 0 until y = 1
			"state x = 0.2; state y = 0\n x' = if x > 0 and y < 1 then -1 else 0.5\n y' = if y < 1 then 1 else 2", 2, []float64{0.5, 3},
		},
		"another surface on the way": { // slides along y = 0 from 2/7, leaves the circle at ½
			"state x = 0; state y = 0.2\n y' = 0.3 - sign(y)\n x' = if x^2 + y^2 < 1 then 2 else 0.5", 4, []float64{2.75, 0},
		},
		"a moving surface across a resting one": {
			"state x = 0; state z = 0\n x' = 0.2 - sign(x)\n z' = sign(x + 0.2 - 0.2*t)", 3, []float64{0, -1},
		},
		"a saturation that reaches its threshold": { // at 0.9
			"state x = 0.1; state z = 0\n discrete n = 0\n x' = 1\n z' = n\n event full when min(x, 1) >= 1 { n := 1 }", 1.8, []float64{1.9, 0.9, 1},
		},
		"a saturation that never exceeds it": {
			"state x = 0.1\n discrete n = 0\n x' = 1\n event full when min(x, 1) > 1 { n := 1 }", 1.8, []float64{1.9, 0},
		},
		"a peak on a threshold, strict": { // the field turns round at the threshold
			"state x = 0\n discrete n = 0\n x' = if t < 1 then 1 else -1\n event over when x > 1 { n += 1 }", 3, []float64{-1, 0},
		},
		"a peak on a threshold": {
			"state x = 0\n discrete n = 0\n x' = if t < 1 then 1 else -1\n event over when x >= 1 { n += 1 }", 3, []float64{-1, 1},
		},
		"a clamp at its ends": { // full from 1 on, at its middle at ½, nowhere beyond
			"state x = 0\n discrete n = 0\n discrete m = 0\n discrete k = 0\n let c = clamp(x, 0, 1)\n x' = 1\n event full when c >= 1 { n += 1 }\n event over when c > 1 or c < 0 { m += 1 }\n event half when c > 0.5 { k += 1 }",
			2,
			[]float64{2, 1, 0, 1},
		},
		"a spill that begins and ends": { // 2(1 − cos t) is above 1 from π/3 to 5π/3
			"state x = 0\n discrete a = 0\n discrete b = 0\n let spill = max(x - 1, 0)\n x' = 2*sin(t)\n event begin when spill > 0 { a += t }\n event end when spill <= 0 { b += t }",
			6,
			[]float64{2 - 2*math.Cos(6), math.Pi / 3, 5 * math.Pi / 3},
		},
		"a spill that acts, and a threshold next to its corner": { // from π/3 on, z' = spill
			"state x = 0; state z = 0\n discrete b = 0\n let spill = max(x - 1, 0)\n x' = 2*sin(t)\n z' = spill\n event end when spill < 1e-9 { b += t }",
			6,
			[]float64{2 - 2*math.Cos(6), 4*math.Pi/3 + 2*math.Sqrt(3), 5 * math.Pi / 3},
		},
		"signs and steps in conditions": { // all at 1, of t or of x
			"state x = 0\n discrete n = 0\n x' = 1\n event a when sign(1 - x) < 0 { n += 1 }\n event b when ceil(x) > 1 { n += 10 }\n event c when floor(-x) < -1 { n += 100 }\n event d when step(1 - x) < 0.5 { n += 1000 }",
			1.5,
			[]float64{1.5, 1111},
		},
		"a step that an event compares": { // at 0.9
			"state x = 0.1; state z = 0\n discrete n = 0\n let side = if x > 1 then 1 else -1\n x' = 1\n z' = n\n event over when side > 0 { n := 1 }", 1.8, []float64{1.9, 0.9, 1},
		},
		"rest on a table that is taken away": {
			"state h = 1; state v = 0\n discrete table = 1\n h' = v\n v' = -9.81\n event b when h <= 0 and table == 1 { v := -0.5*v; zeno rest { h := 0; v := 0 } }\n event gone at t = 2 { table := 0 }",
			3,
			[]float64{-9.81 / 2, -9.81, 0},
		},
		"rest on a floor that sinks": {
			"state h = 1; state v = 0; state p = 0\n h' = v\n v' = -9.81\n p' = if t > 3 then -20 else 0\n event b when h <= p { v := -0.5*v; zeno rest { h := p; v := 0 } }",
			3.5,
			[]float64{-9.81 / 8, -9.81 / 2, -10},
		},
		"a kick out of rest": {
			"state h = 1; state v = 0\n h' = v\n v' = -9.81\n event b when h <= 0 priority 1 { v := -0.5*v; zeno rest { h := 0; v := 0 } }\n event kick at t = 3 priority 2 { v := 4.905 }",
			3.5,
			[]float64{4.905*0.5 - 9.81/8, 0},
		},
		"beyond the limit": {
			"state h = 1; state v = 0\n discrete n = 0\n h' = v\n v' = -2\n event b when h <= 0 { v := -0.5*v; n := 1; zeno pass }",
			4,
			[]float64{-1, -2, 1}, // the limit is at 1 + 2·½/(1 − ½) = 3
		},
		"there and back": {
			"state x = 0.5\n discrete n = 0\n x' = 2 - 2*t\n event c when crossing(x - 1) { n += 1 }", 3, []float64{-2.5, 2},
		},
		"either of three rises": {
			"state x = 0.5\n discrete n = 0\n x' = 1\n event c when rising(x-1) or rising(x-2) or rising(x-3) { n += 1 }", 5, []float64{5.5, 3},
		},
		"a rise while, and not when": {
			"state x = 0\n discrete mode = 0\n discrete n = 0\n discrete m = 0\n x' = 1\n event on at t = 2 { mode := 1 }\n event c when rising(x - 1) and mode == 1 { n += 1 }\n event l when x > 1 and mode == 1 { m += 1 }",
			3,
			[]float64{3, 1, 0, 1},
		},
		"no rise at the start": {
			"state th = 0.5; state x = 0\n discrete n = 0\n th' = 1\n x' = if th > 0 then 1 else 0\n event e when rising(th) { n += 1 }", 1, []float64{1.5, 1, 0},
		},
		"a flat start": {
			"state x = 0; state v = 0; state y = 0; state z = 0\n x' = v\n v' = t\n y' = sign(x)\n z' = floor(x)", 1, []float64{1. / 6, 0.5, 1, 0},
		},
		"two ways to write a surface": {
			"state x = 0; state y = 0; state z = 0\n x' = if x > 1 then -3 else 1\n y' = if 1 < x then 1 else 0\n z' = if 2*x - 2 > 0 then 1 else 0",
			5,
			[]float64{1, 1, 1}, // a quarter of the time above
		},
		"the sign of what rests at zero": {"state x = 0; state y = 0\n x' = -x\n y' = sign(x)", 3, []float64{0, 0}},
		"what was never false does not turn true": {
			"state x = 2\n discrete s = 1\n discrete n = 0\n x' = -s\n event stop when x <= 1 { s := 0 }\n event e when x >= 1 { n += 1 }", 4, []float64{1, 0, 0},
		},
		"nor by round-off": {
			"state x = 2\n discrete n = 0\n x' = if x <= 1 then 0 else -1\n event e when x^2 >= 1 { n += 1 }", 4, []float64{1, 0},
		},
		"a factor at rest on a product": {
			"state z = 1; state y = 1\n discrete n = 0\n y' = 0.1\n z' = if y*z < 0 then 0.4 else -0.25\n event e when z < 0 { n += 1 }", 8, []float64{0, 1.8, 0},
		},
		"a corner of two surfaces": {
			"state x = 2; state y = 0.9\n x' = -2*sign(x - y)\n y' = 0.6 - (if x > 1 then 1 else 0)", 3, []float64{1, 1},
		},
		"a field that ends while sliding": {
			"state v = 1\n discrete stop = 0\n v' = if stop > 0 then 0 else -sign(v)\n event off at t = 2 { stop := 1 }", 3, []float64{0, 1},
		},
		"vessels that even out": {
			"state a = 2; state b = 0.5\n let q = 0.3*sign(a-b)*sqrt(abs(a-b))\n a' = -q\n b' = q", 10, []float64{1.25, 1.25},
		},
		"a tank that runs dry":               {"state h = 1; state y = 0\n h' = -0.5*sqrt(max(h, 0))\n y' = 1", 8, []float64{0, 8}},
		"every from the start, at the start": {"state x = 0\n x' = 0\n event e every 2 at start { x += 1 }", 6, []float64{4}},
		"fields inside corners":              {"state x = 0.5\n x' = -0.8*max(abs(x), 0.1)", 3, []float64{0.1 - 0.08*(3-math.Log(5)/0.8)}},
	} {
		t.Run(name, func(t *testing.T) {
			for solver, tol := range map[string]float64{"tsit5 { rtol: 1e-6, atol: 1e-9 }": 2e-4, "dopri5 { rtol: 1e-10, atol: 1e-12 }": 1e-5} {
				m, err := Parse("m.node", "model M {\n"+c.body+"\n}\nsimulate { solver: "+solver+" }")
				require.NoError(t, err)
				s, err := m.Simulate(context.Background(), SimulateOptions{Until: c.until})
				require.NoError(t, err, solver)
				rows := s.Trajectories[0].Rows
				require.InDeltaSlice(t, c.ends, rows[len(rows)-1][1:1+len(c.ends)], tol, solver)
			}
		})
	}
}

// withTable is a model and its table as files.
func withTable(t *testing.T, text, table string) *Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(table), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	return m
}

// lastRow simulates the one trajectory of a table.
func lastRow(t *testing.T, m *Model) []float64 {
	t.Helper()
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	return rows[len(rows)-1]
}

// TestDelaysOfRows: the delay of each firing is that of its own row: 1 + 2 and 4 + 3.
func TestDelaysOfRows(t *testing.T) {
	m := withTable(t, `model A {
  discrete n = 0
  state x = 0
  x' = n
  event go(dur) on data after dur late { n += 1 }
}
data d from "d.csv" { time: t; go: { dur: dur } }
simulate { until: 9 }`, "t,dur\n1,2\n4,3\n")
	require.InDelta(t, 4+2*2, lastRow(t, m)[1], 1e-9)
}

// TestInputsOfTheInstant: what fires where an input jumps reads what it jumps to.
func TestInputsOfTheInstant(t *testing.T) {
	for _, event := range []string{"event e(a) on data { x += a*u }", "event e at t = 0.5 { x += 2*u }", "event e every 0.5 until 0.5 late { x += 2*u }"} {
		mapping := "; e: { a: a }"
		if event[7] != '(' {
			mapping = ""
		}
		m := withTable(t, `model M {
  input u hold
  state x = 0
  x' = 0
  `+event+`
  observe y = x
}
data d from "d.csv" { time: t; y: y; u: u`+mapping+` }
simulate { until: 1 }`, "t,u,y,a\n0,1,1,\n0.5,5,1,2\n1,5,1,\n")
		require.InDelta(t, 10, lastRow(t, m)[1], 1e-12, event)
	}
}

// TestInputsThatBend: an input that bends or turns round where a guard meets its
// surface decides by where it goes from there.
func TestInputsThatBend(t *testing.T) {
	const rest, valley, hill = "t,u,y\n0,2,\n1,1,\n2,1,\n3,2,0\n", "t,u,y\n0,2,\n1,1,\n2,2,0\n", "t,u,y\n0,0,\n1,1,\n2,1,\n3,0,\n4,1,0\n"
	for _, c := range []struct {
		table, when string
		n           float64
	}{
		{rest, "u >= 1", 0},
		{rest, "u < 1", 0},
		{rest, "u <= 1", 1},
		{rest, "u > 1", 1}, // leaves it at 2
		{valley, "u >= 1", 0},
		{valley, "u < 1", 0},
		{valley, "u <= 1", 1},
		{valley, "rising(u - 1)", 0},
		{hill, "u > 1", 0},
		{hill, "u >= 1", 2},
		{hill, "u < 1", 1},
		{hill, "u <= 1", 0},
	} {
		m := withTable(t, "model M {\n  input u linear\n  state x = 0\n  discrete n = 0\n  x' = u\n  event e when "+c.when+" { n += 1 }\n  observe y = n\n}\ndata d from \"d.csv\" { time: t; y: y; u: u }\nsimulate { step: 1 }\n", c.table)
		require.Equal(t, c.n, lastRow(t, m)[2], "%s in %q", c.when, c.table)
	}
}

// TestMissingInJumps: an assignment that reads a value which was not measured is left
// out, component by component, unless it says what then.
func TestMissingInJumps(t *testing.T) {
	m := withTable(t, `model M {
  state x[2] = [7, 8]
  state s = 0
  state own = 0
  x' = 0*x
  s' = 0
  own' = 0
  event u on observation { x := data(y); s += data(q); own := 5 + observed(q)*data(q) }
  observe y[2] = 0*x { weight: 0 }
  observe q = s { weight: 0 }
}
data d from "d.csv" { time: t; y: [a, b]; q: q }
simulate { until: 3 }`, "t,a,b,q\n1,1,,10\n2,,2,\n3,3,,\n")
	row := lastRow(t, m)
	require.Equal(t, []float64{3, 2, 10, 5}, row[1:5])
}

// TestFixedStepsAndMovingTimes: behind an event at time T steps of a fixed length end
// on their grid, whatever T. By hand, with R(h) = 1 − h + h²/2 − h³/6 + h⁴/24 and steps
// of ½, x(2) = (R(½)² R(T − 1) + 1) R(1.5 − T) R(½), and the loss is its square error.
func TestFixedStepsAndMovingTimes(t *testing.T) {
	m := withTable(t, `model M {
  param T = 1.3
  state x = 1
  x' = -x
  event d at t = T { x += 1 }
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
fit { solver: rk4 { step: 0.5 } }`, "t,y\n0,1\n2,0.6\n")
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s, %s: %g", c.Mode, c.Where, c.Worst)
	r := func(h float64) float64 { return 1 - h + h*h/2 - h*h*h/6 + h*h*h*h/24 }
	dr := func(h float64) float64 { return -1 + h - h*h/2 + h*h*h/6 }
	x := (r(0.5)*r(0.5)*r(0.3) + 1) * r(0.2) * r(0.5)
	dx := r(0.5)*r(0.5)*dr(0.3)*r(0.2)*r(0.5) - (r(0.5)*r(0.5)*r(0.3)+1)*dr(0.2)*r(0.5)
	for _, g := range c.Targets[0].Rows[0].Gradient {
		require.InDelta(t, (x-0.6)/0.01*dx/2, g, 1e-9, "mean of two values")
	}
}

// TestGradientsByHand: where finite differences cannot tell, as the order of what
// happens changes beside the point, derivatives follow by hand all the same.
func TestGradientsByHand(t *testing.T) {
	for name, c := range map[string]struct {
		body, table string
		want        []float64
	}{
		// v is put onto the belt and slides along it: x(1) = 0.21 + 0.7 belt.
		"a jump onto a surface": {
			"param belt = 0.2; state x = 0; state v = 1\n x' = v\n v' = -2*sign(v-belt)\n event e at t = 0.3 { v := 0.2 }", "1,1",
			[]float64{(0.35 - 1) * 0.7},
		},
		// Wherever x starts beside 0, it falls back.
		"a start on a surface": {"param a = 0; state x = a\n x' = 0.3 - sign(x)", "3,1", []float64{0}},
		// Doses at two times that are one: each has its own.
		"two times that are one": {
			"param T = 1; param U = 1; state x = 0\n x' = -x\n event a at t = T { x += 1 }\n event b at t = U { x += 2 }", "3,1",
			[]float64{(3*math.Exp(-2) - 1) * math.Exp(-2), (3*math.Exp(-2) - 1) * 2 * math.Exp(-2)},
		},
		"a time at a given time": {
			"param T = 1; state x = 0\n x' = -x\n event a at t = T { x += 1 }\n event b at t = 1 { x += 2 }", "3,1",
			[]float64{(3*math.Exp(-2) - 1) * math.Exp(-2)},
		},
	} {
		m := withTable(t, "model M {\n"+c.body+"\nobserve y = x ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; y: y }\n", "t,y\n"+c.table+"\n")
		cert, err := m.Certify(t.Context(), 10)
		require.NoError(t, err, name)
		for i, want := range c.want {
			for k, g := range cert.Targets[0].Rows[i].Gradient {
				require.InDelta(t, want, g, 1e-8, "%s, %s", name, cert.Modes[k])
			}
		}
	}
}

// TestConditionsOfSlidTerms: v' = 0.4 − sign(v) holds v at 0, where a condition that
// reads sign(v) is true in one branch and false in the other: that is refused, and not
// where both say the same.
func TestConditionsOfSlidTerms(t *testing.T) {
	for x, refused := range map[string]bool{"0.1": true, "0.5": false} {
		tr, err := simulated(t, "model N {\n state v = 0; state q = 0; state x = "+x+"\n v' = 0.4 - sign(v)\n x' = 0\n q' = if x - 0.2*sign(v) > 0 then 1 else 0\n}\nsimulate { until: 2, times: [2] }")
		if refused {
			require.ErrorContains(t, err, "neither of its branches")
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, 2, tr.Rows[len(tr.Rows)-1][2], 1e-9)
	}
}

// TestSetOfASweep: a parameter that the file sweeps cannot be set beside.
func TestSetOfASweep(t *testing.T) {
	m, err := Parse("m.node", "model M {\n param k = 0.5\n state x = 1\n x' = -k*x\n}\nsimulate { until: 1, step: 1, sweep: { k: [0.2, 0.5] } }\n")
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{Set: map[string]float64{"k": 0.9}})
	require.ErrorContains(t, err, "values of its own")
}

// TestTouches: a quantity that touches its threshold and goes back is no event, and
// an error where the condition would hold there.
func TestTouches(t *testing.T) {
	for when, graze := range map[string]bool{
		"(x - 1)^2 <= 0": true, "(x - 1)^2 < 0": false, "(x - 1)^2 >= 0": false, "(x - 1)^2 > 0": false,
		"v <= 0": true, "1 - v >= 1": true, "v <= -1e-12": false,
	} {
		m, err := Parse("m.node", "model M {\n  state x = 0\n  state v = 1\n  discrete n = 0\n  x' = 1\n  v' = 2*(x - 1)\n  event e when "+when+" { n += 1 }\n}\nsimulate { until: 1.9 }\n")
		require.NoError(t, err)
		_, err = m.Simulate(context.Background(), SimulateOptions{})
		if graze {
			require.ErrorContains(t, err, "touches its surface", when)
			continue
		}
		require.NoError(t, err, when)
		require.Zero(t, lastRow(t, m)[3], when)
	}
}

// TestRightGradientsAreCertain: what falls on one time whatever the parameters are,
// round-off that decides how a mode is left, and steps whose choice shows in short
// differences, make no derivative doubtful.
func TestRightGradientsAreCertain(t *testing.T) {
	for name, c := range map[string]struct{ model, csv, columns string }{
		"clocks": {`model M {
  param a in (0, inf) = 0.5
  state x = 1
  x' = (if t/24 - floor(t/24) < 0.6 then a else 0) - 0.1*x
  event harvest every 168 { x := 0.6*x }
  observe y = x ~ normal(0.1)
}`, "t,y\n0,1\n170,2\n340,2\n", "y: y"},
		"friction": {`model M {
  param mu = 3
  input F hold
  state x = 0
  state v = 0
  x' = v
  v' = F - mu*sign(v)
  observe y = x ~ normal(0.1)
}`, "t,y,F\n0,,1\n3.5,,5\n4,,0\n5.3,0.1,\n", "y: y; F: F"},
		"a curve": {`model M {
  param p = 0.073
  state x = 0.415
  state y = 0.447
  x' = p*x - 0.497*x - 0.909 - 0.511*abs(x - 0.083*y + 0.057)/3 + (if y*x + 0.428 > 0 and x - 0.083*y + 0.057 <= 0 then -0.275 else 0.1)
  y' = 0.228*x - 0.372*y + 0.964 - 1.215*(1 + 0.3*x^2)*sign(y*x + 0.428)/(1 + x^2)
  observe ox = x
  observe oy = y
  observe ob = before(x)*y + sign(x - 0.083*y + 0.057)
}`, "t,ox,oy,ob\n0.4,,,-0.089\n1.1,,,0.011\n1.9,0.746,-0.461,-0.253\n2.7,-0.502,0.394,-0.184\n", "ox: ox; oy: oy; ob: ob"},
	} {
		f, err := fitOf(t, c.model, c.csv, c.columns, "solver: tsit5 { rtol: 1e-10, atol: 1e-12 }")
		require.NoError(t, err, name)
		cert := certificateOf(t, f)
		require.True(t, cert.Certified(), "%s: %s: %g", name, cert.Where, cert.Worst)
		require.Zero(t, cert.Doubtful, name)
	}
}

// TestBeforeTheInstant: what was before an instant has the inputs from before, also in
// what acts along a surface.
func TestBeforeTheInstant(t *testing.T) {
	m := withTable(t, `model M {
  input u hold
  state x = 0.5
  x' = u - sign(x)
  observe f = sign(x)
  observe b = before(sign(x))
  observe v = before(u)
}
data d from "d.csv" { time: t; u: u; f: f; b: b; v: v }
simulate { times: [1, 1.5, 2, 3] }`, "t,u,f,b,v\n0,0.3,,,\n1,0.5,,,\n2,1.5,,,\n3,-2,1,1,1\n")
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	rows := map[float64][]float64{}
	for _, r := range s.Trajectories[0].Rows {
		rows[r[0]] = r[2:]
	}
	// x slides along 0 from 5/7 to 2, where sign(x) is u.
	for at, want := range map[float64][]float64{1: {0.5, 0.3, 0.3}, 1.5: {0.5, 0.5, 0.5}, 2: {1, 0.5, 0.5}, 3: {1, 1, 1.5}} {
		require.InDeltaSlice(t, want, rows[at], 1e-12, "t = %g", at)
	}
}
