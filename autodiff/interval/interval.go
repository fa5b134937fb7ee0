package interval

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// Bounds are a lower and an upper bound of a value, element by element. They are
// the value itself, twice, if it does not move.
type Bounds struct{ Lo, Hi *ir.Node }

// Point are the bounds of a value that does not move.
func Point(n *ir.Node) Bounds { return Bounds{n, n} }

func (x Bounds) point() bool { return x.Lo == x.Hi }

// Of returns bounds of roots where the nodes in over move within theirs. All that
// is not made of these is a point.
func Of(b *ir.Builder, roots []*ir.Node, over map[*ir.Node]Bounds) []Bounds {
	m := newMaker(b)
	defer b.Network(b.Network(false))
	m.bound(roots, over)
	out := make([]Bounds, len(roots))
	for i, r := range roots {
		out[i] = m.of[r.ID]
	}
	return out
}

// maker builds bounds.
type maker struct {
	*ir.Builder
	of                  []Bounds // by ID
	eps                 float64  // half of what an operation may be off, relatively
	zero, one, inf, neg *ir.Node
}

// Relative errors: of an operation, and of one of a network, whose precision may
// be single.
const (
	double = 0x1p-52
	single = 0x1p-22
)

// ulps is how many errors of an operation an elementary function may be off.
const ulps = 4

func newMaker(b *ir.Builder) *maker {
	return &maker{Builder: b, zero: b.Const(0), one: b.Const(1), inf: b.Const(math.Inf(1)), neg: b.Const(math.Inf(-1))}
}

// bound bounds everything that roots reach.
func (m *maker) bound(roots []*ir.Node, over map[*ir.Node]Bounds) {
	nodes := ir.Reach(roots...)
	if len(nodes) == 0 {
		return
	}
	m.of = make([]Bounds, nodes[len(nodes)-1].ID+1)
	for _, n := range nodes {
		if x, ok := over[n]; ok {
			m.of[n.ID] = x
			continue
		}
		args, moves := make([]Bounds, len(n.Args)), false
		for k, a := range n.Args {
			args[k] = m.of[a.ID]
			moves = moves || !args[k].point()
		}
		if !moves {
			m.of[n.ID] = Point(n)
			continue
		}
		if m.eps = double; n.Net {
			m.eps = single
			if n.Op.Info().Class == ir.Elementwise { // it may round what it reads
				for k, x := range args {
					if c, ok := x.Lo.Const(); !ok || !x.point() || c != float64(float32(c)) {
						args[k] = m.wide(x.Lo, x.Hi, 1)
					}
				}
			}
		}
		x := rules[n.Op](m, n, args)
		m.of[n.ID] = Bounds{m.spread(x.Lo, n.Shape), m.spread(x.Hi, n.Shape)}
	}
}

// spread repeats a scalar over the shape.
func (m *maker) spread(n *ir.Node, shape ir.Shape) *ir.Node {
	if n.Shape == ir.Scalar && shape != ir.Scalar {
		return m.Fill(n, shape)
	}
	return n
}

func (m *maker) min(x, y *ir.Node) *ir.Node { return m.Apply(ir.OpMin, x, y) }
func (m *maker) max(x, y *ir.Node) *ir.Node { return m.Apply(ir.OpMax, x, y) }
func (m *maker) abs(x *ir.Node) *ir.Node    { return m.Apply(ir.OpAbs, x) }
func (m *maker) not(x *ir.Node) *ir.Node    { return m.Sub(m.one, x) }
func (m *maker) and(x, y *ir.Node) *ir.Node { return m.Mul(x, y) }

// wide are bounds around those of exact arithmetic: by n times the error of an
// operation. Zero stays, and so does an infinite bound where it says nothing.
func (m *maker) wide(lo, hi *ir.Node, n float64) Bounds {
	e := n * m.eps
	return Bounds{m.Apply(ir.OpFma, m.Const(-e), m.abs(lo), lo), m.Apply(ir.OpFma, m.Const(e), m.abs(hi), hi)}
}

// or are the bounds x where c does not hold, else infinite.
func (m *maker) or(c *ir.Node, x Bounds) Bounds {
	return Bounds{m.Select(c, m.neg, x.Lo), m.Select(c, m.inf, x.Hi)}
}

// holds is 1 where v lies within x, and 0 where a bound is NaN.
func (m *maker) holds(x Bounds, v *ir.Node) *ir.Node {
	return m.and(m.Le(x.Lo, v), m.Le(v, x.Hi))
}

// size are the bounds of |x|.
func (m *maker) size(x Bounds) Bounds {
	low, high := m.Neg(x.Lo), m.Neg(x.Hi)
	return Bounds{m.max(m.max(x.Lo, high), m.zero), m.max(low, x.Hi)}
}

func (m *maker) add(x, y Bounds) Bounds { return m.sums(m.Add(x.Lo, y.Lo), m.Add(x.Hi, y.Hi)) }
func (m *maker) sub(x, y Bounds) Bounds { return m.sums(m.Sub(x.Lo, y.Hi), m.Sub(x.Hi, y.Lo)) }

// sums are bounds of a sum, which rounds alike in bounds and values: what may be fused
// with it is a product, which is widened.
func (m *maker) sums(lo, hi *ir.Node) Bounds {
	if m.eps == double {
		return Bounds{lo, hi}
	}
	return m.wide(lo, hi, 1)
}

// corners are the bounds of a function of two arguments whose extremes over a box
// are at its corners.
func (m *maker) corners(f func(x, y *ir.Node) *ir.Node, x, y Bounds) Bounds {
	lo := f(x.Lo, y.Lo)
	hi := lo
	more := func(v *ir.Node) { lo, hi = m.min(lo, v), m.max(hi, v) }
	if !y.point() {
		more(f(x.Lo, y.Hi))
	}
	if !x.point() {
		more(f(x.Hi, y.Lo))
	}
	if !x.point() && !y.point() {
		more(f(x.Hi, y.Hi))
	}
	return Bounds{lo, hi}
}

func (m *maker) mul(x, y Bounds) Bounds {
	if x == y {
		a := m.size(x)
		return m.wide(m.Mul(a.Lo, a.Lo), m.Mul(a.Hi, a.Hi), 1)
	}
	for range 2 {
		if c, ok := y.Lo.Const(); ok && y.point() {
			if c < 0 {
				x.Lo, x.Hi = x.Hi, x.Lo
			}
			return m.wide(m.Mul(x.Lo, y.Lo), m.Mul(x.Hi, y.Lo), 1)
		}
		x, y = y, x
	}
	p := m.corners(m.Mul, x, y)
	return m.wide(p.Lo, p.Hi, 1)
}

func (m *maker) div(x, y Bounds) Bounds {
	p := m.corners(m.Div, x, y)
	p = m.wide(p.Lo, p.Hi, 1)
	if y.point() {
		return p
	}
	return m.or(m.holds(y, m.zero), p)
}
