package pinode

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// drifting has an unknown that moves five times as fast as what moves it at times: the
// solution is x = cos t, and a the real root of a³ + a = 5x, by Cardano's formula.
const drifting = `model Drifting {
  param c = 5
  state x = 1
  state y = 0
  algebraic a = 1
  x' = y
  y' = -x
  0 = a^3 + a - c*x
  observe seen = a
}
simulate { until: %g, step: 1.37, solver: %s }`

// TestConstraintsHold: with every solver that is adaptive the unknowns satisfy their
// equation at all outputs, within the tolerance, after a thousand units of time.
func TestConstraintsHold(t *testing.T) {
	for _, solver := range []string{"tsit5", "vern7", "bs5", "auto", "rosenbrock23", "rodas4", "rodas5p", "kvaerno5", "radau", "bdf"} {
		t.Run(solver, func(t *testing.T) {
			m, err := Parse("drifting.node", fmt.Sprintf(drifting, 1000., solver))
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			for _, r := range s.Trajectories[0].Rows {
				x, a := r[1], r[3]
				off := (a*a*a + a - 5*x) / (3*a*a + 1)
				require.Less(t, math.Abs(off), 1e-6, "at %g", r[0])
			}
		})
	}
}

// TestConstraintsGradient: derivatives go through what keeps the unknowns on their
// equations, at the ends of steps and at rows inside of them, in every mode.
func TestConstraintsGradient(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("id,t,seen\n")
	for id := range 3 {
		for k := range 5 {
			fmt.Fprintf(&rows, "%d,%g,%g\n", id, 0.31+0.7*float64(k)+0.01*float64(id), math.Cos(float64(k+id)))
		}
	}
	for _, solver := range []string{"tsit5", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
		t.Run(solver, func(t *testing.T) {
			m := fromText(t, fmt.Sprintf(drifting, 20., solver)+fmt.Sprintf(`
data d from "d.csv" { time: t, trajectory: id, seen: seen }
fit { solver: %s { rtol: 1e-3, atol: 1e-3 } }`, solver), rows.String())
			c, err := m.Certify(t.Context(), 10)
			require.NoError(t, err)
			require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)
		})
	}
}
