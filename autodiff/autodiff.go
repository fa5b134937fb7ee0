package autodiff

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
)

// VJP returns Σⱼ ctsⱼᵀ ∂outsⱼ/∂wrtᵢ for each i, in the shape of wrtᵢ.
//
// The wrt nodes are usually inputs or slices of inputs, which stand for these
// elements of the input. Other nodes count as independent of each other and of
// what they are made of; mind that the builder may have simplified outs so that
// they no longer pass through such a node. A scalar cotangent stands for one
// repeated over its output.
func VJP(b *ir.Builder, outs, cts, wrt []*ir.Node) []*ir.Node {
	if len(outs) != len(cts) {
		panic(fmt.Sprintf("autodiff: %d cotangents for %d outputs", len(cts), len(outs)))
	}
	vars := variables(wrt)
	nodes := ir.Reach(outs...)
	active := depends(nodes, vars)
	guarded, limits := guard(nodes, active), newLimits(nodes)
	bars := newTable[sum](nodes)
	add := func(n, bar *ir.Node) {
		if bar != nil && active[n.ID] && !bar.IsConst(0) {
			bars[n.ID].add(bar)
		}
	}
	for i, o := range outs {
		add(o, cts[i])
	}
	leaf := setOf(nodes, vars)
	defer b.Network(b.Network(false))
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		b.Network(n.Net)
		s := &bars[n.ID]
		if s.empty() || leaf[n.ID] {
			continue
		}
		r := ruleOf(n)
		ct := s.total(b, n.Shape)
		if n.Op.Info().Class != ir.Elementwise {
			ct = spread(b, ct, n.Shape)
		}
		if u := squaredRoot(n); u != nil {
			add(u, ct)
			continue
		}
		argBars := limits.vjp(b, n, ct)
		if guarded.has(n) && !r.constant {
			shut(b, n, ct, argBars)
		}
		for k, a := range n.Args {
			if argBars[k] != nil && active[a.ID] {
				add(a, gather(b, argBars[k], n, a))
			}
		}
	}
	b.Network(false)
	out := make([]*ir.Node, len(wrt))
	for i, v := range vars {
		bar := b.Full(v.Shape, 0)
		if active.has(v) && !bars[v.ID].empty() {
			bar = spread(b, bars[v.ID].total(b, v.Shape), v.Shape)
		}
		if v != wrt[i] {
			bar = b.Slice(bar, wrt[i].Off, wrt[i].Shape)
		}
		out[i] = bar
	}
	return out
}

// JVP returns the tangents of outs, in their shapes, for the tangents of wrt,
// which are variables as in VJP; tangents of slices that overlap, or of a
// variable that is listed twice, add up. A nil tangent is zero, a scalar one
// stands for one repeated over its variable.
func JVP(b *ir.Builder, outs, wrt, tangents []*ir.Node) []*ir.Node {
	return newForward(b, outs, wrt).push(tangents)
}

// forward is the way of tangents through a graph.
type forward struct {
	b               *ir.Builder
	outs, wrt, vars []*ir.Node
	nodes           []*ir.Node
	leaf            set
	limits          *limits
	dots            table[*ir.Node]
	readers         *readers // nil: every node is looked at
}

func newForward(b *ir.Builder, outs, wrt []*ir.Node) *forward {
	nodes, vars := ir.Reach(outs...), variables(wrt)
	return &forward{b: b, outs: outs, wrt: wrt, vars: vars, nodes: nodes, leaf: setOf(nodes, vars), limits: newLimits(nodes), dots: newTable[*ir.Node](nodes)}
}

// often prepares for many pushes, each of which then goes only where its tangents do.
func (f *forward) often() *forward {
	f.readers = newReaders(f.nodes)
	return f
}

// push gives the tangents of the outputs for those of the variables.
func (f *forward) push(tangents []*ir.Node) []*ir.Node {
	if len(f.wrt) != len(tangents) {
		panic(fmt.Sprintf("autodiff: %d tangents for %d variables", len(tangents), len(f.wrt)))
	}
	b := f.b
	for i, v := range f.vars {
		t := tangents[i]
		if t == nil || t.IsConst(0) || !f.leaf.has(v) {
			continue
		}
		t = spread(b, t, f.wrt[i].Shape)
		if v != f.wrt[i] {
			t = b.Assemble(v.Shape, []int{f.wrt[i].Off}, []*ir.Node{t})
		}
		f.dots[v.ID] = plus(b, f.dots[v.ID], t)
	}
	defer b.Network(b.Network(false))
	if f.readers == nil {
		for _, n := range f.nodes {
			f.through(n)
		}
	} else {
		f.readers.follow(f.vars, f.through)
	}
	out := make([]*ir.Node, len(f.outs))
	for i, o := range f.outs {
		if out[i] = f.dots[o.ID]; out[i] == nil {
			out[i] = b.Full(o.Shape, 0)
		}
	}
	if f.readers != nil {
		f.readers.forget(func(n *ir.Node) { f.dots[n.ID] = nil })
	}
	return out
}

