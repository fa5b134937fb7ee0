package pinode

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	refNear = 1e-11 // a guard as near as this to 0 is on its surface
	refFlat = 1e-8  // a rate as small as this is none
	refTie  = 1e-11 // times as near as this are one instant
)

// errVague is the end of a run at a place where the language leaves the
// solution open: both fields lead away from a surface on which the state lies.
var errVague = errors.New("not unique")

// refFired is a line of the reference's log.
type refFired struct {
	name string
	t    float64
}

// refFiring is an event that waits for its execution, with what it read.
type refFiring struct {
	event    int
	due      float64
	t        float64
	y        []float64
	priority float64
}

// refRun is a run of the reference.
type refRun struct {
	m      *refModel
	p      []float64
	t      float64
	y      []float64
	weight []float64 // of the switches
	slide  []int     // switches on whose surface the state is held

	guards   []refCompare // of all events
	side     []bool
	on       []bool // the conditions of the events
	next     []float64
	times    []int
	delayed  []refFiring
	log      []refFired
	in, out  []float64 // when it came to surfaces and left them
	pushed   []float64 // of the times in, those at which both sides push
	most     int       // surfaces at once
	rests    int
	finished bool
}

// reference runs a model in equal steps, a number of them.
func (m *refModel) reference(p []float64, steps int) (*refRun, error) {
	r := &refRun{m: m, p: p, y: make([]float64, len(m.vars)), weight: make([]float64, len(m.switches))}
	for i, v := range m.vars {
		r.y[i] = v.start.at(r)
	}
	for i, e := range m.events {
		e.compares = nil
		for _, c := range e.all {
			e.compares = append(e.compares, len(r.guards))
			r.guards = append(r.guards, c)
		}
		r.next, r.times = append(r.next, math.Inf(1)), append(r.times, 0)
		if e.first.at != nil {
			r.next[i] = e.first.at(r)
			for e.every != nil && r.next[i] < refTie {
				r.times[i]++
				r.next[i] = e.first.at(r) + float64(r.times[i])*e.every.at(r)
			}
		}
	}
	r.side, r.on = make([]bool, len(r.guards)), make([]bool, len(m.events))
	for i := range m.switches {
		r.weight[i] = 0.5 // no side yet
	}
	if err := r.settle(nil); err != nil {
		return r, err
	}
	for i, c := range r.guards {
		r.side[i] = r.sideOf(i)
		if math.Abs(c.guard.at(r)) <= refNear && c.strict && r.side[i] {
			return r, errVague // whether it turns true behind the start, or is
		}
	}
	for i := range m.events {
		r.on[i] = r.holds(i)
	}
	return r, r.run(m.end / float64(steps))
}

// run goes from step to step and from instant to instant.
func (r *refRun) run(h float64) error {
	instants, last := 0, -1.
	for k := 0; !r.finished && r.t < r.m.end-refTie; {
		stop := math.Min(float64(k+1)*h, r.m.end)
		due := r.due()
		stop = math.Min(stop, due)
		if stop <= r.t+refTie && stop < due-refTie {
			k++
			continue
		}
		flips, err := r.stretch(stop, stop >= due-refTie || stop >= r.m.end-refTie)
		if err != nil {
			return err
		}
		if len(flips) == 0 && r.t < due-refTie {
			continue
		}
		if r.t > last+refTie {
			instants, last = 0, r.t
		}
		if instants++; instants > 100 {
			return fmt.Errorf("no way past %g", r.t)
		}
		if err := r.instant(flips); err != nil {
			return err
		}
	}
	return nil
}

// due is the next time at which an event is scheduled.
func (r *refRun) due() float64 {
	t := math.Inf(1)
	for i, e := range r.m.events {
		if e.until != nil && r.next[i] > e.until.at(r)+refTie {
			continue
		}
		t = math.Min(t, r.next[i])
	}
	for _, d := range r.delayed {
		t = math.Min(t, d.due)
	}
	return t
}

