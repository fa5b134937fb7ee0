package problem

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/sim"
)

// Trajectory is one trajectory bound to the model: what its run needs.
type Trajectory struct {
	Name         string
	Data         *data.Trajectory // nil for a run without data
	Set          *data.Set
	Given        []float64 // covariates, first and slope values; parameters per key are filled in
	Keys         []int     // for each parameter per key: which of its values
	Signals      []*data.Interpolant
	Span         sim.Span
	Rows         []Row
	Told         []Row // rows that are known when predicting, which Predict has left out
	Values       int   // measured values, told firings included
	PointProcess []int // events with a rate whose firings the data tell

	owner  uint64   // whose the draws of its rows are
	owners []uint64 // and of each draw of its own

	Beginning *Beginning // of a segment of a trajectory; nil: it begins as the model says
	Joint     *Joint     // where a segment should end; nil: nobody asks

	Encoded *Trajectory // what its encoder runs over; nil: see TurnedBack
}

// Beginning is how a segment begins: see compiler.SegmentsOf.
type Beginning struct {
	Data []float64 // smooth values of observations, which tell some states; nil: they tell none
	Y    []float64 // the states that they do not tell
	D    []float64 // modes of discrete variables
	Node *Node     // where all states are coordinates of the fit; nil: they are not
}

// Node are the states that a segment begins with as coordinates of the fit, from At
// on, in units of Size.
type Node struct {
	At   int
	Size []float64
}

// Joint is where a segment ends and the next begins: the gap between them counts in
// units of Deviation, with a weight beside that of a measured value.
type Joint struct {
	*Node
	Deviation []float64
	Weight    float64
}

// bindItem turns a trajectory of data into a run from a start.
func (m *Problem) bindItem(d *check.Data, set *data.Set, tr *data.Trajectory, start float64) (*Trajectory, error) {
	lay := &m.Prog.Model.Layout
	it := &Trajectory{Name: tr.Name(set.Keys), Data: tr, Set: set, Given: make([]float64, lay.NQ)}
	fail := func(format string, args ...any) error {
		at := set.File
		if it.Name != "" {
			at += ": trajectory " + it.Name
		}
		return &data.Error{File: at, Text: fmt.Sprintf(format, args...)}
	}
	nc := 0
	for _, s := range lay.Trajectory {
		for k := range s.N {
			v, ok := math.NaN(), false
			name := s.Object.Info().Name
			switch s.Kind {
			case lower.FromDraw, lower.FromKnown, lower.FromTurn: // see noise and TurnedBack
				v = 0
			case lower.FromEncoder: // a number like others, until it has run
				v = 1
			case lower.FromCovariate:
				v = tr.Covariates[nc]
				ok = !math.IsNaN(v)
				nc++
				if !ok {
					return nil, fail("covariate `%s` has no column in the data block", name)
				}
			case lower.FromFirst:
				if v, _, ok = tr.First(ObserveOffset(m.Prog, s.Object) + k); !ok {
					return nil, fail("`first(%s)`: no value of it was measured", name)
				}
			case lower.FromSlope:
				if v, ok = tr.Slope(ObserveOffset(m.Prog, s.Object) + k); !ok {
					return nil, fail("`slope(%s)` needs at least two values at different times", name)
				}
			}
			it.Given[s.Off+k] = v
		}
	}
	for _, s := range lay.Inputs {
		in := s.Object.(*check.Input)
		for k := range s.N {
			p, err := data.NewInterpolant(tr.Inputs[s.Off+k], in.Interp)
			if err != nil {
				return nil, fail("input `%s`: %s", in.Name, err)
			}
			it.Signals = append(it.Signals, p)
		}
	}
	m.lateInputs(set, tr, start)
	m.switchedInputs(tr)
	it.Span = sim.Span{T0: start, T1: tr.T1}
	it.measure(m.Prog, tr)
	if err := it.placed(m.Prog, set.File); err != nil {
		return nil, err
	}
	if lay.Due {
		if err := it.due(m.Prog, fail); err != nil {
			return nil, err
		}
	}
	it.schedule(m.Prog, d, tr)
	for _, s := range it.Signals {
		it.Span.Stops = append(it.Span.Stops, s.Knots()...)
	}
	sort.Float64s(it.Span.Stops)
	it.Span.Stops = slices.Compact(it.Span.Stops)
	return it, nil
}

// Predict leaves the rows out that are known when predicting: the others are predicted.
func (it *Trajectory) Predict() {
	it.Rows = slices.DeleteFunc(it.Rows, func(r Row) bool {
		if r.Known() {
			it.Values -= r.Values()
			it.Told = append(it.Told, r)
		}
		return r.Known()
	})
}

