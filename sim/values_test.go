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

// solve runs a model to an end, with saves.
func solve(t *testing.T, m *Model, span sim.Span) (*sim.Integrator, *sim.Trajectory) {
	t.Helper()
	m.Clear()
	s, tr := sim.New(m.Hybrid, m.Sizes(), tight, nil), new(sim.Trajectory)
	require.NoError(t, s.Run(Run{Model: m}, &span, tr))
	return s, tr
}

// times are the times of the records of one event.
func times(tr *sim.Trajectory, event int) (list []float64) {
	for _, e := range tr.Log {
		if e.Kind == sim.Fired && e.Event == event {
			list = append(list, e.T)
		}
	}
	return list
}

// modes are the reverse modes of a run.
func modes(s *sim.Integrator) map[string]func(sim.Reverse, *sim.Cotangents) float64 {
	return map[string]func(sim.Reverse, *sim.Cotangents) float64{"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve}
}

// flight is a ball in the gravity of shaken: its position and speed at time t from those
// at t0.
func flight(g, a, t0, y, v, t float64) (float64, float64) {
	h := t - t0
	return y + v*h - g*h*h/2 + a*(math.Cos(t0)*h-math.Sin(t)+math.Sin(t0)), v - g*h + a*(math.Cos(t0)-math.Cos(t))
}

// TestSecondRest: the ball of shaken comes to rest, is released where the gravity turns,
// flies, bounces and comes to rest again, as flights by formula with their roots by
// bisection say.
func TestSecondRest(t *testing.T) {
	m := shaken()
	g, e, y0, r, a := m.P[0], m.P[1], m.P[2], m.P[3], m.P[4]
	// bounce is when a ball that starts without speed comes to rest.
	bounce := func(t0, y float64) float64 {
		v, lo, step := 0., t0+0.05, 1e-3
		for ; lo == t0+0.05 && v == 0 || v > 1e-8; step = v / 50 {
			height := func(t float64) float64 { h, _ := flight(g, a, t0, y, v, t); return h - r }
			if v > 0 {
				lo = t0 + step
			}
			hi := lo
			for height(hi) > 0 {
				lo, hi = hi, hi+step
			}
			for range 60 {
				if mid := (lo + hi) / 2; height(mid) > 0 {
					lo = mid
				} else {
					hi = mid
				}
			}
			_, speed := flight(g, a, t0, y, v, hi)
			t0, y, v = hi, r, -e*speed
		}
		return t0
	}
	release := math.Asin(g / a)
	first, second := bounce(0, y0), bounce(release, r)
	require.Less(t, first, release)
	again := 2*math.Pi + math.Asin(g/a)
	s, tr := solve(t, m, sim.Span{T1: again + 0.5, Saves: []float64{release - 0.01, release + 0.4, second + 0.2, again - 0.01, again + 0.4}})
	list := rested(tr)
	require.Len(t, list, 2)
	require.InDelta(t, first, list[0], 1e-5)
	require.InDelta(t, second, list[1], 1e-5)
	for i, from := range map[int]float64{1: release, 4: again} {
		y, v := flight(g, a, from, r, 0, from+0.4)
		require.InDelta(t, y, tr.SaveY.At(i)[0], 1e-7)
		require.InDelta(t, v, tr.SaveY.At(i)[1], 1e-7)
	}
	for _, i := range []int{0, 2, 3} {
		require.Equal(t, []float64{r, 0}, tr.SaveY.At(i), "at rest")
	}
	// The force is nothing where it lets go, so that the time of the release does not
	// count: what is left of the gravity is its own.
	for i, from := range map[int]float64{1: release, 4: again} {
		want := map[int]float64{0: -0.4 * 0.4 / 2, 1: 0, 2: 0, 3: 1, 4: math.Cos(from)*0.4 - math.Sin(from+0.4) + math.Sin(from)}
		ct := &sim.Cotangents{}
		ct.Y.Clear(5, 2)
		ct.Y.At(i)[0] = 1
		for name, backward := range modes(s) {
			m.Clear()
			backward(Run{Model: m}, ct)
			for k, w := range want {
				require.InDelta(t, w, m.PBar[k], 1e-4, "%s, save %d, parameter %d", name, i, k)
			}
		}
		for k, w := range want {
			m.Clear()
			m.PDot[k] = 1
			var tan sim.Tangents
			s.Forward(Run{Model: m}, &tan)
			require.InDelta(t, w, tan.Y.At(i)[0], 1e-4, "forward, save %d, parameter %d", i, k)
		}
	}
}

// TestRestReadsTime: what a rest makes of its time is that of the limit of the impacts,
// (u/g)·(1+e)/(1−e) with u = √(2gh), and moves with it.
func TestRestReadsTime(t *testing.T) {
	m := stopped()
	g, e, h := m.P[0], m.P[1], m.P[2]-m.P[3]
	limit := math.Sqrt(2*h/g) * (1 + e) / (1 - e)
	s, tr := solve(t, m, sim.Span{T1: 5, Saves: []float64{5}})
	require.InDelta(t, limit*limit, tr.SaveY.At(0)[2], 1e-5)
	rates := []float64{-limit / (2 * g), 2 * limit / (1 - e*e), limit / (2 * h), -limit / (2 * h)} // of the limit
	for name, backward := range modes(s) {
		m.Clear()
		backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf([]float64{0, 0, 1})})
		for k, rate := range rates {
			require.InEpsilon(t, 2*limit*rate, m.PBar[k], 1e-4, "%s, parameter %d", name, k)
		}
	}
	for k, rate := range rates {
		m.Clear()
		m.PDot[k] = 1
		var tan sim.Tangents
		s.Forward(Run{Model: m}, &tan)
		require.InEpsilon(t, 2*limit*rate, tan.Y.At(0)[2], 1e-4, "forward, parameter %d", k)
	}
}

