package loss

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/lower"
)

// priors are negative log-densities of parameters and weights, over all measured values so
// that they weigh as in the posterior.
type priors struct {
	list   []lower.Prior
	o      *Objective
	coords []int // that have a row among residuals
}

// newPriors notes the coordinates that have a row of priors: the parameters, which may be
// arguments of priors too, and the weights that have one.
func newPriors(o *Objective) *priors {
	p := &priors{list: o.Prog.Model.Priors, o: o}
	if len(p.list) == 0 {
		return p
	}
	for i := range o.Space.Params {
		p.coords = append(p.coords, i)
	}
	for _, t := range o.Prog.Model.Layout.Weights {
		if at := o.Space.CoordinateOf(t); at >= 0 && t.Prior != nil {
			for k := range t.Shape.Size() {
				p.coords = append(p.coords, at+k)
			}
		}
	}
	return p
}

func (p *priors) terms() []string    { return nil }
func (p *priors) likelihood() bool   { return false }
func (p *priors) notSquares() string { return "" }

func (p *priors) total(e *evaluation, _ []float64) {
	if len(p.list) == 0 || len(e.trajectories) == 0 {
		return
	}
	o := p.o
	w := o.Workers[0]
	prog := &w.System.Priors
	scale := 1 / float64(max(o.Total, 1))
	sum := 0.
	done := map[[2]int]bool{} // by prior and key
	for t, it := range e.trajectories {
		if t > 0 && !p.perKey() {
			break
		}
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		prog.Run.Run()
		clear(prog.Ct)
		some := false
		for i, pr := range p.list {
			key := [2]int{i, -1}
			if k := o.Space.PerKeyIndex(pr.Param); pr.Param != nil && k >= 0 {
				key[1] = it.Keys[k]
			}
			if done[key] {
				continue
			}
			done[key] = true
			sum += prog.Run.Value[i]
			if e.grad != nil && prog.Ct != nil {
				prog.Ct[i] = scale
				some = true
			}
		}
		if some {
			w.System.ClearGradient()
			prog.VJP.Run()
			clear(w.PBar)
			clear(w.QBar)
			w.System.AddGradient(w.PBar, w.QBar)
			o.Space.Pullback(w.PBar, w.QBar, it, e.natural)
			for _, r := range o.Space.Weights {
				w.TakeWeights(e.grad[r.At:r.At+r.N], r.Off-o.Prog.Model.Layout.NPar, true)
			}
			w.ClearWeights()
		}
	}
	e.res.Loss += sum * scale
	e.report("priors", sum*scale)
}

// perKey reports whether a parameter with a value for each key has a prior.
func (p *priors) perKey() bool {
	return slices.ContainsFunc(p.list, func(x lower.Prior) bool { return x.Param != nil && x.Param.Per != nil })
}

// leastBend is the curvature of a prior, beside its slope, below which it counts as straight or
// bent the wrong way, as a Laplace density is and tails are. A step then goes about as far as
// a unit of the coordinate.
const leastBend = 1e-4

func (p *priors) rows() int { return len(p.coords) }

// squares sets one row for each coordinate that has a prior, whose square is
// the curvature of all priors along it, by differences of their gradient. Those of weights
// need one for all: a weight's prior does not read other weights.
func (p *priors) squares(x, r []float64, jac *mat.Dense, first int) (value float64) {
	if len(p.coords) == 0 {
		return 0
	}
	g, up, down := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	value = p.at(x, g)
	if jac == nil {
		return value
	}
	const h = 1e-4
	moved := append([]float64(nil), x...)
	along := func(list []int) {
		for k, to := range [2][]float64{up, down} {
			for _, i := range list {
				moved[i] = x[i] + h*float64(1-2*k)
			}
			p.at(moved, to)
		}
		for _, i := range list {
			moved[i] = x[i]
		}
	}
	row := func(k int) {
		i := p.coords[k]
		c := (up[i] - down[i]) / (2 * h)
		if !(c > leastBend*math.Abs(g[i])) {
			c = math.Abs(g[i])
		}
		if !(c > 0) || math.IsInf(c, 0) {
			return
		}
		r[first+k] = g[i] / math.Sqrt(c)
		jac.Set(first+k, i, math.Sqrt(c))
	}
	n := len(p.o.Space.Params)
	for k := range n {
		if !math.IsInf(x[k], 0) {
			along(p.coords[k : k+1])
			row(k)
		}
	}
	if weights := p.coords[n:]; len(weights) > 0 {
		along(weights)
		for k := range weights {
			row(n + k)
		}
	}
	p.at(x, g) // the inputs are those at x again
	return value
}

// at is the undivided loss of priors at x and its gradient by coordinates.
func (p *priors) at(x, g []float64) float64 {
	n := len(p.o.Space.Params)
	natural := make([]float64, n)
	value := p.by(x, g, natural)
	p.o.Space.Transforms.Pullback(g[:n], x[:n], natural)
	return value
}

// by is the undivided loss of priors at x and its gradient, g by weights and natural by
// the parameters themselves.
func (p *priors) by(x, g, natural []float64) float64 {
	o := p.o
	n := len(o.Space.Params)
	o.Space.Transforms.Forward(o.Natural, x[:n])
	o.bindAll(o.Space.SharedInputs(x, o.Natural, o.p))
	clear(g)
	clear(natural)
	e := evaluation{trajectories: o.Trajectories, x: x, grad: g, natural: natural}
	p.total(&e, nil)
	total := float64(max(o.Total, 1))
	floats.Scale(total, g)
	floats.Scale(total, natural)
	return e.res.Loss * total
}

// beside has the logarithm of the density: 0, and not -0, without priors.
func (p *priors) beside(b *Beside, loss float64, values int) {
	b.LogPrior = 0 - loss*float64(max(values, 1))
}
