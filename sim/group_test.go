package sim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
)

// oscillator turns, with a parameter as its frequency: many steps, and nothing happens.
func oscillator() *Model {
	m := decay()
	m.NY, m.P = 2, []float64{3, 1}
	m.Init = func(x *Point) ([]Jet, []Jet) { return []Jet{x.P[1], Const(0)}, nil }
	m.Field = func(x *Point) []Jet { return []Jet{x.Y[1].Mul(x.P[0]), x.Y[0].Mul(x.P[0]).Scale(-1)} }
	return m
}

// group runs models side by side in free-running lanes.
func group(t *testing.T, opt sim.Options, span sim.Span, models ...*Model) (*sim.Group, []*sim.Job) {
	t.Helper()
	g, jobs, _ := groupInLanes(t, opt, span, models...)
	return g, jobs
}

// groupInLanes is group, with the lanes.
func groupInLanes(t *testing.T, opt sim.Options, span sim.Span, models ...*Model) (*sim.Group, []*sim.Job, *Lanes) {
	t.Helper()
	opt = withMethod(opt)
	lanes := NewLanes(models[0], 8, opt, true, false)
	g := sim.NewGroup(models[0].Hybrid, models[0].Sizes(), opt, nil, lanes)
	var jobs []*sim.Job
	g.Run(func() *sim.Job {
		if len(jobs) == len(models) {
			return nil
		}
		m := models[len(jobs)]
		m.Clear()
		own := span
		jobs = append(jobs, &sim.Job{In: g.NewIntegrator(), Model: Run{Model: m}, Span: &own, Out: new(sim.Trajectory), Ct: new(sim.Cotangents)})
		return jobs[len(jobs)-1]
	}, func(*sim.Job) {})
	return g, jobs, lanes
}

// backInLanes are the gradients of jobs by the sweeps back in their lanes.
func backInLanes(g *sim.Group, lanes *Lanes) map[*sim.Job][]float64 {
	bars := map[*sim.Job][]float64{}
	g.Backward(func(j *sim.Job) {
		bars[j] = append([]float64{}, j.Model.(Run).PBar...)
		for k, v := range lanes.Acc[j.In.Lane()] {
			bars[j][k] += v
		}
	})
	return bars
}

// TestLongFreeRuns: lanes that run free for many steps look at their stability like
// others, and all derivatives can be taken of what they recorded: y = p₁ cos(p₀ t).
func TestLongFreeRuns(t *testing.T) {
	const end = 12.
	for _, memory := range []int{0, 20000, 1} {
		var models []*Model
		for i := range 3 {
			m := oscillator()
			m.P = []float64{3 + 2*float64(i), 2}
			models = append(models, m)
		}
		opt := sim.Options{RTol: 1e-9, ATol: 1e-9, Memory: memory}
		g, jobs := group(t, opt, sim.Span{T1: end, Saves: []float64{end}}, models...)
		if memory != 1 {
			require.Positive(t, g.HistoryWords())
		}
		require.LessOrEqual(t, g.HistoryWords(), max(8*opt.Memory/2, 1<<27))
		for i, j := range jobs {
			require.NoError(t, j.Err)
			m := models[i]
			p := m.P[0]
			told := fmt.Sprintf("memory %d, frequency %g", memory, p)
			require.InDelta(t, 2*math.Cos(p*end), j.Out.SaveY.At(0)[0], 1e-5, told)
			require.Greater(t, j.Out.Stats.Steps, 96, told)
			require.Positive(t, j.In.TapeWords())
			alone, span := oscillator(), sim.Span{T1: end, Saves: []float64{end}}
			alone.P = m.P
			alone.Clear()
			s, tr := sim.New(alone.Hybrid, alone.Sizes(), withMethod(sim.Options{RTol: 1e-9, ATol: 1e-9}), nil), new(sim.Trajectory)
			require.NoError(t, s.Run(Run{Model: alone}, &span, tr))
			same(t, told, tr, j.Out)
			want := []float64{-2 * end * math.Sin(p*end), math.Cos(p * end)}
			for name, backward := range modes(j.In) {
				if name == "unrolled" {
					continue // in the lanes, below
				}
				m.Clear()
				backward(Run{Model: m}, &sim.Cotangents{Y: sim.RowsOf([]float64{1, 0})})
				require.InDeltaSlice(t, want, m.PBar, 1e-3, "%s, %s", told, name)
			}
			for k := range want {
				m.Clear()
				m.PDot[k] = 1
				var tan sim.Tangents
				j.In.Forward(Run{Model: m}, &tan)
				require.InDelta(t, want[k], tan.Y.At(0)[0], 1e-3, "%s, forward", told)
			}
		}
	}
}

// TestFailuresInLanes: a run that fails does not disturb the others, nor does one that is
// over at once, or keeps no tape.
func TestFailuresInLanes(t *testing.T) {
	var models []*Model
	for i := range 12 {
		m := oscillator()
		switch {
		case i%4 == 1: // it fails at the start
			m.Init = func(*Point) ([]Jet, []Jet) { return []Jet{Const(math.NaN()), Const(0)}, nil }
		case i%4 == 2: // at t = 1
			m.Field = func(x *Point) []Jet { return []Jet{Const(0), Const(1).Sub(x.T).Sqrt().Scale(-1)} }
		}
		m.P[0] = 1 + 0.1*float64(i)
		models = append(models, m)
	}
	_, jobs := group(t, sim.Options{}, sim.Span{T1: 5, Saves: []float64{0.5, 5}}, models...)
	for i, j := range jobs {
		switch i % 4 {
		case 1, 2:
			require.Error(t, j.Err)
			require.Equal(t, sim.Unstable, j.Out.Status)
			require.InDelta(t, float64(i%4-1), j.Out.T, 1e-6)
		default:
			require.NoError(t, j.Err)
			require.InDelta(t, math.Cos(models[i].P[0]*5), j.Out.SaveY.At(1)[0], 1e-4)
		}
	}
}

// TestStartAgain: a run whose steps turn out to have been too long begins anew, with the
// same result alone and in a lane: a rate that grows late, of a state that is zero.
func TestStartAgain(t *testing.T) {
	late := func() *Model {
		m := oscillator()
		m.Field = func(x *Point) []Jet {
			return []Jet{x.T.Sin(), x.Y[1].Mul(x.T.Plus(-12).Scale(9).Exp()).Scale(-1)}
		}
		return m
	}
	span := sim.Span{T1: 13, Saves: []float64{13}}
	_, jobs := group(t, sim.Options{}, span, late(), late(), late())
	alone, m := new(sim.Trajectory), late()
	m.Clear()
	require.NoError(t, sim.New(m.Hybrid, m.Sizes(), withMethod(sim.Options{}), nil).Run(Run{Model: m}, &span, alone))
	require.InDelta(t, 2-math.Cos(13), alone.Y[0], 1e-5)
	for _, j := range jobs {
		require.NoError(t, j.Err)
		same(t, "in a lane", alone, j.Out)
	}
	free := new(sim.Trajectory)
	require.NoError(t, sim.New(m.Hybrid, m.Sizes(), withMethod(sim.Options{Forget: true}), nil).Run(Run{Model: m}, &span, free))
	require.Greater(t, alone.Stats.Steps, 5*free.Stats.Steps, "the rate of a state that is zero bounds steps")
}
