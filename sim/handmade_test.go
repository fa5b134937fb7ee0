package sim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
)

// handmade is a model written out by hand whose guards are linear in the states and
// the time.
type handmade struct {
	size   Sizes
	y0, d0 []float64
	rhs    func(t float64, y, d, dy []float64)
	guard  []line
	sched  []float64
	jump   func(e int, t float64, y, d, a, v []float64)
	delay  float64
	ranks  func(y, v []float64)
}

// line is the guard a·y + at·t + b.
type line struct {
	a     []float64
	at, b float64
}

func (m *handmade) Sizes() Sizes { return m.size }

func (m *handmade) Init(_ float64, y, d []float64) {
	copy(y, m.y0)
	copy(d, m.d0)
}

func (m *handmade) RHS(t float64, y, d, dy []float64) { m.rhs(t, y, d, dy) }

func (m *handmade) flow(t float64, y, d []float64, held []bool) []float64 {
	dy := make([]float64, len(y))
	m.rhs(t, y, d, dy)
	for i, h := range held {
		if h {
			dy[i] = 0
		}
	}
	return dy
}

func (m *handmade) Guards(t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	dy := m.flow(t, y, d, held)
	m.GuardsAlong(t, y, d, dy, g, rate)
	if accel == nil {
		return
	}
	const h = 1e-6
	next := make([]float64, len(y))
	for i := range y {
		next[i] = y[i] + h*dy[i]
	}
	gh, rh := make([]float64, len(g)), make([]float64, len(g))
	m.GuardsAlong(t+h, next, d, m.flow(t+h, next, d, held), gh, rh)
	for i := range accel {
		if accel[i] = (rh[i] - rate[i]) / h; math.Abs(accel[i]) < 1e-8 {
			accel[i] = 0
		}
	}
}

func (m *handmade) GuardsAlong(t float64, y, _, dy, g, rate []float64) {
	for i, l := range m.guard {
		g[i], rate[i] = l.b+l.at*t, l.at
		for k, a := range l.a {
			g[i] += a * y[k]
			rate[i] += a * dy[k]
		}
	}
}

func (m *handmade) Spread(_ float64, y, _, reach []float64, rt float64, g, rate []float64) {
	n := len(m.guard)
	for i, l := range m.guard {
		for half := range 2 {
			at := half*n + i
			g[at], rate[at] = math.Abs(l.at)*rt, 0
			for k, a := range l.a {
				g[at] += math.Abs(a) * reach[half*len(y)+k]
			}
		}
	}
}

func (m *handmade) Times(s []float64) { copy(s, m.sched) }

func (m *handmade) Jump(e int, t float64, y, d, a, v []float64) { m.jump(e, t, y, d, a, v) }

func (m *handmade) Priorities(_ float64, y, _, v []float64) { m.ranks(y, v) }

func (m *handmade) Rest(int, float64, []float64, []float64, []float64)          {}
func (m *handmade) Delay(int, float64, []float64, []float64, []float64) float64 { return m.delay }
func (m *handmade) Floors(float64, []float64, []float64, []float64)             {}
func (m *handmade) run(t *testing.T, hy *Hybrid, span *Span) *Trajectory {
	t.Helper()
	for len(hy.Schedules) < len(hy.Events) {
		hy.Schedules = append(hy.Schedules, Schedule{-1, -1, -1, -1})
	}
	hy.Flags = make([]bool, m.size.Guards)
	tr := &Trajectory{}
	require.NoError(t, New(hy, m.size, Options{RTol: 1e-9, ATol: 1e-11}, nil).Run(m, span, tr))
	return tr
}

// above and below are conditions on guard 0.
func above(inclusive bool) *events.Cond { return &events.Cond{Op: events.Above, Inclusive: inclusive} }

