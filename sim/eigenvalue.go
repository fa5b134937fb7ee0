package sim

import "math"

const (
	freshShare = 0.1 // of each direction's start that is new

	// difference is the length of a direction along which right-hand sides are
	// compared, in the scales of the states: the root of the round-off.
	difference = 0x1p-23
)

// eigenvalue estimates the eigenvalue of the Jacobian that is largest, by
// differences of the right-hand side along a direction that goes on from estimate to
// estimate (B.P. Sommeijer, L.F. Shampine, J.G. Verwer, J. Comput. Appl. Math. 88,
// 315–326, 1998), in Krylov spaces of dimension two, for pairs of complex
// eigenvalues.
type eigenvalue struct {
	*run
	re, im float64
	known  bool   // it was estimated in this run
	fresh  bool   // a1 is the product along v
	draws  uint64 // for parts of directions

	now     float64   // the time that the run has come to
	y, f    []float64 // the state there, and its derivative
	scale   []float64 // of each state
	shifted []float64 // where the right-hand side is compared
	v, q    []float64 // direction; the second of a pair
	a1, a2  []float64 // the products of the Jacobian with them
}

func newEigenvalue(r *run) eigenvalue {
	x, n := eigenvalue{run: r}, r.size.Y
	flat := make([]float64, 8*n)
	for i, v := range []*[]float64{&x.y, &x.scale, &x.f, &x.shifted, &x.v, &x.q, &x.a2, &x.a1} {
		*v = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return x
}

func (x *eigenvalue) reset() {
	x.re, x.im, x.known, x.draws = 0, 0, false, 0
	clear(x.v)
}

// at takes y and f for the state at time t and its derivative, and sets out from the
// last direction and, so that it is blind to no state, a part that is new and points
// away from zero.
func (x *eigenvalue) at(t float64) {
	x.now = t
	for i, y := range x.y {
		x.scale[i] = max(math.Abs(y), x.opt.atol(i)/x.opt.RTol)
	}
	share := freshShare
	if normalize(x.v) == 0 {
		share = 1
	}
	share /= math.Sqrt(float64(len(x.v)))
	for i, y := range x.y {
		x.draws = x.draws*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
		fresh := share * (0.5 + float64(x.draws>>33)*0x1p-31)
		if x.v[i] += math.Copysign(fresh, y+0); x.held[i] {
			x.v[i] = 0
		}
	}
}

// shows reports whether the product along the direction shows that the eigenvalue
// has grown, or, if none is known, that it may bound steps of length h.
func (x *eigenvalue) shows(h float64) bool {
	// Of a direction with a part in all states the product shows the eigenvalue
	// by 1/√n at least, about.
	long, vv := dot(x.a1, x.a1), dot(x.v, x.v)
	n := float64(len(x.v))
	return 16*n*h*h*long > vv && (!x.known || long > 4*(x.re*x.re+x.im*x.im)*vv)
}

// pair applies the Jacobian twice from the direction, which goes on to where that
// takes the eigenvector of the pair's Krylov space. It reports whether the products
// are finite.
func (x *eigenvalue) pair() bool {
	x.re, x.im = 0, 0
	norm := normalize(x.v)
	if norm == 0 {
		return true
	}
	if x.fresh { // the product is linear in v
		x.fresh = false
		for i := range x.a1 {
			x.a1[i] /= norm
		}
	} else if !x.product(x.v, x.a1) {
		return false
	}
	h11 := dot(x.v, x.a1)
	for i, a := range x.a1 {
		x.q[i] = a - h11*x.v[i]
	}
	h21 := normalize(x.q)
	if h21 <= 0.02*math.Abs(h11) || h21 == 0 {
		x.re = h11
		copy(x.v, x.a1)
		return true
	}
	if !x.product(x.q, x.a2) {
		return false
	}
	h12, h22 := dot(x.v, x.a2), dot(x.q, x.a2)
	mid, half := (h11+h22)/2, (h11-h22)/2
	if disc := half*half + h12*h21; disc >= 0 {
		x.re = mid + math.Copysign(math.Sqrt(disc), mid)
	} else {
		x.re, x.im = mid, math.Sqrt(-disc)
	}
	for i := range x.v {
		x.v[i] = (x.re-h22)*x.a1[i] + h21*x.a2[i]
	}
	return true
}

// product sets to to the Jacobian times a direction, both in the scales of the
// states. Where the right-hand side has no value on one side it looks at the other.
func (x *eigenvalue) product(v, to []float64) bool {
	for _, delta := range [...]float64{difference, -difference} {
		for i, y := range x.y {
			x.shifted[i] = y + delta*v[i]*x.scale[i]
		}
		x.rhs(x.now, x.shifted, to)
		for i := range to {
			to[i] = (to[i] - x.f[i]) / (delta * x.scale[i])
		}
		if finite(to) {
			return true
		}
	}
	return false
}

// fastest is the state, of the first count, that the eigenvector moves most, beside
// its value.
func (x *eigenvalue) fastest(count int) (state int) {
	most := 0.
	for i, y := range x.y[:count] {
		if part := math.Abs(x.v[i]) * x.scale[i] / math.Max(math.Abs(y), 1e-9*x.scale[i]); part > most {
			state, most = i, part
		}
	}
	return state
}

// normalize takes a vector to length 1 and returns what it had; one that is too
// short for that, or no vector of numbers, becomes 0.
func normalize(v []float64) float64 {
	norm := math.Sqrt(dot(v, v))
	if !(norm > 0x1p-400 && norm < 0x1p400) {
		clear(v)
		return 0
	}
	for i, inverse := 0, 1/norm; i < len(v); i++ {
		v[i] *= inverse
	}
	return norm
}
