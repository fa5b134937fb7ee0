package step

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff/interval"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// watch proves of a step that no guard crosses in it.
type watch struct{ *builder }

// calm is 1 if it is proved that no guard of the model crosses inside of the step,
// and no intensity is negative over it. side has the side of each guard, or 0 for
// one that is not watched.
func (s *watch) calm(y, k []*ir.Node) *ir.Node {
	b := s.b
	calm := b.Const(1)
	for i := range s.Events {
		if e := s.Events[i]; e.Rate != nil {
			was, is := b.Elem(y[0], e.Likelihood-1), b.Elem(y[s.m.End], e.Likelihood-1)
			least := b.Sub(was, b.Mul(b.Const(s.m.Slack), b.Add(b.Const(1), was)))
			calm = b.Mul(calm, b.Le(least, is))
		}
	}
	if n := len(s.Guards); n > 0 {
		calm = b.Mul(calm, s.quiet(y, k, place.Side.Node(b, ir.Vec(n))))
	}
	return calm
}

// quiet is 1 if all guards that are watched keep to their sides in the step of which
// y and k are the stages: from its surface on, if one starts there. It is 0 where
// that is not proved, or would take too many operations to prove.
func (s *watch) quiet(y, k []*ir.Node, side *ir.Node) *ir.Node {
	b, in := s.b, s.In
	g := s.Watched()
	guards, rates, flow := g.Values, g.Rates, g.Flow
	at := func(n, t, y, dy *ir.Node) *ir.Node {
		return b.Substitute([]*ir.Node{n}, map[*ir.Node]*ir.Node{in.T: t, in.Y: y, flow: dy})[0]
	}
	var affine, affineRates, signs, others, otherRates, otherSigns []*ir.Node
	for i, straight := range g.Affine {
		if sign := b.Elem(side, i); straight {
			affine, affineRates, signs = append(affine, guards[i]), append(affineRates, rates[i]), append(signs, sign)
		} else {
			others, otherRates, otherSigns = append(others, guards[i]), append(otherRates, rates[i]), append(otherSigns, sign)
		}
	}
	quiet := b.Const(1)
	if len(affine) > 0 {
		along := b.Concat(affineRates...)
		start := at(b.Concat(affine...), in.T, y[0], k[0])
		quiet = s.oneSided(k, start, b.Concat(signs...), func(dy *ir.Node) *ir.Node { return at(along, in.T, y[0], dy) })
	}
	if len(others) > 0 {
		quiet = b.Mul(quiet, s.bounded(y, k, others, otherRates, otherSigns, flow, at))
	}
	if s.p != nil {
		quiet = b.Substitute([]*ir.Node{quiet}, map[*ir.Node]*ir.Node{in.P: s.p})[0]
	}
	return quiet
}

// oneSided is 1 if affine guards keep to their sides: each is a polynomial along the
// dense output, whose Bernstein coefficients behind the first, which is its value at
// the start, have one sign.
func (s *watch) oneSided(k []*ir.Node, start, sign *ir.Node, rate func(dy *ir.Node) *ir.Node) *ir.Node {
	b := s.b
	rates := make([]*ir.Node, len(k))
	for i := range k {
		rates[i] = rate(k[i])
	}
	quiet := b.Fill(b.Const(1), sign.Shape)
	for m, w := range s.m.Bernstein[1:] {
		c := start
		if sum := s.combine(w, rates); sum != nil {
			c = s.fma(s.h, sum, start)
		}
		// The rates are those of guards along stages that need not be rates: what moves
		// with the time alone counts once.
		share := float64(m+1) / float64(len(s.m.Bernstein)-1)
		for _, v := range w {
			share -= v
		}
		if math.Abs(share) > 1e-9 {
			c = s.fma(b.Mul(b.Const(share), s.h), rate(b.Full(s.vec, 0)), c)
		}
		quiet = b.Mul(quiet, b.Lt(b.Const(0), b.Mul(sign, c)))
	}
	unwatched := b.Apply(ir.OpEq, sign, b.Const(0))
	return b.Le(b.Const(float64(sign.Shape.N)), b.Sum(b.Apply(ir.OpMax, unwatched, quiet)))
}

// maxBoundOps bounds the operations for the bounds of a step's guards: beyond it
// the step does not look by itself. They are growth times those of guards and rates
// at the least.
const (
	maxBoundOps = 4000
	growth      = 10
)

