package sim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// TestFailures: how runs fail, where, and what is said to be concerned.
func TestFailures(t *testing.T) {
	field := func(f func(x *Point) Jet) *Model {
		return &Model{
			Hybrid: hybrid(0), NY: 2,
			Init:  func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(1)}, nil },
			Field: func(x *Point) []Jet { return []Jet{Const(0), f(x)} },
		}
	}
	event := func(jump func(x *Point) []Jet) *Model {
		m := bouncing(events.ZenoError)
		m.Events[0].Jump = jump
		return m
	}
	pole := func(x *Point) Jet { return Const(1).Div(Const(1).Sub(x.T)).Mul(x.Y[1]) }
	priority := bouncing(events.ZenoError)
	priority.Hybrid.Prioritised = true
	priority.Hybrid.Events = append(priority.Hybrid.Events, priority.Hybrid.Events[0])
	priority.Hybrid.Schedules = append(priority.Hybrid.Schedules, priority.Hybrid.Schedules[0])
	priority.Events = append(priority.Events, priority.Events[0])
	priority.Events[1].Priority = func(*Point) Jet { return Const(math.NaN()) }
	graze := bouncing(events.ZenoError) // meets its surface as a square does
	graze.Init = func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(0)}, nil }
	graze.Field = func(x *Point) []Jet { d := x.T.Plus(-1); return []Jet{d.Scale(2), Const(0)} }
	graze.P[3] = 0
	guard := bouncing(events.ZenoError)
	guard.Guards[0] = func(x *Point) Jet { return x.Y[0].Plus(-3).Sqrt() }
	falling := counting()
	falling.Field = func(x *Point) []Jet { return []Jet{Const(0), Const(0), Const(1).Sub(x.T)} }
	fixed := sim.Options{Method: solvers.RK4, Step: 0.1}
	for _, c := range []struct {
		name   string
		m      *Model
		opt    sim.Options
		status sim.Status
		t      float64
		event  int
		guard  int
		state  int
		text   string
	}{
		{"steps", predator(), sim.Options{MaxSteps: 5}, sim.MaxSteps, -1, -1, -1, -1, "5 steps did not reach t = 3"},
		{"blow up", field(func(x *Point) Jet { return x.Y[1].Mul(x.Y[1]) }), sim.Options{}, sim.StepTooSmall, 1, -1, -1, 1, "shorter than the clock resolves"},
		{"blow up, fixed steps", field(func(x *Point) Jet { return x.Y[1].Mul(x.Y[1]).Mul(x.Y[1]) }), fixed, sim.Unstable, -1, -1, -1, -1, "representable"},
		{"root", field(func(x *Point) Jet { return Const(1).Sub(x.T).Sqrt().Scale(-1) }), sim.Options{}, sim.Unstable, 1, -1, -1, 1, "right behind this state"},
		{"pole", field(pole), sim.Options{}, sim.StepTooSmall, 1, -1, -1, 1, "singular"},
		{"start rate", field(func(x *Point) Jet { return Const(math.Inf(1)) }), sim.Options{}, sim.Unstable, 0, -1, -1, 1, "the rate of a state is +Inf where the run starts"},
		{"start", &Model{Hybrid: hybrid(0), NY: 1, Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(math.NaN())}, nil }}, sim.Options{}, sim.Unstable, 0, -1, -1, -1, "initial state is not finite"},
		{"jump", event(func(*Point) []Jet { return []Jet{Const(math.NaN())} }), sim.Options{}, sim.Unstable, 0.98974, 0, -1, -1, "assigned a value that is not finite"},
		{"priority", priority, sim.Options{}, sim.Unstable, 0.98974, 1, -1, -1, "the priority of event bounce is not a number"},
		{"graze", graze, sim.Options{}, sim.Graze, 1, 0, 0, -1, "touches its surface"},
		{"guard", guard, sim.Options{}, sim.Unstable, -1, 0, 0, -1, "a guard is not a number from t = 0.63"},
		{"zeno", bouncing(events.ZenoError), sim.Options{}, sim.ZenoLimit, -1, 0, -1, -1, "ever faster towards t = 3.9589"},
		{"intensity", falling, sim.Options{}, sim.Unstable, -1, 0, -1, -1, "the rate of event tick is negative"},
	} {
		span := sim.Span{T1: 5}
		if c.name == "steps" {
			span.T1 = 3
		}
		f := failure(t, c.m, c.opt, span)
		require.Equal(t, c.status, f.Status, "%s: %v", c.name, f)
		require.Contains(t, f.Error(), c.text, c.name)
		if c.t >= 0 {
			require.InDelta(t, c.t, f.T, 1e-3, c.name)
		}
		require.Equal(t, []int{c.event, c.guard, c.state}, []int{f.Event, f.Guard, f.State}, c.name)
	}
}

// TestLivelock: an event that turns its own condition false and true again without end is
// named.
func TestLivelock(t *testing.T) {
	there, back := when("there", above(0), 0), when("back", below(0), 0)
	m := &Model{
		Hybrid: hybrid(1, there, back), NY: 1,
		Init:   func(*Point) ([]Jet, []Jet) { return []Jet{Const(-1)}, nil },
		Field:  func(*Point) []Jet { return []Jet{Const(1)} },
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
		Events: []Event{{Jump: func(*Point) []Jet { return []Jet{Const(-2)} }}, {Jump: func(*Point) []Jet { return []Jet{Const(2)} }}},
	}
	f := failure(t, m, sim.Options{}, sim.Span{T1: 3})
	require.Equal(t, sim.Livelock, f.Status)
	require.InDelta(t, 1, f.T, 1e-9)
	require.Contains(t, f.Detail, "there, back, there, back")
}

// TestRestOnMovingSurface: nothing can rest on a surface that moves.
func TestRestOnMovingSurface(t *testing.T) {
	m := bouncing(events.ZenoRest)
	m.Guards[0] = func(x *Point) Jet { return x.Y[0].Sub(x.P[3]).Sub(x.T.Scale(0.1)) }
	m.Events[0].Jump = func(x *Point) []Jet { // as seen from the surface
		return []Jet{x.P[1].Mul(x.Y[1].Plus(-0.1)).Scale(-1).Plus(0.1)}
	}
	m.Events[0].Rest = func(x *Point) []Jet { return []Jet{x.P[3].Add(x.T.Scale(0.1)), Const(0)} }
	f := failure(t, m, sim.Options{}, sim.Span{T1: 6})
	require.Equal(t, sim.ZenoLimit, f.Status)
	require.Contains(t, f.Detail, "nothing can rest on the surface of event bounce: it moves")
}
