package pinode

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactly requires that a model predicts each measured value of its table, whose
// spread is 1, and that its last row in a simulation ends with end.
func exactly(t *testing.T, name, model, table string, end float64) {
	t.Helper()
	m := withTable(t, model, table)
	require.InDelta(t, math.Log(math.Sqrt(2*math.Pi)), startLoss(t, m), 1e-12, name)
	require.InDelta(t, end, lastRow(t, m)[1], 1e-9, name)
}

// TestRowsActInOrder: rows of one time act one after the other in the order of the
// file, behind the model's own events of that instant unless they have a higher
// priority, and whether anything is measured there changes nothing of it. Values by hand.
func TestRowsActInOrder(t *testing.T) {
	two := func(dose, scale, data string) string {
		return "model M {\n  param p = 0\n  state c = 1\n  c' = 0\n  " + dose + "\n  " + scale +
			"\n  observe y = c + p ~ normal(1)\n  observe z = before(c) ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; y: y; z: z; " + data + " }\nsimulate { step: 1 }\n"
	}
	const dose, scale, columns = "event dose(a) on data { c := c + a }", "event scale(b) on data priority 1 { c := b*c }", "dose: { a: a }; scale: { b: b }"
	for name, c := range map[string]struct {
		model string
		rows  string // t,a,b,y,z: a line with a measured value is left out at will
		end   float64
	}{
		"of two kinds, though the second has the higher priority": { // (1 + 2)·5
			two(dose, scale, columns), "0,,,1,\n2,,,1,\n2,2,,,\n2,,,3,\n2,,5,,\n2,,,15,1\n3,,,15,", 15,
		},
		"the other way round": { // 1·5 + 2
			two(dose, scale, columns), "0,,,1,\n2,,5,,\n2,,,5,\n2,2,,,\n3,,,7,", 7,
		},
		"of one row, by priority": { // 1·5 + 2, both triggered together, reading 1
			two("event dose(a) on data { c += a }", "event scale(b) on data priority 1 { c := b*c }", columns), "0,,,1,\n2,2,5,,\n2,,,7,\n3,,,7,", 7,
		},
		"of one row, reading the same": { // 1 + 2 comes last
			two(dose, scale, columns), "0,,,1,\n2,2,5,,\n2,,,3,\n3,,,3,", 3,
		},
		"behind an event of the model, which it reads": { // (1 + 2)/2 + 5
			two("event half(a) on data { c := c/2 + a }", "event refill at t = 2 priority 1 { c := c + 2 }", "half: { a: a }"),
			"0,,,1,\n2,,,3,\n2,5,,,\n2,,,6.5,1\n3,,,6.5,", 6.5,
		},
		"before an event of the model, with what is measured above": { // 1/2 + 5; refill adds 2 to what it read
			two("event half(a) on data priority 2 { c := c/2 + a }", "event refill at t = 2 { c += 2 }", "half: { a: a }"),
			"0,,,1,\n2,,,1,\n2,5,,,\n2,,,7.5,1\n3,,,7.5,", 7.5,
		},
		"between two events of the model": { // ((1 + 2)·3 + 4)·10
			two("event row(a) on data priority 1 { c := 3*c + a }", "event add at t = 2 priority 2 { c += 2 }\n  event times at t = 2 late { c := 10*c }", "row: { a: a }"),
			"0,,,1,\n2,,,3,\n2,4,,,\n2,,,130,1\n3,,,130,", 130,
		},
		"behind what the row above has caused": { // 1 + 4 = 5, drained to 2, + 3 = 5, drained to 2
			two("event dose(a) on data { c += a }", "event drain when c >= 5 priority 1 { c := 2 }", "dose: { a: a }"),
			"0,,,1,\n2,4,,,\n2,,,2,\n2,3,,,\n2,,,2,1\n3,,,2,", 2,
		},
		"before what the row above has caused": { // drain is triggered by 1 + 4 and dropped by − 3
			two("event dose(a) on data priority 1 { c += a }", "event drain when c >= 5 { c := 0 }", "dose: { a: a }"),
			"0,,,1,\n2,4,,,\n2,,,5,\n2,-3,,,\n2,,,2,1\n3,,,2,", 2,
		},
		"behind a delay that ends": { // (1 + 2)·5
			two("event d(a) on data priority 1 after 1 { c += a }", "event s(b) on data { c := b*c }", "d: { a: a }; s: { b: b }"),
			"0,,,1,\n1,,,1,\n1,2,,,\n1,,,1,\n2,,,3,\n2,,5,,\n2,,,15,1\n3,,,15,", 15,
		},
		"at the start": { // (1 + 2)·5
			two(dose, scale, columns), "0,,,1,\n0,2,,,\n0,,,3,\n0,,5,,\n1,,,15,", 15,
		},
	} {
		lines := strings.Split(c.rows, "\n")
		exactly(t, name, c.model, "t,a,b,y,z\n"+c.rows+"\n", c.end)
		for skip := 1; skip < len(lines)-1; skip++ {
			if f := strings.Split(lines[skip], ","); f[1] == "" && f[2] == "" {
				rest := append(append([]string{}, lines[:skip]...), lines[skip+1:]...)
				exactly(t, name+" without "+lines[skip], c.model, "t,a,b,y,z\n"+strings.Join(rest, "\n")+"\n", c.end)
			}
		}
	}
}

