package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two tanks that a tide fills and empties through one opening: the flow turns where its slope is infinite, with a rate that is small
// there. Water runs downhill in every row, and the last levels are those of the classical method.
func TestTideTurns(t *testing.T) {
	t.Parallel()
	want := classical(func(t float64, y, f []float64) {
		d := y[0] - y[1]
		q := 0.6 * math.Copysign(math.Sqrt(math.Abs(d)), d)
		f[0], f[1] = 0.3*math.Sin(t)-q-0.02*y[0], q-0.1*y[1]
	}, []float64{1, 1.4}, 11.1, 400_000)
	times := ""
	for i := 1; i <= 30; i++ {
		times += fmt.Sprintf("%.4g, ", 0.37*float64(i))
	}
	for _, solver := range []string{"auto", "vern7", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, rtol := range []float64{1e-3, 3e-4, 1e-4, 2e-5, 1e-6} {
			m, err := Parse("tide.node", fmt.Sprintf(`model Tide {
  param k = 0.6
  state a = 1
  state b = 1.4
  let q = k*sign(a - b)*sqrt(abs(a - b))
  a' = 0.3*sin(t) - q - 0.02*a
  b' = q - 0.1*b
}
simulate { times: [%s], solver: %s { rtol: %g } }`, times[:len(times)-2], solver, rtol))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err, "%s, %g", solver, rtol)
			rows := s.Trajectories[0].Rows
			for _, row := range rows {
				d := row[1] - row[2]
				require.GreaterOrEqual(t, row[3]*d, -30*rtol, "%s, %g at %g", solver, rtol, row[0])
			}
			last := rows[len(rows)-1]
			within := 10 * rtol
			if rtol > 1e-4 {
				within = 12 * rtol
			}
			require.InDeltaSlice(t, want, last[1:3], within+1e-6, "%s, %g", solver, rtol)
		}
	}
}

// TestServo: a time-optimal servo with margin, v' = −sign(v + 0.6 sign(x) √(2|x|)), slides along its curve into its rest, where the curve
// has an infinite slope and what the tolerances leave of x is much in v. It stays there; a few runs are refused there, none runs away.
func TestServo(t *testing.T) {
	t.Parallel()
	refused := 0
	for _, solver := range []string{"auto", "vern7", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, rtol := range []float64{1e-4, 1e-6, 1e-8} {
			m, err := Parse("servo.node", fmt.Sprintf(`model Servo {
  state x = -2
  state v = 0
  x' = v
  v' = -sign(v + 0.6*sign(x)*sqrt(2*abs(x)))
}
simulate { times: [3, 4, 5, 6, 7, 8], solver: %s { rtol: %g, max_steps: 20000 } }`, solver, rtol))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			if err != nil {
				refused++
				continue
			}
			for _, row := range s.Trajectories[0].Rows {
				switch {
				case row[0] == 3: // on the curve x = −v²/(2·0.36), with v' = −0.36 from its start at t = 1.0289…
					v := 1.0289915108550527 - 0.36*(3-1.0289915108550527)
					require.InDelta(t, v, row[2], 1e-4+10*rtol, "%s, %g", solver, rtol)
					require.InDelta(t, -v*v/0.72, row[1], 1e-4+10*rtol, "%s, %g", solver, rtol)
				case row[0] >= 4:
					require.InDelta(t, 0, row[1], 1e-4, "%s, %g at %g", solver, rtol, row[0])
					require.InDelta(t, 0, row[2], 0.2*math.Sqrt(rtol)+1e-3, "%s, %g at %g", solver, rtol, row[0])
				}
			}
		}
	}
	require.LessOrEqual(t, refused, 4)
}

// TestCheckValves: two check valves with the law of a root, which open and shut by what is on both sides, without a delay.
func TestCheckValves(t *testing.T) {
	t.Parallel()
	root := func(d float64) float64 { return math.Sqrt(math.Max(d, 0)) }
	want := classical(func(t float64, y, f []float64) {
		in, mid := 0.8*root(1+0.5*math.Sin(2*t)-y[0]), 0.5*root(y[0]-y[1])
		f[0], f[1] = in-mid, mid-0.1*root(y[1])
	}, []float64{0.3, 0.1}, 10.5, 400_000)
	for _, solver := range []string{"auto", "vern7", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, rtol := range []float64{1e-3, 1e-4, 1e-6} {
			m, err := Parse("valves.node", fmt.Sprintf(`model Valves {
  state a = 0.3
  state b = 0.1
  let into = 0.8*sqrt(max(1 + 0.5*sin(2*t) - a, 0))
  let mid = 0.5*sqrt(max(a - b, 0))
  a' = into - mid
  b' = mid - 0.1*sqrt(max(b, 0))
}
simulate { times: [10.5], solver: %s { rtol: %g } }`, solver, rtol))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err, "%s, %g", solver, rtol)
			rows := s.Trajectories[0].Rows
			require.InDeltaSlice(t, want, rows[len(rows)-1][1:3], 10*rtol+2e-5, "%s, %g", solver, rtol)
		}
	}
}
