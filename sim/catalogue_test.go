package sim_test

import (
	"math"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
)

// item is a model with a run of it that the tests range over.
type item struct {
	name string
	new  func() *Model
	span sim.Span

	untimed  bool // nothing but time and state decides how it goes on: it can be split
	scalable bool // its states can be measured in other units
	inputs   bool // its inputs jump at the stops
	ends     sim.Status
}

func never(e events.Event) sim.Schedule { return sim.Schedule{At: -1, Period: -1, From: -1, Until: -1} }

// hybrid describes events without schedules.
func hybrid(guards int, list ...events.Event) *sim.Hybrid {
	hy := &sim.Hybrid{Events: list, Flags: make([]bool, guards)}
	for i := range list {
		if list[i].Zeno != events.ZenoRest {
			list[i].Release = -1
		}
		hy.Schedules = append(hy.Schedules, never(list[i]))
	}
	return hy
}

func below(guard int) *events.Cond {
	return &events.Cond{Op: events.Below, Guard: guard, Inclusive: true}
}

func above(guard int) *events.Cond {
	return &events.Cond{Op: events.Above, Guard: guard, Inclusive: true}
}

func when(name string, c *events.Cond, targets ...int) events.Event {
	return events.Event{Name: name, Kind: events.When, Cond: c, Targets: targets}
}

// branch is a switch on a guard with one mode.
func branch(mode, guard int) events.Switch {
	return events.Switch{Modes: []int{mode}, Guard: guard, AtZero: []float64{1}}
}

func decay() *Model {
	return &Model{
		Hybrid: &sim.Hybrid{}, P: []float64{0.7, 2}, NY: 1,
		Init:  func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[1]}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.P[0].Mul(x.Y[0]).Scale(-1)} },
	}
}

// predator is Lotka and Volterra's model with the integral of the prey, which step-size
// control does not look at.
func predator() *Model {
	return &Model{
		Hybrid: &sim.Hybrid{}, P: []float64{1.1, 0.4, 0.1, 0.4, 10, 5}, NY: 3, NoError: 1,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[4], x.P[5], Const(0)}, nil },
		Field: func(x *Point) []Jet {
			u, v := x.Y[0], x.Y[1]
			uv := u.Mul(v)
			return []Jet{
				x.P[0].Mul(u).Sub(x.P[1].Mul(uv)),
				x.P[2].Mul(uv).Sub(x.P[3].Mul(v)),
				u,
			}
		},
	}
}

// bouncing is a ball of parameters gravity, restitution, height and radius.
func bouncing(rule events.ZenoRule) *Model {
	ev := when("bounce", below(0), 1)
	ev.Zeno = rule
	if rule == events.ZenoRest {
		ev.Rest, ev.Release = []int{0, 1}, 1
	}
	m := &Model{
		Hybrid: hybrid(2, ev), P: []float64{9.8, 0.6, 5, 0.2}, NY: 2,
		Init:  func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[2], Const(0)}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.Y[1], x.P[0].Scale(-1)} },
		Guards: []func(*Point) Jet{
			func(x *Point) Jet { return x.Y[0].Sub(x.P[3]) },
		},
		Events: []Event{{
			Jump: func(x *Point) []Jet { return []Jet{x.P[1].Mul(x.Y[1]).Scale(-1)} },
			Rest: func(x *Point) []Jet { return []Jet{x.P[3], Const(0)} },
		}},
		Releases: []func(*Point) Jet{func(x *Point) Jet { return x.P[0].Scale(-1) }},
	}
	return m
}

// stopped is a bouncing ball with a clock that its rest stops, at the square of the time.
func stopped() *Model {
	m := bouncing(events.ZenoRest)
	m.NY = 3
	init, field := m.Init, m.Field
	m.Init = func(x *Point) ([]Jet, []Jet) { y, d := init(x); return append(y, Const(0)), d }
	m.Field = func(x *Point) []Jet { return append(field(x), Const(1)) }
	m.Hybrid.Events[0].Rest = []int{0, 1, 2}
	m.Events[0].Rest = func(x *Point) []Jet { return []Jet{x.P[3], Const(0), x.T.Mul(x.T)} }
	return m
}

// shaken is a ball in a gravity that a parameter shakes: it comes to rest, is released,
// and comes to rest again.
func shaken() *Model {
	m := bouncing(events.ZenoRest)
	m.P = []float64{9.8, 0.2, 0.6, 0.2, 14}
	push := func(x *Point) Jet { return x.P[4].Mul(x.T.Sin()).Sub(x.P[0]) }
	m.Field = func(x *Point) []Jet { return []Jet{x.Y[1], push(x)} }
	m.Releases = []func(*Point) Jet{push}
	return m
}

