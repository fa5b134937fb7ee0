package interval

import "github.com/pinode/pinode/compiler/ir"

// each is the rule of operations that move elements about.
func each(m *maker, n *ir.Node, a []Bounds) Bounds {
	return Bounds{m.Rebuild(n, []*ir.Node{a[0].Lo}), m.Rebuild(n, []*ir.Node{a[0].Hi})}
}

func assemble(m *maker, n *ir.Node, a []Bounds) Bounds {
	lo, hi := make([]*ir.Node, len(a)), make([]*ir.Node, len(a))
	for i, x := range a {
		lo[i], hi[i] = x.Lo, x.Hi
	}
	l, h := m.Rebuild(n, lo), m.Rebuild(n, hi)
	total := 0
	for _, x := range n.Args {
		total += x.Shape.Size()
	}
	if total <= n.Shape.Size() && apart(n) {
		return Bounds{l, h}
	}
	return m.wide(l, h, float64(len(a))) // parts that overlap add
}

// apart reports whether no parts of an assembly overlap.
func apart(n *ir.Node) bool {
	for i, x := range n.Args {
		for j := range i {
			if n.Offs[i] < n.Offs[j]+n.Args[j].Shape.Size() && n.Offs[j] < n.Offs[i]+x.Shape.Size() {
				return false
			}
		}
	}
	return true
}

// sum bounds the sum of n elements, in any order.
func (m *maker) sum(x Bounds, n int) Bounds {
	pad := m.Mul(m.Const(float64(n+4)*m.eps), m.Sum(m.max(m.abs(x.Lo), m.abs(x.Hi))))
	return Bounds{m.Sub(m.Sum(x.Lo), pad), m.Add(m.Sum(x.Hi), pad)}
}

// ball is an interval as its centre and its radius.
type ball struct{ mid, rad *ir.Node }

// ball is the ball around x; of a point it has no radius.
func (m *maker) ball(x Bounds) ball {
	if x.point() {
		return ball{x.Lo, nil}
	}
	half := m.Const(0.5)
	mid := m.Add(m.Mul(half, x.Lo), m.Mul(half, x.Hi))
	rad := m.max(m.Sub(x.Hi, mid), m.Sub(mid, x.Lo))
	return ball{mid, m.Mul(m.Const(1+4*double), rad)}
}

// bilinear bounds products of matrices and vectors by the centre and the radius:
// |AX − ĀX̄| ≤ |Ā| rX + rA (|X̄| + rX), and the rounding of k-fold sums.
func bilinear(m *maker, n *ir.Node, a []Bounds) Bounds {
	mid, rad := m.product(n, n.Op, a[0], a[1])
	return m.wide(m.Sub(mid, rad), m.Add(mid, rad), 1)
}

// dense bounds W·x + b.
func dense(m *maker, n *ir.Node, a []Bounds) Bounds {
	mid, rad := m.product(n, ir.OpMatVec, a[0], a[1])
	b := m.ball(a[2])
	rad = m.Add(rad, m.Mul(m.Const(terms(n)*m.eps), m.abs(b.mid)))
	if b.rad != nil {
		rad = m.Add(rad, b.rad)
	}
	mid = m.Add(mid, b.mid)
	return m.wide(m.Sub(mid, rad), m.Add(mid, rad), 2)
}

// terms is how many roundings there are in an element of a product.
func terms(n *ir.Node) float64 {
	return float64(n.Args[0].Shape.Size()/max(n.Shape.Size(), 1) + n.Args[1].Shape.Size() + 8)
}

// product is the product of the centres, and its radius.
func (m *maker) product(n *ir.Node, op ir.Op, x, y Bounds) (mid, rad *ir.Node) {
	times := func(x, y *ir.Node) *ir.Node { return m.Rebuild(&ir.Node{Op: op}, []*ir.Node{x, y}) }
	p, q := m.ball(x), m.ball(y)
	e := m.Const(terms(n) * m.eps)
	// |Ȳ| with its share of the rounding in the radius.
	size := m.abs(q.mid)
	reach := m.Mul(e, size)
	if q.rad != nil {
		reach = m.Add(reach, q.rad)
	}
	rad = times(m.abs(p.mid), reach)
	if p.rad != nil {
		if q.rad != nil {
			size = m.Add(size, q.rad)
		}
		rad = m.Add(rad, times(p.rad, size))
	}
	return times(p.mid, q.mid), m.Mul(m.Const(1+4*terms(n)*double), rad)
}
