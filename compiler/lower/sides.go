package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
)

// What boundaries say. At a side an equation determines the value of a field there, a second
// one its slope: the polynomial through these and the first cells gives the cells beyond the
// side and all derivatives at it, to the order of the formulas inside.

type sideKey struct {
	field *check.State
	comp  int
	axis  *check.Coordinate
	high  bool
}

// side is what the conditions of a component give at a side: its value there, and perhaps its
// derivative away from the side in units of a cell's width. They are over the other axes.
type side struct {
	points []*ir.Node // at the centres along these
	means  []*ir.Node // mean values
}

// condition is one equation at a side, with what it is matched to.
type condition struct {
	from  *check.Boundary
	at    *points
	value *ir.Node
	key   sideKey
	order int      // 0: the value, 1: the slope
	w     *ir.Node // an input that stands for it
}

// sideOf is what conditions give of a component at a side; nil for nothing.
func (g *fields) sideOf(f *check.State, comp int, c *check.Coordinate, high bool) *side {
	if c.Periodic {
		return nil
	}
	g.solveSide(c, high)
	return g.sides[sideKey{f, comp, c, high}]
}

// sideOfAxis marks a side whose equations are solved, or being so.
func sideOfAxis(c *check.Coordinate, high bool) sideKey { return sideKey{axis: c, high: high} }

// solveSide solves the equations at a side, once.
func (g *fields) solveSide(c *check.Coordinate, high bool) {
	if _, done := g.sides[sideOfAxis(c, high)]; done {
		return
	}
	g.sides[sideOfAxis(c, high)] = nil
	was := g.reading
	g.located, g.byMode = false, false
	defer func() { g.reading = was }()
	list := g.conditions(c, high)
	if !g.matched(list, c, high) {
		return
	}
	for len(list) > 0 { // those over the same axes together
		var group, rest []*condition
		for _, q := range list {
			if slices.Equal(q.at.axes, list[0].at.axes) {
				group = append(group, q)
			} else {
				rest = append(rest, q)
			}
		}
		g.solveConditions(group)
		list = rest
	}
}

// conditions are the equations at a side, component by component. Those that hold on parts of it
// and read the same are one, with the mean where parts meet.
func (g *fields) conditions(c *check.Coordinate, high bool) (list []*condition) {
	kind := lowSide
	if high {
		kind = highSide
	}
	type parts struct {
		q     *condition
		sum   *ir.Node
		count *ir.Node
	}
	var partial []*parts
	for _, bd := range g.m.Boundaries {
		for _, s := range bd.Sides {
			if s.Axis != c || s.High != high {
				continue
			}
			over := check.CoordinatesOf(bd.Residual)
			if !slices.Contains(over, c) {
				over = append(over, c)
			}
			p := g.points(over, spot{c: where{kind: kind}})
			for _, v := range p.value(bd.Residual) {
				q := &condition{from: bd, at: p, value: g.b.Fill(v, ir.Vec(p.size()))}
				if s.Where == nil {
					list = append(list, q)
					continue
				}
				mask := g.mask(p, s)
				if mask == nil {
					continue
				}
				i := slices.IndexFunc(partial, func(o *parts) bool {
					return slices.Equal(o.q.at.axes, p.axes) && slices.EqualFunc(g.read(o.q), g.read(q), sameLeaf)
				})
				if i < 0 {
					partial = append(partial, &parts{q, g.b.Mul(mask, q.value), mask})
					continue
				}
				o := partial[i]
				// One evaluation for all parts: leaves of the others are those of the first.
				v := q.value
				by := map[*ir.Node]*ir.Node{}
				for _, l := range p.leaves {
					if l.coord != nil {
						by[l.node] = o.q.at.coordLeaf(l.coord)
					} else {
						by[l.node] = o.q.at.fieldLeaf(l.field, l.comp, l.d)
					}
				}
				v = g.b.Substitute([]*ir.Node{v}, by)[0]
				o.sum, o.count = g.b.Add(o.sum, g.b.Mul(mask, v)), g.b.Add(o.count, mask)
			}
		}
	}
	for _, o := range partial {
		for i := range o.count.Shape.Size() {
			if o.count.At(i) == 0 {
				g.errGap(o.q.from, c, high)
				return nil
			}
		}
		o.q.value = g.b.Div(o.sum, o.count)
		list = append(list, o.q)
	}
	return list
}

