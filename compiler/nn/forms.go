package nn

import "github.com/pinode/pinode/compiler/ir"

// shaped makes a result of some form of what the network gives.
func (n *Block) shaped(b *ir.Builder, y *ir.Node) *ir.Node {
	side := n.side()
	square := ir.Mat(side, side)
	switch n.Form {
	case Skew:
		upper := triangle(b, y, side, 1, false)
		return b.Slice(b.Sub(upper, b.Transpose(upper)), 0, ir.Vec(n.Out))
	case PSD:
		lower := triangle(b, y, side, 0, true)
		return b.Slice(b.MatMul(lower, b.Transpose(b.Slice(lower, 0, square))), 0, ir.Vec(n.Out))
	}
	return y
}

// triangle puts numbers into a square matrix, row by row: those that stand at least so many
// places behind the diagonal, or, mirrored, below it.
func triangle(b *ir.Builder, y *ir.Node, side, from int, mirrored bool) *ir.Node {
	var offs []int
	var parts []*ir.Node
	for i := range side {
		for j := i + from; j < side; j++ {
			at := i*side + j
			if mirrored {
				at = j*side + i
			}
			offs, parts = append(offs, at), append(parts, b.Elem(y, len(parts)))
		}
	}
	return b.Assemble(ir.Mat(side, side), offs, parts)
}

// OutScale are the scales of the elements of a result as its form allows them: of a matrix
// with entries sᵢⱼ it is √(sᵢⱼ sⱼᵢ) where it is skew, √(sᵢᵢ sⱼⱼ) where it has no negative
// eigenvalue, and 1 of the state of a cell.
func (n *Block) OutScale(b *ir.Builder, scale *ir.Node) *ir.Node {
	side := n.side()
	switch {
	case n.Kind != Dense:
		return b.Full(scale.Shape, 1)
	case n.Form == Skew:
		s := b.Slice(scale, 0, ir.Mat(side, side))
		return b.Slice(b.Sqrt(b.Mul(s, b.Transpose(s))), 0, scale.Shape)
	case n.Form == PSD:
		parts := make([]*ir.Node, side)
		for i := range parts {
			parts[i] = b.Elem(scale, i*side+i)
		}
		d := b.Slice(b.Sqrt(b.Concat(parts...)), 0, ir.Vec(side))
		return b.Slice(b.Outer(d, d), 0, scale.Shape)
	}
	return scale
}

// InScale are the scales of the arguments: 1 of the state of a cell.
func (n *Block) InScale(b *ir.Builder, scale *ir.Node) *ir.Node {
	if n.Kind == Dense {
		return scale
	}
	return b.Concat(b.Full(ir.Vec(n.Out), 1), b.Slice(scale, n.Out, ir.Vec(n.In-n.Out)))
}

// Potentials makes a divergence-free field of entries Aₖₗ above the diagonal of an
// antisymmetric matrix, of which by has the derivatives by each element of the place:
// fᵢ = Σⱼ ∂Aᵢⱼ/∂xⱼ, whose divergence is a sum over antisymmetric Aᵢⱼ of derivatives that are
// symmetric. The scales in and out are those of place and field; Aᵢⱼ has one that is
// symmetric too.
//
// J. Richter-Powell, Y. Lipman, R.T.Q. Chen, NeurIPS 2022, arXiv:2210.01741, section 3.
func Potentials(b *ir.Builder, by []*ir.Node, in, out *ir.Node) *ir.Node {
	n := len(by)
	f := make([]*ir.Node, n)
	for i := range f {
		f[i] = b.Const(0)
	}
	root := func(x *ir.Node, i int) *ir.Node { return b.Sqrt(b.Elem(x, i)) }
	k := 0
	for i := range n {
		for j := i + 1; j < n; j++ {
			c := b.Mul(b.Mul(root(in, i), root(in, j)), b.Mul(root(out, i), root(out, j)))
			f[i] = b.Add(f[i], b.Mul(b.Div(c, b.Elem(in, j)), b.Elem(by[j], k)))
			f[j] = b.Sub(f[j], b.Mul(b.Div(c, b.Elem(in, i)), b.Elem(by[i], k)))
			k++
		}
	}
	return b.Concat(f...)
}
