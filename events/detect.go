package events

import "math"

// Probe is a step of length 1 in theta. Probe evaluates all guards, and their rates
// by time, on its dense output. Bounds bounds them over the part [a, b] of it, and
// reports whether it can.
type Probe interface {
	Probe(theta float64, g, rate []float64)
	Bounds(a, b float64, to *Bounds) bool
}

// Bounds are a lower and an upper bound of each guard and of its rate.
type Bounds struct{ Lo, Hi, RateLo, RateHi []float64 }

// Detector finds the guards that cross their surface inside a step. It misses
// nothing: a part of the step is done with when the bounds of a guard exclude zero,
// or those of its rate that it turns, so that its ends decide; if neither, it is
// halved.
type Detector struct {
	Side  Sides
	Watch []bool // guards that can cross; flags cannot

	// Affine are the guards that are affine in time and state, and so polynomials along the
	// step, whose roots tell all: of a degree up to that which Along was told.
	Affine []bool

	// Of the last First: a guard for which the budget did not do and that has been
	// looked at in many places instead, or −1; and one that is not a number from
	// UndefinedAt on, before anything crosses, or −1.
	Unproven, Undefined int
	UndefinedAt         float64

	h      float64
	from   float64   // where the search starts
	a      float64   // what comes before is done
	left   values    // there
	start  []float64 // the guards at from
	finish []float64 // and at the end of the step
	parts  []part    // that are open, the next one last
	bounds Bounds
	spent  []int // parts in which each guard was open
	at     values
	found  []Crossing

	places  []float64 // where polynomials are looked at, of the way from from to the end
	between []values  // there
}

// values are the guards and their rates at a place.
type values struct{ g, rate []float64 }

// part is a part of the step, from the end of the one before it up to b: the
// values there, and the guards that are open in it.
type part struct {
	b    float64
	end  values
	open []int
}

// Crossing is a guard's change of side at Theta in the step, or a place where it
// touches its surface and goes back.
type Crossing struct {
	Guard int
	Theta float64
	Touch bool
}

// NewDetector returns a detector for n guards.
func NewDetector(n int) *Detector {
	list := func() []float64 { return make([]float64, n) }
	d := &Detector{
		Side: make(Sides, n), Watch: make([]bool, n), Affine: make([]bool, n), spent: make([]int, n), Unproven: -1, Undefined: -1,
		start: list(), finish: list(), left: values{list(), list()}, at: values{list(), list()}, bounds: Bounds{list(), list(), list(), list()},
	}
	d.Along(5)
	return d
}

// Along says of which degree, up to MaxDegree, the affine guards are along a step.
func (d *Detector) Along(degree int) {
	d.places, d.between = places(degree), nil
	for range d.places {
		d.between = append(d.between, values{make([]float64, len(d.Side)), make([]float64, len(d.Side))})
	}
}

// thetaTol is how closely crossings are located on the dense output. The loop
// polishes them on true steps, so this need not be the last bit.
const thetaTol = 1e-13

// Budget of a guard and step: the parts in which bounds are asked for; beyond it
// parts of the length lookAt are looked at alone. Parts of the length shortest are
// not halved: what a guard does twice within one is within its localisation.
const (
	budget   = 400
	lookAt   = 1. / 128
	shortest = 0x1p-40

	// A guard that comes so close to its surface, beside how far it is from it at the
	// ends of the step, touches it.
	touching = 1e-14

	// What a guard that starts on its surface does within roundOff of there is
	// left out of account.
	roundOff = 0x1p-20
)