// mask is 1 at the points of a side where a part of it is, else 0; nil after an error.
func (g *fields) mask(p *points, s check.Side) *ir.Node {
	m := p.done(p.value(s.Where))[0]
	if m.Op != ir.OpConst {
		g.errGrid(s.Where.Span, "the part of a side is told by its coordinates alone", "write numbers")
		return nil
	}
	return m
}

// read are the fields that a condition reads, whatever the derivative.
func (g *fields) read(q *condition) (out []leaf) {
	reached := ir.Reach(q.value)
	for _, l := range q.at.leaves {
		if l.field != nil && slices.Contains(reached, l.node) && !slices.ContainsFunc(out, func(o leaf) bool { return sameLeaf(o, l) }) {
			out = append(out, l)
		}
	}
	return out
}

func sameLeaf(a, b leaf) bool { return a.field == b.field && a.comp == b.comp }

// matched gives each condition a component of a field that it reads, of those that need one
// there; false after an error.
func (g *fields) matched(list []*condition, c *check.Coordinate, high bool) bool {
	type slot struct {
		key   sideKey
		order int
	}
	var slots []slot
	for order := range 2 {
		for _, f := range g.m0fields() {
			if g.orders[axisKey{f, c}] <= 2*order {
				continue
			}
			for k := range f.Shape.Size() {
				slots = append(slots, slot{sideKey{f, k, c, high}, order})
			}
		}
	}
	owner := slices.Repeat([]int{-1}, len(slots)) // of each slot, a condition
	for i, q := range list {
		reads := g.read(q)
		seen := make([]bool, len(slots))
		can := func(q int, s slot) bool {
			return slices.Equal(sorted(s.key.field.Over), list[q].at.axes) &&
				slices.ContainsFunc(g.read(list[q]), func(l leaf) bool { return l.field == s.key.field && l.comp == s.key.comp })
		}
		var place func(q int) bool
		place = func(q int) bool {
			for k, s := range slots {
				if seen[k] || !can(q, s) {
					continue
				}
				seen[k] = true
				if owner[k] < 0 || place(owner[k]) {
					owner[k] = q
					return true
				}
			}
			return false
		}
		if !place(i) {
			g.errSpareCondition(q.from, c, high, len(reads) > 0)
			return false
		}
	}
	for k, q := range owner {
		if q >= 0 {
			list[q].key, list[q].order = slots[k].key, slots[k].order
		}
	}
	return true
}

