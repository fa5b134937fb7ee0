package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// fields lowers what varies over coordinates: values, rates and integrals in all cells.
type fields struct {
	*jets
	upwinds *upwinds
}

// inCells is a value in all cells, component by component.
func (g *fields) inCells(x *check.Expr) *ir.Node {
	e, over := x.Args[0], sorted(x.Over)
	var parts []*ir.Node
	for i := range e.Shape.Size() {
		one := component(e, i)
		switch check.CellsAs(x.Name) {
		case check.CellsRate:
			parts = append(parts, g.rate(one, over, true).n)
		case check.CellsStart:
			parts = append(parts, g.sampled(one, over).n)
		case check.CellsMean:
			k := g.central(one, over)
			for _, c := range over {
				k = g.averaged(k, c)
			}
			parts = append(parts, k.n)
		default:
			parts = append(parts, g.central(one, over).n)
		}
	}
	return g.b.Concat(parts...)
}

// central are the values of a scalar at the centres of cells.
func (g *fields) central(x *check.Expr, over []*check.Coordinate) block {
	p := g.points(over, spot{})
	return block{p.done(p.value(x))[0], p.axes, p.dims}
}

// quadrature has the nodes in a unit cell and the weights of Gauss's rule with n of them.
var quadratures = [...][][2]float64{
	1: {{0.5, 1}},
	2: {{0.21132486540518711775, 0.5}, {0.78867513459481288225, 0.5}},
	3: {{0.11270166537925831148, 5. / 18}, {0.5, 8. / 18}, {0.88729833462074168852, 5. / 18}},
}

// quadrature is the rule whose means are as exact as the formulas.
func (g *fields) quadrature() [][2]float64 {
	switch {
	case g.spectral():
		return quadratures[1]
	case g.Grid.Scheme == "weno5":
		return quadratures[3]
	}
	return quadratures[g.formulas/2]
}

// sampled are the mean values over cells of what reads no field.
func (g *fields) sampled(x *check.Expr, over []*check.Coordinate) block {
	at := spot{}
	for _, c := range over {
		at[c] = where{kind: samples}
	}
	p := g.points(over, at)
	k := block{p.done(p.value(x))[0], p.axes, p.dims}
	for i, c := range over {
		n, rest := g.front(k, i)
		rows := g.cells(c)
		var w []float64
		var parts []*ir.Node
		for s, q := range g.quadrature() {
			w, parts = append(w, q[1]), append(parts, g.rows(n, s*rows, rows, rest))
		}
		k = g.back(k, i, rows, g.combine(w, parts))
	}
	return k
}

// sums collects a rate: what is known at points, and what is a mean value along one axis.
type sums struct {
	points *ir.Node
	means  map[*check.Coordinate]*ir.Node
	cells  *ir.Node // mean values over whole cells
}

func (g *fields) plus(a, b *ir.Node) *ir.Node {
	if a == nil {
		return b
	}
	return g.b.Add(a, b)
}

