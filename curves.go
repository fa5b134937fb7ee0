package pinode

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
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
func (f *Fit) Curves(n int) ([]Curve, error) {
	o := f.obj
	m := f.Model
	w := o.workers[0]
	x := f.x
	o.sp.trans.Forward(o.nat, x[:len(o.sp.coords)])
	o.sp.bind(x, make([]float64, len(o.nat)), w.sys)
	columns, _ := m.columns()
	names := m.ObservationNames()
	var out []Curve
	for k, it := range append(append([]*item{}, o.items...), o.valid...) {
		o.sp.bindItem(o.nat, it, w.sys)
		c := Curve{Name: it.name, Validation: k >= len(o.items), Columns: columns[1:]}
		var tr sim.Trajectory
		if err := w.run.Run(w.sys, &it.span, &tr); err != nil {
			return nil, &SimulationError{Trajectory: it.name, Fail: tr.Fail, Text: m.explain(tr.Fail)}
		}
		for _, r := range it.rows {
			w.sys.rowAt(it.span.Saves[r.save], tr.SaveY[r.save], tr.SaveD[r.save], tr.BeforeY[r.save], tr.BeforeD[r.save], &r)
			w.sys.obs.run()
			for i, p := range w.sys.obs.v {
				if r.seen[i] != 0 {
					c.Observed = append(c.Observed, Point{names[i], it.span.Saves[r.save], r.datum[i], p})
				}
			}
		}
		grid := make([]float64, n)
		for i := range grid {
			grid[i] = it.span.T0 + (it.span.T1-it.span.T0)*float64(i)/float64(n-1)
		}
		span := output(it.span, grid)
		if err := w.run.Run(w.sys, &span, &tr); err != nil {
			return nil, &SimulationError{Trajectory: it.name, Fail: tr.Fail, Text: m.explain(tr.Fail)}
		}
		rows, evs := m.rows(w, &span, &tr)
		for _, r := range rows {
			c.T, c.Rows = append(c.T, r[0]), append(c.Rows, r[1:])
		}
		c.Events = evs
		c.Learned = m.learned(w, rows)
		out = append(out, c)
	}
	return out, nil
}