// solveConditions finds what conditions over the same axes determine: exactly where they are
// linear in that, else by Newton's method from where the field goes on as inside.
func (g *fields) solveConditions(list []*condition) {
	b := g.b
	counts := map[sideKey]int{}
	for _, q := range list {
		counts[q.key]++
	}
	standing := map[sideKey][]*ir.Node{}
	slices.SortStableFunc(list, func(x, y *condition) int { return x.order - y.order })
	for _, q := range list {
		if q.order > 0 && len(standing[q.key]) == 0 { // a single condition gives the value
			q.order = 0
		}
		g.fresh++
		q.w = b.Input("side#"+itoa(g.fresh), q.value.Shape, true)
		standing[q.key] = append(standing[q.key], q.w)
	}
	values, unknowns := make([]*ir.Node, len(list)), make([]*ir.Node, len(list))
	means := !slices.ContainsFunc(list, func(q *condition) bool { return !g.evenly(q) })
	for i, q := range list {
		unknowns[i] = q.w
		values[i] = g.conditionOf(q, standing, means)
	}
	slopes := make([][]*ir.Node, len(list))
	for i, v := range values {
		for _, w := range unknowns {
			slopes[i] = append(slopes[i], autodiff.JVP(b, []*ir.Node{v}, []*ir.Node{w}, []*ir.Node{b.Const(1)})[0])
		}
	}
	found := make([]*ir.Node, len(list))
	rounds := 1
	for i := range found {
		found[i] = b.Full(unknowns[i].Shape, 0)
	}
	if g.anyReads(slopes, unknowns) {
		rounds = newtonRounds
		for i, q := range list {
			found[i] = g.guess(q)
		}
	}
	for range rounds {
		by := map[*ir.Node]*ir.Node{}
		for i, w := range unknowns {
			by[w] = found[i]
		}
		right := b.Substitute(values, by)
		a := make([][]*ir.Node, len(list))
		for i := range a {
			a[i] = b.Substitute(slopes[i], by)
		}
		step := linear.Solve(b, a, right)
		if step == nil {
			g.errNoCondition(list[0].from)
			return
		}
		for i := range found {
			found[i] = b.Sub(found[i], step[i])
		}
	}
	for i, q := range list {
		s := g.sides[q.key]
		if s == nil {
			s = &side{}
			g.sides[q.key] = s
		}
		k := block{found[i], q.at.axes, q.at.dims}
		for _, c := range k.axes {
			switch {
			case c == q.key.axis:
			case means:
				k = g.pointed(k, c)
			default:
				k = g.averaged(k, c)
			}
		}
		if means {
			s.points, s.means = append(s.points, k.n), append(s.means, found[i])
		} else {
			s.points, s.means = append(s.points, found[i]), append(s.means, k.n)
		}
		g.noteSide(q, len(s.points))
	}
}

// evenly reports whether a condition is linear in fields and the same all along the side, but
// for what does not depend on them: then it holds for mean values as it does at points.
func (g *fields) evenly(q *condition) bool {
	for _, l := range g.leavesOf(q) {
		slope := autodiff.JVP(g.b, []*ir.Node{q.value}, []*ir.Node{l.node}, []*ir.Node{g.b.Const(1)})[0]
		if slope.Op != ir.OpFill && !(slope.Op == ir.OpConst && len(slope.Values) == 1) && slope.Shape.Size() > 1 || g.anyReads([][]*ir.Node{{slope}}, q.at.nodes()) {
			return false
		}
	}
	return true
}

// leavesOf are the derivatives of fields that a condition reads.
func (g *fields) leavesOf(q *condition) (out []leaf) {
	reached := ir.Reach(q.value)
	for _, l := range q.at.leaves {
		if l.field != nil && slices.Contains(reached, l.node) {
			out = append(out, l)
		}
	}
	return out
}

func (p *points) nodes() (out []*ir.Node) {
	for _, l := range p.leaves {
		out = append(out, l.node)
	}
	return out
}

// conditionOf is a condition in terms of what it determines: at points, or of mean values along
// the other axes.
func (g *fields) conditionOf(q *condition, standing map[sideKey][]*ir.Node, means bool) *ir.Node {
	b := g.b
	by, none := map[*ir.Node]*ir.Node{}, map[*ir.Node]*ir.Node{}
	for _, l := range q.at.leaves {
		switch {
		case l.coord != nil:
			by[l.node] = q.at.meant(l)
			none[l.node] = by[l.node]
		case slices.Contains(ir.Reach(q.value), l.node):
			by[l.node] = g.sideLeaf(q, l, standing, means)
			none[l.node] = b.Full(l.node.Shape, 0)
		}
	}
	if !means {
		return b.Substitute([]*ir.Node{q.value}, by)[0]
	}
	k := block{b.Substitute([]*ir.Node{q.value}, none)[0], q.at.axes, q.at.dims}
	for _, c := range k.axes {
		if c != q.key.axis {
			k = g.averaged(k, c)
		}
	}
	sum := k.n
	for _, l := range g.leavesOf(q) {
		slope := autodiff.JVP(b, []*ir.Node{q.value}, []*ir.Node{l.node}, []*ir.Node{b.Const(1)})[0]
		sum = b.Add(sum, b.Mul(slope, by[l.node]))
	}
	return sum
}

// newtonRounds are the steps of Newton's method at a side whose conditions are not linear: from
// an error of the order of the formulas so many leave none.
const newtonRounds = 5

