package problem_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// TestTurnedBack: an encoder runs over the given rows, or all, from the last to the start, on a
// clock that goes on from there; it has what its trajectory has, and one save, at the end.
func TestTurnedBack(t *testing.T) {
	const model = `model Encoder {
  observe x
  observe z
  param a = 0.8
  state s = 0
  s' = a*s
  event one on observation of x { s := s + data(x) }
  event two on observation of z priority 2 { s := s + data(z) }
  let mean = s
}
model M {
  use Encoder as enc backward
  param k = 1
  state y = enc.mean
  y' = -k*y
  observe x = y
  observe z = 2*y
}
data d from "data.csv" { time: t, trajectory: id, x: x, z: z, from: 0.5%s }
`
	const rows = "id,t,x,z,g\n1,0.5,1,,1\n1,2,,5,0\n1,2.5,3,6,1\n1,4,4,,0\n2,1,,,1\n2,3,7,,0\n"
	for given, want := range map[string]struct {
		last  float64
		times []float64
		of    []int
		first []float64
		joint []bool
	}{
		"":                {4, []float64{0.5, 2, 2, 2.5, 4}, []int{0, 0, 1, 1, 0}, []float64{4, 0, 1, 0}, []bool{false, false, true, false, false}},
		", given: g == 1": {2.5, []float64{0.5, 0.5, 2.5}, []int{0, 1, 0}, []float64{3, 6, 1, 1}, []bool{false, true, false}},
	} {
		f := problemtest.Load(t, fmt.Sprintf(model, given), rows)
		enc := f.Prog.Encoder
		it := f.Trajectories[0]
		back := it.TurnedBack(enc)
		require.Same(t, back, it.TurnedBack(enc), "it is kept")
		require.Equal(t, it.Name, back.Name)
		require.Equal(t, 0.5, back.Span.T0)
		require.Equal(t, want.last, back.Span.T1)
		require.Equal(t, []float64{want.last}, back.Span.Saves)
		var times []float64
		var of []int
		var joint []bool
		for _, x := range back.Span.Firings {
			times, of, joint = append(times, x.T), append(of, x.Event), append(joint, x.Joint)
		}
		require.Equal(t, want.times, times, given)
		require.Equal(t, want.of, of, given)
		require.Equal(t, want.joint, joint, given)
		require.Equal(t, want.first, back.Span.Firings[0].Args, "of the last row")
		for _, s := range enc.Model.Layout.Trajectory {
			if s.Kind == lower.FromTurn {
				require.Equal(t, 0.5+want.last, back.Given[s.Off])
			}
		}
		require.Len(t, it.Rows, 4, "the trajectory has all of its rows")
	}
	f := problemtest.Load(t, fmt.Sprintf(model, ", given: id == 1"), rows)
	back := f.Trajectories[1].TurnedBack(f.Prog.Encoder)
	require.Equal(t, []float64{0.5, 0.5}, []float64{back.Span.T0, back.Span.T1}, "none of its rows is given: it knows nothing")
	require.Empty(t, back.Rows)
	require.Empty(t, back.Span.Firings)
	require.Equal(t, []float64{0.5}, back.Span.Saves)
}