// TestRestEndsBySurfaceOrJump: what rests is free again when an event sets it to other
// values, or when what it rests on is gone.
func TestRestEndsBySurfaceOrJump(t *testing.T) {
	for name, c := range map[string]struct {
		target int
		value  float64
		y, v   float64 // where it starts from
	}{"a jump up": {0, 1.2, 1.2, 0}, "a kick": {1, 3, 0.2, 3}, "a trap door": {2, 0, 0.2, 0}} {
		m := bouncing(events.ZenoRest)
		m.NY, m.ND = 2, 1
		m.Init = func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[2], Const(0)}, []Jet{Const(1)} }
		ev := &m.Hybrid.Events[0]
		ev.Cond = &events.Cond{Op: events.And, Args: []*events.Cond{below(0), {Op: events.Flag, Guard: 1}}}
		ev.Release = 2
		m.Guards = append(m.Guards, func(x *Point) Jet { return x.D[0] })
		m.Hybrid.Flags = []bool{false, true, false}
		m.Hybrid.Events = append(m.Hybrid.Events, events.Event{Name: "at", Kind: events.At, Targets: []int{c.target}, Release: -1})
		m.Hybrid.Schedules = append(m.Hybrid.Schedules, sim.Schedule{At: 0, Period: -1, From: -1, Until: -1})
		m.Times = []func(*Point) Jet{func(*Point) Jet { return Const(5) }}
		m.Events = append(m.Events, Event{Jump: func(*Point) []Jet { return []Jet{Const(c.value)} }})
		_, tr := solve(t, m, sim.Span{T1: 5.4, Saves: []float64{4.9, 5.4}})
		require.Equal(t, []float64{0.2, 0}, tr.SaveY.At(0), name)
		require.InDelta(t, c.y+c.v*0.4-9.8*0.4*0.4/2, tr.SaveY.At(1)[0], 1e-9, name)
		require.InDelta(t, c.v-9.8*0.4, tr.SaveY.At(1)[1], 1e-9, name)
	}
}

// TestZenoRules: at the limit of its times, t₁ + (u/g)·2e/(1−e) with the first impact at
// t₁ = u/g, a ball stops the run, or the run goes on through the surface.
func TestZenoRules(t *testing.T) {
	g, e, fall := 9.8, 0.6, 4.8
	first := math.Sqrt(2 * fall / g)
	limit := first * (1 + e) / (1 - e)
	_, tr := solve(t, bouncing(events.ZenoStop), sim.Span{T1: 8, Saves: []float64{2, 7}})
	require.Equal(t, sim.Terminated, tr.Status)
	require.Equal(t, 1, tr.Saved)
	require.InDelta(t, limit, tr.T, 1e-5)
	_, tr = solve(t, bouncing(events.ZenoPass), sim.Span{T1: limit + 0.5, Saves: []float64{limit + 0.5}})
	require.InDelta(t, 0.2-g*0.25/2, tr.SaveY.At(0)[0], 1e-5)
	require.InDelta(t, -g*0.5, tr.SaveY.At(0)[1], 1e-5)
	for n, at := range times(tr, 0) {
		require.InDelta(t, limit-2*first*math.Pow(e, float64(n+1))/(1-e), at, 1e-7, "firing %d", n)
	}
}