// First returns the earliest crossings in (from, 1]: all that lie within
// width of the first. The slice is valid until the next call. h is the length
// of the step, which turns rates by time into rates by theta.
//
// The start of the range counts as on the tracked side whatever the guard's
// value there, which round-off may have put on the other.
func (d *Detector) First(p Probe, from, h, width float64) []Crossing {
	d.h, d.from, d.a = h, from, from
	d.found, d.parts = d.found[:0], d.parts[:0]
	d.Unproven, d.Undefined = -1, -1
	clear(d.spent)
	top, straight := d.push(1), false
	for i, s := range d.Side {
		switch {
		case !d.Watch[i] || s == 0:
		case d.Affine[i]:
			straight = true
		default:
			top.open = append(top.open, i)
		}
	}
	if len(top.open) == 0 && !straight {
		return nil
	}
	p.Probe(from, d.left.g, d.left.rate)
	copy(d.start, d.left.g)
	p.Probe(1, top.end.g, top.end.rate)
	copy(d.finish, top.end.g)
	if straight {
		for k, x := range d.places {
			p.Probe(from+x*(1-from), d.between[k].g, d.between[k].rate)
		}
		for i, s := range d.Side {
			if d.Affine[i] && d.Watch[i] && s != 0 {
				d.straight(i, top.end)
			}
		}
	}
	if len(top.open) == 0 {
		d.parts = d.parts[:0]
	}
	last := d.last(width)
	// A part that begins at a crossing is not looked at: the guard is beyond its
	// surface there, as if it had left at the start.
	for len(d.parts) > 0 && (d.a < last || d.a == from) {
		top := &d.parts[len(d.parts)-1]
		d.examine(p, top)
		last = d.last(width)
		if len(top.open) == 0 {
			d.a = top.b
			d.left, top.end = top.end, d.left
			d.parts = d.parts[:len(d.parts)-1]
			continue
		}
		mid := d.a + (top.b-d.a)/2
		half := d.push(mid)
		half.open = append(half.open, d.parts[len(d.parts)-2].open...)
		p.Probe(mid, half.end.g, half.end.rate)
	}
	return d.earliest(last)
}

// last is where the search ends: width behind the first crossing found, or where a
// guard is not a number.
func (d *Detector) last(width float64) float64 {
	last := math.Inf(1)
	for _, c := range d.found {
		last = min(last, c.Theta+width)
	}
	if d.Undefined >= 0 {
		last = min(last, d.UndefinedAt)
	}
	return last
}

// push opens a part up to b.
func (d *Detector) push(b float64) *part {
	if n := len(d.parts); n < cap(d.parts) { // in the memory of one that was there
		d.parts = d.parts[:n+1]
	} else {
		d.parts = append(d.parts, part{})
	}
	top := &d.parts[len(d.parts)-1]
	if top.end.g == nil {
		n := len(d.Side)
		top.end, top.open = values{make([]float64, n), make([]float64, n)}, make([]int, 0, n)
	}
	top.b, top.open = b, top.open[:0]
	return top
}

// earliest are the crossings up to last, in order.
func (d *Detector) earliest(last float64) []Crossing {
	keep := d.found[:0]
	for _, c := range d.found {
		if c.Theta <= last {
			keep = append(keep, c)
		}
	}
	for i := 1; i < len(keep); i++ { // insertion sort: few, and stable
		for j := i; j > 0 && keep[j].Theta < keep[j-1].Theta; j-- {
			keep[j], keep[j-1] = keep[j-1], keep[j]
		}
	}
	if len(keep) > 0 && d.Undefined >= 0 && keep[0].Theta <= d.UndefinedAt {
		d.Undefined = -1
	}
	return keep
}

// examine takes the guards that are done with in the next part out of those that
// are open in it.
func (d *Detector) examine(p Probe, top *part) {
	width := top.b - d.a
	known := false
	for _, i := range top.open {
		if d.spent[i] < budget {
			known = p.Bounds(d.a, top.b, &d.bounds)
			break
		}
	}
	open := top.open[:0]
	for _, i := range top.open {
		proving := known && d.spent[i] < budget
		if proving && d.decide(p, i, top) {
			continue
		}
		if proving && width > shortest {
			if d.spent[i]++; d.unbounded(i) {
				d.spent[i] += budget / 8
			}
			open = append(open, i)
			continue
		}
		if !proving {
			if width > lookAt {
				open = append(open, i)
				continue
			}
			if d.Unproven < 0 {
				d.Unproven = i
			}
		}
		if v := top.end.g[i]; v != v && width > shortest { // where does it end?
			open = append(open, i)
			continue
		}
		d.look(p, i, top)
	}
	top.open = open
}

// unbounded reports whether nothing is known of guard i in the next part.
func (d *Detector) unbounded(i int) bool {
	return math.IsNaN(d.bounds.Lo[i]+d.bounds.Hi[i]) && math.IsNaN(d.bounds.RateLo[i]+d.bounds.RateHi[i])
}

