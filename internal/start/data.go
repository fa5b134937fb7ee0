package start

import (
	"math"
	"sort"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// Data are trajectories with smooth curves through what was observed, and what follows
// from them.
type Data struct{ *ruler }

// curves are smooth curves through what was observed, and the states that they tell.
type curves struct {
	*prober
	Trajectories []*problem.Trajectory
	Segments     *compiler.Segments

	prog *engine.Compiled
	ways []way       // by element of observations
	runs []*smoothed // by trajectory
}

// way is how an element of observations is smoothed.
type way struct {
	observe *check.Observe
	index   int // of the observation
	scale   *curveScale
	sigma   float64 // declared standard deviation on that scale; NaN: learned, or not constant
}

// smoothed is a trajectory with its curves.
type smoothed struct {
	*problem.Trajectory
	d     *curves
	drawn []*Curve // by element of observations; nil: nothing to smooth
	asked bool     // they were drawn
	cuts  []cut    // where something may jump, in order
}

// curves are those of the trajectory, drawn at the start of the space when they are
// first asked for, by one goroutine.
func (run *smoothed) curves() []*Curve {
	if run.asked {
		return run.drawn
	}
	run.asked = true
	d := run.d
	now := d.bound
	d.bind(d.first)
	run.cuts = d.cuts(run.Trajectory)
	for k := range run.drawn {
		d.smooth(run, k)
	}
	d.bind(now)
	d.at(run.Trajectory)
	return run.drawn
}

// cut is a time at which some observations may jump. Rows from save behind on are
// behind it.
type cut struct {
	t      float64
	behind int
	event  int
}

// New looks at the observations of trajectories. It runs nothing.
func New(c *engine.Compiled, sp *problem.Space, trajectories []*problem.Trajectory) (*Data, error) {
	d := &curves{Trajectories: trajectories, Segments: compiler.SegmentsOf(c.Program), prog: c}
	var err error
	if d.prober, err = newProber(c, sp); err != nil {
		return nil, err
	}
	for i, slot := range c.Model.Layout.Observes {
		o := slot.Object.(*check.Observe)
		for range slot.N {
			d.ways = append(d.ways, d.wayOf(o, i))
		}
	}
	if d.first, err = sp.X0(); err != nil {
		return nil, err
	}
	d.bind(d.first)
	for _, it := range trajectories {
		d.runs = append(d.runs, &smoothed{Trajectory: it, d: d, drawn: make([]*Curve, len(d.ways))})
	}
	return &Data{&ruler{curves: d}}, nil
}

// wayOf is how an observation is smoothed.
func (d *curves) wayOf(o *check.Observe, index int) way {
	w := way{observe: o, index: index, scale: linear, sigma: math.NaN()}
	if o.Dist == nil {
		return w
	}
	args := make([]float64, len(o.Dist.Args))
	for i, a := range o.Dist.Args {
		args[i] = math.NaN()
		if v, ok := check.Evaluate(a, d.fixed); ok && len(v) == 1 && v[0] > 0 {
			args[i] = v[0]
		}
	}
	switch o.Dist.Name {
	case "normal":
		w.sigma = args[0]
	case "lognormal":
		w.scale, w.sigma = logarithm, args[0]
	case "laplace":
		w.sigma = math.Sqrt2 * args[0]
	case "student":
		w.sigma = args[1]
		if nu := args[0]; nu > 2 {
			w.sigma *= math.Sqrt(nu / (nu - 2))
		}
	case "cauchy":
		w.sigma = args[0]
	case "huber": // that of its middle: what lies far out is what it is to forgive
		w.sigma = args[1]
	case "poisson":
		w.scale, w.sigma = root, 0.5
	case "negbinomial":
		w.scale = root
	}
	return w
}

// fixed is the value of a parameter that is not fitted, for check.Evaluate.
func (d *curves) fixed(x *check.Expr) ([]float64, bool) {
	p, ok := x.Object.(*check.Param)
	if x.Kind != check.Ref || !ok || !p.Fixed || len(p.Per) > 0 {
		return nil, false
	}
	for _, slot := range d.prog.Model.Layout.Params {
		if slot.Object == check.Object(p) {
			return d.space.P[slot.Off : slot.Off+slot.N], true
		}
	}
	return nil, false
}

// cuts are the times of a trajectory at which an event of the data or of the clock
// fires, as far as that is known.
func (d *curves) cuts(it *problem.Trajectory) (list []cut) {
	for _, f := range it.Span.Firings {
		list = append(list, cut{f.T, f.Behind, f.Event})
	}
	times := d.times(it)
	for e, ev := range d.prog.Model.Events {
		sc := d.prog.Schedules[e]
		add := func(t float64) {
			list = append(list, cut{t, sort.SearchFloat64s(it.Span.Saves, t), e})
		}
		switch ev.Checked.Kind {
		case dsl.TriggerAt:
			if sc.At >= 0 && times[sc.At] >= it.Span.T0 && times[sc.At] <= it.Span.T1 {
				add(times[sc.At])
			}
		case dsl.TriggerEvery:
			period, from, until := times[sc.Period], it.Span.T0, it.Span.T1
			if sc.From >= 0 {
				from = times[sc.From]
			}
			if sc.Until >= 0 {
				until = math.Min(until, times[sc.Until])
			}
			for n := 0; period > 0 && n < 10*len(it.Rows)+100 && from+float64(n)*period <= until; n++ {
				add(from + float64(n)*period)
			}
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].t < list[j].t })
	return list
}

