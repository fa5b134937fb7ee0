package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCradle: five pendulums of the same length that touch (Newton's cradle). Every half
// period, from T/4 on, an impact runs through all of them, four exchanges at one instant,
// whatever the round-off of the states that rest there; the outer ones are at
// −0.1 cos ωt and 0 in turn.
func TestCradle(t *testing.T) {
	for _, solver := range []string{"auto", "dop853 { rtol: 1e-4, atol: 1e-6 }", "rodas5p { rtol: 1e-9, atol: 1e-9 }", "tsit5 { rtol: 1e-12, atol: 1e-14 }"} {
		for _, w2 := range []float64{1, 3.3, 5, 8.08, 9.81, 16, 30} {
			m, err := Parse("cradle.node", fmt.Sprintf(`model Cradle {
  state x[5] = [-0.1, 0, 0, 0, 0]
  state v[5] = 0
  discrete n = 0
  x' = v
  v' = -%g*x
  event c01 when x[0] - x[1] >= 0 and v[0] - v[1] > 0 priority 4 { v[0] := v[1]; v[1] := v[0]; n := n + 1 }
  event c12 when x[1] - x[2] >= 0 and v[1] - v[2] > 0 priority 3 { v[1] := v[2]; v[2] := v[1]; n := n + 1 }
  event c23 when x[2] - x[3] >= 0 and v[2] - v[3] > 0 priority 2 { v[2] := v[3]; v[3] := v[2]; n := n + 1 }
  event c34 when x[3] - x[4] >= 0 and v[3] - v[4] > 0 priority 1 { v[3] := v[4]; v[4] := v[3]; n := n + 1 }
}
simulate { until: 4, step: 4, solver: %s }`, w2, solver))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err, "%s, ω² = %g", solver, w2)
			w, impacts := math.Sqrt(w2), 0
			for at := math.Pi / 2 / w; at < 4; at += math.Pi / w {
				impacts++
			}
			end := s.Trajectories[0].Rows[len(s.Trajectories[0].Rows)-1]
			require.EqualValues(t, 4*impacts, end[len(end)-1], "%s, ω² = %g", solver, w2)
			first, last := -0.1*math.Cos(4*w), 0.
			if impacts%2 == 1 {
				first, last = 0, first
			}
			require.InDelta(t, first, end[1], 1e-3, "%s, ω² = %g", solver, w2)
			require.InDelta(t, last, end[5], 1e-3, "%s, ω² = %g", solver, w2)
		}
	}
}

// TestTankRunsDry: A h' = −c √h empties a tank at 2A√h₀/c, where neither the field nor a
// condition that reads the outflow is defined behind it but for the state's rounding, and the
// dense output of the last step is not; then it is filled over its rim.
func TestTankRunsDry(t *testing.T) {
	for _, rtol := range []float64{1e-4, 1e-6, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12} {
		m, err := Parse("tank.node", fmt.Sprintf(`model Tank {
  state h = 1
  state spilled = 0
  discrete q = 0
  let out = 0.08*sqrt(max(h, 0))
  h' = if h >= 1.2 and q > out then 0 else (q - out)/0.5
  spilled' = if h >= 1.2 and q > out then q - out else 0
  event open at t = 30 { q := 0.15 }
  event shut at t = 60 { q := 0 }
}
simulate { until: 90, times: [12, 30, 70, 90], solver: auto { rtol: %g, atol: %g } }`, rtol, rtol/100))
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err, "rtol %g", rtol)
		level := func(h0, t float64) float64 { r := math.Max(0, math.Sqrt(h0)-0.08*t); return r * r }
		want := map[float64]float64{12: level(1, 12), 70: level(1.2, 10), 90: level(1.2, 30)}
		for _, row := range s.Trajectories[0].Rows {
			if h, ok := want[row[0]]; ok {
				require.InDelta(t, h, row[1], 1e-10+10*rtol, "rtol %g, t = %g", rtol, row[0])
			}
		}
		// From empty at t = 30, with r = √h, s = q/c: 2A (−r − s log(1 − r/s))/c is the time to the rim.
		r, in, c := math.Sqrt(1.2), 0.15/0.08, 0.08
		full := 30 + 2*0.5*(-r-in*math.Log(1-r/in))/c
		rows := s.Trajectories[0].Rows
		require.InDelta(t, (60-full)*(0.15-c*r), rows[len(rows)-1][2], 1e-8+100*rtol, "rtol %g", rtol)
	}
}

// TestOddRoots: a guard that meets its surface without a rate goes through where it is an
// odd power, each time once.
func TestOddRoots(t *testing.T) {
	m, err := Parse("odd.node", `model Odd {
  state x = 0
  discrete a = 0
  discrete b = 0
  discrete c = 0
  x' = 2*cos(t)
  event ea when (x - 1)^3 >= 0 { a := a + 1 }
  event eb when (x - 1)^3 > 0 priority 1 { b := b + 1 }
  event ec when (x - 1)^5 < 0 priority 2 { c := c + 1 }
}
simulate { until: 20, step: 20 }`)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	// 2 sin t rises over 1 at π/6 + 2πk and falls below it at 5π/6 + 2πk.
	require.Equal(t, []float64{4, 4, 3}, rows[len(rows)-1][2:])
	for _, w := range s.Warnings.All {
		require.NotEqual(t, "shallow-crossing", w.Code)
	}
}
