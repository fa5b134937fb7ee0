package loss

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
)

// Curvature is that of the undivided loss by the parameters and weights themselves, each
// parameter in the unit of its coordinate at x (one of a coordinate is dp/du of a parameter): what is expected of
// the likelihood, from the derivatives of the residuals at x, and that of the priors.
//
// By the coordinates both parts have besides the slope of the loss times the bend of the map,
// d²p/du². The slopes cancel at an optimum, so that neither may be counted alone.
func (s *Squares) Curvature(x []float64, jac *mat.Dense) *mat.SymDense {
	h := mat.NewSymDense(len(x), nil)
	priors := s.parts[priorsPart].(*priors)
	if priors.rows() == 0 {
		h.SymOuterK(1, jac.T())
		return h
	}
	if s.tail > 0 {
		h.SymOuterK(1, jac.Slice(0, s.tail, 0, len(x)).T())
	}
	if end := s.tail + len(s.Space.Params); end < s.rows { // those of weights
		var rest mat.SymDense
		rest.SymOuterK(1, jac.Slice(end, s.rows, 0, len(x)).T())
		h.AddSym(h, &rest)
	}
	priors.addBend(x, h)
	return h
}

// priorStep is the step of the differences of slopes of priors, in coordinates.
const priorStep = 1e-4

// addBend adds the curvature of the priors by the parameters, in the units of their
// coordinates, by central differences of their slopes.
func (p *priors) addBend(x []float64, h *mat.SymDense) {
	sp := p.o.Space
	n := len(sp.Params)
	if n == 0 { // the priors are those of weights
		return
	}
	full := mat.NewDense(n, n, nil)
	at, g := append([]float64(nil), x...), make([]float64, len(x))
	up, down, pu, pd := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		if math.IsInf(x[i], 0) { // held at the end of its interval
			continue
		}
		at[i] = x[i] + priorStep
		p.by(at, g, up)
		sp.Transforms.Forward(pu, at[:n])
		at[i] = x[i] - priorStep
		p.by(at, g, down)
		sp.Transforms.Forward(pd, at[:n])
		at[i] = x[i]
		if !(pu[i] > pd[i]) {
			continue
		}
		own := sp.Transforms[i].Derivative(x[i])
		for j := range n {
			if !math.IsInf(x[j], 0) {
				full.Set(i, j, (up[j]-down[j])/(pu[i]-pd[i])*own*sp.Transforms[j].Derivative(x[j]))
			}
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			if v := (full.At(i, j) + full.At(j, i)) / 2; engine.Number(v) {
				h.SetSym(i, j, h.At(i, j)+v)
			}
		}
	}
	p.by(x, g, up) // the inputs are those at x again
}

// Censored reports whether an observation has limits beyond which a value says only that it
// is there. What is expected of the curvature of the others is not that of all then.
func Censored(o *Objective) bool {
	for _, x := range o.Prog.Checked.Model.Observes {
		if x.Below != nil || x.Above != nil {
			return true
		}
	}
	return false
}

// Observed is the curvature of the loss, times scale, by the chosen parameters and weights
// themselves, in the units of Curvature: by differences of gradients. bare is the objective without what it does besides.
func Observed(ctx context.Context, o *Objective, bare fit.Objective, x []float64, coords []int, scale float64) (*mat.SymDense, error) {
	g := make([]float64, len(x))
	if _, err := bare.Eval(ctx, x, nil, 1, g); err != nil {
		return nil, err
	}
	h, _, err := fit.Hessian(ctx, bare, x, coords, scale)
	if err != nil {
		return nil, err
	}
	for k, i := range coords {
		if i >= len(o.Space.Params) {
			continue
		}
		t := &o.Space.Transforms[i]
		if d := t.Derivative(x[i]); d > 0 {
			h.SetSym(k, k, h.At(k, k)-scale*g[i]*t.Second(x[i])/d)
		}
	}
	return h, nil
}
