// Package collocation has the coefficients of implicit Runge–Kutta methods that are
// collocation at the nodes of a quadrature, of any number of stages.
package collocation

import "math"

// Gauss has the q stages of the method of order 2q: row i of the first q rows holds
// Aᵢⱼ = ∫₀^cᵢ ℓⱼ, the last the weights bⱼ = ∫₀¹ ℓⱼ; cᵢ is the sum of row i.
//
// E. Hairer, S.P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd ed.,
// II.7; the nodes are the zeros of the Legendre polynomial of degree q.
func Gauss(q int) []float64 {
	nodes := make([]*node, q)
	w := make([]float64, q)
	for i := range nodes {
		angle := math.Pi * (float64(i) + 0.75) / (float64(q) + 0.5)
		if angle > math.Pi/2 { // the mirror image of one before
			m := *nodes[q-1-i]
			m.sign = -1
			nodes[i], w[i] = &m, w[q-1-i]
			continue
		}
		n := zero(angle, q, func(n *node) (f, slope float64) { return n.p[q], n.slope(q) })
		d := n.slope(q)
		nodes[i], w[i] = n, 2/(n.off*(2-n.off)*d*d)
	}
	return table(nodes, w)
}

// Radau has the stages of the method RadauIIA of order 2q − 1, as Gauss; the last of them
// is the end of the step, so that the last two rows are alike. Its nodes are the zeros of
// P_q − P_{q−1}.
func Radau(q int) []float64 {
	nodes := make([]*node, q)
	w := make([]float64, q)
	for i := range nodes {
		n := newNode(0, 1, q)
		if i > 0 {
			n = zero(2*math.Pi*float64(i)/float64(2*q-1), q, func(n *node) (f, slope float64) {
				sign := n.sign // of degree q against degree q − 1 at the mirrored place
				return n.p[q] - sign*n.p[q-1], n.slope(q) - sign*n.slope(q-1)
			})
		}
		nodes[i] = n
		above := 2 - n.off // 1 + z
		if n.sign < 0 {
			above = n.off
		}
		scale := float64(q) * n.p[q-1]
		w[i] = above / (scale * scale)
	}
	return table(nodes, w)
}

// node is a place z = ±(1 − off) in [−1, 1] with the Legendre polynomials at |z| and their
// differences, which keep their digits where z is near an end: nodes crowd there as 1/q².
type node struct {
	off, sign float64
	p, d      []float64 // Pₖ and Pₖ − Pₖ₋₁
}

func newNode(off, sign float64, n int) *node {
	x := &node{off, sign, make([]float64, n+2), make([]float64, n+2)}
	x.p[0], x.p[1], x.d[1] = 1, 1-off, -off
	for k := 1; k <= n; k++ {
		c := float64(k)
		x.d[k+1] = (c*x.d[k] - (2*c+1)*off*x.p[k]) / (c + 1)
		x.p[k+1] = x.p[k] + x.d[k+1]
	}
	return x
}

// slope is the derivative of Pₖ at |z|, inside: k (Pₖ₋₁ − |z| Pₖ)/(1 − z²).
func (x *node) slope(k int) float64 {
	if k == 0 {
		return 0
	}
	return float64(k) * (x.off*x.p[k] - x.d[k]) / (x.off * (2 - x.off))
}

// zero is the node near cos(angle) where f vanishes, by Newton's method.
func zero(angle float64, n int, f func(x *node) (f, slope float64)) *node {
	sign := 1.
	if angle > math.Pi/2 {
		sign, angle = -1, math.Pi-angle
	}
	half := math.Sin(angle / 2)
	x := newNode(2*half*half, sign, n)
	for range 20 {
		v, slope := f(x)
		step := v / slope // |z| moves by −step
		x = newNode(x.off+step, sign, n)
		if math.Abs(step) < 1e-16*x.off {
			break
		}
	}
	return x
}

// table integrates the Lagrange polynomials of nodes, which fall, with the weights of their
// quadrature on [−1, 1]: their series in Legendre polynomials is
// ℓⱼ = wⱼ Σₖ (k + ½) Pₖ(zⱼ) Pₖ, with (2k + 1) ∫ Pₖ = Pₖ₊₁ − Pₖ₋₁.
func table(nodes []*node, w []float64) []float64 {
	q := len(nodes)
	out := make([]float64, (q+1)*q)
	for i, x := range nodes {
		above := 2 - x.off
		if x.sign < 0 {
			above = x.off
		}
		row := out[(q-1-i)*q : (q-i)*q]
		for j, y := range nodes {
			sum, lost, sign := above, 0., y.sign // that of Pₖ₊₁(zᵢ) Pₖ(zⱼ)
			for k := 1; k < q; k++ {
				term := sign * y.p[k] * (x.d[k+1] + x.d[k])
				sign *= x.sign * y.sign
				was := sum
				sum += term
				lost += term - (sum - was)
			}
			row[q-1-j] = w[j] / 4 * (sum + lost)
		}
	}
	for j := range w {
		out[q*q+q-1-j] = w[j] / 2
	}
	return out
}
