package sim_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// near requires that two runs gave the same up to a tolerance.
func near(t *testing.T, told string, want, got *sim.Trajectory, shift, tol float64) {
	t.Helper()
	require.Equal(t, want.Saved, got.Saved, told)
	require.Len(t, got.Log, len(want.Log), told)
	for i := range want.Log {
		require.Equal(t, want.Log[i].Event, got.Log[i].Event, "%s, record %d", told, i)
		require.InDelta(t, want.Log[i].T+shift, got.Log[i].T, tol, "%s, record %d", told, i)
	}
	for i := range want.Saved {
		close(t, want.SaveY.At(i), got.SaveY.At(i), tol, "%s, save %d", told, i)
		close(t, want.BeforeY.At(i), got.BeforeY.At(i), tol, "%s, before save %d", told, i)
		close(t, want.SaveD.At(i), got.SaveD.At(i), tol, "%s, discrete at save %d", told, i)
	}
	close(t, want.Y, got.Y, tol, "%s, end", told)
}

func close(t *testing.T, want, got []float64, tol float64, told string, args ...any) {
	t.Helper()
	for i := range want {
		require.InDelta(t, want[i], got[i], tol*(1+math.Abs(want[i])), fmt.Sprintf(told, args...)+": %v, not %v", got, want)
	}
}

// TestTimeShift: a model whose clock starts elsewhere does the same, and has the same
// gradient.
func TestTimeShift(t *testing.T) {
	for _, it := range catalogue {
		for _, by := range []float64{-3, 40} {
			m, s, tr := it.run(t, nil, 0, tight)
			moved, out := it.new(), new(sim.Trajectory)
			moved.Shift = by
			moved.Clear()
			span := it.span
			span.T0, span.T1 = span.T0+by, span.T1+by
			span.Saves, span.Stops = shifted(span.Saves, by), shifted(span.Stops, by)
			span.Firings = slices.Clone(span.Firings)
			for i := range span.Firings {
				span.Firings[i].T += by
			}
			s2 := sim.New(moved.Hybrid, moved.Sizes(), tight, nil)
			require.NoError(t, s2.Run(Run{Model: moved}, &span, out), it.name)
			a, b := cotangents(tr, false), cotangents(out, false)
			if m.Releases != nil { // how many firings come before a limit depends on what the clock resolves
				require.InDeltaSlice(t, shifted(rested(tr), by), rested(out), 1e-6, it.name)
				a.EventT, b.EventT = nil, nil
				want, got := *tr, *out
				want.Log, got.Log = nil, nil
				near(t, it.name, &want, &got, by, 1e-6)
			} else {
				near(t, it.name, tr, out, by, 1e-8)
			}
			s.Backward(Run{Model: m}, a)
			s2.Backward(Run{Model: moved}, b)
			compare(t, it.name, m.PBar, moved.PBar, 1e-6)
		}
	}
}

// rested are the times at which events came to rest.
func rested(tr *sim.Trajectory) (list []float64) {
	for _, e := range tr.Log {
		if e.Kind == sim.Rested {
			list = append(list, e.T)
		}
	}
	return list
}

func shifted(list []float64, by float64) (out []float64) {
	for _, v := range list {
		out = append(out, v+by)
	}
	return out
}

// permuted is a model whose states are in another order: state k of m is at place
// to[k].
func permuted(m *Model, to []int) *Model {
	out := *m
	in := func(f func(x *Point) []Jet) func(x *Point) []Jet {
		if f == nil {
			return nil
		}
		return func(x *Point) []Jet { return f(inOrder(x, to)) }
	}
	one := func(f func(x *Point) Jet) func(x *Point) Jet {
		if f == nil {
			return nil
		}
		return func(x *Point) Jet { return f(inOrder(x, to)) }
	}
	field := in(m.Field)
	out.Field = func(x *Point) []Jet { return placed(field(x), to) }
	out.Init = func(x *Point) ([]Jet, []Jet) { y, d := m.Init(x); return placed(y, to), d }
	list := func(fs []func(x *Point) Jet) (g []func(x *Point) Jet) {
		for _, f := range fs {
			g = append(g, one(f))
		}
		return g
	}
	out.Guards, out.Releases, out.Floors = list(m.Guards), list(m.Releases), list(m.Floors)
	out.Events = nil
	for _, e := range m.Events {
		out.Events = append(out.Events, Event{Jump: in(e.Jump), Rest: in(e.Rest), Delay: one(e.Delay), Priority: one(e.Priority)})
	}
	hy := *m.Hybrid
	hy.Events = slices.Clone(hy.Events)
	move := func(list []int) (moved []int) {
		for _, k := range list {
			if k < m.NY {
				k = to[k]
			}
			moved = append(moved, k)
		}
		return moved
	}
	for i := range hy.Events {
		e := &hy.Events[i]
		e.Targets, e.Rest = move(e.Targets), move(e.Rest)
		if e.Threshold > 0 {
			e.Integral = to[e.Integral]
		}
	}
	out.Hybrid = &hy
	return &out
}

