package start

import (
	"slices"
	"sort"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Fired is a firing of an event that the data show, at a time between two rows.
type Fired struct {
	Break
	Event int
	T     float64

	save int // at which a told trajectory has the state before it
}

// Assignments are the ways in which the breaks that the data show may be firings of the events that could make
// them, each in the middle of its rows: breaks of one observation in one direction are of one event. Nil:
// there are no breaks, or more ways than are tried.
func Assignments(d *Data) (ways [][]Fired) {
	var list []Break
	for i := range d.Trajectories {
		list = append(list, breaks(d.curves, i)...)
	}
	type class struct {
		element int
		up      bool
	}
	var classes []class
	for _, b := range list {
		if c := (class{b.Element, b.Up}); !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	choices := [][]int{nil} // the event of each class
	for _, c := range classes {
		var longer [][]int
		for _, chosen := range choices {
			for e := range d.prog.Model.Events {
				if firesAlone(d.curves, e) && d.jumps(e, c.element) {
					longer = append(longer, append(slices.Clone(chosen), e))
				}
			}
		}
		if choices = longer; len(choices) > mostAlternatives {
			return nil
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, chosen := range choices {
		var fired []Fired
		for _, b := range list {
			fired = append(fired, Fired{Break: b, Event: chosen[slices.Index(classes, class{b.Element, b.Up})], T: (b.From + b.To) / 2})
		}
		ways = append(ways, fired)
	}
	return ways
}

// Told are the trajectories where events fire as the list says, each with a save just before, and what
// follows from them. These events do not fire by themselves.
type Told struct {
	*Data
	list []Fired
	told []bool
}

// Tell lets events fire as the list says.
func Tell(d *Data, list []Fired) (*Told, error) {
	told := make([]bool, len(d.prog.Model.Events))
	list = slices.Clone(list)
	for _, f := range list {
		told[f.Event] = true
	}
	prog := d.prog.Told(told)
	var its []*problem.Trajectory
	for i, it := range d.Trajectories {
		its = append(its, withFirings(it, i, list))
	}
	data, err := New(prog, d.space, its)
	if err != nil {
		return nil, err
	}
	return &Told{Data: data, list: list, told: told}, nil
}

// Program is that in which told events do not fire by themselves.
func (t *Told) Program() *engine.Compiled { return t.prog }

// withFirings is a trajectory with those firings of a list that are of it, and notes in the list at
// which save the state before each is.
func withFirings(of *problem.Trajectory, index int, list []Fired) *problem.Trajectory {
	var mine []int
	for i := range list {
		if list[i].Of == index {
			mine = append(mine, i)
		}
	}
	if len(mine) == 0 {
		return of
	}
	sort.SliceStable(mine, func(i, j int) bool { return list[mine[i]].T < list[mine[j]].T })
	it := *of
	s := &it.Span
	before := func(save int) (n int) { // new saves before an old one
		for _, i := range mine {
			if sort.SearchFloat64s(of.Span.Saves, list[i].T) <= save {
				n++
			}
		}
		return n
	}
	s.Saves, s.Firings = slices.Clone(s.Saves), slices.Clone(s.Firings)
	for i := range s.Firings {
		f := &s.Firings[i]
		for _, m := range mine {
			if list[m].T <= f.T {
				f.Behind++
			}
		}
	}
	for n, i := range mine {
		f := &list[i]
		f.save = sort.SearchFloat64s(of.Span.Saves, f.T) + n
		s.Saves = slices.Insert(s.Saves, f.save, f.T)
		s.Firings = append(s.Firings, sim.Firing{T: f.T, Event: f.Event, Behind: f.save + 1})
	}
	sort.SliceStable(s.Firings, func(i, j int) bool { return s.Firings[i].T < s.Firings[j].T })
	it.Rows = slices.Clone(it.Rows)
	for i := range it.Rows {
		it.Rows[i].Move(before(it.Rows[i].Save()))
	}
	return &it
}

// Beside are the trajectories, with events as the model says, without those measured values that lie within so
// many rows of a firing of the list.
func Beside(d *Data, list []Fired, rows int) []*problem.Trajectory {
	var out []*problem.Trajectory
	for i, it := range d.Trajectories {
		times := rowTimes(it)
		hidden := map[float64]bool{}
		for _, f := range list {
			if f.Of == i {
				k := sort.SearchFloat64s(times, f.To)
				for _, t := range times[max(0, k-rows):min(len(times), k+rows)] {
					hidden[t] = true
				}
			}
		}
		part := *it
		part.Rows = problem.Apart(it.Rows)
		for j := range part.Rows {
			if r := part.Rows[j]; hidden[it.Span.Saves[r.Save()]] {
				part.Values -= r.Values()
				clear(r.Seen())
				clear(r.Losses())
				r.Recount(0, 0)
			}
		}
		out = append(out, &part)
	}
	return out
}
