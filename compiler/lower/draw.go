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

// drawnFrom is what a distribution makes of its standard variate z, element by element.
func (l *densities) drawnFrom(d *check.Dist, z *ir.Node) *ir.Node {
	b, a := l.b, l.arguments(d)
	around := func(at, scale *ir.Node) *ir.Node { return b.Add(b.Mul(scale, z), at) }
	switch d.Name {
	case "normal", "laplace", "cauchy":
		return around(a[0], a[1])
	case "student":
		return around(a[1], a[2])
	case "lognormal":
		return b.Exp(around(a[0], a[1]))
	case "uniform":
		return around(a[0], b.Sub(a[1], a[0]))
	case "exponential", "halfnormal", "halfcauchy":
		return b.Mul(a[0], z)
	case "gamma":
		return b.Mul(a[1], z)
	case "inverse_gamma":
		return b.Div(a[1], z)
	case "beta":
		return z
	}
	panic("lower: no draw from " + d.Name)
}