// TestRestsOnThreshold: a level that a jump puts on 1, where it stays, makes `>=`
// true once and `>` never, and does not hide what comes later. The next jump takes
// it below and back, which makes `>=` true again.
func TestRestsOnThreshold(t *testing.T) {
	for _, c := range []struct {
		inclusive bool
		fires     float64
	}{{true, 2}, {false, 0}} {
		// y: the level, a clock; d: counters of both events.
		m := &handmade{
			size: Sizes{Y: 2, YError: 2, D: 2, Guards: 2, Times: 3}, y0: []float64{0, 0}, d0: []float64{0, 0},
			sched: []float64{1, 3, 3.5},
			rhs:   func(_ float64, _, _, dy []float64) { dy[0], dy[1] = 0, 1 },
			guard: []line{{[]float64{1, 0}, 0, -1}, {[]float64{0, 1}, 0, -2.5}},
			jump: func(e int, _ float64, _, d, _, v []float64) {
				switch e {
				case 0, 1:
					v[0] = d[e] + 1
				default:
					v[0] = []float64{1, 0.5, 1}[e-2]
				}
			},
		}
		hy := &Hybrid{
			Events: []events.Event{
				{Name: "full", Cond: above(c.inclusive), Targets: []int{2}, Release: -1},
				{Name: "alarm", Cond: &events.Cond{Op: events.Above, Guard: 1, Inclusive: true}, Targets: []int{3}, Release: -1},
			},
			Schedules: []Schedule{{-1, -1, -1, -1}, {-1, -1, -1, -1}},
		}
		for k := range 3 {
			hy.Events = append(hy.Events, events.Event{Name: "set", Kind: events.At, Targets: []int{0}, Release: -1})
			hy.Schedules = append(hy.Schedules, Schedule{At: k, Period: -1, From: -1, Until: -1})
		}
		tr := m.run(t, hy, &Span{T1: 4})
		require.Equal(t, 1., tr.Y[0])
		require.InDelta(t, 4, tr.Y[1], 1e-12)
		require.Equal(t, []float64{c.fires, 1}, tr.D, "inclusive: %v", c.inclusive)
	}
}

// TestEdgeIsNotLevel: a rise of a guard fires at its crossing only, whatever turns
// true later.
func TestEdgeIsNotLevel(t *testing.T) {
	m := &handmade{
		size: Sizes{Y: 1, YError: 1, D: 3, Guards: 2, Times: 1}, y0: []float64{0}, d0: []float64{0, 0, 0}, sched: []float64{2},
		rhs:   func(_ float64, _, _, dy []float64) { dy[0] = 1 },
		guard: []line{{[]float64{1}, 0, -1}, {[]float64{1}, 0, -3}},
		jump: func(e int, _ float64, _, d, _, v []float64) {
			v[0] = d[e] + 1
		},
	}
	hy := &Hybrid{
		Events: []events.Event{
			{Name: "on", Kind: events.At, Targets: []int{1}, Release: -1},
			{Name: "low", Cond: &events.Cond{Op: events.Rise}, Targets: []int{2}, Release: -1},
			{Name: "high", Cond: &events.Cond{Op: events.Or, Args: []*events.Cond{{Op: events.Rise, Guard: 1}, {Op: events.Fall, Guard: 0}}}, Targets: []int{3}, Release: -1},
		},
		Schedules: []Schedule{{At: 0, Period: -1, From: -1, Until: -1}},
	}
	tr := m.run(t, hy, &Span{T1: 4})
	require.Equal(t, []float64{1, 1, 1}, tr.D)
	require.Len(t, tr.Log, 3)
	for i, want := range []float64{1, 2, 3} {
		require.InDelta(t, want, tr.Log[i].T, 1e-12)
	}
}

// doses is dc/dt = −c/2 with doses that data add.
func doses() (*handmade, *Hybrid) {
	m := &handmade{
		size: Sizes{Y: 1, YError: 1}, y0: []float64{0},
		rhs:  func(_ float64, y, _, dy []float64) { dy[0] = -y[0] / 2 },
		jump: func(_ int, _ float64, y, _, a, v []float64) { v[0] = y[0] + a[0] },
	}
	return m, &Hybrid{Events: []events.Event{{Name: "dose", Kind: events.OnData, Targets: []int{0}, Release: -1}}}
}

// TestFiringsOfOneInstant: two doses at one time add up, each reading what the one
// before left, at the start, inside and at the end of a run.
func TestFiringsOfOneInstant(t *testing.T) {
	m, hy := doses()
	dose := func(at, amount float64) Firing { return Firing{T: at, Args: []float64{amount}} }
	tr := m.run(t, hy, &Span{
		T1: 2, Saves: []float64{0, 1, 2},
		Firings: []Firing{dose(0, 60), dose(0, 40), dose(1, 3), dose(1, 4), dose(1, 5), dose(2, 1), dose(2, 2)},
	})
	c1 := 100*math.Exp(-0.5) + 12
	c2 := c1*math.Exp(-0.5) + 3
	for i, want := range []float64{100, c1, c2} {
		require.InDelta(t, want, tr.SaveY.At(i)[0], 1e-7)
	}
	require.InDelta(t, c2, tr.Y[0], 1e-7, "what falls on the end happens")
	require.Equal(t, 7, tr.Stats.Events)
}

