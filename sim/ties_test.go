package sim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
)

// dryTogether are two tanks that run dry at the same instant, at which each is filled by as much as it is late.
func dryTogether() *Model {
	return &Model{
		Hybrid: hybrid(2, when("one", below(0), 0), when("two", below(1), 1)), P: []float64{0.8, 0.8, 1, 1}, NY: 2, Steep: true,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[2], x.P[3]}, nil },
		Field: func(x *Point) []Jet {
			return []Jet{x.P[0].Mul(x.Y[0].Sqrt()).Scale(-1), x.P[1].Mul(x.Y[1].Sqrt()).Scale(-1)}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }, func(x *Point) Jet { return x.Y[1] }},
		Events: []Event{
			{Jump: func(x *Point) []Jet { return []Jet{x.T.Scale(0.5)} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.T.Mul(x.T)} }},
		},
	}
}

// TestDryTogether: both come to rest at 2√h₀/k, each at a time with a derivative of its own, and are filled to half of it
// and to its square; later √h is less by half of k for each unit of time.
func TestDryTogether(t *testing.T) {
	s, tr := solve(t, dryTogether(), sim.Span{T1: 4, Saves: []float64{2.4, 3}})
	m := dryTogether()
	const k, dry = 0.8, 2.5
	require.Len(t, tr.Log, 2)
	for i, rec := range tr.Log {
		require.Equal(t, i, rec.Event)
		require.InDelta(t, dry, rec.T, 1e-9)
	}
	byK, byStart := -dry/k, 1/k // of a time
	first, second := math.Sqrt(dry/2)-k/2*(3-dry), dry-k/2*(3-dry)
	require.InDelta(t, first*first, tr.SaveY.At(1)[0], 1e-8)
	require.InDelta(t, second*second, tr.SaveY.At(1)[1], 1e-8)
	// By the time, √h at 3 is 0.5/(2√(T/2)) + k/2 and 1 + k/2; by k directly −(3 − T)/2.
	want := [][2][4]float64{
		{{byK, 0, byStart, 0}, {0, byK, 0, byStart}},
		{
			{2 * first * ((0.25/math.Sqrt(dry/2)+k/2)*byK - (3-dry)/2), 0, 2 * first * (0.25/math.Sqrt(dry/2) + k/2) * byStart, 0},
			{0, 2 * second * ((1+k/2)*byK - (3-dry)/2), 0, 2 * second * (1 + k/2) * byStart},
		},
	}
	for i := range 2 {
		for name, backward := range modes(s) {
			m.Clear()
			ct := make([]float64, 2)
			ct[i] = 1
			backward(Run{Model: m}, &sim.Cotangents{EventT: ct})
			require.InDeltaSlice(t, want[0][i][:], m.PBar, 1e-6, "%s: time %d", name, i)
			m.Clear()
			backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf(nil, ct)})
			require.InDeltaSlice(t, want[1][i][:], m.PBar, 1e-5, "%s: level %d", name, i)
		}
	}
	for p := range m.P {
		m.Clear()
		m.PDot[p] = 1
		var tan sim.Tangents
		s.Forward(Run{Model: m}, &tan)
		for i := range 2 {
			require.InDelta(t, want[0][i][p], tan.EventT[i], 1e-6)
			require.InDelta(t, want[1][i][p], tan.Y.At(1)[i], 1e-5)
		}
	}
}
