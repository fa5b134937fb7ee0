package pinode

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
)

// item is one trajectory bound to the model: what its run needs.
type item struct {
	name    string
	traj    *data.Trajectory // nil for a run without data
	set     *data.Set
	q       []float64 // covariates, first and slope values; parameters per key are filled in
	keys    []int     // for each parameter per key: which of its values
	signals []*data.Interpolant
	span    sim.Span
	rows    []row
	values  int   // measured values, told firings included
	rated   []int // events with a rate whose firings the data tell
}

// row is one row of data at a save.
type row struct {
	save            int
	datum, seen     []float64
	u               []float64 // the inputs at the row, which may be those of its own columns
	values, counted int       // measured values, and those of observations with a weight
	losses          []bool    // which loss terms count
}

// loadData reads the tables of the data blocks.
func (m *Model) loadData() error {
	m.reading.Lock()
	defer m.reading.Unlock()
	if m.loaded {
		return nil
	}
	var sets []*data.Set
	var begins [][]float64
	m.doubts = diag.List{}
	for _, d := range m.prog.Checked.Data {
		path := d.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(m.dir(), path)
		}
		t, err := data.ReadFile(path)
		if err != nil {
			return err
		}
		set, err := data.Build(t, m.spec(d))
		if err != nil {
			return err
		}
		starts, err := m.starts(d, set, &m.doubts)
		if err != nil {
			return err
		}
		sets, begins = append(sets, set), append(begins, starts)
	}
	m.sets, m.begins, m.loaded = sets, begins, true
	return nil
}

// spec says what the columns of a data block mean, in the order of the
// model's layout.
func (m *Model) spec(d *check.Data) *data.Spec {
	lay := &m.prog.Model.Layout
	s := &data.Spec{Time: data.Column{Name: d.Time.Name, Factor: d.Time.Factor}, Observes: make([]data.Column, lay.NObs), Inputs: make([]data.Column, lay.NU)}
	for _, k := range d.Trajectory {
		s.Keys = append(s.Keys, k.Name)
	}
	offset := func(slots []lower.Slot, o check.Object) int {
		for _, x := range slots {
			if x.Object == o {
				return x.Off
			}
		}
		return -1
	}
	nc := 0
	covAt := map[check.Object]int{}
	for _, t := range lay.Trajectory {
		if t.Kind == lower.FromCovariate {
			covAt[t.Object] = nc
			nc += t.N
		}
	}
	covs := make([]data.Column, nc)
	for _, c := range d.Columns {
		col := data.Column{Name: c.Column.Name, Factor: c.Column.Factor}
		switch o := c.Target.(type) {
		case *check.Observe:
			s.Observes[offset(lay.Observes, o)+c.Component] = col
		case *check.Input:
			s.Inputs[offset(lay.Inputs, o)+c.Component] = col
		case *check.Covariate:
			covs[covAt[o]+c.Component] = col
		}
	}
	s.Covariates = covs
	for _, r := range d.Rows {
		e := data.EventSpec{}
		for _, a := range r.Args {
			e.Args = append(e.Args, data.Column{Name: a.Name, Factor: a.Factor})
		}
		e.Where = rowCondition(r.Where)
		s.Events = append(s.Events, e)
	}
	if d.From.Kind == check.StartColumn {
		s.Start = data.Column{Name: d.From.Column.Name, Factor: d.From.Column.Factor}
	}
	s.Train, s.Validate = rowCondition(d.Train), rowCondition(d.Validate)
	return s
}

// items binds the trajectories of a split; several sets follow each other.
func (m *Model) items(split data.Split) ([]*item, error) {
	if err := m.loadData(); err != nil {
		return nil, err
	}
	var out []*item
	for i, set := range m.sets {
		d := m.prog.Checked.Data[i]
		for k, tr := range set.Trajectories {
			if tr.Split != split {
				continue
			}
			it, err := m.bindItem(d, set, tr.Since(m.begins[i][k]), m.begins[i][k])
			if err != nil {
				return nil, err
			}
			out = append(out, it)
		}
	}
	return out, nil
}

