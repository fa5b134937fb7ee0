package step

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// goOn makes the step the one before the next, or rejects it, where nothing
// else is to be done.
func (s *builder) goOn(y1, k1, calm, small, log, factor *ir.Node) []ir.Output {
	b, one := s.b, s.b.Const(1)
	in := func(p place.Input) *ir.Node { return p.Node(b, ir.Scalar) }
	t, before, until, stop, rejected := s.In.T, in(place.Before), in(place.Until), in(place.Stop), in(place.Rejected)
	infinity := b.Const(math.Inf(1))
	finite := b.Le(b.Const(float64(s.vec.N)), b.Sum(b.Lt(b.Apply(ir.OpAbs, y1), infinity)))
	end := b.Add(t, s.h)
	taken := b.Mul(b.Mul(calm, b.Mul(small, finite)), b.Lt(end, until))

	back := b.Mul(s.h, b.Select(b.Le(b.Const(s.m.Least), factor), factor, b.Const(s.m.Least)))
	able := b.Mul(b.Lt(b.Neg(infinity), until), b.Le(b.Mul(b.Const(s.m.Tiny), b.Apply(ir.OpAbs, t)), back))
	refused := b.Mul(b.Sub(one, small), able)
	some := b.Lt(b.Const(0), in(place.Left))
	taken, refused = b.Mul(taken, some), b.Mul(refused, some)
	hop := b.Add(taken, b.Mul(b.Const(2), refused))

	after := b.Select(taken, end, t)
	next := b.Select(taken, b.Mul(s.h, b.Select(rejected, b.Apply(ir.OpMin, factor, one), factor)), back)
	next = b.Apply(ir.OpMin, next, in(place.Cap))
	way := b.Sub(stop, after)
	clipped := b.Le(b.Mul(way, b.Const(s.m.Near)), next)
	var list []ir.Output
	set := func(to, v *ir.Node) { list = append(list, place.Set(to, v)) }
	keep := func(to, v *ir.Node) { set(to, b.Select(hop, v, to)) }
	set(in(place.Hop), hop)
	set(in(place.Taken), b.Add(in(place.Taken), taken))
	set(in(place.Refused), b.Add(in(place.Refused), refused))
	set(in(place.Left), b.Sub(in(place.Left), one))
	keep(in(place.Next), next)
	keep(in(place.Clipped), clipped)
	set(s.y[0], b.Select(taken, y1, s.y[0]))
	set(s.k[0], b.Select(taken, k1, s.k[0]))
	set(before, b.Select(taken, b.Apply(ir.OpMax, log, b.Const(s.m.LeastLog)), before))
	keep(t, after)
	keep(s.h, b.Select(clipped, way, next))
	keep(rejected, b.Sub(one, taken))
	keep(until, b.Select(clipped, b.Neg(infinity), until))
	return list
}