// TestRowsGradients: derivatives follow the order of the rows: c = (p + 2)·q + r.
func TestRowsGradients(t *testing.T) {
	m := withTable(t, `model M {
  param p = 1
  param q = 5
  param r = 0.5
  state c = p
  c' = 0
  event dose(a) on data { c := c + a }
  event scale(b) on data priority 1 { c := q*c + b }
  event add at t = 2 priority 2 { c += r }
  observe y = c ~ normal(1)
  observe z = before(c) ~ normal(1)
}
data d from "d.csv" { time: t; y: y; z: z; dose: { a: a }; scale: { b: b } }`, "t,a,b,y,z\n2,2,,,\n2,,,,0\n2,,0,,\n3,,,0,\n")
	cert, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	// (c² + p²)/4: the mean of two values, with q·(p + r + 2) = 17.5 behind.
	for i, want := range []float64{(17.5*5 + 1) / 2, 17.5 * 3.5 / 2, 17.5 * 5 / 2} {
		for k, g := range cert.Targets[0].Rows[i].Gradient {
			require.InDelta(t, want, g, 1e-9, "%d, %s", i, cert.Modes[k])
		}
	}
}

// TestGradientsOfInputsThatJump: where an input jumps and an event reads it, all modes
// read what it jumps to: x = 1 + 4g, measured as 5 with g = ½.
func TestGradientsOfInputsThatJump(t *testing.T) {
	m := withTable(t, `model A {
  param g = 0.5
  input u hold
  state x = 1
  x' = 0
  event e when u >= 2 { x := x + g*u }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; u: u; y: y }`, "t,u,y\n0,1,\n1,4,\n2,4,5\n")
	cert, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, cert.Certified())
	for k, g := range cert.Targets[0].Rows[0].Gradient {
		require.InDelta(t, -8, g, 1e-9, cert.Modes[k])
	}
}

// TestShallowCrossings: an event that fires by less than the state is known is told with
// its guard and time, and one that starts on its surface in silence.
func TestShallowCrossings(t *testing.T) {
	warned := func(body string) (codes []string) {
		m, err := Parse("m.node", "model M {\n"+body+"\n}\nsimulate { until: 3 }")
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		for _, w := range s.Warnings.All {
			codes = append(codes, w.Code)
		}
		return codes
	}
	const wave = "state x = 0\n discrete n = 0\n x' = cos(t)\n event e when x > "
	require.Equal(t, []string{"shallow-crossing"}, warned(wave+"1 { n := n + 1 }"))
	require.Empty(t, warned(wave+"0.999 { n := n + 1 }"), "by 1e-3")
	const ball = "state h = 0; state v = 0\n h' = v\n v' = -9.81\n event b when h <= 0 "
	require.Equal(t, []string{"silent-start"}, warned(ball+"{ v := -0.8*v }"))
	require.Empty(t, warned(ball+"{ v := -0.8*v; zeno rest { h := 0; v := 0 } }"))
	require.Empty(t, warned("state h = 0; state v = 3\n h' = v\n v' = -9.81\n event b when h <= 0 { v := -0.8*v }"), "it is led away")
}

// TestSimulatesToTheLastRow: where nothing says how long to simulate, the data do.
func TestSimulatesToTheLastRow(t *testing.T) {
	m := withTable(t, "model M {\n  state x = 1\n  x' = 1\n  observe y = x ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; y: y }\n", "t,y\n0,1\n2.5,3\n")
	row := lastRow(t, m)
	require.InDeltaSlice(t, []float64{2.5, 3.5}, row[:2], 1e-12)
}

// TestDoubtfulCrossings: derivatives through a crossing that the tolerances do not tell
// from none are doubtful, whatever differences say.
func TestDoubtfulCrossings(t *testing.T) {
	for level, doubtful := range map[string]bool{"1": true, "0.9": false} {
		m := withTable(t, `model M {
  param k = 0.3
  state x = 0
  state z = 0
  x' = cos(t)
  z' = k
  event e when x > `+level+` { z := 2*z }
  observe y = z ~ normal(1)
}
data d from "d.csv" { time: t; y: y }`, "t,y\n3,1\n")
		cert, err := m.Certify(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, doubtful, cert.Compared == 0, level)
		require.Equal(t, doubtful, cert.Doubtful > 0, level)
	}
}
