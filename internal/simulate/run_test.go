package simulate

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// decaying is x = x0 e^−kt, doubled at t = 1, over a table with rows of two trajectories.
const decaying = `model M {
  param k in (0, inf) = 0.5
  covariate c
  state x = c
  discrete n = 0
  x' = -k*x
  event double at t = 1 { x := 2*x; n := n + 1 }
  let half = x/2
  observe y = x + 1 ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: g, y: y, c: c }
simulate { %s, solver: vern9 { rtol: 1e-11, atol: 1e-13 } }
`

const decayingRows = "g,c,t,y\na,3,0,4.5\na,3,0.5,\na,3,2,2\nb,2,1,5\nb,2,1,4\n"

func simulated(t *testing.T, settings string, o Options) *Simulation {
	t.Helper()
	from := problemtest.Open(t, fmt.Sprintf(decaying, settings), decayingRows)
	_, values := environ.Settings(from.Prog.Checked)
	m := &Simulator{Prog: &engine.Compiled{Program: from.Prog}, Data: from, Settings: values}
	s, err := m.Run(t.Context(), o)
	require.NoError(t, err)
	return s
}

// at is x at a time, behind what happens then.
func at(x0, k, t float64) float64 {
	if t >= 1 {
		x0 *= 2
	}
	return x0 * math.Exp(-k*t)
}

// TestRowsOfData: a row for each of the table, with its value and the residual, which are none
// where nothing was measured, and the instants between them.
func TestRowsOfData(t *testing.T) {
	s := simulated(t, "seed: 1", Options{EveryRow: true})
	require.Equal(t, []string{"t", "x", "n", "half", "y", "y_data", "y_residual"}, s.Columns)
	require.Len(t, s.Units, 7)
	require.Len(t, s.Trajectories, 2)
	a, b := s.Trajectories[0], s.Trajectories[1]
	require.Equal(t, []string{"g=a", "g=b"}, []string{a.Name, b.Name})
	nan := math.NaN()
	row := func(x0, t, x, n, y float64) []float64 { return []float64{t, x, n, x / 2, x + 1, y, y - x - 1} }
	want := [][]float64{
		row(3, 0, 3, 0, 4.5), // the row at 0.5 measures nothing
		row(3, 1, at(3, 0.5, 1)/2, 0, nan), row(3, 1, at(3, 0.5, 1), 1, nan), row(3, 2, at(3, 0.5, 2), 1, 2),
	}
	require.Len(t, a.Rows, len(want))
	for i, r := range a.Rows {
		for k, v := range r {
			require.Equal(t, math.IsNaN(want[i][k]), math.IsNaN(v), "row %d, column %d", i, k)
			if !math.IsNaN(v) {
				require.InDelta(t, want[i][k], v, 1e-9, "row %d, column %d", i, k)
			}
		}
	}
	var data []float64
	for _, r := range b.Rows {
		if !math.IsNaN(r[5]) {
			data = append(data, r[5])
			require.InDelta(t, at(2, 0.5, 1)+1, r[4], 1e-9)
			require.InDelta(t, r[5]-r[4], r[6], 1e-12)
		}
	}
	require.Equal(t, []float64{5, 4}, data, "both rows of one time, in the order of the table")
	require.Len(t, a.Events, 1)
	require.InDeltaSlice(t, []float64{at(3, 0.5, 1) / 2, 0}, a.Events[0].Before, 1e-9)
	require.InDeltaSlice(t, []float64{at(3, 0.5, 1), 1}, a.Events[0].After, 1e-9)
}

// TestGridsAndSweeps: output times from a start on, points of sweeps with every sample, columns
// that are asked for, values that are set.
func TestGridsAndSweeps(t *testing.T) {
	s := simulated(t, "from: 0.25, until: 2, step: 0.5, sweep: { k: [1, 2], x: [3, 5] }, outputs: [half, x]", Options{Set: map[string]float64{"c": 7}})
	require.Equal(t, []string{"t", "half", "x"}, s.Columns)
	var names []string
	for i, tr := range s.Trajectories {
		names = append(names, tr.Name)
		k, x0 := []float64{1, 1, 2, 2}[i%4], []float64{3, 5, 3, 5}[i%4]*math.Exp(0.25*[]float64{1, 1, 2, 2}[i%4])
		var times []float64
		for _, r := range tr.Rows {
			times = append(times, r[0])
			x := at(x0, k, r[0])
			if r[0] == 1 && len(times) == 3 { // before the jump
				x /= 2
			}
			require.InDelta(t, x, r[2], 1e-9, "%s at %g", tr.Name, r[0])
			require.InDelta(t, x/2, r[1], 1e-9)
		}
		require.Equal(t, []float64{0.25, 0.75, 1, 1, 1.25, 1.75, 2}, times)
	}
	require.Equal(t, []string{
		"g=a, k=1, x=3", "g=a, k=1, x=5", "g=a, k=2, x=3", "g=a, k=2, x=5",
		"g=b, k=1, x=3", "g=b, k=1, x=5", "g=b, k=2, x=3", "g=b, k=2, x=5",
	}, names)

	until := 0.5
	s = simulated(t, "times: [0.5, 0, 0.5]", Options{Until: &until, Set: map[string]float64{"k": 3, "c": 2}})
	require.Len(t, s.Trajectories[0].Rows, 2)
	require.InDelta(t, 2*math.Exp(-1.5), s.Trajectories[0].Rows[1][1], 1e-9)
}
