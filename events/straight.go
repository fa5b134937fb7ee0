package events

import "math"

// MaxDegree is the largest degree of a dense output along which affine guards may be
// looked at as polynomials: see Detector.Affine.
const MaxDegree = 9

// bernstein is a polynomial of degree n on [0, 1] by its coefficients in the Bernstein
// form, which starts at the first, ends at the last, and has at most as many roots
// between as they change their sign.
type bernstein struct {
	n int
	c [MaxDegree + 1]float64
}

// places are where, between its ends, a polynomial is looked at, so that values and
// slopes tell it: one place for degrees up to five, three beyond.
func places(degree int) []float64 {
	if degree <= 5 {
		return []float64{0.5}
	}
	return []float64{0.25, 0.5, 0.75}
}

// through is the polynomial with the values v and slopes r at 0, its places, and 1: of degree
// five with one place, nine with three.
func through(v, r []float64) (b bernstein) {
	last := len(v) - 1
	b.n = 2*len(v) - 1
	n := float64(b.n)
	b.c[0], b.c[1] = v[0], v[0]+r[0]/n
	b.c[b.n-1], b.c[b.n] = v[last]-r[last]/n, v[last]
	if b.n == 5 {
		c := &b.c
		sum := (32*v[1] - c[0] - 5*c[1] - 5*c[4] - c[5]) / 10  // of the two between
		more := (3.2*r[1] + c[0] + 3*c[1] - 3*c[4] - c[5]) / 2 // of the second than of the first
		c[2], c[3] = (sum-more)/2, (sum+more)/2
		return b
	}
	var rest [6]float64 // of values and slopes at the places, beside what the ends give
	for k := range 3 {
		x, slope := b.at(float64(k+1) / 4)
		rest[2*k], rest[2*k+1] = v[k+1]-x, r[k+1]-slope
	}
	for m, row := range between {
		for k, w := range row {
			b.c[2+m] += w * rest[k]
			if k%2 == 1 { // the same from the other end, where slopes have the other sign
				w = -w
			}
			b.c[7-m] += w * rest[4-k+2*(k%2)]
		}
	}
	return b
}

// between are the weights of values and slopes at ¼, ½ and ¾, in this order, in the third to
// the fifth coefficient of a polynomial of degree nine whose first and last two are zero.
var between = [3][6]float64{
	{-128. / 27, -16. / 9, 4, -2, 128. / 27, -16. / 27},
	{640. / 27, 272. / 63, -68. / 7, 46. / 7, -9344. / 567, 400. / 189},
	{-8704. / 243, -3008. / 567, 464. / 63, -712. / 63, 52736. / 1701, -2368. / 567},
}

// halves are the polynomial on both halves, by de Casteljau's algorithm.
func (b *bernstein) halves() (left, right bernstein) {
	c := b.c
	left.n, right.n = b.n, b.n
	for k := range b.n + 1 {
		left.c[k], right.c[b.n-k] = c[0], c[b.n-k]
		for i := range b.n - k {
			c[i] = (c[i] + c[i+1]) / 2
		}
	}
	return left, right
}

// at is the value and the slope at x.
func (b *bernstein) at(x float64) (v, slope float64) {
	c := b.c
	for k := range b.n {
		if k == b.n-1 {
			slope = float64(b.n) * (c[1] - c[0])
		}
		for i := range b.n - k {
			c[i] += x * (c[i+1] - c[i])
		}
	}
	return c[0], slope
}

// turns is how often the coefficients change between positive and not.
func (b *bernstein) turns() (n int) {
	for i, v := range b.c[1 : b.n+1] {
		if (v > 0) != (b.c[i] > 0) {
			n++
		}
	}
	return n
}

// ends are its values at the ends.
func (b *bernstein) ends() (v, w float64) { return b.c[0], b.c[b.n] }

// slopes are its slopes there.
func (b *bernstein) slopes() (v, w float64) {
	return float64(b.n) * (b.c[1] - b.c[0]), float64(b.n) * (b.c[b.n] - b.c[b.n-1])
}

// straight finds the first crossing of guard i, which is a polynomial along the
// step, between a and 1: from its values and rates at the ends and between.
func (d *Detector) straight(i int, end values) {
	s, long := float64(d.Side[i]), d.h*(1-d.from)
	var v, r [2 + 3]float64
	n := 0
	add := func(at values) {
		v[n], r[n] = s*at.g[i], s*long*at.rate[i]
		n++
	}
	add(d.left)
	for _, at := range d.between {
		add(at)
	}
	add(end)
	if math.IsInf(v[0], 0) && v[n-1] == v[0] {
		return // for something infinite in it, which does not move
	}
	whole := through(v[:n], r[:n])
	for _, v := range whole.c {
		if math.IsNaN(v) {
			d.Undefined, d.UndefinedAt = i, d.from
			return
		}
	}
	if x, ok := d.firstRoot(&whole, 0, 1); ok {
		d.cross(i, d.from+(1-d.from)*x)
		return
	}
	off := touching * max(whole.ends())
	for k := range whole.n + 1 {
		whole.c[k] -= off
	}
	if a, b := whole.ends(); a > 0 && b > 0 {
		if x, ok := d.firstRoot(&whole, 0, 1); ok {
			d.touch(i, d.from+(1-d.from)*x)
		}
	}
}

// firstRoot is the first place in the part from a on, of length w, where the
// polynomial b of the part, which is positive at first, turns to zero or below. At
// the start of the step it counts as positive.
func (d *Detector) firstRoot(b *bernstein, a, w float64) (x float64, found bool) {
	first, last := b.ends()
	switch n := b.turns(); {
	case n == 0 && first > 0 || n == 1 && first <= 0: // it keeps above, or rises
		return 0, false
	case n == 0: // it leaves the tracked side at once
		return a, (1-d.from)*(a+w) > roundOff
	case n == 1 || w < shortest:
		if first <= 0 || last > 0 {
			return 0, false
		}
		rv, rw := b.slopes()
		return a + w*RootNewton(b.at, 0, 1, first, last, rv, rw, thetaTol), true
	}
	left, right := b.halves()
	if x, found = d.firstRoot(&left, a, w/2); found {
		return x, true
	}
	return d.firstRoot(&right, a+w/2, w/2)
}
