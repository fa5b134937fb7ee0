package start

import (
	"math"
	"sort"
)

// Points are measured values of one quantity in order of time: values of one time are
// replicates. A weight is one over a variance, known or relative to the others.
type Points struct{ T, Y, W []float64 }

// Spline is a natural cubic spline over knots that ascend, by its values and second
// derivatives there. Beyond its ends it is straight.
type Spline struct{ t, g, m []float64 }

// At is the value at time t with its first two derivatives.
func (s *Spline) At(t float64) (v, rate, second float64) {
	n := len(s.t)
	if n == 1 {
		return s.g[0], 0, 0
	}
	i := min(max(sort.SearchFloat64s(s.t, t), 1), n-1) - 1 // t is in piece i, or beyond it
	h := s.t[i+1] - s.t[i]
	slope := (s.g[i+1] - s.g[i]) / h
	switch x := t - s.t[i]; {
	case x < 0:
		rate = slope - h/6*(2*s.m[i]+s.m[i+1])
		return s.g[i] + x*rate, rate, 0
	case x > h:
		rate = slope + h/6*(s.m[i]+2*s.m[i+1])
		return s.g[i+1] + (x-h)*rate, rate, 0
	default:
		a, b := x/h, 1-x/h
		v = b*s.g[i] + a*s.g[i+1] - h*h/6*(a*b)*((1+b)*s.m[i]+(1+a)*s.m[i+1])
		rate = slope + h/6*((1-3*b*b)*s.m[i]-(1-3*a*a)*s.m[i+1])
		return v, rate, b*s.m[i] + a*s.m[i+1]
	}
}

// smoother minimises Σ w (y − g)² + λ ∫ g″² over natural cubic splines g, in
// Reinsch's form: with Q the second differences of the values at the knots and R the
// Gram matrix of the hats, the second derivatives m at the inner knots are those of
//
//	(R + λ QᵀW⁻¹Q) m = Qᵀy,   and g = y − λ W⁻¹Q m.
//
// All matrices are banded, and the trace of the matrix that takes y to g needs the
// three central bands of an inverse only, so that each λ takes time of order n.
//
// C.H. Reinsch, Numer. Math. 10, 177–183, 1967; P.J. Green, B.W. Silverman,
// Nonparametric Regression and Generalized Linear Models, 1994, section 2.3;
// M.F. Hutchinson, F.R. de Hoog, Numer. Math. 47, 99–106, 1985.
type smoother struct {
	t, y, w []float64 // one for each time: the mean of its replicates, and the sum of their weights
	count   int       // of values, replicates included
	pure    float64   // weighted squares of replicates about their means

	r, k  [3][]float64 // bands of R and of QᵀW⁻¹Q: the diagonal, and those above it
	q     [3][]float64 // columns of Q: what inner knot j takes of values j, j+1 and j+2
	qy    []float64    // Qᵀy
	d     []float64    // of LDLᵀ
	l     [2][]float64 // below the diagonal
	m, wk []float64
	inv   [3][]float64 // bands of the inverse
}

// newSmoother joins replicates and lays out the matrices.
func newSmoother(p Points) *smoother {
	s := &smoother{count: len(p.T)}
	for i := 0; i < len(p.T); {
		var w, wy float64
		j := i
		for ; j < len(p.T) && p.T[j] == p.T[i]; j++ {
			w, wy = w+p.W[j], wy+p.W[j]*p.Y[j]
		}
		mean := wy / w
		for k := i; k < j; k++ {
			s.pure += p.W[k] * (p.Y[k] - mean) * (p.Y[k] - mean)
		}
		s.t, s.y, s.w = append(s.t, p.T[i]), append(s.y, mean), append(s.w, w)
		i = j
	}
	n := max(0, len(s.t)-2)
	for _, v := range []*[]float64{
		&s.r[0], &s.r[1], &s.r[2], &s.k[0], &s.k[1], &s.k[2], &s.q[0], &s.q[1], &s.q[2],
		&s.qy, &s.d, &s.l[0], &s.l[1], &s.m, &s.wk, &s.inv[0], &s.inv[1], &s.inv[2],
	} {
		*v = make([]float64, n)
	}
	for j := range n {
		a, b := s.t[j+1]-s.t[j], s.t[j+2]-s.t[j+1]
		s.q[0][j], s.q[1][j], s.q[2][j] = 1/a, -1/a-1/b, 1/b
		s.r[0][j], s.r[1][j] = (a+b)/3, b/6
		s.qy[j] = (s.y[j+2]-s.y[j+1])/b - (s.y[j+1]-s.y[j])/a
	}
	for j := range n {
		for i := range 3 {
			for e := 0; e+i < 3; e++ { // value j+i+e is the e-th of knot j+i and the (e+i)-th of knot j
				if j+i < n {
					s.k[i][j] += s.q[e][j+i] * s.q[e+i][j] / s.w[j+i+e]
				}
			}
		}
	}
	return s
}