// bindItem turns a trajectory of data into a run from a start.
func (m *Model) bindItem(d *check.Data, set *data.Set, tr *data.Trajectory, start float64) (*item, error) {
	lay := &m.prog.Model.Layout
	it := &item{name: tr.Name(set.Keys), traj: tr, set: set, q: make([]float64, lay.NQ)}
	fail := func(format string, args ...any) error {
		at := set.File
		if it.name != "" {
			at += ": trajectory " + it.name
		}
		return &data.Error{File: at, Text: fmt.Sprintf(format, args...)}
	}
	nc := 0
	for _, s := range lay.Trajectory {
		for k := range s.N {
			v, ok := math.NaN(), false
			name := s.Object.Info().Name
			switch s.Kind {
			case lower.FromCovariate:
				v = tr.Covariates[nc]
				ok = !math.IsNaN(v)
				nc++
				if !ok {
					return nil, fail("covariate `%s` has no column in the data block", name)
				}
			case lower.FromFirst:
				if v, _, ok = tr.First(m.observeOffset(s.Object) + k); !ok {
					return nil, fail("`first(%s)`: no value of it was measured", name)
				}
			case lower.FromSlope:
				if v, ok = tr.Slope(m.observeOffset(s.Object) + k); !ok {
					return nil, fail("`slope(%s)` needs at least two values at different times", name)
				}
			}
			it.q[s.Off+k] = v
		}
	}
	for _, s := range lay.Inputs {
		in := s.Object.(*check.Input)
		for k := range s.N {
			p, err := data.NewInterpolant(tr.Inputs[s.Off+k], in.Interp)
			if err != nil {
				return nil, fail("input `%s`: %s", in.Name, err)
			}
			it.signals = append(it.signals, p)
		}
	}
	m.lateInputs(set, tr, start)
	it.span = sim.Span{T0: start, T1: tr.T1}
	it.measure(m, tr)
	it.schedule(m, d, tr)
	for _, s := range it.signals {
		it.span.Stops = append(it.span.Stops, s.Knots()...)
	}
	sort.Float64s(it.span.Stops)
	it.span.Stops = slices.Compact(it.span.Stops)
	return it, nil
}

func (m *Model) observeOffset(o check.Object) int {
	for _, s := range m.prog.Model.Layout.Observes {
		if s.Object == o {
			return s.Off
		}
	}
	return -1
}

// measure reads the rows of data with a measured value. A
// missing value stands for another one of its observation, so that what a model
// makes of it is a number; nothing of it counts.
func (it *item) measure(m *Model, tr *data.Trajectory) {
	lay := &m.prog.Model.Layout
	counts := make([]bool, lay.NObs)
	some := make([]float64, lay.NObs)
	for _, s := range lay.Observes {
		for k := range s.N {
			counts[s.Off+k] = s.Object.(*check.Observe).Weight > 0
			if v, _, ok := tr.First(s.Off + k); ok {
				some[s.Off+k] = v
			}
		}
	}
	for i, t := range tr.Times {
		r := row{datum: slices.Clone(some), seen: make([]float64, lay.NObs), u: make([]float64, lay.NU)}
		for k, v := range tr.Obs[i] {
			if math.IsNaN(v) {
				continue
			}
			r.datum[k], r.seen[k] = v, 1
			r.values++
			if counts[k] {
				r.counted++
			}
		}
		for k := range r.u {
			if r.u[k] = tr.Given[i][k]; math.IsNaN(r.u[k]) {
				r.u[k], _ = it.signals[k].Before(t)
			}
		}
		it.rows = append(it.rows, r)
	}
}