// rates fills the rates under the present weights.
func (r *refRun) rates(out []float64) {
	for i, v := range r.m.vars {
		out[i] = 0
		if v.rate.at != nil {
			out[i] = v.rate.at(r)
		}
	}
}

// slope is the rate of a guard along a field.
func (r *refRun) slope(g refExpr, f []float64) float64 {
	const d = 1e-5
	at := func(s float64) float64 {
		r.t += s
		for i := range f {
			r.y[i] += s * f[i]
		}
		v := g.at(r)
		r.t -= s
		return v
	}
	t, y := r.t, slices.Clone(r.y)
	hi := at(d)
	copy(r.y, y)
	r.t = t
	lo := at(-d)
	copy(r.y, y)
	r.t = t
	return (hi - lo) / (2 * d)
}

// field is the field of the run: on surfaces that hold the state it is the
// convex combination that keeps their guards.
func (r *refRun) field(out []float64, slide []int) {
	n := len(out)
	switch len(slide) {
	case 0:
		r.rates(out)
	case 1:
		i := slide[0]
		g := r.m.switches[i].guard
		r.weight[i] = 1
		up := make([]float64, n)
		r.rates(up)
		r.weight[i] = 0
		r.rates(out)
		a, b := r.slope(g, up), r.slope(g, out)
		w := r.m.switches[i].equal
		if math.Abs(b-a) > refFlat*refFlat {
			w = math.Max(0, math.Min(1, b/(b-a)))
		}
		for k := range out {
			out[k] = w*up[k] + (1-w)*out[k]
		}
		r.weight[i] = w
	default:
		r.corner(out, slide)
	}
}

// corner is the field at the intersection of several surfaces, whose switches
// act side by side: it is linear in their weights.
func (r *refRun) corner(out []float64, slide []int) {
	n := len(slide)
	for _, i := range slide {
		r.weight[i] = 0
	}
	r.rates(out)
	fields, system := make([][]float64, n), make([][]float64, n)
	for k := range slide {
		system[k] = make([]float64, n+1)
	}
	for c, i := range slide {
		r.weight[i] = 1
		fields[c] = make([]float64, len(out))
		r.rates(fields[c])
		r.weight[i] = 0
		for k := range out {
			fields[c][k] -= out[k]
		}
	}
	both := make([]float64, len(out))
	for k, j := range slide {
		g := r.m.switches[j].guard
		rest := r.slope(g, out)
		system[k][n] = -rest
		for c := range slide {
			for x := range out {
				both[x] = out[x] + fields[c][x]
			}
			system[k][c] = r.slope(g, both) - rest
		}
	}
	w := eliminate(system)
	for c, i := range slide {
		r.weight[i] = math.Max(0, math.Min(1, w[c]))
		for k := range out {
			out[k] += w[c] * fields[c][k]
		}
	}
}

// eliminate solves a linear system whose last column is the right-hand side.
func eliminate(a [][]float64) []float64 {
	n := len(a)
	for c := range n {
		best := c
		for k := c; k < n; k++ {
			if math.Abs(a[k][c]) > math.Abs(a[best][c]) {
				best = k
			}
		}
		a[c], a[best] = a[best], a[c]
		for k := range n {
			if k != c && a[c][c] != 0 {
				f := a[k][c] / a[c][c]
				for x := c; x <= n; x++ {
					a[k][x] -= f * a[c][x]
				}
			}
		}
	}
	w := make([]float64, n)
	for c := range n {
		if a[c][c] != 0 {
			w[c] = a[c][n] / a[c][c]
		}
	}
	return w
}

// step is one of the classical Runge–Kutta method.
func (r *refRun) step(h float64) {
	n := len(r.y)
	y, t := slices.Clone(r.y), r.t
	var k [4][]float64
	for s, c := range []float64{0, 0.5, 0.5, 1} {
		k[s] = make([]float64, n)
		r.t = t + c*h
		for i := range y {
			r.y[i] = y[i]
			if s > 0 {
				r.y[i] += c * h * k[s-1][i]
			}
		}
		r.field(k[s], r.slide)
	}
	r.t = t + h
	for i := range y {
		r.y[i] = y[i] + h/6*(k[0][i]+2*k[1][i]+2*k[2][i]+k[3][i])
	}
	for _, i := range r.slide {
		r.project(r.m.switches[i].guard)
	}
}

