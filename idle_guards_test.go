package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Guards that are zero along a whole piece of the motion, or no numbers there, while the rest of their condition is
// false: the switching curve that a body follows once it has switched, the same under a root. What else happens on the
// way is found at its time. Closed forms.
func TestZeroAlongTheMotion(t *testing.T) {
	t.Parallel()
	burn := math.Sqrt(100 / (9.81/2 + 9.81*9.81/20))
	brake := math.Sqrt(250 / 2.25)
	turn := math.Sqrt(2 / 1.5)
	toRest := " state x = 2\n state v = 0\n discrete u = -1\n x' = v\n v' = 1.5*u\n event end when v >= 0 and u > 0 { u := 0; v := 0 }\n"
	for i, c := range []struct {
		name, model string
		events      []float64
	}{
		{"to rest in the least time", toRest + "event turn when x <= v^2/3 and u < 0 { u := 1 }", []float64{turn, 2 * turn}},
		{"beside a clock", toRest + "event turn when x <= v^2/3 and u < 0 { u := 1 }\n state c = 0\n c' = 1\n event late when x - v^2/3 > 0 and c > 50 { c := c }", []float64{turn, 2 * turn}},
		{"before a clock", toRest + "event turn when x <= v^2/3 and u < 0 { u := 1 }\n state c = 0\n c' = 1\n event late when c >= 2 and x + 1 > 0 and u > 0 { c := c }", []float64{turn, 2, 2 * turn}},
		{"landing", ` state h = 100
 state v = 0
 discrete m = 0
 h' = v
 v' = if m == 0 then -9.81 else if m == 1 then 10 else 0
 event burn when h <= v^2/20 and m == 0 { m := 1 }
 event down when v >= 0 and m == 1 { m := 2; v := 0 }`, []float64{burn, burn * 1.981}},
		{"braking", ` state x = 0
 state v = 0
 discrete m = 0
 x' = v
 v' = if m == 0 then 1 else if m == 1 then -1.25 else 0
 event brake when v >= sqrt(2.5*(100 - x)) and m == 0 { m := 1 }
 event stop when v <= 0 and m == 1 { m := 2; v := 0 }`, []float64{brake, 1.8 * brake}},
		{"no number", " state x = 1\n x' = -1\n event root when sqrt(x) < 0.5 and x > 0.1 { x := x }\n event below when x < -1 { x := x }", []float64{0.75, 2}},
	} {
		for j, solver := range []string{"auto", "tsit5", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for k, rtol := range []float64{1e-4, 1e-6, 1e-9} {
				if !inPairs(i, j, k) {
					continue
				}
				m, err := Parse("idle.node", fmt.Sprintf("model M {\n%s\n}\nsimulate { times: [25], solver: %s { rtol: %g } }", c.model, solver, rtol))
				require.NoError(t, err, c.name)
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err, "%s, %s, %g", c.name, solver, rtol)
				var times []float64
				for _, e := range s.Trajectories[0].Events {
					times = append(times, e.Time)
				}
				require.InDeltaSlice(t, c.events, times, 1e-9, "%s, %s, %g", c.name, solver, rtol)
			}
		}
	}
}

// A guard that is not a number is an error from where the rest of its condition reads it on.
func TestNoNumberIsRead(t *testing.T) {
	t.Parallel()
	for _, late := range []string{
		"event late when t >= 2 { on := 1 }",
		"state c = 0\n c' = 1\n event late when c >= 2 { on := 1 }",
	} {
		m, err := Parse("idle.node", `model M {
 state x = 1
 discrete on = 0
 x' = -1
 `+late+`
 discrete seen = 0
 event root when sqrt(x) > 0.5 and on == 1 { seen := 1 }
}
simulate { times: [3] }`)
		require.NoError(t, err)
		_, err = m.Simulate(t.Context(), SimulateOptions{})
		require.ErrorContains(t, err, "its guard is not a number")
		require.ErrorContains(t, err, "`sqrt(x) > 0.5`")
		require.ErrorContains(t, err, "t = 2")
	}
}

// Two guards that cross hundreds of times in a step and are never beyond together, beside events that have their times: the sides
// of guards that were not looked at for a while are those of their values.
func TestManyCrossings(t *testing.T) {
	t.Parallel()
	for _, w := range []float64{700, 2000, 5000} {
		for _, solver := range []string{"auto", "dop853", "radau"} {
			text, want := "", []float64{}
			for i := range 12 {
				at := 0.61 * float64(i+1)
				text += fmt.Sprintf(" event e%d when x >= %g { seen := %d }\n", i, at, i)
				want = append(want, at)
			}
			m, err := Parse("many.node", fmt.Sprintf("model M {\n state x = 0\n discrete seen = 0\n x' = 1\n event never when sin(%g*t) > 0.9 and cos(%g*t) > 0.9 { x := x }\n%s}\nsimulate { times: [8], solver: %s }", w, w, text, solver))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err, "%g, %s", w, solver)
			var times []float64
			for _, e := range s.Trajectories[0].Events {
				times = append(times, e.Time)
			}
			require.InDeltaSlice(t, want, times, 1e-9, "%g, %s", w, solver)
		}
	}
}

// The derivative of the time of landing, behind a piece along which the guard of the ignition is zero.
func TestGradientsBehindZero(t *testing.T) {
	t.Parallel()
	m := fromText(t, `model Land {
  param h0 = 100
  state h = h0
  state v = 0
  discrete m = 0
  discrete ts = 0
  h' = v
  v' = if m == 0 then -9.81 else if m == 1 then 10 else 0
  event burn when h <= v^2/20 and m == 0 { m := 1 }
  event down when v >= 0 and m == 1 { m := 2; v := 0; ts := t }
  observe seen = ts ~ normal(1)
}
data d from "d.csv" { time: t; seen: seen }
`, "t,seen\n0,0\n10,0\n")
	down := 1.981 * math.Sqrt(100/(9.81/2+9.81*9.81/20))
	for _, solver := range []string{"auto", "rodas5p", "radau", "kvaerno5"} {
		for _, mode := range []string{"unrolled", "forward", "adjoint"} {
			setFit(t, m, "gradient", mode, "solver", solver)
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err, "%s, %s", solver, mode)
			require.InEpsilon(t, -down*down/200, e.Gradient.Params["h0"], 1e-6, "%s, %s", solver, mode)
		}
	}
}
