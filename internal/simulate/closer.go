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

// A closer look: control of the error bounds that of each step, and nothing says what the motion makes of them. So what is
// cheap to run is run again with tolerances a hundredth as large, and the user is told of what is another then.
const (
	closer   = 0.01
	closeFor = 3e6  // evaluations of a rate that it may take, by the first run
	farOff   = 1e3  // relative tolerances that a state may be off by,
	leastOff = 1e-3 // and at least, of its size,
	mostOff  = 0.1  // and at most

	mostSteps = 100_000 // beside ten times those of the run
	roundOff  = 1e-12   // tolerances below it ask for more than numbers tell
)

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
	if !opt.Method.Adaptive() || runs.reached == nil || m.Prog.Encoder != nil || float64(out.Stats.Evaluations)*float64(m.Prog.Model.Layout.NUser) > closeFor {
		return nil
	}
	first := runs.reached
	again, _, err := m.prepare(c)
	if err != nil {
		return err
	}
	opt.RTol *= closer
	opt.ATol *= closer
	opt.MaxSteps = min(opt.MaxSteps, mostSteps+10*(out.Stats.Steps+out.Stats.Rejected))
	if _, err := m.run(ctx, &opt, again, &Simulation{Columns: out.Columns}, c.Workers); err != nil {
		if opt.RTol > roundOff {
			explain.Fails(m.Prog.Program, &out.Warnings, err)
		}
		return ctx.Err()
	}
	within := math.Min(mostOff, math.Max(leastOff, farOff*opt.RTol/closer))
	worst := explain.Inexact{Off: within}
	for state := range m.Prog.Model.Layout.NUser {
		size := 1e3 * atolOf(&opt, state) / closer
		for i, a := range first {
			for k := range a.y {
				size = max(size, math.Abs(a.y[k][state]))
			}
			if len(a.y) != len(again.reached[i].y) { // they end at different instants
				return nil
			}
		}
		for i, a := range first {
			b := again.reached[i]
			for k := range a.y {
				off := math.Abs(a.y[k][state]-b.y[k][state]) / size
				if a.events[k] == b.events[k] && off > worst.Off {
					worst = explain.Inexact{Off: off, State: state + 1, T: a.t[k], Value: a.y[k][state], Closer: b.y[k][state], Run: runs.name(i), RTol: opt.RTol / closer}
				}
			}
		}
	}
	explain.Doubt(m.Prog.Program, &out.Warnings, worst)
	return nil
}

func atolOf(opt *sim.Options, state int) float64 {
	if state < len(opt.Sizes) {
		return opt.ATol * opt.Sizes[state]
	}
	return opt.ATol
}
