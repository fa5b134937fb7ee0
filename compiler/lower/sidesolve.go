package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
)

// newtonRounds are the steps of Newton's method at a side whose conditions are not linear: from
// an error of the order of the formulas so many leave none.
const newtonRounds = 5

// solveConditions finds what conditions over the same axes determine: exactly where they are
// linear in that, else by Newton's method from where the field goes on as inside.
func (g *sides) solveConditions(list []*condition) {
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
	owner, loose := match(len(list), func(equation, k int) bool { return !slopes[equation][k].IsConst(0) })
	if loose >= 0 {
		g.errNoCondition(list[loose].from)
		return
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
		right, a := make([]*ir.Node, len(list)), make([][]*ir.Node, len(list))
		for k, q := range owner { // each condition where what it can determine is
			right[k], a[k] = b.Substitute(values[q:q+1], by)[0], b.Substitute(slopes[q], by)
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
		g.determine(q, found[i], means)
	}
}

// determine notes what a condition has determined at its side.
func (g *sides) determine(q *condition, found *ir.Node, means bool) {
	s := g.sides[q.key]
	if s == nil {
		s = &side{}
		g.sides[q.key] = s
	}
	k := block{found, q.at.axes, q.at.dims}
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
		s.points, s.means = append(s.points, k.n), append(s.means, found)
	} else {
		s.points, s.means = append(s.points, found), append(s.means, k.n)
	}
	g.noteSide(q, len(s.points))
}

// evenly reports whether a condition is linear in fields and the same all along the side, but
// for what does not depend on them: then it holds for mean values as it does at points.
func (g *sides) evenly(q *condition) bool {
	for _, l := range g.leavesOf(q) {
		slope := autodiff.JVP(g.b, []*ir.Node{q.value}, []*ir.Node{l.node}, []*ir.Node{g.b.Const(1)})[0]
		if slope.Op != ir.OpFill && !(slope.Op == ir.OpConst && len(slope.Values) == 1) && slope.Shape.Size() > 1 || g.anyReads([][]*ir.Node{{slope}}, q.at.nodes()) {
			return false
		}
	}
	return true
}

// leavesOf are the derivatives of fields that a condition reads.
func (g *sides) leavesOf(q *condition) (out []leaf) {
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
func (g *sides) conditionOf(q *condition, standing map[sideKey][]*ir.Node, means bool) *ir.Node {
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

func (g *sides) anyReads(rows [][]*ir.Node, what []*ir.Node) bool {
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
func (g *sides) guess(q *condition) *ir.Node {
	k := g.values(q.key.field, q.key.comp)
	i := k.axis(q.key.axis)
	n, rest := g.front(k, i)
	return g.closed(n, q.key.high, derivative(q.order, 0), nil, k.dims[i], rest)
}

// sideLeaf is what a leaf of a condition stands for, in terms of what conditions determine.
func (g *sides) sideLeaf(q *condition, l leaf, standing map[sideKey][]*ir.Node, means bool) *ir.Node {
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