// project moves the states back to a surface that holds them, which the
// rounding of rates has left.
func (r *refRun) project(g refExpr) {
	const d = 1e-4
	off, square := g.at(r), 0.
	grad := make([]float64, len(r.y))
	for i, v := range r.m.vars {
		if v.rate.at == nil || g.reads&(1<<i) == 0 {
			continue
		}
		keep := r.y[i]
		r.y[i] = keep + d
		hi := g.at(r)
		r.y[i] = keep - d
		grad[i] = (hi - g.at(r)) / (2 * d)
		r.y[i] = keep
		square += grad[i] * grad[i]
	}
	for i := range grad {
		if square > 0 {
			r.y[i] -= off * grad[i] / square
		}
	}
}

// refFlip is a guard that leaves its side: a switch, one that holds the state
// no longer, or a comparison of an event.
type refFlip struct {
	kind string // "switch", "exit", "compare"
	i    int
	root float64
}

// beyond says whether something has left its side, by more than is allowed
// for being on the surface.
func (r *refRun) beyond(f refFlip, near float64) bool {
	switch f.kind {
	case "switch":
		g := r.m.switches[f.i].guard.at(r)
		return r.weight[f.i] > 0.5 && g < -near || r.weight[f.i] <= 0.5 && g > near
	case "exit":
		up, down := r.pull(f.i)
		return up > near || down < -near
	}
	g := r.guards[f.i].guard.at(r)
	return r.side[f.i] && g < -near || !r.side[f.i] && g > near
}

// pull has the rates of a switch's guard above and below its surface.
func (r *refRun) pull(i int) (up, down float64) {
	keep := slices.Clone(r.weight)
	rest := slices.DeleteFunc(slices.Clone(r.slide), func(k int) bool { return k == i })
	f := make([]float64, len(r.y))
	r.weight[i] = 1
	r.field(f, rest)
	up = r.slope(r.m.switches[i].guard, f)
	r.weight[i] = 0
	r.field(f, rest)
	down = r.slope(r.m.switches[i].guard, f)
	copy(r.weight, keep)
	return up, down
}

// stretch goes to a time, or to the first flip before it, and returns what
// flips there. At the last instant of a stretch that is one anyway, guards
// that have just come to their surfaces flip too.
func (r *refRun) stretch(to float64, instant bool) ([]refFlip, error) {
	t, y := r.t, slices.Clone(r.y)
	back := func(s float64) {
		r.t = t
		copy(r.y, y)
		r.step(s)
	}
	var list []refFlip
	for i := range r.m.switches {
		if slices.Contains(r.slide, i) {
			list = append(list, refFlip{kind: "exit", i: i})
		} else {
			list = append(list, refFlip{kind: "switch", i: i})
		}
	}
	for i := range r.guards {
		list = append(list, refFlip{kind: "compare", i: i})
	}
	h := to - t
	back(h)
	for _, v := range r.y {
		if math.IsNaN(v) || math.Abs(v) > 1e6 {
			return nil, fmt.Errorf("leaves all bounds at %g", r.t)
		}
	}
	var flips []refFlip
	for _, f := range list {
		near := refNear
		if f.kind == "exit" {
			near = refFlat
		}
		if f.root = h; r.beyond(f, near) {
			f.root = -1 // before the end
		} else if !instant || !r.arrives(f) {
			continue
		}
		flips = append(flips, f)
	}
	if len(flips) == 0 {
		r.t = to
		return nil, nil
	}
	first := h
	for k := range flips {
		f := &flips[k]
		if f.root < 0 {
			lo, hi := 0., h
			for range 60 {
				mid := (lo + hi) / 2
				if back(mid); r.beyond(*f, 0) {
					hi = mid
				} else {
					lo = mid
				}
			}
			f.root = hi
		}
		first = math.Min(first, f.root)
	}
	flips = slices.DeleteFunc(flips, func(f refFlip) bool { return f.root > first+refTie })
	if back(first); first == h {
		r.t = to
	}
	return flips, nil
}

