package events

import "math"

// Probe evaluates all guards, and their rates by time, on the dense output of
// a step of length 1 in theta.
type Probe interface {
	Probe(theta float64, g, rate []float64)
}

// Detector finds the guards that cross their surface inside a step.
type Detector struct {
	Side  Sides
	Watch []bool // guards that can cross; flags cannot

	g, rate [len(Grid)][]float64
	gm, rm  []float64
	found   []Crossing
}

// Crossing is a guard's change of side at Theta in the step.
type Crossing struct {
	Guard int
	Theta float64
}

// Grid are the places in a step where guards are looked at, besides where a
// rate changes sign between two of them.
var Grid = [...]float64{0, 1. / 3, 2. / 3, 1}

// NewDetector returns a detector for n guards.
func NewDetector(n int) *Detector {
	d := &Detector{Side: make(Sides, n), Watch: make([]bool, n), gm: make([]float64, n), rm: make([]float64, n)}
	for k := range Grid {
		d.g[k], d.rate[k] = make([]float64, n), make([]float64, n)
	}
	return d
}

// thetaTol is how closely crossings are located on the dense output. The loop
// polishes them on true steps, so this need not be the last bit.
const thetaTol = 1e-13

// First returns the earliest crossings in (from, 1]: all that lie within
// width of the first. The slice is valid until the next call. h is the length
// of the step, which turns rates by time into rates by theta.
//
// The start of the range counts as on the tracked side whatever the guard's
// value there, which round-off may have put on the other.
func (d *Detector) First(p Probe, from, h, width float64) []Crossing {
	for k, x := range Grid {
		p.Probe(from+(1-from)*x, d.g[k], d.rate[k])
	}
	d.found = d.found[:0]
	first := math.Inf(1)
	for i, s := range d.Side {
		if !d.Watch[i] || s == 0 {
			continue
		}
		if theta, ok := d.crossing(p, i, float64(s), from, h); ok {
			d.found = append(d.found, Crossing{i, theta})
			first = math.Min(first, theta)
		}
	}
	keep := d.found[:0]
	for _, c := range d.found {
		if c.Theta <= first+width {
			keep = append(keep, c)
		}
	}
	for i := 1; i < len(keep); i++ { // insertion sort: few, and stable
		for j := i; j > 0 && keep[j].Theta < keep[j-1].Theta; j-- {
			keep[j], keep[j-1] = keep[j-1], keep[j]
		}
	}
	return keep
}

// crossing looks for the first place where s·gᵢ, which starts positive, turns
// to zero or below.
func (d *Detector) crossing(p Probe, i int, s, from, h float64) (theta float64, ok bool) {
	at := func(x float64) (v, rate float64) {
		p.Probe(from+(1-from)*x, d.gm, d.rm)
		return s * d.gm[i], s * d.rm[i]
	}
	slope := func(x float64) float64 { _, rate := at(x); return rate }
	place := func(a, b, va, vb, ra, rb float64) (float64, bool) {
		long := h * (1 - from)
		f := func(x float64) (v, slope float64) { v, rate := at(x); return v, long * rate }
		x := RootNewton(f, a, b, va, vb, long*ra, long*rb, thetaTol)
		return from + (1-from)*x, true
	}
	a, va, ra := Grid[0], s*d.g[0][i], s*d.rate[0][i]
	if va <= 0 && ra <= 0 {
		if s*d.g[1][i] <= 0 {
			return from, true // leaves the tracked side at once
		}
		va, ra = math.SmallestNonzeroFloat64, 0 // the dip is that of round-off
	}
	for k := 1; k < len(Grid); k++ {
		b, vb, rb := Grid[k], s*d.g[k][i], s*d.rate[k][i]
		switch {
		case vb <= 0 && va <= 0:
			// Starts on the surface, moving to the tracked side, and is past
			// it again by b: the top between separates the two.
			top := Root(slope, a, b, ra, rb, thetaTol)
			if v, r := at(top); v > 0 {
				return place(top, b, v, vb, r, rb)
			}
			return from, true
		case vb <= 0:
			return place(a, b, va, vb, ra, rb)
		case va > 0 && ra < 0 && rb > 0: // a dip: does it touch?
			low := Root(slope, a, b, ra, rb, thetaTol)
			if v, r := at(low); v <= 0 {
				return place(a, low, va, v, ra, r)
			}
		}
		a, va, ra = b, vb, rb
	}
	return 0, false
}