func inOrder(x *Point, to []int) *Point {
	c := *x
	c.Y = make([]Jet, len(x.Y))
	for k, at := range to {
		if k < len(c.Y) {
			c.Y[k] = x.Y[at]
		}
	}
	return &c
}

func placed(v []Jet, to []int) []Jet {
	out := make([]Jet, len(v))
	for k, x := range v {
		out[to[k]] = x
	}
	return out
}

// TestPermutation: the order of states does not matter. Quadratures stay at the end.
func TestPermutation(t *testing.T) {
	for _, it := range catalogue {
		m, s, tr := it.run(t, nil, 0, tight)
		n := m.NY - m.NoError
		var to []int
		for k := range m.NY {
			to = append(to, k)
			if k < n {
				to[k] = n - 1 - k
			}
		}
		p, out, span := permuted(it.new(), to), new(sim.Trajectory), it.span
		p.Clear()
		s2 := sim.New(p.Hybrid, p.Sizes(), tight, nil)
		require.NoError(t, s2.Run(Run{Model: p}, &span, out), it.name)
		require.Len(t, out.Log, len(tr.Log), it.name)
		ct := cotangents(tr, false)
		for i := range tr.Log {
			require.InDelta(t, tr.Log[i].T, out.Log[i].T, 1e-9, it.name)
		}
		for i := range tr.Saved {
			for k, at := range to {
				require.InDelta(t, tr.SaveY.At(i)[k], out.SaveY.At(i)[at], 1e-8*(1+math.Abs(tr.SaveY.At(i)[k])), it.name)
			}
		}
		s.Backward(Run{Model: m}, ct)
		turn := func(rows ...[]float64) {
			for _, row := range rows {
				old := slices.Clone(row)
				for k, at := range to {
					row[at] = old[k]
				}
			}
		}
		turn(ct.Y.Lists(tr.Saved)...)
		turn(ct.BeforeY.Lists(tr.Saved)...)
		turn(ct.EndY)
		s2.Backward(Run{Model: p}, ct)
		compare(t, it.name, m.PBar, p.PBar, 1e-6)
	}
}

// TestSplit: a run in two parts, the second from the state at the end of the first, is
// the run.
func TestSplit(t *testing.T) {
	for _, it := range catalogue {
		if !it.untimed {
			continue
		}
		_, _, tr := it.run(t, nil, 0, tight)
		for _, part := range []float64{0.21, 0.83} {
			first, out, span := it.new(), new(sim.Trajectory), it.span
			span.T1, span.Saves = part*it.span.T1, nil
			require.NoError(t, sim.New(first.Hybrid, first.Sizes(), tight, nil).Run(Run{Model: first}, &span, out), it.name)
			second, end := it.new(), new(sim.Trajectory)
			second.Init = func(*Point) (y, d []Jet) {
				for _, v := range out.Y {
					y = append(y, Const(v))
				}
				for _, v := range out.D {
					d = append(d, Const(v))
				}
				return y, d
			}
			span.T0, span.T1 = span.T1, it.span.T1
			require.NoError(t, sim.New(second.Hybrid, second.Sizes(), tight, nil).Run(Run{Model: second}, &span, end), it.name)
			close(t, tr.Y, end.Y, 1e-8, "%s in two at %g", it.name, part)
			close(t, tr.D, end.D, 0, "%s in two at %g", it.name, part)
			var fired int
			for _, list := range [][]sim.Record{out.Log, end.Log} {
				for _, e := range list {
					if e.Kind == sim.Fired {
						fired++
					}
				}
			}
			for _, e := range tr.Log {
				if e.Kind == sim.Fired {
					fired--
				}
			}
			require.Zero(t, fired, "%s in two at %g", it.name, part)
		}
	}
}

