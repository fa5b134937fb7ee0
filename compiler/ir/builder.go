package ir

import (
	"math"
	"slices"
)

// Builder makes nodes. It folds constants, drops operations that do nothing,
// and returns the existing node when an equal one was built before.
//
// The methods panic when shapes do not fit: the checker has refused such
// models before, so that is a broken invariant.
type Builder struct {
	nodes  []*Node
	unique []slot  // a hash table, open, at most half full; its length is a power of two
	slab   []Node  // for the next nodes
	args   []*Node // for their arguments
	net    bool    // see Network
}

// slot is a place in the table: 1 + ID of a node, and of its hash what tells most nodes apart.
type slot struct {
	id   int32
	mark uint32
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder { return &Builder{unique: make([]slot, 1024)} }

// Len is the number of nodes built so far.
func (b *Builder) Len() int { return len(b.nodes) }

// intern returns the unique node equal to n.
func (b *Builder) intern(n Node) *Node {
	shape, err := shapeOf(n.Op, n.Args, n.Shape)
	if err != nil {
		panic("ir: " + err.Error())
	}
	n.Shape = shape
	for _, a := range n.Args {
		n.Lane = n.Lane || a.Lane
	}
	n.Net = b.net && networks(n.Op)
	hash := n.hash()
	at := b.find(&n, hash)
	if id := b.unique[at].id; id > 0 {
		return b.nodes[id-1]
	}
	n.ID = len(b.nodes)
	n.Args, n.Offs = b.keep(n.Args), slices.Clone(n.Offs)
	if err := n.verify(); err != nil {
		panic("ir: " + err.Error())
	}
	if len(b.slab) == 0 {
		b.slab = make([]Node, slabSize)
	}
	p := &b.slab[0]
	b.slab = b.slab[1:]
	*p = n
	b.nodes = append(b.nodes, p)
	b.unique[at] = slot{int32(len(b.nodes)), uint32(hash)}
	if 2*len(b.nodes) > len(b.unique) {
		b.unique = grown(b.unique)
	}
	return p
}

// grown is a table of twice the length. The places of nodes follow from their marks.
func grown(old []slot) []slot {
	table := make([]slot, 2*len(old))
	mask := len(table) - 1
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		i := int(s.mark) & mask
		for table[i].id > 0 {
			i = (i + 1) & mask
		}
		table[i] = s
	}
	return table
}

// Network says that the operations built from now on belong to a network, or
// that they do not, and returns what was so before. Derivatives of an operation
// belong to where it does; sums over trajectories, time and weights belong to
// none.
func (b *Builder) Network(on bool) (was bool) {
	was, b.net = b.net, on
	return was
}

// networks reports whether networks are made of an op.
func networks(op Op) bool {
	return op.Info().Class == Elementwise || op == OpMatVec || op == OpTMatVec || op == OpDense || op == OpOuter
}

// slabSize is how many nodes are allocated at once.
const slabSize = 128

// keep copies arguments to memory that nodes share.
func (b *Builder) keep(args []*Node) []*Node {
	n := len(args)
	if n > len(b.args) {
		if n > slabSize/4 {
			return slices.Clone(args)
		}
		b.args = make([]*Node, 2*slabSize)
	}
	kept := b.args[:n:n]
	b.args = b.args[n:]
	copy(kept, args)
	return kept
}

// find is the place of a node equal to n, of the given hash, in the table, or of the gap for it.
func (b *Builder) find(n *Node, hash uint64) int {
	mask := len(b.unique) - 1
	mark := uint32(hash)
	for i := int(mark) & mask; ; i = (i + 1) & mask {
		if s := b.unique[i]; s.id == 0 || s.mark == mark && b.nodes[s.id-1].equal(n) {
			return i
		}
	}
}

func (n *Node) hash() uint64 {
	h := uint64(n.Op)
	if n.Net {
		h |= 1 << 32
	}
	mix := func(x uint64) {
		h = (h ^ x) * 0x9e3779b97f4a7c15 // 2⁶⁴ over the golden ratio
		h ^= h >> 29
	}
	mix(uint64(n.Shape.M)<<32 ^ uint64(n.Shape.N))
	mix(uint64(n.Off))
	for _, a := range n.Args {
		mix(uint64(a.ID))
	}
	for _, o := range n.Offs {
		mix(uint64(o))
	}
	for _, v := range n.Values {
		mix(math.Float64bits(v))
	}
	for i := range len(n.Name) {
		mix(uint64(n.Name[i]))
	}
	return h
}