// bounded is 1 if guards keep to their sides by their bounds and those of their rates
// over the box of the dense output.
func (s *watch) bounded(y, k, guards, rates, signs []*ir.Node, flow *ir.Node, at func(n, t, y, dy *ir.Node) *ir.Node) *ir.Node {
	b, in := s.b, s.In
	if growth*operations(slices.Concat(guards, rates)...) > maxBoundOps {
		return b.Const(0)
	}
	end, last, n := b.Add(in.T, s.h), s.m.End, len(s.m.Bernstein)
	box := map[*ir.Node]interval.Bounds{
		in.T: {Lo: in.T, Hi: end},
		in.Y: s.hull(func(m int) *ir.Node { return s.control(y, k, m) }, n),
	}
	box[flow] = s.hull(func(m int) *ir.Node { return s.slope(k, m) }, n-1)
	of, ofRates := interval.Of(b, guards, box), interval.Rates(b, guards, rates, box)
	var ends []*ir.Node
	for i := range guards {
		ends = append(ends, of[i].Lo, of[i].Hi, ofRates[i].Lo, ofRates[i].Hi)
	}
	if operations(ends...) > maxBoundOps+operations(y[1:]...) {
		return b.Const(0)
	}
	quiet := b.Const(1)
	for i, g := range guards {
		up := b.Lt(b.Const(0), signs[i])
		signed := func(x interval.Bounds) interval.Bounds {
			return interval.Bounds{Lo: b.Select(up, x.Lo, b.Neg(x.Hi)), Hi: b.Select(up, x.Hi, b.Neg(x.Lo))}
		}
		v, w := b.Mul(signs[i], at(g, in.T, y[0], k[0])), b.Mul(signs[i], at(g, end, y[last], k[last]))
		keeps := s.keeps(v, w, signed(of[i]).Lo, signed(ofRates[i]))
		quiet = b.Mul(quiet, b.Apply(ir.OpMax, b.Apply(ir.OpEq, signs[i], b.Const(0)), keeps))
	}
	return quiet
}

// keeps is 1 if a guard that is v and w at the ends of a step, at least low in it,
// and whose rate is within r, keeps above zero: by its least value, or since it
// does not turn, or because it would have to fall from v and rise to w faster than
// it can.
func (s *watch) keeps(v, w, low *ir.Node, r interval.Bounds) *ir.Node {
	b, zero, inf := s.b, s.b.Const(0), s.b.Const(math.Inf(1))
	finite := b.Mul(b.Lt(b.Neg(inf), r.Lo), b.Lt(r.Hi, inf))
	turns := b.Mul(b.Lt(r.Lo, zero), b.Lt(zero, r.Hi))
	reach := b.Add(b.Sub(b.Mul(r.Hi, v), b.Mul(r.Lo, w)), b.Mul(b.Mul(r.Lo, r.Hi), s.h))
	slow := b.Mul(b.Lt(zero, v), b.Lt(zero, reach))
	bounded := b.Apply(ir.OpMax, b.Sub(b.Const(1), turns), slow)
	return b.Mul(b.Lt(zero, w), b.Apply(ir.OpMax, b.Lt(zero, low), b.Mul(finite, bounded)))
}

// control is Bernstein coefficient m of the dense output.
func (s *watch) control(y, k []*ir.Node, m int) *ir.Node {
	if m == len(s.m.Bernstein)-1 {
		return y[s.m.End]
	}
	if sum := s.combine(s.m.Bernstein[m], k); sum != nil {
		return s.fma(s.h, sum, y[0])
	}
	return y[0]
}

// slope is Bernstein coefficient m of its derivative by time.
func (s *watch) slope(k []*ir.Node, m int) *ir.Node {
	w, n := make([]float64, len(k)), float64(len(s.m.Bernstein)-1)
	for i := range w {
		w[i] = n * (s.m.Bernstein[m+1][i] - s.m.Bernstein[m][i])
	}
	if sum := s.combine(w, k); sum != nil {
		return sum
	}
	return s.b.Full(s.vec, 0)
}

// hull are bounds of n Bernstein coefficients, with room for round-off.
func (s *watch) hull(c func(m int) *ir.Node, n int) interval.Bounds {
	b := s.b
	lo := c(0)
	hi := lo
	for m := 1; m < n; m++ {
		lo, hi = b.Apply(ir.OpMin, lo, c(m)), b.Apply(ir.OpMax, hi, c(m))
	}
	pad := b.Mul(b.Const(0x1p-46), b.Add(b.Apply(ir.OpAbs, lo), b.Apply(ir.OpAbs, hi)))
	return interval.Bounds{Lo: b.Sub(lo, pad), Hi: b.Add(hi, pad)}
}
