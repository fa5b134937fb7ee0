package pinode

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOnTheSurface: what a jump onto a surface, a turn on it and a touch fire, in small
// models whose last states and counts follow by hand.
func TestOnTheSurface(t *testing.T) {
	const ball = "state h = 1; state v = 0\n h' = v\n v' = -9.81\n "
	fall := math.Sqrt(2 * 9.81) // the speed of the first bounce
	after := 0.6 - fall/9.81
	for name, c := range map[string]struct {
		body  string
		until float64
		ends  []float64
	}{
		"a jump onto it, and away by the flow": {
			"state x = 5\n x' = 0.1\n event dump at t = 1 { x := 0 }\n event refill when x <= 0 priority 1 { x := 10 }", 2, []float64{10.1},
		},
		"so with >=": {
			"state x = 5\n discrete n = 0\n x' = -0.1\n event fill at t = 1 { x := 6 }\n event full when x >= 6 { n += 1 }", 2, []float64{5.9, 1},
		},
		"a strict one does not hold on it": {
			"state x = 5\n discrete n = 0\n x' = 0.1\n event dump at t = 1 { x := 0 }\n event below when x < 0 { n += 1 }", 2, []float64{0.1, 0},
		},
		"and turns true behind it": {
			"state x = 5\n discrete n = 0\n x' = -0.1\n event dump at t = 1 { x := 0 }\n event below when x < 0 { n += 1 }", 2, []float64{-0.1, 1},
		},
		"out of it and in again": { // x > 0 is false at the jump alone
			"state x = 1\n discrete n = 0\n x' = 1\n event back at t = 1 { x := 0 }\n event beyond when x > 0 { n += 1 }", 2, []float64{1, 1},
		},
		"a jump of something else": {
			"state x = 1; state y = 0\n discrete n = 0\n x' = 0\n y' = 0\n event other every 1 { y += 1 }\n event at when x <= 1 { n += 1 }", 3.5, []float64{1, 3, 0},
		},
		"a waiting event that a bounce takes the condition from": {
			ball + "discrete n = 0\n event bounce when h <= 0 priority 1 { v := -0.8*v }\n event under when h < 0 { n += 1 }", 0.6,
			[]float64{0.8*fall*after - 9.81/2*after*after, 0.8*fall - 9.81*after, 0},
		},
		"one that holds at the bounce": {
			ball + "discrete n = 0\n event bounce when h <= 0 priority 1 { v := -0.8*v }\n event touch when h <= 0 { n += 1 }", 0.6,
			[]float64{0.8*fall*after - 9.81/2*after*after, 0.8*fall - 9.81*after, 1},
		},
		"put to rest by another": {
			ball + "event bounce when h <= 0 { v := -0.7*v; zeno rest { h := 0; v := 0 } }\n event put at t = 0.2 priority 1 { h := 0; v := 0 }", 2, []float64{0, 0},
		},
		"at rest from the start": {
			"state h = 0; state v = 0\n h' = v\n v' = -9.81 + (if t > 1 then 12 else 0)\n event bounce when h <= 0 { v := -0.7*v; zeno rest { h := 0; v := 0 } }",
			2,
			[]float64{2.19 / 2, 2.19},
		},
		"a strict one at rest from the start": {
			"state h = 0; state v = 0\n h' = v\n v' = -9.81\n event bounce when h < 0 { v := -0.7*v; zeno rest { h := 0; v := 0 } }", 2, []float64{0, 0},
		},
		"two that rest on each other": {
			"state a = 0.5; state b = 1; state va = 0; state vb = 0\n a' = va\n b' = vb\n va' = -9.81\n vb' = -9.81\n" +
				" event floor1 when a <= 0 priority 2 { va := -0.5*va; zeno rest { a := 0; va := 0 } }\n" +
				" event hit when b <= a + 0.2 priority 1 { va := vb; vb := va; zeno rest { b := 0.2; vb := 0 } }", 5, []float64{0, 0.2, 0, 0},
		},
		"hardly any restitution": {ball + "event bounce when h <= 0 { v := -1e-9*v; zeno rest { h := 0; v := 0 } }", 2, []float64{0, 0}},
		"a touch by min":         {"state x = -1\n discrete n = 0\n x' = 1\n event e when min(x, 2 - x) >= 1 { n += 1 }", 5, []float64{4, 1}},
		"where something else happens": {
			"state x = -1; state y = 0\n discrete n = 0\n x' = 1\n y' = 0\n event e when min(x, 2 - x) >= 1 { n += 1 }\n event other at t = 2 { y += 1 }", 5, []float64{4, 1, 1},
		},
		"a touch by if":  {"state x = -1\n discrete n = 0\n x' = 1\n event e when (if x < 1 then x else 2 - x) >= 1 { n += 1 }", 5, []float64{4, 1}},
		"a touch by abs": {"state x = -1\n discrete n = 0\n x' = 1\n event e when abs(x - 1) <= 0 { n += 1 }", 5, []float64{4, 1}},
		"a strict touch": {"state x = -1\n discrete n = 0\n x' = 1\n event e when min(x, 2 - x) > 1 or abs(x - 1) > 0 and x > 3 { n += 1 }", 3, []float64{2, 0}},
		"both ways by max": { // from 3 on
			"state x = -1\n discrete n = 0\n x' = 1\n event e when max(x - 2, -x - 1) <= -1 or x >= 3.5 { n += 1 }", 5, []float64{4, 2},
		},
		"a saw-tooth": {"state x = -1\n discrete n = 0\n x' = 1\n event e when x - floor(x) <= 0 { n += 1 }", 4.5, []float64{3.5, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			for solver, tol := range map[string]float64{"tsit5 { rtol: 1e-6, atol: 1e-9 }": 1e-5, "dopri5 { rtol: 1e-10, atol: 1e-12 }": 1e-7} {
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

// TestNoSilence: an event that would have to fire again at once, and without end, ends
// the run with a failure that names it, and is never one firing and then silence.
func TestNoSilence(t *testing.T) {
	const ball = "state h = 1; state v = 0\n h' = v\n v' = -9.81\n "
	for name, c := range map[string]struct{ body, status, event string }{
		"back onto its surface":    {"state x = 0\n discrete n = 0\n x' = 1\n event e when x > 1 { x := 1; n += 1 }", "event_sliding", "e"},
		"put there at rest":        {ball + "event bounce when h <= 0 { v := -0.7*v }\n event put at t = 0.2 priority 1 { h := 0; v := 0 }", "event_zeno", "bounce"},
		"hardly any restitution":   {ball + "event bounce when h <= 0 { v := -1e-9*v }", "event_zeno", "bounce"},
		"at rest there, and below": {"state h = 0; state v = 0\n h' = v\n v' = -9.81\n event bounce when h < 0 { v := -0.7*v }", "event_zeno", "bounce"},
	} {
		m, err := Parse("m.node", "model M {\n"+c.body+"\n}\nsimulate { until: 3 }")
		require.NoError(t, err, name)
		_, err = m.Simulate(context.Background(), SimulateOptions{})
		var run *RunError
		require.True(t, errors.As(err, &run), "%s: %v", name, err)
		require.Equal(t, c.status, run.Status.String(), name)
		require.ErrorContains(t, err, c.event, name)
	}
}
