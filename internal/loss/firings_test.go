package loss

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestFirings: x grows at the rate k to th, where it begins anew and y grows by one: at n·th/k. So the times grow with th, and
// fall with k. A row beside a firing sees its jump; that of an observation that does not jump, or is not measured there, does not, and
// the next one does.
func TestFirings(t *testing.T) {
	o, x := objective(t, `model M {
  param k in (0, inf) = 0.5
  param th in (0, inf) = 1
  state x = 0
  state y = 0
  state z = 0
  x' = k
  y' = 0
  z' = 1
  event again when x >= th { x := 0; y := y + 1 }
  observe counted = y ~ normal(0.2)
  observe clock = z ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: id, counted: n, clock: c }
`, "id,t,n,c\n1,0.5,0.1,0.5\n1,1.5,,1.5\n1,2.5,0.9,2.5\n1,5,2.1,5\n2,1,0,1\n", "unrolled")
	s, _, want, slopes := residuals(t, o, x)
	r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
	res, list, err := s.WithFirings(t.Context(), x, 1, r, jac)
	require.NoError(t, err)
	require.False(t, res.Failed)
	require.Equal(t, want, r)
	require.True(t, mat.Equal(slopes, jac))
	require.Len(t, list, 2)
	rise := func(here, there, seen float64) float64 {
		return ((there-seen)*(there-seen) - (here-seen)*(here-seen)) / (2 * 0.2 * 0.2)
	}
	for n, rows := range [][2]Neighbour{
		{{0.5, rise(0, 1, 0.1), true}, {2.5, rise(1, 0, 0.9), true}},
		{{2.5, rise(1, 2, 0.9), true}, {5, rise(2, 1, 2.1), true}},
	} {
		f, at := list[n], 2*float64(n+1)
		require.Equal(t, [2]int{0, 0}, [2]int{f.Of, f.Event})
		require.InDelta(t, at, f.T, 1e-6)
		require.InDeltaSlice(t, []float64{-at, at}, f.By, 1e-5) // by ln k and ln th
		for side := range rows {
			require.True(t, f.Rows[side].Is)
			require.InDelta(t, rows[side].T, f.Rows[side].T, 1e-12)
			require.InDelta(t, rows[side].Rise, f.Rows[side].Rise, 1e-6)
		}
	}
	_, list, err = s.WithFirings(t.Context(), x, 1, r, nil)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.InDelta(t, 4, list[1].T, 1e-6)
	require.Nil(t, list[1].By)
}
