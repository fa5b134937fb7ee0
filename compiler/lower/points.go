package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// points evaluates expressions at all points of a spot, side by side: a value is its
// components, each a vector over the points or, where it is the same at all, a scalar. What
// fields and coordinates are there stands in the graph as leaves, which derivatives are taken
// by, and is put in at the end.
type points struct {
	*fields
	at     spot
	axes   []*check.Coordinate
	dims   []int
	toward int // of a face, from which fields are looked at: −1 below, 1 above, 0 both
	across *check.Coordinate

	leaves []leaf
	known  map[string]*ir.Node
	local  map[*check.Local][]*ir.Node
}

// leaf is a derivative of a field at the points, or a coordinate.
type leaf struct {
	node  *ir.Node // an input that stands for it
	field *check.State
	comp  int
	d     []int // along each of the field's axes
	coord *check.Coordinate
}

func (g *fields) points(over []*check.Coordinate, at spot) *points {
	p := &points{fields: g, at: at, axes: sorted(over), known: map[string]*ir.Node{}, local: map[*check.Local][]*ir.Node{}}
	for _, c := range p.axes {
		p.dims = append(p.dims, g.pointsAlong(c, at[c]))
	}
	return p
}

// pointsAlong is how many points there are along an axis.
func (g *fields) pointsAlong(c *check.Coordinate, at where) int {
	n := g.cells(c)
	switch at.kind {
	case centres:
		return n
	case faces:
		return n + 1
	case samples:
		return n * len(g.quadrature())
	}
	return 1
}

func (p *points) size() int { return product(p.dims) }

// stand is the input that stands for a leaf.
func (p *points) stand(key string, l leaf) *ir.Node {
	if n := p.known[key]; n != nil {
		return n
	}
	p.fresh++
	l.node = p.b.Input("leaf#"+itoa(p.fresh), ir.Vec(p.size()), true)
	p.known[key] = l.node
	p.leaves = append(p.leaves, l)
	return l.node
}

func (p *points) fieldLeaf(f *check.State, comp int, d []int) *ir.Node {
	key := f.Name + "#" + itoa(comp)
	for _, k := range d {
		key += "," + itoa(k)
	}
	return p.stand(key, leaf{field: f, comp: comp, d: d})
}

func (p *points) coordLeaf(c *check.Coordinate) *ir.Node {
	return p.stand("@"+c.Name, leaf{coord: c})
}

// meant is what a leaf stands for.
func (p *points) meant(l leaf) *ir.Node {
	if l.coord != nil {
		return p.broadcast(block{p.placesAlong(l.coord, p.at[l.coord]), []*check.Coordinate{l.coord}, []int{p.pointsAlong(l.coord, p.at[l.coord])}}, p.axes, p.dims)
	}
	var k block
	if p.toward != 0 && slices.Contains(l.field.Over, p.across) {
		k = p.upwinds.biased(l.field, l.comp, p.across, p.toward, p.at)
	} else {
		k = p.jet(l.field, l.comp, l.d, p.at)
	}
	return p.broadcast(k, p.axes, p.dims)
}

// placesAlong are the coordinates of the points along an axis.
func (g *fields) placesAlong(c *check.Coordinate, at where) *ir.Node {
	n, h := g.cells(c), g.width(c)
	switch at.kind {
	case centres:
		return g.ramp(n, c.Lo+h/2, h)
	case faces:
		return g.ramp(n+1, c.Lo, h)
	case lowSide:
		return g.b.Full(ir.Vec(1), c.Lo)
	case highSide:
		return g.b.Full(ir.Vec(1), c.Hi)
	case samples:
		nodes := g.quadrature()
		v := make([]float64, 0, n*len(nodes))
		for _, q := range nodes {
			for i := range n {
				v = append(v, c.Lo+h*(float64(i)+q[0]))
			}
		}
		return g.b.ConstOf(ir.Vec(len(v)), v)
	}
	return g.b.Fill(at.at, ir.Vec(1))
}

// done puts what leaves stand for into values. Scalars are spread over the points.
func (p *points) done(comps []*ir.Node) []*ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for _, n := range ir.Reach(comps...) {
		if i := slices.IndexFunc(p.leaves, func(l leaf) bool { return l.node == n }); i >= 0 {
			by[n] = p.meant(p.leaves[i])
		}
	}
	out := p.b.Substitute(comps, by)
	for i := range out {
		out[i] = p.b.Fill(out[i], ir.Vec(p.size()))
	}
	return out
}

