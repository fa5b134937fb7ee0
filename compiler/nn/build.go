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
//	zero_at   g(x) = f(x) − f(a); of an odd block f(x) − f(a) (a·x)/(a·a)
func (n *Block) Build(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	defer b.Network(b.Network(true))
	if n.ZeroAt == nil {
		return n.unshifted(b, weights, x)
	}
	return n.BuildZeroAt(b, weights, x, b.ConstOf(ir.Vec(n.In), n.ZeroAt))
}

// BuildZeroAt is Build with the zero of the block given as a node; which of
// its coordinates are 0 is still for ZeroAt to say.
func (n *Block) BuildZeroAt(b *ir.Builder, weights, x, zero *ir.Node) *ir.Node {
	defer b.Network(b.Network(true))
	y := n.unshifted(b, weights, x)
	if n.Odd && n.zeroAtOrigin() {
		return y
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
	y := n.network(b, layers, z)
	if n.Odd || n.Even {
		mirror := n.network(b, layers, b.Neg(z))
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

type layer struct{ weight, bias *ir.Node }

// layers are the weights that the network works with.
func (n *Block) layers(b *ir.Builder, weights *ir.Node) []layer {
	tensors := n.Tensors()
	out := make([]layer, len(tensors)/2)
	for l := range out {
		w, c := tensors[2*l], tensors[2*l+1]
		out[l] = layer{b.Slice(weights, w.Off, w.Shape), b.Slice(weights, c.Off, c.Shape)}
		if n.monotone() {
			out[l].weight = n.signed(b, out[l].weight, l == 0)
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
// D. Runje, S.M. Shankaranarayana, ICML 2023, arXiv:2205.11775.
func (n *Block) network(b *ir.Builder, layers []layer, z *ir.Node) *ir.Node {
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
	}
	return y
}
