package sim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
)

// after requires that a run in an integrator that has done another one, which may have
// failed, gives the bits of a run in a new integrator.
func after(t *testing.T, told string, first, second *Model, before, span sim.Span) {
	t.Helper()
	first.Clear()
	second.Clear()
	s := sim.New(second.Hybrid, second.Sizes(), tight, nil)
	_ = s.Run(Run{Model: first}, &before, new(sim.Trajectory))
	want, got := new(sim.Trajectory), new(sim.Trajectory)
	require.NoError(t, sim.New(second.Hybrid, second.Sizes(), tight, nil).Run(Run{Model: second}, &span, want), told)
	require.NoError(t, s.Run(Run{Model: second}, &span, got), told)
	same(t, told, want, got)
}

// TestLeftovers: what a run leaves that ends at an instant, or in the midst of one, or
// between two, is not there for the next.
func TestLeftovers(t *testing.T) {
	onto := func(y0 float64) *Model { return surface(y0, constant(-1), constant(1), 1) }
	after(t, "a crossing at the end", onto(1), onto(0), sim.Span{T1: 1}, sim.Span{T1: 2})

	lost := decay()
	lost.Field = func(x *Point) []Jet { return []Jet{Const(0.5).Sub(x.T).Sqrt().Scale(-1)} }
	after(t, "a stop that was not reached", lost, decay(), sim.Span{T1: 5}, sim.Span{T1: 1})

	// Two balls come to rest at one time, and the rest of the first fails.
	pair := func(rest func(x *Point) []Jet) *Model {
		m := bouncing(events.ZenoRest)
		m.NY = 4
		m.Init = func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[2], Const(0), x.P[2], Const(0)}, nil }
		m.Field = func(x *Point) []Jet { return []Jet{x.Y[1], x.P[0].Scale(-1), x.Y[3], x.P[0].Scale(-1)} }
		m.Guards = append(m.Guards, func(x *Point) Jet { return x.Y[2].Sub(x.P[3]) })
		m.Releases = append(m.Releases, m.Releases[0])
		m.Hybrid.Flags = make([]bool, 4)
		first, second := m.Hybrid.Events[0], m.Hybrid.Events[0]
		first.Release = 2
		second.Cond, second.Targets, second.Rest, second.Release = below(1), []int{3}, []int{2, 3}, 3
		m.Hybrid.Events = []events.Event{first, second}
		m.Hybrid.Schedules = append(m.Hybrid.Schedules, m.Hybrid.Schedules[0])
		e := m.Events[0]
		e.Jump = func(x *Point) []Jet { return []Jet{x.P[1].Mul(x.Y[3]).Scale(-1)} }
		m.Events = append(m.Events, e)
		if rest != nil {
			m.Events[0].Rest = rest
		}
		return m
	}
	bad := pair(func(*Point) []Jet { return []Jet{Const(math.NaN()), Const(0)} })
	after(t, "a rest that was due", bad, pair(nil), sim.Span{T1: 5}, sim.Span{T1: 2, Saves: []float64{1.5}})
}

// TestSavesAtMovingInstants: a save at the very time of a jump that a parameter moves reads
// a fixed time: y' = −k y with 1 added at p is e^{−k t} before, and e^{−k t} + e^{−k(t−p)}
// after.
func TestSavesAtMovingInstants(t *testing.T) {
	ev := events.Event{Name: "at", Kind: events.At, Targets: []int{0}}
	m := &Model{
		Hybrid: hybrid(0, ev), NY: 1, P: []float64{1, 0.7},
		Init:   func(*Point) ([]Jet, []Jet) { return []Jet{Const(1)}, nil },
		Field:  func(x *Point) []Jet { return []Jet{x.P[1].Mul(x.Y[0]).Scale(-1)} },
		Times:  []func(*Point) Jet{func(x *Point) Jet { return x.P[0] }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Plus(1)} }}},
	}
	m.Hybrid.Schedules = []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}}
	s, tr := solve(t, m, sim.Span{T1: 2, Saves: []float64{1}})
	require.InDelta(t, math.Exp(-0.7), tr.BeforeY.At(0)[0], 1e-9)
	require.InDelta(t, math.Exp(-0.7)+1, tr.SaveY.At(0)[0], 1e-9)
	for _, c := range []struct {
		ct   *sim.Cotangents
		want []float64
	}{
		{&sim.Cotangents{BeforeY: sim.RowsOf([]float64{1})}, []float64{0, -math.Exp(-0.7)}},
		{&sim.Cotangents{Y: sim.RowsOf([]float64{1})}, []float64{0.7, -math.Exp(-0.7)}},
	} {
		for name, backward := range modes(s) {
			m.Clear()
			backward(Run{Model: m}, c.ct)
			require.InDeltaSlice(t, c.want, m.PBar, 1e-8, name)
		}
		for k, want := range c.want {
			m.Clear()
			m.PDot[k] = 1
			var tan sim.Tangents
			s.Forward(Run{Model: m}, &tan)
			rows := tan.Y
			if c.ct.Y.Len() == 0 {
				rows = tan.BeforeY
			}
			require.InDelta(t, want, rows.At(0)[0], 1e-8, "forward, parameter %d", k)
		}
	}
}
