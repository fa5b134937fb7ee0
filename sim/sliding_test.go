package sim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
)

// slides are the times at which motions along surfaces begin and end.
func slides(tr *sim.Trajectory) (starts, ends []float64) {
	for _, e := range tr.Log {
		switch e.Kind {
		case sim.SlideStart:
			starts = append(starts, e.T)
		case sim.SlideEnd:
			ends = append(ends, e.T)
		}
	}
	return starts, ends
}

// TestFriction: v' = 2 sin t ∓ 1 from v = ½: the block stops where ½ − t + 2(1 − cos t)
// vanishes, if it does, sticks while |2 sin t| < 1, and slips after that.
func TestFriction(t *testing.T) {
	root := func(f func(float64) float64, a, b float64) float64 {
		for range 80 {
			if m := (a + b) / 2; (f(m) > 0) == (f(a) > 0) {
				a = m
			} else {
				b = m
			}
		}
		return a
	}
	// It slips upwards from π/6 or before, until it stops again; then it sticks if the
	// force is small there, and else turns at once.
	up := func(from, v float64) func(float64) float64 {
		return func(t float64) float64 { return v - (t - from) + 2*(math.Cos(from)-math.Cos(t)) }
	}
	down := func(from float64) func(float64) float64 {
		return func(t float64) float64 { return (t - from) + 2*(math.Cos(from)-math.Cos(t)) }
	}
	m := friction()
	m.P[2] = 0.1
	stop := root(up(0, 0.1), 0, math.Pi/6)
	slip := math.Pi / 6
	again := root(up(slip, 0), 1.5, math.Pi+1.2)
	require.Less(t, math.Abs(math.Sin(stop)), 0.5)
	s, tr := solve(t, m, sim.Span{T1: 6, Saves: []float64{0.4, 1.2, 6}})
	starts, ends := slides(tr)
	require.InDelta(t, stop, starts[0], 1e-9)
	require.InDelta(t, slip, ends[0], 1e-7)
	require.InDelta(t, 0, tr.SaveY.At(0)[1], 1e-13)
	require.Equal(t, sim.OnSurface, tr.SaveD.At(0)[0])
	require.InDelta(t, up(slip, 0)(1.2), tr.SaveY.At(1)[1], 1e-9)
	if 2*math.Abs(math.Sin(again)) > 1 {
		require.Len(t, starts, 1)
		require.InDelta(t, down(again)(6), tr.SaveY.At(2)[1], 1e-7)
	}
	// ∂v/∂μ at 1.2 is −(1.2 − slip), as the force is nothing where it begins; the time of
	// the stop moves by t/(1 − 2 sin t) with μ, and by 1/(…) with v₀.
	rate := 1 - 2*math.Sin(stop)
	at := map[sim.RecordKind]int{}
	for i := len(tr.Log) - 1; i >= 0; i-- {
		at[tr.Log[i].Kind] = i
	}
	for name, backward := range modes(s) {
		m.Clear()
		backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf(nil, []float64{0, 1}, nil)})
		require.InDelta(t, -(1.2 - slip), m.PBar[1], 1e-5, name)
		require.InDelta(t, 0, m.PBar[2], 1e-7, name)
		m.Clear()
		ct := make([]float64, len(tr.Log))
		ct[at[sim.SlideStart]] = 1
		backward(Run{Model: m}, &sim.Cotangents{EventT: ct})
		require.InDelta(t, -stop/rate, m.PBar[1], 1e-6, name)
		require.InDelta(t, 1/rate, m.PBar[2], 1e-6, name)
		m.Clear()
		ct[at[sim.SlideStart]], ct[at[sim.SlideEnd]] = 0, 1
		backward(Run{Model: m}, &sim.Cotangents{EventT: ct})
		require.InDelta(t, 1/(2*math.Cos(slip)), m.PBar[1], 1e-6, name) // 2 sin t = μ
	}
}