// TestTerminate: a run ends at the time of the event, after its jump, and nothing that
// is due at that time or later happens.
func TestTerminate(t *testing.T) {
	for _, both := range []bool{false, true} {
		m := stopping()
		if both { // a second event at the same surface, behind the first
			ev := when("behind", above(1), 0)
			ev.Release = -1
			m.Hybrid.Events = append(m.Hybrid.Events, ev)
			m.Hybrid.Schedules = append(m.Hybrid.Schedules, m.Hybrid.Schedules[0])
			m.Events = append(m.Events, Event{Jump: func(*Point) []Jet { return []Jet{Const(-7)} }})
		}
		_, tr := solve(t, m, sim.Span{T1: 5, Saves: []float64{0.5, 4}})
		end := 1 + math.Log(1.5)/0.3 // y = 0.2 + 0.8 t up to 1, then e^0.3(t−1)
		require.Equal(t, sim.Terminated, tr.Status)
		require.False(t, tr.Status.Failed())
		require.InDelta(t, end, tr.T, 1e-9)
		require.InDelta(t, 1.5+end, tr.Y[0], 1e-9)
		require.Equal(t, 1, tr.Saved)
		require.InDelta(t, 0.6, tr.SaveY.At(0)[0], 1e-10)
		require.Len(t, tr.Log, 1)
	}
}

// TestStartsOnSurface: what a condition does whose guard is zero where the run starts.
func TestStartsOnSurface(t *testing.T) {
	for _, c := range []struct {
		name      string
		op        events.CondOp
		inclusive bool
		atStart   bool
		y0, speed float64
		fires     []float64
	}{
		{"> on the surface, rising", events.Above, false, false, 0, 1, []float64{0}},
		{">= on the surface, rising", events.Above, true, false, 0, 1, nil},
		{">= on the surface, rising, at start", events.Above, true, true, 0, 1, []float64{0}},
		{"> above, at start", events.Above, false, true, 1, 1, []float64{0}},
		{"> above", events.Above, false, false, 1, 1, nil},
		{"> on the surface, falling", events.Above, false, true, 0, -1, nil},
		{">= on the surface, falling", events.Above, true, true, 0, -1, nil},
		{"< on the surface, falling", events.Below, false, false, 0, -1, []float64{0}},
		{"<= on the surface, falling", events.Below, true, false, 0, -1, nil},
		{"<= above, falling", events.Below, true, false, 1, -1, []float64{1}},
		{"< on the surface, staying", events.Below, false, true, 0, 0, nil},
		{"<= on the surface, staying, at start", events.Below, true, true, 0, 0, []float64{0}},
		{"crosses, on the surface", events.Cross, false, true, 0, 1, nil},
		{"rises, from below", events.Rise, false, false, -0.5, 1, []float64{0.5}},
		{"falls, from below", events.Fall, false, false, -0.5, 1, nil},
	} {
		ev := when("e", &events.Cond{Op: c.op, Inclusive: c.inclusive}, 1)
		ev.AtStart = c.atStart
		m := &Model{
			Hybrid: hybrid(1, ev), NY: 1, ND: 1,
			Init:   func(*Point) ([]Jet, []Jet) { return []Jet{Const(c.y0)}, []Jet{Const(0)} },
			Field:  func(*Point) []Jet { return []Jet{Const(c.speed)} },
			Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
			Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.D[0].Plus(1)} }}},
		}
		_, tr := solve(t, m, sim.Span{T1: 2})
		require.InDeltaSlice(t, c.fires, times(tr, 0), 1e-12, c.name)
		require.Equal(t, float64(len(c.fires)), tr.D[0], c.name)
	}
}