// doses adds to a compartment what data say.
func doses() *Model {
	ev := events.Event{Name: "dose", Kind: events.OnData, Targets: []int{0}}
	return &Model{
		Hybrid: hybrid(0, ev), P: []float64{0.5, 0.9}, NY: 1,
		Init:  func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0)}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.P[0].Mul(x.Y[0]).Scale(-1)} },
		Events: []Event{{Jump: func(x *Point) []Jet {
			return []Jet{x.Y[0].Add(x.P[1].Scale(x.A[0]))}
		}}},
	}
}

// scheduled has an event at a time, one each period from a time until another, and one
// each period from the start, all of them parameters.
func scheduled() *Model {
	at := events.Event{Name: "at", Kind: events.At, Targets: []int{0}}
	every := events.Event{Name: "every", Kind: events.Every, Targets: []int{0}, Adds: []bool{true}}
	beat := events.Event{Name: "beat", Kind: events.Every, Targets: []int{1}}
	m := &Model{
		Hybrid: hybrid(0, at, every, beat), P: []float64{0.8, 0.37, 0.45, 2.05, 1.1}, NY: 2,
		Init:  func(x *Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(1)}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.Y[0].Mul(x.T.Sin()), x.Y[1].Scale(-1)} },
		Events: []Event{
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Mul(x.T)} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[1].Scale(0.5)} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[1].Add(x.Y[0])} }},
		},
	}
	for k := range m.P {
		m.Times = append(m.Times, func(x *Point) Jet { return x.P[k] })
	}
	// The beat counts its period from the start: see sim.Schedule.From.
	m.Times[4] = func(x *Point) Jet { return x.P[4].Plus(-m.Shift) }
	m.Hybrid.Schedules = []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}, {At: -1, Period: 1, From: 2, Until: 3}, {At: -1, Period: 4, From: -1, Until: -1}}
	m.Times[1] = func(x *Point) Jet { return x.P[1].Plus(-m.Shift) }
	return m
}

// delayed starts a jump where a state reaches a level, which is carried out later: with
// the values of the trigger, or late, with those of its time.
func delayed(late, persistent bool) *Model {
	ev := when("alarm", above(0), 1)
	ev.Delayed, ev.Late, ev.Persistent = true, late, persistent
	return &Model{
		Hybrid: hybrid(1, ev), P: []float64{1.3, 0.6, 0.9}, NY: 2,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0), Const(0)}, nil },
		Field: func(x *Point) []Jet { // 1.3 sin t leaves the level again
			return []Jet{x.P[0].Mul(x.T.Plus(math.Pi / 2).Sin()), Const(0.1)}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0].Sub(x.P[2]) }},
		Events: []Event{{
			Jump:  func(x *Point) []Jet { return []Jet{x.Y[1].Add(x.Y[0].Mul(x.Y[0])).Add(x.T)} },
			Delay: func(x *Point) Jet { return x.P[1].Mul(x.Y[0]) },
		}},
	}
}

// switched grows at one rate below a level and at another above.
func switched() *Model {
	m := &Model{
		Hybrid: hybrid(1), P: []float64{0.8, 0.3, 1}, NY: 1, ND: 1,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0.2)}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet {
			if x.D[0].V > 0 {
				return []Jet{x.P[1].Mul(x.Y[0])}
			}
			return []Jet{x.P[0]}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0].Sub(x.P[2]) }},
	}
	m.Hybrid.Switches = []events.Switch{branch(0, 0)}
	return m
}

// friction is a block on a table that a force pulls at: it sticks where the force is
// smaller than the friction.
func friction() *Model {
	m := &Model{
		Hybrid: hybrid(1), P: []float64{2, 1, 0.5}, NY: 2, ND: 1, Slides: 1,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0), x.P[2]}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet {
			force := x.P[0].Mul(x.T.Sin())
			if x.D[0].V > 0 {
				return []Jet{x.Y[1], force.Sub(x.P[1])}
			}
			return []Jet{x.Y[1], force.Add(x.P[1])}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[1] }},
	}
	m.Hybrid.Flags = make([]bool, 3)
	m.Hybrid.Switches = []events.Switch{branch(0, 0)}
	return m
}

// twoFrictions come to the intersection of two surfaces and leave one after the other.
func twoFrictions() *Model {
	m := &Model{
		Hybrid: hybrid(2), P: []float64{1, 0.6, 2, 0.8}, NY: 2, ND: 2, Slides: 2,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[0], x.P[1]}, []Jet{Const(0), Const(0)} },
		Field: func(x *Point) []Jet {
			sign := func(k int) Jet { return x.P[2].Scale(1 - 2*x.D[k].V) }
			coupled := x.P[3].Mul(x.T).Plus(0.2 * x.D[0].V)
			return []Jet{sign(0).Add(x.P[3].Mul(x.T)), sign(1).Add(coupled.Scale(0.7))}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }, func(x *Point) Jet { return x.Y[1] }},
	}
	m.Hybrid.Flags = make([]bool, 6)
	m.Hybrid.Switches = []events.Switch{branch(0, 0), branch(1, 1)}
	return m
}