// TestLedge: y' = 1.5 below the edge of the floor and t − 1.5 above: y stays at 1 from
// 0.75/1.5 until 1.5 and is 1 + (t − 1.5)²/2 then.
func TestLedge(t *testing.T) {
	_, tr := solve(t, ledge(), sim.Span{T1: 3, Saves: []float64{0.3, 1, 1.4, 2, 3}})
	starts, ends := slides(tr)
	require.InDeltaSlice(t, []float64{0.5}, starts, 1e-10)
	require.InDeltaSlice(t, []float64{1.5}, ends, 1e-7)
	for i, want := range []float64{0.25 + 0.45, 1, 1, 1.125} {
		require.InDelta(t, want, tr.SaveY.At(i)[0], 1e-9)
	}
	require.Equal(t, 0.5, tr.SaveD.At(1)[0], "half a floor above the lower one")
	require.Equal(t, 1., tr.SaveD.At(3)[0])
}

// TestJumpOffLedge: a jump takes the state off the edge that it slides along.
func TestJumpOffLedge(t *testing.T) {
	m := ledge()
	ev := events.Event{Name: "at", Kind: events.At, Targets: []int{0}, Release: -1}
	m.Hybrid.Events, m.Hybrid.Schedules = []events.Event{ev}, []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}}
	m.Times = []func(*Point) Jet{func(*Point) Jet { return Const(1) }}
	m.Events = []Event{{Jump: func(*Point) []Jet { return []Jet{Const(0.4)} }}}
	_, tr := solve(t, m, sim.Span{T1: 1.3, Saves: []float64{0.9, 1.2}})
	require.InDelta(t, 1, tr.SaveY.At(0)[0], 1e-12)
	require.InDelta(t, 0.4+1.5*0.2, tr.SaveY.At(1)[0], 1e-9)
	require.Equal(t, 0., tr.SaveD.At(1)[0])
}

// TestTwoSurfaces: of twoFrictions each state comes to its surface and stays; the first
// leaves where the force exceeds the friction, 0.8 t = 2.
func TestTwoSurfaces(t *testing.T) {
	_, tr := solve(t, twoFrictions(), sim.Span{T1: 3.5, Saves: []float64{1.5, 3}})
	require.InDeltaSlice(t, []float64{0, 0}, tr.SaveY.At(0), 1e-12)
	require.Equal(t, []float64{0.5, 0.5}, tr.SaveD.At(0))
	_, ends := slides(tr)
	require.InDelta(t, 2.5, ends[0], 1e-6)
	require.InDelta(t, 0.8*0.5*0.5/2, tr.SaveY.At(1)[0], 1e-7)
}

// turning has four fields that turn about the origin, and shrink: each surface by itself
// is crossed, ever faster, until nothing is left but their intersection.
func turning(shrink float64) *Model {
	m := twoFrictions()
	m.Init = func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(0.1)}, []Jet{Const(0), Const(0)} }
	m.Field = func(x *Point) []Jet {
		sx, sy := 2*x.D[0].V-1, 2*x.D[1].V-1
		return []Jet{Const(-sy - shrink*sx), Const(sx - shrink*sy)}
	}
	return m
}

// TestTurning: |x| + |y| shrinks at the rate of one half, so that the crossings accumulate
// where it vanishes, and the solution stays there.
func TestTurning(t *testing.T) {
	_, tr := solve(t, turning(0.25), sim.Span{T1: 20, Saves: []float64{1, 2, 19}})
	for i, want := range []float64{0.6, 0.1} {
		require.InDelta(t, want, math.Abs(tr.SaveY.At(i)[0])+math.Abs(tr.SaveY.At(i)[1]), 1e-9)
	}
	require.InDeltaSlice(t, []float64{0, 0}, tr.SaveY.At(2), 1e-6)
	require.Equal(t, []float64{0.5, 0.5}, tr.SaveD.At(2))
	starts, _ := slides(tr)
	require.InDelta(t, 2.2, starts[0], 1e-6)
}

// surface is y' = up above and down below y = 0 with the modes at equality, from y₀.
func surface(y0 float64, up, down func(x *Point) Jet, atZero float64) *Model {
	m := &Model{
		Hybrid: hybrid(1), NY: 1, ND: 1, Slides: 1,
		Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(y0)}, []Jet{Const(0)} },
		Field: func(x *Point) []Jet {
			switch x.D[0].V {
			case 1:
				return []Jet{up(x)}
			case 0:
				return []Jet{down(x)}
			}
			return []Jet{Const(0)} // a third branch, at equality
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
	}
	m.Hybrid.Flags = make([]bool, 3)
	m.Hybrid.Switches = []events.Switch{{Modes: []int{0}, Guard: 0, AtZero: []float64{atZero}}}
	return m
}

