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

// Latin are n points of a Latin hypercube: each axis, cut in n parts, has one in each.
//
// M.D. McKay, R.J. Beckman, W.J. Conover, Technometrics 21, 239–245, 1979.
func (b Box) Latin(rng *rand.Rand, n int) []float64 {
	width := len(b.Lo)
	x := make([]float64, n*width)
	for axis := range width {
		for i, k := range rng.Perm(n) {
			x[i*width+axis] = b.Lo[axis] + (b.Hi[axis]-b.Lo[axis])*(float64(k)+rng.Float64())/float64(n)
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
func (b Box) Adaptive(ctx context.Context, rng *rand.Rand, n int, size func(ctx context.Context, x, m []float64) error) ([]float64, error) {
	drawn := int(share * float64(n))
	width := len(b.Lo)
	even := b.Latin(rng, n-drawn)
	if drawn == 0 {
		return even, nil
	}
	from := b.Latin(rng, candidates*n)
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
