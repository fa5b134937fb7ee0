package data

import (
	"fmt"
	"sort"

	"gonum.org/v1/gonum/interp"
)

// Interpolant is an input as a function of time. Outside of its times it keeps
// its first and last value.
type Interpolant struct {
	kind  string
	t, v  []float64
	cubic interp.NotAKnotCubic
}

// NewInterpolant interpolates a signal: "linear", "hold" (the last value
// given) or "cubic" (not-a-knot spline).
func NewInterpolant(s Signal, kind string) (*Interpolant, error) {
	if len(s.T) == 0 {
		return nil, fmt.Errorf("the input has no values")
	}
	p := &Interpolant{kind: kind}
	for i, t := range s.T {
		if n := len(p.t); n > 0 && p.t[n-1] == t { // the last of equal times counts
			p.v[n-1] = s.V[i]
			continue
		}
		p.t, p.v = append(p.t, t), append(p.v, s.V[i])
	}
	if kind == "cubic" {
		if len(p.t) < 3 {
			p.kind = "linear"
		} else if err := p.cubic.Fit(p.t, p.v); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// At is the value and its derivative at time t; at a knot those to the right.
func (p *Interpolant) At(t float64) (v, rate float64) {
	n := len(p.t)
	i := sort.Search(n, func(i int) bool { return p.t[i] > t }) - 1
	switch {
	case i < 0:
		return p.v[0], 0
	case i == n-1:
		return p.v[n-1], 0
	case p.kind == "hold":
		return p.v[i], 0
	case p.kind == "cubic":
		return p.cubic.Predict(t), p.cubic.PredictDerivative(t)
	}
	rate = (p.v[i+1] - p.v[i]) / (p.t[i+1] - p.t[i])
	return p.v[i] + rate*(t-p.t[i]), rate
}

// Knots are the times at which the signal or its derivative may jump.
func (p *Interpolant) Knots() []float64 {
	if p.kind == "cubic" {
		return []float64{p.t[0], p.t[len(p.t)-1]}
	}
	return p.t
}