// rate are the mean values over cells of a scalar. Of a term that is a derivative times what
// does not vary in space they are the difference of what passes the faces.
func (g *fields) rate(x *check.Expr, over []*check.Coordinate, upwind bool) block {
	upwind = upwind && (g.Grid.Scheme == "upwind" || g.Grid.Scheme == "weno5")
	s := sums{means: map[*check.Coordinate]*ir.Node{}}
	dims := g.points(over, spot{}).dims
	var rest []term
	passing := map[*check.Coordinate][]term{} // through faces whose flux looks to one side
	for _, t := range summands(x) {
		i := t.derivative()
		switch {
		case len(t.factors) > 0 && t.linear() >= 0 && !g.spectral():
			k := t.linear()
			f, comp := fieldOf(t.factors[k])
			v := g.broadcast(g.values(f, comp), over, dims)
			s.cells = g.plus(s.cells, g.scaledBy(t, k, over, v))
			g.chose(t, "mean values of cells")
			continue
		case i < 0:
			rest = append(rest, t)
			continue
		case g.spectral() && !t.constant(i):
			rest = append(rest, t)
			continue
		}
		d := t.factors[i]
		c := d.Args[1].Object.(*check.Coordinate)
		f := d.Args[0]
		switch {
		case upwind && t.constant(i) && !differs(f):
			passing[c] = append(passing[c], t)
		case upwind && !t.constant(i) && plainField(f):
			s.points = g.plus(s.points, g.upwinds.blown(t, i, over))
		case t.constant(i):
			s.means[c] = g.plus(s.means[c], g.scaledBy(t, i, over, g.passed(f, c, over)))
			g.chose(t, "difference of values at the faces of "+c.Name+", "+g.order())
		default:
			k := g.pointed(block{g.passed(f, c, over), over, dims}, c)
			s.points = g.plus(s.points, g.scaledBy(t, i, over, k.n))
			g.chose(t, "difference of values at the faces of "+c.Name+" times what is at centres, "+g.order())
		}
	}
	for _, c := range over {
		if list := passing[c]; len(list) > 0 {
			s.means[c] = g.plus(s.means[c], g.upwinds.split(list, x, c, over))
		}
	}
	if len(rest) > 0 {
		p := g.points(over, spot{})
		var sum *ir.Node
		for _, t := range rest {
			sum = g.plus(sum, g.valueOf(p, t, -1))
			g.chose(t, "at the centres of cells"+g.centralNote(t))
		}
		s.points = g.plus(s.points, p.done([]*ir.Node{sum})[0])
	}
	return block{g.sum(s, over, dims), over, dims}
}

// sum are mean values over cells of all that they are summed from.
func (g *fields) sum(s sums, over []*check.Coordinate, dims []int) *ir.Node {
	var total *ir.Node
	if s.points != nil {
		k := block{s.points, over, dims}
		for _, c := range over {
			k = g.averaged(k, c)
		}
		total = k.n
	}
	for _, c := range over {
		if m := s.means[c]; m != nil {
			k := block{m, over, dims}
			for _, o := range over {
				if o != c {
					k = g.averaged(k, o)
				}
			}
			total = g.plus(total, k.n)
		}
	}
	if s.cells != nil {
		total = g.plus(total, s.cells)
	}
	if total == nil { // no term at all
		total = g.b.Full(ir.Vec(product(dims)), 0)
	}
	return total
}

// valueOf is a term at points, without factor i.
func (g *fields) valueOf(p *points, t term, i int) *ir.Node {
	v := g.b.Const(1)
	for k, f := range t.factors {
		if k != i {
			v = g.b.Mul(v, p.value(f)[0])
		}
	}
	for _, d := range t.divisors {
		v = g.b.Div(v, p.value(d)[0])
	}
	if t.negative {
		v = g.b.Neg(v)
	}
	return v
}

// scaledBy is a value at the centres along some axes times all of a term but factor i.
func (g *fields) scaledBy(t term, i int, over []*check.Coordinate, n *ir.Node) *ir.Node {
	if t.constant(i) {
		return g.b.Mul(g.valueOf(g.points(nil, spot{}), t, i), n)
	}
	p := g.points(over, spot{})
	return g.b.Mul(p.done([]*ir.Node{g.valueOf(p, t, i)})[0], n)
}

// passed is the derivative of what passes the faces of an axis: what leaves one cell enters the
// next.
func (g *fields) passed(f *check.Expr, c *check.Coordinate, over []*check.Coordinate) *ir.Node {
	if g.spectral() {
		return g.differentiated(g.central(f, over), c, 1).n
	}
	p := g.points(over, spot{c: where{kind: faces}})
	return g.differences(block{p.done(p.value(f))[0], p.axes, p.dims}, c)
}

// differences are those of values at faces, over the width of cells.
func (g *fields) differences(k block, c *check.Coordinate) *ir.Node {
	i := k.axis(c)
	n, rest := g.front(k, i)
	rows := k.dims[i] - 1
	d := g.b.Sub(g.rows(n, 1, rows, rest), g.rows(n, 0, rows, rest))
	return g.back(k, i, rows, g.b.Mul(g.b.Const(1/g.width(c)), d)).n
}

