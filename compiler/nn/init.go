package nn

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Init is a way to draw the weights of a new block.
type Init struct {
	Name, Doc string

	// last multiplies the weights of the last layer.
	last float64

	// weight fills the m×n matrix of a layer; uniformBias is the half-width of
	// the biases of a layer with n inputs, nil: they are 0.
	weight      func(w []float64, m, n int, gain float64, rng *rand.Rand)
	uniformBias func(n int) float64
}

// Inits lists the initialisations by their names in the language. Biases start
// at 0 unless it says otherwise.
//
// glorot: X. Glorot, Y. Bengio, AISTATS 2010; he: K. He et al., ICCV 2015, with
// the gain of the activation; orthogonal: A.M. Saxe et al., ICLR 2014.
var Inits = []*Init{
	{
		Name: "glorot", Doc: "uniform, variance 2/(fan_in + fan_out); the last layer times 0.1, so that training starts near the known physics",
		last: lastScale, weight: glorot,
	},
	{
		Name: "xavier", Doc: "glorot as published: the last layer like the others",
		last: 1, weight: glorot,
	},
	{
		Name: "he", Doc: "normal, variance gain²/fan_in for the activation's gain; the last layer times 0.1",
		last: lastScale, weight: func(w []float64, _, n int, gain float64, rng *rand.Rand) {
			for i := range w {
				w[i] = gain / math.Sqrt(float64(n)) * rng.NormFloat64()
			}
		},
	},
	{
		Name: "zero_output", Doc: "glorot with a last layer of zeros: training starts at the known physics",
		last: 0, weight: glorot,
	},
	{
		Name: "orthogonal", Doc: "orthonormal rows or columns times the activation's gain; the last layer times 0.1",
		last: lastScale, weight: orthogonal,
	},
	{
		Name: "uniform", Doc: "uniform in ±1/√fan_in, biases too: the default of PyTorch, which published examples use",
		last: 1, weight: func(w []float64, _, n int, _ float64, rng *rand.Rand) {
			uniform(w, 1/math.Sqrt(float64(n)), rng)
		},
		uniformBias: func(n int) float64 { return 1 / math.Sqrt(float64(n)) },
	},
}

// lastScale is what most initialisations multiply the last layer by.
const lastScale = 0.1

func findInit(name string) *Init {
	for _, i := range Inits {
		if i.Name == name {
			return i
		}
	}
	return nil
}

func initNames() (names []string) {
	for _, i := range Inits {
		names = append(names, i.Name)
	}
	return names
}

// NewWeights draws the weights of a new block, which has to be valid.
//
// What a monotone or convex block squares is drawn so that the squares are: in the first
// layer the sizes of the weights of Init, later uniform with mean 1/fan_in, so
// that hidden units, which all rise together, do not saturate the next layer.
// All weights of a cell are uniform in ±1/√units, as PyTorch's are.
func (n *Block) NewWeights(rng *rand.Rand) []float64 {
	how := findInit(n.Init)
	out := make([]float64, n.NumWeights())
	if n.Kind != Dense {
		units, _ := n.cell()
		uniform(out, 1/math.Sqrt(float64(units)), rng)
		return out
	}
	w, tensors := n.widths(), n.Tensors()
	part := func(t Tensor) []float64 { return out[t.Off:][:t.Shape.Size()] }
	last := func(l int) float64 {
		if l == len(w)-2 {
			return how.last
		}
		return 1
	}
	for l := range len(w) - 1 {
		in, to := w[l], w[l+1]
		weight, bias := part(tensors[2*l]), part(tensors[2*l+1])
		how.weight(weight, to, in, n.Activation.Gain, rng)
		if how.uniformBias != nil {
			uniform(bias, how.uniformBias(in), rng)
		}
		for i := range weight {
			square := n.monotone() || n.Convex && l > 0
			switch {
			case square && l > 0:
				weight[i] = 2 / float64(in) * rng.Float64()
			case square:
				square = n.Monotone[i%in] != 0
			}
			weight[i] *= last(l)
			if square {
				weight[i] = math.Sqrt(math.Abs(weight[i]))
			}
		}
	}
	for k, t := range tensors[2*(len(w)-1):] { // past the layers before, of a convex block
		how.weight(part(t), t.Shape.M, t.Shape.N, n.Activation.Gain, rng)
		for i := range part(t) {
			part(t)[i] *= last(k + 1)
		}
	}
	return out
}

func uniform(x []float64, r float64, rng *rand.Rand) {
	for i := range x {
		x[i] = r * (2*rng.Float64() - 1)
	}
}

func glorot(w []float64, m, n int, _ float64, rng *rand.Rand) {
	uniform(w, math.Sqrt(6/float64(m+n)), rng)
}

// orthogonal fills the matrix with orthonormal rows or columns, whichever are
// fewer: the Q of a normal matrix, with the signs that make it uniform.
func orthogonal(w []float64, m, n int, gain float64, rng *rand.Rand) {
	rows, cols := max(m, n), min(m, n)
	a := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	var q, r mat.Dense
	qr.QTo(&q)
	qr.RTo(&r)
	for i := range m {
		for j := range n {
			row, col := i, j
			if m < n {
				row, col = j, i
			}
			w[i*n+j] = gain * math.Copysign(1, r.At(col, col)) * q.At(row, col)
		}
	}
}
