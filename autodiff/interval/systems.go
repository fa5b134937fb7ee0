package interval

import "github.com/pinode/pinode/compiler/ir"

// unknown is the rule of operations of which no bounds are made.
func unknown(m *maker, n *ir.Node, _ []Bounds) Bounds { return Bounds{m.neg, m.inf} }

// solution bounds the solution x of a system Mx = b by that of the centres, x̄, and the
// inverse C of the centre of M: with e = x − x̄ and the residual ρ = b − Mx̄,
// e = Cρ + (I − CM)e, so that |e| ≤ |C| |ρ| + |I − CM| |e|, element by element. Nothing is
// known where ‖I − CM‖∞ is not below 1. S.M. Rump, Acta Numerica 19, 287–449, 2010,
// section 10.
func solution(m *maker, n *ir.Node, a []Bounds) Bounds {
	size := n.Args[0].Shape.N
	p, q := m.ball(a[0]), m.ball(a[2])
	inverse, x := m.Inverse(p.mid), m.Solve(p.mid, q.mid)
	if n.Transposed() {
		inverse, x = m.Transpose(inverse), m.SolveT(p.mid, q.mid)
		p.mid = m.Transpose(p.mid)
		if p.rad != nil {
			p.rad = m.Transpose(p.rad)
		}
	}
	// What elimination rounds is as if the matrix were off by so much.
	size0 := m.abs(p.mid)
	if p.rad != nil {
		size0 = m.Add(size0, p.rad)
	}
	moved := m.Fill(m.Mul(m.Const(float64(16*size)*m.eps), m.largest(size0)), p.mid.Shape)
	if p.rad != nil {
		moved = m.Add(moved, p.rad)
	}
	p.rad = moved
	times := func(u, v *ir.Node) *ir.Node {
		if v.Shape.Rank == 1 {
			return m.MatVec(u, v)
		}
		return m.MatMul(u, v)
	}
	off := m.Const(float64(2*size+8) * m.eps) // rounding of a product and a difference
	residual := m.Add(m.abs(m.Sub(q.mid, times(p.mid, x))), m.Mul(off, m.Add(m.abs(q.mid), times(m.abs(p.mid), m.abs(x)))))
	if q.rad != nil {
		residual = m.Add(residual, q.rad)
	}
	size1 := m.abs(inverse)
	rest := m.Sub(m.Identity(size), m.MatMul(inverse, p.mid))
	rest = m.Add(m.abs(rest), m.Mul(off, m.Add(m.Identity(size), m.MatMul(size1, m.abs(p.mid)))))
	residual = m.Add(residual, times(p.rad, m.abs(x)))
	rest = m.Add(rest, m.MatMul(size1, p.rad))
	first := times(size1, residual)
	rows := m.MatVec(rest, m.Full(ir.Vec(size), 1))
	norm := m.largest(rows)
	grown := m.Div(m.largest(first), m.Sub(m.one, norm))
	spread := m.Mul(rows, grown)
	if first.Shape.Rank == 2 {
		spread = m.Outer(spread, m.Full(ir.Vec(first.Shape.N), 1))
	}
	e := m.Mul(m.Const(1+float64(8*size)*double), m.Add(first, spread))
	bounds := m.wide(m.Sub(x, e), m.Add(x, e), 2)
	return m.or(m.not(m.Lt(norm, m.Const(0.99))), bounds)
}

// largest is the largest element.
func (m *maker) largest(x *ir.Node) *ir.Node {
	v := m.Elem(x, 0)
	for i := 1; i < x.Shape.Size(); i++ {
		v = m.max(v, m.Elem(x, i))
	}
	return v
}
