package interval

import "github.com/pinode/pinode/compiler/ir"

// Rates returns bounds of rates, which are derivatives by one variable of the
// nodes of by autodiff.JVP: those are infinite where a node may jump, which such a
// derivative does not see.
func Rates(b *ir.Builder, of, rates []*ir.Node, over map[*ir.Node]Bounds) []Bounds {
	m := newMaker(b)
	defer b.Network(b.Network(false))
	m.bound(append(append([]*ir.Node{}, of...), rates...), over)
	out := make([]Bounds, len(rates))
	for i, r := range rates {
		out[i] = m.of[r.ID]
		for _, n := range m.jumping(of[i]) {
			out[i] = m.or(m.jump(n), out[i])
		}
	}
	return out
}

// Jumps reports whether a node may jump where the nodes in over move.
func Jumps(b *ir.Builder, n *ir.Node, over map[*ir.Node]Bounds) bool {
	m := newMaker(b)
	defer b.Network(b.Network(false))
	m.bound([]*ir.Node{n}, over)
	return len(m.jumping(n)) > 0
}

// jumping are the nodes that may jump and that a root is made of. The condition of
// a choice between branches that agree where it turns is none of them.
func (m *maker) jumping(root *ir.Node) (list []*ir.Node) {
	seen := map[*ir.Node]bool{}
	var visit func(n *ir.Node)
	visit = func(n *ir.Node) {
		if seen[n] || m.of[n.ID].point() {
			return
		}
		seen[n] = true
		args := n.Args
		switch n.Op {
		case ir.OpSign, ir.OpFloor, ir.OpCeil, ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe, ir.OpAtan2:
			list = append(list, n)
		case ir.OpSelect:
			if m.agrees(n) {
				args = args[1:]
			} else if !m.of[args[0].ID].point() {
				list = append(list, n)
			}
		}
		for _, a := range args {
			visit(a)
		}
	}
	visit(root)
	return list
}

// agrees reports whether the branches of a choice by x < c or the like, with a
// constant c, are the same number at x = c.
func (m *maker) agrees(n *ir.Node) bool {
	c := n.Args[0]
	if c.Op != ir.OpLt && c.Op != ir.OpLe {
		return false
	}
	x, v := c.Args[0], c.Args[1]
	if x.Op == ir.OpConst {
		x, v = v, x
	}
	at, ok := v.Const()
	if !ok {
		return false
	}
	ends := m.Substitute(n.Args[1:], map[*ir.Node]*ir.Node{x: m.Full(x.Shape, at)})
	p, known := ends[0].Const()
	q, both := ends[1].Const()
	return known && both && p == q
}

// jump is 1 where a node that may jump does so within the bounds.
func (m *maker) jump(n *ir.Node) *ir.Node {
	if n.Op == ir.OpAtan2 {
		return m.Lt(m.zero, m.Sum(m.cut([]Bounds{m.of[n.Args[0].ID], m.of[n.Args[1].ID]})))
	}
	x := m.of[n.ID]
	if n.Op == ir.OpSelect {
		x = m.of[n.Args[0].ID]
	}
	return m.Lt(m.zero, m.Sum(m.not(m.Le(x.Hi, x.Lo))))
}