// learned evaluates the neural blocks of the equations at rows of states.
func (m *Model) learned(w *worker, rows [][]float64) []Learned {
	if w.sys.nets == nil {
		return nil
	}
	lm := m.prog.Model
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
		w.sys.at(row[0], y, d)
		w.sys.nets.run()
		args, vals := w.sys.netArgs, w.sys.nets.v
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

// ObservationNames are the names of the observations, component by component.
func (m *Model) ObservationNames() []string {
	var out []string
	for _, s := range m.prog.Model.Layout.Observes {
		for e := range s.N {
			out = append(out, lower.ElementName(s.Object.Info(), e))
		}
	}
	return out
}

// Labels say what axes show, with its unit: the time ("t"), observations,
// neural blocks, and the arguments of block f ("f(0)", "f(1)", …).
func (m *Model) Labels() map[string]string {
	out := map[string]string{}
	label := func(key, name string, o *check.Obj) {
		if out[key] = name; !o.Unit.Dimensionless() {
			out[key] += " [" + m.prog.Checked.Model.Units.Name(o.Unit) + "]"
		}
	}
	if t := m.prog.Checked.Model.Time; t != nil {
		label("t", t.Name, &t.Obj)
	}
	for _, s := range m.prog.Model.Layout.Observes {
		for e := range s.N {
			name := lower.ElementName(s.Object.Info(), e)
			label(name, name, s.Object.Info())
		}
	}
	for _, b := range m.prog.Model.Blocks {
		n := b.Neural
		label(n.Name, n.Name, &n.Obj)
		k := 0
		for i := range n.Args {
			for e := range n.Args[i].Shape.Size() {
				label(fmt.Sprintf("%s(%d)", n.Name, k), lower.ElementName(&n.Args[i], e), &n.Args[i])
				k++
			}
		}
	}
	return out
}

// rows are the saves of a run with the instants of its events between them,
// before and after.
func (m *Model) rows(w *worker, span *sim.Span, tr *sim.Trajectory) (rows [][]float64, evs []Event) {
	lay := &m.prog.Model.Layout
	defer func(from float64) { w.sys.from = from }(w.sys.from)
	// y and d, before the instant yb and db; inputs are those behind it, or, at
	// its start, before it.
	add := func(t float64, y, d, yb, db []float64, side int) {
		row := append([]float64{t}, m.state(y, d)...)
		if w.sys.outputs != nil {
			w.sys.from = math.Inf(side)
			w.sys.at(t, y, d)
			copy(w.sys.yb, yb)
			copy(w.sys.db, db)
			w.sys.stand(d, db)
			w.sys.outputs.run()
			row = append(row, w.sys.outputs.v[:len(lay.Outputs)]...)
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
			jumps := slide && w.sys.outs[0][0].run != w.sys.outs[1][0].run
			last := k+1 == len(tr.Log) || tr.Log[k+1].T != r.T
			if !jumps || k == first && r.T > span.T0 {
				add(r.T, r.YBefore, r.DBefore, b.YBefore, b.DBefore, left)
			}
			if !slide || jumps && last && r.T > span.T0 {
				add(r.T, r.YAfter, r.DAfter, b.YBefore, b.DBefore, 1)
			}
			name, surface := m.recordName(r)
			evs = append(evs, Event{
				Name: name, Surface: surface, Time: r.T, K: r.K, Rate: r.Rate, Transversality: r.Transversality, Rest: r.Kind == sim.Rested,
				Before: m.state(r.YBefore, r.DBefore), After: m.state(r.YAfter, r.DAfter),
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
func (m *Model) recordName(r *sim.Record) (name, surface string) {
	switch r.Kind {
	case sim.SlideStart:
		name = "slide"
	case sim.SlideEnd:
		name = "slide end"
	default:
		return m.prog.Model.Events[r.Event].Checked.Name, ""
	}
	return name, m.prog.Model.Guards[m.hybrid().Switches[r.Switch].Guard].Text
}

// Drift is the mean change of each conserved quantity over a trajectory,
// relative to its mean size, between events and across them.
func (f *Fit) Drift() (map[string]float64, error) {
	m := f.Model
	out := map[string]float64{}
	if len(m.prog.Checked.Model.Conserves) == 0 {
		return out, nil
	}
	curves, err := f.Curves(101)
	if err != nil {
		return nil, err
	}
	w := f.obj.workers[0]
	lay := &m.prog.Model.Layout
	nd := lay.ND
	for k, c := range m.prog.Checked.Model.Conserves {
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

// ConservedNames are the names of the conserved quantities.
func (m *Model) ConservedNames() []string {
	var out []string
	for _, c := range m.prog.Checked.Model.Conserves {
		out = append(out, c.Name)
	}
	return out
}

// Describe says in a line what the model is made of.
func (m *Model) Describe() string {
	lm := m.prog.Model
	cm := m.prog.Checked.Model
	parts := ""
	add := func(n int, what string) {
		if n == 0 {
			return
		}
		if parts != "" {
			parts += " · "
		}
		if n > 1 {
			what += "s"
			if what == "conserved quantitys" {
				what = "conserved quantities"
			}
		}
		parts += fmt.Sprintf("%d %s", n, what)
	}
	add(lm.Layout.NUser, "state")
	np := 0
	for _, p := range cm.Params {
		np += p.Shape.Size()
	}
	add(np, "parameter")
	for _, b := range lm.Blocks {
		add(1, fmt.Sprintf("neural block (%s: %d weights)", b.Neural.Name, b.Net.NumWeights()))
	}
	add(len(cm.Events), "event")
	add(len(cm.Conserves), "conserved quantity")
	return parts
}
