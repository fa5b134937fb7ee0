package opt

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// Rule replaces a node by a cheaper one of the same value.
type Rule struct {
	Name string // as an equation
	Ops  []ir.Op

	// Apply returns the replacement, or nil where the rule does not apply. It
	// never undoes another rule.
	Apply func(b *ir.Builder, n *ir.Node) *ir.Node
}

// Rules are exact: they change no bit of a value, save the sign of a zero.
var Rules = []*Rule{
	{"-(x - y) = y - x", []ir.Op{ir.OpNeg}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if s := n.Args[0]; s.Op == ir.OpSub {
			return b.Sub(s.Args[1], s.Args[0])
		}
		return nil
	}},
	{"x - c = x + (-c)", []ir.Op{ir.OpSub}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if c := n.Args[1]; c.Op == ir.OpConst {
			return b.Add(n.Args[0], b.Neg(c))
		}
		return nil
	}},
	{"(-x) y = -(x y), (-x)/y = -(x/y)", []ir.Op{ir.OpMul, ir.OpDiv}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		x, y := n.Args[0], n.Args[1]
		switch {
		case x.Op == ir.OpNeg:
			return b.Neg(b.Apply(n.Op, x.Args[0], y))
		case y.Op == ir.OpNeg:
			return b.Neg(b.Apply(n.Op, x, y.Args[0]))
		}
		return nil
	}},
	{"-(c x) = (-c) x, -(c/x) = (-c)/x", []ir.Op{ir.OpNeg}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		m := n.Args[0]
		switch {
		case m.Op != ir.OpMul && m.Op != ir.OpDiv:
		case m.Args[0].Op == ir.OpConst:
			return b.Apply(m.Op, b.Neg(m.Args[0]), m.Args[1])
		case m.Args[1].Op == ir.OpConst:
			return b.Apply(m.Op, m.Args[0], b.Neg(m.Args[1]))
		}
		return nil
	}},
	{"x/2ᵏ = 2⁻ᵏ x", []ir.Op{ir.OpDiv}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if c, ok := n.Args[1].Const(); ok && powerOfTwo(c) {
			return fit(b, b.Mul(n.Args[0], b.Const(1/c)), n.Shape)
		}
		return nil
	}},
	{"|-x| = |x|, ||x|| = |x|", []ir.Op{ir.OpAbs}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if x := n.Args[0]; x.Op == ir.OpNeg || x.Op == ir.OpAbs {
			return b.Apply(ir.OpAbs, x.Args[0])
		}
		return nil
	}},
	{"|x| |x| = x x", []ir.Op{ir.OpMul}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if x := n.Args[0]; x == n.Args[1] && x.Op == ir.OpAbs {
			return b.Square(x.Args[0])
		}
		return nil
	}},
	{"min(x, x) = max(x, x) = x", []ir.Op{ir.OpMin, ir.OpMax}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if n.Args[0] == n.Args[1] {
			return n.Args[0]
		}
		return nil
	}},
	{"c ? 1 : 0 = c for a comparison", []ir.Op{ir.OpSelect}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		if c := n.Args[0]; comparison(c) && n.Args[1].IsConst(1) && n.Args[2].IsConst(0) {
			return fit(b, c, n.Shape)
		}
		return nil
	}},
	{"x ≠ 0 ? y : z = x ? y : z", []ir.Op{ir.OpSelect}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		c, y, z := n.Args[0], n.Args[1], n.Args[2]
		switch c.Op {
		case ir.OpEq, ir.OpNe:
			if c.Op == ir.OpEq {
				y, z = z, y
			}
			for i, a := range c.Args {
				if a.IsConst(0) {
					return fit(b, b.Select(c.Args[1-i], y, z), n.Shape)
				}
			}
		case ir.OpSub: // 1 − c
			if not := c.Args[1]; c.Args[0].IsConst(1) && comparison(not) {
				return fit(b, b.Select(not, z, y), n.Shape)
			}
		}
		return nil
	}},
	{"c ? (c ? x : y) : z = c ? x : z", []ir.Op{ir.OpSelect}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		c, x, y := n.Args[0], n.Args[1], n.Args[2]
		switch {
		case x.Op == ir.OpSelect && x.Args[0] == c:
			return fit(b, b.Select(c, x.Args[1], y), n.Shape)
		case y.Op == ir.OpSelect && y.Args[0] == c:
			return fit(b, b.Select(c, x, y.Args[2]), n.Shape)
		}
		return nil
	}},
	{"f(fill(x), y) = f(x, y)", elementwise(), func(b *ir.Builder, n *ir.Node) *ir.Node {
		if n.Shape == ir.Scalar {
			return nil
		}
		args, changed := slices.Clone(n.Args), false
		for i, a := range args {
			if s := repeated(b, a); s != nil {
				args[i], changed = s, true
			}
		}
		if !changed {
			return nil
		}
		return fit(b, b.Rebuild(n, args), n.Shape)
	}},
	{"Aᵀᵀ·x = A·x", []ir.Op{ir.OpMatVec, ir.OpTMatVec}, func(b *ir.Builder, n *ir.Node) *ir.Node {
		a, x := n.Args[0], n.Args[1]
		switch {
		case a.Op != ir.OpTranspose:
			return nil
		case n.Op == ir.OpMatVec:
			return b.TMatVec(a.Args[0], x)
		}
		return b.MatVec(a.Args[0], x)
	}},
	{"[[x, y], z] = [x, y, z]", []ir.Op{ir.OpAssemble}, flatten},
	{"[x[0:2], x[2:4]] = x[0:4]", []ir.Op{ir.OpAssemble}, joinSlices},
}

