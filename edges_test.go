package pinode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// slideTimes are the times at which a run begins and ceases to slide.
func slideTimes(tr *Trajectory) (list []float64) {
	for _, e := range tr.Events {
		if e.Surface != "" {
			list = append(list, e.Time)
		}
	}
	return list
}

// TestFloorEdgeHolds: x' = t/4 − floor(x) from 0.9 reaches 1 at √0.8 and is held
// there until t/4 = 1, from where on x = 1 + (t − 4)²/8, up to 2.
func TestFloorEdgeHolds(t *testing.T) {
	for _, rtol := range []string{"1e-4", "1e-9"} {
		tr, err := simulated(t, `model M {
  param a = 0.25
  state x = 0.9
  x' = a*t - floor(x)
}
simulate { until: 6, times: [0.5, 2, 6], solver: tsit5 { rtol: `+rtol+`, atol: 1e-11 } }`)
		require.NoError(t, err)
		require.InDeltaSlice(t, []float64{math.Sqrt(0.8), 4}, slideTimes(tr), 1e-8)
		for _, row := range tr.Rows {
			want := 1.
			switch at := row[0]; {
			case at < math.Sqrt(0.8):
				want = 0.9 + at*at/8
			case at > 4:
				want = 1 + (at-4)*(at-4)/8
			}
			require.InDelta(t, want, row[1], 1e-8, "t = %g", row[0])
		}
	}
	m, err := Parse("m.node", `model M {
  param a = 0.25
  param x0 = 0.9
  state x = x0
  x' = a*t - floor(x)
}
simulate { until: 6 }`)
	require.NoError(t, err)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s, %s: %g", c.Mode, c.Where, c.Worst)
	// x(6) = 1 + (6a − 1)²/(2a).
	require.InDelta(t, 6*0.5/0.25-0.25/(2*0.0625), c.Targets[0].Rows[0].Difference, 1e-6)
}

// TestFieldsThatTurn: fields that turn about the intersection of two surfaces lead
// to it in ever shorter arcs: |x| + 2|y| and 2|x| + |y| fall at constant rates, so
// that all is over at a time that follows from the first arcs by a geometric series.
func TestFieldsThatTurn(t *testing.T) {
	tr, err := simulated(t, `model Spiral {
  state x = 1
  state y = 0.6
  x' = -sign(x) + 2*sign(y)
  y' = -2*sign(x) - sign(y)
}
simulate { until: 2, times: [1, 2] }`)
	require.NoError(t, err)
	// Both signs positive: (x, y) moves by (1, −3) until y = 0 at t = 0.2, x = 1.2;
	// then by (−3, −1) until x = 0 at 0.4 later, y = −0.4. A quarter turn takes the
	// distance 1.2 to 0.4 in 0.4, so that the end is at 0.2 + 0.4/(1 − 1/3) = 0.8.
	for _, at := range slideTimes(tr) {
		require.InDelta(t, 0.8, at, 1e-9)
	}
	require.InDeltaSlice(t, []float64{0, 0}, tr.Rows[len(tr.Rows)-1][1:], 1e-12)
}