// jumps reports whether an event moves a state that element k of observations is
// made of.
func (d *curves) jumps(event, k int) bool {
	for _, target := range d.prog.Model.Events[event].Targets {
		for _, i := range d.Segments.Reads[k] {
			if target == i {
				return true
			}
		}
	}
	return false
}

// initialWeight is what a known value at the start weighs beside a measured one.
const initialWeight = 100

// smooth draws the curve of element k of observations: with the variances that are
// declared or, where these depend on the prediction, with those of a first pass.
func (d *curves) smooth(run *smoothed, k int) {
	w := d.ways[k]
	sigma := w.sigma
	known := !math.IsNaN(sigma)
	if !known {
		sigma = 1
	}
	pieces, from := d.points(run, k, func(int) float64 { return sigma })
	if run.drawn[k] = Smooth(pieces, from, known); run.drawn[k] == nil || known || w.observe.Dist == nil {
		return
	}
	if spread := d.spreads(run, k); spread != nil {
		pieces, from = d.points(run, k, func(row int) float64 { return spread[row] })
		run.drawn[k] = Smooth(pieces, from, false)
	}
}

// points are the measured values of element k on its scale, in pieces, with the
// deviation of each row.
func (d *curves) points(run *smoothed, k int, sigma func(row int) float64) (pieces []Points, from []float64) {
	w := d.ways[k]
	put := func(t, v, weight float64) {
		p := &pieces[len(pieces)-1]
		p.T, p.Y, p.W = append(p.T, t), append(p.Y, w.scale.to(v)), append(p.W, weight)
	}
	open := func(t float64) { pieces, from = append(pieces, Points{}), append(from, t) }
	open(math.Inf(-1))
	if v, ok := d.initial(run, k); ok && len(run.Rows) > 0 {
		put(run.Span.T0, v, initialWeight/(sigma(0)*sigma(0)))
	}
	next := 0
	for i := range run.Rows {
		r := run.Rows[i]
		for ; next < len(run.cuts) && run.cuts[next].behind <= r.Save(); next++ {
			if c := run.cuts[next]; d.jumps(c.event, k) {
				open(c.t)
			}
		}
		if s := sigma(i); r.Seen()[k] != 0 && w.scale.has(r.Data()[k]) && s > 0 {
			put(run.Span.Saves[r.Save()], r.Data()[k], 1/(s*s))
		}
	}
	return pieces, from
}

// initial is the value of element k of observations where a trajectory starts, if
// nothing that is fitted changes it.
func (d *curves) initial(run *smoothed, k int) (v float64, ok bool) {
	if !d.Segments.Known[k] || d.Segments.Source == nil || len(d.Segments.Reads[k]) == 0 {
		return 0, false
	}
	d.at(run.Trajectory)
	y, dd := d.begin(run.Span.T0)
	v = d.predict(run.Span.T0, y, dd)[k]
	return v, engine.Number(v) && d.ways[k].scale.has(v)
}