// solve finds the second derivatives at λ, and returns the weighted sum of squares
// and the trace of the matrix that smooths.
func (s *smoother) solve(lambda float64) (squares, trace float64) {
	n := len(s.m)
	if n == 0 {
		return s.pure, float64(len(s.t))
	}
	for j := range n { // LDLᵀ
		s.d[j] = s.r[0][j] + lambda*s.k[0][j]
		s.l[0][j], s.l[1][j] = s.r[1][j]+lambda*s.k[1][j], lambda*s.k[2][j]
		if j > 0 {
			s.d[j] -= s.l[0][j-1] * s.l[0][j-1] * s.d[j-1]
			s.l[0][j] -= s.l[0][j-1] * s.l[1][j-1] * s.d[j-1]
		}
		if j > 1 {
			s.d[j] -= s.l[1][j-2] * s.l[1][j-2] * s.d[j-2]
		}
		s.l[0][j] /= s.d[j]
		s.l[1][j] /= s.d[j]
	}
	for j := range n {
		s.wk[j] = s.qy[j]
		if j > 0 {
			s.wk[j] -= s.l[0][j-1] * s.wk[j-1]
		}
		if j > 1 {
			s.wk[j] -= s.l[1][j-2] * s.wk[j-2]
		}
	}
	for j := n - 1; j >= 0; j-- {
		l1, l2, v1, v2 := 0., 0., [3]float64{}, [3]float64{}
		s.m[j] = s.wk[j] / s.d[j]
		if j+1 < n {
			l1, v1 = s.l[0][j], [3]float64{s.inv[0][j+1], s.inv[1][j+1]}
			s.m[j] -= l1 * s.m[j+1]
		}
		if j+2 < n {
			l2, v2 = s.l[1][j], [3]float64{s.inv[0][j+2]}
			s.m[j] -= l2 * s.m[j+2]
		}
		s.inv[2][j] = -l1*v1[1] - l2*v2[0]
		s.inv[1][j] = -l1*v1[0] - l2*v1[1]
		s.inv[0][j] = 1/s.d[j] - l1*s.inv[1][j] - l2*s.inv[2][j]
	}
	rough := 0. // tr(B⁻¹ QᵀW⁻¹Q)
	for j := range n {
		rough += s.inv[0][j] * s.k[0][j]
		if j+1 < n {
			rough += 2 * s.inv[1][j] * s.k[1][j]
		}
		if j+2 < n {
			rough += 2 * s.inv[2][j] * s.k[2][j]
		}
	}
	squares = s.pure
	for i := range s.t {
		e := lambda * s.bend(i) / s.w[i]
		squares += s.w[i] * e * e
	}
	return squares, float64(len(s.t)) - lambda*rough
}

// bend is element i of Q m.
func (s *smoother) bend(i int) (v float64) {
	for e := range 3 {
		if j := i - e; j >= 0 && j < len(s.m) {
			v += s.q[e][j] * s.m[j]
		}
	}
	return v
}

// spline is the spline at the λ that was solved last.
func (s *smoother) spline(lambda float64) *Spline {
	out := &Spline{s.t, make([]float64, len(s.t)), make([]float64, len(s.t))}
	for i := range s.t {
		out.g[i] = s.y[i] - lambda*s.bend(i)/s.w[i]
	}
	if len(s.m) > 0 {
		copy(out.m[1:], s.m)
	}
	return out
}

// Curve is a smooth curve through measured values, in pieces between times at which
// the quantity may jump.
type Curve struct {
	pieces  []*Spline
	from    []float64 // where they start; the first counts for all times before
	Lambda  float64
	Trace   float64 // effective number of parameters
	Squares float64 // weighted sum of squared residuals
	Values  int

	First, Last float64 // times of values
}

