package field

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/fit"
)

// Sampler draws the points of all conditions and says what they weigh: by the number of the
// draw and the coordinates of the fit alone.
type Sampler struct {
	Box      Box // of the coordinates, then the time
	Inside   int // points at which equations are to hold
	Wall     int // at each side
	Start    int // at the start
	Latin    bool
	Data     []float64 // the places of rows, at which equations are to hold; nil: drawn
	Adaptive bool
	Balanced bool // conditions pull alike
	Even     bool // and no point of an equation pulls more than most of its points
	Causal   float64
	Weight   float64 // of the mean square of what is left of a condition
	Seed     uint64
}

// balanceOver is the number of points at which conditions are compared, pullsAtOnce of those whose
// derivatives are held at a time, and causalBins the bins of time for causal weights.
const (
	balanceOver = 64
	pullsAtOnce = 512
	causalBins  = 32
)

// Draw sets the points and weights of all conditions of an objective, so many times as many points as
// the sampler says.
func (s *Sampler) Draw(ctx context.Context, o *Objective, draw, times int, x []float64) error {
	more := *s
	more.Inside, more.Wall, more.Start = times*s.Inside, times*s.Wall, times*s.Start
	return more.draw(ctx, o, draw, x)
}

func (s *Sampler) draw(ctx context.Context, o *Objective, draw int, x []float64) error {
	var sizes []float64
	for k := range o.of.Conditions {
		p, err := s.points(ctx, o, k, draw, x)
		if err != nil {
			return err
		}
		e := o.sets[k].residuals
		p.Weight = slices.Repeat([]float64{1}, p.N*e)
		left := 1.
		if s.Even && o.of.Conditions[k].Kind == lower.Inside {
			if left, err = o.even(ctx, x, k, p); err != nil {
				return err
			}
		}
		if s.Balanced {
			size, err := o.pull(ctx, x, k, p)
			if err != nil {
				return err
			}
			sizes = append(sizes, left*size)
		}
		if s.Causal > 0 && draw > 0 && o.of.Conditions[k].Kind == lower.Inside {
			if err := s.causal(ctx, o, k, p, x); err != nil {
				return err
			}
		}
		o.Place(k, p)
	}
	most := 0.
	for _, v := range sizes {
		most = max(most, v)
	}
	for k := range o.sets {
		p := o.sets[k].Points
		w := math.Sqrt(s.Weight / float64(max(1, p.N)))
		if s.Balanced && sizes[k] > 0 {
			w *= most / sizes[k]
		}
		for i := range p.Weight {
			p.Weight[i] *= w
		}
	}
	return nil
}

// pull is the root mean square of the derivatives of what is left of a condition at a point:
// how it pulls at the weights of the network.
//
// S. Wang, X. Yu, P. Perdikaris, J. Comput. Phys. 449, 110768, 2022, algorithm 1.
func (o *Objective) pull(ctx context.Context, x []float64, k int, p Points) (float64, error) {
	few := Points{N: min(p.N, balanceOver)}
	step := max(1, p.N/max(1, few.N))
	for i := range few.N {
		few.X = append(few.X, p.X[i*step*o.width:][:o.width]...)
	}
	jac, err := o.derivatives(ctx, x, k, few)
	if jac == nil || err != nil {
		return 0, err
	}
	return mat.Norm(jac, 2) / math.Sqrt(float64(jac.RawMatrix().Rows)), nil
}

// derivatives are those of each residual of a condition at points by the coordinates of the fit; nil: there are none.
func (o *Objective) derivatives(ctx context.Context, x []float64, k int, p Points) (*mat.Dense, error) {
	p.Weight = slices.Repeat([]float64{1}, p.N*o.sets[k].residuals)
	one := o.alone(k, p)
	if one.rows == 0 {
		return nil, nil
	}
	jac := mat.NewDense(one.rows, o.Dim(), nil)
	res, err := one.Residuals(ctx, x, 1, make([]float64, one.rows), jac)
	if err == nil && res.Failed {
		err = errors.New(res.Reason.Reason)
	}
	return jac, err
}

