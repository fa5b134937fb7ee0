package estimate

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// bounded is what rows beside firings add to the curvature of the loss.
type bounded struct {
	curvature *mat.SymDense
	middle    *mat.VecDense // of the likelihood between the walls, from the estimate
	unit      float64       // of the loss
	events    []string      // whose firings rows bound
}

// bites is the part of what residuals and a wall tell of a distance that a wall must have to be named.
const bites = 0.1

// boundedBy is what rows beside firings tell at x; nil: nothing. Where the least loss lies at an edge, or
// rows alone tell a threshold, the curvature there says nothing of how far the data leave it open: the likelihood is cut off. Laplace's
// approximation is made of the logarithms of the distances instead, on which there are no edges: the mean and the
// standard deviation of a likelihood exp(−gd), d > 0, are 1/g so, as they are, and of a flat one of width D the latter is 0.35 D, for 0.29 D.
// The standard error is the deviation from the estimate, which is not the mean. A wall beyond what residuals leave open is none: its −ln d is −ln erf(d/√2s), with s the deviation that
// residuals leave to d.
func boundedBy(ctx context.Context, f *Fit, squares *loss.Squares, x []float64) (*bounded, error) {
	if len(f.prog.Model.Events) == 0 || len(x) > mostWalled {
		return nil, nil
	}
	l, err := linearisedAt(ctx, f, squares, x, f.ridge)
	if err != nil || l == nil {
		return nil, err
	}
	b := &bounded{curvature: mat.NewSymDense(len(x), nil), middle: mat.NewVecDense(len(x), nil), unit: l.unit}
	if !l.bite() {
		return b, b.bends(ctx, f, squares, l, x)
	}
	l.edges = slices.DeleteFunc(l.edges, func(e edge) bool { return !e.wall() })
	for k := range l.edges {
		e := &l.edges[k]
		e.off = math.Max(e.off, 1e-6*e.scale)
	}
	u := l.middle(x, f.ridge)
	b.middle = u
	for k := range l.edges {
		e := &l.edges[k]
		_, bend := e.slopes(e.at(u))
		b.curvature.SymRankOne(b.curvature, bend*l.unit, mat.NewVecDense(len(x), e.by))
		ev := f.prog.Model.Events[l.firings[e.of][e.nth].Event].Checked
		if told := bend * e.open * e.open; ev != nil && told/(1+told) > bites && !slices.Contains(b.events, ev.Name) {
			b.events = append(b.events, ev.Name)
		}
	}
	return b, nil
}

// at is the distance after a move of the coordinates.
func (e *edge) at(u *mat.VecDense) float64 {
	return e.off - e.sign*mat.Dot(mat.NewVecDense(len(e.by), e.by), u)
}

// slopes are the first and second derivative of a wall −ln erf(d/√2s).
func (e *edge) slopes(d float64) (slope, bend float64) {
	z := d / e.open
	ratio := 1 / z
	if z > 1e-4 {
		ratio = math.Sqrt(2/math.Pi) * math.Exp(-z*z/2) / math.Erf(z/math.Sqrt2)
	}
	return -e.weight() * ratio / e.open, e.weight() * (z*ratio + ratio*ratio) / (e.open * e.open)
}

// value is that of a wall.
func (e *edge) value(d float64) float64 {
	if !(d > 0) {
		return math.Inf(1)
	}
	if z := d / e.open; z > 1e-4 {
		return -e.weight() * math.Log(math.Erf(z/math.Sqrt2))
	}
	return -e.weight() * math.Log(d/e.open*math.Sqrt(2/math.Pi))
}

// middleSteps is how many steps of Newton's method are made between the walls.
const middleSteps = 100

// middle is the move from x to the least value of the loss and all walls, by the model of the loss at x.
func (l *linearised) middle(x, ridge []float64) *mat.VecDense {
	n := len(x)
	g, u := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	g.MulVec(l.jac.T(), mat.NewVecDense(len(l.r), l.r))
	for i := range ridge {
		g.SetVec(i, g.AtVec(i)+ridge[i]*x[i])
	}
	g.ScaleVec(1/l.unit, g)
	var h mat.SymDense
	l.normal.ToSym(&h)
	value := func(u *mat.VecDense) float64 {
		v := mat.Dot(g, u) + mat.Inner(u, &h, u)/2
		for k := range l.edges {
			v += l.edges[k].value(l.edges[k].at(u))
		}
		return v
	}
	now := value(u)
	for range middleSteps {
		var slope mat.VecDense
		slope.MulVec(&h, u)
		slope.AddVec(&slope, g)
		c := mat.NewSymDense(n, nil)
		c.CopySym(&h)
		for k := range l.edges {
			e := &l.edges[k]
			first, second := e.slopes(e.at(u))
			by := mat.NewVecDense(n, e.by)
			slope.AddScaledVec(&slope, -first*e.sign, by)
			c.SymRankOne(c, second, by)
		}
		var chol mat.Cholesky
		var step mat.VecDense
		if !chol.Factorize(c) {
			break
		}
		_ = chol.SolveVecTo(&step, &slope) // a poor condition is that of what residuals leave open
		fall := mat.Dot(&slope, &step)
		if !(fall > 1e-10) {
			break
		}
		t, next, v := 1., mat.NewVecDense(n, nil), math.Inf(1)
		for ; t > 1e-12; t /= 2 {
			next.AddScaledVec(u, -t, &step)
			if v = value(next); v <= now-1e-4*t*fall {
				break
			}
		}
		if !(v < now) {
			break
		}
		u, now = next, v
	}
	return u
}

// laplace is what the curvature h tells, to which rows beside firings are added; the parameters whose standard
// errors that changes are noted.
func laplace(f *Fit, h *mat.SymDense, beside *bounded, params, weights []int) (*fit.Uncertainty, error) {
	without, err := fit.Laplace(schur(h, params, weights))
	if err != nil || beside == nil {
		return without, err
	}
	h.AddSym(h, beside.curvature)
	with, err := fit.Laplace(schur(h, params, weights))
	if err != nil {
		return nil, err
	}
	f.walled = map[int]bool{}
	for k, i := range params {
		f.walled[i] = len(beside.events) > 0 && !(without.StdErr[k]*(1-bites/2) < with.StdErr[k])
	}
	f.beside = beside.events
	var across mat.VecDense
	across.MulVec(h, beside.middle)
	h.SymRankOne(h, -1/(beside.unit+mat.Dot(&across, beside.middle)), &across) // the inverse grows by the square of the middle
	return fit.Laplace(schur(h, params, weights))
}
