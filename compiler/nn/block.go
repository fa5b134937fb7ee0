package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/ir"
)

// Block is a fully connected network with guarantees by construction.
type Block struct {
	In, Out    int
	Hidden     []int
	Activation *Activation
	Init       string // a name of Inits

	Odd, Even bool
	Positive  bool
	Monotone  []int     // −1, 0 or +1 for each input; nil: none
	ZeroAt    []float64 // where the block vanishes, scaled like its inputs; nil: nowhere
}

// Inits lists the initialisations.
var Inits = []string{"glorot", "he", "zero_output", "orthogonal", "uniform"}

// lastScale multiplies the last layer of a new block, so that training starts
// close to the known physics. The uniform initialisation, which reproduces
// published recipes, and outputs that are forced positive are left alone.
const lastScale = 0.1

// Tensor is a named array of weights.
type Tensor struct {
	Name  string // "0.weight", "0.bias"
	Shape ir.Shape
	Off   int
}

// Validate reports guarantees that exclude each other.
func (n *Block) Validate() error {
	monotone := false
	for _, m := range n.Monotone {
		monotone = monotone || m != 0
	}
	switch {
	case n.Odd && n.Even:
		return fmt.Errorf("a block that is odd and even is zero")
	case n.Odd && n.Positive:
		return fmt.Errorf("an odd block changes its sign and cannot be positive")
	case n.Positive && n.ZeroAt != nil:
		return fmt.Errorf("a positive block has no zero")
	case monotone && n.Even:
		return fmt.Errorf("an even block rises and falls and cannot be monotone")
	case monotone && !n.Activation.Monotone:
		return fmt.Errorf("a monotone block needs a monotone activation; `%s` is not", n.Activation.Name)
	case n.Monotone != nil && len(n.Monotone) != n.In:
		return fmt.Errorf("monotone has %d directions for %d inputs", len(n.Monotone), n.In)
	case n.ZeroAt != nil && len(n.ZeroAt) != n.In:
		return fmt.Errorf("zero_at has %d coordinates for %d inputs", len(n.ZeroAt), n.In)
	}
	return nil
}

// widths are the sizes of the layers, input and output included.
func (n *Block) widths() []int {
	w := append([]int{n.In}, n.Hidden...)
	return append(w, n.Out)
}

// free reports whether any input of a monotone block has no direction; such
// inputs come in through weights without a sign.
func (n *Block) free() bool {
	for _, m := range n.Monotone {
		if m == 0 {
			return true
		}
	}
	return false
}

// Tensors lists the weights, layer by layer.
func (n *Block) Tensors() []Tensor {
	w := n.widths()
	var out []Tensor
	off := 0
	for l := range len(w) - 1 {
		out = append(out,
			Tensor{fmt.Sprintf("%d.weight", l), ir.Mat(w[l+1], w[l]), off},
			Tensor{fmt.Sprintf("%d.bias", l), ir.Vec(w[l+1]), off + w[l+1]*w[l]})
		off += w[l+1] * (w[l] + 1)
	}
	return out
}

// NumWeights is the number of weights.
func (n *Block) NumWeights() int {
	w, total := n.widths(), 0
	for l := range len(w) - 1 {
		total += w[l+1] * (w[l] + 1)
	}
	return total
}

// NewWeights draws the weights of a new block.
//
// glorot: X. Glorot, Y. Bengio, AISTATS 2010; he: K. He et al., ICCV 2015;
// orthogonal: A.M. Saxe et al., ICLR 2014; uniform: ±1/√fan_in for weights and
// biases; zero_output: glorot with a last layer of zeros.
func (n *Block) NewWeights(rng *rand.Rand) []float64 {
	out := make([]float64, n.NumWeights())
	w := n.widths()
	off := 0
	for l := range len(w) - 1 {
		in, to := w[l], w[l+1]
		weight, bias := out[off:off+to*in], out[off+to*in:off+to*(in+1)]
		last := l == len(w)-2
		switch n.Init {
		case "he":
			sd := math.Sqrt(2 / float64(in))
			for i := range weight {
				weight[i] = sd * rng.NormFloat64()
			}
		case "orthogonal":
			orthogonal(weight, to, in, rng)
		case "uniform":
			r := 1 / math.Sqrt(float64(in))
			for i := range weight {
				weight[i] = r * (2*rng.Float64() - 1)
			}
			for i := range bias {
				bias[i] = r * (2*rng.Float64() - 1)
			}
		default:
			r := math.Sqrt(6 / float64(in+to))
			for i := range weight {
				weight[i] = r * (2*rng.Float64() - 1)
			}
		}
		scale := 1.
		switch {
		case !last || n.Init == "uniform" || n.Positive:
		case n.Init == "zero_output":
			scale = 0
		default:
			scale = lastScale
		}
		for i := range weight {
			weight[i] *= scale
		}
		if n.Monotone != nil {
			// The sign is imposed by the softplus: start at small positive
			// slopes.
			for i := range weight {
				weight[i] = weight[i] - 1
			}
		}
		off += to * (in + 1)
	}
	return out
}

