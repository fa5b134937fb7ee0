package estimate

import (
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
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

// Learned is a neural block along a trajectory: its arguments and results at
// each row.
type Learned struct {
	Block        string
	Args, Values [][]float64
}

// Point is a measured value with its prediction.
type Point struct {
	Observation      string
	T                float64
	Data, Prediction float64
}

// Curves are those of EachCurve.
func (f *Fit) Curves(n int) (out []Curve, err error) {
	err = f.EachCurve(n, func(c *Curve) { out = append(out, *c) })
	return out, err
}

// mostPoints is how many points all grids of curves have together, but for two each: a fit to
// very many trajectories has its residuals, and no picture shows their curves.
const mostPoints = 200_000

// EachCurve calls do for each trajectory of the data at the estimate, on a grid of up to n
// points besides the instants of events, where both sides are given.
func (f *Fit) EachCurve(n int, do func(*Curve)) error {
	o := f.Objective
	p := f.prog.Program
	w := o.Workers[0]
	x := f.X
	w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	columns, _ := explain.ColumnNames(p)
	names, predicted := explain.ObservationNames(p), explain.Predicted(p)
	n = max(2, min(n, mostPoints/max(1, len(o.Trajectories)+len(o.Validation))))
	for k, it := range append(append([]*problem.Trajectory{}, o.Trajectories...), o.Validation...) {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		c := Curve{Name: it.Name, Validation: k >= len(o.Trajectories), Columns: columns[1:]}
		var tr sim.Trajectory
		if err := w.Integrator.Run(w.System, &it.Span, &tr); err != nil {
			return &explain.RunError{Trajectory: it.Name, Fail: tr.Fail, Text: explain.Failure(p, tr.Fail)}
		}
		for _, r := range it.Rows {
			w.System.RowAt(it.Span.Saves[r.Save], tr.SaveY[r.Save], tr.SaveD[r.Save], tr.BeforeY[r.Save], tr.BeforeD[r.Save], r.Data, r.Seen, r.Inputs, r.Own)
			pred := w.System.Predict()
			for i, v := range pred {
				if r.Seen[i] != 0 && predicted[i] {
					c.Observed = append(c.Observed, Point{names[i], it.Span.Saves[r.Save], r.Data[i], v})
				}
			}
		}
		grid := make([]float64, n)
		for i := range grid {
			grid[i] = it.Span.T0 + (it.Span.T1-it.Span.T0)*float64(i)/float64(n-1)
		}
		span := problem.WithSaves(it.Span, grid)
		if err := w.Integrator.Run(w.System, &span, &tr); err != nil {
			return &explain.RunError{Trajectory: it.Name, Fail: tr.Fail, Text: explain.Failure(p, tr.Fail)}
		}
		rows, _, evs := simulate.Rows(p, w.System, &span, &tr)
		for _, r := range rows {
			c.T, c.Rows = append(c.T, r[0]), append(c.Rows, r[1:])
		}
		c.Events = evs
		c.Learned = learned(p, w.System, rows)
		do(&c)
	}
	return nil
}

// Beyond are the states of each trajectory of the training data at n times behind its rows,
// over as long again, nil for a run that fails; none where data have inputs or fire events,
// which end with them.
func (f *Fit) Beyond(n int) (states [][][]float64, ok bool) {
	o := f.Objective
	w, user := o.Workers[0], f.prog.Model.Layout.NUser
	w.System.Bind(o.Space.SharedAt(f.X, o.Natural), o.Space.Scales)
	for _, it := range o.Trajectories {
		if len(it.Signals) > 0 || len(it.Span.Firings) > 0 {
			return nil, false
		}
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		from, to := it.Span.T1, 2*it.Span.T1-it.Span.T0
		grid := make([]float64, n)
		for i := range grid {
			grid[i] = from + (to-from)*float64(i+1)/float64(n)
		}
		span := problem.WithSaves(it.Span, grid)
		span.T1 = to
		var tr sim.Trajectory
		var rows [][]float64
		if err := w.Integrator.Run(w.System, &span, &tr); err == nil && tr.Saved == n {
			for _, y := range tr.SaveY {
				rows = append(rows, append([]float64{}, y[:user]...))
			}
		}
		states = append(states, rows)
	}
	return states, true
}

// learned evaluates the neural blocks of the equations at rows of states.
func learned(p *compiler.Program, sys *engine.System, rows [][]float64) []Learned {
	if sys.Nets == nil {
		return nil
	}
	lm := p.Model
	var out []Learned
	for i, b := range lm.Blocks {
		if lm.NetArgs[i] != nil {
			out = append(out, Learned{Block: b.Neural.Name})
		}
	}
	y, d := make([]float64, lm.Layout.NY), make([]float64, lm.Layout.ND)
	for _, row := range rows {
		copy(y, row[1:1+lm.Layout.NUser])
		copy(d, row[1+lm.Layout.NUser:])
		sys.At(row[0], y, d)
		sys.Nets.Run()
		args, vals := sys.NetArgs, sys.Nets.Value
		k := 0
		for i, b := range lm.Blocks {
			if lm.NetArgs[i] == nil {
				continue
			}
			out[k].Args = append(out[k].Args, append([]float64{}, args[:b.Net.In]...))
			out[k].Values = append(out[k].Values, append([]float64{}, vals[:b.Net.Out]...))
			args, vals = args[b.Net.In:], vals[b.Net.Out:]
			k++
		}
	}
	return out
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