// pulls are the sizes of the derivatives of each residual of a condition at points.
func (o *Objective) pulls(ctx context.Context, x []float64, k int, p Points) (list []float64, err error) {
	for from := 0; from < p.N; from += pullsAtOnce {
		jac, err := o.derivatives(ctx, x, k, Points{X: p.X[from*o.width:], N: min(pullsAtOnce, p.N-from)})
		if jac == nil || err != nil {
			return nil, err
		}
		for i := range jac.RawMatrix().Rows {
			list = append(list, floats.Norm(jac.RawRowView(i), 2))
		}
	}
	return list, nil
}

// even sets the weights of the points of a condition so that those which pull at the network more than
// most do not pull more, and returns which part of the pull of all of them is left: at a steep front an
// equation turns with the weights many times as fast as elsewhere, and a step that is short enough for it
// is too short for everything else.
func (o *Objective) even(ctx context.Context, x []float64, k int, p Points) (left float64, err error) {
	m, err := o.pulls(ctx, x, k, p)
	if err != nil {
		return 0, err
	}
	sum, n := 0., 0.
	for _, v := range m {
		if v > 0 {
			sum, n = sum+math.Log(v), n+1
		}
	}
	if n == 0 {
		return 1, nil
	}
	most := math.Exp(sum / n) // in the geometric mean
	var before, after float64
	for i, v := range m {
		p.Weight[i] /= math.Hypot(1, v/most)
		before, after = before+v*v, after+v*v*p.Weight[i]*p.Weight[i]
	}
	return math.Sqrt(after / before), nil
}

// alone is the objective of one condition at points.
func (o *Objective) alone(k int, p Points) *Objective {
	one := *o
	one.sets = slices.Clone(o.sets)
	for i := range one.sets {
		one.sets[i].Points = Points{}
	}
	one.tasks, one.sums = nil, nil
	one.Place(k, p)
	return &one
}

// causal multiplies weights by those of time: what is left of an equation counts where it is
// small before.
//
// S. Wang, S. Sankaran, P. Perdikaris, Comput. Methods Appl. Mech. Engrg. 421, 116813, 2024.
func (s *Sampler) causal(ctx context.Context, o *Objective, k int, p Points, x []float64) error {
	m := make([]float64, p.N)
	if err := o.Magnitudes(ctx, x, k, p, m); err != nil {
		return err
	}
	last := len(s.Box.Lo) - 1
	bin := func(i int) int {
		part := (p.X[i*o.width+last] - s.Box.Lo[last]) / (s.Box.Hi[last] - s.Box.Lo[last])
		return min(causalBins-1, max(0, int(part*causalBins)))
	}
	var sum, n [causalBins]float64
	for i, v := range m {
		sum[bin(i)] += v * v
		n[bin(i)]++
	}
	var weight [causalBins]float64
	before := 0.
	for i := range weight {
		weight[i] = math.Exp(-s.Causal * before / 2)
		if n[i] > 0 {
			before += sum[i] / n[i]
		}
	}
	e := o.sets[k].residuals
	for i := range p.Weight {
		p.Weight[i] *= weight[bin(i/e)]
	}
	return nil
}

// points are those of a condition.
func (s *Sampler) points(ctx context.Context, o *Objective, k, draw int, x []float64) (Points, error) {
	c := &o.of.Conditions[k]
	last := len(s.Box.Lo) - 1
	switch c.Kind {
	case lower.Inside:
		if s.Data != nil {
			return Points{X: s.Data, N: len(s.Data) / o.width}, nil
		}
		xs, err := s.drawn(ctx, o, s.Box, k, draw, x, s.Inside)
		return Points{X: xs, N: s.Inside}, err
	case lower.Start:
		b := s.Box.hold(last, s.Box.Lo[last])
		xs, err := s.drawn(ctx, o, b, k, draw, x, s.Start)
		return Points{X: xs, N: s.Start}, err
	}
	var all Points
	for j, w := range c.Sides {
		b := s.Box.hold(w.Axis, w.At)
		xs := s.spread(b)(s.stream(k, j, draw), s.Wall)
		if w.Where != nil {
			var err error
			if xs, err = s.where(o, b, k, j, draw, x); err != nil {
				return all, err
			}
		}
		all.X = append(all.X, xs...)
	}
	all.N = len(all.X) / o.width
	return all, nil
}

