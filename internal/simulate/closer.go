package simulate

import (
	"context"
	"math"
	"slices"

	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// reached are the states of a run at its output times, with how many events were behind it there.
type reached struct {
	y      [][]float64
	t      []float64
	events []int
}

func reachedBy(span *sim.Span, tr *sim.Trajectory, user int) (r reached) {
	next, behind := 0, 0
	saved := tr.SaveY.First(tr.Saved)
	for k, y := range saved.All() {
		for ; next < len(tr.Log) && tr.Log[next].T <= span.Saves[k]; next++ {
			if tr.Log[next].Event >= 0 {
				behind++
			}
		}
		r.t, r.y, r.events = append(r.t, span.Saves[k]), append(r.y, slices.Clone(y[:user])), append(r.events, behind)
	}
	return r
}

// mostReached bounds how many numbers are kept for it.
const mostReached = 1e6

// keep makes room for what a closer look compares, if it is not too much.
func (r *ensemble) keep(user int) {
	n := 0
	for _, k := range r.of {
		n += len(r.trajectories[k].Span.Saves) * user
	}
	if n <= mostReached {
		r.reached = make([]reached, len(r.of))
	}
}

// look runs again with smaller tolerances, and warns of the state that differs most.
func (m *Simulator) look(ctx context.Context, c Options, opt sim.Options, runs *ensemble, out *Simulation) error {
	look := explain.CloserLook(m.Prog.Program, opt, out.Stats)
	if look == nil || runs.reached == nil {
		return nil
	}
	again, _, err := m.prepare(c)
	if err != nil {
		return err
	}
	if _, err := m.run(ctx, &look.Options, again, &Simulation{Columns: out.Columns}, c.Workers); err != nil {
		look.Fails(&out.Warnings, err)
		return ctx.Err()
	}
	worst := explain.Inexact{}
	for state := range m.Prog.Model.Layout.NUser {
		largest := 0.
		for i, a := range runs.reached {
			for k := range a.y {
				largest = max(largest, math.Abs(a.y[k][state]))
			}
			if len(a.y) != len(again.reached[i].y) { // they end at different instants
				return nil
			}
		}
		size := look.Size(state, largest)
		for i, a := range runs.reached {
			b := again.reached[i]
			for k := range a.y {
				off := math.Abs(a.y[k][state]-b.y[k][state]) / size
				if a.events[k] == b.events[k] && off > worst.Off {
					worst = explain.Inexact{Off: off, State: state, T: a.t[k], Value: a.y[k][state], Closer: b.y[k][state], Run: runs.name(i)}
				}
			}
		}
	}
	look.State(&out.Warnings, worst)
	return nil
}