// schedule lays out saves and firings: rows at one time share a save unless a
// firing stands between them. A row fires what it fires before it is read.
func (it *item) schedule(m *Model, d *check.Data, tr *data.Trajectory) {
	index := map[*check.Event]int{}
	for i, e := range m.prog.Model.Events {
		index[e.Checked] = i
	}
	for _, r := range d.Rows {
		if r.Event.Kind == dsl.TriggerRate {
			it.rated = append(it.rated, index[r.Event])
		}
	}
	s := &it.span
	next := 0 // firing of the table
	for i, t := range append(slices.Clone(tr.Times), math.Inf(1)) {
		n := len(s.Firings)
		fire := func(f sim.Firing) {
			f.Behind = len(s.Saves)
			s.Firings = append(s.Firings, f)
		}
		for ; next < len(tr.Firings) && tr.Firings[next].Above <= i; next++ {
			f := tr.Firings[next]
			fire(sim.Firing{T: f.T, Event: index[d.Rows[f.Event].Event], Args: f.Args})
		}
		if i == len(it.rows) {
			break
		}
		r := &it.rows[i]
		for e, ev := range m.prog.Model.Events {
			if m.fires(ev.Checked, r) {
				fire(sim.Firing{T: t, Event: e, Args: r.arguments()})
			}
		}
		last := len(s.Saves) - 1
		if fired := len(s.Firings) > n && s.Firings[len(s.Firings)-1].T == t; last < 0 || s.Saves[last] < t || fired {
			s.Saves = append(s.Saves, t)
		}
		r.save = len(s.Saves) - 1
		it.values += r.values
	}
	it.values += it.told(s)
}

// fires reports whether a row fires an event on observations.
func (m *Model) fires(ev *check.Event, r *row) bool {
	if ev.Kind != dsl.TriggerOnObservation {
		return false
	}
	for _, o := range ev.Of {
		off := m.observeOffset(o)
		for k := range o.Shape.Size() {
			if r.seen[off+k] != 0 {
				return true
			}
		}
	}
	return false
}

// arguments are what an event on observations reads: the measured values, 0
// where there is none, and which of them there are.
func (r *row) arguments() []float64 {
	args := make([]float64, 0, 2*len(r.seen))
	for k, v := range r.datum {
		args = append(args, v*r.seen[k])
	}
	return append(args, r.seen...)
}

// output is the span with other saves than rows of data, which read the values
// behind all firings at their time.
func output(s sim.Span, saves []float64) sim.Span {
	s.Saves, s.Firings = saves, slices.Clone(s.Firings)
	for i := range s.Firings {
		s.Firings[i].Behind = sort.SearchFloat64s(saves, s.Firings[i].T)
	}
	return s
}

// doubt notes once what is doubtful in the data or a run over them.
func (m *Model) doubt(code string, at diag.Span, format string, args ...any) {
	m.reading.Lock()
	defer m.reading.Unlock()
	var l diag.List
	d := l.Warnf(code, at, format, args...)
	if !slices.ContainsFunc(m.doubts.All, func(x *diag.Diagnostic) bool { return x.Error() == d.Error() }) {
		m.doubts.All = append(m.doubts.All, d)
	}
}

// lateInputs warns of inputs that are not known where a trajectory starts: their
// first value is taken for what was before it.
func (m *Model) lateInputs(set *data.Set, tr *data.Trajectory, start float64) {
	for _, s := range m.prog.Model.Layout.Inputs {
		in := s.Object.(*check.Input)
		for k := range s.N {
			if t := tr.Inputs[s.Off+k].T; len(t) > 0 && t[0] > start {
				m.doubt("input-late", in.Span, "input `%s` is known from %g on, and the trajectory%s starts at %g: its first value counts before, too",
					in.Name, t[0], named(tr.Name(set.Keys)), start)
				return
			}
		}
	}
}

// horizon is the item's run cut off after a fraction of its span, and the rows
// that lie in it.
func (it *item) horizon(f float64) (sim.Span, int) {
	s := it.span
	if f >= 1 {
		return s, len(it.rows)
	}
	s.T1 = s.T0 + f*(s.T1-s.T0)
	n := sort.Search(len(s.Saves), func(i int) bool { return s.Saves[i] > s.T1 })
	s.Saves = s.Saves[:n]
	k := sort.Search(len(s.Firings), func(i int) bool { return s.Firings[i].T > s.T1 })
	s.Firings = s.Firings[:k]
	rows := sort.Search(len(it.rows), func(i int) bool { return it.rows[i].save >= n })
	return s, rows
}