// TestDelays: a jump that waits is dropped when its condition becomes false, unless it is
// persistent, and takes the values of its trigger or, late, those of its time.
func TestDelays(t *testing.T) {
	// y = 1.3 sin t reaches 0.9 at t₁ and falls below it at π − t₁; the delay is 0.6·0.9.
	t1 := math.Asin(0.9 / 1.3)
	due := t1 + 0.54
	for name, c := range map[string]struct {
		late, persistent bool
		delay            float64 // times 0.9
		want             float64 // what the jump assigns; 0: it does not happen
	}{
		"in time":           {false, false, 0.6, 0.1*t1 + 0.81 + t1},
		"late":              {true, false, 0.6, 0.1*due + math.Pow(1.3*math.Sin(due), 2) + due},
		"dropped":           {false, false, 2, 0},
		"persistent":        {false, true, 2, 0.1*t1 + 0.81 + t1},
		"persistent, late":  {true, true, 2, 0.1*(t1+1.8) + math.Pow(1.3*math.Sin(t1+1.8), 2) + t1 + 1.8},
		"without any delay": {false, false, 0, 0.1*t1 + 0.81 + t1},
	} {
		m := delayed(c.late, c.persistent)
		m.P[1] = c.delay
		_, tr := solve(t, m, sim.Span{T1: 4, Saves: []float64{4}})
		if c.want == 0 {
			require.Empty(t, tr.Log, name)
			require.InDelta(t, 0.4, tr.Y[1], 1e-9, name)
			continue
		}
		at := t1 + 0.9*c.delay
		require.Len(t, tr.Log, 1, name)
		require.InDelta(t, at, tr.Log[0].T, 1e-9, name)
		require.InDelta(t, c.want, tr.Log[0].YAfter[1], 1e-8, name)
		require.InDelta(t, c.want+0.1*(4-at), tr.Y[1], 1e-8, name)
	}
}

// TestDelaysAreOrdered: of several jumps that wait the earliest comes first, those of one
// time in the order of their triggers, and dropping some leaves the others.
func TestDelaysAreOrdered(t *testing.T) {
	m := &Model{
		Hybrid: hybrid(1), NY: 1, ND: 1, P: []float64{1},
		Init:   func(*Point) ([]Jet, []Jet) { return []Jet{Const(0)}, []Jet{Const(0)} },
		Field:  func(x *Point) []Jet { return []Jet{Const(1.5).Sub(x.T)} }, // above 0.5 from t₀ to 3 − t₀
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0].Plus(-0.5) }},
	}
	t0 := 1.5 - math.Sqrt(1.25)
	for i, delay := range []float64{1.5, 0.5, 9, 1.5, 1, 4} {
		ev := when("e", above(0), 1)
		ev.Delayed, ev.Late, ev.Persistent, ev.Release = true, true, i == 5, -1
		m.Hybrid.Events = append(m.Hybrid.Events, ev)
		m.Hybrid.Schedules = append(m.Hybrid.Schedules, never(ev))
		m.Events = append(m.Events, Event{
			Jump:  func(x *Point) []Jet { return []Jet{x.D[0].Scale(10).Plus(float64(i + 1))} },
			Delay: func(*Point) Jet { return Const(delay) },
		})
	}
	_, tr := solve(t, m, sim.Span{T1: 8})
	var order []int
	for _, e := range tr.Log {
		order = append(order, e.Event)
	}
	require.Equal(t, []int{1, 4, 0, 3, 5}, order)
	require.Equal(t, 25146., tr.D[0])
	require.InDelta(t, t0+4, tr.Log[4].T, 1e-9)
}

