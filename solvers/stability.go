package solvers

import (
	"math"
	"math/cmplx"
)

// Stability is the polynomial R, lowest power first, with which a step of length
// h multiplies the solution of y' = λy: by R(hλ), with 1 = R₀ and Rₖ = bᵀAᵏ⁻¹1.
//
// E. Hairer, G. Wanner, Solving ODEs II, IV.2.
func (m *Tableau) Stability() []float64 {
	s := m.Stages()
	v, next := make([]float64, s), make([]float64, s)
	for i := range v {
		v[i] = 1
	}
	r := []float64{1}
	for range s {
		sum := 0.
		for i, b := range m.B {
			sum += b * v[i]
		}
		r = append(r, sum)
		for i, row := range m.A {
			next[i] = 0
			for j, a := range row {
				next[i] += a * v[j]
			}
		}
		v, next = next, v
	}
	for len(r) > 1 && r[len(r)-1] == 0 {
		r = r[:len(r)-1]
	}
	return r
}

// Reach is how long h|λ| may be for a λ at an angle from the negative real axis
// so that neither this step nor a shorter one enlarges the solution by more than
// slack of it. Off the axis no method of order above one has a reach to the last
// digit, and round-off needs some slack on it.
func (m *Tableau) Reach(angle, slack float64) float64 {
	const step, most = 0.05, 100
	r := m.Stability()
	direction := -cmplx.Exp(complex(0, angle))
	stable := func(x float64) bool {
		z, v := direction*complex(x, 0), complex(0, 0)
		for k := len(r) - 1; k >= 0; k-- {
			v = v*z + complex(r[k], 0)
		}
		return cmplx.Abs(v) <= 1+slack
	}
	lo := 0.
	for lo < most && stable(lo+step) {
		lo += step
	}
	hi := lo + step
	for range 40 {
		if mid := (lo + hi) / 2; stable(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Min(lo, most)
}
