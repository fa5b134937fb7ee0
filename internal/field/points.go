package field

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// Box is where points lie: its last axis is the time. An axis of no length has one place.
type Box struct{ Lo, Hi []float64 }

// candidates are so many for each point that is drawn by what is left of a condition, and
// share is the part of the points that are drawn so. The others fill the box evenly,
// which keeps what is left small where it is small now.
const (
	candidates = 4
	share      = 0.5
)

// at is the place on an axis for a number from 0 to 1.
func (b Box) at(axis int, v float64) float64 { return b.Lo[axis] + (b.Hi[axis]-b.Lo[axis])*v }

// Latin are n points of a Latin hypercube: each axis, cut in n parts, has one in each.
//
// M.D. McKay, R.J. Beckman, W.J. Conover, Technometrics 21, 239–245, 1979.
func (b Box) Latin(rng *rand.Rand, n int) []float64 {
	width := len(b.Lo)
	x := make([]float64, n*width)
	for axis := range width {
		for i, k := range rng.Perm(n) {
			x[i*width+axis] = b.at(axis, (float64(k)+rng.Float64())/float64(n))
		}
	}
	return x
}

// sobolNumbers are the direction numbers of the axes behind the first, with the inner
// coefficients of their primitive polynomials.
//
// S. Joe, F.Y. Kuo, SIAM J. Sci. Comput. 30, 2635–2654, 2008, table new-joe-kuo-6.
var sobolNumbers = []struct {
	a uint32
	m []uint32
}{{0, []uint32{1}}, {1, []uint32{1, 3}}, {1, []uint32{1, 3, 1}}}

// directions are those of an axis, for 32 bits.
func directions(axis int) (v [32]uint32) {
	if axis == 0 {
		for i := range v {
			v[i] = 1 << (31 - i)
		}
		return v
	}
	p := sobolNumbers[axis-1]
	s := len(p.m)
	for i := range v {
		if i < s {
			v[i] = p.m[i] << (31 - i)
			continue
		}
		v[i] = v[i-s] ^ v[i-s]>>s
		for k := 1; k < s; k++ {
			if p.a>>(s-1-k)&1 == 1 {
				v[i] ^= v[i-k]
			}
		}
	}
	return v
}

// Sobol are n points of a Sobol sequence, shifted by random digits, of at most four axes. Axes
// of no length take none of its dimensions.
func (b Box) Sobol(rng *rand.Rand, n int) []float64 {
	width, dim := len(b.Lo), 0
	x := make([]float64, n*width)
	for axis := range width {
		if b.Lo[axis] == b.Hi[axis] {
			for i := range n {
				x[i*width+axis] = b.Lo[axis]
			}
			continue
		}
		v, at := directions(dim), rng.Uint32()
		dim++
		for i := range n {
			x[i*width+axis] = b.at(axis, (float64(at)+0.5)/(1<<32))
			for k := range v { // Gray code: the lowest bit of i that is 0
				if i>>k&1 == 0 {
					at ^= v[k]
					break
				}
			}
		}
	}
	return x
}

// Adaptive are n points, of which a share is drawn from candidates with probabilities in
// proportion to size, and the others fill the box.
//
// C. Wu, M. Zhu, Q. Tan, Y. Kartha, L. Lu, Comput. Methods Appl. Mech. Engrg. 403, 115671,
// 2023, section 2.4 (RAD). The draw without replacement takes the largest of u^(1/w):
// P.S. Efraimidis, P.G. Spirakis, Information Processing Letters 97, 181–185, 2006.
func (b Box) Adaptive(ctx context.Context, rng *rand.Rand, n int, spread func(*rand.Rand, int) []float64, size func(ctx context.Context, x, m []float64) error) ([]float64, error) {
	drawn := int(share * float64(n))
	width := len(b.Lo)
	even := spread(rng, n-drawn)
	if drawn == 0 {
		return even, nil
	}
	from := spread(rng, candidates*n)
	m := make([]float64, candidates*n)
	if err := size(ctx, from, m); err != nil {
		return nil, err
	}
	order := make([]int, len(m))
	for i, v := range m {
		order[i] = i
		m[i] = math.Log(1-rng.Float64()) / math.Max(v, math.SmallestNonzeroFloat64)
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(m[j], m[i]) })
	for _, i := range order[:drawn] {
		even = append(even, from[i*width:][:width]...)
	}
	return even, nil
}