// TestEvery: the times of events with a period, and their derivatives.
func TestEvery(t *testing.T) {
	m := scheduled() // at 0.8; every 0.37 from 0.45 until 2.05; every 1.1 from the start
	s, tr := solve(t, m, sim.Span{T1: 3})
	require.InDeltaSlice(t, []float64{0.8}, times(tr, 0), 1e-14)
	require.InDeltaSlice(t, []float64{0.45, 0.82, 1.19, 1.56, 1.93}, times(tr, 1), 1e-14)
	require.InDeltaSlice(t, []float64{1.1, 2.2}, times(tr, 2), 1e-14)
	for k := range m.P {
		m.Clear()
		m.PDot[k] = 1
		var tan sim.Tangents
		s.Forward(Run{Model: m}, &tan)
		count := map[int]float64{}
		for i, e := range tr.Log {
			n := count[e.Event]
			count[e.Event]++
			want := [3][5]float64{{1}, {0, n, 1}, {0, 0, 0, 0, n + 1}}[e.Event][k]
			require.InDelta(t, want, tan.EventT[i], 1e-14, "forward: event %d at %g, parameter %d", e.Event, e.T, k)
			for name, backward := range modes(s) {
				m.Clear()
				ct := make([]float64, len(tr.Log))
				ct[i] = 1
				backward(Run{Model: m}, &sim.Cotangents{EventT: ct})
				require.InDelta(t, want, m.PBar[k], 1e-13, "%s: event %d at %g, parameter %d", name, e.Event, e.T, k)
			}
			m.Clear()
			m.PDot[k] = 1
		}
	}
	// From before the start: those before it are past. At the start: only if asked to.
	for atStart, want := range map[bool][]float64{false: {0.5, 1, 1.5}, true: {0, 0.5, 1, 1.5}} {
		m := doses()
		m.Hybrid.Events[0].Kind, m.Hybrid.Events[0].AtStart = events.Every, atStart
		m.Hybrid.Schedules = []sim.Schedule{{At: -1, Period: 0, From: 1, Until: 2}}
		m.Times = []func(*Point) Jet{func(*Point) Jet { return Const(0.5) }, func(*Point) Jet { return Const(-2) }, func(*Point) Jet { return Const(1.5) }}
		m.Events[0].Jump = func(x *Point) []Jet { return []Jet{x.Y[0].Plus(1)} }
		_, tr := solve(t, m, sim.Span{T1: 3})
		require.InDeltaSlice(t, want, times(tr, 0), 1e-14)
	}
}

// TestEveryUntil: the last firing may be at the end itself, also where its multiple of the
// period is that only but for round-off.
func TestEveryUntil(t *testing.T) {
	for _, c := range []struct {
		from, period, until float64
		want                []float64
	}{
		{0.5, 0.25, 1.5, []float64{0.5, 0.75, 1, 1.25, 1.5}},
		{0.1, 0.1, 0.3, []float64{0.1, 0.2, 0.3}}, // 0.1 + 2·0.1 is more than 0.3
		{0.5, 0.25, 1.499, []float64{0.5, 0.75, 1, 1.25}},
		{0.5, 0.25, 0.4, nil},
	} {
		m := doses()
		m.Hybrid.Events[0].Kind = events.Every
		m.Hybrid.Schedules = []sim.Schedule{{At: -1, Period: 0, From: 1, Until: 2}}
		m.Times = nil
		for _, v := range []float64{c.period, c.from, c.until} {
			m.Times = append(m.Times, func(*Point) Jet { return Const(v) })
		}
		m.Events[0].Jump = func(x *Point) []Jet { return []Jet{x.Y[0].Plus(1)} }
		_, tr := solve(t, m, sim.Span{T1: 3})
		require.Len(t, times(tr, 0), len(c.want), "%v", c)
		require.InDeltaSlice(t, c.want, times(tr, 0), 1e-14)
	}
}

// TestCoincidingRoots: two states reach their thresholds at one time, each at a speed of its own:
// what either event does moves with its own time, 1/p.
func TestCoincidingRoots(t *testing.T) {
	first, second := when("first", above(0), 2), when("second", above(1), 2)
	second.Late, first.Priority = true, 1 // it reads what the first one leaves
	m := &Model{
		Hybrid: hybrid(2, first, second), NY: 3, P: []float64{1, 1, 0.5},
		Init:  func(*Point) ([]Jet, []Jet) { return []Jet{Const(0), Const(0), Const(1)}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.P[0], x.P[1], x.P[2].Mul(x.Y[2])} },
		Guards: []func(*Point) Jet{
			func(x *Point) Jet { return x.Y[0].Plus(-1) },
			func(x *Point) Jet { return x.Y[1].Plus(-1) },
		},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[2].Scale(2)} }}, {Jump: func(x *Point) []Jet { return []Jet{x.Y[2].Plus(1)} }}},
	}
	s, tr := solve(t, m, sim.Span{T1: 3, Saves: []float64{3}})
	// y = (2 e^{k/p₀} e^{k(1/p₁−1/p₀)} + 1) e^{k(T−1/p₁)}.
	require.InDelta(t, 2*math.Exp(1.5)+math.Exp(1), tr.SaveY.At(0)[2], 1e-8)
	want := []float64{0, 0.5 * math.Exp(1), 6*math.Exp(1.5) + 2*math.Exp(1)}
	for name, backward := range modes(s) {
		m.Clear()
		backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf([]float64{0, 0, 1})})
		require.InDeltaSlice(t, want, m.PBar, 1e-7, name)
	}
	for k, w := range want {
		m.Clear()
		m.PDot[k] = 1
		var tan sim.Tangents
		s.Forward(Run{Model: m}, &tan)
		require.InDelta(t, w, tan.Y.At(0)[2], 1e-7, "forward, parameter %d", k)
		times := map[int][]float64{0: {-1, 0}, 1: {0, -1}, 2: {0, 0}}[k]
		require.InDeltaSlice(t, times, tan.EventT, 1e-9, "parameter %d", k)
	}
}

