package simulate

import (
	"context"
	"fmt"
	"slices"
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
	Explanation  string    // what the steps did, if it was asked for
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

	// EveryRow runs the trajectories of the data, with the output times of their rows,
	// and adds to each observation its measured values and the residuals.
	EveryRow bool

	Explain bool // what the steps did
}

// Simulator simulates a model.
type Simulator struct {
	Prog     *engine.Compiled
	Data     *problem.Problem
	Settings *setting.Values // of the simulate block

	places *places // that it names; nil: none
}

// Run runs the simulate block: one run, or one for each sample or point
// of a sweep; a model that needs what data tell of a trajectory is run for
// each trajectory of its data.
func (m *Simulator) Run(ctx context.Context, c Options) (*Simulation, error) {
	if m.Prog.Model.Collocation != nil {
		return m.field(ctx, c)
	}
	runs, out, err := m.prepare(c)
	if err != nil {
		return nil, err
	}
	opt, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return nil, err
	}
	opt.Forget = true
	stats, err := m.run(ctx, &opt, runs, out, c.Workers)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if c.Explain {
		out.Explanation = explanation(m.Prog.Program, runs, opt, out)
	}
	explain.Stiffness(m.Prog.Program, &out.Warnings, stats, opt)
	explain.Astray(m.Prog.Program, &out.Warnings, stats, opt)
	explain.Crossings(m.Prog.Program, &out.Warnings, stats)
	if err == nil {
		if err := m.look(ctx, c, opt, runs, out); err != nil {
			return nil, err
		}
	}
	out.Unproven = explain.Unproven(m.Prog.Program, &out.Stats)
	return out, err
}

// Check says why Run would refuse to begin.
func (m *Simulator) Check(c Options) error {
	if m.Prog.Model.Collocation != nil {
		return m.checkField(&c)
	}
	_, _, err := m.prepare(c)
	if err != nil {
		return err
	}
	_, err = engine.SolverOptions(m.Settings)
	return err
}

// prepare lists the runs and the columns of their tables.
func (m *Simulator) prepare(c Options) (*ensemble, *Simulation, error) {
	if err := m.readPlaces(); err != nil {
		return nil, nil, err
	}
	trajectories, err := m.Trajectories(c.EveryRow)
	if err != nil {
		return nil, nil, err
	}
	seed := uint64(m.Settings.Int("seed"))
	sp, err := problem.NewSpace(m.Prog.Program, trajectories, seed)
	if err != nil {
		return nil, nil, err
	}
	if err := m.begin(sp, trajectories, c.Values, c.Set); err != nil {
		return nil, nil, err
	}
	runs, err := m.ensemble(sp, trajectories, c, seed)
	if err != nil {
		return nil, nil, err
	}
	runs.places = m.places
	if c.Explain {
		runs.traces = make([]sim.Trace, len(runs.of))
	}
	out := &Simulation{}
	out.Columns, out.Units = explain.ColumnNames(m.Prog.Program)
	if c.EveryRow && m.Prog.Checked.Model.Gridded != nil {
		runs.observed = newObservedTable(m.Prog.Program, out)
	} else if names := m.Settings.Words("outputs"); len(names) > 0 && !varies(m.Prog.Program, names) {
		// one row for each time
	} else if runs.fields, err = newFieldTable(m.Prog.Program, out, m.Settings.List("grid"), m.places); err != nil {
		return nil, nil, err
	}
	if runs.pick, err = out.choose(m.Settings.Words("outputs"), runs.told()); err != nil {
		return nil, nil, err
	}
	if c.EveryRow {
		runs.measured = m.measured(out)
	}
	return runs, out, runs.bounded(m.Prog.Program)
}

// mostNumbers bounds what is kept of a simulation.
const mostNumbers = 1e9

// bounded refuses more output than there can be room for.
func (r *ensemble) bounded(p *compiler.Program) error {
	names, _ := explain.ColumnNames(p)
	all := 0.
	for _, k := range r.of {
		n := float64(len(r.trajectories[k].Span.Saves)) * float64(len(names))
		if t := r.fields; t != nil && !r.places.told() {
			n = max(n, float64(len(r.trajectories[k].Span.Saves))*float64(t.size())*float64(1+len(t.axes)+len(t.fields)))
		}
		if all += n; n > mostNumbers/20 {
			return fmt.Errorf("%d output times with %d columns are %.2g numbers of a trajectory, more than %.2g: ask for fewer `times`, or a larger `step`", len(r.trajectories[k].Span.Saves), len(names), n, mostNumbers/20.)
		}
	}
	if all > mostNumbers {
		return fmt.Errorf("the trajectories have %.2g numbers together, more than %.2g: ask for fewer `times`, or a larger `step`", all, float64(mostNumbers))
	}
	return nil
}

// run does the runs of an ensemble and makes their tables. A run that fails has what it
// came to; the error is that of the first.
func (m *Simulator) run(ctx context.Context, opt *sim.Options, runs *ensemble, out *Simulation, workers int) ([]sim.Stats, error) {
	sp := runs.space
	x, err := sp.X0()
	if err != nil {
		return nil, err
	}
	nat := sp.Natural()
	p := sp.SharedInputs(x, nat, make([]float64, len(sp.P)))
	if err := m.encode(ctx, runs, p, nat); err != nil {
		return nil, err
	}
	r, err := m.runner(opt, runs, compiler.Want{}, workers, p, nat)
	if err != nil {
		return nil, err
	}
	runs.keep(m.Prog.Model.Layout.NUser)
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
		}
		w.Group.Use(&l.Model)
		t := &Trajectory{Name: runs.name(i), Status: tr.Status}
		it := runs.trajectories[runs.of[i]]
		row := 0 // in the place of a line
		w.System.NextRow = nil
		if sp.RowDraws() && w.System.OfRow != nil {
			w.System.NextRow = func() {
				row++
				sp.DrawRow(w.System.OfRow, it, row, runs.drawing(i))
			}
		}
		if runs.reached != nil {
			runs.reached[i] = reachedBy(&it.Span, tr, m.Prog.Model.Layout.NUser)
		}
		rows, saves, events := Rows(m.Prog.Program, w.System, &it.Span, it.Shown(), tr)
		t.Rows, t.Events = runs.table(it, w.System, tr, rows, saves), events
		out.Trajectories[i] = t
		return true
	})
	for i := range stats {
		if fails[i] != nil && err == nil {
			err = fails[i]
		}
		out.Stats.Add(&stats[i])
	}
	out.Trajectories = slices.DeleteFunc(out.Trajectories, func(t *Trajectory) bool { return t == nil })
	return stats, err
}

// choose keeps the columns of the names that are asked for, behind the time and
// coordinates, and returns how a row is cut to them. A name means all of its
// components.
func (s *Simulation) choose(names []string, told int) (func([]float64) []float64, error) {
	if len(names) == 0 {
		return func(row []float64) []float64 { return row }, nil
	}
	var keep []int
	for i := range told {
		keep = append(keep, i)
	}
	for _, n := range names {
		found := false
		for i, c := range s.Columns[told:] {
			if c == n || strings.HasPrefix(c, n+"[") {
				keep, found = append(keep, i+told), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no output `%s`; there are %s", n, strings.Join(s.Columns[told:], ", "))
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
