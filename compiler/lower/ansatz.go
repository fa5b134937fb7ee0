package lower

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// ansatz is what a field is by construction: lift, which meets conditions at sides and at the
// start, plus something times factor, which vanishes there.
//
// I.E. Lagaris, A. Likas, D.I. Fotiadis, IEEE Trans. Neural Networks 9, 987–1000, 1998. Several
// sides are met one axis after the other: each corrects what is there by a straight line.
type ansatz struct {
	l      *networks
	m      *check.Model
	field  *check.State
	lift   *ir.Node // nil: 0
	factor *ir.Node // nil: 1

	met []map[*check.Coordinate]*ir.Node // where sides are met
}

// sides meets the sides at which the field is given.
func (a *ansatz) sides() {
	l, b := a.l, a.l.b
	for _, c := range a.m.Coordinates {
		lo, hi := a.given(c, false), a.given(c, true)
		s := b.Mul(b.Const(1/(c.Hi-c.Lo)), b.Sub(b.Elem(l.network.c, c.Axis), b.Const(c.Lo)))
		rest := b.Sub(b.Const(1), s)
		low, high := a.missing(lo, c, c.Lo), a.missing(hi, c, c.Hi)
		switch {
		case lo != nil && hi != nil:
			a.add(b.Add(a.times(rest, low), a.times(s, high)), b.Mul(b.Const(4), b.Mul(s, rest)))
		case lo != nil:
			a.add(low, s)
		case hi != nil:
			a.add(high, rest)
		}
	}
}

// given is what the field is at an end of an axis, where one condition says it for all of the
// side; nil else.
func (a *ansatz) given(c *check.Coordinate, high bool) (g *ir.Node) {
	var found *check.Side
	for _, s := range a.m.Boundaries {
		for i := range s.Sides {
			side := &s.Sides[i]
			if side.Axis != c || side.High != high || !reads(s.Residual, a.field) {
				continue
			}
			value := a.explicit(s.Residual)
			if found != nil || side.Where != nil || value == nil {
				return nil
			}
			found, g = side, a.l.value(value, a.field.Shape)
		}
	}
	if found != nil {
		a.l.network.hardSides[found] = true
	}
	return g
}

// explicit is g of a condition u − g, where g reads no field; nil else.
func (a *ansatz) explicit(x *check.Expr) *check.Expr {
	if x.Kind != check.Op || x.Name != "sub" {
		return nil
	}
	for i, u := range x.Args {
		g := x.Args[1-i]
		if u.Kind != check.Ref || u.Object != check.Object(a.field) {
			continue
		}
		for _, f := range a.l.network.allFields {
			if reads(g, f) {
				return nil
			}
		}
		return g
	}
	return nil
}

// missing is what a side asks for beyond the lift so far, at an end of its axis.
func (a *ansatz) missing(g *ir.Node, c *check.Coordinate, end float64) *ir.Node {
	if g == nil {
		return nil
	}
	if a.lift != nil {
		g = a.l.b.Sub(g, a.lift)
	}
	where := map[*check.Coordinate]*ir.Node{c: a.l.b.Const(end)}
	a.met = append(a.met, where)
	return a.l.at(g, where)
}

// times is a scalar times a value.
func (a *ansatz) times(s, v *ir.Node) *ir.Node {
	if v.Shape != ir.Scalar {
		s = a.l.b.Fill(s, v.Shape)
	}
	return a.l.b.Mul(s, v)
}

// add adds to the lift what vanishes where it was right, and another factor.
func (a *ansatz) add(lift, factor *ir.Node) {
	b := a.l.b
	if a.lift == nil {
		a.lift = lift
	} else {
		a.lift = b.Add(a.lift, lift)
	}
	if a.factor == nil {
		a.factor = factor
	} else {
		a.factor = b.Mul(a.factor, factor)
	}
}

// start meets the initial value by construction where it agrees with the sides, and asks for
// it at points else.
func (a *ansatz) start(hard bool) {
	l, b, f := a.l, a.l.b, a.field
	if f.Init == nil || f.Algebraic {
		return
	}
	from, until := a.m.Time.From, a.m.Time.Until
	u0 := l.value(f.Init, f.Shape)
	begin := map[*check.Coordinate]*ir.Node{nil: b.Const(from)}
	missing := u0
	if a.lift != nil {
		missing = b.Sub(u0, a.lift)
	}
	missing = l.at(missing, begin)
	if !hard || !a.agrees(u0, missing) {
		l.network.pending = append(l.network.pending, f)
		return
	}
	a.add(missing, b.Mul(b.Const(1/(until-from)), b.Sub(l.out.In.T, b.Const(from))))
}

// agrees reports whether an initial value agrees with what holds at sides, and is smooth
// across the ends of a periodic axis: to rounding, as far as numbers alone tell.
func (a *ansatz) agrees(u0, missing *ir.Node) bool {
	l, b := a.l, a.l.b
	for _, where := range a.met {
		if !a.vanishes(l.at(missing, where)) {
			return false
		}
	}
	for _, c := range a.m.Coordinates {
		if !c.Periodic {
			continue
		}
		for _, v := range []*ir.Node{u0, l.byCoordinate(u0, c), l.byCoordinate(l.byCoordinate(u0, c), c)} {
			at := func(end float64) *ir.Node {
				return l.at(v, map[*check.Coordinate]*ir.Node{c: b.Const(end)})
			}
			if !a.vanishes(b.Sub(at(c.Hi), at(c.Lo))) {
				return false
			}
		}
	}
	return true
}

// vanishes reports whether a value is zero to rounding, at some places of the coordinates
// that it still varies over.
func (a *ansatz) vanishes(v *ir.Node) bool {
	const places, small = 7, 1e-11
	for k := range places {
		where := map[*check.Coordinate]*ir.Node{}
		for _, c := range a.m.Coordinates {
			_, part := math.Modf(float64(k+1) * 0.618034 * float64(c.Axis+1))
			where[c] = a.l.b.Const(c.Lo + part*(c.Hi-c.Lo))
		}
		n := a.l.at(v, where)
		for i := range n.Shape.Size() {
			x, ok := a.l.b.Elem(n, i).Const()
			if !ok || !(math.Abs(x) < small) {
				return false
			}
		}
	}
	return true
}

// value is the field for what the network gives.
func (a *ansatz) value(raw *ir.Node) *ir.Node {
	if a.factor != nil {
		raw = a.times(a.factor, raw)
	}
	if a.lift != nil {
		raw = a.l.b.Add(a.l.spread(a.lift, raw.Shape), raw)
	}
	return raw
}

// spread is a value, or a scalar for all elements of a shape.
func (l *networks) spread(n *ir.Node, shape ir.Shape) *ir.Node {
	if n.Shape == ir.Scalar && shape != ir.Scalar {
		return l.b.Fill(n, shape)
	}
	return n
}
