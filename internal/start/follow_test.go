package start

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// heated is a state that a relay heats, and one behind it that nothing observes, from a wrong
// start and with thresholds that the data never reach.
const heated = `model Relay {
  time t
  param k in (0, inf) = 0.6
  param low = -3
  param high = 9
  discrete on = 0
  state y = 1
  state h = 4
  y' = 2*on - y + h/2
  h' = k*(y - h)
  event cold when y <= low { on := 1 }
  event warm when y >= high { on := 0 }
  observe seen = y ~ normal(0.001)
}
data d from "data.csv" {
  time: t
  seen: y
}
`

// TestFollow: what is hidden forgets its wrong start as its equation says, along a state that
// is taken back to the data at each row, with the modes of the relay that these show.
func TestFollow(t *testing.T) {
	const dt, end = 0.05, 12.
	on, now, y := 0., 0., []float64{1, 1}
	var rows [][]float64
	var hidden []float64
	field := func(_ float64, y []float64) []float64 { return []float64{2*on - y[0] + y[1]/2, 0.6 * (y[0] - y[1])} }
	for ; now < end; now += dt {
		rows, hidden = append(rows, []float64{now, y[0]}), append(hidden, y[1])
		for range 20 {
			if y = rk4(field, y, 0, dt/20); y[0] <= 0.9 {
				on = 1
			} else if y[0] >= 1.6 {
				on = 0
			}
		}
	}
	f := load(t, heated, table("t,y", rows...))
	require.True(t, f.data.SomeObserved())
	require.NoError(t, f.data.CannotCut())
	states, err := f.data.Follow(t.Context(), f.x, options, 2)
	require.NoError(t, err)
	for i, r := range rows {
		// Its error e has ė = −k e, but for what the state between two rows feels of it.
		left := 3 * math.Exp(-0.6*r[0])
		require.InDelta(t, left, states.at[0][i][1]-hidden[i], 0.03+0.03*left, "t = %g", r[0])
	}
	list := f.data.Cut(f.x, Cut{Rows: 2, Smoothed: true, Open: states})
	require.Len(t, list, len(rows)-1) // the first begins as the model says, on a row
	last := list[len(list)-1].Alternatives[0].Beginning
	require.InDelta(t, hidden[len(rows)-2], last.Y[1], 0.03)

	whole := load(t, dosed, dosedTable())
	require.False(t, whole.data.SomeObserved(), "all is observed")
}
