package step

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/stepsize"
)

// nodes is the arithmetic of graphs in which the rules of step control are built.
type nodes struct{ *ir.Builder }

func (b nodes) FMA(x, y, z *ir.Node) *ir.Node { return b.Apply(ir.OpFma, x, y, z) }
func (b nodes) Abs(x *ir.Node) *ir.Node       { return b.Apply(ir.OpAbs, x) }
func (b nodes) Min(x, y *ir.Node) *ir.Node    { return b.Apply(ir.OpMin, x, y) }
func (b nodes) Max(x, y *ir.Node) *ir.Node    { return b.Apply(ir.OpMax, x, y) }

// goOn makes the step the one before the next, or rejects it, where nothing
// else is to be done.
func (s *builder) goOn(y1, k1, calm, mean, log, factor *ir.Node) []ir.Output {
	b := s.b
	in := func(p place.Input) *ir.Node { return p.Node(b, ir.Scalar) }
	lane := stepsize.Lane[*ir.Node]{
		T: s.In.T, H: s.h, Before: in(place.Before), Until: in(place.Until), Stop: in(place.Stop), Cap: in(place.Cap), Sure: in(place.Sure), Outcome: in(place.Outcome),
		Next: in(place.Next), Clipped: in(place.Clipped), Rejected: in(place.Rejected),
		Taken: in(place.Taken), Refused: in(place.Refused), Left: in(place.Left), Longest: in(place.Longest),
	}
	finite := b.Le(b.Const(float64(s.vec.N)), b.Sum(b.Lt(b.Apply(ir.OpAbs, y1), b.Const(math.Inf(1)))))
	trial := stepsize.Trial[*ir.Node]{NoCrossing: calm, Finite: finite, Small: stepsize.Small(nodes{b}, mean), Log: log, Factor: factor}
	next, taken := stepsize.Advance(nodes{b}, &s.m.Control, lane, trial)
	return []ir.Output{
		place.Set(lane.Outcome, next.Outcome), place.Set(lane.Taken, next.Taken), place.Set(lane.Refused, next.Refused), place.Set(lane.Left, next.Left), place.Set(lane.Longest, next.Longest),
		place.Set(lane.Next, next.Next), place.Set(lane.Clipped, next.Clipped),
		place.Set(s.y[0], b.Select(taken, y1, s.y[0])), place.Set(s.k[0], b.Select(taken, k1, s.k[0])),
		place.Set(lane.Before, next.Before), place.Set(lane.T, next.T), place.Set(lane.H, next.H),
		place.Set(lane.Rejected, next.Rejected), place.Set(lane.Until, next.Until),
	}
}