// TestUnits: states in units that are a power of two smaller, with the absolute
// tolerance in these, or in sizes of that unit, give the same bits.
func TestUnits(t *testing.T) {
	for _, it := range catalogue {
		if slices.Contains([]string{"shaken", "resting", "stopped"}, it.name) || len(it.new().Floors) > 0 {
			continue // zeno reads a position that is rounded; a floor has no unit
		}
		for _, unit := range []float64{1. / 1024, 64} {
			opt := sim.Options{RTol: 1e-8, ATol: 1e-9}
			_, _, tr := it.run(t, nil, 0, opt)
			m, out, span := scaled(it.new(), unit), new(sim.Trajectory), it.span
			if opt.ATol *= unit; unit < 1 {
				opt.ATol = 1e-9
				for range m.Sizes().Y {
					opt.Sizes = append(opt.Sizes, unit)
				}
			}
			require.NoError(t, sim.New(m.Hybrid, m.Sizes(), opt, nil).Run(Run{Model: m}, &span, out), it.name)
			require.Equal(t, tr.Stats.Steps, out.Stats.Steps, it.name)
			require.Len(t, out.Log, len(tr.Log), it.name)
			for i := range tr.Log {
				require.Equal(t, tr.Log[i].T, out.Log[i].T, it.name)
			}
			for i := range tr.Saved {
				for k, v := range tr.SaveY.At(i) {
					require.Equal(t, v*unit, out.SaveY.At(i)[k], "%s, save %d, state %d", it.name, i, k)
				}
			}
		}
	}
}

// scaled is a model whose states are unit times as large.
func scaled(m *Model, unit float64) *Model {
	out := *m
	real := func(x *Point) *Point {
		c := *x
		c.Y = nil
		for _, v := range x.Y {
			c.Y = append(c.Y, v.Scale(1/unit))
		}
		return &c
	}
	list := func(v []Jet) (scaled []Jet) {
		for _, x := range v {
			scaled = append(scaled, x.Scale(unit))
		}
		return scaled
	}
	out.Field = func(x *Point) []Jet { return list(m.Field(real(x))) }
	out.Init = func(x *Point) ([]Jet, []Jet) { y, d := m.Init(x); return list(y), d }
	out.Guards = nil
	for _, g := range m.Guards {
		out.Guards = append(out.Guards, func(x *Point) Jet { return g(real(x)) })
	}
	out.Events = slices.Clone(m.Events)
	for i := range out.Events {
		e := &out.Events[i]
		jump, delay := e.Jump, e.Delay
		e.Jump = func(x *Point) []Jet { return list(jump(real(x))) }
		if delay != nil {
			e.Delay = func(x *Point) Jet { return delay(real(x)) }
		}
	}
	return &out
}

// TestNothingIsLeftBehind: runs one after the other in one integrator give the bits of
// runs in new ones, whatever was before: another span, other parameters, a failure in
// the midst of an instant.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, it := range catalogue {
		used := it.new()
		opt := sim.Options{RTol: 1e-6, ATol: 1e-8, Method: solvers.Tsit5}
		s := sim.New(used.Hybrid, used.Sizes(), opt, nil)
		for i := range 8 {
			m, fresh := it.variant(i), it.variant(i)
			part := it.span
			part.T1 *= 0.15 + 0.1*float64(i)
			part.Saves = nil
			for _, v := range it.span.Saves {
				if v <= part.T1 {
					part.Saves = append(part.Saves, v)
				}
			}
			part.Firings = slices.DeleteFunc(slices.Clone(part.Firings), func(f sim.Firing) bool { return f.T > part.T1 })
			o := opt
			if i%3 == 1 {
				o.MaxSteps = 1 // what comes before does not matter
				bad := it.variant(i)
				jump := 0
				for e := range bad.Events {
					old := bad.Events[e].Jump
					bad.Events[e].Jump = func(x *Point) []Jet {
						v := old(x)
						if jump++; jump > i/3 {
							v[0].V = math.NaN()
						}
						return v
					}
				}
				_ = s.Run(Run{Model: bad}, &part, new(sim.Trajectory))
			}
			want, got := new(sim.Trajectory), new(sim.Trajectory)
			span := part
			require.NoError(t, sim.New(fresh.Hybrid, fresh.Sizes(), opt, nil).Run(Run{Model: fresh}, &span, want), it.name)
			require.NoError(t, s.Run(Run{Model: m}, &part, got), it.name)
			same(t, fmt.Sprintf("%s, run %d", it.name, i), want, got)
		}
	}
}

