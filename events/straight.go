package events

import "math"

// MaxDegree is the largest degree of a dense output along which affine guards may be
// looked at as polynomials: see Detector.Affine.
const MaxDegree = degree

const degree = 5

// bernstein are the coefficients of a polynomial on [0, 1] in the Bernstein form,
// which starts at the first, ends at the last, and has at most as many roots
// between as they change their sign.
type bernstein [degree + 1]float64

// through is the polynomial with the values v and slopes r at 0, ½ and 1.
func through(v, r [3]float64) bernstein {
	b := bernstein{v[0], v[0] + r[0]/degree, 0, 0, v[2] - r[2]/degree, v[2]}
	sum := (32*v[1] - b[0] - 5*b[1] - 5*b[4] - b[5]) / 10  // of the two between
	more := (3.2*r[1] + b[0] + 3*b[1] - 3*b[4] - b[5]) / 2 // of the second than of the first
	b[2], b[3] = (sum-more)/2, (sum+more)/2
	return b
}

// halves are the polynomial on both halves, by de Casteljau's algorithm.
func (b *bernstein) halves() (left, right bernstein) {
	c := *b
	for k := range c {
		left[k], right[degree-k] = c[0], c[degree-k]
		for i := range degree - k {
			c[i] = (c[i] + c[i+1]) / 2
		}
	}
	return left, right
}

// at is the value and the slope at x.
func (b *bernstein) at(x float64) (v, slope float64) {
	c := *b
	for k := range degree {
		if k == degree-1 {
			slope = degree * (c[1] - c[0])
		}
		for i := range degree - k {
			c[i] += x * (c[i+1] - c[i])
		}
	}
	return c[0], slope
}

// turns is how often the coefficients change between positive and not.
func (b *bernstein) turns() (n int) {
	for i, v := range b[1:] {
		if (v > 0) != (b[i] > 0) {
			n++
		}
	}
	return n
}

// straight finds the first crossing of guard i, which is a polynomial along the
// step, between a and 1: from its values and rates at the ends and between.
func (d *Detector) straight(i int, end, mid values) {
	s, long := float64(d.Side[i]), d.h*(1-d.from)
	whole := through(
		[3]float64{s * d.left.g[i], s * mid.g[i], s * end.g[i]},
		[3]float64{s * long * d.left.rate[i], s * long * mid.rate[i], s * long * end.rate[i]},
	)
	for _, v := range whole {
		if math.IsNaN(v) {
			d.Undefined, d.UndefinedAt = i, d.from
			return
		}
	}
	if x, ok := d.firstRoot(&whole, 0, 1); ok {
		d.cross(i, d.from+(1-d.from)*x)
		return
	}
	off := touching * math.Max(whole[0], whole[degree])
	for k := range whole {
		whole[k] -= off
	}
	if whole[0] > 0 && whole[degree] > 0 {
		if x, ok := d.firstRoot(&whole, 0, 1); ok {
			d.touch(i, d.from+(1-d.from)*x)
		}
	}
}

// firstRoot is the first place in the part from a on, of length w, where the
// polynomial b of the part, which is positive at first, turns to zero or below. At
// the start of the step it counts as positive.
func (d *Detector) firstRoot(b *bernstein, a, w float64) (x float64, found bool) {
	switch n := b.turns(); {
	case n == 0 && b[0] > 0 || n == 1 && b[0] <= 0: // it keeps above, or rises
		return 0, false
	case n == 0: // it leaves the tracked side at once
		return a, (1-d.from)*(a+w) > roundOff
	case n == 1 || w < shortest:
		if b[0] <= 0 || b[degree] > 0 {
			return 0, false
		}
		_, rv := b.at(0)
		_, rw := b.at(1)
		return a + w*RootNewton(b.at, 0, 1, b[0], b[degree], rv, rw, thetaTol), true
	}
	left, right := b.halves()
	if x, found = d.firstRoot(&left, a, w/2); found {
		return x, true
	}
	return d.firstRoot(&right, a+w/2, w/2)
}
