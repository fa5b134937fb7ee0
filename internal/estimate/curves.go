package estimate

import (
	"context"
	"math"
	"slices"

	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/simulate"
	"github.com/pinode/pinode/sim"
)

// Curve is a fitted trajectory over its data.
type Curve struct {
	Name       string
	Validation bool
	Columns    []string    // states, discretes, lets and observations
	T          []float64   // a grid
	Rows       [][]float64 // the columns there
	Observed   []Point
	Events     []simulate.Event
	Learned    []Learned
}

// Learned is a neural block along a trajectory: its arguments and results at each row or, where it stands
// in what an event does, at each of its firings.
type Learned struct {
	Block        string
	In, Out      int  // arguments and results
	Band         bool // there are Lower and Upper
	T            []float64
	Args, Values [][]float64
	Lower, Upper [][]float64 // two standard errors around the results; NaN where it was not asked
}

// Point is a measured value with its prediction.
type Point struct {
	Observation      string
	T                float64
	Data, Prediction float64
	Given            bool // it is known when the others are predicted
}

// Curves are those of all trajectories on grids of n points.
func (f *Fit) Curves(n int) (out []Curve, err error) {
	err = f.EachCurve(n, n, nil, func(c *Curve) { out = append(out, *c) })
	return out, err
}

// mostNumbers is how many numbers the curves of a fit have together, but for those of two
// points each.
const mostNumbers = 4_000_000

// EachPrediction calls do for each trajectory of the data at the estimate, with its measured
// values, their predictions and its events.
func EachPrediction(f *Fit, do func(*Curve)) error {
	p := f.prog.Program
	names, predicted := explain.ObservationNames(p), explain.Predicted(p)
	return each(f, func(it *problem.Trajectory, c *Curve) error {
		w := f.Objective.Workers[0]
		var tr sim.Trajectory
		if err := run(f, it, &it.Span, &tr); err != nil {
			return err
		}
		for k, r := range slices.Concat(it.Rows, it.Told) {
			w.System.RowAt(it.Span.Saves[r.Save()], tr.SaveY.At(r.Save()), tr.SaveD.At(r.Save()), tr.BeforeY.At(r.Save()), tr.BeforeD.At(r.Save()), r.Data(), r.Seen(), r.Inputs(), r.Own())
			pred := w.System.Predict()
			for i, v := range pred {
				if r.Seen()[i] != 0 && predicted[i] {
					c.Observed = append(c.Observed, Point{names[i], it.Span.Saves[r.Save()], r.Data()[i], v, k >= len(it.Rows)})
				}
			}
		}
		_, _, c.Events = simulate.Rows(p, w.System, &it.Span, it.Shown(), &tr)
		do(c)
		return nil
	})
}

// EachCurve calls do for each trajectory of the data that is wanted, nil: for all, at the
// estimate, on a grid of at least n points besides the instants of events, where both sides
// are given. It has up to most points where fewer would not show how the curve turns.
func (f *Fit) EachCurve(n, most int, wanted func(name string) bool, do func(*Curve)) error {
	p := f.prog.Program
	columns, _ := explain.ColumnNames(p)
	left := 0
	if err := each(f, func(it *problem.Trajectory, _ *Curve) error {
		if wanted == nil || wanted(it.Name) {
			left++
		}
		return nil
	}); err != nil {
		return err
	}
	room := max(2, mostNumbers/max(1, left*len(columns)))
	most, n = min(most, room), min(n, room)
	nets, err := newBlocks(f)
	if err != nil {
		return err
	}
	return each(f, func(it *problem.Trajectory, c *Curve) error {
		if wanted != nil && !wanted(it.Name) {
			return nil
		}
		w := f.Objective.Workers[0]
		var rows [][]float64
		for points := max(2, n); ; {
			var tr sim.Trajectory
			span := problem.WithSaves(it.Span, grid(it.Shown(), it.Span.T1, points))
			if err := run(f, it, &span, &tr); err != nil {
				return err
			}
			rows, _, c.Events = simulate.Rows(p, w.System, &span, it.Shown(), &tr)
			if need := min(most, pointsATurn*turns(rows)); need > points {
				points = need
				continue
			}
			break
		}
		for _, r := range rows {
			c.T, c.Rows = append(c.T, r[0]), append(c.Rows, r[1:])
		}
		c.Columns = columns[1:]
		if nets != nil {
			nets.programs.BindTrajectory(w.System.Q, it.Signals)
			c.Learned = nets.along(rows, c.Events)
		}
		do(c)
		return nil
	})
}

