package autodiff

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// limits keeps 0·∞ from being NaN where the limit is finite. Square roots,
// powers and some others are finite where their slope is not: they are steep.
// Then, at such a point,
//
//   - k √x does not change with x where k = 0: the cotangent 0 stays 0,
//   - √u does not move along a direction in which u does not,
//   - x √x has the slope 0, as a factor without a steep op vanishes faster than
//     the slope of a root grows,
//   - √(s²) has the slope 0, the mean of both sides, and so have √(x² + y²) and
//     roots of all else that is flat where it vanishes,
//   - √u √u has the slope of u.
//
// Where the factor has a steep op itself, as in √x √(2x), the limit may be
// anything, and NaN says so. The slope of √x is infinite and stays so.
type limits struct {
	known []uint8 // by ID, whether a steep op is at a node or below it; 0: not known
	under set     // nodes below a steep op
	arms  bool    // some node is steep
}

// newLimits looks at the nodes of a derivative, in the order of ir.Reach.
func newLimits(nodes []*ir.Node) *limits {
	l := &limits{}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		l.arms = l.arms || rules[n.Op].steep
		if !infinite(n) && !l.under.has(n) {
			continue
		}
		if l.under == nil {
			l.under = set(newTable[bool](nodes))
		}
		for _, a := range n.Args {
			l.under[a.ID] = true
		}
	}
	return l
}

// infinite reports whether the slope of an operation may be infinite: that of a power is not where
// its exponent is known not to be less than 1.
func infinite(n *ir.Node) bool {
	if n.Op == ir.OpPow && n.Args[1].Op == ir.OpConst {
		return slices.ContainsFunc(n.Args[1].Values, func(v float64) bool { return v < 1 })
	}
	return rules[n.Op].steep
}

// steep reports whether a steep op is at the node or below it.
func (l *limits) steep(n *ir.Node) bool {
	const no, yes = 1, 2
	if n.ID >= len(l.known) {
		l.known = append(l.known, make([]uint8, n.ID+1+n.ID/8-len(l.known))...)
	}
	if known := l.known[n.ID]; known != 0 {
		return known == yes
	}
	s, known := rules[n.Op].steep, uint8(no)
	for _, a := range n.Args {
		s = s || l.steep(a)
	}
	if s {
		known = yes
	}
	l.known[n.ID] = known
	return s
}

// vjp is what the rule of a node gives for a cotangent.
func (l *limits) vjp(b *ir.Builder, n, ct *ir.Node) []*ir.Node {
	r := ruleOf(n)
	switch {
	case !l.arms:
	case r.inverse != nil && r.steep && !l.steep(ct):
		return []*ir.Node{quotient(b, ct, r.inverse(b, n.Args[0], n))}
	case r.steep && !l.steep(ct):
		return each(r.partials(b, n), func(p *ir.Node) *ir.Node { return tamed(b, p, ct) })
	case l.under.has(n) && r.partials != nil:
		return each(r.partials(b, n), func(p *ir.Node) *ir.Node { return l.product(b, ct, p) })
	}
	return r.vjp(b, n, ct)
}

// each replaces what is not nil.
func each(list []*ir.Node, f func(*ir.Node) *ir.Node) []*ir.Node {
	for i, p := range list {
		if p != nil {
			list[i] = f(p)
		}
	}
	return list
}

// jvp is the tangent of a node for those of its arguments.
func (l *limits) jvp(b *ir.Builder, n *ir.Node, d []*ir.Node) *ir.Node {
	r := ruleOf(n)
	switch {
	case !l.arms || !l.steep(n):
		return r.jvp(b, n, d)
	case r.steep && r.inverse != nil:
		return quotient(b, d[0], r.inverse(b, n.Args[0], n))
	case r.partials == nil || n.Op == ir.OpDiv: // a quotient has its steep ops in its partial derivatives
		return r.jvp(b, n, d)
	}
	var t *ir.Node
	for i, p := range r.partials(b, n) {
		if p == nil || d[i] == nil {
			continue
		}
		x := b.Mul(p, d[i])
		switch {
		case r.steep:
			x = tamed(b, p, d[i])
		case l.steep(n.Args[i]):
			x = l.product(b, d[i], p)
		}
		if n.Op == ir.OpDot {
			x = b.Sum(spread(b, x, n.Args[0].Shape))
		}
		t = plus(b, t, x)
	}
	return t
}