func (g *fields) anyReads(rows [][]*ir.Node, what []*ir.Node) bool {
	for _, row := range rows {
		for _, n := range ir.Reach(row...) {
			if slices.Contains(what, n) {
				return true
			}
		}
	}
	return false
}

// guess is what a condition determines if the field goes on as inside.
func (g *fields) guess(q *condition) *ir.Node {
	k := g.values(q.key.field, q.key.comp)
	i := k.axis(q.key.axis)
	n, rest := g.front(k, i)
	return g.closed(n, q.key.high, derivative(q.order, 0), nil, k.dims[i], rest)
}

// sideLeaf is what a leaf of a condition stands for, in terms of what conditions determine.
func (g *fields) sideLeaf(q *condition, l leaf, standing map[sideKey][]*ir.Node, means bool) *ir.Node {
	c, high := q.key.axis, q.key.high
	if !slices.Contains(l.field.Over, c) {
		n := q.at.meant(l)
		if means {
			k := block{n, q.at.axes, q.at.dims}
			for _, o := range k.axes {
				if o != c {
					k = g.averaged(k, o)
				}
			}
			n = k.n
		}
		return n
	}
	axes := sorted(l.field.Over)
	d := 0
	for i, k := range l.d {
		if axes[i] == c {
			d = k
		} else if k > 0 {
			g.errGrid(q.from.Span, "a boundary has derivatives along its axis only", "write `diff` by `"+c.Name+"`")
		}
	}
	given := standing[sideKey{l.field, l.comp, c, high}]
	if given == nil && !slices.Equal(axes, q.at.axes) {
		if s := g.sideOf(l.field, l.comp, c, high); s != nil {
			if given = s.points; means {
				given = s.means
			}
		}
	}
	k := g.values(l.field, l.comp)
	for _, o := range axes {
		if o != c && !means {
			k = g.pointed(k, o)
		}
	}
	i := k.axis(c)
	n, rest := g.front(k, i)
	v := g.closed(n, high, derivative(d, 0), given, k.dims[i], rest)
	s := scaled(g.width(c), d)
	if high && d%2 == 1 {
		s = -s
	}
	k = g.back(k, i, 1, g.b.Mul(g.b.Const(s), v))
	return g.broadcast(k, q.at.axes, q.at.dims)
}

// m0fields are the fields of the model.
func (g *fields) m0fields() (list []*check.State) {
	for _, s := range g.m.States {
		if f := g.Fields[s]; f != nil {
			list = append(list, f)
		}
	}
	return list
}

// complete checks that fields have the conditions that they need.
func (g *fields) complete() {
	for _, c := range g.m.Coordinates {
		if c.Periodic {
			continue
		}
		if g.spectral() && slices.ContainsFunc(g.m0fields(), func(f *check.State) bool { return slices.Contains(f.Over, c) }) {
			g.errSpectral(c)
			continue
		}
		g.solveSide(c, false)
		g.solveSide(c, true)
		g.count(c)
	}
}

// count compares the conditions along an axis with what the highest derivatives need.
func (g *fields) count(c *check.Coordinate) {
	var entering []*check.State // of first order: what enters is not told by each of them
	entered := false
	for _, f := range g.m0fields() {
		order := g.orders[axisKey{f, c}]
		if order == 0 {
			continue
		}
		for k := range f.Shape.Size() {
			var have [2]int
			for i, high := range []bool{false, true} {
				if s := g.sides[sideKey{f, k, c, high}]; s != nil {
					have[i] = len(s.points)
				}
			}
			switch {
			case order == 1:
				entering, entered = append(entering, f), entered || have[0]+have[1] > 0
			case have[0] < order/2:
				g.errMissingCondition(f, c, order, c.Lo)
			case have[1] < order/2:
				g.errMissingCondition(f, c, order, c.Hi)
			case have[0]+have[1] < order:
				g.errMissingEntry(f, c, order)
			}
		}
	}
	if len(entering) > 0 && !entered {
		g.errMissingEntry(entering[0], c, 1)
	}
}