// whole is an integral, or a value at a place, that varies over nothing.
func (g *fields) whole(x *check.Expr) *ir.Node {
	var parts []block
	if x.Kind == check.Integral {
		parts = g.integrated(x, nil)
	} else {
		parts = g.atPlace(x, nil)
	}
	nodes := make([]*ir.Node, len(parts))
	for i, k := range parts {
		nodes[i] = g.b.Elem(k.n, 0)
	}
	if x.Shape.Rank == 0 {
		return nodes[0]
	}
	return g.b.Slice(g.b.Concat(nodes...), 0, shapeOf(x.Shape))
}

// integrated is an integral over some axes, at the centres along the others, over; its
// components.
func (g *fields) integrated(x *check.Expr, over []*check.Coordinate) (out []block) {
	e := x.Args[0]
	of := sorted(check.CoordinatesOf(e))
	for i := range e.Shape.Size() {
		k := g.rate(component(e, i), of, false)
		for _, c := range x.Over {
			j := k.axis(c)
			if j < 0 { // the same everywhere along it
				k.n = g.b.Mul(g.b.Const(c.Hi-c.Lo), k.n)
				continue
			}
			n, rest := g.front(k, j)
			rows := k.dims[j]
			var v *ir.Node
			if rest == 1 {
				v = g.b.Fill(g.b.Mul(g.b.Const(g.width(c)), g.b.Sum(n)), ir.Vec(1))
			} else {
				v = g.b.TMatVec(g.b.Slice(n, 0, ir.Mat(rows, rest)), g.b.Full(ir.Vec(rows), g.width(c)))
			}
			k = g.back(k, j, 1, v)
			k.axes, k.dims = slices.Delete(slices.Clone(k.axes), j, j+1), slices.Delete(slices.Clone(k.dims), j, j+1)
		}
		for _, c := range over {
			if k.axis(c) >= 0 {
				k = g.pointed(k, c)
			}
		}
		out = append(out, k)
	}
	return out
}

// atPlace is a value at a place, at the centres along the other axes, over; its components.
func (g *fields) atPlace(x *check.Expr, over []*check.Coordinate) (out []block) {
	e := x.Args[0]
	if e.Kind == check.Before {
		was := g.expressions.reading
		g.expressions.before = true
		inner := *x
		inner.Args = slices.Concat(e.Args, x.Args[1:])
		out = g.expressions.fields().atPlace(&inner, over)
		g.expressions.reading = was
		return out
	}
	at := spot{}
	for i, c := range x.Over {
		arg := x.Args[1+i]
		if arg.Kind == check.Ref && arg.Object == check.Object(c) {
			continue
		}
		if len(check.CoordinatesOf(arg)) > 0 {
			g.errGrid(arg.Span, "a place on a grid is told by numbers, parameters and what rows of data say", "a coordinate stands for itself only")
			return []block{{n: g.b.Full(ir.Vec(1), 0)}}
		}
		n := g.expressions.expr(arg)
		w := where{kind: onePlace, at: n}
		if v, ok := n.Const(); ok && !c.Periodic && !g.spectral() {
			if v == c.Lo {
				w.kind = lowSide
			} else if v == c.Hi {
				w.kind = highSide
			}
		}
		at[c] = w
	}
	p := g.points(check.CoordinatesOf(e), at)
	for _, n := range p.done(p.value(e)) {
		k := block{n, p.axes, p.dims}
		for i := len(k.axes) - 1; i >= 0; i-- {
			if k.dims[i] == 1 && at[k.axes[i]].kind != centres {
				k.axes, k.dims = slices.Delete(slices.Clone(k.axes), i, i+1), slices.Delete(slices.Clone(k.dims), i, i+1)
			}
		}
		out = append(out, k)
	}
	return out
}
