package start

import (
	"math"
	"slices"
	"sort"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/problem"
)

// Break is a place between two rows of a trajectory where the data show that an event with
// a condition has fired: an observation that it moves has jumped there.
type Break struct {
	Of       int     // trajectory
	From, To float64 // times of the rows between which it lies
	Element  int     // of observations, that shows it
	Up       bool    // it has jumped up
	size     float64 // in units of what is usual
}

const (
	breakSize   = 4.  // how many times what is usual a step between values is off that counts as a jump
	breakAround = 2   // values on each side that tell what is usual
	doubtful    = 2.5 // and so many where it is half as large as others in its direction
	leastBreaks = 6   // values that it takes
	noiseOfStep = 1.7 // of what a step is off by, beside that of a value
)

// firesAlone reports whether an event has a condition, and nothing that makes its firings depend
// on more than the state: a delay, a rate.
func firesAlone(d *curves, event int) bool {
	ev := d.prog.Model.Events[event].Checked
	return ev != nil && ev.Kind == dsl.TriggerWhen && ev.After == nil && !ev.Terminate
}

// breaks are those of a trajectory, in order, of whatever event.
func breaks(d *curves, of int) (list []Break) {
	for k := range d.ways {
		for e := range d.prog.Model.Events {
			if firesAlone(d, e) && d.jumps(e, k) {
				list = append(list, breaksOf(d, of, k)...)
				break
			}
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].From < list[j].From })
	// Of one place the observation that shows it best.
	var out []Break
	for _, b := range list {
		if n := len(out); n > 0 && out[n-1].To > b.From {
			if b.size > out[n-1].size {
				out[n-1] = b
			}
			continue
		}
		out = append(out, b)
	}
	return out
}

// breaksOf are those that element k of observations shows: where the difference of two values in a row
// is far from those about it, beside how far others are.
func breaksOf(d *curves, of, k int) (list []Break) {
	at, values := valuesOf(d, d.Trajectories[of], k)
	n := len(values) - 1
	if n < leastBreaks {
		return nil
	}
	off, size := make([]float64, n), make([]float64, n)
	for i := range off {
		var around []float64
		for j := max(0, i-breakAround); j <= min(n-1, i+breakAround); j++ {
			if j != i {
				around = append(around, (values[j+1]-values[j])/(at[j+1]-at[j]))
			}
		}
		off[i] = values[i+1] - values[i] - median(around)*(at[i+1]-at[i])
		size[i] = math.Abs(off[i])
	}
	usual := 1.5 * median(size)
	if sigma := d.ways[k].sigma; sigma > 0 { // not where it is unknown
		usual = math.Max(usual, noiseOfStep*sigma)
	}
	peak := func(i int) bool {
		return (i == 0 || size[i] >= size[i-1]) && (i == n-1 || size[i] > size[i+1])
	}
	var clear [2][]float64 // sizes of those beyond doubt, down and up
	for i, v := range size {
		if up := sign(off[i]); v > breakSize*usual && peak(i) {
			clear[up] = append(clear[up], v)
		}
	}
	for i, v := range size {
		alike := clear[sign(off[i])]
		if len(alike) > 0 && v > math.Min(breakSize*usual, math.Max(doubtful*usual, median(alike)/2)) && peak(i) {
			list = append(list, Break{Of: of, From: at[i], To: at[i+1], Element: k, Up: off[i] > 0, size: v / usual})
		}
	}
	if len(list) > n/3 {
		return nil // no jumps, but all of it
	}
	return list
}

// besideBreaks is the deviation of values about the lines between their neighbours, where these are on one
// side of all breaks, of an element that events move; NaN where there are none. Smooth curves take jumps
// for noise.
//
// T. Gasser, L. Sroka, C. Jennen-Steinmetz, Biometrika 73, 625–633, 1986.
func besideBreaks(d *curves, k int) float64 {
	squares, n, broken := 0., 0., false
	for of, it := range d.Trajectories {
		list := breaks(d, of)
		broken = broken || slices.ContainsFunc(list, func(b Break) bool { return b.Element == k })
		at, v := valuesOf(d, it, k)
		for i := 1; i+1 < len(v); i++ {
			if slices.ContainsFunc(list, func(b Break) bool { return b.From < at[i+1] && b.To > at[i-1] }) {
				continue
			}
			left := (at[i+1] - at[i]) / (at[i+1] - at[i-1])
			e := left*v[i-1] + (1-left)*v[i+1] - v[i]
			squares, n = squares+e*e/(left*left+(1-left)*(1-left)+1), n+1
		}
	}
	if !broken || n == 0 {
		return math.NaN()
	}
	return math.Sqrt(squares / n)
}

func sign(v float64) int {
	if v > 0 {
		return 1
	}
	return 0
}

// valuesOf are the measured values of element k of observations at different times, on its
// scale.
func valuesOf(d *curves, it *problem.Trajectory, k int) (at, values []float64) {
	for i := range it.Rows {
		r := it.Rows[i]
		t := it.Span.Saves[r.Save()]
		if r.Seen()[k] == 0 || !d.ways[k].scale.has(r.Data()[k]) || len(at) > 0 && t <= at[len(at)-1] {
			continue
		}
		at, values = append(at, t), append(values, d.ways[k].scale.to(r.Data()[k]))
	}
	return at, values
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	sort.Float64s(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