// value is an expression at the points.
func (p *points) value(x *check.Expr) []*ir.Node {
	was := p.reading
	p.located, p.byMode = false, false // a front that moves through the cells is no event
	defer func() { p.reading = was }()
	return p.expr(x)
}

func (p *points) expr(x *check.Expr) []*ir.Node {
	switch x.Kind {
	case check.Ref:
		return p.refer(x)
	case check.Slice:
		return p.expr(x.Args[0])[x.Offset : x.Offset+x.Shape.Size()]
	case check.Stack:
		var out []*ir.Node
		for _, a := range x.Args {
			out = append(out, p.expr(a)...)
		}
		return out
	case check.Net:
		return p.net(x)
	case check.Apply:
		return p.apply(x)
	case check.Diff:
		return p.diff(x)
	case check.Op:
		return p.op(x)
	case check.Integral, check.Place:
		return p.reduced(x)
	case check.Smooth, check.Before:
		if x.Kind == check.Smooth {
			return p.expr(x.Args[0])
		}
		if len(check.CoordinatesOf(x)) > 0 {
			p.errGrid(x.Span, "`before` of a field has no formula on a grid", "read it at a place: `before(u(0))`")
		}
	}
	return p.elems(p.expressions.expr(x))
}

// elems are the elements of a value that is the same at all points.
func (g *fields) elems(n *ir.Node) []*ir.Node {
	out := make([]*ir.Node, n.Shape.Size())
	for i := range out {
		out[i] = g.element(n, i)
	}
	return out
}

func (p *points) refer(x *check.Expr) []*ir.Node {
	switch o := x.Object.(type) {
	case *check.Coordinate:
		return []*ir.Node{p.coordLeaf(o)}
	case *check.State:
		if len(o.Over) > 0 {
			out := make([]*ir.Node, o.Shape.Size())
			for i := range out {
				out[i] = p.fieldLeaf(o, i, make([]int, len(o.Over)))
			}
			return out
		}
	case *check.Let:
		if len(check.CoordinatesOf(o.Value)) > 0 {
			return spreadTo(p.expr(o.Value), o.Shape.Size())
		}
	case *check.Local:
		if v := p.local[o]; v != nil {
			return v
		}
	}
	return p.elems(p.ref(x.Object))
}

// spreadTo repeats a scalar for all components.
func spreadTo(v []*ir.Node, n int) []*ir.Node {
	if len(v) == n {
		return v
	}
	return slices.Repeat(v[:1], n)
}

// apply evaluates a function's body. A local that the body differentiates by is kept apart.
func (p *points) apply(x *check.Expr) []*ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for i, a := range x.Args {
		v := slices.Clone(p.expr(a))
		if differentiatesBy(x.Body, x.Locals[i]) {
			for k, n := range v {
				p.fresh++
				s := p.b.Input("local#"+itoa(p.fresh), n.Shape, true)
				by[s], v[k] = n, s
			}
		}
		p.local[x.Locals[i]] = v
	}
	body := p.expr(x.Body)
	if len(by) == 0 {
		return body
	}
	return p.b.Substitute(body, by)
}

// diff is a derivative: by a coordinate in all that varies over it, by anything else of one
// argument at each point by itself.
func (p *points) diff(x *check.Expr) []*ir.Node {
	by := x.Args[1]
	v := p.expr(x.Args[0])
	if c, ok := by.Object.(*check.Coordinate); ok && by.Kind == check.Ref {
		return p.total(v, c)
	}
	wrt := p.expr(by)
	if by.Shape.Rank > 0 {
		p.errGrid(x.Span, "a derivative by a vector at each point has no formula on a grid", "take the derivatives by its elements one by one")
		return spreadTo(v, x.Shape.Size())
	}
	if !slices.ContainsFunc(wrt, func(n *ir.Node) bool { return n.Op == ir.OpInput }) {
		return p.elems(p.expressions.expr(x)) // of what is the same at all points
	}
	return autodiff.JVP(p.b, v, wrt, []*ir.Node{p.b.Const(1)})
}