// spreads are the standard deviations of the rows of element k on its scale, up to a
// common factor, where they depend on the prediction: those of the first pass. Nil where
// they cannot be told.
func (d *curves) spreads(run *smoothed, k int) []float64 {
	w := d.ways[k]
	slot := d.prog.Model.Layout.Observes[w.index]
	if w.observe.Dist.Name != "normal" && w.observe.Dist.Name != "lognormal" {
		return nil
	}
	out := make([]float64, len(run.Rows))
	all := true
	for i := range run.Rows {
		t := run.Span.Saves[run.Rows[i].Save()]
		y, _ := d.states(run, t)
		v := d.noise(run.Trajectory, t, y, w.index)
		if len(v) == 0 {
			return nil
		}
		out[i] = v[min(k-slot.Off, len(v)-1)]
		all = all && out[i] > 0 && engine.Number(out[i])
	}
	if !all {
		return nil
	}
	return out
}

// values sets the smooth observations of a trajectory at a time, or before what happens
// then, and their rates; NaN where there is no curve.
func (d *curves) values(run *smoothed, t float64, before bool, v, rate []float64) {
	for k, c := range run.curves() {
		v[k], rate[k] = math.NaN(), math.NaN()
		if c != nil {
			s, ds, _ := c.At(t)
			if before {
				s, ds, _ = c.Before(t)
			}
			v[k] = d.ways[k].scale.from(s)
			rate[k] = d.ways[k].scale.slope(s) * ds
		}
	}
}

// Noise is the estimate of the standard deviation of each element of observations that
// the smooth curves give, on the scale of its distribution: of logarithms for
// lognormal. Where a declared deviation depends on the prediction it is a factor of it. NaN: it
// cannot be told.
func (d *curves) Noise() []float64 {
	out := make([]float64, len(d.ways))
	for k, w := range d.ways {
		squares, free, values := 0., 0., 0.
		for _, c := range d.drawn(k) {
			if !math.IsNaN(c.Variance()) {
				squares, free, values = squares+c.Squares, free+float64(c.Values)-c.Trace, values+float64(c.Values)
			}
		}
		out[k] = math.NaN()
		if free > 0 {
			if out[k] = math.Sqrt(squares / free); !math.IsNaN(w.sigma) {
				out[k] *= w.sigma
			}
		}
		if v := besideBreaks(d, k); math.IsNaN(w.sigma) && !math.IsNaN(v) {
			out[k] = v
			continue
		}
		if free < leastFree*values { // curves that go from value to value tell nothing of it
			out[k] = math.Max(out[k], followedNoise*d.deviation(k))
		}
	}
	return out
}

// Where curves leave less than this share of the values free, noise is taken to be this part
// of the spread of the data at least.
const leastFree, followedNoise = 0.2, 0.05

// ElementName is the name of element k of observations.
func (d *curves) ElementName(k int) string {
	w := d.ways[k]
	return lower.ElementName(&w.observe.Obj, k-d.prog.Model.Layout.Observes[w.index].Off)
}

// curveScale is the scale on which values are smoothed, where their noise has one size.
type curveScale struct {
	has             func(v float64) bool
	to, from, slope func(v float64) float64 // slope is that of from
}

var linear = &curveScale{
	has:   func(float64) bool { return true },
	to:    func(v float64) float64 { return v },
	from:  func(s float64) float64 { return s },
	slope: func(float64) float64 { return 1 },
}

var logarithm = &curveScale{
	has: func(v float64) bool { return v > 0 },
	to:  math.Log, from: math.Exp, slope: math.Exp,
}

// root is the scale of counts: of a Poisson count √(n + 3/8) has a deviation of about ½.
//
// F.J. Anscombe, Biometrika 35, 246–254, 1948.
var root = &curveScale{
	has:   func(v float64) bool { return v >= 0 },
	to:    func(v float64) float64 { return math.Sqrt(v + 0.375) },
	from:  func(s float64) float64 { return math.Max(s*s-0.375, 0) },
	slope: func(s float64) float64 { return 2 * s },
}

// noise are the arguments of the distribution of an observation at a state.
func (p *prober) noise(it *problem.Trajectory, t float64, y []float64, observation int) []float64 {
	prog := place.Noise.In(p.module)
	if prog == nil {
		return nil
	}
	p.at(it)
	p.system.At(t, y, nil)
	prog.Run(p.system.Frame)
	return prog.Output(p.system.Frame, lower.NoiseName(observation, 0))
}