// TestMethods: every method, with its own order of steps, comes to the same result.
func TestMethods(t *testing.T) {
	for _, it := range catalogue {
		_, _, want := it.run(t, nil, 0, tight)
		for _, tab := range solvers.Methods {
			if tab.Family == solvers.Symplectic { // these models have no two halves
				continue
			}
			opt := sim.Options{Method: tab, RTol: 1e-7, ATol: 1e-9}
			tol := 1e-4
			if tab == solvers.RKC && it.new().Releases != nil {
				continue // what leaves a surface as the third power of time dips below it within the error of order two
			}
			if !tab.Adaptive() {
				opt.Step = 5e-3
				tol = []float64{0, 0.5, 5e-2, 1e-4, 1e-4}[tab.Order]
				if it.new().Slides > 0 || it.new().Releases != nil || it.new().Steep || it.span.T1 > 5 || tab.Order == 1 && it.name == "bouncing" {
					continue
				}
			}
			if tab.Family == solvers.Rosenbrock {
				continue
			}
			_, _, got := it.run(t, nil, 0, opt)
			near(t, it.name+" by "+tab.Name, want, got, 0, tol)
		}
	}
}

// TestProofs: with guards that are polynomials along a step, or have bounds, crossings
// are those that are found by looking, and all steps are proved.
func TestProofs(t *testing.T) {
	for _, it := range catalogue {
		m, _, want := it.run(t, nil, 0, tight)
		if len(m.Guards) == 0 || m.Slides > 0 || len(m.Releases) > 0 {
			continue
		}
		hy := *m.Hybrid
		hy.Affine = slices.Repeat([]bool{true}, m.Sizes().Guards)
		span, got := it.span, new(sim.Trajectory)
		require.NoError(t, sim.New(&hy, m.Sizes(), tight, nil).Run(Run{Model: m}, &span, got))
		near(t, it.name+", affine", want, got, 0, 1e-8)
		require.Zero(t, got.Stats.Unproven, it.name)
		require.Positive(t, want.Stats.Unproven, it.name)
		got = new(sim.Trajectory)
		require.NoError(t, sim.New(m.Hybrid, m.Sizes(), tight, nil).Run(boxed{Run{Model: m}}, &span, got))
		near(t, it.name+", bounds", want, got, 0, 1e-8)
		require.Zero(t, got.Stats.Unproven, it.name)
	}
}

// boxed has bounds of guards that are affine in time and state, from their values in the
// middle of the box and their derivatives.
type boxed struct{ Run }

func (m boxed) Bounds(box *sim.Box, d []float64, to *events.Bounds) bool {
	n, own := m.NY, len(m.Model.Guards)
	y, flow, reach := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range y {
		y[i], flow[i] = (box.YLo[i]+box.YHi[i])/2, (box.FlowLo[i]+box.FlowHi[i])/2
	}
	t := (box.TLo + box.THi) / 2
	g, rate, off := make([]float64, own), make([]float64, own), make([]float64, own)
	m.GuardsAlong(t, y, d, flow, g, rate)
	for i := range n {
		for k, half := range [][]float64{{box.YHi[i] - y[i], box.FlowHi[i] - flow[i]}} {
			_ = k
			clear(reach)
			reach[i] = 1
			m.GuardsAlong(t, y, d, reach, off, off) // the derivatives by state i, and by time
			zero := make([]float64, own)
			byT := make([]float64, own)
			m.GuardsAlong(t, y, d, make([]float64, n), zero, byT)
			for j := range own {
				a := math.Abs(off[j] - byT[j])
				to.Hi[j] = add(i == 0, to.Hi[j], g[j]+math.Abs(byT[j])*(box.THi-t)) + a*half[0]
				to.RateHi[j] = add(i == 0, to.RateHi[j], rate[j]) + a*half[1]
			}
		}
	}
	for j := range own {
		to.Lo[j], to.RateLo[j] = 2*g[j]-to.Hi[j], 2*rate[j]-to.RateHi[j]
	}
	return true
}

func add(first bool, sum, start float64) float64 {
	if first {
		return start
	}
	return sum
}
