package lower

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// clock is the time of the model, which falls in a run back.
func (l *expressions) clock() *ir.Node {
	if l.m.Encodes() {
		return l.b.Sub(l.ownConstant(&l.m.Encoder.Turn), l.out.In.T)
	}
	f := l.m.Flow
	if f == nil || !f.Back {
		return l.out.In.T
	}
	at := l.expr(f.Exact.At)
	return l.b.Sub(l.b.Add(at, l.b.Const(f.From)), l.out.In.T)
}

// backRates are the rates by the time of a run back.
func (l *motions) backRates(parts []*ir.Node) {
	if f := l.m.Flow; f != nil && f.Back || l.m.Encodes() {
		for i := range parts {
			parts[i] = l.b.Neg(parts[i])
		}
	}
}

// flowStart are the initial values of a run back: what is measured, state by state.
func (l *motions) flowStart(f *check.Flow) map[check.Object]*ir.Node {
	by := map[check.Object]*ir.Node{}
	off := l.firstOff[f.Exact]
	list := []*check.Expr{f.Exact.Value}
	if f.Exact.Value.Kind == check.Stack {
		list = f.Exact.Value.Args
	}
	for _, x := range list {
		by[x.Object] = l.b.Slice(l.out.In.Q, off, shapeOf(x.Shape))
		off += x.Shape.Size()
	}
	return by
}

// startDensity is the negative log-density of values of the states where they start.
func (l *densities) startDensity(f *check.Flow, value func(i int) *ir.Node) *ir.Node {
	b := l.b
	sum := b.Const(0)
	for i, d := range f.Draws {
		z := b.Slice(value(i), 0, ir.Vec(d.Shape.Size()))
		n := l.density(d.Dist, z, nil)
		if d.Dist.Name == "uniform" { // of height 1 in the density of priors
			a := l.arguments(d.Dist)
			n = b.Add(n, b.Log(b.Sub(a[1], a[0])))
		}
		if s := d.Dist.Support(); s != nil && math.IsInf(s.Hi, 1) {
			n = b.Select(b.Lt(z, b.Full(z.Shape, 0)), b.Full(z.Shape, math.Inf(1)), n)
		}
		sum = b.Add(sum, b.Sum(b.Add(n, b.Full(z.Shape, 0))))
	}
	return sum
}

// logDensity is that of the states where the motion has carried them.
func (l *densities) logDensity() *ir.Node {
	f := l.m.Flow
	return l.b.Sub(l.ref(f.Log), l.startDensity(f, func(i int) *ir.Node { return l.ref(f.Draws[i]) }))
}

// exactLoss is the negative log-density of what is measured, at the end of a run back.
func (l *densities) exactLoss(f *check.Flow) *ir.Node {
	return l.b.Add(l.startDensity(f, func(i int) *ir.Node { return l.ref(f.States[i]) }), l.ref(f.Log))
}
