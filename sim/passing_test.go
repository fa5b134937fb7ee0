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

// often are saves of a span, several in a step, of which some have one time.
func often(span sim.Span, n int) sim.Span {
	span.Saves = nil
	for i := range n + 1 {
		t := span.T0 + (span.T1-span.T0)*float64(i)/float64(n)
		if span.Saves = append(span.Saves, t); i%7 == 0 {
			span.Saves = append(span.Saves, t)
		}
	}
	return span
}

// TestOftenSaved: of every item, with a save in every step, trajectories that run side by
// side give the bits and the gradients that each gives alone.
func TestOftenSaved(t *testing.T) {
	for i, it := range catalogue {
		t.Run(it.name, func(t *testing.T) {
			t.Parallel()
			it.span = often(it.span, 120)
			for k, method := range []*solvers.Tableau{solvers.Tsit5, solvers.Vern7} {
				if testing.Short() && (i+k)%2 > 0 {
					continue // one of the two for each model
				}
				opt := sim.Options{RTol: 1e-6, ATol: 1e-8, Method: method}
				want := it.alone(t, opt, 10)
				for _, memory := range []int{0, 3000} {
					opt.Memory = memory
					it.sideBySide(t, want, opt, true, memory == 0)
				}
			}
		})
	}
}

// TestPassedSaves: lanes that run free go past saves without a stop, so that the tape is
// that of a run with none, and values and derivatives in all modes are those of
// y = p₁ cos(p₀ t); where the tape has no room for steps too.
func TestPassedSaves(t *testing.T) {
	const end = 6.
	span := often(sim.Span{T1: end}, 200)
	for _, memory := range []int{0, 20000, 1} {
		for _, method := range []*solvers.Tableau{solvers.Tsit5, solvers.Vern7, solvers.Dop853, solvers.Vern9} {
			passSaves(t, span, memory, method)
		}
	}
}

func passSaves(t *testing.T, span sim.Span, memory int, method *solvers.Tableau) {
	var models, without []*Model
	for i := range 11 {
		for _, list := range []*[]*Model{&models, &without} {
			m := oscillator()
			m.P = []float64{2 + 0.3*float64(i), 2}
			*list = append(*list, m)
		}
	}
	opt := sim.Options{Method: method, RTol: 1e-9, ATol: 1e-9, Memory: memory}
	g, jobs, lanes := groupInLanes(t, opt, span, models...)
	none, bare := group(t, opt, sim.Span{T1: span.T1}, without...)
	if memory == 0 {
		require.Equal(t, none.HistoryWords(), g.HistoryWords())
	}
	wants := make([][]float64, len(jobs))
	for i, j := range jobs {
		told := fmt.Sprintf("%s, memory %d, run %d", method.Name, memory, i)
		require.NoError(t, j.Err)
		require.Equal(t, bare[i].Out.Y, j.Out.Y, told)
		if memory == 0 { // but for the entry of the saves at the end
			require.LessOrEqual(t, j.In.TapeWords()-bare[i].In.TapeWords(), 20, told)
		}
		*j.Ct = sim.Cotangents{}
		j.Ct.Y.Clear(len(span.Saves), 2)
		p, want := models[i].P, make([]float64, 2)
		for k, at := range span.Saves {
			y, w := j.Out.SaveY.At(k), math.Cos(float64(k))
			require.InDelta(t, p[1]*math.Cos(p[0]*at), y[0], 1e-6, told)
			j.Ct.Y.At(k)[0] = w
			want[0] -= w * p[1] * at * math.Sin(p[0]*at)
			want[1] += w * math.Cos(p[0]*at)
		}
		wants[i] = want
		for name, backward := range modes(j.In) {
			if name == "unrolled" || i%4 > 0 {
				continue // in the lanes, below; the others go along the history of one run, each for itself
			}
			models[i].Clear()
			backward(Run{Model: models[i]}, j.Ct)
			require.InDeltaSlice(t, want, models[i].PBar, 1e-5, "%s, %s", told, name)
		}
		for k := range want {
			if i%4 > 0 {
				break
			}
			models[i].Clear()
			models[i].PDot[k] = 1
			var tan sim.Tangents
			j.In.Forward(Run{Model: models[i]}, &tan)
			sum := 0.
			for at, ct := range j.Ct.Y.All() {
				sum += ct[0] * tan.Y.At(at)[0]
			}
			require.InDelta(t, want[k], sum, 1e-5, "%s, forward", told)
		}
		models[i].Clear()
	}
	bars := backInLanes(g, lanes)
	for i, j := range jobs {
		require.InDeltaSlice(t, wants[i], bars[j], 1e-5, "%s, memory %d, run %d", method.Name, memory, i)
	}
}

// TestSaveBeforeInstant: a save that lies before an instant by less than the clock tells is
// of the step behind it, also where the lane has gone past it there.
func TestSaveBeforeInstant(t *testing.T) {
	kicked := func() *Model {
		m := oscillator()
		m.P = []float64{9, 1, 1.3}
		m.Hybrid = hybrid(0, events.Event{Name: "kick", Kind: events.At, Targets: []int{0}, Zeno: events.ZenoError})
		m.Hybrid.Schedules[0].At = 0
		m.Times = []func(*Point) Jet{func(x *Point) Jet { return x.P[2] }}
		m.Events = []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Add(x.P[1])} }}}
		return m
	}
	it := item{name: "kicked", new: kicked, span: sim.Span{T1: 3}}
	for i := range 10 {
		it.span.Saves = append(it.span.Saves, math.Nextafter(it.variant(i).P[2], 0))
	}
	slices.Sort(it.span.Saves)
	opt := sim.Options{RTol: 1e-6, ATol: 1e-8, Method: solvers.Tsit5}
	it.sideBySide(t, it.alone(t, opt, 10), opt, true, true)
}