// stairs has a field that reads the floor of the state.
func stairs() *Model {
	m := &Model{
		Hybrid: hybrid(2), P: []float64{1, 0.3}, NY: 1, ND: 1,
		Init:  func(x *Point) ([]Jet, []Jet) { return []Jet{Const(-0.5)}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet { return []Jet{x.P[0].Add(x.P[1].Scale(x.D[0].V))} },
		Guards: []func(*Point) Jet{
			func(x *Point) Jet { return x.Y[0].Sub(x.D[0]) },
			func(x *Point) Jet { return x.Y[0].Sub(x.D[0]).Plus(-1) },
		},
		Floors: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
	}
	m.Hybrid.Switches = []events.Switch{{Modes: []int{0}, Guard: 0, Upper: 1, Floor: true}}
	return m
}

// ledge slides along the edge of a floor until the field above it points upwards.
func ledge() *Model {
	m := stairs()
	m.P = []float64{0.5, 1.5}
	m.Slides = 1
	m.Hybrid.Flags = make([]bool, 4)
	m.Field = func(x *Point) []Jet {
		if x.D[0].V >= 1 {
			return []Jet{x.T.Sub(x.P[1])}
		}
		return []Jet{x.P[0].Plus(1)}
	}
	m.Init = func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0.25)}, []Jet{Const(0)} }
	return m
}

// together has three events that fire at one crossing, of which the later ones read the
// values of their trigger, or late ones those of their turn, and one after another.
func together() *Model {
	a, b, c := when("a", above(0), 1), when("b", above(0), 2), when("c", above(0), 1)
	a.Priority, c.Late = 2, true
	next := when("next", above(1), 3)
	return &Model{
		Hybrid: hybrid(2, a, b, c, next), P: []float64{0.9, 1.5, 0.3}, NY: 4,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0), x.P[2], Const(0.1), Const(0)}, nil },
		Field: func(x *Point) []Jet {
			return []Jet{x.P[0], x.Y[1].Scale(-0.3), x.Y[1].Mul(x.Y[2]), x.Y[3].Plus(0.5)}
		},
		Guards: []func(*Point) Jet{
			func(x *Point) Jet { return x.Y[0].Plus(-1) },
			func(x *Point) Jet { return x.Y[1].Plus(-1.2) },
		},
		Events: []Event{
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[1].Mul(x.P[1]).Plus(1)} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[1].Add(x.Y[2]).Add(x.T)} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[2].Mul(x.Y[1])} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.Y[3].Add(x.Y[2])} }},
		},
	}
}

// stopping ends where the state reaches a level.
func stopping() *Model {
	m := switched()
	ev := when("stop", above(1), 0)
	ev.Terminate = true
	m.Hybrid.Events, m.Hybrid.Schedules, m.Hybrid.Flags = []events.Event{ev}, []sim.Schedule{never(ev)}, make([]bool, 2)
	m.Hybrid.Events[0].Release = -1
	m.Guards = append(m.Guards, func(x *Point) Jet { return x.Y[0].Plus(-1.5) })
	m.Events = []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Add(x.T)} }}}
	return m
}

// counting fires where the integral of an intensity reaches thresholds.
func counting() *Model {
	ev := when("tick", above(0), 1)
	ev.Threshold, ev.RateGuard, ev.Integral = 1, 0, 2
	return &Model{
		Hybrid: hybrid(1, ev), P: []float64{0.8, 0.5}, NY: 3, ND: 1,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(0), Const(0)}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet {
			return []Jet{x.P[1].Mul(x.Y[0]).Scale(-1), x.Y[0], x.P[0].Mul(x.Y[0].Plus(1))}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[2].Sub(x.D[0]) }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[1].Add(x.Y[0])} }}},
	}
}

// ramp has an input that jumps from 1 to 3 at the time 1, and an event at a level.
func ramp() *Model {
	return &Model{
		Hybrid: hybrid(1, when("level", above(0), 0)), P: []float64{0.7, 1.2}, NY: 1,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{Const(0)}, nil },
		Field: func(x *Point) []Jet {
			if x.After(1) {
				return []Jet{x.P[0].Scale(3)}
			}
			return []Jet{x.P[0]}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0].Sub(x.P[1]) }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Scale(0.5)} }}},
	}
}

