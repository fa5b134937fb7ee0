package jumps

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAgenda(t *testing.T) {
	var a Agenda
	for i, p := range []float64{0, 2, 1, 2} {
		a.Push(Item{Event: i, Priority: p})
	}
	var order []int
	for {
		it, ok := a.Pop()
		if !ok {
			break
		}
		order = append(order, it.Event)
	}
	require.Equal(t, []int{1, 3, 2, 0}, order, "higher priority first, then in order of arrival")
}

func TestAssign(t *testing.T) {
	y, d := []float64{1, 2, 3}, []float64{4, 5}
	Assign(y, d, []int{2, 0, 4}, nil, []float64{30, 10, 50})
	require.Equal(t, []float64{10, 2, 30}, y)
	require.Equal(t, []float64{4, 50}, d)
	Assign(y, d, []int{2, 0, 4}, []bool{true, false, true}, []float64{3, 1, 5})
	require.Equal(t, []float64{1, 2, 33}, y)
	require.Equal(t, []float64{4, 55}, d)
}

// TestZeno: gaps that shrink by 0.8 have the limit t₁ + gap/(1−0.8); gaps
// that do not shrink have none.
func TestZeno(t *testing.T) {
	var z Zeno
	z.Reset(2)
	time, gap := 0., 1.
	for range 200 {
		limit, near := z.Fired(0, time, 1e-6)
		if near {
			require.InDelta(t, 5, limit, 1e-9)
			require.Less(t, 5-time, 1.01e-6)
			break
		}
		time += gap
		gap *= 0.8
	}
	require.InDelta(t, 5, time, 1e-5, "found")
	for i := range 100 {
		_, near := z.Fired(1, float64(i), math.Inf(1))
		require.False(t, near, "a steady beat")
	}
	z.Forget(0)
	_, near := z.Fired(0, 9, math.Inf(1))
	require.False(t, near)
}