// TestCoincidingTimes: two events scheduled at one time by two parameters: each moves by
// its own.
func TestCoincidingTimes(t *testing.T) {
	at := func(k int) events.Event { return events.Event{Name: "at", Kind: events.At, Targets: []int{k}} }
	m := &Model{
		Hybrid: hybrid(0, at(0), at(0)), NY: 1, P: []float64{1, 1, 0.5},
		Init:   func(*Point) ([]Jet, []Jet) { return []Jet{Const(1)}, nil },
		Field:  func(x *Point) []Jet { return []Jet{x.P[2].Mul(x.Y[0])} },
		Times:  []func(*Point) Jet{func(x *Point) Jet { return x.P[0] }, func(x *Point) Jet { return x.P[1] }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Scale(2)} }}, {Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Plus(1)} }}},
	}
	m.Hybrid.Events[1].Late = true // it reads what the first one leaves
	m.Hybrid.Schedules = []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}, {At: 1, Period: -1, From: -1, Until: -1}}
	s, tr := solve(t, m, sim.Span{T1: 3, Saves: []float64{3}})
	// y = (2 e^{k p₀} e^{k(p₁−p₀)} + 1) e^{k(T−p₁)}.
	require.InDelta(t, 2*math.Exp(1.5)+math.Exp(1), tr.SaveY.At(0)[0], 1e-8)
	want := []float64{0, -0.5 * math.Exp(1), 6*math.Exp(1.5) + 2*math.Exp(1)}
	for name, backward := range modes(s) {
		m.Clear()
		backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf([]float64{1})})
		require.InDeltaSlice(t, want, m.PBar, 1e-7, name)
	}
}

// TestFloorsAfterJumps: a jump of the state over several whole numbers, up and down,
// takes the floor along.
func TestFloorsAfterJumps(t *testing.T) {
	for _, slides := range []int{0, 1} {
		m := stairs() // y' = 1 + 0.3 ⌊y⌋ from −0.5
		m.Slides = slides
		up, down := events.Event{Name: "up", Kind: events.At, Targets: []int{0}, Release: -1}, events.Event{Name: "down", Kind: events.At, Targets: []int{0}, Release: -1}
		m.Hybrid.Events = []events.Event{up, down}
		m.Hybrid.Flags = make([]bool, m.Sizes().Guards)
		m.Hybrid.Schedules = []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}, {At: 1, Period: -1, From: -1, Until: -1}}
		m.Times = []func(*Point) Jet{func(*Point) Jet { return Const(0.5) }, func(*Point) Jet { return Const(0.6) }}
		m.Events = []Event{{Jump: func(*Point) []Jet { return []Jet{Const(5.75)} }}, {Jump: func(*Point) []Jet { return []Jet{Const(-2.25)} }}}
		_, tr := solve(t, m, sim.Span{T1: 0.9, Saves: []float64{0.4, 0.55, 0.9}})
		require.InDelta(t, -0.5+0.7*0.4, tr.SaveY.At(0)[0], 1e-11)
		require.Equal(t, -1., tr.SaveD.At(0)[0])
		require.InDelta(t, 5.75+2.5*0.05, tr.SaveY.At(1)[0], 1e-11)
		require.Equal(t, 5., tr.SaveD.At(1)[0])
		require.InDelta(t, -2.25+0.1*0.3, tr.SaveY.At(2)[0], 1e-11)
		require.Equal(t, -3., tr.SaveD.At(2)[0])
	}
}