// hold is a box in which an axis has one place.
func (b Box) hold(axis int, at float64) Box {
	h := Box{slices.Clone(b.Lo), slices.Clone(b.Hi)}
	h.Lo[axis], h.Hi[axis] = at, at
	return h
}

// stream are the random numbers of the points of a condition.
func (s *Sampler) stream(k, side, draw int) *rand.Rand {
	return fit.Stream(s.Seed, "points", k, side, draw)
}

func (s *Sampler) spread(b Box) func(*rand.Rand, int) []float64 {
	if s.Latin {
		return b.Latin
	}
	return b.Sobol
}

// drawn are points in a box, after the first draw by what is left of a condition.
func (s *Sampler) drawn(ctx context.Context, o *Objective, b Box, k, draw int, x []float64, n int) ([]float64, error) {
	rng := s.stream(k, 0, draw)
	if draw == 0 || !s.Adaptive {
		return s.spread(b)(rng, n), nil
	}
	e := o.sets[k].residuals
	return b.Adaptive(ctx, rng, n, s.spread(b), func(ctx context.Context, at, m []float64) error {
		return o.Magnitudes(ctx, x, k, Points{X: at, Weight: slices.Repeat([]float64{1}, len(m)*e), N: len(m)}, m)
	})
}

// where are points at the part of a side where a condition holds.
func (s *Sampler) where(o *Objective, b Box, k, j, draw int, x []float64) ([]float64, error) {
	const tries = 64
	rng := s.stream(k, j, draw)
	var kept []float64
	for range tries {
		xs := s.spread(b)(rng, s.Wall)
		holds := make([]float64, s.Wall)
		if err := o.run(place.WallHolds(k, j).In(o.module), place.Value, x, xs, holds, 1); err != nil {
			return nil, err
		}
		for i, h := range holds {
			if h != 0 && len(kept) < s.Wall*o.width {
				kept = append(kept, xs[i*o.width:][:o.width]...)
			}
		}
		if len(kept) == s.Wall*o.width {
			return kept, nil
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("no point was found at the part of a side where `%s`", o.of.Conditions[k].Name)
	}
	// As many in every draw: the last ones again.
	for len(kept) < s.Wall*o.width {
		kept = append(kept, kept[len(kept)-o.width:]...)
	}
	return kept, nil
}

// Left is what is left of a condition: the root mean square at fresh points.
type Left struct {
	Name string
	RMS  float64
}

// Left says what is left of each condition at points that were never drawn, each condition
// weighing 1.
func (s *Sampler) Left(ctx context.Context, o *Objective, x []float64) (list []Left, err error) {
	even := *s
	even.Adaptive, even.Data = false, nil
	for k := range o.of.Conditions {
		p, err := even.points(ctx, o, k, fresh, x)
		if err != nil {
			return nil, err
		}
		p.Weight = slices.Repeat([]float64{1}, p.N*o.sets[k].residuals)
		m := make([]float64, p.N)
		if err := o.Magnitudes(ctx, x, k, p, m); err != nil {
			return nil, err
		}
		sum := 0.
		for _, v := range m {
			sum += v * v
		}
		list = append(list, Left{o.of.Conditions[k].Name, math.Sqrt(sum / float64(max(1, p.N)))})
	}
	return list, nil
}

// fresh is the number of a draw that no training makes.
const fresh = -1

// Sizes sets sizes to the root mean squares of the initial values of fields over the domain;
// what has none, or 0, stays.
func (s *Sampler) Sizes(o *Objective, x, sizes []float64) error {
	const places = 256
	last := len(s.Box.Lo) - 1
	at := s.Box.hold(last, s.Box.Lo[last]).Sobol(s.stream(0, 0, fresh), places)
	v := make([]float64, places*len(sizes))
	if err := o.run(place.FieldStart.In(o.module), place.Value, x, at, v, len(sizes)); err != nil {
		return err
	}
	for k := range sizes {
		sum := 0.
		for i := range places {
			sum += v[i*len(sizes)+k] * v[i*len(sizes)+k]
		}
		if sum > 0 {
			sizes[k] = math.Sqrt(sum / places)
		}
	}
	return nil
}