// total is the total derivative by a coordinate.
func (p *points) total(v []*ir.Node, c *check.Coordinate) []*ir.Node {
	var wrt, dots []*ir.Node
	reached := ir.Reach(v...)
	for _, l := range slices.Clone(p.leaves) {
		if !slices.Contains(reached, l.node) {
			continue
		}
		switch {
		case l.coord == c:
			wrt, dots = append(wrt, l.node), append(dots, p.b.Const(1))
		case l.field != nil:
			if i := slices.Index(sorted(l.field.Over), c); i >= 0 {
				d := slices.Clone(l.d)
				d[i]++
				wrt, dots = append(wrt, l.node), append(dots, p.fieldLeaf(l.field, l.comp, d))
			}
		}
	}
	return autodiff.JVP(p.b, v, wrt, dots)
}

// net is a call of a neural block, at all points by one product with its matrices.
func (p *points) net(x *check.Expr) []*ir.Node {
	n := x.Object.(*check.Neural)
	blk := p.blocks[n]
	var args []*ir.Node
	for _, a := range x.Args {
		args = append(args, p.expr(a)...)
	}
	inScale, outScale := p.scaleNode(ScaleNetIn, n), p.scaleNode(ScaleNetOut, n)
	w := p.b.Slice(p.out.In.P, blk.Off, ir.Vec(blk.Net.NumWeights()))
	p.fresh++
	one := p.b.Input("point#"+itoa(p.fresh), ir.Vec(len(args)), true)
	y := p.b.Mul(p.build1(blk.Net, w, p.b.Div(one, inScale), inScale), outScale)
	size := p.size()
	for i := range args {
		args[i] = p.b.Fill(args[i], ir.Vec(size))
	}
	all := batch(p.b, y, one, p.b.Slice(p.b.Concat(args...), 0, ir.Mat(len(args), size)), size)
	if i := p.blockIndex(n); p.out.NetArgs[i] == nil && p.allCentres() { // its scales are those at the first point
		first := make([]*ir.Node, len(args))
		for k := range args {
			first[k] = p.b.Elem(args[k], 0)
		}
		first = p.done1(first)
		if !p.unfinished(first) {
			raw := p.b.Slice(p.b.Concat(first...), 0, ir.Vec(len(first)))
			p.out.NetArgs[i] = raw
			p.out.NetVals[i] = p.b.Mul(p.build1(blk.Net, w, p.b.Div(raw, inScale), inScale), outScale)
		}
	}
	out := make([]*ir.Node, blk.Net.Out)
	for i := range out {
		out[i] = p.b.Slice(all, i*size, ir.Vec(size))
	}
	return out
}

// done1 puts what leaves stand for into scalars.
func (p *points) done1(v []*ir.Node) []*ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for _, l := range slices.Clone(p.leaves) {
		by[l.node] = p.meant(l)
	}
	return p.b.Substitute(v, by)
}

// allCentres reports whether the points are the centres of cells.
func (p *points) allCentres() bool {
	for _, w := range p.at {
		if w.kind != centres {
			return false
		}
	}
	return true
}

// unfinished reports whether values still read what only stands for something.
func (p *points) unfinished(v []*ir.Node) bool {
	for _, n := range ir.Reach(v...) {
		if n.Op == ir.OpInput && slices.ContainsFunc([]string{"local#", "leaf#", "point#", "side#"}, func(s string) bool { return len(n.Name) > len(s) && n.Name[:len(s)] == s }) {
			return true
		}
	}
	return false
}