func constant(v float64) func(*Point) Jet { return func(*Point) Jet { return Const(v) } }

// TestDecisions: what a solution does that starts on a surface, by the fields on its
// sides and at equality.
func TestDecisions(t *testing.T) {
	nowhere := func(*Point) Jet { return Const(math.NaN()) }
	for _, c := range []struct {
		name     string
		up, down func(x *Point) Jet
		atZero   float64
		want     float64 // y at t = 1
	}{
		{"both up", constant(2), constant(1), 1, 2},
		{"both down", constant(-1), constant(-3), 1, -3},
		{"onto it", constant(-1), constant(1), 1, 0},
		{"away, up at equality", constant(2), constant(-1), 1, 2},
		{"away, down at equality", constant(2), constant(-1), 0, -1},
		{"away, resting at equality", constant(2), constant(-1), 2, 0},
		{"resting above", constant(0), constant(1), 1, 0},
		{"resting below", constant(-1), constant(0), 0, 0},
		{"no value above, down below", nowhere, constant(-2), 1, -2},
		{"no value below, up above", constant(3), nowhere, 1, 3},
		{"second rates up", func(x *Point) Jet { return x.T }, func(x *Point) Jet { return x.T.Scale(2) }, 1, 0.5},
		{"second rates down", func(x *Point) Jet { return x.T.Scale(-1) }, func(x *Point) Jet { return x.T.Scale(-4) }, 0, -2},
	} {
		_, tr := solve(t, surface(0, c.up, c.down, c.atZero), sim.Span{T1: 1})
		require.InDelta(t, c.want, tr.Y[0], 1e-9, c.name)
	}
}

// failure is how a run ends that cannot go on.
func failure(t *testing.T, m *Model, opt sim.Options, span sim.Span) *sim.Failure {
	t.Helper()
	m.Clear()
	tr := new(sim.Trajectory)
	err := sim.New(m.Hybrid, m.Sizes(), opt, nil).Run(Run{Model: m}, &span, tr)
	require.Error(t, err)
	require.Same(t, err, error(tr.Fail))
	require.Equal(t, tr.Fail.Status, tr.Status)
	require.True(t, tr.Status.Failed())
	return tr.Fail
}