// rulesOf has the rules of each op, in the order of the table.
var rulesOf = func() (by [ir.NumOps][]*Rule) {
	for _, r := range Rules {
		for _, op := range r.Ops {
			by[op] = append(by[op], r)
		}
	}
	return by
}()

// applyRules is the pass of that name. A replacement may bring up nodes that
// are new themselves, so it goes round until nothing changes. Nodes to which no rule applies are
// known the next time.
func applyRules(b *ir.Builder, nodes, roots []*ir.Node) []*ir.Node {
	settled := make([]bool, b.Len())
	for {
		next := rewrite(nodes, roots, func(old *ir.Node, done table[*ir.Node]) *ir.Node {
			n := rebuilt(b, old, done)
			for n.ID >= len(settled) || !settled[n.ID] {
				r := applyFirst(b, n)
				if r == nil {
					settled = append(settled, make([]bool, b.Len()-len(settled))...)
					settled[n.ID] = true
				} else {
					n = r
				}
			}
			return n
		})
		if slices.Equal(next, roots) {
			return roots
		}
		roots, nodes = next, ir.Reach(next...)
	}
}

func applyFirst(b *ir.Builder, n *ir.Node) *ir.Node {
	defer b.Network(b.Network(n.Net))
	for _, r := range rulesOf[n.Op] {
		if m := r.Apply(b, n); m != nil {
			return m
		}
	}
	return nil
}

// flatten takes the parts of a part into the assembly itself. Where parts
// overlap the order of additions counts, so there it does not apply.
func flatten(b *ir.Builder, n *ir.Node) *ir.Node {
	if !slices.ContainsFunc(n.Args, func(a *ir.Node) bool { return a.Op == ir.OpAssemble }) {
		return nil
	}
	outer := coverage(n)
	var offs []int
	var parts []*ir.Node
	changed := false
	for i, a := range n.Args {
		once := func(k int) bool { return k <= 1 }
		lo := n.Offs[i]
		if a.Op != ir.OpAssemble || !all(outer[lo:lo+a.Shape.Size()], once) || !all(coverage(a), once) {
			offs, parts = append(offs, lo), append(parts, a)
			continue
		}
		changed = true
		for k, p := range a.Args {
			offs, parts = append(offs, lo+a.Offs[k]), append(parts, p)
		}
	}
	if !changed {
		return nil
	}
	return b.Assemble(n.Shape, offs, parts)
}

// coverage counts the parts that meet each element of an assembly.
func coverage(n *ir.Node) []int {
	count := make([]int, n.Shape.Size())
	for i, a := range n.Args {
		for j := range a.Shape.Size() {
			count[n.Offs[i]+j]++
		}
	}
	return count
}

func all(list []int, ok func(int) bool) bool {
	return !slices.ContainsFunc(list, func(k int) bool { return !ok(k) })
}

// joinSlices makes one part of parts that follow each other in the assembly
// and in the array that they are slices of.
func joinSlices(b *ir.Builder, n *ir.Node) *ir.Node {
	var offs []int
	var parts []*ir.Node
	for i, a := range n.Args {
		if k := len(parts) - 1; k >= 0 && a.Op == ir.OpSlice {
			p, size := parts[k], parts[k].Shape.Size()
			if p.Op == ir.OpSlice && p.Args[0] == a.Args[0] && p.Off+size == a.Off && offs[k]+size == n.Offs[i] {
				parts[k] = b.Slice(p.Args[0], p.Off, ir.Vec(size+a.Shape.Size()))
				continue
			}
		}
		offs, parts = append(offs, n.Offs[i]), append(parts, a)
	}
	if len(parts) == len(n.Args) {
		return nil
	}
	return b.Assemble(n.Shape, offs, parts)
}

// repeated is the scalar that an array repeats, or nil.
func repeated(b *ir.Builder, n *ir.Node) *ir.Node {
	if n.Op == ir.OpFill {
		return n.Args[0]
	}
	if v, ok := n.Const(); ok && n.Shape != ir.Scalar {
		return b.Const(v)
	}
	return nil
}

// fit repeats a scalar where the node that it replaces was an array.
func fit(b *ir.Builder, n *ir.Node, shape ir.Shape) *ir.Node {
	if n.Shape == ir.Scalar {
		return b.Fill(n, shape)
	}
	return n
}

func comparison(n *ir.Node) bool {
	switch n.Op {
	case ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe:
		return true
	}
	return false
}

func elementwise() (ops []ir.Op) {
	for op := range ir.NumOps {
		if op.Info().Class == ir.Elementwise {
			ops = append(ops, op)
		}
	}
	return ops
}

// powerOfTwo reports whether c and 1/c are normal numbers ±2ᵏ.
func powerOfTwo(c float64) bool {
	f, e := math.Frexp(c)
	return math.Abs(f) == 0.5 && e > -1000 && e < 1000
}