// arrives says whether a guard stands on its surface and goes across.
func (r *refRun) arrives(f refFlip) bool {
	if f.kind == "exit" {
		return false
	}
	v := make([]float64, len(r.y))
	r.field(v, r.slide)
	g, up := refExpr{}, false
	if f.kind == "switch" {
		g, up = r.m.switches[f.i].guard, r.weight[f.i] <= 0.5
	} else {
		g, up = r.guards[f.i].guard, !r.side[f.i]
	}
	if math.Abs(g.at(r)) > refNear {
		return false
	}
	s := r.slope(g, v)
	return up && s > 1e-3 || !up && s < -1e-3
}

// settle finds the side of every switch, or that it holds the state. Flipped
// switches have come to their surface; what has just left stays as it is.
func (r *refRun) settle(flipped []int, left ...int) error {
	for range 4 {
		changed := false
		for i, s := range r.m.switches {
			if slices.Contains(left, i) {
				continue
			}
			g := s.guard.at(r)
			held := slices.Contains(r.slide, i)
			w, hold, pushed := r.weight[i], held, false
			if math.Abs(g) > 100*refNear && !slices.Contains(flipped, i) {
				hold, w = false, 0
				if g > 0 {
					w = 1
				}
			} else {
				up, down := r.pull(i)
				flat := func(x float64) bool { return math.Abs(x) <= refFlat }
				switch {
				case flat(up) && flat(down):
					if w != 0 && w != 1 && !held {
						w = s.equal
					}
				case up > refFlat && down > refFlat:
					hold, w = false, 1
				case up < -refFlat && down < -refFlat:
					hold, w = false, 0
				case up <= refFlat && down >= -refFlat:
					hold, pushed = true, up < -refFlat && down > refFlat
				case w == 0 && down < -refFlat || w == 1 && up > refFlat:
					hold = false // it leaves where it was
				default:
					return errVague
				}
			}
			switch {
			case hold && !held:
				r.slide = append(r.slide, i)
				r.most = max(r.most, len(r.slide))
				r.in = append(r.in, r.t)
				if pushed && r.t > 0 {
					r.pushed = append(r.pushed, r.t)
				}
				changed = true
			case !hold && held:
				r.slide = slices.DeleteFunc(r.slide, func(k int) bool { return k == i })
				r.out = append(r.out, r.t)
				changed = true
			}
			if !hold && w != r.weight[i] {
				r.weight[i] = w
				changed = true
			}
		}
		if !changed {
			return nil
		}
	}
	return errVague
}

// bends are the first and second rates of a guard along the solution.
func (r *refRun) bends(g refExpr) (first, second float64) {
	const d = 1e-5
	f := make([]float64, len(r.y))
	r.field(f, r.slide)
	first = r.slope(g, f)
	t, y := r.t, slices.Clone(r.y)
	defer func() { r.t = t; copy(r.y, y) }()
	r.step(d)
	r.field(f, r.slide)
	return first, (r.slope(g, f) - first) / d
}

// sideOf is the side of a comparison as it stands: its truth, or on the
// surface where it goes, or at rest the truth at equality.
func (r *refRun) sideOf(i int) bool {
	c := &r.guards[i]
	if g := c.guard.at(r); math.Abs(g) > refNear {
		return g > 0
	}
	first, second := r.bends(c.guard)
	switch {
	case math.Abs(first) > refFlat:
		return first > 0
	case math.Abs(second) > 1e-4:
		return second > 0
	}
	r.rests++
	return !c.strict
}

// holds is the condition of an event by the sides of its comparisons.
func (r *refRun) holds(i int) bool {
	e := r.m.events[i]
	if len(e.all) == 0 || e.edge != 0 {
		return false
	}
	for _, c := range e.compares {
		if r.side[c] == e.any {
			return e.any
		}
	}
	return !e.any
}
