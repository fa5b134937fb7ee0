package start

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// AllObserved reports whether smooth curves tell every state of every trajectory.
func (d *curves) AllObserved() bool {
	for i, s := range d.Segments.Source {
		if s == compiler.Balanced {
			continue
		}
		if s != compiler.Observed {
			return false
		}
		for _, run := range d.runs {
			if run.curves()[d.Segments.By[i]] == nil {
				return false
			}
		}
	}
	return len(d.Segments.Source) > 0
}

// known reports whether curves of a trajectory tell state i.
func (d *curves) known(run *smoothed, i int) bool {
	by := d.Segments.By[i]
	switch d.Segments.Source[i] {
	case compiler.Observed:
		return run.curves()[by] != nil
	case compiler.Derived:
		return d.known(run, by)
	}
	return false
}

// states are those that the curves of a trajectory tell at a time, at the parameters
// that are bound, and their rates; those that are not told are no numbers.
func (d *curves) states(run *smoothed, t float64) (y, rate []float64) {
	rest := make([]float64, d.system.Size.Y)
	rate = d.derive(run, t, rest)
	y = d.observed(run, t, rest)
	for i := range d.Segments.Source {
		if !d.known(run, i) || !engine.Number(y[i]) {
			y[i] = math.NaN()
		}
	}
	return y, rate
}

// derive sets those of the states in rest that the rates of curves tell, and returns
// these rates.
func (d *curves) derive(run *smoothed, t float64, rest []float64) (rate []float64) {
	rate = d.rates(run, t, rest)
	y := d.observed(run, t, rest)
	for j, s := range d.Segments.Source {
		if s == compiler.Derived && d.known(run, j) {
			rest[j] = d.derived(t, y, rate, j)
		}
	}
	return rate
}

// turnings sets the rates of those states that the rates of curves tell: by differences over
// half the distance of rows to both sides, which the ends of a trajectory cut off. Some
// rows tell nonsense, where an event that the data do not name makes such a state jump.
func (d *curves) turnings(run *smoothed, t float64, rate []float64) {
	h := (run.Span.T1 - run.Span.T0) / float64(2*max(len(run.Rows), 1))
	from, to := math.Max(t-h, run.Span.T0), math.Min(t+h, run.Span.T1)
	if !slices.Contains(d.Segments.Source, compiler.Derived) || !(to > from) {
		return
	}
	a, b := make([]float64, len(rate)), make([]float64, len(rate))
	d.derive(run, from, a)
	d.derive(run, to, b)
	for j, s := range d.Segments.Source {
		if s == compiler.Derived && d.known(run, j) {
			rate[j] = (b[j] - a[j]) / (to - from)
		}
	}
}

// observed are the states that observations tell, with rest for the others.
func (d *curves) observed(run *smoothed, t float64, rest []float64) []float64 {
	v, rate := make([]float64, len(d.ways)), make([]float64, len(d.ways))
	d.values(run, t, false, v, rate)
	return d.segmentStates(run, t, v, rest)
}

// rates are the rates of the states that observations tell, by central differences along
// the curves' rates.
func (d *curves) rates(run *smoothed, t float64, rest []float64) []float64 {
	v, rate := make([]float64, len(d.ways)), make([]float64, len(d.ways))
	d.values(run, t, false, v, rate)
	h := 1e-4 * (run.Span.T1 - run.Span.T0) / float64(max(len(run.Rows), 1))
	if h == 0 {
		h = 1
	}
	side := func(h float64) []float64 {
		w := make([]float64, len(v))
		for k := range v {
			w[k] = v[k] + h*rate[k]
		}
		return d.segmentStates(run, t, w, rest)
	}
	out, back := side(h), side(-h)
	for i := range out {
		out[i] = (out[i] - back[i]) / (2 * h)
		if i >= len(d.Segments.Source) || d.Segments.Source[i] != compiler.Observed {
			out[i] = math.NaN()
		}
	}
	return out
}

// derived is the state j for which the rate of the state that tells it is the observed
// one.
func (d *curves) derived(t float64, y, rate []float64, j int) float64 {
	by := d.Segments.By[j]
	with := func(v float64) float64 {
		z := append([]float64{}, y...)
		z[j] = v
		dy := make([]float64, len(y))
		d.system.Segment(t)
		d.system.RHS(t, z, make([]float64, d.system.Size.D), dy)
		d.system.Segment(math.Inf(1)) // see at
		return dy[by]
	}
	at0 := with(0)
	v := (rate[by] - at0) / (with(1) - at0)
	if !engine.Number(v) {
		return 0
	}
	return v
}

// branch sets the modes of switches to the branches that a state is in.
func (p *prober) branch(t float64, y, d []float64) {
	if len(p.model.Model.Switches) == 0 {
		return
	}
	n := p.system.Size.Guards
	g, rate := make([]float64, n), make([]float64, n)
	p.system.Guards(t, y, d, make([]bool, len(y)), g, rate, nil)
	for _, w := range p.model.Model.Switches {
		if d[w.Mode] = 0; !w.Floor && g[w.Guard] > 0 {
			d[w.Mode] = 1
		}
	}
}

// rowTimes are the different times of a trajectory's rows.
func rowTimes(it *problem.Trajectory) (times []float64) {
	for i := range it.Rows {
		t := it.Span.Saves[it.Rows[i].Save()]
		if n := len(times); n == 0 || times[n-1] < t {
			times = append(times, t)
		}
	}
	return times
}

// typical is the root of the mean square of sizes, of which the largest tenth count as the next one:
// a few may be those of jumps.
func typical(list []float64) float64 {
	slices.Sort(list)
	most := list[len(list)-1-len(list)/10]
	var m meanSquare
	for _, v := range list {
		m.add(math.Min(v, most))
	}
	return m.root()
}

// meanSquare adds up squares.
type meanSquare struct{ sum, n float64 }

func (m *meanSquare) add(v float64) {
	if engine.Number(v) {
		m.sum, m.n = m.sum+v*v, m.n+1
	}
}

// root is the root of the mean, 0 of nothing.
func (m meanSquare) root() float64 {
	if m.n == 0 {
		return 0
	}
	return math.Sqrt(m.sum / m.n)
}
