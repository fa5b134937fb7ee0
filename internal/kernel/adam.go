package kernel

import "math"

// AdamStep has the numbers of a step of Adam: the factors of the old means of
// the gradient and of its square and of what is added to them, the learning
// rate and the factor of the root of the mean square, both corrected for the
// start at zero, and what keeps the quotient finite.
type AdamStep struct{ KeepM, AddM, KeepV, AddV, Rate, Root, Eps float64 }

// Adam sets m to keepM m0 + addM g, v to keepV v0 + addV g², and x to
// x0 − rate m/(root √v + eps), for all coordinates. Each of x, m and v may be
// the same as its old value.
func Adam(x, m, v, x0, m0, v0, g []float64, s *AdamStep) {
	n := len(g)
	adamFast(x[:n], m[:n], v[:n], x0[:n], m0[:n], v0[:n], g, s)
}

func adamGo(x, m, v, x0, m0, v0, g []float64, s *AdamStep) {
	for i, gi := range g { // conversions forbid fusing
		mi := float64(s.KeepM*m0[i]) + float64(s.AddM*gi)
		vi := float64(s.KeepV*v0[i]) + float64(float64(s.AddV*gi)*gi)
		m[i], v[i] = mi, vi
		x[i] = x0[i] - float64(s.Rate*mi)/(float64(s.Root*math.Sqrt(vi))+s.Eps)
	}
}