// TestSlidingFailures: motions along surfaces that have no meaning are refused, with the
// switches that they are about.
func TestSlidingFailures(t *testing.T) {
	two := func(first, second func(x *Point) Jet, slides int) *Model {
		m := surface(0, constant(-1), constant(1), 1)
		m.ND = 2
		m.Init = func(*Point) ([]Jet, []Jet) { return []Jet{Const(0)}, []Jet{Const(0), Const(0)} }
		m.Guards = []func(*Point) Jet{first, second}
		m.Slides = slides
		m.Hybrid.Flags = make([]bool, m.Sizes().Guards)
		m.Hybrid.Switches = []events.Switch{branch(0, 0), branch(1, 1)}
		return m
	}
	y := func(x *Point) Jet { return x.Y[0] }
	three := func() *Model {
		m := twoFrictions()
		m.NY, m.ND = 3, 3
		m.Init = func(*Point) ([]Jet, []Jet) {
			return []Jet{Const(0), Const(0), Const(0)}, []Jet{Const(0), Const(0), Const(0)}
		}
		m.Field = func(x *Point) []Jet {
			return []Jet{Const(1 - 2*x.D[0].V), Const(1 - 2*x.D[1].V), Const(1 - 2*x.D[2].V)}
		}
		m.Guards = append(m.Guards, func(x *Point) Jet { return x.Y[2] })
		m.Hybrid.Flags = make([]bool, 7)
		m.Hybrid.Switches = append(m.Hybrid.Switches, branch(2, 2))
		return m
	}
	read := surface(0, constant(-1), constant(1), 1)
	read.Hybrid.Switches[0].Trigger = 1
	read.Hybrid.Events = []events.Event{when("e", above(0))}
	read.Hybrid.Events[0].Release = -1
	read.Hybrid.Schedules = []sim.Schedule{never(read.Hybrid.Events[0])}
	read.Events = []Event{{Jump: func(*Point) []Jet { return nil }}}
	ledgeRead := ledge()
	ledgeRead.Hybrid.Switches[0].Trigger = 1
	corner := surface(0, constant(-1), constant(1), 1)
	corner.Hybrid.Switches[0].Corner = true
	for _, c := range []struct {
		name     string
		m        *Model
		text     string
		switches []int
	}{
		{"second derivatives", surface(0, func(x *Point) Jet { return x.T.Scale(-1) }, func(x *Point) Jet { return x.T }, 1), "second derivatives", []int{0}},
		{"corner", corner, "second derivatives", []int{0}},
		{"the same surface twice", two(y, func(x *Point) Jet { return x.Y[0].Scale(3) }, 1), "same surface", []int{0, 1}},
		{"a condition of the field", two(y, func(x *Point) Jet { return x.D[0].Plus(-0.75) }, 1), "reads a term that jumps", []int{0, 1}},
		{"three surfaces", three(), "more than two surfaces", []int{0, 1, 2}},
		{"an event's condition", read, "a condition or priority of an event", []int{0}},
		{"an event's condition on a floor", ledgeRead, "a condition or priority of an event", []int{0}},
	} {
		f := failure(t, c.m, sim.Options{}, sim.Span{T1: 2})
		require.Equal(t, sim.Sliding, f.Status, c.name)
		require.Contains(t, f.Error(), c.text, c.name)
		require.Equal(t, c.switches, f.Switches, c.name)
	}
	nan := surface(0, constant(math.NaN()), constant(math.NaN()), 1)
	f := failure(t, nan, sim.Options{}, sim.Span{T1: 2})
	require.Equal(t, sim.Unstable, f.Status)
	require.Equal(t, 0, f.Guard)
}

// TestStepsOntoSurface: a field that changes where a state is put, by a jump onto a
// surface, is decided from there.
func TestStepsOntoSurface(t *testing.T) {
	for onto, want := range map[float64]float64{0: 0, 0.5: 0, -1: -0.5} {
		m := surface(3, constant(-1), constant(1), 1)
		ev := events.Event{Name: "at", Kind: events.At, Targets: []int{0}, Release: -1}
		m.Hybrid.Events, m.Hybrid.Schedules = []events.Event{ev}, []sim.Schedule{{At: 0, Period: -1, From: -1, Until: -1}}
		m.Times = []func(*Point) Jet{func(*Point) Jet { return Const(1) }}
		m.Events = []Event{{Jump: func(*Point) []Jet { return []Jet{Const(onto)} }}}
		_, tr := solve(t, m, sim.Span{T1: 1.5})
		require.InDelta(t, want, tr.Y[0], 1e-9, "onto %g", onto)
	}
}

// TestRestsOnSurfaceAndLeaves: a state that is put on a surface and rests there leaves it
// when the field begins to push, upwards or downwards; a comparison that this makes
// true fires there.
func TestRestsOnSurfaceAndLeaves(t *testing.T) {
	for _, push := range []float64{1, -1} {
		ev := when("e", &events.Cond{Op: events.Above}, 1)
		m := &Model{
			Hybrid: hybrid(1, ev), NY: 1, ND: 1,
			Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(0)}, []Jet{Const(0)} },
			Field: func(x *Point) []Jet {
				d := x.T.Plus(-1)
				if d.V <= 0 {
					return []Jet{Const(0)}
				}
				return []Jet{d.Mul(d).Scale(3 * push)}
			},
			Guards: []func(*Point) Jet{func(x *Point) Jet { return x.Y[0] }},
			Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.D[0].Plus(1)} }}},
		}
		_, tr := solve(t, m, sim.Span{T1: 2, Stops: []float64{1}})
		require.InDelta(t, push, tr.Y[0], 1e-9)
		if push > 0 {
			require.Len(t, tr.Log, 1)
			require.InDelta(t, 1, tr.Log[0].T, 2e-3, "as soon as it is clearly above")
		} else {
			require.Empty(t, tr.Log)
		}
	}
}