// Known is a trajectory that is predicted with the rows alone that are known then; nil: there
// are none.
func (it *Trajectory) Known() *Trajectory {
	if len(it.Told) == 0 {
		return nil
	}
	known := *it
	known.Rows, known.Values = it.Told, 0
	for i := range it.Told {
		known.Values += it.Told[i].Values()
	}
	return &known
}

// measure reads the rows of data. In the place of a missing value it puts another one
// of its observation, so that what a model makes of it is a number; nothing of it
// counts.
func (it *Trajectory) measure(p *compiler.Program, tr *data.Trajectory) {
	lay := &p.Model.Layout
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
	n := len(tr.Times)
	c := &columns{time: tr.Times, data: tr.Obs, lines: tr.Lines, known: tr.Known, whole: slices.Repeat([]float64{1}, lay.NObs)}
	for _, on := range counts {
		if on {
			c.weighty++
		}
	}
	missing := false
	for i := 0; i < n && !missing; i++ {
		missing = slices.ContainsFunc(tr.Obs.At(i), math.IsNaN)
	}
	if missing { // else the data are shared, and only read
		c.fill(tr, counts, some)
	}
	c.inputs = data.Room(n, lay.NU)
	it.Rows = make([]Row, n)
	for i, t := range tr.Times {
		it.Rows[i] = Row{c, int32(i), 0}
		c.inputs.Append(tr.Given.At(i)...)
		for k, v := range c.inputs.At(i) {
			if math.IsNaN(v) {
				c.inputs.At(i)[k], _ = it.Signals[k].Before(t)
			}
		}
	}
}

// fill makes columns of what was measured where some values are missing, in the place of which
// there are others. It counts those of observations with a weight.
func (c *columns) fill(tr *data.Trajectory, counts []bool, instead []float64) {
	n, width := len(tr.Times), len(instead)
	c.data, c.seen = data.Room(n, width), data.Room(n, width)
	c.values, c.counted = make([]int32, n), make([]int32, n)
	seen := make([]float64, width)
	for i := range n {
		c.data.Append(instead...)
		clear(seen)
		for k, v := range tr.Obs.At(i) {
			if math.IsNaN(v) {
				continue
			}
			c.data.At(i)[k], seen[k] = v, 1
			c.values[i]++
			if counts[k] {
				c.counted[i]++
			}
		}
		c.seen.Append(seen...)
	}
}

// schedule lays out saves and firings: rows at one time share a save unless a
// firing comes between them. A row fires what it fires before it is read.
func (it *Trajectory) schedule(p *compiler.Program, d *check.Data, tr *data.Trajectory) {
	index := map[*check.Event]int{}
	for i, e := range p.Model.Events {
		index[e.Checked] = i
	}
	for _, r := range d.Rows {
		if r.Event.Kind == dsl.TriggerRate {
			it.PointProcess = append(it.PointProcess, index[r.Event])
		}
	}
	s := &it.Span
	s.Saves = make([]float64, 0, len(it.Rows))
	next := 0 // firing of the table
	for i := range len(it.Rows) + 1 {
		t := math.Inf(1)
		if i < len(it.Rows) {
			t = it.Rows[i].Time()
		}
		n, joint := len(s.Firings), false
		fire := func(f sim.Firing) {
			f.Behind = len(s.Saves)
			s.Firings = append(s.Firings, f)
		}
		for ; next < len(tr.Firings) && tr.Firings[next].Above <= i; next++ {
			f := tr.Firings[next]
			e := index[d.Rows[f.Event].Event]
			fire(sim.Firing{T: f.T, Event: e, Args: it.withInputs(p, e, f.T, f.Args, f.Given), Joint: f.Joint})
			joint = f.Measured && f.Above == i
		}
		if i == len(it.Rows) {
			break
		}
		r := &it.Rows[i]
		for e, ev := range p.Model.Events {
			if r.fires(p, ev.Checked) {
				fire(sim.Firing{T: t, Event: e, Args: it.withInputs(p, e, t, r.arguments(), tr.Given.At(i)), Joint: joint})
				joint = true
			}
		}
		last := len(s.Saves) - 1
		if fired := len(s.Firings) > n && s.Firings[len(s.Firings)-1].T == t; last < 0 || s.Saves[last] < t || fired {
			s.Saves = append(s.Saves, t)
		}
		r.save = int32(len(s.Saves) - 1)
		it.Values += r.Values()
	}
	if n := len(it.Rows); n > 0 && slices.Equal(s.Saves, it.Rows[0].of.time) { // one list is enough
		s.Saves = it.Rows[0].of.time[:n:n]
	}
	it.Values += it.ObservedFirings(s)
}

