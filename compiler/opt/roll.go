package opt

import (
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// leastRoll is how many elements of an array have to be the same expression of consecutive
// elements of others for it to become an operation on arrays.
const leastRoll = 8

// leastShared is how many operations an expression takes, arguments with it, that is
// computed once where it is read at shifted places. A shorter one is computed for
// each, which costs less than to store it and to load it.
const leastShared = 16

// Roll makes operations on arrays of what stands in the graph element by element, as the
// equations of a `for` do: elements of an assembly that are one expression of consecutive
// elements of other arrays, of constants, and of what is the same for all. The first and
// the last elements of a chain, which differ, stay scalars.
//
// Each element is computed by the same operations as before: no bit of a result changes.
func Roll(b *ir.Builder, roots []*ir.Node) []*ir.Node { return roll(b, ir.Reach(roots...), roots) }

func roll(b *ir.Builder, nodes, roots []*ir.Node) []*ir.Node {
	r := &roller{b: b, steps: map[[2]*ir.Node]uint64{}, packs: map[packKey][]pack{}, next: map[*ir.Node]*ir.Node{}, prev: map[*ir.Node]*ir.Node{}, chains: map[*ir.Node]chained{}}
	r.cost = newTable[int](nodes)
	runs := map[*ir.Node][]span{}
	for _, n := range nodes {
		r.cost[n.ID] = r.work(n)
		if list := r.runs(n); list != nil {
			runs[n] = list
			for _, s := range list {
				r.visit(n.Args[s.from:s.to])
			}
		}
	}
	if len(runs) == 0 {
		return slices.Clone(roots)
	}
	return rewrite(nodes, roots, func(old *ir.Node, done table[*ir.Node]) *ir.Node {
		if r.done = done; runs[old] != nil {
			return r.assemble(old, runs[old])
		}
		return rebuilt(b, old, done)
	})
}

// span is a part of a list.
type span struct{ from, to int }

type roller struct {
	b     *ir.Builder
	done  table[*ir.Node] // new nodes for old ones
	cost  table[int]
	steps map[[2]*ir.Node]uint64
	packs map[packKey][]pack

	// Expressions that are shared where they are read at shifted places: the one that
	// follows each, the one before, and where it is in the longest such list.
	next, prev map[*ir.Node]*ir.Node
	chains     map[*ir.Node]chained
}

// packKey tells most lists of nodes apart.
type packKey struct {
	first, second, last *ir.Node
	n                   int
}

func keyOf(list []*ir.Node) packKey { return packKey{list[0], list[1], list[len(list)-1], len(list)} }

// pack is a list of scalars with the array of them; nil: there is none.
type pack struct {
	list  []*ir.Node
	array *ir.Node
}

// chained is a place in a list.
type chained struct {
	list []*ir.Node
	at   int
}

// How an expression becomes that of the next element: see step.
const (
	none  = uint64(iota)
	same  // it does not
	given // constants, whatever they are
	shift // an element of an array and the next one
)

// step says how one scalar becomes the next: the same operations over arguments that do.
// It is none, or a number that is the same for steps of one kind.
func (r *roller) step(u, v *ir.Node) uint64 {
	if u.Op != v.Op || u.Shape != ir.Scalar || v.Shape != ir.Scalar || u.Net != v.Net || u.Lane != v.Lane {
		return none
	}
	switch {
	case u.Op == ir.OpConst:
		return given
	case u.Op == ir.OpSlice && u != v:
		if u.Args[0] != v.Args[0] || v.Off != u.Off+1 {
			return none
		}
		return shift
	case u.Op.Info().Class != ir.Elementwise || u.Off != v.Off:
		if u == v {
			return same
		}
		return none
	}
	key := [2]*ir.Node{u, v}
	s, known := r.steps[key]
	if !known {
		s = r.stepOfArgs(u, v, turned(r, u.Args, v.Args, u.Op))
		r.steps[key] = s
	}
	return s
}

// stepOfArgs joins the steps of arguments, whatever the order of those that commute.
func (r *roller) stepOfArgs(u, v *ir.Node, vArgs [3]*ir.Node) uint64 {
	const golden = 0x9e3779b97f4a7c15
	h := uint64(u.Op)*golden | 1<<63
	for i, a := range u.Args {
		s := r.step(a, vArgs[i])
		if s == none {
			return none
		}
		s = (s ^ s>>29) * golden
		if u.Op.Info().Commutes {
			h += s
		} else {
			h = (h ^ s) * golden
		}
	}
	return h | 1<<63
}

// turned are the arguments of the expression behind another's, in the order of those.
func turned(r *roller, u, v []*ir.Node, op ir.Op) (args [3]*ir.Node) {
	copy(args[:], v)
	if op.Info().Commutes && (r.step(u[0], v[0]) == none || r.step(u[1], v[1]) == none) {
		args[0], args[1] = v[1], v[0]
	}
	return args
}

// work is how many operations a node takes, arguments with it, at most some more than are
// worth sharing.
func (r *roller) work(n *ir.Node) int {
	if n.Shape != ir.Scalar || n.Op.Info().Class != ir.Elementwise {
		return 0
	}
	w := weight(n.Op)
	for _, a := range n.Args {
		w += r.cost[a.ID]
	}
	return min(w, 2*leastShared)
}

// weight is about how many operations one takes.
func weight(op ir.Op) int {
	switch op {
	case ir.OpNeg, ir.OpAbs, ir.OpSign, ir.OpFloor, ir.OpCeil, ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpMin, ir.OpMax,
		ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe, ir.OpFma, ir.OpSelect:
		return 1
	case ir.OpDiv, ir.OpSqrt:
		return 4
	}
	return leastShared
}

// runs are the parts of an assembly that become arrays.
func (r *roller) runs(n *ir.Node) (list []span) {
	if n.Op != ir.OpAssemble {
		return nil
	}
	kind, from := none, 0
	for i := 1; i <= len(n.Args); i++ {
		s := none
		if i < len(n.Args) && n.Offs[i] == n.Offs[i-1]+1 {
			s = r.step(n.Args[i-1], n.Args[i])
		}
		switch {
		case s != none && (i == from+1 || s == kind):
		case i-from >= leastRoll:
			list = append(list, span{from, i})
			from = i
		case s == none:
			from = i
		default: // the run of another kind begins with the element before
			from = i - 1
		}
		kind = s
	}
	return list
}

// args are the lists of arguments of a list of expressions, each in the order of the one
// before.
func (r *roller) args(list []*ir.Node) [][]*ir.Node {
	first := list[0]
	lists := make([][]*ir.Node, len(first.Args))
	for k, a := range first.Args {
		lists[k] = append(make([]*ir.Node, 0, len(list)), a)
	}
	before := first.Args
	var now [3]*ir.Node
	for _, v := range list[1:] {
		now = turned(r, before, v.Args, v.Op)
		before = slices.Clone(now[:len(first.Args)])
		for k := range lists {
			lists[k] = append(lists[k], before[k])
		}
	}
	return lists
}

// alike reports whether all of a list are one node.
func alike(list []*ir.Node) bool {
	return !slices.ContainsFunc(list, func(n *ir.Node) bool { return n != list[0] })
}

// visit looks for expressions in a list that are worth sharing.
func (r *roller) visit(list []*ir.Node) {
	if list[0].Op.Info().Class != ir.Elementwise || alike(list) {
		return
	}
	key := keyOf(list)
	for _, p := range r.packs[key] {
		if slices.Equal(p.list, list) {
			return
		}
	}
	r.packs[key] = append(r.packs[key], pack{list: list})
	if r.cost[list[0].ID] >= leastShared {
		for i, v := range list[1:] {
			u := list[i]
			if r.next[u] == nil && r.prev[v] == nil {
				r.next[u], r.prev[v] = v, u
			}
		}
	}
	for _, a := range r.args(list) {
		r.visit(a)
	}
}

// shared is the list that a list is a part of, and where it starts there.
func (r *roller) shared(list []*ir.Node) (whole []*ir.Node, at int) {
	c, known := r.chains[list[0]]
	if !known {
		first := list[0]
		for n := r.prev[first]; n != nil && n != list[0]; n = r.prev[n] {
			first = n
		}
		for n := first; n != nil && (n != first || len(c.list) == 0); n = r.next[n] {
			c.list = append(c.list, n)
		}
		for i, n := range c.list {
			r.chains[n] = chained{c.list, i}
		}
		c = r.chains[list[0]]
	}
	if len(c.list)-c.at < len(list) || !slices.Equal(c.list[c.at:c.at+len(list)], list) {
		return nil, 0
	}
	return c.list, c.at
}

// array is the array of a list of scalars, a scalar that is the same for all, or nil.
func (r *roller) array(list []*ir.Node) *ir.Node {
	first := list[0]
	if alike(list) {
		return r.done[first.ID]
	}
	shape := ir.Vec(len(list))
	switch first.Op {
	case ir.OpConst:
		values := make([]float64, len(list))
		for i, c := range list {
			if c.Op != ir.OpConst {
				return nil
			}
			values[i] = c.At(0)
		}
		return r.b.ConstOf(shape, values)
	case ir.OpSlice:
		for i, x := range list {
			if x.Op != ir.OpSlice || x.Args[0] != first.Args[0] || x.Off != first.Off+i {
				return nil
			}
		}
		return r.b.Slice(r.done[first.Args[0].ID], first.Off, shape)
	}
	key := keyOf(list)
	for i, p := range r.packs[key] {
		if slices.Equal(p.list, list) && p.array != nil {
			return r.packs[key][i].array
		}
	}
	made := r.operation(list)
	if made != nil {
		r.packs[key] = append(r.packs[key], pack{list, made})
	}
	return made
}

// operation is the array of a list of expressions.
func (r *roller) operation(list []*ir.Node) *ir.Node {
	if whole, at := r.shared(list); len(whole) > len(list) {
		if all := r.array(whole); all != nil {
			return r.b.Slice(all, at, ir.Vec(len(list)))
		}
	}
	first := list[0]
	for i, v := range list[1:] {
		if r.step(list[i], v) == none || v.Op.Info().Class != ir.Elementwise {
			return nil
		}
	}
	var args []*ir.Node
	for _, a := range r.args(list) {
		x := r.array(a)
		if x == nil {
			return nil
		}
		args = append(args, x)
	}
	return r.b.Rebuild(first, args)
}

// assemble builds an assembly anew with arrays for its runs.
func (r *roller) assemble(old *ir.Node, runs []span) *ir.Node {
	var offs []int
	var parts []*ir.Node
	put := func(off int, n *ir.Node) { offs, parts = append(offs, off), append(parts, n) }
	at := 0
	for _, s := range append(runs, span{len(old.Args), len(old.Args)}) {
		for ; at < s.from; at++ {
			put(old.Offs[at], r.done[old.Args[at].ID])
		}
		if s.from == s.to {
			break
		}
		if all := r.array(old.Args[s.from:s.to]); all != nil { // else they are put one by one
			put(old.Offs[at], r.b.Fill(all, ir.Vec(s.to-s.from)))
			at = s.to
		}
	}
	return r.b.Assemble(old.Shape, offs, parts)
}
