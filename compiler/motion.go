package compiler

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// motion is what moves the states, with the guards along it: what all programs of a model
// are built from.
type motion struct {
	Model    *lower.Model
	rates    *ir.Node   // the right-hand side, with operations on arrays for what is alike
	flow     *ir.Node   // what moves the states: the right-hand side, with some held
	guards   []*ir.Node // but for those of sliding
	affine   []bool     // of these; see straight
	times    []*ir.Node
	surfaces int // discontinuities that may be slid along
}

// free is the input that is 0 for the states held at rest and 1 for the others.
func (p *motion) free() *ir.Node {
	return place.Free.Node(p.Model.Builder, ir.Vec(p.Model.Layout.NY))
}

// rate is the total derivative of a node by time along the flow.
func (p *motion) rate(n *ir.Node) *ir.Node { return p.rateAlong(p.flow, n) }

// rateAlong is that where the states move by dy.
func (p *motion) rateAlong(dy, n *ir.Node) *ir.Node {
	m, b := p.Model, p.Model.Builder
	wrt, dots := []*ir.Node{m.In.T}, []*ir.Node{b.Const(1)}
	if m.In.Y != nil {
		wrt, dots = append(wrt, m.In.Y), append(dots, dy)
	}
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, m.In.UT)
	}
	return autodiff.JVP(b, []*ir.Node{n}, wrt, dots)[0]
}

// steep reports whether the motion may come to rest in finite time, as that of √x at x = 0, or to a pole of its
// field, as the radius of a drop, r' = −k/r: the slope of the field is infinite there.
func (p *motion) steep() bool { return p.rates != nil && (autodiff.Steep(p.rates) || p.hasPole()) }

// hasPole reports whether the rates divide by something that is zero where a guard is.
func (p *motion) hasPole() bool {
	guards := map[*ir.Node]bool{}
	for _, g := range p.guards {
		for _, f := range factors(nil, g) {
			guards[f] = true
		}
	}
	for _, n := range ir.Reach(p.rates) {
		if n.Op == ir.OpDiv && slices.ContainsFunc(factors(nil, n.Args[1]), func(f *ir.Node) bool { return guards[f] }) {
			return true
		}
	}
	return false
}

// factors adds to a list what a value is a product or a power of, but for constants.
func factors(list []*ir.Node, n *ir.Node) []*ir.Node {
	switch n.Op {
	case ir.OpConst:
		return list
	case ir.OpNeg, ir.OpPow, ir.OpSqrt, ir.OpAbs, ir.OpDiv, ir.OpFill:
		return factors(list, n.Args[0])
	case ir.OpMul:
		return factors(factors(list, n.Args[0]), n.Args[1])
	}
	return append(list, n)
}

// look are the guards but for those of releases, and their derivatives by time
// where the state moves by the input flow; nil for none.
func (p *motion) look() (g, rate, flow *ir.Node) {
	m, b := p.Model, p.Model.Builder
	guards := p.guards[:len(m.Guards)]
	if len(guards) == 0 {
		return nil, nil, nil
	}
	g = b.Slice(b.Concat(guards...), 0, ir.Vec(len(guards)))
	if m.In.Y != nil {
		flow = place.Flow.Node(b, m.In.Y.Shape)
	}
	return g, p.rateAlong(flow, g), flow
}

// spread is by how much a vector of values may move, to first order, where the
// states move by up to the first half of the input ry, and, behind that, by up to
// its second half; the time moves by up to rt.
func (p *motion) spread(n *ir.Node) *ir.Node {
	m, b := p.Model, p.Model.Builder
	wrt := []*ir.Node{m.In.T}
	if m.In.Y != nil {
		wrt = append(wrt, m.In.Y)
	}
	size := n.Shape.Size()
	parts := make([]*ir.Node, 2*size)
	for i := range size {
		bars := autodiff.VJP(b, []*ir.Node{b.Elem(n, i)}, []*ir.Node{b.Const(1)}, wrt)
		byTime := b.Mul(b.Apply(ir.OpAbs, bars[0]), place.TimeReach.Node(b, ir.Scalar))
		for k := range 2 {
			part := byTime
			if m.In.Y != nil {
				ny := m.Layout.NY
				reach := b.Slice(place.StatesReach.Node(b, ir.Vec(2*ny)), k*ny, ir.Vec(ny))
				part = b.Add(part, p.weighted(bars[1], reach))
			}
			parts[k*size+i] = part
		}
	}
	return b.Slice(b.Concat(parts...), 0, ir.Vec(len(parts)))
}

// weighted is the sum of the sizes of the elements of a vector, times weights. Most of a derivative
// is often zero.
func (p *motion) weighted(v, weights *ir.Node) *ir.Node {
	b := p.Model.Builder
	sum := b.Const(0)
	switch {
	case v.Op == ir.OpConst && len(v.Values) > 1:
		for k, c := range v.Values {
			if c != 0 {
				sum = b.Add(sum, b.Mul(b.Const(math.Abs(c)), b.Elem(weights, k)))
			}
		}
		return sum
	case v.Op != ir.OpAssemble:
		return b.Dot(b.Apply(ir.OpAbs, v), weights)
	}
	for k, part := range v.Args {
		size := b.Apply(ir.OpAbs, part)
		at := b.Slice(weights, v.Offs[k], part.Shape)
		if part.Shape == ir.Scalar {
			sum = b.Add(sum, b.Mul(size, at))
		} else {
			sum = b.Add(sum, b.Dot(size, at))
		}
	}
	return sum
}

// pivots are those of the matrices that the model inverts.
func (p *motion) pivots() *ir.Node {
	b := p.Model.Builder
	var parts []*ir.Node
	for _, s := range p.Model.Systems {
		for i := range s.Size {
			parts = append(parts, b.Elem(s.Factors, i*s.Size+i))
		}
		parts = append(parts, b.Elem(s.Factors, s.Size*(s.Size+1)))
	}
	if len(parts) == 0 {
		return nil
	}
	return b.Concat(parts...)
}

// weighs reports whether a value depends on weights.
func (p *motion) weighs(n *ir.Node) bool {
	for _, x := range ir.Reach(n) {
		if x.Op == ir.OpSlice && x.Args[0] == p.Model.In.P && x.Off >= p.Model.Layout.NPar || x.Op == ir.OpInput && x == p.Model.In.P && p.Model.Layout.NPar == 0 {
			return true
		}
	}
	return false
}

// elements are those of a vector.
func (p *motion) elements(v *ir.Node) []*ir.Node {
	list := make([]*ir.Node, v.Shape.N)
	for i := range list {
		list[i] = p.Model.Builder.Elem(v, i)
	}
	return list
}

// moving are guards and their derivatives by time where the state moves by the
// input flow, after all passes.
func (p *motion) moving(of []*ir.Node) (guards, rates []*ir.Node, flow *ir.Node) {
	m, b := p.Model, p.Model.Builder
	wrt, dots := []*ir.Node{m.In.T}, []*ir.Node{b.Const(1)}
	if m.In.Y != nil {
		flow = place.Flow.Node(b, m.In.Y.Shape)
		wrt, dots = append(wrt, m.In.Y), append(dots, flow)
	}
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, m.In.UT)
	}
	both := opt.Nodes(b, slices.Concat(of, autodiff.JVP(b, of, wrt, dots))...)
	return both[:len(of)], both[len(of):], flow
}
