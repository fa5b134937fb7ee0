package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl/diag"
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

// sides lowers what boundaries say.
type sides struct {
	*jets
	fields   *fields
	sides    map[sideKey]*side
	mistaken map[*check.Coordinate]bool // axes of whose sides a mistake has been told
}

// sideOf is what conditions give of a component at a side; nil for nothing.
func (g *sides) sideOf(f *check.State, comp int, c *check.Coordinate, high bool) *side {
	if c.Periodic {
		return nil
	}
	g.solveSide(c, high)
	return g.sides[sideKey{f, comp, c, high}]
}

// sideOfAxis marks a side whose equations are solved, or being so.
func sideOfAxis(c *check.Coordinate, high bool) sideKey { return sideKey{axis: c, high: high} }

// solveSide solves the equations at a side, once.
func (g *sides) solveSide(c *check.Coordinate, high bool) {
	if _, done := g.sides[sideOfAxis(c, high)]; done {
		return
	}
	g.sides[sideOfAxis(c, high)] = nil
	was := g.reading
	g.located, g.byMode = false, false
	mistakes := g.diags.Count(diag.Error)
	defer func() {
		g.reading = was
		g.mistaken[c] = g.mistaken[c] || g.diags.Count(diag.Error) > mistakes
	}()
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
func (g *sides) conditions(c *check.Coordinate, high bool) (list []*condition) {
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
			p := g.fields.points(over, spot{c: where{kind: kind}})
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
func (g *sides) mask(p *points, s check.Side) *ir.Node {
	m := p.done(p.value(s.Where))[0]
	if m.Op != ir.OpConst {
		g.errGrid(s.Where.Span, "the part of a side is told by its coordinates alone", "write numbers")
		return nil
	}
	return m
}

// read are the fields that a condition reads, whatever the derivative.
func (g *sides) read(q *condition) (out []leaf) {
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
func (g *sides) matched(list []*condition, c *check.Coordinate, high bool) bool {
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

// m0fields are the fields of the model.
func (g *grid) m0fields() (list []*check.State) {
	for _, s := range g.m.States {
		if f := g.Fields[s]; f != nil {
			list = append(list, f)
		}
	}
	return list
}

// complete checks that fields have the conditions that they need.
func (g *sides) complete() {
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
		if !g.mistaken[c] {
			g.count(c)
		}
	}
}

// count compares the conditions along an axis with what the highest derivatives need.
func (g *sides) count(c *check.Coordinate) {
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