// Variance is the estimate of the variance of a value of weight 1, which is 1 where
// weights are one over true variances; NaN where there are no more values than
// parameters.
//
// G. Wahba, J. R. Stat. Soc. B 45, 133–150, 1983, eq. 1.9.
func (c *Curve) Variance() float64 {
	if free := float64(c.Values) - c.Trace; free > 0.5 {
		return c.Squares / free
	}
	return math.NaN()
}

// At is the value at time t with its first two derivatives; at the start of a piece
// those to the right.
func (c *Curve) At(t float64) (v, rate, second float64) {
	i := sort.Search(len(c.from), func(i int) bool { return c.from[i] > t })
	return c.pieces[max(i-1, 0)].At(t)
}

// Before is At just before time t: at the start of a piece what the piece before ends
// with.
func (c *Curve) Before(t float64) (v, rate, second float64) {
	return c.pieces[max(sort.SearchFloat64s(c.from, t)-1, 0)].At(t)
}

// Smooth draws smooth curves through values in pieces of one quantity, with one
// smoothing parameter. Where the weights are one over known variances it is the one of least
// unbiased risk, Σ w r² + 2 tr A; else that of generalised cross-validation,
// n Σ w r²/(n − tr A)², both of P. Craven, G. Wahba, Numer. Math. 31, 377–403, 1979. Pieces
// without a value are left out; where there is none at all there is no curve, nil.
func Smooth(pieces []Points, from []float64, known bool) *Curve {
	var list []*smoother
	c := &Curve{}
	for i, p := range pieces {
		if len(p.T) == 0 {
			continue
		}
		s := newSmoother(p)
		if c.Values == 0 {
			c.First = p.T[0]
		}
		c.Last = p.T[len(p.T)-1]
		list, c.from, c.Values = append(list, s), append(c.from, from[i]), c.Values+s.count
	}
	if c.Values == 0 {
		return nil
	}
	solve := func(lambda float64) (squares, trace float64) {
		for _, s := range list {
			a, b := s.solve(lambda)
			squares, trace = squares+a, trace+b
		}
		return squares, trace
	}
	n := float64(c.Values)
	score := func(u float64) float64 {
		squares, trace := solve(math.Exp(u))
		switch {
		case known:
			return squares + 2*trace
		case n-trace < 1e-6*n:
			return math.Inf(1)
		}
		return n * squares / ((n - trace) * (n - trace))
	}
	c.Lambda = math.Exp(leastIn(score, logScale(list)))
	c.Squares, c.Trace = solve(c.Lambda)
	for _, s := range list {
		c.pieces = append(c.pieces, s.spline(c.Lambda))
	}
	return c
}

// logScale is the logarithm of the λ at which R and λ QᵀW⁻¹Q are of one size.
func logScale(list []*smoother) float64 {
	var r, k float64
	for _, s := range list {
		for j := range s.m {
			r, k = r+s.r[0][j], k+s.k[0][j]
		}
	}
	if r == 0 || k == 0 {
		return 0
	}
	return math.Log(r / k)
}

// How far from the scale of the matrices λ is looked for, in natural logarithms: between
// interpolation and a straight line, for any spacing of the knots. The grid finds the
// basin of the least score.
const (
	lambdaBelow, lambdaAbove = 16, 26
	lambdaGrid               = 43
)

// leastIn is the place of the least score near u₀: that of a grid, then by golden
// sections.
func leastIn(score func(u float64) float64, u0 float64) float64 {
	step := float64(lambdaBelow+lambdaAbove) / (lambdaGrid - 1)
	best, at := math.Inf(1), u0
	for i := range lambdaGrid {
		u := u0 - lambdaBelow + step*float64(i)
		if v := score(u); v < best {
			best, at = v, u
		}
	}
	golden := (math.Sqrt(5) - 1) / 2
	lo, hi := at-step, at+step
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	va, vb := score(a), score(b)
	for hi-lo > 1e-4 {
		if va <= vb {
			hi, b, vb = b, a, va
			a = hi - golden*(hi-lo)
			va = score(a)
		} else {
			lo, a, va = a, b, vb
			b = lo + golden*(hi-lo)
			vb = score(b)
		}
	}
	return (lo + hi) / 2
}
