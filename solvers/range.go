package solvers

import "math"

// Bernstein are the weights of the stage derivatives in the Bernstein form of the
// dense output: with the n+1 numbers cₘ = y₀ + h Σᵢ w[m][i] kᵢ,
//
//	y(t+θh) = Σₘ C(n,m) θᵐ (1−θ)ⁿ⁻ᵐ cₘ,
//
// which lies between the least and the largest of them; its derivative by time does
// so with the n numbers n (cₘ₊₁ − cₘ)/h.
func (m *Tableau) Bernstein() [][]float64 {
	n := len(m.Dense[0])
	w := make([][]float64, n+1)
	for k := range w {
		for _, p := range m.Dense {
			sum := 0.
			for j := range k {
				sum += elevation(k, j+1, n) * p[j]
			}
			w[k] = append(w[k], sum)
		}
	}
	return w
}

// elevation is C(m,k)/C(n,k), the share of the power k in Bernstein coefficient m of
// degree n.
func elevation(m, k, n int) float64 {
	v := 1.
	for i := range k {
		v *= float64(m-i) / float64(n-i)
	}
	return v
}

// maxDegree bounds the degree of a dense output.
const maxDegree = 8

// expansion is the dense output of a step as powers of θ: y₀ + h Σⱼ c[j] θʲ⁺¹.
type expansion struct {
	c          [][]float64
	size, rate []float64                                            // of what is added up in y and y'
	share      [maxDegree + 1][maxDegree + 1][maxDegree + 1]float64 // elevation(m, k, n) by n, m, k
}

// Expand prepares Range for the step that stands.
func (s *Stepper) Expand() {
	e := s.exp
	if e == nil {
		n := len(s.tab.Dense[0])
		e = &expansion{c: matrix(n, s.n), size: make([]float64, s.n), rate: make([]float64, s.n)}
		for _, d := range []int{n - 1, n} {
			for m := range d + 1 {
				for k := range m + 1 {
					e.share[d][m][k] = elevation(m, k, d)
				}
			}
		}
		s.exp = e
	}
	for _, c := range e.c {
		clear(c)
	}
	for l, y := range s.Y[0] {
		e.size[l], e.rate[l] = math.Abs(y), 0
	}
	for i, k := range s.K {
		size, rate := 0., 0.
		for j, p := range s.tab.Dense[i] {
			size += math.Abs(p)
			rate += float64(j+1) * math.Abs(p)
			if p == 0 {
				continue
			}
			for l, f := range k {
				e.c[j][l] = math.FMA(p, f, e.c[j][l])
			}
		}
		for l, f := range k {
			e.size[l] += s.H * size * math.Abs(f)
			e.rate[l] += rate * math.Abs(f)
		}
	}
}

// slack is what round-off may add to a dense output, beside what is added up in it.
const slack = 0x1p-49

// Range sets bounds of the dense output over T + [a, b]H, and of its derivative by
// time, by the Bernstein form there. Expand comes before, once for each step.
func (s *Stepper) Range(a, b float64, lo, hi, rateLo, rateHi []float64) {
	e := s.exp
	n, w := len(e.c), b-a
	var p, q [maxDegree + 1]float64
	for l := range lo {
		p[0] = 0
		for j, c := range e.c {
			p[j+1] = c[l]
		}
		for i := range n { // the same in powers of θ − a
			for j := n - 1; j >= i; j-- {
				p[j] = math.FMA(a, p[j+1], p[j])
			}
		}
		scale := 1.
		for j := range n + 1 { // and of (θ − a)/w
			if j < n {
				q[j] = float64(j+1) * p[j+1] * scale
			}
			p[j] *= scale
			scale *= w
		}
		least, most := hull(&p, n, &e.share[n])
		pad := slack * e.size[l]
		lo[l], hi[l] = math.FMA(s.H, least, s.Y[0][l])-pad, math.FMA(s.H, most, s.Y[0][l])+pad
		least, most = hull(&q, n-1, &e.share[n-1])
		pad = slack * e.rate[l]
		rateLo[l], rateHi[l] = least-pad, most+pad
	}
}

// hull is the range of the Bernstein coefficients of a polynomial of degree n.
func hull(p *[maxDegree + 1]float64, n int, share *[maxDegree + 1][maxDegree + 1]float64) (lo, hi float64) {
	lo, hi = p[0], p[0]
	for m := 1; m <= n; m++ {
		v := p[0]
		for k := 1; k <= m; k++ {
			v = math.FMA(share[m][k], p[k], v)
		}
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	return lo, hi
}