// draining is a tank that runs dry, the faster the more another state has grown, and is filled
// again then. Its guard is no linear function of the states.
func draining() *Model {
	return &Model{
		Hybrid: hybrid(1, when("fill", below(0), 0)), P: []float64{1.1, 0.4, 1, 0.6}, NY: 2, Steep: true,
		Init: func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[2], x.P[3]}, nil },
		Field: func(x *Point) []Jet {
			h, z := x.Y[0], x.Y[1]
			return []Jet{x.P[0].Mul(h.Sqrt()).Mul(z.Mul(x.P[1]).Plus(1)).Scale(-1), h.Sub(x.P[1].Mul(z)).Add(x.T.Scale(0.1))}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0].Mul(x.Y[1].Scale(0.2).Plus(1)) }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.P[3].Add(x.Y[1])} }}},
	}
}

// draws are thresholds that do not depend on anything.
func draws(int) func() float64 {
	list := []float64{0.5, 0.7, 0.4, 0.6, 5, 5, 5, 5}
	next := -1
	return func() float64 { next++; return list[next] }
}

var catalogue = []item{
	{name: "decay", new: decay, span: sim.Span{T1: 3, Saves: []float64{0, 0.5, 3}}, untimed: true, scalable: true},
	{name: "predator", new: predator, span: sim.Span{T1: 9, Saves: []float64{1, 4, 9}}, untimed: true},
	{name: "bouncing", new: func() *Model { return bouncing(events.ZenoError) }, span: sim.Span{T1: 3, Saves: []float64{0.5, 2, 3}}, untimed: true},
	{name: "resting", new: func() *Model { return bouncing(events.ZenoRest) }, span: sim.Span{T1: 5, Saves: []float64{0.5, 2, 4.5}}},
	{name: "stopped", new: stopped, span: sim.Span{T1: 5, Saves: []float64{0.5, 2, 4.5}}},
	{name: "shaken", new: shaken, span: sim.Span{T1: 7.6, Saves: []float64{0.4, 0.65, 1.5, 4.3, 7.5}}},
	{name: "doses", new: doses, span: sim.Span{
		T1: 3, Saves: []float64{0, 1, 1, 2.5, 3},
		Firings: []sim.Firing{{T: 0, Args: []float64{5}}, {T: 1, Args: []float64{2}, Behind: 2}, {T: 1.7, Args: []float64{1}, Behind: 3}},
	}},
	{name: "scheduled", new: scheduled, span: sim.Span{T1: 3, Saves: []float64{0.5, 1, 2, 3}}},
	{name: "delayed, dropped", new: func() *Model { return delayed(false, false) }, span: sim.Span{T1: 6, Saves: []float64{1, 3, 6}}},
	{name: "delayed, persistent", new: func() *Model { return delayed(false, true) }, span: sim.Span{T1: 6, Saves: []float64{1, 3, 6}}},
	{name: "delayed, late", new: func() *Model { return delayed(true, true) }, span: sim.Span{T1: 6, Saves: []float64{1, 3, 6}}},
	{name: "switched", new: switched, span: sim.Span{T1: 2.5, Saves: []float64{0.5, 1.2, 2.5}}, untimed: true},
	{name: "friction", new: friction, span: sim.Span{T1: 9, Saves: []float64{0.1, 0.5, 2, 3, 5, 9}}, untimed: true},
	{name: "two frictions", new: twoFrictions, span: sim.Span{T1: 5, Saves: []float64{0.2, 0.8, 2, 5}}, untimed: true},
	{name: "stairs", new: stairs, span: sim.Span{T1: 3, Saves: []float64{0.5, 1.7, 3}}, untimed: true},
	{name: "ledge", new: ledge, span: sim.Span{T1: 3, Saves: []float64{0.2, 1, 3}}, untimed: true},
	{name: "together", new: together, span: sim.Span{T1: 2, Saves: []float64{0.5, 1.5, 2}}},
	{name: "stopping", new: stopping, span: sim.Span{T1: 5, Saves: []float64{0.5, 1.3}}, ends: sim.Terminated},
	{name: "counting", new: counting, span: sim.Span{T1: 2, Saves: []float64{0.5, 1.5, 2}, Draws: draws}},
	{name: "draining", new: draining, span: sim.Span{T1: 3.2, Saves: []float64{0.5, 1.385, 1.41, 2, 3}}, untimed: true},
	{name: "ramp", new: ramp, span: sim.Span{T1: 2, Saves: []float64{0.5, 1, 2}, Stops: []float64{1}}, inputs: true},
}

// tight are tolerances far below what the tests ask for.
var tight = sim.Options{RTol: 1e-11, ATol: 1e-12}