// through takes the tangents of a node's arguments to the node, and reports whether it has one.
func (f *forward) through(n *ir.Node) bool {
	if f.leaf[n.ID] {
		return f.dots[n.ID] != nil
	}
	moves := false
	for _, a := range n.Args {
		moves = moves || f.dots[a.ID] != nil
	}
	if !moves {
		return false
	}
	d := make([]*ir.Node, len(n.Args))
	for k, a := range n.Args {
		d[k] = f.dots[a.ID]
	}
	f.b.Network(n.Net)
	t := f.limits.jvp(f.b, n, d)
	if u := squaredRoot(n); u != nil {
		t = f.dots[u.ID]
	}
	if t == nil || t.IsConst(0) {
		return false
	}
	f.dots[n.ID] = spread(f.b, t, n.Shape)
	return true
}

// variables replaces slices of inputs by the inputs.
func variables(wrt []*ir.Node) []*ir.Node {
	vars := make([]*ir.Node, len(wrt))
	for i, w := range wrt {
		vars[i] = w
		if w.Op == ir.OpSlice && w.Args[0].Op == ir.OpInput {
			vars[i] = w.Args[0]
		}
	}
	return vars
}

// ruleOf is the rule of a node that has arguments.
func ruleOf(n *ir.Node) rule {
	r, ok := rules[n.Op]
	if !ok {
		panic(fmt.Sprintf("autodiff: no rule for %s", n.Op))
	}
	return r
}

// table has a value for each node of a graph, by its ID.
type table[T any] []T

// newTable returns a table for nodes in the order of ir.Reach.
func newTable[T any](nodes []*ir.Node) table[T] {
	if len(nodes) == 0 {
		return nil
	}
	return make(table[T], nodes[len(nodes)-1].ID+1)
}

// set is a set of nodes.
type set table[bool]

func (s set) has(n *ir.Node) bool { return n.ID < len(s) && s[n.ID] }

// setOf is the set of those of the list that are as old as the nodes.
func setOf(nodes, list []*ir.Node) set {
	s := set(newTable[bool](nodes))
	for _, n := range list {
		if n.ID < len(s) {
			s[n.ID] = true
		}
	}
	return s
}

// depends is the set of nodes that one of wrt can change.
func depends(nodes, wrt []*ir.Node) set {
	active := setOf(nodes, wrt)
	for _, n := range nodes {
		for _, a := range n.Args {
			if active[a.ID] {
				active[n.ID] = true
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

// gather makes the cotangent of argument a from what the rule of n gave: that
// of a scalar which an elementwise op repeats is a sum.
func gather(b *ir.Builder, bar, n, a *ir.Node) *ir.Node {
	if n.Op.Info().Class != ir.Elementwise || a.Shape != ir.Scalar || n.Shape == ir.Scalar {
		return bar
	}
	if bar.Shape == ir.Scalar { // it stands for equal ones
		return b.Mul(b.Const(float64(n.Shape.Size())), bar)
	}
	return sumOf(b, bar)
}

// sumOf is Σ xᵢ, with what is the same for all i outside of the sum, and the
// sum of a product as a scalar product.
func sumOf(b *ir.Builder, x *ir.Node) *ir.Node {
	if s := same(b, x); s != nil {
		return b.Mul(b.Const(float64(x.Shape.Size())), s)
	}
	switch x.Op {
	case ir.OpNeg:
		return b.Neg(sumOf(b, x.Args[0]))
	case ir.OpMul:
		u, v := x.Args[0], x.Args[1]
		if s := same(b, u); s != nil {
			return b.Mul(s, sumOf(b, v))
		}
		if s := same(b, v); s != nil {
			return b.Mul(s, sumOf(b, u))
		}
		flat := ir.Vec(x.Shape.Size())
		return b.Dot(b.Slice(u, 0, flat), b.Slice(v, 0, flat))
	}
	return b.Sum(x)
}

// same is the scalar that all elements of x are, or nil.
func same(b *ir.Builder, x *ir.Node) *ir.Node {
	switch {
	case x.Shape == ir.Scalar:
		return x
	case x.Op == ir.OpFill:
		return x.Args[0]
	}
	if v, ok := x.Const(); ok {
		return b.Const(v)
	}
	return nil
}

// sum collects the cotangents of a node. Those of slices stay pieces of one
// assembly, so that the gradient by a long array of parameters is gathered
// once and not added up from padded copies.
type sum struct {
	offs   []int
	pieces []*ir.Node
	terms  []*ir.Node // of the node's shape, or scalars that are repeated
}

func (s *sum) empty() bool { return len(s.terms) == 0 && len(s.pieces) == 0 }

func (s *sum) add(bar *ir.Node) {
	if bar.Op == ir.OpAssemble {
		s.offs = append(s.offs, bar.Offs...)
		s.pieces = append(s.pieces, bar.Args...)
		return
	}
	s.terms = append(s.terms, bar)
}

// total is the sum, in the shape or, if all of it is repeated, a scalar.
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
	if t != nil {
		offs, pieces = append(offs, 0), append(pieces, spread(b, t, shape))
	}
	return b.Assemble(shape, offs, pieces)
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