// TestQuadraturesAreNotControlled: a state at the end that the error does not look at
// changes no step; one that it looks at does.
func TestQuadraturesAreNotControlled(t *testing.T) {
	run := func(extra, unseen int) *sim.Trajectory {
		m := predator()
		m.NY, m.NoError = 2+extra, unseen
		init, field := m.Init, m.Field
		m.Init = func(x *Point) ([]Jet, []Jet) { y, d := init(x); return y[:m.NY], d }
		m.Field = func(x *Point) []Jet {
			f := field(x)
			f[2] = x.T.Scale(40).Sin() // which a step of the others cannot follow
			return f[:m.NY]
		}
		tr := new(sim.Trajectory)
		require.NoError(t, sim.New(m.Hybrid, m.Sizes(), sim.Options{Forget: true}, nil).Run(Run{Model: m}, &sim.Span{T1: 9}, tr))
		return tr
	}
	without, unseen, seen := run(0, 0), run(1, 1), run(1, 0)
	require.Equal(t, without.Y, unseen.Y[:2])
	require.Equal(t, without.Stats.Steps, unseen.Stats.Steps)
	require.Greater(t, seen.Stats.Steps, 2*without.Stats.Steps)
	require.InDelta(t, (1-math.Cos(360))/40, seen.Y[2], 1e-5)
}

// recorder notes the steps that are taken.
type recorder struct {
	sim.Steps
	t, h, mean []float64
}

func (r *recorder) Time(l int, m sim.Model, t, h float64) {
	r.t, r.h = append(r.t, t), append(r.h, h)
	r.Steps.Time(l, m, t, h)
}

func (r *recorder) Step() {
	r.Steps.Step()
	r.mean = append(r.mean, r.Block().Mean[0])
}

// TestStepControl: the lengths of steps follow the PI controller of Hairer, Nørsett and
// Wanner, and do not grow right after a rejection.
func TestStepControl(t *testing.T) {
	m := doses()
	field := m.Field
	m.Field = func(x *Point) []Jet { // a spike, which the controller runs into
		f := field(x)
		d := x.T.Plus(-1.3)
		f[0] = f[0].Add(d.Mul(d).Scale(-1000).Exp().Scale(50))
		return f
	}
	opt := sim.Options{RTol: 1e-6, ATol: 1e-8, Forget: true}
	lanes := NewLanes(m, 1, withMethod(opt), false, false)
	rec := &recorder{Steps: lanes}
	span := sim.Span{T1: 3, Firings: []sim.Firing{{T: 0, Args: []float64{5}}, {T: 2, Args: []float64{2}}}}
	tr := new(sim.Trajectory)
	require.NoError(t, sim.New(m.Hybrid, m.Sizes(), opt, rec).Run(Run{Model: m}, &span, tr))
	require.Greater(t, tr.Stats.Rejected, 2)
	require.Len(t, rec.mean, tr.Stats.Steps+tr.Stats.Rejected)
	before, chosen, rejected, slower := 1e-4, 0., false, 0
	for i := 0; i+1 < len(rec.t); i++ {
		err := math.Sqrt(rec.mean[i])
		end := rec.t[i] + rec.h[i]
		next := 0.
		if err > 1 {
			require.Equal(t, rec.t[i], rec.t[i+1], "step %d", i)
			next = rec.h[i] * math.Min(0.9, math.Max(0.2, 0.9*math.Pow(err, -(0.2-0.75*0.04))))
			rejected = true
		} else {
			require.InDelta(t, end, rec.t[i+1], 1e-12)
			factor := math.Min(10, math.Max(0.2, 0.9*math.Pow(err, -(0.2-0.75*0.04))*math.Pow(before, 0.04)))
			if rejected {
				slower++
				factor = math.Min(1, factor)
			}
			next, rejected = rec.h[i]*factor, false
			before = math.Max(err, 1e-4)
		}
		switch stop := map[bool]float64{true: 2, false: 3}[rec.t[i+1] < 2]; {
		case rec.t[i+1] == 2: // the step was cut off, which says nothing of the length before
			require.InEpsilon(t, chosen, rec.h[i+1], 1e-9, "behind the jump")
		case rec.t[i+1]+next < stop:
			require.InEpsilon(t, next, rec.h[i+1], 1e-9, "step %d at %g", i, rec.t[i])
		default:
			require.InDelta(t, stop, rec.t[i+1]+rec.h[i+1], 1e-12, "step %d at %g", i, rec.t[i])
		}
		chosen = next
	}
	require.Positive(t, slower)
}

