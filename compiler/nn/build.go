package nn

import "github.com/pinode/pinode/compiler/ir"

// Build adds the block to a graph: the result, of length Out, for the weights,
// a shared vector of NumWeights, and the input vector of length In. The block
// has to be valid.
//
// From the inside out, with the plain network N:
//
//	monotone  the weights of inputs with a direction, and those of all later
//	          layers, are squares (times the direction)
//	odd       f(x) = (N(x) − N(−x))/2
//	even      f(x) = (N(x) + N(−x))/2
//	positive  g(x) = log(1 + e^f(x))
//	zero_at   g(x) = f(x) − f(a); of an odd block f(x) − f(a) (a·x)/(a·a); of a positive
//	          one of one argument (x − a) f(x), which is positive above a
//	convex    the weights of later layers are squares, and each has the input besides
//	skew, psd N − Nᵀ of what stands above the diagonal, LLᵀ of a lower triangle
func (n *Block) Build(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	defer b.Network(b.Network(true))
	switch {
	case n.Kind != Dense:
		return n.buildCell(b, weights, x)
	case n.Form != Free:
		return n.shaped(b, n.unshifted(b, weights, x))
	case n.ZeroAt == nil:
		return n.unshifted(b, weights, x)
	}
	return n.BuildZeroAt(b, weights, x, b.ConstOf(ir.Vec(n.In), n.ZeroAt))
}

// BuildZeroAt is Build with the zero of the block given as a node; which of
// its coordinates are 0 is still for ZeroAt to say.
func (n *Block) BuildZeroAt(b *ir.Builder, weights, x, zero *ir.Node) *ir.Node {
	defer b.Network(b.Network(true))
	y := n.unshifted(b, weights, x)
	switch {
	case n.Odd && n.zeroAtOrigin():
		return y
	case n.Positive: // of one argument
		return b.Mul(b.Elem(b.Sub(x, zero), 0), y)
	}
	shift := n.unshifted(b, weights, zero)
	if n.Odd {
		shift = b.Mul(b.Div(b.Dot(zero, x), b.Dot(zero, zero)), shift)
	}
	return b.Sub(y, shift)
}

func (n *Block) zeroAtOrigin() bool {
	for _, v := range n.ZeroAt {
		if v != 0 {
			return false
		}
	}
	return true
}

// unshifted has all guarantees but zero_at.
func (n *Block) unshifted(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	layers := n.layers(b, weights)
	// −x needs no product of its own: the bits of W(−x) are those of −Wx.
	z := b.MatVec(layers[0].weight, x)
	y := n.network(b, layers, z, x)
	if n.Odd || n.Even {
		mirror := n.network(b, layers, b.Neg(z), b.Neg(x))
		if n.Odd {
			mirror = b.Neg(mirror)
		}
		y = b.Mul(b.Const(0.5), b.Add(y, mirror))
	}
	if n.Positive {
		y = b.Apply(ir.OpSoftplus, y)
	}
	return y
}

// layer are the weights of a layer; input are those from the arguments past the layers
// before, of a convex block.
type layer struct{ weight, bias, input *ir.Node }

// layers are the weights that the network works with.
func (n *Block) layers(b *ir.Builder, weights *ir.Node) []layer {
	tensors := n.Tensors()
	part := func(t Tensor) *ir.Node { return b.Slice(weights, t.Off, t.Shape) }
	out := make([]layer, len(n.Hidden)+1)
	for l := range out {
		out[l] = layer{weight: part(tensors[2*l]), bias: part(tensors[2*l+1])}
		switch {
		case n.monotone():
			out[l].weight = n.signed(b, out[l].weight, l == 0)
		case n.Convex && l > 0:
			out[l].weight = b.Square(out[l].weight)
			out[l].input = part(tensors[2*len(out)+l-1])
		}
	}
	return out
}

// signed squares the weights of a monotone block; in the first layer it gives
// them the direction of their input, or leaves them as they are without one.
func (n *Block) signed(b *ir.Builder, w *ir.Node, first bool) *ir.Node {
	square := b.Square(w)
	if !first {
		return square
	}
	size := w.Shape.Size()
	bound, sign := make([]float64, size), make([]float64, size)
	for i := range size {
		d := float64(n.Monotone[i%n.In])
		bound[i], sign[i] = d*d, d
	}
	return b.Select(b.ConstOf(w.Shape, bound), b.Mul(b.ConstOf(w.Shape, sign), square), w)
}

// network is the plain network, from the product of the first layer on.
//
// With weights that are not negative a convex activation could make convex
// functions only, so half of the units of a monotone block have it mirrored,
// −ρ(−z).
//
// D. Runje, S.M. Shankaranarayana, ICML 2023, arXiv:2205.11775. A convex block is that
// of B. Amos, L. Xu, J.Z. Kolter, ICML 2017, arXiv:1609.07152, equation 2.
func (n *Block) network(b *ir.Builder, layers []layer, z, x *ir.Node) *ir.Node {
	y := b.Add(z, layers[0].bias)
	for _, l := range layers[1:] {
		if n.monotone() && n.Activation.Convex {
			mirror := make([]float64, y.Shape.Size())
			for i := range mirror {
				mirror[i] = float64(1 - 2*(i%2))
			}
			m := b.ConstOf(y.Shape, mirror)
			y = b.Mul(m, n.Activation.Build(b, b.Mul(m, y)))
		} else {
			y = n.Activation.Build(b, y)
		}
		y = b.Add(b.MatVec(l.weight, y), l.bias)
		if l.input != nil {
			y = b.Add(y, b.MatVec(l.input, x))
		}
	}
	return y
}
