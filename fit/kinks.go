package fit

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Kinked is a loss in which some residuals count by their size and not by their square, as
// those of double exponential noise do.
type Kinked interface {
	Residuals
	// Linear is Residuals with these residuals as they are, where Residuals has those of a
	// parabola that touches the loss from above.
	Linear(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (Result, error)
	// Kinks lists pairs of rows of Linear: that of such a residual r, and that of its
	// factor ω. Its part of the loss is ω|r|.
	Kinks() [][2]int
}

// sizes are the terms |ζ| of a loss, and where they lead along the free coordinates.
type sizes struct {
	of    Kinked
	value []float64  // ζ
	slope *mat.Dense // dζ/dx
	bend  []float64  // Σ (dζ/dx)², by coordinate

	u, v, y []float64 // parts of ζ + slope·q above and below zero; multipliers
}

// linear are the residuals of a problem, those with kinks as they are.
func (p *Problem) linear() func(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (Result, error) {
	if k, ok := p.Loss.(Kinked); p.Kinks && ok {
		return k.Linear
	}
	return p.Loss.Residuals
}

// newSizes makes room for those of a problem; nil: there are none.
func newSizes(p *Problem, free int) *sizes {
	of, ok := p.Loss.(Kinked)
	if !p.Kinks || !ok || len(of.Kinks()) == 0 || free == 0 {
		return nil
	}
	m := len(of.Kinks())
	return &sizes{
		of: of, value: make([]float64, m), slope: mat.NewDense(m, free, nil), bend: make([]float64, free),
		u: make([]float64, m), v: make([]float64, m), y: make([]float64, m),
	}
}

// take moves the terms out of residuals, and out of their derivatives unless these are nil, of which the free columns stand first.
func (k *sizes) take(r []float64, jac *mat.Dense) (sum float64) {
	if jac != nil {
		clear(k.bend)
	}
	for i, at := range k.of.Kinks() {
		by := r[at[1]]
		k.value[i] = by * r[at[0]]
		sum += math.Abs(k.value[i])
		r[at[0]], r[at[1]] = 0, 0
		if jac == nil {
			continue
		}
		from, to := jac.RawRowView(at[0]), k.slope.RawRowView(i)
		for c := range to {
			to[c] = by * from[c]
			k.bend[c] += to[c] * to[c]
		}
		clear(from)
	}
	return sum
}

// gradient adds the derivative of the terms to g, with that of |ζ| at zero as zero.
func (k *sizes) gradient(g []float64) {
	for i, v := range k.value {
		switch {
		case v > 0:
			floats.Add(g, k.slope.RawRowView(i))
		case v < 0:
			floats.Sub(g, k.slope.RawRowView(i))
		}
	}
}

// at is Σ|ζ + slope·q|.
func (k *sizes) at(q []float64) (sum float64) {
	for i, v := range k.value {
		sum += math.Abs(v + floats.Dot(k.slope.RawRowView(i), q))
	}
	return sum
}

// The interior-point method for a step: the share of complementarity that an iteration
// aims at, of the way to the boundary that it goes, and what is left at the end.
const (
	mostCentral  = 80
	centralShare = 0.1
	toBoundary   = 0.99
	leftOver     = 1e-13
)

// step sets q to the minimum of gᵀq + ½qᵀhq + Σ|ζ + slope·q/s|, with h positive definite: the
// size of a sum is split into its parts above and below zero, u and v, whose multipliers
// are 1 − y and 1 + y (R. Koenker, S. Portnoy, Statistical Science 12, 279–300, 1997, section 5).
func (k *sizes) step(q, g []float64, h *mat.SymDense, s []float64) bool {
	n, m := len(q), len(k.value)
	clear(q)
	a := mat.NewDense(m, n, nil)
	total := 0.
	for i, z := range k.value {
		for c, v := range k.slope.RawRowView(i) {
			a.Set(i, c, v/s[c])
		}
		total += math.Abs(z)
	}
	room := 1e-2 * math.Max(total/float64(m), 1e-6)
	for i, z := range k.value {
		k.u[i], k.v[i], k.y[i] = math.Max(z, 0)+room, math.Max(-z, 0)+room, 0
	}
	inner := mat.NewSymDense(n, nil)
	var chol mat.Cholesky
	rest, dq, rho, dy := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil), make([]float64, m), make([]float64, m)
	du, dv := make([]float64, m), make([]float64, m)
	for range mostCentral {
		mu := 0.
		for i, y := range k.y {
			mu += k.u[i]*(1-y) + k.v[i]*(1+y)
		}
		rest.MulVec(h, mat.NewVecDense(n, q))
		rest.AddVec(rest, mat.NewVecDense(n, g))
		dq.MulVec(a.T(), mat.NewVecDense(m, k.y))
		rest.AddVec(rest, dq)
		if mu < leftOver*(1+total) && mat.Norm(rest, math.Inf(1)) < 1e-9*(1+floats.Norm(g, math.Inf(1))) {
			return true
		}
		mu *= centralShare / float64(2*m)
		inner.CopySym(h)
		rest.ScaleVec(-1, rest)
		for i, y := range k.y {
			above, below := 1-y, 1+y
			theta := k.u[i]/above + k.v[i]/below
			row := a.RawRowView(i)
			rho[i] = -(k.value[i] + floats.Dot(row, q) - k.u[i] + k.v[i]) + mu/above - k.u[i] - mu/below + k.v[i]
			inner.SymRankOne(inner, 1/theta, mat.NewVecDense(n, row))
			rest.AddScaledVec(rest, rho[i]/theta, mat.NewVecDense(n, row))
		}
		if !chol.Factorize(inner) {
			return false
		}
		if err := chol.SolveVecTo(dq, rest); err != nil {
			if _, poor := err.(mat.Condition); !poor {
				return false
			}
		}
		step := 1.
		for i, y := range k.y {
			above, below := 1-y, 1+y
			dy[i] = (floats.Dot(a.RawRowView(i), dq.RawVector().Data) - rho[i]) / (k.u[i]/above + k.v[i]/below)
			du[i] = mu/above - k.u[i] + k.u[i]/above*dy[i]
			dv[i] = mu/below - k.v[i] - k.v[i]/below*dy[i]
			step = min(step, reach(k.u[i], du[i]), reach(k.v[i], dv[i]), reach(above, -dy[i]), reach(below, dy[i]))
		}
		floats.AddScaled(q, step, dq.RawVector().Data)
		floats.AddScaled(k.u, step, du)
		floats.AddScaled(k.v, step, dv)
		floats.AddScaled(k.y, step, dy)
	}
	return true // what it has is a step, whose fall is what it is
}

// reach is how far a positive number may go along a change.
func reach(v, change float64) float64 {
	if change >= 0 {
		return math.Inf(1)
	}
	return toBoundary * v / -change
}
