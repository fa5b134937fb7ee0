package pinode

import (
	"math"

	"github.com/pinode/pinode/compiler"
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
	Events     []Event
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

// Curves are the trajectories of the data at the estimate, on a grid of n
// points besides the instants of events, where both sides are given.
func (f *fitting) Curves(n int) ([]Curve, error) {
	o := f.obj
	p := f.prog.Program
	w := o.workers[0]
	x := f.x
	w.sys.bind(o.sp.sharedAt(x, o.nat), o.sp.s)
	columns, _ := columnNames(p)
	names := observationNames(p)
	var out []Curve
	for k, it := range append(append([]*item{}, o.items...), o.valid...) {
		w.sys.bindOwn(o.sp.perItem(o.nat, it, w.sys.q[:0]), it.signals)
		c := Curve{Name: it.name, Validation: k >= len(o.items), Columns: columns[1:]}
		var tr sim.Trajectory
		if err := w.run.Run(w.sys, &it.span, &tr); err != nil {
			return nil, &SimulationError{Trajectory: it.name, Fail: tr.Fail, Text: explain(p, tr.Fail)}
		}
		for _, r := range it.rows {
			w.sys.rowAt(it.span.Saves[r.save], tr.SaveY[r.save], tr.SaveD[r.save], tr.BeforeY[r.save], tr.BeforeD[r.save], r.datum, r.seen, r.u)
			w.sys.obs.run()
			for i, v := range w.sys.obs.v {
				if r.seen[i] != 0 {
					c.Observed = append(c.Observed, Point{names[i], it.span.Saves[r.save], r.datum[i], v})
				}
			}
		}
		grid := make([]float64, n)
		for i := range grid {
			grid[i] = it.span.T0 + (it.span.T1-it.span.T0)*float64(i)/float64(n-1)
		}
		span := output(it.span, grid)
		if err := w.run.Run(w.sys, &span, &tr); err != nil {
			return nil, &SimulationError{Trajectory: it.name, Fail: tr.Fail, Text: explain(p, tr.Fail)}
		}
		rows, evs := rowsOfRun(p, w.sys, &span, &tr)
		for _, r := range rows {
			c.T, c.Rows = append(c.T, r[0]), append(c.Rows, r[1:])
		}
		c.Events = evs
		c.Learned = learned(p, w.sys, rows)
		out = append(out, c)
	}
	return out, nil
}

// learned evaluates the neural blocks of the equations at rows of states.
func learned(p *compiler.Program, sys *system, rows [][]float64) []Learned {
	if sys.nets == nil {
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
		sys.at(row[0], y, d)
		sys.nets.run()
		args, vals := sys.netArgs, sys.nets.v
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

// rows are the saves of a run with the instants of its events between them,
// before and after.
func rowsOfRun(p *compiler.Program, sys *system, span *sim.Span, tr *sim.Trajectory) (rows [][]float64, evs []Event) {
	lay := &p.Model.Layout
	defer func(from float64) { sys.from = from }(sys.from)
	// y and d, before the instant yb and db; inputs are those behind it, or, at
	// its start, before it.
	add := func(t float64, y, d, yb, db []float64, side int) {
		row := append([]float64{t}, visible(lay, y, d)...)
		if sys.outputs != nil {
			sys.from = math.Inf(side)
			sys.at(t, y, d)
			copy(sys.yb, yb)
			copy(sys.db, db)
			sys.stand(d, db)
			sys.outputs.run()
			row = append(row, sys.outputs.v[:len(lay.Outputs)]...)
		}
		rows = append(rows, row)
	}
	// An instant that is later than a save by round-off is at its time.
	resolution := sim.Resolution(span.T1, span.T1-span.T0)
	k, first := 0, 0 // record of the log, and the first of its instant
	instants := func(until float64) {
		for ; k < len(tr.Log) && tr.Log[k].T <= until+resolution; k++ {
			r := &tr.Log[k]
			if r.T != tr.Log[first].T {
				first = k
			}
			b, left := &tr.Log[first], 1
			if k == first && r.T > span.T0 {
				left = -1
			}
			// Outputs that jump where a slide starts have rows on both sides: none for
			// what is found out within an instant, or before the start.
			slide := r.Event < 0
			jumps := slide && sys.outs[0][0].run != sys.outs[1][0].run
			last := k+1 == len(tr.Log) || tr.Log[k+1].T != r.T
			if !jumps || k == first && r.T > span.T0 {
				add(r.T, r.YBefore, r.DBefore, b.YBefore, b.DBefore, left)
			}
			if !slide || jumps && last && r.T > span.T0 {
				add(r.T, r.YAfter, r.DAfter, b.YBefore, b.DBefore, 1)
			}
			name, surface := recordName(p, r)
			evs = append(evs, Event{
				Name: name, Surface: surface, Time: r.T, K: r.K, Rate: r.Rate, Transversality: r.Transversality, Rest: r.Kind == sim.Rested,
				Before: visible(lay, r.YBefore, r.DBefore), After: visible(lay, r.YAfter, r.DAfter),
			})
		}
	}
	for i := range tr.Saved {
		instants(span.Saves[i])
		add(span.Saves[i], tr.SaveY[i], tr.SaveD[i], tr.BeforeY[i], tr.BeforeD[i], 1)
	}
	instants(math.Inf(1))
	return rows, evs
}

// recordName is what a record of the event log is called: the event, or for a
// motion along a surface where it starts or ends, with the term that the surface
// belongs to.
func recordName(p *compiler.Program, r *sim.Record) (name, surface string) {
	switch r.Kind {
	case sim.SlideStart:
		name = "slide"
	case sim.SlideEnd:
		name = "slide end"
	default:
		return p.Model.Events[r.Event].Checked.Name, ""
	}
	return name, p.Model.Guards[switchGuard(p, r.Switch)].Text
}

// Drift is the mean change of each conserved quantity over a trajectory,
// relative to its mean size, between events and across them.
func (f *fitting) Drift() (map[string]float64, error) {
	p := f.prog
	out := map[string]float64{}
	if len(p.Checked.Model.Conserves) == 0 {
		return out, nil
	}
	curves, err := f.Curves(101)
	if err != nil {
		return nil, err
	}
	w := f.obj.workers[0]
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
				w.sys.at(cv.T[i], y, d)
				w.sys.conserved.run()
				q := w.sys.conserved.v[k]
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
			out[c.Name] = drift / float64(max(1, len(f.obj.items))) / (size / n)
		}
	}
	return out, nil
}