// op is an operator or function.
func (p *points) op(x *check.Expr) []*ir.Node {
	p.sites = append(p.sites, x)
	defer func() { p.sites = p.sites[:len(p.sites)-1] }()
	args := make([][]*ir.Node, len(x.Args))
	for i, a := range x.Args {
		args[i] = p.expr(a)
	}
	b := p.b
	sum := func(v []*ir.Node) *ir.Node {
		s := v[0]
		for _, n := range v[1:] {
			s = b.Add(s, n)
		}
		return s
	}
	products := func(u, v []*ir.Node) []*ir.Node {
		out := make([]*ir.Node, len(u))
		for i := range u {
			out[i] = b.Mul(u[i], v[i])
		}
		return out
	}
	switch x.Name {
	case "sum":
		return []*ir.Node{sum(args[0])}
	case "mean":
		return []*ir.Node{b.Mul(b.Const(1/float64(len(args[0]))), sum(args[0]))}
	case "dot":
		return []*ir.Node{sum(products(args[0], args[1]))}
	case "norm":
		return []*ir.Node{b.Sqrt(sum(products(args[0], args[0])))}
	case "cross":
		u, v := args[0], args[1]
		el := func(i, j int) *ir.Node { return b.Sub(b.Mul(u[i], v[j]), b.Mul(u[j], v[i])) }
		return []*ir.Node{el(1, 2), el(2, 0), el(0, 1)}
	case "solve", "inv", "det", "logdet", "logsumexp", "softmax", "euler_lagrange":
		for _, v := range args {
			if slices.ContainsFunc(v, func(n *ir.Node) bool { return n.Shape != ir.Scalar }) {
				p.errGrid(x.Span, "`"+x.Name+"` of what varies in space has no form on a grid", "write its elements out")
				return slices.Repeat([]*ir.Node{b.Const(0)}, x.Shape.Size())
			}
		}
		return p.elems(p.expressions.expr(x))
	case "matmul":
		return p.matrixProduct(x, args[0], args[1])
	case "min", "max":
		if len(args) == 1 {
			v := args[0][0]
			for _, n := range args[0][1:] {
				v = p.conditions.pick(x.Name, v, n)
			}
			return []*ir.Node{v}
		}
	}
	out := make([]*ir.Node, x.Shape.Size())
	for i := range out {
		one := make([]*ir.Node, len(args))
		for k, a := range args {
			one[k] = a[min(i, len(a)-1)]
		}
		out[i] = p.element1(x.Name, one)
	}
	return out
}

// element1 is an elementwise operation at the points.
func (p *points) element1(name string, a []*ir.Node) *ir.Node {
	b := p.b
	not := func(n *ir.Node) *ir.Node { return b.Sub(b.Const(1), n) }
	switch name {
	case "lt":
		return b.Lt(a[0], a[1])
	case "le":
		return b.Le(a[0], a[1])
	case "gt":
		return b.Lt(a[1], a[0])
	case "ge":
		return b.Le(a[1], a[0])
	case "eq":
		return b.Apply(ir.OpEq, a[0], a[1])
	case "ne":
		return b.Apply(ir.OpNe, a[0], a[1])
	case "and":
		return b.Mul(a[0], a[1])
	case "or":
		return b.Apply(ir.OpMax, a[0], a[1])
	case "not":
		return not(a[0])
	case "if":
		return b.Select(a[0], a[1], a[2])
	}
	return p.applied(name, a)
}

// matrixProduct is the product of matrices and vectors at each point.
func (p *points) matrixProduct(x *check.Expr, u, v []*ir.Node) []*ir.Node {
	m, inner, n := 1, x.Args[0].Shape.N, 1
	if s := x.Args[0].Shape; s.Rank == 2 {
		m = s.M
	}
	if s := x.Args[1].Shape; s.Rank == 2 {
		n = s.N
	}
	var out []*ir.Node
	for i := range m {
		for j := range n {
			var sum *ir.Node
			for k := range inner {
				t := p.b.Mul(u[i*inner+k], v[k*n+j])
				if sum == nil {
					sum = t
				} else {
					sum = p.b.Add(sum, t)
				}
			}
			out = append(out, sum)
		}
	}
	return out
}

// reduced is an integral or a value at a place, which may vary over other coordinates.
func (p *points) reduced(x *check.Expr) []*ir.Node {
	over := check.CoordinatesOf(x)
	if len(over) == 0 {
		return p.elems(p.expressions.expr(x))
	}
	for _, c := range over {
		if p.at[c].kind != centres {
			p.errGrid(x.Span, "what varies over other coordinates than it is reduced by is known at the centres of cells only", "use it outside of `diff` and boundaries")
			return slices.Repeat([]*ir.Node{p.b.Const(0)}, x.Shape.Size())
		}
	}
	var parts []block
	if x.Kind == check.Integral {
		parts = p.integrated(x, over)
	} else {
		parts = p.atPlace(x, over)
	}
	out := make([]*ir.Node, len(parts))
	for i, k := range parts {
		out[i] = p.broadcast(k, p.axes, p.dims)
	}
	return out
}