// withMethod are options with nothing left out, as lanes want them.
func withMethod(opt sim.Options) sim.Options {
	opt.Method = solvers.Tsit5
	if opt.RTol == 0 {
		opt.RTol, opt.ATol = 1e-6, 1e-8
	}
	return opt
}

// TestLanding: a state that reaches the border of what its field is defined for, behind
// which there is nothing, has its event there: y' = −2√y from 1 is (1−t)².
func TestLanding(t *testing.T) {
	ev := when("empty", below(0), 1)
	m := &Model{
		Hybrid: hybrid(1, ev), NY: 1, ND: 1, P: []float64{2},
		Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(1)}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet {
			if x.D[0].V > 0 {
				return []Jet{Const(1)}
			}
			return []Jet{x.Y[0].Sqrt().Mul(x.P[0]).Scale(-1)}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
		Events: []Event{{Jump: func(*Point) []Jet { return []Jet{Const(1)} }}},
	}
	m.Clear()
	tr := new(sim.Trajectory)
	require.NoError(t, sim.New(m.Hybrid, m.Sizes(), sim.Options{RTol: 1e-8, ATol: 1e-8, Forget: true}, nil).Run(Run{Model: m}, &sim.Span{T1: 2}, tr))
	require.Len(t, tr.Log, 1)
	require.InDelta(t, 1, tr.Log[0].T, 1e-3)
	require.InDelta(t, 1, tr.Y[0], 1e-3, "filled again from there")
}

// TestInputsAtSurface: an input that jumps at the very time at which a guard comes to its
// surface says whether the guard goes across.
func TestInputsAtSurface(t *testing.T) {
	for _, c := range []struct {
		after float64
		fires int
	}{{1, 1}, {-1, 0}, {0, 0}} {
		ev := when("e", &events.Cond{Op: events.Above}, 1)
		m := &Model{
			Hybrid: hybrid(1, ev), NY: 1, ND: 1, P: []float64{1},
			Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(-1)}, []Jet{Const(0)} },
			Field: func(x *Point) []Jet {
				if x.After(1) {
					return []Jet{Const(c.after)}
				}
				return []Jet{Const(1)}
			},
			Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
			Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.D[0].Plus(1)} }}},
		}
		_, tr := solve(t, m, sim.Span{T1: 2, Stops: []float64{1}})
		require.Len(t, tr.Log, c.fires, "after %g", c.after)
		require.InDelta(t, c.after, tr.Y[0], 1e-9)
	}
}

// TestInfiniteDiscrete: discrete variables may be infinite, at the start and by a jump,
// and a guard that is infinite with them crosses nothing. The second
// tooth of a sawtooth, from p to 1, takes 1 - p.
func TestInfiniteDiscrete(t *testing.T) {
	full, late := when("full", above(0), 0, 1, 2), when("late", above(1), 2)
	m := &Model{
		Hybrid: hybrid(2, full, late), P: []float64{0.25}, NY: 1, ND: 2,
		Init: func(*Point) ([]Jet, []Jet) {
			return []Jet{Const(0)}, []Jet{Const(math.Inf(-1)), Const(math.Inf(1))}
		},
		Field: func(*Point) []Jet { return []Jet{Const(1)} },
		Guards: []func(*Point) Jet{
			func(x *Point) Jet { return x.Y[0].Plus(-1) },
			func(x *Point) Jet { return x.T.Sub(x.D[0]).Plus(-0.5) },
		},
		Events: []Event{
			{Jump: func(x *Point) []Jet { return []Jet{x.P[0], x.T, Const(math.Inf(1))} }},
			{Jump: func(x *Point) []Jet { return []Jet{x.T} }},
		},
	}
	for _, affine := range []bool{false, true} {
		m.Hybrid.Affine = []bool{affine, affine}
		_, tr := solve(t, m, sim.Span{T1: 1.3, Saves: []float64{0.5}})
		require.Equal(t, []float64{math.Inf(-1), math.Inf(1)}, tr.SaveD.At(0))
		require.InDelta(t, 1, tr.D[0], 1e-12)
		require.Equal(t, math.Inf(1), tr.D[1])

		_, tr = solve(t, m, sim.Span{T1: 2})
		var at []float64
		for _, r := range tr.Log {
			at = append(at, r.T)
		}
		require.InDeltaSlice(t, []float64{1, 1.5, 1.75}, at, 1e-12)
		require.InDelta(t, 1.75, tr.D[0], 1e-12)
	}
}
