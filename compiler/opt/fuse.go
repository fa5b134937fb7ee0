package opt

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// term offers to take a product into a sum that it is an argument of: it
// returns what builds the fused node from the new arguments of product and the
// new other argument, or nil.
type term func(sum, product, other *ir.Node) func(b *ir.Builder, args []*ir.Node, other *ir.Node) *ir.Node

// denseTerm is W·x in W·x + b.
func denseTerm(sum, product, bias *ir.Node) func(*ir.Builder, []*ir.Node, *ir.Node) *ir.Node {
	if sum.Op != ir.OpAdd || product.Op != ir.OpMatVec || bias.Shape != sum.Shape {
		return nil
	}
	return func(b *ir.Builder, args []*ir.Node, bias *ir.Node) *ir.Node { return b.Dense(args[0], args[1], bias) }
}

// fmaTerm is x·y in x·y + z, and k·y in z − k·y for a constant k.
func fmaTerm(sum, product, _ *ir.Node) func(*ir.Builder, []*ir.Node, *ir.Node) *ir.Node {
	if product.Op != ir.OpMul {
		return nil
	}
	switch {
	case sum.Op == ir.OpAdd:
		return func(b *ir.Builder, args []*ir.Node, z *ir.Node) *ir.Node {
			return b.Apply(ir.OpFma, args[0], args[1], z)
		}
	case sum.Op == ir.OpSub && sum.Args[1] == product:
		for i, k := range product.Args {
			if k.Op == ir.OpConst {
				return func(b *ir.Builder, args []*ir.Node, z *ir.Node) *ir.Node {
					return b.Apply(ir.OpFma, b.Neg(args[i]), args[1-i], z)
				}
			}
		}
	}
	return nil
}

// fuse is the pass that takes products, which are operations op, into sums where they have no other use.
func fuse(op ir.Op, offer term) func(b *ir.Builder, nodes, roots []*ir.Node) []*ir.Node {
	return func(b *ir.Builder, nodes, roots []*ir.Node) []*ir.Node {
		if !slices.ContainsFunc(nodes, func(n *ir.Node) bool { return n.Op == op }) {
			return slices.Clone(roots)
		}
		uses := newTable[int](nodes)
		for _, n := range nodes {
			for _, a := range n.Args {
				uses[a.ID]++
			}
		}
		for _, r := range roots {
			uses[r.ID]++
		}
		keys := newTable[uint64](nodes)
		return rewrite(nodes, roots, func(old *ir.Node, done table[*ir.Node]) *ir.Node {
			if old.Op != ir.OpAdd && old.Op != ir.OpSub {
				return rebuilt(b, old, done)
			}
			var build func(*ir.Builder, []*ir.Node, *ir.Node) *ir.Node
			var product, other *ir.Node
			for i, p := range old.Args {
				if uses[p.ID] > 1 {
					continue
				}
				o := old.Args[1-i]
				// Of two products the one with the lower key: the order of
				// the arguments depends on what else was built.
				if f := offer(old, p, o); f != nil && (product == nil || key(keys, p) < key(keys, product)) {
					build, product, other = f, p, o
				}
			}
			if product == nil {
				return rebuilt(b, old, done)
			}
			defer b.Network(b.Network(old.Net))
			return build(b, newArgs(product, done), done[other.ID])
		})
	}
}

// key is a hash of what a node computes, whatever builder it is in. keys has
// those that are known, others are 0.
func key(keys table[uint64], n *ir.Node) uint64 {
	if h := keys[n.ID]; h != 0 {
		return h
	}
	h := uint64(14695981039346656037) // FNV-1a
	mix := func(v uint64) {
		for range 8 {
			h = (h ^ v&0xff) * 1099511628211
			v >>= 8
		}
	}
	for _, v := range []int{int(n.Op), n.Shape.Rank, n.Shape.M, n.Shape.N, n.Off} {
		mix(uint64(v))
	}
	for _, v := range n.Offs {
		mix(uint64(v))
	}
	for _, v := range n.Values {
		mix(math.Float64bits(v))
	}
	for _, c := range []byte(n.Name) {
		mix(uint64(c))
	}
	if n.Op.Info().Commutes || n.Op == ir.OpDot {
		mix(key(keys, n.Args[0]) + key(keys, n.Args[1]))
	} else {
		for _, a := range n.Args {
			mix(key(keys, a))
		}
	}
	keys[n.ID] = h
	return h
}
