package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// Block is a fully connected network with guarantees by construction, or a recurrent cell.
type Block struct {
	Kind       Kind
	In, Out    int   // elements of the arguments and of the result
	Hidden     []int // widths of the hidden layers; none makes the block affine
	Activation *Activation
	Init       string // a name of Inits

	// Odd is f(−x) = −f(x), Even f(−x) = f(x), to the bit. Positive is f > 0,
	// as far as the exponential does not underflow.
	Odd, Even, Positive bool

	// Monotone has +1 for each input in which the block does not fall, −1 for
	// each in which it does not rise, else 0; nil: none.
	Monotone []int

	// Convex is a result that is convex in all inputs together.
	Convex bool

	// Form is what the elements of the result are to each other, as a matrix or a field.
	Form Form

	// ZeroAt is a point where the block vanishes, scaled like its inputs; nil:
	// nowhere in particular.
	ZeroAt []float64
}

// Kind tells networks and recurrent cells apart.
type Kind string

// The kinds of blocks. The first inputs of a cell, as many as its result has elements, are its
// state; of an LSTM that is what it gives out, then what it remembers.
const (
	Dense Kind = ""
	GRU   Kind = "gru"
	LSTM  Kind = "lstm"
)

// Form is a relation between the elements of a result.
type Form string

// The forms of results. Skew is Mᵀ = −M, PSD a symmetric matrix without negative
// eigenvalues. A divergence-free block gives the entries above the diagonal of the
// antisymmetric matrix of which its field is the divergence, row by row, which is what it
// has to be differentiated for: see Potentials.
const (
	Free           Form = ""
	Skew           Form = "skew"
	PSD            Form = "psd"
	DivergenceFree Form = "divergence_free"
)

// Plain reports whether the weights are the layers of a network whose last one gives the
// result.
func (n *Block) Plain() bool { return n.Kind == Dense && n.Form == Free && !n.Convex }

// side is the number of rows of a result that is a square matrix, or 0.
func (n *Block) side() int {
	k := int(math.Round(math.Sqrt(float64(n.Out))))
	if k*k != n.Out {
		return 0
	}
	return k
}

// pairs is how many pairs there are of n things.
func pairs(n int) int { return n * (n - 1) / 2 }

// given is how many numbers the network gives that the result is made of.
func (n *Block) given() int {
	switch n.Form {
	case Skew:
		return pairs(n.side())
	case PSD:
		return pairs(n.side() + 1)
	case DivergenceFree:
		return pairs(n.Out)
	}
	return n.Out
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
	if n.Kind != Dense {
		return n.validateCell()
	}
	if err := n.validateForm(); err != nil {
		return err
	}
	switch monotone := n.monotone(); {
	case n.Odd && n.Even:
		return errors.New("a block that is odd and even is zero")
	case n.Odd && n.Positive:
		return errors.New("an odd block changes its sign and cannot be positive")
	case n.Positive && n.ZeroAt != nil && (n.In != 1 || n.Even || n.Convex || n.Monotone != nil):
		return errors.New("a positive block that has several inputs, or is even, convex or monotone, has no zero")
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

// validateForm says what is wrong with the form of the result.
func (n *Block) validateForm() error {
	switch {
	case (n.Form == Skew || n.Form == PSD) && n.side() == 0:
		return fmt.Errorf("a block that is %s gives a square matrix; it has %d elements", n.Form, n.Out)
	case n.Form == Skew && n.Out == 1:
		return errors.New("a skew matrix of one element is zero")
	case n.Form == DivergenceFree && (n.Out < 2 || n.In < n.Out):
		return fmt.Errorf("a divergence-free block gives a vector of at least 2 elements at a place, its first argument, of as many; they are %d and %d", n.Out, n.In)
	case n.Form != Free && (n.Odd || n.Even || n.Positive || n.monotone() || n.ZeroAt != nil || n.Convex):
		return fmt.Errorf("a block that is %s takes no other guarantee: its elements are made of several results of the network", n.Form)
	case n.Convex && (n.Odd || n.monotone()):
		return errors.New("a convex block cannot be odd, which only linear ones are, nor monotone")
	case n.Convex && len(n.Hidden) > 0 && !n.Activation.Convex:
		return fmt.Errorf("a convex block needs an activation that is convex and does not fall, as `softplus`; `%s` is not", n.Activation.Name)
	case n.Convex && n.Init == "zero_output":
		return errors.New("a convex block cannot start with zero_output: its weights are squares, and could not leave zero again")
	}
	return nil
}

// validateCell says what is wrong with a recurrent cell.
func (n *Block) validateCell() error {
	switch {
	case n.In <= n.Out:
		return fmt.Errorf("the first argument of a cell is its state, with as many elements as its result, and it needs an input besides; there are %d and %d", n.In, n.Out)
	case n.Kind == LSTM && n.Out%2 == 1:
		return fmt.Errorf("the state of an LSTM is its output, then its memory of as many elements; %d is odd", n.Out)
	case n.Odd || n.Even || n.Positive || n.monotone() || n.ZeroAt != nil || n.Convex || n.Form != Free:
		return errors.New("a recurrent cell takes no guarantee")
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
	return append(w, n.given())
}

// Tensors lists the weights, layer by layer.
func (n *Block) Tensors() []Tensor {
	var out []Tensor
	off := 0
	add := func(name string, shape ir.Shape) {
		out = append(out, Tensor{name, shape, off})
		off += shape.Size()
	}
	if n.Kind != Dense {
		units, gates := n.cell()
		add("input", ir.Mat(gates*units, n.In-n.Out))
		add("state", ir.Mat(gates*units, units))
		add("input.bias", ir.Vec(gates*units))
		add("state.bias", ir.Vec(gates*units))
		return out
	}
	w := n.widths()
	for l := range len(w) - 1 {
		add(fmt.Sprintf("%d.weight", l), ir.Mat(w[l+1], w[l]))
		add(fmt.Sprintf("%d.bias", l), ir.Vec(w[l+1]))
	}
	for l := 1; n.Convex && l < len(w)-1; l++ {
		add(fmt.Sprintf("%d.input", l), ir.Mat(w[l+1], n.In))
	}
	return out
}

// NumWeights is the number of weights.
func (n *Block) NumWeights() int {
	t := n.Tensors()
	last := t[len(t)-1]
	return last.Off + last.Shape.Size()
}
