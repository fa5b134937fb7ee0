package ir

import (
	"fmt"
	"math/bits"
)

// Node is one value of a graph. Nodes are immutable and unique within their
// Builder: equal nodes are the same pointer.
type Node struct {
	ID    int // order of creation in the builder; arguments have smaller IDs
	Op    Op
	Args  []*Node
	Shape Shape

	Values []float64 // OpConst: one value for each element, or one for all
	Name   string    // OpInput
	Off    int       // OpSlice: first element; OpPolygamma: order; OpSolve, OpDet: which
	Offs   []int     // OpAssemble: where each argument starts

	// Lane is true for a value of each trajectory, false for one that all
	// trajectories share (constants, weights).
	Lane bool

	// Net is true for an operation of a network, whose precision may be less
	// than that of the rest: see Builder.Network.
	Net bool
}

// Output is a named result of a graph.
type Output struct {
	Name string
	Node *Node

	// Accumulate makes a program add the value to its output instead of
	// storing it, as the gradient by shared parameters needs.
	Accumulate bool

	// Into is the input, if any, that a program stores the value in or adds
	// it to, for later runs. The graph reads it as it was before; it must not
	// read one that it adds to. What accumulates into a shared input is the
	// sum over lanes.
	Into *Node
}

// Graph is a function: outputs over the inputs that its nodes reach. Several
// graphs may share the nodes of one Builder.
type Graph struct {
	Name    string
	Outputs []Output
}

// Nodes returns the nodes that the outputs need, arguments first.
func (g *Graph) Nodes() []*Node {
	roots := make([]*Node, len(g.Outputs))
	for i, o := range g.Outputs {
		roots[i] = o.Node
	}
	return Reach(roots...)
}

// Reach returns the nodes that the roots need, arguments first. All of them
// have to be of one builder.
func Reach(roots ...*Node) []*Node {
	last := -1 // arguments have smaller IDs
	for _, n := range roots {
		if n != nil {
			last = max(last, n.ID)
		}
	}
	if few, ok := reachFew(roots, last); ok {
		return few
	}
	// From the last to the first: nodes stand in memory as they were built, and this is their order too.
	at, count := make([]*Node, last+1), 0
	for _, n := range roots {
		if n != nil {
			at[n.ID] = n
		}
	}
	for id := last; id >= 0; id-- {
		if n := at[id]; n != nil {
			count++
			for _, a := range n.Args {
				if a.ID <= last { // or the graph is broken, as Verify says
					at[a.ID] = a
				}
			}
		}
	}
	all := make([]*Node, 0, count)
	for _, n := range at {
		if n != nil {
			all = append(all, n)
		}
	}
	return all
}

// reachFew is Reach from node to node, for a graph that is small beside its builder; beyond that it gives up.
func reachFew(roots []*Node, last int) (all []*Node, ok bool) {
	seen := make([]uint64, last/64+1) // bit by ID
	var found []*Node                 // those before the next have been followed to their arguments
	for from, next := 0, roots; ; from++ {
		for _, n := range next {
			if n != nil && seen[n.ID/64]>>(n.ID%64)&1 == 0 {
				seen[n.ID/64] |= 1 << (n.ID % 64)
				found = append(found, n)
			}
		}
		if len(found) > len(seen) {
			return nil, false
		}
		if from == len(found) {
			break
		}
		next = found[from].Args
	}
	// In the order of their IDs: a node's place is the number of bits before its own.
	before, count := make([]int32, len(seen)), 0
	for w, set := range seen {
		before[w] = int32(count)
		count += bits.OnesCount64(set)
	}
	all = make([]*Node, count)
	for _, n := range found {
		all[int(before[n.ID/64])+bits.OnesCount64(seen[n.ID/64]&(1<<(n.ID%64)-1))] = n
	}
	return all, true
}

// IsConst reports whether n is a constant all of whose elements are v.
func (n *Node) IsConst(v float64) bool {
	if n.Op != OpConst {
		return false
	}
	for _, x := range n.Values {
		if x != v {
			return false
		}
	}
	return true
}

// Const returns the value of a constant scalar, or of a constant whose
// elements are all equal.
func (n *Node) Const() (v float64, ok bool) {
	if n.Op != OpConst || len(n.Values) != 1 {
		return 0, false
	}
	return n.Values[0], true
}

// At returns element i of a constant.
func (n *Node) At(i int) float64 {
	if len(n.Values) == 1 {
		return n.Values[0]
	}
	return n.Values[i]
}

// Verify checks the graph's invariants: arities, shapes, order, lanes and
// unique output names. An error is a bug of a pass.
func (g *Graph) Verify() error {
	_, err := g.Verified()
	return err
}

