package events

import "math"

// Root returns a root of f in the bracket [a, b], where fa = f(a) and
// fb = f(b) differ in sign, to within tol; where f stays zero from its root on, as
// a saturation does, the place where that begins. It is the ITP method with its
// recommended constants: bisection's worst case, a superlinear usual one.
//
// I.F.D. Oliveira, R.H.C. Takahashi, ACM Trans. Math. Softw. 47(1), 5, 2020.
func Root(f func(float64) float64, a, b, fa, fb, tol float64) float64 {
	if fa == 0 {
		return a
	}
	sign := 1.
	if fa > 0 {
		sign = -1
	}
	// flat moves the end of the bracket to a zero, if f is zero before it too.
	flat := func(x float64) bool {
		before := max(x-2*tol, a)
		v := f(before)
		if sign*v < 0 {
			return false
		}
		b, fb = before, v
		return true
	}
	if fb == 0 && !flat(b) {
		return b
	}
	k1 := 0.2 / (b - a)
	half := math.Ceil(math.Log2((b - a) / (2 * tol)))
	most := int(max(half, 0)) + 1
	widest := math.Ldexp(tol, most+1)
	for j := 0; b-a > 2*tol && j <= most+60; j++ {
		mid := (a + b) / 2
		widest /= 2 // tol 2^(most−j)
		r := widest - (b-a)/2
		falsi := (fb*a - fa*b) / (fb - fa)
		delta := k1 * (b - a) * (b - a)
		side := 1.
		if mid < falsi {
			side = -1
		}
		x := mid
		if delta <= math.Abs(mid-falsi) {
			x = falsi + side*delta
		}
		if math.Abs(x-mid) > r {
			x = mid - side*max(r, 0)
		}
		if x <= a || x >= b {
			x = mid
		}
		if x <= a || x >= b { // the bracket is one ulp wide
			break
		}
		fx := f(x)
		switch {
		case fx == 0:
			if !flat(x) {
				return x
			}
		case sign*fx < 0:
			a, fa = x, fx
		default:
			b, fb = x, fx
		}
	}
	return (a + b) / 2
}

// RootNewton is Root for a function that tells its slope f' as well, of which
// fa' and fb' are those at the ends: Newton's method from the root of the inverse
// cubic Hermite interpolant or of a parabola, by what the cubic Hermite interpolant says of
// them, and Root where it leaves the bracket or does not converge.
func RootNewton(f func(float64) (v, slope float64), a, b, fa, fb, slopeA, slopeB, tol float64) float64 {
	if fa == 0 {
		return a
	}
	if fb == 0 && slopeB != 0 {
		return b
	}
	x := hermiteRoot(a, b, fa, fb, slopeA, slopeB)
	off := func(x float64) float64 { return math.Abs(hermite(x, a, b, fa, fb, slopeA, slopeB)) }
	if y := parabolaRoot(a, b, fa, fb, slopeA, slopeB); !(a < x && x < b) || off(y) < off(x) {
		x = y
	}
	for range 8 {
		if !(a < x && x < b) {
			break
		}
		v, slope := f(x)
		if v == 0 && slope != 0 {
			return x
		}
		if v != 0 && (v > 0) == (fa > 0) {
			a, fa = x, v
		} else {
			b, fb = x, v
		}
		step := v / slope
		x -= step
		// The slope may be that of a neighbouring function, so that the
		// error shrinks by a factor at least.
		if math.Abs(step) <= math.Sqrt(tol)/8 && a <= x && x <= b {
			return x
		}
	}
	return Root(func(x float64) float64 { v, _ := f(x); return v }, a, b, fa, fb, tol)
}

// hermiteRoot is where the cubic through both ends of the inverse function, with
// its slopes, meets zero; NaN if it has none there.
func hermiteRoot(a, b, fa, fb, slopeA, slopeB float64) float64 {
	u := fa / (fa - fb) // of the way from fa to fb
	d := fb - fa
	p, q := d/slopeA-(b-a), d/slopeB-(b-a)
	return a + u*(b-a) + u*(1-u)*((1-u)*p-u*q)
}

// hermite is the cubic through both ends with the slopes there, at x.
func hermite(x, a, b, fa, fb, slopeA, slopeB float64) float64 {
	u := (x - a) / (b - a)
	d := fb - fa
	p, q := slopeA*(b-a)-d, slopeB*(b-a)-d
	return fa + u*d + u*(1-u)*((1-u)*p-u*q)
}

// parabolaRoot is the root, between a and b, of the parabola through both ends whose slope
// changes by as much as that of the function: NaN if one of these has no bound.
func parabolaRoot(a, b, fa, fb, slopeA, slopeB float64) float64 {
	if fa < 0 { // it falls
		fa, fb, slopeA, slopeB = -fa, -fb, -slopeA, -slopeB
	}
	bend := (slopeB - slopeA) * (b - a) / 2
	slope := fb - fa - bend // at a, by the way from a to b
	root := math.Sqrt(slope*slope - 4*bend*fa)
	if slope <= 0 {
		return a + (b-a)*(2*fa/(root-slope))
	}
	return a - (b-a)*((slope+root)/(2*bend))
}