// orthogonal fills an m×n matrix with orthonormal rows or columns.
func orthogonal(dst []float64, m, n int, rng *rand.Rand) {
	rows, cols := max(m, n), min(m, n)
	a := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	var q mat.Dense
	qr.QTo(&q)
	for i := range m {
		for j := range n {
			if m >= n {
				dst[i*n+j] = q.At(i, j)
			} else {
				dst[i*n+j] = q.At(j, i)
			}
		}
	}
}

// Build adds the block to a graph: the result, of length Out, for the weights,
// a shared vector of NumWeights, and the input vector of length In.
func (n *Block) Build(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	if n.ZeroAt == nil {
		return n.unshifted(b, weights, x)
	}
	return n.BuildZeroAt(b, weights, x, b.ConstOf(ir.Vec(n.In), n.ZeroAt))
}

func (n *Block) unshifted(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	y := n.symmetric(b, weights, x)
	if n.Positive {
		y = b.Apply(ir.OpSoftplus, y)
	}
	return y
}

// BuildZeroAt is Build with the zero of the block given as a node.
func (n *Block) BuildZeroAt(b *ir.Builder, weights, x, zero *ir.Node) *ir.Node {
	y := n.unshifted(b, weights, x)
	switch {
	case n.Odd && n.zeroAtOrigin():
		return y
	case n.Odd:
		// An odd block that also vanishes at x₀ ≠ 0: times |x − x₀|²|x + x₀|².
		return b.Mul(y, b.Mul(squared(b, b.Sub(x, zero)), squared(b, b.Add(x, zero))))
	}
	return b.Sub(y, n.unshifted(b, weights, zero))
}

func (n *Block) zeroAtOrigin() bool {
	for _, v := range n.ZeroAt {
		if v != 0 {
			return false
		}
	}
	return true
}

func squared(b *ir.Builder, x *ir.Node) *ir.Node { return b.Dot(x, x) }

// symmetric makes the network odd or even: (f(x) ∓ f(−x))/2.
func (n *Block) symmetric(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	y := n.network(b, weights, x)
	switch {
	case n.Odd:
		return b.Mul(b.Const(0.5), b.Sub(y, n.network(b, weights, b.Neg(x))))
	case n.Even:
		return b.Mul(b.Const(0.5), b.Add(y, n.network(b, weights, b.Neg(x))))
	}
	return y
}

// network is the plain network. In a monotone block every weight on a path
// from a monotone input goes through softplus, and falling inputs are negated.
func (n *Block) network(b *ir.Builder, weights, x *ir.Node) *ir.Node {
	if n.Monotone != nil {
		sign := make([]float64, n.In)
		for i, m := range n.Monotone {
			sign[i] = 1
			if m < 0 {
				sign[i] = -1
			}
		}
		x = b.Mul(x, b.ConstOf(ir.Vec(n.In), sign))
	}
	tensors := n.Tensors()
	for l := 0; l < len(tensors); l += 2 {
		w := b.Slice(weights, tensors[l].Off, tensors[l].Shape)
		bias := b.Slice(weights, tensors[l+1].Off, tensors[l+1].Shape)
		if n.Monotone != nil {
			w = n.signed(b, w, l == 0)
		}
		x = b.Add(b.MatVec(w, x), bias)
		if l+2 < len(tensors) {
			x = n.Activation.Build(b, x)
		}
	}
	return x
}

// signed makes weights positive; those of the first layer that read a free
// input stay as they are.
func (n *Block) signed(b *ir.Builder, w *ir.Node, first bool) *ir.Node {
	positive := b.Apply(ir.OpSoftplus, w)
	if !first || !n.free() {
		return positive
	}
	mask := make([]float64, w.Shape.Size())
	for i := range mask {
		if n.Monotone[i%n.In] != 0 {
			mask[i] = 1
		}
	}
	return b.Select(b.ConstOf(w.Shape, mask), positive, w)
}
