package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// Encoders: how a model and what runs before it meet.

// layoutEncoder places what a model has of its encoder, or an encoder of its run, among the
// constants of the trajectory.
func (l *layouts) layoutEncoder() {
	put := func(kind TrajectoryKind, o check.Object) {
		l.slots[o] = Slot{Object: o, Off: l.constant(kind, o), N: o.Info().Shape.Size()}
	}
	enc, lay := l.m.Encoder, &l.out.Layout
	switch {
	case enc == nil:
	case l.m.Encodes():
		put(FromTurn, &enc.Turn)
	default:
		for _, r := range enc.Results {
			put(FromEncoder, r)
		}
		lay.NFelt = lay.NQ
		put(FromKnown, &enc.Known)
	}
	lay.NFelt = max(lay.NFelt, lay.NKey)
}

// ownConstant is a constant of the trajectory that an object is.
func (l *expressions) ownConstant(o check.Object) *ir.Node {
	return l.b.Slice(l.out.In.Q, l.slots[o].Off, shapeOf(o.Info().Shape))
}

// encoderResults are what the model that uses an encoder reads of it, at the end of its run.
func (l *observations) encoderResults() {
	var parts []*ir.Node
	for _, r := range l.m.Encoder.Results {
		parts = append(parts, l.conditions.whole(&check.Expr{Kind: check.Ref, Object: r.Of, Shape: r.Shape, Unit: r.Unit, Span: r.Span}, r.Shape))
	}
	if len(parts) > 0 {
		l.out.Results = l.b.Concat(parts...)
	}
}

// divergences compare posteriors with priors: the first number is the mean of the logarithm
// of their ratio over the posterior where that has a closed form, the second its value at
// what is drawn. D.P. Kingma, M. Welling, Auto-encoding variational Bayes, arXiv:1312.6114,
// appendix B.
func (l *densities) divergences() {
	some := slices.ContainsFunc(l.m.Draws, func(d *check.Draw) bool { return d.Posterior != nil })
	if l.m.Encoder == nil || !some {
		return // what an encoder makes of the data is then a start value or a coefficient like others
	}
	b := l.b
	mean, at := b.Const(0), b.Const(0)
	for _, d := range l.m.Draws {
		if d.Posterior == nil {
			continue
		}
		z := b.Slice(l.drawNode(d), 0, ir.Vec(d.Shape.Size()))
		vec := func(n *ir.Node) *ir.Node { return b.Sum(b.Add(n, b.Full(z.Shape, 0))) }
		ratio := vec(b.Sub(l.density(d.Dist, z, nil), l.density(d.Posterior, z, nil)))
		at = b.Add(at, ratio)
		if d.Dist.Name != "normal" && d.Dist.Name != "lognormal" {
			mean = b.Add(mean, ratio)
			continue
		}
		p, q := l.arguments(d.Dist), l.arguments(d.Posterior)
		r := b.Div(q[1], p[1])
		away := b.Div(b.Sub(q[0], p[0]), p[1])
		squares := b.Add(b.Square(r), b.Square(away))
		mean = b.Add(mean, vec(b.Sub(b.Mul(b.Const(0.5), b.Sub(squares, b.Const(1))), b.Log(r))))
	}
	l.out.Divergence = b.Concat(mean, at)
}