// TestSavesBetweenFirings: a save that stands above a dose of its time reads the
// value before it, one below the value after it; before is before the instant.
func TestSavesBetweenFirings(t *testing.T) {
	m, hy := doses()
	dose := func(at, amount float64, behind int) Firing {
		return Firing{T: at, Args: []float64{amount}, Behind: behind}
	}
	tr := m.run(t, hy, &Span{
		T1: 2, Saves: []float64{1, 1, 1, 2, 2},
		Firings: []Firing{dose(0, 10, 0), dose(1, 5, 1), dose(1, 7, 1), dose(1, 1, 2), dose(2, 4, 4)},
	})
	c1 := 10 * math.Exp(-0.5)
	c2 := (c1 + 13) * math.Exp(-0.5)
	after, before := []float64{c1, c1 + 12, c1 + 13, c2, c2 + 4}, []float64{c1, c1, c1, c2, c2}
	for i := range after {
		require.InDelta(t, after[i], tr.SaveY.At(i)[0], 1e-7, "save %d", i)
		require.InDelta(t, before[i], tr.BeforeY.At(i)[0], 1e-7, "before save %d", i)
	}
	require.Equal(t, 5, tr.Saved)
}

// TestPrioritiesOfTheMoment: priorities are those of the state before each
// micro-step: what one event leaves says which of the others is next.
func TestPrioritiesOfTheMoment(t *testing.T) {
	for _, first := range []float64{0, 10} {
		m := &handmade{
			size: Sizes{Y: 2, YError: 2, D: 3, Guards: 1}, y0: []float64{0, first}, d0: []float64{0, 0, 0},
			rhs:   func(_ float64, _, _, dy []float64) { dy[0], dy[1] = 1, 0 },
			guard: []line{{[]float64{1, 0}, 0, -1}},
			// Event 0 goes first and sets the second state, of which the others' order depends.
			jump: func(e int, _ float64, y, d, _, v []float64) {
				if e == 0 {
					v[0] = 5 - y[1]
					return
				}
				v[0] = 1 + d[0] + d[1] + d[2]
			},
			ranks: func(y, v []float64) { v[0], v[1], v[2] = 100, y[1], 2 },
		}
		hy := &Hybrid{Prioritised: true}
		for _, target := range []int{1, 2, 3} {
			hy.Events = append(hy.Events, events.Event{Name: "e", Cond: above(true), Targets: []int{target}, Late: true, Release: -1})
		}
		tr := m.run(t, hy, &Span{T1: 2})
		order := []int{0, 1, 2}
		if first == 10 {
			order = []int{0, 2, 1} // y₁ = −5 ranks event 1 below event 2
		}
		for k, want := range order {
			require.Equal(t, want, tr.Log[k].Event, "start %g, micro-step %d", first, k)
		}
	}
}

// TestLivelockIsPerEvent: as many events as one likes may fire at one instant, one
// event may not fire without end.
func TestLivelockIsPerEvent(t *testing.T) {
	const n = 150
	m := &handmade{
		size: Sizes{Y: 1, YError: 1, D: n, Guards: 1}, y0: []float64{0}, d0: make([]float64, n),
		rhs:   func(_ float64, _, _, dy []float64) { dy[0] = 1 },
		guard: []line{{[]float64{1}, 0, -1}},
		jump:  func(e int, _ float64, _, d, _, v []float64) { v[0] = d[e] + 1 },
	}
	hy := &Hybrid{}
	for e := range n {
		hy.Events = append(hy.Events, events.Event{Name: "e", Cond: above(true), Targets: []int{1 + e}, Release: -1})
	}
	tr := m.run(t, hy, &Span{T1: 2})
	for _, v := range tr.D {
		require.Equal(t, 1., v)
	}
}

// TestPeriods: a period that the clock cannot resolve, and one that would fire
// more often than a run may take steps, are refused at once.
func TestPeriods(t *testing.T) {
	for _, c := range []struct{ period, end float64 }{{1e-20, 1}, {1, 1e308}, {1e-9, 1}, {math.NaN(), 1}, {-1, 1}} {
		m, hy := doses()
		m.size.Times, m.sched = 1, []float64{c.period}
		hy.Events[0].Kind = events.Every
		hy.Schedules = []Schedule{{At: -1, Period: 0, From: -1, Until: -1}}
		var tr Trajectory
		err := New(hy, m.size, Options{}, nil).Run(m, &Span{T1: c.end}, &tr)
		require.Error(t, err, "period %g to %g", c.period, c.end)
		require.Zero(t, tr.Stats.Steps)
	}
}
