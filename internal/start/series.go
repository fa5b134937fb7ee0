package start

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/lower"
)

// Series are the trajectories of one row each in the order of the one covariate that
// tells them apart, as a curve goes through them; nil where data are not so.
func (d *curves) Series() []int {
	if len(d.Trajectories) < leastSeries {
		return nil
	}
	at := d.covariate()
	if at < 0 {
		return nil
	}
	list := make([]int, len(d.Trajectories))
	for i := range list {
		list[i] = i
	}
	slices.SortStableFunc(list, func(a, b int) int {
		switch x, y := d.Trajectories[a].Given[at], d.Trajectories[b].Given[at]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return list
}

// leastSeries is the least number of rows that a curve is drawn through.
const leastSeries = 8

// covariate is the place of the only covariate that differs between trajectories, which
// have one row each at their start and nothing else of their own; −1: there is none.
func (d *curves) covariate() int {
	lay := &d.prog.Model.Layout
	if len(lay.Inputs) > 0 {
		return -1
	}
	for _, it := range d.Trajectories {
		if len(it.Rows) > 1 || len(it.Span.Saves) > 0 && it.Span.Saves[0] != it.Span.T0 {
			return -1
		}
	}
	found := -1
	for _, s := range lay.Trajectory {
		for k := range s.N {
			differs := slices.ContainsFunc(d.runs, func(r *smoothed) bool { return r.Given[s.Off+k] != d.runs[0].Given[s.Off+k] })
			switch {
			case !differs:
			case s.Kind != lower.FromCovariate || found >= 0:
				return -1
			default:
				found = s.Off + k
			}
		}
	}
	return found
}

// along draws the curve of element k of observations through a series; nil: none.
func (d *curves) along(series []int, at, k int) *Curve {
	w := d.ways[k]
	known := !math.IsNaN(w.sigma)
	weight := 1.
	if known {
		weight = 1 / (w.sigma * w.sigma)
	}
	var p Points
	for _, i := range series {
		it := d.Trajectories[i]
		for _, r := range it.Rows {
			if r.Seen()[k] != 0 && w.scale.has(r.Data()[k]) {
				p.T, p.Y, p.W = append(p.T, it.Given[at]), append(p.Y, w.scale.to(r.Data()[k])), append(p.W, weight)
			}
		}
	}
	return Smooth([]Points{p}, []float64{math.Inf(-1)}, known)
}

// drawn are the curves of element k of observations.
func (d *curves) drawn(k int) (list []*Curve) {
	if series := d.Series(); series != nil {
		if c := d.along(series, d.covariate(), k); c != nil {
			list = append(list, c)
		}
		return list
	}
	for _, run := range d.runs {
		if c := run.curves()[k]; c != nil {
			list = append(list, c)
		}
	}
	return list
}
