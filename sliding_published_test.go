package pinode

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A block on a belt whose friction falls with the speed: x” = −x + F(x' − 0.2)
// from (0.04, −0.01), by an integrator of order 8 at 3e-14.
var (
	stickTimes = []float64{0.2446888017833, 9.6355649822426}
	tearTimes  = []float64{4.9321999843005}
)

const stickSlip = `model StickSlip {
  param x0 = 0.04
  param y0 = -0.01
  param belt = 0.2
  state x = x0
  state y = y0
  x' = y
  y' = -x + (if y < belt then 1/(1.2 - y) else -1/(0.8 + y))
}
simulate { until: %, step: %, solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`

// A relay that controls a third-order system without hysteresis
// (P.T. Piiroinen, Yu.A. Kuznetsov, ACM TOMS 34(3), 13, 2008, eq. 32): the
// first pieces of a long pattern of sliding and free motion.
var (
	oscillatorExits = []float64{2.812403376, 3.068976833, 3.335069362, 4.932147856}
	oscillatorHits  = []float64{3.041621639, 3.289499164, 3.539056523}
	oscillatorEnd   = []float64{0, -0.8973301895, 2.3586988112} // at 10
)

const relayControl = `model Relay {
  const w = 25
  const xi = 0.05
  state x = 0
  state y = -0.001
  state z = -0.02
  let u = -sign(x)
  x' = -(2*xi*w + 1)*x + y + u
  y' = -(2*xi*w + w^2)*x + z - 2*u
  z' = -w^2*x + u
}
simulate { until: 10, step: 1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

// TestPublishedSliding: times of sticking and letting go that others have
// computed.
func TestPublishedSliding(t *testing.T) {
	t.Run("belt", func(t *testing.T) {
		tr, err := simulated(t, strings.ReplaceAll(stickSlip, "%", "12"))
		require.NoError(t, err)
		in, out := slidingPhases(tr)
		require.InDeltaSlice(t, stickTimes, in, 1e-8)
		require.InDeltaSlice(t, tearTimes, out, 1e-7, "the path is tangent to the surface where it leaves")

		at := func(until string) []float64 {
			tr, err := simulated(t, strings.ReplaceAll(stickSlip, "%", until))
			require.NoError(t, err)
			return tr.Rows[len(tr.Rows)-1][1:3]
		}
		require.InDeltaSlice(t, []float64{0.0624977634966 + 0.2*(3-0.2446888017833), 0.2}, at("3"), 1e-9)
		require.InDeltaSlice(t, []float64{0.0945189079718 + 0.2*(12-9.6355649822426), 0.2}, at("12"), 1e-8)
		// From the place where it is torn off the motion is always the same.
		require.InDeltaSlice(t, at("6"), at("15.230770458083"), 1e-7, "the period is 9.230770458083")
	})
	t.Run("belt, derivatives", func(t *testing.T) {
		m, err := Parse("model.node", strings.ReplaceAll(stickSlip, "%", "7"))
		require.NoError(t, err)
		cert, err := m.Certify(context.Background(), 1000)
		require.NoError(t, err)
		require.Less(t, cert.Worst, 1e-6, "%s, %s", cert.Mode, cert.Where)
		// What is left of the start is a shift of the time: the derivatives of
		// the end are along the field there.
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		rows := s.Trajectories[0].Rows
		x, y := rows[len(rows)-1][1], rows[len(rows)-1][2]
		dx, dy := y, -x+1/(1.2-y)
		for _, name := range []string{"x0", "y0"} {
			for j := range cert.Modes {
				var d []float64
				for _, target := range cert.Targets {
					i := slices.IndexFunc(target.Rows, func(r CertifiedPartial) bool { return r.Name == name })
					if target.Event < 0 {
						d = append(d, target.Rows[i].Gradient[j])
					}
				}
				require.InDelta(t, 0, (d[0]*dy-d[1]*dx)/math.Hypot(dx, dy), 1e-7, "%s, %s", name, cert.Modes[j])
				require.Greater(t, math.Hypot(d[0], d[1]), 1e-3, "%s, %s", name, cert.Modes[j])
			}
		}
	})
	t.Run("relay", func(t *testing.T) {
		tr, err := simulated(t, relayControl)
		require.NoError(t, err)
		in, out := slidingPhases(tr)
		require.GreaterOrEqual(t, len(in), 3)
		require.GreaterOrEqual(t, len(out), 4)
		require.InDeltaSlice(t, oscillatorHits, in[:3], 2e-8)
		require.InDeltaSlice(t, oscillatorExits, out[:4], 2e-8)
		require.Len(t, out, 17, "to the end")
		require.InDeltaSlice(t, oscillatorEnd, tr.Rows[len(tr.Rows)-1][1:4], 1e-7)
	})
	t.Run("static friction above kinetic", func(t *testing.T) {
		// m = k = 1: it slips for 2π − 2 atan((Fs − Fk)/v) and sticks for 2(Fs − Fk)/v.
		c := &closedForm{
			model: `model Belt {
  param Fs = 1
  param Fk = 0.5
  param belt = 0.2
  state x = 0
  state v = belt
  discrete stuck = 1
  x' = v
  v' = if stuck > 0.5 then 0 else Fk - x
  event slip when x >= Fs and stuck > 0.5 { stuck := 0 }
  event stick when rising(v - belt) and stuck < 0.5 { stuck := 1; v := belt }
}
simulate { until: 20, solver: tsit5 { rtol: 1e-12, atol: 1e-13 } }`,
			start: map[string]float64{"Fs": 1, "Fk": 0.5, "belt": 0.2},
			ends:  2, events: 4,
			formula: func(p map[string]complex128) []complex128 {
				a := p["Fs"] - p["Fk"]
				ratio := a / p["belt"]
				half := complex(math.Atan(real(ratio)), imag(ratio)/(1+real(ratio)*real(ratio))) // atan, to first order
				slip := 2*math.Pi - 2*half
				first := p["Fs"] / p["belt"]
				stick := 2 * a / p["belt"]
				last := first + 2*slip + stick
				x := p["Fk"] - a + p["belt"]*(20-first-slip-slip-stick)
				return []complex128{x, p["belt"], first, first + slip, first + slip + stick, last}
			},
		}
		v := c.formula(map[string]complex128{"Fs": 1, "Fk": 0.5, "belt": 0.2})
		require.InDelta(t, 3.90260540781452, real(v[3]-v[2]), 1e-13)
		require.InDelta(t, 8.90260540781452, real(v[4]-v[2]), 1e-13)
		c.check(t, 1e-8)
	})
}
