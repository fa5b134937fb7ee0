package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// Block is a fully connected network with guarantees by construction.
type Block struct {
	In, Out    int
	Hidden     []int // widths of the hidden layers; none makes the block affine
	Activation *Activation
	Init       string // a name of Inits

	// Odd is f(−x) = −f(x), Even f(−x) = f(x), to the bit. Positive is f > 0,
	// as far as the exponential does not underflow.
	Odd, Even, Positive bool

	// Monotone has +1 for each input in which the block does not fall, −1 for
	// each in which it does not rise, else 0; nil: none.
	Monotone []int

	// ZeroAt is a point where the block vanishes, scaled like its inputs; nil:
	// nowhere in particular.
	ZeroAt []float64
}

// Tensor is a named array of weights.
type Tensor struct {
	Name  string // "0.weight", "0.bias"
	Shape ir.Shape
	Off   int
}

// Validate says what is wrong with a block; one with guarantees that exclude
// each other cannot be built.
func (n *Block) Validate() error {
	switch {
	case n.In < 1 || n.Out < 1:
		return fmt.Errorf("a block needs inputs and outputs; it has %d and %d", n.In, n.Out)
	case slices.ContainsFunc(n.Hidden, func(w int) bool { return w < 1 }):
		return fmt.Errorf("each hidden layer needs a width of at least 1; they are %v", n.Hidden)
	case n.Activation == nil:
		return errors.New("the block has no activation")
	case findInit(n.Init) == nil:
		return fmt.Errorf("there is no initialisation `%s`; there are %v", n.Init, initNames())
	case n.Monotone != nil && len(n.Monotone) != n.In:
		return fmt.Errorf("monotone has %d directions for %d inputs", len(n.Monotone), n.In)
	case slices.ContainsFunc(n.Monotone, func(m int) bool { return m < -1 || m > 1 }):
		return fmt.Errorf("the directions of monotone are 1, 0 and -1; they are %v", n.Monotone)
	case n.ZeroAt != nil && len(n.ZeroAt) != n.In:
		return fmt.Errorf("zero_at has %d coordinates for %d inputs", len(n.ZeroAt), n.In)
	case slices.ContainsFunc(n.ZeroAt, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
		return fmt.Errorf("zero_at is a point of finite numbers; it is %v", n.ZeroAt)
	}
	switch monotone := n.monotone(); {
	case n.Odd && n.Even:
		return errors.New("a block that is odd and even is zero")
	case n.Odd && n.Positive:
		return errors.New("an odd block changes its sign and cannot be positive")
	case n.Positive && n.ZeroAt != nil:
		return errors.New("a positive block has no zero")
	case monotone && n.Even:
		return errors.New("an even block that is monotone in an input does not depend on it")
	case monotone && len(n.Hidden) > 0 && !n.Activation.Monotone:
		return fmt.Errorf("a monotone block needs a monotone activation; `%s` rises and falls", n.Activation.Name)
	case monotone && n.Init == "zero_output":
		return errors.New("a monotone block cannot start with zero_output: its weights are squares, and could not leave zero again")
	}
	if n.Odd {
		for i := range n.ZeroAt {
			if n.Monotone != nil && n.Monotone[i] != 0 && n.ZeroAt[i] != 0 {
				return fmt.Errorf("an odd block also vanishes at the opposite of zero_at, so it cannot be monotone in input %d between them", i)
			}
		}
	}
	return nil
}

// monotone reports whether any input has a direction.
func (n *Block) monotone() bool {
	return slices.ContainsFunc(n.Monotone, func(m int) bool { return m != 0 })
}

// widths are the sizes of the layers, input and output included.
func (n *Block) widths() []int {
	w := append([]int{n.In}, n.Hidden...)
	return append(w, n.Out)
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
