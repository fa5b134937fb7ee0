package nn

import "github.com/pinode/pinode/compiler/ir"

// cell are the units of a recurrent cell, and how many gates each has.
func (n *Block) cell() (units, gates int) {
	if n.Kind == LSTM {
		return n.Out / 2, 4
	}
	return n.Out, 3
}

// buildCell adds a recurrent cell: the next state of a state, in the first inputs, and
// an input, with the gates and biases of PyTorch's GRUCell and LSTMCell.
//
//	gru   r, z = σ(…), n = tanh(W x + b + r (U h + c)), h' = (1 − z) n + z h
//	lstm  i, f, o = σ(…), g = tanh(…), c' = f c + i g, h' = o tanh(c')
//
// K. Cho et al., EMNLP 2014, arXiv:1406.1078; S. Hochreiter, J. Schmidhuber, Neural
// Computation 9, 1735–1780, 1997, with the forget gate of F.A. Gers et al., 2000.
func (n *Block) buildCell(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	units, _ := n.cell()
	t := n.Tensors()
	part := func(i int) *ir.Node { return b.Slice(weights, t[i].Off, t[i].Shape) }
	h := b.Slice(x, 0, ir.Vec(units))
	fromInput := b.Add(b.MatVec(part(0), b.Slice(x, n.Out, ir.Vec(n.In-n.Out))), part(2))
	fromState := b.Add(b.MatVec(part(1), h), part(3))
	gate := func(v *ir.Node, k int) *ir.Node { return b.Slice(v, k*units, ir.Vec(units)) }
	open := func(k int) *ir.Node {
		return b.Apply(ir.OpSigmoid, b.Add(gate(fromInput, k), gate(fromState, k)))
	}
	tanh := func(v *ir.Node) *ir.Node { return b.Apply(ir.OpTanh, v) }
	if n.Kind == GRU {
		reset, keep := open(0), open(1)
		next := tanh(b.Add(gate(fromInput, 2), b.Mul(reset, gate(fromState, 2))))
		return b.Add(b.Mul(b.Sub(b.Const(1), keep), next), b.Mul(keep, h))
	}
	next := tanh(b.Add(gate(fromInput, 2), gate(fromState, 2)))
	memory := b.Add(b.Mul(open(1), b.Slice(x, units, ir.Vec(units))), b.Mul(open(0), next))
	return b.Concat(b.Mul(open(3), tanh(memory)), memory)
}
