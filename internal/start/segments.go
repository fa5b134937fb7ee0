package start

import (
	"errors"
	"slices"
	"sort"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Cut says how trajectories are cut into segments.
type Cut struct {
	// Rows is how many different times of rows a segment has, its beginning
	// included: 2 or more. The last segment may have fewer.
	Rows int

	// Smoothed: the rows of segments have the smooth values of the observations that
	// have curves, in the place of measured ones and of those missing between them.
	Smoothed bool

	// Open are the states that no curve tells, at the times of rows; nil: there are
	// none, or they begin at 0.
	Open *States
}

// Segment is a short trajectory, with alternatives that differ in the modes of discrete
// variables at its beginning.
type Segment struct {
	Of           int // trajectory
	Alternatives []*problem.Trajectory
}

// mostAlternatives is how many combinations of modes a segment may have.
const mostAlternatives = 16

// CannotCut says why there can be no segments, or returns nil.
func (d *Data) CannotCut() error {
	combinations := 1
	for i, n := range d.Segments.Modes {
		if !d.Segments.ModeMatters[i] {
			continue
		}
		if n == 0 {
			return errors.New("a discrete variable does not have a few values that could be tried")
		}
		if combinations *= n; combinations > mostAlternatives {
			return errors.New("discrete variables have too many values together")
		}
	}
	for _, e := range d.prog.Model.Events {
		switch {
		case e.Checked.Kind == dsl.TriggerRate:
			return errors.New("when an event with a rate fires depends on the past")
		case e.Checked.After != nil:
			return errors.New("a delayed event may be on its way where a segment begins")
		}
	}
	return nil
}

// Cut cuts the trajectories into segments that follow each other. The first of
// each begins as the model says, the others on the curves; those whose beginning
// lies where something was not measured are left out.
func (d *Data) Cut(x []float64, cut Cut) []Segment {
	d.bind(x)
	var list []Segment
	for i, run := range d.runs {
		times := rowTimes(run.Trajectory)
		for from := -1; from < len(times)-1; {
			to := min(max(from, 0)+max(cut.Rows, 2)-1, len(times)-1)
			if s := d.segment(i, times, from, to, cut); s != nil {
				list = append(list, Segment{i, s})
			}
			from = to
		}
	}
	return list
}

// Chosen are the alternatives of segments that are chosen; nil: the first ones.
func Chosen(list []Segment, choice []int) []*problem.Trajectory {
	out := make([]*problem.Trajectory, len(list))
	for i, s := range list {
		k := 0
		if choice != nil {
			k = choice[i]
		}
		out[i] = s.Alternatives[k]
	}
	return out
}

// segment is a segment between two times of rows, from −1 for the start of the
// trajectory, with its alternatives; nil where it cannot begin.
func (d *Data) segment(of int, times []float64, from, to int, cut Cut) []*problem.Trajectory {
	run := d.runs[of]
	base := run.part(times, from, to)
	if cut.Smoothed {
		d.smoothRows(run, base)
	}
	if from < 0 {
		return []*problem.Trajectory{base}
	}
	t := times[from]
	data, rest := make([]float64, len(d.ways)), make([]float64, d.system.Size.Y)
	if cut.Open != nil {
		copy(rest, cut.Open.at[of][from])
	}
	d.values(run, t, run.beginsBefore(t), data, make([]float64, len(d.ways)))
	d.derive(run, t, rest)
	told := d.segmentStates(run, t, data, rest)
	for i := range d.Segments.Source {
		if open := !d.known(run, i); open && cut.Open == nil {
			continue
		} else if !open && !d.covered(run, i, t) || !engine.Number(told[i]) {
			return nil
		}
	}
	var list []*problem.Trajectory
	for _, modes := range d.modes() {
		it := *base
		it.Beginning = &problem.Beginning{Data: data, Y: rest, D: modes}
		list = append(list, &it)
	}
	return list
}

// partAt is a segment that begins at a node.
func (d *Data) partAt(run *smoothed, times []float64, from, to int, node *problem.Node) *problem.Trajectory {
	it := run.part(times, from, to)
	it.Beginning = &problem.Beginning{D: make([]float64, len(d.Segments.Modes)), Node: node}
	return it
}

// part is the trajectory from a time of its rows to another. What acts at its
// beginning, a dose, acts in it; the rows above that in the table are of the part before.
func (run *smoothed) part(times []float64, from, to int) *problem.Trajectory {
	it := *run.Trajectory
	s := run.Span
	first, fire := 0, 0
	if from >= 0 {
		s.T0 = times[from]
		s.Since = s.T0 - run.Span.T0
		first, fire = run.behind(s.T0)
	}
	last, ceased := len(s.Saves), len(s.Firings)
	s.T1 = times[to]
	if to < len(times)-1 {
		last, ceased = run.behind(s.T1)
	} else {
		s.T1 = run.Span.T1
	}
	s.Saves, s.Firings = s.Saves[first:last], slices.Clone(s.Firings[fire:ceased])
	for i := range s.Firings {
		s.Firings[i].Behind = min(max(s.Firings[i].Behind-first, 0), len(s.Saves))
	}
	s.Stops = within(s.Stops, s.T0, s.T1)
	it.Span, it.Rows, it.Values = s, nil, 0
	for i := range run.Rows {
		if r := run.Rows[i]; r.Save() >= first && r.Save() < last {
			r.Move(-first)
			it.Rows = append(it.Rows, r)
			it.Values += r.Values()
		}
	}
	return &it
}

// behind are the first save and the first firing of a part that begins at a time:
// what fires then fires in it.
func (run *smoothed) behind(t float64) (save, firing int) {
	s := &run.Span
	firing = sort.Search(len(s.Firings), func(i int) bool { return s.Firings[i].T >= t })
	if firing < len(s.Firings) && s.Firings[firing].T == t {
		return s.Firings[firing].Behind, firing
	}
	return sort.Search(len(s.Saves), func(i int) bool { return s.Saves[i] > t }), firing
}

// beginsBefore reports whether a part that begins at a time begins before what the data
// fire then.
func (run *smoothed) beginsBefore(t float64) bool {
	return slices.ContainsFunc(run.Span.Firings, func(f sim.Firing) bool { return f.T == t })
}

func within(stops []float64, t0, t1 float64) []float64 {
	i := sort.Search(len(stops), func(i int) bool { return stops[i] > t0 })
	k := sort.SearchFloat64s(stops, t1)
	return stops[i:max(i, k)]
}

// smoothRows puts smooth values into the rows of a part: of what was measured, and of what
// is missing between measured values.
func (d *Data) smoothRows(run *smoothed, it *problem.Trajectory) {
	v, rate := make([]float64, len(d.ways)), make([]float64, len(d.ways))
	it.Values = 0
	it.Rows = problem.Apart(it.Rows)
	problem.Forget(it.Rows)
	for i := range it.Rows {
		r := it.Rows[i]
		t := it.Span.Saves[r.Save()]
		before := slices.ContainsFunc(it.Span.Firings, func(f sim.Firing) bool { return f.T == t && f.Behind > r.Save() })
		d.values(run, t, before, v, rate)
		data, seen, values, counted := r.Data(), r.Seen(), 0, 0
		for k := range v {
			if engine.Number(v[k]) && (seen[k] != 0 || run.curves()[k].covers(t)) {
				data[k], seen[k] = v[k], 1
			}
			if seen[k] != 0 {
				values++
				if d.ways[k].observe.Weight > 0 {
					counted++
				}
			}
		}
		r.Recount(values, counted)
		it.Values += values
	}
}

// covers reports whether a curve lies between measured values at a time.
func (c *Curve) covers(t float64) bool { return c.Values > 2 && t >= c.First && t <= c.Last }

// covered reports whether the curves that tell state i do.
func (d *Data) covered(run *smoothed, i int, t float64) bool {
	by := d.Segments.By[i]
	if c := run.curves(); d.Segments.Source[i] == observedState {
		return c[by] != nil && t >= c[by].First && t <= c[by].Last
	}
	return d.covered(run, by, t)
}

// modes are the combinations of modes of discrete variables, the first those of the
// start.
func (d *Data) modes() [][]float64 {
	list := [][]float64{make([]float64, len(d.Segments.Modes))}
	for i, n := range d.Segments.Modes {
		if !d.Segments.ModeMatters[i] {
			continue
		}
		for _, m := range slices.Clone(list) {
			for k := 1; k < n; k++ {
				m = slices.Clone(m)
				m[i] = float64(k)
				list = append(list, m)
			}
		}
	}
	return list
}
