package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// drawNode is the value of a draw: a function of its standard variate, an input, and of the
// arguments of its distribution, by which it has derivatives.
func (l *expressions) drawNode(d *check.Draw) *ir.Node {
	k := letKey{d, l.reading}
	if n := l.lets[k]; n != nil {
		return n
	}
	s, in := l.slots[d], l.out.In.Q
	if d.Row() {
		in = l.out.In.Row
	}
	z := l.b.Slice(in, s.Off, ir.Vec(s.N))
	n := l.densities.drawnFrom(d.Dist, z)
	if d.Posterior != nil && !l.m.Encodes() {
		wide := func(n *ir.Node) *ir.Node { return l.b.Add(n, l.b.Full(z.Shape, 0)) }
		known := l.b.Fill(l.ownConstant(&l.m.Encoder.Known), z.Shape)
		n = l.b.Select(known, wide(l.densities.drawnFrom(d.Posterior, z)), wide(n))
	}
	n = l.b.Slice(n, 0, shapeOf(d.Shape))
	l.lets[k] = n
	return n
}