// equal reports whether two nodes are the same but for their IDs.
func (n *Node) equal(o *Node) bool {
	return n.Op == o.Op && n.Shape == o.Shape && n.Off == o.Off && n.Lane == o.Lane && n.Net == o.Net && n.Name == o.Name &&
		slices.Equal(n.Args, o.Args) && slices.Equal(n.Offs, o.Offs) &&
		slices.EqualFunc(n.Values, o.Values, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// Input returns the input of that name, which has a value of its own on each
// lane if lane is true.
func (b *Builder) Input(name string, shape Shape, lane bool) *Node {
	return b.intern(Node{Op: OpInput, Name: name, Shape: shape, Lane: lane})
}

// Const returns a constant scalar.
func (b *Builder) Const(v float64) *Node {
	return b.intern(Node{Op: OpConst, Values: []float64{v}})
}

// Full returns a constant of the shape with all elements v.
func (b *Builder) Full(shape Shape, v float64) *Node {
	return b.intern(Node{Op: OpConst, Shape: shape, Values: []float64{v}})
}

// ConstOf returns a constant with the given elements, which it keeps.
func (b *Builder) ConstOf(shape Shape, values []float64) *Node {
	if len(values) == 0 {
		return b.Full(shape, 0)
	}
	for _, v := range values[1:] {
		if math.Float64bits(v) != math.Float64bits(values[0]) {
			return b.intern(Node{Op: OpConst, Shape: shape, Values: values})
		}
	}
	return b.Full(shape, values[0])
}

// Apply builds an elementwise operation. The shortcuts below call it.
func (b *Builder) Apply(op Op, args ...*Node) *Node {
	if n := b.fold(op, args); n != nil {
		return n
	}
	if op.Info().Commutes && args[0].ID > args[1].ID {
		args = []*Node{args[1], args[0]}
	}
	return b.intern(Node{Op: op, Args: args})
}

// Arithmetic; see the op table for meanings.

func (b *Builder) Add(x, y *Node) *Node       { return b.Apply(OpAdd, x, y) }
func (b *Builder) Sub(x, y *Node) *Node       { return b.Apply(OpSub, x, y) }
func (b *Builder) Mul(x, y *Node) *Node       { return b.Apply(OpMul, x, y) }
func (b *Builder) Div(x, y *Node) *Node       { return b.Apply(OpDiv, x, y) }
func (b *Builder) Pow(x, y *Node) *Node       { return b.Apply(OpPow, x, y) }
func (b *Builder) Neg(x *Node) *Node          { return b.Apply(OpNeg, x) }
func (b *Builder) Sqrt(x *Node) *Node         { return b.Apply(OpSqrt, x) }
func (b *Builder) Square(x *Node) *Node       { return b.Mul(x, x) }
func (b *Builder) Exp(x *Node) *Node          { return b.Apply(OpExp, x) }
func (b *Builder) Log(x *Node) *Node          { return b.Apply(OpLog, x) }
func (b *Builder) Lt(x, y *Node) *Node        { return b.Apply(OpLt, x, y) }
func (b *Builder) Le(x, y *Node) *Node        { return b.Apply(OpLe, x, y) }
func (b *Builder) Select(c, x, y *Node) *Node { return b.Apply(OpSelect, c, x, y) }

// Polygamma is ψ⁽ᵏ⁾(x).
func (b *Builder) Polygamma(k int, x *Node) *Node {
	if x.Op == OpConst {
		out := make([]float64, len(x.Values))
		for i := range out {
			out[i] = Polygamma(k, x.Values[i])
		}
		return b.ConstOf(x.Shape, out)
	}
	return b.intern(Node{Op: OpPolygamma, Args: []*Node{x}, Off: k})
}

// Sum adds all elements.
func (b *Builder) Sum(x *Node) *Node {
	if x.Shape == Scalar {
		return x
	}
	if x.Op == OpConst {
		sum := 0.
		for i := range x.Shape.Size() {
			sum += x.At(i)
		}
		return b.Const(sum)
	}
	return b.intern(Node{Op: OpSum, Args: []*Node{x}})
}

// Dot is the scalar product of two vectors.
func (b *Builder) Dot(x, y *Node) *Node {
	switch {
	case x.Shape != y.Shape:
	case x.IsConst(0) || y.IsConst(0):
		return b.Const(0)
	case x.Op == OpConst && y.Op == OpConst:
		return b.Const(dotConst(x, y))
	}
	if x.ID > y.ID {
		x, y = y, x
	}
	return b.intern(Node{Op: OpDot, Args: []*Node{x, y}})
}

// dotConst is the scalar product of two constants, with the roundings of a
// program.
func dotConst(x, y *Node) float64 {
	sum := 0.
	for i := range x.Shape.Size() {
		sum = math.FMA(x.At(i), y.At(i), sum)
	}
	return sum
}

// Norm is the Euclidean norm of a vector.
func (b *Builder) Norm(x *Node) *Node {
	if x.Op == OpConst && x.Shape.Rank == 1 {
		return b.Const(math.Sqrt(dotConst(x, x)))
	}
	return b.intern(Node{Op: OpNorm, Args: []*Node{x}})
}

// MatVec is A·x.
func (b *Builder) MatVec(a, x *Node) *Node { return b.linear(OpMatVec, a, x) }

// TMatVec is Aᵀ·x.
func (b *Builder) TMatVec(a, x *Node) *Node { return b.linear(OpTMatVec, a, x) }

// MatMul is A·B.
func (b *Builder) MatMul(x, y *Node) *Node { return b.linear(OpMatMul, x, y) }

// Outer is x·yᵀ.
func (b *Builder) Outer(x, y *Node) *Node { return b.linear(OpOuter, x, y) }

// linear builds a bilinear op, which is 0 where one argument is.
func (b *Builder) linear(op Op, x, y *Node) *Node {
	shape, err := shapeOf(op, []*Node{x, y}, Shape{})
	if err != nil {
		panic("ir: " + err.Error())
	}
	if x.IsConst(0) || y.IsConst(0) {
		return b.Full(shape, 0)
	}
	return b.intern(Node{Op: op, Args: []*Node{x, y}})
}

// Dense is W·x + b.
func (b *Builder) Dense(w, x, bias *Node) *Node {
	return b.intern(Node{Op: OpDense, Args: []*Node{w, x, bias}})
}

// Rebuild builds a node like n over other arguments, with the builder's
// simplifications.
func (b *Builder) Rebuild(n *Node, args []*Node) *Node {
	defer b.Network(b.Network(n.Net))
	switch n.Op {
	case OpConst, OpInput:
		return n
	case OpPolygamma:
		return b.Polygamma(n.Off, args[0])
	case OpFill:
		return b.Fill(args[0], n.Shape)
	case OpSlice:
		return b.Slice(args[0], n.Off, n.Shape)
	case OpAssemble:
		return b.Assemble(n.Shape, n.Offs, args)
	case OpTranspose:
		return b.Transpose(args[0])
	case OpSum:
		return b.Sum(args[0])
	case OpDot:
		return b.Dot(args[0], args[1])
	case OpNorm:
		return b.Norm(args[0])
	case OpMatVec, OpTMatVec, OpMatMul, OpOuter:
		return b.linear(n.Op, args[0], args[1])
	case OpDense:
		return b.Dense(args[0], args[1], args[2])
	case OpFactor, OpSolve, OpDet:
		return b.system(n.Op, n.Off, args)
	}
	return b.Apply(n.Op, args...)
}

// Substitute replaces nodes in everything that the roots reach.
func (b *Builder) Substitute(roots []*Node, by map[*Node]*Node) []*Node {
	nodes := Reach(roots...)
	if len(nodes) == 0 {
		return slices.Clone(roots)
	}
	done := make([]*Node, nodes[len(nodes)-1].ID+1) // by ID
	var args []*Node
	for _, n := range nodes {
		if r, ok := by[n]; ok {
			done[n.ID] = r
			continue
		}
		changed := false
		args = args[:0]
		for _, a := range n.Args {
			args = append(args, done[a.ID])
			changed = changed || done[a.ID] != a
		}
		done[n.ID] = n
		if changed {
			done[n.ID] = b.Rebuild(n, args)
		}
	}
	out := make([]*Node, len(roots))
	for i, r := range roots {
		if r != nil {
			out[i] = done[r.ID]
		}
	}
	return out
}
