package autodiff

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
)

// VJP returns Σⱼ ctsⱼᵀ ∂outsⱼ/∂wrtᵢ for each i, in the shape of wrtᵢ. The wrt
// nodes count as independent of each other and of what they are made of; they
// are usually inputs.
func VJP(b *ir.Builder, outs, cts, wrt []*ir.Node) []*ir.Node {
	if len(outs) != len(cts) {
		panic("autodiff: one cotangent for each output")
	}
	active := depends(outs, wrt)
	parts := map[*ir.Node]*sum{}
	add := func(n, ct *ir.Node) {
		if ct == nil || ct.IsConst(0) || !active[n] {
			return
		}
		s := parts[n]
		if s == nil {
			s = &sum{}
			parts[n] = s
		}
		s.add(ct)
	}
	for i, o := range outs {
		add(o, spread(b, cts[i], o.Shape))
	}
	stop := map[*ir.Node]bool{}
	for _, w := range wrt {
		stop[w] = true
	}
	nodes := ir.Reach(outs...)
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		s := parts[n]
		if s == nil || stop[n] || len(n.Args) == 0 {
			continue
		}
		ct := s.total(b, n.Shape)
		r, ok := rules[n.Op]
		if !ok {
			panic(fmt.Sprintf("autodiff: no rule for %s", n.Op))
		}
		var bars []*ir.Node
		if r.partials != nil {
			bars = r.partials(b, n)
			for k, d := range bars {
				if d != nil && active[n.Args[k]] {
					bars[k] = b.Mul(ct, d)
				} else {
					bars[k] = nil
				}
			}
		} else {
			bars = r.vjp(b, n, ct)
		}
		for k, a := range n.Args {
			if bars[k] != nil {
				add(a, gather(b, bars[k], a.Shape))
			}
		}
	}
	out := make([]*ir.Node, len(wrt))
	for i, w := range wrt {
		if s := parts[w]; s != nil {
			out[i] = s.total(b, w.Shape)
		} else {
			out[i] = b.Full(w.Shape, 0)
		}
	}
	return out
}

// JVP returns the tangents of outs for the given tangents of wrt, which count
// as independent. A nil tangent is zero.
func JVP(b *ir.Builder, outs, wrt, tangents []*ir.Node) []*ir.Node {
	if len(wrt) != len(tangents) {
		panic("autodiff: one tangent for each variable")
	}
	dot := map[*ir.Node]*ir.Node{}
	stop := map[*ir.Node]bool{}
	for i, w := range wrt {
		stop[w] = true
		if t := tangents[i]; t != nil && !t.IsConst(0) {
			dot[w] = spread(b, t, w.Shape)
		}
	}
	for _, n := range ir.Reach(outs...) {
		if stop[n] || len(n.Args) == 0 {
			continue
		}
		d, some := make([]*ir.Node, len(n.Args)), false
		for k, a := range n.Args {
			d[k] = dot[a]
			some = some || d[k] != nil
		}
		if !some {
			continue
		}
		r, ok := rules[n.Op]
		if !ok {
			panic(fmt.Sprintf("autodiff: no rule for %s", n.Op))
		}
		var t *ir.Node
		if r.partials != nil {
			for k, p := range r.partials(b, n) {
				if p == nil || d[k] == nil {
					continue
				}
				term := b.Mul(p, d[k])
				if t == nil {
					t = term
				} else {
					t = b.Add(t, term)
				}
			}
		} else {
			t = r.jvp(b, n, d)
		}
		if t != nil && !t.IsConst(0) {
			dot[n] = spread(b, t, n.Shape)
		}
	}
	out := make([]*ir.Node, len(outs))
	for i, o := range outs {
		if out[i] = dot[o]; out[i] == nil {
			out[i] = b.Full(o.Shape, 0)
		}
	}
	return out
}

// Jacobian returns ∂out/∂wrt as an m×n matrix, row by row of the vector out.
func Jacobian(b *ir.Builder, out, wrt *ir.Node) *ir.Node {
	m, n := out.Shape.Size(), wrt.Shape.Size()
	rows, offs := make([]*ir.Node, m), make([]int, m)
	for i := range m {
		g := VJP(b, []*ir.Node{b.Elem(out, i)}, []*ir.Node{b.Const(1)}, []*ir.Node{wrt})
		rows[i], offs[i] = b.Slice(g[0], 0, ir.Vec(n)), i*n
	}
	return b.Assemble(ir.Mat(m, n), offs, rows)
}

// depends marks the nodes that one of wrt can change.
func depends(outs, wrt []*ir.Node) map[*ir.Node]bool {
	active := map[*ir.Node]bool{}
	for _, w := range wrt {
		active[w] = true
	}
	for _, n := range ir.Reach(outs...) {
		for _, a := range n.Args {
			if active[a] {
				active[n] = true
				break
			}
		}
	}
	return active
}

// spread repeats a scalar over the shape.
func spread(b *ir.Builder, n *ir.Node, shape ir.Shape) *ir.Node {
	if n.Shape == ir.Scalar && shape != ir.Scalar {
		return b.Fill(n, shape)
	}
	return n
}

// gather sums the cotangent of a scalar that was repeated over a shape.
func gather(b *ir.Builder, ct *ir.Node, shape ir.Shape) *ir.Node {
	if shape == ir.Scalar && ct.Shape != ir.Scalar {
		return b.Sum(ct)
	}
	return spread(b, ct, shape)
}

// sum collects the cotangents of a node. Those of slices stay pieces of one
// assembly, so that the gradient by a long array of parameters is gathered
// once and not added up from padded copies.
type sum struct {
	offs   []int
	pieces []*ir.Node
	terms  []*ir.Node
}

func (s *sum) add(ct *ir.Node) {
	if ct.Op == ir.OpAssemble {
		s.offs = append(s.offs, ct.Offs...)
		s.pieces = append(s.pieces, ct.Args...)
		return
	}
	s.terms = append(s.terms, ct)
}

func (s *sum) total(b *ir.Builder, shape ir.Shape) *ir.Node {
	var t *ir.Node
	for _, x := range s.terms {
		if t == nil {
			t = x
		} else {
			t = b.Add(t, x)
		}
	}
	if len(s.pieces) == 0 {
		return t
	}
	offs, pieces := s.merged(b)
	a := b.Assemble(shape, offs, pieces)
	if t == nil {
		return a
	}
	return b.Add(t, a)
}

// merged adds pieces that cover the same range, in the order in which they
// came.
func (s *sum) merged(b *ir.Builder) (offs []int, pieces []*ir.Node) {
	type key struct{ off, size int }
	at := map[key]int{}
	for i, p := range s.pieces {
		k := key{s.offs[i], p.Shape.Size()}
		if j, ok := at[k]; ok {
			q := pieces[j]
			pieces[j] = b.Add(q, b.Slice(p, 0, q.Shape))
			continue
		}
		at[k] = len(pieces)
		offs, pieces = append(offs, s.offs[i]), append(pieces, p)
	}
	return offs, pieces
}