// decide reports whether the bounds say all about guard i in the next part, with s·gᵢ
// positive on the tracked side. Crossings are found.
func (d *Detector) decide(p Probe, i int, top *part) bool {
	s := float64(d.Side[i])
	v, w := s*d.left.g[i], s*top.end.g[i]
	lo, hi, fall, rise := d.bounds.Lo[i], d.bounds.Hi[i], d.bounds.RateLo[i], d.bounds.RateHi[i]
	if s < 0 {
		lo, hi, fall, rise = -hi, -lo, -rise, -fall
	}
	switch {
	case v != v || w != w:
		return false
	case lo > 0:
		return true
	case hi < 0: // beyond its surface from the start
		d.leave(i, top)
		return true
	case !(fall > math.Inf(-1) && rise < math.Inf(1)):
		return false
	case rise <= 0: // it falls
		switch {
		case w > 0:
			if level := math.Abs(top.end.rate[i]) * d.h * (top.b - d.a); w <= touching*d.size(i) && level <= math.Sqrt(touching)*d.size(i) {
				d.touch(i, top.b)
			}
		case v <= 0:
			d.leave(i, top)
		default:
			d.root(p, i, s, d.a, top.b, v, w, s*d.left.rate[i], s*top.end.rate[i])
		}
		return true
	case fall >= 0: // it rises
		return true
	}
	// Its lowest value is that of falling from v and rising to w as fast as it can.
	lowest := (rise*v - fall*w + fall*rise*d.h*(top.b-d.a)) / (rise - fall)
	return v > 0 && w > 0 && lowest > touching*d.size(i)
}

// look looks for a crossing of guard i in the next part at its ends, and where the
// rate changes its sign between them.
func (d *Detector) look(p Probe, i int, top *part) {
	s := float64(d.Side[i])
	v, w, rv, rw := s*d.left.g[i], s*top.end.g[i], s*d.left.rate[i], s*top.end.rate[i]
	at := func(x float64) (v, rate float64) {
		p.Probe(x, d.at.g, d.at.rate)
		return s * d.at.g[i], s * d.at.rate[i]
	}
	turn := func() (x, v, rate float64) {
		x = Root(func(x float64) float64 { _, rate := at(x); return rate }, d.a, top.b, rv, rw, thetaTol)
		v, rate = at(x)
		return x, v, rate
	}
	switch {
	case v != v || w != w:
		d.Undefined, d.UndefinedAt = i, d.a
	case v <= 0 && w <= 0 && rv > 0 && rw < 0:
		// Starts on the surface, moving to the tracked side, and is past it
		// again: the top between separates the two.
		if x, top1, rate := turn(); top1 > 0 {
			d.root(p, i, s, x, top.b, top1, w, rate, rw)
		} else {
			d.leave(i, top)
		}
	case v <= 0 && w <= 0:
		if rv <= 0 {
			d.leave(i, top)
		}
	case w <= 0:
		d.root(p, i, s, d.a, top.b, v, w, rv, rw)
	case v > 0 && rv < 0 && rw > 0: // a dip: does it touch?
		switch x, low, rate := turn(); {
		case low <= 0:
			d.root(p, i, s, d.a, x, v, low, rv, rate)
		case low <= touching*d.size(i)+2*thetaTol*d.h*math.Abs(rate): // the place of a corner is not known better
			d.touch(i, x)
		}
	}
}

// root finds the crossing of guard i between a and b, where s·gᵢ is v > 0 and w ≤ 0
// with the rates rv and rw.
func (d *Detector) root(p Probe, i int, s, a, b, v, w, rv, rw float64) {
	f := func(x float64) (v, slope float64) {
		p.Probe(x, d.at.g, d.at.rate)
		return s * d.at.g[i], s * d.at.rate[i] * d.h
	}
	d.cross(i, RootNewton(f, a, b, v, w, rv*d.h, rw*d.h, thetaTol))
}

// size is how far guard i is from its surface at the ends of the step.
func (d *Detector) size(i int) float64 {
	return max(math.Abs(d.start[i]), math.Abs(d.finish[i]))
}

// leave finds that guard i leaves the tracked side, on which it counted at the
// start, at once; unless it does so for that little that round-off explains.
func (d *Detector) leave(i int, top *part) {
	switch {
	case top.b-d.from <= roundOff:
	case float64(d.Side[i])*d.start[i] <= 0:
		d.cross(i, d.from)
	default: // its own round-off took it over before
		d.cross(i, d.a)
	}
}

func (d *Detector) cross(i int, theta float64) { d.found = append(d.found, Crossing{i, theta, false}) }

func (d *Detector) touch(i int, theta float64) { d.found = append(d.found, Crossing{i, theta, true}) }
