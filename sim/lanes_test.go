package sim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// variant is a model of an item with parameters of its own.
func (it *item) variant(i int) *Model {
	m := it.new()
	m.P = append([]float64{}, m.P...)
	for k := range m.P {
		m.P[k] *= 1 + 0.003*float64((i*7+k*3)%11)
	}
	m.Clear()
	return m
}

// same requires that two runs gave the same to the last bit.
func same(t *testing.T, told string, want, got *sim.Trajectory) {
	t.Helper()
	require.Equal(t, want.Status, got.Status, told)
	require.Equal(t, want.T, got.T, told)
	require.Equal(t, want.Y, got.Y, told)
	require.Equal(t, want.D, got.D, told)
	require.Equal(t, want.SaveY.First(want.Saved), got.SaveY.First(got.Saved), told)
	require.Equal(t, want.SaveD.First(want.Saved), got.SaveD.First(got.Saved), told)
	require.Equal(t, want.BeforeY.First(want.Saved), got.BeforeY.First(got.Saved), told)
	require.Equal(t, want.Order, got.Order, told)
	require.Len(t, got.Log, len(want.Log), told)
	for i := range want.Log {
		require.Equal(t, want.Log[i].T, got.Log[i].T, told)
		require.Equal(t, want.Log[i].YAfter, got.Log[i].YAfter, told)
	}
	w, g := want.Stats, got.Stats
	require.Equal(t, []int{w.Steps, w.Rejected, w.Events, w.Turns}, []int{g.Steps, g.Rejected, g.Events, g.Turns}, told)
}

// TestLanes: trajectories that run side by side, with the lanes left to themselves or
// not, give the bits that each gives alone, and so do their gradients, with activations
// or not and whatever is kept of the steps; the sum over the lanes is that of all.
func TestLanes(t *testing.T) {
	for i, it := range catalogue {
		t.Run(it.name, func(t *testing.T) {
			t.Parallel()
			opt := sim.Options{RTol: 1e-6, ATol: 1e-8, Method: solvers.Tsit5}
			want := it.alone(t, opt, 10)
			it.sideBySide(t, want, opt, false, true)
			it.sideBySide(t, want, opt, true, true)
			for k, memory := range []int{1, 3000} {
				if testing.Short() && (i+k)%2 > 0 {
					continue // one of the two for each model
				}
				opt.Memory = memory
				it.sideBySide(t, want, opt, true, false)
			}
		})
	}
}

// outcome is what a run gives, with its gradient.
type outcome struct {
	tr  *sim.Trajectory
	bar []float64
}

// alone are the runs of variants of an item, one by one.
func (it *item) alone(t *testing.T, opt sim.Options, runs int) (list []outcome) {
	t.Helper()
	for i := range runs {
		m, tr, span := it.variant(i), new(sim.Trajectory), it.span
		s := sim.New(m.Hybrid, m.Sizes(), opt, nil)
		require.NoError(t, s.Run(Run{Model: m}, &span, tr))
		s.Backward(Run{Model: m}, cotangents(tr, false))
		list = append(list, outcome{tr, m.PBar})
	}
	return list
}

func (it *item) sideBySide(t *testing.T, want []outcome, opt sim.Options, free, acts bool) {
	told := fmt.Sprintf("memory %d, free %v", opt.Memory, free)
	runs := len(want)
	lanes := NewLanes(it.new(), 8, opt, free, acts)
	lanes.Inputs = it.inputs
	g := sim.NewGroup(it.new().Hybrid, it.new().Sizes(), opt, nil, lanes)
	var jobs []*sim.Job
	next := 0
	g.Run(func() *sim.Job {
		if next == runs {
			return nil
		}
		span := it.span
		j := &sim.Job{In: g.NewIntegrator(), Model: Run{Model: it.variant(next)}, Span: &span, Out: new(sim.Trajectory), Ct: new(sim.Cotangents)}
		jobs = append(jobs, j)
		next++
		return j
	}, func(*sim.Job) {})
	require.Len(t, jobs, runs)
	for i, j := range jobs {
		require.NoError(t, j.Err)
		same(t, fmt.Sprintf("%s, run %d", told, i), want[i].tr, j.Out)
		*j.Ct = *cotangents(j.Out, false)
	}
	clear(lanes.Sum)
	g.Backward(func(j *sim.Job) {
		bar := j.Model.(Run).PBar
		for k, v := range lanes.Acc[j.In.Lane()] {
			bar[k] += v
		}
	})
	sum := append([]float64{}, lanes.Sum...)
	require.Empty(t, lanes.Wrong, told)
	total := make([]float64, len(sum))
	for i, j := range jobs {
		compare(t, fmt.Sprintf("%s, gradient of run %d", told, i), want[i].bar, j.Model.(Run).PBar, 1e-11)
		for k, v := range j.Model.(Run).PBar {
			total[k] += v
		}
	}
	if it.name == "decay" && opt.Memory == 0 { // no part of the gradient comes from elsewhere
		require.InDelta(t, total[0], sum[0], 1e-9*(1+total[0]*total[0]), told)
	}
	if acts && free && opt.Method.Behind() == 0 { // whose long steps run free seldom
		require.Positive(t, lanes.Kept, told)
	}
}