// Verified is Nodes of a graph in which Verify finds no fault.
func (g *Graph) Verified() ([]*Node, error) {
	names := map[string]bool{}
	for _, o := range g.Outputs {
		if o.Node == nil {
			return nil, fmt.Errorf("graph %s: output %q has no node", g.Name, o.Name)
		}
		if names[o.Name] {
			return nil, fmt.Errorf("graph %s: two outputs are named %q", g.Name, o.Name)
		}
		names[o.Name] = true
	}
	into := map[*Node]bool{}
	for _, o := range g.Outputs {
		if o.Into == nil {
			continue
		}
		if o.Into.Op != OpInput || o.Into.Shape != o.Node.Shape || !o.Into.Lane && !o.Accumulate {
			return nil, fmt.Errorf("graph %s: output %q cannot be stored in %%%d", g.Name, o.Name, o.Into.ID)
		}
		into[o.Into] = !o.Accumulate
	}
	for _, o := range g.Outputs {
		if into[o.Node] && o.Node != o.Into {
			return nil, fmt.Errorf("graph %s: output %q is the old value of input %q, which is stored to", g.Name, o.Name, o.Node.Name)
		}
	}
	nodes := g.Nodes()
	for _, n := range nodes {
		if stored, ok := into[n]; ok && !stored {
			return nil, fmt.Errorf("graph %s: input %q is read and added to", g.Name, n.Name)
		}
		if err := n.verify(); err != nil {
			return nil, fmt.Errorf("graph %s: %%%d: %w", g.Name, n.ID, err)
		}
	}
	return nodes, nil
}

func (n *Node) verify() error {
	info := n.Op.Info()
	if info.Arity >= 0 && len(n.Args) != info.Arity {
		return fmt.Errorf("%s takes %d arguments, has %d", n.Op, info.Arity, len(n.Args))
	}
	lane := n.Op == OpInput && n.Lane
	for _, a := range n.Args {
		if a.ID >= n.ID {
			return fmt.Errorf("argument %%%d does not come before", a.ID)
		}
		lane = lane || a.Lane
	}
	if lane != n.Lane {
		return fmt.Errorf("%s: marked lane=%t, its arguments say %t", n.Op, n.Lane, lane)
	}
	want, err := shapeOf(n.Op, n.Args, n.Shape)
	if err != nil {
		return err
	}
	if want != n.Shape {
		return fmt.Errorf("%s has shape %s, should be %s", n.Op, n.Shape, want)
	}
	switch n.Op {
	case OpConst:
		if len(n.Values) != 1 && len(n.Values) != n.Shape.Size() {
			return fmt.Errorf("constant of shape %s has %d values", n.Shape, len(n.Values))
		}
	case OpSlice:
		if n.Off < 0 || n.Off+n.Shape.Size() > n.Args[0].Shape.Size() {
			return fmt.Errorf("slice [%d, +%d) of %s", n.Off, n.Shape.Size(), n.Args[0].Shape)
		}
	case OpAssemble:
		if len(n.Offs) != len(n.Args) {
			return fmt.Errorf("assemble has %d offsets for %d parts", len(n.Offs), len(n.Args))
		}
		for i, a := range n.Args {
			if n.Offs[i] < 0 || n.Offs[i]+a.Shape.Size() > n.Shape.Size() {
				return fmt.Errorf("part %d [%d, +%d) of %s", i, n.Offs[i], a.Shape.Size(), n.Shape)
			}
		}
	}
	return nil
}

// shapeOf is the shape rule of every op. given is the shape that the node
// states, which rules for leaves and structure take as it is.
func shapeOf(op Op, args []*Node, given Shape) (Shape, error) {
	bad := func() (Shape, error) {
		shapes := make([]Shape, len(args))
		for i, a := range args {
			shapes[i] = a.Shape
		}
		return Shape{}, fmt.Errorf("%s does not take shapes %v", op, shapes)
	}
	if op.Info().Class == Elementwise {
		s := Scalar
		for _, a := range args {
			switch {
			case a.Shape == Scalar || a.Shape == s:
			case s == Scalar:
				s = a.Shape
			default:
				return bad()
			}
		}
		return s, nil
	}
	rank := func(i int) int { return args[i].Shape.Rank }
	switch op {
	case OpConst, OpInput, OpSlice, OpAssemble:
		return given, nil
	case OpFill:
		if rank(0) != 0 {
			return bad()
		}
		return given, nil
	case OpTranspose:
		if rank(0) != 2 {
			return bad()
		}
		return Mat(args[0].Shape.N, args[0].Shape.M), nil
	case OpSum:
		return Scalar, nil
	case OpDot:
		if rank(0) != 1 || args[0].Shape != args[1].Shape {
			return bad()
		}
		return Scalar, nil
	case OpNorm:
		if rank(0) != 1 {
			return bad()
		}
		return Scalar, nil
	case OpMatVec, OpDense:
		a, x := args[0].Shape, args[1].Shape
		if a.Rank != 2 || x.Rank != 1 || a.N != x.N || op == OpDense && args[2].Shape != Vec(a.M) {
			return bad()
		}
		return Vec(a.M), nil
	case OpTMatVec:
		a, x := args[0].Shape, args[1].Shape
		if a.Rank != 2 || x.Rank != 1 || a.M != x.N {
			return bad()
		}
		return Vec(a.N), nil
	case OpMatMul:
		a, b := args[0].Shape, args[1].Shape
		if a.Rank != 2 || b.Rank != 2 || a.N != b.M {
			return bad()
		}
		return Mat(a.M, b.N), nil
	case OpOuter:
		if rank(0) != 1 || rank(1) != 1 {
			return bad()
		}
		return Mat(args[0].Shape.N, args[1].Shape.N), nil
	case OpFactor, OpSolve, OpDet:
		if shape, ok := systemShape(op, args); ok {
			return shape, nil
		}
		return bad()
	}
	return Shape{}, fmt.Errorf("unknown op %d", op)
}
