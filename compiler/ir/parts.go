package ir

// Fill repeats a scalar over a shape.
func (b *Builder) Fill(x *Node, shape Shape) *Node {
	switch {
	case x.Shape == shape:
		return x
	case x.Op == OpConst:
		return b.Full(shape, x.Values[0])
	}
	return b.intern(Node{Op: OpFill, Args: []*Node{x}, Shape: shape})
}

// Slice views size(shape) elements of x from element off as the shape. It also
// serves as a reshape.
func (b *Builder) Slice(x *Node, off int, shape Shape) *Node {
	switch {
	case off == 0 && shape == x.Shape:
		return x
	case x.Op == OpConst && len(x.Values) == 1:
		return b.Full(shape, x.Values[0])
	case x.Op == OpConst:
		return b.ConstOf(shape, x.Values[off:off+shape.Size()])
	case x.Op == OpSlice:
		return b.Slice(x.Args[0], x.Off+off, shape)
	case x.Op == OpFill:
		return b.Fill(x.Args[0], shape)
	case x.Op == OpAssemble:
		part, at, empty := x.partWith(off, shape.Size())
		switch {
		case empty:
			return b.Full(shape, 0)
		case part != nil:
			return b.Slice(part, off-at, shape)
		case shape.Rank > 0:
			if offs, parts, ok := x.partsIn(off, shape.Size()); ok {
				return b.Assemble(shape, offs, parts)
			}
		}
	}
	return b.intern(Node{Op: OpSlice, Args: []*Node{x}, Off: off, Shape: shape})
}

// partWith returns the only part of an assembly that meets [off, off+size),
// if it covers that range, and whether none does.
func (n *Node) partWith(off, size int) (part *Node, at int, empty bool) {
	for i, a := range n.Args {
		lo, hi := n.Offs[i], n.Offs[i]+a.Shape.Size()
		if hi <= off || off+size <= lo {
			continue
		}
		if part != nil || off < lo || hi < off+size {
			return nil, 0, false
		}
		part, at = a, lo
	}
	return part, at, part == nil
}

// partsIn returns the parts of an assembly that lie in [off, off+size), if
// none crosses its ends.
func (n *Node) partsIn(off, size int) (offs []int, parts []*Node, ok bool) {
	for i, a := range n.Args {
		lo, hi := n.Offs[i], n.Offs[i]+a.Shape.Size()
		switch {
		case hi <= off || off+size <= lo:
		case lo < off || off+size < hi:
			return nil, nil, false
		default:
			offs, parts = append(offs, lo-off), append(parts, a)
		}
	}
	return offs, parts, true
}

// Elem is element i of x as a scalar.
func (b *Builder) Elem(x *Node, i int) *Node { return b.Slice(x, i, Scalar) }

// Assemble puts parts into an array of the shape: element offs[i]+j is element
// j of parts[i]. Parts that overlap are added; what none covers is 0.
func (b *Builder) Assemble(shape Shape, offs []int, parts []*Node) *Node {
	var keepOffs []int
	var keep []*Node
	constant := true
	for i, p := range parts {
		if p.IsConst(0) {
			continue
		}
		constant = constant && p.Op == OpConst
		keepOffs, keep = append(keepOffs, offs[i]), append(keep, p)
	}
	switch {
	case len(keep) == 0:
		return b.Full(shape, 0)
	case len(keep) == 1 && keep[0].Shape.Size() == shape.Size():
		return b.Slice(keep[0], 0, shape)
	case constant:
		v := make([]float64, shape.Size())
		for i, p := range keep {
			for j := range p.Shape.Size() {
				v[keepOffs[i]+j] += p.At(j)
			}
		}
		return b.ConstOf(shape, v)
	}
	if whole := wholeSlice(shape, keepOffs, keep); whole != nil {
		return b.Slice(whole, 0, shape)
	}
	return b.intern(Node{Op: OpAssemble, Args: keep, Offs: keepOffs, Shape: shape})
}

// wholeSlice returns the array that the parts, in order, are the complete
// slices of, or nil.
func wholeSlice(shape Shape, offs []int, parts []*Node) *Node {
	if parts[0].Op != OpSlice {
		return nil
	}
	src, next := parts[0].Args[0], 0
	for i, p := range parts {
		if p.Op != OpSlice || p.Args[0] != src || p.Off != next || offs[i] != next {
			return nil
		}
		next += p.Shape.Size()
	}
	if next != src.Shape.Size() || next != shape.Size() {
		return nil
	}
	return src
}

// Concat joins scalars and vectors to one vector.
func (b *Builder) Concat(parts ...*Node) *Node {
	offs, n := make([]int, len(parts)), 0
	for i, p := range parts {
		offs[i] = n
		n += p.Shape.Size()
	}
	return b.Assemble(Vec(n), offs, parts)
}

// Transpose is the transposed matrix.
func (b *Builder) Transpose(x *Node) *Node {
	if x.Op == OpTranspose {
		return x.Args[0]
	}
	if x.Op == OpConst && len(x.Values) == 1 {
		return b.Full(Mat(x.Shape.N, x.Shape.M), x.Values[0])
	}
	return b.intern(Node{Op: OpTranspose, Args: []*Node{x}})
}
