package simulate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// Tolerances at which solvers are compared, and that of the solution which counts as exact;
// for fixed steps, into how many steps the span is cut.
var (
	compared = []float64{1e-3, 1e-5, 1e-7, 1e-9, 1e-11}
	cuts     = []float64{100, 400, 1600, 6400}
)

const exact = 1e-13

// Compare simulates with each of the solvers at several tolerances.
func (m *Simulator) Compare(ctx context.Context, c Options, names []string) ([]sim.Comparison, error) {
	var tabs []*solvers.Tableau // nil: auto
	for _, name := range names {
		tab := solvers.Method(name)
		if tab == nil && name != "auto" {
			return nil, unknownSolver(name)
		}
		tabs = append(tabs, tab)
	}
	given, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return nil, err
	}
	share := 1e-2 // of the absolute tolerance in the relative
	if given.Method.Adaptive() {
		share = given.ATol / given.RTol
	}
	want, err := m.tightest(ctx, c, tabs, share)
	if err != nil {
		return nil, err
	}
	rows := planned(names, tabs, want.span, share, given.MaxSteps)
	out := make([]sim.Comparison, len(rows))
	for _, r := range rows {
		got, err := m.solve(ctx, c, r)
		if err != nil {
			return nil, err
		}
		r.Error = got.off(want)
	}
	timeInTurn(ctx, rows)
	for i, r := range rows {
		out[i] = r.Comparison
	}
	return out, ctx.Err()
}

// trial is a row that is being made.
type trial struct {
	sim.Comparison
	opt   sim.Options
	again func() // does the runs once more
}

// planned are the rows of a comparison, without their results.
func planned(names []string, tabs []*solvers.Tableau, span, share float64, maxSteps int) (rows []*trial) {
	for i, tab := range tabs {
		for k := range max(len(compared), len(cuts)) {
			r := &trial{Comparison: sim.Comparison{Solver: names[i]}, opt: sim.Options{Method: tab, MaxSteps: maxSteps, Forget: true}}
			if tab == nil {
				r.opt.Method, r.opt.Stiff = solvers.Auto(compared[min(k, len(compared)-1)])
			}
			switch {
			case r.opt.Method.Adaptive() && k < len(compared):
				r.opt.RTol, r.opt.ATol = compared[k], compared[k]*share
				r.RTol = r.opt.RTol
			case !r.opt.Method.Adaptive() && k < len(cuts):
				r.opt.Step = span / cuts[k]
				r.Step = r.opt.Step
			default:
				continue
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// timeInTurn times the rows again, one after the other in each round: what else the machine
// does falls on all of them alike.
func timeInTurn(ctx context.Context, rows []*trial) {
	begin := time.Now()
	for round := 1; round < rounds && time.Since(begin) < time.Duration(len(rows))*roundsT; round++ {
		for _, r := range rows {
			if r.Failed != "" || ctx.Err() != nil {
				continue
			}
			start := time.Now()
			r.again()
			r.Time = min(r.Time, time.Since(start))
		}
	}
}

func unknownSolver(name string) error {
	names := []string{"auto"}
	for _, m := range solvers.Methods {
		names = append(names, m.Name)
	}
	if near, ok := diag.Nearest(name, names); ok {
		return fmt.Errorf("there is no solver `%s`; did you mean `%s`?", name, near)
	}
	return fmt.Errorf("there is no solver `%s`; `pinode solvers` lists them", name)
}

// tightest is the solution that counts as exact: of the adaptive solvers that are compared,
// and vern9, the first of the highest order that has one.
func (m *Simulator) tightest(ctx context.Context, c Options, tabs []*solvers.Tableau, share float64) (*solution, error) {
	c.Explain = true // for the sizes of the states
	candidates := slices.DeleteFunc(slices.Clone(tabs), func(tab *solvers.Tableau) bool { return tab == nil || !tab.Adaptive() })
	slices.SortStableFunc(candidates, func(a, b *solvers.Tableau) int { return b.Order - a.Order })
	var row *trial
	for _, tab := range append(candidates, solvers.Vern9) {
		row = &trial{opt: sim.Options{Method: tab, RTol: exact, ATol: exact * share, Forget: true, MaxSteps: 10_000_000}}
		got, err := m.solve(ctx, c, row)
		if err != nil || row.Failed == "" {
			return got, err
		}
	}
	return nil, fmt.Errorf("there is no solution to compare with: %s", row.Failed)
}

// solution are the states of all runs at their output times and ends.
type solution struct {
	states [][]float64
	size   []float64 // of each, in all runs, if they were traced
	span   float64   // of time, of the longest run
}

// off is the largest difference of a state, beside its largest value.
func (s *solution) off(want *solution) (worst float64) {
	if s == nil || len(s.states) != len(want.states) {
		return math.NaN()
	}
	for k, y := range s.states {
		for i, v := range y {
			if d := math.Abs(v - want.states[k][i]); d > 0 {
				worst = max(worst, d/want.size[i])
			}
		}
	}
	return worst
}

// rounds bound how often a simulation is timed, and for how long.
const (
	rounds  = 21
	roundsT = 300 * time.Millisecond // a row
)

// solve does the runs with a solver and fills the row.
func (m *Simulator) solve(ctx context.Context, c Options, row *trial) (*solution, error) {
	runs, _, err := m.prepare(c)
	if err != nil {
		return nil, err
	}
	x, err := runs.space.X0()
	if err != nil {
		return nil, err
	}
	nat := runs.space.Natural()
	p := runs.space.SharedInputs(x, nat, make([]float64, len(runs.space.P)))
	r, err := m.runner(&row.opt, runs, compiler.Want{}, c.Workers, p, nat)
	if err != nil {
		return nil, err
	}
	of := make([]*solution, len(runs.of))
	stats, fails := make([]sim.Stats, len(runs.of)), make([]string, len(runs.of))
	user := m.Prog.Model.Layout.NUser
	row.again = func() {
		r.Run(ctx, len(runs.of), func(i int, to *engine.BoundModel) *sim.Span {
			return runs.prepare(i, p, nat, to)
		}, func(w *engine.Worker, l *engine.LaneState) bool {
			i, tr := l.Index, &l.Traj
			stats[i], fails[i] = tr.Stats, ""
			if tr.Fail != nil {
				fails[i] = explain.Failure(m.Prog.Program, tr.Fail)
				return true
			}
			s := &solution{span: tr.T - l.Job.Span.T0}
			saved := tr.SaveY.First(tr.Saved)
			for _, y := range saved.All() {
				s.states = append(s.states, slices.Clone(y[:user]))
			}
			s.states = append(s.states, slices.Clone(tr.Y[:user]))
			of[i] = s
			return true
		})
	}
	start := time.Now()
	row.again()
	row.Time = time.Since(start)
	all := &solution{}
	for i, s := range of {
		row.Steps, row.Rejected, row.Evaluations = row.Steps+stats[i].Steps, row.Rejected+stats[i].Rejected, row.Evaluations+stats[i].Evaluations
		if fails[i] != "" {
			row.Failed = fails[i]
			return nil, ctx.Err()
		}
		if s != nil {
			all.states, all.span = append(all.states, s.states...), max(all.span, s.span)
		}
	}
	all.size = make([]float64, user)
	for i := range runs.traces {
		for k := range all.size {
			all.size[k] = max(all.size[k], runs.traces[i].Size[k])
		}
	}
	return all, ctx.Err()
}