// withInputs are the arguments of a firing at time t and, where rows below its own give
// inputs other values at that time, the inputs that it reads behind them: see
// engine.System. Those that are given are of its row or of rows above it.
func (it *Trajectory) withInputs(p *compiler.Program, event int, t float64, args, given []float64) []float64 {
	ev := p.Model.Events[event].Checked
	if ev.Late && ev.After != nil { // it reads what there is when it is carried out
		return args
	}
	differs := false
	inputs := make([]float64, len(given))
	for k, v := range given {
		if inputs[k] = v; math.IsNaN(v) {
			inputs[k], _ = it.Signals[k].Before(t)
		}
		now, _ := it.Signals[k].At(t)
		differs = differs || inputs[k] != now
	}
	if !differs {
		return args
	}
	return append(slices.Clone(args), inputs...)
}

// fires reports whether a row fires an event on observations.
func (r Row) fires(p *compiler.Program, ev *check.Event) bool {
	if ev.Kind != dsl.TriggerOnObservation {
		return false
	}
	seen := r.Seen()
	for _, o := range ev.Of {
		off := ObserveOffset(p, o)
		for k := range o.Shape.Size() {
			if seen[off+k] != 0 {
				return true
			}
		}
	}
	return false
}

// arguments are what an event on observations reads: the measured values, 0
// where there is none, and which of them there are.
func (r Row) arguments() []float64 {
	seen := r.Seen()
	args := make([]float64, 0, 2*len(seen))
	for k, v := range r.Data() {
		args = append(args, v*seen[k])
	}
	return append(args, seen...)
}

// WithSaves is the span with other saves than rows of data, which read the values
// behind all firings at their time.
func WithSaves(s sim.Span, saves []float64) sim.Span {
	s.Saves, s.Firings = saves, slices.Clone(s.Firings)
	for i := range s.Firings {
		s.Firings[i].Behind = sort.SearchFloat64s(saves, s.Firings[i].T)
	}
	return s
}

// lateInputs warns of inputs that are not known where a trajectory starts: their
// first value is taken for what was before it.
func (m *Problem) lateInputs(set *data.Set, tr *data.Trajectory, start float64) {
	for _, s := range m.Prog.Model.Layout.Inputs {
		in := s.Object.(*check.Input)
		for k := range s.N {
			if t := tr.Inputs[s.Off+k].T; len(t) > 0 && t[0] > start {
				m.Doubt("input-late", in.Span, "input `%s` is known from %g on, and the trajectory%s starts at %g: its first value counts before, too",
					in.Name, t[0], named(tr.Name(set.Keys)), start)
				return
			}
		}
	}
}

// switchedInputs warns of inputs that are read along straight lines, since the file does not say
// how, and whose values look like those of something that is switched.
func (m *Problem) switchedInputs(tr *data.Trajectory) {
	for _, s := range m.Prog.Model.Layout.Inputs {
		in := s.Object.(*check.Input)
		for k := range s.N {
			if i := tr.Inputs[s.Off+k].Switched(); i >= 0 && !in.Told && in.Value == nil {
				v := &tr.Inputs[s.Off+k]
				m.Doubt("input-switched", in.Span, "input `%s` keeps its value between jumps, as that from %g to %g between %g and %g, and is read along a straight line there: write `hold` behind its unit if each value counts until the next, or `linear`",
					in.Name, v.V[i], v.V[i+1], v.T[i], v.T[i+1])
				return
			}
		}
	}
}

// Shown is where what is shown of the trajectory begins: behind the doses that lead to a steady
// state.
func (it *Trajectory) Shown() float64 {
	if it.Data != nil && it.Data.Lead > 0 {
		return math.Max(it.Span.T0, it.Data.T0)
	}
	return it.Span.T0
}

// Horizon is the trajectory's run cut off after a fraction of its span, and the rows
// that lie in it.
func (it *Trajectory) Horizon(f float64) (sim.Span, int) {
	s := it.Span
	if f >= 1 {
		return s, len(it.Rows)
	}
	from := it.Shown()
	s.T1 = from + f*(s.T1-from)
	n := sort.Search(len(s.Saves), func(i int) bool { return s.Saves[i] > s.T1 })
	s.Saves = s.Saves[:n]
	k := sort.Search(len(s.Firings), func(i int) bool { return s.Firings[i].T > s.T1 })
	s.Firings = s.Firings[:k]
	rows := sort.Search(len(it.Rows), func(i int) bool { return it.Rows[i].Save() >= n })
	return s, rows
}