// each goes through the trajectories, those of the validation last, with the programs set to
// the estimate and the values of each.
func each(f *Fit, do func(*problem.Trajectory, *Curve) error) error {
	o := f.Objective
	w := o.Workers[0]
	if err := encode(context.Background(), f); err != nil {
		return err
	}
	w.System.Bind(o.Space.SharedAt(f.X, o.Natural), o.Space.Scales)
	for k, it := range append(append([]*problem.Trajectory{}, o.Trajectories...), o.Validation...) {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		if err := do(it, &Curve{Name: it.Name, Validation: k >= len(o.Trajectories)}); err != nil {
			return err
		}
	}
	return nil
}

// run integrates a trajectory that the programs are set to.
func run(f *Fit, it *problem.Trajectory, span *sim.Span, tr *sim.Trajectory) error {
	w := f.Objective.Workers[0]
	if err := w.Integrator.Run(w.System, span, tr); err != nil {
		return &explain.RunError{Trajectory: it.Name, Fail: tr.Fail, Text: explain.Failure(f.prog.Program, tr.Fail)}
	}
	return nil
}

// grid has n times from one to another, ends included.
func grid(from, to float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = from + (to-from)*float64(i)/float64(n-1)
	}
	return out
}

// pointsATurn is how many points a curve has from one turn to the next at least: an
// oscillation is smooth to the eye with some 24 a period.
const pointsATurn = 12

// turns is how often the column that turns most goes from rising to falling or back, by more
// than a thousandth of its range.
func turns(rows [][]float64) (most int) {
	for k := 1; len(rows) > 0 && k < len(rows[0]); k++ {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, r := range rows {
			lo, hi = math.Min(lo, r[k]), math.Max(hi, r[k])
		}
		count, up, extreme := 0, 0, rows[0][k]
		for _, r := range rows {
			switch d := r[k] - extreme; {
			case float64(up)*d > 0:
				extreme = r[k]
			case math.Abs(d) > 1e-3*(hi-lo):
				if up != 0 {
					count++
				}
				up, extreme = 1, r[k]
				if d < 0 {
					up = -1
				}
			}
		}
		most = max(most, count)
	}
	return most
}

// Beyond are the states of each trajectory of the training data at n times behind its rows,
// over as long again, nil for a run that fails; none where data have inputs or fire events,
// which end with them.
func (f *estimated) Beyond(n int) (states [][][]float64, ok bool) {
	o := f.Objective
	w, user := o.Workers[0], f.prog.Model.Layout.NUser
	w.System.Bind(o.Space.SharedAt(f.X, o.Natural), o.Space.Scales)
	for _, it := range o.Trajectories {
		if len(it.Signals) > 0 || len(it.Span.Firings) > 0 {
			return nil, false
		}
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		from, to := it.Span.T1, 2*it.Span.T1-it.Shown()
		span := problem.WithSaves(it.Span, grid(from, to, n+1)[1:])
		span.T1 = to
		var tr sim.Trajectory
		var rows [][]float64
		if err := w.Integrator.Run(w.System, &span, &tr); err == nil && tr.Saved == n {
			for _, y := range tr.SaveY.All() {
				rows = append(rows, append([]float64{}, y[:user]...))
			}
		}
		states = append(states, rows)
	}
	return states, true
}

// Drift is the mean change of each conserved quantity over a trajectory,
// relative to its mean size, between events and across them.
func (f *Fit) Drift() (map[string]float64, error) {
	p := f.prog
	out := map[string]float64{}
	if len(p.Checked.Model.Conserves) == 0 {
		return out, nil
	}
	curves, err := f.Curves(101)
	if err != nil {
		return nil, err
	}
	w := f.Objective.Workers[0]
	lay := &p.Model.Layout
	nd := lay.ND
	for k, c := range p.Checked.Model.Conserves {
		drift, size, n := 0., 0., 0.
		for _, cv := range curves {
			if cv.Validation {
				continue
			}
			ev := 0
			last := math.NaN()
			for i, row := range cv.Rows {
				y, d := make([]float64, lay.NY), make([]float64, nd)
				copy(y, row[:lay.NUser])
				copy(d, row[lay.NUser:min(len(row), lay.NUser+nd)])
				w.System.At(cv.T[i], y, d)
				w.System.Conserved.Run()
				q := w.System.Conserved.Value[k]
				if ev < len(cv.Events) && i > 0 && cv.T[i] == cv.Events[ev].Time && cv.T[i-1] == cv.T[i] {
					ev++
					last = math.NaN() // across the event
				}
				if !math.IsNaN(last) {
					drift += math.Abs(q - last)
				}
				last = q
				size += math.Abs(q)
				n++
			}
		}
		if size > 0 {
			out[c.Name] = drift / float64(max(1, len(f.Objective.Trajectories))) / (size / n)
		}
	}
	return out, nil
}
