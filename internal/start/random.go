package start

import (
	"math"
	"sort"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
)

// How far random starts go: coordinates of parameters by up to so many times reach to both sides,
// results of blocks that equations use by up to a factor e to the power of netReach.
const (
	reach    = 1.5
	netReach = 2
)

// Draw moves x to a random start: parameters by uniform steps in their coordinates, so many times as far as usual,
// logarithms or the like, and blocks with weights of their own draw, times a factor
// where equations use them.
func (d *Data) Draw(x []float64, seed uint64, draw int, far float64) {
	rng := fit.Stream(seed, "random start", draw)
	for i := range d.space.Params {
		x[i] += far * reach * (2*rng.Float64() - 1)
	}
	d.Redraw(x, seed, draw)
	for _, n := range d.networks() {
		by := make([]float64, n.Net.Out)
		f := math.Exp(netReach * (2*rng.Float64() - 1))
		for e := range by {
			by[e] = f
		}
		if d.Segments.Moves[n.index] {
			n.multiplyResult(x, by)
		}
	}
}

// Threshold is a parameter that guards compare something with.
type Threshold struct {
	Param int // index into the parameters of the space
	Guard int
	slope float64   // of the guard by the parameter
	value float64   // of the parameter, at which the guards are
	at    []float64 // the guard at the rows of the data, in order of size
}

// Thresholds are the parameters on which a guard depends linearly, each with the first
// such guard: where what they are compared with does not reach them, no gradient tells of them.
func (d *Data) Thresholds(x []float64) (list []Threshold) {
	guards := len(d.prog.Model.Guards)
	if guards == 0 {
		return nil
	}
	base := d.guardsAlong(x)
	for i, p := range d.space.Params {
		if p.Slot.PerKey {
			continue
		}
		y := append([]float64{}, x...)
		t := &d.space.Transforms[i]
		y[i] += 0.1
		first := t.Forward(y[i]) - t.Forward(x[i])
		one := d.guardsAlong(y)
		y[i] += 0.1
		second := t.Forward(y[i]) - t.Forward(x[i])
		two := d.guardsAlong(y)
		for g := range guards {
			if th, ok := threshold(base[g], one[g], two[g], first, second); ok {
				th.Param, th.Guard, th.value = i, g, t.Forward(x[i])
				list = append(list, th)
				break
			}
		}
	}
	return list
}

// threshold reads the slope of a guard by a parameter off its values at three values of
// it; it has to be the same everywhere.
func threshold(at0, at1, at2 []float64, first, second float64) (Threshold, bool) {
	var th Threshold
	for r := range at0 {
		a, b := (at1[r]-at0[r])/first, (at2[r]-at0[r])/second
		switch {
		case !engine.Number(at0[r]) || !engine.Number(a) || !engine.Number(b):
			continue
		case len(th.at) == 0:
			th.slope = a
		}
		size := 1e-6 * math.Max(math.Abs(a), math.Abs(th.slope))
		if a == 0 || math.Abs(a-b) > size || math.Abs(a-th.slope) > size {
			return th, false
		}
		th.at = append(th.at, at0[r])
	}
	sort.Float64s(th.at)
	return th, len(th.at) > 1 && th.at[0] < th.at[len(th.at)-1]
}

// guardsAlong are the guards of the model at all rows, at the parameters in x.
func (d *Data) guardsAlong(x []float64) [][]float64 {
	d.bind(x)
	out := make([][]float64, len(d.prog.Model.Guards))
	n := d.system.Size.Guards
	g, rate := make([]float64, n), make([]float64, n)
	for _, run := range d.runs {
		d.at(run.Trajectory)
		_, dd := d.begin(run.Span.T0)
		for _, t := range rowTimes(run.Trajectory) {
			y, _ := d.states(run, t)
			d.system.Guards(t, y, dd, make([]bool, len(y)), g, rate, nil)
			for i := range out {
				out[i] = append(out[i], g[i])
			}
		}
	}
	return out
}

// DrawThresholds moves thresholds in x to where data pass them: uniform between the 5 %
// and 95 % quantiles of what they are compared with, those of the same thing in the
// order that they have. Other parameters move by uniform steps of up to reach times wander.
func (d *Data) DrawThresholds(x []float64, thresholds []Threshold, wander float64, seed uint64, draw int) {
	rng := fit.Stream(seed, "thresholds", draw)
	taken := map[int]bool{}
	for _, th := range thresholds {
		taken[th.Param] = true
	}
	for i := range d.space.Params {
		if step := wander * reach * (2*rng.Float64() - 1); !taken[i] {
			x[i] += step
		}
	}
	for _, group := range together(thresholds) {
		places := make([]float64, len(group))
		for k := range places {
			places[k] = 0.05 + 0.9*rng.Float64()
		}
		sort.Float64s(places)
		for k, th := range group {
			d.moveThreshold(x, th, places[k])
		}
	}
}

// moveThreshold moves a threshold to a quantile of what it is compared with: the data
// for which the guard would be zero there.
func (d *Data) moveThreshold(x []float64, th Threshold, place float64) {
	if th.slope > 0 { // the guard falls with what is compared
		place = 1 - place
	}
	v := th.value - quantile(th.at, place)/th.slope
	if t := &d.space.Transforms[th.Param]; t.Interval().Contains(v) {
		if u, _, err := t.Start(v); err == nil {
			x[th.Param] = u
		}
	}
}

// together groups thresholds of the same thing, each group in ascending order: the
// values at which their guards would be zero lie at the same rows, but for a shift and sign.
func together(list []Threshold) (groups [][]Threshold) {
	for _, th := range list {
		found := false
		for i, g := range groups {
			if sameSpan(g[0], th) {
				groups[i], found = append(g, th), true
				break
			}
		}
		if !found {
			groups = append(groups, []Threshold{th})
		}
	}
	for _, g := range groups {
		sort.SliceStable(g, func(i, j int) bool { return g[i].value < g[j].value })
	}
	return groups
}

// sameSpan reports whether what two thresholds are compared with has the same least and
// largest value.
func sameSpan(a, b Threshold) bool {
	ends := func(t Threshold) (lo, hi float64) {
		lo, hi = t.value-t.at[0]/t.slope, t.value-t.at[len(t.at)-1]/t.slope
		return math.Min(lo, hi), math.Max(lo, hi)
	}
	alo, ahi := ends(a)
	blo, bhi := ends(b)
	within := 1e-6 * (ahi - alo)
	return math.Abs(alo-blo) < within && math.Abs(ahi-bhi) < within
}
