package simulate

import (
	"context"
	"fmt"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/sim"
)

// Simulation is the result of simulating a model.
type Simulation struct {
	Columns      []string // "t", then states, discretes, lets and observations
	Units        []string
	Trajectories []*Trajectory
	Stats        sim.Stats
	Warnings     diag.List // of what the result may be wrong in
	Unproven     string    // where nothing proves that no crossing was missed; else empty
}

// Trajectory is one trajectory: rows over the columns of the
// simulation, and its events.
type Trajectory struct {
	Name   string
	Rows   [][]float64
	Events []Event
	Status sim.Status
}

// Event is a line of the event log.
type Event struct {
	Name           string // "slide" and "slide end" where the solution begins or ceases to slide along a surface
	Surface        string // of these: the term of the model that it belongs to
	Time           float64
	K              int       // number within its instant
	Before, After  []float64 // states, then discretes
	Rate           float64   // of the guard, by time; NaN without one
	Transversality float64
	Rest           bool
}

// Options says what of a simulation is not that of the file.
type Options struct {
	Values  *problem.Values
	Set     map[string]float64
	Until   *float64
	Workers int
}

// Simulator simulates a model.
type Simulator struct {
	Prog     *engine.Compiled
	Data     *problem.Problem
	Settings *setting.Values // of the simulate block
}

// Run runs the simulate block: one run, or one for each sample or point
// of a sweep; a model that needs what data tell of a trajectory is run for
// each trajectory of its data.
func (m *Simulator) Run(ctx context.Context, c Options) (*Simulation, error) {
	trajectories, err := m.Trajectories()
	if err != nil {
		return nil, err
	}
	opt, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return nil, err
	}
	opt.Forget = true
	seed := uint64(m.Settings.Int("seed"))
	sp, err := problem.NewSpace(m.Prog.Program, trajectories, seed)
	if err != nil {
		return nil, err
	}
	if err := sp.SetValues(c.Values); err != nil {
		return nil, err
	}
	runs, err := m.ensemble(sp, trajectories, c, seed)
	if err != nil {
		return nil, err
	}
	out := &Simulation{}
	out.Columns, out.Units = explain.ColumnNames(m.Prog.Program)
	pick, err := out.choose(m.Settings.Words("outputs"))
	if err != nil {
		return nil, err
	}
	r, err := engine.NewRunner(m.Prog, opt, len(runs.of), compiler.Want{}, runs.ownParams(), c.Workers)
	if err != nil {
		return nil, err
	}
	stats, err := m.run(ctx, r, runs, out, pick)
	if err != nil {
		return nil, err
	}
	explain.Stiffness(m.Prog.Program, &out.Warnings, stats, opt)
	out.Unproven = explain.Unproven(m.Prog.Program, &out.Stats)
	return out, nil
}

// run does the runs of an ensemble and makes their tables; pick chooses the columns.
func (m *Simulator) run(ctx context.Context, r *engine.Runner, runs *ensemble, out *Simulation, pick func([]float64) []float64) ([]sim.Stats, error) {
	sp := runs.space
	x, err := sp.X0()
	if err != nil {
		return nil, err
	}
	nat := sp.Natural()
	p := sp.SharedInputs(x, nat, make([]float64, len(sp.P)))
	r.Bind(p, sp.Scales)
	out.Trajectories = make([]*Trajectory, len(runs.of))
	fails := make([]error, len(runs.of))
	stats := make([]sim.Stats, len(runs.of))
	r.Run(ctx, len(runs.of), func(i int, to *engine.BoundModel) *sim.Span {
		return runs.prepare(i, p, nat, to)
	}, func(w *engine.Worker, l *engine.LaneState) bool {
		i, tr := l.Index, &l.Traj
		stats[i] = tr.Stats
		if tr.Fail != nil && ctx.Err() == nil {
			fails[i] = &explain.RunError{Trajectory: runs.name(i), Fail: tr.Fail, Text: explain.Failure(m.Prog.Program, tr.Fail)}
			return true
		}
		w.Group.Use(&l.Model)
		t := &Trajectory{Name: runs.name(i), Status: tr.Status}
		t.Rows, t.Events = Rows(m.Prog.Program, w.System, &runs.trajectories[runs.of[i]].Span, tr)
		for k, row := range t.Rows {
			t.Rows[k] = pick(row)
		}
		out.Trajectories[i] = t
		return true
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range stats {
		if fails[i] != nil {
			return nil, fails[i]
		}
		out.Stats.Add(&stats[i])
	}
	return stats, nil
}

// choose keeps the columns of the names that are asked for, the time before
// them, and returns how a row is cut to them. A name means all of its
// components.
func (s *Simulation) choose(names []string) (func([]float64) []float64, error) {
	if len(names) == 0 {
		return func(row []float64) []float64 { return row }, nil
	}
	keep := []int{0}
	for _, n := range names {
		found := false
		for i, c := range s.Columns[1:] {
			if c == n || strings.HasPrefix(c, n+"[") {
				keep, found = append(keep, i+1), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no output `%s`; there are %s", n, strings.Join(s.Columns[1:], ", "))
		}
	}
	pickStrings := func(list []string) (out []string) {
		for _, k := range keep {
			out = append(out, list[k])
		}
		return out
	}
	s.Columns, s.Units = pickStrings(s.Columns), pickStrings(s.Units)
	return func(row []float64) []float64 {
		out := make([]float64, len(keep))
		for i, k := range keep {
			out[i] = row[k]
		}
		return out
	}, nil
}