// product is x p, for a factor x that may be infinite, and 0 there where p is
// unless p has a steep op itself.
func (l *limits) product(b *ir.Builder, x, p *ir.Node) *ir.Node {
	if p.Op == ir.OpConst || l.steep(p) {
		return b.Mul(x, p)
	}
	return tamed(b, x, p)
}

// tamed is x p, and 0 where x is infinite and p is 0. Elsewhere it has all its
// derivatives.
func tamed(b *ir.Builder, x, p *ir.Node) *ir.Node {
	infinite := b.Lt(b.Const(math.MaxFloat64), b.Apply(ir.OpAbs, x))
	return unless(b, b.Mul(infinite, zero(b, p)), b.Mul(x, p))
}

// quotient is x/y, and 0 where both are.
func quotient(b *ir.Builder, x, y *ir.Node) *ir.Node {
	return unless(b, b.Mul(zero(b, x), zero(b, y)), b.Div(x, y))
}

// Steep reports whether the slope of a value may be infinite where the value is not: roots of sums of
// squares, as lengths of vectors, have corners instead.
func Steep(of *ir.Node) bool {
	return slices.ContainsFunc(ir.Reach(of), func(n *ir.Node) bool {
		return infinite(n) && !(n.Op == ir.OpSqrt && Squares(n.Args[0]))
	})
}

// Squares reports whether a node is written as a sum of squares.
func Squares(n *ir.Node) bool {
	switch n.Op {
	case ir.OpMul:
		return n.Args[0] == n.Args[1] || notNegative(n.Args[0]) && Squares(n.Args[1]) || notNegative(n.Args[1]) && Squares(n.Args[0])
	case ir.OpDot:
		return n.Args[0] == n.Args[1]
	case ir.OpSum:
		return Squares(n.Args[0])
	case ir.OpAdd:
		a, b := Squares(n.Args[0]), Squares(n.Args[1])
		return a && b || a && notNegative(n.Args[1]) || b && notNegative(n.Args[0])
	case ir.OpPow:
		e := n.Args[1]
		return e.Op == ir.OpConst && !slices.ContainsFunc(e.Values, func(v float64) bool { return !(v > 0) || math.Mod(v, 2) != 0 })
	}
	return false
}

// notNegative reports whether a node is a constant that is not negative.
func notNegative(n *ir.Node) bool {
	return n.Op == ir.OpConst && !slices.ContainsFunc(n.Values, func(v float64) bool { return !(v >= 0) })
}

// Tame is derivatives of a value with 0 in the place of slopes that are infinite or not a number, for
// steps that can do without one, as implicit steps from √x at x = 0.
func Tame(b *ir.Builder, of *ir.Node, slopes ...*ir.Node) []*ir.Node {
	if !slices.ContainsFunc(ir.Reach(of), infinite) {
		return slopes
	}
	return each(slopes, func(v *ir.Node) *ir.Node {
		return b.Select(b.Lt(b.Apply(ir.OpAbs, v), b.Const(math.MaxFloat64)), v, b.Const(0))
	})
}

func zero(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpEq, x, b.Const(0)) }

// unless is x, and 0 under a condition.
func unless(b *ir.Builder, cond, x *ir.Node) *ir.Node { return b.Select(cond, b.Const(0), x) }

// squaredRoot is u of a node √u √u, or nil.
func squaredRoot(n *ir.Node) *ir.Node {
	if n.Op == ir.OpMul && n.Args[0] == n.Args[1] && n.Args[0].Op == ir.OpSqrt {
		return n.Args[0].Args[0]
	}
	return nil
}
