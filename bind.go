package pinode

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
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
	save        int
	datum, seen []float64
	values      int
}

// loadData reads the tables of the data blocks.
func (m *Model) loadData() error {
	m.reading.Lock()
	defer m.reading.Unlock()
	if m.loaded {
		return nil
	}
	var sets []*data.Set
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
		sets = append(sets, set)
	}
	m.sets, m.loaded = sets, true
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
		for _, tr := range set.Trajectories {
			if tr.Split != split {
				continue
			}
			it, err := m.bindItem(m.prog.Checked.Data[i], set, tr)
			if err != nil {
				return nil, err
			}
			out = append(out, it)
		}
	}
	return out, nil
}

// bindItem turns a trajectory of data into a run.
func (m *Model) bindItem(d *check.Data, set *data.Set, tr *data.Trajectory) (*item, error) {
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
	it.span = sim.Span{T0: tr.T0, T1: tr.T1}
	for i, t := range tr.Times {
		if n := len(it.span.Saves); n == 0 || it.span.Saves[n-1] < t {
			it.span.Saves = append(it.span.Saves, t)
		}
		r := row{save: len(it.span.Saves) - 1, datum: make([]float64, lay.NObs), seen: make([]float64, lay.NObs)}
		for k, v := range tr.Obs[i] {
			if !math.IsNaN(v) {
				r.datum[k], r.seen[k] = v, 1
				r.values++
			}
		}
		it.rows = append(it.rows, r)
		it.values += r.values
	}
	it.firings(m, d, tr)
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

// firings schedules the events that data fire: rows of event blocks, and, for
// events on observations, every row with a measured value of theirs.
func (it *item) firings(m *Model, d *check.Data, tr *data.Trajectory) {
	index := map[*check.Event]int{}
	for i, e := range m.prog.Model.Events {
		index[e.Checked] = i
	}
	for _, f := range tr.Firings {
		it.span.Firings = append(it.span.Firings, sim.Firing{T: f.T, Event: index[d.Rows[f.Event].Event], Args: f.Args})
	}
	for _, r := range d.Rows {
		if r.Event.Kind == dsl.TriggerRate {
			it.rated = append(it.rated, index[r.Event])
		}
	}
	it.values += it.told(&it.span)
	for i, e := range m.prog.Model.Events {
		if e.Checked.Kind != dsl.TriggerOnObservation {
			continue
		}
		for _, r := range it.rows {
			hit := false
			for _, o := range e.Checked.Of {
				off := m.observeOffset(o)
				for k := range o.Shape.Size() {
					hit = hit || r.seen[off+k] != 0
				}
			}
			if hit {
				args := append(append([]float64{}, r.datum...), r.seen...)
				it.span.Firings = append(it.span.Firings, sim.Firing{T: it.span.Saves[r.save], Event: i, Args: args})
			}
		}
	}
	sort.SliceStable(it.span.Firings, func(a, b int) bool { return it.span.Firings[a].T < it.span.Firings[b].T })
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

// rowCondition makes a function of a condition over the columns of a row.
func rowCondition(x *check.RowExpr) func(data.Row) (bool, error) {
	if x == nil {
		return nil
	}
	return func(r data.Row) (bool, error) {
		v, err := evalRow(x.Expr, r)
		if err != nil {
			return false, err
		}
		return v.isNumber && v.num != 0 && !math.IsNaN(v.num), nil
	}
}

// cell is a value in a row's condition.
type cell struct {
	text     string
	num      float64
	isNumber bool
}

func truth(b bool) cell {
	if b {
		return cell{num: 1, isNumber: true}
	}
	return cell{isNumber: true}
}

func evalRow(x dsl.Expr, r data.Row) (cell, error) {
	switch x := x.(type) {
	case *dsl.NumberLit:
		return cell{num: x.Value, isNumber: true, text: x.Text}, nil
	case *dsl.StringLit:
		return cell{text: x.Value}, nil
	case *dsl.BoolLit:
		return truth(x.Value), nil
	case *dsl.Paren:
		return evalRow(x.X, r)
	case *dsl.Name:
		text, num, ok, err := r.Cell(x.Name + strings.Repeat("'", x.Primes))
		return cell{text, num, ok}, err
	case *dsl.Unary:
		v, err := evalRow(x.X, r)
		if x.Op == "not" {
			return truth(v.num == 0), err
		}
		v.num = -v.num
		return v, err
	case *dsl.Binary:
		a, err := evalRow(x.X, r)
		if err != nil {
			return a, err
		}
		b, err := evalRow(x.Y, r)
		if err != nil {
			return b, err
		}
		both := a.isNumber && b.isNumber
		switch x.Op {
		case "==":
			return truth(both && a.num == b.num || !both && a.text == b.text), nil
		case "!=":
			return truth(both && a.num != b.num || !both && a.text != b.text), nil
		case "and":
			return truth(a.num != 0 && b.num != 0), nil
		case "or":
			return truth(a.num != 0 || b.num != 0), nil
		}
		if !both {
			return a, &data.Error{File: x.Span().Pos().String(), Text: fmt.Sprintf("`%s` compares a text with a number", dsl.FormatExpr(x))}
		}
		switch x.Op {
		case "<":
			return truth(a.num < b.num), nil
		case "<=":
			return truth(a.num <= b.num), nil
		case ">":
			return truth(a.num > b.num), nil
		case ">=":
			return truth(a.num >= b.num), nil
		case "+":
			a.num += b.num
		case "-":
			a.num -= b.num
		case "*":
			a.num *= b.num
		case "/":
			a.num /= b.num
		}
		return a, nil
	}
	return cell{}, &data.Error{File: x.Span().Pos().String(), Text: fmt.Sprintf("`%s` cannot stand in a condition on rows", dsl.FormatExpr(x))}
}
