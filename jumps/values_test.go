package jumps

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// drain takes all items out, in their order.
func drain(a *Agenda) (events []int) {
	for it, ok := a.Pop(); ok; it, ok = a.Pop() {
		events = append(events, it.Event)
	}
	return events
}

func TestAgendaOfSeveralFirings(t *testing.T) {
	var a Agenda
	fill := func() {
		for i, e := range []int{3, 1, 3, 2} {
			a.Push(Item{Event: e, Snap: i, Due: i == 2})
		}
	}
	fill()
	require.Equal(t, 4, a.Len())
	require.True(t, a.Has(1))
	require.True(t, a.Has(2))
	require.False(t, a.Has(0))
	require.False(t, a.Has(4))
	a.Rank([]float64{9, 1, 5, 1}) // of event 2 the highest
	require.Equal(t, []int{2, 3, 1, 3}, drain(&a))
	require.Zero(t, a.Len())
	require.False(t, a.Has(3))

	fill()
	a.Drop(3) // but what was delayed until now
	require.Equal(t, 3, a.Len())
	require.True(t, a.Has(3))
	it, ok := a.Pop()
	require.True(t, ok)
	require.Equal(t, 1, it.Event)
	it, _ = a.Pop()
	require.Equal(t, Item{Event: 3, Snap: 2, Due: true}, it)
	a.Drop(7)
	require.Equal(t, []int{2}, drain(&a))

	fill()
	a.Clear()
	require.Zero(t, a.Len())
	_, ok = a.Pop()
	require.False(t, ok)
}

// Assign reaches the first and the last element of both parts.
func TestAssignEnds(t *testing.T) {
	y, d := []float64{1, 2}, []float64{3, 4}
	Assign(y, d, []int{0, 1, 2, 3}, nil, []float64{10, 20, 30, 40})
	require.Equal(t, []float64{10, 20}, y)
	require.Equal(t, []float64{30, 40}, d)
}

// limits are what Fired answers to firings with the given gaps: NaN where it
// predicts nothing within reach.
func limits(z *Zeno, e int, reach float64, gaps ...float64) (list []float64) {
	now := 0.
	for _, gap := range append([]float64{0}, gaps...) {
		now += gap
		limit, near := z.Fired(e, now, reach)
		if !near {
			limit = math.NaN()
		}
		list = append(list, limit)
	}
	return list
}

func geometric(ratio float64, n int) (gaps []float64) {
	for k := range n {
		gaps = append(gaps, math.Pow(ratio, float64(k)))
	}
	return gaps
}

// predicted is the number of firings, from 1, at which a limit is told first; 0 for none.
func predicted(list []float64) int {
	for i, v := range list {
		if !math.IsNaN(v) {
			return i + 1
		}
	}
	return 0
}

// Six firings have five gaps, so four ratios that agree thrice: from then on
// the limit 1/(1−ratio) is told, if the rest of the way is within reach.
func TestZenoLimits(t *testing.T) {
	var z Zeno
	for _, ratio := range []float64{0.005, 0.01, 0.3, 0.5, 0.8, 0.99} {
		z.Reset(1)
		got := limits(&z, 0, math.Inf(1), geometric(ratio, 12)...)
		require.Equal(t, 6, predicted(got), "ratio %g", ratio)
		for _, v := range got[5:] {
			require.InEpsilon(t, 1/(1-ratio), v, 1e-6, "ratio %g", ratio)
		}
	}
	// With 0.5 the rest is the last gap, 2⁻⁶ at the seventh.
	for reach, want := range map[float64]int{0x1p-6: 8, 0x1p-6 - 1e-9: 9} {
		z.Reset(1)
		require.Equal(t, want, predicted(limits(&z, 0, reach, geometric(0.5, 12)...)))
	}
	for name, gaps := range map[string][]float64{
		"steady": {1, 1, 1, 1, 1, 1, 1, 1}, "growing": geometric(1.5, 9), "just growing": geometric(1.001, 9),
		"shrinking by steps": {8, 7, 6, 5, 4, 3, 2, 1}, "at once": {0, 0, 0, 0, 0, 0, 0, 0},
	} {
		z.Reset(1)
		require.Zero(t, predicted(limits(&z, 0, math.Inf(1), gaps...)), name)
	}
	// Ratios agree within a hundredth of their distance from one, 0.002 at 0.8.
	for ratio, want := range map[float64]int{0.8015: 6, 0.7985: 6, 0.803: 0, 0.797: 0} {
		var gaps []float64
		gap := 1.
		for k := range 12 {
			gaps = append(gaps, gap)
			gap *= []float64{0.8, ratio}[k%2]
		}
		z.Reset(1)
		require.Equal(t, want, predicted(limits(&z, 0, math.Inf(1), gaps...)), "0.8 and %g", ratio)
	}
}

// A gap out of turn starts the agreement anew, and so does Forget; events do
// not mix, and Reset forgets all.
func TestZenoCountsAnew(t *testing.T) {
	var z Zeno
	z.Reset(3)
	gaps := geometric(0.5, 4)
	gaps = append(gaps, 4)
	gaps = append(gaps, geometric(0.5, 6)...)
	// The ratio behind the long gap is 1/4, so that the first that agrees is the third.
	require.Equal(t, 11, predicted(limits(&z, 0, math.Inf(1), gaps...)))
	require.Equal(t, 6, predicted(limits(&z, 2, math.Inf(1), geometric(0.5, 6)...)))
	_, near := z.Fired(2, 2, math.Inf(1))
	require.False(t, near)
	z.Forget(2)
	require.Equal(t, 6, predicted(limits(&z, 2, math.Inf(1), geometric(0.5, 6)...)))
	_, near = z.Fired(2, 2-0x1p-6, math.Inf(1))
	require.True(t, near, "the next of them")
	z.Forget(2)
	_, near = z.Fired(2, 2-0x1p-7, math.Inf(1))
	require.False(t, near, "forgotten")
	z.Reset(2)
	require.Equal(t, 6, predicted(limits(&z, 0, math.Inf(1), geometric(0.5, 6)...)))
	require.Panics(t, func() { z.Fired(2, 0, 1) }, "room for two")
	// After a stand-still of two firings at once the count goes on.
	z.Reset(1)
	require.Equal(t, 7, predicted(limits(&z, 0, math.Inf(1), append([]float64{0}, geometric(0.5, 6)...)...)))
}

// The number of firings at one instant that docs/events.md promises.
func TestMaxMicroSteps(t *testing.T) { require.Equal(t, 100, MaxMicroSteps) }
